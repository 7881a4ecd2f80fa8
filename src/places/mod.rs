//! Places named in a document: [`Gazetteer`] finds them, [`context`] tells what
//! stands around them, [`resolve`] which country an ambiguous name means, and
//! [`countries`] what country, sub-region and desk that is. Pure and total.

mod buckets;
mod context;
pub mod countries;
mod entry;
mod filter;
mod find;
mod gazetteer;
mod hit;
mod inflect;
mod resolve;
mod starts;
mod table;

pub use context::{Context, Cue};
pub use entry::HitKind;
pub use find::Places;
pub use gazetteer::Gazetteer;
pub use hit::PlaceHit;

/// The gazetteer that is embedded and copied into each bundle.
pub const DEFAULT_GAZETTEER: &[u8] = include_bytes!("../../data/gazetteer.tsv");

/// Where the names come from: goes with every copy of them.
pub const GAZETTEER_LICENSES: &str = include_str!("../../data/GAZETTEER_LICENSES.md");
