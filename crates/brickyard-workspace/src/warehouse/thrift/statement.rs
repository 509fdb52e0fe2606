//! `ExecuteStatement` and what is asked of an operation afterwards.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use brickyard_sql::{Parameter, Parameters};

use super::answer::{
    self, failure, identifiers, invalid_handle, operation_handle, operation_status, success,
};
use super::links;
use super::messages::{
    DirectResults, ExecuteStatementReq, FetchResultsReq, FetchResultsResp, GetDirectResults,
    GetOperationStatusResp, GetResultSetMetadataResp, OperationHandle, OperationReq, OperationResp,
    ParameterValueArg, StatementParameter, StatusResp,
};
use super::numbers::{operation, orientation};
use super::service::Context;
use crate::warehouse::fault::Fault;
use crate::warehouse::operation::{Format, Operation, Progress};
use crate::warehouse::result::arrow::Native;
use crate::warehouse::session::Session;
use crate::warehouse::statement::{Statement, submit};

/// Time for which a statement is waited for in the answer to `ExecuteStatement`.
const WAIT: Duration = Duration::from_secs(5);

/// Time for which one question for the status is held back while nothing changes.
const POLL: Duration = Duration::from_millis(100);

/// Bytes of rows in one answer, whatever the client asks for.
const MOST_BYTES: i64 = 16 * 1024 * 1024;

/// Rows in one answer when the client does not say.
const ROWS: i64 = 100_000;

/// Sends a statement to the warehouse, and waits a little for its result.
pub(super) async fn execute(context: &Context, request: ExecuteStatementReq) -> OperationResp {
    let Some(session) = context.session(request.session_handle.clone()) else {
        return refused(invalid_handle("SessionHandle"));
    };
    let native = request.use_arrow_native_types.clone().unwrap_or_default();
    let format = Format {
        arrow: request.can_read_arrow_result.unwrap_or(false),
        lz4: request.can_decompress_lz4_result.unwrap_or(false),
        links: request.can_download_result.unwrap_or(false),
        native: Native {
            timestamps: native.timestamp_as_arrow.unwrap_or(false),
            decimals: native.decimal_as_arrow.unwrap_or(false),
            complex: native.complex_types_as_arrow.unwrap_or(false),
        },
    };
    let parameters = match parameters(request.parameters.unwrap_or_default()) {
        Ok(parameters) => parameters,
        Err(fault) => return refused(failure(&fault)),
    };
    let statement = Statement {
        text: request.statement.unwrap_or_default(),
        parameters,
        configuration: request.conf_overlay.unwrap_or_default(),
        timeout: request
            .query_timeout
            .and_then(|seconds| u64::try_from(seconds).ok())
            .filter(|&limit| limit > 0),
        row_limit: request
            .result_row_limit
            .and_then(|rows| u64::try_from(rows).ok())
            .filter(|&limit| limit > 0),
    };
    let started = context.workspace.clock().now();
    let operation = Operation::new(operation::EXECUTE_STATEMENT, started, format);
    let operation = Arc::new(operation);
    if let Err(fault) = session.add(Arc::clone(&operation)) {
        return refused(failure(&fault));
    }
    submit(&context.workspace, &session, &operation, statement);
    let synchronous = !request.run_async.unwrap_or(false);
    begun(context, &session, &operation, request.get_direct_results, synchronous).await
}

/// The answer to a request that began an operation: its handle, and its result if it is there soon enough.
pub(super) async fn begun(
    context: &Context,
    session: &Session,
    operation: &Arc<Operation>,
    direct: Option<GetDirectResults>,
    synchronous: bool,
) -> OperationResp {
    let mut answer = OperationResp {
        status: Some(success()),
        operation_handle: Some(operation_handle(operation)),
        direct_results: None,
    };
    if synchronous && let Progress::Failed(fault) = operation.settled().await {
        session.close_operation(operation.id);
        return refused(failure(&fault));
    }
    let Some(direct) = direct else { return answer };
    let progress = match tokio::time::timeout(WAIT, operation.settled()).await {
        Ok(progress) => progress,
        Err(_) => operation.progress(),
    };
    let mut results = DirectResults {
        operation_status: Some(operation_status(operation, &progress)),
        ..DirectResults::default()
    };
    if let Progress::Ready(head) = &progress {
        results.result_set_metadata = Some(match answer::metadata(head, operation.format) {
            Ok(metadata) => metadata,
            Err(fault) => metadata_failure(failure(&fault)),
        });
        let rows = fetch_from(context, operation, direct.max_rows, direct.max_bytes, None).await;
        // What links lead to must stay until the client closes the operation.
        if rows.has_more_rows == Some(false) && !answer::has_links(head, operation.format) {
            session.close_operation(operation.id);
            results.close_operation = Some(StatusResp { status: Some(success()) });
        }
        results.result_set = Some(rows);
    } else if progress.is_settled() {
        session.close_operation(operation.id);
        results.close_operation = Some(StatusResp { status: Some(success()) });
    }
    answer.direct_results = Some(results);
    answer
}

/// How far it is; held back for a moment while nothing changes, since clients ask again at once.
pub(super) async fn status(context: &Context, request: OperationReq) -> GetOperationStatusResp {
    match context.operation(request.operation_handle) {
        Some((_, operation)) => {
            let settled = tokio::time::timeout(POLL, operation.settled()).await;
            operation_status(&operation, &settled.unwrap_or_else(|_| operation.progress()))
        }
        None => GetOperationStatusResp {
            status: Some(invalid_handle("OperationHandle")),
            ..GetOperationStatusResp::default()
        },
    }
}

/// Columns of the result, once the operation is settled.
pub(super) async fn metadata(context: &Context, request: OperationReq) -> GetResultSetMetadataResp {
    let Some((_, operation)) = context.operation(request.operation_handle) else {
        return metadata_failure(invalid_handle("OperationHandle"));
    };
    match operation.settled().await {
        Progress::Ready(head) => answer::metadata(&head, operation.format)
            .unwrap_or_else(|fault| metadata_failure(failure(&fault))),
        Progress::Failed(fault) => metadata_failure(failure(&fault)),
        _ => metadata_failure(failure(&Fault::canceled())),
    }
}

/// The next rows.
pub(super) async fn fetch(context: &Context, request: FetchResultsReq) -> FetchResultsResp {
    let Some((_, operation)) = context.operation(request.operation_handle) else {
        return fetch_failure(invalid_handle("OperationHandle"));
    };
    if !matches!(request.orientation, None | Some(orientation::NEXT)) {
        let fault =
            Fault::unsupported("fetching rows in another direction than forward", "Send the statement again");
        return fetch_failure(failure(&fault));
    }
    let (rows, bytes, from) = (request.max_rows, request.max_bytes, request.start_row_offset);
    let mut answer = fetch_from(context, &operation, rows, bytes, from).await;
    if request.include_result_set_metadata.unwrap_or(false)
        && let Progress::Ready(head) = operation.progress()
    {
        answer.result_set_metadata = answer::metadata(&head, operation.format).ok();
    }
    answer
}

/// Ends a running operation.
#[expect(clippy::unused_async, reason = "every call is answered in the same way")]
pub(super) async fn cancel(context: &Context, request: OperationReq) -> StatusResp {
    let status = match context.operation(request.operation_handle) {
        Some((_, operation)) => {
            operation.cancellation().cancel();
            success()
        }
        None => invalid_handle("OperationHandle"),
    };
    StatusResp { status: Some(status) }
}

/// Forgets an operation.
#[expect(clippy::unused_async, reason = "every call is answered in the same way")]
pub(super) async fn close(context: &Context, request: OperationReq) -> StatusResp {
    let status = match context.operation(request.operation_handle) {
        Some((session, operation)) => {
            session.close_operation(operation.id);
            success()
        }
        None => invalid_handle("OperationHandle"),
    };
    StatusResp { status: Some(status) }
}

impl Context {
    /// The caller's open operation on this warehouse, with its session.
    fn operation(&self, handle: Option<OperationHandle>) -> Option<(Arc<Session>, Arc<Operation>)> {
        let (id, secret) = identifiers(handle?.operation_id)?;
        let mut sessions = self.workspace.warehouses().all_sessions().into_iter();
        let (session, operation) = sessions.find_map(|session| {
            let operation = session.operation(id)?;
            Some((session, operation))
        })?;
        session.touch(self.workspace.clock().unix_milliseconds());
        let ours = operation.secret == secret
            && session.caller.name() == self.caller.name()
            && session.warehouse == self.warehouse.id;
        ours.then_some((session, operation))
    }
}

async fn fetch_from(
    context: &Context,
    operation: &Arc<Operation>,
    rows: Option<i64>,
    bytes: Option<i64>,
    from: Option<i64>,
) -> FetchResultsResp {
    let head = match operation.settled().await {
        Progress::Ready(head) => head,
        Progress::Failed(fault) => return fetch_failure(failure(&fault)),
        _ => return fetch_failure(failure(&Fault::canceled())),
    };
    if answer::has_links(&head, operation.format) {
        let links =
            links::next(context, operation, &head, from.and_then(|row| u64::try_from(row).ok())).await;
        return links.unwrap_or_else(|fault| fetch_failure(failure(&fault)));
    }
    let size = |value: Option<i64>, default: i64, most: i64| {
        usize::try_from(value.filter(|&value| value > 0).unwrap_or(default).min(most)).unwrap_or(usize::MAX)
    };
    let taken = operation.take(size(rows, ROWS, i64::MAX), size(bytes, MOST_BYTES, MOST_BYTES)).await;
    taken
        .and_then(|taken| answer::rows(&head, operation.format, taken))
        .unwrap_or_else(|fault| fetch_failure(failure(&fault)))
}

fn refused(status: super::messages::Status) -> OperationResp {
    OperationResp { status: Some(status), operation_handle: None, direct_results: None }
}

fn metadata_failure(status: super::messages::Status) -> GetResultSetMetadataResp {
    GetResultSetMetadataResp { status: Some(status), ..GetResultSetMetadataResp::default() }
}

fn fetch_failure(status: super::messages::Status) -> FetchResultsResp {
    FetchResultsResp { status: Some(status), ..FetchResultsResp::default() }
}

/// Named parameters by name; positional ones by their order (their ordinals are all 1, wire §3.1).
fn parameters(sent: Vec<StatementParameter>) -> Result<Parameters, Fault> {
    if sent.is_empty() {
        return Ok(Parameters::None);
    }
    let named = sent.iter().filter(|parameter| parameter.name.is_some()).count();
    if named != 0 && named != sent.len() {
        return Err(Fault::new(
            "INVALID_QUERY_MIXED_QUERY_PARAMETERS",
            "42613",
            "Parameterized query must either use positional, or named parameters, but not both.",
        ));
    }
    if named == 0 {
        return Ok(Parameters::Positional(sent.into_iter().map(parameter).collect()));
    }
    let pairs = sent.into_iter().map(|sent| (sent.name.clone().unwrap_or_default(), parameter(sent)));
    Ok(Parameters::Named(pairs.collect::<BTreeMap<_, _>>()))
}

fn parameter(sent: StatementParameter) -> Parameter {
    let sql_type = sent.type_name.unwrap_or_else(|| "STRING".to_owned());
    let arguments = sent.arguments.map(|parts| parts.into_iter().map(part).collect());
    let value = sent.value.and_then(|value| {
        value
            .string_value
            .or_else(|| value.double_value.map(|number| number.to_string()))
            .or_else(|| value.boolean_value.map(|flag| flag.to_string()))
    });
    if sql_type.eq_ignore_ascii_case("VOID") {
        return Parameter { sql_type, value: None, arguments: None };
    }
    Parameter { sql_type, value, arguments }
}

/// An element of a complex value.
fn part(sent: ParameterValueArg) -> Parameter {
    let arguments = sent.arguments.filter(|parts| !parts.is_empty());
    Parameter {
        sql_type: sent.type_name.unwrap_or_default(),
        value: sent.value,
        arguments: arguments.map(|parts| parts.into_iter().map(part).collect()),
    }
}
