//! Built-in functions.

/// Names of the built-in functions, one a line, with what they give.
const TABLE: &str = include_str!("function/table.txt");

/// Whether `name` (any case) is a function of Databricks SQL itself.
pub fn is_builtin(name: &str) -> bool {
    let lower = name.to_lowercase();
    rule(&lower).is_some()
}

/// The rule that gives the type of a built-in function; see `function/table.txt`.
pub(crate) fn rule(name: &str) -> Option<&'static str> {
    use std::collections::HashMap;
    use std::sync::LazyLock;
    static RULES: LazyLock<HashMap<&'static str, &'static str>> = LazyLock::new(|| {
        TABLE
            .lines()
            .filter(|line| !line.starts_with('#') && !line.trim().is_empty())
            .map(|line| line.split_once(' ').unwrap_or((line, "?")))
            .map(|(name, rule)| (name, rule.trim()))
            .collect()
    });
    RULES.get(name).copied()
}
