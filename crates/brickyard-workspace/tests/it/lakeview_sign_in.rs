//! A browser at the page of a dashboard: it signs in at the workspace, and its session counts for these pages alone.

use std::path::Path;

use brickyard_workspace::User;
use reqwest::redirect::Policy;
use reqwest::{RequestBuilder, Response};
use serde_json::{Value, json};

use crate::harness::{ADA, DEVELOPER, Running, environment, start_with};

/// A user who may not see the dashboard.
const BOB: &str = "bob@example.com";

const CHROMIUM: &str = "/usr/bin/chromium";

const SEED: [&str; 6] = [
    "CREATE TABLE main.default.orders AS SELECT * FROM VALUES ('ada@example.com', 'anchor'), ('bob@example.com', 'bell'), \
     ('developer@example.com', 'dinghy') AS t(owner, item)",
    "CREATE FUNCTION main.default.own(owner STRING) RETURNS BOOLEAN RETURN owner = current_user()",
    "ALTER TABLE main.default.orders SET ROW FILTER main.default.own ON (owner)",
    "GRANT USE CATALOG ON CATALOG main TO `ada@example.com`",
    "GRANT USE SCHEMA ON SCHEMA main.default TO `ada@example.com`",
    "GRANT SELECT ON TABLE main.default.orders TO `ada@example.com`",
];

/// A workspace with a published dashboard that Ada may read, and what speaks HTTP to it without following redirects.
struct Site {
    running: Running,
    http: reqwest::Client,
    /// Path of the dashboard's page.
    page: String,
}

impl Site {
    async fn open() -> Self {
        let running = start_with(|config| {
            config.users.push(User {
                id: 4_700_000_003,
                user_name: BOB.to_owned(),
                display_name: "Bob".to_owned(),
                entitlements: vec!["workspace-access".to_owned()],
            });
        })
        .await;
        brickyard_api::http_client(false).unwrap(); // brings the TLS provider
        let http = reqwest::Client::builder().redirect(Policy::none()).no_proxy().build().unwrap();
        let mut site = Self { running, http, page: String::new() };
        let warehouse = site.running.handle.starter_warehouse_id();
        for statement in SEED {
            let body = json!({ "statement": statement, "warehouse_id": warehouse, "wait_timeout": "50s" });
            let done = site.rest("POST", "/api/2.0/sql/statements", &body).await;
            assert_eq!(done["status"]["state"], "SUCCEEDED", "{statement}: {done}");
        }
        let fields = json!([{ "name": "item", "expression": "`item`" }]);
        let widget = json!({ "name": "w", "spec": { "version": 3, "widgetType": "table", "encodings": {},
            "frame": { "title": "Items", "showTitle": true } }, "queries": [{ "name": "q", "query": {
                "datasetName": "d", "fields": fields, "disaggregated": true } }] });
        let place = json!({ "x": 0, "y": 0, "width": 6, "height": 3 });
        let content = json!({
            "datasets": [{ "name": "d", "query": "SELECT * FROM main.default.orders" }],
            "pages": [{ "name": "p", "displayName": "P", "layout": [{ "widget": widget, "position": place }] }],
        });
        let made = json!({ "display_name": "Orders", "serialized_dashboard": content.to_string() });
        let made = site.rest("POST", "/api/2.0/lakeview/dashboards", &made).await;
        let id = made["dashboard_id"].as_str().unwrap();
        let publish = json!({ "embed_credentials": false });
        site.rest("POST", &format!("/api/2.0/lakeview/dashboards/{id}/published"), &publish).await;
        let reader = json!({ "access_control_list": [{ "user_name": ADA, "permission_level": "CAN_READ" }] });
        site.rest("PATCH", &format!("/api/2.0/permissions/dashboards/{id}"), &reader).await;
        site.page = format!("/embed/dashboardsv3/{id}");
        site
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.running.handle.http_url())
    }

    async fn rest(&self, method: &str, path: &str, body: &Value) -> Value {
        let token = self.running.handle.create_personal_access_token(DEVELOPER).unwrap();
        let request =
            self.http.request(method.parse().unwrap(), self.url(path)).bearer_auth(token).json(body);
        let answer = request.send().await.unwrap();
        assert!(answer.status().is_success(), "{method} {path}: {}", answer.text().await.unwrap());
        serde_json::from_str(&answer.text().await.unwrap()).unwrap_or_default()
    }

    /// A browser's request for a page.
    fn browse(&self, url: &str, cookies: &str) -> RequestBuilder {
        self.http
            .get(url)
            .header("Accept", "text/html,application/xhtml+xml,*/*;q=0.8")
            .header("Cookie", cookies)
    }

    async fn status(&self, path: &str, cookies: &str) -> u16 {
        self.browse(&self.url(path), cookies).send().await.unwrap().status().as_u16()
    }

    /// Begins a sign-in: the address of the sign-in page, and the cookie that ties it to the browser.
    async fn begin(&self, path: &str) -> (String, String) {
        let answer = self.browse(&self.url(path), "").send().await.unwrap();
        assert_eq!(answer.status(), 303, "{path}");
        let cookie = cookie(&answer, "; Path=/embed/callback; HttpOnly; SameSite=Strict; Max-Age=900");
        (self.url(&location(&answer)), cookie)
    }

    /// Chooses a user at the sign-in page: the address the browser is sent back to.
    async fn choose(&self, address: &str, user: &str) -> String {
        let page = self.browse(address, "").send().await.unwrap();
        assert_eq!(page.status(), 200);
        let form_cookie = cookie(&page, "; Path=/oidc; HttpOnly; SameSite=Lax");
        let page = page.text().await.unwrap();
        let ticket = page.split("name=\"ticket\" value=\"").nth(1).unwrap().split('"').next().unwrap();
        let form = [("ticket", ticket), ("user", user), ("decision", "allow")];
        let post = self.http.post(self.url("/oidc/v1/authorize")).form(&form).header("Cookie", form_cookie);
        location(&post.send().await.unwrap())
    }

    /// Signs in and gives the session's cookie.
    async fn sign_in(&self, user: &str) -> String {
        let (address, begun) = self.begin(&self.page).await;
        let back = self.choose(&address, user).await;
        assert!(back.starts_with(&self.url("/embed/callback?code=")), "{back}");
        let answer = self.browse(&back, &begun).send().await.unwrap();
        assert_eq!(location(&answer), self.page);
        cookie(&answer, "; Path=/embed; HttpOnly; SameSite=Lax; Max-Age=28800")
    }
}

fn location(answer: &Response) -> String {
    answer.headers()["location"].to_str().unwrap().to_owned()
}

/// The only cookie an answer sets, which has these attributes: `name=value`.
fn cookie(answer: &Response, attributes: &str) -> String {
    let all: Vec<_> = answer.headers().get_all("set-cookie").iter().collect();
    assert_eq!(all.len(), 1);
    let (pair, found) = all[0].to_str().unwrap().split_once(';').unwrap();
    assert_eq!(format!(";{found}"), attributes);
    assert!(pair.split_once('=').unwrap().1.len() >= 43, "256 bits");
    pair.to_owned()
}

/// The session opens pages of dashboards and nothing else, and ends with time, consent and user; who sends no `text/html` is
/// refused as ever.
#[tokio::test(flavor = "multi_thread")]
async fn a_session_opens_pages_of_dashboards_and_nothing_else() {
    let site = Site::open().await;
    let ada = site.sign_in(ADA).await;
    let shown = site.browse(&site.url(&site.page), &ada).send().await.unwrap();
    assert_eq!(shown.status(), 200);
    let policy = shown.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(
        policy.contains("frame-ancestors 'self' http://localhost:*") && !policy.contains("http: "),
        "{policy}"
    );
    let text = shown.text().await.unwrap();
    assert!(text.contains("anchor") && !text.contains("bell") && !text.contains("dinghy"), "{text}");

    // A program's rules stay, with a session too.
    let program = site.http.get(site.url(&site.page)).header("Cookie", &ada).send().await.unwrap();
    assert_eq!(
        (program.status().as_u16(), program.headers()["content-type"].to_str().unwrap()),
        (401, "application/json")
    );
    for path in ["/api/2.0/lakeview/dashboards", "/api/2.0/preview/scim/v2/Me", "/api/2.0/sql/warehouses"] {
        assert_eq!(site.status(path, &ada).await, 401, "{path}");
    }
    let foreign = site.browse(&site.url(&site.page), &ada).header("Host", "evil.example");
    assert_eq!(foreign.send().await.unwrap().status(), 421);

    // Who may not read it is told why, and may come back as somebody else.
    let bob = site.sign_in(BOB).await;
    let refused = site.browse(&site.url(&site.page), &bob).send().await.unwrap();
    assert_eq!(refused.status(), 403);
    let refused = refused.text().await.unwrap();
    assert!(refused.contains("CAN_READ") && refused.contains("href=\"/embed/sign-in/"), "{refused}");
    let denials = site.rest("GET", "/api/brickyard/denials", &json!({})).await;
    assert_eq!(denials["denials"][0]["principal"], BOB, "{denials}");

    // Forged, foreign and ended sessions are none.
    let (name, secret) = ada.split_once('=').unwrap();
    let forged = format!("{name}={}", "A".repeat(secret.len()));
    let other = format!("{}_1={secret}", name.rsplit_once('_').unwrap().0);
    for cookies in [forged.as_str(), other.as_str(), &format!("{name}=")] {
        assert_eq!(site.status(&site.page, cookies).await, 303, "{cookies}");
    }
    let (_, begun) = site.begin(&site.page).await;
    let begun = format!("{name}={}", begun.split_once('=').unwrap().1);
    assert_eq!(site.status(&site.page, &begun).await, 303);
    let token = site.running.handle.create_personal_access_token(ADA).unwrap();
    let withdraw = "/api/2.0/oauth-app-integrations/brickyard-dashboards/user-consent/me";
    let withdrawn = site.http.delete(site.url(withdraw)).bearer_auth(token).send().await.unwrap();
    assert_eq!(withdrawn.status(), 200);
    assert_eq!(site.status(&site.page, &ada).await, 303, "consent was withdrawn");
    site.rest("DELETE", "/api/2.0/preview/scim/v2/Users/4700000003", &json!({})).await;
    assert_eq!(site.status(&site.page, &bob).await, 303, "the user was removed");
    let developer = site.sign_in(DEVELOPER).await;
    assert_eq!(site.status(&site.page, &developer).await, 200);
    site.rest("POST", "/api/brickyard/clock", &json!({ "advance_seconds": 8 * 3600 })).await;
    assert_eq!(site.status(&site.page, &developer).await, 303, "its time is over");
}

/// A sign-in leads back to the page that was asked for, in the browser that began it, once; nobody gets a code elsewhere.
#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_leads_nowhere_else() {
    let site = Site::open().await;
    let (address, begun) = site.begin(&format!("{}?to=//evil.example", site.page)).await;
    let back = site.choose(&address, ADA).await;
    assert_eq!(site.browse(&back, "").send().await.unwrap().status(), 403, "another browser");
    assert_eq!(site.browse(&back, &begun).send().await.unwrap().status(), 403, "one try");
    assert_eq!(site.status("/embed/callback?code=x&state=y", &begun).await, 403);

    let (address, begun) = site.begin("/embed/sign-in/%2F%2Fevil.example").await;
    let answer = site.browse(&site.choose(&address, ADA).await, &begun).send().await.unwrap();
    assert_eq!(location(&answer), "/embed/dashboardsv3/%2F%2Fevil.example");

    // The code goes to the workspace's own ports, and the token endpoint takes it from nobody.
    let own =
        url::form_urlencoded::byte_serialize(site.url("/embed/callback").as_bytes()).collect::<String>();
    for foreign in
        ["https%3A%2F%2Fevil.example%2Fembed%2Fcallback", "http%3A%2F%2F127.0.0.1%3A1%2Fembed%2Fcallback"]
    {
        assert_eq!(site.status(&address.replace(&site.url(""), "").replace(&own, foreign), "").await, 400);
    }
    let forms = [("grant_type", "authorization_code"), ("client_id", "brickyard-dashboards"), ("code", "x")];
    let token = site.http.post(site.url("/oidc/v1/token")).form(&forms).send().await.unwrap();
    assert_eq!(token.status(), 401);

    // In a frame there is a link in place of the sign-in page, which no frame shows.
    let framed =
        site.browse(&site.url(&site.page), "").header("Sec-Fetch-Dest", "iframe").send().await.unwrap();
    assert_eq!((framed.status().as_u16(), framed.headers().get("set-cookie")), (401, None));
    assert!(framed.text().await.unwrap().contains(&format!("href=\"{}\" target=\"_blank\"", site.page)));
}

/// In Chromium: each sees what they may, and an app on another host name gets a link in its frame.
#[tokio::test(flavor = "multi_thread")]
async fn people_sign_in_and_see_what_each_may() {
    if !Path::new(CHROMIUM).exists() {
        assert!(std::env::var_os("CI").is_none(), "CI brings Chromium");
        return; // a developer's machine may have no Chromium: CI tells
    }
    let site = Site::open().await;
    let script = r#"
import os, threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from playwright.sync_api import sync_playwright
url = os.environ["URL"]
class App(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(f"<iframe src='{url}' width=800 height=300></iframe>".encode())
    def log_message(self, *arguments):
        pass
app = HTTPServer(("127.0.0.1", 0), App)
threading.Thread(target=app.serve_forever, daemon=True).start()
quiet = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
with sync_playwright() as playwright:
    browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=quiet)
    page = browser.new_page()
    page.set_default_timeout(180_000)
    def sign_in(user):
        assert "/oidc/v1/authorize" in page.url, page.url
        page.check(f"input[name=user][value='{user}']", force=True)
        page.click("button[value=allow]")
        page.wait_for_url(url)
    page.goto(url)
    sign_in("bob@example.com")
    text = page.inner_text("body")
    assert "CAN_READ" in text and "anchor" not in text and "bell" not in text, text
    page.click("text=Sign in as somebody else")
    sign_in("ada@example.com")
    page.get_by_role("cell", name="anchor").wait_for()
    assert page.locator("td").all_inner_texts() == ["anchor"], page.content()
    assert "Signed in as ada@example.com" in page.inner_text("body"), page.content()
    for cookie in page.context.cookies(url):
        assert cookie["httpOnly"] and cookie["path"] == "/embed" and cookie["sameSite"] == "Lax", cookie
    near = f"http://127.0.0.1:{app.server_port}/"
    page.goto(near)
    page.frame_locator("iframe").get_by_role("cell", name="anchor").wait_for()
    page.goto(near.replace("127.0.0.1", "localhost"))
    link = page.frame_locator("iframe").get_by_text("Open it in a new tab")
    link.wait_for()
    with page.context.expect_page() as opened:
        link.click()
    opened.value.get_by_role("cell", name="anchor").wait_for()
    browser.close()
print("done")
"#;
    let variables = [("URL".to_owned(), site.url(&site.page))];
    let browser = environment(&["playwright==1.65.2"]).await;
    assert_eq!(site.running.python_with(&browser, &variables, script).await, "done\n");
}
