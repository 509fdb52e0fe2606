use std::fmt::Write as _;
use std::path::PathBuf;

use super::Start;

/// Name of the agent's file.
pub(super) const NAME: &str = "brickyard.plist";

const LABEL: &str = "brickyard";

const DIRECTORY: &str = "<key>WorkingDirectory</key>";

/// The agent (launchd.plist(5)); what lies in the user's `LaunchAgents` is started at login.
pub(super) fn agent(start: &Start) -> String {
    let log = format!("{}/service.log", start.state_directory);
    let mut text = String::from(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" \"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n\
         <!-- Written by `brickyard up`, removed by `brickyard down`, each with its option for the login. -->\n\
         <plist version=\"1.0\">\n<dict>\n",
    );
    let _ = write!(text, "<key>Label</key>\n{}<key>ProgramArguments</key>\n<array>\n", string(LABEL));
    text.extend(start.command.iter().map(|word| string(word)));
    let _ = write!(text, "</array>\n{DIRECTORY}\n{}", string(&start.state_directory));
    text.push_str("<key>EnvironmentVariables</key>\n<dict>\n");
    for (name, value) in &start.variables {
        let _ = write!(text, "<key>{}</key>\n{}", escaped(name), string(value));
    }
    let _ = write!(
        text,
        "</dict>\n<key>StandardOutPath</key>\n{0}<key>StandardErrorPath</key>\n{0}<key>RunAtLoad</key>\n<true/>\n\
         <key>KeepAlive</key>\n<dict>\n<key>SuccessfulExit</key>\n<false/>\n</dict>\n\
         <key>ThrottleInterval</key>\n<integer>30</integer>\n<key>ExitTimeOut</key>\n<integer>40</integer>\n\
         <key>ProcessType</key>\n<string>Interactive</string>\n</dict>\n</plist>\n",
        string(&log)
    );
    text
}

/// The state directory that an agent of ours names.
pub(super) fn state_directory(text: &str) -> Option<PathBuf> {
    let (_, rest) = text.split_once(DIRECTORY)?;
    let (_, rest) = rest.split_once("<string>")?;
    let (directory, _) = rest.split_once("</string>")?;
    Some(PathBuf::from(directory.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")))
}

pub(super) fn take_up() -> Vec<Vec<String>> {
    vec![launchctl("enable")] // it may have been disabled once
}

pub(super) fn let_go() -> Vec<Vec<String>> {
    vec![launchctl("bootout")]
}

fn launchctl(verb: &str) -> Vec<String> {
    vec!["launchctl".to_owned(), verb.to_owned(), format!("gui/{}/{LABEL}", nix::unistd::getuid())]
}

fn string(text: &str) -> String {
    format!("<string>{}</string>\n", escaped(text))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_agent_is_a_property_list_that_says_what_was_asked() {
        let start = Start {
            command: ["/opt/brickyard", "up", "--foreground", "/Users/ada/R&D <1>"]
                .map(str::to_owned)
                .to_vec(),
            state_directory: "/Users/ada/R&D <1>/state".to_owned(),
            variables: vec![("PATH".to_owned(), "/bin".to_owned())],
        };
        let agent = agent(&start);
        assert!(agent.contains("<string>/Users/ada/R&amp;D &lt;1&gt;</string>\n</array>"), "{agent}");
        assert!(agent.contains("<key>PATH</key>\n<string>/bin</string>\n</dict>"), "{agent}");
        assert_eq!(state_directory(&agent), Some(PathBuf::from("/Users/ada/R&D <1>/state")));
    }
}
