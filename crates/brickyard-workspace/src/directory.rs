use std::collections::HashMap;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use serde::{Deserialize, Serialize};

use crate::store::{Store, StoreError};

/// Most principals that are kept in memory, and most whose groups are.
const MOST_KNOWN: usize = 10_000;

const USER: &str = "user";
const GROUP: &str = "group";
const SERVICE_PRINCIPAL: &str = "service_principal";

/// A person of the workspace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// Numeric id, the same in every start.
    pub id: u64,
    /// E-mail address: the name in tokens, grants and Postgres.
    pub user_name: String,
    /// Name shown to people.
    pub display_name: String,
    /// Workspace entitlements, such as `workspace-access`.
    #[serde(default)]
    pub entitlements: Vec<String>,
}

impl User {
    /// The one who is there when nobody is configured: a workspace admin.
    pub fn developer() -> Self {
        Self {
            id: 4_700_000_001,
            user_name: "developer@example.com".to_owned(),
            display_name: "Local Developer".to_owned(),
            entitlements: vec!["workspace-access".to_owned(), "databricks-sql-access".to_owned()],
        }
    }
}

/// A group of users, service principals and groups.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// Numeric id.
    pub id: u64,
    /// Name used in grants.
    pub display_name: String,
    /// Members: e-mail addresses, client ids, and names of other groups.
    #[serde(default)]
    pub members: Vec<String>,
}

/// An identity of a program; every app has its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServicePrincipal {
    /// Numeric id.
    pub id: u64,
    /// Client id (a UUID): the name in tokens, grants and Postgres.
    pub application_id: String,
    /// Name shown to people, `app-xxxxxx NAME` for the principal of an app.
    pub display_name: String,
}

/// Somebody who can hold a token and a grant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Principal {
    /// A person.
    User(User),
    /// A program.
    ServicePrincipal(ServicePrincipal),
}

impl Principal {
    /// The name in tokens, grants, `current_user()` and Postgres: e-mail address or client id.
    pub fn name(&self) -> &str {
        match self {
            Self::User(user) => &user.user_name,
            Self::ServicePrincipal(principal) => &principal.application_id,
        }
    }

    /// Numeric id.
    pub fn id(&self) -> u64 {
        match self {
            Self::User(user) => user.id,
            Self::ServicePrincipal(principal) => principal.id,
        }
    }

    /// Name shown to people.
    pub fn display_name(&self) -> &str {
        match self {
            Self::User(user) => &user.display_name,
            Self::ServicePrincipal(principal) => &principal.display_name,
        }
    }
}

/// Group whose members may do everything.
pub(crate) const ADMINS: &str = "admins";

/// Groups that every user and service principal belongs to, the workspace's and the account's.
pub(crate) const EVERYBODY: [&str; 2] = ["users", "account users"];

/// Users, groups and service principals of the workspace.
///
/// Every request asks who sent it and who belongs to what, so the answers are kept until somebody changes: no request
/// waits for the store, or for whoever writes to it.
#[derive(Clone)]
pub(crate) struct Directory {
    store: Store,
    memberships: Kept<Vec<String>>,
    principals: Kept<Principal>,
    /// Told of every change.
    watcher: Arc<OnceLock<Watcher>>,
}

/// Somebody who wants to know of changes.
type Watcher = Box<dyn Fn(&Directory) + Send + Sync>;

/// Answers by name.
pub(crate) type Kept<T> = Arc<RwLock<HashMap<String, T>>>;

impl Directory {
    pub(crate) fn new(store: Store) -> Self {
        Self { store, memberships: Kept::default(), principals: Kept::default(), watcher: Arc::default() }
    }

    pub(crate) fn put_user(&self, user: &User) -> Result<(), StoreError> {
        self.store.put(USER, &user.user_name.to_lowercase(), user)?;
        self.forget();
        Ok(())
    }

    pub(crate) fn put_group(&self, group: &Group) -> Result<(), StoreError> {
        self.store.put(GROUP, &group.display_name, group)?;
        self.forget();
        Ok(())
    }

    pub(crate) fn put_service_principal(&self, principal: &ServicePrincipal) -> Result<(), StoreError> {
        self.store.put(SERVICE_PRINCIPAL, &principal.application_id, principal)?;
        self.forget();
        Ok(())
    }

    /// Forgets a user, and their places in groups; their tokens are refused from now on.
    pub(crate) fn remove_user(&self, user_name: &str) -> Result<(), StoreError> {
        self.store.delete(USER, &user_name.to_lowercase())?;
        self.forget();
        self.leave_groups(user_name)
    }

    /// Forgets a group, and its places in others.
    pub(crate) fn remove_group(&self, name: &str) -> Result<(), StoreError> {
        self.store.delete(GROUP, name)?;
        self.leave_groups(name)
    }

    fn leave_groups(&self, member: &str) -> Result<(), StoreError> {
        for mut group in self.groups()? {
            let before = group.members.len();
            group.members.retain(|known| !known.eq_ignore_ascii_case(member));
            if group.members.len() < before {
                self.store.put(GROUP, &group.display_name, &group)?;
            }
        }
        self.forget();
        Ok(())
    }

    /// Forgets a service principal; its tokens are refused from now on.
    pub(crate) fn remove_service_principal(&self, client_id: &str) -> Result<(), StoreError> {
        self.store.delete(SERVICE_PRINCIPAL, client_id)?;
        self.forget();
        Ok(())
    }

    pub(crate) fn users(&self) -> Result<Vec<User>, StoreError> {
        Ok(self.store.list(USER, "")?.into_iter().map(|(_, user)| user).collect())
    }

    pub(crate) fn groups(&self) -> Result<Vec<Group>, StoreError> {
        Ok(self.store.list(GROUP, "")?.into_iter().map(|(_, group)| group).collect())
    }

    pub(crate) fn service_principals(&self) -> Result<Vec<ServicePrincipal>, StoreError> {
        Ok(self.store.list(SERVICE_PRINCIPAL, "")?.into_iter().map(|(_, principal)| principal).collect())
    }

    /// The user or service principal with this e-mail address (in any case) or client id.
    pub(crate) fn principal(&self, name: &str) -> Result<Option<Principal>, StoreError> {
        keep(&self.principals, name, || {
            if let Some(user) = self.store.get::<User>(USER, &name.to_lowercase())? {
                return Ok(Some(Principal::User(user)));
            }
            Ok(self.store.get::<ServicePrincipal>(SERVICE_PRINCIPAL, name)?.map(Principal::ServicePrincipal))
        })
    }

    /// Makes the groups every workspace has; `admin` is always in `admins`.
    pub(crate) fn put_system_groups(&self, admin: Option<&str>) -> Result<(), StoreError> {
        for (id, name) in [(4_900_000_001, ADMINS), (4_900_000_002, EVERYBODY[0])] {
            let group = Group { id, display_name: name.to_owned(), members: Vec::new() };
            self.store.insert(GROUP, name, &group)?;
        }
        if let (Some(mut admins), Some(admin)) = (self.store.get::<Group>(GROUP, ADMINS)?, admin)
            && !admins.members.iter().any(|member| member.eq_ignore_ascii_case(admin))
        {
            admins.members.push(admin.to_owned());
            self.put_group(&admins)?;
        }
        Ok(())
    }

    /// Whether a user or service principal is a workspace admin.
    pub(crate) fn is_admin(&self, name: &str) -> Result<bool, StoreError> {
        Ok(self.groups_of(name)?.iter().any(|group| group == ADMINS))
    }

    /// Names of all groups the principal belongs to, through other groups too; everybody is in [`EVERYBODY`].
    pub(crate) fn groups_of(&self, name: &str) -> Result<Vec<String>, StoreError> {
        let found = keep(&self.memberships, name, || self.read_groups_of(name).map(Some))?;
        Ok(found.unwrap_or_default())
    }

    fn forget(&self) {
        // In this order: groups are read with principals.
        self.principals.write().unwrap_or_else(PoisonError::into_inner).clear();
        self.memberships.write().unwrap_or_else(PoisonError::into_inner).clear();
        if let Some(watcher) = self.watcher.get() {
            watcher(self);
        }
    }

    /// Has `watcher` told of every change from now on, before who made it gets an answer; one can be.
    pub(crate) fn watch(&self, watcher: impl Fn(&Self) + Send + Sync + 'static) {
        let _known = self.watcher.set(Box::new(watcher));
    }

    fn read_groups_of(&self, name: &str) -> Result<Vec<String>, StoreError> {
        let groups = self.groups()?;
        let mut found: Vec<String> = Vec::new();
        let mut names = vec![name.to_owned()];
        if self.principal(name)?.is_some() {
            found.extend(EVERYBODY.map(str::to_owned));
            names.extend(EVERYBODY.map(str::to_owned));
        }
        while let Some(member) = names.pop() {
            for group in &groups {
                let inside = group.members.iter().any(|candidate| candidate.eq_ignore_ascii_case(&member));
                if inside && !found.contains(&group.display_name) {
                    found.push(group.display_name.clone());
                    names.push(group.display_name.clone());
                }
            }
        }
        Ok(found)
    }
}

/// The answer that is kept under a name, else what `read` finds, kept from now on.
pub(crate) fn keep<T: Clone>(
    kept: &Kept<T>,
    name: &str,
    read: impl FnOnce() -> Result<Option<T>, StoreError>,
) -> Result<Option<T>, StoreError> {
    let known = kept.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned();
    if known.is_some() {
        return Ok(known);
    }
    // Held while it is read: what somebody changes meanwhile is forgotten after it is kept, and not before.
    let mut kept = kept.write().unwrap_or_else(PoisonError::into_inner);
    let found = read()?;
    if let Some(found) = &found {
        if kept.len() >= MOST_KNOWN {
            kept.clear();
        }
        kept.insert(name.to_owned(), found.clone());
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changes_is_read_anew() {
        let directory = Directory::new(Store::open(None).unwrap());
        let mut user = User::developer();
        assert_eq!(directory.principal(&user.user_name).unwrap(), None);
        directory.put_user(&user).unwrap();
        assert_eq!(
            directory.principal("Developer@example.com").unwrap(),
            Some(Principal::User(user.clone()))
        );
        user.entitlements.clear();
        directory.put_user(&user).unwrap();
        assert_eq!(
            directory.principal("Developer@example.com").unwrap(),
            Some(Principal::User(user.clone()))
        );
        directory.remove_user(&user.user_name).unwrap();
        assert_eq!(directory.principal("Developer@example.com").unwrap(), None);
    }

    #[test]
    fn nested_groups_are_followed_and_cycles_end() {
        let directory = Directory::new(Store::open(None).unwrap());
        let group = |name: &str, members: &[&str]| Group {
            id: 1,
            display_name: name.to_owned(),
            members: members.iter().map(|&member| member.to_owned()).collect(),
        };
        directory.put_group(&group("analysts", &["Ada@example.com", "staff"])).unwrap();
        directory.put_group(&group("staff", &["analysts"])).unwrap();
        assert_eq!(directory.groups_of("ada@example.com").unwrap(), ["analysts", "staff"]);
        assert!(directory.groups_of("eve@example.com").unwrap().is_empty());
    }
}
