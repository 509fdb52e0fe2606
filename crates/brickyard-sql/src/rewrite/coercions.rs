//! Conversions that a statement leaves unsaid: other values in the place of texts and numbers, days beside moments, texts beside
//! either. The engine makes them of its own accord, but not the platform's.

use crate::command::constant_string;
use crate::data_type::DataType;
use crate::error::SqlError;
use crate::query::Call;
use crate::rewrite::alike::orderable;
use crate::rewrite::casts::java_text;
use crate::rewrite::edits::{Piece, pieces};
use crate::rewrite::numbers::is_moment;
use crate::rewrite::planner::Planner;
use crate::token::Span;

/// Functions and which of their arguments are texts.
const TEXTS: &str = " ascii:0 btrim:01 char_length:0 character_length:0 charindex:01 concat_ws:123456789 contains:01 conv:0 \
encode:0 endswith:01 find_in_set:01 ilike:0 initcap:0 instr:01 lcase:0 left:0 len:0 length:0 levenshtein:01 like:0 locate:01 \
lower:0 lpad:02 ltrim:01 overlay:01 position:01 regexp:0 regexp_count:0 regexp_extract:0 regexp_extract_all:0 regexp_instr:0 \
regexp_like:0 regexp_replace:02 regexp_substr:0 repeat:0 replace:012 reverse:0 right:0 rlike:0 rpad:02 rtrim:01 sentences:0 \
soundex:0 split:0 split_part:01 startswith:01 listagg:0 string_agg:0 substr:0 substring:0 substring_index:01 translate:012 \
trim:01 ucase:0 unbase64:0 upper:0 url_decode:0 url_encode:0 ";

/// Functions and which of their arguments are doubles when they are texts.
const DOUBLES: &str = " avg:0 ceil:0 ceiling:0 exp:0 floor:0 isnan:0 ln:0 log10:0 log2:0 mean:0 nanvl:01 power:01 pow:01 sign:0 signum:0 sqrt:0 stddev:0 stddev_pop:0 stddev_samp:0 var_pop:0 var_samp:0 variance:0 ";

/// Functions whose arguments, from that one on, are of one type.
const ALIKE: [(&str, usize); 9] = [
    ("coalesce", 0),
    ("nvl", 0),
    ("ifnull", 0),
    ("nvl2", 1),
    ("if", 1),
    ("iff", 1),
    ("array", 0),
    ("greatest", 0),
    ("least", 0),
];

/// Functions that are casts.
pub(super) fn cast_function(name: &str) -> Option<DataType> {
    Some(match name {
        "string" => DataType::String,
        "boolean" => DataType::Boolean,
        "tinyint" => DataType::TinyInt,
        "smallint" => DataType::SmallInt,
        "int" => DataType::Int,
        "bigint" => DataType::BigInt,
        "float" => DataType::Float,
        "double" => DataType::Double,
        "decimal" => DataType::Decimal(10, 0),
        "date" => DataType::Date,
        "timestamp" => DataType::Timestamp,
        "binary" => DataType::Binary,
        _ => return None,
    })
}

/// The arguments that such a list names for a function.
pub(super) fn places(list: &str, name: &str) -> Vec<usize> {
    let own = list.split(' ').find_map(|entry| entry.split_once(':').filter(|(known, _)| *known == name));
    own.map_or_else(Vec::new, |(_, places)| {
        places.chars().filter_map(|place| place.to_digit(10).map(|place| place as usize)).collect()
    })
}

impl Planner<'_> {
    /// The arguments of a call as the function wants them; gives their types then.
    ///
    /// Errors: an array, map or struct in the place of a text (`DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE` 42K09).
    pub(super) fn coerced(
        &mut self,
        name: &str,
        call: &Call,
        types: &[DataType],
    ) -> Result<Vec<DataType>, SqlError> {
        let mut own = types.to_vec();
        let value = |at: usize| call.arguments[at].value.span;
        for at in places(TEXTS, name) {
            let Some(data_type) = own.get_mut(at) else { continue };
            let nested = matches!(data_type, DataType::Array(_) | DataType::Map(..) | DataType::Struct(_));
            if nested && !matches!(name, "concat_ws" | "reverse") {
                return Err(no_text(name, at, value(at).of(self.sql), data_type));
            }
            if let Some(text) = self.as_text(value(at), data_type) {
                self.edits.replace(value(at), text);
                *data_type = DataType::String;
            }
        }
        for at in places(DOUBLES, name) {
            if own.get(at) == Some(&DataType::String) {
                self.edits.replace(value(at), pieces!["CAST(", value(at), " AS DOUBLE)"]);
                own[at] = DataType::Double;
            }
        }
        if matches!(name, "format_string" | "printf") {
            self.formatted(call, &mut own);
        }
        if let ("array_join", Some(DataType::Array(element))) = (name, own.first())
            && let Some(text) = Self::element_text(element)
        {
            self.edits.replace(value(0), pieces!["transform(", value(0), format!(", `__a` -> {text})")]);
        }
        if matches!(name, "greatest" | "least") {
            orderable(&own)?;
        }
        if let Some((_, from)) = ALIKE.iter().find(|(known, _)| *known == name) {
            let from = (*from).min(own.len());
            let spans: Vec<Span> = (from..own.len()).map(value).collect();
            self.alike(&spans, &mut own[from..], "DATA_DIFF_TYPES")?;
        }
        self.arrays(name, call, &mut own)?;
        if name == "map" {
            for (first, class) in [(0, "CREATE_MAP_KEY_DIFF_TYPES"), (1, "CREATE_MAP_VALUE_DIFF_TYPES")] {
                let spans: Vec<Span> = (first..own.len()).step_by(2).map(value).collect();
                let mut types: Vec<DataType> = own.iter().skip(first).step_by(2).cloned().collect();
                self.alike(&spans, &mut types, class)?;
                own.iter_mut()
                    .skip(first)
                    .step_by(2)
                    .zip(types)
                    .for_each(|(own, data_type)| *own = data_type);
            }
        }
        Ok(own)
    }

    /// A value in the place of a text; nothing where it is one, or where its type is not known.
    pub(super) fn as_text(&self, value: Span, data_type: &DataType) -> Option<Vec<Piece>> {
        let converts = data_type.is_numeric()
            || is_moment(data_type)
            || matches!(
                data_type,
                DataType::Boolean | DataType::DayTime(_) | DataType::YearMonth(_) | DataType::Interval
            );
        converts.then(|| {
            self.converted(value, data_type, &DataType::String, false)
                .unwrap_or_else(|| pieces!["CAST(", value, " AS STRING)"])
        })
    }

    /// The text of the element `__a` of an array; nothing where it is one, or where its type is not known.
    fn element_text(element: &DataType) -> Option<String> {
        match element {
            DataType::Double | DataType::Float => {
                let (open, close) = java_text(element);
                Some(format!("{open}`__a`{close}"))
            }
            other if is_moment(other) || matches!(other, DataType::Decimal(..)) => {
                Some("CAST(`__a` AS STRING)".to_owned())
            }
            _ => None,
        }
    }

    /// The values of `%s` in a literal format.
    fn formatted(&mut self, call: &Call, types: &mut [DataType]) {
        let Some(format) = call.arguments.first().and_then(|argument| constant_string(&argument.value))
        else {
            return;
        };
        let mut at = 0;
        let mut rest = format.chars();
        while let Some(c) = rest.next() {
            if c != '%' {
                continue;
            }
            let Some(conversion) = rest.find(|c| c.is_ascii_alphabetic() || matches!(c, '%' | '$')) else {
                return;
            };
            match conversion {
                '%' | 'n' => continue,
                // Arguments by their place.
                '$' => return,
                _ => at += 1,
            }
            if conversion.eq_ignore_ascii_case(&'s')
                && let (Some(argument), Some(data_type)) = (call.arguments.get(at), types.get_mut(at))
                // The others are shown as the numbers within.
                && matches!(
                    data_type,
                    DataType::Double | DataType::Float | DataType::Decimal(..) | DataType::Boolean
                )
                && let Some(text) = self.as_text(argument.value.span, data_type)
            {
                self.edits.replace(argument.value.span, text);
                *data_type = DataType::String;
            }
        }
    }
}

/// Whether an operator compares its sides.
pub(super) fn compares(operator: &str) -> bool {
    matches!(
        operator,
        "=" | "=="
            | "<>"
            | "!="
            | "<"
            | "<="
            | ">"
            | ">="
            | "<=>"
            | "IS DISTINCT FROM"
            | "IS NOT DISTINCT FROM"
    )
}

/// Whether a call is a window over lists, which the engine gives with what is NULL.
pub(super) fn collects(name: &str, call: &Call) -> bool {
    matches!(name, "collect_list" | "collect_set" | "array_agg") && call.over.is_some()
}

fn no_text(name: &str, at: usize, shown: &str, data_type: &DataType) -> SqlError {
    let place = ["first", "second", "third"].get(at).copied().unwrap_or("next");
    SqlError::new(
        "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE",
        "42K09",
        format!(
            "Cannot resolve \"{name}({shown})\" due to data type mismatch: The {place} parameter requires the \"STRING\" type, however \"{shown}\" has the type \"{data_type}\"."
        ),
    )
}
