//! Calls by method and code, and how long they took.

use super::{
    cells::{Sharded, Times, bounds},
    page::{Kind, Page},
};
use crate::service::pb;
use prost::Message as _;
use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Instant,
};
use tonic::Code;

/// All codes in the order of their numbers.
const CODES: [&str; 17] = [
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];

/// The code as it is written on the page and in the log.
pub(in crate::service) fn code_name(code: Code) -> &'static str {
    CODES[code as usize]
}

/// A number for each code.
pub(super) type ByCode = [AtomicU64; CODES.len()];

/// The codes that occurred, with how often.
pub(super) fn by_code<T>(cells: &Sharded<T>, of: impl Fn(&T) -> &ByCode) -> impl Iterator<Item = (&'static str, u64)> {
    let count = move |(i, name)| (name, cells.sum(|cell| &of(cell)[i]));
    CODES.into_iter().enumerate().map(count).filter(|(_, count)| *count > 0)
}

/// The methods of this server; the last stands for all that it does not have.
pub(in crate::service) struct Calls(Vec<Method>);

/// One method.
pub(in crate::service) struct Method {
    /// Service and method, as in `wiredesk.v1.ClassifierService/Classify`.
    pub(in crate::service) name: String,
    /// The reply is a stream: the call ends with it.
    pub(in crate::service) streams: bool,
    cells: Sharded<Cells>,
}

#[derive(Default)]
struct Cells {
    begun: AtomicU64,
    ended: ByCode,
    times: Times,
}

/// A call that has begun.
#[derive(Debug, Clone, Copy)]
pub(in crate::service) struct Begun {
    method: usize,
    pub(in crate::service) at: Instant,
}

impl Default for Calls {
    /// All methods that are described to clients, those of the classifier first.
    fn default() -> Self {
        let described = [
            pb::DESCRIPTORS,
            tonic_health::pb::FILE_DESCRIPTOR_SET,
            tonic_reflection::pb::v1::FILE_DESCRIPTOR_SET,
            tonic_reflection::pb::v1alpha::FILE_DESCRIPTOR_SET,
        ];
        let files = described.into_iter().filter_map(|bytes| prost_types::FileDescriptorSet::decode(bytes).ok());
        let mut methods = Vec::new();
        for file in files.flat_map(|set| set.file) {
            for service in &file.service {
                for method in &service.method {
                    let name = format!("{}.{}/{}", file.package(), service.name(), method.name());
                    methods.push(Method { name, streams: method.server_streaming(), cells: Sharded::default() });
                }
            }
        }
        methods.push(Method { name: "other".to_owned(), streams: false, cells: Sharded::default() });
        Self(methods)
    }
}

impl Calls {
    /// A call to `path` begins. `end` must follow.
    pub(in crate::service) fn begin(&self, path: &str) -> Begun {
        let name = path.strip_prefix('/').unwrap_or(path);
        // A dozen lengths are sooner compared than a name is hashed.
        let method = self.0.iter().position(|m| m.name == name).unwrap_or(self.0.len().saturating_sub(1));
        self.0[method].cells.mine().begun.fetch_add(1, Relaxed);
        Begun { method, at: Instant::now() }
    }

    pub(in crate::service) fn method(&self, call: Begun) -> &Method {
        &self.0[call.method]
    }

    pub(in crate::service) fn end(&self, call: Begun, code: Code) {
        let cells = self.0[call.method].cells.mine();
        cells.times.record(call.at.elapsed());
        cells.ended[code as usize].fetch_add(1, Relaxed);
    }

    pub(super) fn write(&self, page: &mut Page) {
        // Ended before begun: a call that begins in between is in flight, never less than none.
        let ended: Vec<Vec<_>> = self.0.iter().map(|m| by_code(&m.cells, |c| &c.ended).collect()).collect();
        let mut family = page.family("wiredesk_calls_total", Kind::Counter, "Calls that ended, by method and code.");
        for (method, codes) in self.0.iter().zip(&ended) {
            for (code, count) in codes {
                family.sample(&[("method", &method.name), ("code", code)], count);
            }
        }
        let help = "Calls that have begun and not ended, by method.";
        let mut family = page.family("wiredesk_calls_in_flight", Kind::Gauge, help);
        for (method, codes) in self.0.iter().zip(&ended) {
            let ended: u64 = codes.iter().map(|(_, count)| count).sum();
            let begun = method.cells.sum(|c| &c.begun);
            family.sample(&[("method", &method.name)], begun.saturating_sub(ended));
        }
        let help = "Time from the head of a request to the head of its reply, or to the end of a streamed one.";
        let mut family = page.family("wiredesk_call_seconds", Kind::Histogram, help);
        let bounds = bounds();
        for (method, _) in self.0.iter().zip(&ended).filter(|(_, codes)| !codes.is_empty()) {
            let times = method.cells.times(|c| &c.times);
            family.histogram(&[("method", &method.name)], &bounds, &times.counts, times.seconds);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_every_method_and_every_code() {
        let calls = Calls::default();
        let call = calls.begin("/wiredesk.v1.ClassifierService/ClassifyStream");
        assert!(calls.method(call).streams);
        assert!(!calls.method(calls.begin("/wiredesk.v1.ClassifierService/Classify")).streams);
        assert_eq!(calls.method(calls.begin("/grpc.health.v1.Health/Check")).name, "grpc.health.v1.Health/Check");
        assert_eq!(calls.method(calls.begin("/a stranger's invention")).name, "other");
        for (number, name) in CODES.iter().enumerate() {
            assert_eq!(code_name(Code::from(number as i32)), *name);
            assert_eq!(Code::from(number as i32) as usize, number);
        }
    }
}
