use std::collections::BTreeMap;
use std::fmt::Write;

use brickyard_api::App;
use serde::Serialize;

use super::files::LocalFile;

/// What a deployment would change.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct DeployPlan {
    /// Whether the app is made.
    pub(crate) creates: bool,
    /// Folder of the workspace.
    pub(crate) path: String,
    /// Files that are not there yet.
    pub(crate) added: Vec<String>,
    /// Files that differ.
    pub(crate) changed: Vec<String>,
    /// Files there that the app no longer has.
    pub(crate) removed: Vec<String>,
    /// Files that are as they should be.
    pub(crate) unchanged: usize,
    /// Whether resources of the app change.
    pub(crate) resources: bool,
    /// Whether scopes of the app change.
    pub(crate) scopes: bool,
}

/// Names and digests of the files that were uploaded last.
pub(crate) type Manifest = BTreeMap<String, String>;

pub(super) fn compare(
    files: &[LocalFile],
    before: &Manifest,
    existing: Option<&App>,
    wanted: &App,
    path: &str,
) -> DeployPlan {
    let mut plan = DeployPlan { creates: existing.is_none(), path: path.to_owned(), ..DeployPlan::default() };
    for file in files {
        match before.get(&file.name) {
            None => plan.added.push(file.name.clone()),
            Some(digest) if *digest != file.digest => plan.changed.push(file.name.clone()),
            Some(_) => plan.unchanged += 1,
        }
    }
    plan.removed =
        before.keys().filter(|name| !files.iter().any(|file| file.name == **name)).cloned().collect();
    if let Some(app) = existing {
        plan.resources = wanted.resources.iter().any(|resource| !app.resources.contains(resource));
        plan.scopes = !wanted.user_api_scopes.is_empty() && wanted.user_api_scopes != app.user_api_scopes;
    }
    plan
}

impl DeployPlan {
    /// The plan in lines for a person.
    pub(crate) fn describe(&self) -> String {
        let mut text = String::new();
        let mut line = |mark: &str, words: &str| {
            let _ = writeln!(text, "{mark} {words}");
        };
        if self.creates {
            line("+", "the app itself");
        }
        if self.resources {
            line("~", "resources of the app");
        }
        if self.scopes {
            line("~", "scopes of the app");
        }
        for (mark, names) in [("+", &self.added), ("~", &self.changed), ("-", &self.removed)] {
            for name in names.iter().take(20) {
                line(mark, name);
            }
            if names.len() > 20 {
                line(mark, &format!("… {} more files", names.len() - 20));
            }
        }
        line("=", &format!("{} files unchanged in {}", self.unchanged, self.path));
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_told_apart_by_content() {
        let file = |name: &str, digest: &str| LocalFile {
            name: name.to_owned(),
            path: name.into(),
            digest: digest.to_owned(),
        };
        let before =
            Manifest::from([("a".into(), "1".into()), ("b".into(), "1".into()), ("c".into(), "1".into())]);
        let files = [file("a", "1"), file("b", "2"), file("d", "1")];
        let plan = compare(&files, &before, None, &App::default(), "/p");
        assert_eq!(
            (plan.added, plan.changed, plan.removed),
            (vec!["d".into()], vec!["b".into()], vec!["c".to_owned()])
        );
        assert_eq!((plan.unchanged, plan.creates), (1, true));
    }
}
