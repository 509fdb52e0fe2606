//! SQL on a Lakebase database: which one, with which credential, and what it answers.

mod session;

use std::path::Path;

use brickyard_api::Client;
use serde_json::{Value, json};

use super::psql::credential;
use super::target::Target;
use crate::failure::{Failure, Kind};
pub(crate) use session::{Rows, Session};

/// Port of every Lakebase database on the platform.
const PORT: u16 = 5432;

/// The database every instance has.
pub(crate) const DATABASE: &str = "databricks_postgres";

/// A database and who enters it.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) database: String,
    pub(crate) user: String,
}

impl Place {
    /// A database of the platform's port.
    pub(crate) fn new(host: String, database: &str, user: String) -> Self {
        Self { host, port: PORT, database: database.to_owned(), user }
    }

    /// Enters it with a credential of the client's own. `authority` is what signs the server's certificate, in place of
    /// the machine's authorities.
    pub(crate) async fn enter(&self, client: &Client, authority: Option<&Path>) -> Result<Session, Failure> {
        let token = credential(client, &self.host).await?;
        Session::open(self, &token, authority).await
    }
}

/// The host of a provisioned instance.
pub(crate) async fn instance_host(client: &Client, name: &str) -> Result<String, Failure> {
    let instance: Value = client.get(&format!("/api/2.0/database/instances/{name}"), &[]).await?;
    host(&instance["read_write_dns"], &format!("The instance `{name}`"))
}

/// The host of a branch: of its first endpoint that takes writes, else of its first.
pub(crate) async fn branch_host(client: &Client, branch: &str) -> Result<String, Failure> {
    let answer: Value = client.get(&format!("/api/2.0/postgres/{branch}/endpoints"), &[]).await?;
    let endpoints = answer["endpoints"].as_array().cloned().unwrap_or_default();
    let writes = |endpoint: &&Value| endpoint["status"]["endpoint_type"] == "ENDPOINT_TYPE_READ_WRITE";
    let endpoint = endpoints.iter().find(writes).or_else(|| endpoints.first()).cloned().unwrap_or_default();
    host(&endpoint["status"]["hosts"]["host"], &format!("The branch `{branch}`"))
}

/// The only instance or branch there is.
pub(crate) async fn only_host(client: &Client) -> Result<String, Failure> {
    let instances: Value = client.get("/api/2.0/database/instances", &[]).await?;
    let instances: Vec<&str> = instances["database_instances"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|instance| instance["name"].as_str())
        .collect();
    match instances.as_slice() {
        [name] => instance_host(client, name).await,
        [] => Err(Failure::user("The workspace has no database instance")
            .hint("name a `branch`, or the folder of an app that has a database")),
        several => Err(Failure::user("The workspace has more than one database instance")
            .hint(format!("name one of them: {}", several.join(", ")))),
    }
}

/// What signs the certificates of a target's databases, where the machine does not know it.
pub(crate) fn authority(target: &Target) -> Option<&Path> {
    target.local.as_ref().map(|running| running.ca_bundle.as_path())
}

/// Columns and rows as agents and `-o json` get them.
pub(crate) fn shown(rows: &Rows) -> Value {
    json!({ "columns": rows.columns, "rows": rows.rows, "status": rows.status })
}

fn host(value: &Value, whose: &str) -> Result<String, Failure> {
    value.as_str().map(str::to_owned).ok_or_else(|| {
        Failure::new(Kind::Workspace, format!("{whose} has no address yet"))
            .hint("wait until it is available")
    })
}
