//! The little language of the template files: `{{name}}`, and lines `%%if a|b`, `%%else`, `%%end`.

/// Fills a template. `flags` are the words that `%%if` knows, `names` the texts that `{{…}}` stands for.
pub(super) fn fill(template: &str, flags: &[&str], names: &[(&str, String)]) -> String {
    let mut out = String::with_capacity(template.len());
    let mut open: Vec<bool> = Vec::new();
    let mut blank = 0;
    for line in template.lines() {
        if let Some(condition) = line.strip_prefix("%%if ") {
            open.push(condition.split('|').any(|word| flags.contains(&word)));
            continue;
        }
        match line {
            "%%else" => {
                if let Some(last) = open.last_mut() {
                    *last = !*last;
                }
                continue;
            }
            "%%end" => {
                open.pop();
                continue;
            }
            _ => {}
        }
        if open.contains(&false) {
            continue;
        }
        // Parts left out leave their blank lines behind; two are the most that Python style allows, one among imports.
        if line.is_empty() {
            blank += 1;
            continue;
        }
        let most = if line.starts_with("import ") || line.starts_with("from ") { 1 } else { 2 };
        if !out.is_empty() {
            out.push_str(&"\n".repeat(blank.min(most)));
        }
        blank = 0;
        out.push_str(&names_in(line, names));
        out.push('\n');
    }
    format!("{}\n", out.trim_end())
}

fn names_in(line: &str, names: &[(&str, String)]) -> String {
    let mut line = line.to_owned();
    for (name, text) in names {
        let mark = format!("{{{{{name}}}}}");
        if line.contains(&mark) {
            line = line.replace(&mark, text);
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_and_names() {
        let template = "a {{x}}\n%%if one|two\nb\n%%if three\nc\n%%else\nd\n%%end\n%%end\n%%if three\ne\n%%end\n\n\n\n\nf\n\n";
        assert_eq!(fill(template, &["two"], &[("x", "y".to_owned())]), "a y\nb\nd\n\n\nf\n");
    }
}
