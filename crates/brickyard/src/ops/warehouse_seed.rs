//! SQL and grants of `brickyard.toml` for the warehouse: run once, told what failed.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use brickyard_api::{App, Client};
use brickyard_project::Project;

use super::deploy::digest;
use super::local::LocalWorkspace;
use super::sql::execute;
use crate::failure::Failure;

/// Gives the users of the workspace the app's warehouses, and the grants of `brickyard.toml` to whom they name.
pub(crate) async fn grant(
    client: &Client,
    workspace: &LocalWorkspace,
    project: &Project,
    app: &App,
) -> Result<(), Failure> {
    let warehouses: BTreeSet<&str> = app
        .resources
        .iter()
        .filter_map(|resource| Some(resource.sql_warehouse.as_ref()?.id.as_str()))
        .collect();
    for id in warehouses {
        // They query as themselves through the token that the app forwards.
        workspace.let_users_use("warehouses", id)?;
    }
    for grant in &project.settings.grants {
        let to = if grant.to == "app" {
            app.service_principal_client_id.as_deref().unwrap_or_default()
        } else {
            &grant.to
        };
        let statement = format!(
            "GRANT {} ON {} TO `{}`",
            grant.privileges.join(", "),
            securable(&grant.on),
            to.replace('`', "``")
        );
        run(client, &statement, "[[grants]]").await?;
    }
    Ok(())
}

/// Runs the seed files that have not run yet: before the app is made known, which may bind what they make.
pub(crate) async fn plant(client: &Client, project: &Project, state_directory: &Path) -> Result<(), Failure> {
    let memory = state_directory.join("seeded.json");
    let mut seeded: BTreeSet<String> =
        std::fs::read(&memory).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
    for path in files(project)? {
        let name = path.strip_prefix(&project.dir).unwrap_or(&path).display().to_string();
        let text = std::fs::read_to_string(&path)
            .map_err(|error| Failure::user(format!("Cannot read the SQL file `{name}`")).because(error))?;
        let key = format!("{name} {}", digest(text.as_bytes()));
        if seeded.contains(&key) {
            continue;
        }
        for statement in statements(&text) {
            run(client, statement, &name).await?;
        }
        seeded.insert(key);
        remember(&memory, &seeded)?;
    }
    Ok(())
}

async fn run(client: &Client, statement: &str, origin: &str) -> Result<(), Failure> {
    let outcome = execute(client, statement).await;
    outcome.map(drop).map_err(|failure| {
        let first: String = statement.lines().next().unwrap_or_default().chars().take(80).collect();
        Failure::app(format!("`{first}` of `{origin}` failed: {failure}"))
            .hint("correct it; what ran before it stays, and the next start begins with this file again")
    })
}

/// The files of `[seed] sql`, patterns spread out and sorted by name.
fn files(project: &Project) -> Result<Vec<PathBuf>, Failure> {
    let mut files = Vec::new();
    for entry in &project.settings.seed.sql {
        let Some((folder, ending)) = entry.split_once('*') else {
            files.push(project.dir.join(entry));
            continue;
        };
        let folder = project.dir.join(folder.trim_end_matches('/'));
        let found = std::fs::read_dir(&folder).map_err(|error| {
            Failure::user(format!("`{entry}` names a folder that cannot be read")).because(error)
        })?;
        let mut matching: Vec<PathBuf> = found
            .filter_map(Result::ok)
            .map(|found| found.path())
            .filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().ends_with(ending)))
            .collect();
        matching.sort();
        files.append(&mut matching);
    }
    Ok(files)
}

/// `main.sales.orders` is a table, `main.sales` a schema, `main` a catalog, unless the type stands before it.
fn securable(text: &str) -> String {
    if text.contains(' ') {
        return text.to_owned();
    }
    let kind = match text.split('.').count() {
        1 => "CATALOG",
        2 => "SCHEMA",
        _ => "TABLE",
    };
    format!("{kind} {text}")
}

fn remember(memory: &Path, seeded: &BTreeSet<String>) -> Result<(), Failure> {
    let unwritable = |error: std::io::Error| {
        Failure::machine(format!("Cannot write `{}`", memory.display())).because(error)
    };
    let part = memory.with_extension("part");
    let text = serde_json::to_vec(seeded).map_err(|error| unwritable(error.into()))?;
    std::fs::write(&part, text).and_then(|()| std::fs::rename(&part, memory)).map_err(unwritable)
}

/// Statements between semicolons that stand in no string, name or comment.
fn statements(text: &str) -> Vec<&str> {
    let bytes = text.as_bytes();
    let (mut found, mut start, mut at) = (Vec::new(), 0, 0);
    while at < bytes.len() {
        match bytes[at] {
            quote @ (b'\'' | b'"' | b'`') => {
                at += 1;
                while at < bytes.len() && bytes[at] != quote {
                    at += if bytes[at] == b'\\' && quote != b'`' { 2 } else { 1 };
                }
            }
            b'-' if bytes[at..].starts_with(b"--") => {
                while at < bytes.len() && bytes[at] != b'\n' {
                    at += 1;
                }
            }
            b'/' if bytes[at..].starts_with(b"/*") => {
                at = text[at..].find("*/").map_or(bytes.len(), |end| at + end + 1);
            }
            b';' => {
                found.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
        at += 1;
    }
    found.push(&text[start..]);
    let is_said = |text: &&str| {
        text.lines().any(|line| !line.trim().is_empty() && !line.trim_start().starts_with("--"))
    };
    found.into_iter().map(str::trim).filter(is_said).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn semicolons_in_strings_and_comments_end_nothing() {
        let text = "CREATE TABLE a (b STRING); -- one; two\nINSERT INTO a VALUES ('x;y', \"it\\\";\"); /* ; */ SELECT `;`\n;\n-- end\n";
        let found = statements(text);
        assert_eq!(found.len(), 3, "{found:?}");
        assert_eq!(found[0], "CREATE TABLE a (b STRING)");
        assert!(found[1].ends_with("\"it\\\";\")"));
        assert_eq!(found[2], "/* ; */ SELECT `;`");
        assert!(statements("-- nothing\n").is_empty());
    }

    #[test]
    fn the_kind_of_a_securable_is_told_by_its_parts() {
        assert_eq!(securable("main"), "CATALOG main");
        assert_eq!(securable("main.a.b"), "TABLE main.a.b");
        assert_eq!(securable("VOLUME main.a.b"), "VOLUME main.a.b");
    }
}
