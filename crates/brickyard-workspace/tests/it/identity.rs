use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use brickyard_workspace::{Clock, OAuthClient};
use jiff::SignedDuration;
use reqwest::redirect::Policy;
use serde_json::{Value, json};

use crate::harness::{
    ADA, CLIENT_ID, DEVELOPER, PREINSTALLED, Running, TODAY, environment, start, start_with,
};

const APP: &str = "oauth-app";
const APP_SECRET: &str = "secret-of-the-app";
const CALLBACK: &str = "http://localhost:9999/.auth/callback";
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// Both generations of the SDK sign in as the app's service principal and know who they are.
#[tokio::test(flavor = "multi_thread")]
async fn sdk_signs_in_as_service_principal() {
    let running = start().await;
    let script = "
from databricks.sdk import WorkspaceClient
w = WorkspaceClient()
me = w.current_user.me()
print(w.config.auth_type, me.user_name, w.get_workspace_id())
";
    for requirements in [TODAY, PREINSTALLED] {
        let printed = running.python(&environment(requirements).await, script).await;
        assert_eq!(printed.trim(), format!("oauth-m2m {CLIENT_ID} 1234567890123456"), "{requirements:?}");
    }
}

/// The SDK makes, lists, uses and deletes a personal access token; a deleted one is refused.
#[tokio::test(flavor = "multi_thread")]
async fn sdk_makes_and_uses_a_personal_access_token() {
    let running = start().await;
    let script = r#"
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import Unauthenticated
w = WorkspaceClient()
made = w.tokens.create(comment="ci", lifetime_seconds=600)
print(made.token_value[:4], [t.comment for t in w.tokens.list()])
other = WorkspaceClient(host=w.config.host, token=made.token_value, auth_type="pat")
assert other.current_user.me().id == w.current_user.me().id
w.tokens.delete(made.token_info.token_id)
try:
    other.current_user.me()
except Unauthenticated as error:
    print("refused", str(error)[:20])
"#;
    let printed = running.python(&environment(TODAY).await, script).await;
    assert_eq!(printed, "dapi ['ci']\nrefused Invalid access token\n");
}

/// The SDK lists, filters, pages and gets users, groups and service principals.
#[tokio::test(flavor = "multi_thread")]
async fn sdk_reads_the_directory() {
    let running = start().await;
    let script = r#"
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import NotFound
w = WorkspaceClient()
print([u.user_name for u in w.users.list()])
print([u.user_name for u in w.users.list(count=1)])
ada = next(w.users.list(filter='userName eq "ada@example.com"'))
print(w.users.get(ada.id).display_name, [g.display for g in ada.groups])
print([g.display_name for g in w.groups.list()], [p.display_name for p in w.service_principals.list()])
admins = next(w.groups.list(filter='displayName eq "admins"'))
print([m.display for m in w.groups.get(admins.id).members])
try:
    w.users.get("1")
except NotFound as error:
    print("User with id 1 not found." in str(error))
"#;
    let printed = running.python(&environment(TODAY).await, script).await;
    let expected = "['developer@example.com', 'ada@example.com']\n\
        ['developer@example.com', 'ada@example.com']\n\
        Ada ['users']\n\
        ['admins', 'users'] ['app-1a2b3c app']\n\
        ['Local Developer']\n\
        True\n";
    assert_eq!(printed, expected);
}

/// Authlib, which knows nothing of us, discovers, signs a user in with PKCE, checks the identity token against our keys,
/// reads the user info and refreshes.
#[tokio::test(flavor = "multi_thread")]
async fn a_strict_client_signs_a_user_in() {
    let running = start().await;
    register_app(&running);
    let script = r#"
import os, re, requests
from authlib.integrations.requests_client import OAuth2Session
from authlib.oidc.core import CodeIDToken
from authlib.jose import JsonWebKey, JsonWebToken
issuer = "https://" + os.environ["DATABRICKS_HOST"] + "/oidc"
found = requests.get(issuer + "/.well-known/openid-configuration").json()
assert found["issuer"] == issuer
client = OAuth2Session("oauth-app", "secret-of-the-app", scope="openid email offline_access sql",
    redirect_uri="http://localhost:9999/.auth/callback", code_challenge_method="S256")
verifier = "v" * 64
url, state = client.create_authorization_url(found["authorization_endpoint"], code_verifier=verifier, nonce="n-1")
browser = requests.Session()
page = browser.get(url)
assert page.status_code == 200 and "ada@example.com" in page.text, page.text
ticket = re.search('name="ticket" value="([^"]+)"', page.text).group(1)
sent = browser.post(found["authorization_endpoint"], allow_redirects=False,
    data={"ticket": ticket, "user": "ada@example.com", "decision": "allow"})
back = sent.headers["location"]
assert sent.status_code == 303 and back.startswith("http://localhost:9999/.auth/callback?code="), back
token = client.fetch_token(found["token_endpoint"], authorization_response=back, state=state, code_verifier=verifier)
keys = JsonWebKey.import_key_set(requests.get(found["jwks_uri"]).json())
claims = JsonWebToken(["ES256"]).decode(token["id_token"], keys, claims_cls=CodeIDToken,
    claims_options={"iss": {"essential": True, "value": issuer}, "aud": {"essential": True, "value": "oauth-app"}},
    claims_params={"nonce": "n-1", "client_id": "oauth-app", "access_token": token["access_token"]})
claims.validate()
print(claims["email"], token["scope"], token["expires_in"])
print(client.get(found["userinfo_endpoint"]).json()["email"])
old = token["refresh_token"]
new = client.refresh_token(found["token_endpoint"], refresh_token=old)
print(new["access_token"] != token["access_token"], new["refresh_token"] != old)
"#;
    let printed = running.python(&environment(STRICT).await, script).await;
    let expected = "ada@example.com openid email offline_access sql 3600\nada@example.com\nTrue True\n";
    assert_eq!(printed, expected);
}

/// `openid-client`, the strict client of Node: discovery, Basic and form secrets, code with PKCE, the identity token's signature
/// against our keys, user info, refresh; and each of its refusals is the standard's.
#[tokio::test(flavor = "multi_thread")]
async fn another_strict_client_agrees() {
    let running = start().await;
    register_app(&running);
    let packages = &["openid-client@6.9.0", "undici@7.30.2"];
    let node = tokio::task::spawn_blocking(|| brickyard_testing::node_environment(packages)).await.unwrap();
    let script = node.root().join(format!("judge-{}.mjs", std::process::id()));
    std::fs::write(&script, include_str!("clients/openid.mjs")).unwrap();
    let output = tokio::process::Command::new(node.programs().join("node"))
        .arg(&script)
        .env_clear()
        .envs(running.app_environment())
        .kill_on_drop(true)
        .output()
        .await
        .unwrap();
    std::fs::remove_file(script).unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(said.trim(), "done");
}

const STRICT: &[&str] = &["authlib==1.6.5", "requests==2.32.5"];

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

/// A token narrowed for an app reaches what its scopes say and is told which scope is missing.
#[tokio::test(flavor = "multi_thread")]
async fn scopes_are_enforced_at_every_path() {
    let running = start().await;
    let browser = Browser::new(&running);
    let token = running.handle.issue_user_token(ADA, APP, &["iam.current-user:read".to_owned()]).unwrap();
    assert_eq!(browser.call(&token, "/api/2.0/preview/scim/v2/Me").await, 200);
    let answer =
        browser.http.get(browser.url("/api/2.0/token/list")).bearer_auth(&token).send().await.unwrap();
    assert_eq!(answer.status(), 403);
    let body: Value = answer.json().await.unwrap();
    assert_eq!(body["message"], "Provided OAuth token does not have required scopes: all-apis");
}

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

/// What an app asks for is consented to when somebody signs in: who is signed in keeps the scopes of that day, through
/// every refresh, and gets the new ones with the next sign-in.
#[tokio::test(flavor = "multi_thread")]
async fn scopes_change_with_the_next_sign_in() {
    let running = start().await;
    register_app(&running);
    let browser = Browser::new(&running);
    let files = "/api/2.0/fs/directories/Volumes/main/default/none";
    let code = browser.code(ADA, "sql offline_access").await;
    let old = browser.post_form("/oidc/v1/token", &Browser::form(&code)).await;
    let mut app = OAuthClient::new(APP, "Taxi app", Some(APP_SECRET));
    app.redirect_uris = vec![CALLBACK.to_owned()];
    app.scopes = vec!["sql".to_owned(), "files.files".to_owned()];
    running.handle.register_oauth_client(&app).unwrap();
    let refreshed = browser.refresh(old["refresh_token"].as_str().unwrap(), "").await;
    let stale = refreshed["access_token"].as_str().unwrap();
    assert_eq!(refreshed["scope"], "sql offline_access");
    assert_eq!(browser.call(stale, files).await, 403);
    assert_eq!(browser.call(stale, "/api/2.0/sql/warehouses").await, 200);
    let code = browser.code(ADA, "sql files.files offline_access").await;
    let new = browser.post_form("/oidc/v1/token", &Browser::form(&code)).await;
    assert_eq!(browser.call(new["access_token"].as_str().unwrap(), files).await, 404);
}

/// The scope of the Statement Execution API alone is enough for statements.
#[tokio::test(flavor = "multi_thread")]
async fn a_part_of_a_family_opens_that_part() {
    let running = start().await;
    let browser = Browser::new(&running);
    let warehouse = running.handle.starter_warehouse_id();
    running.handle.grant_object(ADA, "warehouses", &warehouse, "CAN_USE").unwrap();
    let token = running.handle.issue_user_token(ADA, APP, &["sql.statement-execution".to_owned()]).unwrap();
    let body = json!({ "statement": "SELECT 1", "warehouse_id": warehouse, "wait_timeout": "50s" });
    let sent =
        browser.http.post(browser.url("/api/2.0/sql/statements")).bearer_auth(&token).json(&body).send();
    let answer: Value = sent.await.unwrap().json().await.unwrap();
    assert_eq!(answer["status"]["state"], "SUCCEEDED", "{answer}");
    assert_eq!(browser.call(&token, "/api/2.0/sql/warehouses").await, 403);
}

/// A narrowed token is told, family by family, which scope it lacks; both vocabularies open the same doors.
#[tokio::test(flavor = "multi_thread")]
async fn every_family_names_the_scope_it_needs() {
    let running = start().await;
    let browser = Browser::new(&running);
    let token = |scope: &str| running.handle.issue_user_token(ADA, APP, &[scope.to_owned()]).unwrap();
    let none = token("iam.access-control:read");
    for (path, told, scopes) in [
        ("/api/2.0/sql/warehouses", "sql", ["sql", "sql.warehouses:read"]),
        ("/api/2.0/sql/history/queries", "sql", ["sql", "sql.query-history"]),
        ("/api/2.0/fs/directories/Volumes/a/b/c", "files", ["files", "files.files"]),
        ("/api/2.0/serving-endpoints", "model-serving", ["model-serving", "serving.serving-endpoints"]),
        ("/api/2.1/unity-catalog/catalogs", "unity-catalog", ["unity-catalog", "catalog.catalogs:read"]),
        (
            "/api/2.1/unity-catalog/tables?catalog_name=main&schema_name=default",
            "unity-catalog",
            ["unity-catalog", "catalog.tables:read"],
        ),
        (
            "/api/2.0/workspace/get-status?path=/Shared",
            "workspace",
            ["workspace", "workspace.workspace:read"],
        ),
        ("/api/2.0/postgres/projects", "postgres", ["postgres", "all-apis"]),
        ("/api/2.0/preview/scim/v2/Me", "iam.current-user:read", ["iam.current-user:read", "all-apis"]),
        ("/api/2.2/jobs/list", "all-apis", ["all-apis", "all-apis"]),
        ("/api/2.0/secrets/scopes/list", "all-apis", ["all-apis", "all-apis"]),
    ] {
        let refused = browser.http.get(browser.url(path)).bearer_auth(&none).send().await.unwrap();
        assert_eq!(refused.status(), 403, "{path}");
        let body: Value = refused.json().await.unwrap();
        let message = format!("Provided OAuth token does not have required scopes: {told}");
        assert_eq!(body["message"], message, "{path}");
        for scope in scopes {
            let answer = browser.http.get(browser.url(path)).bearer_auth(token(scope)).send().await.unwrap();
            let (status, body) = (answer.status().as_u16(), answer.text().await.unwrap());
            assert!(!body.contains("required scopes"), "{path} with {scope}: {status} {body}");
        }
    }
}

fn register_app(running: &Running) {
    let mut app = OAuthClient::new(APP, "Taxi app", Some(APP_SECRET));
    app.redirect_uris = vec![CALLBACK.to_owned()];
    app.scopes = vec!["sql".to_owned(), "iam.current-user:read".to_owned()];
    running.handle.register_oauth_client(&app).unwrap();
}

fn ticket(page: &str) -> String {
    let start = page.split("name=\"ticket\" value=\"").nth(1).expect("the page holds a ticket");
    start.split('"').next().unwrap().to_owned()
}

/// Speaks HTTP to the plain listener and follows no redirect.
struct Browser {
    http: reqwest::Client,
    base: String,
}

impl Browser {
    fn new(running: &Running) -> Self {
        brickyard_api::http_client(false).unwrap(); // brings the TLS provider
        let http = reqwest::Client::builder().redirect(Policy::none()).no_proxy().build().unwrap();
        Self { http, base: running.handle.http_url() }
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    async fn call(&self, token: &str, path: &str) -> u16 {
        self.http.get(self.url(path)).bearer_auth(token).send().await.unwrap().status().as_u16()
    }

    /// Status and error code of the token endpoint's answer.
    async fn token(&self, form: &[(&str, &str)]) -> (u16, String) {
        let answer = self.http.post(self.url("/oidc/v1/token")).form(form).send().await.unwrap();
        let status = answer.status().as_u16();
        let body: Value = answer.json().await.unwrap();
        (status, body["error"].as_str().unwrap_or_default().to_owned())
    }

    /// Signs `user` in on the page and returns the code.
    async fn code(&self, user: &str, scope: &str) -> String {
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

    fn form(code: &str) -> HashMap<&'static str, String> {
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
    async fn redeem(&self, change: impl FnOnce(&mut HashMap<&'static str, String>)) -> (u16, String) {
        let mut form = Self::form(&self.code(ADA, "sql").await);
        change(&mut form);
        self.redeem_form(&form).await
    }

    async fn redeem_form(&self, form: &HashMap<&'static str, String>) -> (u16, String) {
        let pairs: Vec<(&str, &str)> = form.iter().map(|(&name, value)| (name, value.as_str())).collect();
        self.token(&pairs).await
    }

    async fn post_form(&self, path: &str, form: &HashMap<&'static str, String>) -> Value {
        self.http.post(self.url(path)).form(form).send().await.unwrap().json().await.unwrap()
    }

    async fn refresh(&self, token: &str, scope: &str) -> Value {
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
