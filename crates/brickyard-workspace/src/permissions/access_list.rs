use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use serde::{Deserialize, Serialize};

use crate::store::{Store, StoreError};

const ACCESS_LIST: &str = "access_list";

/// Who holds a permission.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Holder {
    /// A user, by e-mail address.
    User(String),
    /// A service principal, by client id.
    ServicePrincipal(String),
    /// Everybody in a group, by its name.
    Group(String),
}

/// One line of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Entry {
    pub(super) holder: Holder,
    pub(super) level: String,
    /// What the entry came from and goes with, such as `apps/taxi`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) origin: Option<String>,
}

/// The lists of all objects, by `KIND/ID`; memory answers, the store remembers.
pub(crate) struct AccessLists {
    store: Store,
    lists: RwLock<HashMap<String, Vec<Entry>>>,
}

impl AccessLists {
    pub(crate) fn open(store: Store) -> Result<Self, StoreError> {
        let lists = store.list(ACCESS_LIST, "")?.into_iter().collect();
        Ok(Self { store, lists: RwLock::new(lists) })
    }

    /// Whether an entry of the object fits.
    pub(super) fn any(&self, kind: &str, id: &str, fits: impl Fn(&Holder, &str) -> bool) -> bool {
        let lists = self.lists.read().unwrap_or_else(PoisonError::into_inner);
        let list = lists.get(&key(kind, id));
        list.is_some_and(|list| list.iter().any(|entry| fits(&entry.holder, &entry.level)))
    }

    /// The object's entries.
    pub(super) fn entries(&self, kind: &str, id: &str) -> Vec<Entry> {
        let lists = self.lists.read().unwrap_or_else(PoisonError::into_inner);
        lists.get(&key(kind, id)).cloned().unwrap_or_default()
    }

    /// Who holds what on the object: holder and level.
    pub(crate) fn holders(&self, kind: &str, id: &str) -> Vec<(Holder, String)> {
        self.entries(kind, id).into_iter().map(|entry| (entry.holder, entry.level)).collect()
    }

    /// Replaces the object's entries.
    pub(super) fn replace(&self, kind: &str, id: &str, entries: Vec<Entry>) -> Result<(), StoreError> {
        self.change(&key(kind, id), |list| *list = entries)
    }

    /// Gives a level; what the holder has from the same origin is replaced.
    pub(crate) fn grant(
        &self,
        kind: &str,
        id: &str,
        holder: Holder,
        level: &str,
        origin: Option<&str>,
    ) -> Result<(), StoreError> {
        let entry = Entry { holder, level: level.to_owned(), origin: origin.map(str::to_owned) };
        self.change(&key(kind, id), |list| {
            list.retain(|other| other.holder != entry.holder || other.origin != entry.origin);
            list.push(entry);
        })
    }

    /// Takes everything from a holder; `false` where it had nothing.
    pub(crate) fn revoke(&self, kind: &str, id: &str, holder: &Holder) -> Result<bool, StoreError> {
        let mut found = false;
        self.change(&key(kind, id), |list| {
            let before = list.len();
            list.retain(|entry| entry.holder != *holder);
            found = list.len() < before;
        })?;
        Ok(found)
    }

    /// Takes back what came from an origin, on every object.
    pub(crate) fn withdraw(&self, origin: &str) -> Result<(), StoreError> {
        let touched: Vec<String> = {
            let lists = self.lists.read().unwrap_or_else(PoisonError::into_inner);
            let from = |list: &[Entry]| list.iter().any(|entry| entry.origin.as_deref() == Some(origin));
            lists.iter().filter(|(_, list)| from(list)).map(|(key, _)| key.clone()).collect()
        };
        for key in touched {
            self.change(&key, |list| list.retain(|entry| entry.origin.as_deref() != Some(origin)))?;
        }
        Ok(())
    }

    /// Drops an object's list.
    pub(crate) fn forget(&self, kind: &str, id: &str) -> Result<(), StoreError> {
        self.change(&key(kind, id), Vec::clear)
    }

    fn change(&self, key: &str, change: impl FnOnce(&mut Vec<Entry>)) -> Result<(), StoreError> {
        // Held while the store writes, so that memory and store see changes in one order.
        let mut lists = self.lists.write().unwrap_or_else(PoisonError::into_inner);
        let mut list = lists.get(key).cloned().unwrap_or_default();
        change(&mut list);
        if list.is_empty() {
            self.store.delete(ACCESS_LIST, key)?;
            lists.remove(key);
        } else {
            self.store.put(ACCESS_LIST, key, &list)?;
            lists.insert(key.to_owned(), list);
        }
        Ok(())
    }
}

fn key(kind: &str, id: &str) -> String {
    format!("{kind}/{id}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_origin_gave_goes_with_it_and_the_rest_stays() {
        let store = Store::open(None).unwrap();
        let lists = AccessLists::open(store.clone()).unwrap();
        let ada = Holder::User("ada".to_owned());
        lists.grant("jobs", "1", ada.clone(), "CAN_VIEW", None).unwrap();
        lists.grant("jobs", "1", ada.clone(), "CAN_MANAGE", Some("apps/a")).unwrap();
        lists.grant("jobs", "2", ada.clone(), "CAN_MANAGE", Some("apps/a")).unwrap();
        lists.withdraw("apps/a").unwrap();
        let reopened = AccessLists::open(store).unwrap();
        for lists in [&lists, &reopened] {
            assert_eq!(lists.entries("jobs", "1").len(), 1);
            assert!(lists.any("jobs", "1", |holder, level| *holder == ada && level == "CAN_VIEW"));
            assert!(lists.entries("jobs", "2").is_empty());
        }
    }
}
