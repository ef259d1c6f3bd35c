//! MQTT packets by hand, so that a test can send what no client would, and resend as a device does.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long the other side may take to answer.
pub const ANSWER_TIMEOUT: Duration = Duration::from_secs(20);

/// The protocol level of a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// 3.1.1
    V311,
    /// 5
    V5,
}

/// A packet as it came: its first byte and what follows the length.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packet {
    /// Type and flags.
    pub first: u8,
    /// Everything after the length.
    pub body: Vec<u8>,
}

/// CONNACK.
pub const CONNACK: u8 = 0x20;
/// PUBACK.
pub const PUBACK: u8 = 0x40;
/// SUBACK.
pub const SUBACK: u8 = 0x90;
/// PINGRESP.
pub const PINGRESP: u8 = 0xd0;
/// DISCONNECT, which a server sends in version 5 only.
pub const DISCONNECT: u8 = 0xe0;

/// What the other side did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It sent a packet.
    Packet(Packet),
    /// It closed the connection.
    Closed,
}

/// A connection on which packets are written and read by hand.
#[derive(Debug)]
pub struct Wire {
    stream: TcpStream,
    level: Level,
}

impl Wire {
    /// Opens a connection and sends nothing.
    pub async fn open(at: SocketAddr, level: Level) -> io::Result<Self> {
        let stream = TcpStream::connect(at).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, level })
    }

    /// Opens a connection and a session; the other side has to accept it.
    pub async fn connect(at: SocketAddr, level: Level, client_id: &str) -> io::Result<Self> {
        let mut wire = Self::open(at, level).await?;
        wire.send(&connect(level, client_id, None)).await?;
        match wire.answer().await? {
            Answer::Packet(packet) if packet.first == CONNACK && packet.body.get(1) == Some(&0) => Ok(wire),
            refused @ (Answer::Packet(_) | Answer::Closed) => {
                Err(io::Error::other(format!("CONNECT of {client_id} was answered by {refused:?}")))
            }
        }
    }

    /// Sends bytes as they are.
    pub async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).await
    }

    /// Publishes with QoS 1.
    pub async fn publish(&mut self, topic: &str, id: u16, payload: &[u8]) -> io::Result<()> {
        let packet = publish(self.level, topic, Quality::AtLeastOnce { id, again: false }, payload);
        self.send(&packet).await
    }

    /// The next packet, or that the connection was closed.
    pub async fn answer(&mut self) -> io::Result<Answer> {
        let answered = timeout(ANSWER_TIMEOUT, self.read()).await;
        answered.unwrap_or_else(|_| Err(io::Error::other(format!("no answer within {ANSWER_TIMEOUT:?}"))))
    }

    async fn read(&mut self) -> io::Result<Answer> {
        let first = match self.stream.read_u8().await {
            Ok(first) => first,
            Err(error) if is_closed(&error) => return Ok(Answer::Closed),
            Err(error) => return Err(error),
        };
        let mut length = 0;
        for shift in [0, 7, 14, 21] {
            let byte = self.stream.read_u8().await?;
            length |= usize::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                break;
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).await?;
        Ok(Answer::Packet(Packet { first, body }))
    }

    /// Both halves, for a device that reads while it writes.
    pub(crate) fn into_stream(self) -> TcpStream {
        self.stream
    }
}

fn is_closed(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    matches!(error.kind(), UnexpectedEof | ConnectionReset | ConnectionAborted | BrokenPipe)
}

/// How a message is published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quality {
    /// QoS 0.
    AtMostOnce,
    /// QoS 1, perhaps sent before.
    AtLeastOnce {
        /// The packet's id.
        id: u16,
        /// DUP.
        again: bool,
    },
    /// QoS 2.
    ExactlyOnce {
        /// The packet's id.
        id: u16,
    },
}

/// A CONNECT that keeps its session, with a name and password perhaps.
pub fn connect(level: Level, client_id: &str, login: Option<(&str, &str)>) -> Vec<u8> {
    const NAME_AND_PASSWORD: u8 = 0b1100_0000;
    let mut body = text("MQTT");
    let flags = if login.is_some() { NAME_AND_PASSWORD } else { 0 };
    body.extend([if level == Level::V5 { 5 } else { 4 }, flags, 0, 60]);
    properties(level, &mut body);
    body.extend(text(client_id));
    if let Some((name, password)) = login {
        body.extend(text(name));
        body.extend(text(password));
    }
    packet(0x10, &body)
}

/// A PUBLISH.
pub fn publish(level: Level, topic: &str, quality: Quality, payload: &[u8]) -> Vec<u8> {
    let mut body = text(topic);
    let flags = match quality {
        Quality::AtMostOnce => 0,
        Quality::AtLeastOnce { id, again } => {
            body.extend(id.to_be_bytes());
            if again { 0b1010 } else { 0b0010 }
        }
        Quality::ExactlyOnce { id } => {
            body.extend(id.to_be_bytes());
            0b0100
        }
    };
    properties(level, &mut body);
    body.extend(payload);
    packet(0x30 | flags, &body)
}

/// A SUBSCRIBE with one filter.
pub fn subscribe(level: Level, id: u16, filter: &str) -> Vec<u8> {
    let mut body = id.to_be_bytes().to_vec();
    properties(level, &mut body);
    body.extend(text(filter));
    body.push(1);
    packet(0x82, &body)
}

/// A PINGREQ.
pub const PINGREQ: [u8; 2] = [0xc0, 0];

/// A packet of this first byte.
pub fn packet(first: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![first];
    let mut rest = body.len();
    loop {
        let digit = u8::try_from(rest % 128).expect("below 128");
        rest /= 128;
        bytes.push(if rest > 0 { digit | 0x80 } else { digit });
        if rest == 0 {
            break;
        }
    }
    bytes.extend(body);
    bytes
}

/// No properties, where the version has them.
fn properties(level: Level, body: &mut Vec<u8>) {
    if level == Level::V5 {
        body.push(0);
    }
}

fn text(text: &str) -> Vec<u8> {
    let length = u16::try_from(text.len()).expect("a short text");
    [&length.to_be_bytes(), text.as_bytes()].concat()
}
