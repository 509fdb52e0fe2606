use serde_json::{Value, json};

use super::Context;
use crate::failure::{Exit, Failure};
use crate::ops::running::Running;

/// Show or move the clock of a running local workspace
///
/// Tokens, credentials, auto-stop and scale-to-zero follow it: `brickyard clock advance 2h` shows what happens when they
/// expire.
#[derive(Debug, clap::Args)]
pub(crate) struct ClockArgs {
    #[command(subcommand)]
    action: Option<Action>,
}

/// What to do with the clock.
#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Move it by a duration such as `90s`, `5m`, `2h` or `1d`; `-2h` moves it back
    Advance {
        /// The duration
        #[arg(allow_hyphen_values = true)]
        by: String,
    },
}

pub(crate) async fn run(args: ClockArgs, context: &Context) -> Result<Exit, Failure> {
    let client = Running::nearest(&context.settings).await?.client()?;
    let clock: Value = match args.action {
        None => client.get("/api/brickyard/clock", &[]).await?,
        Some(Action::Advance { by }) => {
            client.post("/api/brickyard/clock", &json!({ "advance_seconds": seconds(&by)? })).await?
        }
    };
    context.printer.document(&clock, |clock| {
        format!("{} ({} s ahead)", clock["now"].as_str().unwrap_or_default(), clock["offset_seconds"])
    });
    Ok(Exit::Success)
}

/// `2h` in seconds.
fn seconds(text: &str) -> Result<i64, Failure> {
    let wrong = || {
        Failure::user(format!("`{text}` is no duration"))
            .hint("write a number and a unit: `90s`, `5m`, `2h`, `1d`")
    };
    let unit = text.chars().last().ok_or_else(wrong)?;
    let number: i64 = text[..text.len() - unit.len_utf8()].parse().map_err(|_| wrong())?;
    let unit = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 86_400,
        _ => return Err(wrong()),
    };
    number.checked_mul(unit).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::seconds;

    #[test]
    fn durations_have_a_number_and_a_unit() {
        assert_eq!(seconds("90s").unwrap(), 90);
        assert_eq!(seconds("-2h").unwrap(), -7200);
        assert_eq!(seconds("1d").unwrap(), 86_400);
        for wrong in ["", "h", "2", "2w", "x2h", "9223372036854775807d"] {
            assert!(seconds(wrong).is_err(), "{wrong}");
        }
    }
}
