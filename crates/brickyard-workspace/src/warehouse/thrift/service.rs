use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderName, HeaderValue};

use super::answer::{failure, handle, identifiers, invalid_handle, success};
use super::codec::{CodecError, Reader, Wire, Writer};
use super::messages::{
    ApplicationException, CloseSessionReq, GetInfoReq, GetInfoResp, Namespace, OpenSessionReq,
    OpenSessionResp, SessionHandle, StatusResp,
};
use super::numbers::{PROTOCOL_V7, PROTOCOL_V9};
use super::{catalog, info, keys, statement};
use crate::authorize::Wish;
use crate::caller::Caller;
use crate::error::ApiError;
use crate::oauth::Base;
use crate::warehouse::definition::Definition;
use crate::warehouse::fault::Fault;
use crate::warehouse::session::{Session, Settings};
use crate::workspace::Workspace;

const MEDIA_TYPE: &str = "application/x-thrift";

/// Answers up to this size, in bytes, are copied together.
const WHOLE: usize = 64 * 1024;

/// Type of message: a call, a reply, an exception.
const CALL: u8 = 1;
const REPLY: u8 = 2;
const EXCEPTION: u8 = 3;

/// Thrift's own numbers for exceptions.
const UNKNOWN_METHOD: i32 = 1;
const PROTOCOL_ERROR: i32 = 7;

/// One call: whose it is and on which warehouse.
pub(super) struct Context {
    pub(super) workspace: Workspace,
    pub(super) caller: Caller,
    pub(super) warehouse: Definition,
    /// Address under which the client sees the workspace.
    pub(super) base: String,
}

/// `POST /sql/1.0/warehouses/{id}` and its older spelling.
pub(crate) async fn endpoint(
    State(workspace): State<Workspace>,
    Path(id): Path<String>,
    caller: Result<Caller, ApiError>,
    Base(base): Base,
    body: Bytes,
) -> Response {
    serve(workspace, &id, caller, base, &body).await
}

/// `POST /sql/protocolv1/o/{org}/{cluster}`: a cluster is answered by the starter warehouse.
pub(crate) async fn endpoint_of_cluster(
    State(workspace): State<Workspace>,
    Path((organization, _cluster)): Path<(u64, String)>,
    caller: Result<Caller, ApiError>,
    Base(base): Base,
    body: Bytes,
) -> Response {
    if organization != 0 && organization != workspace.config().workspace_id {
        return refusal(ApiError::not_found("Workspace", organization));
    }
    let starter = crate::warehouse::definition::starter_id(workspace.config().workspace_id);
    serve(workspace, &starter, caller, base, &body).await
}

async fn serve(
    workspace: Workspace,
    id: &str,
    caller: Result<Caller, ApiError>,
    base: String,
    body: &[u8],
) -> Response {
    let context = caller.and_then(|caller| {
        caller.require_scope("sql")?;
        let warehouse = workspace.warehouses().get(&workspace, id)?;
        workspace.authorize(&caller, Wish::Object { kind: "warehouses", id, level: "CAN_USE" })?;
        Ok(Context { workspace, caller, warehouse, base })
    });
    match context {
        Ok(context) => respond(call(&context, body).await),
        Err(error) => refusal(error),
    }
}

/// Reads one call and answers it.
async fn call(context: &Context, body: &[u8]) -> Vec<Bytes> {
    let mut input = Reader::new(body);
    let (name, kind, sequence) = match input.call() {
        Ok(call) => call,
        Err(error) => return exception("", 0, PROTOCOL_ERROR, &error.to_string()),
    };
    if kind != CALL {
        return exception(&name, sequence, PROTOCOL_ERROR, "The message is not a call");
    }
    match dispatch(context, &name, sequence, &mut input).await {
        Ok(Some(answer)) => answer,
        Ok(None) => exception(&name, sequence, UNKNOWN_METHOD, &format!("Invalid method name: '{name}'")),
        Err(error) => exception(&name, sequence, PROTOCOL_ERROR, &error.to_string()),
    }
}

async fn dispatch(
    context: &Context,
    name: &str,
    sequence: i32,
    input: &mut Reader<'_>,
) -> Result<Option<Vec<Bytes>>, CodecError> {
    macro_rules! answer {
        ($function:expr) => {
            reply(name, sequence, &$function(context, argument(input)?).await)
        };
    }
    Ok(Some(match name {
        "OpenSession" => answer!(open_session),
        "CloseSession" => answer!(close_session),
        "GetInfo" => answer!(get_info),
        "ExecuteStatement" => answer!(statement::execute),
        "GetOperationStatus" => answer!(statement::status),
        "GetResultSetMetadata" => answer!(statement::metadata),
        "FetchResults" => answer!(statement::fetch),
        "CancelOperation" => answer!(statement::cancel),
        "CloseOperation" => answer!(statement::close),
        "GetTypeInfo" => answer!(catalog::type_info),
        "GetCatalogs" => answer!(catalog::catalogs),
        "GetSchemas" => answer!(catalog::schemas),
        "GetTables" => answer!(catalog::tables),
        "GetTableTypes" => answer!(catalog::table_types),
        "GetColumns" => answer!(catalog::columns),
        "GetFunctions" => answer!(catalog::functions),
        "GetPrimaryKeys" => answer!(keys::primary_keys),
        "GetCrossReference" => answer!(keys::cross_reference),
        _ => return Ok(None),
    }))
}

#[expect(clippy::unused_async, reason = "every call is answered in the same way")]
async fn open_session(context: &Context, request: OpenSessionReq) -> OpenSessionResp {
    let asked = request.client_protocol_i64.and_then(|version| i32::try_from(version).ok());
    let asked = asked.or(request.client_protocol).unwrap_or(PROTOCOL_V7);
    let failed = |fault: &Fault| OpenSessionResp {
        status: Some(failure(fault)),
        server_protocol_version: Some(PROTOCOL_V7),
        ..OpenSessionResp::default()
    };
    let mut settings = Settings::for_caller(&context.workspace);
    for (name, value) in request.configuration.unwrap_or_default() {
        settings.apply_client_configuration(&name, value);
    }
    let namespace = request.initial_namespace.unwrap_or_default();
    if let Err(fault) = settings.choose(
        &context.workspace,
        &context.caller,
        namespace.catalog_name.as_deref(),
        namespace.schema_name.as_deref(),
    ) {
        return failed(&fault);
    }
    let now = context.workspace.clock().unix_milliseconds();
    let current = Namespace {
        catalog_name: Some(settings.catalog.clone()),
        schema_name: Some(settings.schema.clone()),
    };
    let session = Session::new(context.caller.clone(), context.warehouse.id.clone(), settings, now);
    match context.workspace.warehouses().open(&context.workspace, session) {
        Ok(session) => OpenSessionResp {
            status: Some(success()),
            server_protocol_version: Some(asked.min(PROTOCOL_V9)),
            session_handle: Some(SessionHandle {
                session_id: Some(handle(session.id, session.secret)),
                server_protocol_version: Some(asked.min(PROTOCOL_V9)),
            }),
            initial_namespace: Some(current),
            can_use_multiple_catalogs: Some(true),
            ..OpenSessionResp::default()
        },
        Err(fault) => failed(&fault),
    }
}

#[expect(clippy::unused_async, reason = "every call is answered in the same way")]
async fn close_session(context: &Context, request: CloseSessionReq) -> StatusResp {
    let status = match context.session(request.session_handle) {
        Some(session) => {
            context.workspace.warehouses().close(&context.workspace, session.id);
            success()
        }
        None => invalid_handle("SessionHandle"),
    };
    StatusResp { status: Some(status) }
}

#[expect(clippy::unused_async, reason = "every call is answered in the same way")]
async fn get_info(context: &Context, request: GetInfoReq) -> GetInfoResp {
    let Some(session) = context.session(request.session_handle) else {
        return GetInfoResp { status: Some(invalid_handle("SessionHandle")), info_value: None };
    };
    match info::answer(request.info_type.unwrap_or(-1), session.caller.name()) {
        Ok(value) => GetInfoResp { status: Some(success()), info_value: Some(value) },
        Err(fault) => GetInfoResp { status: Some(failure(&fault)), info_value: None },
    }
}

impl Context {
    /// The caller's open session on this warehouse.
    pub(super) fn session(&self, handle: Option<SessionHandle>) -> Option<Arc<Session>> {
        let (id, secret) = identifiers(handle?.session_id)?;
        let session = self.workspace.warehouses().session(&self.workspace, id, self.caller.name())?;
        (session.secret == secret && session.warehouse == self.warehouse.id).then_some(session)
    }
}

/// The struct in field 1 of a call's arguments.
/// Reads the bytes as a call of every kind; for fuzzers.
pub(crate) fn read_every_request(bytes: &[u8]) {
    use super::messages::{
        ExecuteStatementReq, FetchResultsReq, GetCatalogsReq, GetColumnsReq, GetCrossReferenceReq,
        GetFunctionsReq, GetPrimaryKeysReq, GetSchemasReq, GetTableTypesReq, GetTablesReq, GetTypeInfoReq,
        OperationReq,
    };
    fn read<T: Wire>(bytes: &[u8]) {
        let mut input = Reader::new(bytes);
        if input.call().is_ok() {
            let _refused = argument::<T>(&mut input);
        }
        let _refused = argument::<T>(&mut Reader::new(bytes));
    }
    let all: [fn(&[u8]); 16] = [
        read::<OpenSessionReq>,
        read::<CloseSessionReq>,
        read::<GetInfoReq>,
        read::<ExecuteStatementReq>,
        read::<OperationReq>,
        read::<FetchResultsReq>,
        read::<GetTypeInfoReq>,
        read::<GetCatalogsReq>,
        read::<GetTableTypesReq>,
        read::<GetSchemasReq>,
        read::<GetTablesReq>,
        read::<GetColumnsReq>,
        read::<GetFunctionsReq>,
        read::<GetPrimaryKeysReq>,
        read::<GetCrossReferenceReq>,
        read::<SessionHandle>,
    ];
    for read in all {
        read(bytes);
    }
}

fn argument<T: Wire>(input: &mut Reader<'_>) -> Result<T, CodecError> {
    let mut request = None;
    input.enter()?;
    while let Some((kind, id)) = input.field()? {
        if id == 1 && kind == T::KIND {
            request = Some(T::read(input)?);
        } else {
            input.skip(kind)?;
        }
    }
    input.leave();
    request.ok_or(CodecError::Short)
}

fn reply<T: Wire>(name: &str, sequence: i32, value: &T) -> Vec<Bytes> {
    let mut writer = Writer::message(name, REPLY, sequence);
    writer.field(T::KIND, 0);
    value.write(&mut writer);
    writer.stop();
    writer.finish()
}

fn exception(name: &str, sequence: i32, kind: i32, message: &str) -> Vec<Bytes> {
    let mut writer = Writer::message(name, EXCEPTION, sequence);
    ApplicationException { message: Some(message.to_owned()), kind: Some(kind) }.write(&mut writer);
    writer.finish()
}

fn respond(parts: Vec<Bytes>) -> Response {
    let length: usize = parts.iter().map(Bytes::len).sum();
    // A small answer leaves in one piece with its head: two would wait for each other's acknowledgement.
    let body = if length <= WHOLE {
        Body::from(parts.concat())
    } else {
        Body::from_stream(stream::iter(parts.into_iter().map(Ok::<_, std::convert::Infallible>)))
    };
    let mut response = Response::new(body);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
    response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(length));
    response
}

/// A refusal of the whole call: clients read the reason from headers (wire §4.1).
fn refusal(error: ApiError) -> Response {
    let reason: String =
        error.message.chars().map(|letter| if letter.is_ascii_graphic() { letter } else { ' ' }).collect();
    let mut response = error.into_response();
    if let Ok(reason) = HeaderValue::from_str(&reason) {
        for name in ["x-databricks-reason-phrase", "x-thriftserver-error-message"] {
            response.headers_mut().insert(HeaderName::from_static(name), reason.clone());
        }
    }
    response
}
