use std::collections::BTreeSet;

use super::Catalog;
use super::fault::CatalogError;
use super::kind::Kind;
use super::name;
use super::privilege::Privilege;

/// Everybody of the account.
pub(super) const ACCOUNT_USERS: &str = "account users";

/// Who asks, with all groups, in lower case.
#[derive(Debug, Clone)]
pub(crate) struct Identity {
    /// The name in grants.
    pub(crate) name: String,
    names: BTreeSet<String>,
    /// Whether everything is allowed.
    pub(crate) admin: bool,
}

impl Identity {
    /// Whether this principal or group is who asks, or one of their groups.
    pub(crate) fn is(&self, principal: &str) -> bool {
        self.names.contains(&principal.to_lowercase())
    }
}

impl Catalog {
    /// The identity of a principal with the groups it is in.
    pub(crate) fn identity(&self, principal: &str) -> Result<Identity, CatalogError> {
        let groups = self.inner.directory.groups_of(principal)?;
        let admin = self.inner.directory.is_admin(principal)?;
        let mut names: BTreeSet<String> = groups.iter().map(|group| group.to_lowercase()).collect();
        names.insert(principal.to_lowercase());
        Ok(Identity { name: principal.to_owned(), names, admin })
    }

    /// Refuses what the identity has no grant for; what is absent is told before what is forbidden on it.
    pub(crate) fn check(
        &self,
        identity: &Identity,
        kind: Kind,
        full_name: &str,
        privilege: Privilege,
    ) -> Result<(), CatalogError> {
        let parts = name::parts(kind, full_name)?;
        let denied = |kind, name: String, privilege| Err(CatalogError::Denied { privilege, kind, name });
        if kind == Kind::Connection {
            self.connection_record(&parts[0])?; // it lies in no catalog
        } else if let Some(catalog) = parts.first() {
            self.catalog_record(catalog)?;
            let using = privilege == Privilege::USE_CATALOG && kind == Kind::Catalog;
            if !using && !self.may(identity, Kind::Catalog, &parts[..1], Privilege::USE_CATALOG)? {
                return denied(Kind::Catalog, catalog.clone(), Privilege::USE_CATALOG);
            }
        }
        if parts.len() >= 2 {
            self.schema_record(&parts[0], &parts[1])?;
            let using = privilege == Privilege::USE_SCHEMA && kind == Kind::Schema;
            if !using && !self.may(identity, Kind::Schema, &parts[..2], Privilege::USE_SCHEMA)? {
                return denied(Kind::Schema, parts[..2].join("."), Privilege::USE_SCHEMA);
            }
        }
        if parts.len() == 3 {
            self.owner(kind, &parts)?; // is it there?
        }
        if self.may(identity, kind, &parts, privilege)? {
            return Ok(());
        }
        denied(kind, if parts.is_empty() { "workspace".to_owned() } else { parts.join(".") }, privilege)
    }

    /// Refuses who may not manage: change, drop, grant. Owners of the thing and of what it lies in may, and holders of
    /// `MANAGE`.
    pub(crate) fn check_manage(
        &self,
        identity: &Identity,
        kind: Kind,
        full_name: &str,
    ) -> Result<(), CatalogError> {
        let parts = name::parts(kind, full_name)?;
        let name = parts.join(".");
        if self.may_manage(identity, kind, &parts)? {
            return Ok(());
        }
        Err(CatalogError::NotOwner { kind, name })
    }

    /// Whether anything about the thing may be shown.
    pub(crate) fn is_visible(
        &self,
        identity: &Identity,
        kind: Kind,
        parts: &[String],
    ) -> Result<bool, CatalogError> {
        if self.may_manage(identity, kind, parts)? {
            return Ok(true);
        }
        if kind == Kind::Connection {
            return self.may(identity, kind, parts, Privilege::USE_CONNECTION);
        }
        if self.may(identity, Kind::Catalog, &parts[..1], Privilege::BROWSE)? {
            return Ok(true);
        }
        if parts.len() > 1 && !self.may(identity, Kind::Catalog, &parts[..1], Privilege::USE_CATALOG)? {
            return Ok(false);
        }
        if parts.len() > 2 && !self.may(identity, Kind::Schema, &parts[..2], Privilege::USE_SCHEMA)? {
            return Ok(false);
        }
        let wanted: &[Privilege] = match kind {
            Kind::Metastore => return Ok(true),
            Kind::Catalog => &[Privilege::USE_CATALOG],
            Kind::Schema => &[Privilege::USE_SCHEMA],
            Kind::Table => &[Privilege::SELECT, Privilege::MODIFY],
            Kind::Volume => &[Privilege::READ_VOLUME],
            Kind::Function => &[Privilege::EXECUTE],
            Kind::Connection => &[Privilege::USE_CONNECTION],
        };
        for privilege in wanted {
            if self.may(identity, kind, parts, *privilege)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn may_manage(&self, identity: &Identity, kind: Kind, parts: &[String]) -> Result<bool, CatalogError> {
        if identity.admin || self.may(identity, kind, parts, Privilege::MANAGE)? {
            return Ok(true);
        }
        for depth in 1..parts.len() {
            let above = if depth == 1 { Kind::Catalog } else { Kind::Schema };
            if identity.is(&self.owner(above, &parts[..depth])?) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether the identity owns the thing, or has the privilege on it or on what it lies in.
    pub(super) fn may(
        &self,
        identity: &Identity,
        kind: Kind,
        parts: &[String],
        privilege: Privilege,
    ) -> Result<bool, CatalogError> {
        if identity.admin {
            return Ok(true);
        }
        if kind != Kind::Metastore && identity.is(&self.owner(kind, parts)?) {
            return Ok(true);
        }
        let above =
            (1..parts.len()).map(|depth| (if depth == 1 { Kind::Catalog } else { Kind::Schema }, depth));
        for (kind, depth) in above.chain([(kind, parts.len())]) {
            if !privilege.fits(kind) {
                continue;
            }
            for assignment in self.assignments(kind, &parts[..depth])? {
                let granted = assignment.privileges.contains(&privilege)
                    || (privilege.in_all() && assignment.privileges.contains(&Privilege::ALL));
                if granted && identity.is(&assignment.principal) {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// Who owns a thing that is there.
    pub(super) fn owner(&self, kind: Kind, parts: &[String]) -> Result<String, CatalogError> {
        Ok(match (kind, parts) {
            (Kind::Metastore, _) => self.inner.owner.clone(),
            (Kind::Catalog, [catalog]) => self.catalog_record(catalog)?.stamp.owner,
            (Kind::Schema, [catalog, schema]) => self.schema_record(catalog, schema)?.stamp.owner,
            (Kind::Table, [_, _, _]) => self.table_record(&parts.join("."))?.stamp.owner,
            (Kind::Volume, [_, _, _]) => self.volume_record(&parts.join("."))?.stamp.owner,
            (Kind::Function, [_, _, _]) => {
                let full = parts.join(".");
                match self.function_record(&full) {
                    Ok(function) => function.stamp.owner,
                    Err(error) => self.model_record(&full).map_err(|_| error)?.stamp.owner,
                }
            }
            (Kind::Connection, [name]) => self.connection_record(name)?.stamp.owner,
            _ => return Err(CatalogError::not_found(kind, parts.join("."))),
        })
    }
}
