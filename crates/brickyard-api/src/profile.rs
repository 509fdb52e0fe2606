use std::collections::BTreeMap;

use crate::credentials::Credentials;

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
    /// Neither token nor client id and secret.
    #[error("Profile `{name}` has neither `token` nor `client_id` with `client_secret`")]
    NoCredentials {
        /// Profile asked for.
        name: String,
    },
}

/// Resolves a profile: `DATABRICKS_*` variables over the profile of the configuration file (`~/.databrickscfg`), in the
/// order the official SDK uses for the ways to sign in: token, then client id and secret.
pub fn resolve(
    name: &str,
    configuration: &str,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<Target, ProfileError> {
    let profiles = parse(configuration);
    let empty = BTreeMap::new();
    let profile = match profiles.get(name) {
        Some(profile) => profile,
        None if name == "DEFAULT" => &empty,
        None => {
            let known: Vec<String> = profiles.keys().map(|name| format!("`{name}`")).collect();
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            return Err(ProfileError::Unknown { name: name.to_owned(), known });
        }
    };
    // A named profile is what the user asked for: variables speak only for the default one.
    let from_variable = |key: &str| {
        (name == "DEFAULT").then(|| variable(&format!("DATABRICKS_{}", key.to_uppercase()))).flatten()
    };
    let setting = |key: &str| {
        from_variable(key).or_else(|| profile.get(key).cloned()).filter(|value| !value.is_empty())
    };
    let host = setting("host").ok_or_else(|| ProfileError::NoHost { name: name.to_owned() })?;
    let host = host.trim_end_matches('/');
    let host = if host.contains("://") { host.to_owned() } else { format!("https://{host}") };
    let credentials = if let Some(token) = setting("token") {
        Credentials::Token(token)
    } else if let (Some(client_id), Some(client_secret)) = (setting("client_id"), setting("client_secret")) {
        Credentials::ServicePrincipal { client_id, client_secret }
    } else {
        return Err(ProfileError::NoCredentials { name: name.to_owned() });
    };
    Ok(Target { host, credentials })
}

/// Sections of an INI file: `[name]`, then `key = value`; `#` and `;` begin a comment line.
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
        } else if let Some((key, value)) = line.split_once('=') {
            profiles.entry(name.clone()).or_default().insert(key.trim().to_owned(), value.trim().to_owned());
        }
    }
    profiles
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "[DEFAULT]\nhost = https://a.test/\ntoken = dapi1\n\n# note\n[prod]\nhost=b.test\nclient_id=x\nclient_secret=y\n[bare]\nhost=c.test\n";

    #[test]
    fn a_profile_gives_host_and_credentials() {
        let target = resolve("prod", FILE, |_| Some("ignored".to_owned())).unwrap();
        assert_eq!(target.host, "https://b.test");
        assert!(
            matches!(target.credentials, Credentials::ServicePrincipal { ref client_id, .. } if client_id == "x")
        );
    }

    #[test]
    fn variables_speak_for_the_default_profile() {
        let target =
            resolve("DEFAULT", FILE, |name| (name == "DATABRICKS_HOST").then(|| "d.test".to_owned()))
                .unwrap();
        assert_eq!(target.host, "https://d.test");
        assert!(matches!(target.credentials, Credentials::Token(ref token) if token == "dapi1"));
    }

    #[test]
    fn what_is_missing_is_named() {
        let refuse = |name| resolve(name, FILE, |_| None).unwrap_err().to_string();
        assert_eq!(
            refuse("x"),
            "There is no profile `x` in the configuration file; it has `DEFAULT`, `bare`, `prod`"
        );
        assert_eq!(refuse("bare"), "Profile `bare` has neither `token` nor `client_id` with `client_secret`");
    }
}
