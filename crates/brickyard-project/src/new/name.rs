/// Why a name cannot be an app's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Nothing.
    #[error("The name of an app must not be empty")]
    Empty,
    /// One character.
    #[error("`{0}` is one letter only; a name has 2 to 30 characters")]
    TooShort(String),
    /// More than 30 characters.
    #[error("`{0}` has more than 30 characters")]
    TooLong(String),
    /// The first character is no letter.
    #[error("`{0}` must begin with a lower-case letter")]
    Start(String),
    /// Something other than letters, digits and hyphens.
    #[error("`{name}` holds `{character}`: names are lower-case letters, digits and hyphens")]
    Character {
        /// The name.
        name: String,
        /// The first wrong character.
        character: char,
    },
}

/// Checks a name against the platform's rules: `^[a-z][a-z0-9-]*$`, 2 to 30 characters (platform §2.1).
pub fn check_name(name: &str) -> Result<(), NameError> {
    let allowed =
        |character: char| character.is_ascii_lowercase() || character.is_ascii_digit() || character == '-';
    match name.chars().next() {
        None => Err(NameError::Empty),
        Some(first) if first.is_ascii_digit() || first == '-' => Err(NameError::Start(name.to_owned())),
        Some(_) => match name.chars().find(|character| !allowed(*character)) {
            Some(character) => Err(NameError::Character { name: name.to_owned(), character }),
            None if name.len() < 2 => Err(NameError::TooShort(name.to_owned())),
            None if name.len() > 30 => Err(NameError::TooLong(name.to_owned())),
            None => Ok(()),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_platform() {
        assert_eq!(check_name("my-app-2"), Ok(()));
        assert_eq!(check_name(""), Err(NameError::Empty));
        assert_eq!(check_name("2app"), Err(NameError::Start("2app".into())));
        assert_eq!(check_name("my_app"), Err(NameError::Character { name: "my_app".into(), character: '_' }));
        assert_eq!(check_name("a"), Err(NameError::TooShort("a".into())));
        assert_eq!(check_name(&"a".repeat(30)), Ok(()));
        assert!(check_name(&"a".repeat(31)).is_err());
    }
}
