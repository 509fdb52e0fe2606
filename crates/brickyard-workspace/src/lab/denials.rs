//! What was denied of late, to whom, and what would allow it: for `brickyard explain-denied` and the log.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use axum::Json;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::StatusCode;
use http::header::AUTHORIZATION;
use serde::Serialize;
use serde_json::{Value, json};

use super::only_admins;
use crate::caller::Caller;
use crate::directory::Principal;
use crate::error::ApiResult;
use crate::workspace::Workspace;

/// Most denials that are remembered.
const MOST: usize = 200;

/// Longest answer that is looked at, in bytes.
const LONGEST: usize = 64 * 1024;

/// One thing that was denied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Denial {
    /// User or service principal.
    principal: String,
    /// Its name for people, `app-1a2b3c NAME` for an app.
    name: String,
    /// What it did: method and path, or `SQL`.
    request: String,
    /// The sentence it got.
    message: String,
    /// The level, privilege or scope that is missing.
    permission: String,
    /// On what: `serving-endpoints/chat`, `TABLE main.default.t`; empty for a scope.
    object: String,
    /// What gives it.
    command: String,
    /// When it was denied last, RFC 3339.
    time: String,
    /// How often.
    count: u32,
}

/// What was denied, the latest last; the same thing twice counts.
#[derive(Default)]
pub(crate) struct Denials {
    kept: Mutex<VecDeque<Denial>>,
}

impl Denials {
    fn add(&self, denial: Denial) -> bool {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let same = |known: &Denial| {
            known.principal == denial.principal
                && known.permission == denial.permission
                && known.object == denial.object
                && known.message == denial.message
        };
        let known = kept.iter().position(same).and_then(|index| kept.remove(index));
        let is_new = known.is_none();
        let count = known.map_or(1, |known| known.count + 1);
        kept.push_back(Denial { count, ..denial });
        while kept.len() > MOST {
            kept.pop_front();
        }
        is_new
    }

    fn all(&self) -> Vec<Denial> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).iter().rev().cloned().collect()
    }
}

impl Workspace {
    /// Remembers that somebody was told `message`, and says in the log, the first time, what would have allowed it.
    pub(crate) fn note_denial(&self, principal: &str, request: &str, message: &str) {
        let Some(missing) = Missing::read(message) else { return };
        let denial = Denial {
            command: missing.command(principal),
            principal: principal.to_owned(),
            name: self.directory().principal(principal).ok().flatten().map_or_else(
                || principal.to_owned(),
                |known| match &known {
                    Principal::User(user) => user.user_name.clone(),
                    Principal::ServicePrincipal(principal) => principal.display_name.clone(),
                },
            ),
            request: request.to_owned(),
            message: message.to_owned(),
            permission: missing.permission,
            object: missing.object,
            time: self.clock().now().to_string(),
            count: 1,
        };
        if self.denials().add(denial.clone()) {
            let Denial { name, permission, object, command, .. } = denial;
            let on = if object.is_empty() { String::new() } else { format!(" on {object}") };
            tracing::warn!(
                principal,
                permission,
                object,
                "Denied: `{name}` has no {permission}{on} ({request}); this gives it: {command}"
            );
        }
    }
}

/// What a refusal's sentence says is missing.
struct Missing {
    permission: String,
    object: String,
}

impl Missing {
    fn read(message: &str) -> Option<Self> {
        let between = |text: &str, start: &str, end: &str| {
            let rest = &text[text.find(start)? + start.len()..];
            Some(rest[..rest.find(end)?].to_owned())
        };
        if let Some((_, scope)) = message.split_once("does not have required scopes: ") {
            return Some(Self { permission: format!("scope {}", scope.trim()), object: String::new() });
        }
        if let Some((_, rest)) = message.split_once(" does not have ") {
            // `… does not have CAN_USE permissions on warehouse 'x'` and `… does not have SELECT on Table 'a.b.c'.`
            let permission = rest.split(" permissions on ").next()?.split(" on ").next()?.to_owned();
            let object = rest.split_once(" on ")?.1;
            let name = between(object, "'", "'").unwrap_or_else(|| object.trim_end_matches('.').to_owned());
            let noun = object.split('\'').next().unwrap_or_default().trim().to_owned();
            let noun = if noun == name { String::new() } else { noun };
            return Some(Self { permission, object: format!("{noun} {name}").trim().to_owned() });
        }
        let object = message.split_once("is not an owner of ")?.1;
        let name = between(object, "'", "'")?;
        let noun = object.split('\'').next().unwrap_or_default().trim();
        Some(Self { permission: "MANAGE".to_owned(), object: format!("{noun} {name}") })
    }

    /// What an admin types to give it.
    fn command(&self, principal: &str) -> String {
        if let Some(scope) = self.permission.strip_prefix("scope ") {
            return format!(
                "add \"{scope}\" to user-api-scopes of [app] in brickyard.toml (or user_api_scopes of the app), then sign in anew"
            );
        }
        let (noun, name) = self.object.rsplit_once(' ').unwrap_or(("", &self.object));
        if let Some(kind) = crate::permissions::kind_of_noun(noun) {
            return format!("brickyard grant {principal} {} {kind}/{name}", self.permission);
        }
        let mut kind = noun.to_uppercase();
        if kind == "ROUTINE" {
            "FUNCTION".clone_into(&mut kind);
        }
        let kind = if kind.is_empty() { "TABLE".to_owned() } else { kind };
        format!("brickyard grant {principal} \"{}\" \"{kind} {name}\"", self.permission)
    }
}

/// Looks at refusals that go out.
pub(crate) async fn note_denials(
    State(workspace): State<Workspace>,
    request: Request,
    next: Next,
) -> Response {
    let what = format!("{} {}", request.method(), request.uri().path());
    let token = request.headers().get(AUTHORIZATION).cloned();
    let response = next.run(request).await;
    if response.status() != StatusCode::FORBIDDEN {
        return response;
    }
    let (parts, body) = response.into_parts();
    let Ok(content) = axum::body::to_bytes(body, LONGEST).await else {
        return Response::from_parts(parts, Body::empty());
    };
    let told: Value = serde_json::from_slice(&content).unwrap_or_default();
    let message = told["message"].as_str().or_else(|| told["detail"].as_str());
    let token = token.as_ref().and_then(|token| token.to_str().ok());
    let token = token.and_then(|token| token.split_once(' ')).map(|(_, token)| token.trim());
    if let (Some(message), Some(caller)) = (message, token.and_then(|token| workspace.caller_of(token).ok()))
    {
        workspace.note_denial(caller.name(), &what, message);
    }
    Response::from_parts(parts, Body::from(content))
}

/// `GET /api/brickyard/denials`: the latest first.
pub(super) async fn list(State(workspace): State<Workspace>, caller: Caller) -> ApiResult<Value> {
    only_admins(&workspace, &caller)?;
    Ok(Json(json!({ "denials": workspace.denials().all() })))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_tell_what_is_missing() {
        for (message, permission, object) in [
            (
                "ada does not have CAN_QUERY permissions on serving endpoint 'chat'",
                "CAN_QUERY",
                "serving endpoint chat",
            ),
            ("User does not have SELECT on Table 'a.b.c'.", "SELECT", "Table a.b.c"),
            (
                "[INSUFFICIENT_PERMISSIONS] User does not have USE SCHEMA on Schema 'a.b'. SQLSTATE: 42501",
                "USE SCHEMA",
                "Schema a.b",
            ),
            ("User is not an owner of Table 'a.b.c'.", "MANAGE", "Table a.b.c"),
            ("Provided OAuth token does not have required scopes: sql", "scope sql", ""),
        ] {
            let missing = Missing::read(message).unwrap();
            assert_eq!(
                (missing.permission.as_str(), missing.object.as_str()),
                (permission, object),
                "{message}"
            );
        }
        assert!(Missing::read("Nobody removes themselves").is_none());
    }
}
