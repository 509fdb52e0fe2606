//! What is to be done for a statement: text for the engine, or a command for the workspace.

use crate::command::Command;
use crate::data_type::DataType;
use crate::error::SqlError;
use crate::references::{Reference, references};
use crate::statement::{Body, Statement};

/// What a statement comes to.
#[derive(Debug, Clone)]
pub enum Plan {
    /// The engine runs this.
    Engine(EngineStatement),
    /// The workspace answers this.
    Command(Box<Command>),
}

/// A statement for the engine.
#[derive(Debug, Clone)]
pub struct EngineStatement {
    /// Its text: names whole, markers gone, only what the engine knows.
    pub sql: String,
    /// What it reads and writes beyond what [`references`] gives for the statement itself: the tables behind views and functions,
    /// which are read with the rights of the view's or function's owner.
    pub definer_reads: Vec<Reference>,
}

/// What the session is when a statement is planned.
#[derive(Debug, Clone, Default)]
pub struct Context {
    /// Current catalog.
    pub catalog: String,
    /// Current schema.
    pub schema: String,
    /// Who runs it: the user name.
    pub user: String,
    /// Session variables in sight.
    pub variables: Vec<Variable>,
}

/// A session variable.
#[derive(Debug, Clone)]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// Its type.
    pub data_type: DataType,
    /// Its value as SQL text of that type.
    pub literal: String,
}

/// A column of a relation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its type.
    pub data_type: DataType,
    /// Its mask, when the user who asks must not see the value: an expression over the row's columns.
    pub mask: Option<String>,
    /// `DEFAULT` as SQL text.
    pub default: Option<String>,
}

/// What stands behind a name in `FROM`.
#[derive(Debug, Clone, Default)]
pub struct Relation {
    /// Its columns in order.
    pub columns: Vec<Column>,
    /// The text of a view with the names it was created in; `None` for a table.
    pub view: Option<View>,
    /// Condition over the columns that rows must fulfil to be seen by who asks.
    pub row_filter: Option<String>,
    /// What the engine knows the relation by, in SQL text; `None` is the whole name.
    pub engine_name: Option<String>,
}

/// A view.
#[derive(Debug, Clone, Default)]
pub struct View {
    /// Its query.
    pub text: String,
    /// Catalog that names of one and two parts are of.
    pub catalog: String,
    /// Schema that names of one part are of.
    pub schema: String,
    /// Its owner, with whose rights it reads.
    pub owner: String,
}

/// A SQL function.
#[derive(Debug, Clone, Default)]
pub struct Routine {
    /// Parameters: names, types, defaults.
    pub parameters: Vec<Column>,
    /// What it returns; `None` for a table function.
    pub returns: Option<DataType>,
    /// Columns of a table function; empty when they are those of the query.
    pub returns_table: Vec<Column>,
    /// Text after `RETURN`; `None` when it is not written in SQL.
    pub body: Option<String>,
    /// Catalog that names in it are of.
    pub catalog: String,
    /// Schema that names in it are of.
    pub schema: String,
    /// Its owner, with whose rights it reads.
    pub owner: String,
    /// What the engine knows the function by, when it runs it itself.
    pub engine_name: Option<String>,
}

/// What a planner asks of the catalog. Names are whole: catalog, schema, name; or one part for what belongs to the session.
pub trait Schemas: Sync {
    /// What stands behind a name; `None` when there is nothing.
    fn relation(&self, name: &[String]) -> Result<Option<Relation>, SqlError>;
    /// A function in the catalog; `None` when there is none.
    fn routine(&self, name: &[String]) -> Result<Option<Routine>, SqlError>;
    /// A temporary view of the session, by its one-part name.
    fn temporary(&self, name: &str) -> Option<Relation> {
        let _ = name;
        None
    }
    /// Whether who asks is in a group of the account.
    fn is_member(&self, group: &str) -> bool;
}

/// Plans a statement whose markers are bound.
pub fn plan(statement: &Statement, context: &Context, schemas: &dyn Schemas) -> Result<Plan, SqlError> {
    let _ = (context, schemas);
    references(statement)?;
    match &statement.body {
        Body::Command(command) => Ok(Plan::Command(command.clone())),
        Body::Query(_) | Body::Dml(_) => {
            Ok(Plan::Engine(EngineStatement { sql: statement.sql.clone(), definer_reads: Vec::new() }))
        }
    }
}

/// A name of one or two parts made whole with the current catalog and schema; `None` for more than three parts.
pub fn qualify(parts: &[String], catalog: &str, schema: &str) -> Option<Vec<String>> {
    match parts {
        [name] => Some(vec![catalog.to_owned(), schema.to_owned(), name.clone()]),
        [schema, name] => Some(vec![catalog.to_owned(), schema.clone(), name.clone()]),
        [_, _, _] => Some(parts.to_vec()),
        _ => None,
    }
}
