use std::num::NonZeroU32;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::{digest, hmac, pbkdf2};

/// Most rounds that are computed for one login.
const MOST_ROUNDS: u32 = 100_000;

/// Whether a password fits a verifier of `pg_authid.rolpassword`:
/// `SCRAM-SHA-256$<rounds>:<salt>$<StoredKey>:<ServerKey>` (RFC 5803, base64).
///
/// Passwords are taken as they are, without the normalisation of RFC 4013: those of ASCII letters need none.
pub fn verify(verifier: &str, password: &str) -> bool {
    let Some((rounds, salt, stored)) = parts(verifier) else { return false };
    let mut salted = [0; digest::SHA256_OUTPUT_LEN];
    pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, rounds, &salt, password.as_bytes(), &mut salted);
    let client_key = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &salted), b"Client Key");
    let computed = digest::digest(&digest::SHA256, client_key.as_ref());
    let blind = hmac::Key::new(hmac::HMAC_SHA256, &salt); // so that the comparison takes the same time for any content
    hmac::verify(&blind, &stored, hmac::sign(&blind, computed.as_ref()).as_ref()).is_ok()
}

fn parts(verifier: &str) -> Option<(NonZeroU32, Vec<u8>, Vec<u8>)> {
    let rest = verifier.strip_prefix("SCRAM-SHA-256$")?;
    let (head, keys) = rest.split_once('$')?;
    let (rounds, salt) = head.split_once(':')?;
    let (stored, _) = keys.split_once(':')?;
    let rounds = NonZeroU32::new(rounds.parse().ok()?).filter(|rounds| rounds.get() <= MOST_ROUNDS)?;
    Some((rounds, STANDARD.decode(salt).ok()?, STANDARD.decode(stored).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7677, section 3: user `user`, password `pencil`, 4096 rounds.
    #[test]
    fn the_example_of_the_rfc_fits() {
        let verifier = "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==\
            $WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=";
        assert!(verify(verifier, "pencil"));
        assert!(!verify(verifier, "pencils"));
        assert!(!verify("md5abc", "pencil"));
        assert!(!verify("SCRAM-SHA-256$0:AA==$AA==:AA==", ""));
    }
}
