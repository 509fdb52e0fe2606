/// Whether a name fits a pattern of SQL `LIKE`, without case: `%` is any text, `_` any character, `\\` takes the next one
/// as it is.
pub(crate) fn like(pattern: &str, name: &str) -> bool {
    let pattern: Vec<char> = pattern.to_lowercase().chars().collect();
    let name: Vec<char> = name.to_lowercase().chars().collect();
    // Where the last `%` was, and how much of the name it has taken.
    let mut retry: Option<(usize, usize)> = None;
    let (mut at, mut read) = (0, 0);
    loop {
        match pattern.get(at) {
            Some('%') => {
                retry = Some((at + 1, read));
                at += 1;
                continue;
            }
            None if read == name.len() => return true,
            Some(expected) if read < name.len() => {
                let escaped = (*expected == '\\').then(|| pattern.get(at + 1)).flatten();
                let fits = match escaped {
                    Some(literal) => *literal == name[read],
                    None => *expected == '_' || *expected == name[read],
                };
                if fits {
                    at += if escaped.is_some() { 2 } else { 1 };
                    read += 1;
                    continue;
                }
            }
            _ => {}
        }
        match retry {
            Some((after, taken)) if taken < name.len() => {
                retry = Some((after, taken + 1));
                (at, read) = (after, taken + 1);
            }
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_fit_as_in_sql() {
        for (pattern, name) in
            [("%", ""), ("defa%", "default"), ("a_c", "ABC"), ("%b%d", "abcbd"), (r"a\_c", "a_c"), ("", "")]
        {
            assert!(like(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in [("a", "ab"), (r"a\_c", "abc"), ("_", ""), ("%x", "ab"), ("a%b", "acc")] {
            assert!(!like(pattern, name), "{pattern} {name}");
        }
    }
}
