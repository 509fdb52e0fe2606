//! Access control lists of workspace objects and the permissions API over them.

mod access_list;
mod kind;
mod serve;

use axum::routing::{get, patch, put};

pub(crate) use access_list::{AccessLists, Holder};
pub(crate) use kind::kind_of_noun;

use crate::caller::Caller;
use crate::directory::Principal;
use crate::endpoint::{Family, Fidelity};
use crate::error::ApiError;
use crate::handle::WorkspaceHandle;
use crate::workspace::Workspace;
use kind::ObjectKind;

/// The permissions API, for every kind of object.
pub(crate) fn family() -> Family {
    let witness = Some("permissions::the_sdk_grants_and_withdraws");
    let full = Fidelity::Partial("Objects of kinds the workspace does not serve are accepted by their id.");
    let mut family = Family::new("Permissions");
    for (list, levels) in [
        ("/api/2.0/permissions/{kind}/{id}", "/api/2.0/permissions/{kind}/{id}/permissionLevels"),
        // The first SDKs and Terraform ask for warehouses under this path.
        ("/api/2.0/permissions/sql/{kind}/{id}", "/api/2.0/permissions/sql/{kind}/{id}/permissionLevels"),
    ] {
        family = family
            .endpoint("GET", list, get(serve::show), full, witness)
            .endpoint("PUT", list, put(serve::replace), full, witness)
            .endpoint("PATCH", list, patch(serve::add), full, witness)
            .endpoint("GET", levels, get(serve::levels), full, witness);
    }
    family
}

impl Workspace {
    /// Refuses what no entry of the object's list allows; the text names who, what and the level that is missing.
    pub(crate) fn authorize_object(
        &self,
        caller: &Caller,
        kind: &str,
        id: &str,
        level: &str,
    ) -> Result<(), ApiError> {
        let failed = |error: crate::store::StoreError| ApiError::internal(&error);
        let name = caller.name();
        let groups = self.directory().groups_of(name).map_err(failed)?;
        if groups.iter().any(|group| group == crate::directory::ADMINS) {
            return Ok(());
        }
        let object = ObjectKind::named(kind)?;
        let enough = |held: &str| object.includes(held, level);
        let allowed = self.access_lists().any(kind, id, |holder, held| {
            let inside = match holder {
                Holder::Group(group) => groups.iter().any(|name| name == group),
                Holder::User(user) => user.eq_ignore_ascii_case(name),
                Holder::ServicePrincipal(application_id) => application_id == name,
            };
            inside && enough(held)
        });
        if allowed {
            return Ok(());
        }
        let noun = object.noun();
        let message = format!("{name} does not have {level} permissions on {noun} '{id}'");
        let details = serde_json::json!([{
            "@type": "type.googleapis.com/google.rpc.ErrorInfo",
            "reason": "PERMISSION_DENIED",
            "domain": "brickyard",
            "metadata": { "principal": name, "object": format!("{kind}/{id}"), "permission": level },
        }]);
        Err(ApiError { details: Some(Box::new(details)), ..ApiError::denied(message) })
    }

    /// Gives a level on an object; `origin` tells what it came from, so that [`Self::withdraw`] finds it again.
    pub(crate) fn grant_object(
        &self,
        principal: &str,
        kind: &str,
        id: &str,
        level: &str,
        origin: Option<&str>,
    ) -> Result<(), ApiError> {
        let level = ObjectKind::named(kind)?.level(level)?;
        let holder = self.holder(principal)?;
        self.access_lists().grant(kind, id, holder, level, origin).map_err(|error| ApiError::internal(&error))
    }

    /// Refuses a level that does not exist, and who may not give it away: only managers of the object may.
    pub(crate) fn authorize_giving(
        &self,
        caller: &Caller,
        kind: &str,
        id: &str,
        level: &str,
    ) -> Result<(), ApiError> {
        let object = ObjectKind::named(kind)?;
        object.level(level)?;
        self.authorize_object(caller, kind, id, object.managing())
    }

    /// Takes back everything that came from an origin.
    pub(crate) fn withdraw(&self, origin: &str) -> Result<(), ApiError> {
        self.access_lists().withdraw(origin).map_err(|error| ApiError::internal(&error))
    }

    /// Gives the maker of an object its highest level.
    pub(crate) fn own_object(&self, caller: &Caller, kind: &str, id: &str) -> Result<(), ApiError> {
        let level = ObjectKind::named(kind)?.highest();
        self.grant_object(caller.name(), kind, id, level, None)
    }

    /// Drops the list of a deleted object.
    pub(crate) fn forget_object(&self, kind: &str, id: &str) -> Result<(), ApiError> {
        self.access_lists().forget(kind, id).map_err(|error| ApiError::internal(&error))
    }

    /// The user, service principal or group of this name.
    pub(crate) fn holder(&self, name: &str) -> Result<Holder, ApiError> {
        let failed = |error: crate::store::StoreError| ApiError::internal(&error);
        match self.directory().principal(name).map_err(failed)? {
            Some(Principal::User(user)) => Ok(Holder::User(user.user_name)),
            Some(Principal::ServicePrincipal(principal)) => {
                Ok(Holder::ServicePrincipal(principal.application_id))
            }
            None => {
                let groups = self.directory().groups().map_err(failed)?;
                let found = groups.into_iter().find(|group| group.display_name == name);
                found
                    .map(|group| Holder::Group(group.display_name))
                    .ok_or_else(|| ApiError::not_found("Principal", name))
            }
        }
    }
}

impl WorkspaceHandle {
    /// Gives a user, service principal or group (by its name) a permission level on an object, such as `CAN_USE` on
    /// `warehouses/ID`.
    ///
    /// 400 where the kind has no such level, 404 where there is no such principal.
    pub fn grant_object(&self, principal: &str, kind: &str, id: &str, level: &str) -> Result<(), ApiError> {
        self.workspace().grant_object(principal, kind, id, level, None)
    }

    /// Whether a user or service principal has a permission level on an object, as every request is asked; 404 where there
    /// is no such principal.
    pub fn may(&self, principal: &str, kind: &str, id: &str, level: &str) -> Result<bool, ApiError> {
        let caller = Caller::acting(self.workspace(), principal)?;
        match self.workspace().authorize_object(&caller, kind, id, level) {
            Ok(()) => Ok(true),
            Err(refused) if refused.status == http::StatusCode::FORBIDDEN => Ok(false),
            Err(error) => Err(error),
        }
    }
}
