use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::harness::{TODAY, environment, start};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// Raw `requests` and `httpx` reach `https://$DATABRICKS_HOST`, over HTTP/1.1, with nothing but the variables.
#[tokio::test(flavor = "multi_thread")]
async fn requests_and_httpx_reach_the_workspace_by_name() {
    let (running, environment) = (start().await, environment(TODAY).await);
    let script = r#"
import os, httpx, requests
url = "https://" + os.environ["DATABRICKS_HOST"] + "/api/2.0/not-there"
for client in (requests, httpx):
    answer = client.get(url)
    print(answer.status_code, answer.json()["error_code"])
"#;
    let printed = running.python(&environment, script).await;
    assert_eq!(printed, "501 NOT_IMPLEMENTED\n501 NOT_IMPLEMENTED\n");
}

/// Many clients, the documentation's `curl` and the JDBC driver among them, end paths with a slash.
#[tokio::test(flavor = "multi_thread")]
async fn a_last_slash_means_nothing() {
    let (running, environment) = (start().await, environment(TODAY).await);
    let script = r#"
import requests
from databricks.sdk import WorkspaceClient
config = WorkspaceClient().config
def ask(method, path, **more):
    return requests.request(method, config.host + path, headers=config.authenticate(), **more)
statement = {"statement": "SELECT 1", "warehouse_id": "none"}
for slash in ("", "/"):
    listed = ask("GET", f"/api/2.0/sql/warehouses{slash}")
    refused = ask("POST", f"/api/2.0/sql/statements{slash}", json=statement)
    absent = ask("GET", f"/api/2.0/not-there{slash}")
    print(listed.status_code, refused.status_code, absent.status_code)
"#;
    assert_eq!(running.python(&environment, script).await, "200 404 501\n200 404 501\n");
}

/// `curl` is given either generation of HTTP under the same name and port, and trusts the workspace's own authority.
#[tokio::test(flavor = "multi_thread")]
async fn both_generations_of_http_are_spoken() {
    let running = start().await;
    for (wanted, version) in [("--http1.1", "1.1 401"), ("--http2", "2 401")] {
        let output = tokio::process::Command::new("curl")
            .args(["--silent", "--show-error", "--max-time", "60", "--output", "/dev/null", wanted])
            .args(["--write-out", "%{http_version} %{http_code}", "--proxy", &running.handle.proxy_url()])
            .arg("--cacert")
            .arg(running.handle.ca_certificate())
            .arg(format!("https://{}/api/2.0/preview/scim/v2/Me", running.handle.host()))
            .output()
            .await
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert_eq!(said, version, "{}", String::from_utf8_lossy(&output.stderr));
    }
}

/// Another name is passed through byte by byte, and the workspace's name is not reachable on other ports.
#[tokio::test(flavor = "multi_thread")]
async fn other_names_are_tunnelled_untouched() {
    let running = start().await;
    let echo = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = echo.local_addr().unwrap();
    let server = tokio::spawn(async move {
        let (mut stream, _) = echo.accept().await.unwrap();
        let mut bytes = [0; 4];
        stream.read_exact(&mut bytes).await.unwrap();
        stream.write_all(&bytes).await.unwrap();
    });
    let mut client = connect(&running.handle.proxy_url());
    // The client does not wait for the answer before it sends.
    write!(client, "CONNECT {address} HTTP/1.1\r\n\r\n\x00\x01\x02\x03").unwrap();
    let mut answer = String::new();
    let mut bytes = [0; 1];
    while !answer.ends_with("\r\n\r\n") {
        client.read_exact(&mut bytes).unwrap();
        answer.push(bytes[0].into());
    }
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    let mut echoed = [0; 4];
    client.read_exact(&mut echoed).unwrap();
    assert_eq!(echoed, [0, 1, 2, 3]);
    server.await.unwrap();

    let host = running.handle.host();
    assert!(
        ask(&running.handle.proxy_url(), &format!("CONNECT {host}:80 HTTP/1.1")).starts_with("HTTP/1.1 502 ")
    );
}

/// The proxy forwards no plain requests, so that no web page can use it.
#[tokio::test(flavor = "multi_thread")]
async fn the_proxy_serves_connect_alone() {
    let running = start().await;
    for line in ["GET http://127.0.0.1/ HTTP/1.1", "GET / HTTP/1.1", "POST / HTTP/1.1"] {
        let answer = ask(&running.handle.proxy_url(), line);
        assert!(answer.starts_with("HTTP/1.1 405 "), "{line}: {answer}");
    }
}

/// A page that made its own name point to loopback is turned away by the name it sends.
#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_host_header_is_refused() {
    let running = start().await;
    let url = running.handle.http_url();
    let answer = ask(&url, "GET /oidc/jwks HTTP/1.1\r\nHost: evil.example");
    assert!(answer.starts_with("HTTP/1.1 421 "), "{answer}");
}

fn connect(url: &str) -> TcpStream {
    let stream = TcpStream::connect(url.strip_prefix("http://").unwrap()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    stream
}

fn ask(url: &str, head: &str) -> String {
    let mut stream = connect(url);
    write!(stream, "{head}\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer);
    answer
}
