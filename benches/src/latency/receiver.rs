//! A webhook receiver that notes when which alert arrived.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use anyhow::Context as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::clock::instant;

const READ_BYTES: usize = 64 << 10;
const TAKEN: &[u8] = b"HTTP/1.1 204 No Content\r\n\r\n";

/// When the first notification of each asset arrived whole.
pub(super) type Arrivals = Arc<Mutex<HashMap<String, Instant>>>;

/// Listens on a thread of its own, for as long as the process runs.
pub(super) fn start() -> anyhow::Result<(SocketAddr, Arrivals)> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let arrivals = Arrivals::default();
    let noted = Arc::clone(&arrivals);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    std::thread::Builder::new().name("receiver".to_owned()).spawn(move || {
        runtime.block_on(async {
            let listener = TcpListener::from_std(listener)?;
            loop {
                let (stream, _) = listener.accept().await?;
                tokio::spawn(serve(stream, Arc::clone(&noted)));
            }
            #[expect(unreachable_code, reason = "says which errors end it")]
            anyhow::Ok(())
        })
    })?;
    Ok((address, arrivals))
}

/// One connection, request after request.
async fn serve(mut stream: TcpStream, arrivals: Arrivals) -> anyhow::Result<()> {
    stream.set_nodelay(true)?;
    let (mut bytes, mut buffer) = (Vec::new(), vec![0; READ_BYTES]);
    loop {
        let count = stream.read(&mut buffer).await?;
        if count == 0 {
            return Ok(());
        }
        bytes.extend_from_slice(buffer.get(..count).unwrap_or_default());
        while let Some(length) = request_length(&bytes)? {
            let at = instant();
            let request: Vec<u8> = bytes.drain(..length).collect();
            if let Some(asset) = asset_of(&String::from_utf8_lossy(&request)) {
                arrivals.lock().unwrap_or_else(PoisonError::into_inner).entry(asset).or_insert(at);
            }
            stream.write_all(TAKEN).await?;
        }
    }
}

/// The length of the request at the front; `None` where it is not there in whole.
fn request_length(bytes: &[u8]) -> anyhow::Result<Option<usize>> {
    let text = String::from_utf8_lossy(bytes);
    let Some((head, _)) = text.split_once("\r\n\r\n") else { return Ok(None) };
    let lines = head.lines().filter_map(|line| line.split_once(':'));
    let mut lengths = lines.filter(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    let length: usize = lengths.next().context("a request says how long it is")?.1.trim().parse()?;
    let whole = head.len() + "\r\n\r\n".len() + length;
    Ok((bytes.len() >= whole).then_some(whole))
}

/// The asset of the alert in a notification.
fn asset_of(request: &str) -> Option<String> {
    let (_, rest) = request.split_once("\"asset\":{\"id\":\"")?;
    Some(rest.split_once('"')?.0.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_whole_when_its_body_is() {
        let request = b"POST /alerts HTTP/1.1\r\nContent-Length: 4\r\n\r\nbody";
        assert_eq!(request_length(request).unwrap(), Some(request.len()));
        for cut in 0..request.len() {
            assert_eq!(request_length(request.get(..cut).unwrap()).unwrap(), None, "{cut}");
        }
        let body = "{\"data\":{\"asset\":{\"id\":\"site-1\",\"kind\":\"x\"}}}";
        assert_eq!(asset_of(body), Some("site-1".to_owned()));
    }
}
