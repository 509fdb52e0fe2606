//! Codes, tokens and their ends.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use brickyard_workspace::{Clock, OAuthClient};
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::browser::Browser;
use super::{APP, CALLBACK, register_app};
use crate::harness::{ADA, CLIENT_ID, DEVELOPER, start, start_with};

/// Wrong secrets, unknown clients and odd requests get the error the standard names.
#[tokio::test(flavor = "multi_thread")]
async fn the_token_endpoint_refuses_by_the_book() {
    let running = start().await;
    let browser = Browser::new(&running);
    let credentials = [("grant_type", "client_credentials"), ("client_id", CLIENT_ID)];
    let mut wrong = credentials.to_vec();
    wrong.push(("client_secret", "guess"));
    assert_eq!(browser.token(&wrong).await, (401, "invalid_client".to_owned()));
    assert_eq!(browser.token(&credentials).await, (401, "invalid_client".to_owned()));
    for (form, error) in [
        (vec![("grant_type", "password")], "unsupported_grant_type"),
        (vec![("client_id", CLIENT_ID)], "invalid_request"),
        (vec![("grant_type", "x"), ("grant_type", "y")], "invalid_request"),
    ] {
        assert_eq!(browser.token(&form).await, (400, error.to_owned()), "{form:?}");
    }
    let json = browser.http.post(browser.url("/oidc/v1/token")).json(&json!({ "grant_type": "x" })).send();
    assert_eq!(json.await.unwrap().status(), 400);
    let basic = browser.http.post(browser.url("/oidc/v1/token")).basic_auth(CLIENT_ID, Some("guess"));
    let answer = basic.form(&[("grant_type", "client_credentials")]).send().await.unwrap();
    assert_eq!(answer.status(), 401);
    assert!(answer.headers()["www-authenticate"].to_str().unwrap().starts_with("Basic"));
    assert_eq!(answer.headers()["cache-control"], "no-store");
}

/// A code is good once, for its client, its address and its verifier; using it twice ends what came from it.
#[tokio::test(flavor = "multi_thread")]
async fn a_code_is_good_once_and_for_its_client_alone() {
    let running = start().await;
    register_app(&running);
    let mut other = OAuthClient::new("other", "Other", Some("s"));
    other.redirect_uris = vec![CALLBACK.to_owned()];
    running.handle.register_oauth_client(&other).unwrap();
    let browser = Browser::new(&running);

    let refused = (400, "invalid_grant".to_owned());
    let change = |name: &'static str, value: &'static str| {
        move |form: &mut HashMap<&'static str, String>| drop(form.insert(name, value.to_owned()))
    };
    assert_eq!(browser.redeem(change("code_verifier", "w".repeat(64).leak())).await, refused);
    assert_eq!(browser.redeem(change("redirect_uri", "http://localhost:9999/")).await, refused);
    let stolen = |form: &mut HashMap<&'static str, String>| {
        form.insert("client_id", "other".to_owned());
        form.insert("client_secret", "s".to_owned());
    };
    assert_eq!(browser.redeem(stolen).await, refused);
    assert_eq!(browser.redeem(|form| drop(form.remove("code_verifier"))).await, refused);

    let code = browser.code(ADA, "iam.current-user:read offline_access").await;
    let form = Browser::form(&code);
    let tokens: Value = browser.post_form("/oidc/v1/token", &form).await;
    let access = tokens["access_token"].as_str().unwrap();
    assert_eq!(browser.call(access, "/api/2.0/preview/scim/v2/Me").await, 200);
    assert_eq!(browser.redeem_form(&form).await, refused);
    assert_eq!(browser.call(access, "/api/2.0/preview/scim/v2/Me").await, 401);
    let refresh = browser.refresh(tokens["refresh_token"].as_str().unwrap(), "").await;
    assert_eq!(refresh["error"], "invalid_grant");
}

/// A code waits five minutes, an access token lives an hour.
#[tokio::test(flavor = "multi_thread")]
async fn codes_and_tokens_expire_by_the_workspace_clock() {
    let clock = Clock::default();
    let running = start_with(|config| config.clock = clock.clone()).await;
    register_app(&running);
    let browser = Browser::new(&running);
    let code = browser.code(ADA, "sql").await;
    clock.advance(SignedDuration::from_mins(6));
    assert_eq!(browser.redeem_form(&Browser::form(&code)).await, (400, "invalid_grant".to_owned()));

    let token = running.handle.issue_user_token(DEVELOPER, APP, &["all-apis".to_owned()]).unwrap();
    assert_eq!(browser.call(&token, "/api/2.0/preview/scim/v2/Me").await, 200);
    clock.advance(SignedDuration::from_mins(61));
    assert_eq!(browser.call(&token, "/api/2.0/preview/scim/v2/Me").await, 401);
}

/// Forged, unsigned, foreign and identity tokens open nothing.
#[tokio::test(flavor = "multi_thread")]
async fn tokens_that_are_not_ours_are_refused() {
    let (running, stranger) = (start().await, start().await);
    register_app(&running);
    let browser = Browser::new(&running);
    let me = "/api/2.0/preview/scim/v2/Me";
    let scopes = ["all-apis".to_owned()];
    let token = running.handle.issue_user_token(ADA, APP, &scopes).unwrap();
    assert_eq!(browser.call(&token, me).await, 200);
    let parts: Vec<&str> = token.split('.').collect();
    let mut claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(parts[1]).unwrap()).unwrap();
    claims["sub"] = json!(DEVELOPER);
    let body = URL_SAFE_NO_PAD.encode(claims.to_string());
    let none = URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#);
    let hmac = URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256"}"#);
    let foreign = stranger.handle.issue_user_token(DEVELOPER, APP, &scopes).unwrap();
    let code = browser.code(ADA, "openid sql").await;
    let tokens = browser.post_form("/oidc/v1/token", &Browser::form(&code)).await;
    for bad in [
        format!("{}.{body}.{}", parts[0], parts[2]),
        format!("{none}.{}.", parts[1]),
        format!("{hmac}.{}.{}", parts[1], parts[2]),
        foreign,
        tokens["id_token"].as_str().unwrap().to_owned(),
        "dapi00000000000000000000000000000000".to_owned(),
        String::new(),
    ] {
        assert_eq!(browser.call(&bad, me).await, 401, "{bad}");
    }
}

/// A refresh token is used once; a second use ends the sign-in. No refresh and no exchange widens scopes.
#[tokio::test(flavor = "multi_thread")]
async fn refresh_and_exchange_never_widen_scopes() {
    let running = start().await;
    register_app(&running);
    let browser = Browser::new(&running);
    let code = browser.code(ADA, "sql offline_access").await;
    let tokens = browser.post_form("/oidc/v1/token", &Browser::form(&code)).await;
    let first = tokens["refresh_token"].as_str().unwrap();
    assert_eq!(browser.refresh(first, "all-apis").await["error"], "invalid_scope");
    let second = browser.refresh(first, "sql.warehouses").await;
    assert_eq!(second["scope"], "sql.warehouses");
    let access = second["access_token"].as_str().unwrap();
    assert_eq!(browser.call(access, "/api/2.0/preview/scim/v2/Me").await, 403);

    let exchange = |scope: &'static str| {
        [
            ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
            ("subject_token_type", "urn:ietf:params:oauth:token-type:jwt"),
            ("scope", scope),
            ("subject_token", tokens["access_token"].as_str().unwrap()),
        ]
    };
    assert_eq!(browser.token(&exchange("all-apis")).await, (400, "invalid_scope".to_owned()));
    assert_eq!(browser.token(&exchange("sql")).await, (200, String::new()));

    assert_eq!(browser.refresh(first, "").await["error"], "invalid_grant");
    assert_eq!(
        browser.refresh(second["refresh_token"].as_str().unwrap(), "").await["error"],
        "invalid_grant"
    );
    assert_eq!(browser.call(access, "/api/2.0/preview/scim/v2/Me").await, 401);
}
