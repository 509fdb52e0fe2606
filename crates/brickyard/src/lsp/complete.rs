use std::path::Path;

use brickyard_project::bundle::Bundle;
use brickyard_project::manifest::Manifest;
use brickyard_project::resources::ResourceKind;
use brickyard_project::settings::Settings;
use serde_json::{Value, json};

use super::document;

/// What can stand at a position of `app.yaml`: its keys, those of an `env` entry, and resource keys after `valueFrom`.
pub(super) fn items(path: &Path, text: &str, position: &Value, app: &Path) -> Vec<Value> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    if name != "app.yaml" && name != "app.yml" {
        return Vec::new();
    }
    let at = document::offset(text, position);
    let line = text[..at].rsplit('\n').next().unwrap_or_default();
    let trimmed = line.trim_start().trim_start_matches("- ").trim_start();
    if trimmed.starts_with("valueFrom:") {
        return keys(app).into_iter().map(|(key, detail)| item(&key, &detail, 12)).collect();
    }
    if trimmed.contains(':') {
        return Vec::new();
    }
    if line.starts_with([' ', '-']) {
        return [
            ("name: ", "Name of the variable"),
            ("value: ", "Its value, as a string"),
            ("valueFrom: ", "Key of the resource that gives the value"),
        ]
        .map(|(key, detail)| item(key, detail, 10))
        .to_vec();
    }
    [("command: ", "Program and arguments, run without a shell"), ("env:", "Variables of the app")]
        .map(|(key, detail)| item(key, detail, 10))
        .to_vec()
}

fn item(label: &str, detail: &str, kind: u8) -> Value {
    json!({"label": label.trim_end().trim_end_matches(':'), "insertText": label, "detail": detail, "kind": kind})
}

/// Resource keys of the app, those declared first, then the well-known ones.
fn keys(app: &Path) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = Vec::new();
    let mut add = |key: &str, detail: String| {
        if !found.iter().any(|(known, _)| known == key) {
            found.push((key.to_owned(), detail));
        }
    };
    let bundle =
        brickyard_project::project::nearest_bundle(app).and_then(|path| Bundle::load(&path, None).ok());
    for spec in bundle.iter().filter_map(|bundle| bundle.app_at(app)).flat_map(|app| &app.resources) {
        add(&spec.key, "Declared in databricks.yml".to_owned());
    }
    for spec in Manifest::load(app).ok().flatten().iter().flat_map(|manifest| &manifest.resources) {
        add(&spec.key, "Declared in manifest.yaml".to_owned());
    }
    for key in Settings::load(app).unwrap_or_default().resources.keys() {
        add(key, "Declared in brickyard.toml".to_owned());
    }
    for (_, key) in ResourceKind::ALL {
        add(key, "Well-known key".to_owned());
    }
    found
}
