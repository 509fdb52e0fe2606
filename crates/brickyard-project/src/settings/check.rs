use std::collections::BTreeMap;

use serde::Deserialize;

/// `[check]`: which rules apply where.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct CheckSettings {
    /// Codes or prefixes of codes (`BY1`) to use alone; default: all.
    pub select: Vec<String>,
    /// Codes or prefixes of codes to leave out.
    pub ignore: Vec<String>,
    /// Codes left out in files that match a pattern relative to `brickyard.toml`.
    pub per_file_ignores: BTreeMap<String, Vec<String>>,
    /// Patterns of files that are not looked at, beside what git ignores.
    pub exclude: Vec<String>,
    /// Codes reported at another level: `error`, `warning`, `info` or `off`.
    pub severity: BTreeMap<String, String>,
}
