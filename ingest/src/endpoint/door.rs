//! Where connections come from: the seam between an endpoint and its network.

use std::future::Future;
use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};

/// Lets connections in.
pub trait Door: Send + Sync {
    /// A connection.
    type Stream: Socket;
    /// The next one, and whose it is.
    fn accept(&self) -> impl Future<Output = io::Result<(Self::Stream, SocketAddr)>> + Send;
}

/// A connection's bytes, both ways.
pub trait Socket: AsyncRead + AsyncWrite + Unpin + Send + 'static {
    /// Asks for what is written to be sent without waiting for more.
    fn send_at_once(&self) -> io::Result<()> {
        Ok(())
    }
}

impl Door for TcpListener {
    type Stream = TcpStream;
    fn accept(&self) -> impl Future<Output = io::Result<(TcpStream, SocketAddr)>> + Send {
        Self::accept(self)
    }
}

impl Socket for TcpStream {
    fn send_at_once(&self) -> io::Result<()> {
        self.set_nodelay(true)
    }
}
