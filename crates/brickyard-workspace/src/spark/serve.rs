mod configure;

use std::sync::Arc;

use arrow_array::RecordBatch;
use axum::extract::{Path, State};
use axum::response::Response;
use bytes::Bytes;
use http::HeaderMap;
use uuid::Uuid;

use brickyard_sql::{Body, parse};

use super::answer::{single, stream, unframed};
use super::clusters;
use super::plan::{Queries, refused, relation, statement};
use super::sessions::SparkSession;
use super::wire::{Field, Malformed, fields, last, put};
use crate::caller::Caller;
use crate::error::ApiError;
use crate::warehouse::{Fault, Keep, Part, Scene, Statement, execute, write_stream};
use crate::workspace::Workspace;

/// Configuration that changes how the engine works and that a client may change.
const PASSED: [&str; 2] = ["spark.sql.session.timeZone", "spark.sql.ansi.enabled"];

/// Rows that a command's answer holds.
const MOST_ROWS: usize = 100_000;

/// A call of the service, whichever it is.
pub(super) async fn call(
    State(workspace): State<Workspace>,
    caller: Caller,
    Path(method): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, ApiError> {
    if let Some(cluster) = headers.get("x-databricks-cluster-id") {
        clusters::check(&workspace, &caller, cluster.to_str().unwrap_or_default())?;
    }
    let begun = (|| {
        let message = unframed(&body)?;
        let request = fields(message)?;
        let id = last(&request, 1).ok_or(Malformed)?.text()?;
        let session = workspace.spark().session(&workspace, &caller, id)?;
        Ok::<_, Fault>((request, session))
    })();
    let (request, session) = match begun {
        Ok(begun) => begun,
        Err(fault) => return Ok(single(Err(fault))),
    };
    Ok(match method.as_str() {
        "ExecutePlan" => match carry_out(&workspace, &session, &request).await {
            Ok(response) => response,
            Err(fault) => single(Err(fault)),
        },
        "AnalyzePlan" => single(analyze(&workspace, &session, &request).await),
        "Config" => single(configure::configure(&workspace, &session, &request).await),
        "ReleaseExecute" => {
            let mut answer = beginning(&session, 3);
            if let Some(operation) = last(&request, 3) {
                put(&mut answer, 2, operation.content);
            }
            single(Ok(answer))
        }
        "Interrupt" => single(interrupt(&session, &request).await),
        "ReleaseSession" => {
            workspace.spark().close(&caller, &session.id);
            single(Ok(beginning(&session, 2)))
        }
        other => single(Err(Fault::new(
            "UNSUPPORTED_CONNECT_METHOD",
            "0A000",
            format_args!("The local workspace does not implement {} of Spark Connect.", other.escape_debug()),
        ))),
    })
}

/// The first fields of an answer: the client's session and ours, which has this number.
fn beginning(session: &SparkSession, server: u32) -> Vec<u8> {
    let mut answer = Vec::new();
    put(&mut answer, 1, session.id.as_bytes());
    put(&mut answer, server, session.server.as_bytes());
    answer
}

/// The queries of one plan, authorized for the caller.
struct Authorized<'a> {
    scene: Scene<'a>,
    parts: Vec<Part>,
}

impl Queries for Authorized<'_> {
    fn query(&mut self, sql: &str) -> Result<String, Fault> {
        let part = self.scene.part(sql)?;
        let text = part.sql().to_owned();
        self.parts.push(part);
        Ok(text)
    }

    fn expression(&mut self, sql: &str) -> Result<(), Fault> {
        let statement = parse(&format!("SELECT {sql}"))?;
        let touched = brickyard_sql::references(&statement)?;
        if !matches!(statement.body, Body::Query(_)) || !touched.is_empty() {
            return Err(refused("an expression that reads a table or calls a function of the catalog"));
        }
        Ok(())
    }
}

async fn carry_out(
    workspace: &Workspace,
    session: &Arc<SparkSession>,
    request: &[Field<'_>],
) -> Result<Response, Fault> {
    let plan = fields(last(request, 3).ok_or(Malformed)?.content)?;
    let operation =
        last(request, 6).and_then(|field| field.text().ok()).and_then(|id| Uuid::parse_str(id).ok());
    let operation = operation.unwrap_or_else(Uuid::new_v4);
    if let Some(command) = last(&plan, 2) {
        let relation = command_answer(workspace, session, operation, command.content).await?;
        let mut result = Vec::new();
        put(&mut result, 1, &relation);
        let mut answer = response(session, operation);
        put(&mut answer, 5, &result);
        let items = [Ok(answer), Ok(complete(session, operation)), Err(None)];
        return Ok(stream(futures_util::stream::iter(items)));
    }
    let root = last(&plan, 1).ok_or_else(|| refused("a compressed plan"))?;
    let scene = Scene::new(workspace, &session.session, operation)?;
    let mut authorized = Authorized { scene, parts: Vec::new() };
    let rewritten = relation(root.content, &mut authorized, 0)?;
    let held = authorized.scene.ready(&authorized.parts).await?;
    let mut message = Vec::new();
    put(&mut message, 1, &rewritten);
    let engine = session.session.engine(workspace).await?;
    let result = engine.execute_plan(operation, message.into()).await?;
    let session = Arc::clone(session);
    let state = (Some(result), held, session, false);
    let items = futures_util::stream::unfold(state, move |(result, held, session, over)| async move {
        let Some(mut result) = result else {
            return (!over).then_some((Err(None), (None, held, session, true)));
        };
        Some(match result.next().await {
            Ok(Some(message)) => match relabelled(&session, operation, &message) {
                Ok(Some(message)) => (Ok(message), (Some(result), held, session, false)),
                // The engine's own end: ours comes with the end of its answers.
                Ok(None) => (Ok(response(&session, operation)), (Some(result), held, session, false)),
                Err(_) => (Err(Some(Malformed.into())), (None, Keep::default(), session, true)),
            },
            Ok(None) => (Ok(complete(&session, operation)), (None, held, session, false)),
            Err(error) => (Err(Some(error.into())), (None, Keep::default(), session, true)),
        })
    });
    Ok(stream(items))
}

/// The first fields of an answer to a plan.
fn response(session: &SparkSession, operation: Uuid) -> Vec<u8> {
    let mut answer = beginning(session, 15);
    put(&mut answer, 12, operation.to_string().as_bytes());
    put(&mut answer, 13, Uuid::new_v4().to_string().as_bytes());
    answer
}

/// The last answer to a plan.
fn complete(session: &SparkSession, operation: Uuid) -> Vec<u8> {
    let mut answer = response(session, operation);
    put(&mut answer, 14, b"");
    answer
}

/// An answer of the engine under the client's session; `None` for the one that ends them.
fn relabelled(session: &SparkSession, operation: Uuid, message: &[u8]) -> Result<Option<Vec<u8>>, Malformed> {
    let mut answer = response(session, operation);
    let parts = fields(message)?;
    if last(&parts, 14).is_some() {
        return Ok(None);
    }
    for field in parts.iter().filter(|field| ![1, 12, 13, 15].contains(&field.number)) {
        answer.extend_from_slice(field.whole);
    }
    Ok(Some(answer))
}

/// What `spark.sql` gives: the query itself, or the rows of a command that has been carried out; as a relation.
async fn command_answer(
    workspace: &Workspace,
    session: &SparkSession,
    operation: Uuid,
    command: &[u8],
) -> Result<Vec<u8>, Fault> {
    let parts = fields(command)?;
    let Some(sql) = last(&parts, 5) else {
        return Err(refused(match parts.first().map(|field| field.number) {
            Some(2 | 4) => "DataFrame.write; INSERT and CREATE TABLE AS SELECT work in spark.sql, and",
            Some(3) => "temporary views of data frames",
            Some(1 | 10 | 12) => "registered Python functions",
            Some(6 | 7 | 9 | 11) => "streams",
            _ => "this command",
        }));
    };
    let sql = fields(sql.content)?;
    let text = match last(&sql, 6) {
        Some(input) => {
            let query = fields(last(&fields(input.content)?, 10).ok_or(Malformed)?.content)?;
            if query.iter().any(|field| field.number != 1) {
                return Err(refused("parameters of spark.sql"));
            }
            last(&query, 1).ok_or(Malformed)?.text()?.to_owned()
        }
        None if sql.iter().any(|field| field.number != 1) => return Err(refused("parameters of spark.sql")),
        None => last(&sql, 1).ok_or(Malformed)?.text()?.to_owned(),
    };
    let mut relation = Vec::new();
    if matches!(parse(&text)?.body, Body::Query(_)) {
        // Refused at once, as Spark does, and run when its rows are asked for.
        Scene::new(workspace, &session.session, operation)?.part(&text)?;
        put(&mut relation, 10, &statement(&text));
        return Ok(relation);
    }
    let statement = Statement { text, ..Statement::default() };
    let mut outcome = execute(workspace, &session.session, operation, statement).await?;
    let schema = outcome.schema.clone();
    let mut batches: Vec<RecordBatch> = Vec::new();
    let mut rows = 0;
    while let Some(batch) = outcome.next().await? {
        for part in batch.decode()? {
            rows += part.num_rows();
            batches.push(part);
        }
        if rows > MOST_ROWS {
            return Err(refused("a command that gives more than 100000 rows"));
        }
    }
    let mut local = Vec::new();
    put(&mut local, 1, &write_stream(&schema, &batches)?);
    put(&mut relation, 11, &local);
    Ok(relation)
}

async fn analyze(
    workspace: &Workspace,
    session: &SparkSession,
    request: &[Field<'_>],
) -> Result<Vec<u8>, Fault> {
    let asked = request.iter().find(|field| (4..=18).contains(&field.number) && field.number != 17);
    let asked = asked.ok_or(Malformed)?;
    let mut answer = beginning(session, 15);
    match asked.number {
        10 => {
            let mut version = Vec::new();
            put(&mut version, 1, b"4.1.0");
            put(&mut version, 800, clusters::VERSION.as_bytes());
            put(&mut answer, 8, &version);
            return Ok(answer);
        }
        // Nothing is kept between statements here, so there is nothing to keep or to let go.
        14 | 15 => {
            put(&mut answer, asked.number - 2, b"");
            return Ok(answer);
        }
        4 | 5 | 6 | 7 | 8 | 13 => {}
        11 | 18 => {
            let mut rest = Vec::new();
            rest.extend_from_slice(asked.whole);
            let engine = session.session.engine(workspace).await?;
            return Ok(joined(answer, &engine.analyze_plan(&rest).await?)?);
        }
        other => return Err(refused(format_args!("the question {other} about a plan"))),
    }
    let parts = fields(asked.content)?;
    let plan = fields(last(&parts, 1).ok_or(Malformed)?.content)?;
    let root = last(&plan, 1).ok_or_else(|| refused("questions about a command"))?;
    let scene = Scene::new(workspace, &session.session, Uuid::new_v4())?;
    let mut authorized = Authorized { scene, parts: Vec::new() };
    let rewritten = relation(root.content, &mut authorized, 0)?;
    let _held = authorized.scene.ready(&authorized.parts).await?;
    let (mut plan, mut question, mut rest) = (Vec::new(), Vec::new(), Vec::new());
    put(&mut plan, 1, &rewritten);
    put(&mut question, 1, &plan);
    for field in parts.iter().filter(|field| field.number != 1) {
        question.extend_from_slice(field.whole);
    }
    put(&mut rest, asked.number, &question);
    let engine = session.session.engine(workspace).await?;
    let found = engine.analyze_plan(&rest).await?;
    Ok(joined(answer, &found)?)
}

/// An answer of the engine behind the fields of ours.
fn joined(mut answer: Vec<u8>, engine: &[u8]) -> Result<Vec<u8>, Malformed> {
    for field in fields(engine)?.iter().filter(|field| ![1, 15].contains(&field.number)) {
        answer.extend_from_slice(field.whole);
    }
    Ok(answer)
}

/// What the engine has for a key; `how` is the number of the question, which says whether a missing key is a fault.
async fn ask(
    workspace: &Workspace,
    session: &SparkSession,
    how: u32,
    key: &str,
) -> Result<Option<String>, Fault> {
    let (mut keys, mut operation, mut rest) = (Vec::new(), Vec::new(), Vec::new());
    put(&mut keys, 1, key.as_bytes());
    put(&mut operation, how, &keys);
    put(&mut rest, 3, &operation);
    let engine = session.session.engine(workspace).await?;
    let answer = engine.read_configuration(&rest).await?;
    let found = fields(&answer)?;
    let Some(pair) = last(&found, 2) else { return Ok(None) };
    let pair = fields(pair.content)?;
    Ok(last(&pair, 2).map(|value| value.text().map(str::to_owned)).transpose()?)
}

async fn interrupt(session: &SparkSession, request: &[Field<'_>]) -> Result<Vec<u8>, Fault> {
    let mut answer = beginning(session, 3);
    let Some(id) = last(request, 6) else { return Err(refused("interrupting all operations of a session")) };
    if let (Ok(operation), Some(engine)) = (Uuid::parse_str(id.text()?), session.session.opened_engine()) {
        engine.cancel(operation).await?;
        put(&mut answer, 2, id.content);
    }
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spark::wire::put_number;

    #[test]
    fn the_engines_end_is_not_the_clients() {
        let mut message = Vec::new();
        put(&mut message, 1, b"engine");
        put(&mut message, 14, b"");
        put_number(&mut message, 3, 7);
        assert!(last(&fields(&message).unwrap(), 14).is_some());
    }
}
