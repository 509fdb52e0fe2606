//! SCRAM-SHA-256 (RFC 5802, RFC 7677): verifiers as PostgreSQL keeps them, and the client's side of a login.
//!
//! Passwords are taken as they are, without the normalisation of RFC 4013: those of ASCII letters need none.

use std::num::NonZeroU32;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::rand::SecureRandom;
use ring::{digest, hmac, pbkdf2};

/// Most rounds that are computed for one login.
const MOST_ROUNDS: u32 = 100_000;

/// Rounds of verifiers we make; their passwords are random, so that more would protect nothing.
const ROUNDS: NonZeroU32 = NonZeroU32::MIN.saturating_add(4095);

type Digest = [u8; digest::SHA256_OUTPUT_LEN];

/// Whether a password fits a verifier of `pg_authid.rolpassword`:
/// `SCRAM-SHA-256$<rounds>:<salt>$<StoredKey>:<ServerKey>` (RFC 5803, base64).
pub fn verify(verifier: &str, password: &str) -> bool {
    let Some((rounds, salt, stored)) = parts(verifier) else { return false };
    let salted = salted(rounds, &salt, password);
    let computed = digest::digest(&digest::SHA256, sign(&salted, b"Client Key").as_ref());
    same(&stored, computed.as_ref(), &salt)
}

/// The verifier of a password, with which PostgreSQL checks logins without knowing it.
pub fn verifier(password: &str) -> String {
    let mut salt = [0; 16];
    // The system's generator fails only where nothing works; a fixed salt is then the least of it.
    let _ = ring::rand::SystemRandom::new().fill(&mut salt);
    let salted = salted(ROUNDS, &salt, password);
    let stored = digest::digest(&digest::SHA256, sign(&salted, b"Client Key").as_ref());
    format!(
        "SCRAM-SHA-256${ROUNDS}:{}${}:{}",
        STANDARD.encode(salt),
        STANDARD.encode(stored),
        STANDARD.encode(sign(&salted, b"Server Key"))
    )
}

fn salted(rounds: NonZeroU32, salt: &[u8], password: &str) -> Digest {
    let mut salted = [0; digest::SHA256_OUTPUT_LEN];
    pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, rounds, salt, password.as_bytes(), &mut salted);
    salted
}

fn sign(key: &[u8], text: &[u8]) -> hmac::Tag {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text)
}

/// Compares in the same time for any content.
fn same(left: &[u8], right: &[u8], blind: &[u8]) -> bool {
    let blind = hmac::Key::new(hmac::HMAC_SHA256, blind);
    hmac::verify(&blind, left, hmac::sign(&blind, right).as_ref()).is_ok()
}

fn parts(verifier: &str) -> Option<(NonZeroU32, Vec<u8>, Vec<u8>)> {
    let rest = verifier.strip_prefix("SCRAM-SHA-256$")?;
    let (head, keys) = rest.split_once('$')?;
    let (rounds, salt) = head.split_once(':')?;
    let (stored, _) = keys.split_once(':')?;
    let rounds = NonZeroU32::new(rounds.parse().ok()?).filter(|rounds| rounds.get() <= MOST_ROUNDS)?;
    Some((rounds, STANDARD.decode(salt).ok()?, STANDARD.decode(stored).ok()?))
}

/// The client's side of one login, without channel binding.
pub(crate) struct Exchange {
    password: String,
    bare: String,
    nonce: String,
    /// The server's signature, once what it signs is known.
    expected: Option<Vec<u8>>,
}

impl Exchange {
    /// Begins one; PostgreSQL knows the user from the startup packet and ignores the name here.
    pub(crate) fn new(password: &str) -> Self {
        let mut nonce = [0; 18];
        let _ = ring::rand::SystemRandom::new().fill(&mut nonce);
        Self::with(password, "", &STANDARD.encode(nonce))
    }

    fn with(password: &str, user: &str, nonce: &str) -> Self {
        let bare = format!("n={user},r={nonce}");
        Self { password: password.to_owned(), bare, nonce: nonce.to_owned(), expected: None }
    }

    /// What the client says first.
    pub(crate) fn first(&self) -> String {
        format!("n,,{}", self.bare)
    }

    /// What the client says to the server's challenge; `None` when that is not one.
    pub(crate) fn last(&mut self, challenge: &str) -> Option<String> {
        let field = |name: &str| challenge.split(',').find_map(|field| field.strip_prefix(name));
        let nonce =
            field("r=").filter(|nonce| nonce.starts_with(&self.nonce) && nonce.len() > self.nonce.len())?;
        let salt = STANDARD.decode(field("s=")?).ok()?;
        let rounds =
            NonZeroU32::new(field("i=")?.parse().ok()?).filter(|rounds| rounds.get() <= MOST_ROUNDS)?;
        let salted = salted(rounds, &salt, &self.password);
        let client = sign(&salted, b"Client Key");
        let stored = digest::digest(&digest::SHA256, client.as_ref());
        let bare = format!("c=biws,r={nonce}");
        let signed = format!("{},{challenge},{bare}", self.bare);
        let signature = sign(stored.as_ref(), signed.as_bytes());
        let proof: Vec<u8> =
            client.as_ref().iter().zip(signature.as_ref()).map(|(left, right)| left ^ right).collect();
        let server = sign(&salted, b"Server Key");
        self.expected = Some(sign(server.as_ref(), signed.as_bytes()).as_ref().to_vec());
        Some(format!("{bare},p={}", STANDARD.encode(proof)))
    }

    /// Whether the server's last words prove that it knows the password too.
    pub(crate) fn is_proven(&self, last: &str) -> bool {
        let told = last.split(',').find_map(|field| field.strip_prefix("v="));
        let told = told.and_then(|told| STANDARD.decode(told).ok());
        told.zip(self.expected.as_ref()).is_some_and(|(told, expected)| same(&told, expected, expected))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7677, section 3: user `user`, password `pencil`, 4096 rounds.
    #[test]
    fn the_example_of_the_rfc_fits() {
        let kept = "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==\
            $WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=";
        assert!(verify(kept, "pencil"));
        assert!(!verify(kept, "pencils"));
        assert!(!verify("md5abc", "pencil"));
        assert!(!verify("SCRAM-SHA-256$0:AA==$AA==:AA==", ""));
        assert!(verify(&verifier("pencil"), "pencil"));
        assert!(!verify(&verifier("pencil"), "Pencil"));
        assert_ne!(verifier("pencil"), verifier("pencil"), "each has its own salt");
    }

    #[test]
    fn the_exchange_of_the_rfc_is_spoken() {
        let mut exchange = Exchange::with("pencil", "user", "rOprNGfwEbeRWgbNEkqO");
        assert_eq!(exchange.first(), "n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
        let challenge =
            "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
        assert_eq!(
            exchange.last(challenge).unwrap(),
            "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
             p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
        );
        assert!(exchange.is_proven("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="));
        assert!(!exchange.is_proven("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G5="));
        assert!(!exchange.is_proven("e=other-error"));
        assert!(exchange.last("r=another,s=AA==,i=1").is_none(), "a nonce of somebody else's");
        assert!(exchange.last("r=rOprNGfwEbeRWgbNEkqOx,s=AA==,i=999999999").is_none(), "too many rounds");
    }
}
