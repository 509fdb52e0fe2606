use std::time::Duration;

use brickyard_api::{Client, Deployment};

use super::{POLL, Tell};
use crate::failure::{Failure, Kind};

/// How long a deployment may take.
const DEPLOYING: Duration = Duration::from_secs(20 * 60);

/// Asks for a deployment and waits for its outcome, whatever it is. `underway` is one that was on its way when we came:
/// that one is waited for. One that came after us is not: the platform's refusal is told.
pub(super) async fn run(
    client: &Client,
    name: &str,
    request: &Deployment,
    underway: Option<&str>,
    tell: &Tell,
) -> Result<Deployment, Failure> {
    if let Some(id) = underway {
        tell(&format!("Waiting for deployment {id}, which was on its way already"));
        outcome(client, name, id, tell).await?;
    }
    let deployment = client.create_deployment(name, request).await.map_err(|failure| {
        let busy = failure.to_string().contains("active deployment in progress");
        let failure = Failure::from(failure);
        if busy {
            failure.hint("wait until the other deployment is done, then deploy again")
        } else {
            failure
        }
    })?;
    let id = deployment.deployment_id.clone().unwrap_or_default();
    outcome(client, name, &id, tell).await
}

/// Waits until a deployment is done.
async fn outcome(client: &Client, name: &str, id: &str, tell: &Tell) -> Result<Deployment, Failure> {
    let wait = async {
        let mut last = String::new();
        let mut pause = POLL / 5;
        loop {
            let deployment = client.deployment(name, id).await?;
            let status = deployment.status.clone().unwrap_or_default();
            if status.message != last {
                tell(&status.message);
                last.clone_from(&status.message);
            }
            if status.state != "IN_PROGRESS" {
                return Ok(deployment);
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(POLL);
        }
    };
    tokio::time::timeout(DEPLOYING, wait).await.map_err(|_| {
        Failure::new(Kind::Workspace, "The deployment is not done after 20 minutes".to_owned())
    })?
}
