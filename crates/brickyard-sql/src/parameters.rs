//! Parameter markers: found by token, bound as literals of their exact type.

use std::collections::BTreeMap;

use crate::data_type::DataType;
use crate::error::SqlError;
use crate::token::{Span, Token, TokenKind, string_literal, tokenize};

/// A value bound to a marker.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Parameter {
    /// SQL type, such as `DECIMAL(10,2)`, `VOID`, `ARRAY<INT>`; empty or `STRING` is a string.
    pub sql_type: String,
    /// The value as text; `None` is NULL, unless `arguments` holds the parts.
    pub value: Option<String>,
    /// Parts of an `ARRAY` (elements), `MAP` (keys and values in turn, or entries of two) or `STRUCT` (fields).
    pub arguments: Option<Vec<Parameter>>,
}

/// Values for the markers of a statement.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Parameters {
    /// No markers.
    #[default]
    None,
    /// `?` in order.
    Positional(Vec<Parameter>),
    /// `:name`; names are compared without regard to case.
    Named(BTreeMap<String, Parameter>),
}

/// A marker in a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Marker {
    /// `?`.
    Positional(Span),
    /// `:name`.
    Named(Span, String),
}

impl Marker {
    /// Where it stands.
    pub fn span(&self) -> Span {
        match self {
            Self::Positional(span) | Self::Named(span, _) => *span,
        }
    }
}

/// Words after which an operand begins, so that a `:` there begins a marker and no JSON path.
const BEFORE_OPERAND: [&str; 56] = [
    "SELECT",
    "DISTINCT",
    "ALL",
    "FROM",
    "WHERE",
    "AND",
    "OR",
    "NOT",
    "IN",
    "LIKE",
    "ILIKE",
    "RLIKE",
    "REGEXP",
    "BETWEEN",
    "LIMIT",
    "OFFSET",
    "VALUES",
    "SET",
    "ON",
    "THEN",
    "ELSE",
    "WHEN",
    "CASE",
    "BY",
    "HAVING",
    "INTERVAL",
    "RETURN",
    "DEFAULT",
    "QUALIFY",
    "USING",
    "IS",
    "DIV",
    "ESCAPE",
    "OF",
    "AS",
    "TO",
    "INTO",
    "ROWS",
    "RANGE",
    "IDENTIFIER",
    "FOR",
    "PERCENT",
    "TABLE",
    "CATALOG",
    "SCHEMA",
    "DATABASE",
    "RETAIN",
    "COMMENT",
    "LOCATION",
    "IMMEDIATE",
    "UPDATE",
    "INSERT",
    "USE",
    "TAGS",
    "JOIN",
    "ANY",
];

/// The markers of a statement in the order of its text.
pub fn markers(sql: &str) -> Result<Vec<Marker>, SqlError> {
    let tokens: Vec<Token> = tokenize(sql)?
        .into_iter()
        .filter(|token| !matches!(token.kind, TokenKind::Space | TokenKind::Comment | TokenKind::Hint))
        .collect();
    let mut found = Vec::new();
    for (index, token) in tokens.iter().enumerate() {
        let text = token.span.of(sql);
        if token.kind != TokenKind::Symbol {
            continue;
        }
        if text == "?" {
            found.push(Marker::Positional(token.span));
        } else if text == ":" {
            let Some(next) = tokens.get(index + 1) else { continue };
            let named = matches!(next.kind, TokenKind::Word | TokenKind::Quoted);
            let adjacent = next.span.start == token.span.end && named;
            let before = index.checked_sub(1).map(|before| tokens[before]);
            if adjacent && before.is_none_or(|before| operand_follows(sql, before)) {
                // SQLAlchemy writes the name in back-ticks.
                let name = next.span.of(sql).trim_matches('`').replace("``", "`");
                found.push(Marker::Named(token.span.to(next.span), name));
            }
        }
    }
    Ok(found)
}

fn operand_follows(sql: &str, before: Token) -> bool {
    let text = before.span.of(sql);
    match before.kind {
        TokenKind::Symbol => !matches!(text, ")" | "]" | "?"),
        TokenKind::Word => BEFORE_OPERAND.iter().any(|word| text.eq_ignore_ascii_case(word)),
        _ => false,
    }
}

/// The statement with variables within `IDENTIFIER(…)` replaced by their values, so that what it names can be seen.
pub fn bind_identifiers(sql: &str, variables: &[crate::plan::Variable]) -> Result<String, SqlError> {
    if variables.is_empty() {
        return Ok(sql.to_owned());
    }
    let tokens: Vec<Token> = tokenize(sql)?
        .into_iter()
        .filter(|token| !matches!(token.kind, TokenKind::Space | TokenKind::Comment | TokenKind::Hint))
        .collect();
    let is = |at: usize, symbol: &str| tokens.get(at).is_some_and(|token| token.span.of(sql) == symbol);
    let (mut text, mut copied, mut depth, mut at) = (String::new(), 0, 0_usize, 0);
    while at < tokens.len() {
        let word = tokens[at].span.of(sql);
        if depth == 0
            && tokens[at].kind == TokenKind::Word
            && word.eq_ignore_ascii_case("IDENTIFIER")
            && is(at + 1, "(")
        {
            (depth, at) = (1, at + 2);
            continue;
        }
        if depth > 0 {
            match word {
                "(" => depth += 1,
                ")" => depth -= 1,
                _ if tokens[at].kind == TokenKind::Word && !is(at + 1, "(") && !is(at + 1, ".") => {
                    // `session.v` and `label.v` too.
                    let qualified = at >= 2 && is(at - 1, ".") && tokens[at - 2].kind == TokenKind::Word;
                    let owner = qualified.then(|| tokens[at - 2].span.of(sql));
                    let fits = |variable: &&crate::plan::Variable| {
                        variable.name.eq_ignore_ascii_case(word)
                            && owner.is_none_or(|owner| {
                                variable.qualifier.as_deref().unwrap_or("session").eq_ignore_ascii_case(owner)
                            })
                    };
                    if let Some(variable) = variables.iter().find(fits) {
                        let start = if qualified { tokens[at - 2].span.start } else { tokens[at].span.start };
                        text.push_str(&sql[copied..start]);
                        text.push_str(&variable.literal);
                        copied = tokens[at].span.end;
                    }
                }
                _ => {}
            }
        }
        at += 1;
    }
    text.push_str(&sql[copied..]);
    Ok(text)
}

/// The statement with every marker replaced by a literal of the parameter's exact type.
///
/// Errors: `UNBOUND_SQL_PARAMETER` (42P02) for a marker without a value; `INVALID_PARAMETER_MARKER_VALUE` (22023) for a value that
/// is none of its type. Values without a marker are passed over, as the platform does with named ones.
pub fn bind(sql: &str, parameters: &Parameters) -> Result<String, SqlError> {
    let markers = markers(sql)?;
    let mut text = String::with_capacity(sql.len());
    let (mut copied, mut position) = (0, 0);
    for marker in &markers {
        let span = marker.span();
        let (name, parameter) = match (marker, parameters) {
            (Marker::Positional(span), Parameters::Positional(values)) => {
                position += 1;
                (format!("_{}", span.start), values.get(position - 1))
            }
            (Marker::Named(_, name), Parameters::Named(values)) => {
                let exact = values.get(name);
                let found = exact.or_else(|| {
                    values.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, v)| v)
                });
                (name.clone(), found)
            }
            (Marker::Positional(span), _) => (format!("_{}", span.start), None),
            (Marker::Named(_, name), _) => (name.clone(), None),
        };
        let Some(parameter) = parameter else {
            let message = format!(
                "Found the unbound parameter: {name}. Please, fix `args` and provide a mapping of the parameter to either a SQL literal or collection constructor functions such as `map()`, `array()`, `struct()`."
            );
            return Err(SqlError::parse(sql, span, "UNBOUND_SQL_PARAMETER", "42P02", &message));
        };
        text.push_str(&sql[copied..span.start]);
        let literal = literal(parameter, 0).map_err(|error| error.at(span))?;
        // A space keeps `a=:p` from growing together with a neighbour, as in `LIMIT:n`.
        if text.chars().next_back().is_some_and(|c| c == '_' || c.is_alphanumeric()) {
            text.push(' ');
        }
        text.push_str(&literal);
        if sql[span.end..].chars().next().is_some_and(|c| c == '_' || c.is_alphanumeric()) {
            text.push(' ');
        }
        copied = span.end;
    }
    text.push_str(&sql[copied..]);
    Ok(text)
}

/// A parameter as SQL text of its exact type.
pub fn literal(parameter: &Parameter, depth: usize) -> Result<String, SqlError> {
    let declared = parameter.sql_type.trim();
    let upper = declared.to_uppercase();
    if depth > 16 {
        return Err(invalid(parameter, "is nested too deeply"));
    }
    if let Some(arguments) = &parameter.arguments {
        return constructor(parameter, &upper, arguments, depth);
    }
    let Some(value) = &parameter.value else {
        return Ok(match DataType::from(declared) {
            DataType::Unknown | DataType::Void => "NULL".to_owned(),
            data_type => format!("CAST(NULL AS {data_type})"),
        });
    };
    let data_type = if declared.is_empty() { DataType::String } else { DataType::from(declared) };
    let trimmed = value.trim();
    let whole = |low: i128, high: i128| trimmed.parse::<i128>().ok().filter(|n| (low..=high).contains(n));
    let integer = |suffix: &str, low: i128, high: i128| {
        let number = whole(low, high).ok_or_else(|| invalid(parameter, "is not of this type"))?;
        Ok(if number == low {
            // The least value is no literal: its positive part is too large.
            format!("CAST('{number}' AS {data_type})")
        } else if number < 0 {
            format!("(-{}{suffix})", -number)
        } else {
            format!("{number}{suffix}")
        })
    };
    match &data_type {
        DataType::Void => Ok("NULL".to_owned()),
        DataType::TinyInt => integer("Y", i128::from(i8::MIN), i128::from(i8::MAX)),
        DataType::SmallInt => integer("S", i128::from(i16::MIN), i128::from(i16::MAX)),
        DataType::Int => integer("", i128::from(i32::MIN), i128::from(i32::MAX)),
        DataType::BigInt => integer("L", i128::from(i64::MIN), i128::from(i64::MAX)),
        DataType::Boolean => match trimmed.to_lowercase().as_str() {
            "true" | "t" | "yes" | "y" | "1" => Ok("TRUE".to_owned()),
            "false" | "f" | "no" | "n" | "0" => Ok("FALSE".to_owned()),
            _ => Err(invalid(parameter, "is not of this type")),
        },
        DataType::Float | DataType::Double => {
            let special = ["nan", "inf", "-inf", "infinity", "-infinity", "+inf"];
            if trimmed.parse::<f64>().is_err() && !special.contains(&trimmed.to_lowercase().as_str()) {
                return Err(invalid(parameter, "is not of this type"));
            }
            let plain = trimmed.strip_prefix('-').unwrap_or(trimmed);
            let digits = !plain.is_empty()
                && plain.chars().all(|c| c.is_ascii_digit() || c == '.')
                && plain.len() < 18;
            if data_type == DataType::Double
                && digits
                && plain.starts_with(|c: char| c.is_ascii_digit())
                && !plain.ends_with('.')
            {
                return Ok(if trimmed.starts_with('-') {
                    format!("(-{plain}D)")
                } else {
                    format!("{plain}D")
                });
            }
            Ok(format!("CAST({} AS {data_type})", string_literal(trimmed)))
        }
        DataType::Decimal(..) => {
            let decimal = trimmed.parse::<f64>().is_ok_and(f64::is_finite);
            if !decimal {
                return Err(invalid(parameter, "is not of this type"));
            }
            // A bare DECIMAL takes precision and scale from the value, as the connector's default does.
            let data_type =
                if upper == "DECIMAL" { measured(trimmed).unwrap_or(data_type) } else { data_type };
            Ok(format!("CAST({} AS {data_type})", string_literal(trimmed)))
        }
        DataType::Date | DataType::Timestamp | DataType::TimestampNtz | DataType::Time(_) => {
            Ok(format!("CAST({} AS {data_type})", string_literal(trimmed)))
        }
        DataType::Binary => {
            let hexadecimal = trimmed.len() % 2 == 0 && trimmed.chars().all(|c| c.is_ascii_hexdigit());
            if !hexadecimal {
                return Err(invalid(parameter, "is not of this type"));
            }
            Ok(format!("X'{trimmed}'"))
        }
        DataType::YearMonth(fields) | DataType::DayTime(fields) => {
            Ok(format!("INTERVAL {} {fields}", string_literal(trimmed)))
        }
        DataType::Interval => Ok(format!("CAST({} AS INTERVAL)", string_literal(trimmed))),
        DataType::String | DataType::Varchar(_) | DataType::Char(_) => Ok(string_literal(value)),
        DataType::Variant => Ok(format!("parse_json({})", string_literal(value))),
        DataType::Array(_) | DataType::Map(..) | DataType::Struct(_) => {
            Ok(format!("from_json({}, {})", string_literal(value), string_literal(&data_type.to_string())))
        }
        DataType::Unknown | DataType::Other(_) => {
            let message = format!("The parameter type \"{declared}\" is not supported.");
            Err(SqlError::new("UNSUPPORTED_DATATYPE", "0A000", message))
        }
    }
}

fn constructor(
    parameter: &Parameter,
    upper: &str,
    arguments: &[Parameter],
    depth: usize,
) -> Result<String, SqlError> {
    if arguments.len() > 100_000 {
        return Err(invalid(parameter, "has too many parts"));
    }
    let literals = |parts: &[Parameter]| {
        parts
            .iter()
            .map(|part| literal(part, depth + 1))
            .collect::<Result<Vec<_>, _>>()
            .map(|parts| parts.join(", "))
    };
    let data_type = DataType::from(upper);
    let typed = |text: String| match &data_type {
        DataType::Array(_) | DataType::Map(..) => format!("CAST({text} AS {data_type})"),
        _ => text,
    };
    if upper.starts_with("ARRAY") {
        return Ok(typed(format!("array({})", literals(arguments)?)));
    }
    if upper.starts_with("MAP") {
        let mut flat = Vec::new();
        for entry in arguments {
            match &entry.arguments {
                Some(pair)
                    if entry.sql_type.is_empty()
                        || entry.sql_type.to_uppercase().starts_with("STRUCT")
                        || entry.sql_type.to_uppercase().starts_with("MAP_ENTRY") =>
                {
                    flat.extend(pair.iter().cloned());
                }
                _ => flat.push(entry.clone()),
            }
        }
        return Ok(typed(format!("map({})", literals(&flat)?)));
    }
    if upper.starts_with("STRUCT") {
        if let DataType::Struct(fields) = DataType::from(parameter.sql_type.as_str())
            && fields.len() == arguments.len()
        {
            let mut parts = Vec::new();
            for (field, argument) in fields.iter().zip(arguments) {
                parts.push(format!("{}, {}", string_literal(&field.name), literal(argument, depth + 1)?));
            }
            return Ok(format!("named_struct({})", parts.join(", ")));
        }
        return Ok(format!("struct({})", literals(arguments)?));
    }
    Err(invalid(parameter, "has parts although its type has none"))
}

/// Precision and scale of a plain decimal number.
fn measured(text: &str) -> Option<DataType> {
    let plain = text.trim_start_matches(['-', '+']);
    if plain.contains(['e', 'E']) {
        return None;
    }
    let (whole, fraction) = plain.split_once('.').unwrap_or((plain, ""));
    let whole = whole.trim_start_matches('0').len();
    let scale = u8::try_from(fraction.len()).ok()?;
    let precision = u8::try_from((whole + fraction.len()).max(1)).ok()?;
    (precision <= 38).then_some(DataType::Decimal(precision.max(scale), scale))
}

fn invalid(parameter: &Parameter, why: &str) -> SqlError {
    let value = parameter.value.as_deref().unwrap_or("NULL");
    let shown: String = value.chars().take(60).collect();
    let message = format!(
        "An invalid parameter mapping was provided: the value '{shown}' of type {} {why}.",
        parameter.sql_type
    );
    SqlError::new("INVALID_PARAMETER_MARKER_VALUE", "22023", message)
}
