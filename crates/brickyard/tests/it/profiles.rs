//! Which workspace a target is and who signs in: the same as the official SDK makes of files and variables.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use super::harness::{Home, text};
use brickyard_testing::python_environment;

/// A workspace that has no apps and remembers what its apps were asked for with.
struct Asked {
    url: String,
    with: Arc<Mutex<Vec<String>>>,
}

impl Asked {
    fn listen() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let with = Arc::<Mutex<Vec<String>>>::default();
        let seen = Arc::clone(&with);
        std::thread::spawn(move || {
            for mut connection in listener.incoming().map_while(Result::ok) {
                let lines: Vec<String> = BufReader::new(&connection)
                    .lines()
                    .map_while(Result::ok)
                    .take_while(|line| !line.is_empty())
                    .collect();
                if lines.first().is_some_and(|line| line.starts_with("GET /api/2.0/apps")) {
                    let bearer = lines.iter().find(|line| line.to_lowercase().starts_with("authorization:"));
                    seen.lock().unwrap().push(bearer.cloned().unwrap_or_default().to_lowercase());
                }
                let _ = connection.write_all(
                    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}",
                );
            }
        });
        Self { url, with }
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.with.lock().unwrap())
    }
}

const LIST: &str = "
import sys
from databricks.sdk import WorkspaceClient
profile = sys.argv[1]
list((WorkspaceClient() if profile == 'DEFAULT' else WorkspaceClient(profile=profile)).apps.list())
";

/// The configuration file, the profile, and the variables that are set.
type Case<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)]);

#[test]
fn files_and_variables_mean_what_they_mean_to_the_sdk() {
    let home = Home::new();
    let (one, two) = (Asked::listen(), Asked::listen());
    let sdk = python_environment(&["databricks-sdk==0.156.0"]);
    let (first, second) = (one.url.as_str(), two.url.as_str());
    let token = format!("[DEFAULT]\nhost = {first}/\ntoken = dapi1\n");
    let principal = format!("[DEFAULT]\nhost = {first}\nclient_id = x\nclient_secret = y\n");
    let named = format!("{principal}[other]\nHost: {second}/\nToken: dapi2\n");
    let both = format!("[DEFAULT]\nhost = {first}\ntoken = dapi1\nclient_id = x\nclient_secret = y\n");
    let host = ("DATABRICKS_HOST", second);
    let bearer = ("DATABRICKS_TOKEN", "dapi3");
    let cases: [Case; 11] = [
        (&token, "DEFAULT", &[]),
        (&token, "DEFAULT", &[host, bearer]),
        (&principal, "DEFAULT", &[host, bearer]),
        ("", "DEFAULT", &[host, bearer]),
        (&token, "DEFAULT", &[host]),
        (&token, "DEFAULT", &[bearer]),
        (&token, "DEFAULT", &[("DATABRICKS_HOST", ""), ("DATABRICKS_TOKEN", "")]),
        (&named, "other", &[]),
        (&named, "nobody", &[]),
        (&both, "DEFAULT", &[]),
        (&both, "DEFAULT", &[("DATABRICKS_AUTH_TYPE", "pat")]),
    ];
    for (file, profile, variables) in cases {
        std::fs::write(home.path().join(".databrickscfg"), file).unwrap();
        let official = std::process::Command::new(sdk.python())
            .args(["-c", LIST, profile])
            .env_clear()
            .env("HOME", home.path())
            .envs(variables.iter().copied())
            .output()
            .unwrap();
        let theirs = (one.take(), two.take());
        let output =
            home.brickyard(&["list", "--target", profile]).envs(variables.iter().copied()).output().unwrap();
        let ours = (one.take(), two.take());
        let about = format!("{profile} {variables:?} of\n{file}\n{}", text(&output.stderr));
        assert_eq!(ours, theirs, "{about}{}", text(&official.stderr));
        assert_eq!(output.status.success(), official.status.success(), "{about}{}", text(&official.stderr));
        if !output.status.success() {
            assert!(output.status.code() == Some(2) && text(&output.stderr).contains("hint: "), "{about}");
        }
    }
}
