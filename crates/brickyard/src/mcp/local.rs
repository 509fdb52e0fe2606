use std::sync::Arc;

use brickyard_project::check::render::{Format, render};
use brickyard_project::new::{Auth, Data, Deploy, Request, Template};
use serde_json::{Value, json};

use super::Server;
use super::call::Call;
use crate::failure::{Failure, Kind};
use crate::ops::{check, environment, new, sql};

/// `create_app`.
pub(super) fn create(server: &Server, call: &Call) -> Result<Value, Failure> {
    let words = call.texts("data");
    if let Some(unknown) = words.iter().find(|word| Data::ALL.iter().all(|data| data.word() != **word)) {
        return Err(Failure::user(format!("`{unknown}` is no `data`")));
    }
    let mut data: Vec<Data> = Data::ALL.iter().copied().filter(|data| words.contains(&data.word())).collect();
    if data.is_empty() {
        data.push(Data::Warehouse);
    }
    let request = Request {
        name: call.needed("name")?.to_owned(),
        template: call.choice("framework", Template::from_word, Template::Streamlit)?,
        data,
        auth: call.choice("auth", Auth::from_word, Auth::App)?,
        deploy: call.choice("deploy", Deploy::from_word, Deploy::Cli)?,
        mock: false,
    };
    let directory = server.settings.absolute(call.needed("directory")?.as_ref());
    let files = new::new(&directory, &request)?;
    Ok(json!({ "name": request.name, "directory": directory, "files": files }))
}

/// `check_app`.
pub(super) fn check(server: &Server, call: &Call) -> Result<Value, Failure> {
    let path = server.settings.absolute(call.needed("path")?.as_ref());
    let request = check::Request { path: &path, select: Vec::new(), ignore: Vec::new(), checklist: false };
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

/// `list_resources`.
pub(super) async fn resources(server: &Server) -> Result<Value, Failure> {
    const KINDS: [(&str, &str); 7] = [
        ("sql_warehouses", "/api/2.0/sql/warehouses"),
        ("serving_endpoints", "/api/2.0/serving-endpoints"),
        ("secret_scopes", "/api/2.0/secrets/scopes/list"),
        ("catalogs", "/api/2.1/unity-catalog/catalogs"),
        ("jobs", "/api/2.2/jobs/list"),
        ("databases", "/api/2.0/database/instances"),
        ("apps", "/api/2.0/apps"),
    ];
    let target = server.target().await?;
    let mut found = serde_json::Map::new();
    for (kind, path) in KINDS {
        let answer: Value = target.client.get(path, &[]).await?;
        // Each list stands alone in its answer, under a name of its own.
        let list =
            answer.as_object().and_then(|fields| fields.values().find(|value| value.is_array()).cloned());
        found.insert(kind.to_owned(), list.unwrap_or_else(|| json!([])));
    }
    Ok(Value::Object(found))
}

/// `app_environment`.
pub(super) async fn environment(server: &Server, call: &Call) -> Result<Value, Failure> {
    let path = server.settings.absolute(call.needed("path")?.as_ref());
    let variables = environment::of_app(&server.settings.beside_apps(), &path, Arc::new(|_| {})).await?;
    Ok(json!({ "variables": variables }))
}
