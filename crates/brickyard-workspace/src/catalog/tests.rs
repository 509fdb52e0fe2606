//! The catalog with a real engine behind it.

mod branches;
mod delta_tables;
mod information;
mod lookups;
mod samples;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use arrow_cast::display::array_value_to_string;
use brickyard_engine::{EngineError, Parameters, Session, SessionSpec};
use futures_util::future::BoxFuture;
use tempfile::TempDir;
use uuid::Uuid;

use super::{Catalog, Column, DataType, Identity, Kind, NewTable, Privilege, SlotLease};
use crate::catalog::GrantChange;
use crate::directory::{Group, User};
use crate::{Provision, ProvisionError, Workspace, WorkspaceConfig, WorkspaceHandle};

const DEVELOPER: &str = "developer@example.com";
const ADA: &str = "ada@example.com";

/// A workspace with a user who has no grants.
struct Place {
    handle: WorkspaceHandle,
    directory: TempDir,
}

impl Place {
    async fn new() -> Self {
        Self::in_directory(tempfile::tempdir().unwrap()).await
    }

    /// Another life of the workspace over the same state.
    async fn again(self) -> Self {
        self.handle.stop().await;
        drop(self.handle);
        Self::in_directory(self.directory).await
    }

    async fn in_directory(directory: TempDir) -> Self {
        let mut config = WorkspaceConfig::new(directory.path().join("state dir"), Arc::new(Packages));
        config.users.push(User {
            id: 2,
            user_name: ADA.to_owned(),
            display_name: "Ada".to_owned(),
            entitlements: Vec::new(),
        });
        let group = |id, name: &str, member: &str| Group {
            id,
            display_name: name.to_owned(),
            members: vec![member.to_owned()],
        };
        config.groups = vec![group(1, "analysts", ADA), group(2, "staff", "analysts")];
        Self { handle: Workspace::start(config).await.unwrap(), directory }
    }

    fn workspace(&self) -> &Workspace {
        self.handle.workspace()
    }

    fn catalog(&self) -> &Catalog {
        self.workspace().catalog()
    }

    fn identity(&self, name: &str) -> Identity {
        self.catalog().identity(name).unwrap()
    }

    /// A session in the engine as this principal.
    async fn session(&self, name: &str) -> (Session, SlotLease) {
        let lease = self.catalog().slots().lease(name).unwrap();
        let spec =
            SessionSpec { user: name.to_owned(), slot: Some(lease.number()), configuration: BTreeMap::new() };
        (self.workspace().engine().await.unwrap().open(spec).await.unwrap(), lease)
    }

    /// `main.sales.NAME` with `id BIGINT, name STRING`, made by the developer.
    fn make_table(&self, name: &str) {
        let developer = self.identity(DEVELOPER);
        let _ = self.catalog().create_schema(&developer, "main.sales", None, BTreeMap::new());
        let column = |name: &str, sql: &str| Column::new(name, DataType::parse(sql).unwrap());
        let table = NewTable {
            full_name: format!("main.sales.{name}"),
            columns: vec![column("id", "BIGINT"), column("name", "STRING")],
            ..NewTable::default()
        };
        self.catalog().create_table(&developer, table).unwrap();
    }

    fn grant(&self, kind: Kind, name: &str, principal: &str, privilege: Privilege) {
        let change =
            GrantChange { principal: principal.to_owned(), add: vec![privilege], remove: Vec::new() };
        self.catalog().change_grants(&self.identity(DEVELOPER), kind, name, &[change]).unwrap();
    }
}

async fn run(session: &Session, sql: &str) -> Result<String, EngineError> {
    let batches = session.execute(Uuid::new_v4(), sql, &Parameters::None).await?.collect().await?;
    let mut lines = Vec::new();
    for batch in &batches {
        for row in 0..batch.num_rows() {
            let cells = batch.columns().iter().map(|column| array_value_to_string(column, row).unwrap());
            lines.push(cells.collect::<Vec<_>>().join(" "));
        }
    }
    Ok(lines.join("\n"))
}

struct Packages;

impl Provision for Packages {
    fn engine(&self) -> BoxFuture<'_, Result<PathBuf, ProvisionError>> {
        Box::pin(async {
            let make = || brickyard_testing::python_environment(&["pysail==0.7.2"]).program("sail");
            Ok(tokio::task::spawn_blocking(make).await.unwrap())
        })
    }

    fn postgres(&self, _major: Option<u32>) -> BoxFuture<'_, Result<PathBuf, ProvisionError>> {
        Box::pin(async { Err(ProvisionError { message: "none".to_owned(), hint: None }) })
    }

    fn python(&self, _requirements: Vec<String>) -> BoxFuture<'_, Result<PathBuf, ProvisionError>> {
        Box::pin(async { Err(ProvisionError { message: "none".to_owned(), hint: None }) })
    }

    fn warden(&self) -> Vec<String> {
        Vec::new()
    }
}
