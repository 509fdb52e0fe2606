use std::collections::BTreeSet;
use std::fmt::Write;

use brickyard_api::{App, PermissionEntry};
use serde::Serialize;

use super::files::LocalFile;
use super::journal::{Journal, Remote};

/// What a deployment would change.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct DeployPlan {
    /// Name of the app.
    pub(crate) app: String,
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
    /// Files there that brickyard did not put there, which stay unless they are pruned.
    pub(crate) foreign: Vec<String>,
    /// Symbolic links of the app's folder, which are not sent.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) links: Vec<String>,
    /// Keys of resources that are set.
    pub(crate) resources: Vec<String>,
    /// Scopes that are set, where they differ.
    pub(crate) scopes: Option<Vec<String>>,
    /// Other fields of the app that are set.
    pub(crate) fields: Vec<String>,
    /// Permissions that are added.
    pub(crate) permissions: Vec<PermissionEntry>,
    /// Whether a version is deployed; not when the one that serves was made of exactly this.
    pub(crate) deploys: bool,
}

/// Compares the files of a folder with what lies in the workspace.
pub(super) fn compare(
    plan: &mut DeployPlan,
    files: &[LocalFile],
    before: &Journal,
    remote: &Remote,
    prune: bool,
) {
    for file in files {
        // A notebook's size in the workspace is its own.
        let there = remote.get(file.remote_name()).map(|size| file.notebook || *size == Some(file.size));
        match (there, before.files.get(&file.name)) {
            (None, _) => plan.added.push(file.name.clone()),
            (Some(true), Some(digest)) if *digest == file.digest => plan.unchanged += 1,
            (Some(_), _) => plan.changed.push(file.name.clone()),
        }
    }
    let wanted: BTreeSet<&str> = files.iter().map(LocalFile::remote_name).collect();
    let ours: BTreeSet<&str> = before.files.keys().map(|name| before.remote_name(name)).collect();
    for name in remote.keys().filter(|name| !wanted.contains(name.as_str())) {
        if prune || ours.contains(name.as_str()) {
            plan.removed.push(name.clone());
        } else {
            plan.foreign.push(name.clone());
        }
    }
}

/// Compares the app as it is with the app as its files say it should be.
pub(super) fn compare_app(plan: &mut DeployPlan, existing: &App, wanted: &App) {
    plan.resources = wanted
        .resources
        .iter()
        .filter(|resource| !existing.resources.contains(resource))
        .map(|resource| resource.name.clone())
        .collect();
    let differs = !wanted.user_api_scopes.is_empty() && wanted.user_api_scopes != existing.user_api_scopes;
    plan.scopes = differs.then(|| wanted.user_api_scopes.clone());
    let mut field = |name: &str, differs: bool| {
        if differs {
            plan.fields.push(name.to_owned());
        }
    };
    field("description", wanted.description.is_some() && wanted.description != existing.description);
    field("compute_size", wanted.compute_size.is_some() && wanted.compute_size != existing.compute_size);
    let telemetry = &wanted.telemetry_export_destinations;
    field(
        "telemetry_export_destinations",
        !telemetry.is_empty() && *telemetry != existing.telemetry_export_destinations,
    );
}

impl DeployPlan {
    /// Whether nothing would happen.
    pub(crate) fn is_empty(&self) -> bool {
        !self.creates
            && !self.changes_files()
            && !self.changes_app()
            && self.permissions.is_empty()
            && !self.deploys
    }

    /// Whether files are sent or removed.
    pub(crate) fn changes_files(&self) -> bool {
        !(self.added.is_empty() && self.changed.is_empty() && self.removed.is_empty())
    }

    /// Whether fields of the app are set.
    pub(crate) fn changes_app(&self) -> bool {
        !self.resources.is_empty() || self.scopes.is_some() || !self.fields.is_empty()
    }

    /// The plan in lines for a person.
    pub(crate) fn describe(&self) -> String {
        let mut text = String::new();
        let mut line = |mark: &str, words: &str| {
            let _ = writeln!(text, "{mark} {words}");
        };
        if self.creates {
            line("+", "the app itself");
        }
        for key in &self.resources {
            line(if self.creates { "+" } else { "~" }, &format!("resource {key}"));
        }
        if let Some(scopes) = &self.scopes {
            line(if self.creates { "+" } else { "~" }, &format!("scopes {}", scopes.join(", ")));
        }
        for field in &self.fields {
            line("~", field);
        }
        for entry in &self.permissions {
            let level = entry.permission_level.as_deref().unwrap_or_default();
            line("+", &format!("permission {level} for {}", holder(entry)));
        }
        for (mark, names) in [("+", &self.added), ("~", &self.changed), ("-", &self.removed)] {
            for name in names.iter().take(20) {
                line(mark, name);
            }
            if names.len() > 20 {
                line(mark, &format!("… {} more files", names.len() - 20));
            }
        }
        let files = |count: usize| if count == 1 { "file" } else { "files" };
        line("=", &format!("{} {} unchanged in {}", self.unchanged, files(self.unchanged), self.path));
        if !self.foreign.is_empty() {
            let (count, names) = (self.foreign.len(), first_three(&self.foreign));
            line(
                "?",
                &format!(
                    "{count} {} that brickyard did not put there stay: {names} (`--prune` removes them)",
                    files(count)
                ),
            );
        }
        if !self.links.is_empty() {
            let (count, names) = (self.links.len(), first_three(&self.links));
            line(
                "?",
                &format!(
                    "{count} symbolic links are not sent: {names} (a workspace has none; copy the files)"
                ),
            );
        }
        if self.deploys {
            line("+", "a deployment");
        } else {
            line("=", "the version that serves was made of exactly this");
        }
        text
    }
}

fn first_three(names: &[String]) -> String {
    let more = if names.len() > 3 { ", …" } else { "" };
    names[..names.len().min(3)].join(", ") + more
}

/// Who an entry of an access list is about.
pub(super) fn holder(entry: &PermissionEntry) -> &str {
    [&entry.user_name, &entry.group_name, &entry.service_principal_name]
        .into_iter()
        .find_map(|name| name.as_deref())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str, digest: &str) -> LocalFile {
        LocalFile {
            name: name.to_owned(),
            path: name.into(),
            digest: digest.to_owned(),
            size: 1,
            notebook: name == "n.py",
            content: None,
        }
    }

    fn plan(files: &[LocalFile], before: &[(&str, &str)], remote: &[&str], prune: bool) -> DeployPlan {
        let journal = Journal {
            files: before.iter().map(|(name, digest)| ((*name).to_owned(), (*digest).to_owned())).collect(),
            ..Journal::default()
        };
        let remote = remote.iter().map(|name| ((*name).to_owned(), Some(1))).collect();
        let mut plan = DeployPlan::default();
        compare(&mut plan, files, &journal, &remote, prune);
        plan
    }

    #[test]
    fn files_are_told_apart_by_content() {
        let files = [file("a", "1"), file("b", "2"), file("d", "1")];
        let plan = plan(&files, &[("a", "1"), ("b", "1"), ("c", "1")], &["a", "b", "c"], false);
        assert_eq!(
            (plan.added, plan.changed, plan.removed, plan.unchanged),
            (vec!["d".to_owned()], vec!["b".to_owned()], vec!["c".to_owned()], 1)
        );
    }

    #[test]
    fn what_the_workspace_lost_is_sent_again_and_what_is_not_ours_stays() {
        let files = [file("a", "1"), file("b", "1")];
        let kept = plan(&files, &[("a", "1"), ("b", "")], &["b", "theirs"], false);
        assert_eq!((kept.added, kept.changed), (vec!["a".to_owned()], vec!["b".to_owned()]));
        assert_eq!((kept.removed, kept.foreign), (vec![], vec!["theirs".to_owned()]));
        assert_eq!(plan(&files, &[], &["theirs"], true).removed, ["theirs"]);
    }

    #[test]
    fn a_notebook_is_found_under_its_name_without_ending() {
        let plan = plan(&[file("n.py", "1")], &[("n.py", "1")], &["n"], false);
        assert_eq!((plan.unchanged, plan.removed.len(), plan.foreign.len()), (1, 0, 0));
    }
}
