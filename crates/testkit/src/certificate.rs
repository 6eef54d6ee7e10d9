//! Certificates of the tests' own servers, made by the program `openssl` when they are needed.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use anyhow::{Result, ensure};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// What a server shows over TLS: a certificate that has signed itself, with its key.
pub struct Certified {
    /// The certificate, in PEM. Whoever trusts it as an authority accepts the server.
    pub pem: Vec<u8>,
    config: Arc<ServerConfig>,
}

impl Certified {
    /// A certificate for this name, as `subjectAltName` writes it: `IP:127.0.0.1`, `DNS:mail.test`.
    ///
    /// # Errors
    /// `openssl` is not there, or made nothing of the name.
    pub fn for_name(name: &str) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let path = |name: &str| folder.path().join(name);
        let request = format!(
            "[req]\ndistinguished_name=who\nx509_extensions=what\nprompt=no\n[who]\nCN=mail.test\n\
             [what]\nbasicConstraints=critical,CA:FALSE\nsubjectAltName={name}\n"
        );
        std::fs::write(path("request"), request)?;
        sign(&path("request"), &path("key"), &path("certificate"))?;
        let pem = std::fs::read(path("certificate"))?;
        let key = PrivateKeyDer::from_pem_slice(&std::fs::read(path("key"))?)?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![CertificateDer::from_pem_slice(&pem)?], key)?;
        Ok(Self { pem, config: Arc::new(config) })
    }

    /// What a server needs to speak TLS.
    pub(crate) fn config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.config)
    }
}

fn sign(request: &Path, key: &Path, certificate: &Path) -> Result<()> {
    let mut openssl = Command::new("openssl");
    openssl.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]);
    openssl.arg("-config").arg(request).arg("-keyout").arg(key).arg("-out").arg(certificate);
    let made = openssl.output()?;
    ensure!(made.status.success(), "openssl: {}", String::from_utf8_lossy(&made.stderr));
    Ok(())
}
