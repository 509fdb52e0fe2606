use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use brickyard_sql::Parameters;
use uuid::Uuid;

use super::fault::Fault;
use super::history::Entry;
use super::operation::Operation;
use super::outcome::Outcome;
use super::scene::Scene;
use super::session::Session;
use crate::workspace::Workspace;

/// A statement as a protocol hands it over.
#[derive(Debug, Clone, Default)]
pub(crate) struct Statement {
    /// The text.
    pub(crate) text: String,
    /// Values for its markers.
    pub(crate) parameters: Parameters,
    /// Configuration for this statement alone.
    pub(crate) configuration: BTreeMap<String, String>,
    /// Seconds it may run; the session's `STATEMENT_TIMEOUT` holds as well.
    pub(crate) timeout: Option<u64>,
    /// Rows it may give.
    pub(crate) row_limit: Option<u64>,
}

/// Longest statement, in bytes.
const LONGEST: usize = 32 * 1024 * 1024;

/// Seconds a statement may run when nobody says otherwise (two days).
const LONGEST_RUN: u64 = 172_800;

/// Time the engine has to take a cancellation.
const INTERRUPT: Duration = Duration::from_secs(5);

/// Runs a statement in the background; its progress and rows are in `operation`.
pub(crate) fn submit(
    workspace: &Workspace,
    session: &Arc<Session>,
    operation: &Arc<Operation>,
    statement: Statement,
) {
    let (workspace, session, operation) = (workspace.clone(), Arc::clone(session), Arc::clone(operation));
    let finished = operation.finished().clone().drop_guard();
    let runs = session.run(&workspace);
    workspace.clone().tracker().spawn(async move {
        let own =
            statement.configuration.iter().find(|(name, _)| name.eq_ignore_ascii_case("statement_timeout"));
        let own = own.and_then(|(_, seconds)| seconds.parse().ok()).filter(|&seconds: &u64| seconds > 0);
        let limits = [statement.timeout, own, session.settings().statement_timeout(), Some(LONGEST_RUN)];
        let limit = limits.into_iter().flatten().min().unwrap_or(LONGEST_RUN);
        let history = workspace.warehouses().history();
        history.begin(
            &workspace,
            Entry {
                id: operation.id,
                text: statement.text.clone(),
                user: session.caller.name().to_owned(),
                user_id: session.caller.principal.id(),
                warehouse: session.warehouse.clone(),
                started: operation.started.as_millisecond(),
                ended: None,
                left: None,
                rows: 0,
                status: "RUNNING".to_owned(),
                error: None,
            },
        );
        let mut running = Box::pin(run(&workspace, &session, &operation, statement));
        let result = tokio::select! {
            biased;
            () = operation.cancellation().cancelled() => Err(Fault::canceled()),
            () = workspace.cancellation().cancelled() => Err(Fault::canceled()),
            () = tokio::time::sleep(Duration::from_secs(limit)) => Err(Fault::timed_out(limit)),
            result = &mut running => result,
        };
        history.end(&workspace, operation.id, &result);
        if let Err(fault) = result {
            // Whoever cancels a statement of a transaction, or does not get its rows, has lost the transaction.
            session.transactions().abort();
            if fault.sql_state == "42501" {
                workspace.note_denial(session.caller.name(), "SQL", &fault.message);
            }
            operation.fail(fault);
            drop(finished);
            // The engine only knows the statement as long as its stream lives: first the interrupt, then the drop.
            if let Some(engine) = session.opened_engine() {
                engine.spoil();
                let interrupted = tokio::time::timeout(INTERRUPT, engine.cancel(operation.id)).await;
                if !matches!(interrupted, Ok(Ok(()))) {
                    tracing::debug!("The engine did not take the cancellation of `{}`", operation.id);
                }
            }
        }
        drop(running);
        let now = workspace.clock().unix_milliseconds();
        session.touch(now);
        workspace.warehouses().touch(&session.warehouse, now);
        drop(runs);
    });
}

async fn run(
    workspace: &Workspace,
    session: &Session,
    operation: &Operation,
    statement: Statement,
) -> Result<u64, Fault> {
    let warehouses = workspace.warehouses();
    let definition = warehouses.get(workspace, &session.warehouse)?;
    let slot = warehouses.admit(workspace, &definition).await?;
    operation.begin();
    let row_limit = statement.row_limit;
    let outcome = execute(workspace, session, operation.id, statement).await?;
    let leave = || {
        warehouses.history().leave(workspace, operation.id);
        drop(slot);
    };
    operation.pump(outcome, row_limit, leave).await
}

/// Carries a statement out: what is ours here, the rest in the engine.
pub(crate) async fn execute(
    workspace: &Workspace,
    session: &Session,
    operation: Uuid,
    statement: Statement,
) -> Result<Outcome, Fault> {
    if statement.text.len() > LONGEST {
        return Err(Fault::new("STATEMENT_TOO_LARGE", "54001", "The statement is longer than 32 MiB."));
    }
    let _turn = session.transactions().turn().await;
    let result = carry_out(workspace, session, operation, &statement).await;
    if result.is_err() {
        session.transactions().abort();
    }
    result
}

async fn carry_out(
    workspace: &Workspace,
    session: &Session,
    operation: Uuid,
    statement: &Statement,
) -> Result<Outcome, Fault> {
    let text = brickyard_sql::bind(&statement.text, &statement.parameters)?;
    Scene::new(workspace, session, operation)?.run(&text).await
}
