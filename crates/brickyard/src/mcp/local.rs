use std::sync::Arc;

use brickyard_project::check::render::{Format, render};
use serde_json::{Value, json};

use super::Server;
use super::tool::Call;
use crate::failure::{Failure, Kind};
use crate::ops::{check, environment, sql};

/// `check_app`.
pub(super) fn check(server: &Server, call: &Call) -> Result<Value, Failure> {
    let path = server.settings.absolute(call.needed("path")?.as_ref());
    let request = check::Request { path: &path, select: Vec::new(), ignore: Vec::new() };
    let report = check::check(&request)?;
    let text = render(&report.findings, Format::Json, &path);
    let findings: Value = serde_json::from_str(&text)
        .map_err(|error| Failure::new(Kind::Internal, "The findings are no JSON").because(error))?;
    Ok(json!({ "path": path, "files": report.files, "findings": findings }))
}

/// `explain_rule`.
pub(super) fn rule(call: &Call) -> Result<Value, Failure> {
    let code = call.needed("code")?;
    let rule = brickyard_project::check::rule(code)
        .ok_or_else(|| Failure::user(format!("There is no rule `{code}`")))?;
    Ok(json!({ "code": rule.code, "name": rule.name, "level": rule.level.to_string(), "text": rule.page() }))
}

/// `execute_sql`.
pub(super) async fn sql(server: &Server, call: &Call) -> Result<Value, Failure> {
    let target = server.target().await?;
    let result = sql::execute(&target.client, call.needed("statement")?).await?;
    serde_json::to_value(result)
        .map_err(|error| Failure::new(Kind::Internal, "The result is no JSON").because(error))
}

/// `app_environment`.
pub(super) async fn environment(server: &Server, call: &Call) -> Result<Value, Failure> {
    let path = server.settings.absolute(call.needed("path")?.as_ref());
    let variables = environment::of_app(&server.settings, &path, Arc::new(|_| {})).await?;
    Ok(json!({ "variables": variables }))
}
