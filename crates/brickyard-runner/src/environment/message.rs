//! What `uv` and `npm` say when they fail, turned into one sentence and the requirement it is about.

use super::EnvironmentError;
use crate::tools::{speaks_of_network, speaks_of_room};

const MAX_REASON: usize = 1_500;

/// The error for a failed step, from what the tool wrote and the requirements it was given.
pub(super) fn explain(what: &'static str, errors: &str, requirements: Option<&str>) -> EnvironmentError {
    let reason = plain(errors);
    if speaks_of_network(errors) {
        return EnvironmentError::Network { what, reason };
    }
    if speaks_of_room(errors) {
        return EnvironmentError::NoRoom { what, reason };
    }
    if reason.contains("lockfile") && reason.contains("needs to be updated") {
        return EnvironmentError::StaleLock { reason };
    }
    let requirement = requirements.and_then(|text| blamed(&reason, text));
    EnvironmentError::Install { what, requirement, reason }
}

/// The error's sentence: the requirement first, if one is to blame.
pub(super) fn sentence(what: &str, requirement: Option<&str>, reason: &str) -> String {
    match requirement {
        Some(requirement) => format!("{what} failed for `{requirement}`: {reason}"),
        None => format!("{what} failed: {reason}"),
    }
}

/// The tool's error without its drawing, colours and progress, on few lines.
fn plain(errors: &str) -> String {
    let lines: Vec<&str> = errors
        .lines()
        .map(|line| line.trim_matches(|c: char| c.is_whitespace() || "×╰─▶│├┬┼╭".contains(c)))
        .filter(|line| !line.is_empty())
        .collect();
    let noise = [
        "Using Python",
        "Using CPython",
        "Creating virtual environment",
        "Resolved ",
        "Prepared ",
        "Downloading ",
        "Downloaded ",
        "Building ",
        "Built ",
        "warning:",
        // What to do we say ourselves.
        "hint:",
    ];
    let telling: Vec<&str> =
        lines.iter().copied().filter(|line| !noise.iter().any(|start| line.starts_with(start))).collect();
    let mut text = String::new();
    for line in if telling.is_empty() { lines } else { telling } {
        let line = line.strip_prefix("error: ").unwrap_or(line);
        // One generation of `uv` draws a cause below its error, the next one calls it so.
        let cause = line.strip_prefix("cause: ").or_else(|| line.strip_prefix("Caused by: "));
        if !text.is_empty() {
            text.push_str(if cause.is_some() && !text.ends_with(':') { ": " } else { " " });
        }
        text.push_str(cause.unwrap_or(line));
    }
    if text.is_empty() {
        return "the tool said nothing".into();
    }
    let mut short: String = text.chars().take(MAX_REASON).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

/// The first line of `requirements` whose package the reason names.
fn blamed(reason: &str, requirements: &str) -> Option<String> {
    let said = normal(reason);
    let mut best: Option<(usize, String)> = None;
    for line in requirements.trim_start_matches('\u{feff}').lines() {
        let line = line.split(" #").next().unwrap_or_default().trim().trim_end_matches('\\').trim();
        if line.is_empty() || line.starts_with('#') || line.starts_with('-') {
            continue;
        }
        let end = line.find(|c: char| !(c.is_alphanumeric() || "-_.".contains(c))).unwrap_or(line.len());
        let name = normal(&line[..end]);
        if name.is_empty() {
            continue;
        }
        let whole = normal(line);
        // The exact requirement is better evidence than the bare name; an earlier mention is better than a later one.
        let at = word(&said, &whole).or_else(|| word(&said, &name).map(|at| at + said.len()));
        if let Some(at) = at
            && best.as_ref().is_none_or(|(other, _)| at < *other)
        {
            best = Some((at, line.to_owned()));
        }
    }
    best.map(|(_, line)| line)
}

fn normal(text: &str) -> String {
    text.to_lowercase().replace(['_', '.'], "-")
}

/// Where `name` stands in `text` as a package name of its own: `flask` is not in `flask-login`.
fn word(text: &str, name: &str) -> Option<usize> {
    let alphanumeric = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    text.match_indices(name).map(|(at, _)| at).find(|&at| {
        let mut before = text[..at].chars().rev();
        let mut after = text[at + name.len()..].chars();
        let (first_before, first_after) = (before.next(), after.next());
        let joined_before = first_before == Some('-') && alphanumeric(before.next());
        let joined_after = first_after == Some('-') && alphanumeric(after.next());
        !alphanumeric(first_before) && !alphanumeric(first_after) && !joined_before && !joined_after
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNKNOWN: &str = "Using Python 3.11.7 environment at: /x\n  × No solution found when resolving dependencies:\n  ╰─▶ Because \
        no-such-pkg was not found in the package registry and you require no-such-pkg, we can conclude that your \
        requirements are unsatisfiable.\n";

    #[test]
    fn names_the_requirement() {
        let error = explain("Installing", UNKNOWN, Some("\u{feff}no_such_pkg  # mine\r\nflask>=3\r\n"));
        let EnvironmentError::Install { requirement, reason, .. } = error else { panic!("{error:?}") };
        assert_eq!(requirement.as_deref(), Some("no_such_pkg"));
        assert!(
            reason.starts_with("No solution found when resolving dependencies: Because no-such-pkg was"),
            "{reason}"
        );
    }

    #[test]
    fn both_generations_of_the_tool_read_alike() {
        let newer = "error: No solution found when resolving dependencies\n  cause: Because no-such-pkg was not found in the package \
            registry and you require no-such-pkg, we can conclude that your requirements are unsatisfiable.\nhint: Try again\n";
        assert_eq!(plain(newer), plain(UNKNOWN));
    }

    #[test]
    fn a_longer_name_is_another_package() {
        let said = "× No solution found: Because there is no version of flask-login==9 and you require flask-login==9";
        let error = explain("Installing", said, Some("flask\nflask-login==9\n"));
        assert!(
            matches!(error, EnvironmentError::Install { requirement: Some(r), .. } if r == "flask-login==9")
        );
    }

    #[test]
    fn a_full_disk_is_told_apart() {
        let said = "error: Failed to install: idna-3.10-py3-none-any.whl\n  Caused by: failed to write to file `/c/idna`: No space left on device (os error 28)\n";
        let error = explain("Installing", said, Some("idna\n"));
        assert!(matches!(error, EnvironmentError::NoRoom { .. }), "{error:?}");
        assert!(error.hint().unwrap().starts_with("make room"), "{error:?}");
    }

    #[test]
    fn what_is_wrong_with_a_lock_says_what_to_do() {
        let of = |said: &str| explain(super::super::build::UV_LOCK, said, None);
        let garbage = of(
            "Using CPython 3.11.7 interpreter at: /x\nCreating virtual environment at: /y\nerror: Failed to parse `uv.lock`\n  Caused by: TOML parse error at line 1, column 9\n",
        );
        let EnvironmentError::Install { reason, .. } = &garbage else { panic!("{garbage:?}") };
        assert_eq!(reason, "Failed to parse `uv.lock`: TOML parse error at line 1, column 9");
        assert!(garbage.hint().unwrap().contains("run `uv lock`"), "{garbage:?}");
        let python =
            of("error: No interpreter found for Python >=3.99 in managed installations or search path\n");
        assert!(python.hint().unwrap().starts_with("install that Python"), "{python:?}");
    }

    #[test]
    fn a_dead_network_is_told_apart() {
        let said = "error: Failed to fetch: `https://index.example/simple/idna/`\n  Caused by: client error (Connect)\n";
        assert!(matches!(explain("Installing", said, None), EnvironmentError::Network { .. }));
    }
}
