use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::{TABLE, remove_directory};
use crate::catalog::access::Identity;
use crate::catalog::column::Column;
use crate::catalog::delta;
use crate::catalog::fault::CatalogError;
use crate::catalog::kind::Kind;
use crate::catalog::privilege::Privilege;
use crate::catalog::record::{Constraint, TableRecord, TableType, Upkeep};
use crate::catalog::{Catalog, name};

/// Most columns a table can have.
const MOST_COLUMNS: usize = 10_000;

/// A table or view that is to be made.
#[derive(Debug, Clone, Default)]
pub(crate) struct NewTable {
    /// Catalog, schema and name.
    pub(crate) full_name: String,
    pub(crate) columns: Vec<Column>,
    pub(crate) partition_columns: Vec<String>,
    /// `DELTA` when empty.
    pub(crate) format: String,
    /// Files of an external table: an absolute path or `file:` URL; none makes a managed table.
    pub(crate) location: Option<String>,
    /// Options of the reader when it is not Delta.
    pub(crate) options: BTreeMap<String, String>,
    pub(crate) properties: BTreeMap<String, String>,
    pub(crate) comment: Option<String>,
    /// The query of a view, and the catalog and schema its names are resolved in.
    pub(crate) view: Option<(String, (String, String))>,
    pub(crate) constraints: Vec<Constraint>,
    /// Replace a table or view of that name (`CREATE OR REPLACE`).
    pub(crate) replace: bool,
    /// Makes it a materialized view or a streaming table, whose query is `view`.
    pub(crate) upkeep: Option<(TableType, Upkeep)>,
    /// The table whose rows, columns and properties it takes.
    pub(crate) clone: Option<CloneOf>,
}

/// The table that a clone is made from; its maker has been seen to be allowed to read it.
#[derive(Debug, Clone)]
pub(crate) struct CloneOf {
    pub(crate) table: TableRecord,
    /// The version; `None` is the latest.
    pub(crate) version: Option<i64>,
    /// `SHALLOW`.
    pub(crate) shallow: bool,
}

impl Catalog {
    /// Makes a table or view; the caller owns it. A Delta table gets its first commit here.
    pub(crate) fn create_table(
        &self,
        identity: &Identity,
        table: NewTable,
    ) -> Result<TableRecord, CatalogError> {
        let parts = name::parts(Kind::Table, &table.full_name)?;
        let new_name = name::new(Kind::Table, &parts[2])?;
        let schema = format!("{}.{}", name::quote(&parts[0]), name::quote(&parts[1]));
        let materialized = matches!(&table.upkeep, Some((TableType::MaterializedView, _)));
        let needed = if materialized { Privilege::CREATE_MATERIALIZED_VIEW } else { Privilege::CREATE_TABLE };
        self.check(identity, Kind::Schema, &schema, needed)?;
        self.check_writable(&parts[0])?;
        if parts[1] == "information_schema" {
            return Err(CatalogError::invalid("`information_schema` cannot hold further tables"));
        }
        check_columns(&table)?;
        let full = parts.join(".");
        let present = match self.table_record(&full) {
            Ok(record) => Some(record),
            Err(CatalogError::NotFound { .. }) => None,
            Err(error) => return Err(error),
        };
        if let Some(present) = present {
            if !table.replace {
                return Err(CatalogError::already_exists(Kind::Table, full));
            }
            self.check_manage(identity, Kind::Table, &full)?;
            self.check_not_foreign(&present)?;
            self.check_not_kept(&present, "REPLACE")?;
            return self.replace_table(identity, present, table);
        }
        let record = self.new_record(identity, &parts, new_name, &table)?;
        if !self.store().insert(TABLE, &full, &record)? {
            if record.owns_files()
                && let Some(location) = &record.location
            {
                remove_directory(location)?;
            }
            return Err(CatalogError::already_exists(Kind::Table, full));
        }
        Ok(record)
    }

    /// Makes the entry of a thing that is no table but stands among them, such as a vector search index; the caller owns
    /// it and its rows are kept elsewhere.
    pub(crate) fn register_index(
        &self,
        identity: &Identity,
        table: NewTable,
    ) -> Result<TableRecord, CatalogError> {
        let parts = name::parts(Kind::Table, &table.full_name)?;
        let new_name = name::new(Kind::Table, &parts[2])?;
        let schema = format!("{}.{}", name::quote(&parts[0]), name::quote(&parts[1]));
        self.check(identity, Kind::Schema, &schema, Privilege::CREATE_TABLE)?;
        let record = TableRecord {
            catalog: parts[0].clone(),
            schema: parts[1].clone(),
            name: new_name,
            id: uuid::Uuid::new_v4().to_string(),
            table_type: TableType::External,
            format: table.format,
            location: None,
            columns: table.columns,
            partition_columns: Vec::new(),
            options: BTreeMap::new(),
            properties: table.properties,
            view_definition: None,
            view_context: None,
            constraints: Vec::new(),
            row_filter: None,
            column_masks: BTreeMap::new(),
            column_tags: BTreeMap::new(),
            upkeep: None,
            stamp: self.stamp(&identity.name, table.comment),
        };
        if self.store().insert(TABLE, &parts.join("."), &record)? {
            return Ok(record);
        }
        Err(CatalogError::already_exists(Kind::Table, parts.join(".")))
    }

    fn replace_table(
        &self,
        identity: &Identity,
        present: TableRecord,
        table: NewTable,
    ) -> Result<TableRecord, CatalogError> {
        let parts = [present.catalog.clone(), present.schema.clone(), present.name.clone()];
        let is_view = table.view.is_some();
        if is_view != present.is_view() {
            let what = if present.is_view() { "a view" } else { "a table" };
            return Err(CatalogError::invalid(format!(
                "'{}' is {what} and cannot be replaced by another kind",
                present.full_name()
            )));
        }
        if present.is_delta() && table.location.is_none() && is_delta(&table) && table.clone.is_none() {
            let location = present.location.clone().unwrap_or_default();
            delta::replace(&location, &self.delta_table(identity, &present.id, &table))?;
            let mut record = present;
            record.constraints = table.constraints;
            record.stamp.comment = table.comment;
            self.touch(identity, &mut record.stamp);
            self.put_table(&record)?;
            return Ok(record);
        }
        let mut record = self.new_record(identity, &parts, present.name.clone(), &table)?;
        record.stamp.owner.clone_from(&present.stamp.owner);
        record.stamp.created_at = present.stamp.created_at;
        record.stamp.created_by.clone_from(&present.stamp.created_by);
        self.put_table(&record)?;
        if present.table_type == TableType::Managed
            && let Some(location) = &present.location
        {
            remove_directory(location)?;
        }
        Ok(record)
    }

    fn new_record(
        &self,
        identity: &Identity,
        parts: &[String],
        new_name: String,
        table: &NewTable,
    ) -> Result<TableRecord, CatalogError> {
        let id = uuid::Uuid::new_v4().to_string();
        let mut record = TableRecord {
            catalog: parts[0].clone(),
            schema: parts[1].clone(),
            name: new_name,
            id: id.clone(),
            table_type: TableType::View,
            format: String::new(),
            location: None,
            columns: Vec::new(),
            partition_columns: Vec::new(),
            options: BTreeMap::new(),
            properties: table.properties.clone(),
            view_definition: None,
            view_context: None,
            constraints: table.constraints.clone(),
            row_filter: None,
            column_masks: BTreeMap::new(),
            column_tags: BTreeMap::new(),
            upkeep: None,
            stamp: self.stamp(&identity.name, table.comment.clone()),
        };
        if let Some((definition, context)) = &table.view {
            record.view_definition = Some(definition.clone());
            record.view_context = Some(context.clone());
            if table.upkeep.is_none() {
                record.columns.clone_from(&table.columns);
                return Ok(record);
            }
        }
        record.format = if is_delta(table) { "DELTA".to_owned() } else { table.format.to_ascii_uppercase() };
        if let Some(location) = &table.location {
            let location = external_location(identity, location)?;
            record.table_type = TableType::External;
            record.location = Some(location);
        } else {
            record.table_type = TableType::Managed;
            record.location = Some(self.tables_directory().join(&id));
        }
        if let Some((table_type, upkeep)) = &table.upkeep {
            record.table_type = *table_type;
            record.upkeep = Some(upkeep.clone());
        }
        let location = record.location.clone().unwrap_or_default();
        if let Some(clone) = &table.clone {
            let source = delta::Source {
                log: super::delta_log(&clone.table)?,
                name: clone.table.full_name(),
                version: clone.version,
                shallow: clone.shallow,
            };
            delta::clone(&location, &source, &self.delta_table(identity, &id, table))?;
        } else if is_delta(table) {
            let has_log = delta::Log::of(&location).latest()?.is_some();
            match (has_log, table.columns.is_empty()) {
                (false, _) => delta::create(&location, &self.delta_table(identity, &id, table))?,
                (true, true) => {} // registers what is there
                (true, false) => {
                    let present = delta::Log::of(&location).snapshot()?.metadata.columns();
                    if !present.is_some_and(|present| same_columns(&present, &table.columns)) {
                        return Err(CatalogError::invalid(format!(
                            "The specified schema does not match the existing schema at {}",
                            location.display()
                        )));
                    }
                }
            }
        } else {
            if record.table_type == TableType::Managed {
                return Err(CatalogError::Unsupported(format!(
                    "managed tables of the format {}; leave out USING, or name a LOCATION",
                    record.format
                )));
            }
            if table.columns.is_empty() {
                return Err(CatalogError::invalid("A table that is not Delta needs columns"));
            }
            record.columns.clone_from(&table.columns);
            record.partition_columns.clone_from(&table.partition_columns);
            record.options.clone_from(&table.options);
        }
        Ok(record)
    }

    /// A directory of this machine that a table or its files may be made over by who asks.
    #[expect(clippy::unused_self, reason = "who asks need not know that admins may")]
    pub(crate) fn external_place(
        &self,
        identity: &Identity,
        location: &str,
    ) -> Result<PathBuf, CatalogError> {
        external_location(identity, location)
    }

    pub(super) fn delta_table(&self, identity: &Identity, id: &str, table: &NewTable) -> delta::NewTable {
        delta::NewTable {
            columns: table.columns.clone(),
            partition_columns: table.partition_columns.clone(),
            properties: table.properties.clone(),
            comment: table.comment.clone(),
            managed: table.location.is_none(),
            replaces: table.replace,
            user: identity.name.clone(),
            now: self.now(),
            id: id.to_owned(),
        }
    }
}

/// The directory of an external table. The machine's files are the developer's: only admins may name them, as there
/// are no external locations here that could be granted.
fn external_location(identity: &Identity, location: &str) -> Result<PathBuf, CatalogError> {
    if !identity.admin {
        let message = "User does not have CREATE EXTERNAL TABLE on External Location".to_owned();
        return Err(CatalogError::invalid(format!("{message} '{location}'.")));
    }
    local_path(location)
}

/// A path of this machine: absolute, or a `file:` URL.
pub(in crate::catalog) fn local_path(location: &str) -> Result<PathBuf, CatalogError> {
    let path = match location.split_once(':') {
        Some(("file", rest)) => Path::new("/").join(rest.trim_start_matches('/')),
        Some((scheme, _)) if !scheme.contains('/') => {
            return Err(CatalogError::Unsupported(format!("locations of the kind `{scheme}:`")));
        }
        _ => PathBuf::from(location),
    };
    let climbs = path.components().any(|part| part == std::path::Component::ParentDir);
    if !path.is_absolute() || climbs {
        return Err(CatalogError::invalid(format!("'{location}' is not an absolute path")));
    }
    Ok(path)
}

fn is_delta(table: &NewTable) -> bool {
    table.format.is_empty() || table.format.eq_ignore_ascii_case("delta")
}

pub(super) fn check_columns(table: &NewTable) -> Result<(), CatalogError> {
    if table.columns.len() > MOST_COLUMNS {
        return Err(CatalogError::invalid(format!("A table has at most {MOST_COLUMNS} columns")));
    }
    let mut names = BTreeSet::new();
    for column in &table.columns {
        if column.name.is_empty() || !names.insert(column.name.to_lowercase()) {
            return Err(CatalogError::Classed(
                "COLUMN_ALREADY_EXISTS",
                "42711",
                format!(
                    "The column `{}` already exists. Choose another name or rename the existing column.",
                    column.name
                ),
            ));
        }
        let wrong = column.name.chars().find(|character| " ,;{}()\n\t=".contains(*character));
        let mapped = table.properties.get(delta::MODE).is_some_and(|mode| mode.eq_ignore_ascii_case("name"));
        if is_delta(table) && (table.view.is_none() || table.upkeep.is_some()) && wrong.is_some() && !mapped {
            return Err(CatalogError::Classed(
                "DELTA_INVALID_CHARACTERS_IN_COLUMN_NAMES",
                "42K05",
                format!(
                    "Found invalid character(s) among ' ,;{{}}()\\n\\t=' in the column name `{}`.",
                    column.name
                ),
            ));
        }
    }
    for partition in &table.partition_columns {
        if !names.contains(&partition.to_lowercase()) {
            return Err(CatalogError::invalid(format!("Couldn't find the partition column {partition}")));
        }
    }
    Ok(())
}

fn same_columns(left: &[Column], right: &[Column]) -> bool {
    left.len() == right.len()
        && left.iter().zip(right).all(|(left, right)| {
            left.name.eq_ignore_ascii_case(&right.name) && left.data_type.delta() == right.data_type.delta()
        })
}
