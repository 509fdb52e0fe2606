use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::credential::{fingerprint, unguessable};
use crate::oauth::prune;

/// Seconds a session lasts.
pub(super) const LIFETIME: i64 = 8 * 3600;

/// Seconds somebody may take at the sign-in page.
pub(super) const SIGN_IN_LIFETIME: i64 = 900;

/// Browsers that are signed in at the pages of dashboards, and those on their way; in memory alone, so a restart signs
/// everybody out. Secrets are addressed by their fingerprints.
#[derive(Default)]
pub(crate) struct Sessions {
    open: Mutex<HashMap<String, Session>>,
    begun: Mutex<HashMap<String, SignIn>>,
}

/// Somebody signed in.
#[derive(Clone)]
pub(super) struct Session {
    pub(super) user: String,
    /// A user who was removed and made again is another one.
    pub(super) user_id: u64,
    pub(super) family: String,
    pub(super) since: i64,
}

/// A sign-in under way.
pub(super) struct SignIn {
    pub(super) return_to: String,
    pub(super) redirect_uri: String,
    pub(super) verifier: String,
    browser: String,
    expires: i64,
}

/// What a new sign-in is known by.
pub(super) struct Begun {
    pub(super) state: String,
    pub(super) verifier: String,
    /// Ties it to the browser.
    pub(super) cookie: String,
}

impl Sessions {
    /// Begins a sign-in that leads back to a path of ours.
    pub(super) fn begin(&self, return_to: String, redirect_uri: String, now: i64) -> Begun {
        let begun = Begun { state: unguessable(32), verifier: unguessable(32), cookie: unguessable(32) };
        let (verifier, browser) = (begun.verifier.clone(), fingerprint(&begun.cookie));
        let sign_in = SignIn { return_to, redirect_uri, verifier, browser, expires: now + SIGN_IN_LIFETIME };
        let mut pending = locked(&self.begun);
        prune(&mut pending, now, |one| one.expires);
        pending.insert(fingerprint(&begun.state), sign_in);
        begun
    }

    /// The sign-in that comes back with this state, once, and only in the browser that began it.
    pub(super) fn finish(&self, state: &str, cookie: &str, now: i64) -> Option<SignIn> {
        let found = locked(&self.begun).remove(&fingerprint(state))?;
        (found.browser == fingerprint(cookie) && found.expires > now).then_some(found)
    }

    /// Opens a session; its secret.
    pub(super) fn open(&self, session: Session) -> String {
        let secret = unguessable(32);
        let mut open = locked(&self.open);
        prune(&mut open, session.since, Session::expires);
        open.insert(fingerprint(&secret), session);
        secret
    }

    /// The session of this secret, while it lasts.
    pub(super) fn find(&self, secret: &str, now: i64) -> Option<Session> {
        locked(&self.open).get(&fingerprint(secret)).filter(|one| one.expires() > now).cloned()
    }

    /// Ends a session.
    pub(super) fn close(&self, secret: &str) {
        locked(&self.open).remove(&fingerprint(secret));
    }
}

impl Session {
    fn expires(&self) -> i64 {
        self.since + LIFETIME
    }
}

fn locked<T>(table: &Mutex<T>) -> MutexGuard<'_, T> {
    table.lock().unwrap_or_else(PoisonError::into_inner)
}
