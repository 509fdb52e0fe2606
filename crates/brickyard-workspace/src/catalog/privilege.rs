use serde::{Deserialize, Serialize};

use super::kind::Kind;

/// A Unity Catalog privilege, such as `USE_CATALOG`; shown in SQL as `USE CATALOG`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub(crate) struct Privilege(&'static str);

/// Privileges on a catalog that hold for all schemas and what is in them.
const BELOW_CATALOG: &[&str] = &["USE_SCHEMA"];
/// Privileges on a schema that hold for all that is in it.
const BELOW_SCHEMA: &[&str] = &[
    "APPLY_TAG",
    "CREATE_FUNCTION",
    "CREATE_MATERIALIZED_VIEW",
    "CREATE_MODEL",
    "CREATE_TABLE",
    "CREATE_VOLUME",
    "EXECUTE",
    "EXTERNAL_USE_SCHEMA",
    "MANAGE",
    "MODIFY",
    "READ_VOLUME",
    "REFRESH",
    "SELECT",
    "WRITE_VOLUME",
];
const CATALOG: &[&str] = &["ALL_PRIVILEGES", "BROWSE", "CREATE_SCHEMA", "USE_CATALOG"];
const SCHEMA: &[&str] = &["ALL_PRIVILEGES", "USE_SCHEMA"];
const TABLE: &[&str] = &["ALL_PRIVILEGES", "APPLY_TAG", "MANAGE", "MODIFY", "REFRESH", "SELECT"];
const VOLUME: &[&str] = &["ALL_PRIVILEGES", "APPLY_TAG", "MANAGE", "READ_VOLUME", "WRITE_VOLUME"];
const FUNCTION: &[&str] = &["ALL_PRIVILEGES", "EXECUTE", "MANAGE"];
const CONNECTION: &[&str] = &["ALL_PRIVILEGES", "CREATE_FOREIGN_CATALOG", "MANAGE", "USE_CONNECTION"];
const METASTORE: &[&str] = &[
    "CREATE_CATALOG",
    "CREATE_CONNECTION",
    "CREATE_EXTERNAL_LOCATION",
    "CREATE_PROVIDER",
    "CREATE_RECIPIENT",
    "CREATE_SHARE",
    "CREATE_STORAGE_CREDENTIAL",
    "MANAGE_ALLOWLIST",
];

impl Privilege {
    pub(crate) const ALL: Self = Self("ALL_PRIVILEGES");
    pub(crate) const BROWSE: Self = Self("BROWSE");
    pub(crate) const CREATE_CATALOG: Self = Self("CREATE_CATALOG");
    pub(crate) const CREATE_CONNECTION: Self = Self("CREATE_CONNECTION");
    pub(crate) const CREATE_FUNCTION: Self = Self("CREATE_FUNCTION");
    pub(crate) const CREATE_MATERIALIZED_VIEW: Self = Self("CREATE_MATERIALIZED_VIEW");
    pub(crate) const CREATE_MODEL: Self = Self("CREATE_MODEL");
    pub(crate) const CREATE_SCHEMA: Self = Self("CREATE_SCHEMA");
    pub(crate) const CREATE_TABLE: Self = Self("CREATE_TABLE");
    pub(crate) const CREATE_VOLUME: Self = Self("CREATE_VOLUME");
    pub(crate) const EXECUTE: Self = Self("EXECUTE");
    pub(crate) const MANAGE: Self = Self("MANAGE");
    pub(crate) const MODIFY: Self = Self("MODIFY");
    pub(crate) const READ_VOLUME: Self = Self("READ_VOLUME");
    pub(crate) const REFRESH: Self = Self("REFRESH");
    pub(crate) const SELECT: Self = Self("SELECT");
    pub(crate) const USE_CATALOG: Self = Self("USE_CATALOG");
    pub(crate) const USE_CONNECTION: Self = Self("USE_CONNECTION");
    pub(crate) const USE_SCHEMA: Self = Self("USE_SCHEMA");

    /// Reads `USE CATALOG`, `use_catalog`, `ALL`, `CREATE MATERIALIZED VIEW`, …; `None` for what is none.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let name = text.split_whitespace().collect::<Vec<_>>().join("_").to_ascii_uppercase();
        let name = match name.as_str() {
            "ALL" => "ALL_PRIVILEGES",
            "CREATE_VIEW" => "CREATE_TABLE",
            "USAGE" => "USE_SCHEMA",
            name => name,
        };
        let lists =
            [METASTORE, CATALOG, SCHEMA, BELOW_CATALOG, BELOW_SCHEMA, TABLE, VOLUME, FUNCTION, CONNECTION];
        lists.into_iter().flatten().find(|known| **known == name).map(|known| Self(known))
    }

    /// With underscores, as the API writes it.
    pub(crate) fn code(self) -> &'static str {
        self.0
    }

    /// Whether it can be granted on a thing of this kind.
    pub(crate) fn fits(self, kind: Kind) -> bool {
        let lists: &[&[&str]] = match kind {
            Kind::Metastore => &[METASTORE],
            Kind::Catalog => &[CATALOG, BELOW_CATALOG, BELOW_SCHEMA],
            Kind::Schema => &[SCHEMA, BELOW_SCHEMA],
            Kind::Table => &[TABLE],
            Kind::Volume => &[VOLUME],
            Kind::Function => &[FUNCTION],
            Kind::Connection => &[CONNECTION],
        };
        lists.iter().any(|list| list.contains(&self.0))
    }

    /// Whether `ALL PRIVILEGES` carries it.
    pub(crate) fn in_all(self) -> bool {
        !matches!(self.0, "MANAGE" | "EXTERNAL_USE_SCHEMA")
    }
}

impl std::fmt::Display for Privilege {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.0.replace('_', " "))
    }
}

impl<'de> Deserialize<'de> for Privilege {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom(format!("`{text}` is not a privilege")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn privileges_are_read_in_both_spellings() {
        assert_eq!(Privilege::parse("use  catalog"), Some(Privilege::USE_CATALOG));
        assert_eq!(Privilege::parse("ALL"), Some(Privilege::ALL));
        assert_eq!(Privilege::parse("SELEKT"), None);
        assert_eq!(Privilege::USE_CATALOG.to_string(), "USE CATALOG");
    }

    #[test]
    fn what_is_below_can_be_granted_above() {
        assert!(Privilege::SELECT.fits(Kind::Catalog) && Privilege::SELECT.fits(Kind::Table));
        assert!(!Privilege::USE_CATALOG.fits(Kind::Schema) && !Privilege::SELECT.fits(Kind::Volume));
        assert!(!Privilege::MANAGE.in_all() && Privilege::SELECT.in_all());
    }
}
