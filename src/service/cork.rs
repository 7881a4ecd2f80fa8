//! Fewer, larger writes: what a connection writes in one turn of the runtime leaves together.
//!
//! HTTP/2 by itself writes each reply to the socket at least twice, once for its data and once for its trailers, and
//! on a busy connection a write costs more than classifying an article. Here a flush only puts itself off to the
//! connection's next turn, which comes when the tasks that are ready now have run: replies that are ready together
//! leave together. An idle connection loses nothing by that, its next turn comes at once.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll, ready},
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tonic::transport::server::Connected;

/// What may wait at most; beyond it a write waits for the socket, which is the peer's back-pressure.
const MOST: usize = 64 << 10;

/// A connection whose flushes wait for its next turn.
///
/// Its owner must read from it whenever it is woken, as HTTP/2 connections do.
#[derive(Debug)]
pub(super) struct Corked<IO> {
    io: IO,
    waiting: Vec<u8>,
    /// Of `waiting`, what the socket has taken.
    taken: usize,
    /// A flush was asked for and is yet to come.
    flush: bool,
}

impl<IO> Corked<IO> {
    pub(super) fn new(io: IO) -> Self {
        Self { io, waiting: Vec::new(), taken: 0, flush: false }
    }
}

impl<IO: AsyncWrite + Unpin> Corked<IO> {
    /// Writes all that waits, then flushes.
    fn write_out(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let Some(rest) = self.waiting.get(self.taken..).filter(|r| !r.is_empty()) {
            match ready!(Pin::new(&mut self.io).poll_write(cx, rest))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                n => self.taken += n,
            }
        }
        self.waiting.clear();
        self.taken = 0;
        ready!(Pin::new(&mut self.io).poll_flush(cx))?;
        self.flush = false;
        Poll::Ready(Ok(()))
    }

    /// Room for another write.
    fn make_room(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        if self.waiting.len() >= MOST {
            ready!(self.write_out(cx))?;
        }
        Poll::Ready(Ok(MOST - self.waiting.len()))
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> AsyncRead for Corked<IO> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.flush
            && let Poll::Ready(Err(error)) = self.write_out(cx)
        {
            return Poll::Ready(Err(error));
        }
        Pin::new(&mut self.io).poll_read(cx, buf)
    }
}

impl<IO: AsyncWrite + Unpin> AsyncWrite for Corked<IO> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let room = ready!(self.make_room(cx))?;
        let some = buf.get(..room).unwrap_or(buf);
        self.waiting.extend_from_slice(some);
        Poll::Ready(Ok(some.len()))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let mut room = ready!(self.make_room(cx))?;
        let before = room;
        for buf in bufs {
            let some = buf.get(..room).unwrap_or(buf);
            self.waiting.extend_from_slice(some);
            room -= some.len();
        }
        Poll::Ready(Ok(before - room))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.waiting.is_empty() && !self.flush {
            self.flush = true;
            cx.waker().wake_by_ref();
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.write_out(cx))?;
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

impl<IO: Connected> Connected for Corked<IO> {
    type ConnectInfo = IO::ConnectInfo;

    fn connect_info(&self) -> IO::ConnectInfo {
        self.io.connect_info()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{future::poll_fn, sync::Arc, sync::atomic::AtomicUsize, sync::atomic::Ordering, task::Wake};
    use tokio::io::AsyncReadExt as _;

    /// Takes `most` bytes a write and counts the writes.
    #[derive(Default)]
    struct Socket {
        written: Vec<u8>,
        writes: usize,
        most: usize,
        closed: bool,
    }

    impl AsyncRead for Socket {
        fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, _: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
            Poll::Pending
        }
    }

    impl AsyncWrite for Socket {
        fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
            let n = buf.len().min(self.most);
            if n == 0 {
                return Poll::Pending;
            }
            self.writes += 1;
            self.written.extend_from_slice(&buf[..n]);
            Poll::Ready(Ok(n))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            self.closed = true;
            Poll::Ready(Ok(()))
        }
    }

    fn corked(most: usize) -> Corked<Socket> {
        Corked::new(Socket { most, ..Socket::default() })
    }

    #[derive(Default)]
    struct Wakes(AtomicUsize);

    impl Wake for Wakes {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn a_burst_leaves_in_one_write() {
        let wakes = Arc::new(Wakes::default());
        let waker = Arc::clone(&wakes).into();
        let mut cx = Context::from_waker(&waker);
        let mut io = corked(usize::MAX);
        for part in [&b"data"[..], b"trailers", b"more"] {
            assert!(Pin::new(&mut io).poll_write(&mut cx, part).is_ready());
            assert!(Pin::new(&mut io).poll_flush(&mut cx).is_ready());
        }
        assert_eq!((io.io.writes, wakes.0.load(Ordering::Relaxed)), (0, 1), "one turn was asked for");
        let mut buf = [0; 8];
        assert!(Pin::new(&mut io).poll_read(&mut cx, &mut ReadBuf::new(&mut buf)).is_pending());
        assert_eq!((io.io.writes, io.io.written.as_slice()), (1, &b"datatrailersmore"[..]));
        assert!(Pin::new(&mut io).poll_flush(&mut cx).is_ready());
        assert_eq!(wakes.0.load(Ordering::Relaxed), 1, "nothing waits: no turn");
    }

    #[test]
    fn a_socket_that_takes_nothing_holds_the_writer_back() {
        let mut cx = Context::from_waker(std::task::Waker::noop());
        let mut io = corked(0);
        let big = vec![7; MOST + 1];
        assert!(matches!(Pin::new(&mut io).poll_write(&mut cx, &big), Poll::Ready(Ok(MOST))));
        assert!(Pin::new(&mut io).poll_write(&mut cx, &big).is_pending());
        assert!(Pin::new(&mut io).poll_shutdown(&mut cx).is_pending());
        io.io.most = 1_000;
        assert!(Pin::new(&mut io).poll_write(&mut cx, b"end").is_ready());
        assert_eq!(io.io.written.len(), MOST);
    }

    #[tokio::test]
    async fn nothing_is_lost_at_the_end() {
        let (near, mut far) = tokio::io::duplex(10);
        let mut io = Corked::new(near);
        let sent: Vec<u8> = (0..200).collect();
        let bufs = [IoSlice::new(&sent[..50]), IoSlice::new(&sent[50..])];
        let n = poll_fn(|cx| Pin::new(&mut io).poll_write_vectored(cx, &bufs)).await.unwrap();
        assert_eq!(n, sent.len());
        let reader = tokio::spawn(async move {
            let mut got = Vec::new();
            far.read_to_end(&mut got).await.map(|_| got)
        });
        poll_fn(|cx| Pin::new(&mut io).poll_shutdown(cx)).await.unwrap();
        assert_eq!(reader.await.unwrap().unwrap(), sent);
    }
}
