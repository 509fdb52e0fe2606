use super::Context;
use crate::failure::{Exit, Failure};
use crate::ops::doctor::{self, Level};

/// Check what brickyard needs of this machine
///
/// Tells the usual errors of Lakebase that stand in the logs of this folder's apps, too. Exit code 1 when something keeps it from working.
#[derive(Debug, clap::Args)]
pub(crate) struct DoctorArgs {
    /// Fetch the SQL engine and PostgreSQL where they are missing
    #[arg(long)]
    fetch: bool,
    /// Explain an error message of Lakebase in place of the check
    #[arg(long, value_name = "MESSAGE", conflicts_with = "fetch")]
    explain: Option<String>,
}

pub(crate) async fn run(args: DoctorArgs, context: &Context) -> Result<Exit, Failure> {
    let findings = match &args.explain {
        Some(message) => doctor::explain(message)?,
        None => {
            doctor::examine(&context.settings, args.fetch, super::run::report_first_use(context.printer))
                .await?
        }
    };
    let wrong = findings.iter().any(|finding| finding.level == Level::Wrong);
    context.printer.document(&findings, |findings| {
        let mut lines = Vec::new();
        for finding in findings {
            let mark = match finding.level {
                Level::Fine => "ok  ",
                Level::Note => "note",
                Level::Wrong => "FAIL",
            };
            lines.push(format!("{mark}  {:<16} {}", finding.what, finding.found));
            if let (Some(hint), true) = (&finding.hint, finding.level != Level::Fine) {
                lines.push(format!("      hint: {hint}"));
            }
        }
        lines.join("\n")
    });
    Ok(if wrong { Exit::Found } else { Exit::Success })
}
