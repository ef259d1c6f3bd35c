//! A real Mosquitto on a port of its own.

use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

/// How long it may take until it takes connections.
const START_TIMEOUT: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(20);

/// A running broker; killed when dropped.
#[derive(Debug)]
pub struct Mosquitto {
    child: Child,
    /// Where it listens.
    pub address: SocketAddr,
    _dir: TempDir,
}

impl Mosquitto {
    /// Starts one on loopback, whoever may connect.
    pub fn start() -> Self {
        let dir = TempDir::new().expect("there is room for a directory");
        let free = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
        let address = free.local_addr().expect("it is bound");
        drop(free);
        let config = dir.path().join("mosquitto.conf");
        let text = format!(
            "listener {} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\nset_tcp_nodelay true\n",
            address.port()
        );
        fs::write(&config, text).expect("there is room");
        let child = Command::new("mosquitto")
            .arg("-c")
            .arg(&config)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("mosquitto is installed: ./test installs it");
        let mut broker = Self { child, address, _dir: dir };
        broker.wait();
        broker
    }

    /// Its URL.
    pub fn url(&self) -> String {
        format!("mqtt://{}", self.address)
    }

    fn wait(&mut self) {
        let mut waited = Duration::ZERO;
        while TcpStream::connect(self.address).is_err() {
            let ended = self.child.try_wait().expect("it can be asked");
            assert!(ended.is_none() && waited < START_TIMEOUT, "mosquitto does not listen: {ended:?}");
            std::thread::sleep(POLL);
            waited += POLL;
        }
    }
}

impl Drop for Mosquitto {
    fn drop(&mut self) {
        if self.child.kill().is_ok() {
            self.child.wait().ok();
        }
    }
}
