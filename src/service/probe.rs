//! Asks a server for its health, as `wiredesk health` does.

use super::{
    access::{AccessError, certificates, provider},
    listen::Place,
};
use hyper_util::rt::TokioIo;
use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use tokio_rustls::{
    TlsConnector,
    rustls::{
        self, ClientConfig, ConfigBuilder, DigitallySignedStruct, RootCertStore, SignatureScheme, WantsVerifier,
        client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature},
        pki_types::{CertificateDer, ServerName, UnixTime},
    },
};
use tonic::transport::Endpoint;
use tonic_health::pb::{HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient};

/// Whether the service serves; its state in words, as in the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Health {
    /// It does.
    pub serving: bool,
    /// `SERVING`, `NOT_SERVING`, ...
    pub state: &'static str,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    /// It takes too long to connect.
    #[error("{address}: cannot connect within {timeout:?}")]
    Late {
        /// Where.
        address: String,
        /// How long was waited.
        timeout: Duration,
    },
    /// Nobody answers there.
    #[error("{address}: cannot connect: {source}")]
    Connect {
        /// Where.
        address: String,
        /// Why.
        source: tonic::transport::Error,
    },
    /// It does not know the service, or something else went wrong.
    #[error("{address}: {code:?}: {message}", code = .status.code(), message = .status.message())]
    Refused {
        /// Where.
        address: String,
        /// What it said.
        status: Box<tonic::Status>,
    },
}

/// Whether the connection is encrypted, and whom it trusts.
#[derive(Debug, Clone)]
pub enum Trust {
    /// Not encrypted.
    Plain,
    /// Encrypted.
    Tls(Arc<ClientConfig>),
}

impl Trust {
    /// Servers that show a certificate of one of the authorities in this PEM file.
    ///
    /// # Errors
    /// When the file cannot be used.
    pub fn authorities(file: &PathBuf) -> Result<Self, AccessError> {
        let mut roots = RootCertStore::empty();
        for authority in certificates(file)? {
            let wrong = |e| AccessError::Tls { file: file.clone(), problem: format!("not an authority's: {e}") };
            roots.add(authority).map_err(wrong)?;
        }
        Self::tls(file, |builder| builder.with_root_certificates(roots).with_no_client_auth())
    }

    /// The server that shows the first certificate in this PEM file, and no other.
    ///
    /// # Errors
    /// When the file cannot be used.
    pub fn only(file: &PathBuf) -> Result<Self, AccessError> {
        let Some(certificate) = certificates(file)?.into_iter().next() else { return Ok(Self::Plain) };
        let verifier = Arc::new(Only { certificate, provider: provider() });
        Self::tls(file, |builder| builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth())
    }

    fn tls(
        file: &Path,
        trust: impl FnOnce(ConfigBuilder<ClientConfig, WantsVerifier>) -> ClientConfig,
    ) -> Result<Self, AccessError> {
        let builder = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(|e| AccessError::Tls { file: file.to_owned(), problem: e.to_string() })?;
        let mut config = trust(builder);
        config.alpn_protocols = vec![b"h2".to_vec()];
        Ok(Self::Tls(Arc::new(config)))
    }
}

/// Believes one certificate.
#[derive(Debug)]
struct Only {
    certificate: CertificateDer<'static>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Only {
    fn verify_server_cert(
        &self,
        shown: &CertificateDer<'_>,
        _between: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if *shown == self.certificate {
            return Ok(ServerCertVerified::assertion());
        }
        Err(rustls::Error::InvalidCertificate(rustls::CertificateError::ApplicationVerificationFailure))
    }

    // That the server has the key of the certificate.
    fn verify_tls12_signature(
        &self,
        message: &[u8],
        shown: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, shown, signed, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        shown: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, shown, signed, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// Asks the server at `place` about `service`; empty: the server as a whole.
///
/// # Errors
/// When there is no answer within `timeout`, or the service is not known.
pub async fn check(place: &Place, trust: Trust, service: &str, timeout: Duration) -> Result<Health, ProbeError> {
    let address = place.to_string();
    let connect = |source| ProbeError::Connect { address: place.to_string(), source };
    // The authority of a unix socket means nothing to the server.
    let authority = if let Place::Tcp(address) = place { address } else { "localhost" };
    let endpoint = Endpoint::from_shared(format!("http://{authority}")).map_err(connect)?;
    let endpoint = endpoint.connect_timeout(timeout).timeout(timeout);
    let place = place.clone();
    let dial = tower::service_fn(move |_: http::Uri| dial(place.clone(), trust.clone()));
    // The handshake may hang where the connection does not.
    let connecting = tokio::time::timeout(timeout, endpoint.connect_with_connector(dial));
    let channel = match connecting.await {
        Ok(connected) => connected.map_err(connect)?,
        Err(_elapsed) => return Err(ProbeError::Late { address, timeout }),
    };
    let request = HealthCheckRequest { service: service.to_owned() };
    let reply = HealthClient::new(channel).check(request).await;
    let status =
        reply.map_err(|status| ProbeError::Refused { address, status: Box::new(status) })?.into_inner().status();
    Ok(Health { serving: status == ServingStatus::Serving, state: status.as_str_name() })
}

async fn dial(place: Place, trust: Trust) -> io::Result<TokioIo<Box<dyn Stream>>> {
    let address = match &place {
        Place::Tcp(address) => address,
        #[cfg(unix)]
        // Never encrypted.
        Place::Unix(path) => return Ok(TokioIo::new(Box::new(tokio::net::UnixStream::connect(path).await?))),
        _ => return Err(io::Error::other("not a place to connect to: give an address and port, or unix:PATH")),
    };
    let tcp = TcpStream::connect(address).await?;
    let Trust::Tls(config) = trust else { return Ok(TokioIo::new(Box::new(tcp))) };
    let host = address.rsplit_once(':').map_or(address.as_str(), |(host, _)| host);
    let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
    let name = ServerName::try_from(host).map_err(io::Error::other)?;
    Ok(TokioIo::new(Box::new(TlsConnector::from(config).connect(name, tcp).await?)))
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}
