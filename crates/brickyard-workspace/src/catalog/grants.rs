use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Catalog;
use super::access::{ACCOUNT_USERS, Identity};
use super::fault::CatalogError;
use super::kind::Kind;
use super::name;
use super::privilege::Privilege;
use crate::store::StoreError;

const GRANTS: &str = "catalog_grants";

/// What a principal holds on a thing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Assignment {
    /// E-mail address, client id or group, as it was written.
    pub(crate) principal: String,
    /// Sorted.
    pub(crate) privileges: Vec<Privilege>,
}

/// What is given to and taken from a principal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GrantChange {
    pub(crate) principal: String,
    pub(crate) add: Vec<Privilege>,
    pub(crate) remove: Vec<Privilege>,
}

impl Catalog {
    /// What is granted on a thing itself, by principal.
    pub(crate) fn grants(
        &self,
        identity: &Identity,
        kind: Kind,
        full_name: &str,
    ) -> Result<Vec<Assignment>, CatalogError> {
        let parts = name::parts(kind, full_name)?;
        self.owner(kind, &parts)?;
        let all = self.assignments(kind, &parts)?;
        if self.check_manage(identity, kind, full_name).is_ok() {
            return Ok(all);
        }
        // Others see what concerns them.
        if !self.is_visible(identity, kind, &parts)? {
            return Err(CatalogError::NotOwner { kind, name: parts.join(".") });
        }
        Ok(all.into_iter().filter(|assignment| identity.is(&assignment.principal)).collect())
    }

    /// What holds on a thing: granted on it or on what it lies in; each with where it comes from.
    pub(crate) fn effective_grants(
        &self,
        identity: &Identity,
        kind: Kind,
        full_name: &str,
    ) -> Result<Vec<(Assignment, Kind, String)>, CatalogError> {
        let mut effective = Vec::new();
        let parts = name::parts(kind, full_name)?;
        for depth in 1..=parts.len() {
            let from = match depth {
                1 => Kind::Catalog,
                2 => Kind::Schema,
                _ => kind,
            };
            let name = parts[..depth].join(".");
            let held = if depth == parts.len() {
                self.grants(identity, kind, &name)?
            } else {
                self.grants(identity, from, &name).unwrap_or_default()
            };
            for mut assignment in held {
                if depth < parts.len() {
                    assignment
                        .privileges
                        .retain(|privilege| privilege.fits(kind) || *privilege == Privilege::ALL);
                }
                if !assignment.privileges.is_empty() {
                    effective.push((assignment, from, name.clone()));
                }
            }
        }
        Ok(effective)
    }

    /// Grants and revokes; all changes or none.
    pub(crate) fn change_grants(
        &self,
        identity: &Identity,
        kind: Kind,
        full_name: &str,
        changes: &[GrantChange],
    ) -> Result<Vec<Assignment>, CatalogError> {
        let parts = name::parts(kind, full_name)?;
        self.owner(kind, &parts)?;
        self.check_manage(identity, kind, full_name)?;
        for change in changes {
            if !change.add.is_empty() {
                self.check_principal(&change.principal)?;
            }
            if let Some(wrong) =
                change.add.iter().chain(&change.remove).find(|privilege| !privilege.fits(kind))
            {
                return Err(CatalogError::invalid(format!(
                    "Privilege {wrong} is not applicable to this entity [{}]",
                    kind.code()
                )));
            }
        }
        let _changing = self.changing();
        let mut held: BTreeMap<String, Assignment> = self
            .assignments(kind, &parts)?
            .into_iter()
            .map(|assignment| (assignment.principal.to_lowercase(), assignment))
            .collect();
        for change in changes {
            let entry = held.entry(change.principal.to_lowercase()).or_insert_with(|| Assignment {
                principal: change.principal.clone(),
                privileges: Vec::new(),
            });
            entry.privileges.extend(&change.add);
            entry.privileges.sort_unstable();
            entry.privileges.dedup();
            if change.remove.contains(&Privilege::ALL) {
                entry.privileges.retain(|privilege| !privilege.in_all());
            }
            entry.privileges.retain(|privilege| !change.remove.contains(privilege));
        }
        let held: Vec<Assignment> =
            held.into_values().filter(|assignment| !assignment.privileges.is_empty()).collect();
        self.put_assignments(kind, &parts, &held)?;
        Ok(held)
    }

    /// Whether a principal or group of this name is known.
    pub(crate) fn check_principal(&self, name: &str) -> Result<(), CatalogError> {
        let directory = &self.inner.directory;
        let known = name.eq_ignore_ascii_case(ACCOUNT_USERS)
            || directory.principal(name)?.is_some()
            || directory.groups()?.iter().any(|group| group.display_name.eq_ignore_ascii_case(name));
        if known { Ok(()) } else { Err(CatalogError::NoPrincipal { name: name.to_owned() }) }
    }

    pub(super) fn assignments(&self, kind: Kind, parts: &[String]) -> Result<Vec<Assignment>, StoreError> {
        Ok(self.store().get(GRANTS, &key(kind, parts))?.unwrap_or_default())
    }

    pub(super) fn put_assignments(
        &self,
        kind: Kind,
        parts: &[String],
        assignments: &[Assignment],
    ) -> Result<(), StoreError> {
        self.store().put(GRANTS, &key(kind, parts), &assignments)
    }

    /// Forgets the grants on a thing that is dropped.
    pub(super) fn forget_grants(&self, kind: Kind, parts: &[String]) -> Result<(), StoreError> {
        self.store().delete(GRANTS, &key(kind, parts)).map(drop)
    }

    /// Takes the grants along when a thing is renamed.
    pub(super) fn move_grants(&self, kind: Kind, from: &[String], to: &[String]) -> Result<(), StoreError> {
        let assignments = self.assignments(kind, from)?;
        self.put_assignments(kind, to, &assignments)?;
        self.forget_grants(kind, from)
    }
}

fn key(kind: Kind, parts: &[String]) -> String {
    format!("{} {}", kind.code(), parts.join("."))
}
