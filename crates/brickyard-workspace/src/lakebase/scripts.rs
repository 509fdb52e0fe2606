use std::path::PathBuf;
use std::time::Duration;

use brickyard_postgres::{ClientError, Password};

use super::{Lakebase, LakebaseError};
use crate::workspace::Workspace;

/// Longest time one file may take.
const PATIENCE: Duration = Duration::from_secs(600);

/// A file of SQL that is run once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    /// Where it stands; its name tells whether it has been run.
    pub path: PathBuf,
    /// Its statements.
    pub sql: String,
    /// Role that runs it, and so owns what it makes: e-mail address or client id.
    pub role: String,
}

impl Lakebase {
    /// Runs the files that have not been run on this database, in order; one that fails leaves nothing behind.
    pub(super) async fn run_scripts(
        &self,
        workspace: &Workspace,
        server: &str,
        database: &str,
        scripts: &[Script],
    ) -> Result<Vec<PathBuf>, LakebaseError> {
        let databases = workspace.databases();
        let mut ran = Vec::new();
        for script in scripts {
            let compute = self.ready(workspace, server).await?;
            let key = format!("{database}/{}", script.path.display());
            let missing = || LakebaseError::not_found("Database server", server);
            if databases.server(server)?.ok_or_else(missing)?.scripts.contains(&key) {
                continue;
            }
            let role = self.ensure_role(workspace, server, &script.role).await?;
            let mut client = compute
                .server()
                .client_as(&role.name, role.password.clone().map(Password::new).as_ref(), database)
                .await?;
            client.set_patience(PATIENCE);
            // Several statements in one simple query are one transaction (PostgreSQL docs, "Simple Query").
            client.query(&script.sql).await.map_err(|error| LakebaseError::Script {
                path: script.path.clone(),
                told: match error {
                    ClientError::Server(message) => message.message,
                    other => other.to_string(),
                },
            })?;
            let mut record = databases.server(server)?.ok_or_else(missing)?;
            record.scripts.push(key);
            databases.put_server(&record)?;
            ran.push(script.path.clone());
        }
        Ok(ran)
    }
}
