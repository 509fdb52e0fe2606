//! SQL types, as written in DDL and as inferred for expressions.

use std::fmt;

/// A type of Databricks SQL.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum DataType {
    /// Not known to the front layer; the engine decides.
    #[default]
    Unknown,
    /// The type of `NULL`.
    Void,
    /// `BOOLEAN`.
    Boolean,
    /// `TINYINT`, 8 bits.
    TinyInt,
    /// `SMALLINT`, 16 bits.
    SmallInt,
    /// `INT`, 32 bits.
    Int,
    /// `BIGINT`, 64 bits.
    BigInt,
    /// `FLOAT`, 32 bits.
    Float,
    /// `DOUBLE`, 64 bits.
    Double,
    /// `DECIMAL(precision, scale)`.
    Decimal(u8, u8),
    /// `STRING`, also `VARCHAR(n)` and `CHAR(n)` in expressions.
    String,
    /// `VARCHAR(n)`; only in DDL.
    Varchar(u32),
    /// `CHAR(n)`; only in DDL.
    Char(u32),
    /// `BINARY`.
    Binary,
    /// `DATE`.
    Date,
    /// `TIMESTAMP`, with the session's time zone.
    Timestamp,
    /// `TIMESTAMP_NTZ`.
    TimestampNtz,
    /// `TIME(precision)`.
    Time(u8),
    /// `INTERVAL YEAR TO MONTH` and its parts; the text after `INTERVAL`.
    YearMonth(String),
    /// `INTERVAL DAY TO SECOND` and its parts; the text after `INTERVAL`.
    DayTime(String),
    /// `INTERVAL`, the old calendar interval.
    Interval,
    /// `ARRAY<element>`.
    Array(Box<DataType>),
    /// `MAP<key, value>`.
    Map(Box<DataType>, Box<DataType>),
    /// `STRUCT<name: type, …>`.
    Struct(Vec<Field>),
    /// `VARIANT`.
    Variant,
    /// `GEOMETRY(…)`, `GEOGRAPHY(…)`, `OBJECT`: known by name alone.
    Other(String),
}

/// A field of a struct.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// Its type.
    pub data_type: DataType,
    /// Whether `NOT NULL` was written.
    pub not_null: bool,
    /// Its comment.
    pub comment: Option<String>,
}

impl DataType {
    /// Whether it is one of the four whole-number types.
    pub fn is_integer(&self) -> bool {
        matches!(self, Self::TinyInt | Self::SmallInt | Self::Int | Self::BigInt)
    }

    /// Whether it is a number.
    pub fn is_numeric(&self) -> bool {
        self.is_integer() || matches!(self, Self::Float | Self::Double | Self::Decimal(..))
    }

    /// Whether it is `STRING` or of a bounded length.
    pub fn is_string(&self) -> bool {
        matches!(self, Self::String | Self::Varchar(_) | Self::Char(_))
    }

    /// The decimal that holds every value of a whole-number type, as Spark chooses it.
    pub fn as_decimal(&self) -> Option<(u8, u8)> {
        match self {
            Self::TinyInt => Some((3, 0)),
            Self::SmallInt => Some((5, 0)),
            Self::Int => Some((10, 0)),
            Self::BigInt => Some((20, 0)),
            Self::Decimal(precision, scale) => Some((*precision, *scale)),
            _ => None,
        }
    }

    /// The name alone, such as `DECIMAL` of `DECIMAL(10,2)`, as JDBC and `type_name` columns give it.
    pub fn name(&self) -> &str {
        match self {
            Self::Unknown => "USER_DEFINED_TYPE",
            Self::Void => "VOID",
            Self::Boolean => "BOOLEAN",
            Self::TinyInt => "TINYINT",
            Self::SmallInt => "SMALLINT",
            Self::Int => "INT",
            Self::BigInt => "BIGINT",
            Self::Float => "FLOAT",
            Self::Double => "DOUBLE",
            Self::Decimal(..) => "DECIMAL",
            Self::String => "STRING",
            Self::Varchar(_) => "VARCHAR",
            Self::Char(_) => "CHAR",
            Self::Binary => "BINARY",
            Self::Date => "DATE",
            Self::Timestamp => "TIMESTAMP",
            Self::TimestampNtz => "TIMESTAMP_NTZ",
            Self::Time(_) => "TIME",
            Self::YearMonth(_) | Self::DayTime(_) | Self::Interval => "INTERVAL",
            Self::Array(_) => "ARRAY",
            Self::Map(..) => "MAP",
            Self::Struct(_) => "STRUCT",
            Self::Variant => "VARIANT",
            Self::Other(name) => name,
        }
    }
}

/// Upper-case SQL text, such as `ARRAY<STRUCT<a: INT, b: STRING>>`.
impl fmt::Display for DataType {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Decimal(precision, scale) => write!(out, "DECIMAL({precision},{scale})"),
            Self::Varchar(length) => write!(out, "VARCHAR({length})"),
            Self::Char(length) => write!(out, "CHAR({length})"),
            Self::Time(precision) => write!(out, "TIME({precision})"),
            Self::YearMonth(fields) | Self::DayTime(fields) => write!(out, "INTERVAL {fields}"),
            Self::Array(element) => write!(out, "ARRAY<{element}>"),
            Self::Map(key, value) => write!(out, "MAP<{key}, {value}>"),
            Self::Struct(fields) => {
                out.write_str("STRUCT<")?;
                for (index, field) in fields.iter().enumerate() {
                    if index > 0 {
                        out.write_str(", ")?;
                    }
                    write!(out, "{field}")?;
                }
                out.write_str(">")
            }
            other => out.write_str(other.name()),
        }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = !self.name.is_empty()
            && self.name.chars().all(|c| c == '_' || c.is_ascii_alphanumeric())
            && !self.name.starts_with(|c: char| c.is_ascii_digit());
        if plain {
            out.write_str(&self.name)?;
        } else {
            out.write_str(&crate::token::quote_name(&self.name))?;
        }
        write!(out, ": {}", self.data_type)?;
        if self.not_null {
            out.write_str(" NOT NULL")?;
        }
        if let Some(comment) = &self.comment {
            write!(out, " COMMENT {}", crate::token::string_literal(comment))?;
        }
        Ok(())
    }
}

/// Reads a type, such as `decimal(10, 2)` or `array<int>`; `Unknown` when it is none.
impl From<&str> for DataType {
    fn from(text: &str) -> Self {
        crate::parser::Parser::new(text)
            .and_then(|mut parser| {
                let data_type = parser.data_type()?;
                parser.expect_end()?;
                Ok(data_type)
            })
            .unwrap_or_default()
    }
}
