use serde_json::Value;

use super::Server;
use super::call::Call;
use super::running;
use crate::failure::Failure;
use crate::ops::lakebase::{DATABASE, Place, authority, branch_host, instance_host, only_host, shown};

/// `query_lakebase`.
pub(super) async fn query(server: &Server, call: &Call) -> Result<Value, Failure> {
    let statement = call.needed("statement")?;
    let database = call.text("database");
    if call.text("path").is_some() {
        let folder = running::folder(server, call)?;
        let running = running::running(server, &folder).await?;
        let variable = |name: &str| {
            let variables = running.app.as_ref().map(|app| app.variables.as_slice()).unwrap_or_default();
            variables.iter().find(|variable| variable.name == name).map(|variable| variable.value.clone())
        };
        let host = variable("PGHOST").ok_or_else(|| {
            Failure::app("The app has no database")
                .hint("bind one: `[resources.database]` in `brickyard.toml`")
        })?;
        let own = variable("PGDATABASE");
        let database = database.or(own.as_deref()).unwrap_or(DATABASE);
        let mut place = Place::new(host, database, running.developer.clone());
        place.port = variable("PGPORT").and_then(|port| port.parse().ok()).unwrap_or(place.port);
        let mut session = place.enter(&running.client()?, Some(&running.ca_bundle)).await?;
        return Ok(shown(&session.execute(statement).await?));
    }
    let target = server.target().await?;
    let client = &target.client;
    let host = match (call.text("instance"), call.text("branch")) {
        (Some(instance), _) => instance_host(client, instance).await?,
        (None, Some(branch)) => branch_host(client, branch).await?,
        (None, None) => only_host(client).await?,
    };
    let place = Place::new(host, database.unwrap_or(DATABASE), client.me().await?.user_name);
    let mut session = place.enter(client, authority(&target)).await?;
    Ok(shown(&session.execute(statement).await?))
}
