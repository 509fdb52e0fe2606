//! A workspace that knows a few users and counts what it is asked.

use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use brickyard_runner::ingress::{Authority, AuthorizeRequest, Grant, Identity, Refusal, Secret};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use ring::digest::{SHA256, digest};

#[derive(Debug)]
pub(crate) struct FakeAuthority {
    /// Of the last sign-in begun.
    pub(super) challenge: Mutex<String>,
    pub(super) tokens: AtomicU32,
    pub(crate) life: Duration,
    /// By how many seconds its clock is ahead; it moves by a test's order.
    pub(crate) ahead: Arc<AtomicI64>,
    /// What every token is answered with, once a test says so.
    pub(crate) refuses: Arc<Mutex<Option<Refusal>>>,
}

impl Default for FakeAuthority {
    fn default() -> Self {
        Self {
            challenge: Mutex::default(),
            tokens: AtomicU32::new(0),
            life: Duration::from_secs(3600),
            ahead: Arc::default(),
            refuses: Arc::default(),
        }
    }
}

impl FakeAuthority {
    fn grant(&self, user: &str) -> Grant {
        let number = self.tokens.fetch_add(1, Ordering::SeqCst);
        Grant {
            identity: Identity {
                user: format!("{user}-id@42"),
                preferred_username: format!("The {user}"),
                email: Some(format!("{user}@example.com")),
            },
            access_token: Some(Secret::new(format!("token-{user}-{number}"))),
            refresh_token: Some(Secret::new(user)),
            expires_in: self.life,
        }
    }
}

fn ready<T: Send + 'static>(value: T) -> BoxFuture<'static, T> {
    std::future::ready(value).boxed()
}

impl Authority for FakeAuthority {
    fn authorize_url(&self, request: &AuthorizeRequest) -> String {
        self.challenge.lock().unwrap().clone_from(&request.code_challenge);
        let mut url = url::Url::parse("http://127.0.0.1:1/oidc/v1/authorize").unwrap();
        url.query_pairs_mut()
            .append_pair("state", &request.state)
            .append_pair("redirect_uri", &request.redirect_uri)
            .append_pair("choose", if request.choose { "yes" } else { "no" });
        url.into()
    }

    /// The code is the user's name; the verifier must fit the challenge.
    fn redeem(&self, code: String, verifier: String, _: String) -> BoxFuture<'_, Result<Grant, Refusal>> {
        let fits =
            URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes())) == *self.challenge.lock().unwrap();
        let refused = || Refusal::Unauthenticated("the verifier does not fit".into());
        ready(fits.then(|| self.grant(&code)).ok_or_else(refused))
    }

    fn sign_in(&self, user: String) -> BoxFuture<'_, Result<Grant, Refusal>> {
        ready(Ok(self.grant(&user)))
    }

    fn refresh(&self, grant: Grant) -> BoxFuture<'_, Result<Grant, Refusal>> {
        ready(Ok(self.grant(grant.refresh_token.unwrap().expose())))
    }

    fn ahead(&self) -> i64 {
        self.ahead.load(Ordering::SeqCst)
    }

    fn verify(&self, bearer: String) -> BoxFuture<'_, Result<Grant, Refusal>> {
        if let Some(refusal) = self.refuses.lock().unwrap().clone() {
            return ready(Err(refusal));
        }
        ready(match bearer.as_str() {
            "good" => {
                let mut grant = self.grant("robot");
                grant.identity.email = None;
                Ok(grant)
            }
            "barred" => Err(Refusal::Forbidden("CAN USE is missing".into())),
            _ => Err(Refusal::Unauthenticated("unknown token".into())),
        })
    }
}
