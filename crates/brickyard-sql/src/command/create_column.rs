//! Columns of a new table.

use crate::command::constraint::Constraint;
use crate::data_type::DataType;
use crate::error::SqlError;
use crate::parser::{Name, Parser};

/// A column of a new table.
#[derive(Debug, Clone)]
pub struct ColumnDefinition {
    /// Its name.
    pub name: String,
    /// Its type; `Unknown` when left out, as a view's columns do.
    pub data_type: DataType,
    /// `NOT NULL`.
    pub not_null: bool,
    /// `DEFAULT expression`, as typed.
    pub default: Option<String>,
    /// `GENERATED ALWAYS AS (expression)` or an identity.
    pub generated: Option<Generated>,
    /// `COMMENT`.
    pub comment: Option<String>,
    /// `MASK function [USING COLUMNS (…)]`.
    pub mask: Option<(Name, Vec<String>)>,
    /// Constraints of the column.
    pub constraints: Vec<Constraint>,
}

/// Where the values of a column come from.
#[derive(Debug, Clone)]
pub enum Generated {
    /// An expression, as typed.
    Expression(String),
    /// A running number.
    Identity(Identity),
}

/// `GENERATED … AS IDENTITY (START WITH a INCREMENT BY b)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// `ALWAYS`, else `BY DEFAULT`.
    pub always: bool,
    /// First value.
    pub start: i64,
    /// Step.
    pub step: i64,
}

impl Parser<'_> {
    /// A column with its options.
    pub(super) fn column(&mut self) -> Result<ColumnDefinition, SqlError> {
        let name = self.ident()?.value;
        self.symbol(":");
        let data_type = self.data_type()?;
        let mut column = ColumnDefinition { name, data_type, ..ColumnDefinition::untyped() };
        self.column_options(&mut column)?;
        Ok(column)
    }

    pub(super) fn column_options(&mut self, column: &mut ColumnDefinition) -> Result<(), SqlError> {
        loop {
            if self.words("NOT NULL") {
                column.not_null = true;
            } else if self.words("NULL") {
            } else if self.words("DEFAULT") {
                column.default = Some(self.default_expression(&column.name)?);
            } else if self.words("COMMENT") {
                column.comment = Some(self.string()?);
            } else if self.words("COLLATE") {
                self.collation()?;
            } else if self.is_words("GENERATED") {
                column.generated = Some(self.generated()?);
            } else if self.words("MASK") {
                column.mask = Some(self.mask()?);
            } else if let Some(constraint) = self.column_constraint(&column.name)? {
                column.constraints.push(constraint);
            } else {
                return Ok(());
            }
        }
    }

    /// What stands after `DEFAULT`.
    ///
    /// Errors: it reads a table or calls a function of the catalog (`INVALID_DEFAULT_VALUE` 42623).
    pub(super) fn default_expression(&mut self, column: &str) -> Result<String, SqlError> {
        let text = self.expr()?.span.of(self.sql).to_owned();
        if is_closed(&text) {
            return Ok(text);
        }
        let text = format!(
            "Failed to execute the command because the destination column or variable `{column}` has a DEFAULT value {text}, which contains subquery expressions or functions that are not built in."
        );
        Err(SqlError::new("INVALID_DEFAULT_VALUE.SUBQUERY_EXPRESSION", "42623", text))
    }

    /// `function [USING COLUMNS (a, b)]` after `MASK`.
    pub(super) fn mask(&mut self) -> Result<(Name, Vec<String>), SqlError> {
        let function = self.object()?;
        let columns = if self.words("USING COLUMNS") {
            self.parenthesized(|parser| Ok(parser.expr()?.span.of(parser.sql).to_owned()))?
        } else {
            Vec::new()
        };
        Ok((function, columns))
    }

    pub(super) fn generated(&mut self) -> Result<Generated, SqlError> {
        self.expect_words("GENERATED")?;
        let always = self.words("ALWAYS");
        if !always {
            self.expect_words("BY DEFAULT")?;
        }
        self.expect_words("AS")?;
        if !self.words("IDENTITY") {
            self.expect_symbol("(")?;
            let text = self.expr()?.span.of(self.sql).to_owned();
            self.expect_symbol(")")?;
            if !is_closed(&text) {
                let text = format!("\"{text}\" cannot be used in a generated column.");
                return Err(SqlError::new("DELTA_UNSUPPORTED_EXPRESSION_GENERATED_COLUMN", "42621", text));
            }
            return Ok(Generated::Expression(text));
        }
        let mut identity = Identity { always, start: 1, step: 1 };
        if self.symbol("(") {
            while !self.symbol(")") {
                if self.words("START WITH") || self.words("START") {
                    identity.start = self.signed()?;
                } else if self.words("INCREMENT BY") || self.words("INCREMENT") {
                    identity.step = self.signed()?;
                } else if !self.symbol(",") {
                    return Err(self.error());
                }
            }
        }
        Ok(Generated::Identity(identity))
    }

    pub(super) fn signed(&mut self) -> Result<i64, SqlError> {
        let negative = self.symbol("-");
        let number = i64::try_from(self.integer()?).map_err(|_| self.error())?;
        Ok(if negative { -number } else { number })
    }
}

/// Whether an expression reads no table and calls no function of the catalog: it is computed for whoever writes, with their rights.
pub(crate) fn is_closed(text: &str) -> bool {
    let statement = crate::statement::parse(&format!("SELECT {text}"));
    statement
        .and_then(|statement| crate::references::references(&statement))
        .is_ok_and(|found| found.is_empty())
}

impl ColumnDefinition {
    /// A column without type or options.
    pub(super) fn untyped() -> Self {
        Self {
            name: String::new(),
            data_type: DataType::Unknown,
            not_null: false,
            default: None,
            generated: None,
            comment: None,
            mask: None,
            constraints: Vec::new(),
        }
    }
}
