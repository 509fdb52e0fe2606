use serde_json::{Value, json};

use super::Context;
use crate::failure::{Exit, Failure};
use crate::ops::running::Running;

/// Make requests to a running local workspace fail on purpose
///
/// Without a path the faults that are ordered are shown.
#[derive(Debug, clap::Args)]
pub(crate) struct FaultArgs {
    /// How the path of the requests begins, such as `/api/2.0/sql`
    path: Option<String>,
    /// Only requests of this method
    #[arg(long, requires = "path")]
    method: Option<String>,
    /// Answer this status
    #[arg(long, requires = "path")]
    status: Option<u16>,
    /// Seconds in `Retry-After` of that answer
    #[arg(long, requires = "status", value_name = "SECONDS")]
    retry_after: Option<u32>,
    /// Do what is asked first, then fail
    #[arg(long, requires = "status")]
    after_effect: bool,
    /// Wait so many milliseconds first
    #[arg(long, requires = "path", value_name = "MILLISECONDS")]
    delay: Option<u64>,
    /// Break the answer off so many milliseconds after it began
    #[arg(long, requires = "path", value_name = "MILLISECONDS")]
    cut_after: Option<u64>,
    /// How many requests it meets [default: all]
    #[arg(long, requires = "path")]
    count: Option<u32>,
    /// Take every fault back
    #[arg(long, conflicts_with = "path")]
    clear: bool,
}

pub(crate) async fn run(args: FaultArgs, context: &Context) -> Result<Exit, Failure> {
    const FAULTS: &str = "/api/brickyard/faults";
    let client = Running::nearest(&context.settings).await?.client()?;
    let faults: Value = match &args.path {
        _ if args.clear => client.delete(FAULTS, &[]).await?,
        None => client.get(FAULTS, &[]).await?,
        Some(path) => {
            let order = json!({
                "path": path, "method": args.method, "status": args.status, "retry_after": args.retry_after,
                "after_effect": args.after_effect, "delay_milliseconds": args.delay,
                "cut_after_milliseconds": args.cut_after, "count": args.count,
            });
            client.post(FAULTS, &order).await?
        }
    };
    context.printer.document(&faults, |faults| {
        let lines: Vec<String> =
            faults["faults"].as_array().into_iter().flatten().map(ToString::to_string).collect();
        if lines.is_empty() { "No faults are ordered".to_owned() } else { lines.join("\n") }
    });
    Ok(Exit::Success)
}
