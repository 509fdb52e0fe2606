use brickyard_postgres::{Admission, Authenticator, BoxFuture, Login, Password, Refusal};

use super::credential;
use super::password::too_few_bits;
use super::record::{FrontRecord, RoleRecord, ServerRecord};
use super::role::{NATIVE, NO_LOGIN};
use crate::scope;
use crate::store::StoreError;
use crate::token::{Claims, TokenError};
use crate::workspace::{WeakWorkspace, Workspace};

/// Scope of an access token that opens Postgres.
const SCOPE: &str = "postgres";

/// Decides who comes in through a front: the role's own identity, by token; or a native role, by password.
pub(super) struct Door {
    workspace: WeakWorkspace,
    front: String,
}

/// Everything about a login that was read from the state.
struct Visit<'a> {
    workspace: &'a Workspace,
    front: FrontRecord,
    server: ServerRecord,
    login: &'a Login<'a>,
}

impl Door {
    pub(super) fn new(workspace: &Workspace, front: &str) -> Self {
        Self { workspace: workspace.downgrade(), front: front.to_owned() }
    }
}

impl Authenticator for Door {
    fn admit<'a>(&'a self, login: Login<'a>) -> BoxFuture<'a, Result<Admission, Refusal>> {
        Box::pin(async move {
            let gone = || Refusal::new("57P03", "the workspace is stopping");
            let workspace = self.workspace.upgrade().ok_or_else(gone)?;
            let databases = workspace.databases();
            let front = databases.front(&self.front).map_err(broken)?.ok_or_else(gone)?;
            let server = databases.server(&front.server).map_err(broken)?.ok_or_else(gone)?;
            Visit { workspace: &workspace, front, server, login: &login }.admit().await
        })
    }
}

impl Visit<'_> {
    async fn admit(&self) -> Result<Admission, Refusal> {
        let user = self.login.user;
        let password = self.login.password.reveal();
        let token = looks_like_token(password);
        let mut role = self.workspace.databases().role(&self.server.uid, user).map_err(broken)?;
        if role.is_none() && !token && self.server.native_login {
            role = self.made_in_sql().await?;
        }
        let native = role.as_ref().is_some_and(|role| role.auth_method == NATIVE);
        if self.front.pooled && (!native || token) {
            return Err(self
                .bad_password("A pooled host takes native Postgres passwords only, no OAuth tokens")
                .hint(
                    "Connect to the endpoint's `host` with a token, or to the pooled one as a role with a password \
                     (enable_pg_native_login)",
                ));
        }
        let mut own_password = None;
        let read_only = if native && !token {
            self.check_password(password).await?;
            own_password = Some(password.to_owned());
            false
        } else {
            let claims = self.check_token(password)?;
            if role.is_none() {
                role = self.made_in_sql().await?;
            }
            if let Some(plain) = role.as_ref().filter(|role| role.auth_method == NATIVE) {
                return Err(self.no_identity(&plain.name));
            }
            self.check_identity(&claims, role.as_ref())?;
            claims.extra.get("read_only").and_then(serde_json::Value::as_bool).unwrap_or(false)
        };
        let role = role.ok_or_else(|| self.no_role())?;
        if role.auth_method == NO_LOGIN {
            return Err(Refusal::authorization(format!("role \"{user}\" is not permitted to log in")));
        }
        if self.front.disabled || self.server.stopped {
            return Err(Refusal::new(
                "57P03",
                format!("database instance `{}` is stopped", self.server.title),
            )
            .hint("Start it: its state has to be AVAILABLE (instance) or enabled (endpoint)"));
        }
        let lakebase = self.workspace.lakebase();
        lakebase.ready(self.workspace, &self.server.uid).await?;
        let mut settings = Vec::new();
        if self.front.read_only || read_only {
            settings.push(("default_transaction_read_only".to_owned(), "on".to_owned()));
        }
        let outside = self.workspace.config().outside_postgres.is_some();
        let password = own_password.or(role.password).filter(|_| outside).map(Password::new);
        Ok(Admission { role: role.name, settings, password })
    }

    /// A role of this name that SQL has made since the roles were looked at last.
    async fn made_in_sql(&self) -> Result<Option<RoleRecord>, Refusal> {
        if self.front.disabled || self.server.stopped {
            return Ok(None);
        }
        self.workspace.lakebase().take_in_roles(self.workspace, &self.server.uid).await?;
        self.workspace.databases().role(&self.server.uid, self.login.user).map_err(broken)
    }

    /// A credential of this server, or an access token of the workspace.
    fn check_token(&self, token: &str) -> Result<Claims, Refusal> {
        let workspace = self.workspace;
        let (issuer, now) = (workspace.issuer(), workspace.clock().unix_seconds());
        let verify = |audience: &str| workspace.signer().verify(token, &issuer, audience, now);
        match verify(&credential::audience(workspace)) {
            Ok(claims) => {
                let servers = claims.extra.get("servers").and_then(serde_json::Value::as_array);
                let fits = servers
                    .is_some_and(|servers| servers.iter().any(|uid| uid.as_str() == Some(&self.server.uid)));
                if fits {
                    return Ok(claims);
                }
                Err(self.bad_password("The credential was issued for another database instance").hint(
                    format!(
                        "Ask for a credential for `{}` (w.database.generate_database_credential or \
                     w.postgres.generate_database_credential)",
                        self.server.title
                    ),
                ))
            }
            Err(TokenError::WrongAudience) => {
                let claims = verify(&workspace.config().workspace_id.to_string())
                    .map_err(|error| self.bad_token(error))?;
                if let Err(error) = workspace.oauth().check(&claims) {
                    return Err(self.bad_password(error.message));
                }
                let scopes: Vec<String> = claims.scope.split(' ').map(str::to_owned).collect();
                if !scope::carries(&scopes, SCOPE) {
                    return Err(self
                        .bad_password(format!("The token's scopes ({}) do not open Postgres", claims.scope))
                        .hint("Use the app's own identity, or add a scope for Lakebase to the app"));
                }
                Ok(claims)
            }
            Err(error) => Err(self.bad_token(error)),
        }
    }

    /// The token's owner is the role, or belongs to the group the role stands for.
    fn check_identity(&self, claims: &Claims, role: Option<&RoleRecord>) -> Result<(), Refusal> {
        let user = self.login.user;
        let directory = self.workspace.directory();
        let Some(principal) = directory.principal(&claims.sub).map_err(broken)? else {
            return Err(self.bad_password(format!("The token's owner `{}` no longer exists", claims.sub)));
        };
        if principal.name() == user {
            return Ok(());
        }
        let group = role.is_some_and(|role| role.identity_type == "GROUP");
        if group && directory.groups_of(principal.name()).map_err(broken)?.iter().any(|name| name == user) {
            return Ok(());
        }
        Err(self.bad_password(format!("The token belongs to `{}`, not to `{user}`", principal.name())).hint(
            "PGUSER has to be the token's owner: the client id of a service principal, the e-mail of a user",
        ))
    }

    async fn check_password(&self, password: &str) -> Result<(), Refusal> {
        let user = self.login.user;
        if !self.server.native_login {
            return Err(self
                .bad_password(format!(
                    "Login with a Postgres password is not enabled on `{}`",
                    self.server.title
                ))
                .hint("Set enable_pg_native_login, or use an OAuth token as password"));
        }
        let compute = self.workspace.lakebase().ready(self.workspace, &self.server.uid).await?;
        if compute.server().outside().is_some() {
            return Ok(()); // which checks it itself
        }
        if !compute.gate.admits(&compute, user, password).await? {
            return Err(self.bad_password("The password does not fit, or is no longer valid"));
        }
        let Some(bits) = too_few_bits(password) else { return Ok(()) };
        let detail =
            format!("The password has {bits} bits of entropy at most: the platform takes none below 60");
        Err(self.bad_password(detail).hint(
            "Set one of at least 12 characters, with small and capital letters, digits and symbols: ALTER ROLE … PASSWORD '…'",
        ))
    }

    fn bad_token(&self, error: TokenError) -> Refusal {
        let refusal = self.bad_password(match error {
            TokenError::Malformed => {
                "The password is not an OAuth token: Lakebase does not take others".to_owned()
            }
            _ => format!("As to the OAuth token sent as password: {error}"),
        });
        refusal.hint(match error {
            TokenError::Expired => {
                "Tokens live one hour: get a new one for every new connection, not once when the app starts"
            }
            TokenError::Malformed => {
                "There is no PGPASSWORD on the platform: ask the SDK for a token when connecting, such as \
                 WorkspaceClient().config.oauth_token().access_token"
            }
            _ => "Get the token from this workspace: WorkspaceClient().config.oauth_token().access_token",
        })
    }

    fn bad_password(&self, detail: impl Into<String>) -> Refusal {
        Refusal::password(format!("password authentication failed for user '{}'", self.login.user))
            .detail(detail)
    }

    fn no_identity(&self, role: &str) -> Refusal {
        self.bad_password(format!(
            "The role `{role}` stands for no identity of the workspace, so no token fits it"
        ))
        .hint(
            "CREATE ROLE makes roles that log in with a password: drop it, and make it with SELECT \
             databricks_create_role('NAME', 'USER'), 'SERVICE_PRINCIPAL' or 'GROUP'",
        )
    }

    fn no_role(&self) -> Refusal {
        Refusal::authorization(format!("role \"{}\" does not exist", self.login.user))
            .detail(format!("No Postgres role of this name was made on `{}`", self.server.title))
            .hint("Add the database as a resource of the app and deploy it again, or create the role for this identity")
    }
}

fn looks_like_token(password: &str) -> bool {
    password.starts_with("eyJ") && password.matches('.').count() == 2
}

#[expect(clippy::needless_pass_by_value, reason = "the shape `map_err` takes")]
fn broken(error: StoreError) -> Refusal {
    tracing::error!(%error, "A Postgres login failed: {error}");
    Refusal::new("XX000", "the workspace's state cannot be read").detail(error.to_string())
}
