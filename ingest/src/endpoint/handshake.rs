//! From the first byte of a connection to its CONNACK.

use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};

use super::clients::{Entry, Place};
use super::connection::say_farewell;
use super::login::Admitted;
use super::outgoing::Outgoing;
use super::read_buffer::ReadBuffer;
use super::session::Session;
use super::sessions::{Granted, Key, Stay, Wish};
use super::shared::Shared;
use crate::codec::{
    Awaiting, ConnAck, Connect, DecodeError, Decoded, Packet, Reason, Version, claimed_version,
    declared_length, decode, write_connack,
};

/// A client that was let in.
pub(crate) struct Greeted {
    pub(crate) session: Session,
    pub(crate) place: Place,
    pub(crate) stay: Stay,
    pub(crate) keep_alive_s: u16,
    /// What it sent after its CONNECT without waiting.
    pub(crate) buffer: ReadBuffer,
}

/// A client that may hear that it is let in.
struct Welcome {
    session: Session,
    place: Place,
    stay: Stay,
    granted: Granted,
    keep_alive_s: u16,
    client_id: String,
}

/// A client that was not, and what is left to be said to it.
pub(crate) struct Turned(pub(crate) Outgoing);

/// Reads CONNECT, finds out who it is and answers. `None` if the client left.
pub(crate) async fn greet<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    shared: &Arc<Shared>,
    certified: Option<&str>,
) -> Option<Result<Greeted, Turned>> {
    let mut buffer = ReadBuffer::new(shared.large_buffers.clone());
    let mut out = Outgoing::default();
    let greeted = loop {
        match look(buffer.filled(), shared) {
            Ok(None) => read_more(stream, &mut buffer).await?,
            Ok(Some((connect, length))) => {
                let answer = answer(&connect, shared, certified, &mut out.bytes).await;
                break answer.map(|welcome| (welcome, length));
            }
            Err(error) => {
                shared.counters.count_bad_packet(error);
                refuse_unread(buffer.filled(), error, &mut out.bytes);
                break None;
            }
        }
    };
    let Some((welcome, length)) = greeted else { return Some(Err(Turned(out))) };
    std::future::poll_fn(|cx| out.poll_write(stream, cx)).await.ok()?;
    buffer.consume(length);
    let Welcome { session, place, stay, keep_alive_s, .. } = welcome;
    Some(Ok(Greeted { session, place, stay, keep_alive_s, buffer }))
}

impl Turned {
    /// Says what is left to be said and closes.
    pub(crate) async fn close<S: AsyncRead + AsyncWrite + Unpin>(self, stream: S) {
        say_farewell(stream, self.0).await;
    }
}

fn look<'b>(bytes: &'b [u8], shared: &Shared) -> Result<Option<(Connect<'b>, usize)>, DecodeError> {
    let limit = usize::try_from(shared.config.limits.packet_bytes_max).unwrap_or(usize::MAX);
    match decode(Awaiting::Connect, bytes, limit)? {
        Decoded::Complete(Packet::Connect(connect), length) => Ok(Some((connect, length))),
        Decoded::Complete(..) => Err(DecodeError::Protocol("the first packet is no CONNECT")),
        Decoded::Incomplete => Ok(None),
    }
}

/// Reads until there is more to look at; a CONNECT that comes in crumbs is looked at each time it has doubled.
async fn read_more<S: AsyncRead + Unpin>(stream: &mut S, buffer: &mut ReadBuffer) -> Option<()> {
    const EAGER_BYTES: usize = 4096;
    let len = buffer.len();
    let whole = declared_length(buffer.filled()).unwrap_or(0);
    let enough = if len < EAGER_BYTES { len + 1 } else { whole.min(len * 2) };
    while buffer.len() < enough {
        if !buffer.make_room(whole) {
            return None;
        }
        let count = stream.read(buffer.vacant()).await.ok().filter(|&count| count > 0)?;
        buffer.fill(count);
    }
    Some(())
}

/// Answers a CONNECT that could not be read, in words of the version it seems to speak.
fn refuse_unread(bytes: &[u8], error: DecodeError, out: &mut Vec<u8>) {
    let version = match error {
        DecodeError::UnsupportedVersion { level } if (6..0x80).contains(&level) => Some(Version::V5),
        DecodeError::UnsupportedVersion { .. } => Some(Version::V311),
        DecodeError::Malformed(_)
        | DecodeError::Protocol(_)
        | DecodeError::TopicName(_)
        | DecodeError::TopicAlias
        | DecodeError::TooLarge { .. }
        | DecodeError::QosNotSupported => claimed_version(bytes),
    };
    if let Some(version) = version {
        write_connack(out, version, Err(error.reason()));
    }
}

async fn answer(
    connect: &Connect<'_>,
    shared: &Arc<Shared>,
    certified: Option<&str>,
    out: &mut Vec<u8>,
) -> Option<Welcome> {
    match let_in(connect, shared, certified).await {
        Ok(welcome) => {
            write_welcome(connect, shared, &welcome, out);
            let taken =
                connect.properties.packet_bytes_max.is_none_or(|max| out.len() as u64 <= u64::from(max));
            if !taken {
                out.clear(); // it takes no packet as large as the answer: nothing can be said to it
                return None;
            }
            shared.counters.connected.increment();
            Some(welcome)
        }
        Err(reason) => {
            write_connack(out, connect.version, Err(reason));
            None
        }
    }
}

async fn let_in(
    connect: &Connect<'_>,
    shared: &Arc<Shared>,
    certified: Option<&str>,
) -> Result<Welcome, Reason> {
    check_wishes(connect)?;
    let admitted = shared.login.admit(connect, certified).await.inspect_err(|_| {
        shared.counters.logins_refused.increment();
    })?;
    let client_id = match connect.client_id {
        "" => shared.assign_client_id(),
        id => id.to_owned(),
    };
    let Some((place, entry)) = shared.clients.enter(admitted.user.clone(), &client_id) else {
        shared.counters.takeovers_refused.increment();
        return Err(Reason::CONNECTION_RATE_EXCEEDED);
    };
    if entry == Entry::TakenOver {
        shared.counters.takeovers.increment();
    }
    if connect.will.is_some() {
        shared.ignore_will(&client_id);
    }
    let Admitted { user, rights } = admitted;
    let key = Key::of(user.as_deref(), &client_id);
    let (granted, stay) = shared.sessions.connect(key, Wish::from(connect), place.holder()).await;
    let identity = user.unwrap_or_else(|| client_id.as_str().into());
    let session = Session::new(connect, shared.clone(), identity, rights);
    Ok(Welcome { session, place, stay, granted, keep_alive_s: keep_alive(connect, shared), client_id })
}

/// Refuses what no client of this server can have.
fn check_wishes(connect: &Connect<'_>) -> Result<(), Reason> {
    if connect.properties.authentication_method.is_some() {
        return Err(Reason::BAD_AUTHENTICATION_METHOD);
    }
    if connect.version == Version::V5 && connect.will.is_some_and(|will| will.qos == 2) {
        return Err(Reason::QOS_NOT_SUPPORTED); // MQTT-3.2.2-12
    }
    if connect.version == Version::V311 && connect.client_id.is_empty() && !connect.clean_start {
        return Err(Reason::CLIENT_IDENTIFIER_NOT_VALID); // MQTT-3.1.3-8
    }
    Ok(())
}

fn keep_alive(connect: &Connect<'_>, shared: &Shared) -> u16 {
    let max = shared.config.limits.keep_alive_s_max;
    match connect.keep_alive_s {
        0 => max,
        asked => asked.min(max),
    }
}

fn write_welcome(connect: &Connect<'_>, shared: &Shared, welcome: &Welcome, out: &mut Vec<u8>) {
    let limits = &shared.config.limits;
    let Welcome { granted, keep_alive_s, client_id, .. } = welcome;
    let asked_s = connect.properties.session_expiry_s;
    let connack = ConnAck {
        session_present: granted.present,
        session_expiry_s: (granted.expiry_s != asked_s).then_some(granted.expiry_s),
        assigned_client_id: connect.client_id.is_empty().then_some(client_id),
        receive_maximum: limits.receive_maximum,
        topic_alias_maximum: limits.topic_alias_maximum,
        packet_bytes_max: limits.packet_bytes_max,
        keep_alive_s: (*keep_alive_s != connect.keep_alive_s).then_some(*keep_alive_s),
    };
    write_connack(out, connect.version, Ok(&connack));
}
