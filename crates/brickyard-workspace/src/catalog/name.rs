use super::fault::CatalogError;
use super::kind::Kind;

/// Longest name of one thing, in characters.
const LONGEST: usize = 255;

/// Splits a full name at its dots; parts may be in back-ticks (a tick inside is doubled).
pub(crate) fn split(full: &str) -> Result<Vec<String>, CatalogError> {
    let malformed = || CatalogError::invalid(format!("`{}` is not a name", full.escape_debug()));
    let mut parts = Vec::new();
    let mut rest = full;
    loop {
        let part;
        if let Some(quoted) = rest.strip_prefix('`') {
            (part, rest) = unquote(quoted).ok_or_else(malformed)?;
        } else {
            let end = rest.find('.').unwrap_or(rest.len());
            part = rest[..end].to_owned();
            rest = &rest[end..];
        }
        if part.is_empty() {
            return Err(malformed());
        }
        parts.push(part);
        match rest.strip_prefix('.') {
            Some(more) => rest = more,
            None if rest.is_empty() => return Ok(parts),
            None => return Err(malformed()),
        }
    }
}

/// The text up to the closing tick, and what follows it.
fn unquote(text: &str) -> Option<(String, &str)> {
    let mut part = String::new();
    let mut characters = text.char_indices().peekable();
    while let Some((index, character)) = characters.next() {
        if character != '`' {
            part.push(character);
        } else if characters.peek().is_some_and(|(_, next)| *next == '`') {
            characters.next();
            part.push('`');
        } else {
            return Some((part, &text[index + 1..]));
        }
    }
    None
}

/// The parts of a full name of this kind, in lower case.
pub(crate) fn parts(kind: Kind, full: &str) -> Result<Vec<String>, CatalogError> {
    if kind == Kind::Metastore {
        return Ok(Vec::new());
    }
    let parts = split(full)?;
    if parts.len() != kind.depth() {
        return Err(CatalogError::invalid(format!(
            "'{full}' is not the full name of a {}: it takes {} parts",
            kind.label().to_lowercase(),
            kind.depth()
        )));
    }
    Ok(parts.into_iter().map(|part| part.to_lowercase()).collect())
}

/// A name for something new, in lower case as the catalog keeps it.
pub(crate) fn new(kind: Kind, name: &str) -> Result<String, CatalogError> {
    let refused = |why: &str| {
        CatalogError::invalid(format!(
            "'{}' is not a valid name for a {}: {why}",
            name.escape_debug(),
            kind.label()
        ))
    };
    if name.is_empty() || name.chars().count() > LONGEST {
        return Err(refused("a name has 1 to 255 characters"));
    }
    if name.chars().any(|character| matches!(character, '.' | ' ' | '/' | '`') || character.is_control()) {
        return Err(refused("a name cannot have dots, slashes, back-ticks, spaces and control characters"));
    }
    Ok(name.to_lowercase())
}

/// `` a.b `` as `` `a`.`b` ``.
pub(crate) fn quote(full: &str) -> String {
    let parts = split(full).unwrap_or_else(|_| vec![full.to_owned()]);
    parts.iter().map(|part| format!("`{}`", part.replace('`', "``"))).collect::<Vec<_>>().join(".")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_split_outside_of_ticks() {
        assert_eq!(split("main.Sales.orders").unwrap(), ["main", "Sales", "orders"]);
        assert_eq!(split("main.`sa.l``es`.t").unwrap(), ["main", "sa.l`es", "t"]);
        for wrong in ["", "a.", ".a", "a..b", "`a", "`a`b", "``.a"] {
            assert!(split(wrong).is_err(), "{wrong}");
        }
        assert_eq!(parts(Kind::Schema, "Main.Sales").unwrap(), ["main", "sales"]);
        assert!(parts(Kind::Table, "main.sales").is_err());
    }

    #[test]
    fn new_names_are_checked() {
        assert_eq!(new(Kind::Table, "Orders-2").unwrap(), "orders-2");
        for wrong in ["", "a b", "a.b", "a/b", "a\n", &"a".repeat(256)] {
            assert!(new(Kind::Table, wrong).is_err(), "{wrong}");
        }
    }
}
