//! What the fuzz targets share.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::ffi::OsString;

/// Parts of an input, cut at line feeds of the kind that no text of ours holds: `\n\x1e`.
///
/// A text separator rather than a length in front: libFuzzer's cuts and joins then keep the other parts whole.
pub fn parts<const N: usize>(data: &[u8]) -> [&[u8]; N] {
    let mut rest = data;
    std::array::from_fn(|i| {
        let cut = rest.windows(2).position(|w| w == b"\n\x1e").filter(|_| i + 1 < N);
        let (part, after) = cut.map_or((rest, &rest[rest.len()..]), |at| (&rest[..at], &rest[at + 2..]));
        rest = after;
        part
    })
}

/// Runs a command of `wiredesk` in this process.
pub fn command(args: &[&str]) {
    let args = ["wiredesk", "--log", "off"].iter().chain(args).map(OsString::from);
    let cli = wiredesk::cli::parse(args).expect("a command of ours parses");
    cli.run().expect("it runs");
}

#[cfg(test)]
mod tests {
    use super::parts;

    #[test]
    fn cuts_into_as_many_parts_as_asked() {
        assert_eq!(parts::<3>(b"a\n\x1eb\n\x1ec\n\x1ed"), [&b"a"[..], b"b", b"c\n\x1ed"]);
        assert_eq!(parts::<3>(b"a"), [&b"a"[..], b"", b""]);
    }
}
