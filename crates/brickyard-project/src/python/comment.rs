/// The words before the codes of an ignore comment.
pub(crate) const IGNORE: &str = "brickyard: ignore";

/// The codes of `# brickyard: ignore[A, B]`; an empty list means all.
pub(crate) fn codes(comment: &str) -> Option<Vec<String>> {
    let rest = &comment[comment.find(IGNORE)? + IGNORE.len()..];
    let Some(list) = rest.strip_prefix('[') else { return Some(Vec::new()) };
    let list = list.split(']').next().unwrap_or_default();
    Some(list.split(',').map(|code| code.trim().to_owned()).filter(|code| !code.is_empty()).collect())
}
