//! One `authorize` decides for REST, SQL, files and Postgres alike.

use crate::caller::Caller;
use crate::catalog::{Kind, Privilege};
use crate::error::ApiError;
use crate::workspace::Workspace;

/// What somebody wants to do with a thing.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Wish<'a> {
    /// A permission level on an object with an access control list, such as `CAN_USE` on `warehouses/ID`.
    Object {
        /// Kind as in the permissions API: `warehouses`, `apps`, `serving-endpoints`, …
        kind: &'static str,
        /// Id as in the permissions API.
        id: &'a str,
        /// Level needed.
        level: &'static str,
    },
    /// A Unity Catalog privilege on a securable.
    Securable {
        /// `CATALOG`, `SCHEMA`, `TABLE`, `VOLUME`, `FUNCTION`, `CONNECTION`.
        kind: &'static str,
        /// Full name without quotes, such as `main.sales.orders`.
        full_name: &'a str,
        /// Privilege needed, such as `SELECT`.
        privilege: &'static str,
    },
}

impl Workspace {
    /// Refuses what the caller has no grant for; workspace admins and owners may do everything.
    pub(crate) fn authorize(&self, caller: &Caller, wish: Wish<'_>) -> Result<(), ApiError> {
        match wish {
            Wish::Object { kind, id, level } => self.authorize_object(caller, kind, id, level),
            Wish::Securable { kind, full_name, privilege } => {
                let kind = Kind::parse(kind)
                    .ok_or_else(|| ApiError::not_implemented(format_args!("grants on a {kind}")))?;
                let privilege = Privilege::parse(privilege)
                    .ok_or_else(|| ApiError::invalid(format!("Privilege {privilege} is not known")))?;
                let identity = self.catalog().identity(caller.name())?;
                Ok(self.catalog().check(&identity, kind, full_name, privilege)?)
            }
        }
    }

    /// Refuses a warehouse that is not there, or that the caller may not use.
    pub(crate) fn may_use_warehouse(&self, caller: &Caller, id: &str) -> Result<(), ApiError> {
        self.warehouses().get(self, id)?;
        self.authorize_object(caller, "warehouses", id, "CAN_USE")
    }

    /// Whether the caller is a workspace admin.
    pub(crate) fn is_admin(&self, caller: &Caller) -> Result<bool, ApiError> {
        self.directory().is_admin(caller.name()).map_err(|error| ApiError::internal(&error))
    }

    /// The id under which an object's list is kept, for an object that exists; else a 404.
    pub(crate) fn object_id(&self, kind: &str, id: String) -> Result<String, ApiError> {
        if kind == "apps" && self.app_record(&id)?.is_none() {
            return Err(ApiError::not_found("App", &id));
        }
        if kind == "serving-endpoints" {
            return self.serving_endpoint_name(id);
        }
        Ok(id)
    }
}
