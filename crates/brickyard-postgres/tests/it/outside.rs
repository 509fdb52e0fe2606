//! A server that somebody else runs, with and without TLS, by every `sslmode`.
#![cfg(target_os = "linux")] // which gives every server a loopback address of its own

use std::os::unix::fs::{PermissionsExt, chown};
use std::path::Path;

use brickyard_postgres::{Account, Outside, Server};

use crate::support::Ground;

const KNOWN: &str = "127.0.7.9";
const NAMELESS: &str = "127.0.7.10";
const BARE: &str = "127.0.7.11";

/// A file that the server's account can read and nobody else.
fn give(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
    if let Some(account) = Account::needed().unwrap() {
        chown(path, Some(account.uid), Some(account.gid)).unwrap();
    }
}

async fn with_password(server: &Server) {
    let mut admin = server.client("postgres").await.unwrap();
    admin.query("CREATE ROLE boss LOGIN SUPERUSER PASSWORD 'p@ss/word'").await.unwrap();
}

/// What the server says of TLS to whoever comes by this URL, or why nobody gets in.
async fn tls(ground: &Ground, address: &str, parameters: &str) -> Result<String, String> {
    let url = format!("postgres://boss:p%40ss%2Fword@{address}:5432/{parameters}");
    let server = ground.server_with("outside", &[], Some(Outside::parse(&url).unwrap())).await;
    let told = |error: &dyn std::error::Error| {
        let cause = error.source().map(ToString::to_string).unwrap_or_default();
        format!("{error}: {cause}")
    };
    let mut client = server.client("postgres").await.map_err(|error| told(&error))?;
    let asked = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
    let rows = client.query(asked).await.map_err(|error| told(&error))?;
    Ok(rows[0][0].clone().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outside_server_is_trusted_as_far_as_its_url_says() {
    let ground = Ground::new();
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let file = |name: &str| folder.path().join(name).display().to_string();
    let made = rcgen::generate_simple_self_signed(vec![KNOWN.to_owned()]).unwrap();
    let other = rcgen::generate_simple_self_signed(vec![KNOWN.to_owned()]).unwrap();
    give(&folder.path().join("cert.pem"), &made.cert.pem());
    give(&folder.path().join("key.pem"), &made.signing_key.serialize_pem());
    give(&folder.path().join("other.pem"), &other.cert.pem());
    give(&folder.path().join("only_tls.conf"), "local all all trust\nhostssl all all all scram-sha-256\n");
    give(&folder.path().join("any.conf"), "local all all trust\nhost all all all scram-sha-256\n");
    let secured = [
        ("listen_addresses", format!("{KNOWN},{NAMELESS}")),
        ("hba_file", file("only_tls.conf")),
        ("ssl", "on".to_owned()),
        ("ssl_cert_file", file("cert.pem")),
        ("ssl_key_file", file("key.pem")),
    ];
    let secured: Vec<_> = secured.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let secured = ground.server_with("secured", &secured, None).await;
    match secured.start().await {
        Err(error) if error.to_string().contains("SSL is not supported by this build") => {
            return eprintln!("passed over: this PostgreSQL knows no TLS"); // as those of wheels
        }
        started => started.unwrap(),
    }
    with_password(&secured).await;
    let bare = [("listen_addresses", BARE.to_owned()), ("hba_file", file("any.conf"))];
    let bare: Vec<_> = bare.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let bare = ground.server_with("bare", &bare, None).await;
    with_password(&bare).await;

    let (right, wrong) = (file("cert.pem"), file("other.pem"));
    let verified = |root: &str| format!("?sslmode=verify-full&sslrootcert={root}");
    for parameters in ["", "?sslmode=require", &verified(&right)] {
        assert_eq!(tls(&ground, KNOWN, parameters).await.as_deref(), Ok("t"), "{parameters}");
    }
    assert_eq!(tls(&ground, NAMELESS, "?sslmode=require").await.as_deref(), Ok("t"));
    let refused = tls(&ground, KNOWN, "?sslmode=disable").await.unwrap_err();
    assert!(refused.contains("no encryption"), "{refused}");
    for (address, root) in [(KNOWN, &wrong), (NAMELESS, &right)] {
        let refused = tls(&ground, address, &verified(root)).await.unwrap_err();
        assert!(refused.contains(address) && refused.contains("certificate"), "{refused}");
    }
    assert_eq!(tls(&ground, BARE, "").await.as_deref(), Ok("f"), "it has none, and none was asked for");
    for parameters in ["?sslmode=require", &verified(&right)] {
        let refused = tls(&ground, BARE, parameters).await.unwrap_err();
        assert!(refused.contains("no TLS"), "{refused}");
    }
    let outside = Outside::parse(&format!("postgres://boss:p%40ss%2Fword@{BARE}/")).unwrap();
    let version = outside.version().await.unwrap();
    assert!(version.starts_with(&bare.installation().await.unwrap().version), "{version}");
    ground.stop().await;
}
