use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::{Timestamp, ToSpan, tz::TimeZone};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, GeneralSubtree, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, NameConstraints, PKCS_ECDSA_P256_SHA256,
};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::store::write_private;

/// Root bundles of common systems, tried in this order when the configuration names none.
const SYSTEM_BUNDLES: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/cert.pem",
    "/opt/homebrew/etc/ca-certificates/cert.pem",
];

/// Why the workspace cannot prove its name.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    /// A file of the authority cannot be read or written.
    #[error("Cannot use `{}` of the workspace's certificate authority", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
    /// A certificate cannot be made, such as for a name that is no DNS name.
    #[error("Cannot make a certificate for the workspace")]
    Certificate(#[from] rcgen::Error),
    /// The TLS library refuses the certificate or key.
    #[error("Cannot serve TLS with the workspace's certificate")]
    Tls(#[from] rustls::Error),
}

/// A certificate authority of this workspace alone: made at first use, P-256, key of mode 0600.
///
/// The root carries name constraints (RFC 5280 §4.2.1.10): whoever should get hold of the key can still vouch for no
/// other name than the workspace's and its apps'.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: String,
}

impl Authority {
    /// Reads the authority of `host` from `directory`, or makes it.
    pub(crate) fn open(directory: &Path, host: &str, app_domain: &str) -> Result<Self, AuthorityError> {
        let failed = |path: &Path| {
            let path = path.to_path_buf();
            move |source| AuthorityError::File { path, source }
        };
        std::fs::create_dir_all(directory).map_err(failed(directory))?;
        let (key_file, certificate_file) = (directory.join("ca-key.pem"), directory.join("ca.pem"));
        let kept = match (std::fs::read_to_string(&key_file), std::fs::read_to_string(&certificate_file)) {
            (Ok(key), Ok(certificate)) => KeyPair::from_pem(&key).ok().map(|key| (key, certificate)),
            _ => None,
        };
        let params = root(host, app_domain)?;
        let (key, certificate) = if let Some(kept) = kept {
            kept
        } else {
            let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
            let certificate = params.self_signed(&key)?.pem();
            write_private(&key_file, key.serialize_pem().as_bytes()).map_err(failed(&key_file))?;
            write_private(&certificate_file, certificate.as_bytes()).map_err(failed(&certificate_file))?;
            (key, certificate)
        };
        Ok(Self { issuer: Issuer::new(params, key), certificate })
    }

    /// A fresh server certificate for these names (DNS names or IP addresses) and its private key.
    pub(crate) fn issue(
        &self,
        names: &[String],
    ) -> Result<(CertificateDer<'static>, PrivateKeyDer<'static>), AuthorityError> {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let mut params = CertificateParams::new(names)?;
        if let Some(name) = names.first() {
            params.distinguished_name.push(DnType::CommonName, name.as_str());
        }
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        // Clients that follow the CA/Browser Forum accept at most 398 days.
        let ((year, month, day), (last_year, last_month, last_day)) = (date(-1), date(396));
        params.not_before = rcgen::date_time_ymd(year, month, day);
        params.not_after = rcgen::date_time_ymd(last_year, last_month, last_day);
        let certificate = params.signed_by(&key, &self.issuer)?;
        Ok((certificate.der().clone(), PrivateKeyDer::try_from(key.serialize_der()).map_err(unusable)?))
    }

    /// A TLS server for these names, offering these protocols in this order.
    pub(crate) fn server_config(
        &self,
        names: &[String],
        protocols: &[&[u8]],
    ) -> Result<Arc<ServerConfig>, AuthorityError> {
        let (certificate, key) = self.issue(names)?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)?;
        config.alpn_protocols = protocols.iter().map(|&protocol| protocol.to_vec()).collect();
        Ok(Arc::new(config))
    }

    /// Writes the roots of `base` (else the system's) followed by ours.
    pub(crate) fn write_bundle(&self, bundle: &Path, base: Option<&Path>) -> Result<(), AuthorityError> {
        let mut content = match base {
            Some(path) => std::fs::read_to_string(path)
                .map_err(|source| AuthorityError::File { path: path.to_path_buf(), source })?,
            None => {
                SYSTEM_BUNDLES.iter().find_map(|path| std::fs::read_to_string(path).ok()).unwrap_or_default()
            }
        };
        if content.is_empty() {
            tracing::warn!("No root certificates found: apps will trust the local workspace alone");
        } else if !content.ends_with('\n') {
            content.push('\n');
        }
        content.push_str(&self.certificate);
        write_private(bundle, content.as_bytes())
            .map_err(|source| AuthorityError::File { path: bundle.to_path_buf(), source })
    }
}

fn root(host: &str, app_domain: &str) -> Result<CertificateParams, AuthorityError> {
    let mut params = CertificateParams::new(Vec::<String>::new())?;
    params.distinguished_name.push(DnType::CommonName, format!("brickyard authority of {host}"));
    params.distinguished_name.push(DnType::OrganizationName, "brickyard local workspace");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.name_constraints = Some(NameConstraints {
        permitted_subtrees: vec![
            GeneralSubtree::DnsName(host.to_owned()),
            GeneralSubtree::DnsName(app_domain.to_owned()),
        ],
        excluded_subtrees: Vec::new(),
    });
    let ((year, month, day), (last_year, last_month, last_day)) = (date(-1), date(3650));
    params.not_before = rcgen::date_time_ymd(year, month, day);
    params.not_after = rcgen::date_time_ymd(last_year, last_month, last_day);
    Ok(params)
}

/// Year, month and day, counted from today by the machine's clock: TLS clients look at no other.
fn date(offset: i64) -> (i32, u8, u8) {
    let date = TimeZone::UTC.to_datetime(Timestamp::now()).date().saturating_add(offset.days());
    (i32::from(date.year()), date.month().unsigned_abs(), date.day().unsigned_abs())
}

fn unusable(message: &'static str) -> AuthorityError {
    AuthorityError::Tls(rustls::Error::General(message.to_owned()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn the_authority_is_made_once_and_its_key_is_private() {
        let directory = tempfile::tempdir().unwrap();
        let first = Authority::open(directory.path(), "w.test", "apps.test").unwrap();
        let again = Authority::open(directory.path(), "w.test", "apps.test").unwrap();
        assert_eq!(first.certificate, again.certificate);
        let mode = std::fs::metadata(directory.path().join("ca-key.pem")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_lost_certificate_brings_a_new_authority() {
        let directory = tempfile::tempdir().unwrap();
        let first = Authority::open(directory.path(), "w.test", "apps.test").unwrap();
        std::fs::remove_file(directory.path().join("ca.pem")).unwrap();
        let second = Authority::open(directory.path(), "w.test", "apps.test").unwrap();
        assert_ne!(first.certificate, second.certificate);
    }

    #[test]
    fn the_bundle_holds_the_given_roots_and_ours() {
        let directory = tempfile::tempdir().unwrap();
        let authority = Authority::open(directory.path(), "w.test", "apps.test").unwrap();
        let base = directory.path().join("base.pem");
        std::fs::write(&base, "BASE").unwrap();
        let bundle = directory.path().join("bundle.pem");
        authority.write_bundle(&bundle, Some(&base)).unwrap();
        let content = std::fs::read_to_string(&bundle).unwrap();
        assert_eq!(content, format!("BASE\n{}", authority.certificate));
        let absent = authority.write_bundle(&bundle, Some(&directory.path().join("absent.pem")));
        assert!(matches!(absent, Err(AuthorityError::File { .. })));
    }
}
