//! A picture of a page: Chromium without a window, led over its `DevTools` protocol.

use std::path::{Path, PathBuf};
use std::time::Duration;

use brickyard_runner::warden::{self, Lifeline, Limits};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use crate::failure::{Failure, Kind};
use crate::settings::Settings;

/// Names Chromium goes by.
const NAMES: &[&str] = &["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/// How long a page may take to be there.
const PATIENCE: Duration = Duration::from_secs(60);

/// Is true once the page is loaded and has not changed for a moment: frameworks draw after the page is there. Gives up
/// waiting for rest after ten seconds: some pages never rest.
const SETTLED: &str = "new Promise(resolve => { \
     let timer; const done = () => resolve(true); \
     const again = () => { clearTimeout(timer); timer = setTimeout(done, 750); }; \
     const watch = () => { new MutationObserver(again).observe(document, \
         { subtree: true, childList: true, attributes: true, characterData: true }); again(); }; \
     setTimeout(done, 10000); \
     document.readyState === 'complete' ? watch() : addEventListener('load', watch); })";

/// How a page is looked at.
pub(crate) struct View<'a> {
    pub(crate) url: &'a str,
    pub(crate) width: u64,
    pub(crate) height: u64,
}

/// What was seen.
pub(crate) struct Shot {
    /// PNG in base64.
    pub(crate) png: String,
    pub(crate) title: String,
    /// Where the page was in the end.
    pub(crate) url: String,
}

/// Chromium on this machine.
pub(crate) fn find(settings: &Settings) -> Option<PathBuf> {
    let places = settings.environment.search_path();
    NAMES.iter().flat_map(|name| places.iter().map(move |place| place.join(name))).find(|file| file.is_file())
}

/// Opens the page as a new visitor, waits until it rests, and takes its picture.
pub(crate) async fn take(settings: &Settings, view: &View<'_>) -> Result<Shot, Failure> {
    let program = find(settings).ok_or_else(|| {
        Failure::machine("There is no Chromium on this machine").hint("install the package `chromium`")
    })?;
    let profile = tempfile::tempdir()
        .map_err(|error| Failure::machine("Cannot make a folder for Chromium").because(error))?;
    tokio::time::timeout(PATIENCE, async {
        let mut browser = Browser::start(settings, &program, profile.path()).await?;
        let shot = browser.shoot(view).await;
        browser.end().await;
        shot
    })
    .await
    .unwrap_or_else(|_| Err(Failure::app(format!("{} is not there after a minute", view.url))))
}

/// A browser of our own; it ends with its lifeline.
struct Browser {
    child: Child,
    _lifeline: Lifeline,
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    last: u64,
}

impl Browser {
    async fn start(settings: &Settings, program: &Path, profile: &Path) -> Result<Self, Failure> {
        let machine = |error: std::io::Error| Failure::machine("Cannot run Chromium").because(error);
        let lifeline = Lifeline::new().map_err(machine)?;
        let mut command = Command::new(&settings.executable);
        command
            .arg("warden")
            .args(warden::arguments(Duration::from_secs(2), Limits::default()))
            .arg("--attached")
            .arg(lifeline.path())
            .arg("--")
            .arg(program)
            .args(["--headless=new", "--remote-debugging-port=0", "--no-first-run", "--disable-gpu"])
            .args(["--hide-scrollbars", "--disable-extensions", "--disable-dev-shm-usage"])
            .arg(format!("--user-data-dir={}", profile.display()))
            .arg("about:blank")
            .env_clear()
            .env("HOME", profile)
            .envs(["PATH", "LANG"].iter().filter_map(|name| Some((*name, settings.environment.text(name)?))))
            .stdin(std::process::Stdio::null())
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::piped())
            .kill_on_drop(true);
        if nix::unistd::geteuid().is_root() {
            // Chromium refuses its sandbox to the superuser: in containers there is nobody else.
            command.arg("--no-sandbox");
        }
        let mut child = command.spawn().map_err(machine)?;
        let stderr = child.stderr.take().ok_or_else(|| Failure::machine("Chromium has no output"))?;
        let mut lines = BufReader::new(stderr).lines();
        let mut said = String::new();
        let address = loop {
            let Some(line) = lines.next_line().await.map_err(machine)? else {
                return Err(Failure::machine(format!("Chromium ended at once:\n{}", said.trim_end())));
            };
            if let Some(address) = line.strip_prefix("DevTools listening on ") {
                break address.to_owned();
            }
            said = said + "  | " + &line + "\n";
        };
        // It would block once nobody reads any more.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        let (socket, _) = tokio_tungstenite::connect_async(&address)
            .await
            .map_err(|error| Failure::machine("Cannot lead Chromium").because(error))?;
        Ok(Self { child, _lifeline: lifeline, socket, last: 0 })
    }

    async fn shoot(&mut self, view: &View<'_>) -> Result<Shot, Failure> {
        let target = self.ask(None, "Target.createTarget", &json!({ "url": "about:blank" })).await?;
        let attach = json!({ "targetId": target["targetId"], "flatten": true });
        let session = self.ask(None, "Target.attachToTarget", &attach).await?;
        let session = session["sessionId"].as_str().map(str::to_owned);
        let session = session.as_deref();
        let size =
            json!({ "width": view.width, "height": view.height, "deviceScaleFactor": 1, "mobile": false });
        self.ask(session, "Emulation.setDeviceMetricsOverride", &size).await?;
        self.ask(session, "Page.enable", &json!({})).await?;
        let opened = self.ask(session, "Page.navigate", &json!({ "url": view.url })).await?;
        if let Some(error) = opened["errorText"].as_str() {
            return Err(Failure::app(format!("{} cannot be opened: {error}", view.url)));
        }
        let settled = json!({ "expression": SETTLED, "awaitPromise": true });
        // A page that leads to another one takes the question with it.
        while self.ask(session, "Runtime.evaluate", &settled).await.is_err() {}
        let place = json!({ "expression": "[document.title, location.href]", "returnByValue": true });
        let place = self.ask(session, "Runtime.evaluate", &place).await?;
        let place = |at: usize| place["result"]["value"][at].as_str().unwrap_or_default().to_owned();
        let picture = self.ask(session, "Page.captureScreenshot", &json!({ "format": "png" })).await?;
        let png = picture["data"].as_str().unwrap_or_default().to_owned();
        Ok(Shot { png, title: place(0), url: place(1) })
    }

    async fn ask(
        &mut self,
        session: Option<&str>,
        method: &str,
        parameters: &Value,
    ) -> Result<Value, Failure> {
        let lost = |error: tokio_tungstenite::tungstenite::Error| {
            Failure::machine("Chromium went away").because(error)
        };
        self.last += 1;
        let mut question = json!({ "id": self.last, "method": method, "params": parameters });
        if let Some(session) = session {
            question["sessionId"] = json!(session);
        }
        self.socket.send(Message::text(question.to_string())).await.map_err(lost)?;
        while let Some(message) = self.socket.next().await {
            let Message::Text(text) = message.map_err(lost)? else { continue };
            let answer: Value = serde_json::from_str(&text).unwrap_or_default();
            if answer["id"] != self.last {
                continue;
            }
            return match answer["error"]["message"].as_str() {
                None => Ok(answer["result"].clone()),
                Some(error) => {
                    Err(Failure::new(Kind::Internal, format!("Chromium refuses `{method}`: {error}")))
                }
            };
        }
        Err(Failure::machine("Chromium went away"))
    }

    /// Lets it end by itself: its profile is removed right after.
    async fn end(mut self) {
        if self.ask(None, "Browser.close", &json!({})).await.is_ok() {
            let _ = self.child.wait().await;
        }
    }
}
