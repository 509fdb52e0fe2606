//! Securables and the words that name them.

use crate::parser::Parser;

/// The kinds of things with a name in the catalog.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Securable {
    /// `CATALOG`.
    Catalog,
    /// `SCHEMA` or `DATABASE`.
    Schema,
    /// `TABLE`.
    Table,
    /// `VIEW`.
    View,
    /// `MATERIALIZED VIEW`.
    MaterializedView,
    /// `STREAMING TABLE`.
    StreamingTable,
    /// `FUNCTION`.
    Function,
    /// `PROCEDURE`.
    Procedure,
    /// `VOLUME`.
    Volume,
    /// `COLUMN`, only of `COMMENT ON`, tags and the like.
    Column,
    /// `METASTORE`.
    Metastore,
    /// `EXTERNAL LOCATION`.
    ExternalLocation,
    /// `STORAGE CREDENTIAL`, `CREDENTIAL`.
    Credential,
    /// `CONNECTION`.
    Connection,
    /// `SHARE`.
    Share,
    /// `RECIPIENT`.
    Recipient,
    /// `PROVIDER`.
    Provider,
    /// `MODEL`; a function to the catalog.
    Model,
    /// `VARIABLE`.
    Variable,
    /// `ANY FILE`.
    AnyFile,
    /// `CLEAN ROOM`.
    CleanRoom,
}

const SECURABLES: [(&str, Securable); 24] = [
    ("CATALOG", Securable::Catalog),
    ("SCHEMA", Securable::Schema),
    ("DATABASE", Securable::Schema),
    ("TABLE", Securable::Table),
    ("VIEW", Securable::View),
    ("MATERIALIZED VIEW", Securable::MaterializedView),
    ("STREAMING TABLE", Securable::StreamingTable),
    ("FUNCTION", Securable::Function),
    ("PROCEDURE", Securable::Procedure),
    ("VOLUME", Securable::Volume),
    ("COLUMN", Securable::Column),
    ("METASTORE", Securable::Metastore),
    ("EXTERNAL LOCATION", Securable::ExternalLocation),
    ("STORAGE CREDENTIAL", Securable::Credential),
    ("SERVICE CREDENTIAL", Securable::Credential),
    ("CREDENTIAL", Securable::Credential),
    ("CONNECTION", Securable::Connection),
    ("SHARE", Securable::Share),
    ("RECIPIENT", Securable::Recipient),
    ("PROVIDER", Securable::Provider),
    ("MODEL", Securable::Model),
    ("VARIABLE", Securable::Variable),
    ("ANY FILE", Securable::AnyFile),
    ("CLEAN ROOM", Securable::CleanRoom),
];

impl Parser<'_> {
    /// Reads the words of a kind.
    pub(crate) fn securable(&mut self) -> Option<Securable> {
        SECURABLES.iter().find(|(words, _)| self.words(words)).map(|(_, kind)| *kind)
    }
}

impl Securable {
    /// The words as typed in SQL, such as `EXTERNAL LOCATION`.
    pub fn words(self) -> &'static str {
        SECURABLES.iter().find(|(_, kind)| *kind == self).map_or("", |(words, _)| words)
    }
}
