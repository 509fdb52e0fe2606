use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::StatusCode;
use rand::Rng;

use super::record::TableRecord;
use crate::error::ApiError;

/// Principals that can have sessions in the engine at the same time.
const SLOTS: usize = 24;

/// Which principal the engine asks for when it presents a slot's token.
///
/// The engine cannot say whose session wants a table; but each of its catalog slots has a token of its own, and a
/// session is bound to a slot. So a slot belongs to one principal as long as any session of theirs lives.
#[derive(Clone)]
pub(crate) struct CatalogSlots {
    slots: Arc<Mutex<Vec<Slot>>>,
    /// Private branches of tables by full name in lower case; whoever reads one needs a delegation.
    branches: Arc<Mutex<HashMap<String, TableRecord>>>,
}

struct Slot {
    token: String,
    principal: Option<String>,
    leases: usize,
    /// Tables a statement may read though the principal has no grant (a view does, or a filter was put in), counted.
    delegated: HashMap<String, usize>,
}

/// A slot held for a principal; let go of when dropped.
pub(crate) struct SlotLease {
    slots: CatalogSlots,
    number: usize,
}

/// Tables made readable in a slot; ends when dropped.
pub(crate) struct Delegation {
    slots: CatalogSlots,
    number: usize,
    tables: Vec<String>,
}

impl CatalogSlots {
    pub(crate) fn new() -> Self {
        let slots = (0..SLOTS).map(|_| Slot {
            token: format!("{:032x}{:032x}", rand::rng().random::<u128>(), rand::rng().random::<u128>()),
            principal: None,
            leases: 0,
            delegated: HashMap::new(),
        });
        Self { slots: Arc::new(Mutex::new(slots.collect())), branches: Arc::default() }
    }

    /// Makes a branch known to the engine, for statements that it is delegated to.
    pub(super) fn show(&self, full_name: &str, branch: TableRecord) {
        self.branches().insert(full_name.to_lowercase(), branch);
    }

    /// Forgets a branch.
    pub(super) fn hide(&self, full_name: &str) {
        self.branches().remove(&full_name.to_lowercase());
    }

    /// The branch of this full name in lower case.
    pub(super) fn branch(&self, full_name: &str) -> Option<TableRecord> {
        self.branches().get(full_name).cloned()
    }

    fn branches(&self) -> MutexGuard<'_, HashMap<String, TableRecord>> {
        self.branches.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The slots' tokens, for the engine alone.
    pub(crate) fn tokens(&self) -> Vec<String> {
        self.lock().iter().map(|slot| slot.token.clone()).collect()
    }

    /// A slot for a session of this principal: theirs if they have one, else one that nobody uses.
    pub(crate) fn lease(&self, principal: &str) -> Result<SlotLease, ApiError> {
        let mut slots = self.lock();
        let own = slots.iter().position(|slot| slot.principal.as_deref() == Some(principal));
        let never_used = || slots.iter().position(|slot| slot.principal.is_none());
        let unused = || slots.iter().position(|slot| slot.leases == 0);
        let number = own.or_else(never_used).or_else(unused).ok_or_else(|| {
            let message =
                format!("{SLOTS} principals have open SQL sessions; close the sessions of one of them");
            ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "TEMPORARILY_UNAVAILABLE", message)
        })?;
        let slot = &mut slots[number];
        slot.principal = Some(principal.to_owned());
        slot.leases += 1;
        Ok(SlotLease { slots: self.clone(), number })
    }

    /// Whose token this is; `None` for a token that is not a slot's or a slot that nobody holds.
    pub(crate) fn principal(&self, token: &str) -> Option<String> {
        let slots = self.lock();
        let slot = slots.iter().find(|slot| slot.token == token && slot.leases > 0)?;
        slot.principal.clone()
    }

    /// Whether a statement in the slot of this token has been allowed to read the table (name in lower case).
    pub(crate) fn is_delegated(&self, token: &str, table: &str) -> bool {
        self.lock().iter().any(|slot| slot.token == token && slot.delegated.contains_key(table))
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Slot>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SlotLease {
    /// Number of the slot, for [`brickyard_engine::SessionSpec::slot`].
    pub(crate) fn number(&self) -> usize {
        self.number
    }

    /// Lets the engine read these tables (full names) in this slot though the principal has no grant of their own on
    /// them: the base tables of a view they may read, tables whose row filter has been put into the statement.
    ///
    /// The caller has checked that, and keeps the answer until the statement has ended.
    pub(crate) fn delegate(&self, tables: impl IntoIterator<Item = String>) -> Delegation {
        let tables: Vec<String> = tables.into_iter().map(|table| table.to_lowercase()).collect();
        let mut slots = self.slots.lock();
        for table in &tables {
            *slots[self.number].delegated.entry(table.clone()).or_default() += 1;
        }
        drop(slots);
        Delegation { slots: self.slots.clone(), number: self.number, tables }
    }
}

impl Drop for SlotLease {
    fn drop(&mut self) {
        self.slots.lock()[self.number].leases -= 1;
    }
}

impl Drop for Delegation {
    fn drop(&mut self) {
        let mut slots = self.slots.lock();
        let delegated = &mut slots[self.number].delegated;
        for table in &self.tables {
            if let Some(count) = delegated.get_mut(table) {
                *count -= 1;
                if *count == 0 {
                    delegated.remove(table);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_is_its_principals_while_a_session_lives() {
        let slots = CatalogSlots::new();
        let tokens = slots.tokens();
        let first = slots.lease("ada").unwrap();
        let second = slots.lease("ada").unwrap();
        let other = slots.lease("eve").unwrap();
        assert_eq!((first.number(), second.number(), other.number()), (0, 0, 1));
        assert_eq!(slots.principal(&tokens[0]).as_deref(), Some("ada"));
        assert_eq!(slots.principal(&tokens[2]), None);
        assert_eq!(slots.principal("x"), None);
        drop(first);
        assert_eq!(slots.principal(&tokens[0]).as_deref(), Some("ada"));
        drop(second);
        assert_eq!(slots.principal(&tokens[0]), None);
        let more: Vec<_> = (0..SLOTS - 1).map(|number| slots.lease(&number.to_string()).unwrap()).collect();
        assert!(more.iter().all(|lease| lease.number() != other.number()));
        assert_eq!(slots.lease("late").err().unwrap().status, StatusCode::SERVICE_UNAVAILABLE);
    }

    #[test]
    fn a_delegation_ends_with_its_statement() {
        let slots = CatalogSlots::new();
        let lease = slots.lease("ada").unwrap();
        let token = &slots.tokens()[0];
        let outer = lease.delegate(["Main.Sales.Orders".to_owned()]);
        let inner = lease.delegate(["main.sales.orders".to_owned()]);
        drop(outer);
        assert!(slots.is_delegated(token, "main.sales.orders"));
        assert!(!slots.is_delegated(&slots.tokens()[1], "main.sales.orders"));
        drop(inner);
        assert!(!slots.is_delegated(token, "main.sales.orders"));
    }
}
