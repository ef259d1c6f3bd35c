//! Connections: how many, how long, and where they may come from.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::users::Users;

/// Connections at a time; whoever comes after waits to be accepted.
const CONNECTIONS_MAX: usize = 512;
/// How long a request's head may take.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// How long connections may go on when the console stops; a stream never ends by itself.
const DRAIN: Duration = Duration::from_secs(2);
/// The pause when the system has no more sockets.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Why the console does not listen.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Beyond loopback without users.
    #[error("{0} is not a loopback address; without users the console listens on loopback only")]
    NoUsers(SocketAddr),
    /// The address cannot be had.
    #[error("cannot listen on {address}")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// As the system says it.
        source: io::Error,
    },
}

/// Listens at this address; beyond loopback only where there are users.
pub async fn bind(address: SocketAddr, users: &Users) -> Result<TcpListener, ServeError> {
    if users.is_empty() && !address.ip().is_loopback() {
        return Err(ServeError::NoUsers(address));
    }
    TcpListener::bind(address).await.map_err(|source| ServeError::Bind { address, source })
}

/// Serves until `stop` resolves, and then lets connections end for a moment.
pub async fn serve(listener: TcpListener, app: Router, stop: impl Future<Output = ()>) {
    let room = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let (stopping, stopped) = tokio::sync::watch::channel(false);
    let mut connections = JoinSet::new();
    tokio::pin!(stop);
    loop {
        let accepted = tokio::select! {
            () = &mut stop => break,
            accepted = accept(&listener, &room) => accepted,
        };
        while connections.try_join_next().is_some() {}
        match accepted {
            Ok((socket, permit)) => {
                let (app, stopped) = (app.clone(), stopped.clone());
                connections.spawn(async move {
                    converse(socket, app, stopped).await;
                    drop(permit);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "the console cannot accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    stopping.send_replace(true);
    let ended = tokio::time::timeout(DRAIN, async { while connections.join_next().await.is_some() {} });
    if ended.await.is_err() {
        connections.shutdown().await;
    }
}

type Permit = tokio::sync::OwnedSemaphorePermit;

async fn accept(listener: &TcpListener, room: &Arc<Semaphore>) -> io::Result<(TcpStream, Permit)> {
    let permit = Arc::clone(room).acquire_owned().await.map_err(io::Error::other)?;
    let (socket, _) = listener.accept().await?;
    Ok((socket, permit))
}

async fn converse(socket: TcpStream, app: Router, mut stopped: tokio::sync::watch::Receiver<bool>) {
    let service = TowerToHyperService::new(app);
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .serve_connection(TokioIo::new(socket), service);
    tokio::pin!(connection);
    let stopping = async { stopped.wait_for(|stopped| *stopped).await.is_ok() };
    let ended = tokio::select! {
        ended = connection.as_mut() => Some(ended),
        _ = stopping => None,
    };
    let ended = if let Some(ended) = ended {
        ended
    } else {
        connection.as_mut().graceful_shutdown();
        connection.await
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection to the console broke");
    }
}
