use brickyard_project::check::{Rule, rule, rules};
use serde_json::json;

use crate::failure::{Exit, Failure};
use crate::printer::{Output, Printer, table};

/// Explain a rule of `check`
#[derive(Debug, clap::Args)]
pub(crate) struct RuleArgs {
    /// Code or name, such as BY201
    #[arg(required_unless_present = "all")]
    code: Option<String>,
    /// List every rule
    #[arg(long, conflicts_with = "code")]
    all: bool,
}

pub(crate) fn run(args: &RuleArgs, printer: Printer) -> Result<Exit, Failure> {
    let Some(code) = &args.code else {
        let all: Vec<_> = rules().iter().map(|rule| document(rule)).collect();
        printer.document(&all, |_| {
            let rows: Vec<Vec<String>> = rules()
                .iter()
                .map(|rule| vec![rule.code.to_owned(), rule.level.to_string(), rule.name.to_owned()])
                .collect();
            table(&["CODE", "LEVEL", "NAME"], &rows)
        });
        return Ok(Exit::Success);
    };
    let rule = rule(code).ok_or_else(|| {
        Failure::user(format!("There is no rule `{code}`"))
            .hint("run `brickyard rule --all` to see every rule")
    })?;
    if printer.output == Output::Json {
        printer.document(&document(rule), |_| String::new());
    } else {
        printer.data(rule.page().trim_end());
    }
    Ok(Exit::Success)
}

fn document(rule: &Rule) -> serde_json::Value {
    json!({
        "code": rule.code,
        "name": rule.name,
        "level": rule.level.to_string(),
        "family": rule.family(),
        "page": rule.page(),
    })
}
