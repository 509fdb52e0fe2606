//! VARIANT values in Spark's binary encoding (the Parquet variant specification, version 1) as JSON text.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::text;

/// Deepest nesting that is followed.
const DEEPEST: usize = 128;

/// The JSON text of a value; `None` when the bytes are damaged.
pub(crate) fn json(metadata: &[u8], value: &[u8]) -> Option<String> {
    let mut output = String::new();
    write(metadata, value, &mut output, 0)?;
    Some(output)
}

fn write(metadata: &[u8], value: &[u8], output: &mut String, depth: usize) -> Option<()> {
    if depth > DEEPEST {
        return None;
    }
    let header = *value.first()?;
    let (basic, rest) = (header & 3, header >> 2);
    match basic {
        0 => primitive(rest, value.get(1..)?, output),
        1 => {
            text::quote(std::str::from_utf8(value.get(1..=usize::from(rest))?).ok()?, output);
            Some(())
        }
        2 => object(metadata, value, output, depth),
        _ => array(metadata, value, output, depth),
    }
}

fn object(metadata: &[u8], value: &[u8], output: &mut String, depth: usize) -> Option<()> {
    let header = value[0] >> 2;
    let offset_size = usize::from(header & 3) + 1;
    let id_size = usize::from(header >> 2 & 3) + 1;
    let (count, ids) = count(value, header & 16 != 0)?;
    let offsets = ids + count * id_size;
    let data = offsets + (count + 1) * offset_size;
    output.push('{');
    for index in 0..count {
        if index > 0 {
            output.push(',');
        }
        text::quote(key(metadata, number(value, ids + index * id_size, id_size)?)?, output);
        output.push(':');
        let at = data + number(value, offsets + index * offset_size, offset_size)?;
        write(metadata, value.get(at..)?, output, depth + 1)?;
    }
    output.push('}');
    Some(())
}

fn array(metadata: &[u8], value: &[u8], output: &mut String, depth: usize) -> Option<()> {
    let header = value[0] >> 2;
    let offset_size = usize::from(header & 3) + 1;
    let (count, offsets) = count(value, header & 4 != 0)?;
    let data = offsets + (count + 1) * offset_size;
    output.push('[');
    for index in 0..count {
        if index > 0 {
            output.push(',');
        }
        let at = data + number(value, offsets + index * offset_size, offset_size)?;
        write(metadata, value.get(at..)?, output, depth + 1)?;
    }
    output.push(']');
    Some(())
}

/// Number of elements, and where the bytes after it begin.
fn count(value: &[u8], large: bool) -> Option<(usize, usize)> {
    let size = if large { 4 } else { 1 };
    let count = number(value, 1, size)?;
    (count <= value.len()).then_some((count, 1 + size))
}

fn number(bytes: &[u8], at: usize, size: usize) -> Option<usize> {
    let bytes = bytes.get(at..at.checked_add(size)?)?;
    Some(bytes.iter().rev().fold(0, |number, &byte| number << 8 | usize::from(byte)))
}

fn key(metadata: &[u8], id: usize) -> Option<&str> {
    let size = usize::from(*metadata.first()? >> 6) + 1;
    let count = number(metadata, 1, size)?;
    if id >= count {
        return None;
    }
    let texts = 1 + size + count.checked_add(1)?.checked_mul(size)?;
    let start = number(metadata, 1 + size + id * size, size)?;
    let end = number(metadata, 1 + size + (id + 1) * size, size)?;
    std::str::from_utf8(metadata.get(texts + start..texts + end)?).ok()
}

fn primitive(kind: u8, bytes: &[u8], output: &mut String) -> Option<()> {
    fn array<const N: usize>(bytes: &[u8]) -> Option<[u8; N]> {
        bytes.first_chunk::<N>().copied()
    }
    let quoted = |text: &str, output: &mut String| text::quote(text, output);
    match kind {
        0 => output.push_str("null"),
        1 => output.push_str("true"),
        2 => output.push_str("false"),
        3 => output.push_str(&i8::from_le_bytes(array(bytes)?).to_string()),
        4 => output.push_str(&i16::from_le_bytes(array(bytes)?).to_string()),
        5 => output.push_str(&i32::from_le_bytes(array(bytes)?).to_string()),
        6 => output.push_str(&i64::from_le_bytes(array(bytes)?).to_string()),
        7 => text::json_double(f64::from_le_bytes(array(bytes)?), output),
        8 => decimal(*bytes.first()?, i128::from(i32::from_le_bytes(array(bytes.get(1..)?)?)), output),
        9 => decimal(*bytes.first()?, i128::from(i64::from_le_bytes(array(bytes.get(1..)?)?)), output),
        10 => decimal(*bytes.first()?, i128::from_le_bytes(array(bytes.get(1..)?)?), output),
        11 => quoted(&text::date(i32::from_le_bytes(array(bytes)?)), output),
        12 => {
            let moment = text::timestamp(i64::from_le_bytes(array(bytes)?), Some("UTC"), text::Style::Spark);
            quoted(&format!("{moment}+00:00"), output);
        }
        13 => {
            quoted(&text::timestamp(i64::from_le_bytes(array(bytes)?), None, text::Style::Spark), output);
        }
        14 => text::json_float(f32::from_le_bytes(array(bytes)?), output),
        15 | 16 => {
            let length = number(bytes, 0, 4)?;
            let content = bytes.get(4..4_usize.checked_add(length)?)?;
            if kind == 15 {
                quoted(&STANDARD.encode(content), output);
            } else {
                quoted(std::str::from_utf8(content).ok()?, output);
            }
        }
        _ => return None,
    }
    Some(())
}

/// A decimal without the zeros at its end, as Spark prints it in JSON.
fn decimal(scale: u8, unscaled: i128, output: &mut String) {
    let text = text::decimal(unscaled, i8::try_from(scale).unwrap_or(0));
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    output.push_str(text);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_of_spark_becomes_json() {
        // parse_json('{"a":1}') of Spark 4.1
        assert_eq!(json(b"\x11\x01\x00\x01a", b"\x02\x01\x00\x00\x02\x0c\x01").unwrap(), r#"{"a":1}"#);
    }

    #[test]
    fn scalars_and_arrays_become_json() {
        assert_eq!(json(b"\x11\x00\x00", b"\x0dabc").unwrap(), r#""abc""#);
        assert_eq!(json(b"\x11\x00\x00", b"\x03\x02\x00\x02\x04\x0c\x01\x0c\x02").unwrap(), "[1,2]");
        assert_eq!(json(b"\x11\x00\x00", b"\x20\x02\x96\x00\x00\x00").unwrap(), "1.5");
        assert_eq!(json(b"\x11\x00\x00", b"\x00").unwrap(), "null");
    }

    #[test]
    fn damaged_bytes_are_refused() {
        let value = b"\x02\x01\x00\x00\x02\x0c\x01";
        for length in 0..value.len() - 1 {
            assert_eq!(json(b"\x11\x01\x00\x01a", &value[..length]), None);
        }
        for position in 0..value.len() {
            for byte in 0..=255 {
                let mut mutated = value.to_vec();
                mutated[position] = byte;
                let _ = json(b"\x11\x01\x00\x01a", &mutated);
            }
        }
    }
}
