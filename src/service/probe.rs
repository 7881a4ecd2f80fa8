//! Asks a server for its health, as `wiredesk health` does.

use std::time::Duration;
use tonic::transport::{Channel, Endpoint};
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
    /// Not a host and port.
    #[error("{0}: not an address such as 127.0.0.1:50051")]
    Address(String),
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

/// Asks the server at `address` about `service`; empty: the server as a whole.
///
/// # Errors
/// When there is no answer within `timeout`, or the service is not known.
pub async fn check(address: &str, service: &str, timeout: Duration) -> Result<Health, ProbeError> {
    let wrong = |_| ProbeError::Address(address.to_owned());
    let endpoint = Endpoint::from_shared(format!("http://{address}")).map_err(wrong)?;
    let endpoint = endpoint.connect_timeout(timeout).timeout(timeout);
    let channel: Channel =
        endpoint.connect().await.map_err(|source| ProbeError::Connect { address: address.to_owned(), source })?;
    let request = HealthCheckRequest { service: service.to_owned() };
    let reply = HealthClient::new(channel)
        .check(request)
        .await
        .map_err(|status| ProbeError::Refused { address: address.to_owned(), status: Box::new(status) })?;
    let status = reply.into_inner().status();
    Ok(Health { serving: status == ServingStatus::Serving, state: status.as_str_name() })
}
