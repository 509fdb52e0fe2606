//! How strong a password of a native role has to be. The platform looks when it is set (docs, "Manage roles": 60 bits of
//! entropy); here PostgreSQL itself sets it, so it is looked at when somebody logs in with it.

/// Bits of entropy a password needs.
const NEEDED: u32 = 60;

/// The bits a password has at most, where those are too few: letters of the kinds it has, drawn by chance.
pub(super) fn too_few_bits(password: &str) -> Option<u32> {
    let has = |kind: fn(&char) -> bool, letters: u32| {
        if password.chars().any(|letter| kind(&letter)) { letters } else { 0 }
    };
    let letters = has(char::is_ascii_lowercase, 26)
        + has(char::is_ascii_uppercase, 26)
        + has(char::is_ascii_digit, 10)
        + has(|letter| letter.is_ascii() && !letter.is_ascii_alphanumeric(), 33)
        + has(|letter| !letter.is_ascii(), 128);
    let length = u32::try_from(password.chars().count()).unwrap_or(u32::MAX);
    let strength = f64::from(length) * f64::from(letters.max(1)).log2();
    let whole = || (0..NEEDED).rev().find(|bits| f64::from(*bits) <= strength).unwrap_or_default();
    (strength < f64::from(NEEDED)).then(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weak_passwords_are_told_and_strong_ones_let_pass() {
        for (password, bits) in [
            ("", Some(0)),
            ("sesame", Some(28)),
            ("123456789012345678", Some(59)),
            ("1234567890123456789", None),
            ("Sesame-open1", None), // 12 characters of four kinds, as the docs advise
            ("Sesame-1", Some(52)),
            ("correct horse battery", None),
            ("ärger", Some(36)),
        ] {
            assert_eq!(too_few_bits(password), bits, "{password}");
        }
    }
}
