//! Accepting, serving, stopping.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use citywarden_journal::Inbox;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpSocket};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::config::EndpointConfig;
use super::connection::Connection;
use super::counters::Counters;
use super::door::{Door, Socket};
use super::flag::Flag;
use super::handshake::{Greeted, greet};
use super::intake::Intake;
use super::session::End;
use super::sessions::{Bounds, SessionStore, Sessions};
use super::shared::Shared;
use super::tls::{Tls, certified_name};
use crate::codec::Reason;

/// After a connection could not be accepted (too many open files): others may close meanwhile.
const ACCEPT_RETRY: Duration = Duration::from_millis(100);
/// Connections that may wait to be accepted: after a restart thousands of devices come back in the same moment, and who finds no
/// place tries again only after a second. The system bounds it too (`net.core.somaxconn`, 4096 by default).
const BACKLOG: u32 = 4096;

/// A listening endpoint.
pub struct Endpoint<D = TcpListener> {
    door: D,
    local_addr: SocketAddr,
    shared: Arc<Shared>,
    inbox: Inbox,
}

/// Why an endpoint does not begin.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Anybody could publish for any device.
    #[error(
        "refusing to listen on {0}, which is beyond loopback, without users_file or client_ca_file: anybody could publish for any device"
    )]
    Unprotected(SocketAddr),
    /// The address cannot be had.
    #[error("cannot listen on {listen}: {source}")]
    Listen {
        /// The address.
        listen: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// Which sessions there are cannot be read. Without them clients would throw away what was not acknowledged.
    #[error("{path}: the sessions of clients cannot be read: {source}")]
    Sessions {
        /// Their file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The system has no random bytes to give.
    #[error("cannot draw a key: {0}")]
    NoRandom(String),
}

/// Why an endpoint ended before it was told to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RunError {
    /// The journal takes nothing more: nothing can be acknowledged any more.
    #[error("the journal has stopped, so the endpoint has stopped too")]
    JournalStopped,
}

/// What a connection's task is told, and tells.
#[derive(Clone, Default)]
struct Signals {
    stopping: Arc<Flag>,
    journal_stopped: Arc<Flag>,
}

impl<D> std::fmt::Debug for Endpoint<D> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Endpoint").field("local_addr", &self.local_addr).finish_non_exhaustive()
    }
}

impl Endpoint {
    /// Reads which sessions there are in `store` and listens. Nothing is accepted before [`Endpoint::run`].
    #[expect(clippy::unused_async, reason = "listening needs a runtime, and whoever awaits has one")]
    pub async fn bind(
        config: EndpointConfig,
        inbox: Inbox,
        counters: Arc<Counters>,
        store: SessionStore,
    ) -> Result<Self, BindError> {
        let listen = config.listen;
        let known = config.users.is_some() || config.tls.as_ref().is_some_and(|tls| tls.client_certificates);
        if !known && !listen.ip().to_canonical().is_loopback() {
            return Err(BindError::Unprotected(listen));
        }
        let mut key = [0; 32];
        getrandom::fill(&mut key).map_err(|error| BindError::NoRandom(error.to_string()))?;
        let failed = |source| BindError::Listen { listen, source };
        let listener = listening(listen).map_err(failed)?;
        let local_addr = listener.local_addr().map_err(failed)?;
        let mut endpoint = Self::behind(listener, config, inbox, counters, store, key)?;
        endpoint.local_addr = local_addr;
        Ok(endpoint)
    }
}

fn listening(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // as after any restart: connections of before may not be forgotten yet
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

impl<D: Door> Endpoint<D> {
    /// An endpoint behind another door than a TCP socket; `key` is what a real one draws at random.
    pub fn behind(
        door: D,
        config: EndpointConfig,
        inbox: Inbox,
        counters: Arc<Counters>,
        store: SessionStore,
        key: [u8; 32],
    ) -> Result<Self, BindError> {
        let (path, bounds) = (store.dir.join(&store.name), Bounds::from(&config.limits));
        let sessions =
            Sessions::open(store, bounds).map_err(|source| BindError::Sessions { path, source })?;
        let local_addr = config.listen;
        let shared = Arc::new(Shared::new(config, counters, sessions, key));
        Ok(Self { door, local_addr, shared, inbox })
    }

    /// Where it listens.
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// Serves until `shutdown` resolves or the journal stops. When told to stop it accepts and reads nothing more,
    /// acknowledges what is committed meanwhile, and closes within [`Limits::drain_timeout`].
    ///
    /// [`Limits::drain_timeout`]: super::Limits::drain_timeout
    pub async fn run(self, shutdown: impl Future<Output = ()>) -> Result<(), RunError> {
        let source = self.shared.config.source.clone();
        let intake = Intake::new(self.inbox.clone());
        if !intake.source_up(source.as_str()) {
            return Err(RunError::JournalStopped);
        }
        let mut connections = JoinSet::new();
        let signals = Signals::default();
        let outcome = tokio::select! {
            // in this order, so that a simulation repeats itself
            biased;
            () = shutdown => Ok(()),
            () = signals.journal_stopped.raised() => Err(RunError::JournalStopped),
            () = self.accept(&mut connections, &signals) => Ok(()),
        };
        let sessions = self.shared.sessions.clone();
        let drain_timeout = self.shared.config.limits.drain_timeout;
        drop(self);
        signals.stopping.raise();
        let drained = async { while connections.join_next().await.is_some() {} };
        if timeout(drain_timeout, drained).await.is_err() {
            tracing::warn!(
                left = connections.len(),
                "closing connections whose messages were not committed in time"
            );
            connections.shutdown().await;
        }
        sessions.close().await;
        outcome?;
        if !intake.source_down(source.as_str()) {
            tracing::warn!(%source, "the end of this source could not be journalled");
        }
        Ok(())
    }

    async fn accept(&self, connections: &mut JoinSet<()>, signals: &Signals) {
        loop {
            tokio::select! {
                // who has gone makes room first, however many stand at the door
                biased;
                Some(ended) = connections.join_next() => {
                    if let Err(error) = ended {
                        tracing::error!(%error, "a connection's task failed");
                    }
                }
                accepted = self.door.accept() => match accepted {
                    Ok((stream, peer)) => self.begin(stream, peer, connections, signals),
                    Err(error) => {
                        tracing::warn!(%error, "a connection could not be accepted");
                        sleep(ACCEPT_RETRY).await;
                    }
                },
            }
        }
    }

    fn begin(&self, stream: D::Stream, peer: SocketAddr, connections: &mut JoinSet<()>, signals: &Signals) {
        if connections.len() >= self.shared.config.limits.connections_max {
            self.shared.counters.connections_refused.increment();
            return;
        }
        if let Err(error) = stream.send_at_once() {
            tracing::debug!(%peer, %error, "acknowledgements may be delayed");
        }
        let (shared, intake, signals) =
            (self.shared.clone(), Intake::new(self.inbox.clone()), signals.clone());
        connections.spawn(async move {
            shared.counters.connections.increment();
            match shared.config.tls.clone() {
                None => serve(stream, shared.clone(), intake, signals).await,
                Some(tls) => serve_tls(stream, tls, shared.clone(), intake, signals).await,
            }
            shared.counters.connections.decrement();
        });
    }
}

async fn serve(stream: impl Socket, shared: Arc<Shared>, intake: Intake, signals: Signals) {
    greet_and_serve(async { Some((stream, None)) }, shared, intake, signals).await;
}

async fn serve_tls(stream: impl Socket, tls: Tls, shared: Arc<Shared>, intake: Intake, signals: Signals) {
    let counters = shared.clone();
    let secured = async move {
        let failed = |error: io::Error| {
            tracing::debug!(%error, "a TLS handshake failed");
            counters.counters.tls_failed.increment();
        };
        let stream = tls.acceptor.accept(stream).await.map_err(failed).ok()?;
        let certificate = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
        let name = certificate.and_then(certified_name);
        if tls.client_certificates && name.is_none() {
            counters.counters.logins_refused.increment();
            return None; // a certificate without a name is nobody's
        }
        Some((stream, name))
    };
    greet_and_serve(secured, shared, intake, signals).await;
}

async fn greet_and_serve<S: AsyncRead + AsyncWrite + Unpin>(
    secured: impl Future<Output = Option<(S, Option<String>)>>,
    shared: Arc<Shared>,
    intake: Intake,
    signals: Signals,
) {
    let greeting = async {
        let (mut stream, name) = secured.await?;
        let greeted = greet(&mut stream, &shared, name.as_deref()).await?;
        Some((stream, greeted))
    };
    let greeted = tokio::select! {
        biased;
        greeted = timeout(shared.config.limits.connect_timeout, greeting) => greeted,
        () = signals.stopping.raised() => return,
    };
    match greeted {
        Err(_) => shared.counters.timed_out.increment(),
        Ok(None) => {}
        Ok(Some((stream, Err(turned)))) => turned.close(stream).await,
        Ok(Some((stream, Ok(greeted)))) => {
            let Greeted { session, mut place, mut stay, keep_alive_s, buffer } = greeted;
            let mut connection = Connection::new(stream, shared, session, intake, buffer, keep_alive_s);
            let end = tokio::select! {
                biased;
                end = connection.run() => end,
                () = place.taken_over() => End::Told(Reason::SESSION_TAKEN_OVER),
                () = signals.stopping.raised() => {
                    connection.stop_reading();
                    match connection.run().await {
                        End::Left => End::Told(Reason::SERVER_SHUTTING_DOWN),
                        end @ (End::Told(_) | End::JournalStopped) => end,
                    }
                }
            };
            if end == End::JournalStopped {
                signals.journal_stopped.raise();
            }
            if let Some(expiry_s) = connection.expiry_at_disconnect_s() {
                stay.wish(expiry_s);
            }
            stay.end().await;
            drop(place);
            connection.close(end).await;
        }
    }
}
