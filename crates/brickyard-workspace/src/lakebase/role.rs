use brickyard_postgres::{Client, identifier, literal, scram_verifier};

use super::record::RoleRecord;
use super::{Lakebase, LakebaseError, sql_roles};
use crate::directory::Principal;
use crate::workspace::Workspace;

/// The role whose members may read and write everything.
pub(crate) const SUPERUSERS: &str = "databricks_superuser";
/// Logs in with a token of the workspace.
pub(crate) const OAUTH: &str = "LAKEBASE_OAUTH_V1";
/// Logs in with a password of its own.
pub(crate) const NATIVE: &str = "PG_PASSWORD_SCRAM_SHA_256";
/// Does not log in.
pub(crate) const NO_LOGIN: &str = "NO_LOGIN";

/// Names of roles that PostgreSQL or we keep for ourselves.
const KEPT: [&str; 6] = ["cloud_admin", SUPERUSERS, "public", "none", "current_user", "session_user"];

/// A role as somebody wants it.
#[expect(clippy::struct_excessive_bools, reason = "each is an attribute of a Postgres role")]
#[derive(Debug, Clone)]
pub(crate) struct RoleWish {
    /// Name in Postgres.
    pub(crate) name: String,
    /// Last part of its resource name; made from the name where empty.
    pub(crate) id: String,
    /// `USER`, `SERVICE_PRINCIPAL`, `GROUP` or `PG_ONLY`.
    pub(crate) identity_type: String,
    /// One of the three ways to log in.
    pub(crate) auth_method: String,
    /// Member of `databricks_superuser`.
    pub(crate) superuser: bool,
    /// May make databases.
    pub(crate) createdb: bool,
    /// May make roles.
    pub(crate) createrole: bool,
    /// Is not held by row security.
    pub(crate) bypassrls: bool,
}

impl RoleWish {
    /// A role without an identity of the workspace, which logs in with a password of its own.
    pub(crate) fn native(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            id: String::new(),
            identity_type: "PG_ONLY".to_owned(),
            auth_method: NATIVE.to_owned(),
            superuser: false,
            createdb: false,
            createrole: false,
            bypassrls: false,
        }
    }

    /// A plain role for a user, service principal or group of the workspace.
    pub(crate) fn identity(workspace: &Workspace, name: &str) -> Result<Self, LakebaseError> {
        let identity_type = match workspace.directory().principal(name)? {
            Some(Principal::User(_)) => "USER",
            Some(Principal::ServicePrincipal(_)) => "SERVICE_PRINCIPAL",
            None if workspace.directory().groups()?.iter().any(|group| group.display_name == name) => "GROUP",
            None => return Err(LakebaseError::not_found("Principal", name)),
        };
        Ok(Self {
            name: name.to_owned(),
            id: String::new(),
            identity_type: identity_type.to_owned(),
            auth_method: OAUTH.to_owned(),
            superuser: false,
            createdb: false,
            createrole: false,
            bypassrls: false,
        })
    }
}

impl RoleRecord {
    pub(super) fn new(workspace: &Workspace, wish: &RoleWish) -> Self {
        let now = workspace.clock().now().to_string();
        Self {
            id: if wish.id.is_empty() { resource_id(&wish.name) } else { wish.id.clone() },
            name: wish.name.clone(),
            identity_type: wish.identity_type.clone(),
            auth_method: wish.auth_method.clone(),
            superuser: wish.superuser,
            createdb: wish.createdb,
            createrole: wish.createrole,
            bypassrls: wish.bypassrls,
            password: (workspace.config().outside_postgres.is_some() && wish.auth_method == OAUTH)
                .then(|| crate::credential::unguessable(24)),
            created: now.clone(),
            updated: now,
        }
    }
}

impl Lakebase {
    /// Makes a role on a server, or changes it to what is wanted.
    pub(crate) async fn put_role(
        &self,
        workspace: &Workspace,
        server: &str,
        wish: &RoleWish,
    ) -> Result<RoleRecord, LakebaseError> {
        check_name(&wish.name)?;
        if workspace.config().outside_postgres.as_ref().is_some_and(|outside| outside.user() == wish.name) {
            return Err(LakebaseError::invalid(format!(
                "Role '{}' administers the outside PostgreSQL, so it is nobody's here",
                wish.name
            )));
        }
        let compute = self.ready(workspace, server).await?;
        let mut record = RoleRecord::new(workspace, wish);
        if let Some(before) = workspace.databases().role(server, &wish.name)? {
            record.created = before.created;
            if record.password.is_some() && before.password.is_some() {
                record.password = before.password;
            }
            record.id = before.id;
        }
        apply(&mut compute.client("postgres").await?, &record).await?;
        workspace.databases().put_role(server, &record)?;
        Ok(record)
    }

    /// Makes the role of this name unless it is there, for an identity of the workspace.
    pub(crate) async fn ensure_role(
        &self,
        workspace: &Workspace,
        server: &str,
        name: &str,
    ) -> Result<RoleRecord, LakebaseError> {
        match workspace.databases().role(server, name)? {
            Some(record) => Ok(record),
            None => self.put_role(workspace, server, &RoleWish::identity(workspace, name)?).await,
        }
    }

    /// Removes a role. What it owns goes to `heir`; without one a role that owns something stays.
    pub(crate) async fn drop_role(
        &self,
        workspace: &Workspace,
        server: &str,
        name: &str,
        heir: Option<&str>,
    ) -> Result<(), LakebaseError> {
        let compute = self.ready(workspace, server).await?;
        let role = identifier(name);
        if let Some(heir) = heir {
            for (database, _) in compute.databases().await? {
                let mut client = compute.client(&database).await?;
                client
                    .query(&format!("REASSIGN OWNED BY {role} TO {}; DROP OWNED BY {role}", identifier(heir)))
                    .await?;
            }
        }
        let mut client = compute.client("postgres").await?;
        client
            .query(&format!(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = {}",
                literal(name)
            ))
            .await?;
        client.query(&format!("DROP ROLE {role}")).await?;
        workspace.databases().delete_role(server, name)?;
        Ok(())
    }

    /// Gives a native role a fresh password and returns it.
    pub(crate) async fn new_password(
        &self,
        workspace: &Workspace,
        server: &str,
        name: &str,
    ) -> Result<String, LakebaseError> {
        use rand::Rng as _;
        let password: String =
            rand::rng().sample_iter(rand::distr::Alphanumeric).take(24).map(char::from).collect();
        let compute = self.ready(workspace, server).await?;
        let mut client = compute.client("postgres").await?;
        client.query(&format!("ALTER ROLE {} PASSWORD {}", identifier(name), literal(&password))).await?;
        Ok(password)
    }
}

/// Brings PostgreSQL's role to what the record says.
pub(super) async fn apply(client: &mut Client, record: &RoleRecord) -> Result<(), LakebaseError> {
    let role = identifier(&record.name);
    let known = format!("SELECT 1 FROM pg_roles WHERE rolname = {}", literal(&record.name));
    if client.query(&known).await?.is_empty() {
        client.query(&format!("CREATE ROLE {role}")).await?;
    }
    let flag = |on: bool, word: &str| format!("{}{word}", if on { "" } else { "NO" });
    let flags = [
        flag(record.auth_method != NO_LOGIN, "LOGIN"),
        flag(record.createdb, "CREATEDB"),
        flag(record.createrole, "CREATEROLE"),
        flag(record.bypassrls, "BYPASSRLS"),
    ];
    // As a verifier, so that the password stands in no log of the server.
    let password = record.password.as_deref().map(|password| literal(&scram_verifier(password)));
    let ours = record.password.is_none();
    let password = password.map_or_else(String::new, |password| format!(" PASSWORD {password}"));
    let membership = if record.superuser { "GRANT" } else { "REVOKE" };
    let direction = if record.superuser { "TO" } else { "FROM" };
    client
        .query(&format!(
            "ALTER ROLE {role} {}{password}; {membership} {} {direction} {role}",
            flags.join(" "),
            identifier(SUPERUSERS)
        ))
        .await?;
    if record.auth_method == OAUTH && ours {
        client.query(&sql_roles::binding(record)).await?;
    }
    Ok(())
}

/// Whether PostgreSQL or we keep a role of this name for ourselves.
pub(super) fn is_kept(name: &str) -> bool {
    let name = name.to_lowercase();
    KEPT.contains(&name.as_str()) || name.starts_with("pg_")
}

fn check_name(name: &str) -> Result<(), LakebaseError> {
    let fits = !name.is_empty() && name.len() <= 63 && !name.contains('\0');
    if fits && !is_kept(name) {
        return Ok(());
    }
    Err(LakebaseError::invalid(format!(
        "Role name '{name}' is not valid: it has 1 to 63 bytes and is not reserved"
    )))
}

/// A role's name as the last part of a resource name: lower case, with hyphens for what is neither letter nor digit.
pub(crate) fn resource_id(name: &str) -> String {
    let plain: String = name
        .to_lowercase()
        .chars()
        .map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '-' })
        .collect();
    if plain.starts_with(|letter: char| letter.is_ascii_lowercase()) { plain } else { format!("rol-{plain}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reserved_names_are_refused() {
        for (name, good) in [
            ("ada@example.com", true),
            ("7a3c9f10-2b4d-4e6f-8a1b-3c5d7e9f0a1b", true),
            ("x\"; DROP ROLE y", true),
            ("cloud_admin", false),
            ("PG_read_all_data", false),
            ("databricks_superuser", false),
            ("", false),
            (&"x".repeat(64), false),
        ] {
            assert_eq!(check_name(name).is_ok(), good, "{name}");
        }
        assert_eq!(resource_id("Ada@Example.com"), "ada-example-com");
        assert_eq!(resource_id("7a3c"), "rol-7a3c");
    }
}
