use std::ffi::OsString;
use std::fmt::Write as _;

use crate::config::ChildConfig;
use crate::engine::SLOTS_PER_CHILD;

/// Name of the catalog a session without a slot uses: in memory, its own for each session.
const WITHOUT_SLOT: &str = "session";

/// Longest time a session of the child may be idle, in seconds: longer than a statement may run, since the workspace ends
/// its sessions itself. The child keeps an alarm as long as this for every call.
const IDLE: u32 = 50 * 3600;

/// The whole environment of the Sail child that has a group of slots; nothing of ours is inherited.
///
/// Every slot is a Unity catalog with its own token, so the workspace can tell whose session asks. A slot's own default
/// catalog does not exist: without that, `__slot_01.sales.secret` typed in a session of slot 0 would be resolved with another
/// user's token (engine §1).
pub(crate) fn of_child(config: &ChildConfig, group: usize) -> Vec<(&'static str, OsString)> {
    let mut environment: Vec<(&'static str, OsString)> = vec![
        ("PATH", "/usr/local/bin:/usr/bin:/bin".into()),
        ("HOME", config.warehouse_directory.clone().into()),
        ("LANG", "C.UTF-8".into()),
        ("TZ", "UTC".into()),
        ("RUST_LOG", "warn,sail_cli=info".into()),
        ("PYTHONDONTWRITEBYTECODE", "1".into()),
        ("SAIL_SPARK__SESSION_TIMEOUT_SECS", IDLE.to_string().into()),
        ("SAIL_RUNTIME__MEMORY_POOL__TYPE", "greedy".into()),
        ("SAIL_RUNTIME__MEMORY_POOL__GREEDY__MAX_SIZE", config.memory.to_string().into()),
    ];
    if !config.catalog_tokens.is_empty() {
        environment.push(("SAIL_CATALOG__LIST", catalogs(config, group).into()));
        environment.push(("SAIL_CATALOG__DEFAULT_CATALOG", quoted(WITHOUT_SLOT).into()));
    }
    environment
}

/// The catalog that slot `number` is called in the child.
pub(crate) fn slot_name(number: usize) -> String {
    format!("__slot_{number:02}")
}

fn catalogs(config: &ChildConfig, group: usize) -> String {
    let mut list =
        format!("[{{name={}, type=\"memory\", initial_database=[\"default\"]}}", quoted(WITHOUT_SLOT));
    let slots = config.catalog_tokens.iter().enumerate().skip(group * SLOTS_PER_CHILD).take(SLOTS_PER_CHILD);
    for (number, token) in slots {
        let _ = write!(
            list,
            ", {{name={}, type=\"unity\", uri={}, default_catalog=\"no catalog\", token={}}}",
            quoted(&slot_name(number)),
            quoted(&config.catalog_url),
            quoted(token),
        );
    }
    list.push(']');
    list
}

/// A string in the notation of Sail's environment variables (figment's, which is close to TOML).
fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars() {
        if matches!(character, '"' | '\\') {
            quoted.push('\\');
        }
        quoted.push(character);
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn config(tokens: &[&str]) -> ChildConfig {
        ChildConfig {
            executable: PathBuf::from("sail"),
            warden: Vec::new(),
            warehouse_directory: PathBuf::from("/data/tables"),
            catalog_url: "http://127.0.0.1:4040/api/2.1/unity-catalog".to_owned(),
            catalog_tokens: tokens.iter().map(|&token| token.to_owned()).collect(),
            memory: 1024,
            largest: 1024,
        }
    }

    fn value(environment: &[(&'static str, OsString)], name: &str) -> Option<String> {
        let found = environment.iter().find(|(key, _)| *key == name)?;
        found.1.clone().into_string().ok()
    }

    #[test]
    fn every_token_is_a_slot() {
        let environment = of_child(&config(&["one", "t\"wo", "three", "four"]), 0);
        let list = value(&environment, "SAIL_CATALOG__LIST").unwrap();
        assert!(list.contains(
            r#"name="__slot_00", type="unity", uri="http://127.0.0.1:4040/api/2.1/unity-catalog""#
        ));
        assert!(list.contains(r#"name="__slot_01""#) && list.contains(r#"token="t\"wo""#), "{list}");
        assert!(!list.contains("four"));
        let list =
            value(&of_child(&config(&["one", "two", "three", "four"]), 1), "SAIL_CATALOG__LIST").unwrap();
        assert!(list.contains(r#"name="__slot_03""#) && !list.contains("three"), "{list}");
        assert_eq!(value(&environment, "SAIL_CATALOG__DEFAULT_CATALOG").unwrap(), "\"session\"");
        assert_eq!(value(&environment, "SAIL_RUNTIME__MEMORY_POOL__GREEDY__MAX_SIZE").unwrap(), "1024");
    }

    #[test]
    fn without_tokens_the_child_keeps_its_own_catalog() {
        assert_eq!(value(&of_child(&config(&[]), 0), "SAIL_CATALOG__LIST"), None);
    }

    #[test]
    fn tokens_are_not_printed() {
        assert!(!format!("{:?}", config(&["hidden-token"])).contains("hidden-token"));
    }
}
