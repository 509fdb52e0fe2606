//! A server that somebody else runs, with and without TLS, by every `sslmode`.
#![cfg(target_os = "linux")] // which gives every server a loopback address of its own

use std::os::unix::fs::{PermissionsExt, chown};
use std::path::Path;

use brickyard_postgres::{Account, Outside, Server, ServerError};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

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
            return; // those of wheels know no TLS
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

/// Answers as a server of this version does to whoever comes without TLS and asks for it.
async fn pretend(mut stream: TcpStream, version: &str) -> std::io::Result<()> {
    let frame = |tag: u8, body: &[u8]| {
        let length = u32::try_from(body.len() + 4).unwrap().to_be_bytes();
        [&[tag], &length[..], body].concat()
    };
    let length = stream.read_u32().await?;
    stream.read_exact(&mut vec![0; length as usize - 4]).await?; // who it is
    stream.write_all(&[frame(b'R', &[0; 4]), frame(b'Z', b"I")].concat()).await?;
    assert_eq!(stream.read_u8().await?, b'Q');
    let length = stream.read_u32().await?;
    stream.read_exact(&mut vec![0; length as usize - 4]).await?;
    let value = [&u32::try_from(version.len()).unwrap().to_be_bytes()[..], version.as_bytes()].concat();
    let row = frame(b'D', &[&1_u16.to_be_bytes()[..], &value].concat());
    stream.write_all(&[row, frame(b'C', b"SHOW\0"), frame(b'Z', b"I")].concat()).await?;
    stream.read_u8().await.map(drop)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_too_old_or_too_new_is_refused() {
    for (version, fine) in [
        ("9.6.24", false),
        ("13.23", false),
        ("14.23 (Debian 14.23-1)", true),
        ("18.6", true),
        ("19beta1", false),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let pretended =
            tokio::spawn(async move { pretend(listener.accept().await.unwrap().0, version).await });
        let outside = Outside::parse(&format!("postgres://boss@{address}/?sslmode=disable")).unwrap();
        match outside.version().await {
            Ok(told) => assert!(fine && told == version, "{told}"),
            Err(error) => {
                assert!(!fine && matches!(error, ServerError::Unsupported { .. }), "{version}: {error}");
                let expected =
                    format!("The PostgreSQL at `{address}` is {version}, and only 14 to 18 are supported");
                assert_eq!(error.to_string(), expected);
            }
        }
        pretended.abort();
    }
}
