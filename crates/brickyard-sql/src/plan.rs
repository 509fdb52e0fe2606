//! What is to be done for a statement: text for the engine, or a command for the workspace.

use crate::command::Command;
use crate::data_type::DataType;
use crate::error::SqlError;
use crate::references::{Reference, references};
use crate::rewrite::{Env, Planner, without_pipes};
use crate::statement::{Body, Statement, parse};
use crate::token::{Span, TokenKind, tokenize};

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
    /// with whose rights: those of the view's or function's owner.
    pub definer_reads: Vec<(String, Reference)>,
    /// Statements to be run before, in the same engine session: temporary views over files.
    pub setup: Vec<String>,
    /// Expressions that refer to themselves: their rows are made before, in this order.
    pub recursions: Vec<Recursion>,
    /// Columns that the changed table must be given before (`MERGE WITH SCHEMA EVOLUTION`).
    pub new_columns: Vec<Column>,
    /// The columns of the query that keep the declared type of a column with a length (`CHAR(3)`), by their places.
    pub lengths: Vec<(usize, DataType)>,
    /// Whether casts were put in that fail when arithmetic overflows: see [`overflow`].
    pub checked: bool,
    /// How many sums and products of unknown type are left to the engine.
    pub unchecked: usize,
    /// Calls whose answers [`Schemas::constant_call`] did not know: ask for them and plan anew.
    pub unknown_calls: Vec<ModelCall>,
    /// Files whose columns [`Schemas::file_columns`] did not know: ask the engine for them and plan anew.
    pub unknown_files: Vec<Files>,
}

/// A common table expression that refers to itself, in the engine's SQL. The anchor's rows are the first level; the step reads one
/// level and gives the next, until one is empty. All of them are the expression's rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recursion {
    /// The query of the first level.
    pub anchor: String,
    /// The query of every further level.
    pub step: String,
    /// The temporary view that the step reads: the level before.
    pub level: String,
    /// The temporary view that the statement reads: all levels.
    pub view: String,
    /// How often the step may run: `MAX RECURSION LEVEL`, else 100.
    pub levels: u64,
    /// How many rows the statement asks for, if it limits them: with so many the recursion may end.
    pub wanted: Option<u64>,
}

/// A call that the workspace answers before the engine runs. Of a model, such as `ai_query('endpoint', 'text')`, the arguments
/// are the literals' values. Of `http_request` and of a function outside the engine ([`OUTSIDE`], the first argument is which
/// one) they are constant expressions in the engine's SQL.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ModelCall {
    /// The function, in lower case.
    pub name: String,
    /// Its arguments.
    pub arguments: Vec<String>,
}

/// Name of calls of functions that run outside the engine.
pub const OUTSIDE: &str = "__outside";

/// Files as a source of rows.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Files {
    /// What stands for them in `FROM` of the engine.
    pub source: String,
    /// The statement that makes it, if one must be run before.
    pub setup: Option<String>,
}

/// What an error of the engine means for a statement into which checked casts were put: the overflow of the arithmetic within.
/// `class` and `message` are the engine's; `None` leaves the error as it is.
pub fn overflow(class: &str, message: &str) -> Option<SqlError> {
    let classes = ["CAST_OVERFLOW", "CAST_INVALID_INPUT", "NUMERIC_VALUE_OUT_OF_RANGE"];
    // What was a string was not put in.
    let cast =
        classes.iter().any(|known| class.starts_with(known)) && !message.contains("of the type \"STRING\"");
    let out_of_range = message.contains("is out of range Int") || message.contains("Can't cast value");
    if !cast && !out_of_range {
        return None;
    }
    let small = ["TINYINT", "SMALLINT", "Int8", "Int16"].iter().any(|name| message.contains(name));
    Some(if small {
        let text = "The result of the arithmetic caused overflow. Use a wider type, or `try_add`, `try_subtract` and `try_multiply` to return NULL instead.";
        SqlError::new("BINARY_ARITHMETIC_OVERFLOW", "22003", text)
    } else {
        let text = "Arithmetic overflow. Use a wider type, or `try_add`, `try_subtract`, `try_multiply` or `try_sum` to tolerate overflow and return NULL instead.";
        SqlError::new("ARITHMETIC_OVERFLOW", "22003", text)
    })
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
    /// Variables in sight, the innermost first.
    pub variables: Vec<Variable>,
    /// Whether the session's zone is another than UTC: its days may have 23 or 25 hours.
    pub local_time: bool,
    /// The zone as the session set it.
    pub zone: Option<String>,
    /// Whether `ansi_mode` is off: a text that is no value of the type it is cast to becomes NULL.
    pub lenient: bool,
}

/// A session variable.
#[derive(Debug, Clone)]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// Label of the block or name of the row it belongs to; `None` for the session's.
    pub qualifier: Option<String>,
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
    /// Whether the engine computes the value where none is given: an identity, or `GENERATED ALWAYS AS (…)`.
    pub generated: bool,
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
    /// What time travel is of.
    pub past: Past,
    /// Whether its rows are kept ones of a query, which have no history.
    pub materialized: bool,
}

/// What `VERSION AS OF` and `TIMESTAMP AS OF` go back in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Past {
    /// What is read without them.
    #[default]
    Same,
    /// The relation of the whole name; the engine's name is one for the present alone.
    Named,
    /// A transaction sees one version.
    Refused,
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
    /// What the workspace knows the function by, when it runs it outside the engine.
    pub outside: Option<String>,
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
    /// A temporary function of the session, by its one-part name.
    fn temporary_routine(&self, name: &str) -> Option<Routine> {
        let _ = name;
        None
    }
    /// Whether who asks is in a group of the account.
    fn is_member(&self, group: &str) -> bool;
    /// Where the engine finds a path such as `/Volumes/c/s/v/f`, which is authorized as a [`Reference`] of its own.
    fn path(&self, path: &str) -> Result<String, SqlError> {
        let hint = "Use a path on a volume: /Volumes/<catalog>/<schema>/<volume>/…";
        Err(SqlError::unsupported(format!("the path {}", crate::token::string_literal(path)), hint))
    }
    /// A function of the platform whose arguments are literals, such as `secret('scope', 'key')` or `ai_query('endpoint', 'text')`,
    /// as SQL text of its value; `None` where it is not served. The call is authorized here.
    fn constant_call(&self, name: &str, arguments: &[String]) -> Result<Option<String>, SqlError> {
        let _ = (name, arguments);
        Ok(None)
    }
    /// The columns of files, as the engine finds them; `None` when it has not been asked.
    fn file_columns(&self, files: &Files) -> Option<Vec<Column>> {
        let _ = files;
        None
    }
    /// The rows of a command within `FROM`, such as `DESCRIBE HISTORY t`, which the engine knows by `engine_name`.
    fn command_rows(&self, command: &str) -> Result<Option<Relation>, SqlError> {
        let _ = command;
        Ok(None)
    }
}

/// Plans a statement whose markers are bound.
///
/// Errors: names that are not there (`TABLE_OR_VIEW_NOT_FOUND` 42P01, `UNRESOLVED_COLUMN` 42703, `UNRESOLVED_ROUTINE` 42883),
/// what cannot be run (`UNSUPPORTED_FEATURE` 0A000 with a hint), and whatever the catalog says.
pub fn plan(statement: &Statement, context: &Context, schemas: &dyn Schemas) -> Result<Plan, SqlError> {
    crate::room::with_room(&statement.sql, || plan_here(statement, context, schemas))
}

fn plan_here(statement: &Statement, context: &Context, schemas: &dyn Schemas) -> Result<Plan, SqlError> {
    if let Body::Command(command) = &statement.body {
        return Ok(Plan::Command(command.clone()));
    }
    references(statement)?;
    let sql = without_pipes(statement.sql.clone())?;
    let statement = parse(&sql)?;
    let mut planner = Planner::new(&sql, context, schemas, 0);
    let mut lengths = Vec::new();
    let text = match &statement.body {
        Body::Query(query) => {
            let columns = planner.query(query, &Env::default())?;
            if !columns.open {
                let list = columns.list.into_iter().enumerate();
                lengths = list.filter_map(|(at, column)| Some((at, column.length?))).collect();
            }
            planner.render(query.span)?
        }
        Body::Dml(dml) => {
            let whole = Span::new(0, last_token(&sql)?);
            match planner.change(dml, whole)? {
                Some(text) => text,
                None => planner.render(whole)?,
            }
        }
        Body::Command(command) => return Ok(Plan::Command(command.clone())),
    };
    Ok(Plan::Engine(EngineStatement {
        sql: text,
        lengths,
        setup: planner.setup,
        recursions: planner.recursions,
        new_columns: planner.new_columns,
        definer_reads: planner.definer_reads,
        checked: planner.checked,
        unchecked: planner.unchecked,
        unknown_files: planner.unknown_files,
        unknown_calls: planner.unknown_calls,
    }))
}

/// Where the last token that is no `;` and no comment ends.
fn last_token(sql: &str) -> Result<usize, SqlError> {
    let tokens = tokenize(sql)?;
    let last = tokens.iter().rev().find(|token| {
        !matches!(token.kind, TokenKind::Space | TokenKind::Comment | TokenKind::Hint)
            && token.span.of(sql) != ";"
    });
    Ok(last.map_or(0, |token| token.span.end))
}

/// Plans a query that stands within a command, such as that of `CREATE TABLE … AS` or `DESCRIBE QUERY`.
pub fn plan_query(sql: &str, context: &Context, schemas: &dyn Schemas) -> Result<EngineStatement, SqlError> {
    match plan(&parse(sql)?, context, schemas)? {
        Plan::Engine(statement) => Ok(statement),
        Plan::Command(_) => Err(SqlError::syntax(sql, Span::new(0, sql.len()))),
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
