mod browser;
mod page;
mod scopes;
mod tokens;

use brickyard_workspace::OAuthClient;

use crate::harness::{ADA, CLIENT_ID, PREINSTALLED, Running, TODAY, environment, start};

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
from authlib.integrations.requests_client import OAuth2Session, OAuthError
from authlib.oidc.core import CodeIDToken
from authlib.jose import JsonWebKey, JsonWebToken
issuer = "https://" + os.environ["DATABRICKS_HOST"] + "/oidc"
found = requests.get(issuer + "/.well-known/openid-configuration").json()
assert found["issuer"] == issuer
client = OAuth2Session("oauth-app", "secret-of-the-app", scope="openid email offline_access sql",
    redirect_uri="http://localhost:9999/.auth/callback", code_challenge_method="S256")
verifier = "v" * 64
def sign_in():
    url, state = client.create_authorization_url(found["authorization_endpoint"], code_verifier=verifier, nonce="n-1")
    browser = requests.Session()
    page = browser.get(url)
    assert page.status_code == 200 and "ada@example.com" in page.text, page.text
    ticket = re.search('name="ticket" value="([^"]+)"', page.text).group(1)
    sent = browser.post(found["authorization_endpoint"], allow_redirects=False,
        data={"ticket": ticket, "user": "ada@example.com", "decision": "allow"})
    back = sent.headers["location"]
    assert sent.status_code == 303 and back.startswith("http://localhost:9999/.auth/callback?code="), back
    return client.fetch_token(found["token_endpoint"], authorization_response=back, state=state, code_verifier=verifier)
def ended(token):
    assert client.get(found["userinfo_endpoint"]).status_code == 401
    try:
        client.refresh_token(found["token_endpoint"], refresh_token=token["refresh_token"])
    except OAuthError as error:
        return error.error
token = sign_in()
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
# Either token of a sign-in ends it (RFC 7009), and so does the user who takes consent back.
for kind in ("refresh_token", "access_token"):
    token = sign_in()
    assert client.get(found["userinfo_endpoint"]).status_code == 200
    assert client.revoke_token(found["revocation_endpoint"], token=token[kind], token_type_hint=kind).status_code == 200
    print(kind, ended(token))
own = requests.post(found["token_endpoint"], data={"grant_type": "client_credentials", "scope": "all-apis"},
    auth=(os.environ["DATABRICKS_CLIENT_ID"], os.environ["DATABRICKS_CLIENT_SECRET"])).json()["access_token"]
machine = OAuth2Session(os.environ["DATABRICKS_CLIENT_ID"], os.environ["DATABRICKS_CLIENT_SECRET"])
print(machine.revoke_token(found["revocation_endpoint"], token=own).json()["error"])
from databricks.sdk import WorkspaceClient
ada = WorkspaceClient(host=issuer.removesuffix("/oidc"), token=os.environ["ADA_TOKEN"], auth_type="pat")
token = sign_in()
assert client.get(found["userinfo_endpoint"]).status_code == 200
ada.api_client.do("DELETE", "/api/2.0/oauth-app-integrations/oauth-app/user-consent/me")
print("consent", ended(token))
"#;
    let mut variables = running.app_environment();
    variables.push(("ADA_TOKEN".to_owned(), running.handle.create_personal_access_token(ADA).unwrap()));
    let printed = running.python_with(&environment(STRICT).await, &variables, script).await;
    let expected = "ada@example.com openid email offline_access sql 3600\n\
        ada@example.com\n\
        True True\n\
        refresh_token invalid_grant\n\
        access_token invalid_grant\n\
        unsupported_token_type\n\
        consent invalid_grant\n";
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

const STRICT: &[&str] = &["authlib==1.6.5", "requests==2.32.5", "databricks-sdk==0.156.0"];

fn register_app(running: &Running) {
    let mut app = OAuthClient::new(APP, "Taxi app", Some(APP_SECRET));
    app.redirect_uris = vec![CALLBACK.to_owned()];
    app.scopes = vec!["sql".to_owned(), "iam.current-user:read".to_owned()];
    running.handle.register_oauth_client(&app).unwrap();
}
