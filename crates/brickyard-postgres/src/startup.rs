//! The first packets of a connection (PostgreSQL docs, "Start-up" and "SSL Session Encryption"); pure, without I/O.

/// Longest packet before the login, as in PostgreSQL (`MAX_STARTUP_PACKET_LENGTH`).
pub(crate) const LONGEST: usize = 10_000;

const CANCEL: u32 = (1234 << 16) + 5678;
const TLS: u32 = (1234 << 16) + 5679;
const GSS: u32 = (1234 << 16) + 5680;

/// What a client sends first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Hello {
    /// It asks for TLS.
    Tls,
    /// It asks for GSSAPI encryption.
    Gss,
    /// It wants a running query to end; the packet goes to the server as it is.
    Cancel,
    /// It wants a session.
    Startup(Startup),
}

/// A request for a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Startup {
    /// Minor version of protocol 3 it asks for.
    pub(crate) minor: u16,
    /// Parameters in the order sent, such as `user` and `application_name`.
    pub(crate) parameters: Vec<(String, String)>,
}

/// Why a first packet is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum StartupError {
    /// Shorter than a code or longer than allowed.
    #[error("invalid length of startup packet")]
    Length,
    /// Protocol 2 and older, or the future.
    #[error("unsupported frontend protocol {major}.{minor}: server supports 3.0 to 3.0")]
    Protocol {
        /// Major version asked for.
        major: u16,
        /// Minor version asked for.
        minor: u16,
    },
    /// Parameters that do not end where they should, or are not UTF-8.
    #[error("invalid startup packet layout")]
    Layout,
}

/// Bytes that follow a packet's four bytes of length.
pub(crate) fn body_length(length: u32) -> Result<usize, StartupError> {
    let length = length as usize;
    if (8..=LONGEST).contains(&length) { Ok(length - 4) } else { Err(StartupError::Length) }
}

/// Reads a packet without its four bytes of length.
pub(crate) fn parse(body: &[u8]) -> Result<Hello, StartupError> {
    let (code, rest) = body.split_first_chunk::<4>().ok_or(StartupError::Length)?;
    match u32::from_be_bytes(*code) {
        TLS if rest.is_empty() => Ok(Hello::Tls),
        GSS if rest.is_empty() => Ok(Hello::Gss),
        CANCEL if (8..=4 + 256).contains(&rest.len()) => Ok(Hello::Cancel),
        TLS | GSS | CANCEL => Err(StartupError::Length),
        code => {
            let (major, minor) = ((code >> 16) as u16, (code & 0xffff) as u16);
            if major != 3 {
                return Err(StartupError::Protocol { major, minor });
            }
            Ok(Hello::Startup(Startup { minor, parameters: parameters(rest)? }))
        }
    }
}

fn parameters(rest: &[u8]) -> Result<Vec<(String, String)>, StartupError> {
    let rest = rest.strip_suffix(&[0]).ok_or(StartupError::Layout)?;
    if rest.is_empty() {
        return Ok(Vec::new());
    }
    let rest = rest.strip_suffix(&[0]).ok_or(StartupError::Layout)?;
    let texts = rest
        .split(|&byte| byte == 0)
        .map(|text| std::str::from_utf8(text).map(str::to_owned).map_err(|_| StartupError::Layout))
        .collect::<Result<Vec<_>, _>>()?;
    if texts.len() % 2 != 0 {
        return Err(StartupError::Layout);
    }
    let pairs: Vec<(String, String)> =
        texts.chunks_exact(2).map(|pair| (pair[0].clone(), pair[1].clone())).collect();
    if pairs.iter().any(|(name, _)| name.is_empty()) {
        return Err(StartupError::Layout);
    }
    Ok(pairs)
}

impl Startup {
    /// The last value of a parameter, as PostgreSQL takes it.
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The user, when one is named.
    pub(crate) fn user(&self) -> Option<&str> {
        self.parameter("user").filter(|user| !user.is_empty())
    }

    /// The database: the user's name when none is named.
    pub(crate) fn database(&self) -> Option<&str> {
        self.parameter("database").filter(|database| !database.is_empty()).or_else(|| self.user())
    }

    /// Names of protocol options we do not know; a client that sends some, or asks for a newer minor version, is told.
    pub(crate) fn unknown_options(&self) -> Vec<&str> {
        self.parameters
            .iter()
            .map(|(name, _)| name.as_str())
            .filter(|name| name.starts_with("_pq_."))
            .collect()
    }

    /// Whether it asks for the replication protocol.
    pub(crate) fn replication(&self) -> bool {
        self.parameter("replication")
            .is_some_and(|value| !matches!(value, "" | "0" | "off" | "false" | "no" | "f" | "n"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(parameters: &[(&str, &str)]) -> Vec<u8> {
        crate::message::startup(parameters.iter().copied())[4..].to_vec()
    }

    #[test]
    fn a_session_is_read() {
        let body = packet(&[("user", "ada@example.com"), ("database", "shop"), ("_pq_.x", "1")]);
        let Ok(Hello::Startup(startup)) = parse(&body) else { panic!("not a startup") };
        assert_eq!(startup.user(), Some("ada@example.com"));
        assert_eq!(startup.database(), Some("shop"));
        assert_eq!(startup.unknown_options(), ["_pq_.x"]);
        assert!(!startup.replication());
        let Ok(Hello::Startup(startup)) = parse(&packet(&[("user", "ada"), ("replication", "database")]))
        else {
            panic!("not a startup")
        };
        assert_eq!(startup.database(), Some("ada"));
        assert!(startup.replication());
    }

    #[test]
    fn requests_are_told_apart() {
        assert_eq!(parse(&TLS.to_be_bytes()), Ok(Hello::Tls));
        assert_eq!(parse(&GSS.to_be_bytes()), Ok(Hello::Gss));
        assert_eq!(parse(&[&TLS.to_be_bytes()[..], b"x"].concat()), Err(StartupError::Length));
        assert_eq!(parse(&[&CANCEL.to_be_bytes()[..], &[0; 8]].concat()), Ok(Hello::Cancel));
        assert_eq!(parse(&[&CANCEL.to_be_bytes()[..], &[0; 7]].concat()), Err(StartupError::Length));
        assert_eq!(parse(&[0, 2, 0, 0]), Err(StartupError::Protocol { major: 2, minor: 0 }));
        assert_eq!(
            parse(b"GET / HTTP/1.1\r\n"),
            Err(StartupError::Protocol { major: 0x4745, minor: 0x5420 })
        );
        for (length, expected) in [(0, None), (7, None), (8, Some(4)), (10_000, Some(9_996)), (10_001, None)]
        {
            assert_eq!(body_length(length).ok(), expected, "{length}");
        }
        assert_eq!(body_length(u32::MAX), Err(StartupError::Length));
    }
}
