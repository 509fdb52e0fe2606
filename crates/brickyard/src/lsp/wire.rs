use std::io::{BufRead, Read, Write};

use serde_json::Value;

/// Longest message that is read, in bytes.
const LONGEST: u64 = 64 << 20;
/// Longest header line, in bytes.
const LONGEST_LINE: u64 = 4096;

/// Reads one message; `None` at the end of the stream or where the stream is not LSP, `Err` for a body that is no JSON.
pub(super) fn read(input: &mut impl BufRead) -> Option<Result<Value, String>> {
    let mut length: Option<u64> = None;
    loop {
        let mut line = Vec::new();
        input.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line).ok()?;
        if line.is_empty() {
            return None;
        }
        let line = String::from_utf8_lossy(&line);
        let line = line.trim_end();
        if line.is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().ok();
        }
    }
    let length = length.filter(|length| *length <= LONGEST)?;
    let mut body = Vec::new();
    input.by_ref().take(length).read_to_end(&mut body).ok()?;
    if body.len() as u64 != length {
        return None;
    }
    Some(serde_json::from_slice(&body).map_err(|error| format!("Invalid JSON: {error}")))
}

/// Writes one message with the protocol's version and header.
pub(super) fn write(output: &mut impl Write, message: &Value) -> std::io::Result<()> {
    let mut message = message.clone();
    message["jsonrpc"] = Value::from("2.0");
    let body = message.to_string();
    write!(output, "Content-Length: {}\r\n\r\n{body}", body.len())?;
    output.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_come_back_as_they_were_sent() {
        let mut bytes = Vec::new();
        write(&mut bytes, &serde_json::json!({"id": 1, "result": "zwölf"})).unwrap();
        bytes.extend(b"Content-Length: 3\r\n\r\n{{{");
        bytes.extend(b"Content-Length: 99999999999\r\n\r\n");
        let mut input = bytes.as_slice();
        assert_eq!(read(&mut input).unwrap().unwrap()["result"], "zwölf");
        assert!(read(&mut input).unwrap().is_err());
        assert!(read(&mut input).is_none());
    }
}
