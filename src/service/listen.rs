//! Where to listen: an address, a unix socket, or a socket that systemd opened.

use std::{
    fmt, io,
    net::IpAddr,
    path::{Path, PathBuf},
    str::FromStr,
};
use tokio::net::{TcpListener, TcpStream};
#[cfg(unix)]
use tokio::net::{UnixListener, UnixStream};

/// A place to listen, as it is typed: `HOST:PORT`, `unix:PATH` or `systemd`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// Host and port; port 0 takes a free one.
    Tcp(String),
    /// A socket in the file system; whoever may write to it may call.
    Unix(PathBuf),
    /// The next socket that systemd hands over (`LISTEN_FDS`).
    Systemd,
}

impl FromStr for Place {
    type Err = String;

    fn from_str(typed: &str) -> Result<Self, String> {
        match typed.strip_prefix("unix:") {
            _ if typed == "systemd" => Ok(Self::Systemd),
            Some("") => Err("unix: must be followed by a path, as in unix:/run/wiredesk.sock".to_owned()),
            Some(_) if cfg!(not(unix)) => Err("there are no unix sockets on this system".to_owned()),
            Some(path) => Ok(Self::Unix(path.into())),
            None if typed
                .rsplit_once(':')
                .is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok()) =>
            {
                Ok(Self::Tcp(typed.to_owned()))
            }
            None => Err("an address and port such as 127.0.0.1:50051, unix:/path/to/socket, or systemd".to_owned()),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => f.write_str(address),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::Systemd => f.write_str("systemd"),
        }
    }
}

/// A socket that accepts connections.
#[derive(Debug)]
pub enum Listener {
    /// Over the network.
    Tcp(TcpListener),
    /// On this machine only.
    #[cfg(unix)]
    Unix(UnixListener, Option<SocketFile>),
}

impl From<TcpListener> for Listener {
    fn from(listener: TcpListener) -> Self {
        Self::Tcp(listener)
    }
}

/// A socket that we made; it goes when the listener goes.
#[cfg(unix)]
#[derive(Debug)]
pub struct SocketFile(PathBuf);

#[cfg(unix)]
impl Drop for SocketFile {
    fn drop(&mut self) {
        let _gone = std::fs::remove_file(&self.0);
    }
}

/// What systemd handed over. One for the whole process: each socket is taken once.
#[derive(Default)]
pub struct Handed(Option<(listenfd::ListenFd, usize)>);

impl fmt::Debug for Handed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Handed").finish_non_exhaustive()
    }
}

impl Handed {
    fn next(&mut self) -> io::Result<Listener> {
        let (sockets, next) = self.0.get_or_insert_with(|| (listenfd::ListenFd::from_env(), 0));
        let at = *next;
        *next += 1;
        let none = || io::Error::other("systemd handed over no socket for it (LISTEN_FDS); is there a .socket unit?");
        if at >= sockets.len() {
            return Err(none());
        }
        #[cfg(unix)]
        if let Ok(Some(unix)) = sockets.take_unix_listener(at) {
            unix.set_nonblocking(true)?;
            return Ok(Listener::Unix(UnixListener::from_std(unix)?, None));
        }
        let tcp = sockets.take_tcp_listener(at)?.ok_or_else(none)?;
        tcp.set_nonblocking(true)?;
        Ok(Listener::Tcp(TcpListener::from_std(tcp)?))
    }
}

impl Listener {
    /// Begins to listen.
    ///
    /// # Errors
    /// When the place is taken, is not ours, or was not handed over.
    pub async fn bind(place: &Place, handed: &mut Handed) -> io::Result<Self> {
        match place {
            Place::Tcp(address) => Ok(Self::Tcp(TcpListener::bind(address).await?)),
            #[cfg(unix)]
            Place::Unix(path) => bind_unix(path).await,
            #[cfg(not(unix))]
            Place::Unix(_) => Err(io::Error::other("no unix sockets on this system")),
            Place::Systemd => handed.next(),
        }
    }

    /// The socket's file, to be removed by whoever takes it, when it is dropped.
    #[cfg(unix)]
    pub(super) fn take_file(&mut self) -> Option<SocketFile> {
        match self {
            Self::Unix(_, file) => file.take(),
            Self::Tcp(_) => None,
        }
    }

    /// Where it listens, as a client would write it.
    #[must_use]
    pub fn address(&self) -> String {
        match self {
            Self::Tcp(tcp) => tcp.local_addr().map_or_else(|e| format!("?: {e}"), |a| a.to_string()),
            #[cfg(unix)]
            Self::Unix(unix, _) => {
                let address = unix.local_addr().ok();
                format!("unix:{}", address.as_ref().and_then(|a| a.as_pathname()).unwrap_or(Path::new("?")).display())
            }
        }
    }

    /// Whether another machine can reach it.
    #[must_use]
    pub fn is_public(&self) -> bool {
        match self {
            Self::Tcp(tcp) => tcp.local_addr().map_or(true, |address| !loopback(address.ip())),
            #[cfg(unix)]
            Self::Unix(..) => false,
        }
    }

    /// The next connection.
    pub(super) async fn accept(&self) -> io::Result<Socket> {
        match self {
            Self::Tcp(tcp) => {
                let (stream, _peer) = tcp.accept().await?;
                stream.set_nodelay(true)?;
                Ok(Socket::Tcp(stream))
            }
            #[cfg(unix)]
            Self::Unix(unix, _) => Ok(Socket::Unix(unix.accept().await?.0)),
        }
    }
}

/// A connection before anything was said on it.
pub(super) enum Socket {
    Tcp(TcpStream),
    #[cfg(unix)]
    Unix(UnixStream),
}

/// `::ffff:127.0.0.1` is one too.
fn loopback(ip: IpAddr) -> bool {
    ip.to_canonical().is_loopback()
}

#[cfg(unix)]
async fn bind_unix(path: &Path) -> io::Result<Listener> {
    use std::os::unix::fs::FileTypeExt as _;
    // What a server that was killed left behind: nobody listens on it.
    let socket = std::fs::symlink_metadata(path).is_ok_and(|meta| meta.file_type().is_socket());
    if socket && UnixStream::connect(path).await.is_err_and(|e| e.kind() == io::ErrorKind::ConnectionRefused) {
        std::fs::remove_file(path)?;
    }
    Ok(Listener::Unix(UnixListener::bind(path)?, Some(SocketFile(path.to_owned()))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_places() {
        for (typed, place) in [
            ("127.0.0.1:0", Place::Tcp("127.0.0.1:0".into())),
            ("[::1]:50051", Place::Tcp("[::1]:50051".into())),
            ("localhost:1", Place::Tcp("localhost:1".into())),
            ("unix:/run/w.sock", Place::Unix("/run/w.sock".into())),
            ("systemd", Place::Systemd),
        ] {
            assert_eq!(typed.parse(), Ok(place.clone()));
            assert_eq!(place.to_string(), typed);
        }
        for bad in ["", "50051", ":50051", "localhost", "localhost:x", "localhost:70000", "unix:"] {
            assert!(bad.parse::<Place>().is_err(), "{bad}");
        }
    }

    #[test]
    fn knows_who_is_near() {
        for near in ["127.0.0.1", "127.8.0.1", "::1", "::ffff:127.0.0.1"] {
            assert!(loopback(near.parse().unwrap()), "{near}");
        }
        for far in ["0.0.0.0", "::", "10.0.0.1", "::ffff:10.0.0.1"] {
            assert!(!loopback(far.parse().unwrap()), "{far}");
        }
    }
}
