//! One story: a home, a project in it, a script run line by line, and the comparison.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};

use nix::sys::signal::Signal;
use serde::Deserialize;

use super::script::{Step, read};
use super::transcript::Transcript;
use crate::harness::{CACHE, Home, Running, get, text};

const EXPECTED: &str = "expected.txt";

/// `story.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Story {
    /// What is shown, in one sentence.
    about: String,
    /// The commands, one a line.
    script: String,
    /// Patterns and what is written in their place, for what differs from machine to machine.
    #[serde(default)]
    replace: Vec<(String, String)>,
}

/// The folder of all stories.
pub(super) fn home() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../acceptance")
}

/// Tells the story and compares, or writes what was said.
pub(super) fn run(name: &str) {
    let folder = home().join(name);
    let toml = std::fs::read_to_string(folder.join("story.toml")).unwrap();
    let story: Story = toml::from_str(&toml).unwrap_or_else(|error| panic!("{name}: {error}"));
    assert!(!story.about.is_empty(), "{name}: say what is shown");
    let said = tell(&folder, &story);
    let expected = folder.join(EXPECTED);
    if std::env::var_os("UPDATE_ACCEPTANCE").is_some() {
        std::fs::write(expected, said).unwrap();
        return;
    }
    let before = std::fs::read_to_string(&expected).unwrap_or_default();
    let differing = before.lines().zip(said.lines()).position(|(before, now)| before != now);
    let line = differing.unwrap_or(before.lines().count().min(said.lines().count())) + 1;
    assert!(
        before == said,
        "acceptance/{name}/{EXPECTED} differs at line {line}; it says now:\n\n{said}\n\n(`UPDATE_ACCEPTANCE=1` writes it)"
    );
}

fn tell(folder: &Path, story: &Story) -> String {
    let home = Home::new();
    copy(folder, home.path());
    let mut transcript = Transcript::new(&story.replace);
    transcript.name(env!("CARGO_BIN_EXE_brickyard"), "BRICKYARD");
    transcript.name(CACHE, "CACHE");
    transcript.name(home.path().to_str().unwrap(), "HOME");
    let (mut running, mut held) = (None::<Running>, Vec::<(String, TcpListener)>::new());
    for line in story.script.lines() {
        let Some(step) = read(line) else { continue };
        transcript.step(line);
        match step {
            Step::Command { variables, arguments } => {
                let output = command(&home, &held, &variables, &arguments).output().unwrap();
                transcript.stream("stdout", &text(&output.stdout));
                let own_cache = variables.iter().any(|(name, _)| name == "BRICKYARD_CACHE_DIR");
                transcript.stream("stderr", &said(&text(&output.stderr), own_cache));
                transcript.end(&end(output.status));
            }
            Step::Start { variables, arguments } => {
                let started = Running::of(command(&home, &held, &variables, &arguments));
                transcript.stream("stderr", &started.said);
                running = Some(started);
            }
            Step::Get(path) => {
                let running = running.as_ref().expect("`start` comes before `get`");
                let (status, body) = get(&format!("{}{path}", running.url), &[]);
                transcript.stream("body", &body);
                transcript.end(&format!("status {status}"));
            }
            Step::Interrupt => {
                let ended = running.take().expect("`start` comes before `interrupt`").told(Signal::SIGINT);
                transcript.stream("stdout", &ended.stdout);
                transcript.stream("stderr", &ended.stderr);
                transcript.end(&end(ended.status));
            }
            Step::Hold(name) => {
                let listener = TcpListener::bind(("0.0.0.0", 0)).unwrap();
                transcript.name(listener.local_addr().unwrap().port().to_string(), &name);
                held.push((name, listener));
            }
            Step::List(folder) => {
                let found = Command::new("find")
                    .args([".", "-mindepth", "1"])
                    .current_dir(place(&home, &folder))
                    .output()
                    .unwrap();
                let mut lines: Vec<String> = text(&found.stdout).lines().map(str::to_owned).collect();
                lines.sort();
                let all = lines.join("\n");
                transcript.stream("files", if lines.is_empty() { "(none)" } else { &all });
            }
        }
    }
    transcript.finish()
}

/// Without what is told at the first use of the cache that all tests share.
fn said(stderr: &str, own_cache: bool) -> String {
    let told = |line: &&str| own_cache || !line.trim_end().ends_with("; this is kept for the next time");
    stderr.split_inclusive('\n').filter(told).collect()
}

fn command(
    home: &Home,
    held: &[(String, TcpListener)],
    variables: &[(String, String)],
    arguments: &[String],
) -> Command {
    let filled = |word: &String| {
        let mut word = word.replace("$HOME", home.path().to_str().unwrap());
        for (name, listener) in held {
            let port = listener.local_addr().unwrap().port().to_string();
            word = word.replace(&format!("${name}"), &port);
        }
        word
    };
    let arguments: Vec<String> = arguments.iter().map(filled).collect();
    let mut command = home.brickyard(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
    command.envs(variables.iter().map(|(name, value)| (name, filled(value))));
    command
}

fn place(home: &Home, folder: &str) -> PathBuf {
    if folder == "$CACHE" { PathBuf::from(CACHE) } else { home.path().join(folder) }
}

/// The story's project, without what tells the story.
fn copy(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap().flatten() {
        if entry.file_name() == "story.toml" || entry.file_name() == EXPECTED {
            continue;
        }
        let copied = Command::new("cp").arg("-r").arg(entry.path()).arg(to).status().unwrap();
        assert!(copied.success());
    }
}

fn end(status: ExitStatus) -> String {
    status.code().map_or_else(|| status.to_string(), |code| format!("exit {code}"))
}
