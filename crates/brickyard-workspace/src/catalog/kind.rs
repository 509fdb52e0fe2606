/// What grants are given on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Kind {
    /// The root of all catalogs.
    Metastore,
    /// First part of a name.
    Catalog,
    /// Second part.
    Schema,
    /// Table or view.
    Table,
    /// Place for files.
    Volume,
    /// SQL or Python function.
    Function,
    /// Way to a service outside.
    Connection,
}

impl Kind {
    /// As messages name it.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Metastore => "Metastore",
            Self::Catalog => "Catalog",
            Self::Schema => "Schema",
            Self::Table => "Table",
            Self::Volume => "Volume",
            Self::Function => "Routine",
            Self::Connection => "Connection",
        }
    }

    /// As keys and `information_schema` name it: `CATALOG`.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::Metastore => "METASTORE",
            Self::Catalog => "CATALOG",
            Self::Schema => "SCHEMA",
            Self::Table => "TABLE",
            Self::Volume => "VOLUME",
            Self::Function => "FUNCTION",
            Self::Connection => "CONNECTION",
        }
    }

    /// Reads `table`, `TABLE`, `view`, `DATABASE`, …, as SQL and the permissions API write it.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        Some(match text.to_ascii_uppercase().as_str() {
            "METASTORE" => Self::Metastore,
            "CATALOG" => Self::Catalog,
            "SCHEMA" | "DATABASE" => Self::Schema,
            "TABLE" | "VIEW" => Self::Table,
            "VOLUME" => Self::Volume,
            "FUNCTION" => Self::Function,
            "CONNECTION" => Self::Connection,
            _ => return None,
        })
    }

    /// Parts in its full name.
    pub(crate) fn depth(self) -> usize {
        match self {
            Self::Metastore => 0,
            Self::Catalog | Self::Connection => 1,
            Self::Schema => 2,
            Self::Table | Self::Volume | Self::Function => 3,
        }
    }
}
