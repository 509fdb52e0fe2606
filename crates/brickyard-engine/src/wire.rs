//! Messages of the Spark Connect protocol, by hand: only what is sent or read, with the protocol's own numbers.
//!
//! Source: `spark/connect/{base,relations,commands,expressions,types}.proto` of Apache Spark 4.1; unknown fields are
//! skipped, so newer servers are understood.

use std::collections::BTreeMap;

use bytes::Bytes;
use prost::Message;

#[derive(Clone, PartialEq, Message)]
pub(crate) struct UserContext {
    #[prost(string, tag = "1")]
    pub(crate) user_id: String,
    #[prost(string, tag = "2")]
    pub(crate) user_name: String,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Plan {
    #[prost(oneof = "plan::Operation", tags = "1, 2")]
    pub(crate) operation: Option<plan::Operation>,
}

pub(crate) mod plan {
    #[derive(Clone, PartialEq, prost::Oneof)]
    pub(crate) enum Operation {
        #[prost(message, tag = "1")]
        Root(super::Relation),
        #[prost(message, tag = "2")]
        Command(super::Command),
    }
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Relation {
    #[prost(oneof = "relation::Kind", tags = "10, 11")]
    pub(crate) kind: Option<relation::Kind>,
}

pub(crate) mod relation {
    #[derive(Clone, PartialEq, prost::Oneof)]
    pub(crate) enum Kind {
        #[prost(message, tag = "10")]
        Sql(super::Sql),
        #[prost(message, tag = "11")]
        Local(super::LocalRelation),
    }
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Sql {
    #[prost(string, tag = "1")]
    pub(crate) query: String,
    #[prost(btree_map = "string, message", tag = "4")]
    pub(crate) named_arguments: BTreeMap<String, Expression>,
    #[prost(message, repeated, tag = "5")]
    pub(crate) positional_arguments: Vec<Expression>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct LocalRelation {
    /// An Arrow IPC stream.
    #[prost(bytes = "bytes", optional, tag = "1")]
    pub(crate) data: Option<Bytes>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Command {
    #[prost(message, optional, tag = "3")]
    pub(crate) create_view: Option<CreateView>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct CreateView {
    #[prost(message, optional, tag = "1")]
    pub(crate) input: Option<Relation>,
    #[prost(string, tag = "2")]
    pub(crate) name: String,
    #[prost(bool, tag = "3")]
    pub(crate) is_global: bool,
    #[prost(bool, tag = "4")]
    pub(crate) replace: bool,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Expression {
    #[prost(oneof = "expression::Kind", tags = "1, 7")]
    pub(crate) kind: Option<expression::Kind>,
}

pub(crate) mod expression {
    #[derive(Clone, PartialEq, prost::Oneof)]
    pub(crate) enum Kind {
        #[prost(message, tag = "1")]
        Literal(super::Literal),
        #[prost(message, tag = "7")]
        Cast(Box<super::Cast>),
    }
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Cast {
    #[prost(message, optional, boxed, tag = "1")]
    pub(crate) expression: Option<Box<Expression>>,
    /// The target as SQL, such as `DECIMAL(10,2)`.
    #[prost(string, tag = "3")]
    pub(crate) sql_type: String,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Literal {
    #[prost(oneof = "literal::Value", tags = "1, 3, 6, 7, 11, 13")]
    pub(crate) value: Option<literal::Value>,
}

pub(crate) mod literal {
    #[derive(Clone, PartialEq, prost::Oneof)]
    pub(crate) enum Value {
        #[prost(message, tag = "1")]
        Null(super::DataType),
        #[prost(bool, tag = "3")]
        Boolean(bool),
        #[prost(int32, tag = "6")]
        Integer(i32),
        #[prost(int64, tag = "7")]
        Long(i64),
        #[prost(double, tag = "11")]
        Double(f64),
        #[prost(string, tag = "13")]
        String(String),
    }
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct DataType {
    #[prost(
        oneof = "data_type::Kind",
        tags = "1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 25"
    )]
    pub(crate) kind: Option<data_type::Kind>,
}

pub(crate) mod data_type {
    use super::{Array, Decimal, Map, Plain, Struct};

    #[derive(Clone, PartialEq, prost::Oneof)]
    pub(crate) enum Kind {
        #[prost(message, tag = "1")]
        Null(Plain),
        #[prost(message, tag = "2")]
        Binary(Plain),
        #[prost(message, tag = "3")]
        Boolean(Plain),
        #[prost(message, tag = "4")]
        Byte(Plain),
        #[prost(message, tag = "5")]
        Short(Plain),
        #[prost(message, tag = "6")]
        Integer(Plain),
        #[prost(message, tag = "7")]
        Long(Plain),
        #[prost(message, tag = "8")]
        Float(Plain),
        #[prost(message, tag = "9")]
        Double(Plain),
        #[prost(message, tag = "10")]
        Decimal(Decimal),
        #[prost(message, tag = "11")]
        String(Plain),
        #[prost(message, tag = "12")]
        Char(Plain),
        #[prost(message, tag = "13")]
        VarChar(Plain),
        #[prost(message, tag = "14")]
        Date(Plain),
        #[prost(message, tag = "15")]
        Timestamp(Plain),
        #[prost(message, tag = "16")]
        TimestampNtz(Plain),
        #[prost(message, tag = "17")]
        CalendarInterval(Plain),
        #[prost(message, tag = "18")]
        YearMonthInterval(Plain),
        #[prost(message, tag = "19")]
        DayTimeInterval(Plain),
        #[prost(message, tag = "20")]
        Array(Box<Array>),
        #[prost(message, tag = "21")]
        Struct(Struct),
        #[prost(message, tag = "22")]
        Map(Box<Map>),
        #[prost(message, tag = "25")]
        Variant(Plain),
    }
}

/// A type without parts; what else it says is not read.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub(crate) struct Plain {}

#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub(crate) struct Decimal {
    #[prost(int32, optional, tag = "1")]
    pub(crate) scale: Option<i32>,
    #[prost(int32, optional, tag = "2")]
    pub(crate) precision: Option<i32>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Array {
    #[prost(message, optional, boxed, tag = "1")]
    pub(crate) element_type: Option<Box<DataType>>,
    #[prost(bool, tag = "2")]
    pub(crate) contains_null: bool,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Struct {
    #[prost(message, repeated, tag = "1")]
    pub(crate) fields: Vec<StructField>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct StructField {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
    #[prost(message, optional, tag = "2")]
    pub(crate) data_type: Option<DataType>,
    #[prost(bool, tag = "3")]
    pub(crate) nullable: bool,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Map {
    #[prost(message, optional, boxed, tag = "1")]
    pub(crate) key_type: Option<Box<DataType>>,
    #[prost(message, optional, boxed, tag = "2")]
    pub(crate) value_type: Option<Box<DataType>>,
    #[prost(bool, tag = "3")]
    pub(crate) value_contains_null: bool,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct ExecutePlanRequest {
    #[prost(string, tag = "1")]
    pub(crate) session_id: String,
    #[prost(message, optional, tag = "2")]
    pub(crate) user_context: Option<UserContext>,
    #[prost(message, optional, tag = "3")]
    pub(crate) plan: Option<Plan>,
    #[prost(string, optional, tag = "4")]
    pub(crate) client_type: Option<String>,
    #[prost(string, optional, tag = "6")]
    pub(crate) operation_id: Option<String>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct ExecutePlanResponse {
    #[prost(oneof = "execute_plan_response::ResponseType", tags = "2, 14")]
    pub(crate) response_type: Option<execute_plan_response::ResponseType>,
    #[prost(message, optional, tag = "7")]
    pub(crate) schema: Option<DataType>,
}

pub(crate) mod execute_plan_response {
    #[derive(Clone, PartialEq, prost::Oneof)]
    pub(crate) enum ResponseType {
        #[prost(message, tag = "2")]
        ArrowBatch(super::ArrowBatch),
        #[prost(message, tag = "14")]
        ResultComplete(super::Plain),
    }
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct ArrowBatch {
    #[prost(int64, tag = "1")]
    pub(crate) row_count: i64,
    /// An Arrow IPC stream; a view of the bytes received.
    #[prost(bytes = "bytes", tag = "2")]
    pub(crate) data: Bytes,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct AnalyzePlanRequest {
    #[prost(string, tag = "1")]
    pub(crate) session_id: String,
    #[prost(message, optional, tag = "2")]
    pub(crate) user_context: Option<UserContext>,
    #[prost(string, optional, tag = "3")]
    pub(crate) client_type: Option<String>,
    #[prost(message, optional, tag = "4")]
    pub(crate) schema: Option<AnalyzeSchema>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct AnalyzeSchema {
    #[prost(message, optional, tag = "1")]
    pub(crate) plan: Option<Plan>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct AnalyzePlanResponse {
    #[prost(message, optional, tag = "2")]
    pub(crate) schema: Option<AnalyzedSchema>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct AnalyzedSchema {
    #[prost(message, optional, tag = "1")]
    pub(crate) schema: Option<DataType>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct ConfigRequest {
    #[prost(string, tag = "1")]
    pub(crate) session_id: String,
    #[prost(message, optional, tag = "2")]
    pub(crate) user_context: Option<UserContext>,
    #[prost(message, optional, tag = "3")]
    pub(crate) operation: Option<ConfigOperation>,
    #[prost(string, optional, tag = "4")]
    pub(crate) client_type: Option<String>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct ConfigOperation {
    #[prost(message, optional, tag = "1")]
    pub(crate) set: Option<ConfigSet>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct ConfigSet {
    #[prost(message, repeated, tag = "1")]
    pub(crate) pairs: Vec<KeyValue>,
}

#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct KeyValue {
    #[prost(string, tag = "1")]
    pub(crate) key: String,
    #[prost(string, optional, tag = "2")]
    pub(crate) value: Option<String>,
}

/// An answer of which nothing is read.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub(crate) struct Acknowledgement {}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct InterruptRequest {
    #[prost(string, tag = "1")]
    pub(crate) session_id: String,
    #[prost(message, optional, tag = "2")]
    pub(crate) user_context: Option<UserContext>,
    #[prost(string, optional, tag = "3")]
    pub(crate) client_type: Option<String>,
    /// 3 is "by operation id".
    #[prost(int32, tag = "4")]
    pub(crate) interrupt_type: i32,
    #[prost(string, optional, tag = "6")]
    pub(crate) operation_id: Option<String>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct ReleaseSessionRequest {
    #[prost(string, tag = "1")]
    pub(crate) session_id: String,
    #[prost(message, optional, tag = "2")]
    pub(crate) user_context: Option<UserContext>,
    #[prost(string, optional, tag = "3")]
    pub(crate) client_type: Option<String>,
}
