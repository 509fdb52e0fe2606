//! Roles that SQL makes: `databricks_create_role` for an identity, `CREATE ROLE … PASSWORD` for a native one.

use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use brickyard_postgres::{identifier, literal};

use super::compute::Compute;
use super::record::RoleRecord;
use super::role::{self, RoleWish};
use super::{Lakebase, LakebaseError, NATIVE, OAUTH, SUPERUSERS};
use crate::directory::Directory;
use crate::store::StoreError;
use crate::workspace::Workspace;

/// What makes the extension `databricks_auth`, run once in every database.
const EXTENSION: &str = include_str!("databricks_auth.sql");

/// File in a server's data directory that names the identities of the workspace, one a line as `TYPE<tab>name`.
const IDENTITIES: &str = "databricks_auth.identities";

/// Roles that log in, with what they may do and the type of identity they stand for.
const ROLES: &str = "SELECT rolname, rolcreatedb, rolcreaterole, rolbypassrls, pg_has_role(oid, $superusers, 'MEMBER'), \
    (SELECT split_part(setting, '=', 2) FROM pg_db_role_setting, unnest(setconfig) AS setting \
     WHERE setrole = oid AND setdatabase = 0 AND setting LIKE 'databricks\\_auth.identity=%') \
    FROM pg_roles WHERE rolcanlogin AND NOT rolsuper";

/// Has `CREATE EXTENSION IF NOT EXISTS databricks_auth` work in the databases of a server and in those made later, and the
/// roles that there are stand for their identities.
pub(super) async fn bring(compute: &Compute, roles: &[RoleRecord]) -> Result<(), LakebaseError> {
    let mut client = compute.client("postgres").await?;
    for role in roles.iter().filter(|role| role.auth_method == OAUTH) {
        client.query(&binding(role)).await?;
    }
    let mut names: Vec<String> = compute.databases().await?.into_iter().map(|(name, _)| name).collect();
    names.push("template1".to_owned());
    for name in names {
        compute.client(&name).await?.query(EXTENSION).await?;
    }
    Ok(())
}

/// The statement that has a role stand for an identity.
pub(super) fn binding(record: &RoleRecord) -> String {
    format!(
        "ALTER ROLE {} SET databricks_auth.identity = '{}'",
        identifier(&record.name),
        record.identity_type
    )
}

/// Who is in the workspace, as the servers are told it.
fn identities(directory: &Directory) -> Result<String, StoreError> {
    let mut lines = vec![String::new()];
    lines.extend(directory.users()?.into_iter().map(|user| format!("USER\t{}", user.user_name)));
    let principals = directory.service_principals()?.into_iter();
    lines.extend(principals.map(|principal| format!("SERVICE_PRINCIPAL\t{}", principal.application_id)));
    lines.extend(directory.groups()?.into_iter().map(|group| format!("GROUP\t{}", group.display_name)));
    lines.push(String::new());
    Ok(lines.join("\n"))
}

impl Lakebase {
    /// Tells a server who is in the workspace, unless this process has.
    pub(super) fn introduce(&self, compute: &Compute, directory: &Directory) -> Result<(), LakebaseError> {
        if !compute.introduced.load(Ordering::Acquire) {
            let _one = self.telling.lock().unwrap_or_else(PoisonError::into_inner);
            compute.server().note(IDENTITIES, &identities(directory)?)?;
            compute.introduced.store(true, Ordering::Release);
        }
        Ok(())
    }

    /// Tells the servers that somebody came into the workspace or left it.
    pub(crate) fn tell_identities(&self, directory: &Directory) -> Result<(), LakebaseError> {
        let computes = self.all();
        if computes.is_empty() {
            return Ok(());
        }
        let _one = self.telling.lock().unwrap_or_else(PoisonError::into_inner);
        let content = identities(directory)?;
        for compute in computes {
            compute.server().note(IDENTITIES, &content)?;
        }
        Ok(())
    }

    /// A server's roles, those that SQL has made and dropped included, as far as it runs.
    pub(crate) async fn roles(
        &self,
        workspace: &Workspace,
        uid: &str,
    ) -> Result<Vec<RoleRecord>, LakebaseError> {
        if self.known(uid).is_some_and(|compute| compute.is_running()) {
            self.take_in_roles(workspace, uid).await?;
        }
        Ok(workspace.databases().roles(uid)?)
    }

    /// Takes the roles that SQL has made since into the records, and those that it has dropped out of them.
    pub(super) async fn take_in_roles(&self, workspace: &Workspace, uid: &str) -> Result<(), LakebaseError> {
        if workspace.config().outside_postgres.is_some() {
            return Ok(()); // whose roles are not ours to show
        }
        let compute = self.ready(workspace, uid).await?;
        let databases = workspace.databases();
        let known = databases.roles(uid)?;
        let mut client = compute.client("postgres").await?;
        let asked = ROLES.replace("$superusers", &literal(SUPERUSERS));
        for row in client.query(&asked).await? {
            let [Some(name), createdb, createrole, bypassrls, superuser, identity] = &row[..] else {
                continue;
            };
            if role::is_kept(name) || known.iter().any(|role| role.name == *name) {
                continue;
            }
            let yes = |flag: &Option<String>| flag.as_deref() == Some("t");
            let wish = RoleWish {
                identity_type: identity.clone().unwrap_or_else(|| "PG_ONLY".to_owned()),
                auth_method: if identity.is_some() { OAUTH } else { NATIVE }.to_owned(),
                superuser: yes(superuser),
                createdb: yes(createdb),
                createrole: yes(createrole),
                bypassrls: yes(bypassrls),
                ..RoleWish::native(name)
            };
            databases.put_role(uid, &RoleRecord::new(workspace, &wish))?;
        }
        let there = client.query("SELECT rolname FROM pg_roles").await?;
        for role in known {
            if !there.iter().any(|row| row.first().is_some_and(|name| name.as_deref() == Some(&role.name))) {
                databases.delete_role(uid, &role.name)?;
            }
        }
        Ok(())
    }
}
