//! A server that acknowledges each message at once: the same codec and the same runtime as the endpoint, no journal, no
//! judge. What the endpoint costs beyond it is the price of its promises.

use anyhow::{Context as _, anyhow};
use citywarden_ingest::codec::{
    Awaiting, ConnAck, Decoded, Delivery, Packet, decode, write_connack, write_pingresp, write_puback,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// Read at once; holds a whole window of the load.
const READ_BYTES: usize = 64 << 10;
const PACKET_BYTES_MAX: usize = 32 << 10;
const RECEIVE_MAXIMUM: u16 = 1_000;

/// Says where it listens, on standard error, and serves until it is killed.
pub(crate) fn run() -> anyhow::Result<()> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        announce(&listener)?;
        loop {
            let (stream, _) = listener.accept().await?;
            tokio::spawn(serve(stream));
        }
    })
}

fn announce(listener: &TcpListener) -> std::io::Result<()> {
    use std::io::Write as _;
    writeln!(std::io::stderr(), "listening on {}", listener.local_addr()?)
}

async fn serve(mut stream: TcpStream) -> anyhow::Result<()> {
    stream.set_nodelay(true)?;
    let mut awaiting = Awaiting::Connect;
    let (mut bytes, mut filled) = (vec![0; READ_BYTES], 0);
    let mut out = Vec::new();
    loop {
        let room = bytes.get_mut(filled..).unwrap_or_default();
        match stream.read(room).await? {
            0 => return Ok(()),
            count => filled += count,
        }
        let done = answer(&mut awaiting, bytes.get(..filled).unwrap_or_default(), &mut out)?;
        bytes.copy_within(done..filled, 0);
        filled -= done;
        stream.write_all(&out).await?;
        out.clear();
    }
}

/// Answers every whole packet; the bytes they took.
fn answer(awaiting: &mut Awaiting, bytes: &[u8], out: &mut Vec<u8>) -> anyhow::Result<usize> {
    let mut done = 0;
    loop {
        let rest = bytes.get(done..).unwrap_or_default();
        let Decoded::Complete(packet, length) = decode(*awaiting, rest, PACKET_BYTES_MAX)? else {
            return Ok(done);
        };
        done += length;
        match packet {
            Packet::Connect(connect) => {
                write_connack(out, connect.version, Ok(&welcome()));
                *awaiting = Awaiting::Packets(connect.version);
            }
            Packet::Publish(publish) => match publish.delivery {
                Delivery::AtLeastOnce(packet_id) => write_puback(out, packet_id),
                Delivery::AtMostOnce => {}
                Delivery::ExactlyOnce(_) => return Err(anyhow!("QoS 2, which the load does not send")),
            },
            Packet::PingReq => write_pingresp(out),
            Packet::Disconnect(_) => return Ok(done),
            Packet::Subscribe(_) | Packet::Unsubscribe(_) | Packet::Auth(_) => {
                return Err(anyhow!("a packet that the load does not send")).context("at once");
            }
        }
    }
}

fn welcome() -> ConnAck<'static> {
    ConnAck {
        session_present: false,
        session_expiry_s: None,
        assigned_client_id: None,
        receive_maximum: RECEIVE_MAXIMUM,
        topic_alias_maximum: 0,
        packet_bytes_max: u32::try_from(PACKET_BYTES_MAX).unwrap_or(u32::MAX),
        keep_alive_s: None,
    }
}
