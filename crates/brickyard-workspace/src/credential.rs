//! Secrets nobody can guess, and what is kept of them.

use std::fmt::Write;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::{SecureRandom, SystemRandom};

/// Text of `bytes` random bytes in base64url.
pub(crate) fn unguessable(bytes: usize) -> String {
    URL_SAFE_NO_PAD.encode(random(bytes))
}

/// Text of `bytes` random bytes in hexadecimal.
pub(crate) fn unguessable_hex(bytes: usize) -> String {
    hex(&random(bytes))
}

/// SHA-256 in hexadecimal: what is stored of a secret. Enough for secrets of 128 random bits and more, which no
/// dictionary holds.
pub(crate) fn fingerprint(secret: &str) -> String {
    hex(ring::digest::digest(&ring::digest::SHA256, secret.as_bytes()).as_ref())
}

/// SHA-256 in base64url, as PKCE's `S256` writes it (RFC 7636 §4.2).
pub(crate) fn s256(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(ring::digest::digest(&ring::digest::SHA256, verifier.as_bytes()))
}

fn random(bytes: usize) -> Vec<u8> {
    let mut buffer = vec![0; bytes];
    SystemRandom::new().fill(&mut buffer).expect("the system gives random bytes");
    buffer
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_answers() {
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"; // RFC 7636, appendix B
        assert_eq!(s256(verifier), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
        assert_eq!(fingerprint("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_ne!(unguessable(32), unguessable(32));
        assert_eq!(unguessable_hex(16).len(), 32);
    }
}
