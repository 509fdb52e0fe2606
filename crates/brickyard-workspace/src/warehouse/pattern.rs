/// A name pattern of JDBC: `%` is any text, `_` any letter, `\` takes the next letter as it is. Case does not matter.
pub(crate) fn like(pattern: &str, text: &str) -> bool {
    let pattern: Vec<Piece> = pieces(pattern);
    let text: Vec<char> = text.to_lowercase().chars().collect();
    matches(&pattern, &text)
}

/// A pattern of `SHOW … LIKE`: a regular expression in which `*` (or `%`) is any text and `|` separates alternatives.
/// So `.` is any letter, into which drivers turn the `_` of JDBC. Case does not matter; one that cannot be read fits
/// nothing. <https://docs.databricks.com/aws/en/sql/language-manual/sql-ref-syntax-aux-show-tables>
#[derive(Debug)]
pub(crate) struct Shown(Option<Vec<regex::Regex>>);

impl Shown {
    /// Reads a pattern; none fits everything.
    pub(crate) fn new(pattern: Option<&str>) -> Self {
        let alternative = |text: &str| {
            let text = text.trim().replace(['*', '%'], ".*");
            let mut expression = regex::RegexBuilder::new(&format!("^(?:{text})$"));
            expression.case_insensitive(true).size_limit(1 << 20).build().ok()
        };
        Self(pattern.map(|pattern| pattern.split('|').filter_map(alternative).collect()))
    }

    /// Whether a name fits.
    pub(crate) fn fits(&self, name: &str) -> bool {
        self.0.as_ref().is_none_or(|alternatives| alternatives.iter().any(|one| one.is_match(name)))
    }
}

/// A pattern of file names: `*` is any text, `?` any letter, `{a,b}` one of several texts.
pub(crate) fn glob(pattern: &str, text: &str) -> bool {
    if let Some((head, rest)) = pattern.split_once('{')
        && let Some((inner, tail)) = rest.split_once('}')
    {
        return inner.split(',').any(|choice| glob(&format!("{head}{choice}{tail}"), text));
    }
    let pieces = pattern.chars().map(|letter| match letter {
        '*' => Piece::Any,
        '?' => Piece::One,
        letter => Piece::Letter(letter),
    });
    matches(&pieces.collect::<Vec<_>>(), &text.chars().collect::<Vec<_>>())
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Piece {
    Any,
    One,
    Letter(char),
}

fn pieces(pattern: &str) -> Vec<Piece> {
    let lower = pattern.to_lowercase();
    let mut letters = lower.chars();
    let mut pieces = Vec::new();
    while let Some(letter) = letters.next() {
        pieces.push(match letter {
            '%' | '*' => Piece::Any,
            '_' => Piece::One,
            '\\' => Piece::Letter(letters.next().unwrap_or('\\')),
            other => Piece::Letter(other),
        });
    }
    pieces
}

/// Matches with one place to go back to, so that no pattern takes long.
fn matches(pattern: &[Piece], text: &[char]) -> bool {
    let (mut at, mut from) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while from < text.len() {
        let fits = match pattern.get(at) {
            Some(Piece::Any) => {
                retry = Some((at, from));
                at += 1;
                continue;
            }
            Some(Piece::One) => true,
            Some(Piece::Letter(letter)) => *letter == text[from],
            None => false,
        };
        if fits {
            at += 1;
            from += 1;
        } else if let Some((star, start)) = retry {
            retry = Some((star, start + 1));
            at = star + 1;
            from = start + 1;
        } else {
            return false;
        }
    }
    pattern[at..].iter().all(|piece| *piece == Piece::Any)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jdbc_patterns() {
        assert!(like("defa%", "default") && like("DEFAULT", "default") && like("%", ""));
        assert!(like("a_c", "abc") && !like("a\\_c", "abc") && like("a\\_c", "a_c"));
        assert!(like("%b%d", "abcbd") && !like("%b%d", "abcbde") && !like("", "x"));
    }

    #[test]
    fn show_patterns() {
        let show = |pattern, name| Shown::new(Some(pattern)).fits(name);
        assert!(show("sales*|orders", "ORDERS") && show("*", "x") && show("a%", "abc") && !show("b", "abc"));
        assert!(show("a.c", "a_c") && show("a.c", "abc") && !show("a_c", "abc") && !show("a(", "a("));
        assert!(Shown::new(None).fits("x"));
    }
}
