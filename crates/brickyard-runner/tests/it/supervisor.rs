//! An app from start to end, in every way it can go.

use std::time::Duration;

use brickyard_runner::logs::Source;
use brickyard_runner::supervisor::{Diagnosis, Reload, State, Supervisor};
use brickyard_runner::warden::Limits;

use tokio::time::timeout;

use crate::rig::{PATIENCE, config, free_port, launch, lives, logs, python, temporary, until};

const SERVER: &str = "
import http.server, os, sys
print('hello from the app', flush=True)
print('caf\\udce9', flush=True, file=sys.stderr) if False else sys.stderr.buffer.write(b'caf\\xe9\\n')
http.server.ThreadingHTTPServer((os.environ.get('BIND', '0.0.0.0'), int(os.environ['PORT'])), http.server.SimpleHTTPRequestHandler).serve_forever()
";

#[tokio::test(flavor = "multi_thread")]
async fn runs_and_stops() {
    let (folder, logs) = (temporary(), logs());
    let launch = launch(folder.path(), python(), SERVER, free_port());
    let port = launch.port;
    let supervisor = Supervisor::start(config(launch, &logs));
    let address = supervisor.ready().await.unwrap();
    assert_eq!(address.port(), port);
    let warden = supervisor.status().borrow().process.unwrap();
    assert!(lives(warden));
    until("the output is in the log", async || logs.tail(10, "hello from the app").len() == 1).await;
    until("foreign bytes are replaced", async || logs.tail(10, "caf\u{fffd}").len() == 1).await;
    assert_eq!(logs.tail(1, "hello from the app")[0].source, Source::App);
    assert_eq!(supervisor.status().borrow().diagnosis, None);
    supervisor.stop().await;
    assert!(matches!(supervisor.status().borrow().state, State::Stopped));
    assert!(!lives(warden));
    supervisor.start_again().await;
    supervisor.ready().await.unwrap();
    assert_eq!(supervisor.status().borrow().starts, 2);
    let warden = supervisor.status().borrow().process.unwrap();
    supervisor.close().await;
    assert!(!lives(warden));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_is_explained() {
    let (folder, logs) = (temporary(), logs());
    let program = "import sys\nprint('about to fail', flush=True)\nraise RuntimeError('no such table')";
    let supervisor = Supervisor::start(config(launch(folder.path(), python(), program, free_port()), &logs));
    let crash = supervisor.ready().await.unwrap_err();
    assert_eq!((crash.reason.as_str(), crash.code), ("exit code 1", Some(1)));
    assert!(crash.last_lines.iter().any(|line| line == "RuntimeError: no such table"), "{crash:?}");
    assert_eq!(logs.tail(10, "App crashed: exit code 1").len(), 1);
    supervisor.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_program_is_explained() {
    let (folder, logs) = (temporary(), logs());
    let mut launch = launch(folder.path(), python(), "", free_port());
    launch.command = vec!["no-such-server".into()];
    let supervisor = Supervisor::start(config(launch, &logs));
    let crash = supervisor.ready().await.unwrap_err();
    assert_eq!(crash.code, Some(127));
    assert!(
        crash.last_lines.iter().any(|line| line.contains("`no-such-server` could not be started")),
        "{crash:?}"
    );
    supervisor.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_ignored_means_sigkill() {
    let (folder, logs) = (temporary(), logs());
    let program = format!("import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n{SERVER}");
    let supervisor = Supervisor::start(config(launch(folder.path(), python(), &program, free_port()), &logs));
    supervisor.ready().await.unwrap();
    let warden = supervisor.status().borrow().process.unwrap();
    supervisor.stop().await;
    assert!(!lives(warden));
    assert!(matches!(supervisor.status().borrow().state, State::Stopped));
    supervisor.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_soft_end_is_waited_for() {
    let (folder, logs) = (temporary(), logs());
    let program = format!(
        "import signal, sys, time\n\
         def end(*_):\n    time.sleep(0.2); print('ended softly', flush=True); sys.exit(0)\n\
         signal.signal(signal.SIGTERM, end)\n{SERVER}"
    );
    let mut config = config(launch(folder.path(), python(), &program, free_port()), &logs);
    config.grace = Duration::from_secs(60);
    let supervisor = Supervisor::start(config);
    supervisor.ready().await.unwrap();
    supervisor.close().await;
    assert_eq!(logs.tail(10, "ended softly").len(), 1);
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn the_wrong_port_is_diagnosed() {
    let (folder, logs) = (temporary(), logs());
    let mut launch = launch(folder.path(), python(), SERVER, free_port());
    let wrong = free_port();
    launch.variables.insert("PORT".into(), wrong.to_string().into());
    let expected = launch.port;
    let supervisor = Supervisor::start(config(launch, &logs));
    let mut status = supervisor.status();
    let seen = timeout(PATIENCE, status.wait_for(|status| status.diagnosis.is_some()))
        .await
        .unwrap()
        .unwrap()
        .clone();
    let Some(Diagnosis::WrongPort { expected: told, found }) = &seen.diagnosis else { panic!("{seen:?}") };
    assert_eq!((*told, found.len(), found[0].port()), (expected, 1, wrong));
    assert!(matches!(seen.state, State::Starting));
    assert_eq!(logs.tail(10, "and not on port").len(), 1);
    supervisor.close().await;
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn loopback_only_is_diagnosed() {
    let (folder, logs) = (temporary(), logs());
    let mut launch = launch(folder.path(), python(), SERVER, free_port());
    launch.variables.insert("BIND".into(), "127.0.0.1".into());
    let supervisor = Supervisor::start(config(launch, &logs));
    supervisor.ready().await.unwrap();
    until("it is told", async || {
        matches!(supervisor.status().borrow().diagnosis, Some(Diagnosis::LoopbackOnly { .. }))
    })
    .await;
    supervisor.close().await;
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_taken_port_is_diagnosed() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let (folder, logs) = (temporary(), logs());
    let supervisor = Supervisor::start(config(
        launch(folder.path(), python(), "import time; time.sleep(600)", port),
        &logs,
    ));
    let mut status = supervisor.status();
    let seen = timeout(PATIENCE, status.wait_for(|status| status.diagnosis.is_some()))
        .await
        .unwrap()
        .unwrap()
        .clone();
    assert_eq!(seen.diagnosis, Some(Diagnosis::PortTaken { port }));
    supervisor.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn too_slow_is_a_crash() {
    let (folder, logs) = (temporary(), logs());
    let mut config =
        config(launch(folder.path(), python(), "import time; time.sleep(600)", free_port()), &logs);
    config.startup_budget = Duration::from_millis(300);
    let supervisor = Supervisor::start(config);
    let crash = supervisor.ready().await.unwrap_err();
    assert!(crash.reason.starts_with("did not listen on port"), "{crash}");
    supervisor.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_file_restarts() {
    let (folder, logs) = (temporary(), logs());
    let mut config = config(launch(folder.path(), python(), SERVER, free_port()), &logs);
    config.reload = Some(Reload { directory: folder.path().to_owned(), prepare: None });
    let supervisor = Supervisor::start(config);
    supervisor.ready().await.unwrap();
    for ignored in ["node_modules", "__pycache__"] {
        std::fs::create_dir(folder.path().join(ignored)).unwrap();
        std::fs::write(folder.path().join(ignored).join("x.py"), "x").unwrap();
    }
    std::fs::write(folder.path().join("data.csv"), "x").unwrap();
    std::fs::write(folder.path().join("app.py"), SERVER.replace("hello", "changed")).unwrap();
    let mut status = supervisor.status();
    status
        .wait_for(|status| status.starts == 2 && matches!(status.state, State::Running { .. }))
        .await
        .unwrap();
    until("the new program speaks", async || logs.tail(10, "changed from the app").len() == 1).await;
    assert_eq!(logs.tail(10, "restarting: `app.py` changed").len(), 1);
    supervisor.close().await;
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn memory_is_limited() {
    let (folder, logs) = (temporary(), logs());
    let program = "x = bytearray(900 * 1024 * 1024)\nprint('got it', len(x))";
    let mut config = config(launch(folder.path(), python(), program, free_port()), &logs);
    config.limits = Limits { cpus: Some(2), memory_bytes: Some(400 * 1024 * 1024) };
    let supervisor = Supervisor::start(config);
    let crash = supervisor.ready().await.unwrap_err();
    assert!(
        crash.last_lines.iter().any(|line| line == "MemoryError") || crash.signal == Some(9),
        "{crash:?}"
    );
    supervisor.close().await;
}
