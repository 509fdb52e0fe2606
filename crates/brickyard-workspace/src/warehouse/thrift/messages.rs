//! The structs of `TCLIService`, field by field with the ids that Databricks' clients send and read.
//!
//! Names are those of the service's definition without the leading `T` and `Spark`; enums are their numbers, named in
//! [`super::numbers`].

#![expect(clippy::struct_field_names, reason = "fields are named as the service's definition names them")]

use std::collections::BTreeMap;

use bytes::Bytes;

use super::codec::thrift_struct;

thrift_struct! {
    /// Id and secret of a session or an operation, 16 bytes each.
    HandleIdentifier { 1 guid: Bytes, 2 secret: Bytes }
    /// A session, as the client holds it.
    SessionHandle { 1 session_id: HandleIdentifier, 3329 server_protocol_version: i32 }
    /// A running or finished statement or catalog request, as the client holds it.
    OperationHandle {
        1 operation_id: HandleIdentifier,
        2 operation_type: i32,
        3 has_result_set: bool,
        4 modified_row_count: f64,
    }
    /// How a request went.
    Status {
        1 status_code: i32,
        2 info_messages: Vec<String>,
        3 sql_state: String,
        4 error_code: i32,
        5 error_message: String,
        6 display_message: String,
        1281 error_details_json: String,
    }
    /// Catalog and schema of a session.
    Namespace { 1 catalog_name: String, 2 schema_name: String }
    /// Answer to one `GetInfo` question.
    GetInfoValue {
        1 string_value: String,
        2 small_int_value: i16,
        3 integer_bitmask: i32,
        4 integer_flag: i32,
        5 binary_value: i32,
        6 len_value: i64,
    }

    OpenSessionReq {
        1 client_protocol: i32,
        2 username: String,
        3 password: String,
        4 configuration: BTreeMap<String, String>,
        1281 get_infos: Vec<i32>,
        1282 client_protocol_i64: i64,
        1283 connection_properties: BTreeMap<String, String>,
        1284 initial_namespace: Namespace,
        1285 can_use_multiple_catalogs: bool,
    }
    OpenSessionResp {
        1 status: Status,
        2 server_protocol_version: i32,
        3 session_handle: SessionHandle,
        4 configuration: BTreeMap<String, String>,
        1281 get_infos: Vec<GetInfoValue>,
        1284 initial_namespace: Namespace,
        1285 can_use_multiple_catalogs: bool,
    }
    CloseSessionReq { 1 session_handle: SessionHandle }
    GetInfoReq { 1 session_handle: SessionHandle, 2 info_type: i32 }
    GetInfoResp { 1 status: Status, 2 info_value: GetInfoValue }
    /// The answer of every request that only says whether it went well.
    StatusResp { 1 status: Status }

    /// Asks for status, metadata and first rows in the answer to the request itself.
    GetDirectResults { 1 max_rows: i64, 2 max_bytes: i64 }
    /// Which types the client takes as Arrow instead of text.
    ArrowTypes {
        1 timestamp_as_arrow: bool,
        2 decimal_as_arrow: bool,
        3 complex_types_as_arrow: bool,
        4 interval_types_as_arrow: bool,
        5 null_type_as_arrow: bool,
    }
    ParameterValue { 1 string_value: String, 2 double_value: f64, 3 boolean_value: bool }
    /// Element of a complex parameter.
    ParameterValueArg { 1 type_name: String, 2 value: String, 3 arguments: Vec<ParameterValueArg> }
    /// Value for a marker of the statement.
    StatementParameter {
        1 ordinal: i32,
        2 name: String,
        3 type_name: String,
        4 value: ParameterValue,
        5 arguments: Vec<ParameterValueArg>,
    }
    StatementConf {
        1 sessionless: bool,
        2 initial_namespace: Namespace,
        3 client_protocol: i32,
        4 client_protocol_i64: i64,
    }
    ExecuteStatementReq {
        1 session_handle: SessionHandle,
        2 statement: String,
        3 conf_overlay: BTreeMap<String, String>,
        4 run_async: bool,
        5 query_timeout: i64,
        1281 get_direct_results: GetDirectResults,
        1282 can_read_arrow_result: bool,
        1283 can_download_result: bool,
        1284 can_decompress_lz4_result: bool,
        1285 max_bytes_per_file: i64,
        1286 use_arrow_native_types: ArrowTypes,
        1287 result_row_limit: i64,
        1288 parameters: Vec<StatementParameter>,
        1289 max_bytes_per_batch: i64,
        1296 statement_conf: StatementConf,
    }
    /// The answer of every request that begins an operation.
    OperationResp { 1 status: Status, 2 operation_handle: OperationHandle, 1281 direct_results: DirectResults }
    /// Status, metadata, first rows, and that the operation is closed already when nothing is left to fetch.
    DirectResults {
        1 operation_status: GetOperationStatusResp,
        2 result_set_metadata: GetResultSetMetadataResp,
        3 result_set: FetchResultsResp,
        4 close_operation: StatusResp,
    }

    /// The requests of an operation by its handle alone.
    OperationReq { 1 operation_handle: OperationHandle }
    GetOperationStatusResp {
        1 status: Status,
        2 operation_state: i32,
        3 sql_state: String,
        4 error_code: i32,
        5 error_message: String,
        6 task_status: String,
        7 operation_started: i64,
        8 operation_completed: i64,
        9 has_result_set: bool,
        11 num_modified_rows: i64,
        1281 display_message: String,
        1282 diagnostic_info: String,
        1283 error_details_json: String,
    }
    FetchResultsReq {
        1 operation_handle: OperationHandle,
        2 orientation: i32,
        3 max_rows: i64,
        4 fetch_type: i16,
        1281 max_bytes: i64,
        1282 start_row_offset: i64,
        1283 include_result_set_metadata: bool,
    }
    FetchResultsResp {
        1 status: Status,
        2 has_more_rows: bool,
        3 results: RowSet,
        1281 result_set_metadata: GetResultSetMetadataResp,
    }
    GetResultSetMetadataResp {
        1 status: Status,
        2 schema: TableSchema,
        1281 result_format: i32,
        1282 lz4_compressed: bool,
        1283 arrow_schema: Bytes,
        1284 cache_lookup_result: i32,
        1285 uncompressed_bytes: i64,
        1286 compressed_bytes: i64,
        1287 is_staging_operation: bool,
    }

    TableSchema { 1 columns: Vec<ColumnDesc> }
    ColumnDesc { 1 column_name: String, 2 type_desc: TypeDesc, 3 position: i32, 4 comment: String }
    TypeDesc { 1 types: Vec<TypeEntry> }
    /// A type; clients take a primitive entry for complex types too.
    TypeEntry { 1 primitive_entry: PrimitiveTypeEntry }
    PrimitiveTypeEntry { 1 kind: i32, 2 type_qualifiers: TypeQualifiers }
    TypeQualifiers { 1 qualifiers: BTreeMap<String, TypeQualifierValue> }
    TypeQualifierValue { 1 i32_value: i32, 2 string_value: String }

    RowSet {
        1 start_row_offset: i64,
        2 rows: Vec<Row>,
        3 columns: Vec<Column>,
        4 binary_columns: Bytes,
        5 column_count: i32,
        1281 arrow_batches: Vec<ArrowBatch>,
        1282 result_links: Vec<ArrowResultLink>,
    }
    /// Rows are sent in columns; the field is there because clients insist on reading it.
    Row { 1 reserved: bool }
    /// A column; exactly one field is set.
    Column {
        1 bool_val: BoolColumn,
        2 byte_val: ByteColumn,
        3 i16_val: I16Column,
        4 i32_val: I32Column,
        5 i64_val: I64Column,
        6 double_val: DoubleColumn,
        7 string_val: StringColumn,
        8 binary_val: BinaryColumn,
    }
    BoolColumn { 1 values: Vec<bool>, 2 nulls: Bytes }
    ByteColumn { 1 values: Vec<i8>, 2 nulls: Bytes }
    I16Column { 1 values: Vec<i16>, 2 nulls: Bytes }
    I32Column { 1 values: Vec<i32>, 2 nulls: Bytes }
    I64Column { 1 values: Vec<i64>, 2 nulls: Bytes }
    DoubleColumn { 1 values: Vec<f64>, 2 nulls: Bytes }
    StringColumn { 1 values: Vec<String>, 2 nulls: Bytes }
    BinaryColumn { 1 values: Vec<Bytes>, 2 nulls: Bytes }
    ArrowBatch { 1 batch: Bytes, 2 row_count: i64 }
    /// Where a part of a large result can be fetched without credentials.
    ArrowResultLink {
        1 file_link: String,
        2 expiry_time: i64,
        3 start_row_offset: i64,
        4 row_count: i64,
        5 bytes_num: i64,
        6 http_headers: BTreeMap<String, String>,
    }

    GetTypeInfoReq { 1 session_handle: SessionHandle, 1281 get_direct_results: GetDirectResults, 1282 run_async: bool }
    GetCatalogsReq { 1 session_handle: SessionHandle, 1281 get_direct_results: GetDirectResults, 1282 run_async: bool }
    GetTableTypesReq {
        1 session_handle: SessionHandle,
        1281 get_direct_results: GetDirectResults,
        1282 run_async: bool,
    }
    GetSchemasReq {
        1 session_handle: SessionHandle,
        2 catalog_name: String,
        3 schema_name: String,
        1281 get_direct_results: GetDirectResults,
        1282 run_async: bool,
    }
    GetTablesReq {
        1 session_handle: SessionHandle,
        2 catalog_name: String,
        3 schema_name: String,
        4 table_name: String,
        5 table_types: Vec<String>,
        1281 get_direct_results: GetDirectResults,
        1282 run_async: bool,
    }
    GetColumnsReq {
        1 session_handle: SessionHandle,
        2 catalog_name: String,
        3 schema_name: String,
        4 table_name: String,
        5 column_name: String,
        1281 get_direct_results: GetDirectResults,
        1282 run_async: bool,
    }
    GetFunctionsReq {
        1 session_handle: SessionHandle,
        2 catalog_name: String,
        3 schema_name: String,
        4 function_name: String,
        1281 get_direct_results: GetDirectResults,
        1282 run_async: bool,
    }
    GetPrimaryKeysReq {
        1 session_handle: SessionHandle,
        2 catalog_name: String,
        3 schema_name: String,
        4 table_name: String,
        1281 get_direct_results: GetDirectResults,
        1282 run_async: bool,
    }
    GetCrossReferenceReq {
        1 session_handle: SessionHandle,
        2 parent_catalog_name: String,
        3 parent_schema_name: String,
        4 parent_table_name: String,
        5 foreign_catalog_name: String,
        6 foreign_schema_name: String,
        7 foreign_table_name: String,
        1281 get_direct_results: GetDirectResults,
        1282 run_async: bool,
    }
    /// What Thrift itself answers when a call cannot be made (type 1: unknown method, 7: protocol error).
    ApplicationException { 1 message: String, 2 kind: i32 }
}
