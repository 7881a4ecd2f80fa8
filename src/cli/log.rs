//! What is said on standard error while a command works, and traces, when they are asked for.

use super::{LogFormat, complain};
use std::{
    io::{self, IsTerminal as _},
    panic::PanicHookInfo,
};
use tracing_subscriber::{EnvFilter, Layer as _, fmt, layer::SubscriberExt as _, util::SubscriberInitExt as _};

/// To be kept until the command ends: dropped, it sends the last traces.
#[must_use]
pub struct Telemetry {
    #[cfg(feature = "otel")]
    _exporter: Option<super::traces::Exporter>,
}

/// Starts the log. A filter that cannot be read is named, and `info` used.
pub(super) fn start(filter: &str, format: LogFormat) -> Telemetry {
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|e| {
        complain(&format!("--log {filter:?}: {e}; using info"));
        EnvFilter::new("info")
    });
    let log = fmt::layer().with_writer(io::stderr);
    let log = match format {
        LogFormat::Text => log.with_ansi(io::stderr().is_terminal()).boxed(),
        LogFormat::Json => log.json().boxed(),
    };
    let subscriber = tracing_subscriber::registry().with(log.with_filter(filter));
    #[cfg(feature = "otel")]
    let telemetry = {
        let (exporter, layer) = super::traces::start().unzip();
        subscriber.with(layer).init();
        Telemetry { _exporter: exporter }
    };
    #[cfg(not(feature = "otel"))]
    let telemetry = {
        subscriber.init();
        Telemetry {}
    };
    std::panic::set_hook(Box::new(|panic| {
        let (place, message) = described(panic);
        tracing::error!(target: "wiredesk::panic", place, message, "panicked");
    }));
    telemetry
}

/// Where it panicked, and why if that is written in the program: what is put together when it panics may hold a piece
/// of the text that was being worked on, which is nothing for a log.
fn described(panic: &PanicHookInfo<'_>) -> (String, &'static str) {
    let place = panic.location().map(ToString::to_string).unwrap_or_default();
    (place, panic.payload().downcast_ref::<&'static str>().copied().unwrap_or("(not shown: it may quote an article)"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        panic::{catch_unwind, set_hook, take_hook},
        sync::Mutex,
    };

    #[test]
    fn a_panic_does_not_quote_the_text_that_it_was_about() {
        static SAID: Mutex<Vec<(String, &str)>> = Mutex::new(Vec::new());
        let before = take_hook();
        set_hook(Box::new(|panic| SAID.lock().unwrap().push(described(panic))));
        let article = "Geheimnis é".to_owned();
        let inside = article.len() - 1;
        let caught = [
            catch_unwind(|| article[inside..].len()).is_err(),
            catch_unwind(|| panic!("plain words of the program")).is_err(),
        ];
        set_hook(before);
        assert_eq!(caught, [true, true]);
        let said = SAID.lock().unwrap();
        let here: Vec<_> = said.iter().filter(|(place, _)| place.contains("log.rs")).collect();
        assert!(here.iter().any(|(_, message)| *message == "plain words of the program"), "{here:?}");
        assert!(!format!("{said:?}").contains("Geheimnis"), "{said:?}");
    }
}
