use brickyard_api::{ApiFailure, Client};
use bytes::Bytes;
use http::Method;
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::failure::Failure;

/// What one step of the scenario came to, with nothing in it that tells whose workspace it was.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Outcome {
    /// Name of the step.
    pub(crate) step: &'static str,
    /// `ok`, or status and error code.
    pub(crate) result: String,
    /// Shape of the answer: fields with their types, and values that belong to closed sets.
    pub(crate) shape: Value,
}

/// Takes an app and files through their life, good and bad, and cleans up behind itself.
pub(crate) async fn play(client: &Client, name: &str) -> Result<Vec<Outcome>, Failure> {
    let me = client.me().await?;
    let folder = format!("/Users/{}/.{name}", me.user_name);
    let words = [me.user_name.as_str(), name, client.base()];
    let mut outcomes = Vec::new();
    let app = format!("/api/2.0/apps/{name}");
    let steps: Vec<(&'static str, Method, String, Value)> = vec![
        ("me", Method::GET, "/api/2.0/preview/scim/v2/Me".into(), Value::Null),
        ("app missing", Method::GET, app.clone(), Value::Null),
        ("app name refused", Method::POST, "/api/2.0/apps".into(), json!({ "name": "Not_Valid" })),
        (
            "app create",
            Method::POST,
            "/api/2.0/apps?no_compute=true".into(),
            json!({ "name": name, "description": "one" }),
        ),
        ("app create again", Method::POST, "/api/2.0/apps?no_compute=true".into(), json!({ "name": name })),
        ("app get", Method::GET, app.clone(), Value::Null),
        ("app patch", Method::PATCH, app.clone(), json!({ "name": name, "description": "two" })),
        ("app update none", Method::GET, format!("{app}/update"), Value::Null),
        ("app deployments none", Method::GET, format!("{app}/deployments"), Value::Null),
        ("app deployment missing", Method::GET, format!("{app}/deployments/none"), Value::Null),
        (
            "app deploy while stopped",
            Method::POST,
            format!("{app}/deployments"),
            json!({ "source_code_path": "/Workspace/Users" }),
        ),
        (
            "app permission levels",
            Method::GET,
            format!("/api/2.0/permissions/apps/{name}/permissionLevels"),
            Value::Null,
        ),
        ("app permissions", Method::GET, format!("/api/2.0/permissions/apps/{name}"), Value::Null),
        (
            "app scope refused",
            Method::PATCH,
            app.clone(),
            json!({ "name": name, "user_api_scopes": ["all-apis"] }),
        ),
        (
            "app resource missing",
            Method::PATCH,
            app.clone(),
            json!({ "name": name, "resources": [
                { "name": "k", "secret": { "scope": name, "key": "none", "permission": "READ" } },
            ] }),
        ),
        ("app page refused", Method::GET, "/api/2.0/apps?page_size=-1".into(), Value::Null),
        (
            "app update of nothing",
            Method::POST,
            format!("{app}/update"),
            json!({ "update_mask": "", "app": { "name": name } }),
        ),
        (
            "folder make",
            Method::POST,
            "/api/2.0/workspace/mkdirs".into(),
            json!({ "path": format!("{folder}/a") }),
        ),
        ("folder status", Method::GET, format!("/api/2.0/workspace/get-status?path={folder}"), Value::Null),
        (
            "file import",
            Method::POST,
            format!("/api/2.0/workspace-files/import-file{folder}/a/one.txt?overwrite=false"),
            json!("one"),
        ),
        (
            "file import again",
            Method::POST,
            format!("/api/2.0/workspace-files/import-file{folder}/a/one.txt?overwrite=false"),
            json!("two"),
        ),
        (
            "file without folder",
            Method::POST,
            format!("/api/2.0/workspace-files/import-file{folder}/none/one.txt?overwrite=false"),
            json!("x"),
        ),
        (
            "file status",
            Method::GET,
            format!("/api/2.0/workspace/get-status?path={folder}/a/one.txt"),
            Value::Null,
        ),
        (
            "file export",
            Method::GET,
            format!("/api/2.0/workspace/export?path={folder}/a/one.txt&format=AUTO"),
            Value::Null,
        ),
        (
            "notebook import",
            Method::POST,
            format!("/api/2.0/workspace-files/import-file{folder}/n.py?overwrite=true"),
            json!("# Databricks notebook source\nprint(1)"),
        ),
        (
            "notebook under its name",
            Method::GET,
            format!("/api/2.0/workspace/get-status?path={folder}/n"),
            Value::Null,
        ),
        (
            "notebook with its ending",
            Method::GET,
            format!("/api/2.0/workspace/get-status?path={folder}/n.py"),
            Value::Null,
        ),
        ("folder list", Method::GET, format!("/api/2.0/workspace/list?path={folder}"), Value::Null),
        (
            "folder delete refused",
            Method::POST,
            "/api/2.0/workspace/delete".into(),
            json!({ "path": folder, "recursive": false }),
        ),
        (
            "folder delete",
            Method::POST,
            "/api/2.0/workspace/delete".into(),
            json!({ "path": folder, "recursive": true }),
        ),
        ("folder gone", Method::GET, format!("/api/2.0/workspace/get-status?path={folder}"), Value::Null),
        ("warehouses", Method::GET, "/api/2.0/sql/warehouses".into(), Value::Null),
        ("unknown endpoint", Method::GET, "/api/2.0/no-such-thing".into(), Value::Null),
        ("app delete", Method::DELETE, app.clone(), Value::Null),
        ("app delete again", Method::DELETE, app, Value::Null),
    ];
    for (step, method, path, body) in steps {
        outcomes.push(one(client, step, method, &path, &body, &words).await?);
    }
    Ok(outcomes)
}

async fn one(
    client: &Client,
    step: &'static str,
    method: Method,
    path: &str,
    body: &Value,
    words: &[&str],
) -> Result<Outcome, Failure> {
    let answer = match body {
        Value::Null => client.call(method, path, None).await,
        // A file's bytes.
        Value::String(text) => client.send_bytes(method, path, &[], Bytes::from(text.clone())).await,
        body => client.call(method, path, Some(body)).await,
    };
    Ok(match answer {
        Ok(bytes) => {
            let value: Value = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
            Outcome { step, result: "ok".to_owned(), shape: shape(&value) }
        }
        Err(ApiFailure::Refused { status, code, message }) => Outcome {
            step,
            result: format!("{} {code}", status.as_u16()),
            shape: json!({ "message": redact(&message, words) }),
        },
        Err(failure) => return Err(failure.into()),
    })
}

/// Fields and types of an answer; words in capitals are values of closed sets and stay.
fn shape(value: &Value) -> Value {
    match value {
        Value::Null => json!("null"),
        Value::Bool(_) => json!("boolean"),
        Value::Number(_) => json!("number"),
        Value::String(text) => {
            let closed = text.len() > 2 && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_');
            json!(if closed { text.as_str() } else { "text" })
        }
        // One entry tells what all of them look like.
        Value::Array(items) => json!(items.first().map(shape).into_iter().collect::<Vec<_>>()),
        Value::Object(fields) => {
            let mut sorted: Vec<(&String, &Value)> = fields.iter().collect();
            sorted.sort_by_key(|(name, _)| name.as_str());
            Value::Object(
                sorted.into_iter().map(|(name, value)| (name.clone(), shape(value))).collect::<Map<_, _>>(),
            )
        }
    }
}

/// A message without names, addresses and numbers.
fn redact(message: &str, words: &[&str]) -> String {
    let mut text = message.to_owned();
    for (word, stand_in) in words.iter().zip(["<user>", "<app>", "<workspace>"]) {
        text = text.replace(word, stand_in);
    }
    text.split(' ')
        .map(|word| {
            let digits = word.bytes().filter(u8::is_ascii_digit).count();
            if digits >= 6 || word.contains('@') || word.contains("://") { "<…>" } else { word }
        })
        .collect::<Vec<_>>()
        .join(" ")
}

/// The steps that came out differently, first ours, then theirs.
pub(crate) fn differences<'a>(ours: &'a [Outcome], theirs: &'a [Outcome]) -> Vec<(&'a Outcome, &'a Outcome)> {
    ours.iter().zip(theirs).filter(|(ours, theirs)| ours != theirs).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_names_nobody() {
        let words = ["ada@example.com", "brickyard-parity-1", "https://w.test"];
        let told =
            redact("ada@example.com may not see brickyard-parity-1 at https://w.test id 12345678", &words);
        assert_eq!(told, "<user> may not see <app> at <workspace> id <…>");
        let value = json!({ "b": "ada@example.com", "a": [{ "state": "ACTIVE", "n": 1 }, {}] });
        assert_eq!(shape(&value), json!({ "a": [{ "n": "number", "state": "ACTIVE" }], "b": "text" }));
    }
}
