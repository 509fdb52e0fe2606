use std::time::Duration;

use brickyard_api::{App, Client, probe_client};
use serde::Serialize;
use serde_json::Value;

use crate::ops::target::Target;

/// How long the app's address may take to answer.
const ANSWER: Duration = Duration::from_secs(30);

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

/// Looks at state, version, address and data of an app that was just deployed.
pub(super) async fn look(target: &Target, app: &App, deployment: &str) -> Vec<Look> {
    let mut looks = vec![state(app), version(app, deployment)];
    match target.app_url(app) {
        Some(url) => looks.push(address(&url, target.local.is_some()).await),
        None => looks.push(Look::bad("address", "the app has none", "start it with `brickyard start`")),
    }
    let resources = app.resources.iter().map(|resource| resource_of(&target.client, app, resource));
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

/// The address answers: the app, or the sign-in page before it.
async fn address(url: &str, local: bool) -> Look {
    let asked = async {
        let client = probe_client(!local)?;
        let request = if local {
            // A name below `localhost` leads to this machine, which not every resolver knows.
            let port = url.rsplit(':').next().unwrap_or_default();
            let host = url.trim_start_matches("http://");
            client.get(format!("http://127.0.0.1:{port}/")).header("host", host)
        } else {
            client.get(url)
        };
        request.timeout(ANSWER).send().await
    };
    match asked.await {
        Ok(answer) if answer.status().is_server_error() => {
            Look::bad("address", format!("{url} answers {}", answer.status()), "read the app's log")
        }
        Ok(answer) => Look::good("address", format!("{url} answers {}", answer.status())),
        Err(error) => Look::bad("address", format!("{url} does not answer: {error}"), "read the app's log"),
    }
}

/// A resource is there, and the app's principal holds what it needs on it.
async fn resource_of(client: &Client, app: &App, resource: &brickyard_api::AppResource) -> Option<Look> {
    let what = format!("resource {}", resource.name);
    let principal = app.service_principal_client_id.as_deref().unwrap_or_default();
    let there = |path: String| async move { client.get::<Value>(&path, &[]).await };
    let (noun, thing, list) = if let Some(bound) = &resource.sql_warehouse {
        let answer = there(format!("/api/2.0/sql/warehouses/{}", bound.id)).await;
        (format!("warehouse {}", bound.id), answer, Some(("warehouses", &bound.id)))
    } else if let Some(bound) = &resource.serving_endpoint {
        let answer = there(format!("/api/2.0/serving-endpoints/{}", bound.name)).await;
        // Its permissions go by id, which the answer holds.
        (format!("serving endpoint {}", bound.name), answer, None)
    } else if let Some(bound) = &resource.job {
        let answer = there(format!("/api/2.2/jobs/get?job_id={}", bound.id)).await;
        (format!("job {}", bound.id), answer, Some(("jobs", &bound.id)))
    } else if let Some(bound) = &resource.experiment {
        let id = &bound.experiment_id;
        let answer = there(format!("/api/2.0/mlflow/experiments/get?experiment_id={id}")).await;
        (format!("experiment {id}"), answer, Some(("experiments", id)))
    } else if let Some(bound) = &resource.secret {
        let path = format!("/api/2.0/secrets/acls/get?scope={}&principal={principal}", bound.scope);
        return Some(match there(path).await {
            Ok(_) => Look::good(what, format!("the app reads secret {}/{}", bound.scope, bound.key)),
            Err(failure) => Look::bad(what, failure.to_string(), "give the app READ on the secret scope"),
        });
    } else if let Some(bound) = &resource.uc_securable {
        let name = &bound.securable_full_name;
        let kind = bound.securable_type.to_lowercase();
        let path = format!("/api/2.1/unity-catalog/permissions/{kind}/{name}?principal={principal}");
        return Some(match there(path).await {
            Ok(granted) if granted.to_string().contains(&bound.permission) => {
                Look::good(what, format!("the app has {} on {name}", bound.permission))
            }
            Ok(_) => Look::bad(
                what,
                format!("the app has no {} on {name}", bound.permission),
                format!(
                    "GRANT {} ON {} {name} TO `{principal}`",
                    bound.permission.replace('_', " "),
                    bound.securable_type
                ),
            ),
            Err(failure) => {
                Look::bad(what, failure.to_string(), format!("make {kind} {name}, or name another one"))
            }
        });
    } else if let Some(bound) = &resource.database {
        let answer = there(format!("/api/2.0/database/instances/{}", bound.instance_name)).await;
        (format!("database instance {}", bound.instance_name), answer, None)
    } else if let Some(bound) = &resource.postgres {
        (bound.branch.clone(), there(format!("/api/2.0/postgres/{}", bound.branch)).await, None)
    } else if let Some(bound) = &resource.app {
        let answer = there(format!("/api/2.0/apps/{}", bound.name)).await;
        (format!("app {}", bound.name), answer, Some(("apps", &bound.name)))
    } else {
        return None;
    };
    if let Err(failure) = thing {
        return Some(Look::bad(what, failure.to_string(), format!("make {noun}, or name another one")));
    }
    let Some((kind, id)) = list else { return Some(Look::good(what, format!("{noun} is there"))) };
    Some(match client.permissions(kind, id).await {
        Ok(entries)
            if entries.iter().any(|entry| entry.service_principal_name.as_deref() == Some(principal)) =>
        {
            Look::good(what, format!("the app may use {noun}"))
        }
        Ok(_) => Look::bad(
            what,
            format!("the app's principal {principal} is not on the access list of {noun}"),
            "deploy again, or give it the permission by hand",
        ),
        // Not to be allowed to read the list is no fault of the app.
        Err(_) => Look::good(what, format!("{noun} is there; its access list is not yours to read")),
    })
}
