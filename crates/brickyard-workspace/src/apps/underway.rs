use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio_util::sync::CancellationToken;

/// What is on its way for apps right now; nothing of it outlives the process.
#[derive(Default)]
pub(crate) struct Underway {
    /// One change of a record after the other.
    changing: Mutex<()>,
    /// Ends the deployment of each app.
    deploying: Mutex<HashMap<String, CancellationToken>>,
    /// Apps whose machine is up and whose version is not yet.
    returning: Mutex<HashSet<String>>,
}

/// As long as it lives, an app without a process shows as being deployed.
pub(super) struct Returning<'a> {
    underway: &'a Underway,
    name: &'a str,
}

impl Drop for Returning<'_> {
    fn drop(&mut self) {
        self.underway.lock_returning().remove(self.name);
    }
}

impl Underway {
    /// Held while a record is read, changed and written.
    pub(super) fn changing(&self) -> MutexGuard<'_, ()> {
        self.changing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A token that ends the work now begun for an app.
    pub(super) fn begin(&self, name: &str) -> CancellationToken {
        let token = CancellationToken::new();
        let mut deploying = self.deploying.lock().unwrap_or_else(PoisonError::into_inner);
        deploying.retain(|_, token| !token.is_cancelled());
        deploying.insert(name.to_owned(), token.clone());
        token
    }

    /// The version an app served last is brought up again.
    pub(super) fn returning<'a>(&'a self, name: &'a str) -> Returning<'a> {
        self.lock_returning().insert(name.to_owned());
        Returning { underway: self, name }
    }

    /// Whether the version an app served last is on its way.
    pub(super) fn is_returning(&self, name: &str) -> bool {
        self.lock_returning().contains(name)
    }

    fn lock_returning(&self) -> MutexGuard<'_, HashSet<String>> {
        self.returning.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the work under way for an app.
    pub(super) fn cancel(&self, name: &str) {
        let token = self.deploying.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
        if let Some(token) = token {
            token.cancel();
        }
    }
}
