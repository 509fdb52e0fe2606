use std::path::PathBuf;

use super::Context;
use crate::failure::{Exit, Failure};
use crate::ops::sql::{self, Query};
use crate::printer::table;

/// Run a SQL statement on the local workspace's warehouse
///
/// Joins the workspace of a `brickyard run` in the same folder; else one is started for the statement.
#[derive(Debug, clap::Args)]
pub(crate) struct SqlArgs {
    /// The statement
    statement: String,
    /// User who runs it [default: the developer]
    #[arg(long = "as", value_name = "USER")]
    user: Option<String>,
    /// Folder whose workspace is meant
    #[arg(long, default_value = ".", value_name = "PATH")]
    app: PathBuf,
}

pub(crate) async fn run(args: SqlArgs, context: &Context) -> Result<Exit, Failure> {
    let directory = context.settings.absolute(&args.app);
    let query = Query { text: &args.statement, user: args.user.as_deref() };
    let result =
        sql::run(&context.settings, &directory, query, super::run::report_first_use(context.printer)).await?;
    context.printer.document(&result, |result| {
        let header: Vec<&str> = result.columns.iter().map(|column| column.name.as_str()).collect();
        let rows: Vec<Vec<String>> = result
            .rows
            .iter()
            .map(|row| row.iter().map(|cell| cell.clone().unwrap_or_else(|| "NULL".to_owned())).collect())
            .collect();
        table(&header, &rows)
    });
    Ok(Exit::Success)
}
