use std::collections::BTreeMap;

use crate::credentials::Credentials;
use crate::login::Login;

/// A real workspace and how to sign in to it.
#[derive(Debug, Clone)]
pub struct Target {
    /// Address, `https://HOST`.
    pub host: String,
    /// Who we are there.
    pub credentials: Credentials,
}

/// Why a target cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProfileError {
    /// The configuration file has no such profile.
    #[error("There is no profile `{name}` in the configuration file; it has {known}")]
    Unknown {
        /// Profile asked for.
        name: String,
        /// Those there are.
        known: String,
    },
    /// Neither variables nor profile name a workspace.
    #[error("Profile `{name}` names no `host`")]
    NoHost {
        /// Profile asked for.
        name: String,
    },
    /// Nothing to sign in with.
    #[error(
        "Profile `{name}` has neither `token` nor `client_id` with `client_secret`, and nobody has signed in to {host}"
    )]
    NoCredentials {
        /// Profile asked for.
        name: String,
        /// Address of its workspace.
        host: String,
    },
    /// The official SDK refuses this too.
    #[error("More than one authorization method is configured for profile `{name}`: {methods}")]
    Several {
        /// Profile asked for.
        name: String,
        /// Those there are.
        methods: String,
    },
    /// A way to sign in that is not known here.
    #[error("Profile `{name}` asks for `auth_type = {auth_type}`, which is not supported here")]
    Unsupported {
        /// Profile asked for.
        name: String,
        /// What it asks for.
        auth_type: String,
    },
}

/// Variables that make the official SDK leave the configuration file alone.
const DIRECT: [&str; 6] = ["host", "token", "client_id", "client_secret", "username", "password"];

/// Section of the configuration file that is no profile.
const SETTINGS: &str = "__settings__";

/// Resolves a profile of the configuration file (`~/.databrickscfg`), in the order the official SDK tries the ways to sign
/// in: token, client id and secret, then the sign-in of a user.
///
/// `DEFAULT` stands for what the SDK does when nobody names a profile: where `DATABRICKS_*` variables give an address or
/// credentials they speak alone, else the profile of this name does. A profile that is named is what the user asked for:
/// variables do not turn it into another workspace.
pub fn resolve(
    name: &str,
    configuration: &str,
    variable: impl Fn(&str) -> Option<String>,
    login: &Login,
) -> Result<Target, ProfileError> {
    let setting = settings(name, configuration, variable)?;
    let host = host(name, &setting)?;
    let owned = || name.to_owned();
    let missing = || ProfileError::NoCredentials { name: owned(), host: host.clone() };
    let token = || setting("token").map(Credentials::Token);
    let principal = || {
        let (client_id, client_secret) = (setting("client_id")?, setting("client_secret")?);
        Some(Credentials::ServicePrincipal { client_id, client_secret })
    };
    let user = || login.knows(&host).then(|| Credentials::Login(login.clone()));
    let credentials = match setting("auth_type").as_deref() {
        Some("pat") => token().ok_or_else(missing)?,
        Some("oauth-m2m") => principal().ok_or_else(missing)?,
        // Asked for by name: whoever has not signed in yet is told so by the first call.
        Some("databricks-cli" | "external-browser" | "oauth-u2m") => Credentials::Login(login.clone()),
        Some(other) => {
            return Err(ProfileError::Unsupported { name: owned(), auth_type: other.to_owned() });
        }
        None => {
            let families = [("pat", "token"), ("oauth", "client_secret"), ("basic", "password")];
            let methods: Vec<&str> = families
                .iter()
                .filter(|(_, key)| setting(key).is_some())
                .map(|(family, _)| *family)
                .collect();
            if methods.len() > 1 {
                return Err(ProfileError::Several { name: owned(), methods: methods.join(" and ") });
            }
            token().or_else(principal).or_else(user).ok_or_else(missing)?
        }
    };
    Ok(Target { host, credentials })
}

/// Address of the workspace a profile names, whether or not anybody could sign in there.
pub fn profile_host(
    name: &str,
    configuration: &str,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<String, ProfileError> {
    host(name, &settings(name, configuration, variable)?)
}

fn settings(
    name: &str,
    configuration: &str,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<impl Fn(&str) -> Option<String>, ProfileError> {
    let mut profiles = parse(configuration);
    profiles.remove(SETTINGS);
    let is_default = name == "DEFAULT";
    let said = move |key: &str| {
        is_default
            .then(|| variable(&format!("DATABRICKS_{}", key.to_uppercase())))
            .flatten()
            .filter(|value| !value.is_empty())
    };
    if DIRECT.iter().any(|key| said(key).is_some()) {
        profiles.remove(name);
    }
    let profile = match profiles.remove(name) {
        Some(profile) => profile,
        None if is_default => BTreeMap::new(),
        None => {
            let known: Vec<String> = profiles.keys().map(|name| format!("`{name}`")).collect();
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            return Err(ProfileError::Unknown { name: name.to_owned(), known });
        }
    };
    Ok(move |key: &str| said(key).or_else(|| profile.get(key).cloned()).filter(|value| !value.is_empty()))
}

fn host(name: &str, setting: &impl Fn(&str) -> Option<String>) -> Result<String, ProfileError> {
    let host = setting("host").ok_or_else(|| ProfileError::NoHost { name: name.to_owned() })?;
    Ok(workspace_address(&host))
}

/// Address of a workspace, `https://HOST`, of what people write for it: without `https://`, or as it stands in a browser
/// with a path or `?o=…`.
pub fn workspace_address(text: &str) -> String {
    let text = if text.contains("://") { text.to_owned() } else { format!("https://{text}") };
    let origin = url::Url::parse(&text).ok().map(|url| url.origin()).filter(url::Origin::is_tuple);
    origin.map_or_else(|| text.trim_end_matches('/').to_owned(), |origin| origin.ascii_serialization())
}

/// Sections of an INI file: `[name]`, then `key = value` or `key: value`, keys in either case; `#` and `;` begin a comment
/// line.
fn parse(text: &str) -> BTreeMap<String, BTreeMap<String, String>> {
    let mut profiles: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
    let mut name = "DEFAULT".to_owned();
    for line in text.lines().map(str::trim) {
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        if let Some(section) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            section.trim().clone_into(&mut name);
            profiles.entry(name.clone()).or_default();
        } else if let Some((key, value)) = line.split_once(['=', ':']) {
            let key = key.trim().to_lowercase();
            profiles.entry(name.clone()).or_default().insert(key, value.trim().to_owned());
        }
    }
    profiles
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "[DEFAULT]\nhost = https://a.test/\ntoken = dapi1\n\n# note\n[prod]\nhost=b.test\nclient_id=x\nclient_secret=y\n[bare]\nhost=c.test\n";

    fn login() -> Login {
        Login::new("/nowhere/token-cache.json".into(), std::sync::Arc::new(|| 0))
    }

    #[test]
    fn a_profile_gives_host_and_credentials() {
        let target = resolve("prod", FILE, |_| Some("ignored".to_owned()), &login()).unwrap();
        assert_eq!(target.host, "https://b.test");
        assert!(
            matches!(target.credentials, Credentials::ServicePrincipal { ref client_id, .. } if client_id == "x")
        );
    }

    #[test]
    fn variables_speak_for_the_default_profile() {
        let set = |variables: &'static [(&'static str, &'static str)]| {
            move |name: &str| {
                variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
            }
        };
        let target = resolve("DEFAULT", FILE, |_| None, &login()).unwrap();
        assert_eq!(target.host, "https://a.test");
        assert!(matches!(target.credentials, Credentials::Token(ref token) if token == "dapi1"));
        // The file's credentials are not those of another address, and its other way to sign in does not get in the way.
        let elsewhere = set(&[("DATABRICKS_HOST", "d.test")]);
        let refused = resolve("DEFAULT", FILE, elsewhere, &login()).unwrap_err();
        assert!(matches!(refused, ProfileError::NoCredentials { host, .. } if host == "https://d.test"));
        let principal = "[DEFAULT]\nhost=a.test\nclient_id=x\nclient_secret=y\n";
        let both = set(&[("DATABRICKS_HOST", "d.test"), ("DATABRICKS_TOKEN", "dapi2")]);
        let target = resolve("DEFAULT", principal, both, &login()).unwrap();
        assert!(matches!(target.credentials, Credentials::Token(ref token) if token == "dapi2"));
        // What is no address and no credential is added to the file.
        let login_asked = set(&[("DATABRICKS_AUTH_TYPE", "databricks-cli")]);
        let target = resolve("DEFAULT", FILE, login_asked, &login()).unwrap();
        assert!(matches!(target.credentials, Credentials::Login(_)));
    }

    #[test]
    fn addresses_and_files_are_read_as_people_write_them() {
        let file = "[__settings__]\ndefault_profile = x\n[x]\nHost: https://adb-1.2.azuredatabricks.net/?o=12#job/3\nToken: t\n[y]\nhost=HTTP://127.0.0.1:8080/\n";
        assert_eq!(profile_host("x", file, |_| None).unwrap(), "https://adb-1.2.azuredatabricks.net");
        assert_eq!(profile_host("y", file, |_| None).unwrap(), "http://127.0.0.1:8080");
        let unknown = resolve("__settings__", file, |_| None, &login()).unwrap_err().to_string();
        assert!(unknown.ends_with("it has `x`, `y`"), "{unknown}");
    }

    #[test]
    fn two_ways_to_sign_in_need_a_word_which_one() {
        let file = "[two]\nhost=a.test\ntoken=t\nclient_id=x\nclient_secret=y\n";
        let refused = resolve("two", file, |_| None, &login()).unwrap_err().to_string();
        assert_eq!(
            refused,
            "More than one authorization method is configured for profile `two`: pat and oauth"
        );
        let target = resolve("two", &format!("{file}auth_type=pat\n"), |_| None, &login()).unwrap();
        assert!(matches!(target.credentials, Credentials::Token(_)));
        let target =
            resolve("two", &format!("{file}auth_type=databricks-cli\n"), |_| None, &login()).unwrap();
        assert!(matches!(target.credentials, Credentials::Login(_)));
        let azure = resolve("two", &format!("{file}auth_type=azure-cli\n"), |_| None, &login()).unwrap_err();
        assert!(matches!(azure, ProfileError::Unsupported { .. }));
    }

    #[test]
    fn what_is_missing_is_named() {
        let refuse = |name| resolve(name, FILE, |_| None, &login()).unwrap_err().to_string();
        assert_eq!(
            refuse("x"),
            "There is no profile `x` in the configuration file; it has `DEFAULT`, `bare`, `prod`"
        );
        assert_eq!(
            refuse("bare"),
            "Profile `bare` has neither `token` nor `client_id` with `client_secret`, and nobody has signed in to \
             https://c.test"
        );
    }
}
