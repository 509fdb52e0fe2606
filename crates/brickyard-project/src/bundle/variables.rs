use crate::bundle::Bundle;
use crate::source::Source;
use crate::yaml::Node;

/// Chooses the target and reads the values variables have in it.
pub(super) fn read(bundle: &mut Bundle, files: &[(Source, Node)], target: Option<&str>) {
    let mut default = None;
    for (_, tree) in files {
        for (name, node) in tree.get("targets").map(Node::pairs).unwrap_or_default() {
            let Some(name) = name.text() else { continue };
            if !bundle.targets.iter().any(|known| known == name) {
                bundle.targets.push(name.to_owned());
            }
            if node.get("default").and_then(Node::text) == Some("true") {
                default = Some(name.to_owned());
            }
        }
    }
    let only = (bundle.targets.len() == 1).then(|| bundle.targets[0].clone());
    bundle.target = target.map(ToOwned::to_owned).or(default).or(only);
    for (_, tree) in files {
        for (name, node) in tree.get("variables").map(Node::pairs).unwrap_or_default() {
            let value = node.text().or_else(|| node.get("default").and_then(Node::text));
            if let (Some(name), Some(value)) = (name.text(), value) {
                bundle.variables.insert(name.to_owned(), value.to_owned());
            }
        }
    }
    let Some(target) = bundle.target.clone() else { return };
    for (_, tree) in files {
        for (name, node) in tree.path(&["targets", &target, "variables"]).map(Node::pairs).unwrap_or_default()
        {
            let value = node.text().or_else(|| node.get("default").and_then(Node::text));
            if let (Some(name), Some(value)) = (name.text(), value) {
                bundle.variables.insert(name.to_owned(), value.to_owned());
            }
        }
    }
}

/// Fills in `${var.NAME}`, `${bundle.name}` and `${bundle.target}` where their value is known; everything else, such
/// as `${resources.…}`, stays as written. Values that mention variables themselves are filled to a depth of 4.
pub fn interpolate(bundle: &Bundle, text: &str) -> String {
    let mut text = text.to_owned();
    for _ in 0..4 {
        let next = once(bundle, &text);
        if next == text || next.len() > 64 * 1024 {
            break;
        }
        text = next;
    }
    text
}

fn once(bundle: &Bundle, text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("${") {
        let Some(end) = rest[start..].find('}').map(|end| start + end) else { break };
        let name = &rest[start + 2..end];
        let value = match name {
            "bundle.name" => Some(bundle.name.clone()),
            "bundle.target" | "bundle.environment" => bundle.target.clone(),
            _ => name.strip_prefix("var.").and_then(|name| bundle.variables.get(name).cloned()),
        };
        out.push_str(&rest[..start]);
        match value {
            Some(value) => out.push_str(&value),
            None => out.push_str(&rest[start..=end]),
        }
        rest = &rest[end + 1..];
    }
    out.push_str(rest);
    out
}
