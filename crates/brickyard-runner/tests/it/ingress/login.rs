//! Who is let in, and as whom.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use brickyard_runner::ingress::{IngressConfig, SignIn};
use serde_json::Value;

use super::authority::FakeAuthority;
use super::door::{Door, as_alice, client, open, open_with, seen};

/// A browser: keeps cookies, follows nothing by itself.
#[derive(Default)]
struct Browser(HashMap<String, String>);

impl Browser {
    async fn get(&mut self, door: &Door, path: &str) -> reqwest::Response {
        let cookies =
            self.0.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ");
        let answer = client().get(door.url(path)).header("cookie", cookies).send().await.unwrap();
        for cookie in answer.headers().get_all("set-cookie") {
            let cookie = cookie.to_str().unwrap();
            assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"), "{cookie}");
            let (name, value) = cookie.split(';').next().unwrap().split_once('=').unwrap();
            if cookie.contains("Max-Age=0") {
                self.0.remove(name);
            } else {
                self.0.insert(name.into(), value.into());
            }
        }
        answer
    }

    /// Who the app takes us for.
    async fn who(&mut self, door: &Door) -> String {
        // As the page of a dashboard leaves it, which knows no ports either.
        self.0.insert("brickyard_dashboards_1".into(), "secret".into());
        let answer: Value = self.get(door, "/who").await.json().await.unwrap();
        for name in ["databricksapps-", "brickyard_dashboards_"] {
            assert!(!answer.to_string().contains(name), "the app sees our cookie: {answer}");
        }
        seen(&answer["headers"], "x-forwarded-email").join(",")
    }
}

fn location(answer: &reqwest::Response) -> url::Url {
    let base = url::Url::parse("http://127.0.0.1/").unwrap();
    base.join(answer.headers()["location"].to_str().unwrap()).unwrap()
}

fn parameter(url: &url::Url, name: &str) -> String {
    url.query_pairs().find(|(found, _)| found == name).unwrap().1.into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_signs_in_switches_and_signs_out() {
    let door = open(SignIn::Browser, IngressConfig::default()).await;
    let mut browser = Browser::default();
    let answer = browser.get(&door, "/deep/page?x=1").await;
    assert_eq!(answer.status(), 302);
    let authorize = location(&answer);
    assert_eq!(parameter(&authorize, "redirect_uri"), door.url("/.auth/callback"));

    let callback = format!("/.auth/callback?code=alice&state={}", parameter(&authorize, "state"));
    // Another browser cannot finish it, and neither can a second use.
    let answer = browser.get(&door, &callback).await;
    assert_eq!((answer.status().as_u16(), location(&answer).path()), (302, "/deep/page"));
    assert_eq!(browser.who(&door).await, "alice@example.com");
    assert_eq!(browser.get(&door, &callback).await.status(), 403);

    let answer = browser.get(&door, "/.auth/sign-in?to=/").await;
    assert_eq!(parameter(&location(&answer), "choose"), "yes");
    let callback = format!("/.auth/callback?code=bob&state={}", parameter(&location(&answer), "state"));
    assert_eq!(Browser::default().get(&door, &callback).await.status(), 403);
    let answer = browser.get(&door, "/.auth/sign-in?to=/").await;
    let callback = format!("/.auth/callback?code=bob&state={}", parameter(&location(&answer), "state"));
    assert_eq!(browser.get(&door, &callback).await.status(), 302);
    assert_eq!(browser.who(&door).await, "bob@example.com");

    let stolen = browser.0.clone();
    assert_eq!(browser.get(&door, "/.auth/sign-out").await.status(), 200);
    assert_eq!(browser.get(&door, "/who").await.status(), 302);
    assert_eq!(Browser(stolen).get(&door, "/who").await.status(), 302);
    door.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forged_cookie_opens_nothing() {
    let door = open(SignIn::Browser, IngressConfig::default()).await;
    let name = format!("databricksapps-my-app-{}", door.served.port);
    for value in ["x", "x.y", "..", "AAAA.AAAA"] {
        let mut browser = Browser(HashMap::from([(name.clone(), value.to_owned())]));
        assert_eq!(browser.get(&door, "/").await.status(), 302, "{value}");
    }
    door.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_apps_cookie_opens_nothing() {
    let (mine, other) = tokio::join!(
        open(SignIn::Browser, IngressConfig::default()),
        open(SignIn::Browser, IngressConfig::default())
    );
    let mut browser = Browser::default();
    let authorize = location(&browser.get(&mine, "/").await);
    let callback = format!("/.auth/callback?code=alice&state={}", parameter(&authorize, "state"));
    assert_eq!(browser.get(&mine, &callback).await.status(), 302);
    assert_eq!(browser.who(&mine).await, "alice@example.com");
    let name = |door: &Door| format!("databricksapps-my-app-{}", door.served.port);
    let stolen = browser.0[&name(&mine)].clone();
    // As it was sent, and under the name the other app looks for.
    for cookie in [name(&mine), name(&other)] {
        let mut thief = Browser(HashMap::from([(cookie, stolen.clone())]));
        assert_eq!(thief.get(&other, "/who").await.status(), 302);
    }
    // Nor is a sign-in of one app finished at another.
    let authorize = location(&browser.get(&mine, "/.auth/sign-in?to=/").await);
    let callback = format!("/.auth/callback?code=alice&state={}", parameter(&authorize, "state"));
    assert_eq!(browser.get(&other, &callback).await.status(), 403);
    mine.close().await;
    other.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_are_renewed_by_the_workspaces_clock() {
    let authority = FakeAuthority::default();
    let ahead = Arc::clone(&authority.ahead);
    let door = open_with(as_alice(), IngressConfig::default(), authority, include_str!("../app.py")).await;
    let mut tokens = Vec::new();
    for seconds in [0, 3000, 3500, 7200] {
        ahead.store(seconds, std::sync::atomic::Ordering::SeqCst);
        let answer: Value = door.get("/").await.json().await.unwrap();
        tokens.extend(seen(&answer["headers"], "x-forwarded-access-token"));
    }
    assert_eq!(tokens, ["token-alice-0", "token-alice-0", "token-alice-1", "token-alice-2"]);
    door.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bearer_tokens_count_below_api_and_where_agents_answer() {
    let door = open(SignIn::Browser, IngressConfig::default()).await;
    let with = |path: &str, token: &str| client().get(door.url(path)).bearer_auth(token).send();
    let answer = with("/api/x", "good").await.unwrap();
    assert_eq!(answer.status(), 200);
    let answer: Value = answer.json().await.unwrap();
    assert_eq!(seen(&answer["headers"], "x-forwarded-user"), ["robot-id@42"]);
    assert_eq!(seen(&answer["headers"], "x-forwarded-email"), Vec::<String>::new());
    assert_eq!(seen(&answer["headers"], "authorization"), Vec::<String>::new());
    assert_eq!(with("/api/x", "bad").await.unwrap().status(), 401);
    assert_eq!(with("/api/x", "barred").await.unwrap().status(), 403);
    for path in ["/responses", "/responses/1", "/invocations", "/mcp", "/mcp/", "/mcp/mcp"] {
        assert_eq!(with(path, "good").await.unwrap().status(), 200, "{path}");
        assert_eq!(with(path, "bad").await.unwrap().status(), 302, "{path}");
        assert_eq!(with(path, "barred").await.unwrap().status(), 403, "{path}");
        assert_eq!(door.get(path).await.status(), 302, "{path}");
    }
    for path in ["/", "/response", "/mcpx", "/v1/responses"] {
        assert_eq!(with(path, "good").await.unwrap().status(), 302, "{path}");
    }
    assert_eq!(with("/apiary", "good").await.unwrap().status(), 302);
    let none = door.get("/api/x").await;
    assert_eq!((none.status().as_u16(), none.text().await.unwrap().as_str()), (401, "{}"));
    door.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_are_renewed_before_they_end() {
    let authority = FakeAuthority { life: Duration::ZERO, ..FakeAuthority::default() };
    let door = open_with(as_alice(), IngressConfig::default(), authority, include_str!("../app.py")).await;
    let mut tokens = Vec::new();
    for _ in 0..3 {
        let answer: Value = door.get("/").await.json().await.unwrap();
        tokens.extend(seen(&answer["headers"], "x-forwarded-access-token"));
    }
    // The first was given in the course of its request.
    assert_eq!(tokens, ["token-alice-0", "token-alice-1", "token-alice-2"]);
    door.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn apps_answer_by_name() {
    let door = open(as_alice(), IngressConfig::default()).await;
    let port = door.ingress.named_port().unwrap();
    let get =
        |host: &str| client().get(format!("http://127.0.0.1:{port}/")).header("host", host.to_owned()).send();
    let answer = get(&format!("my-app.localhost:{port}")).await.unwrap();
    assert_eq!(answer.status(), 200);
    let answer: Value = answer.json().await.unwrap();
    assert_eq!(seen(&answer["headers"], "x-forwarded-host"), [format!("my-app.localhost:{port}")]);
    assert_eq!(seen(&answer["headers"], "host"), [format!("localhost:{}", door.app_port)]);
    assert_eq!(get("other.localhost").await.unwrap().status(), 404);
    assert!(get("localhost").await.unwrap().text().await.unwrap().contains("http://my-app.localhost"));
    door.ingress.remove("my-app");
    assert_eq!(get("my-app.localhost").await.unwrap().status(), 404);
    door.close().await;
}
