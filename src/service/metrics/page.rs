//! The text format of Prometheus, version 0.0.4.

use std::fmt::{Display, Write as _};

/// What the text is to be sent as.
pub(crate) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What a scraper may do with a number.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    /// Only grows.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Counts by upper bounds.
    Histogram,
}

/// The text so far.
#[derive(Default)]
pub(super) struct Page(String);

impl Page {
    /// Begins a family of samples; its name and meaning are said even if no sample follows.
    pub(super) fn family(&mut self, name: &'static str, kind: Kind, help: &str) -> Family<'_> {
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        };
        self.line(format_args!("# HELP {name} {help}"));
        self.line(format_args!("# TYPE {name} {kind}"));
        Family { page: self, name }
    }

    /// A family of one sample.
    pub(super) fn single(&mut self, name: &'static str, kind: Kind, help: &str, value: impl Display) {
        self.family(name, kind, help).sample(&[], value);
    }

    pub(super) fn text(self) -> String {
        self.0
    }

    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        // Writing to a string does not fail.
        let _written = writeln!(self.0, "{line}");
    }
}

/// Samples of one name.
pub(super) struct Family<'a> {
    page: &'a mut Page,
    name: &'static str,
}

impl Family<'_> {
    pub(super) fn sample(&mut self, labels: &[(&str, &str)], value: impl Display) {
        self.page.line(format_args!("{}{} {value}", self.name, Labels(labels, None)));
    }

    /// `counts` has one more than `bounds`: what is above all of them.
    pub(super) fn histogram(&mut self, labels: &[(&str, &str)], bounds: &[f64], counts: &[u64], sum: f64) {
        let name = self.name;
        let mut total = 0;
        let ends = bounds.iter().map(ToString::to_string).chain(["+Inf".to_owned()]);
        for (end, count) in ends.zip(counts) {
            total += count;
            self.page.line(format_args!("{name}_bucket{} {total}", Labels(labels, Some(&end))));
        }
        let labels = Labels(labels, None);
        self.page.line(format_args!("{name}_sum{labels} {sum}"));
        self.page.line(format_args!("{name}_count{labels} {total}"));
    }
}

/// Labels in braces, and the upper end of a bucket.
struct Labels<'a>(&'a [(&'a str, &'a str)], Option<&'a str>);

impl Display for Labels<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut before = '{';
        for (name, value) in self.0.iter().copied().chain(self.1.map(|end| ("le", end))) {
            write!(f, "{before}{name}=\"")?;
            for c in value.chars() {
                match c {
                    '\\' => f.write_str("\\\\")?,
                    '"' => f.write_str("\\\"")?,
                    '\n' => f.write_str("\\n")?,
                    c => f.write_char(c)?,
                }
            }
            f.write_char('"')?;
            before = ',';
        }
        if before == ',' { f.write_char('}') } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_what_the_format_asks_for() {
        let mut page = Page::default();
        page.single("a_total", Kind::Counter, "What a is.", 3);
        page.family("b", Kind::Gauge, "B.").sample(&[("x", "1"), ("y", "q\"\\\n")], 0.5);
        page.family("c_seconds", Kind::Histogram, "C.").histogram(&[("x", "1")], &[0.00001, 1.0], &[1, 2, 4], 9.5);
        let expect = r#"# HELP a_total What a is.
# TYPE a_total counter
a_total 3
# HELP b B.
# TYPE b gauge
b{x="1",y="q\"\\\n"} 0.5
# HELP c_seconds C.
# TYPE c_seconds histogram
c_seconds_bucket{x="1",le="0.00001"} 1
c_seconds_bucket{x="1",le="1"} 3
c_seconds_bucket{x="1",le="+Inf"} 7
c_seconds_sum{x="1"} 9.5
c_seconds_count{x="1"} 7
"#;
        assert_eq!(page.text(), expect);
    }
}
