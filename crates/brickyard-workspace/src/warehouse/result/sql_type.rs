use std::fmt;

use arrow_schema::{DataType, Field, IntervalUnit, TimeUnit};

use crate::warehouse::thrift::numbers::type_id;

/// The type of a result column as Databricks SQL names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SqlType {
    Void,
    Boolean,
    TinyInt,
    SmallInt,
    Int,
    BigInt,
    Float,
    Double,
    Decimal(u8, i8),
    String,
    Binary,
    Date,
    Timestamp,
    TimestampNtz,
    YearMonthInterval,
    DayTimeInterval,
    CalendarInterval,
    Variant,
    Array(Box<SqlType>),
    Map(Box<SqlType>, Box<SqlType>),
    Struct(Vec<(String, SqlType)>),
}

impl SqlType {
    /// The type of a column as the engine sends it; what Spark has no type for is text.
    pub(crate) fn of(field: &Field) -> Self {
        if is_variant(field) {
            return Self::Variant;
        }
        match field.data_type() {
            DataType::Null => Self::Void,
            DataType::Boolean => Self::Boolean,
            DataType::Int8 => Self::TinyInt,
            DataType::Int16 | DataType::UInt8 => Self::SmallInt,
            DataType::Int32 | DataType::UInt16 => Self::Int,
            DataType::Int64 | DataType::UInt32 => Self::BigInt,
            DataType::UInt64 => Self::Decimal(20, 0),
            DataType::Float16 | DataType::Float32 => Self::Float,
            DataType::Float64 => Self::Double,
            DataType::Decimal32(precision, scale)
            | DataType::Decimal64(precision, scale)
            | DataType::Decimal128(precision, scale) => Self::Decimal(*precision, *scale),
            DataType::Binary
            | DataType::LargeBinary
            | DataType::BinaryView
            | DataType::FixedSizeBinary(_) => Self::Binary,
            DataType::Date32 | DataType::Date64 => Self::Date,
            DataType::Timestamp(_, Some(_)) => Self::Timestamp,
            DataType::Timestamp(_, None) => Self::TimestampNtz,
            DataType::Duration(_) => Self::DayTimeInterval,
            DataType::Interval(IntervalUnit::YearMonth) => Self::YearMonthInterval,
            DataType::Interval(_) => Self::CalendarInterval,
            DataType::List(element) | DataType::LargeList(element) => {
                Self::Array(Box::new(Self::of(element)))
            }
            DataType::Map(entries, _) => match entries.data_type() {
                DataType::Struct(pair) if pair.len() == 2 => {
                    Self::Map(Box::new(Self::of(&pair[0])), Box::new(Self::of(&pair[1])))
                }
                _ => Self::String,
            },
            DataType::Struct(fields) => {
                Self::Struct(fields.iter().map(|field| (field.name().clone(), Self::of(field))).collect())
            }
            _ => Self::String,
        }
    }

    /// The Arrow type that clients are sent for it when they take it as Arrow.
    pub(crate) fn arrow(&self) -> DataType {
        match self {
            Self::Boolean => DataType::Boolean,
            Self::TinyInt => DataType::Int8,
            Self::SmallInt => DataType::Int16,
            Self::Int => DataType::Int32,
            Self::BigInt => DataType::Int64,
            Self::Float => DataType::Float32,
            Self::Double => DataType::Float64,
            Self::Decimal(precision, scale) => DataType::Decimal128(*precision, *scale),
            Self::Binary => DataType::Binary,
            Self::Date => DataType::Date32,
            Self::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, Some("Etc/UTC".into())),
            Self::TimestampNtz => DataType::Timestamp(TimeUnit::Microsecond, None),
            _ => DataType::Utf8,
        }
    }

    /// `COLUMN_SIZE`, `DECIMAL_DIGITS` and `NUM_PREC_RADIX` of a type.
    pub(crate) fn measures(&self) -> (Option<i32>, Option<i32>, Option<i32>) {
        match self {
            Self::Boolean | Self::TinyInt => (Some(1), Some(0), Some(10)),
            Self::SmallInt => (Some(2), Some(0), Some(10)),
            Self::Int => (Some(4), Some(0), Some(10)),
            Self::BigInt => (Some(8), Some(0), Some(10)),
            Self::Float => (Some(4), Some(7), Some(10)),
            Self::Double => (Some(8), Some(15), Some(10)),
            Self::Decimal(precision, scale) => {
                (Some(i32::from(*precision)), Some(i32::from(*scale)), Some(10))
            }
            Self::Date => (Some(4), None, None),
            Self::Timestamp | Self::TimestampNtz => (Some(8), Some(6), None),
            _ => (None, None, None),
        }
    }

    /// Whether its values have parts.
    pub(crate) fn is_complex(&self) -> bool {
        matches!(self, Self::Array(_) | Self::Map(..) | Self::Struct(_))
    }

    /// `TTypeId`; what Thrift has no number for travels as a string.
    pub(crate) fn thrift_id(&self) -> i32 {
        match self {
            Self::Boolean => type_id::BOOLEAN,
            Self::TinyInt => type_id::TINYINT,
            Self::SmallInt => type_id::SMALLINT,
            Self::Int => type_id::INT,
            Self::BigInt => type_id::BIGINT,
            Self::Float => type_id::FLOAT,
            Self::Double => type_id::DOUBLE,
            Self::Decimal(..) => type_id::DECIMAL,
            Self::Binary => type_id::BINARY,
            Self::Date => type_id::DATE,
            Self::Timestamp | Self::TimestampNtz => type_id::TIMESTAMP,
            Self::YearMonthInterval => type_id::INTERVAL_YEAR_MONTH,
            Self::DayTimeInterval => type_id::INTERVAL_DAY_TIME,
            Self::Array(_) => type_id::ARRAY,
            Self::Map(..) => type_id::MAP,
            Self::Struct(_) => type_id::STRUCT,
            // The platform sends an untyped NULL as a string column (wire §3.1).
            Self::Void | Self::String | Self::Variant | Self::CalendarInterval => type_id::STRING,
        }
    }

    /// `type_name` of the Statement Execution API.
    pub(crate) fn rest_name(&self) -> &'static str {
        match self {
            Self::Void => "NULL",
            Self::Boolean => "BOOLEAN",
            Self::TinyInt => "BYTE",
            Self::SmallInt => "SHORT",
            Self::Int => "INT",
            Self::BigInt => "LONG",
            Self::Float => "FLOAT",
            Self::Double => "DOUBLE",
            Self::Decimal(..) => "DECIMAL",
            Self::String => "STRING",
            Self::Binary => "BINARY",
            Self::Date => "DATE",
            Self::Timestamp => "TIMESTAMP",
            Self::TimestampNtz => "TIMESTAMP_NTZ",
            Self::YearMonthInterval | Self::DayTimeInterval | Self::CalendarInterval => "INTERVAL",
            Self::Variant => "VARIANT",
            Self::Array(_) => "ARRAY",
            Self::Map(..) => "MAP",
            Self::Struct(_) => "STRUCT",
        }
    }

    /// Codes of `java.sql.Types`, which catalog requests answer.
    pub(crate) fn jdbc_code(&self) -> i32 {
        match self {
            Self::Void => 0,
            Self::Boolean => 16,
            Self::TinyInt => -6,
            Self::SmallInt => 5,
            Self::Int => 4,
            Self::BigInt => -5,
            Self::Float => 6,
            Self::Double => 8,
            Self::Decimal(..) => 3,
            Self::Binary => -2,
            Self::Date => 91,
            Self::Timestamp | Self::TimestampNtz => 93,
            Self::Array(_) => 2003,
            Self::Map(..) => 2000,
            Self::Struct(_) => 2002,
            Self::Variant | Self::YearMonthInterval | Self::DayTimeInterval | Self::CalendarInterval => 1111,
            Self::String => 12,
        }
    }

    /// Reads a type as SQL writes it, such as `array<struct<a:int,b:decimal(10,2)>>`; what is not known is text.
    pub(crate) fn parse(text: &str) -> Self {
        let text = text.trim();
        let lower = text.to_ascii_lowercase();
        let (head, arguments) = match lower.find(['<', '(']) {
            Some(at) => (lower[..at].trim(), &text[at + 1..text.len().max(at + 2) - 1]),
            None => (lower.as_str(), ""),
        };
        match head {
            "void" | "null" => Self::Void,
            "boolean" => Self::Boolean,
            "tinyint" | "byte" => Self::TinyInt,
            "smallint" | "short" => Self::SmallInt,
            "int" | "integer" => Self::Int,
            "bigint" | "long" => Self::BigInt,
            "float" | "real" => Self::Float,
            "double" => Self::Double,
            "decimal" | "dec" | "numeric" => {
                let mut parts = arguments.split(',').map(|part| part.trim().parse::<u8>());
                let precision = parts.next().and_then(Result::ok).unwrap_or(10);
                let scale = parts.next().and_then(Result::ok).unwrap_or(0);
                Self::Decimal(precision, i8::try_from(scale).unwrap_or(0))
            }
            "binary" => Self::Binary,
            "date" => Self::Date,
            "timestamp" | "timestamp_ltz" => Self::Timestamp,
            "timestamp_ntz" => Self::TimestampNtz,
            "variant" => Self::Variant,
            "array" => Self::Array(Box::new(Self::parse(arguments))),
            "map" => {
                let parts = split_top(arguments);
                let part = |index: usize| Self::parse(parts.get(index).copied().unwrap_or("string"));
                Self::Map(Box::new(part(0)), Box::new(part(1)))
            }
            "struct" => {
                let fields = split_top(arguments).into_iter().filter_map(|part| {
                    let (name, rest) = part.trim().split_once([':', ' '])?;
                    Some((name.trim_matches('`').to_owned(), Self::parse(rest.trim_start_matches(':'))))
                });
                Self::Struct(fields.collect())
            }
            head if head.starts_with("interval") && (head.contains("month") || head.contains("year")) => {
                Self::YearMonthInterval
            }
            head if head.starts_with("interval ") => Self::DayTimeInterval,
            "interval" => Self::CalendarInterval,
            _ => Self::String,
        }
    }
}

/// `SELECT`-able name in capitals, such as `STRUCT<name: STRING, age: INT>`.
impl fmt::Display for SqlType {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TinyInt => formatter.write_str("TINYINT"),
            Self::SmallInt => formatter.write_str("SMALLINT"),
            Self::BigInt => formatter.write_str("BIGINT"),
            Self::Void => formatter.write_str("VOID"),
            Self::YearMonthInterval => formatter.write_str("INTERVAL YEAR TO MONTH"),
            Self::DayTimeInterval => formatter.write_str("INTERVAL DAY TO SECOND"),
            Self::Decimal(precision, scale) => write!(formatter, "DECIMAL({precision},{scale})"),
            Self::Array(element) => write!(formatter, "ARRAY<{element}>"),
            Self::Map(key, value) => write!(formatter, "MAP<{key}, {value}>"),
            Self::Struct(fields) => {
                formatter.write_str("STRUCT<")?;
                for (index, (name, field)) in fields.iter().enumerate() {
                    let comma = if index == 0 { "" } else { ", " };
                    write!(formatter, "{comma}{name}: {field}")?;
                }
                formatter.write_str(">")
            }
            simple => formatter.write_str(simple.rest_name()),
        }
    }
}

/// Whether the engine marks this column as a VARIANT.
fn is_variant(field: &Field) -> bool {
    let DataType::Struct(parts) = field.data_type() else { return false };
    let named = |name: &str| parts.iter().any(|part| part.name() == name);
    let marked = field.metadata().get("variant").is_some_and(|value| value == "true")
        || field.metadata().get("ARROW:extension:name").is_some_and(|name| name.contains("variant"))
        || parts.iter().any(|part| part.metadata().get("variant").is_some_and(|value| value == "true"));
    parts.len() == 2 && named("value") && named("metadata") && marked
}

/// Splits at commas that stand in no bracket.
fn split_top(text: &str) -> Vec<&str> {
    let (mut depth, mut start, mut parts) = (0_u32, 0, Vec::new());
    for (at, character) in text.char_indices() {
        match character {
            '<' | '(' => depth += 1,
            '>' | ')' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_read_and_named() {
        let text = "array<struct<name: string, d:decimal(10,2), m: map<string,array<int>>>>";
        assert_eq!(
            SqlType::parse(text).to_string(),
            "ARRAY<STRUCT<name: STRING, d: DECIMAL(10,2), m: MAP<STRING, ARRAY<INT>>>>"
        );
        assert_eq!(SqlType::parse("DECIMAL").to_string(), "DECIMAL(10,0)");
        assert_eq!(SqlType::parse("interval day to second"), SqlType::DayTimeInterval);
        assert_eq!(SqlType::parse("array<").to_string(), "ARRAY<STRING>");
    }
}
