//! Golden stories of whole commands: every folder of `acceptance/` holds a project, the commands of a user, and what they say.
//!
//! `UPDATE_ACCEPTANCE=1` writes what is said now in place of comparing; `acceptance/README.md` tells how a story is written.

mod script;
mod story;
mod transcript;

use std::collections::BTreeSet;

macro_rules! stories {
    ($($name:ident)*) => {
        $(#[test]
        fn $name() {
            story::run(&folder(stringify!($name)));
        })*

        const STORIES: &[&str] = &[$(stringify!($name)),*];
    };
}

stories! {
    both_app_files
    check
    cold_and_offline
    command
    crash
    doctor
    env
    exec
    failed_requirement
    new
    run
    sql
    taken_port
    unknown_key
    warm_and_offline
    wrong_engine
    wrong_type
    wrong_usage
}

/// `both_app_files` is in `acceptance/both-app-files`.
fn folder(name: &str) -> String {
    name.replace('_', "-")
}

#[test]
fn every_story_is_told() {
    let entries = std::fs::read_dir(story::home()).unwrap().flatten();
    let there: BTreeSet<String> = entries
        .filter(|entry| entry.path().join("story.toml").exists())
        .map(|entry| entry.file_name().into_string().unwrap())
        .filter(|name| name != "judges") // other people's suites, run by hand
        .collect();
    assert_eq!(there, STORIES.iter().map(|name| folder(name)).collect());
}
