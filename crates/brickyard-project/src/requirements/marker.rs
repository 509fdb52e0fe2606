//! Environment markers (PEP 508), as the platform's Python 3.11 on Linux answers them.

use super::version;

/// What the platform's interpreter says of itself.
const PLATFORM: &[(&str, &str)] = &[
    ("os_name", "posix"),
    ("sys_platform", "linux"),
    ("platform_system", "Linux"),
    ("platform_machine", "x86_64"),
    ("platform_python_implementation", "CPython"),
    ("implementation_name", "cpython"),
    ("python_version", "3.11"),
    ("python_full_version", "3.11"),
    ("extra", ""),
];

/// Whether a marker holds on the platform; what cannot be read holds.
pub(super) fn holds(marker: &str) -> bool {
    let words = words(marker);
    let mut at = 0;
    let answer = any(&words, &mut at, 0);
    answer.filter(|_| at == words.len()).unwrap_or(true)
}

/// Deepest parentheses read.
const DEEPEST: usize = 16;

fn any(words: &[String], at: &mut usize, depth: usize) -> Option<bool> {
    let mut answer = all(words, at, depth)?;
    while words.get(*at).is_some_and(|word| word == "or") {
        *at += 1;
        answer |= all(words, at, depth)?;
    }
    Some(answer)
}

fn all(words: &[String], at: &mut usize, depth: usize) -> Option<bool> {
    let mut answer = one(words, at, depth)?;
    while words.get(*at).is_some_and(|word| word == "and") {
        *at += 1;
        answer &= one(words, at, depth)?;
    }
    Some(answer)
}

fn one(words: &[String], at: &mut usize, depth: usize) -> Option<bool> {
    if words.get(*at)? == "(" && depth < DEEPEST {
        *at += 1;
        let answer = any(words, at, depth + 1)?;
        let closed = words.get(*at)? == ")";
        *at += 1;
        return closed.then_some(answer);
    }
    let left = words.get(*at)?;
    let mut operator = words.get(*at + 1)?.clone();
    *at += 2;
    if operator == "not" && words.get(*at)? == "in" {
        "not in".clone_into(&mut operator);
        *at += 1;
    }
    let right = words.get(*at)?;
    *at += 1;
    let numbers = left.contains("python") && left.contains("version")
        || right.contains("python") && right.contains("version");
    compare(&text(left)?, &operator, &text(right)?, numbers)
}

fn text(word: &str) -> Option<String> {
    match word.strip_prefix(['"', '\'']) {
        Some(text) => Some(text.to_owned()),
        None => PLATFORM.iter().find(|(name, _)| *name == word).map(|(_, value)| (*value).to_owned()),
    }
}

fn compare(left: &str, operator: &str, right: &str, numbers: bool) -> Option<bool> {
    let order = if numbers {
        let (left, right) = (version(left), version(right));
        let length = left.len().min(right.len()).max(2);
        left.iter().take(length).cmp(right.iter().take(length))
    } else {
        left.cmp(right)
    };
    Some(match operator {
        "==" | "===" | "~=" if operator != "~=" || !numbers => order.is_eq(),
        "~=" | ">=" => order.is_ge(),
        "!=" => order.is_ne(),
        "<" => order.is_lt(),
        "<=" => order.is_le(),
        ">" => order.is_gt(),
        "in" => right.split([',', ' ', '|']).any(|part| part == left) || !numbers && right.contains(left),
        "not in" => !right.contains(left),
        _ => return None,
    })
}

/// Names, operators, parentheses, and strings with their opening quote in front.
fn words(marker: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut rest = marker.trim_start();
    while let Some(first) = rest.chars().next() {
        let end = match first {
            '(' | ')' => 1,
            '"' | '\'' => {
                let end = rest[1..].find(first).map_or(rest.len(), |end| end + 1);
                words.push(rest[..end].to_owned());
                rest = rest.get(end + 1..).unwrap_or_default().trim_start();
                continue;
            }
            _ if "<>=!~".contains(first) => rest.find(|c: char| !"<>=!~".contains(c)).unwrap_or(rest.len()),
            _ => rest.find(|c: char| c.is_whitespace() || "()<>=!~\"'".contains(c)).unwrap_or(rest.len()),
        };
        words.push(rest[..end].to_owned());
        rest = rest[end..].trim_start();
    }
    words
}

#[cfg(test)]
mod tests {
    use super::holds;

    #[test]
    fn markers_are_answered_as_on_the_platform() {
        for marker in [
            "platform_machine != \"arm64\"",
            "python_version >= '3.9' and python_version<'4'",
            "sys_platform == 'win32' or (os_name == \"posix\" and python_version in '3.10, 3.11')",
            "sys_platform not in 'win32 darwin'",
            "python_full_version >= '3.11.2'",
            "something new",
            "python_version >= '3'",
            "'linux' in sys_platform",
        ] {
            assert!(holds(marker), "{marker}");
        }
        for marker in [
            "platform_machine == 'arm64'",
            "sys_platform=='win32'",
            "python_version < '3.11'",
            "python_version < '3'",
            "extra == 'dev'",
            "platform_system == 'Windows' and python_version > '3.8'",
        ] {
            assert!(!holds(marker), "{marker}");
        }
    }
}
