//! Entry points for fuzzers: any bytes in, no panic, and what always holds is asserted.
//!
//! `fuzz/` drives them with a fuzzer, `tests/it/fuzzing.rs` with a few thousand mutations of the same corpus.

use std::sync::LazyLock;

use crate::gateway::connect;
use crate::token::{Signer, TokenError};
use crate::warehouse::thrift;

/// The name of a corpus and what its inputs are given to.
pub type Target = (&'static str, fn(&[u8]));

/// Every entry point.
pub const TARGETS: &[Target] = &[("connect", connect), ("thrift", thrift), ("token", token)];

/// The head of a CONNECT request: the host found is the one written, and no more is read than there is.
pub fn connect(bytes: &[u8]) {
    let Ok(Some((target, length))) = connect::parse(bytes) else { return };
    assert!(length <= bytes.len() && target.port > 0);
    let written = String::from_utf8_lossy(&bytes[8..length]).to_ascii_lowercase();
    let inside = written.strip_prefix('[').unwrap_or(&written);
    // An address may be written longer than it is told.
    assert!(written.starts_with(&target.host) || inside.contains(':'), "{target:?} from {written:?}");
}

/// A call of a SQL connector: each request the protocol has, read from the same bytes.
pub fn thrift(bytes: &[u8]) {
    thrift::read_every_request(bytes);
}

/// A token: none is ours that we did not sign, and no signed content of any kind makes the reader panic.
pub fn token(bytes: &[u8]) {
    /// The key of this process alone.
    static SIGNER: LazyLock<Signer> = LazyLock::new(|| {
        let directory = tempfile::tempdir().expect("there is a folder for temporary files");
        Signer::open(&directory.path().join("key")).expect("a key can be made")
    });
    let text = String::from_utf8_lossy(bytes);
    assert!(SIGNER.verify(&text, "https://w.test/oidc", "7", 0).is_err());
    let content = serde_json::from_slice(bytes).unwrap_or(serde_json::Value::String(text.into_owned()));
    match SIGNER.verify(&SIGNER.sign(&content), "https://w.test/oidc", "7", 150) {
        Ok(claims) => assert!(claims.iss == "https://w.test/oidc" && claims.aud == "7" && claims.exp > 150),
        Err(error) => assert_ne!(error, TokenError::Forged),
    }
}
