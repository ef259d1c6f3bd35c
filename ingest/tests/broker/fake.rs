//! A broker made by hand: it says what the test wants said.

use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use crate::support::{Device, PATIENCE, packet};

pub(crate) struct FakeBroker {
    listener: TcpListener,
}

/// The broker's side of a connection, and the CONNECT that came by it.
pub(crate) struct Peer {
    pub(crate) wire: Device<TcpStream>,
    pub(crate) connect: Vec<u8>,
    level: u8,
}

/// A message to send.
pub(crate) const TOPIC: &str = "citywarden/330624/dust-01/json";

impl FakeBroker {
    pub(crate) async fn bind() -> Self {
        Self { listener: TcpListener::bind("127.0.0.1:0").await.unwrap() }
    }
    pub(crate) fn port(&self) -> u16 {
        self.listener.local_addr().unwrap().port()
    }
    /// The next client, with its CONNECT.
    pub(crate) async fn accept(&self) -> Peer {
        let (stream, _) = timeout(PATIENCE, self.listener.accept()).await.expect("it connects").unwrap();
        let mut wire = Device::new(stream);
        let connect = wire.packet().await.expect("a CONNECT");
        assert_eq!(connect[0], 0x10, "{connect:02x?}");
        let level = *connect.iter().skip_while(|byte| **byte != b'M').nth(4).unwrap();
        Peer { wire, connect, level }
    }
    /// The next client, greeted, its subscription granted where it asks for one.
    pub(crate) async fn greet(&self, session_present: bool) -> Peer {
        let mut peer = self.accept().await;
        peer.greet(session_present).await;
        if !session_present {
            peer.grant(1).await;
        }
        peer
    }
}

impl Peer {
    pub(crate) fn level(&self) -> u8 {
        self.level
    }
    pub(crate) async fn greet(&mut self, session_present: bool) {
        let mut body = vec![u8::from(session_present), 0];
        body.extend((self.level == 5).then_some(0));
        self.wire.send(&packet(0x20, &body)).await;
    }
    /// Refuses with this code, in the form of this level, and closes.
    pub(crate) async fn refuse(mut self, level: u8, code: u8) {
        let mut body = vec![0, code];
        body.extend((level == 5).then_some(0));
        self.wire.send(&packet(0x20, &body)).await;
        self.wire.end().await;
    }
    /// Takes a SUBSCRIBE and answers it; gives its filters, each with its options.
    pub(crate) async fn grant(&mut self, code: u8) -> Vec<(String, u8)> {
        let subscribe = self.wire.packet().await.expect("a SUBSCRIBE");
        assert_eq!(subscribe[0], 0x82, "{subscribe:02x?}");
        let mut rest = &subscribe[2..];
        let id = [rest[0], rest[1]];
        rest = &rest[2 + usize::from(self.level == 5)..];
        let mut filters = Vec::new();
        while !rest.is_empty() {
            let length = usize::from(rest[0]) * 256 + usize::from(rest[1]);
            let filter = String::from_utf8(rest[2..2 + length].to_vec()).unwrap();
            filters.push((filter, rest[2 + length]));
            rest = &rest[3 + length..];
        }
        let mut body = id.to_vec();
        body.extend((self.level == 5).then_some(0));
        body.extend(filters.iter().map(|_| code));
        self.wire.send(&packet(0x90, &body)).await;
        filters
    }
    /// A PUBLISH with `QoS` 1; `flags` are DUP (8) and RETAIN (1).
    pub(crate) fn message(&self, id: u16, flags: u8, payload: &[u8]) -> Vec<u8> {
        let mut message = crate::support::publish(self.level, TOPIC, Some(id), payload);
        message[0] |= flags;
        message
    }
    pub(crate) async fn publish(&mut self, id: u16, payload: &str) {
        let message = self.message(id, 0, payload.as_bytes());
        self.wire.send(&message).await;
    }
    /// The packet ids of the next PUBACKs; pings are answered on the way.
    pub(crate) async fn acknowledged(&mut self, count: usize) -> Vec<u16> {
        let mut ids = Vec::new();
        while ids.len() < count {
            let packet = self.wire.packet().await.expect("a PUBACK");
            if packet[0] == 0xc0 {
                self.wire.send(&[0xd0, 0]).await;
                continue;
            }
            assert_eq!(packet[0], 0x40, "{packet:02x?} instead of a PUBACK");
            ids.push(u16::from_be_bytes([packet[2], packet[3]]));
        }
        ids
    }
    /// The properties of the CONNECT, by identifier: those with numbers.
    pub(crate) fn property(&self, identifier: u8, bytes: usize) -> Option<u32> {
        let start = self.connect.iter().position(|byte| *byte == b'M').unwrap() + 8;
        let length = usize::from(self.connect[start]);
        let mut rest = &self.connect[start + 1..start + 1 + length];
        while let Some((found, value)) = rest.split_first() {
            let width = match found {
                0x11 | 0x27 => 4,
                0x21 | 0x22 => 2,
                other => panic!("a property {other:02x} that nobody expected"),
            };
            if *found == identifier {
                assert_eq!(width, bytes);
                return Some(value[..width].iter().fold(0, |sum, byte| sum << 8 | u32::from(*byte)));
            }
            rest = &value[width..];
        }
        None
    }
    /// The flags of the CONNECT.
    pub(crate) fn flags(&self) -> u8 {
        *self.connect.iter().skip_while(|byte| **byte != b'M').nth(5).unwrap()
    }
    pub(crate) fn says(&self, text: &str) -> bool {
        self.connect.windows(text.len()).any(|part| part == text.as_bytes())
    }
}
