//! Names as typed, made whole by the session's catalog and schema.

use brickyard_sql::Name;

use super::Scene;
use crate::catalog::{CatalogError, Kind, TableRecord};
use crate::warehouse::fault::Fault;
use crate::warehouse::name::{full_name, shown};

impl Scene<'_> {
    /// A name made whole, quoted as the catalog reads it.
    pub(crate) fn full(&self, name: &Name) -> Result<String, Fault> {
        Ok(full_name(&self.parts(&name.values())?))
    }

    /// The parts of a table-like name made whole.
    pub(crate) fn parts(&self, parts: &[String]) -> Result<Vec<String>, Fault> {
        let settings = self.session.settings();
        brickyard_sql::qualify(parts, &settings.catalog, &settings.schema).ok_or_else(|| {
            let shown = shown(parts);
            Fault::new(
                "IDENTIFIER_TOO_MANY_NAME_PARTS",
                "42601",
                format_args!("{shown} has more than three parts."),
            )
        })
    }

    /// The parts of a schema's name made whole.
    pub(crate) fn schema_parts(&self, parts: &[String]) -> Result<[String; 2], Fault> {
        match parts {
            [schema] => Ok([self.session.settings().catalog.clone(), schema.clone()]),
            [catalog, schema] => Ok([catalog.clone(), schema.clone()]),
            _ => Err(Fault::new("PARSE_SYNTAX_ERROR", "42601", "A schema has a name of one or two parts.")),
        }
    }

    /// The table of a name as typed, if the caller may see it; in a transaction, its branch.
    pub(crate) fn table(&self, parts: &[String]) -> Result<TableRecord, Fault> {
        let full = full_name(&self.parts(parts)?);
        let found = self.catalog().get_table(&self.identity, &full).map_err(|error| match error {
            // What is asked for is the table, also where its schema is missing.
            CatalogError::NotFound { kind: Kind::Schema, .. } => {
                CatalogError::NotFound { kind: Kind::Table, name: full }
            }
            error => error,
        });
        match self.transaction() {
            Some(transaction) => transaction.branch(found?),
            None => Ok(found?),
        }
    }
}
