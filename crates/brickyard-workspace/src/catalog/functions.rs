use super::access::Identity;
use super::fault::CatalogError;
use super::kind::Kind;
use super::privilege::Privilege;
use super::record::{FunctionRecord, Parameter};
use super::schemas::Change;
use super::{Catalog, name};
use crate::store::StoreError;

const FUNCTION: &str = "catalog_function";

/// Longest body of a function, in bytes.
const LONGEST: usize = 1024 * 1024;

/// A function that is to be made.
#[derive(Debug, Clone, Default)]
pub(crate) struct NewFunction {
    pub(crate) full_name: String,
    pub(crate) parameters: Vec<Parameter>,
    /// SQL type; `TABLE_TYPE` for a table function.
    pub(crate) return_type: String,
    pub(crate) return_columns: Vec<Parameter>,
    /// `SQL` or `PYTHON`.
    pub(crate) language: String,
    pub(crate) body: String,
    pub(crate) deterministic: bool,
    /// Catalog and schema its names are resolved in.
    pub(crate) context: Option<(String, String)>,
    pub(crate) comment: Option<String>,
    pub(crate) properties: Option<String>,
    /// Requirements of a function in Python.
    pub(crate) dependencies: Vec<String>,
    /// Replace a function of that name.
    pub(crate) replace: bool,
    /// `IN`, `OUT` or `INOUT` for each parameter of a procedure; none for a function.
    pub(crate) modes: Option<Vec<String>>,
}

impl Catalog {
    /// Functions of a schema that may be shown, by name.
    pub(crate) fn list_functions(
        &self,
        identity: &Identity,
        schema: &str,
    ) -> Result<Vec<FunctionRecord>, CatalogError> {
        let mut functions = self.list_routines(identity, schema)?;
        functions.retain(|record| record.modes.is_none());
        Ok(functions)
    }

    /// Functions and procedures of a schema that may be shown, by name.
    pub(crate) fn list_routines(
        &self,
        identity: &Identity,
        schema: &str,
    ) -> Result<Vec<FunctionRecord>, CatalogError> {
        let parts = name::parts(Kind::Schema, schema)?;
        self.get_schema(identity, schema)?;
        let mut seen = Vec::new();
        for record in self.function_records(&parts[0], &parts[1])? {
            let function = [record.catalog.clone(), record.schema.clone(), record.name.clone()];
            if self.is_visible(identity, Kind::Function, &function)? {
                seen.push(record);
            }
        }
        Ok(seen)
    }

    /// A function that may be called.
    ///
    /// Errors: no `EXECUTE` on it, or there is none of that name.
    pub(crate) fn callable_function(
        &self,
        identity: &Identity,
        full: &str,
    ) -> Result<FunctionRecord, CatalogError> {
        self.check(identity, Kind::Function, full, Privilege::EXECUTE)?;
        self.function_record(full)
    }

    /// A function that may be called.
    pub(crate) fn get_function(
        &self,
        identity: &Identity,
        full: &str,
    ) -> Result<FunctionRecord, CatalogError> {
        let parts = name::parts(Kind::Function, full)?;
        let record = self.function_record(full);
        if let Ok(record) = record
            && self.is_visible(identity, Kind::Function, &parts)?
        {
            return Ok(record);
        }
        self.check(identity, Kind::Function, full, Privilege::EXECUTE)?;
        self.function_record(full)
    }

    /// Makes a function; the caller owns it.
    pub(crate) fn create_function(
        &self,
        identity: &Identity,
        function: NewFunction,
    ) -> Result<FunctionRecord, CatalogError> {
        let parts = name::parts(Kind::Function, &function.full_name)?;
        let new_name = name::new(Kind::Function, &parts[2])?;
        let schema = format!("{}.{}", name::quote(&parts[0]), name::quote(&parts[1]));
        self.check(identity, Kind::Schema, &schema, Privilege::CREATE_FUNCTION)?;
        if function.body.len() > LONGEST {
            return Err(CatalogError::invalid("The body of a function has at most 1 MiB"));
        }
        let mut record = FunctionRecord {
            catalog: parts[0].clone(),
            schema: parts[1].clone(),
            name: new_name,
            id: uuid::Uuid::new_v4().to_string(),
            parameters: function.parameters,
            return_type: function.return_type,
            return_columns: function.return_columns,
            language: function.language.to_ascii_uppercase(),
            body: function.body,
            deterministic: function.deterministic,
            context: function.context,
            properties: function.properties,
            dependencies: function.dependencies,
            modes: function.modes,
            stamp: self.stamp(&identity.name, function.comment),
        };
        if self.store().insert(FUNCTION, &record.full_name(), &record)? {
            return Ok(record);
        }
        if !function.replace {
            return Err(CatalogError::already_exists(Kind::Function, record.full_name()));
        }
        self.check_manage(identity, Kind::Function, &function.full_name)?;
        let _changing = self.changing();
        if let Ok(present) = self.function_record(&function.full_name) {
            record.stamp.owner = present.stamp.owner;
            record.stamp.created_at = present.stamp.created_at;
            record.stamp.created_by = present.stamp.created_by;
        }
        self.store().put(FUNCTION, &record.full_name(), &record)?;
        Ok(record)
    }

    /// Changes owner, comment or tags.
    pub(crate) fn update_function(
        &self,
        identity: &Identity,
        full: &str,
        change: &Change,
    ) -> Result<FunctionRecord, CatalogError> {
        self.function_record(full)?;
        self.check_manage(identity, Kind::Function, full)?;
        let _changing = self.changing();
        let mut record = self.function_record(full)?;
        self.apply(identity, change, &mut record.stamp, None)?;
        self.store().put(FUNCTION, &record.full_name(), &record)?;
        Ok(record)
    }

    /// Drops a function.
    pub(crate) fn drop_function(&self, identity: &Identity, full: &str) -> Result<(), CatalogError> {
        let record = self.function_record(full)?;
        self.check_manage(identity, Kind::Function, full)?;
        self.remove_function(&record)
    }

    /// The record of a function, unasked.
    pub(crate) fn function_record(&self, full: &str) -> Result<FunctionRecord, CatalogError> {
        let key = name::parts(Kind::Function, full)?.join(".");
        self.store().get(FUNCTION, &key)?.ok_or_else(|| CatalogError::not_found(Kind::Function, key))
    }

    pub(super) fn function_records(
        &self,
        catalog: &str,
        schema: &str,
    ) -> Result<Vec<FunctionRecord>, StoreError> {
        let records = self.store().list(FUNCTION, &format!("{catalog}.{schema}."))?;
        Ok(records.into_iter().map(|(_, record)| record).collect())
    }

    pub(super) fn remove_function(&self, record: &FunctionRecord) -> Result<(), CatalogError> {
        let parts = [record.catalog.clone(), record.schema.clone(), record.name.clone()];
        self.store().delete(FUNCTION, &record.full_name())?;
        self.forget_grants(Kind::Function, &parts)?;
        Ok(())
    }
}
