use serde_json::Value;

use super::Context;
use crate::failure::{Exit, Failure};
use crate::ops::running::Running;

/// Show what a running local workspace denied of late, and what would allow it
///
/// Who was denied, which permission is missing on what, and the command that gives it; the latest first.
#[derive(Debug, clap::Args)]
pub(crate) struct ExplainDeniedArgs {
    /// Only what this user, service principal or app was denied
    #[arg(long = "as", value_name = "NAME")]
    who: Option<String>,
    /// How many at most
    #[arg(long, default_value_t = 10)]
    limit: usize,
}

pub(crate) async fn run(args: ExplainDeniedArgs, context: &Context) -> Result<Exit, Failure> {
    let client = Running::nearest(&context.settings).await?.client()?;
    let answer: Value = client.get("/api/brickyard/denials", &[]).await?;
    let mut denials = answer["denials"].as_array().cloned().unwrap_or_default();
    denials.retain(|denial| args.who.as_deref().is_none_or(|who| concerns(denial, who)));
    denials.truncate(args.limit);
    context.printer.document(&denials, |denials| {
        if denials.is_empty() {
            return "Nothing was denied".to_owned();
        }
        denials.iter().map(explain).collect::<Vec<_>>().join("\n\n")
    });
    Ok(Exit::Success)
}

fn concerns(denial: &Value, who: &str) -> bool {
    let is = |field: &str| denial[field].as_str().is_some_and(|name| name.eq_ignore_ascii_case(who));
    is("principal")
        || is("name")
        || denial["name"].as_str().is_some_and(|name| name.ends_with(&format!(" {who}")))
}

fn explain(denial: &Value) -> String {
    let text = |field: &str| denial[field].as_str().unwrap_or_default();
    let on = if text("object").is_empty() { String::new() } else { format!(" on {}", text("object")) };
    format!(
        "{time}  {name} has no {permission}{on}\n  request:  {request} ({count} times)\n  answer:   {message}\n  allow it: {command}",
        time = text("time").get(..19).unwrap_or_default(),
        name = text("name"),
        permission = text("permission"),
        request = text("request"),
        count = denial["count"],
        message = text("message"),
        command = text("command"),
    )
}
