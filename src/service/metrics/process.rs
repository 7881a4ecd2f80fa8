//! The process itself, under the names that all Prometheus clients use. Without samples where there is no `/proc`.

use super::page::{Kind, Page};
use std::fs;

/// Linux tells processor time in hundredths of a second, whatever its own clock.
const TICKS_A_SECOND: f64 = 100.0;

/// A name, its kind, its meaning and where to read it.
type Figure = (&'static str, Kind, &'static str, fn(&Files) -> Option<f64>);

const FIGURES: [Figure; 7] = [
    ("process_cpu_seconds_total", Kind::Counter, "Processor time used, in user and system mode.", |files| {
        Some((files.stat(11)? + files.stat(12)?) / TICKS_A_SECOND)
    }),
    ("process_resident_memory_bytes", Kind::Gauge, "Memory in use.", |files| {
        Some(number(files.status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?)? * 1024.0)
    }),
    ("process_virtual_memory_bytes", Kind::Gauge, "Addresses in use.", |files| files.stat(20)),
    ("process_threads", Kind::Gauge, "Threads.", |files| files.stat(17)),
    ("process_open_fds", Kind::Gauge, "Open files and connections.", |_| {
        // One is the folder that is being counted.
        Some(fs::read_dir("/proc/self/fd").ok()?.count().saturating_sub(1) as f64)
    }),
    ("process_max_fds", Kind::Gauge, "Most open files and connections.", |files| {
        number(files.limits.lines().find_map(|line| line.strip_prefix("Max open files"))?)
    }),
    ("process_start_time_seconds", Kind::Gauge, "When it was started, in seconds since 1970.", |files| {
        let boot = number(files.system.lines().find_map(|line| line.strip_prefix("btime"))?)?;
        Some(boot + files.stat(19)? / TICKS_A_SECOND)
    }),
];

/// What the system says.
struct Files {
    stat: String,
    status: String,
    limits: String,
    system: String,
}

impl Files {
    fn read() -> Self {
        let read = |path| fs::read_to_string(path).unwrap_or_default();
        Self {
            stat: read("/proc/self/stat"),
            status: read("/proc/self/status"),
            limits: read("/proc/self/limits"),
            system: read("/proc/stat"),
        }
    }

    /// A field of `stat`, counted from the one after the name, which may hold blanks.
    fn stat(&self, field: usize) -> Option<f64> {
        self.stat.rsplit(')').next()?.split_whitespace().nth(field)?.parse().ok()
    }
}

/// The first word, if it is a number.
fn number(text: &str) -> Option<f64> {
    text.split_whitespace().next()?.parse().ok()
}

pub(super) fn write(page: &mut Page) {
    let files = Files::read();
    for (name, kind, help, read) in FIGURES {
        let mut family = page.family(name, kind, help);
        if let Some(value) = read(&files) {
            family.sample(&[], value);
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use std::time::{SystemTime, UNIX_EPOCH};

    #[test]
    fn every_figure_is_plausible() {
        let files = Files::read();
        let value = |name: &str| FIGURES.iter().find(|f| f.0 == name).and_then(|f| (f.3)(&files)).unwrap();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64();
        let started = value("process_start_time_seconds");
        assert!(now - 3_600.0 < started && started < now + 2.0, "{started} of {now}");
        assert!((1e6..1e11).contains(&value("process_resident_memory_bytes")));
        assert!(value("process_virtual_memory_bytes") >= value("process_resident_memory_bytes"));
        assert!((1.0..1e4).contains(&value("process_threads")));
        assert!(value("process_open_fds") >= 3.0 && value("process_max_fds") >= value("process_open_fds"));
        assert!(value("process_cpu_seconds_total") < 3_600.0);
    }
}
