//! Values of parameters as literals.

use crate::data_type::DataType;
use crate::error::SqlError;
use crate::parameters::Parameter;
use crate::token::string_literal;

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
            let plain = without_exponent(trimmed).ok_or_else(|| invalid(parameter, "has too many digits"))?;
            // A bare DECIMAL takes precision and scale from the value, as the connector's default does.
            let data_type =
                if upper == "DECIMAL" { measured(&plain).unwrap_or(data_type) } else { data_type };
            Ok(format!("CAST({} AS {data_type})", string_literal(&plain)))
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

pub(super) fn constructor(
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
    let (whole, fraction) = plain.split_once('.').unwrap_or((plain, ""));
    let whole = whole.trim_start_matches('0').len();
    let scale = u8::try_from(fraction.len()).ok()?;
    let precision = u8::try_from((whole + fraction.len()).max(1)).ok()?;
    (precision <= 38).then_some(DataType::Decimal(precision.max(scale), scale))
}

/// A number as written, an exponent worked out: `1E+2` is 100. None where no decimal has as many digits.
fn without_exponent(text: &str) -> Option<String> {
    let Some((number, exponent)) = text.split_once(['e', 'E']) else { return Some(text.to_owned()) };
    let exponent: i32 = exponent.parse().ok().filter(|exponent| (-100..=100).contains(exponent))?;
    let (sign, number) = number.strip_prefix('-').map_or(("", number), |number| ("-", number));
    let number = number.trim_start_matches('+');
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let places = usize::try_from(exponent.unsigned_abs()).ok()?;
    let shifted = if exponent < 0 {
        let padded = format!("{}{whole}", "0".repeat(places));
        let (whole, front) = padded.split_at(padded.len() - places);
        (whole.to_owned(), format!("{front}{fraction}"))
    } else {
        let padded = format!("{fraction}{}", "0".repeat(places.saturating_sub(fraction.len())));
        let (back, fraction) = padded.split_at(places);
        (format!("{whole}{back}"), fraction.to_owned())
    };
    let whole = match shifted.0.trim_start_matches('0') {
        "" => "0",
        whole => whole,
    };
    Some(if shifted.1.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{}", shifted.1) })
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

#[cfg(test)]
mod tests {
    use super::without_exponent;

    #[test]
    fn exponents_of_decimals_are_worked_out() {
        for (written, plain) in [
            ("1E+2", "100"),
            ("-1.25e1", "-12.5"),
            ("+1.25e3", "1250"),
            ("1E-7", "0.0000001"),
            ("-123.4E-2", "-1.234"),
            ("0E+3", "0"),
            ("12.50", "12.50"),
        ] {
            assert_eq!(without_exponent(written).as_deref(), Some(plain), "{written}");
        }
        assert_eq!(without_exponent("1E400"), None);
    }
}
