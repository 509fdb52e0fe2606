use brickyard_api::{App, Deployment};
use serde::Serialize;

use super::follow;
use super::verify::{self, Look};
use super::{Tell, app, no_deployment};
use crate::failure::{Failure, Kind};
use crate::ops::target::Target;

/// What came of going back.
#[derive(Debug, Serialize)]
pub(crate) struct Rolled {
    pub(crate) app: App,
    /// Deployment whose source serves again.
    pub(crate) to: String,
    /// The new deployment made of it.
    pub(crate) deployment: Deployment,
    pub(crate) url: Option<String>,
    pub(crate) verification: Vec<Look>,
}

impl Rolled {
    /// Whether everything is as it should be.
    pub(crate) fn is_good(&self) -> bool {
        self.verification.iter().all(|look| look.good)
    }
}

/// Deploys the source of an earlier deployment again: the one named, else the last good one before the one that serves.
///
/// The platform keeps each deployment's source as its artifact; values of variables that were given with the deployment
/// are never given back, so only those that come from resources are repeated.
pub(crate) async fn rollback(
    target: &Target,
    name: &str,
    wanted: Option<&str>,
    tell: &Tell,
) -> Result<Rolled, Failure> {
    let client = &target.client;
    let app = target.app(name).await?;
    let active = app.active_deployment.as_ref().and_then(|active| active.deployment_id.clone());
    let all = client.deployments(name).await?;
    let to = pick(&all, active.as_deref(), wanted).ok_or_else(|| match wanted {
        Some(id) => no_deployment(name, &format!("deployment `{id}` that succeeded")),
        None => no_deployment(name, "earlier deployment that succeeded"),
    })?;
    if let Some(compute) = app.compute_status.as_ref().filter(|compute| compute.state != "ACTIVE") {
        return Err(Failure::app(format!(
            "App `{name}` cannot go back while its compute is {}",
            compute.state
        ))
        .hint(format!("`brickyard start {name}` first")));
    }
    let id = to.deployment_id.clone().unwrap_or_default();
    let source =
        to.deployment_artifacts.as_ref().and_then(|artifacts| artifacts["source_code_path"].as_str());
    let source = source
        .ok_or_else(|| {
            Failure::new(
                Kind::Workspace,
                format!("The workspace has not kept the source of deployment `{id}`"),
            )
            .hint("deploy the old source from your version control")
        })?
        .to_owned();
    if to.env_vars.iter().any(|variable| variable.value.is_none() && variable.value_from.is_none()) {
        tell(
            "The values of variables that came with that deployment are not given back: set them again if need be",
        );
    }
    tell(&format!("Deploying the source of {id} again"));
    let request = Deployment {
        source_code_path: Some(source),
        mode: Some("SNAPSHOT".to_owned()),
        command: to.command.clone(),
        env_vars: to.env_vars.iter().filter(|variable| variable.value_from.is_some()).cloned().collect(),
        ..Deployment::default()
    };
    let deployment = follow::run(client, name, &request, None, tell).await?;
    let status = deployment.status.clone().unwrap_or_default();
    if status.state != "SUCCEEDED" {
        return Err(Failure::app(format!("The deployment did not succeed: {}", status.message))
            .hint(format!("the version before still serves; read `brickyard logs {name}`")));
    }
    let app = client.app(name).await?.ok_or_else(|| app::vanished(name))?;
    let made = deployment.deployment_id.clone().unwrap_or_default();
    let verification = verify::look(target, &app, &made, true).await;
    let url = target.app_url(&app);
    Ok(Rolled { app, to: id, deployment, url, verification })
}

/// The deployment to go back to, of all of them, newest first: who goes back from a version that was gone back to goes
/// further back, not forth again.
fn pick<'a>(all: &'a [Deployment], active: Option<&str>, wanted: Option<&str>) -> Option<&'a Deployment> {
    let good = |deployment: &&Deployment| {
        deployment.status.as_ref().is_some_and(|status| status.state == "SUCCEEDED")
    };
    let id = |deployment: &Deployment| deployment.deployment_id.clone().unwrap_or_default();
    if let Some(wanted) = wanted {
        return all.iter().find(|deployment| id(deployment) == wanted).filter(good);
    }
    let mut at = all.iter().position(|deployment| active == Some(id(deployment).as_str()));
    while let Some(earlier) = at.and_then(|at| origin(all, at)) {
        at = Some(earlier);
    }
    all[at.map_or(0, |at| at + 1)..].iter().find(good)
}

/// The earlier deployment whose kept source one was made of.
fn origin(all: &[Deployment], at: usize) -> Option<usize> {
    let source = all[at].source_code_path.as_deref()?;
    let kept = |deployment: &Deployment| {
        let artifacts = deployment.deployment_artifacts.as_ref()?;
        Some(artifacts["source_code_path"].as_str()? == source)
    };
    (at + 1..all.len()).find(|earlier| kept(&all[*earlier]) == Some(true))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_good_one_before_the_one_that_serves_is_picked() {
        let one = |id: &str, state: &str| Deployment {
            deployment_id: Some(id.to_owned()),
            status: Some(brickyard_api::DeploymentStatus { state: state.to_owned(), message: String::new() }),
            ..Deployment::default()
        };
        let all = [one("5", "FAILED"), one("4", "SUCCEEDED"), one("3", "FAILED"), one("2", "SUCCEEDED")];
        let picked =
            |active, wanted| pick(&all, active, wanted).map(|one| one.deployment_id.clone().unwrap());
        assert_eq!(picked(Some("4"), None).as_deref(), Some("2"));
        assert_eq!(picked(Some("2"), None), None);
        assert_eq!(picked(Some("4"), Some("3")), None);
        assert_eq!(picked(Some("2"), Some("4")).as_deref(), Some("4"));

        let made_of = |id: &str, of: &str| Deployment {
            source_code_path: Some(format!("/kept/{of}")),
            deployment_artifacts: Some(serde_json::json!({ "source_code_path": format!("/kept/{id}") })),
            ..one(id, "SUCCEEDED")
        };
        let all = [
            made_of("5", "4"),
            made_of("4", "2"),
            made_of("3", "folder"),
            made_of("2", "folder"),
            made_of("1", "folder"),
        ];
        let picked = |active| pick(&all, Some(active), None).map(|one| one.deployment_id.clone().unwrap());
        assert_eq!(picked("5").as_deref(), Some("1"));
        assert_eq!(picked("3").as_deref(), Some("2"));
    }
}
