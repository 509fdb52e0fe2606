mod reader;

use arrow_schema::{DataType as Arrow, IntervalUnit};
use serde_json::{Value, json};

use super::fault::CatalogError;
use reader::Reader;

/// Deepest nesting of a type that is read.
const DEEPEST: usize = 64;

/// A SQL data type as the platform has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum DataType {
    /// A type without parts, by its SQL name in lower case: `int`, `string`, `timestamp_ntz`, …
    Plain(&'static str),
    /// `decimal(precision,scale)`.
    Decimal(u8, u8),
    /// `char(length)`.
    Char(u32),
    /// `varchar(length)`.
    Varchar(u32),
    /// `interval …`, with its unit in lower case.
    Interval(String),
    /// `array<element>` and whether elements may be null.
    Array(Box<DataType>, bool),
    /// `map<key,value>` and whether values may be null.
    Map(Box<DataType>, Box<DataType>, bool),
    /// `struct<…>`.
    Struct(Vec<Field>),
}

/// A field of a struct.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) data_type: DataType,
    pub(crate) nullable: bool,
    pub(crate) comment: Option<String>,
}

/// SQL name, name in Delta and Spark JSON, name in the Unity API.
const PLAIN: &[(&str, &str, &str)] = &[
    ("boolean", "boolean", "BOOLEAN"),
    ("tinyint", "byte", "BYTE"),
    ("smallint", "short", "SHORT"),
    ("int", "integer", "INT"),
    ("bigint", "long", "LONG"),
    ("float", "float", "FLOAT"),
    ("double", "double", "DOUBLE"),
    ("string", "string", "STRING"),
    ("binary", "binary", "BINARY"),
    ("date", "date", "DATE"),
    ("timestamp", "timestamp", "TIMESTAMP"),
    ("timestamp_ntz", "timestamp_ntz", "TIMESTAMP_NTZ"),
    ("variant", "variant", "VARIANT"),
    ("void", "void", "NULL"),
];

const SYNONYMS: &[(&str, &str)] = &[
    ("byte", "tinyint"),
    ("short", "smallint"),
    ("integer", "int"),
    ("long", "bigint"),
    ("real", "float"),
    ("text", "string"),
    ("null", "void"),
    ("timestamp_ltz", "timestamp"),
];

impl DataType {
    /// Reads a type as SQL writes it: `DECIMAL(10, 2)`, `ARRAY<STRUCT<a: INT NOT NULL, b: STRING>>`.
    pub(crate) fn parse(text: &str) -> Result<Self, CatalogError> {
        let mut reader = Reader { text, rest: text };
        let data_type = reader.data_type(0)?;
        if reader.rest.trim().is_empty() { Ok(data_type) } else { Err(reader.malformed()) }
    }

    /// The type of a column of the engine's.
    pub(crate) fn from_arrow(arrow: &Arrow, variant: bool) -> Result<Self, CatalogError> {
        Ok(match arrow {
            Arrow::Null => Self::Plain("void"),
            Arrow::Boolean => Self::Plain("boolean"),
            Arrow::Int8 => Self::Plain("tinyint"),
            Arrow::Int16 | Arrow::UInt8 => Self::Plain("smallint"),
            Arrow::Int32 | Arrow::UInt16 => Self::Plain("int"),
            Arrow::Int64 | Arrow::UInt32 => Self::Plain("bigint"),
            Arrow::Float32 => Self::Plain("float"),
            Arrow::Float64 => Self::Plain("double"),
            Arrow::Utf8 | Arrow::LargeUtf8 | Arrow::Utf8View => Self::Plain("string"),
            Arrow::Binary | Arrow::LargeBinary | Arrow::BinaryView | Arrow::FixedSizeBinary(_) => {
                Self::Plain("binary")
            }
            Arrow::Date32 | Arrow::Date64 => Self::Plain("date"),
            Arrow::Timestamp(_, Some(_)) => Self::Plain("timestamp"),
            Arrow::Timestamp(_, None) => Self::Plain("timestamp_ntz"),
            Arrow::Decimal128(precision, scale) => Self::Decimal(*precision, scale.unsigned_abs()),
            Arrow::Interval(IntervalUnit::YearMonth) => Self::Interval("year to month".to_owned()),
            Arrow::Duration(_) => Self::Interval("day to second".to_owned()),
            Arrow::List(item) | Arrow::LargeList(item) | Arrow::ListView(item) => {
                Self::Array(Box::new(Self::of_field(item)?), item.is_nullable())
            }
            Arrow::Map(entries, _) => match entries.data_type() {
                Arrow::Struct(pair) if pair.len() == 2 => Self::Map(
                    Box::new(Self::of_field(&pair[0])?),
                    Box::new(Self::of_field(&pair[1])?),
                    pair[1].is_nullable(),
                ),
                _ => return Err(unknown(arrow)),
            },
            Arrow::Struct(_) if variant => Self::Plain("variant"),
            Arrow::Struct(fields) => Self::Struct(
                fields
                    .iter()
                    .map(|field| {
                        Ok(Field {
                            name: field.name().clone(),
                            data_type: Self::of_field(field)?,
                            nullable: field.is_nullable(),
                            comment: None,
                        })
                    })
                    .collect::<Result<_, CatalogError>>()?,
            ),
            _ => return Err(unknown(arrow)),
        })
    }

    /// The type of an Arrow field, which says whether a struct is a variant.
    pub(crate) fn of_field(field: &arrow_schema::Field) -> Result<Self, CatalogError> {
        let variant =
            field.metadata().get("ARROW:extension:name").is_some_and(|name| name.contains("variant"));
        Self::from_arrow(field.data_type(), variant)
    }

    /// As the catalog and `DESCRIBE` show it: `decimal(10,2)`, `struct<a:int,b:string>`.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Plain(name) => (*name).to_owned(),
            Self::Decimal(precision, scale) => format!("decimal({precision},{scale})"),
            Self::Char(length) => format!("char({length})"),
            Self::Varchar(length) => format!("varchar({length})"),
            Self::Interval(unit) => format!("interval {unit}"),
            Self::Array(element, _) => format!("array<{}>", element.text()),
            Self::Map(key, value, _) => format!("map<{},{}>", key.text(), value.text()),
            Self::Struct(fields) => {
                let fields = fields.iter().map(|field| format!("{}:{}", field.name, field.data_type.text()));
                format!("struct<{}>", fields.collect::<Vec<_>>().join(","))
            }
        }
    }

    /// `type_name` of the Unity API.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Plain(name) => {
                PLAIN.iter().find(|known| known.0 == *name).map_or("STRING", |known| known.2)
            }
            Self::Decimal(..) => "DECIMAL",
            Self::Char(_) => "CHAR",
            Self::Varchar(_) => "STRING",
            Self::Interval(_) => "INTERVAL",
            Self::Array(..) => "ARRAY",
            Self::Map(..) => "MAP",
            Self::Struct(_) => "STRUCT",
        }
    }

    /// As a Delta schema has it; `char` and `varchar` are strings there, the column's metadata tells.
    pub(crate) fn delta(&self) -> Value {
        match self {
            Self::Plain(name) => {
                PLAIN.iter().find(|known| known.0 == *name).map_or("string", |known| known.1).into()
            }
            Self::Decimal(precision, scale) => format!("decimal({precision},{scale})").into(),
            Self::Char(_) | Self::Varchar(_) => "string".into(),
            Self::Interval(unit) => format!("interval {unit}").into(),
            Self::Array(element, nulls) => {
                json!({ "type": "array", "elementType": element.delta(), "containsNull": nulls })
            }
            Self::Map(key, value, nulls) => json!({
                "type": "map", "keyType": key.delta(), "valueType": value.delta(), "valueContainsNull": nulls,
            }),
            Self::Struct(fields) => {
                let fields = fields.iter().map(|field| {
                    let mut metadata = json!({});
                    if let Some(comment) = &field.comment {
                        metadata["comment"] = comment.as_str().into();
                    }
                    json!({
                        "name": field.name, "type": field.data_type.delta(), "nullable": field.nullable,
                        "metadata": metadata,
                    })
                });
                json!({ "type": "struct", "fields": fields.collect::<Vec<_>>() })
            }
        }
    }

    /// Reads a type of a Delta schema.
    pub(crate) fn from_delta(value: &Value) -> Option<Self> {
        if let Some(name) = value.as_str() {
            if let Some(known) = PLAIN.iter().find(|known| known.1 == name) {
                return Some(Self::Plain(known.0));
            }
            return Self::parse(name).ok();
        }
        let part = |name: &str| Self::from_delta(&value[name]).map(Box::new);
        Some(match value["type"].as_str()? {
            "array" => Self::Array(part("elementType")?, value["containsNull"].as_bool().unwrap_or(true)),
            "map" => {
                let nulls = value["valueContainsNull"].as_bool().unwrap_or(true);
                Self::Map(part("keyType")?, part("valueType")?, nulls)
            }
            "struct" => {
                let fields = value["fields"].as_array()?.iter().map(|field| {
                    Some(Field {
                        name: field["name"].as_str()?.to_owned(),
                        data_type: Self::from_delta(&field["type"])?,
                        nullable: field["nullable"].as_bool().unwrap_or(true),
                        comment: field["metadata"]["comment"].as_str().map(str::to_owned),
                    })
                });
                Self::Struct(fields.collect::<Option<_>>()?)
            }
            _ => return None,
        })
    }

    /// Whether this or a part of it is `char(n)` or `varchar(n)`.
    pub(crate) fn has_length(&self) -> bool {
        match self {
            Self::Char(_) | Self::Varchar(_) => true,
            Self::Array(element, _) => element.has_length(),
            Self::Map(key, value, _) => key.has_length() || value.has_length(),
            Self::Struct(fields) => fields.iter().any(|field| field.data_type.has_length()),
            _ => false,
        }
    }

    /// The same type without lengths.
    pub(crate) fn without_length(&self) -> Self {
        Self::from_delta(&self.delta()).unwrap_or_else(|| self.clone())
    }

    /// A type read from a Delta schema with the lengths of the type that was declared, which are not part of that schema.
    pub(crate) fn with_lengths_of(self, declared: &Self) -> Self {
        match (self, declared) {
            (Self::Plain("string"), Self::Char(_) | Self::Varchar(_)) => declared.clone(),
            (Self::Array(element, nulls), Self::Array(own, _)) => {
                Self::Array(Box::new(element.with_lengths_of(own)), nulls)
            }
            (Self::Map(key, value, nulls), Self::Map(own_key, own_value, _)) => {
                let (key, value) = (key.with_lengths_of(own_key), value.with_lengths_of(own_value));
                Self::Map(Box::new(key), Box::new(value), nulls)
            }
            (Self::Struct(fields), Self::Struct(own)) if fields.len() == own.len() => Self::Struct(
                fields
                    .into_iter()
                    .zip(own)
                    .map(|(field, own)| Field {
                        data_type: field.data_type.with_lengths_of(&own.data_type),
                        ..field
                    })
                    .collect(),
            ),
            (other, _) => other,
        }
    }

    /// Whether this or a part of it is the plain type of this SQL name.
    pub(crate) fn has(&self, plain: &str) -> bool {
        match self {
            Self::Plain(name) => *name == plain,
            Self::Array(element, _) => element.has(plain),
            Self::Map(key, value, _) => key.has(plain) || value.has(plain),
            Self::Struct(fields) => fields.iter().any(|field| field.data_type.has(plain)),
            _ => false,
        }
    }
}

fn unknown(arrow: &Arrow) -> CatalogError {
    CatalogError::Unsupported(format!("columns of the engine's type {arrow}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_read_and_shown() {
        for (sql, text, code) in [
            ("INTEGER", "int", "INT"),
            ("Decimal( 10 , 2 )", "decimal(10,2)", "DECIMAL"),
            ("NUMERIC", "decimal(10,0)", "DECIMAL"),
            ("varchar(20)", "varchar(20)", "STRING"),
            ("ARRAY<MAP<STRING, array<bigint>>>", "array<map<string,array<bigint>>>", "ARRAY"),
            ("STRUCT<a: INT NOT NULL, `b c` STRING COMMENT 'x'>", "struct<a:int,b c:string>", "STRUCT"),
            ("interval day to second", "interval day to second", "INTERVAL"),
            ("TIMESTAMP_NTZ", "timestamp_ntz", "TIMESTAMP_NTZ"),
        ] {
            let data_type = DataType::parse(sql).unwrap();
            assert_eq!((data_type.text().as_str(), data_type.code()), (text, code));
            if !matches!(data_type, DataType::Varchar(_)) {
                assert_eq!(DataType::from_delta(&data_type.delta()), Some(data_type));
            }
        }
    }

    #[test]
    fn what_is_no_type_is_refused() {
        let deep = "array<".repeat(100) + "int" + &">".repeat(100);
        for wrong in
            ["", "INT INT", "decimal(39,1)", "decimal(2,3)", "char", "array<int", "blob", "map<int>", &deep]
        {
            assert!(DataType::parse(wrong).is_err(), "{wrong}");
        }
    }
}
