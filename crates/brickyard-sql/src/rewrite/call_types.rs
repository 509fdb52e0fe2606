//! The types that built-in functions give.

use crate::command::constant_string;
use crate::data_type::{DataType, Field};
use crate::parser::Parser;
use crate::query::Call;
use crate::rewrite::numbers::common;
use crate::rewrite::planner::Planner;

impl Planner<'_> {
    /// The type a built-in function gives.
    pub(super) fn call_type(&mut self, name: &str, call: &Call, types: &[DataType]) -> DataType {
        let first = types.first().cloned().unwrap_or_default();
        let all = |from: usize| types.iter().skip(from).fold(DataType::Void, |a, b| common(&a, b));
        let element = |data_type: &DataType| match data_type {
            DataType::Array(element) => (**element).clone(),
            DataType::Map(_, value) => (**value).clone(),
            _ => DataType::Unknown,
        };
        let rule = crate::function::rule(name).unwrap_or("?");
        match rule {
            "?" | "gen" => DataType::Unknown,
            "$1" => first,
            "$*" => all(0),
            "$2*" => all(1),
            "elem1" => element(&first),
            "array1" => DataType::Array(Box::new(first)),
            "array*" => DataType::Array(Box::new(all(0))),
            "sum" => match first {
                DataType::Decimal(precision, scale) => DataType::Decimal((precision + 10).min(38), scale),
                data_type if data_type.is_integer() => DataType::BigInt,
                DataType::Float | DataType::Double | DataType::String => DataType::Double,
                other => other,
            },
            "avg" => match first {
                DataType::Decimal(precision, scale) => {
                    DataType::Decimal((precision + 4).min(38), (scale + 4).min(38))
                }
                DataType::YearMonth(_) | DataType::DayTime(_) => first,
                DataType::Unknown => DataType::Unknown,
                _ => DataType::Double,
            },
            "median" | "percentile" => match first {
                DataType::YearMonth(_) | DataType::DayTime(_) => first,
                _ => DataType::Double,
            },
            "integral" => match first {
                DataType::Decimal(precision, scale) if types.len() == 1 => {
                    DataType::Decimal((precision + 1).saturating_sub(scale).max(1), 0)
                }
                DataType::Unknown => DataType::Unknown,
                DataType::Decimal(..) => DataType::Unknown,
                _ => DataType::BigInt,
            },
            "round" => match first {
                DataType::Decimal(..) => DataType::Unknown,
                DataType::String => DataType::Double,
                other => other,
            },
            "+" | "-" | "*" | "%" => match (&first, types.get(1)) {
                (a, Some(b)) if a.is_integer() && b.is_integer() => common(a, b),
                (DataType::Date, Some(b)) if b.is_integer() => DataType::Date,
                (DataType::Double | DataType::Float, _) => DataType::Double,
                _ => DataType::Unknown,
            },
            "/" => {
                if matches!(first, DataType::Decimal(..) | DataType::Unknown) {
                    DataType::Unknown
                } else {
                    DataType::Double
                }
            }
            "substr" => {
                if first == DataType::Binary {
                    DataType::Binary
                } else {
                    DataType::String
                }
            }
            "concat" => match first {
                DataType::Array(_) | DataType::Binary => first,
                _ => DataType::String,
            },
            "keys" => match first {
                DataType::Map(key, _) => DataType::Array(key),
                _ => DataType::Unknown,
            },
            "values" => match first {
                DataType::Map(_, value) => DataType::Array(value),
                _ => DataType::Unknown,
            },
            "entries" => match first {
                DataType::Map(key, value) => {
                    let field = |name: &str, data_type: DataType| Field {
                        name: name.to_owned(),
                        data_type,
                        ..Field::default()
                    };
                    DataType::Array(Box::new(DataType::Struct(vec![
                        field("key", *key),
                        field("value", *value),
                    ])))
                }
                _ => DataType::Unknown,
            },
            "map" => match name {
                "map" => {
                    let pick = |odd: usize| {
                        types.iter().skip(odd).step_by(2).fold(DataType::Void, |a, b| common(&a, b))
                    };
                    DataType::Map(Box::new(pick(0)), Box::new(pick(1)))
                }
                "map_from_arrays" => match (&first, types.get(1)) {
                    (DataType::Array(key), Some(DataType::Array(value))) => {
                        DataType::Map(key.clone(), value.clone())
                    }
                    _ => DataType::Unknown,
                },
                _ => match element(&first) {
                    DataType::Struct(fields) if fields.len() == 2 => DataType::Map(
                        Box::new(fields[0].data_type.clone()),
                        Box::new(fields[1].data_type.clone()),
                    ),
                    _ => DataType::Unknown,
                },
            },
            "struct" => self.struct_type(name, call, types),
            "lambda" => self.lambda_type(name, types),
            "sequence" => DataType::Array(Box::new(match &first {
                data_type if data_type.is_integer() => all(0),
                other => other.clone(),
            })),
            "schema" => self.schema_type(call),
            "datediff" => {
                if types.len() == 3 {
                    DataType::BigInt
                } else {
                    DataType::Int
                }
            }
            "dateadd" => {
                if types.len() == 3 {
                    DataType::Timestamp
                } else {
                    DataType::Date
                }
            }
            text => DataType::from(text),
        }
    }

    pub(super) fn struct_type(&self, name: &str, call: &Call, types: &[DataType]) -> DataType {
        let field = |name: String, data_type: &DataType| Field {
            name,
            data_type: data_type.clone(),
            ..Field::default()
        };
        match name {
            "named_struct" => {
                let mut fields = Vec::new();
                for (pair, types) in call.arguments.chunks(2).zip(types.chunks(2)) {
                    match (constant_string(&pair[0].value), types.get(1)) {
                        (Some(name), Some(data_type)) => fields.push(field(name, data_type)),
                        _ => return DataType::Unknown,
                    }
                }
                DataType::Struct(fields)
            }
            "struct" => {
                let fields =
                    call.arguments.iter().zip(types).enumerate().map(|(at, (argument, data_type))| {
                        // `struct(1 AS a)`: the alias stands right after the value.
                        let after = &self.sql[argument.value.span.end..];
                        let alias = Parser::new(&after[..after.find([',', ')']).unwrap_or(0)]).ok().and_then(
                            |mut parser| if parser.words("AS") { parser.ident().ok() } else { None },
                        );
                        let own = crate::rewrite::scope::plain_name(&argument.value).map(str::to_owned);
                        field(
                            alias
                                .map(|alias| alias.value)
                                .or(own)
                                .unwrap_or_else(|| format!("col{}", at + 1)),
                            data_type,
                        )
                    });
                DataType::Struct(fields.collect())
            }
            _ => DataType::Unknown,
        }
    }

    pub(super) fn lambda_type(&self, name: &str, types: &[DataType]) -> DataType {
        let first = types.first().cloned().unwrap_or_default();
        let body = types.last().cloned().unwrap_or_default();
        match (name, first) {
            ("transform", DataType::Array(_)) | ("zip_with", _) => DataType::Array(Box::new(body)),
            ("transform_values", DataType::Map(key, _)) => DataType::Map(key, Box::new(body)),
            ("transform_keys", DataType::Map(_, value)) => DataType::Map(Box::new(body), value),
            ("map_zip_with", DataType::Map(key, _)) => DataType::Map(key, Box::new(body)),
            ("aggregate" | "reduce", _) if types.len() == 3 => types[1].clone(),
            ("aggregate" | "reduce", _) => body,
            _ => DataType::Unknown,
        }
    }

    /// The type named by a literal: of `from_json(text, 'a INT')`, `variant_get(v, '$.a', 'int')`.
    pub(super) fn schema_type(&self, call: &Call) -> DataType {
        let at = if call.name.single().is_some_and(|name| name.contains("VARIANT")) { 2 } else { 1 };
        let Some(text) = call.arguments.get(at).and_then(|argument| constant_string(&argument.value)) else {
            return if at == 2 { DataType::Variant } else { DataType::Unknown };
        };
        match DataType::from(text.as_str()) {
            DataType::Unknown => DataType::from(format!("STRUCT<{text}>").as_str()),
            data_type => data_type,
        }
    }
}
