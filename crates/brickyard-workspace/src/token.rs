use std::path::Path;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, UnparsedPublicKey,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Seconds an access token lives, as on the platform.
pub(crate) const LIFETIME: i64 = 3600;

/// Longest token that is looked at, in bytes.
const LONGEST: usize = 16 * 1024;

/// What a token says (platform §6.1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Claims {
    /// Issuer, `https://HOST/oidc`.
    pub(crate) iss: String,
    /// Audience: the workspace id, or the OAuth client for an identity token.
    pub(crate) aud: String,
    /// E-mail address of the user or client id of the service principal.
    pub(crate) sub: String,
    /// OAuth client the token was issued to.
    pub(crate) client_id: String,
    /// Scopes, separated by spaces.
    pub(crate) scope: String,
    /// Second of issue.
    pub(crate) iat: i64,
    /// Second from which it is refused.
    pub(crate) exp: i64,
    /// Unique id.
    pub(crate) jti: String,
    /// What else a kind of token carries, such as a database instance.
    #[serde(flatten)]
    pub(crate) extra: serde_json::Map<String, Value>,
}

/// Why a token is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TokenError {
    /// Not three parts of base64 with JSON in them, or too long.
    #[error("the token is malformed")]
    Malformed,
    /// Another algorithm than ES256 or another key than ours, `none` included.
    #[error("the token is not signed by this workspace")]
    Unsigned,
    /// The signature does not fit the content.
    #[error("the token's signature is not valid")]
    Forged,
    /// The token's time is over.
    #[error("the token has expired")]
    Expired,
    /// Issued for another workspace or another purpose.
    #[error("the token was not issued for this workspace")]
    WrongAudience,
}

/// Signs and checks the workspace's JSON web tokens (RFC 7519, ES256).
#[derive(Clone)]
pub(crate) struct Signer {
    key: Arc<EcdsaKeyPair>,
    key_id: String,
}

/// Why the signing key could not be had.
#[derive(Debug, thiserror::Error)]
pub enum SignerError {
    /// Reading or writing the key file failed.
    #[error("Cannot keep the signing key `{}`", path.display())]
    File {
        /// The key file.
        path: std::path::PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
    /// The key file holds no P-256 key.
    #[error("The signing key `{}` is damaged", path.display())]
    Damaged {
        /// The key file.
        path: std::path::PathBuf,
    },
}

impl Signer {
    /// Reads the key from `path` (mode 0600), making it when there is none.
    pub(crate) fn open(path: &Path) -> Result<Self, SignerError> {
        let failed = |source| SignerError::File { path: path.to_path_buf(), source };
        let damaged = || SignerError::Damaged { path: path.to_path_buf() };
        let random = SystemRandom::new();
        let pkcs8 = match std::fs::read(path) {
            Ok(pkcs8) => pkcs8,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random)
                    .map_err(|_| damaged())?;
                crate::store::write_private(path, document.as_ref()).map_err(failed)?;
                document.as_ref().to_vec()
            }
            Err(error) => return Err(failed(error)),
        };
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &pkcs8, &random)
            .map_err(|_| damaged())?;
        let digest = ring::digest::digest(&ring::digest::SHA256, key.public_key().as_ref());
        Ok(Self { key_id: URL_SAFE_NO_PAD.encode(&digest.as_ref()[..16]), key: Arc::new(key) })
    }

    /// The signed token for these claims.
    pub(crate) fn sign(&self, claims: &impl Serialize) -> String {
        let header = json!({ "alg": "ES256", "typ": "JWT", "kid": self.key_id });
        let body = serde_json::to_vec(claims).expect("claims are plain JSON");
        let content =
            format!("{}.{}", URL_SAFE_NO_PAD.encode(header.to_string()), URL_SAFE_NO_PAD.encode(body));
        let signature =
            self.key.sign(&SystemRandom::new(), content.as_bytes()).expect("the system gives random bytes");
        format!("{content}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    /// The claims of a token of ours that lives at second `now` and was issued for `audience` by `issuer`.
    pub(crate) fn verify(
        &self,
        token: &str,
        issuer: &str,
        audience: &str,
        now: i64,
    ) -> Result<Claims, TokenError> {
        if token.len() > LONGEST {
            return Err(TokenError::Malformed);
        }
        let (content, signature) = token.rsplit_once('.').ok_or(TokenError::Malformed)?;
        let (header, body) = content.split_once('.').ok_or(TokenError::Malformed)?;
        let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| TokenError::Malformed);
        let header: Value = serde_json::from_slice(&decode(header)?).map_err(|_| TokenError::Malformed)?;
        if header["alg"] != "ES256" || header["kid"] != self.key_id.as_str() {
            return Err(TokenError::Unsigned);
        }
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, self.key.public_key().as_ref())
            .verify(content.as_bytes(), &decode(signature)?)
            .map_err(|_| TokenError::Forged)?;
        let claims: Claims = serde_json::from_slice(&decode(body)?).map_err(|_| TokenError::Malformed)?;
        if claims.iss != issuer || claims.aud != audience {
            return Err(TokenError::WrongAudience);
        }
        if claims.exp <= now {
            return Err(TokenError::Expired);
        }
        Ok(claims)
    }

    /// The public key as a JWK set (RFC 7517).
    pub(crate) fn jwks(&self) -> Value {
        let point = self.key.public_key().as_ref();
        json!({ "keys": [{
            "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": self.key_id,
            "x": URL_SAFE_NO_PAD.encode(&point[1..33]), "y": URL_SAFE_NO_PAD.encode(&point[33..65]),
        }]})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ISSUER: &str = "https://w.test/oidc";

    fn claims() -> Claims {
        Claims {
            iss: ISSUER.to_owned(),
            aud: "7".to_owned(),
            sub: "ada@example.com".to_owned(),
            client_id: "databricks-cli".to_owned(),
            scope: "all-apis".to_owned(),
            iat: 100,
            exp: 200,
            jti: "1".to_owned(),
            extra: serde_json::Map::new(),
        }
    }

    fn signer() -> (tempfile::TempDir, Signer) {
        let directory = tempfile::tempdir().unwrap();
        let signer = Signer::open(&directory.path().join("key")).unwrap();
        (directory, signer)
    }

    #[test]
    fn a_token_is_good_until_its_second_comes() {
        let (_directory, signer) = signer();
        let token = signer.sign(&claims());
        assert_eq!(signer.verify(&token, ISSUER, "7", 199).unwrap(), claims());
        assert_eq!(signer.verify(&token, ISSUER, "7", 200), Err(TokenError::Expired));
        assert_eq!(signer.verify(&token, ISSUER, "8", 150), Err(TokenError::WrongAudience));
        assert_eq!(signer.verify(&token, "https://x.test/oidc", "7", 150), Err(TokenError::WrongAudience));
    }

    #[test]
    fn a_changed_unsigned_or_foreign_token_is_refused() {
        let (_directory, signer) = signer();
        let token = signer.sign(&claims());
        let parts: Vec<&str> = token.split('.').collect();
        let other = URL_SAFE_NO_PAD
            .encode(serde_json::to_vec(&Claims { sub: "eve".to_owned(), ..claims() }).unwrap());
        let forged = format!("{}.{other}.{}", parts[0], parts[2]);
        assert_eq!(signer.verify(&forged, ISSUER, "7", 150), Err(TokenError::Forged));
        let none = URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#);
        assert_eq!(
            signer.verify(&format!("{none}.{}.", parts[1]), ISSUER, "7", 150),
            Err(TokenError::Unsigned)
        );
        let (_other, stranger) = self::signer();
        assert_eq!(signer.verify(&stranger.sign(&claims()), ISSUER, "7", 150), Err(TokenError::Unsigned));
        assert_eq!(signer.verify("a.b", ISSUER, "7", 150), Err(TokenError::Malformed));
        assert_eq!(signer.verify(&"a".repeat(20_000), ISSUER, "7", 150), Err(TokenError::Malformed));
    }

    #[test]
    fn the_key_survives_reopening_and_is_private() {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("key");
        let token = Signer::open(&path).unwrap().sign(&claims());
        assert!(Signer::open(&path).unwrap().verify(&token, ISSUER, "7", 150).is_ok());
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
