//! Entry points for fuzzers: any bytes in, no panic, and what always holds is asserted.
//!
//! `fuzz/` drives them with a fuzzer, `tests/it/fuzzing.rs` with a few thousand mutations of the same corpus.

use crate::bundle::Bundle;
use crate::{AppYaml, Settings, Source, yaml};

/// The name of a corpus and what its inputs are given to.
pub type Target = (&'static str, fn(&[u8]));

/// Every entry point.
pub const TARGETS: &[Target] = &[("app_yaml", app_yaml), ("bundle", bundle), ("settings", settings)];

/// An `app.yaml`: every variable has a name, and its place is in the text.
pub fn app_yaml(bytes: &[u8]) {
    let source = source("app.yaml", bytes);
    match AppYaml::parse(&source) {
        Ok(app) => {
            for entry in &app.env {
                assert!(!entry.name.is_empty());
                assert!(source.text().get(entry.span.start..entry.span.end).is_some(), "{:?}", entry.span);
            }
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// A `databricks.yml` without includes.
pub fn bundle(bytes: &[u8]) {
    let source = source("databricks.yml", bytes);
    if let Ok(tree) = yaml::parse(&source) {
        // What it holds is checked by its own tests; here it has to end.
        let _ = Bundle::assemble(vec![(source, tree)], None);
    }
}

/// A `brickyard.toml`.
pub fn settings(bytes: &[u8]) {
    let _ = Settings::parse(&source("brickyard.toml", bytes));
}

fn source(name: &str, bytes: &[u8]) -> Source {
    Source::new(name, String::from_utf8_lossy(bytes).as_ref())
}
