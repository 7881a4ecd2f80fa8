//! The one table from what can go wrong to what goes over the wire.

use super::access::Role;
use crate::article::Violation;
use prost::Message;
use std::time::Duration;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

/// A status travels in the trailers, which clients bound at 8 kB.
const MAX_VIOLATIONS: usize = 16;
const MAX_ECHO_CHARS: usize = 64;
/// What a client is told to wait before it tries again.
const RETRY_AFTER: Duration = Duration::from_millis(100);

/// Why a call, or one item of it, got no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The request is wrong; each violation names its field.
    Invalid(Vec<Violation>),
    /// No model of this name is held.
    UnknownModel(String),
    /// No model is loaded yet.
    NoModel,
    /// The queue is full.
    Overloaded,
    /// The caller's deadline passed before the answer was there.
    Expired,
    /// Not with the models that this server has; says why.
    NotPossible(String),
    /// The caller did not show who it is; says how.
    Unauthenticated(&'static str),
    /// The caller has not this role.
    Forbidden(Role),
    /// A stream on which nothing moved for too long.
    Idle,
    /// The server is going away.
    Closing,
    /// A fault of ours; the log has it.
    Internal,
}

impl Refusal {
    /// One faulty field.
    pub(crate) fn field(field: impl Into<String>, description: impl Into<String>) -> Self {
        Self::Invalid(vec![Violation::new(field, description)])
    }

    /// The same refusal with its field paths below `parent`, as in `requests[3].`.
    pub(crate) fn within(mut self, parent: &str) -> Self {
        if let Self::Invalid(violations) = &mut self {
            for violation in violations {
                violation.field.insert_str(0, parent);
            }
        }
        self
    }

    /// Its code on the wire.
    pub(crate) fn code(&self) -> Code {
        match self {
            Self::Invalid(_) => Code::InvalidArgument,
            Self::UnknownModel(_) => Code::NotFound,
            Self::NoModel | Self::Closing => Code::Unavailable,
            Self::Overloaded => Code::ResourceExhausted,
            Self::Expired | Self::Idle => Code::DeadlineExceeded,
            Self::Unauthenticated(_) => Code::Unauthenticated,
            Self::Forbidden(_) => Code::PermissionDenied,
            Self::NotPossible(_) => Code::FailedPrecondition,
            Self::Internal => Code::Internal,
        }
    }

    /// As one item's error inside a reply.
    pub(crate) fn into_rpc(self) -> tonic_types::Status {
        let status = Status::from(self);
        let details = tonic_types::Status::decode(status.details()).map(|s| s.details).unwrap_or_default();
        tonic_types::Status { code: status.code().into(), message: status.message().to_owned(), details }
    }
}

impl From<Refusal> for Status {
    fn from(refusal: Refusal) -> Self {
        let mut details = ErrorDetails::new();
        let code = refusal.code();
        let message = match refusal {
            Refusal::Invalid(violations) => {
                let message = summary(&violations);
                for v in violations.into_iter().take(MAX_VIOLATIONS) {
                    details.add_bad_request_violation(v.field, v.description);
                }
                message
            }
            Refusal::UnknownModel(name) => {
                let name: String = name.chars().take(MAX_ECHO_CHARS).collect();
                details.set_resource_info("wiredesk.v1.Model", name.as_str(), "", "ListModels tells which are held");
                format!("this server holds no model {name:?}; ListModels tells which it does")
            }
            Refusal::NoModel => {
                details.set_retry_info(Some(RETRY_AFTER));
                "no model is loaded yet".to_owned()
            }
            Refusal::Overloaded => {
                details.set_retry_info(Some(RETRY_AFTER));
                "the server has all the work it can hold; try again".to_owned()
            }
            Refusal::Expired => "the deadline passed before the answer was ready".to_owned(),
            Refusal::NotPossible(why) => why,
            Refusal::Unauthenticated(how) => how.to_owned(),
            Refusal::Forbidden(role) => format!("this call needs a token with the role {}", role.name()),
            Refusal::Idle => "nothing was sent for too long (--stream-idle-timeout); open it again".to_owned(),
            Refusal::Closing => "the server is shutting down; connect again".to_owned(),
            Refusal::Internal => "internal error; the server's log tells more".to_owned(),
        };
        Self::with_error_details(code, message, details)
    }
}

/// The first violation in words, for callers that do not read the details.
fn summary(violations: &[Violation]) -> String {
    match violations {
        [] => "invalid request".to_owned(),
        [one] => one.to_string(),
        [first, rest @ ..] => format!("{first} (and {} more)", rest.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_refusal_has_its_code() {
        let table = [
            (Refusal::field("article", "missing"), Code::InvalidArgument),
            (Refusal::UnknownModel("x".into()), Code::NotFound),
            (Refusal::NoModel, Code::Unavailable),
            (Refusal::Overloaded, Code::ResourceExhausted),
            (Refusal::Expired, Code::DeadlineExceeded),
            (Refusal::NotPossible("x".into()), Code::FailedPrecondition),
            (Refusal::Unauthenticated("x"), Code::Unauthenticated),
            (Refusal::Forbidden(Role::Admin), Code::PermissionDenied),
            (Refusal::Idle, Code::DeadlineExceeded),
            (Refusal::Closing, Code::Unavailable),
            (Refusal::Internal, Code::Internal),
        ];
        for (refusal, code) in table {
            assert_eq!(refusal.clone().into_rpc().code, i32::from(code));
            assert_eq!(Status::from(refusal).code(), code);
        }
    }

    #[test]
    fn violations_keep_their_paths_and_stay_small() {
        let violations = (0..5_000).map(|i| Violation::new(format!("targets[{i}].name"), "empty")).collect();
        let status = Status::from(Refusal::Invalid(violations).within("requests[3]."));
        assert_eq!(status.message(), "requests[3].targets[0].name: empty (and 4999 more)");
        let details = status.get_error_details();
        assert_eq!(details.bad_request().unwrap().field_violations.len(), MAX_VIOLATIONS);
        assert!(status.details().len() < 4_000);
    }
}
