use crate::caller::Caller;
use crate::directory::Principal;
use crate::error::ApiError;
use crate::handle::WorkspaceHandle;
use crate::oauth::OAuthClient;
use crate::scope::ALL_APIS;
use crate::workspace::Workspace;
use brickyard_api::App;

use super::record::missing;

/// Somebody who was let into an app, as the app is told (platform §4.1).
#[derive(Clone)]
pub struct AppVisitor {
    /// `<numeric id>@<workspace id>`.
    pub user: String,
    /// Name shown to people.
    pub preferred_username: String,
    /// E-mail address; a service principal has none.
    pub email: Option<String>,
    /// A token narrowed to the app's scopes; none where the workspace does not pass tokens on.
    pub access_token: Option<String>,
    /// Seconds the token lives.
    pub expires_in: u64,
}

/// The OAuth client through which users sign in to an app.
#[derive(Debug, Clone)]
pub struct AppClient {
    /// Client id.
    pub client_id: String,
    /// Scopes the app asks for.
    pub scopes: Vec<String>,
}

/// What an app's front door asks.
impl WorkspaceHandle {
    /// The OAuth client of an app.
    pub fn app_client(&self, app: &str) -> Result<AppClient, ApiError> {
        let record = self.workspace().app_record(app)?.ok_or_else(|| missing(app))?;
        Ok(AppClient {
            client_id: record.app.oauth2_app_client_id.unwrap_or_default(),
            scopes: record.app.effective_user_api_scopes,
        })
    }

    /// Lets a user of the workspace in without asking; 403 without CAN USE.
    pub fn app_user(&self, app: &str, user: &str) -> Result<AppVisitor, ApiError> {
        self.workspace().app_user(app, user)
    }

    /// Lets the holder of an OAuth token in; a personal access token is refused as on the platform (§4.3).
    pub fn app_visitor(&self, app: &str, bearer: &str) -> Result<AppVisitor, ApiError> {
        if bearer.starts_with("dapi") {
            return Err(ApiError::unauthenticated(
                "Personal access tokens do not open apps; use an OAuth token",
            ));
        }
        let caller = self.workspace().caller_of(bearer)?;
        self.workspace().admit(app, caller)
    }

    /// The host name of an app's own address; none when it has no address.
    pub fn app_host_name(&self, app: &str) -> Result<Option<String>, ApiError> {
        let record = self.workspace().app_record(app)?.ok_or_else(|| missing(app))?;
        let url = record.app.url.as_deref().and_then(|url| url.strip_prefix("https://"));
        Ok(url.map(str::to_owned))
    }

    /// Tells where an app is served: users are sent back there after signing in, and nowhere else.
    pub fn set_app_addresses(&self, app: &str, addresses: &[String]) -> Result<(), ApiError> {
        let workspace = self.workspace();
        let record = workspace.try_change_app(app, |record| {
            record.addresses = addresses.to_vec();
            Ok(true)
        })?;
        workspace.register_app_client(&record.app, &record.addresses)
    }
}

impl Workspace {
    /// Lets a user of the workspace in without asking; 403 without CAN USE.
    pub(crate) fn app_user(&self, app: &str, user: &str) -> Result<AppVisitor, ApiError> {
        let principal = self.directory().principal(user).map_err(|error| ApiError::internal(&error))?;
        let principal =
            principal.ok_or_else(|| ApiError::unauthenticated(format!("User `{user}` was not found")))?;
        self.admit(app, Caller { principal, scopes: vec![ALL_APIS.to_owned()] })
    }

    /// The token that is passed on has those of the app's scopes that the caller's own token carries.
    fn admit(&self, app: &str, caller: Caller) -> Result<AppVisitor, ApiError> {
        let record = self.app_for(&caller, app, "CAN_USE")?;
        let client = record.app.oauth2_app_client_id.as_deref().unwrap_or_default();
        let mut scopes = record.app.effective_user_api_scopes.clone();
        scopes.retain(|scope| crate::scope::includes(&caller.scopes, scope));
        let token = self.token_for(caller.name(), client, &scopes);
        Ok(AppVisitor {
            user: format!("{}@{}", caller.principal.id(), self.config().workspace_id),
            preferred_username: caller.principal.display_name().to_owned(),
            email: match &caller.principal {
                Principal::User(user) => Some(user.user_name.clone()),
                Principal::ServicePrincipal(_) => None,
            },
            access_token: (self.config().user_authorization
                && record.app.forward_user_access_token != Some(false))
            .then_some(token),
            expires_in: crate::token::LIFETIME.unsigned_abs(),
        })
    }

    /// Users sign in to the app through its own public client with PKCE, which may ask for the app's scopes alone.
    pub(super) fn register_app_client(&self, app: &App, addresses: &[String]) -> Result<(), ApiError> {
        let Some(client_id) = &app.oauth2_app_client_id else { return Ok(()) };
        let mut client = OAuthClient::new(client_id, &app.name, None);
        client.redirect_uris = addresses.iter().map(|address| format!("{address}/.auth/callback")).collect();
        client.redirect_uris.extend(app.url.as_ref().map(|url| format!("{url}/.auth/callback")));
        client.scopes.clone_from(&app.effective_user_api_scopes);
        self.oauth().put_client(&client).map_err(|error| ApiError::internal(&error))
    }
}
