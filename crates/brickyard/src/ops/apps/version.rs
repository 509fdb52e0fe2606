use std::ffi::OsString;
use std::sync::Arc;
use std::time::Duration;

use brickyard_runner::logs::Source;
use brickyard_runner::network::Network;
use brickyard_runner::supervisor::{
    Crash, Diagnosis, Launch, Prepare, Reload, State, Status, Supervisor, SupervisorConfig,
};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::plan::Plan;
use super::port::{self, PLATFORM_PORT, PortPolicy};
use crate::failure::Failure;
use crate::ops::app_environment::Variable;

/// How long an app may listen on another port than it was told before that port is taken for the one it means.
const WRONG_PORT_PATIENCE: Duration = Duration::from_secs(4);

/// How many ports are tried for an app, one after the other, while other programs take them.
const PORTS_TRIED: usize = 5;

/// How the start of a version went.
enum Settled {
    Up,
    /// It listens on this port and not on the one it was told.
    Elsewhere(u16),
    /// Another program has its port.
    Taken,
    Down(Arc<Crash>),
}

/// A plan worked out: what runs, with what.
pub(crate) struct Ready {
    pub(crate) variables: Vec<Variable>,
    pub(crate) port: u16,
    /// The port the command pins, where the platform would not serve it.
    pub(crate) pinned: Option<u16>,
    /// The app listens on this port whatever it is told: two versions cannot at once.
    pub(crate) fixed: bool,
    pub(super) launch: Launch,
    /// Its own network, as long as it runs.
    pub(super) network: Option<Arc<Network>>,
}

/// A version of an app that runs.
pub(crate) struct Version {
    supervisor: Supervisor,
    /// How it was started, to start it again.
    pub(crate) plan: Plan,
    /// Where its status goes.
    status: watch::Sender<Status>,
    /// Passes the supervisor's status on to there.
    forward: JoinHandle<()>,
    pub(crate) ready: Ready,
}

impl Ready {
    /// Whether it was told another port than the platform's because that one is taken.
    pub(crate) fn moved(&self, policy: PortPolicy) -> bool {
        !matches!(policy, PortPolicy::Fixed(_)) && self.pinned.is_none() && self.port != PLATFORM_PORT
    }
}

impl Version {
    /// Starts a version; its status goes to `status` as long as it runs.
    pub(crate) async fn start(plan: &Plan, status: watch::Sender<Status>) -> Result<Self, Failure> {
        plan.refuse_taken_port()?;
        let ready = plan.work_out().await?;
        plan.refuse_taken_port()?;
        let warden = vec![plan.settings.executable.clone().into_os_string(), OsString::from("warden")];
        let mut config = SupervisorConfig::new(ready.launch.clone(), warden, plan.logs.clone());
        config.limits = plan.limits;
        config.network.clone_from(&ready.network);
        if plan.reload {
            let again = plan.clone();
            let prepare: Prepare = Arc::new(move || {
                let plan = again.clone();
                Box::pin(async move {
                    plan.work_out().await.map(|ready| ready.launch).map_err(|failure| explain(&failure))
                })
            });
            config.reload = Some(Reload { directory: plan.source.clone(), prepare: Some(prepare) });
        }
        let supervisor = Supervisor::start(config);
        let forward = forward(supervisor.status(), status.clone(), ready.outside());
        Ok(Self { supervisor, plan: plan.clone(), status, forward, ready })
    }

    /// Passes its status on from now on: it is the version that serves.
    pub(crate) async fn publish(&mut self, status: watch::Sender<Status>) {
        self.forward.abort();
        let _ended = (&mut self.forward).await;
        self.forward = forward(self.supervisor.status(), status.clone(), self.ready.outside());
        self.status = status;
    }

    /// Waits until it listens. With the automatic port, an app that insists on another one gets it; a port that another
    /// program took meanwhile is changed for a free one where the app listens to `DATABRICKS_APP_PORT`.
    pub(crate) async fn listening(&mut self, plan: &Plan) -> Result<(), Arc<Crash>> {
        for _ in 0..PORTS_TRIED {
            let taken = match self.settled().await {
                Settled::Elsewhere(port) if self.ready.network.is_some() => {
                    self.supervisor.stop().await;
                    return Err(Arc::new(Crash {
                        reason: format!("it listens on port {port}, and not on {}", self.ready.port),
                        code: None,
                        signal: None,
                        last_lines: Vec::new(),
                    }));
                }
                Settled::Elsewhere(port) if plan.port.follows() => {
                    self.follow(plan, port).await;
                    continue;
                }
                // Elsewhere as on the platform: it runs, and its address says "App Not Available".
                Settled::Up | Settled::Elsewhere(_) => return Ok(()),
                Settled::Taken => Crash {
                    reason: format!("another program already listens on port {}", self.ready.port),
                    code: None,
                    signal: None,
                    last_lines: Vec::new(),
                },
                Settled::Down(crash)
                    if self.ready.network.is_some() || port::free(self.ready.port).is_some() =>
                {
                    return Err(crash);
                }
                Settled::Down(crash) => Crash::clone(&crash),
            };
            if self.ready.fixed || self.ready.pinned.is_some() || matches!(plan.port, PortPolicy::Fixed(_)) {
                self.supervisor.stop().await;
                return Err(Arc::new(taken));
            }
            plan.logs.append(
                Source::System,
                &format!("Another program has taken port {}; trying another one", self.ready.port),
            );
            plan.claims.lost(self.ready.port);
            match plan.work_out().await {
                Ok(ready) => self.ready = ready,
                Err(failure) => return Err(Arc::new(Crash { reason: explain(&failure), ..taken })),
            }
            self.supervisor.restart(Some(self.ready.launch.clone())).await;
        }
        self.supervisor.ready().await.map(drop)
    }

    /// Waits until it is known how the start went.
    async fn settled(&self) -> Settled {
        let mut status = self.supervisor.status();
        loop {
            let now = status.borrow_and_update().clone();
            let wrong = match (now.state, now.diagnosis) {
                (State::Starting, Some(Diagnosis::PortTaken { .. })) => Some(Settled::Taken),
                (State::Starting, Some(Diagnosis::WrongPort { found, .. })) => {
                    found.first().map(|address| Settled::Elsewhere(address.port()))
                }
                (State::Starting | State::Stopping, _) => None,
                (State::Running { .. }, _) => return Settled::Up,
                (State::Crashed(crash), _) => return Settled::Down(crash),
                (State::Stopped, _) => {
                    return match self.supervisor.ready().await {
                        Ok(_) => Settled::Up,
                        Err(crash) => Settled::Down(crash),
                    };
                }
            };
            let changed = match wrong {
                None => status.changed().await,
                // It may be on its way: many servers listen on several ports, one after the other.
                Some(wrong) => match tokio::time::timeout(WRONG_PORT_PATIENCE, status.changed()).await {
                    Ok(changed) => changed,
                    Err(_) => return wrong,
                },
            };
            if changed.is_err() {
                return match self.supervisor.ready().await {
                    Ok(_) => Settled::Up,
                    Err(crash) => Settled::Down(crash),
                };
            }
        }
    }

    /// Serves it where it listens.
    async fn follow(&mut self, plan: &Plan, port: u16) {
        let message = if port == PLATFORM_PORT {
            format!(
                "The app listens on port {port} whatever DATABRICKS_APP_PORT says, which is the platform's port"
            )
        } else {
            format!(
                "The app listens on port {port} whatever DATABRICKS_APP_PORT says; the platform would answer \"App Not \
                 Available\". Here it is served all the same"
            )
        };
        plan.logs.append(Source::System, &message);
        self.ready.pinned = Some(port).filter(|port| *port != PLATFORM_PORT);
        self.ready.fixed = true;
        // It listens there already; from now on other apps of ours are told who has it.
        let _ = plan.claims.fix_held(port);
        self.ready.port = port;
        self.ready.launch.port = port;
        self.supervisor.restart(Some(self.ready.launch.clone())).await;
    }

    /// Where it listens, if it does.
    pub(crate) fn address(&self) -> Option<std::net::SocketAddr> {
        match self.supervisor.status().borrow().state {
            State::Running { address } => Some(self.ready.outside().unwrap_or(address)),
            _ => None,
        }
    }

    /// Ends it: SIGTERM, 15 seconds, SIGKILL.
    pub(crate) async fn stop(self) {
        self.supervisor.stop().await;
        self.supervisor.close().await;
        settle(self.forward, &self.status, State::Stopped).await;
    }

    /// Ends one that does not serve, and tells why.
    pub(crate) async fn fail(self, crash: Arc<Crash>) {
        settle(self.forward, &self.status, State::Crashed(crash)).await;
        self.supervisor.stop().await;
        self.supervisor.close().await;
    }

    /// Ends it without telling the app's status: another version has taken over.
    pub(crate) async fn replace(self) {
        self.forward.abort();
        self.supervisor.stop().await;
        self.supervisor.close().await;
    }
}

impl Ready {
    /// Where it is reached, when that is not where it listens.
    fn outside(&self) -> Option<std::net::SocketAddr> {
        self.network.as_ref().map(|network| network.outside())
    }
}

/// Passes a supervisor's status on, what it is now at once; `outside` is where a version with a network of its own is
/// reached.
fn forward(
    mut from: watch::Receiver<Status>,
    to: watch::Sender<Status>,
    outside: Option<std::net::SocketAddr>,
) -> JoinHandle<()> {
    let pass = move |mut now: Status| {
        if let (State::Running { address }, Some(outside)) = (&mut now.state, outside) {
            *address = outside;
        }
        to.send_replace(now);
    };
    let now = from.borrow_and_update().clone();
    pass(now);
    tokio::spawn(async move {
        while from.changed().await.is_ok() {
            let now = from.borrow_and_update().clone();
            pass(now);
        }
    })
}

/// Tells the last state of a version: whoever passed its status on may not have got to the end of it.
async fn settle(forward: JoinHandle<()>, status: &watch::Sender<Status>, state: State) {
    forward.abort();
    let _ended = forward.await;
    status.send_modify(|status| {
        status.state = state;
        status.diagnosis = None;
        status.process = None;
    });
}

fn explain(failure: &Failure) -> String {
    let mut text = failure.to_string();
    for cause in failure.causes() {
        text.push_str(": ");
        text.push_str(&cause);
    }
    text
}

#[cfg(test)]
mod tests {
    use brickyard_runner::warden::LimitsApplied;

    use super::*;

    #[tokio::test]
    async fn a_status_that_is_passed_on_is_there_at_once() {
        let status =
            |state| Status { state, diagnosis: None, limits: LimitsApplied::None, starts: 1, process: None };
        let inside: std::net::SocketAddr = "10.0.0.2:8000".parse().unwrap();
        let outside: std::net::SocketAddr = "127.0.0.1:9000".parse().unwrap();
        let (supervisor, from) = watch::channel(status(State::Running { address: inside }));
        let (to, mut shown) = watch::channel(status(State::Starting));
        let _forward = forward(from, to, Some(outside));
        assert_eq!(shown.borrow_and_update().address(), Some(outside));
        supervisor.send_replace(status(State::Stopped));
        shown.changed().await.unwrap();
        assert_eq!(shown.borrow().address(), None);
    }
}
