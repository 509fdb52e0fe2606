use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use super::Start;

/// Name of the unit.
pub(super) const NAME: &str = "brickyard.service";

const TARGET: &str = "default.target";

const DIRECTORY: &str = "WorkingDirectory=-";

/// The unit (systemd.service(5), systemd.exec(5)).
///
/// A workspace that another terminal started holds the state: then it fails at once, and is not tried for ever. The first
/// signal goes to brickyard alone, which ends its apps as it should.
pub(super) fn unit(start: &Start) -> String {
    let command: Vec<String> = start.command.iter().map(|word| quoted(word).replace('$', "$$")).collect();
    let mut text = format!(
        "# Written by `brickyard up --at-login`; `brickyard down --at-login` removes it.\n\
         [Unit]\n\
         Description=Local workspace of brickyard\n\
         StartLimitIntervalSec=300\n\
         StartLimitBurst=5\n\
         \n\
         [Service]\n\
         ExecStart={}\n\
         {DIRECTORY}{}\n",
        command.join(" "),
        start.state_directory.replace('%', "%%"),
    );
    for (name, value) in &start.variables {
        let _ = writeln!(text, "Environment={}", quoted(&format!("{name}={value}")));
    }
    let _ = write!(
        text,
        "Restart=on-failure\nRestartSec=2\nKillMode=mixed\nTimeoutStopSec=40\n\n[Install]\nWantedBy={TARGET}\n"
    );
    text
}

/// The state directory that a unit of ours names.
pub(super) fn state_directory(text: &str) -> Option<PathBuf> {
    let line = text.lines().find_map(|line| line.strip_prefix(DIRECTORY))?;
    Some(PathBuf::from(line.replace("%%", "%")))
}

/// What `systemctl enable` makes.
pub(super) fn link(file: &Path) -> PathBuf {
    file.with_file_name(format!("{TARGET}.wants")).join(NAME)
}

pub(super) fn take_up() -> Vec<Vec<String>> {
    vec![systemctl(&["daemon-reload"]), systemctl(&["enable", NAME])]
}

pub(super) fn let_go() -> Vec<Vec<String>> {
    vec![systemctl(&["daemon-reload"])]
}

fn systemctl(arguments: &[&str]) -> Vec<String> {
    ["systemctl", "--user"].iter().chain(arguments).map(|&word| word.to_owned()).collect()
}

/// One word (systemd.syntax(7), "Quoting"), with `%` as itself.
fn quoted(word: &str) -> String {
    let mut text = String::from("\"");
    for letter in word.chars() {
        match letter {
            '"' | '\\' => {
                text.push('\\');
                text.push(letter);
            }
            '\n' => text.push_str("\\n"),
            '%' => text.push_str("%%"),
            other => text.push(other),
        }
    }
    text.push('"');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_come_through_whatever_they_hold() {
        let start = Start {
            command: ["/opt/my tools/brickyard", "up", "--foreground", "/a/$HOME/100%/\"x\"\\"]
                .map(str::to_owned)
                .to_vec(),
            state_directory: "/home/ada/50% done".to_owned(),
            variables: vec![("PATH".to_owned(), "/bin:/x y".to_owned())],
        };
        let unit = unit(&start);
        assert!(
            unit.contains(
                "ExecStart=\"/opt/my tools/brickyard\" \"up\" \"--foreground\" \"/a/$$HOME/100%%/\\\"x\\\"\\\\\"\n"
            ),
            "{unit}"
        );
        assert!(unit.contains("\nEnvironment=\"PATH=/bin:/x y\"\n"), "{unit}");
        assert_eq!(state_directory(&unit), Some(PathBuf::from("/home/ada/50% done")));
        assert_eq!(state_directory("[Service]\nExecStart=/bin/true\n"), None);
    }
}
