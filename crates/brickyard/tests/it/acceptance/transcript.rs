//! What was said, with everything that differs from one run or machine to another named by what it is.

use std::fmt::Write;

use regex::Regex;

/// Replaced everywhere, in this order: durations, ids, ports and addresses.
const CHANGING: &[(&str, &str)] = &[
    (r"dbc-[0-9a-f]{8}-[0-9a-f]{4}\.cloud\.brickyard\.test", "[HOST]"),
    (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "[UUID]"),
    (r"(localhost|127\.0\.0\.1|0\.0\.0\.0|\[::1\]):[0-9]+", "$1:[PORT]"),
    (r"(?-u:\b)[1-9][0-9]{15}(?-u:\b)", "[WORKSPACE]"),
    // Which ports are free is the machine's affair.
    (r"(?m)^Port [0-9]+ is taken; .*\n", ""),
    ("by process [0-9]+", "by process [PID]"),
    (r"(?-u:\b)[0-9]+\.[0-9]+ s(?-u:\b)", "[SECONDS]"),
];

/// Collects the transcript of one story.
pub(super) struct Transcript {
    text: String,
    /// Paths and values of this run, longest first.
    places: Vec<(String, String)>,
    patterns: Vec<(Regex, String)>,
}

impl Transcript {
    /// `own` are the patterns of the story itself; they come before the general ones.
    pub(super) fn new(own: &[(String, String)]) -> Self {
        let own = own.iter().map(|(pattern, with)| (pattern.as_str(), with.as_str()));
        let patterns = own.chain(CHANGING.iter().copied()).map(|(pattern, with)| {
            (Regex::new(pattern).unwrap_or_else(|error| panic!("{error}")), with.to_owned())
        });
        Self { text: String::new(), places: Vec::new(), patterns: patterns.collect() }
    }

    /// Says `[NAME]` for this text from now on.
    pub(super) fn name(&mut self, text: impl Into<String>, name: &str) {
        self.places.push((text.into(), format!("[{name}]")));
        self.places.sort_by_key(|(text, _)| std::cmp::Reverse(text.len()));
    }

    /// The line of the script.
    pub(super) fn step(&mut self, line: &str) {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        let _infallible = writeln!(self.text, "$ {line}");
    }

    /// What a stream said; nothing is not mentioned.
    pub(super) fn stream(&mut self, name: &str, said: &str) {
        let said = self.plain(said);
        if said.trim().is_empty() {
            return;
        }
        let _infallible = writeln!(self.text, "--- {name}");
        for line in said.trim_end().lines() {
            let _infallible = writeln!(self.text, "{}", line.trim_end());
        }
    }

    /// How it ended.
    pub(super) fn end(&mut self, how: &str) {
        let _infallible = writeln!(self.text, "--- {how}");
    }

    pub(super) fn finish(self) -> String {
        self.text
    }

    fn plain(&self, said: &str) -> String {
        let mut said = said.to_owned();
        for (text, name) in &self.places {
            said = said.replace(text.as_str(), name);
        }
        for (pattern, with) in &self.patterns {
            said = pattern.replace_all(&said, with.as_str()).into_owned();
        }
        said
    }
}

#[test]
fn what_changes_is_named() {
    let mut transcript = Transcript::new(&[("uv [0-9.]+".to_owned(), "uv [VERSION]".to_owned())]);
    transcript.name("/tmp/a", "HOME");
    transcript.name("/tmp/a/cache", "CACHE");
    transcript.step("x");
    transcript.stream("stdout", "/tmp/a/b /tmp/a/cache uv 0.10.2\nhttp://localhost:8001 after 1.5 s  \n");
    transcript.stream("stderr", " \n");
    transcript.end("exit 0");
    let expected = "$ x\n--- stdout\n[HOME]/b [CACHE] uv [VERSION]\nhttp://localhost:[PORT] after [SECONDS]\n--- exit 0\n";
    assert_eq!(transcript.finish(), expected);
}
