use brickyard_postgres::identifier;

use super::scripts::Script;
use super::{FIRST_DATABASE, LakebaseError};
use crate::handle::WorkspaceHandle;
use crate::workspace::Workspace;
use crate::{database, postgres};

/// Instance that stands for a provisioned database resource which names none.
const DEFAULT_INSTANCE: &str = "local";
/// Branch that stands for an autoscaling resource which names none.
const DEFAULT_BRANCH: &str = "projects/local/branches/production";

/// A database an app's resource stands for; what is not there is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DatabaseTarget {
    /// A `database` resource.
    Provisioned {
        /// Name of the instance; a default one where `None`.
        instance: Option<String>,
        /// Database in it; `databricks_postgres` where `None`.
        database: Option<String>,
    },
    /// A `postgres` resource.
    Autoscaling {
        /// `projects/…/branches/…`; a default one where `None`.
        branch: Option<String>,
        /// Name in Postgres, or `projects/…/branches/…/databases/…`; `databricks_postgres` where `None`.
        database: Option<String>,
    },
}

/// What an app needs to connect; the password is a token, which it gets itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatabaseBinding {
    /// `PGHOST`.
    pub host: String,
    /// `PGPORT`.
    pub port: u16,
    /// `PGDATABASE`.
    pub database: String,
    /// `PGUSER`: the role, which now exists and may connect and create.
    pub user: String,
    /// Resource path of the endpoint, for the autoscaling kind: what `valueFrom` gives.
    pub endpoint_path: Option<String>,
    /// Instance or branch.
    pub title: String,
    /// Uid of the server.
    pub(crate) server: String,
}

/// Server and front a target names.
pub(crate) struct Placed {
    pub(crate) server: String,
    pub(crate) front: String,
    pub(crate) endpoint_path: Option<String>,
    pub(crate) title: String,
}

impl DatabaseBinding {
    /// The variables of an app whose first database resource this is (platform §3.4).
    pub fn environment(&self, app: &str) -> Vec<(String, String)> {
        [
            ("PGHOST", self.host.as_str()),
            ("PGPORT", &self.port.to_string()),
            ("PGDATABASE", &self.database),
            ("PGUSER", &self.user),
            ("PGSSLMODE", "require"),
            ("PGAPPNAME", app),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
    }
}

impl WorkspaceHandle {
    /// Gives an app's service principal (or a user) its role on the database a resource stands for, with `CONNECT` and
    /// `CREATE`; makes instance, project and database where they are not there, owned by the developer.
    pub async fn bind_database(
        &self,
        target: &DatabaseTarget,
        identity: &str,
    ) -> Result<DatabaseBinding, LakebaseError> {
        self.workspace().bind_database(target, identity).await
    }
    /// Runs SQL files on the database a resource stands for: each once, as the role it names, in one transaction each.
    /// Returns those that ran now.
    pub async fn seed_database(
        &self,
        target: &DatabaseTarget,
        scripts: &[Script],
    ) -> Result<Vec<std::path::PathBuf>, LakebaseError> {
        let workspace = self.workspace();
        let placed = place(workspace, target).await?;
        let database = database_name(workspace, target, &placed.server)?;
        workspace.lakebase().run_scripts(workspace, &placed.server, &database, scripts).await
    }

    /// Removes every instance and project with all data; the next app that asks finds fresh ones. Returns what was
    /// removed.
    pub async fn lakebase_reset(&self) -> Result<Vec<String>, LakebaseError> {
        let workspace = self.workspace();
        let mut removed = database::remove_all(workspace).await?;
        removed.extend(postgres::remove_all(workspace).await?);
        Ok(removed)
    }

    /// Instances and branches there are, with whether their server runs now.
    pub fn lakebase_servers(&self) -> Result<Vec<(String, bool)>, LakebaseError> {
        let workspace = self.workspace();
        let servers = workspace.databases().servers()?;
        Ok(servers
            .into_iter()
            .map(|record| {
                let running = workspace.lakebase().known(&record.uid).is_some_and(|known| known.is_running());
                (record.title, running)
            })
            .collect())
    }

    /// A password for Postgres as some identity, for `brickyard psql`: a credential of one hour.
    pub async fn database_password(
        &self,
        target: &DatabaseTarget,
        identity: &str,
    ) -> Result<String, LakebaseError> {
        let workspace = self.workspace();
        let placed = place(workspace, target).await?;
        let request = super::CredentialRequest {
            subject: identity,
            servers: &[placed.server],
            read_only: false,
            lifetime: None,
        };
        Ok(super::issue(workspace, &request)?.token)
    }
}

impl Workspace {
    /// See [`WorkspaceHandle::bind_database`].
    pub(crate) async fn bind_database(
        &self,
        target: &DatabaseTarget,
        identity: &str,
    ) -> Result<DatabaseBinding, LakebaseError> {
        let workspace = self;
        let placed = place(workspace, target).await?;
        let lakebase = workspace.lakebase();
        let compute = lakebase.ready(workspace, &placed.server).await?;
        let database = database_name(workspace, target, &placed.server)?;
        let owner = developer(workspace)?;
        if !compute.databases().await?.iter().any(|(name, _)| *name == database) {
            lakebase.ensure_role(workspace, &placed.server, &owner).await?;
            compute.create_database(&database, &owner).await?;
        }
        let role = lakebase.ensure_role(workspace, &placed.server, identity).await?;
        let mut client = compute.client("postgres").await?;
        client
            .query(&format!(
                "GRANT CONNECT, CREATE ON DATABASE {} TO {}",
                identifier(&database),
                identifier(&role.name)
            ))
            .await?;
        let address = lakebase.front(workspace, &placed.front).await?;
        Ok(DatabaseBinding {
            host: address.ip().to_string(),
            port: address.port(),
            database,
            user: role.name,
            endpoint_path: placed.endpoint_path,
            title: placed.title,
            server: placed.server,
        })
    }

    /// Server and database that a target names, when they are there already.
    pub(super) fn known_database(
        &self,
        target: &DatabaseTarget,
    ) -> Result<Option<(String, String)>, LakebaseError> {
        let server = match target {
            DatabaseTarget::Provisioned { instance, .. } => {
                database::uid_of(self, instance.as_deref().unwrap_or(DEFAULT_INSTANCE))?
            }
            DatabaseTarget::Autoscaling { branch, .. } => {
                postgres::uid_of(self, branch.as_deref().unwrap_or(DEFAULT_BRANCH))?
            }
        };
        let Some(server) = server else { return Ok(None) };
        let database = database_name(self, target, &server)?;
        Ok(Some((server, database)))
    }
}

async fn place(workspace: &Workspace, target: &DatabaseTarget) -> Result<Placed, LakebaseError> {
    let owner = developer(workspace)?;
    match target {
        DatabaseTarget::Provisioned { instance, .. } => {
            let name = instance.as_deref().unwrap_or(DEFAULT_INSTANCE);
            database::find_or_create(workspace, name, &owner).await
        }
        DatabaseTarget::Autoscaling { branch, .. } => {
            let name = branch.as_deref().unwrap_or(DEFAULT_BRANCH);
            postgres::find_or_create(workspace, name, &owner).await
        }
    }
}

/// The database's name in Postgres, out of a name or a resource path.
fn database_name(
    workspace: &Workspace,
    target: &DatabaseTarget,
    server: &str,
) -> Result<String, LakebaseError> {
    let (DatabaseTarget::Provisioned { database, .. } | DatabaseTarget::Autoscaling { database, .. }) =
        target;
    match database.as_deref() {
        None | Some("") => Ok(FIRST_DATABASE.to_owned()),
        Some(name) => match name.rsplit_once("/databases/") {
            Some((_, id)) => postgres::database_of_id(workspace, server, id),
            None => Ok(name.to_owned()),
        },
    }
}

/// The first user of the configuration.
fn developer(workspace: &Workspace) -> Result<String, LakebaseError> {
    let first = workspace.config().users.first();
    first
        .map(|user| user.user_name.clone())
        .ok_or_else(|| LakebaseError::invalid("The workspace has no users, so nobody can own a database"))
}
