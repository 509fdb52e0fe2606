use super::fault::Fault;
use crate::caller::Caller;
use crate::workspace::Workspace;

/// What a caller may see of the catalog, row by row, for the requests of JDBC and for `SHOW`.
pub(crate) struct Listing<'a> {
    workspace: &'a Workspace,
    caller: &'a Caller,
}

/// A schema.
#[derive(Debug, Clone)]
pub(crate) struct SchemaRow {
    pub(crate) catalog: String,
    pub(crate) name: String,
}

/// A table or view.
#[derive(Debug, Clone, Default)]
pub(crate) struct TableRow {
    pub(crate) catalog: String,
    pub(crate) schema: String,
    pub(crate) name: String,
    pub(crate) is_view: bool,
    pub(crate) comment: Option<String>,
    pub(crate) columns: Vec<ColumnRow>,
    pub(crate) primary_key: Option<KeyRow>,
    pub(crate) foreign_keys: Vec<ForeignKeyRow>,
}

/// A column of a table.
#[derive(Debug, Clone, Default)]
pub(crate) struct ColumnRow {
    pub(crate) name: String,
    pub(crate) type_text: String,
    pub(crate) nullable: bool,
    pub(crate) comment: Option<String>,
}

/// A primary key.
#[derive(Debug, Clone, Default)]
pub(crate) struct KeyRow {
    pub(crate) name: String,
    pub(crate) columns: Vec<String>,
}

/// A foreign key.
#[derive(Debug, Clone, Default)]
pub(crate) struct ForeignKeyRow {
    pub(crate) name: String,
    pub(crate) columns: Vec<String>,
    pub(crate) parent: [String; 3],
    pub(crate) parent_columns: Vec<String>,
}

/// A function made by a user.
#[derive(Debug, Clone, Default)]
pub(crate) struct FunctionRow {
    pub(crate) catalog: String,
    pub(crate) schema: String,
    pub(crate) name: String,
    pub(crate) is_table: bool,
    pub(crate) comment: Option<String>,
}

/// What this caller may see.
pub(crate) fn of<'a>(workspace: &'a Workspace, caller: &'a Caller) -> Listing<'a> {
    Listing { workspace, caller }
}

impl Listing<'_> {
    /// Names of catalogs.
    pub(crate) fn catalogs(&self) -> Result<Vec<String>, Fault> {
        let _ = (self.workspace, self.caller);
        Err(Fault::unsupported("listing catalogs"))
    }

    /// Schemas of every catalog.
    pub(crate) fn schemas(&self) -> Result<Vec<SchemaRow>, Fault> {
        let _ = (self.workspace, self.caller);
        Err(Fault::unsupported("listing schemas"))
    }

    /// Tables and views whose names fit JDBC patterns.
    pub(crate) fn tables(
        &self,
        catalog: Option<&str>,
        schema: Option<&str>,
        table: Option<&str>,
    ) -> Result<Vec<TableRow>, Fault> {
        let _ = (self.workspace, self.caller, catalog, schema, table);
        Err(Fault::unsupported("listing tables"))
    }

    /// Functions made by users.
    pub(crate) fn functions(&self) -> Result<Vec<FunctionRow>, Fault> {
        let _ = (self.workspace, self.caller);
        Err(Fault::unsupported("listing functions"))
    }
}
