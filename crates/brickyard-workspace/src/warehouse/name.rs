/// A full name as the catalog reads it: every part in back-ticks.
pub(crate) fn full_name(parts: &[impl AsRef<str>]) -> String {
    let quoted = parts.iter().map(|part| format!("`{}`", part.as_ref().replace('`', "``")));
    quoted.collect::<Vec<_>>().join(".")
}

/// A full name as people read it.
pub(crate) fn shown(parts: &[impl AsRef<str>]) -> String {
    let shown = parts.iter().map(|part| part.as_ref().to_owned());
    shown.collect::<Vec<_>>().join(".")
}
