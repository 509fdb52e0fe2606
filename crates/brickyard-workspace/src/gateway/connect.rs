//! The head of a CONNECT request (RFC 9110 §9.3.6), bytes to meaning; no I/O.

/// Longest head that is read, in bytes.
pub(crate) const LONGEST_HEAD: usize = 8 * 1024;

/// Where a client wants a tunnel to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    /// Name in lower case, or an address without brackets.
    pub(crate) host: String,
    /// Port, never 0.
    pub(crate) port: u16,
}

/// Why a head is refused; each has one status line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ConnectError {
    /// More than [`LONGEST_HEAD`] bytes without an end.
    #[error("the request head is too long")]
    TooLong,
    /// Not an HTTP/1 request head.
    #[error("the request head is malformed")]
    Malformed,
    /// Another method: this proxy forwards no plain requests, so a web page cannot use it.
    #[error("this proxy serves CONNECT only")]
    Method,
    /// The target is not `HOST:PORT`.
    #[error("the target is not HOST:PORT")]
    Target,
}

impl ConnectError {
    /// Status code and reason of the answer.
    pub(crate) fn status(self) -> &'static str {
        match self {
            Self::TooLong => "431 Request Header Fields Too Large",
            Self::Malformed | Self::Target => "400 Bad Request",
            Self::Method => "405 Method Not Allowed",
        }
    }
}

/// Reads a head; `None` asks for more bytes, `Some` also says how many bytes the head had.
pub(crate) fn parse(bytes: &[u8]) -> Result<Option<(Target, usize)>, ConnectError> {
    let window = &bytes[..bytes.len().min(LONGEST_HEAD)];
    let Some(end) = window.windows(4).position(|four| four == b"\r\n\r\n") else {
        // A client that speaks something else (TLS, say) is told at once, not after it has filled the buffer.
        if window.first().is_some_and(|first| !first.is_ascii_uppercase()) {
            return Err(ConnectError::Malformed);
        }
        return if bytes.len() >= LONGEST_HEAD { Err(ConnectError::TooLong) } else { Ok(None) };
    };
    let head = std::str::from_utf8(&window[..end]).map_err(|_| ConnectError::Malformed)?;
    let mut lines = head.split("\r\n");
    let mut words = lines.next().unwrap_or_default().split(' ');
    let (Some(method), Some(target), Some(version), None) =
        (words.next(), words.next(), words.next(), words.next())
    else {
        return Err(ConnectError::Malformed);
    };
    if !matches!(version, "HTTP/1.0" | "HTTP/1.1") {
        return Err(ConnectError::Malformed);
    }
    if method != "CONNECT" {
        return Err(ConnectError::Method);
    }
    for line in lines {
        let (name, value) = line.split_once(':').ok_or(ConnectError::Malformed)?;
        let odd = |byte: u8| byte.is_ascii_whitespace() || byte.is_ascii_control();
        if name.is_empty() || name.bytes().any(odd) || value.bytes().any(|byte| byte < b' ' && byte != b'\t')
        {
            return Err(ConnectError::Malformed);
        }
    }
    Ok(Some((self::target(target)?, end + 4)))
}

fn target(text: &str) -> Result<Target, ConnectError> {
    let (host, port) = text.rsplit_once(':').ok_or(ConnectError::Target)?;
    let digits = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    let port = port.parse().ok().filter(|&port: &u16| digits && port != 0).ok_or(ConnectError::Target)?;
    let host = if let Some(inside) = host.strip_prefix('[') {
        let inside = inside.strip_suffix(']').ok_or(ConnectError::Target)?;
        inside.parse::<std::net::Ipv6Addr>().map_err(|_| ConnectError::Target)?.to_string()
    } else {
        let name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
        if host.is_empty() || host.len() > 253 || !host.bytes().all(name) {
            return Err(ConnectError::Target);
        }
        host.trim_end_matches('.').to_ascii_lowercase()
    };
    if host.is_empty() { Err(ConnectError::Target) } else { Ok(Target { host, port }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(host: &str, port: u16) -> Target {
        Target { host: host.to_owned(), port }
    }

    #[test]
    fn heads_of_real_clients() {
        let http_client = b"CONNECT W.test:443 HTTP/1.0\r\n\r\n";
        assert_eq!(parse(http_client), Ok(Some((target("w.test", 443), http_client.len()))));
        let curl =
            b"CONNECT w.test:443 HTTP/1.1\r\nHost: w.test:443\r\nProxy-Connection: Keep-Alive\r\n\r\nrest";
        assert_eq!(parse(curl), Ok(Some((target("w.test", 443), curl.len() - 4))));
        assert_eq!(parse(b"CONNECT [::1]:80 HTTP/1.1\r\n\r\n").unwrap().unwrap().0, target("::1", 80));
        assert_eq!(parse(b"CONNECT w.test.:1 HTTP/1.1\r\n\r\n").unwrap().unwrap().0, target("w.test", 1));
    }

    #[test]
    fn half_a_head_asks_for_more() {
        let whole = b"CONNECT w.test:443 HTTP/1.1\r\nHost: w.test\r\n\r\n";
        for length in 0..whole.len() {
            assert_eq!(parse(&whole[..length]), Ok(None), "{length}");
        }
    }

    #[test]
    fn what_is_not_a_tunnel_is_refused() {
        for (head, error) in [
            ("GET http://a/ HTTP/1.1\r\n\r\n", ConnectError::Method),
            ("POST / HTTP/1.1\r\nHost: a\r\n\r\n", ConnectError::Method),
            ("connect a:1 HTTP/1.1\r\n\r\n", ConnectError::Method),
            ("CONNECT a HTTP/1.1\r\n\r\n", ConnectError::Target),
            ("CONNECT a:0 HTTP/1.1\r\n\r\n", ConnectError::Target),
            ("CONNECT a:+1 HTTP/1.1\r\n\r\n", ConnectError::Target),
            ("CONNECT a:99999 HTTP/1.1\r\n\r\n", ConnectError::Target),
            ("CONNECT :443 HTTP/1.1\r\n\r\n", ConnectError::Target),
            ("CONNECT .:443 HTTP/1.1\r\n\r\n", ConnectError::Target),
            ("CONNECT a/b:443 HTTP/1.1\r\n\r\n", ConnectError::Target),
            ("CONNECT [::1:443 HTTP/1.1\r\n\r\n", ConnectError::Target),
            ("CONNECT u@a:443 HTTP/1.1\r\n\r\n", ConnectError::Target),
            ("CONNECT a:1 HTTP/2.0\r\n\r\n", ConnectError::Malformed),
            ("CONNECT a:1  HTTP/1.1\r\n\r\n", ConnectError::Malformed),
            ("CONNECT a:1 HTTP/1.1\r\nno colon\r\n\r\n", ConnectError::Malformed),
            ("CONNECT a:1 HTTP/1.1\r\nHo st: a\r\n\r\n", ConnectError::Malformed),
            ("CONNECT a:1 HTTP/1.1\r\nHost: a\nb\r\n\r\n", ConnectError::Malformed),
            ("\x16\x03\x01", ConnectError::Malformed),
        ] {
            assert_eq!(parse(head.as_bytes()), Err(error), "{head:?}");
        }
        assert_eq!(parse(&vec![b'A'; LONGEST_HEAD]), Err(ConnectError::TooLong));
    }
}
