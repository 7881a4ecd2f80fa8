//! gRPC: the only room that sees prost types.
//!
//! In the order in which a call flows: [`server`] accepts it, `layers` bound
//! its time and catch its panics, `classifier` (one call), `stream` (many) and
//! `models` answer it: `convert` turns what was sent into an article or a list
//! of violations, `registry` finds the model, `engine` computes on threads of
//! its own. `reload` changes the models while calls come in, `shadow` lets a
//! candidate answer beside the stable one. `status` is the one table from refusals to gRPC statuses, `health`
//! tells the world what works, [`probe`] asks. `observed` counts, logs and
//! traces (`trace`) every call into `metrics`, which `admin` shows to operators.

mod access;
mod admin;
mod batch;
mod chatter;
mod classifier;
mod convert;
mod cork;
mod cors;
mod engine;
mod health;
mod incoming;
mod interop;
mod json;
mod layers;
mod listen;
mod metrics;
mod models;
mod observed;
mod openapi;
pub mod probe;
mod registry;
mod reload;
pub mod server;
mod shadow;
mod status;
mod stream;
mod topic_label;
mod trace;

pub use access::{Access, AccessError, TlsFiles};
pub use admin::serve as serve_admin;
pub use cors::parse_origin;
pub use listen::{Handed, Listener, Place};
pub use registry::Registry;
pub use reload::{ReloadError, Source, follow};
pub use server::{Config, Listeners, ServeError, run};

/// The generated messages, clients and servers of `proto/wiredesk/v1`.
#[allow(missing_docs, unreachable_pub, clippy::all)]
pub mod pb {
    tonic::include_proto!("wiredesk.v1");

    pub use super::topic_label::TopicLabel;

    /// The compiled protos with their comments, for reflection.
    pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/wiredesk_descriptor.bin"));
}
