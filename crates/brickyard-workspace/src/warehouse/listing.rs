use super::fault::Fault;
use super::name::full_name;
use super::pattern::like;
use crate::caller::Caller;
use crate::catalog::{Identity, TableRecord};
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
#[derive(Debug, Clone)]
pub(crate) struct TableRow {
    record: TableRecord,
    pub(crate) catalog: String,
    pub(crate) schema: String,
    pub(crate) name: String,
    /// `TABLE`, `VIEW`, `MATERIALIZED_VIEW`, `STREAMING_TABLE`.
    pub(crate) kind: &'static str,
    pub(crate) comment: Option<String>,
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
    /// Whether its numbers are given to it.
    pub(crate) identity: bool,
    /// Whether it is computed from others.
    pub(crate) generated: bool,
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
        let records = self.workspace.catalog().list_catalogs(&self.identity()?)?;
        Ok(records.into_iter().map(|record| record.name).collect())
    }

    /// Schemas of every catalog.
    pub(crate) fn schemas(&self) -> Result<Vec<SchemaRow>, Fault> {
        let (catalog, identity) = (self.workspace.catalog(), self.identity()?);
        let mut rows = Vec::new();
        for name in self.catalogs()? {
            for record in catalog.list_schemas(&identity, &full_name(&[&name]))? {
                rows.push(SchemaRow { catalog: record.catalog, name: record.name });
            }
        }
        Ok(rows)
    }

    /// Tables and views whose names fit JDBC patterns.
    pub(crate) fn tables(
        &self,
        catalog: Option<&str>,
        schema: Option<&str>,
        table: Option<&str>,
    ) -> Result<Vec<TableRow>, Fault> {
        let identity = self.identity()?;
        let fits = |pattern: Option<&str>, name: &str| pattern.is_none_or(|pattern| like(pattern, name));
        let mut rows = Vec::new();
        for found in self.schemas()? {
            if !fits(catalog, &found.catalog) || !fits(schema, &found.name) {
                continue;
            }
            let full = full_name(&[&found.catalog, &found.name]);
            for record in self.workspace.catalog().list_tables(&identity, &full)? {
                if fits(table, &record.name) {
                    rows.push(Self::row(record)?);
                }
            }
        }
        Ok(rows)
    }

    /// Functions made by users.
    pub(crate) fn functions(&self) -> Result<Vec<FunctionRow>, Fault> {
        let identity = self.identity()?;
        let mut rows = Vec::new();
        for schema in self.schemas()? {
            let full = full_name(&[&schema.catalog, &schema.name]);
            for record in self.workspace.catalog().list_functions(&identity, &full)? {
                rows.push(FunctionRow {
                    is_table: record.return_type == "TABLE_TYPE",
                    catalog: record.catalog,
                    schema: record.schema,
                    name: record.name,
                    comment: record.stamp.comment,
                });
            }
        }
        Ok(rows)
    }

    /// The columns of a table, which stand in its log: asked for only where they are needed.
    pub(crate) fn columns(&self, row: &TableRow) -> Result<Vec<ColumnRow>, Fault> {
        let columns = self.workspace.catalog().columns(&row.record)?.into_iter().map(|column| ColumnRow {
            type_text: column.data_type.text(),
            identity: column.metadata.contains_key("delta.identity.start"),
            generated: column.metadata.contains_key("delta.generationExpression"),
            name: column.name,
            nullable: column.nullable,
            comment: column.comment,
        });
        Ok(columns.collect())
    }

    /// One table that the caller may read.
    pub(crate) fn table(&self, record: TableRecord) -> Result<TableRow, Fault> {
        Self::row(record)
    }

    fn row(record: TableRecord) -> Result<TableRow, Fault> {
        let mut row = TableRow {
            catalog: record.catalog.clone(),
            schema: record.schema.clone(),
            name: record.name.clone(),
            kind: match record.table_type {
                kept if record.is_kept() => kept.code(),
                _ if record.is_view() => "VIEW",
                _ => "TABLE",
            },
            comment: record.stamp.comment.clone(),
            primary_key: None,
            foreign_keys: Vec::new(),
            record,
        };
        for constraint in row.record.constraints.clone() {
            match constraint.references {
                None => row.primary_key = Some(KeyRow { name: constraint.name, columns: constraint.columns }),
                Some((parent, parent_columns)) => {
                    let parts = crate::catalog::split(&parent)?;
                    if let Ok(parent) = <[String; 3]>::try_from(parts) {
                        row.foreign_keys.push(ForeignKeyRow {
                            name: constraint.name,
                            columns: constraint.columns,
                            parent,
                            parent_columns,
                        });
                    }
                }
            }
        }
        Ok(row)
    }

    fn identity(&self) -> Result<Identity, Fault> {
        Ok(self.workspace.catalog().identity(self.caller.name())?)
    }
}
