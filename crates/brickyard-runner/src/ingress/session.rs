//! Who is signed in: sessions behind signed cookies, and grants kept fresh.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderMap, HeaderValue};
use ring::hmac;
use tokio::time::Instant;

use super::headers::cookie;
use super::lanes::PerLane;
use super::{Authority, Grant, Refusal};

/// A token with less time left is renewed before it is forwarded.
const RENEW_BEFORE: Duration = Duration::from_mins(5);

/// Sessions live this long without a visit.
const IDLE: Duration = Duration::from_hours(12);

const MAX_SESSIONS: usize = 4_096;
const MAX_LOGINS: usize = 1_024;

/// How long somebody may take at the workspace's sign-in page.
const LOGIN_TIME: Duration = Duration::from_mins(10);

/// Somebody let in.
pub(super) struct Visitor {
    current: RwLock<Current>,
    /// Each lane's copy; none where it has to look.
    known: PerLane<Option<Known>>,
    renewing: tokio::sync::Mutex<()>,
}

#[derive(Clone)]
struct Current {
    grant: Grant,
    known: Known,
}

/// What every request has to know of a grant.
#[derive(Clone)]
struct Known {
    said: Said,
    /// When it is renewed.
    stale: Instant,
    /// By how much the workspace's clock was ahead when the grant was given.
    ahead: i64,
}

/// A grant as headers.
#[derive(Clone)]
pub(super) struct Said {
    pub(super) user: HeaderValue,
    pub(super) preferred_username: HeaderValue,
    pub(super) email: Option<HeaderValue>,
    pub(super) access_token: Option<HeaderValue>,
}

impl Current {
    fn new(grant: Grant, ahead: i64) -> Result<Self, Refusal> {
        let value = |text: &str| {
            HeaderValue::from_str(text)
                .or_else(|_| HeaderValue::from_bytes(text.as_bytes()))
                .map_err(|_| Refusal::Unavailable("an identity holds control characters".into()))
        };
        let identity = &grant.identity;
        let mut token = grant.access_token.as_ref().map(|token| value(token.expose())).transpose()?;
        if let Some(token) = &mut token {
            token.set_sensitive(true);
        }
        let said = Said {
            user: value(&identity.user)?,
            preferred_username: value(&identity.preferred_username)?,
            email: identity.email.as_deref().map(value).transpose()?,
            access_token: token,
        };
        // A token that lives shorter than the margin is renewed when half of its life is over.
        let margin = RENEW_BEFORE.min(grant.expires_in / 2);
        let stale = Instant::now() + grant.expires_in - margin;
        Ok(Self { grant, known: Known { said, stale, ahead } })
    }
}

impl Known {
    fn is_stale(&self, now: Instant, ahead: i64) -> bool {
        let moved = Duration::from_secs(u64::try_from(ahead - self.ahead).unwrap_or(0));
        now + moved > self.stale
    }

    /// A copy that shares no memory with this one.
    fn apart(&self) -> Self {
        let Said { user, preferred_username, email, access_token } = &self.said;
        let said = Said {
            user: copied(user),
            preferred_username: copied(preferred_username),
            email: email.as_ref().map(copied),
            access_token: access_token.as_ref().map(copied),
        };
        Self { said, ..*self }
    }
}

fn copied(value: &HeaderValue) -> HeaderValue {
    let mut copy = HeaderValue::from_bytes(value.as_bytes()).unwrap_or_else(|_| value.clone());
    copy.set_sensitive(value.is_sensitive());
    copy
}

impl Visitor {
    pub(super) fn new(grant: Grant, authority: &dyn Authority) -> Result<Self, Refusal> {
        let current = Current::new(grant, authority.ahead())?;
        let (known, renewing) = (PerLane::default(), tokio::sync::Mutex::new(()));
        Ok(Self { current: RwLock::new(current), known, renewing })
    }

    pub(super) fn said(&self, lane: usize) -> Said {
        self.known(lane, |known| known.said.clone())
    }

    fn known<T>(&self, lane: usize, look: impl FnOnce(&Known) -> T) -> T {
        let mut known = self.known[lane].lock();
        look(
            known.get_or_insert_with(|| {
                self.current.read().unwrap_or_else(PoisonError::into_inner).known.apart()
            }),
        )
    }

    fn current(&self) -> Current {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn is_stale(&self, (lane, now): (usize, Instant), authority: &dyn Authority) -> bool {
        self.known(lane, |known| known.is_stale(now, authority.ahead()))
    }

    /// Renews the grant if it is about to end at the time that a lane has; many may ask at once, one does it.
    pub(super) async fn freshen(
        &self,
        now: (usize, Instant),
        authority: &dyn Authority,
    ) -> Result<(), Refusal> {
        if !self.is_stale(now, authority) {
            return Ok(());
        }
        let _turn = self.renewing.lock().await;
        if !self.is_stale(now, authority) {
            return Ok(());
        }
        let renewed = Current::new(authority.refresh(self.current().grant).await?, authority.ahead())?;
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = renewed;
        for known in &self.known {
            *known.lock() = None;
        }
        Ok(())
    }
}

/// A sign-in under way.
pub(super) struct Login {
    pub(super) verifier: String,
    pub(super) return_to: String,
    pub(super) redirect_uri: String,
    pub(super) csrf: String,
    started: Instant,
}

/// The sessions of one app.
pub(super) struct Sessions {
    cookie_name: String,
    csrf_cookie_name: String,
    key: hmac::Key,
    open: Mutex<HashMap<String, (Arc<Visitor>, Instant)>>,
    logins: Mutex<HashMap<String, Login>>,
}

impl Sessions {
    /// Cookies know no ports: the names carry app and port, so that several apps on `localhost` do not meet.
    pub(super) fn new(app: &str, port: u16) -> Self {
        let cookie_name = format!("databricksapps-{app}-{port}");
        Self {
            csrf_cookie_name: format!("{cookie_name}-csrf"),
            cookie_name,
            key: hmac::Key::new(hmac::HMAC_SHA256, &rand::random::<[u8; 32]>()),
            open: Mutex::default(),
            logins: Mutex::default(),
        }
    }

    /// Whether a cookie is ours, another app's of ours, or the workspace's own: none of them is the app's business.
    pub(super) fn is_cookie(name: &str) -> bool {
        ["databricksapps-", "__Host-databricksapps", "brickyard_"].iter().any(|start| name.starts_with(start))
    }

    /// Who the request's cookie stands for.
    pub(super) fn find(&self, headers: &HeaderMap) -> Option<Arc<Visitor>> {
        let id = self.verified(headers)?;
        let mut sessions = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let (visitor, seen) = sessions.get_mut(id)?;
        if seen.elapsed() > IDLE {
            sessions.remove(id);
            return None;
        }
        *seen = Instant::now();
        Some(Arc::clone(visitor))
    }

    /// Opens a session; the `Set-Cookie` value for it.
    pub(super) fn open(&self, visitor: Arc<Visitor>) -> String {
        let id = random();
        let cookie = format!("{}={}; Path=/; HttpOnly; SameSite=Lax", self.cookie_name, self.signed(&id));
        let mut sessions = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        make_room(&mut sessions, MAX_SESSIONS, |(_, seen)| *seen);
        sessions.insert(id, (visitor, Instant::now()));
        cookie
    }

    /// Ends the request's session; the `Set-Cookie` value that forgets it.
    pub(super) fn close(&self, headers: &HeaderMap) -> String {
        if let Some(id) = self.verified(headers) {
            self.open.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
        }
        format!("{}=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0", self.cookie_name)
    }

    /// Begins a sign-in; its state, its verifier, and the `Set-Cookie` value that ties it to this browser.
    pub(super) fn begin(&self, return_to: String, redirect_uri: String) -> (String, String, String) {
        let (state, verifier, csrf) = (random(), random(), random());
        let life = LOGIN_TIME.as_secs();
        let cookie = format!(
            "{}={csrf}; Path=/.auth/callback; HttpOnly; SameSite=Lax; Max-Age={life}",
            self.csrf_cookie_name
        );
        let login =
            Login { verifier: verifier.clone(), return_to, redirect_uri, csrf, started: Instant::now() };
        let mut logins = self.logins.lock().unwrap_or_else(PoisonError::into_inner);
        make_room(&mut logins, MAX_LOGINS, |login| login.started);
        logins.insert(state.clone(), login);
        (state, verifier, cookie)
    }

    /// The sign-in that comes back with this state, once, and only in the browser that began it.
    pub(super) fn finish(&self, state: &str, headers: &HeaderMap) -> Option<Login> {
        let login = self.logins.lock().unwrap_or_else(PoisonError::into_inner).remove(state)?;
        let same = cookie(headers, &self.csrf_cookie_name) == Some(login.csrf.as_str());
        (same && login.started.elapsed() < LOGIN_TIME).then_some(login)
    }

    fn signed(&self, id: &str) -> String {
        format!("{id}.{}", URL_SAFE_NO_PAD.encode(hmac::sign(&self.key, id.as_bytes())))
    }

    fn verified<'a>(&self, headers: &'a HeaderMap) -> Option<&'a str> {
        let (id, tag) = cookie(headers, &self.cookie_name)?.split_once('.')?;
        let tag = URL_SAFE_NO_PAD.decode(tag).ok()?;
        hmac::verify(&self.key, id.as_bytes(), &tag).is_ok().then_some(id)
    }
}

/// Drops the oldest entry of a full table.
fn make_room<V>(table: &mut HashMap<String, V>, most: usize, age: impl Fn(&V) -> Instant) {
    if table.len() >= most
        && let Some(oldest) = table.iter().min_by_key(|(_, value)| age(value)).map(|(key, _)| key.clone())
    {
        table.remove(&oldest);
    }
}

/// 256 random bits as text.
fn random() -> String {
    URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>())
}
