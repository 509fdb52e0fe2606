//! What the planner asks of the catalog, answered for one session.

use std::collections::HashMap;
use std::path::PathBuf;

use brickyard_sql::{
    Column, DataType, Files, ModelCall, Past, Reference, ReferenceKind, Relation, Routine, Schemas, SqlError,
    View,
};

use super::fault::Fault;
use super::name::{full_name, shown};
use super::session::Settings;
use super::system;
use super::transaction::{Transaction, not_supported};
use crate::caller::Caller;
use crate::catalog::{Branch, Catalog, CatalogError, Identity, Kind, Policy, Privilege, TableRecord};
use crate::error::ApiError;
use crate::files::FilePath;
use crate::workspace::Workspace;

/// The catalog as one caller's statements see it.
pub(crate) struct Sight<'a> {
    pub(crate) workspace: &'a Workspace,
    pub(crate) caller: &'a Caller,
    pub(crate) catalog: &'a Catalog,
    pub(crate) identity: &'a Identity,
    pub(crate) settings: &'a Settings,
    /// Whether the engine knows tables by their place alone: it has no way to our catalog.
    pub(crate) by_place: bool,
    /// Who may see everything: definers' tables are looked up as them, and delegated.
    pub(crate) admin: &'a Identity,
    /// Columns of files, as the engine found them.
    pub(crate) files: &'a HashMap<Files, Vec<Column>>,
    /// Rows of commands that stand in `FROM`.
    pub(crate) commands: &'a HashMap<String, Relation>,
    /// What models have answered, as SQL text.
    pub(crate) answers: &'a HashMap<ModelCall, String>,
    /// The transaction whose branches stand for the tables.
    pub(crate) transaction: Option<&'a Transaction>,
    /// Whether the rows of tables are seen as they are, for a check of our own.
    pub(crate) bare: bool,
    /// Directories of this machine under paths that only the workspace knows.
    pub(crate) places: &'a HashMap<String, PathBuf>,
}

impl Sight<'_> {
    /// Refuses a statement that touches what the caller has no grant for.
    pub(crate) fn authorize(&self, references: &[Reference]) -> Result<(), Fault> {
        for reference in references {
            match reference.kind {
                ReferenceKind::Read | ReferenceKind::Write => self.authorize_table(reference)?,
                ReferenceKind::Function => self.authorize_function(reference)?,
                ReferenceKind::Path => self.authorize_path(reference)?,
                ReferenceKind::UnknownPath => return Err(no_files("a path that is only known at run time")),
            }
        }
        Ok(())
    }

    /// Views and functions read with their owners' rights: an owner who has lost a grant has lost it for everybody.
    pub(crate) fn authorize_definers(&self, definers: &[(String, Reference)]) -> Result<(), Fault> {
        for (owner, reference) in definers {
            if owner.is_empty() || self.identity.name.eq_ignore_ascii_case(owner) && self.identity.admin {
                continue;
            }
            let identity = self.catalog.identity(owner)?;
            let owners = Sight { identity: &identity, ..*self };
            owners.authorize(std::slice::from_ref(reference))?;
        }
        Ok(())
    }

    fn authorize_table(&self, reference: &Reference) -> Result<(), Fault> {
        if let [name] = reference.parts.as_slice()
            && self.settings.temporary(name).is_some()
        {
            return Ok(());
        }
        let Some(full) = self.full(&reference.parts) else { return Ok(()) };
        if self.private(&reference.parts).is_some() {
            return Ok(());
        }
        if let Some(served) = system::whole(&reference.parts, &self.settings.catalog) {
            return system::authorize(self.catalog, self.identity, &served);
        }
        match self.catalog.check(self.identity, Kind::Table, &full, Privilege::SELECT) {
            // A schema or catalog that is not there has no tables either.
            Err(CatalogError::NotFound { .. }) => {
                let name = shown(
                    &brickyard_sql::qualify(&reference.parts, &self.settings.catalog, &self.settings.schema)
                        .unwrap_or_default(),
                );
                return Err(CatalogError::NotFound { kind: Kind::Table, name }.into());
            }
            checked => checked?,
        }
        let table = self.catalog.table_record(&full)?;
        self.catalog.check_filled(&table)?;
        if reference.kind == ReferenceKind::Write {
            self.catalog.check_not_foreign(&table)?;
            if table.is_materialized() {
                self.catalog.check_not_kept(&table, "DML")?;
            }
            self.catalog.check(self.identity, Kind::Table, &full, Privilege::MODIFY)?;
        }
        Ok(())
    }

    fn authorize_function(&self, reference: &Reference) -> Result<(), Fault> {
        if let [name] = reference.parts.as_slice()
            && self.settings.temporary_routine(name).is_some()
        {
            return Ok(());
        }
        let Some(full) = self.full(&reference.parts) else { return Ok(()) };
        match self.catalog.check(self.identity, Kind::Function, &full, Privilege::EXECUTE) {
            // Whether there is such a function at all, the planner says better.
            Ok(()) | Err(CatalogError::NotFound { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    fn authorize_path(&self, reference: &Reference) -> Result<(), Fault> {
        let path = reference.parts.last().map(String::as_str).unwrap_or_default();
        if self.places.contains_key(path) {
            return Ok(());
        }
        if !path.starts_with("/Volumes/") && !path.starts_with("dbfs:/Volumes/") {
            return Err(no_files(path));
        }
        let full = volume_name(&FilePath::parse(path)?)?;
        Ok(self.catalog.check(self.identity, Kind::Volume, &full, Privilege::READ_VOLUME)?)
    }

    fn full(&self, parts: &[String]) -> Option<String> {
        let parts = brickyard_sql::qualify(parts, &self.settings.catalog, &self.settings.schema)?;
        Some(full_name(&parts))
    }

    /// Tables that the engine must let this statement read although the caller has no grant, or only through a filter.
    pub(crate) fn delegated(
        &self,
        references: &[Reference],
        definers: &[(String, Reference)],
    ) -> Vec<String> {
        let guarded = references.iter().filter_map(|reference| {
            let parts =
                brickyard_sql::qualify(&reference.parts, &self.settings.catalog, &self.settings.schema)?;
            let record = self.catalog.table_record(&full_name(&parts)).ok()?;
            (record.is_guarded()).then(|| record.full_name())
        });
        let behind =
            definers.iter().map(|(_, reference)| reference).filter(|reference| reference.parts.len() == 3);
        guarded.chain(behind.map(|reference| reference.parts.join("."))).collect()
    }

    /// The transaction's own table of this whole name.
    fn private(&self, parts: &[String]) -> Option<Branch> {
        self.transaction?.private(&parts.join(".").to_lowercase())
    }

    /// A table, or its branch in the transaction.
    fn seen(&self, table: TableRecord) -> Result<Relation, Fault> {
        let Some(transaction) = self.transaction else { return self.relation_of(&table) };
        if transaction.is_asked_for() && !table.is_delta() && !table.is_view() {
            return Err(not_supported(
                "ILLEGAL_DATA_SOURCE_FOR_TRANSACTIONAL_READ",
                format_args!(
                    "The data source {} has format {}, which cannot be read transactionally in a multi-statement transaction.",
                    shown(&[table.catalog.clone(), table.schema.clone(), table.name.clone()]),
                    if table.format.is_empty() { table.table_type.code() } else { &table.format }
                ),
            ));
        }
        match transaction.branch_of(&table)? {
            None => self.relation_of(&table),
            Some(branch) => {
                let past = if transaction.is_asked_for() { Past::Refused } else { Past::Named };
                Ok(Relation { past, ..self.branch_relation(&branch)? })
            }
        }
    }

    fn branch_relation(&self, branch: &Branch) -> Result<Relation, Fault> {
        let mut relation = self.relation_of(&branch.record)?;
        relation.engine_name.get_or_insert_with(|| branch.engine_name());
        if self.bare {
            relation.row_filter = None;
            relation.columns.iter_mut().for_each(|column| column.mask = None);
        }
        Ok(relation)
    }

    pub(crate) fn relation_of(&self, table: &TableRecord) -> Result<Relation, Fault> {
        let columns = self.catalog.columns(table)?.into_iter().map(|column| {
            let mask = table.column_masks.get(&column.name.to_lowercase());
            let default = column.metadata.get("CURRENT_DEFAULT").and_then(|text| text.as_str());
            let generated = ["delta.identity.start", "delta.generationExpression"]
                .iter()
                .any(|key| column.metadata.contains_key(*key));
            Column {
                generated,
                mask: mask.map(|policy| masked(policy, &column.name)),
                data_type: DataType::from(column.data_type.text().as_str()),
                default: default.map(str::to_owned),
                name: column.name,
            }
        });
        let columns = columns.collect();
        let view = table.view_definition.as_ref().filter(|_| table.is_view()).map(|text| {
            let (catalog, schema) = table.view_context.clone().unwrap_or_default();
            View { text: text.clone(), catalog, schema, owner: table.stamp.owner.clone() }
        });
        let row_filter = table.row_filter.as_ref().map(|policy| call(policy, &policy.columns));
        let place = table.location.as_ref().filter(|_| self.by_place).map(|place| {
            let place = place.to_string_lossy().replace('`', "``");
            format!("{}.`{place}`", table.format.to_lowercase())
        });
        let engine_name = table.foreign().map(|_| foreign_view(table)).or(place);
        let materialized = table.is_materialized();
        Ok(Relation { columns, view, row_filter, engine_name, past: Past::Same, materialized })
    }
}

impl Schemas for Sight<'_> {
    fn relation(&self, name: &[String]) -> Result<Option<Relation>, SqlError> {
        if let Some(served) = system::whole(name, &self.settings.catalog) {
            let seen = self.catalog.get_catalog(self.identity, &full_name(&[&served[0]])).is_ok();
            return Ok(system::relation(self.catalog, &served).map_err(sql_error)?.filter(|_| seen));
        }
        if let Some(private) = self.private(name) {
            return Ok(Some(self.branch_relation(&private).map_err(sql_error)?));
        }
        match self.catalog.table_record(&full_name(name)) {
            Ok(table) => Ok(Some(self.seen(table).map_err(sql_error)?)),
            Err(CatalogError::NotFound { .. }) => Ok(None),
            Err(error) => Err(sql_error(error.into())),
        }
    }

    fn routine(&self, name: &[String]) -> Result<Option<Routine>, SqlError> {
        let function = match self.catalog.get_function(self.admin, &full_name(name)) {
            Ok(function) if function.modes.is_some() => return Ok(None),
            Ok(function) => function,
            Err(CatalogError::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(sql_error(error.into())),
        };
        let column = |parameter: crate::catalog::Parameter| Column {
            name: parameter.name,
            data_type: DataType::from(parameter.type_text.as_str()),
            mask: None,
            generated: false,
            default: parameter.default,
        };
        let (catalog, schema) = function.context.clone().unwrap_or_default();
        let is_table = function.return_type == "TABLE_TYPE";
        let is_python = function.language.eq_ignore_ascii_case("PYTHON");
        let outside = is_python.then(|| function.full_name());
        let body = function.language.eq_ignore_ascii_case("SQL").then_some(function.body);
        Ok(Some(Routine {
            parameters: function.parameters.into_iter().map(column).collect(),
            returns: (!is_table).then(|| DataType::from(function.return_type.as_str())),
            returns_table: function.return_columns.into_iter().map(column).collect(),
            body,
            catalog,
            schema,
            owner: function.stamp.owner,
            engine_name: None,
            outside,
        }))
    }

    fn temporary(&self, name: &str) -> Option<Relation> {
        self.settings.temporary(name).cloned()
    }

    fn temporary_routine(&self, name: &str) -> Option<Routine> {
        self.settings.temporary_routine(name).cloned()
    }

    fn constant_call(&self, name: &str, arguments: &[String]) -> Result<Option<String>, SqlError> {
        if let ("secret" | "try_secret", [scope, key]) = (name, arguments) {
            let allowed = self.workspace.authorize_scope(self.caller, scope, "READ");
            match allowed.and_then(|()| self.workspace.secret(scope, key)) {
                Ok(secret) => {
                    Ok(Some(brickyard_sql::string_literal(secret.expose_text().unwrap_or_default())))
                }
                Err(_) if name == "try_secret" => Ok(Some("CAST(NULL AS STRING)".to_owned())),
                Err(_) => Err(SqlError::new(
                    "INVALID_SECRET_LOOKUP.PATH_NOT_FOUND",
                    "22531",
                    format!(
                        "Invalid secret lookup: the secret with key `{key}` in the scope `{scope}` does not exist or cannot be read by you."
                    ),
                )),
            }
        } else {
            let call = ModelCall { name: name.to_owned(), arguments: arguments.to_vec() };
            Ok(self.answers.get(&call).cloned())
        }
    }

    fn file_columns(&self, files: &Files) -> Option<Vec<Column>> {
        self.files.get(files).cloned()
    }

    fn command_rows(&self, command: &str) -> Result<Option<Relation>, SqlError> {
        Ok(self.commands.get(command).cloned())
    }

    fn is_member(&self, group: &str) -> bool {
        self.identity.is(group)
    }

    fn path(&self, path: &str) -> Result<String, SqlError> {
        let place = || -> Result<String, Fault> {
            if let Some(place) = self.places.get(path) {
                return Ok(self.catalog.engine_path(place)?.to_string_lossy().into_owned());
            }
            let path = FilePath::parse(path)?;
            let volume = self.catalog.volume_record(&volume_name(&path)?)?;
            Ok(path.below(&volume.location)?.to_string_lossy().into_owned())
        };
        place().map_err(sql_error)
    }
}

/// The temporary view in the engine that holds the rows of a table of Lakebase for one statement.
pub(crate) fn foreign_view(table: &TableRecord) -> String {
    let name = table.full_name();
    format!("lakebase_{}", uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, name.as_bytes()).simple())
}

/// The full name of a path's volume as the catalog reads it.
fn volume_name(path: &FilePath) -> Result<String, ApiError> {
    Ok(full_name(&path.volume()?.split('.').collect::<Vec<_>>()))
}

fn masked(policy: &Policy, column: &str) -> String {
    let mut arguments = vec![column.to_owned()];
    arguments.extend(policy.columns.iter().cloned());
    call(policy, &arguments)
}

/// A call of a policy's function; its columns are written as the statement wrote them.
fn call(policy: &Policy, arguments: &[String]) -> String {
    let arguments: Vec<String> = arguments.iter().map(|argument| quoted(argument)).collect();
    format!("{}({})", crate::catalog::quote(&policy.function), arguments.join(", "))
}

/// A column's name in back-ticks; a literal stays as it is.
fn quoted(argument: &str) -> String {
    let plain = argument.chars().all(|letter| letter.is_alphanumeric() || letter == '_');
    let literal = argument.starts_with(|letter: char| letter.is_ascii_digit()) || argument.starts_with('\'');
    if plain && !literal { format!("`{argument}`") } else { argument.to_owned() }
}

fn no_files(path: &str) -> Fault {
    Fault::new(
        "INSUFFICIENT_PERMISSIONS",
        "42501",
        format_args!(
            "Insufficient privileges:\nUser does not have permission SELECT on any file ('{path}')."
        ),
    )
}

fn sql_error(fault: Fault) -> SqlError {
    SqlError {
        class: fault.class,
        sql_state: fault.sql_state,
        message: fault.message,
        hint: None,
        span: None,
    }
}
