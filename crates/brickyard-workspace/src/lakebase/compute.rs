use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use brickyard_postgres::{
    BoxFuture, Client, Installation, Server, ServerConfig, ServerState, Source, SourceError, identifier,
    literal,
};

use super::gate::Gate;
use super::record::{Databases, RoleRecord, ServerRecord};
use super::role::{self, RoleWish};
use super::{FIRST_DATABASE, Lakebase, LakebaseError, SUPERUSERS, sql_roles};
use crate::config::Provision;
use crate::workspace::Workspace;

/// A server of the workspace, started when somebody needs it.
pub(crate) struct Compute {
    uid: String,
    pub(super) server: Server,
    /// Checks passwords.
    pub(super) gate: Gate,
    /// Held while first roles and database are made, and while its history is looked after.
    pub(super) preparing: tokio::sync::Mutex<()>,
    /// Whether it has been told who is in the workspace.
    pub(super) introduced: AtomicBool,
    /// Second at which it was last started or wanted.
    pub(super) wanted: AtomicI64,
    /// Second, by the machine's clock, at which its history was looked after last; 0 for not yet.
    pub(super) looked: AtomicI64,
}

/// Brings the programs through the workspace's configuration.
struct Provisioned(Arc<dyn Provision>);

impl Source for Provisioned {
    fn installation(&self, major: Option<u32>) -> BoxFuture<'_, Result<Installation, SourceError>> {
        Box::pin(async move {
            let directory = self
                .0
                .postgres(major)
                .await
                .map_err(|error| SourceError { message: error.message, hint: error.hint })?;
            Installation::at(&directory)
                .await
                .map_err(|error| SourceError { message: error.to_string(), hint: None })
        })
    }
}

impl Lakebase {
    /// Remembers a new server; nothing runs yet.
    pub(crate) fn create(workspace: &Workspace, record: &ServerRecord) -> Result<(), LakebaseError> {
        check_alone(workspace)?;
        workspace.databases().put_server(record)?;
        let creator = RoleRecord::new(
            workspace,
            &RoleWish {
                superuser: true,
                createdb: true,
                createrole: true,
                bypassrls: true,
                ..RoleWish::identity(workspace, &record.creator)?
            },
        );
        workspace.databases().put_role(&record.uid, &creator)?;
        Ok(())
    }

    /// The server of this uid, running or not.
    pub(crate) fn compute(&self, workspace: &Workspace, uid: &str) -> Result<Arc<Compute>, LakebaseError> {
        if let Some(compute) = self.known(uid) {
            return Ok(compute);
        }
        let record = workspace
            .databases()
            .server(uid)?
            .ok_or_else(|| LakebaseError::not_found("Database server", uid))?;
        let config = workspace.config();
        let directory = config.state_directory.join("lakebase");
        let server = Server::new(ServerConfig {
            source: Arc::new(Provisioned(Arc::clone(&config.provision))),
            data: directory.join(uid).join("data"),
            cache: config.cache_directory.clone(),
            sockets: PathBuf::from("/tmp"),
            warden: config.provision.warden(),
            max_connections: record.connections,
            outside: config.outside_postgres.clone(),
            // Branches by time ask when something was committed last.
            settings: vec![("track_commit_timestamp".to_owned(), "on".to_owned())],
            tracker: workspace.tracker().clone(),
            cancellation: workspace.cancellation().clone(),
        });
        self.watch_idle(workspace);
        Ok(self.keep(Arc::new(Compute {
            uid: uid.to_owned(),
            server,
            gate: Gate::default(),
            preparing: tokio::sync::Mutex::default(),
            introduced: AtomicBool::new(false),
            wanted: AtomicI64::new(workspace.clock().unix_seconds()),
            looked: AtomicI64::new(0),
        })))
    }

    /// The server of this uid, running, with its first roles and database in place.
    pub(crate) async fn ready(
        &self,
        workspace: &Workspace,
        uid: &str,
    ) -> Result<Arc<Compute>, LakebaseError> {
        let compute = self.compute(workspace, uid)?;
        let databases = workspace.databases();
        let record =
            databases.server(uid)?.ok_or_else(|| LakebaseError::not_found("Database server", uid))?;
        if record.stopped {
            return Err(LakebaseError::Stopped { name: record.title });
        }
        compute.touch(workspace);
        let history = record.history.is_some();
        if compute.server.state() != ServerState::Running {
            compute.server.start().await?;
        }
        if !record.prepared {
            let _preparing = compute.preparing.lock().await;
            prepare(workspace, &compute, &databases, record).await?;
        } else if !record.sql_roles && workspace.config().outside_postgres.is_none() {
            let _preparing = compute.preparing.lock().await;
            sql_roles::bring(&compute, &databases.roles(uid)?).await?;
            if let Some(mut record) = databases.server(uid)? {
                record.sql_roles = true;
                databases.put_server(&record)?;
            }
        }
        self.introduce(&compute, workspace.directory())?;
        if history
            && compute.looked.load(Ordering::Relaxed) == 0
            && let Err(error) = self.keep_history(workspace, &compute).await
        {
            // Which keeps nobody from the present.
            tracing::warn!(%error, "The history of a database is not kept: {error}");
        }
        Ok(compute)
    }

    /// Major version of a server that has been started since the workspace was; asking fetches and starts nothing.
    pub(crate) fn version(&self, uid: &str) -> Option<u32> {
        Some(self.known(uid)?.server.known_installation()?.major)
    }

    /// Stops a server; the next login starts it again unless its record says otherwise.
    pub(crate) async fn stop(&self, uid: &str) {
        if let Some(compute) = self.known(uid) {
            compute.server.stop().await;
        }
    }

    /// Stops a server and removes it with its data, fronts and roles.
    pub(crate) async fn destroy(&self, workspace: &Workspace, uid: &str) -> Result<(), LakebaseError> {
        let compute = self.compute(workspace, uid)?;
        for front in workspace.databases().fronts(uid)? {
            self.close_front(&front.id);
        }
        super::registered::forget_server(workspace, uid)?;
        crate::synced_tables::forget_server(workspace, uid)?;
        compute.server.destroy().await?;
        self.forget(uid);
        workspace.databases().delete_server(uid)?;
        Ok(())
    }
}

impl Compute {
    pub(crate) fn uid(&self) -> &str {
        &self.uid
    }

    pub(crate) fn server(&self) -> &Server {
        &self.server
    }

    pub(crate) fn is_running(&self) -> bool {
        self.server.state() == ServerState::Running
    }

    /// Opens a connection for administration.
    pub(crate) async fn client(&self, database: &str) -> Result<Client, LakebaseError> {
        Ok(self.server.client(database).await?)
    }

    /// Bytes of all its databases.
    pub(crate) async fn size(&self) -> Result<Option<i64>, LakebaseError> {
        let sql = "SELECT sum(pg_database_size(oid))::bigint FROM pg_database";
        let rows = self.client("postgres").await?.query(sql).await?;
        Ok(rows.into_iter().next().and_then(|row| row.into_iter().next().flatten()?.parse().ok()))
    }

    /// Names of its databases, without those of PostgreSQL itself, with their owners.
    pub(crate) async fn databases(&self) -> Result<Vec<(String, String)>, LakebaseError> {
        let rows = self
            .client("postgres")
            .await?
            .query(
                "SELECT datname, pg_get_userbyid(datdba) FROM pg_database
                 WHERE NOT datistemplate AND datname <> 'postgres' ORDER BY datname",
            )
            .await?;
        Ok(rows
            .into_iter()
            .filter_map(|row| {
                let mut row = row.into_iter().flatten();
                Some((row.next()?, row.next()?))
            })
            .collect())
    }

    /// Makes a database that belongs to `owner`.
    pub(crate) async fn create_database(&self, name: &str, owner: &str) -> Result<(), LakebaseError> {
        let mut client = self.client("postgres").await?;
        client.query(&format!("CREATE DATABASE {} OWNER {}", identifier(name), identifier(owner))).await?;
        lock_public_schema(self, name).await?;
        bring_vectors(self, name).await
    }

    /// Restarts the count of quiet seconds.
    pub(super) fn touch(&self, workspace: &Workspace) {
        self.wanted.store(workspace.clock().unix_seconds(), Ordering::Relaxed);
    }
}

/// Makes what a server has from the start: `databricks_superuser`, its creator's role, the first database.
async fn prepare(
    workspace: &Workspace,
    compute: &Compute,
    databases: &Databases,
    mut record: ServerRecord,
) -> Result<(), LakebaseError> {
    if databases.server(&record.uid)?.is_some_and(|record| record.prepared) {
        return Ok(()); // somebody else was quicker
    }
    if let Some(outside) = &workspace.config().outside_postgres {
        outside.version().await?; // which is an error where it is not supported
    }
    let mut client = compute.client("postgres").await?;
    let superusers = identifier(SUPERUSERS);
    let known = format!("SELECT 1 FROM pg_roles WHERE rolname = {}", literal(SUPERUSERS));
    if client.query(&known).await?.is_empty() {
        client
            .query(&format!(
                "CREATE ROLE {superusers} NOLOGIN;
                 GRANT pg_read_all_data, pg_write_all_data, pg_monitor TO {superusers}"
            ))
            .await?;
    }
    if workspace.config().outside_postgres.is_none() {
        sql_roles::bring(compute, &[]).await?;
        record.sql_roles = true;
    }
    for role in databases.roles(&record.uid)? {
        role::apply(&mut client, &role).await?;
    }
    let known = format!("SELECT 1 FROM pg_database WHERE datname = {}", literal(FIRST_DATABASE));
    if client.query(&known).await?.is_empty() {
        compute.create_database(FIRST_DATABASE, &record.creator).await?;
    }
    record.prepared = true;
    databases.put_server(&record)?;
    tracing::debug!(uid = record.uid, at = %workspace.clock().now(), "Prepared `{}`", record.title);
    Ok(())
}

/// An outside PostgreSQL stands for one instance or branch, whose databases it holds.
pub(super) fn check_alone(workspace: &Workspace) -> Result<(), LakebaseError> {
    if workspace.config().outside_postgres.is_none() {
        return Ok(());
    }
    match workspace.databases().servers()?.into_iter().next() {
        None => Ok(()),
        Some(first) => Err(LakebaseError::invalid(format!(
            "The outside PostgreSQL stands for `{}`, and one server cannot stand for a second instance or branch",
            first.title
        ))),
    }
}

/// On the platform every database may have `vector`; where the server's lets only superusers make it, it is made here.
async fn bring_vectors(compute: &Compute, database: &str) -> Result<(), LakebaseError> {
    let mut client = compute.client(database).await?;
    let untrusted =
        "SELECT 1 FROM pg_available_extension_versions WHERE name = 'vector' AND NOT trusted LIMIT 1";
    if !client.query(untrusted).await?.is_empty() {
        client.query("CREATE EXTENSION IF NOT EXISTS vector").await?;
    }
    Ok(())
}

/// Since PostgreSQL 15 only its owner makes tables in `public`; 14 is told to do the same.
async fn lock_public_schema(compute: &Compute, database: &str) -> Result<(), LakebaseError> {
    let mut client = compute.client(database).await?;
    let rows = client.query("SELECT 1 WHERE current_setting('server_version_num')::int < 150000").await?;
    if !rows.is_empty() {
        client
            .query(
                "ALTER SCHEMA public OWNER TO pg_database_owner;
                 REVOKE CREATE ON SCHEMA public FROM PUBLIC",
            )
            .await?;
    }
    Ok(())
}
