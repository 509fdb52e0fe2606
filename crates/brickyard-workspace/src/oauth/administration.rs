use super::OAuthClient;
use super::issue::Grant;
use super::personal_tokens;
use crate::credential::unguessable;
use crate::directory::{Principal, ServicePrincipal, User};
use crate::error::ApiError;
use crate::handle::WorkspaceHandle;
use crate::store::StoreError;
use crate::workspace::Workspace;

/// What the one who started the workspace may do without asking anybody.
impl WorkspaceHandle {
    /// An access token of a user (by e-mail address) as the client would get it after a sign-in; it lives one hour.
    ///
    /// 404 where the user does not exist.
    pub fn issue_user_token(
        &self,
        user: &str,
        client_id: &str,
        scopes: &[String],
    ) -> Result<String, ApiError> {
        let principal = self.principal(user)?;
        Ok(self.workspace().token_for(principal.name(), client_id, scopes))
    }

    /// A personal access token (`dapi…`) of a user or service principal, without end.
    pub fn create_personal_access_token(&self, owner: &str) -> Result<String, ApiError> {
        let principal = self.principal(owner)?;
        let made = personal_tokens::make(self.workspace(), principal.name(), "made by brickyard", None);
        Ok(made.map_err(failed)?.0)
    }

    /// Adds or replaces a client that may send users to the sign-in page.
    pub fn register_oauth_client(&self, client: &OAuthClient) -> Result<(), ApiError> {
        self.workspace().oauth().put_client(client).map_err(failed)
    }

    /// Takes a client away; its running sign-ins end with their next refresh.
    pub fn remove_oauth_client(&self, client_id: &str) -> Result<(), ApiError> {
        self.workspace().oauth().delete_client(client_id).map_err(failed)?;
        Ok(())
    }

    /// Adds or replaces a user.
    pub fn put_user(&self, user: &User) -> Result<(), ApiError> {
        self.workspace().directory().put_user(user).map_err(failed)
    }

    /// Adds or replaces a service principal, such as an app's.
    pub fn put_service_principal(&self, principal: &ServicePrincipal) -> Result<(), ApiError> {
        self.workspace().directory().put_service_principal(principal).map_err(failed)
    }

    /// A new client secret of a service principal; `name` tells several apart, and the same name replaces the old one.
    ///
    /// The text is given out here and not kept. 404 where the principal does not exist.
    pub fn service_principal_secret(&self, application_id: &str, name: &str) -> Result<String, ApiError> {
        self.principal(application_id)?;
        let secret = format!("dose{}", unguessable(27));
        let now = self.workspace().clock().unix_seconds();
        self.workspace().oauth().put_secret(application_id, name, &secret, now).map_err(failed)?;
        Ok(secret)
    }

    /// Users of the workspace, by e-mail address.
    pub fn users(&self) -> Result<Vec<User>, ApiError> {
        self.workspace().directory().users().map_err(failed)
    }

    fn principal(&self, name: &str) -> Result<Principal, ApiError> {
        let found = self.workspace().directory().principal(name).map_err(failed)?;
        found.ok_or_else(|| ApiError::not_found("User or service principal", name))
    }
}

impl Workspace {
    /// An access token for somebody who is known, as a client would get it after a sign-in.
    pub(crate) fn token_for(&self, subject: &str, client_id: &str, scopes: &[String]) -> String {
        self.access_token(&Grant { subject, client_id, scopes, family: None, until: None }).0
    }
}

#[expect(clippy::needless_pass_by_value, reason = "fits `map_err`")]
fn failed(error: StoreError) -> ApiError {
    ApiError::internal(&error)
}
