//! Connections: how many, how they begin, how long they last.

use super::{
    access::Access,
    chatter::{Chatter, PREFACE, goaway},
    listen::{Listener, Socket},
};
use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};
#[cfg(unix)]
use tokio::net::UnixStream;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    sync::{OwnedSemaphorePermit, Semaphore, mpsc},
    time::{Sleep, sleep},
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::transport::server::Connected;

/// What connections may cost.
#[derive(Debug, Clone)]
pub(super) struct Rules {
    pub(super) access: Arc<Access>,
    /// Room for connections, shared by all listeners.
    pub(super) room: Arc<Semaphore>,
    /// Time for the TLS handshake, and as much again for the first bytes of HTTP.
    pub(super) handshake: Duration,
    /// When a connection is cut whatever goes on on it.
    pub(super) longest: Duration,
    /// Most frames in a row that carry no call.
    pub(super) max_pings: usize,
}

/// Who is at the other end; an extension of each request.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Peer {
    /// It showed a certificate that we believe, or it is on this machine by a unix socket.
    pub(super) certified: bool,
}

/// No HTTP/1 request is shorter either.
const FIRST_BYTES: usize = PREFACE.len();
/// How long what a client still says is read for, when a connection is ended in order.
const LINGER: Duration = Duration::from_secs(2);
/// ... and how much of it: window updates and the like. Who floods is cut.
const LINGER_BYTES: usize = 1 << 20;
/// When the system gives no more files, how long until it is asked again.
const PAUSE: Duration = Duration::from_millis(100);
/// Refused connections are complained of this often.
const COMPLAIN_EVERY: Duration = Duration::from_secs(10);

/// Accepts until `closing`; then the listener is closed.
pub(super) fn accept(
    listener: Listener,
    rules: Rules,
    closing: CancellationToken,
) -> ReceiverStream<io::Result<Connection>> {
    let (ready, connections) = mpsc::channel(16);
    tokio::spawn(async move {
        let mut complained: Option<Instant> = None;
        while let Some(accepted) = closing.run_until_cancelled(listener.accept()).await {
            let socket = match accepted {
                Ok(socket) => socket,
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(PAUSE).await;
                    continue;
                }
            };
            // Closed at once: the client can go elsewhere, which it could not while it waits.
            let Ok(room) = Arc::clone(&rules.room).try_acquire_owned() else {
                if complained.is_none_or(|at| at.elapsed() > COMPLAIN_EVERY) {
                    complained = Some(Instant::now());
                    tracing::warn!("no room for more connections (--max-connections): new ones are closed");
                }
                continue;
            };
            let (rules, ready) = (rules.clone(), ready.clone());
            tokio::spawn(async move {
                match begin(socket, &rules, room).await {
                    Ok(connection) => {
                        let _closing = ready.send(Ok(connection)).await;
                    }
                    Err(error) => tracing::debug!(%error, "a connection did not begin"),
                }
            });
        }
    });
    ReceiverStream::new(connections)
}

async fn begin(socket: Socket, rules: &Rules, room: OwnedSemaphorePermit) -> io::Result<Connection> {
    let (io, peer) = match socket {
        #[cfg(unix)]
        Socket::Unix(unix) => (Io::Unix(unix), Peer { certified: true }),
        Socket::Tcp(tcp) => match rules.access.tls() {
            None => (Io::Plain(tcp), Peer::default()),
            Some(config) => {
                let handshake = TlsAcceptor::from(config).accept(tcp);
                let stream = tokio::time::timeout(rules.handshake, handshake).await??;
                let certified = stream.get_ref().1.peer_certificates().is_some();
                (Io::Tls(Box::new(stream)), Peer { certified })
            }
        },
    };
    let first = Some((FIRST_BYTES, Box::pin(sleep(rules.handshake))));
    let chatter = Chatter::new(rules.max_pings);
    Ok(Connection {
        io,
        peer,
        first,
        chatter,
        end: Box::pin(sleep(rules.longest)),
        cut: false,
        linger: None,
        _room: room,
    })
}

/// A connection that keeps the rules.
pub(super) struct Connection {
    io: Io,
    peer: Peer,
    /// Bytes that must come before that time.
    first: Option<(usize, Pin<Box<Sleep>>)>,
    chatter: Chatter,
    end: Pin<Box<Sleep>>,
    /// It broke a rule.
    cut: bool,
    /// All has been said on it; until when it is listened to.
    linger: Option<(Pin<Box<Sleep>>, usize)>,
    _room: OwnedSemaphorePermit,
}

enum Io {
    Plain(TcpStream),
    #[cfg(unix)]
    Unix(UnixStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// Calls the same method of whichever stream it is.
macro_rules! each {
    ($self:ident, $io:ident => $call:expr) => {
        match &mut $self.as_mut().get_mut().io {
            Io::Plain($io) => $call,
            #[cfg(unix)]
            Io::Unix($io) => $call,
            Io::Tls($io) => $call,
        }
    };
}

impl Connected for Connection {
    type ConnectInfo = Peer;

    fn connect_info(&self) -> Peer {
        self.peer
    }
}

impl AsyncRead for Connection {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.end.as_mut().poll(cx).is_ready() {
            self.cut = true;
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the connection is too old")));
        }
        let before = buf.filled().len();
        let Some((missing, mut by)) = self.first.take() else {
            let done = each!(self, io => Pin::new(io).poll_read(cx, buf));
            return self.heard(cx, buf.filled().get(before..).unwrap_or(&[]), done);
        };
        if by.as_mut().poll(cx).is_ready() {
            self.cut = true;
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "no request began in time")));
        }
        let done = each!(self, io => Pin::new(io).poll_read(cx, buf));
        let missing = missing.saturating_sub(buf.filled().len() - before);
        if missing > 0 {
            self.first = Some((missing, by));
        }
        self.heard(cx, buf.filled().get(before..).unwrap_or(&[]), done)
    }
}

impl Connection {
    /// What came of a read, unless the client says too much that is no call.
    fn heard(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        read: &[u8],
        done: Poll<io::Result<()>>,
    ) -> Poll<io::Result<()>> {
        if self.chatter.read(read) {
            return done;
        }
        self.cut = true;
        tracing::warn!("a connection is closed: its client sends pings and no calls (--max-pings)");
        let frame = goaway();
        // As far as the socket takes it: the connection ends in any case.
        let _told = each!(self, io => Pin::new(io).poll_write(cx, &frame));
        let _told = each!(self, io => Pin::new(io).poll_flush(cx));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::ConnectionAborted, "too many pings")))
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        each!(self, io => Pin::new(io).poll_write(cx, buf))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        each!(self, io => Pin::new(io).poll_write_vectored(cx, bufs))
    }

    fn is_write_vectored(&self) -> bool {
        match &self.io {
            Io::Plain(io) => io.is_write_vectored(),
            #[cfg(unix)]
            Io::Unix(io) => io.is_write_vectored(),
            Io::Tls(io) => io.is_write_vectored(),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        each!(self, io => Pin::new(io).poll_flush(cx))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.linger.is_none() {
            ready!(each!(self, io => Pin::new(io).poll_shutdown(cx)))?;
            if self.cut {
                return Poll::Ready(Ok(()));
            }
            self.linger = Some((Box::pin(sleep(LINGER)), 0));
        }
        // A socket that is closed while something lies unread in it, such as that the client has room for more, is
        // reset, and the end of the last reply is lost. So the client goes first, unless it takes its time.
        let over = |(until, heard): &mut (Pin<Box<Sleep>>, usize), cx: &mut Context<'_>| {
            *heard > LINGER_BYTES || until.as_mut().poll(cx).is_ready()
        };
        if self.linger.as_mut().is_none_or(|linger| over(linger, cx)) {
            return Poll::Ready(Ok(()));
        }
        let mut unread = [0; 4 << 10];
        let mut buf = ReadBuf::new(&mut unread);
        match each!(self, io => Pin::new(io).poll_read(cx, &mut buf)) {
            Poll::Ready(Ok(())) if !buf.filled().is_empty() => {
                if let Some((_, heard)) = &mut self.linger {
                    *heard += buf.filled().len();
                }
                // There may be more; others have their turn between.
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            Poll::Ready(_gone) => Poll::Ready(Ok(())),
            Poll::Pending => Poll::Pending,
        }
    }
}
