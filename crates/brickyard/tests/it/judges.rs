//! What other people's programs make of what brickyard writes: readers of reports, type checker, editor client,
//! pre-commit, the bundles' own schema.

use std::path::Path;
use std::process::{Command, Output};

use brickyard_testing::{PythonEnvironment, python_environment};

use super::harness::text;

const FRAMEWORKS: [&str; 6] = ["streamlit", "dash", "gradio", "flask", "fastapi", "reflex"];
const DATA: [&str; 7] = [
    "warehouse",
    "lakebase",
    "sdk",
    "serving",
    "functions",
    "warehouse,lakebase,sdk,serving,functions",
    "warehouse,lakebase",
];
const AUTH: [&str; 3] = ["app", "user", "both"];

fn judges() -> PythonEnvironment {
    python_environment(&[
        "pre-commit==4.7.0",
        "sarif-tools==3.0.5",
        "junitparser==5.0.3",
        "databricks-bundles==1.22.1",
        "pyyaml==6.0.3",
        "pygls==2.1.1",
    ])
}

fn brickyard(dir: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_brickyard")).current_dir(dir).args(args).output().unwrap()
}

fn python(environment: &PythonEnvironment, args: &[&str]) -> String {
    let output = Command::new(environment.python()).args(args).output().unwrap();
    assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
    text(&output.stdout)
}

/// An app with two errors and a remark.
fn broken() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
    write("app.yaml", "command: [\"streamlit\", \"run\", \"app.py\", \"--server.port\", \"8080\"]\n");
    write("app.py", "import streamlit as st\nimport psycopg2\nst.title(\"<&>\")\n");
    dir
}

#[test]
fn readers_of_sarif_and_junit_read_the_findings() {
    let dir = broken();
    let report = |format: &str, name: &str| {
        let output = brickyard(dir.path(), &["check", "--output-format", format]);
        std::fs::write(dir.path().join(name), output.stdout).unwrap();
    };
    report("sarif", "report.sarif");
    report("junit", "report.xml");
    let environment = judges();
    let script = r#"
import sys
from junitparser import JUnitXml
from sarif import loader
folder = sys.argv[1]
sarif = loader.load_sarif_file(folder + "/report.sarif")
errors = [record["Code"] for record in sarif.get_records() if record["Severity"] == "error"]
assert sorted(errors) == ["BY201", "BY301"], errors
places = {(record["Location"], record["Line"]) for record in sarif.get_records()}
assert ("app.py", 2) in places, places
cases = [case for suite in JUnitXml.fromfile(folder + "/report.xml") for case in suite]
assert sorted(result.type for case in cases for result in case.result) == ["BY201", "BY301"]
print("read")
"#;
    assert_eq!(python(&environment, &["-c", script, dir.path().to_str().unwrap()]).trim(), "read");
}

/// The lines GitHub turns into annotations: `::level key=value,…::message`, with `%`, `,` and `:` escaped in values.
#[test]
fn github_reads_every_line() {
    let dir = broken();
    let output = brickyard(dir.path(), &["check", "--output-format", "github"]);
    let lines = text(&output.stdout);
    for line in lines.lines() {
        let rest = line.strip_prefix("::").unwrap();
        let (head, message) = rest.split_once("::").unwrap();
        let (level, properties) = head.split_once(' ').unwrap();
        assert!(matches!(level, "error" | "warning" | "notice") && !message.is_empty(), "{line}");
        for property in properties.split(',') {
            let (key, value) = property.split_once('=').unwrap();
            let known = ["file", "line", "endLine", "col", "endColumn", "title"];
            assert!(known.contains(&key) && !value.contains(':'), "{line}");
        }
    }
    assert!(lines.lines().count() >= 2);
}

#[test]
fn the_step_of_the_action_fails_a_build_with_findings() {
    let environment = judges();
    let action = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../action.yml");
    let script = "import sys, yaml; action = yaml.safe_load(open(sys.argv[1])); steps = action['runs']['steps']; \
                  assert action['runs']['using'] == 'composite' and all(step['shell'] == 'bash' for step in steps); \
                  assert 'cargo install' in steps[0]['run']; print(steps[-1]['run'])";
    let step = python(&environment, &["-c", script, action.to_str().unwrap()]);
    let dir = broken();
    let programs = Path::new(env!("CARGO_BIN_EXE_brickyard")).parent().unwrap();
    let run = |arguments: &str| {
        Command::new("bash")
            .args(["--noprofile", "--norc", "-eo", "pipefail", "-c", &step])
            .env("PATH", format!("{}:{}", programs.display(), std::env::var_os("PATH").unwrap().display()))
            .env("CHECK_PATH", ".")
            .env("CHECK_ARGUMENTS", arguments)
            .current_dir(dir.path())
            .output()
            .unwrap()
    };
    let output = run("");
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    assert!(text(&output.stdout).starts_with("::error file=app.py,line=2,"));
    assert_eq!(run("--ignore BY201,BY301").status.code(), Some(0));
}

#[test]
fn pre_commit_runs_the_hook() {
    let environment = judges();
    let dir = tempfile::tempdir().unwrap();
    let (hooks, app) = (dir.path().join("hooks"), dir.path().join("app"));
    std::fs::create_dir_all(&hooks).unwrap();
    std::fs::create_dir_all(&app).unwrap();
    let programs = Path::new(env!("CARGO_BIN_EXE_brickyard")).parent().unwrap();
    let path = format!("{}:{}", programs.display(), std::env::var_os("PATH").unwrap().display());
    let run = |folder: &Path, program: &Path, args: &[&str]| {
        Command::new(program)
            .args(args)
            .current_dir(folder)
            .env("PATH", &path)
            .env("HOME", dir.path())
            .env("GIT_AUTHOR_NAME", "x")
            .env("GIT_AUTHOR_EMAIL", "x@example.com")
            .env("GIT_COMMITTER_NAME", "x")
            .env("GIT_COMMITTER_EMAIL", "x@example.com")
            .output()
            .unwrap()
    };
    let git = |folder: &Path, args: &[&str]| {
        let output = run(folder, Path::new("git"), args);
        assert!(output.status.success(), "{args:?}: {}", text(&output.stderr));
        text(&output.stdout).trim().to_owned()
    };
    let ours = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.pre-commit-hooks.yaml");
    std::fs::copy(ours, hooks.join(".pre-commit-hooks.yaml")).unwrap();
    for folder in [&hooks, &app] {
        git(folder, &["init", "-q"]);
    }
    git(&hooks, &["add", "."]);
    git(&hooks, &["commit", "-qm", "hooks"]);
    let revision = git(&hooks, &["rev-parse", "HEAD"]);
    let config = format!(
        "repos:\n- repo: {}\n  rev: {revision}\n  hooks:\n  - id: brickyard-check\n",
        hooks.display()
    );
    std::fs::write(app.join(".pre-commit-config.yaml"), config).unwrap();
    std::fs::write(app.join("app.yaml"), "command: [streamlit, run, app.py]\n").unwrap();
    std::fs::write(app.join("app.py"), "import streamlit as st\nimport psycopg2\n").unwrap();
    git(&app, &["add", "."]);
    let pre_commit = environment.program("pre-commit");
    let output = run(&app, &pre_commit, &["run", "--all-files"]);
    let said = text(&output.stdout);
    assert!(output.status.code() == Some(1) && said.contains("BY301"), "{said}{}", text(&output.stderr));
    std::fs::write(app.join("app.py"), "import streamlit as st\n").unwrap();
    git(&app, &["add", "."]);
    let output = run(&app, &pre_commit, &["run", "--all-files"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stdout));
}

#[test]
fn an_editor_client_sees_diagnostics_hovers_fixes_and_completions() {
    use std::fmt::Write;
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().canonicalize().unwrap();
    let folder = root.join("app");
    let inside = root.join("bundle/src");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::create_dir_all(&inside).unwrap();
    std::fs::write(inside.join("app.py"), "import json\n").unwrap();
    std::fs::write(inside.join("app.yaml"), "command: [python, app.py]\n").unwrap();
    let bundle = "bundle: {name: b}\nresources:\n  apps:\n    a: {name: my-app, source_code_path: ./src}\n";
    std::fs::write(root.join("bundle/databricks.yml"), bundle).unwrap();
    let mut script = String::from("import psycopg2\nimport streamlit as st\n");
    for number in 0..500 {
        write!(script, "\n\ndef part_{number}(value: int) -> int:\n    return value + {number}\n").unwrap();
    }
    assert!(script.lines().count() > 2000);
    script.push_str("\n\nst.title(str(part_1(2)))\n");
    std::fs::write(folder.join("app.py"), script).unwrap();
    std::fs::write(folder.join("app.yaml"), "command: [streamlit, run, app.py]\n").unwrap();
    std::fs::write(folder.join("brickyard.toml"), "[resources.my-warehouse]\ntype = \"sql-warehouse\"\n")
        .unwrap();
    let said = python(
        &judges(),
        &["-c", include_str!("editor.py"), env!("CARGO_BIN_EXE_brickyard"), folder.to_str().unwrap()],
    );
    assert_eq!(said.trim(), "done");
}

#[test]
fn questions_are_answered_at_a_terminal() {
    let dir = tempfile::tempdir().unwrap();
    let said = python(
        &judges(),
        &["-c", include_str!("terminal.py"), env!("CARGO_BIN_EXE_brickyard"), dir.path().to_str().unwrap()],
    );
    assert_eq!(said.trim(), "done");
    let requirements = std::fs::read_to_string(dir.path().join("shop/requirements.txt")).unwrap();
    assert!(requirements.contains("dash==") && requirements.contains("psycopg["), "{requirements}");
    let text = std::fs::read_to_string(dir.path().join("shop/app.py")).unwrap();
    assert!(text.contains("Access-Token") && !dir.path().join("shop/databricks.yml").exists());
}

fn make(dir: &Path, framework: &str, data: &str, auth: &str, more: &[&str]) -> String {
    let name = format!("{framework}-{}-{auth}", if data.len() > 30 { "all" } else { data }.replace(',', "-"));
    let mut args = vec!["new", "demo-app", "--directory", &name, "--framework", framework, "--data", data];
    args.extend(["--auth", auth]);
    args.extend(more);
    let output = brickyard(dir, &args);
    assert!(output.status.success(), "{args:?}: {}", text(&output.stderr));
    name
}

#[test]
fn the_schema_of_bundles_accepts_every_bundle() {
    let dir = tempfile::tempdir().unwrap();
    for data in DATA {
        for auth in AUTH {
            make(dir.path(), "streamlit", data, auth, &["--deploy", "bundle"]);
        }
    }
    let script = r#"
import pathlib, sys, yaml
from databricks.bundles.apps import App
files = sorted(pathlib.Path(sys.argv[1]).glob("*/databricks.yml"))
for file in files:
    bundle = yaml.safe_load(file.read_text())
    assert set(bundle) <= {"bundle", "variables", "targets", "resources"}, bundle
    (app,) = bundle["resources"]["apps"].values()
    read = App.from_dict(app)
    # Nothing was dropped on the way.
    assert {key for key, value in read.as_dict().items() if value} == {key for key, value in app.items() if value}, file
try:
    App.from_dict({"name": "x", "resource": []})
except Exception:
    print(len(files))
"#;
    assert_eq!(python(&judges(), &["-c", script, dir.path().to_str().unwrap()]).trim(), "21");
}

/// Every framework, source of data and way of authorization, with the mock backend, which is a part of its own.
#[test]
fn the_type_checker_accepts_every_combination() {
    let environment = python_environment(&[
        "ty==0.0.107",
        "streamlit==1.38.0",
        "dash==2.18.1",
        "dash-bootstrap-components==1.6.0",
        "plotly==5.24.1",
        "gradio==4.44.0",
        "pandas==2.2.3",
        "flask==3.0.3",
        "fastapi==0.165.0",
        "reflex==0.9.4",
        "databricks-sdk==0.156.0",
        "databricks-sql-connector==3.4.0",
        "psycopg[binary,pool]==3.2.9",
        "pydantic==2.12.5",
        "pytest==8.4.2",
    ]);
    let dir = tempfile::tempdir().unwrap();
    let mut names = Vec::new();
    for framework in FRAMEWORKS {
        for data in DATA {
            for auth in AUTH {
                names.push(make(dir.path(), framework, data, auth, &["--mock"]));
            }
        }
    }
    let next = std::sync::atomic::AtomicUsize::new(0);
    let wrong = std::sync::Mutex::new(String::new());
    let work = || {
        while let Some(name) = names.get(next.fetch_add(1, std::sync::atomic::Ordering::Relaxed)) {
            let output = Command::new(environment.program("ty"))
                .args(["check", "--output-format", "concise", "--python"])
                .arg(environment.root())
                .arg(".")
                .current_dir(dir.path().join(name))
                .output()
                .unwrap();
            if !output.status.success() {
                let said = format!("{name}: {}{}", text(&output.stdout), text(&output.stderr));
                wrong.lock().unwrap().push_str(&said);
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(work);
        }
    });
    assert_eq!(wrong.into_inner().unwrap(), "");
}
