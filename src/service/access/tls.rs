//! The certificate that the server shows, and whose certificates it believes.

use super::AccessError;
use std::{path::PathBuf, sync::Arc};
use tokio_rustls::rustls::{
    RootCertStore, ServerConfig,
    crypto::{CryptoProvider, ring},
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::WebPkiClientVerifier,
};

/// Where the TLS material lies, in PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate, followed by those between it and its root.
    pub cert: PathBuf,
    /// Its private key.
    pub key: PathBuf,
    /// The authorities whose clients may call; without: everyone may.
    pub client_ca: Option<PathBuf>,
}

impl TlsFiles {
    /// In the order in which [`read`] wants them.
    pub(super) fn list(self) -> Vec<PathBuf> {
        [Some(self.cert), Some(self.key), self.client_ca].into_iter().flatten().collect()
    }
}

/// The only provider of cryptography in this binary.
pub(crate) fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

/// All certificates of a PEM file.
pub(crate) fn certificates(file: &PathBuf) -> Result<Vec<CertificateDer<'static>>, AccessError> {
    let wrong = |problem: String| AccessError::Tls { file: file.clone(), problem };
    let read = CertificateDer::pem_file_iter(file).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let found = read.map_err(|e| wrong(format!("cannot read certificates: {e}")))?;
    if found.is_empty() {
        return Err(wrong("no certificate in it; PEM is expected (-----BEGIN CERTIFICATE-----)".to_owned()));
    }
    Ok(found)
}

/// Reads certificate, key and, if given, the authorities of clients.
pub(super) fn read(files: &[PathBuf]) -> Result<ServerConfig, AccessError> {
    let [cert, key, authorities @ ..] = files else {
        return Err(AccessError::Tls { file: PathBuf::new(), problem: "no certificate and key".to_owned() });
    };
    let wrong = |file: &PathBuf, problem: String| AccessError::Tls { file: file.clone(), problem };
    let chain = certificates(cert)?;
    // The error of a key says what is missing, never what is there.
    let secret =
        PrivateKeyDer::from_pem_file(key).map_err(|e| wrong(key, format!("cannot read a private key: {e}")))?;
    let builder = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(|e| wrong(cert, e.to_string()))?;
    let builder = match authorities.first() {
        None => builder.with_no_client_auth(),
        Some(file) => {
            let mut roots = RootCertStore::empty();
            for authority in certificates(file)? {
                roots.add(authority).map_err(|e| wrong(file, format!("not an authority's certificate: {e}")))?;
            }
            // A client without a certificate gets in, as far as health: `Access` refuses its other calls.
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider())
                .allow_unauthenticated()
                .build()
                .map_err(|e| wrong(file, e.to_string()))?;
            builder.with_client_cert_verifier(verifier)
        }
    };
    let mut config = builder
        .with_single_cert(chain, secret)
        .map_err(|e| wrong(cert, format!("cannot be used with the key in {}: {e}", key.display())))?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}
