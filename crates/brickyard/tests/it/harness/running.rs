use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::JoinHandle;

use super::{Home, text};

/// `brickyard run` in the foreground of a test.
pub(crate) struct Running {
    pub(crate) child: Child,
    pub(crate) url: String,
    /// The address with the app's name.
    pub(crate) named_url: Option<String>,
    /// What it had said on stderr until it was ready.
    pub(crate) said: String,
    /// What it says on stdout, and on stderr from then on.
    later: Option<[JoinHandle<String>; 2]>,
}

/// How a `brickyard run` ended, and what it had said.
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    /// Without what it said until it was ready.
    pub(crate) stderr: String,
}

impl Running {
    /// Starts it and waits until it says that it runs.
    pub(crate) fn start(home: &Home, arguments: &[&str]) -> Self {
        let mut command = home.brickyard(&["run"]);
        command.args(arguments);
        Self::of(command)
    }

    /// The same for a command that is made already.
    pub(crate) fn of(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut stdout = child.stdout.take().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        // Whatever is said has to be read, or it would block.
        let all = std::thread::spawn(move || {
            let mut said = Vec::new();
            let _killed = stdout.read_to_end(&mut said);
            text(&said)
        });
        let (mut said, mut url, mut named_url) = (String::new(), String::new(), None);
        loop {
            let Some(Ok(line)) = lines.next() else { panic!("it ended: {said}") };
            said.push_str(&line);
            said.push('\n');
            if let Some((_, address)) = line.split_once("App        ") {
                address.trim().clone_into(&mut url);
            }
            if line.trim().starts_with("http://") {
                named_url = Some(line.trim().to_owned());
            }
            if line.starts_with("Press Ctrl-C") {
                break;
            }
        }
        let rest = std::thread::spawn(move || {
            lines.map_while(Result::ok).fold(String::new(), |all, line| all + &line + "\n")
        });
        Self { child, url, named_url, said, later: Some([all, rest]) }
    }

    /// Sends a signal and waits for the end; its exit code.
    pub(crate) fn end(self, signal: nix::sys::signal::Signal) -> Option<i32> {
        self.told(signal).status.code()
    }

    /// Sends a signal.
    pub(crate) fn tell(&self, signal: nix::sys::signal::Signal) {
        let pid = nix::unistd::Pid::from_raw(self.child.id().cast_signed());
        nix::sys::signal::kill(pid, signal).unwrap();
    }

    /// Sends a signal and waits for the end.
    pub(crate) fn told(mut self, signal: nix::sys::signal::Signal) -> Ended {
        self.tell(signal);
        let status = self.child.wait().unwrap();
        let [stdout, stderr] = self.later.take().unwrap().map(|task| task.join().unwrap());
        Ended { status, stdout, stderr }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
