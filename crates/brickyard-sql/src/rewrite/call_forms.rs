//! Forms that stand for functions the engine lacks: vectors, rounding half to even, averages, percentiles, windows of time.

use crate::command::constant_string;
use crate::data_type::DataType;
use crate::error::SqlError;
use crate::query::{Argument, Call, Expr, ExprKind};
use crate::rewrite::edge_calls::half_even;
use crate::rewrite::edits::{Piece, pieces};
use crate::rewrite::planner::Planner;
use crate::token::Span;

impl Planner<'_> {
    /// Functions of bytes that the engine has for text alone, over their hexadecimal digits; `false` for those that stay.
    pub(super) fn bytes(&mut self, expr: &Expr, name: &str, spans: &[Span], types: &[DataType]) -> bool {
        let filled_with_text = types.get(2) == Some(&DataType::String);
        let from = |start: Span| pieces!["2 * (", start, ") - 1"];
        let mut text = pieces!["unhex("];
        match (name, spans) {
            ("left" | "right", [value, length]) => {
                text.extend(pieces![format!("{name}(hex("), *value, "), 2 * greatest(", *length, ", 0))"]);
            }
            // A start of zero or less counts otherwise.
            ("substr" | "substring", [value, start, rest @ ..]) if is_positive(start.of(self.sql)) => {
                text.extend(pieces!["substring(hex(", *value, "), "]);
                text.extend(from(*start));
                if let [length] = rest {
                    text.extend(pieces![", 2 * (", *length, ")"]);
                }
                text.push(Piece::from(")"));
            }
            ("overlay", [value, new, start, rest @ ..]) if is_positive(start.of(self.sql)) => {
                text.extend(pieces![
                    "concat(substring(hex(",
                    *value,
                    "), 1, 2 * ((",
                    *start,
                    ") - 1)), hex("
                ]);
                text.extend(pieces![*new, "), substring(hex(", *value, "), 2 * ((", *start, ") - 1 + "]);
                match rest {
                    [length] => text.extend(pieces!["(", *length, ")"]),
                    _ => text.extend(pieces!["octet_length(", *new, ")"]),
                }
                text.push(Piece::from(") + 1))"));
            }
            ("lpad" | "rpad", [value, length]) => {
                text.extend(pieces![format!("{name}(hex("), *value, "), 2 * (", *length, "), '00')"]);
            }
            // With a text to fill up, both are texts.
            ("lpad" | "rpad", [value, _, _]) if filled_with_text => {
                self.edits.replace(*value, pieces!["CAST(", *value, " AS STRING)"]);
                return true;
            }
            ("lpad" | "rpad", [value, length, pad]) => {
                text.extend(pieces![
                    format!("{name}(hex("),
                    *value,
                    "), 2 * (",
                    *length,
                    "), hex(",
                    *pad,
                    "))"
                ]);
            }
            // The platform takes the bytes for text here.
            ("btrim", [value]) => text = pieces!["btrim(CAST(", *value, " AS STRING)"],
            ("btrim", [value, bytes]) => {
                text = pieces!["btrim(CAST(", *value, " AS STRING), CAST(", *bytes, " AS STRING)"];
            }
            _ => return false,
        }
        text.push(Piece::from(")"));
        self.edits.replace(expr.span, text);
        true
    }

    /// Similarity and distance of vectors, as arrays of floats.
    pub(super) fn vectors(&mut self, expr: &Expr, name: &str, left: Span, right: Span) {
        let sum = |element: &str, one: Span, other: Span| {
            pieces![
                "aggregate(transform(arrays_zip(",
                one,
                ", ",
                other,
                format!("), `__e` -> CAST({element} AS DOUBLE)), 0D, (`__s`, `__x`) -> `__s` + `__x`)")
            ]
        };
        let product = |one: Span, other: Span| sum("`__e`.`0` * `__e`.`1`", one, other);
        let mut text = pieces!["CAST("];
        match name {
            "vector_l2_distance" => {
                text.push(Piece::from("sqrt("));
                text.extend(sum("(`__e`.`0` - `__e`.`1`) * (`__e`.`0` - `__e`.`1`)", left, right));
                text.push(Piece::from(")"));
            }
            "vector_inner_product" => text.extend(product(left, right)),
            _ => {
                text.extend(product(left, right));
                text.push(Piece::from(" / nullif(sqrt("));
                text.extend(product(left, left));
                text.push(Piece::from(") * sqrt("));
                text.extend(product(right, right));
                text.push(Piece::from("), 0)"));
            }
        }
        text.push(Piece::from(" AS FLOAT)"));
        self.edits.replace(expr.span, text);
    }

    /// Rounding half to even, which the engine does only for doubles.
    pub(super) fn bround(&mut self, expr: &Expr, spans: &[Span], types: &[DataType]) -> Result<(), SqlError> {
        match (types.first(), spans) {
            (Some(data_type), [value]) if data_type.is_integer() => {
                self.edits.replace(expr.span, pieces!["(", *value, ")"]);
                Ok(())
            }
            (Some(data_type), [value, scale]) if data_type.is_integer() => {
                let power =
                    scale.of(self.sql).trim().strip_prefix('-').and_then(|text| text.parse::<u32>().ok());
                let Some(unit) = power.and_then(|power| 10_i64.checked_pow(power)) else {
                    return Err(SqlError::unsupported(
                        "bround with this scale",
                        "Give the scale as a literal",
                    ));
                };
                self.edits.replace(
                    expr.span,
                    pieces![
                        "CAST(bround(CAST((",
                        *value,
                        format!(") AS DOUBLE) / {unit}D) * {unit} AS {data_type})")
                    ],
                );
                Ok(())
            }
            (Some(DataType::Float | DataType::Double), _) => Ok(()),
            (Some(data_type @ DataType::Decimal(..)), [value, rest @ ..]) => {
                let places = rest.first().map_or("0", |places| places.of(self.sql).trim());
                match half_even(*value, data_type, places) {
                    Some((text, _)) => self.edits.replace(expr.span, text),
                    None if places.parse::<u8>().is_ok() => {
                        self.edits.replace(expr.span, pieces!["(", *value, ")"]);
                    }
                    None => {
                        return Err(SqlError::unsupported(
                            "bround to these places",
                            "Give them as a literal",
                        ));
                    }
                }
                Ok(())
            }
            _ => Err(SqlError::unsupported(
                "bround of this type",
                "Use round, which rounds half away from zero",
            )),
        }
    }

    /// The average of decimals is rounded half up, where the engine cuts off.
    pub(super) fn average(&mut self, expr: &Expr, call: &Call, types: &[DataType]) {
        let Some(DataType::Decimal(precision, scale)) = types.first() else { return };
        let result = DataType::Decimal((precision + 4).min(38), (scale + 4).min(38));
        let sum = DataType::Decimal((precision + 11).min(38), (scale + 1).min(38));
        let rest = Span::new(call.name.span.end, expr.span.end);
        self.edits.replace(
            expr.span,
            pieces![
                "CAST(CAST(sum",
                rest,
                format!(" AS {sum}) / nullif(CAST(count"),
                rest,
                format!(" AS DECIMAL(20,0)), 0) AS {result})"),
            ],
        );
    }

    /// The engine interpolates; the platform gives a value that is there, as `percentile_disc` does.
    pub(super) fn percentile(
        &mut self,
        expr: &Expr,
        call: &Call,
        types: &[DataType],
    ) -> Result<(), SqlError> {
        let hint = "Use percentile_disc(p) WITHIN GROUP (ORDER BY x)";
        let [value, share, ..] = call.arguments.as_slice() else {
            return Err(SqlError::unsupported("this call of percentile_approx", hint));
        };
        if call.filter.is_some() || call.over.is_some() || call.distinct {
            return Err(SqlError::unsupported("percentile_approx with FILTER, OVER or DISTINCT", hint));
        }
        let (open, close) = match types.first() {
            Some(data_type) if data_type.is_numeric() => ("CAST(", format!(" AS {data_type})")),
            _ => ("", String::new()),
        };
        let one = |share: Span| {
            pieces![
                format!("{open}percentile_disc("),
                share,
                ") WITHIN GROUP (ORDER BY ",
                value.value.span,
                format!("){close}"),
            ]
        };
        match &share.value.kind {
            ExprKind::Call(list) if list.name.single().as_deref() == Some("ARRAY") => {
                let mut text = pieces!["array("];
                for (index, share) in list.arguments.iter().enumerate() {
                    if index > 0 {
                        text.push(Piece::from(", "));
                    }
                    text.extend(one(share.value.span));
                }
                text.push(Piece::from(")"));
                self.edits.replace(expr.span, text);
            }
            ExprKind::Number(_) => self.edits.replace(expr.span, one(share.value.span)),
            _ => return Err(SqlError::unsupported("percentile_approx of a share that is no number", hint)),
        }
        Ok(())
    }

    /// `window(ts, '1 hour')`: fixed windows, aligned to the epoch.
    pub(super) fn window(&mut self, expr: &Expr, call: &Call, types: &[DataType]) -> Result<(), SqlError> {
        let hint = "Use window(column, '<n> minutes') with one fixed length";
        let [moment, length, rest @ ..] = call.arguments.as_slice() else {
            return Err(SqlError::unsupported("this call of window", hint));
        };
        let time =
            |argument: &Argument| constant_string(&argument.value).and_then(|text| microseconds(&text));
        let length = time(length);
        // Windows that follow one another without gaps may start later.
        let offset = match rest {
            [] => Some(0),
            [slide] if time(slide) == length => Some(0),
            [slide, offset] if time(slide) == length => time(offset),
            _ => return Err(SqlError::unsupported("sliding windows", hint)),
        };
        let (Some(length), Some(offset)) = (length, offset) else {
            return Err(SqlError::unsupported("this window length", hint));
        };
        if !matches!(types.first(), Some(DataType::Timestamp)) {
            return Err(SqlError::unsupported("window over anything but a TIMESTAMP column", hint));
        }
        // The engine's moments of numbers are shown in UTC.
        let (open, close) = if self.context.local_time { ("CAST(", " AS TIMESTAMP)") } else { ("", "") };
        let micros = "unix_micros(`__t`)";
        let start = format!("{micros} - pmod({micros} - {offset}L, {length}L)");
        self.edits.replace(
            expr.span,
            pieces![
                "get(transform(array(",
                moment.value.span,
                format!(
                    "), `__t` -> named_struct('start', {open}timestamp_micros({start}){close}, \
                 'end', {open}timestamp_micros({start} + {length}L){close})), 0)"
                ),
            ],
        );
        Ok(())
    }
}

/// Whether a literal is a whole number above zero.
fn is_positive(text: &str) -> bool {
    text.trim().parse::<u64>().is_ok_and(|number| number > 0)
}

/// The length of `'1 day'`, `'90 minutes'` in microseconds.
fn microseconds(text: &str) -> Option<i64> {
    let mut words = text.split_whitespace().skip_while(|word| word.eq_ignore_ascii_case("interval"));
    let number: i64 = words.next()?.parse().ok().filter(|number| *number > 0)?;
    let unit = words.next()?.to_lowercase();
    if words.next().is_some() {
        return None;
    }
    let unit: i64 = match unit.trim_end_matches('s') {
        "microsecond" => 1,
        "millisecond" => 1_000,
        "second" => 1_000_000,
        "minute" => 60_000_000,
        "hour" => 3_600_000_000,
        "day" => 86_400_000_000,
        "week" => 604_800_000_000,
        _ => return None,
    };
    number.checked_mul(unit)
}
