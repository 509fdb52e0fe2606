//! Names of types.

use crate::data_type::{DataType, Field};
use crate::error::SqlError;
use crate::parser::Parser;
use crate::token::TokenKind;

impl Parser<'_> {
    /// Reads a type.
    pub fn data_type(&mut self) -> Result<DataType, SqlError> {
        self.deeper(Self::data_type_inner)
    }

    fn data_type_inner(&mut self) -> Result<DataType, SqlError> {
        if self.kind(0) != Some(TokenKind::Word) {
            return Err(self.error());
        }
        let word = self.text(0).to_uppercase();
        let span = self.here();
        self.at += 1;
        let data_type = match word.as_str() {
            "VOID" | "NULL" => DataType::Void,
            "BOOLEAN" => DataType::Boolean,
            "TINYINT" | "BYTE" => DataType::TinyInt,
            "SMALLINT" | "SHORT" => DataType::SmallInt,
            "INT" | "INTEGER" => DataType::Int,
            "BIGINT" | "LONG" => DataType::BigInt,
            "FLOAT" | "REAL" => DataType::Float,
            "DOUBLE" => {
                self.words("PRECISION");
                DataType::Double
            }
            "DECIMAL" | "DEC" | "NUMERIC" => {
                let numbers =
                    if self.is_symbol("(") { self.parenthesized(Self::integer)? } else { Vec::new() };
                let number = |at: usize, default: u8| {
                    numbers
                        .get(at)
                        .map_or(Some(default), |number| u8::try_from(*number).ok().filter(|n| *n <= 38))
                };
                match (number(0, 10), number(1, 0)) {
                    (Some(precision), Some(scale)) if scale <= precision && precision > 0 => {
                        DataType::Decimal(precision, scale)
                    }
                    _ => return Err(SqlError::syntax(self.sql, span)),
                }
            }
            "STRING" => {
                if self.words("COLLATE") {
                    self.collation()?;
                }
                DataType::String
            }
            "VARCHAR" | "CHAR" | "CHARACTER" => {
                let length = self.parenthesized(Self::integer)?;
                let length = length.first().and_then(|n| u32::try_from(*n).ok()).unwrap_or(1);
                if word == "VARCHAR" { DataType::Varchar(length) } else { DataType::Char(length) }
            }
            "BINARY" => DataType::Binary,
            "DATE" => DataType::Date,
            "TIMESTAMP" => {
                if self.words("WITHOUT TIME ZONE") {
                    DataType::TimestampNtz
                } else {
                    self.words("WITH LOCAL TIME ZONE");
                    DataType::Timestamp
                }
            }
            "TIMESTAMP_LTZ" => DataType::Timestamp,
            "TIMESTAMP_NTZ" => DataType::TimestampNtz,
            "TIME" => {
                let digits =
                    if self.is_symbol("(") { self.parenthesized(Self::integer)? } else { Vec::new() };
                DataType::Time(digits.first().and_then(|n| u8::try_from(*n).ok()).unwrap_or(6))
            }
            "INTERVAL" => self.interval_type()?,
            "VARIANT" => DataType::Variant,
            "ARRAY" => {
                self.expect_symbol("<")?;
                let element = self.data_type()?;
                self.expect_symbol(">")?;
                DataType::Array(Box::new(element))
            }
            "MAP" => {
                self.expect_symbol("<")?;
                let key = self.data_type()?;
                self.expect_symbol(",")?;
                let value = self.data_type()?;
                self.expect_symbol(">")?;
                DataType::Map(Box::new(key), Box::new(value))
            }
            "STRUCT" => {
                if self.symbol("<>") {
                    return Ok(DataType::Struct(Vec::new()));
                }
                self.expect_symbol("<")?;
                let fields = if self.is_symbol(">") { Vec::new() } else { self.list(Self::field)? };
                self.expect_symbol(">")?;
                DataType::Struct(fields)
            }
            "GEOMETRY" | "GEOGRAPHY" => {
                if self.is_symbol("(") {
                    self.skip_brackets()?;
                }
                DataType::Other(word)
            }
            "OBJECT" => DataType::Other(word),
            _ => {
                let text = format!("Unsupported data type \"{word}\".");
                return Err(SqlError::parse(self.sql, span, "UNSUPPORTED_DATATYPE", "0A000", &text));
            }
        };
        Ok(data_type)
    }

    fn interval_type(&mut self) -> Result<DataType, SqlError> {
        const FIELDS: [&str; 6] = ["YEAR", "MONTH", "DAY", "HOUR", "MINUTE", "SECOND"];
        let Some(first) = self.one_of(&FIELDS) else { return Ok(DataType::Interval) };
        let fields = if self.words("TO") {
            let last = self.one_of(&FIELDS).ok_or_else(|| self.error())?;
            format!("{first} TO {last}")
        } else {
            first.to_owned()
        };
        Ok(if matches!(first, "YEAR" | "MONTH") {
            DataType::YearMonth(fields)
        } else {
            DataType::DayTime(fields)
        })
    }

    /// The name of a collation that texts have here.
    ///
    /// Errors: any but `UTF8_BINARY` (`UNSUPPORTED_FEATURE` 0A000).
    pub(crate) fn collation(&mut self) -> Result<(), SqlError> {
        let name = self.name()?;
        if name.parts.last().is_some_and(|part| part.value.eq_ignore_ascii_case("UTF8_BINARY")) {
            return Ok(());
        }
        let hint = "Leave it out, and write COLLATE UTF8_LCASE where values are compared";
        Err(SqlError::unsupported(format!("the collation {} of columns and schemas", name.quoted()), hint)
            .at(name.span))
    }

    fn field(&mut self) -> Result<Field, SqlError> {
        let name = self.ident()?.value;
        self.symbol(":");
        let data_type = self.data_type()?;
        let not_null = self.words("NOT NULL");
        let comment = if self.words("COMMENT") { Some(self.string()?) } else { None };
        Ok(Field { name, data_type, not_null, comment })
    }
}
