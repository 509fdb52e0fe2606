use super::Context;
use crate::failure::{Exit, Failure};
use crate::ops::logs::{self, Filter, LogLine};
use crate::ops::target::TargetArgs;
use crate::printer::{Output, Printer};

/// Show the log of an app
///
/// In the local workspace also of an app, or a `brickyard run` of this folder, that has ended. The log of a real workspace
/// is read from the app's own address, which takes an OAuth sign-in.
#[derive(Debug, clap::Args)]
pub(crate) struct LogsArgs {
    /// Name of the app
    name: String,
    /// Keep following new lines
    #[arg(short, long)]
    follow: bool,
    /// How many of the last lines are shown first
    #[arg(long, default_value_t = 200, value_name = "LINES")]
    tail: usize,
    /// Only lines that contain this
    #[arg(long, value_name = "TEXT")]
    search: Option<String>,
    /// Only lines of these sources
    #[arg(
        long,
        value_delimiter = ',',
        value_name = "SOURCES",
        ignore_case = true,
        value_parser = ["APP", "SYSTEM", "BUILD"]
    )]
    source: Vec<String>,
    #[command(flatten)]
    target: TargetArgs,
}

pub(crate) async fn run(args: LogsArgs, context: &Context) -> Result<Exit, Failure> {
    let printer = context.printer;
    let origin = logs::find(&context.settings, &args.target, &args.name).await?;
    let filter = Filter { search: args.search, sources: args.source };
    tokio::select! {
        ended = logs::read(&origin, args.tail, args.follow, &filter, |line| show(printer, line)) => ended?,
        () = context.lifecycle.soft.cancelled() => {}
    }
    Ok(Exit::Success)
}

fn show(printer: Printer, line: &LogLine) {
    match printer.output {
        Output::Json => printer.data(serde_json::to_string(line).unwrap_or_default()),
        Output::Text => {
            #[expect(clippy::cast_possible_truncation, reason = "milliseconds of this century fit")]
            let time =
                jiff::Timestamp::from_millisecond((line.timestamp * 1000.0) as i64).unwrap_or_default();
            printer.data(format!("{time:.3} [{}] {}", line.source, line.message));
        }
    }
}
