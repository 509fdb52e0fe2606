//! An empty home to run the binary in; fetched programs are shared between tests and kept for the next run.

mod running;

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use serde_json::Value;

pub(crate) use running::Running;

/// How long anything may take: environments are built at first use, on machines that do other things too.
const PATIENCE: Duration = Duration::from_secs(600);

/// What is fetched and built, for all tests and the next run.
pub(crate) const CACHE: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/cache");

/// A home directory with nothing in it; what runs in the background is stopped when it is dropped.
pub(crate) struct Home {
    directory: tempfile::TempDir,
}

impl Home {
    pub(crate) fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    /// State of the background service.
    pub(crate) fn service(&self) -> PathBuf {
        self.path().join("state")
    }

    /// Makes an app's folder of these files.
    pub(crate) fn app(&self, name: &str, files: &[(&str, &str)]) -> PathBuf {
        let folder = self.path().join(name);
        for (file, text) in files {
            let path = folder.join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        folder
    }

    /// A copy of an example, so that its state is nobody else's, with this `brickyard.toml`.
    pub(crate) fn example(&self, name: &str, toml: &str) -> PathBuf {
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples").join(name);
        let to = self.path().join(name);
        let copied = Command::new("cp").arg("-r").arg(from).arg(&to).status().unwrap();
        assert!(copied.success());
        // What a run of the example itself may have left.
        for left in [".brickyard", ".web", ".states"] {
            let _ = std::fs::remove_dir_all(to.join(left));
        }
        std::fs::write(to.join("brickyard.toml"), toml).unwrap();
        to
    }

    /// The binary with these arguments, in this home.
    pub(crate) fn brickyard(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_brickyard"));
        command
            .args(arguments)
            .env_clear()
            .envs(
                ["PATH", "SSL_CERT_FILE", "PIP_CERT", "PIP_FIND_LINKS"]
                    .iter()
                    .filter_map(|name| Some((*name, std::env::var_os(name)?))),
            )
            .env("HOME", self.path())
            .env("XDG_STATE_HOME", self.path().join("xdg-state"))
            .env("BRICKYARD_CACHE_DIR", CACHE)
            .env("UV_CACHE_DIR", concat!(env!("CARGO_TARGET_TMPDIR"), "/uv-cache"))
            .current_dir(self.path())
            .stdin(Stdio::null());
        if let Some(log) = brickyard_testing::request_log(env!("CARGO_TARGET_TMPDIR")) {
            command.env("BRICKYARD_REQUEST_LOG", log);
        }
        command
    }

    /// Runs it to its end.
    pub(crate) fn output(&self, arguments: &[&str]) -> Output {
        self.brickyard(arguments).output().unwrap()
    }

    /// Runs it to its end and gives what it printed; fails where it does.
    pub(crate) fn stdout(&self, arguments: &[&str]) -> String {
        let output = self.output(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
        text(&output.stdout)
    }

    /// The same as JSON.
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let arguments: Vec<&str> = arguments.iter().copied().chain(["-o", "json"]).collect();
        serde_json::from_str(&self.stdout(&arguments)).unwrap()
    }
}

/// The background service of a home, and commands that meet it.
pub(crate) struct Service {
    pub(crate) home: Home,
}

impl Service {
    /// Starts it.
    pub(crate) fn up() -> Self {
        let service = Self { home: Home::new() };
        service.run(&["up"]);
        service
    }

    /// Starts it with the people of an app's `brickyard.toml`.
    pub(crate) fn up_for(home: Home, folder: &str) -> Self {
        let service = Self { home };
        service.run(&["up", folder]);
        service
    }

    /// Starts it so that no app gets a network of its own.
    pub(crate) fn without_namespaces() -> Self {
        let service = Self { home: Home::new() };
        let output = service.command(&["up"]).env("BRICKYARD_NO_NAMESPACES", "1").output().unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
        service
    }

    /// The command with the service's state directory.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.home.brickyard(arguments);
        command.arg("--state-directory").arg(self.home.service());
        command
    }

    /// Runs it to its end.
    pub(crate) fn output(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Runs it to its end and gives what it printed; fails where it does.
    pub(crate) fn run(&self, arguments: &[&str]) -> String {
        let output = self.output(arguments);
        assert!(output.status.success(), "{arguments:?}: {}{}", text(&output.stdout), text(&output.stderr));
        text(&output.stdout)
    }

    /// The same as JSON.
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let arguments: Vec<&str> = arguments.iter().copied().chain(["-o", "json"]).collect();
        serde_json::from_str(&self.run(&arguments)).unwrap()
    }

    /// What the service tells of itself.
    pub(crate) fn announced(&self) -> Value {
        serde_json::from_slice(&std::fs::read(self.home.service().join("running.json")).unwrap()).unwrap()
    }

    /// Kills it with everything it runs, at once, and waits for the end.
    pub(crate) fn cut_power(&self) {
        let service = u32::try_from(self.announced()["pid"].as_u64().unwrap()).unwrap();
        let mut ids = vec![service];
        ids.extend(descendants(service));
        assert!(ids.len() > 1, "an app and what watches it are among them");
        for &id in &ids {
            let pid = nix::unistd::Pid::from_raw(id.cast_signed());
            let _ended = nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL);
        }
        wait_for("the end of everything", || !ids.iter().any(|&id| lives(id)));
    }

    /// REST as the developer; status and answer.
    pub(crate) fn rest(&self, method: &str, path: &str, body: &str) -> (u16, Value) {
        self.rest_as(self.announced()["token"].as_str().unwrap(), method, path, body)
    }

    /// The same with another token.
    pub(crate) fn rest_as(&self, token: &str, method: &str, path: &str, body: &str) -> (u16, Value) {
        let running = self.announced();
        let url = format!("{}{path}", running["http_url"].as_str().unwrap());
        let authorization = format!("Authorization: Bearer {token}");
        let output = Command::new("curl")
            .args(["--silent", "--show-error", "--max-time", "120", "--write-out", "\n%{http_code}"])
            .args(["--request", method, "--header", &authorization, "--data-binary", body, &url])
            .args(["--header", "Content-Type: application/json"])
            .output()
            .unwrap();
        let all = text(&output.stdout);
        let (body, code) = all.rsplit_once('\n').unwrap();
        (code.parse().unwrap(), serde_json::from_str(body).unwrap_or_default())
    }

    /// The variables that lead the official clients to it, as the developer.
    pub(crate) fn client(&self) -> [(String, String); 3] {
        let running = self.announced();
        let of = |name: &str| running[name].as_str().unwrap().to_owned();
        [
            ("DATABRICKS_HOST".to_owned(), of("http_url")),
            ("DATABRICKS_TOKEN".to_owned(), of("token")),
            ("HOME".to_owned(), self.home.path().to_str().unwrap().to_owned()),
        ]
    }

    /// Runs a Python program with the official SDK.
    pub(crate) fn python(&self, program: &str, arguments: &[&str]) -> String {
        let environment = brickyard_testing::python_environment(&["databricks-sdk==0.156.0"]);
        let output = Command::new(environment.python())
            .args(["-c", program])
            .args(arguments)
            .env_clear()
            .envs(self.client())
            .output()
            .unwrap();
        assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
        text(&output.stdout)
    }

    /// Signs in as a user with what stands for a browser; the profile is named `me`.
    pub(crate) fn sign_in(&self, host: &str, user: &str, variables: &[(&str, &str)]) {
        use std::os::unix::fs::PermissionsExt;
        let environment = brickyard_testing::python_environment(&["databricks-sdk==0.156.0"]);
        let browser = self.home.path().join("browser");
        let program = format!("#!{}\n{BROWSER}", environment.python().display());
        std::fs::write(&browser, program.replace("WHO", user)).unwrap();
        std::fs::set_permissions(&browser, std::fs::Permissions::from_mode(0o700)).unwrap();
        let output = self
            .home
            .brickyard(&["login", "--target", "me", "--host", host])
            .env("BROWSER", &browser)
            .envs(variables.iter().copied())
            .output()
            .unwrap();
        assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
        assert!(text(&output.stdout).contains(user), "{}", text(&output.stdout));
    }

    /// The OAuth token of that sign-in.
    pub(crate) fn oauth_token(&self, host: &str) -> String {
        let cache = self.home.path().join(".databricks/token-cache.json");
        let cache: Value = serde_json::from_slice(&std::fs::read(cache).unwrap()).unwrap();
        cache["tokens"][host]["access_token"].as_str().unwrap().to_owned()
    }

    /// Address of the apps under their names: port.
    pub(crate) fn named_port(&self) -> u64 {
        self.announced()["named_port"].as_u64().unwrap()
    }
}

/// Opens the sign-in page, chooses a user and presses the button, as a browser would.
const BROWSER: &str = r#"
import http.cookiejar, re, sys, urllib.parse, urllib.request
jar = http.cookiejar.CookieJar()
opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
page = opener.open(sys.argv[1]).read().decode()
ticket = re.search(r'name="ticket" value="([^"]+)"', page).group(1)
form = urllib.parse.urlencode({"ticket": ticket, "user": "WHO", "decision": "allow"}).encode()
base = urllib.parse.urlsplit(sys.argv[1])
opener.open(f"{base.scheme}://{base.netloc}/oidc/v1/authorize", form).read()
"#;

impl Drop for Home {
    fn drop(&mut self) {
        let _ = self.brickyard(&["down", "--state-directory", self.service().to_str().unwrap()]).output();
        let _ = self.brickyard(&["down"]).output();
    }
}

/// GET with cookies and redirects, as a browser without scripts; status and body.
pub(crate) fn get(url: &str, headers: &[(&str, &str)]) -> (u16, String) {
    let all = curl(url, headers, &["--write-out", "\n%{http_code}"]);
    let (body, code) = all.rsplit_once('\n').unwrap();
    (code.parse().unwrap(), body.to_owned())
}

/// POST of a body; what comes back.
pub(crate) fn post(url: &str, headers: &[(&str, &str)], body: &str) -> String {
    curl(url, headers, &["--data", body])
}

fn curl(url: &str, headers: &[(&str, &str)], more: &[&str]) -> String {
    let mut command = Command::new("curl");
    command.args(["--silent", "--show-error", "--location", "--cookie", "", "--max-time", "120"]);
    for (name, value) in headers {
        command.args(["--header", &format!("{name}: {value}")]);
    }
    text(&command.args(more).arg(url).output().unwrap().stdout)
}

/// Whether a process lives; one that waits to be buried does not.
pub(crate) fn lives(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    !stat.is_empty() && !stat.rsplit(") ").next().unwrap().starts_with(['Z', 'X'])
}

/// Every process below one.
pub(crate) fn descendants(of: u32) -> Vec<u32> {
    let (mut ids, mut next) = (vec![of], 0);
    while let Some(parent) = ids.get(next).copied() {
        for entry in std::fs::read_dir("/proc").unwrap().flatten() {
            let stat = std::fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
            let born_of = stat.rsplit(") ").next().and_then(|rest| rest.split(' ').nth(1)?.parse().ok());
            let id: Option<u32> = entry.file_name().to_str().and_then(|name| name.parse().ok());
            ids.extend(id.filter(|_| born_of == Some(parent)));
        }
        next += 1;
    }
    ids.split_off(1)
}

/// Waits for a condition.
pub(crate) fn wait_for(what: &str, mut condition: impl FnMut() -> bool) {
    const PAUSE: Duration = Duration::from_millis(50);
    for _ in 0..PATIENCE.as_millis() / PAUSE.as_millis() {
        if condition() {
            return;
        }
        std::thread::sleep(PAUSE);
    }
    panic!("{what} did not come");
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Signs in as a browser does and gives the cookie jar.
pub(crate) fn sign_in(home: &Home, url: &str) -> String {
    let jar = home.path().join("cookies").to_str().unwrap().to_owned();
    let signed = Command::new("curl")
        .args(["-s", "-L", "-c", &jar, "-b", &jar, "-o", "/dev/null"])
        .arg(url)
        .status()
        .unwrap();
    assert!(signed.success());
    jar
}

/// GET, or POST of a JSON body, with the cookies of a signed-in browser; status and body.
pub(crate) fn signed_in(home: &Home, url: &str, path: &str, body: Option<&Value>) -> (u16, String) {
    let jar = sign_in(home, url);
    let mut command = Command::new("curl");
    command.args(["-s", "-b", &jar, "-w", "\n%{http_code}", "--max-time", "300"]);
    if let Some(body) = body {
        command.args(["-H", "Content-Type: application/json", "--data", &body.to_string()]);
    }
    let answer = command.arg(format!("{url}{path}")).output().unwrap();
    let all = text(&answer.stdout);
    let (body, code) = all.rsplit_once('\n').unwrap();
    (code.parse().unwrap(), body.to_owned())
}
