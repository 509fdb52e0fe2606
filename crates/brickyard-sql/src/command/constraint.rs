//! Constraints of tables and columns.

use crate::error::SqlError;
use crate::parser::Parser;

/// A constraint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Constraint {
    /// `PRIMARY KEY`.
    PrimaryKey {
        /// `CONSTRAINT name`.
        name: Option<String>,
        /// The columns.
        columns: Vec<String>,
    },
    /// `FOREIGN KEY … REFERENCES`.
    ForeignKey {
        /// `CONSTRAINT name`.
        name: Option<String>,
        /// The columns.
        columns: Vec<String>,
        /// The table they point to.
        table: Vec<String>,
        /// Its columns; empty for its primary key.
        references: Vec<String>,
    },
    /// `CHECK (expression)`, as typed.
    Check {
        /// `CONSTRAINT name`.
        name: Option<String>,
        /// The expression.
        expression: String,
    },
    /// `UNIQUE`, informational.
    Unique {
        /// `CONSTRAINT name`.
        name: Option<String>,
        /// The columns.
        columns: Vec<String>,
    },
}

impl Parser<'_> {
    pub(super) fn column_constraint(&mut self, column: &str) -> Result<Option<Constraint>, SqlError> {
        let mark = self.mark();
        let name = if self.words("CONSTRAINT") { Some(self.ident()?.value) } else { None };
        let columns = vec![column.to_owned()];
        let constraint = if self.words("PRIMARY KEY") {
            Constraint::PrimaryKey { name, columns }
        } else if self.words("UNIQUE") {
            Constraint::Unique { name, columns }
        } else if self.words("FOREIGN KEY") || self.is_word_at(0, "REFERENCES") {
            self.foreign_key(name, columns)?
        } else if self.words("CHECK") {
            self.check(name)?
        } else {
            self.reset(mark);
            return Ok(None);
        };
        self.constraint_options();
        Ok(Some(constraint))
    }

    /// A constraint of a table, when one is next.
    pub(super) fn constraint(&mut self) -> Result<Option<Constraint>, SqlError> {
        let mark = self.mark();
        let name = if self.is_word_at(0, "CONSTRAINT") && self.peek(2).is_some() && !self.is_symbol_at(1, ",")
        {
            self.advance();
            Some(self.ident()?.value)
        } else {
            None
        };
        let columns = |parser: &mut Self| {
            parser.parenthesized(|parser| {
                let column = parser.ident()?.value;
                parser.words("TIMESERIES");
                Ok(column)
            })
        };
        let constraint = if self.is_words("PRIMARY KEY") && self.words("PRIMARY KEY") {
            Constraint::PrimaryKey { name, columns: columns(self)? }
        } else if self.is_word_at(0, "UNIQUE") && self.is_symbol_at(1, "(") {
            self.advance();
            Constraint::Unique { name, columns: columns(self)? }
        } else if self.words("FOREIGN KEY") {
            let columns = columns(self)?;
            self.foreign_key(name, columns)?
        } else if self.is_word_at(0, "CHECK") && self.is_symbol_at(1, "(") {
            self.advance();
            self.check(name)?
        } else {
            self.reset(mark);
            return Ok(None);
        };
        self.constraint_options();
        Ok(Some(constraint))
    }

    pub(super) fn foreign_key(
        &mut self,
        name: Option<String>,
        columns: Vec<String>,
    ) -> Result<Constraint, SqlError> {
        self.expect_words("REFERENCES")?;
        let table = self.object()?.values();
        let references = if self.is_symbol("(") {
            self.parenthesized(|parser| Ok(parser.ident()?.value))?
        } else {
            Vec::new()
        };
        Ok(Constraint::ForeignKey { name, columns, table, references })
    }

    pub(super) fn check(&mut self, name: Option<String>) -> Result<Constraint, SqlError> {
        self.expect_symbol("(")?;
        let expression = self.expr()?.span.of(self.sql).to_owned();
        self.expect_symbol(")")?;
        Ok(Constraint::Check { name, expression })
    }

    pub(super) fn constraint_options(&mut self) {
        const OPTIONS: [&str; 15] = [
            "NOT ENFORCED",
            "ENFORCED",
            "NOT DEFERRABLE",
            "DEFERRABLE",
            "INITIALLY DEFERRED",
            "INITIALLY IMMEDIATE",
            "NORELY",
            "RELY",
            "MATCH FULL",
            "ON UPDATE NO ACTION",
            "ON DELETE NO ACTION",
            "ON UPDATE CASCADE",
            "ON DELETE CASCADE",
            "DISABLE",
            "NOVALIDATE",
        ];
        while self.one_of(&OPTIONS).is_some() {}
    }
}
