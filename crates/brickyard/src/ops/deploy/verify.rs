mod resource;

use std::time::Duration;

use brickyard_api::{App, Client, Credentials, probe_client};
use http::StatusCode;
use serde::Serialize;
use serde_json::{Value, json};

use crate::ops::logs::{self, Filter};
use crate::ops::target::Target;

/// How long the app's address may take to answer.
const ANSWER: Duration = Duration::from_secs(30);

/// How long its log may take to be read.
const LOG: Duration = Duration::from_secs(20);

/// Lines of the system that are read of it.
const LINES: usize = 200;

/// Where tokens open the door (platform §4.3).
const PROBE: &str = "/api/health";

/// What the platform writes when it starts the process of a version (platform §2.4).
const STARTED: &str = "Starting app with command";

/// As whom is looked, beside the deployer: what a workspace gives of it.
struct Eyes {
    /// The app's own principal.
    principal: Option<Client>,
    /// A token that opens the app's address.
    visitor: Option<String>,
}

impl Eyes {
    /// A local workspace gives tokens of both; a real one lets a deployer with an OAuth token visit the app.
    async fn open(target: &Target, app: &App) -> Self {
        let Some(local) = &target.local else {
            let visitor = if target.client.is_oauth() { target.client.bearer().await.ok() } else { None };
            return Self { principal: None, visitor };
        };
        let asked =
            target.client.post::<Value>("/api/brickyard/app-tokens", &json!({ "app": app.name })).await;
        let tokens = asked.unwrap_or_default();
        let token = |name: &str| tokens[name].as_str().map(str::to_owned);
        let principal = token("principal_token")
            .and_then(|token| Client::new(&local.http_url, Credentials::Token(token)).ok());
        Self { principal, visitor: token("visitor_token") }
    }
}

/// One thing that was looked at after a deployment.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Look {
    /// What, such as `state` or `resource sql-warehouse`.
    pub(crate) what: String,
    /// Whether it is as it should be.
    pub(crate) good: bool,
    /// What was seen.
    pub(crate) seen: String,
    /// What to do when it is not good.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) hint: Option<String>,
}

impl Look {
    fn good(what: impl Into<String>, seen: impl Into<String>) -> Self {
        Self { what: what.into(), good: true, seen: seen.into(), hint: None }
    }

    fn bad(what: impl Into<String>, seen: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { what: what.into(), good: false, seen: seen.into(), hint: Some(hint.into()) }
    }
}

/// Looks at state, version, process, address and data of an app; `fresh` says that the deployment was made just now.
pub(super) async fn look(target: &Target, app: &App, deployment: &str, fresh: bool) -> Vec<Look> {
    let eyes = Eyes::open(target, app).await;
    let mut looks = vec![state(app), version(app, deployment)];
    looks.extend(process(target, app, fresh).await);
    match target.app_url(app) {
        Some(url) => {
            let local = target.local.is_some();
            looks.push(address(&url, local).await);
            if let Some(token) = &eyes.visitor {
                looks.extend(answer(&url, local, token).await);
            }
        }
        None => looks.push(Look::bad("address", "the app has none", "start it with `brickyard start`")),
    }
    let (client, principal) = (&target.client, eyes.principal.as_ref());
    let authority = crate::ops::lakebase::authority(target);
    let resources = app.resources.iter().map(|resource| async move {
        let known = resource::held(client, app, resource).await?;
        match principal {
            // What is not there needs no second look.
            Some(principal) if known.good => {
                Some(resource::reached(client, principal, app, resource, authority).await.unwrap_or(known))
            }
            _ => Some(known),
        }
    });
    looks.extend(futures_util::future::join_all(resources).await.into_iter().flatten());
    looks
}

fn state(app: &App) -> Look {
    let status = app.app_status.clone().unwrap_or_default();
    if status.state == "RUNNING" {
        return Look::good("state", "RUNNING");
    }
    Look::bad(
        "state",
        format!("{}: {}", status.state, status.message),
        format!("read `brickyard logs {}`", app.name),
    )
}

/// The new code is live when the workspace names this very deployment as the one that serves.
fn version(app: &App, deployment: &str) -> Look {
    match app.active_deployment.as_ref().and_then(|active| active.deployment_id.as_deref()) {
        Some(active) if active == deployment => Look::good("version", format!("deployment {active} serves")),
        Some(other) => Look::bad(
            "version",
            format!("deployment {other} serves, not {deployment}"),
            "somebody deployed after you: `brickyard get` shows the versions",
        ),
        None => Look::bad("version", "no deployment serves", format!("read `brickyard logs {}`", app.name)),
    }
}

/// The process that answers was started for this deployment: the log says when. A log that cannot be read says nothing.
async fn process(target: &Target, app: &App, fresh: bool) -> Option<Look> {
    let created = app.active_deployment.as_ref()?.create_time.as_deref()?.parse::<jiff::Timestamp>().ok()?;
    let origin = target.log(app)?;
    let filter = Filter { search: Some(STARTED.to_owned()), sources: vec!["SYSTEM".to_owned()] };
    let mut last = None;
    let read = logs::read(&origin, LINES, false, &filter, |line| last = Some(line.timestamp));
    tokio::time::timeout(LOG, read).await.ok()?.ok()?;
    // The log counts in fractions of a second, the deployment may round.
    let since = created.as_second() - 1;
    #[expect(clippy::cast_precision_loss, reason = "seconds of this age fit")]
    let started = last.filter(|last| *last >= since as f64);
    Some(match started {
        Some(started) => {
            let after = jiff::SignedDuration::try_from_secs_f64(started).ok()?;
            let at = jiff::Timestamp::from_duration(after).ok()?;
            Look::good("process", format!("started at {at:.0}, for this deployment"))
        }
        // Its beginning may have been so long ago that the log has forgotten it.
        None if !fresh => return None,
        None => Look::bad(
            "process",
            "the log tells of no start since this deployment: an older process may answer",
            format!("`brickyard stop {0}`, then `brickyard start {0}`", app.name),
        ),
    })
}

/// The address answers: the app's front door.
async fn address(url: &str, local: bool) -> Look {
    match ask(url, "/", local, None).await {
        Ok(answer) if answer.status().is_server_error() => {
            Look::bad("address", format!("{url} answers {}", answer.status()), "read the app's log")
        }
        Ok(answer) => Look::good("address", format!("{url} answers {}", answer.status())),
        Err(error) => {
            let causes = std::iter::successors(std::error::Error::source(&error), |cause| cause.source());
            let cause = causes.last().map_or_else(|| error.to_string(), ToString::to_string);
            let hint = if local { "read the app's log" } else { "open it from a network that reaches it" };
            Look::bad("address", format!("{url} does not answer: {cause}"), hint)
        }
    }
}

/// The process behind the front door answers a visitor with a token: any answer of its own will do. Nothing where the door does not
/// open to us, which is no fault of the app.
async fn answer(url: &str, local: bool, token: &str) -> Option<Look> {
    if !local && !url.starts_with("https://") {
        return None;
    }
    let status = ask(url, PROBE, local, Some(token)).await.ok()?.status();
    match status {
        // A handler that breaks on a path it does not know (502) says nothing of the version.
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::BAD_GATEWAY => None,
        StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT => Some(Look::bad(
            "answer",
            format!("the process behind the address does not answer: {status}"),
            "read the app's log: it may listen on another port than DATABRICKS_APP_PORT",
        )),
        _ => Some(Look::good("answer", format!("the app itself answers {status} at {PROBE}"))),
    }
}

async fn ask(
    url: &str,
    path: &str,
    local: bool,
    token: Option<&str>,
) -> Result<reqwest::Response, reqwest::Error> {
    let client = probe_client(!local)?;
    let request = if local {
        // A name below `localhost` leads to this machine, which not every resolver knows.
        let port = url.rsplit(':').next().unwrap_or_default();
        let host = url.trim_start_matches("http://");
        client.get(format!("http://127.0.0.1:{port}{path}")).header("host", host)
    } else {
        client.get(format!("{}{path}", url.trim_end_matches('/')))
    };
    let request = match token {
        Some(token) => request.bearer_auth(token),
        None => request,
    };
    request.timeout(ANSWER).send().await
}
