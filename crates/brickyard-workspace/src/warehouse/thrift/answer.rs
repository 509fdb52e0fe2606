//! Statuses, handles, metadata and rows as the service's structs.

use std::collections::BTreeMap;
use std::io::Write as _;

use arrow_array::RecordBatch;
use brickyard_engine::Batch;
use bytes::Bytes;
use lz4_flex::frame::FrameEncoder;
use uuid::Uuid;

use super::columns::columns;
use super::messages::{
    ArrowBatch, ColumnDesc, FetchResultsResp, GetOperationStatusResp, GetResultSetMetadataResp,
    HandleIdentifier, OperationHandle, PrimitiveTypeEntry, RowSet, Status, TableSchema, TypeDesc, TypeEntry,
    TypeQualifierValue, TypeQualifiers,
};
use super::numbers::{row_set, state, status};
use crate::warehouse::fault::Fault;
use crate::warehouse::operation::{Format, Head, Operation, Progress, Taken};
use crate::warehouse::result::arrow::Shape;
use crate::warehouse::result::ipc;
use crate::warehouse::result::sql_type::SqlType;

/// Everything went well.
pub(super) fn success() -> Status {
    Status { status_code: Some(status::SUCCESS), ..Status::default() }
}

/// The request failed.
pub(super) fn failure(fault: &Fault) -> Status {
    Status {
        status_code: Some(status::ERROR),
        sql_state: Some(fault.sql_state.clone()),
        error_message: Some(fault.message.clone()),
        display_message: Some(fault.message.clone()),
        ..Status::default()
    }
}

/// The handle is nobody's, or not the caller's.
pub(super) fn invalid_handle(what: &str) -> Status {
    let message = format!("Invalid {what}: it does not exist, has been closed, or belongs to another user");
    Status {
        status_code: Some(status::INVALID_HANDLE),
        sql_state: Some("HY000".to_owned()),
        error_message: Some(message.clone()),
        display_message: Some(message),
        ..Status::default()
    }
}

/// Id and secret as the wire carries them.
pub(super) fn handle(id: Uuid, secret: Uuid) -> HandleIdentifier {
    let bytes = |uuid: Uuid| Some(Bytes::copy_from_slice(uuid.as_bytes()));
    HandleIdentifier { guid: bytes(id), secret: bytes(secret) }
}

/// Id and secret of a handle that a client sent.
pub(super) fn identifiers(handle: Option<HandleIdentifier>) -> Option<(Uuid, Uuid)> {
    let handle = handle?;
    let uuid = |bytes: Option<Bytes>| Uuid::from_slice(&bytes?).ok();
    Some((uuid(handle.guid)?, uuid(handle.secret)?))
}

/// The handle of an operation.
pub(super) fn operation_handle(operation: &Operation) -> OperationHandle {
    OperationHandle {
        operation_id: Some(handle(operation.id, operation.secret)),
        operation_type: Some(operation.kind),
        has_result_set: Some(true),
        modified_row_count: None,
    }
}

/// How far an operation is.
pub(super) fn operation_status(operation: &Operation, progress: &Progress) -> GetOperationStatusResp {
    let mut answer = GetOperationStatusResp {
        status: Some(success()),
        operation_started: Some(operation.started.as_millisecond()),
        has_result_set: Some(true),
        ..GetOperationStatusResp::default()
    };
    answer.operation_state = Some(match progress {
        Progress::Pending => state::PENDING,
        Progress::Running => state::RUNNING,
        Progress::Ready(head) => {
            answer.num_modified_rows = head.modified;
            state::FINISHED
        }
        Progress::Canceled => state::CANCELED,
        Progress::Failed(fault) => {
            answer.sql_state = Some(fault.sql_state.clone());
            answer.error_code = Some(0);
            answer.error_message = Some(fault.message.clone());
            answer.display_message = Some(fault.message.clone());
            answer.diagnostic_info = Some(fault.message.clone());
            state::ERROR
        }
    });
    answer
}

/// Columns of a result as the client will get them.
pub(super) fn metadata(head: &Head, format: Format) -> Result<GetResultSetMetadataResp, Fault> {
    let shape = Shape::new(&head.schema, format.native);
    let result_format = match (format.arrow, has_links(head, format)) {
        (_, true) => row_set::URL,
        (true, false) => row_set::ARROW,
        (false, false) => row_set::COLUMN,
    };
    let columns = head.schema.fields().iter().zip(&shape.types).zip(1..);
    let columns = columns.map(|((field, sql_type), position)| ColumnDesc {
        column_name: Some(field.name().clone()),
        type_desc: Some(type_description(sql_type)),
        position: Some(position),
        comment: Some(field.metadata().get("comment").cloned().unwrap_or_default()),
    });
    Ok(GetResultSetMetadataResp {
        status: Some(success()),
        schema: Some(TableSchema { columns: Some(columns.collect()) }),
        result_format: Some(result_format),
        lz4_compressed: Some(format.arrow && format.lz4),
        arrow_schema: if format.arrow { Some(ipc::schema(&shape.schema)?) } else { None },
        is_staging_operation: Some(head.staging),
        ..GetResultSetMetadataResp::default()
    })
}

/// Whether the client gets links instead of rows.
pub(super) fn has_links(head: &Head, format: Format) -> bool {
    format.links && format.arrow && head.large && !head.staging
}

/// Rows as the client takes them.
pub(super) fn rows(head: &Head, format: Format, taken: Taken) -> Result<FetchResultsResp, Fault> {
    let shape = Shape::new(&head.schema, format.native);
    let mut results = RowSet {
        start_row_offset: Some(i64::try_from(taken.offset).unwrap_or(i64::MAX)),
        rows: Some(Vec::new()),
        ..RowSet::default()
    };
    if format.arrow {
        let mut batches = Vec::new();
        for batch in taken.batches {
            messages(&shape, &batch, format.lz4, &mut batches)?;
        }
        results.arrow_batches = Some(batches);
    } else {
        let mut decoded: Vec<RecordBatch> = Vec::new();
        for batch in &taken.batches {
            decoded.extend(batch.decode()?);
        }
        let columns = columns(&decoded, &shape.types)?;
        results.column_count = Some(i32::try_from(columns.len()).unwrap_or(i32::MAX));
        results.columns = Some(columns);
    }
    Ok(FetchResultsResp {
        status: Some(success()),
        has_more_rows: Some(taken.more),
        results: Some(results),
        result_set_metadata: None,
    })
}

/// The record-batch messages of a batch, as the engine sent them where the client takes its types.
fn messages(shape: &Shape, batch: &Batch, lz4: bool, output: &mut Vec<ArrowBatch>) -> Result<(), Fault> {
    let mut parts = ipc::split(&batch.stream)?;
    if !shape.untouched || parts.entangled {
        let decoded = batch.decode()?;
        let sent: Vec<RecordBatch> =
            decoded.iter().map(|rows| shape.apply(rows)).collect::<Result<_, _>>()?;
        parts = ipc::split(&ipc::stream(&shape.schema, &sent)?)?;
    }
    for (message, rows) in parts.batches {
        let message = if lz4 { compress(&message)? } else { message };
        output.push(ArrowBatch {
            batch: Some(message),
            row_count: Some(i64::try_from(rows).unwrap_or(i64::MAX)),
        });
    }
    Ok(())
}

fn compress(message: &[u8]) -> Result<Bytes, Fault> {
    let mut encoder = FrameEncoder::new(Vec::with_capacity(message.len() / 2));
    encoder.write_all(message).map_err(Fault::internal)?;
    Ok(Bytes::from(encoder.finish().map_err(Fault::internal)?))
}

fn type_description(sql_type: &SqlType) -> TypeDesc {
    let type_qualifiers = match sql_type {
        SqlType::Decimal(precision, scale) => {
            let number = |value: i32| TypeQualifierValue { i32_value: Some(value), string_value: None };
            let qualifiers = BTreeMap::from([
                ("precision".to_owned(), number(i32::from(*precision))),
                ("scale".to_owned(), number(i32::from(*scale))),
            ]);
            Some(TypeQualifiers { qualifiers: Some(qualifiers) })
        }
        _ => None,
    };
    let entry = PrimitiveTypeEntry { kind: Some(sql_type.thrift_id()), type_qualifiers };
    TypeDesc { types: Some(vec![TypeEntry { primitive_entry: Some(entry) }]) }
}
