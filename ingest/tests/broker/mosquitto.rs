//! Against mosquitto itself, as shipped in `deploy/mosquitto.conf`: restarts, TLS, certificates, passwords.

use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use citywarden_ingest::broker::{BrokerConfig, Login};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto::ring};

use crate::fake::TOPIC;
use crate::rig::{Kept, Rig, config};
use crate::support::Committing;

/// A running mosquitto; killed when dropped.
struct Mosquitto {
    child: Child,
    port: u16,
    dir: tempfile::TempDir,
}

impl Mosquitto {
    /// The shipped configuration, but on a free loopback port and in a directory of its own; `more` is added.
    fn start(more: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let shipped = include_str!("../../../deploy/mosquitto.conf");
        let here = format!("persistence_location {}/", dir.path().display());
        let conf = shipped
            .replace("listener 1883 127.0.0.1", &format!("listener {port} 127.0.0.1"))
            .replace("persistence_location /var/lib/mosquitto/", &here);
        assert!(
            conf.contains(&here) && conf.contains(&port.to_string()),
            "the shipped configuration has changed"
        );
        // as root it would become somebody who cannot write into the directory
        let conf = format!("{conf}\nuser root\n{}\n", more.replace("DIR", &dir.path().display().to_string()));
        std::fs::write(dir.path().join("mosquitto.conf"), conf).unwrap();
        Self { child: spawn(dir.path(), port), port, dir }
    }
    /// Ends it in good order: what it holds is on its disk.
    fn stop(&mut self) {
        if self.child.try_wait().unwrap().is_none() {
            assert!(Command::new("kill").arg(self.child.id().to_string()).status().unwrap().success());
            self.child.wait().unwrap();
        }
    }
    fn start_again(&mut self) {
        self.child = spawn(self.dir.path(), self.port);
    }
    /// Publishes with `mosquitto_pub`; returns once the broker has it.
    fn publish(&self, more: &[&str], payload: &str) {
        let sent = Command::new("mosquitto_pub")
            .args(["-h", "127.0.0.1", "-p", &self.port.to_string(), "-q", "1", "-t", TOPIC, "-m", payload])
            .args(more)
            .output()
            .expect("mosquitto-clients is installed");
        assert!(sent.status.success(), "{}", String::from_utf8_lossy(&sent.stderr));
    }
}

/// Returns once it listens, or has ended.
fn spawn(dir: &Path, port: u16) -> Child {
    let mosquitto =
        if Path::new("/usr/sbin/mosquitto").exists() { "/usr/sbin/mosquitto" } else { "mosquitto" };
    let mut child = Command::new(mosquitto)
        .args(["-c", "mosquitto.conf"])
        .current_dir(dir)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("mosquitto is installed: ./test installs it");
    while TcpStream::connect(("127.0.0.1", port)).is_err() && child.try_wait().unwrap().is_none() {
        std::thread::sleep(Duration::from_millis(5));
    }
    child
}

impl Drop for Mosquitto {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

async fn up(config: BrokerConfig) -> Rig {
    let rig = Rig::start(config, &Committing::Always);
    rig.until("it is up", |rig| rig.counters.is_up()).await;
    rig
}

async fn has(rig: &Rig, payloads: &[&str]) {
    rig.until("all of them are journalled and acknowledged", |rig| {
        rig.payloads() == payloads && rig.counters.acknowledged.get() >= payloads.len() as u64
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_published_while_we_are_away_is_delivered_when_we_are_back() {
    let broker = Mosquitto::start("");
    let mut rig = up(config(broker.port)).await;
    broker.publish(&[], "1");
    has(&rig, &["1"]).await;
    rig.stop().await.unwrap();
    broker.publish(&[], "2");
    broker.publish(&["-V", "mqttv5"], "3");
    rig.start_again();
    has(&rig, &["1", "2", "3"]).await;
    assert_eq!(rig.counters.sessions_lost.get(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_of_the_broker_loses_neither_the_session_nor_a_message() {
    let mut broker = Mosquitto::start("");
    let mut rig = up(config(broker.port)).await;
    rig.stop().await.unwrap();
    broker.publish(&[], "1");
    broker.stop();
    rig.start_again();
    rig.until("nobody is there", |rig| rig.counters.disconnected.get() > 0).await;
    broker.start_again();
    has(&rig, &["1"]).await;
    broker.stop();
    rig.until("it is down", |rig| !rig.counters.is_up()).await;
    broker.start_again();
    rig.until("it is up again", |rig| rig.counters.is_up()).await;
    broker.publish(&[], "2");
    has(&rig, &["1", "2"]).await;
    assert_eq!(rig.counters.sessions_lost.get(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_forgets_is_found_out() {
    let mut broker = Mosquitto::start("");
    let rig = up(config(broker.port)).await;
    broker.stop();
    std::fs::remove_file(broker.dir.path().join("mosquitto.db")).unwrap();
    broker.start_again();
    rig.until("it is known", |rig| rig.counters.sessions_lost.get() == 1 && rig.counters.is_up()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_retained_comes_once_and_is_marked() {
    let broker = Mosquitto::start("");
    broker.publish(&["-r"], "old");
    let mut rig = up(config(broker.port)).await;
    has(&rig, &["old"]).await;
    rig.stop().await.unwrap();
    rig.start_again();
    rig.until("it is up again", |rig| rig.counters.is_up()).await;
    broker.publish(&[], "new");
    has(&rig, &["old", "new"]).await;
    let retained: Vec<bool> = rig
        .kept()
        .iter()
        .filter_map(|kept| if let Kept::Message { retained, .. } = kept { Some(*retained) } else { None })
        .collect();
    assert_eq!(retained, [true, false]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_mosquitto_says_it_has_dropped_is_shown() {
    let broker = Mosquitto::start("sys_interval 1");
    let mut asks = config(broker.port);
    asks.dropped_topic = Some("$SYS/broker/publish/messages/dropped".to_owned());
    let rig = up(asks).await;
    rig.until("it says so", |rig| rig.counters.dropped_by_broker() == Some(0)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn passwords_are_asked_for() {
    let mut broker = Mosquitto::start("password_file DIR/passwords\nallow_anonymous false");
    broker.stop();
    let passwords = broker.dir.path().join("passwords");
    let made = Command::new("mosquitto_passwd")
        .args(["-b", "-c"])
        .arg(&passwords)
        .args(["warden", "s3cret"])
        .status();
    assert!(made.unwrap().success());
    broker.start_again();
    let login = |password: &str| {
        let login = Login { username: "warden".to_owned(), password: password.to_owned() };
        BrokerConfig { login: Some(login), ..config(broker.port) }
    };
    let wrong = Rig::start(login("wrong"), &Committing::Always);
    wrong.until("it is refused", |rig| rig.counters.disconnected.get() > 1).await;
    assert_eq!(wrong.counters.connected.get(), 0);
    let rig = up(login("s3cret")).await;
    broker.publish(&["-u", "warden", "-P", "s3cret"], "1");
    has(&rig, &["1"]).await;
}

/// An authority, and what it has signed: the broker's certificate and a client's.
struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self { issuer: CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap() }
    }
    /// Certificate and key of somebody with this name.
    fn sign(&self, name: &str) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        (params.signed_by(&key, &self.issuer).unwrap().pem(), key.serialize_pem())
    }
    fn client(&self, identity: Option<(String, String)>) -> Arc<ClientConfig> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(self.issuer.pem().as_bytes()).unwrap()).unwrap();
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots);
        Arc::new(match identity {
            None => builder.with_no_client_auth(),
            Some((certificate, key)) => builder
                .with_client_auth_cert(
                    vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()],
                    PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap(),
                )
                .unwrap(),
        })
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_broker_proves_itself_and_so_do_we() {
    let authority = Authority::new();
    let mut broker = Mosquitto::start(
        "cafile DIR/ca.pem\ncertfile DIR/server.pem\nkeyfile DIR/server.key\nrequire_certificate true",
    );
    broker.stop(); // without its files it has not even started
    let (certificate, key) = authority.sign("broker");
    for (name, text) in [("ca.pem", authority.issuer.pem()), ("server.pem", certificate), ("server.key", key)]
    {
        std::fs::write(broker.dir.path().join(name), text).unwrap();
    }
    broker.start_again();
    let with = |tls| BrokerConfig { tls: Some(tls), ..config(broker.port) };
    let stranger = Authority::new();
    for refused in
        [stranger.client(None), authority.client(None), authority.client(Some(stranger.sign("warden")))]
    {
        let rig = Rig::start(with(refused), &Committing::Always);
        rig.until("it is refused", |rig| rig.counters.disconnected.get() > 1).await;
        assert_eq!(rig.counters.connected.get(), 0);
    }
    let rig = up(with(authority.client(Some(authority.sign("warden"))))).await;
    let (certificate, key) = authority.sign("device");
    std::fs::write(broker.dir.path().join("device.pem"), certificate).unwrap();
    std::fs::write(broker.dir.path().join("device.key"), key).unwrap();
    let path = |name: &str| broker.dir.path().join(name).display().to_string();
    let (ca, cert, key) = (path("ca.pem"), path("device.pem"), path("device.key"));
    broker.publish(&["--cafile", &ca, "--cert", &cert, "--key", &key], "1");
    has(&rig, &["1"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_is_journalled_to_the_last_message_in_order() {
    const COUNT: usize = 5000;
    let broker = Mosquitto::start("");
    let rig = up(config(broker.port)).await;
    let wanted: Vec<String> = (0..COUNT).map(|at| at.to_string()).collect();
    let mut child = Command::new("mosquitto_pub")
        .args(["-h", "127.0.0.1", "-p", &broker.port.to_string(), "-q", "1", "-t", TOPIC, "-l"])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), (wanted.join("\n") + "\n").as_bytes())
        .unwrap();
    assert!(tokio::task::spawn_blocking(move || child.wait().unwrap()).await.unwrap().success());
    rig.until("all are there", |rig| rig.counters.acknowledged.get() == COUNT as u64).await;
    assert_eq!(rig.payloads(), wanted);
}
