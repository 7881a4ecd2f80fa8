//! Clients that ping without end: HTTP/2 answers each ping, so it must be counted.
//!
//! HTTP/2 connections are read along, frame heads only: PING, SETTINGS, PRIORITY and unknown frames cost the server work
//! and carry no call (CVE-2019-9512, -9515). So many in a row, without a frame of a call between them, and the peer is told
//! "too_many_pings" as gRPC servers do (gRPC proposal A8) and is cut off.

/// Begins every HTTP/2 connection (RFC 9113, section 3.4).
pub(super) const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// Length (3 bytes), type, flags, stream (4 bytes).
const HEAD: usize = 9;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const WINDOW_UPDATE: u8 = 8;
const CONTINUATION: u8 = 9;
const ACK: u8 = 1;

/// Counts what a connection's client sends beside calls.
#[derive(Debug, Clone)]
pub(super) struct Chatter {
    most: usize,
    in_a_row: usize,
    at: At,
}

#[derive(Debug, Clone)]
enum At {
    /// So many bytes of the preface were read.
    Preface(usize),
    /// So many bytes of a frame's head.
    Head([u8; HEAD], usize),
    /// So many bytes of a frame are to come.
    Body(usize),
    /// No HTTP/2.
    Elsewhere,
}

impl Chatter {
    pub(super) fn new(most: usize) -> Self {
        Self { most, in_a_row: 0, at: At::Preface(0) }
    }

    /// Reads on; whether it is still bearable.
    pub(super) fn read(&mut self, mut bytes: &[u8]) -> bool {
        while !bytes.is_empty() {
            let used = match &mut self.at {
                At::Elsewhere => return true,
                At::Preface(read) => {
                    let (expected, got) = (PREFACE.get(*read..).unwrap_or(&[]), bytes);
                    let used = expected.len().min(got.len());
                    if expected.get(..used) != got.get(..used) {
                        self.at = At::Elsewhere;
                        return true;
                    }
                    *read += used;
                    if *read == PREFACE.len() {
                        self.at = At::Head([0; HEAD], 0);
                    }
                    used
                }
                At::Head(head, read) => {
                    let room = head.get_mut(*read..).unwrap_or(&mut []);
                    let used = room.len().min(bytes.len());
                    room.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
                    *read += used;
                    if *read == HEAD {
                        let head = *head;
                        self.frame(head);
                    }
                    used
                }
                At::Body(rest) => {
                    let used = (*rest).min(bytes.len());
                    *rest -= used;
                    if *rest == 0 {
                        self.at = At::Head([0; HEAD], 0);
                    }
                    used
                }
            };
            bytes = bytes.get(used..).unwrap_or(&[]);
        }
        self.in_a_row <= self.most
    }

    fn frame(&mut self, [a, b, c, kind, flags, ..]: [u8; HEAD]) {
        let length = u32::from_be_bytes([0, a, b, c]) as usize;
        match kind {
            HEADERS => self.in_a_row = 0,
            DATA if length > 0 => self.in_a_row = 0,
            RST_STREAM | WINDOW_UPDATE | CONTINUATION => (),
            SETTINGS | PING if flags & ACK != 0 => (),
            _ => self.in_a_row += 1,
        }
        self.at = if length > 0 { At::Body(length) } else { At::Head([0; HEAD], 0) };
    }
}

/// The frame that says so: GOAWAY with ENHANCE_YOUR_CALM.
pub(super) fn goaway() -> Vec<u8> {
    const SAYS: &[u8] = b"too_many_pings";
    let length = (8 + SAYS.len() as u32).to_be_bytes();
    let mut frame = length.get(1..).unwrap_or(&[]).to_vec();
    frame.extend([7, 0, 0, 0, 0, 0, /* last stream */ 0x7f, 0xff, 0xff, 0xff, /* code */ 0, 0, 0, 11]);
    frame.extend(SAYS);
    frame
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn frame(kind: u8, flags: u8, body: &[u8]) -> Vec<u8> {
        [&[0, 0, body.len() as u8, kind, flags, 0, 0, 0, 1], body].concat()
    }

    /// Whether it stays bearable, however the bytes are cut.
    fn bears(frames: &[Vec<u8>], cut: usize) -> bool {
        let mut chatter = Chatter::new(3);
        let sent = [&PREFACE[..], &frames.concat()].concat();
        sent.chunks(cut).all(|part| chatter.read(part))
    }

    proptest! {
        #[test]
        fn pings_without_calls_are_counted(cut in 1usize..60) {
            let ping = || frame(PING, 0, b"12345678");
            prop_assert!(bears(&[ping(), ping(), ping()], cut));
            prop_assert!(!bears(&[ping(), ping(), frame(SETTINGS, 0, &[]), ping()], cut));
            let call = frame(HEADERS, 4, b"some headers");
            prop_assert!(bears(&[ping(), ping(), call, ping(), ping(), frame(DATA, 1, b"x"), ping()], cut));
            prop_assert!(!bears(&[ping(), ping(), frame(DATA, 0, &[]), ping(), frame(2, 0, b"12345")], cut));
            let answered: Vec<_> = (0..20).map(|_| frame(PING, ACK, b"12345678")).collect();
            prop_assert!(bears(&answered, cut));
        }

        #[test]
        fn any_bytes_are_read(bytes: Vec<u8>, http2: bool, cut in 1usize..40) {
            let mut chatter = Chatter::new(1);
            let _bearable = chatter.read(if http2 { PREFACE } else { b"GET / HTTP/1.1\r\n\r\n" });
            let bearable = bytes.chunks(cut).all(|part| chatter.read(part));
            prop_assert!(http2 || bearable);
        }
    }
}
