//! `ALTER …`.

use super::constraint::Constraint;
use super::create_column::{ColumnDefinition, Identity};
use super::schedule::Schedule;
use super::{Command, Securable};
use crate::data_type::DataType;
use crate::error::SqlError;
use crate::parser::{Name, Parser};
use crate::query::Query;

/// `ALTER kind name action`.
#[derive(Debug, Clone)]
pub struct Alter {
    /// What is changed.
    pub kind: Securable,
    /// Its name.
    pub name: Name,
    /// How.
    pub action: AlterAction,
}

/// Where a column goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Position {
    /// `FIRST`.
    First,
    /// `AFTER column`.
    After(String),
}

/// The kinds of changes.
#[derive(Debug, Clone)]
pub enum AlterAction {
    /// `RENAME TO name`.
    Rename(Name),
    /// `[SET] OWNER TO principal`.
    Owner(String),
    /// `SET TAGS (…)`.
    SetTags(Vec<(String, String)>),
    /// `UNSET TAGS (…)`.
    UnsetTags(Vec<String>),
    /// `SET TBLPROPERTIES`, `SET DBPROPERTIES`.
    SetProperties(Vec<(String, String)>),
    /// `UNSET TBLPROPERTIES [IF EXISTS] (…)`.
    UnsetProperties(Vec<String>),
    /// `ADD COLUMN[S]`: column path, definition, place.
    AddColumns(Vec<(Vec<String>, ColumnDefinition, Option<Position>)>),
    /// `DROP COLUMN[S] [IF EXISTS]`: paths.
    DropColumns {
        /// `IF EXISTS`.
        if_exists: bool,
        /// The columns.
        columns: Vec<Vec<String>>,
    },
    /// `RENAME COLUMN a TO b`.
    RenameColumn(Vec<String>, String),
    /// `ALTER COLUMN a …`.
    Column(Vec<String>, ColumnChange),
    /// `REPLACE COLUMNS (…)`.
    ReplaceColumns(Vec<ColumnDefinition>),
    /// `ADD CONSTRAINT`.
    AddConstraint(Constraint),
    /// `DROP CONSTRAINT [IF EXISTS] name`, `DROP PRIMARY KEY`: the name, or `None` for the primary key.
    DropConstraint {
        /// `IF EXISTS`.
        if_exists: bool,
        /// The name.
        name: Option<String>,
    },
    /// `CLUSTER BY (…)`; `NONE` is an empty list.
    ClusterBy(Vec<String>),
    /// `CLUSTER BY AUTO`.
    ClusterByAuto,
    /// `SET ROW FILTER function ON (…)`.
    SetRowFilter(Name, Vec<String>),
    /// `DROP ROW FILTER`.
    DropRowFilter,
    /// `SET LOCATION`.
    Location(String),
    /// `AS query` of a view: the query and its text.
    Query(Box<Query>, String),
    /// `ADD SCHEDULE …`, `ALTER SCHEDULE …` and the same with `TRIGGER`: whether there must be one already, and what it becomes.
    Schedule(bool, Schedule),
    /// `DROP SCHEDULE`, `DROP TRIGGER`.
    DropSchedule,
    /// `SET MANAGED`, `ENABLE PREDICTIVE OPTIMIZATION` and others without local meaning: their words.
    Other(String),
}

/// A change of a column.
#[derive(Debug, Clone)]
pub enum ColumnChange {
    /// `COMMENT`.
    Comment(String),
    /// `TYPE`.
    Type(DataType),
    /// `SET NOT NULL` is true, `DROP NOT NULL` false.
    NotNull(bool),
    /// `SET DEFAULT expression`, `DROP DEFAULT`.
    Default(Option<String>),
    /// `FIRST`, `AFTER`.
    Position(Position),
    /// `SET MASK`.
    SetMask(Name, Vec<String>),
    /// `DROP MASK`.
    DropMask,
    /// `SET TAGS`.
    SetTags(Vec<(String, String)>),
    /// `UNSET TAGS`.
    UnsetTags(Vec<String>),
    /// `SYNC IDENTITY`.
    SyncIdentity(Option<Identity>),
}

impl Parser<'_> {
    pub(super) fn alter(&mut self) -> Result<Command, SqlError> {
        self.expect_words("ALTER")?;
        let Some(kind) = self.securable() else { return Err(self.error()) };
        let known = [
            Securable::Catalog,
            Securable::Schema,
            Securable::Table,
            Securable::View,
            Securable::Volume,
            Securable::Function,
            Securable::MaterializedView,
            Securable::StreamingTable,
        ];
        if !known.contains(&kind) {
            return self.unsupported(&format!("ALTER {}", kind.words()));
        }
        let name = self.object()?;
        let action = self.alter_action()?;
        Ok(Command::Alter(Box::new(Alter { kind, name, action })))
    }

    fn alter_action(&mut self) -> Result<AlterAction, SqlError> {
        if self.words("RENAME TO") {
            return self.object().map(AlterAction::Rename);
        }
        if self.words("SET OWNER TO") || self.words("OWNER TO") {
            return self.principal().map(AlterAction::Owner);
        }
        if self.words("SET TAGS") {
            return self.properties().map(AlterAction::SetTags);
        }
        if self.words("UNSET TAGS") {
            return self.parenthesized(Self::property_key).map(AlterAction::UnsetTags);
        }
        if self.words("SET TBLPROPERTIES") || self.words("SET DBPROPERTIES") {
            return self.properties().map(AlterAction::SetProperties);
        }
        if self.words("UNSET TBLPROPERTIES") || self.words("UNSET DBPROPERTIES") {
            self.words("IF EXISTS");
            return self.parenthesized(Self::property_key).map(AlterAction::UnsetProperties);
        }
        if self.words("ADD COLUMNS") || self.words("ADD COLUMN") {
            return self.add_columns();
        }
        if self.words("DROP COLUMNS") || self.words("DROP COLUMN") {
            let if_exists = self.words("IF EXISTS");
            let path = |parser: &mut Self| Ok(parser.name()?.values());
            let columns = if self.is_symbol("(") { self.parenthesized(path)? } else { self.list(path)? };
            return Ok(AlterAction::DropColumns { if_exists, columns });
        }
        if self.words("RENAME COLUMN") {
            let column = self.name()?.values();
            self.expect_words("TO")?;
            return Ok(AlterAction::RenameColumn(column, self.ident()?.value));
        }
        if self.words("ALTER COLUMN") || self.words("CHANGE COLUMN") || self.words("CHANGE") {
            let column = self.name()?.values();
            return Ok(AlterAction::Column(column, self.column_change()?));
        }
        if self.words("REPLACE COLUMNS") {
            return self.parenthesized(Self::column).map(AlterAction::ReplaceColumns);
        }
        for (word, alters) in [("ADD", false), ("ALTER", true)] {
            if self.is_words(&format!("{word} SCHEDULE")) || self.is_words(&format!("{word} TRIGGER")) {
                self.advance();
                return Ok(AlterAction::Schedule(alters, self.schedule()?));
            }
        }
        if self.words("DROP SCHEDULE") || self.words("DROP TRIGGER") {
            return Ok(AlterAction::DropSchedule);
        }
        if self.words("ADD") {
            let constraint = self.constraint()?.ok_or_else(|| self.error())?;
            return Ok(AlterAction::AddConstraint(constraint));
        }
        if self.words("DROP CONSTRAINT") {
            let if_exists = self.words("IF EXISTS");
            let name = Some(self.ident()?.value);
            self.one_of(&["RESTRICT", "CASCADE"]);
            return Ok(AlterAction::DropConstraint { if_exists, name });
        }
        if self.words("DROP PRIMARY KEY") {
            let if_exists = self.words("IF EXISTS");
            self.one_of(&["RESTRICT", "CASCADE"]);
            return Ok(AlterAction::DropConstraint { if_exists, name: None });
        }
        if self.words("CLUSTER BY") {
            if self.words("AUTO") {
                return Ok(AlterAction::ClusterByAuto);
            }
            if self.words("NONE") {
                return Ok(AlterAction::ClusterBy(Vec::new()));
            }
            return self.parenthesized(|p| Ok(p.name()?.values().join("."))).map(AlterAction::ClusterBy);
        }
        if self.words("SET ROW FILTER") {
            let (function, columns) = self.row_filter()?;
            return Ok(AlterAction::SetRowFilter(function, columns));
        }
        if self.words("DROP ROW FILTER") {
            return Ok(AlterAction::DropRowFilter);
        }
        if self.words("SET LOCATION") {
            return self.string().map(AlterAction::Location);
        }
        if self.words("AS") {
            let query = self.query()?;
            let text = query.span.of(self.sql).to_owned();
            return Ok(AlterAction::Query(Box::new(query), text));
        }
        const OTHER: [&str; 12] = [
            "SET MANAGED",
            "UNSET MANAGED",
            "ENABLE PREDICTIVE OPTIMIZATION",
            "DISABLE PREDICTIVE OPTIMIZATION",
            "INHERIT PREDICTIVE OPTIMIZATION",
            "RECOVER PARTITIONS",
            "DROP FEATURE",
            "ADD PARTITION",
            "DROP PARTITION",
            "DROP IF EXISTS PARTITION",
            "SET SERDE",
            "SET DEFAULT COLLATION",
        ];
        let words = self.one_of(&OTHER).ok_or_else(|| self.error())?;
        while self.advance().is_some() {}
        Ok(AlterAction::Other(words.to_owned()))
    }

    fn add_columns(&mut self) -> Result<AlterAction, SqlError> {
        let column = |parser: &mut Self| {
            parser.words("IF NOT EXISTS");
            let mut path = parser.name()?.values();
            let name = path.last().cloned().unwrap_or_default();
            path.pop();
            parser.symbol(":");
            let mut column =
                ColumnDefinition { name, data_type: parser.data_type()?, ..ColumnDefinition::untyped() };
            let mut position = None;
            loop {
                if parser.words("NOT NULL") {
                    column.not_null = true;
                } else if parser.words("COMMENT") {
                    column.comment = Some(parser.string()?);
                } else if parser.words("DEFAULT") {
                    column.default = Some(parser.default_expression(&column.name)?);
                } else if parser.words("MASK") {
                    column.mask = Some(parser.mask()?);
                } else if let Some(place) = parser.position()? {
                    position = Some(place);
                } else {
                    return Ok((path, column, position));
                }
            }
        };
        let columns = if self.is_symbol("(") { self.parenthesized(column)? } else { self.list(column)? };
        Ok(AlterAction::AddColumns(columns))
    }

    fn position(&mut self) -> Result<Option<Position>, SqlError> {
        if self.words("FIRST") {
            return Ok(Some(Position::First));
        }
        if self.words("AFTER") {
            return Ok(Some(Position::After(self.ident()?.value)));
        }
        Ok(None)
    }

    fn column_change(&mut self) -> Result<ColumnChange, SqlError> {
        if self.words("COMMENT") {
            return self.string().map(ColumnChange::Comment);
        }
        if self.words("TYPE") {
            return self.data_type().map(ColumnChange::Type);
        }
        if self.words("SET NOT NULL") {
            return Ok(ColumnChange::NotNull(true));
        }
        if self.words("DROP NOT NULL") {
            return Ok(ColumnChange::NotNull(false));
        }
        if self.words("SET DEFAULT") {
            return Ok(ColumnChange::Default(Some(self.default_expression("")?)));
        }
        if self.words("DROP DEFAULT") {
            return Ok(ColumnChange::Default(None));
        }
        if self.words("SET MASK") {
            let (function, columns) = self.mask()?;
            return Ok(ColumnChange::SetMask(function, columns));
        }
        if self.words("DROP MASK") {
            return Ok(ColumnChange::DropMask);
        }
        if self.words("SET TAGS") {
            return self.properties().map(ColumnChange::SetTags);
        }
        if self.words("UNSET TAGS") {
            return self.parenthesized(Self::property_key).map(ColumnChange::UnsetTags);
        }
        if self.words("SYNC IDENTITY") {
            return Ok(ColumnChange::SyncIdentity(None));
        }
        match self.position()? {
            Some(position) => Ok(ColumnChange::Position(position)),
            None => Err(self.error()),
        }
    }
}
