//! Databases registered as catalogs of Unity Catalog, which SQL reads as they are at that moment.

use serde::{Deserialize, Serialize};

use super::columns::describe;
use super::{Lakebase, LakebaseError};
use crate::caller::Caller;
use crate::catalog::{Column, ForeignTable};
use crate::error::ApiError;
use crate::workspace::Workspace;

const KIND: &str = "lakebase_catalog";

/// A database that a catalog stands for.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Registered {
    /// Name of the catalog.
    pub(crate) name: String,
    pub(crate) uid: String,
    /// Uid of the server.
    pub(crate) server: String,
    pub(crate) database: String,
    /// Instance or branch, by name.
    pub(crate) title: String,
    /// Whether the request said to make the database.
    pub(crate) create_database: bool,
    /// When it was registered, RFC 3339.
    pub(crate) created: String,
}

/// A database that is to become a catalog.
pub(crate) struct Registration<'a> {
    pub(crate) name: &'a str,
    pub(crate) server: &'a str,
    pub(crate) title: &'a str,
    pub(crate) database: &'a str,
    pub(crate) create_database: bool,
}

impl Lakebase {
    /// Registers a database, which is made where that is asked for, as a catalog that belongs to the caller.
    pub(crate) async fn register(
        &self,
        workspace: &Workspace,
        caller: &Caller,
        wanted: Registration<'_>,
    ) -> Result<Registered, ApiError> {
        let taken = all(workspace)?.into_iter().find(|known| {
            known.server == wanted.server && known.database == wanted.database || known.name == wanted.name
        });
        if let Some(known) = taken {
            return Err(ApiError::already_exists(if known.name == wanted.name {
                format!("Catalog '{}' already exists", wanted.name)
            } else {
                format!("Database '{}' is registered already, as catalog '{}'", wanted.database, known.name)
            }));
        }
        let compute = self.ready(workspace, wanted.server).await?;
        let known = compute.databases().await?.iter().any(|(name, _)| *name == wanted.database);
        if !known && !wanted.create_database {
            return Err(ApiError::not_found("Database", wanted.database));
        }
        let identity = workspace.catalog().identity(caller.name())?;
        let catalog = workspace.catalog().create_online_catalog(&identity, wanted.name)?;
        if !known {
            let owner = self.ensure_role(workspace, wanted.server, caller.name()).await?;
            if let Err(error) = compute.create_database(wanted.database, &owner.name).await {
                workspace.catalog().drop_catalog(&identity, &catalog.name, true)?;
                return Err(error.into());
            }
        }
        let registered = Registered {
            name: catalog.name,
            uid: catalog.id,
            server: wanted.server.to_owned(),
            database: wanted.database.to_owned(),
            title: wanted.title.to_owned(),
            create_database: wanted.create_database,
            created: workspace.clock().now().to_string(),
        };
        workspace.store().put(KIND, &registered.name, &registered).map_err(LakebaseError::from)?;
        self.mirror(workspace, &registered).await?;
        Ok(registered)
    }

    /// Forgets a catalog; its database stays.
    pub(crate) fn unregister(
        &self,
        workspace: &Workspace,
        caller: &Caller,
        name: &str,
    ) -> Result<(), ApiError> {
        let identity = workspace.catalog().identity(caller.name())?;
        if workspace.catalog().is_online(name) {
            workspace.catalog().drop_catalog(&identity, &crate::catalog::quote(name), true)?;
        }
        workspace.store().delete(KIND, name).map_err(LakebaseError::from)?;
        Ok(())
    }

    /// Brings the catalogs that a statement names, or is in, in line with their databases.
    pub(crate) async fn refresh_named(
        &self,
        workspace: &Workspace,
        text: &str,
        current: &str,
    ) -> Result<(), LakebaseError> {
        let known = all(workspace)?;
        if known.is_empty() {
            return Ok(());
        }
        let text = text.to_lowercase();
        for registered in known {
            if text.contains(&registered.name) || current.eq_ignore_ascii_case(&registered.name) {
                self.mirror(workspace, &registered).await?;
            }
        }
        Ok(())
    }

    /// Brings one catalog in line with its database, when it stands for one.
    pub(crate) async fn refresh(&self, workspace: &Workspace, catalog: &str) -> Result<(), LakebaseError> {
        match find(workspace, &catalog.to_lowercase())? {
            Some(registered) => self.mirror(workspace, &registered).await,
            None => Ok(()),
        }
    }

    async fn mirror(&self, workspace: &Workspace, registered: &Registered) -> Result<(), LakebaseError> {
        let compute = self.ready(workspace, &registered.server).await?;
        let (schemas, tables) = describe(&compute, &registered.database, None).await?;
        let tables = tables.into_iter().map(|described| {
            let place = ForeignTable {
                server: registered.server.clone(),
                database: registered.database.clone(),
                schema: described.schema,
                table: described.table,
            };
            (place, described.columns)
        });
        let mirrored = workspace.catalog().mirror(&registered.name, &schemas, tables.collect());
        mirrored.map_err(|error| LakebaseError::invalid(error.to_string()))
    }

    /// The columns of one table as they are now.
    pub(crate) async fn columns(
        &self,
        workspace: &Workspace,
        place: &ForeignTable,
    ) -> Result<Option<Vec<Column>>, LakebaseError> {
        let compute = self.ready(workspace, &place.server).await?;
        let only = Some((place.schema.as_str(), place.table.as_str()));
        let (_, tables) = describe(&compute, &place.database, only).await?;
        Ok(tables.into_iter().next().map(|described| described.columns))
    }
}

/// The registration of a catalog; one that was dropped by SQL is forgotten.
pub(crate) fn find(workspace: &Workspace, name: &str) -> Result<Option<Registered>, LakebaseError> {
    let Some(registered) = workspace.store().get::<Registered>(KIND, name)? else { return Ok(None) };
    if workspace.catalog().is_online(&registered.name) {
        return Ok(Some(registered));
    }
    workspace.store().delete(KIND, name)?;
    Ok(None)
}

/// All registrations.
pub(crate) fn all(workspace: &Workspace) -> Result<Vec<Registered>, LakebaseError> {
    let mut found = Vec::new();
    for (name, _) in workspace.store().list::<Registered>(KIND, "")? {
        found.extend(find(workspace, &name)?);
    }
    Ok(found)
}

/// Forgets the catalogs of a server that is deleted.
pub(super) fn forget_server(workspace: &Workspace, server: &str) -> Result<(), LakebaseError> {
    for registered in all(workspace)?.into_iter().filter(|registered| registered.server == server) {
        workspace
            .catalog()
            .forget_catalog(&registered.name)
            .map_err(|error| LakebaseError::invalid(error.to_string()))?;
        workspace.store().delete(KIND, &registered.name)?;
    }
    Ok(())
}
