//! The least of an MQTT 3.1.1 server: takes publishes over loopback, acknowledges at once, and can misbehave.

#![allow(dead_code, reason = "each test file uses a part of it")]

use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// How the server behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    /// Acknowledges everything.
    Well,
    /// Closes each connection at its n-th message, without acknowledging it.
    ClosesAt(usize),
    /// Acknowledges packet ids that nobody sent.
    AcknowledgesOthers,
    /// Refuses each CONNECT.
    Refuses,
}

/// What arrived: client, topic, payload.
pub(crate) type Publish = (String, String, Vec<u8>);

/// Everything that arrived, in order.
pub(crate) type Arrived = Arc<Mutex<Vec<Publish>>>;

/// Starts a server on a free port; it ends with the runtime.
pub(crate) async fn start(manner: Manner) -> (String, Arrived) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
    let address = listener.local_addr().expect("it is bound").to_string();
    let arrived = Arrived::default();
    let kept = Arc::clone(&arrived);
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            tokio::spawn(serve(socket, manner, Arc::clone(&kept)));
        }
    });
    (address, arrived)
}

pub(crate) fn taken(arrived: &Arrived) -> Vec<Publish> {
    arrived.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

fn keep(arrived: &Arrived, publish: Publish) {
    arrived.lock().unwrap_or_else(PoisonError::into_inner).push(publish);
}

async fn serve(mut socket: TcpStream, manner: Manner, arrived: Arrived) -> std::io::Result<()> {
    let mut client = String::new();
    let mut publishes = 0;
    loop {
        let (kind, body) = packet(&mut socket).await?;
        match kind >> 4 {
            1 => {
                client = text(&body, 10).0;
                let answer = if manner == Manner::Refuses { 5 } else { 0 };
                socket.write_all(&[0x20, 2, 0, answer]).await?;
            }
            3 => {
                publishes += 1;
                if manner == Manner::ClosesAt(publishes) {
                    return Ok(());
                }
                let (topic, after) = text(&body, 0);
                let (id, payload) = body.split_at(after).1.split_at(2);
                let id = [id.first().copied().unwrap_or(0), id.get(1).copied().unwrap_or(0)];
                keep(&arrived, (client.clone(), topic, payload.to_vec()));
                let high = if manner == Manner::AcknowledgesOthers { 0xFF } else { id[0] };
                socket.write_all(&[0x40, 2, high, id[1]]).await?;
            }
            12 => socket.write_all(&[0xD0, 0]).await?,
            _ => return Ok(()),
        }
    }
}

async fn packet(socket: &mut TcpStream) -> std::io::Result<(u8, Vec<u8>)> {
    let kind = socket.read_u8().await?;
    let (mut len, mut shift) = (0, 0);
    loop {
        let byte = socket.read_u8().await?;
        len |= usize::from(byte & 0x7F) << shift;
        shift += 7;
        if byte & 0x80 == 0 {
            break;
        }
    }
    let mut body = vec![0; len];
    socket.read_exact(&mut body).await?;
    Ok((kind, body))
}

/// The text at a place of a packet, and the place after it.
fn text(body: &[u8], at: usize) -> (String, usize) {
    let (len, rest) = body.split_at(at).1.split_at(2);
    let len =
        usize::from(len.first().copied().unwrap_or(0)) << 8 | usize::from(len.get(1).copied().unwrap_or(0));
    (String::from_utf8_lossy(rest.split_at(len).0).into_owned(), at + 2 + len)
}
