//! The enums of `TCLIService` as the numbers on the wire, each only as far as it is sent or read here.

/// `TStatusCode`.
pub(crate) mod status {
    pub(crate) const SUCCESS: i32 = 0;
    pub(crate) const ERROR: i32 = 3;
    pub(crate) const INVALID_HANDLE: i32 = 4;
}

/// `TOperationState`.
pub(crate) mod state {
    pub(crate) const RUNNING: i32 = 1;
    pub(crate) const FINISHED: i32 = 2;
    pub(crate) const CANCELED: i32 = 3;
    pub(crate) const ERROR: i32 = 5;
    pub(crate) const PENDING: i32 = 7;
}

/// `TOperationType`.
pub(crate) mod operation {
    pub(crate) const EXECUTE_STATEMENT: i32 = 0;
    pub(crate) const GET_TYPE_INFO: i32 = 1;
    pub(crate) const GET_CATALOGS: i32 = 2;
    pub(crate) const GET_SCHEMAS: i32 = 3;
    pub(crate) const GET_TABLES: i32 = 4;
    pub(crate) const GET_TABLE_TYPES: i32 = 5;
    pub(crate) const GET_COLUMNS: i32 = 6;
    pub(crate) const GET_FUNCTIONS: i32 = 7;
    pub(crate) const UNKNOWN: i32 = 8;
}

/// `TSparkRowSetType`.
pub(crate) mod row_set {
    pub(crate) const ARROW: i32 = 0;
    pub(crate) const COLUMN: i32 = 1;
    pub(crate) const URL: i32 = 3;
}

/// `TFetchOrientation`.
pub(crate) mod orientation {
    pub(crate) const NEXT: i32 = 0;
}

/// `TTypeId`.
pub(crate) mod type_id {
    pub(crate) const BOOLEAN: i32 = 0;
    pub(crate) const TINYINT: i32 = 1;
    pub(crate) const SMALLINT: i32 = 2;
    pub(crate) const INT: i32 = 3;
    pub(crate) const BIGINT: i32 = 4;
    pub(crate) const FLOAT: i32 = 5;
    pub(crate) const DOUBLE: i32 = 6;
    pub(crate) const STRING: i32 = 7;
    pub(crate) const TIMESTAMP: i32 = 8;
    pub(crate) const BINARY: i32 = 9;
    pub(crate) const ARRAY: i32 = 10;
    pub(crate) const MAP: i32 = 11;
    pub(crate) const STRUCT: i32 = 12;
    pub(crate) const DECIMAL: i32 = 15;
    pub(crate) const DATE: i32 = 17;
    pub(crate) const INTERVAL_YEAR_MONTH: i32 = 20;
    pub(crate) const INTERVAL_DAY_TIME: i32 = 21;
}

/// `SPARK_CLI_SERVICE_PROTOCOL_V7`, which clients of both generations ask for.
pub(crate) const PROTOCOL_V7: i32 = 42247;
/// `SPARK_CLI_SERVICE_PROTOCOL_V9`, the newest there is.
pub(crate) const PROTOCOL_V9: i32 = 42249;
