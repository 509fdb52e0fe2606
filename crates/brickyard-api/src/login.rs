use std::collections::BTreeMap;
use std::fmt;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::{SecureRandom as _, SystemRandom};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::Mutex;
use url::Url;

use crate::error::ApiFailure;

/// The public client that every workspace knows (platform §6.3).
const CLIENT: &str = "databricks-cli";

/// What a developer signs in for.
const SCOPES: &str = "all-apis offline_access";

/// Version of the cache file.
const VERSION: u32 = 1;

/// A user's sign-in with a browser (authorization code with PKCE, RFC 7636), its tokens kept in the official command
/// line's own cache file so that either program finds the other's sign-in.
#[derive(Clone)]
pub struct Login {
    cache: PathBuf,
    /// Profile that the sign-in is of: the official command line looks there, older programs at the address.
    profile: Option<String>,
    /// Seconds since the epoch.
    now: Arc<dyn Fn() -> i64 + Send + Sync>,
    /// A token that was refused although it should live.
    refused: Arc<Mutex<Option<String>>>,
}

/// Tokens of one workspace.
#[derive(Clone, Serialize, Deserialize)]
struct Kept {
    access_token: String,
    #[serde(default)]
    token_type: String,
    #[serde(default)]
    refresh_token: String,
    /// RFC 3339.
    #[serde(default)]
    expiry: String,
    #[serde(flatten)]
    more: BTreeMap<String, Value>,
}

#[derive(Default, Serialize, Deserialize)]
struct CacheFile {
    #[serde(default)]
    version: u32,
    #[serde(default)]
    tokens: BTreeMap<String, Value>,
    #[serde(flatten)]
    more: BTreeMap<String, Value>,
}

/// A sign-in that waits for the browser.
pub struct SignIn {
    /// Where the user signs in.
    pub url: String,
    redirect_uri: String,
    verifier: String,
    state: String,
}

impl fmt::Debug for Login {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Login({})", self.cache.display())
    }
}

impl Login {
    /// Sign-ins kept in this file, such as `~/.databricks/token-cache.json`.
    pub fn new(cache: PathBuf, now: Arc<dyn Fn() -> i64 + Send + Sync>) -> Self {
        Self { cache, profile: None, now, refused: Arc::default() }
    }

    /// The same for the sign-in of a profile, of which several may have the same address.
    #[must_use]
    pub fn of_profile(mut self, name: &str) -> Self {
        self.profile = Some(name.to_owned());
        self
    }

    /// Whether the cache knows somebody for the workspace.
    pub fn knows(&self, base: &str) -> bool {
        self.read().is_ok_and(|file| file.tokens.contains_key(base))
    }

    /// Begins a sign-in that comes back to `redirect_uri`.
    pub fn begin(base: &str, redirect_uri: &str) -> Result<SignIn, ApiFailure> {
        let (verifier, state) = (unguessable()?, unguessable()?);
        let digest = ring::digest::digest(&ring::digest::SHA256, verifier.as_bytes());
        let challenge = URL_SAFE_NO_PAD.encode(digest);
        let parameters = [
            ("response_type", "code"),
            ("client_id", CLIENT),
            ("redirect_uri", redirect_uri),
            ("scope", SCOPES),
            ("state", &state),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ];
        let url = Url::parse_with_params(&format!("{base}/oidc/v1/authorize"), parameters)
            .map_err(|error| ApiFailure::SignIn { message: format!("`{base}` is no address: {error}") })?;
        Ok(SignIn { url: url.into(), redirect_uri: redirect_uri.to_owned(), verifier, state })
    }

    /// Ends a sign-in with the address the browser came back to; the tokens are kept.
    pub async fn finish(
        &self,
        http: &reqwest::Client,
        base: &str,
        sign_in: SignIn,
        came_back: &str,
    ) -> Result<(), ApiFailure> {
        let refuse = |message: String| ApiFailure::SignIn { message };
        let url = Url::parse(&format!("http://localhost{came_back}"))
            .map_err(|error| refuse(format!("the browser came back to no address: {error}")))?;
        let query: BTreeMap<_, _> = url.query_pairs().into_owned().collect();
        if query.get("state") != Some(&sign_in.state) {
            return Err(refuse("the browser came back from another sign-in".to_owned()));
        }
        let Some(code) = query.get("code") else {
            let why = query.get("error_description").or_else(|| query.get("error"));
            return Err(refuse(why.cloned().unwrap_or_else(|| "the workspace gave no code".to_owned())));
        };
        let form = [
            ("grant_type", "authorization_code"),
            ("client_id", CLIENT),
            ("code", code),
            ("code_verifier", &sign_in.verifier),
            ("redirect_uri", &sign_in.redirect_uri),
        ];
        let kept = self.ask(http, base, &form).await?;
        self.keep(base, &kept)
    }

    /// A token that lives, refreshed where needed, and for how long.
    pub(crate) async fn token(
        &self,
        http: &reqwest::Client,
        base: &str,
    ) -> Result<(String, Duration), ApiFailure> {
        let file = self.read()?;
        // A profile that was led to another address since has a token that is not for it.
        let at_base = file.tokens.get(base);
        let own = self.profile.as_ref().and_then(|profile| file.tokens.get(profile));
        let kept = at_base.map(|at_base| own.unwrap_or(at_base).clone());
        let kept: Kept = kept.and_then(|kept| serde_json::from_value(kept).ok()).ok_or_else(|| {
            ApiFailure::SignIn { message: format!("nobody has signed in to {base} on this machine") }
        })?;
        let left = seconds(&kept.expiry).unwrap_or(0) - (self.now)();
        let refused = self.refused.lock().await.as_deref() == Some(&kept.access_token);
        if left > 60 && !refused {
            return Ok((kept.access_token, Duration::from_secs(left.unsigned_abs())));
        }
        if kept.refresh_token.is_empty() {
            return Err(ApiFailure::SignIn { message: "the sign-in has ended".to_owned() });
        }
        let form =
            [("grant_type", "refresh_token"), ("client_id", CLIENT), ("refresh_token", &kept.refresh_token)];
        let mut fresh = self.ask(http, base, &form).await?;
        if fresh.refresh_token.is_empty() {
            fresh.refresh_token.clone_from(&kept.refresh_token);
        }
        fresh.more = kept.more;
        self.keep(base, &fresh)?;
        let left = seconds(&fresh.expiry).unwrap_or(0) - (self.now)();
        Ok((fresh.access_token, Duration::from_secs(left.max(1).unsigned_abs())))
    }

    /// Takes note that the workspace refused a token; the next one is a fresh one.
    pub(crate) async fn give_up(&self, token: &str) -> bool {
        *self.refused.lock().await = Some(token.to_owned());
        true
    }

    async fn ask(
        &self,
        http: &reqwest::Client,
        base: &str,
        form: &[(&str, &str)],
    ) -> Result<Kept, ApiFailure> {
        let answer = http
            .post(format!("{base}/oidc/v1/token"))
            .form(form)
            .send()
            .await
            .map_err(|source| ApiFailure::Unreachable { host: base.to_owned(), source })?;
        let status = answer.status();
        let body: Value = answer.json().await.unwrap_or_default();
        let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
        if !status.is_success() || text("access_token").is_empty() {
            let message = text("error_description");
            let message =
                if message.is_empty() { format!("the workspace answered {status}") } else { message };
            return Err(ApiFailure::SignIn { message });
        }
        let lifetime = body["expires_in"].as_i64().unwrap_or(3600);
        Ok(Kept {
            access_token: text("access_token"),
            token_type: "Bearer".to_owned(),
            refresh_token: text("refresh_token"),
            expiry: rfc3339((self.now)() + lifetime),
            more: BTreeMap::new(),
        })
    }

    fn read(&self) -> Result<CacheFile, ApiFailure> {
        match std::fs::read(&self.cache) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| self.unusable(&error)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(CacheFile::default()),
            Err(error) => Err(self.unusable(&error)),
        }
    }

    fn keep(&self, base: &str, kept: &Kept) -> Result<(), ApiFailure> {
        let mut file = self.read()?;
        file.version = VERSION;
        let value = serde_json::to_value(kept).map_err(|error| self.unusable(&error))?;
        if let Some(profile) = &self.profile {
            file.tokens.insert(profile.clone(), value.clone());
        }
        file.tokens.insert(base.to_owned(), value);
        let bytes = serde_json::to_vec_pretty(&file).map_err(|error| self.unusable(&error))?;
        write_private(&self.cache, &bytes).map_err(|error| self.unusable(&error))
    }

    fn unusable(&self, error: &dyn fmt::Display) -> ApiFailure {
        ApiFailure::SignIn {
            message: format!("the token cache `{}` is unusable: {error}", self.cache.display()),
        }
    }
}

/// Replaces a file in one step; its owner alone may read it.
fn write_private(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt as _;
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let part = path.with_extension(format!("part{}", std::process::id()));
    let _ = std::fs::remove_file(&part);
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&part)?;
    file.write_all(bytes)?;
    std::fs::rename(&part, path)
}

fn unguessable() -> Result<String, ApiFailure> {
    let mut bytes = [0; 32];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| ApiFailure::SignIn { message: "the system gives no random numbers".to_owned() })?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// Seconds since the epoch of an RFC 3339 time.
fn seconds(text: &str) -> Option<i64> {
    text.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_second)
}

fn rfc3339(seconds: i64) -> String {
    jiff::Timestamp::from_second(seconds).unwrap_or_default().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cache_is_shared_with_the_official_command_line() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("token-cache.json");
        let theirs = r#"{"version":1,"tokens":{"https://other.test":{"access_token":"a","token_type":"Bearer","refresh_token":"r","expiry":"2026-01-01T00:00:00.5Z","expires_in":5}}}"#;
        std::fs::write(&path, theirs).unwrap();
        let login = Login::new(path.clone(), Arc::new(|| 0)).of_profile("me");
        assert!(login.knows("https://other.test") && !login.knows("https://w.test"));
        let kept = Kept {
            access_token: "t".into(),
            token_type: "Bearer".into(),
            refresh_token: "u".into(),
            expiry: rfc3339(100),
            more: BTreeMap::new(),
        };
        login.keep("https://w.test", &kept).unwrap();
        let file = login.read().unwrap();
        assert_eq!(file.tokens["https://other.test"]["expires_in"], 5);
        for key in ["https://w.test", "me"] {
            assert_eq!(file.tokens[key]["expiry"], "1970-01-01T00:01:40Z", "{key}");
        }
        let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&path).unwrap().permissions());
        assert_eq!(mode & 0o777, 0o600);
    }

    #[tokio::test]
    async fn profiles_of_one_address_have_sign_ins_of_their_own() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("token-cache.json");
        let of = |profile: &str| Login::new(path.clone(), Arc::new(|| 0)).of_profile(profile);
        let kept = |token: &str| Kept {
            access_token: token.into(),
            token_type: "Bearer".into(),
            refresh_token: String::new(),
            expiry: rfc3339(1000),
            more: BTreeMap::new(),
        };
        of("ada").keep("https://w.test", &kept("a")).unwrap();
        of("grace").keep("https://w.test", &kept("g")).unwrap();
        let http = crate::client::http_client(false).unwrap();
        for (profile, token) in [("ada", "a"), ("grace", "g"), ("neither", "g")] {
            assert_eq!(of(profile).token(&http, "https://w.test").await.unwrap().0, token, "{profile}");
        }
        assert!(of("ada").token(&http, "https://elsewhere.test").await.is_err(), "not for another address");
    }

    #[test]
    fn a_sign_in_carries_a_challenge_and_no_verifier() {
        let sign_in = Login::begin("https://w.test", "http://localhost:8020").unwrap();
        assert!(sign_in.url.starts_with("https://w.test/oidc/v1/authorize?response_type=code"));
        assert!(
            sign_in.url.contains("code_challenge_method=S256") && !sign_in.url.contains(&sign_in.verifier)
        );
    }
}
