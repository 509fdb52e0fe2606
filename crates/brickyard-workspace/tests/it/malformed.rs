use brickyard_workspace::endpoints;
use reqwest::{Method, RequestBuilder};
use serde_json::Value;

use crate::harness::{DEVELOPER, start};

/// What browsers are led to.
const PAGES: [&str; 2] = ["/oidc/v1/authorize", "/embed/callback"];

/// What no client should send is refused by every endpoint in a shape that clients read: an object that says what is wrong,
/// never plain text and never a fault of ours.
#[tokio::test(flavor = "multi_thread")]
async fn malformed_requests_are_refused_as_the_platform_refuses() {
    let running = start().await;
    let token = running.handle.create_personal_access_token(DEVELOPER).unwrap();
    let http = brickyard_api::http_client(false).unwrap();
    let mut plain = Vec::new();
    for endpoint in endpoints() {
        // Words in place of what the path leaves open; a byte that is no UTF-8; a number where none fits.
        for filled in ["x", "%FF", "-1"] {
            let path = fill(endpoint.path, filled);
            let url = format!("{}{path}", running.handle.http_url());
            let method = Method::from_bytes(endpoint.method.as_bytes()).unwrap();
            let request = |url: &str| http.request(method.clone(), url).bearer_auth(&token);
            let json = |request: RequestBuilder, text: &'static str| {
                request.header("Content-Type", "application/json").body(text)
            };
            let asked = [
                ("half a document", json(request(&url), "{\"a\": ")),
                ("a list", json(request(&url), "[1, 2]")),
                (
                    "no UTF-8",
                    request(&url).header("Content-Type", "application/json").body(b"\xff\xfe".to_vec()),
                ),
                ("no type", request(&url).body("{}")),
                ("a wrong type", request(&url).header("Content-Type", "text/csv").body("a,b")),
                (
                    "a broken form",
                    request(&url).header("Content-Type", "multipart/form-data; boundary=x").body("--x\r\n"),
                ),
                (
                    "numbers that are none",
                    request(&format!("{url}?page_size=x&max_results=x&limit=x&overwrite=x&path=%FF")),
                ),
            ];
            for (about, request) in asked {
                let answer = request.send().await.unwrap();
                let status = answer.status();
                let kind = answer.headers().get("content-type").cloned();
                let kind = kind.as_ref().and_then(|kind| kind.to_str().ok()).unwrap_or_default().to_owned();
                let fault = status.is_server_error() && status != 501;
                let told = match endpoint.method {
                    "HEAD" => kind.contains("json"),
                    _ if PAGES.contains(&endpoint.path) => kind.contains("html"),
                    _ => tells(&kind, &answer.bytes().await.unwrap()),
                };
                if fault || status.is_client_error() && !told {
                    plain.push(format!("{} {path}: {about}: {status} {kind}", endpoint.method));
                }
            }
        }
    }
    assert!(plain.is_empty(), "{} answers:\n{}", plain.len(), plain.join("\n"));
}

/// Whether an answer is an object that says what is wrong: the REST API's, SCIM's, OAuth's or JSON-RPC's.
fn tells(kind: &str, body: &[u8]) -> bool {
    let Ok(answer) = serde_json::from_slice::<Value>(body) else { return false };
    kind.contains("json") && ["message", "detail", "error"].iter().any(|field| !answer[field].is_null())
}

/// A path whose `{placeholders}` are filled with a word.
fn fill(path: &str, word: &str) -> String {
    let mut filled = String::new();
    let mut rest = path;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        filled.push_str(word);
        rest = after.split_once('}').map_or("", |(_, after)| after);
    }
    filled + rest
}
