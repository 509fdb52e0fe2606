use std::collections::HashMap;

use reqwest::redirect::Policy;
use serde_json::Value;

use super::{APP, APP_SECRET, CALLBACK, CHALLENGE, VERIFIER};
use crate::harness::{ADA, Running};

/// The one-time ticket in the sign-in page.
pub(super) fn ticket(page: &str) -> String {
    let start = page.split("name=\"ticket\" value=\"").nth(1).expect("the page holds a ticket");
    start.split('"').next().unwrap().to_owned()
}

/// Speaks HTTP to the plain listener and follows no redirect.
pub(super) struct Browser {
    pub(super) http: reqwest::Client,
    base: String,
}

impl Browser {
    pub(super) fn new(running: &Running) -> Self {
        brickyard_api::http_client(false).unwrap(); // brings the TLS provider
        let http = reqwest::Client::builder().redirect(Policy::none()).no_proxy().build().unwrap();
        Self { http, base: running.handle.http_url() }
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    pub(super) async fn call(&self, token: &str, path: &str) -> u16 {
        self.http.get(self.url(path)).bearer_auth(token).send().await.unwrap().status().as_u16()
    }

    /// Status and error code of the token endpoint's answer.
    pub(super) async fn token(&self, form: &[(&str, &str)]) -> (u16, String) {
        let answer = self.http.post(self.url("/oidc/v1/token")).form(form).send().await.unwrap();
        let status = answer.status().as_u16();
        let body: Value = answer.json().await.unwrap();
        (status, body["error"].as_str().unwrap_or_default().to_owned())
    }

    /// Signs `user` in on the page and returns the code.
    pub(super) async fn code(&self, user: &str, scope: &str) -> String {
        let query = [
            ("client_id", APP),
            ("redirect_uri", CALLBACK),
            ("response_type", "code"),
            ("scope", scope),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ];
        let page = self.http.get(self.url("/oidc/v1/authorize")).query(&query).send().await.unwrap();
        let cookie = page.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
        let ticket = ticket(&page.text().await.unwrap());
        let form = [("ticket", ticket.as_str()), ("user", user), ("decision", "allow")];
        let post = self.http.post(self.url("/oidc/v1/authorize")).form(&form).header("Cookie", cookie);
        let answer = post.send().await.unwrap();
        let location = url::Url::parse(answer.headers()["location"].to_str().unwrap()).unwrap();
        location.query_pairs().find(|(name, _)| name == "code").unwrap().1.into_owned()
    }

    pub(super) fn form(code: &str) -> HashMap<&'static str, String> {
        let fields = [
            ("grant_type", "authorization_code"),
            ("client_id", APP),
            ("client_secret", APP_SECRET),
            ("redirect_uri", CALLBACK),
            ("code_verifier", VERIFIER),
            ("code", code),
        ];
        fields.into_iter().map(|(name, value)| (name, value.to_owned())).collect()
    }

    /// Redeems a fresh code with a changed form.
    pub(super) async fn redeem(
        &self,
        change: impl FnOnce(&mut HashMap<&'static str, String>),
    ) -> (u16, String) {
        let mut form = Self::form(&self.code(ADA, "sql").await);
        change(&mut form);
        self.redeem_form(&form).await
    }

    pub(super) async fn redeem_form(&self, form: &HashMap<&'static str, String>) -> (u16, String) {
        let pairs: Vec<(&str, &str)> = form.iter().map(|(&name, value)| (name, value.as_str())).collect();
        self.token(&pairs).await
    }

    pub(super) async fn post_form(&self, path: &str, form: &HashMap<&'static str, String>) -> Value {
        self.http.post(self.url(path)).form(form).send().await.unwrap().json().await.unwrap()
    }

    pub(super) async fn refresh(&self, token: &str, scope: &str) -> Value {
        let form = [
            ("grant_type", "refresh_token"),
            ("client_id", APP),
            ("client_secret", APP_SECRET),
            ("refresh_token", token),
            ("scope", scope),
        ];
        let answer = self.http.post(self.url("/oidc/v1/token")).form(&form).send().await.unwrap();
        answer.json().await.unwrap()
    }
}
