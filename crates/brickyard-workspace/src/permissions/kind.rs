use crate::error::ApiError;

/// A kind of object and its permission levels, lowest first; each includes those before it.
#[derive(Debug, Clone, Copy)]
pub(super) struct ObjectKind {
    kind: &'static str,
    noun: &'static str,
    levels: &'static [&'static str],
}

const DOCUMENT: &[&str] = &["CAN_READ", "CAN_RUN", "CAN_EDIT", "CAN_MANAGE"];

const KINDS: [ObjectKind; 26] = [
    kind("warehouses", "warehouse", &["CAN_VIEW", "CAN_USE", "CAN_MONITOR", "CAN_MANAGE", "IS_OWNER"]),
    kind("serving-endpoints", "serving endpoint", &["CAN_VIEW", "CAN_QUERY", "CAN_MANAGE"]),
    kind("apps", "app", &["CAN_USE", "CAN_MANAGE"]),
    kind("app-spaces", "app space", &["CAN_USE", "CAN_MANAGE"]),
    kind("jobs", "job", &["CAN_VIEW", "CAN_MANAGE_RUN", "CAN_MANAGE", "IS_OWNER"]),
    kind("experiments", "experiment", &["CAN_READ", "CAN_EDIT", "CAN_MANAGE"]),
    kind("genie", "Genie space", &["CAN_VIEW", "CAN_RUN", "CAN_EDIT", "CAN_MANAGE"]),
    kind("clusters", "cluster", &["CAN_ATTACH_TO", "CAN_RESTART", "CAN_MANAGE"]),
    kind("cluster-policies", "cluster policy", &["CAN_USE"]),
    kind("instance-pools", "instance pool", &["CAN_ATTACH_TO", "CAN_MANAGE"]),
    kind("pipelines", "pipeline", &["CAN_VIEW", "CAN_RUN", "CAN_MANAGE", "IS_OWNER"]),
    kind(
        "registered-models",
        "registered model",
        &[
            "CAN_READ",
            "CAN_EDIT",
            "CAN_MANAGE_STAGING_VERSIONS",
            "CAN_MANAGE_PRODUCTION_VERSIONS",
            "CAN_MANAGE",
        ],
    ),
    kind("vector-search-endpoints", "vector search endpoint", &["CAN_USE", "CAN_MANAGE"]),
    kind("database-instances", "database instance", &["CAN_USE", "CAN_MANAGE"]),
    kind("database-projects", "database project", &["CAN_USE", "CAN_MANAGE"]),
    kind("secret-scopes", "secret scope", &["READ", "WRITE", "MANAGE"]),
    kind("authorization", "authorization", &["CAN_USE", "CAN_MANAGE"]),
    kind("directories", "directory", DOCUMENT),
    kind("files", "file", DOCUMENT),
    kind("notebooks", "notebook", DOCUMENT),
    kind("repos", "repo", DOCUMENT),
    kind("queries", "query", DOCUMENT),
    kind("alerts", "alert", DOCUMENT),
    kind("alertsv2", "alert", DOCUMENT),
    kind("dashboards", "dashboard", DOCUMENT),
    kind("dbsql-dashboards", "dashboard", DOCUMENT),
];

const fn kind(kind: &'static str, noun: &'static str, levels: &'static [&'static str]) -> ObjectKind {
    ObjectKind { kind, noun, levels }
}

/// The kind whose objects people call so, such as `serving-endpoints` for `serving endpoint`.
pub(crate) fn kind_of_noun(noun: &str) -> Option<&'static str> {
    KINDS.into_iter().find(|kind| kind.noun.eq_ignore_ascii_case(noun)).map(|kind| kind.kind)
}

impl ObjectKind {
    /// The kind of this name; an unknown one is a 400.
    pub(super) fn named(name: &str) -> Result<Self, ApiError> {
        let found = KINDS.into_iter().find(|candidate| candidate.kind == name);
        found.ok_or_else(|| ApiError::invalid(format!("{name} is not a supported object type")))
    }

    /// What people call one of these.
    pub(super) fn noun(self) -> &'static str {
        self.noun
    }

    /// Every level, lowest first.
    pub(super) fn levels(self) -> &'static [&'static str] {
        self.levels
    }

    /// The level that may change the list.
    pub(super) fn managing(self) -> &'static str {
        self.levels.iter().find(|level| level.ends_with("MANAGE")).copied().unwrap_or(self.highest())
    }

    /// What the maker of an object gets.
    pub(super) fn highest(self) -> &'static str {
        self.levels.last().copied().unwrap_or_default()
    }

    /// The level of this name; an unknown one is a 400 that names those there are.
    pub(super) fn level(self, name: &str) -> Result<&'static str, ApiError> {
        // Genie spaces were once read under this name.
        let name = if self.kind == "genie" && name == "CAN_READ" { "CAN_VIEW" } else { name };
        self.levels.iter().find(|level| **level == name).copied().ok_or_else(|| {
            let levels = self.levels.join(", ");
            ApiError::invalid(format!("{name} is not a permission level of a {}: it has {levels}", self.noun))
        })
    }

    /// Whether somebody with `held` may do what `needed` stands for.
    pub(super) fn includes(self, held: &str, needed: &str) -> bool {
        let rank = |name: &str| self.levels.iter().position(|level| *level == name);
        match (rank(held), rank(needed)) {
            (Some(held), Some(needed)) => held >= needed,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_includes_the_lower_ones() {
        let kind = ObjectKind::named("serving-endpoints").unwrap();
        assert!(kind.includes("CAN_MANAGE", "CAN_QUERY") && kind.includes("CAN_QUERY", "CAN_QUERY"));
        assert!(!kind.includes("CAN_VIEW", "CAN_QUERY") && !kind.includes("CAN_MANAGE", "CAN_FLY"));
        assert!(kind.level("CAN_USE").is_err());
        assert!(ObjectKind::named("spoons").is_err());
        assert_eq!(ObjectKind::named("jobs").unwrap().managing(), "CAN_MANAGE");
    }
}
