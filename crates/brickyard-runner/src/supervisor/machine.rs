//! The loop itself.

use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::output::{LastLines, Output, settle};
use super::probe::{Finding, Probe};
use super::reload::Changes;
use super::{Control, Crash, Launch, State, Status, SupervisorConfig};
use crate::logs::Source;
use crate::warden::{arguments, descendants};

/// What a warden may take beyond the grace it grants before we kill it.
const WARDEN_MARGIN: Duration = Duration::from_secs(10);

/// How long the last output may take to arrive after the end.
const OUTPUT_MARGIN: Duration = Duration::from_secs(2);

pub(super) struct Machine {
    config: SupervisorConfig,
    launch: Launch,
    status: watch::Sender<Status>,
    commands: mpsc::Receiver<Control>,
    changes: Option<Changes>,
    /// Who waits for the next start.
    waiting: Option<oneshot::Sender<()>>,
}

/// What comes after a state.
enum Next {
    Start,
    Rest,
    End,
}

/// A started app.
struct Running {
    child: Child,
    /// Taken out of `child`, which closes it when it is waited for: while this is open, the warden knows that we live.
    _lifeline: Option<ChildStdin>,
    warden: Pid,
    output: [Output; 2],
    last: LastLines,
}

impl Machine {
    pub(super) fn new(
        config: SupervisorConfig,
        status: watch::Sender<Status>,
        commands: mpsc::Receiver<Control>,
    ) -> Self {
        let changes = config.reload.as_ref().and_then(|reload| {
            let changes = Changes::of(&reload.directory);
            if let Err(error) = &changes {
                config.logs.append(Source::System, &format!("Changes cannot be watched: {error}"));
            }
            changes.ok()
        });
        Self { launch: config.launch.clone(), config, status, commands, changes, waiting: None }
    }

    pub(super) async fn drive(mut self) {
        let mut next = Next::Start;
        loop {
            next = match next {
                Next::Start => self.run().await,
                Next::Rest => self.rest().await,
                Next::End => return,
            };
        }
    }

    /// From start to end of one run.
    async fn run(&mut self) -> Next {
        let shown =
            self.launch.command.iter().map(|part| part.to_string_lossy()).collect::<Vec<_>>().join(" ");
        self.say(&format!("Starting app with command: [{shown}]"));
        let mut running = match self.spawn() {
            Ok(running) => running,
            Err(error) => return self.crashed(Crash::because(format!("not started: {error}"), Vec::new())),
        };
        let mut probe = Some(Probe::new(running.warden, self.launch.port));
        let deadline = Instant::now() + self.config.startup_budget;
        loop {
            let pause = probe.as_ref().map(Probe::pause);
            tokio::select! {
                status = running.child.wait() => {
                    let last = running.finish().await;
                    return match status {
                        Ok(status) => self.crashed(Crash::ended(status, last)),
                        Err(error) => self.crashed(Crash::because(format!("lost: {error}"), last)),
                    };
                }
                command = self.commands.recv() => match command {
                    Some(Control::Start(done)) => answer(Some(done)),
                    Some(Control::Stop(done)) => {
                        self.stop(running).await;
                        self.enter(State::Stopped, None);
                        answer(Some(done));
                        return Next::Rest;
                    }
                    Some(Control::Restart(launch, done)) => {
                        self.stop(running).await;
                        self.relaunch(launch, done);
                        return Next::Start;
                    }
                    None => {
                        self.stop(running).await;
                        self.enter(State::Stopped, None);
                        return Next::End;
                    }
                },
                changed = changed(&mut self.changes) => {
                    self.say(&format!("Restarting: `{changed}` changed"));
                    self.stop(running).await;
                    return self.prepare().await;
                }
                () = sleep(pause.unwrap_or_default()), if pause.is_some() => {
                    let Some(looking) = &mut probe else { continue };
                    match looking.look().await {
                        Finding::Waiting => {}
                        Finding::Wrong(diagnosis) => self.diagnose(Some(diagnosis)),
                        Finding::Up(address, diagnosis) => {
                            probe = None;
                            // What the app said before it listened stands before it in the log.
                            settle(&running.output).await;
                            // Said first: whoever sees that it runs finds the line in the log.
                            self.diagnose(diagnosis);
                            self.say(&format!("App is listening on port {}", self.launch.port));
                            self.enter(State::Running { address }, None);
                        }
                    }
                }
                () = sleep_until(deadline), if probe.is_some() => {
                    let last = running.last.list();
                    self.stop(running).await;
                    let (port, budget) = (self.launch.port, self.config.startup_budget.as_secs());
                    return self.crashed(Crash::because(format!("did not listen on port {port} within {budget} s"), last));
                }
            }
        }
    }

    /// Nothing runs; something has to happen first.
    async fn rest(&mut self) -> Next {
        loop {
            tokio::select! {
                command = self.commands.recv() => match command {
                    Some(Control::Stop(done)) => {
                        self.enter(State::Stopped, None);
                        answer(Some(done));
                    }
                    Some(Control::Start(done)) => {
                        self.relaunch(None, done);
                        return Next::Start;
                    }
                    Some(Control::Restart(launch, done)) => {
                        self.relaunch(launch, done);
                        return Next::Start;
                    }
                    None => return Next::End,
                },
                changed = changed(&mut self.changes) => {
                    self.say(&format!("Starting again: `{changed}` changed"));
                    return self.prepare().await;
                }
            }
        }
    }

    fn spawn(&mut self) -> std::io::Result<Running> {
        let (program, first) = self.config.warden.split_first().ok_or(std::io::ErrorKind::InvalidInput)?;
        let mut child = Command::new(program)
            .args(first)
            .args(arguments(self.config.grace, self.config.limits))
            .args(self.config.network.iter().flat_map(|network| network.arguments()))
            .arg("--")
            .args(&self.launch.command)
            .env_clear()
            .envs(&self.launch.variables)
            .current_dir(&self.launch.directory)
            // Its other end is ours alone; when it closes, the warden stops the app.
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()?;
        let id = child.id().ok_or(std::io::ErrorKind::NotFound)?;
        let last = LastLines::default();
        let lifeline = child.stdin.take();
        let logs = &self.config.logs;
        let output = [
            Output::follow(child.stdout.take(), logs.clone(), last.clone()),
            Output::follow(child.stderr.take(), logs.clone(), last.clone()),
        ];
        self.status.send_modify(|status| {
            status.state = State::Starting;
            status.diagnosis = None;
            status.starts += 1;
            status.process = Some(id);
        });
        answer(self.waiting.take());
        Ok(Running { child, _lifeline: lifeline, warden: Pid::from_raw(id.cast_signed()), output, last })
    }

    async fn stop(&mut self, mut running: Running) {
        self.enter(State::Stopping, Some(running.warden));
        if running.tell(Signal::SIGTERM).is_err() {
            tracing::warn!("The app's end could not be awaited");
        }
        if timeout(self.config.grace + WARDEN_MARGIN, running.child.wait()).await.is_err() {
            self.say("The app did not stop in time and is killed");
            for pid in descendants(running.warden).into_iter().chain([running.warden]) {
                // Gone already is what we want.
                let _gone = kill(pid, Signal::SIGKILL);
            }
            let _killed = running.child.wait().await;
        }
        running.finish().await;
    }

    fn relaunch(&mut self, launch: Option<Box<Launch>>, done: oneshot::Sender<()>) {
        if let Some(launch) = launch {
            self.launch = *launch;
        }
        self.waiting = Some(done);
    }

    async fn prepare(&mut self) -> Next {
        let prepare = self.config.reload.as_ref().and_then(|reload| reload.prepare.clone());
        let Some(prepare) = prepare else { return Next::Start };
        self.status.send_modify(|status| status.state = State::Starting);
        match prepare().await {
            Ok(launch) => {
                self.launch = launch;
                Next::Start
            }
            Err(reason) => self.crashed(Crash::because(reason, Vec::new())),
        }
    }

    fn crashed(&mut self, crash: Crash) -> Next {
        self.say(&format!("App crashed: {crash}"));
        answer(self.waiting.take());
        self.enter(State::Crashed(Arc::new(crash)), None);
        Next::Rest
    }

    fn enter(&self, state: State, process: Option<Pid>) {
        self.status.send_modify(|status| {
            if !matches!(state, State::Running { .. }) {
                status.process = process.map(|pid| pid.as_raw().cast_unsigned());
            }
            status.state = state;
        });
    }

    fn diagnose(&self, diagnosis: Option<super::Diagnosis>) {
        if self.status.borrow().diagnosis == diagnosis {
            return;
        }
        // Said first: whoever sees the status finds the line in the log.
        if let Some(diagnosis) = &diagnosis {
            self.say(&diagnosis.to_string());
        }
        self.status.send_modify(|status| status.diagnosis = diagnosis);
    }

    fn say(&self, text: &str) {
        self.config.logs.append(Source::System, text);
    }
}

impl Running {
    fn tell(&mut self, signal: Signal) -> std::io::Result<Option<ExitStatus>> {
        // Not waited for yet, so the number is still that process's.
        if let Some(ended) = self.child.try_wait()? {
            return Ok(Some(ended));
        }
        kill(self.warden, signal)?;
        Ok(None)
    }

    /// Waits for the last output; what the app said last.
    async fn finish(&mut self) -> Vec<String> {
        for output in &mut self.output {
            if timeout(OUTPUT_MARGIN, &mut output.task).await.is_err() {
                output.task.abort();
            }
        }
        self.last.list()
    }
}

async fn changed(changes: &mut Option<Changes>) -> String {
    let Some(changes) = changes else { return std::future::pending().await };
    let files = changes.next().await;
    let name = files.first().and_then(|file| file.file_name()).unwrap_or_default();
    name.to_string_lossy().into_owned()
}

fn answer(waiting: Option<oneshot::Sender<()>>) {
    if let Some(waiting) = waiting {
        // Whoever asked may have gone.
        let _gone = waiting.send(());
    }
}
