//! Numbers as Java and JSON write them.

use std::fmt::Write as _;

pub(super) fn push(output: &mut String, number: impl std::fmt::Display) {
    let _ = write!(output, "{number}");
}

/// A double as Java prints it: `1.0`, `1.0E10`, `NaN`.
pub(super) fn double(value: f64, output: &mut String) {
    java(value, value.is_finite().then(|| format!("{value:e}")), output);
}

pub(super) fn float(value: f32, output: &mut String) {
    java(f64::from(value), value.is_finite().then(|| format!("{value:e}")), output);
}

fn java(value: f64, shortest: Option<String>, output: &mut String) {
    let Some(shortest) = shortest else {
        output.push_str(if value.is_nan() {
            "NaN"
        } else if value > 0.0 {
            "Infinity"
        } else {
            "-Infinity"
        });
        return;
    };
    let (mantissa, exponent) = shortest.split_once('e').unwrap_or((&shortest, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let (sign, mantissa) = mantissa.strip_prefix('-').map_or(("", mantissa), |rest| ("-", rest));
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    output.push_str(sign);
    if value == 0.0 {
        output.push_str("0.0");
    } else if (-3..7).contains(&exponent) {
        let point = exponent + 1;
        if point <= 0 {
            output.push_str("0.");
            output.extend(std::iter::repeat_n('0', usize::try_from(-point).unwrap_or(0)));
            output.push_str(&digits);
        } else {
            let point = usize::try_from(point).unwrap_or(0);
            let padded = format!("{digits:0<point$}");
            let (whole, fraction) = padded.split_at(point);
            output.push_str(whole);
            output.push('.');
            output.push_str(if fraction.is_empty() { "0" } else { fraction });
        }
    } else {
        let (first, rest) = digits.split_at(1);
        let rest = if rest.is_empty() { "0" } else { rest };
        let _ = write!(output, "{first}.{rest}E{exponent}");
    }
}

/// A double in JSON, where `NaN` and infinities are strings.
pub(crate) fn json_double(value: f64, output: &mut String) {
    if value.is_finite() {
        double(value, output);
    } else {
        output.push('"');
        double(value, output);
        output.push('"');
    }
}

/// A float in JSON, where `NaN` and infinities are strings.
pub(crate) fn json_float(value: f32, output: &mut String) {
    if value.is_finite() {
        float(value, output);
    } else {
        json_double(f64::from(value), output);
    }
}
