use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use crate::command::{self, root};

/// What the rows stand on: the release binary, an empty home and a cache that is kept between runs.
pub(crate) struct Rig {
    folder: tempfile::TempDir,
}

impl Rig {
    /// Builds the binary and makes the home.
    pub(crate) fn new() -> Result<Self, String> {
        command::run("cargo", &["build", "--release", "--quiet"])?;
        let folder = tempfile::tempdir().map_err(|error| format!("cannot make a folder: {error}"))?;
        Ok(Self { folder })
    }

    /// A folder that goes with the run.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Makes an app's folder of these files.
    pub(crate) fn app(&self, name: &str, files: &[(&str, &str)]) -> Result<PathBuf, String> {
        let folder = self.folder().join(name);
        for (file, text) in files {
            let path = folder.join(file);
            let parent = path.parent().unwrap_or(&folder);
            std::fs::create_dir_all(parent)
                .and_then(|()| std::fs::write(&path, text))
                .map_err(|error| format!("cannot write `{}`: {error}", path.display()))?;
        }
        Ok(folder)
    }

    /// The cache of environments and tools; it stays for the next run.
    pub(crate) fn cache(&self) -> PathBuf {
        root().join("target/bench-cache")
    }

    /// The binary with these arguments, in the home of this run.
    pub(crate) fn brickyard(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(root().join("target/release/brickyard"));
        command
            .args(arguments)
            .env("HOME", self.folder())
            .env("XDG_STATE_HOME", self.folder().join("state"))
            .env("BRICKYARD_CACHE_DIR", self.cache())
            .stdin(Stdio::null());
        command
    }

    /// Runs a program of the machine; fails with what it said.
    pub(crate) fn output(command: &mut Command) -> Result<String, String> {
        let program = command.get_program().to_string_lossy().into_owned();
        let Output { status, stdout, stderr } =
            command.output().map_err(|error| format!("cannot run `{program}`: {error}"))?;
        if status.success() {
            Ok(String::from_utf8_lossy(&stdout).into_owned())
        } else {
            Err(format!("`{program}`: {status}: {}", String::from_utf8_lossy(&stderr).trim()))
        }
    }

    /// A Python program in the environment of an app and its workspace; what it prints is JSON.
    pub(crate) fn python(
        &self,
        app: &Path,
        program: &str,
        arguments: &[&str],
    ) -> Result<serde_json::Value, String> {
        let mut command = self.brickyard(&["exec", "--quiet", "--app"]);
        command.arg(app).args(["--", "python", "-c", program]).args(arguments);
        let text = Self::output(&mut command)?;
        let last = text.lines().last().unwrap_or_default();
        serde_json::from_str(last).map_err(|error| format!("the program printed no JSON: {error}: {last}"))
    }

    /// Fails, naming the package, when a program of the machine is missing.
    pub(crate) fn need(program: &str, package: &str) -> Result<(), String> {
        let found = std::env::var_os("PATH")
            .is_some_and(|path| std::env::split_paths(&path).any(|folder| folder.join(program).is_file()))
            || Path::new("/usr/sbin").join(program).is_file();
        if found {
            Ok(())
        } else {
            Err(format!("`{program}` is not here\nhint: install Debian's `{package}`"))
        }
    }
}

/// `brickyard run`, ready.
pub(crate) struct Running {
    child: Child,
    /// Where the app is served.
    pub(crate) url: String,
    /// From the start to the first good answer.
    pub(crate) took: Duration,
}

impl Running {
    /// Starts an app and waits until it answers.
    pub(crate) fn start(rig: &Rig, app: &Path) -> Result<Self, String> {
        let start = Instant::now();
        let mut command = rig.brickyard(&["run", "--port", "0", "--as", "developer@example.com"]);
        let mut child = command
            .arg(app)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| format!("cannot run `brickyard`: {error}"))?;
        let mut lines = BufReader::new(child.stderr.take().ok_or("no stderr")?).lines();
        let mut said = String::new();
        let mut url = None;
        while let Some(Ok(line)) = lines.next() {
            if let Some((_, address)) = line.split_once("App        ") {
                url = Some(address.trim().trim_end_matches('/').to_owned());
            }
            if line.starts_with("Press Ctrl-C") {
                break;
            }
            said.push_str(&line);
            said.push('\n');
        }
        let Some(url) = url else {
            let _ = child.kill();
            return Err(format!("the app did not run: {said}"));
        };
        std::thread::spawn(move || for _ in lines {}); // or it would block once the pipe is full
        let mut running = Self { child, url, took: Duration::ZERO };
        running.get("/")?;
        running.took = start.elapsed();
        Ok(running)
    }

    /// A page as a browser gets it, with cookies and redirects.
    pub(crate) fn get(&self, path: &str) -> Result<String, String> {
        Rig::output(Command::new("curl").args([
            "-s",
            "-S",
            "-f",
            "-L",
            "-b",
            "",
            "--max-time",
            "60",
            &format!("{}{path}", self.url),
        ]))
    }

    /// The process id of brickyard itself.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = Command::new("kill").args(["-INT", &self.child.id().to_string()]).status();
        let _ = self.child.wait();
    }
}

/// A child that is killed with its owner.
pub(crate) struct Peer(Child);

impl Peer {
    pub(crate) fn start(command: &mut Command) -> Result<Self, String> {
        let program = command.get_program().to_string_lossy().into_owned();
        command.spawn().map(Self).map_err(|error| format!("cannot run `{program}`: {error}"))
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = Command::new("kill").arg(self.0.id().to_string()).status();
        let _ = self.0.wait();
    }
}

/// A port that was free a moment ago.
pub(crate) fn free_port() -> Result<u16, String> {
    std::net::TcpListener::bind(("127.0.0.1", 0))
        .and_then(|listener| listener.local_addr())
        .map(|address| address.port())
        .map_err(|error| format!("no free port: {error}"))
}

/// Waits until an address accepts.
pub(crate) fn wait_for_port(port: u16) -> Result<(), String> {
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(60) {
        if std::net::TcpStream::connect(("127.0.0.1", port)).is_ok() {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    Err(format!("nothing listens on port {port}"))
}

/// Resident memory of a process in KiB.
pub(crate) fn resident(id: u32) -> Result<f64, String> {
    let path = format!("/proc/{id}/status");
    std::fs::read_to_string(&path)
        .ok()
        .and_then(|text| {
            text.lines().find_map(|line| line.strip_prefix("VmRSS:")?.split_whitespace().next()?.parse().ok())
        })
        .ok_or_else(|| format!("cannot read `{path}`"))
}

/// Memory in KiB of a process and of those below it that run the same program; what they share counts once.
pub(crate) fn family(id: u32) -> Result<f64, String> {
    let program = |id: u32| std::fs::read_link(format!("/proc/{id}/exe")).ok();
    let parent = |id: u32| -> Option<u32> {
        let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
        stat.rsplit_once(") ")?.1.split_whitespace().nth(1)?.parse().ok()
    };
    let ours = program(id).ok_or_else(|| format!("there is no process {id}"))?;
    let entries = std::fs::read_dir("/proc").map_err(|error| format!("cannot read `/proc`: {error}"))?;
    let all = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let mut sum: f64 = 0.0;
    for one in all.filter(|one| program(*one).as_ref() == Some(&ours)) {
        let mut above = Some(one);
        while above.is_some_and(|above| above != id && above > 1) {
            above = above.and_then(parent);
        }
        if above == Some(id) {
            let path = format!("/proc/{one}/smaps_rollup");
            let text = std::fs::read_to_string(&path).unwrap_or_default();
            let share: Option<f64> = text
                .lines()
                .find_map(|line| line.strip_prefix("Pss:")?.split_whitespace().next()?.parse().ok());
            sum += share.ok_or_else(|| format!("cannot read `{path}`"))?;
        }
    }
    Ok(sum)
}

/// The middle of the figures.
pub(crate) fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}
