//! The sign-in page and consent.

use super::browser::{Browser, ticket};
use super::{APP, CALLBACK, CHALLENGE, register_app};
use crate::harness::{ADA, DEVELOPER, start};

/// Nobody is sent to an address that is not registered, and no foreign page can consent for the user.
#[tokio::test(flavor = "multi_thread")]
async fn the_sign_in_page_sends_nobody_astray() {
    let running = start().await;
    register_app(&running);
    let browser = Browser::new(&running);
    let ask = |client: &str, uri: &str, more: &str| {
        let uri: String = url::form_urlencoded::byte_serialize(uri.as_bytes()).collect();
        browser.url(&format!(
            "/oidc/v1/authorize?client_id={client}&redirect_uri={uri}&response_type=code{more}"
        ))
    };
    let pkce = format!("&code_challenge={CHALLENGE}&code_challenge_method=S256");
    for url in [
        ask("unknown", CALLBACK, &pkce),
        ask(APP, "https://evil.example/", &pkce),
        ask(APP, &format!("{CALLBACK}/../x"), &pkce),
        ask("databricks-cli", "http://localhost:8020@evil.example", &pkce),
    ] {
        let answer = browser.http.get(&url).send().await.unwrap();
        assert_eq!((answer.status().as_u16(), answer.headers().get("location")), (400, None), "{url}");
    }
    let sent_back = async |url: String| {
        let answer = browser.http.get(url).send().await.unwrap();
        assert_eq!(answer.status(), 303);
        answer.headers()["location"].to_str().unwrap().to_owned()
    };
    let scope = sent_back(ask(APP, CALLBACK, &format!("{pkce}&scope=all-apis&state=s"))).await;
    assert!(scope.contains("error=invalid_scope") && scope.contains("state=s"), "{scope}");
    let public = sent_back(ask("databricks-cli", "http://localhost:8020", "")).await;
    assert!(public.starts_with("http://localhost:8020/?error=invalid_request"), "{public}");
    let plain = sent_back(ask(APP, CALLBACK, &pkce.replace("S256", "plain"))).await;
    assert!(plain.contains("error=invalid_request"), "{plain}");

    let page = browser.http.get(ask(APP, CALLBACK, &format!("{pkce}&scope=sql"))).send().await.unwrap();
    assert_eq!(page.headers()["x-frame-options"], "DENY");
    let cookie = page.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    let ticket = ticket(&page.text().await.unwrap());
    let form = [("ticket", ticket.as_str()), ("user", DEVELOPER), ("decision", "allow")];
    let post = || browser.http.post(browser.url("/oidc/v1/authorize")).form(&form);
    let foreign =
        post().header("Cookie", &cookie).header("Origin", "https://evil.example").send().await.unwrap();
    assert_eq!(foreign.status(), 400);
    let without_cookie = post().send().await.unwrap();
    assert_eq!(without_cookie.status(), 400);
    let spent = post().header("Cookie", &cookie).send().await.unwrap();
    assert_eq!(spent.status(), 400, "a ticket is good for one try");
}

/// Withdrawing consent ends the app's tokens for that user.
#[tokio::test(flavor = "multi_thread")]
async fn withdrawn_consent_ends_the_sign_in() {
    let running = start().await;
    register_app(&running);
    let browser = Browser::new(&running);
    let code = browser.code(ADA, "iam.current-user:read offline_access").await;
    let tokens = browser.post_form("/oidc/v1/token", &Browser::form(&code)).await;
    let access = tokens["access_token"].as_str().unwrap();
    assert_eq!(browser.call(access, "/api/2.0/preview/scim/v2/Me").await, 200);
    let url = browser.url(&format!("/api/2.0/oauth-app-integrations/{APP}/user-consent/me"));
    assert_eq!(browser.http.delete(url).bearer_auth(access).send().await.unwrap().status(), 200);
    assert_eq!(browser.call(access, "/api/2.0/preview/scim/v2/Me").await, 401);
    assert_eq!(
        browser.refresh(tokens["refresh_token"].as_str().unwrap(), "").await["error"],
        "invalid_grant"
    );
}
