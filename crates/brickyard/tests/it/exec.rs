//! `brickyard exec`: what the command gets, and how it ends when we do.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::harness::{Home, lives, wait_for};

/// Prints its own process id and that of a child in a session of its own, and waits.
const FAMILY: &str = "import os, subprocess, sys, time\nchild = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'], start_new_session=True)\nprint(os.getpid(), child.pid, flush=True)\ntime.sleep(600)";

fn spawn(home: &Home, words: &[&str]) -> Child {
    let app = home.app("hello", &[("app.py", "")]);
    let mut arguments = vec!["exec", "--app", app.to_str().unwrap(), "--"];
    arguments.extend(words);
    home.brickyard(&arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

fn family(child: &mut Child) -> Vec<u32> {
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    line.split_whitespace().map(|number| number.parse().unwrap()).collect()
}

#[test]
fn standard_input_is_the_commands() {
    let home = Home::new();
    let mut child =
        spawn(&home, &["python", "-c", "import sys; print(sys.stdin.read().upper() + 'end', end='')"]);
    child.stdin.take().unwrap().write_all(b"line 1\nline 2\n").unwrap();
    let mut said = String::new();
    child.stdout.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!((said.as_str(), child.wait().unwrap().code()), ("LINE 1\nLINE 2\nend", Some(0)));
}

#[test]
fn nothing_outlives_a_killed_exec() {
    let home = Home::new();
    let mut child = spawn(&home, &["python", "-c", FAMILY]);
    let family = family(&mut child);
    assert!(family.len() == 2 && family.iter().all(|pid| lives(*pid)), "{family:?}");
    child.kill().unwrap();
    child.wait().unwrap();
    wait_for("the end of the command's processes", || !family.iter().any(|pid| lives(*pid)));
}

#[test]
fn a_second_signal_ends_all_of_them_at_once() {
    let home = Home::new();
    let mut child = spawn(
        &home,
        &["python", "-c", &format!("import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n{FAMILY}")],
    );
    let family = family(&mut child);
    let pid = Pid::from_raw(child.id().cast_signed());
    let told = child.stderr.take().unwrap();
    kill(pid, Signal::SIGTERM).unwrap();
    let first = BufReader::new(told).lines().map_while(Result::ok).find(|line| line.starts_with("Stopping"));
    assert!(first.is_some());
    kill(pid, Signal::SIGTERM).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(!family.iter().any(|pid| lives(*pid)), "{family:?}");
}

#[test]
fn a_signal_ends_the_command_softly_and_its_code_is_ours() {
    let home = Home::new();
    let source = "import signal, sys, time\nsignal.signal(signal.SIGTERM, lambda *_: sys.exit(9))\nprint(1, 1, flush=True)\ntime.sleep(600)";
    let mut child = spawn(&home, &["python", "-c", source]);
    family(&mut child);
    kill(Pid::from_raw(child.id().cast_signed()), Signal::SIGTERM).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(9));
}
