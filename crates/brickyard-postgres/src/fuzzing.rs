//! Entry points for fuzzers: any bytes in, no panic, and what always holds is asserted.
//!
//! `fuzz/` drives them with a fuzzer, `tests/it/fuzzing.rs` with a few thousand mutations of the same corpus.

use crate::startup::{Hello, body_length, parse};

/// The name of a corpus and what its inputs are given to.
pub type Target = (&'static str, fn(&[u8]));

/// Every entry point.
pub const TARGETS: &[Target] = &[("startup", startup)];

/// The first packet of a connection, length first: no parameter that was not in the bytes.
pub fn startup(bytes: &[u8]) {
    let Some((length, rest)) = bytes.split_first_chunk::<4>() else { return };
    let Ok(length) = body_length(u32::from_be_bytes(*length)) else { return };
    let Some(body) = rest.get(..length) else { return };
    if let Ok(Hello::Startup(startup)) = parse(body) {
        let size: usize = startup.parameters.iter().map(|(name, value)| name.len() + value.len() + 2).sum();
        assert_eq!(size + 5, body.len());
        let _ = (startup.user(), startup.database(), startup.unknown_options(), startup.replication());
    }
}
