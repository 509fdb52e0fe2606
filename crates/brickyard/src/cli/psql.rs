use std::ffi::OsString;
use std::path::PathBuf;

use super::Context;
use crate::failure::{Exit, Failure};
use crate::ops::psql::{self, Who};

/// Open a Postgres session on an app's database
///
/// Runs the machine's `psql` with a credential of one hour. As the app, the session may do what the app may do, which is
/// how a missing grant is found. A `brickyard run` of the same app is joined.
#[derive(Debug, clap::Args)]
pub(crate) struct PsqlArgs {
    /// Folder of the app
    #[arg(long, default_value = ".", value_name = "PATH")]
    app: PathBuf,
    /// Who opens it: `app`, or a user's e-mail address [default: the developer]
    #[arg(long = "as", value_name = "USER")]
    who: Option<String>,
    /// Arguments for `psql`, such as `-c "SELECT 1"`
    #[arg(last = true)]
    arguments: Vec<OsString>,
}

pub(crate) async fn run(args: PsqlArgs, context: &Context) -> Result<Exit, Failure> {
    let directory = context.settings.absolute(&args.app);
    let who = match args.who {
        None => Who::Developer,
        Some(name) if name == "app" => Who::App,
        Some(name) => Who::User(name),
    };
    let report = super::run::report_first_use(context.printer);
    let (settings, lifecycle) = (&context.settings, &context.lifecycle);
    let session = psql::run(settings, &directory, &who, &args.arguments, report, lifecycle);
    let code = Box::pin(session).await?;
    Ok(Exit::Child(code))
}
