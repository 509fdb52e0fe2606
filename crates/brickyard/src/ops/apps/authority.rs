use std::sync::{Arc, Weak};
use std::time::Duration;

use brickyard_api::http_client;
use brickyard_runner::ingress::{Authority, AuthorizeRequest, Grant, Identity, Refusal, Secret};
use brickyard_workspace::{AppVisitor, Clock, WorkspaceHandle};
use futures_util::future::BoxFuture;
use http::StatusCode;
use serde_json::Value;
use url::Url;

use crate::failure::Failure;

/// The workspace as an app's front door sees it: over the wire where there is a wire, which is OAuth's.
pub(super) struct WorkspaceAuthority {
    workspace: Weak<WorkspaceHandle>,
    http: reqwest::Client,
    app: String,
    clock: Clock,
}

impl WorkspaceAuthority {
    pub(super) fn new(workspace: &Arc<WorkspaceHandle>, app: &str, clock: Clock) -> Result<Self, Failure> {
        let http = http_client(false)
            .map_err(|error| Failure::machine("Cannot make an HTTP client").because(error))?;
        Ok(Self { workspace: Arc::downgrade(workspace), http, app: app.to_owned(), clock })
    }

    fn handle(&self) -> Result<Arc<WorkspaceHandle>, Refusal> {
        self.workspace.upgrade().ok_or_else(|| Refusal::Unavailable("it has stopped".to_owned()))
    }

    async fn exchange(&self, form: &[(&str, &str)]) -> Result<Grant, Refusal> {
        let handle = self.handle()?;
        let answer = self
            .http
            .post(format!("{}/oidc/v1/token", handle.http_url()))
            .form(form)
            .send()
            .await
            .map_err(|error| Refusal::Unavailable(error.to_string()))?;
        let status = answer.status();
        let body: Value = answer.json().await.map_err(|error| Refusal::Unavailable(error.to_string()))?;
        let Some(access) = body["access_token"].as_str().filter(|_| status.is_success()) else {
            return Err(Refusal::Unauthenticated(
                body["error_description"].as_str().unwrap_or("no token was given").to_owned(),
            ));
        };
        let visitor = handle.app_visitor(&self.app, access).map_err(|error| refuse(&error))?;
        let mut grant = grant(visitor);
        if grant.access_token.is_some() {
            grant.access_token = Some(Secret::new(access));
        }
        grant.refresh_token = body["refresh_token"].as_str().map(Secret::new);
        grant.expires_in = Duration::from_secs(body["expires_in"].as_u64().unwrap_or(3600));
        Ok(grant)
    }
}

impl Authority for WorkspaceAuthority {
    fn authorize_url(&self, request: &AuthorizeRequest) -> String {
        let Some(handle) = self.workspace.upgrade() else { return "/".to_owned() };
        let Ok(client) = handle.app_client(&self.app) else { return "/".to_owned() };
        let scope = format!("{} openid email profile offline_access", client.scopes.join(" "));
        let mut parameters = vec![
            ("response_type", "code"),
            ("client_id", &client.client_id),
            ("redirect_uri", &request.redirect_uri),
            ("scope", scope.trim_start()),
            ("state", &request.state),
            ("code_challenge", &request.code_challenge),
            ("code_challenge_method", "S256"),
        ];
        if request.choose {
            parameters.push(("prompt", "select_account"));
        }
        let base = format!("{}/oidc/v1/authorize", handle.http_url());
        Url::parse_with_params(&base, parameters).map_or(base, |url| url.to_string())
    }

    fn redeem(
        &self,
        code: String,
        verifier: String,
        redirect_uri: String,
    ) -> BoxFuture<'_, Result<Grant, Refusal>> {
        Box::pin(async move {
            let client = self.handle()?.app_client(&self.app).map_err(|error| refuse(&error))?;
            self.exchange(&[
                ("grant_type", "authorization_code"),
                ("client_id", &client.client_id),
                ("code", &code),
                ("code_verifier", &verifier),
                ("redirect_uri", &redirect_uri),
            ])
            .await
        })
    }

    fn sign_in(&self, user: String) -> BoxFuture<'_, Result<Grant, Refusal>> {
        Box::pin(async move {
            let handle = self.handle()?;
            let visitor = handle.app_user(&self.app, &user).map_err(|error| refuse(&error))?;
            Ok(grant(visitor))
        })
    }

    fn refresh(&self, old: Grant) -> BoxFuture<'_, Result<Grant, Refusal>> {
        Box::pin(async move {
            let Some(refresh) = &old.refresh_token else {
                // Signed in without asking: the user is known by the address alone.
                let user = old.identity.email.clone().unwrap_or_default();
                return self.sign_in(user).await;
            };
            let client = self.handle()?.app_client(&self.app).map_err(|error| refuse(&error))?;
            self.exchange(&[
                ("grant_type", "refresh_token"),
                ("client_id", &client.client_id),
                ("refresh_token", refresh.expose()),
            ])
            .await
        })
    }

    fn ahead(&self) -> i64 {
        self.clock.offset().as_secs()
    }

    fn verify(&self, bearer: String) -> BoxFuture<'_, Result<Grant, Refusal>> {
        Box::pin(async move {
            let handle = self.handle()?;
            let visitor = handle.app_visitor(&self.app, &bearer).map_err(|error| refuse(&error))?;
            Ok(grant(visitor))
        })
    }
}

fn grant(visitor: AppVisitor) -> Grant {
    Grant {
        identity: Identity {
            user: visitor.user,
            preferred_username: visitor.preferred_username,
            email: visitor.email,
        },
        access_token: visitor.access_token.map(Secret::new),
        refresh_token: None,
        expires_in: Duration::from_secs(visitor.expires_in),
    }
}

fn refuse(error: &brickyard_workspace::ApiError) -> Refusal {
    match error.status {
        StatusCode::UNAUTHORIZED => Refusal::Unauthenticated(error.message.clone()),
        StatusCode::FORBIDDEN | StatusCode::NOT_FOUND => Refusal::Forbidden(error.message.clone()),
        _ => Refusal::Unavailable(error.message.clone()),
    }
}
