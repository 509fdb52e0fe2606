use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio_util::sync::CancellationToken;

/// What is on its way for apps right now; nothing of it outlives the process.
#[derive(Default)]
pub(crate) struct Underway {
    /// One change of a record after the other.
    changing: Mutex<()>,
    /// Ends the deployment of each app.
    deploying: Mutex<HashMap<String, CancellationToken>>,
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

    /// Ends the work under way for an app.
    pub(super) fn cancel(&self, name: &str) {
        let token = self.deploying.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
        if let Some(token) = token {
            token.cancel();
        }
    }
}
