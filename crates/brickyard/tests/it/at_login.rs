//! The workspace comes back at login, by the system's own keeper of services.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use super::harness::{Service, text, wait_for};

const UNIT: &str = ".config/systemd/user/brickyard.service";

/// Stands for the program that the user's systemd is told with: it writes down what it is told, and makes the link that
/// enables a unit.
const SYSTEMCTL: &str = r#"#!/bin/sh
echo "$@" >> "$HOME/calls"
if [ "$2 $3" = "enable brickyard.service" ]; then
    mkdir -p "$HOME/.config/systemd/user/default.target.wants"
    ln -sf "$HOME/.config/systemd/user/brickyard.service" "$HOME/.config/systemd/user/default.target.wants/"
fi
"#;

/// A folder that is the whole `PATH`, with this `systemctl` or none.
fn path_with(home: &Path, systemctl: Option<&str>) -> String {
    let folder = home.join("programs");
    std::fs::create_dir_all(&folder).unwrap();
    let program = folder.join("systemctl");
    let _ = std::fs::remove_file(&program);
    if let Some(text) = systemctl {
        std::fs::write(&program, text).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o700)).unwrap();
        // What the script itself is made of.
        for tool in ["mkdir", "ln"] {
            let place = ["/usr/bin", "/bin"].iter().map(|folder| Path::new(folder).join(tool));
            let place = place.into_iter().find(|place| place.exists()).unwrap();
            let _ = std::os::unix::fs::symlink(place, folder.join(tool));
        }
    }
    folder.to_str().unwrap().to_owned()
}

fn told(service: &Service, path: &str, arguments: &[&str]) -> Output {
    service.command(arguments).env("PATH", path).output().unwrap()
}

/// The words of a line of the unit, as systemd takes them apart.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut letters) = (Vec::new(), line.chars().peekable());
    while letters.by_ref().any(|letter| letter == '"') {
        let mut word = String::new();
        while let Some(letter) = letters.next() {
            match letter {
                '"' => break,
                '\\' => word.push(letters.next().unwrap()),
                '%' | '$' if letters.peek() == Some(&letter) => {
                    word.push(letter);
                    letters.next();
                }
                other => word.push(other),
            }
        }
        words.push(word);
    }
    words
}

/// Starts what the unit says, with nothing but what the unit says.
fn as_systemd(home: &Path, unit: &str) -> Command {
    let command = unit.lines().find_map(|line| line.strip_prefix("ExecStart=")).unwrap();
    let command = words(command);
    let mut started = Command::new(&command[0]);
    started.args(&command[1..]).env_clear().env("HOME", home).current_dir("/");
    for line in unit.lines().filter_map(|line| line.strip_prefix("Environment=")) {
        let pair = words(line).remove(0);
        let (name, value) = pair.split_once('=').unwrap();
        started.env(name, value);
    }
    started.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    started
}

fn unit(service: &Service) -> PathBuf {
    service.home.path().join(UNIT)
}

#[test]
#[cfg(target_os = "linux")]
fn the_workspace_starts_at_login_until_it_is_told_not_to() {
    let service = Service { home: super::harness::Home::new() };
    let home = service.home.path().to_owned();
    let path = path_with(&home, Some(SYSTEMCTL));
    let app = service.home.app("people", &[("brickyard.toml", "[[users]]\nemail = \"ada@example.com\"\n")]);
    let up = told(&service, &path, &["up", "--at-login", app.to_str().unwrap()]);
    assert!(up.status.success(), "{}", text(&up.stderr));
    let file = unit(&service);
    assert!(text(&up.stderr).contains(&format!("It starts at every login: {}", file.display())));
    assert!(text(&up.stderr).contains("loginctl enable-linger"), "{}", text(&up.stderr));
    let calls = std::fs::read_to_string(home.join("calls")).unwrap();
    assert_eq!(calls, "--user daemon-reload\n--user enable brickyard.service\n");
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let written = std::fs::read_to_string(&file).unwrap();
    if let Ok(judged) = Command::new("systemd-analyze")
        .args(["verify", "--user", "--man=no"])
        .arg(&file)
        .env("XDG_RUNTIME_DIR", &home)
        .output()
    {
        assert!(judged.status.success(), "{}\n{written}", text(&judged.stderr));
        assert_eq!(text(&judged.stderr), "", "{written}");
    }
    assert_eq!(service.json(&["status"])["at_login"], file.to_str().unwrap());
    assert!(service.run(&["status"]).contains("At login   starts by itself"));
    let row = || {
        let found = service.json(&["doctor"]);
        found.as_array().unwrap().iter().find(|row| row["what"] == "at login").unwrap().clone()
    };
    assert_eq!(row()["level"], "fine", "{}", row());
    let other = service.home.json(&["doctor"]).to_string();
    assert!(
        other.contains(&format!("the workspace in {} starts", service.home.service().display())),
        "{other}"
    );

    // The machine is started again.
    let before = service.announced();
    service.run(&["down"]);
    let mut started = as_systemd(&home, &written).spawn().unwrap();
    wait_for("the workspace at login", || service.output(&["status"]).status.success());
    let after = service.announced();
    assert_eq!((&after["host"], &after["developer"]), (&before["host"], &"ada@example.com".into()));
    assert_eq!(after["pid"].as_u64(), Some(started.id().into()));
    // It ends well when systemd asks for that, so that it is not started again at once.
    let pid = nix::unistd::Pid::from_raw(started.id().cast_signed());
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM).unwrap();
    assert_eq!(started.wait().unwrap().code(), Some(0));

    let down = told(&service, &path, &["down", "--at-login"]);
    assert!(down.status.success(), "{}", text(&down.stderr));
    assert!(text(&down.stderr).contains("It no longer starts at login"), "{}", text(&down.stderr));
    assert!(
        !file.exists() && !file.with_file_name("default.target.wants").join("brickyard.service").is_symlink()
    );
    assert!(
        std::fs::read_to_string(home.join("calls")).unwrap().ends_with("service\n--user daemon-reload\n")
    );
    let again = told(&service, &path, &["down", "--at-login"]);
    assert!(text(&again.stderr).contains("It did not start at login"), "{}", text(&again.stderr));
    assert_eq!(row()["level"], "note", "{}", row());
    service.run(&["up"]);
    assert!(service.run(&["status"]).contains("At login   does not start (`brickyard up --at-login`)"));
    assert_eq!(service.json(&["status"]).get("at_login"), None);
}

#[test]
#[cfg(target_os = "linux")]
fn what_the_system_cannot_be_told_is_told_the_user() {
    let service = Service { home: super::harness::Home::new() };
    let home = service.home.path().to_owned();
    let up = told(&service, &path_with(&home, None), &["up", "--at-login"]);
    assert!(up.status.success(), "{}", text(&up.stderr));
    for command in ["systemctl --user daemon-reload", "systemctl --user enable brickyard.service"] {
        assert!(text(&up.stderr).contains(&format!("What is left for you to run: {command}")), "{command}");
    }
    let doctor = service.run(&["doctor"]);
    assert!(
        doctor.contains("is not enabled\n      hint: run `systemctl --user enable brickyard.service`"),
        "{doctor}"
    );
    assert_eq!(service.json(&["status"]).get("at_login"), None, "it does not start yet");

    let deaf = "#!/bin/sh\necho 'Failed to connect to bus: No medium found' >&2\nexit 1\n";
    let refused = told(&service, &path_with(&home, Some(deaf)), &["up", "--at-login"]);
    let said = text(&refused.stderr);
    assert_eq!(refused.status.code(), Some(2), "{said}");
    assert!(said.contains("`systemctl --user daemon-reload` failed"), "{said}");
    assert!(said.contains("cause: Failed to connect to bus") && said.contains("hint: "), "{said}");

    // A unit of that name which is somebody else's stays as it is.
    std::fs::write(unit(&service), "[Service]\nExecStart=/bin/true\n").unwrap();
    let path = path_with(&home, Some(SYSTEMCTL));
    let refused = told(&service, &path, &["up", "--at-login"]);
    assert_eq!(refused.status.code(), Some(2), "{}", text(&refused.stderr));
    assert!(text(&refused.stderr).contains("not by brickyard"), "{}", text(&refused.stderr));
    told(&service, &path, &["down", "--at-login"]);
    assert!(unit(&service).exists());
}
