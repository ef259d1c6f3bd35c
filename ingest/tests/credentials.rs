//! Who is let in, and for which devices each may publish: passwords, TLS, client certificates.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test"
)]

mod support;

use std::sync::Arc;

use citywarden_ingest::endpoint::{EndpointConfig, Tls, Users};
use citywarden_model::DeadLetterReason;
use citywarden_problems::{Problems, Source};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use support::{Committing, Device, Kept, Rig, TOPIC, config, connect, puback, publish};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto::ring};

/// `argon2id` of "secret", as cheap as it gets.
fn hash() -> String {
    use argon2::password_hash::{PasswordHasher, phc::PasswordHash};
    let params = argon2::Params::new(argon2::Params::MIN_M_COST, 1, 1, None).unwrap();
    let argon2 = argon2::Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, params);
    let hash: PasswordHash = argon2.hash_password_with_salt(b"secret", b"saltsaltsalt").unwrap();
    hash.to_string()
}

fn users(text: &str) -> Users {
    let problems = Problems::new();
    let users = Users::parse(&Source::new("devices", text), &problems);
    assert!(!problems.has_errors(), "{:?}", problems.into_sorted());
    users
}

fn guarded() -> EndpointConfig {
    let users = users(&format!("site:{}:dust-*\nother:{}:noise-*\ncertified:-:*\n", hash(), hash()));
    EndpointConfig { users: Some(users), ..config() }
}

#[tokio::test]
async fn only_who_knows_the_password_is_let_in() {
    let rig = Rig::start(guarded(), Committing::Always).await;
    let table = [
        (Some(("site", "secret")), 0, 0),
        (Some(("site", "secret")), 0, 0), // remembered
        (Some(("site", "wrong")), 4, 0x86),
        (Some(("nobody", "secret")), 4, 0x86),
        (Some(("certified", "secret")), 4, 0x86), // has no password, so none will do
        (Some(("certified", "")), 4, 0x86),
        (None, 5, 0x87),
    ];
    for (number, (login, return_code, reason)) in table.into_iter().enumerate() {
        let id = format!("d{number}");
        let mut device = rig.device().await;
        device.send(&connect(4, &id, 60, login)).await;
        device.expect(&[0x20, 2, 0, return_code]).await;
        let mut device = rig.device().await;
        device.send(&connect(5, &id, 60, login)).await;
        let connack = device.packet().await.unwrap();
        assert_eq!((connack[0], connack[3]), (0x20, reason), "{login:?} {connack:02x?}");
        if reason != 0 {
            device.expect_closed().await;
        }
    }
    assert_eq!(rig.counters.logins_refused.get(), 10);
}

#[tokio::test]
async fn a_device_speaks_only_for_itself() {
    let rig = Rig::start(guarded(), Committing::Always).await;
    let mut device = rig.device().await;
    device.send(&connect(4, "d", 60, Some(("site", "secret")))).await;
    device.expect(&[0x20, 2, 0, 0]).await;
    let topics = [TOPIC, "citywarden/330624/noise-01/json", "somewhere/else", TOPIC];
    for (id, topic) in (1..).zip(topics) {
        device.send(&publish(4, topic, Some(id), b"{}")).await;
        device.expect(&puback(id)).await; // kept and acknowledged, whatever becomes of it
    }
    device.expect_alive().await;
    let kept: Vec<_> =
        rig.kept().into_iter().map(|Kept { identity, refused, .. }| (identity, refused)).collect();
    let refused = Some(DeadLetterReason::NotPermitted);
    let site = || "site".to_owned();
    assert_eq!(kept, [(site(), None), (site(), refused), (site(), refused), (site(), None)]);
    assert_eq!(rig.counters.not_permitted.get(), 2);
}

#[tokio::test]
async fn a_client_id_cannot_be_stolen_by_another_user() {
    let rig = Rig::start(guarded(), Committing::Always).await;
    let mut first = rig.device().await;
    first.send(&connect(4, "same", 60, Some(("site", "secret")))).await;
    first.expect(&[0x20, 2, 0, 0]).await;
    let mut second = rig.device().await;
    second.send(&connect(4, "same", 60, Some(("other", "secret")))).await;
    second.expect(&[0x20, 2, 0, 0]).await;
    first.expect_alive().await;
    second.expect_alive().await;
    assert_eq!(rig.counters.takeovers.get(), 0);
}

#[tokio::test]
async fn many_devices_of_one_user_reconnect_at_the_cost_of_one_password_check() {
    let rig = Arc::new(Rig::start(guarded(), Committing::Always).await);
    let mut devices = Vec::new();
    for number in 0..200 {
        let mut device = rig.device().await;
        device.send(&connect(4, &format!("d{number}"), 60, Some(("site", "secret")))).await;
        devices.push(device);
    }
    for device in &mut devices {
        device.expect(&[0x20, 2, 0, 0]).await;
    }
    assert_eq!(rig.counters.connected.get(), 200);
}

/// A certificate authority, a server and clients, made for one test.
struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }
    fn pem(&self) -> String {
        self.0.pem()
    }
    fn certificate(&self, common_name: Option<&str>, dns: &str) -> (rcgen::Certificate, KeyPair) {
        let mut params = CertificateParams::new(vec![dns.to_owned()]).unwrap();
        params.distinguished_name = rcgen::DistinguishedName::new();
        if let Some(name) = common_name {
            params.distinguished_name.push(DnType::CommonName, name);
        }
        let key = KeyPair::generate().unwrap();
        (params.signed_by(&key, &self.0).unwrap(), key)
    }
    fn server(&self, client_ca: Option<&Self>) -> Tls {
        let (certificate, key) = self.certificate(None, "localhost");
        let client_ca = client_ca.map(Self::pem);
        Tls::from_pem(
            certificate.pem().as_bytes(),
            key.serialize_pem().as_bytes(),
            client_ca.as_deref().map(str::as_bytes),
        )
        .unwrap()
    }
    async fn device(
        &self,
        rig: &Rig,
        identity: Option<(rcgen::Certificate, KeyPair)>,
    ) -> std::io::Result<Device<TlsStream<TcpStream>>> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from(self.0.der().to_vec())).unwrap();
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots);
        let config = match identity {
            None => builder.with_no_client_auth(),
            Some((certificate, key)) => {
                let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
                builder.with_client_auth_cert(vec![certificate.der().clone()], key).unwrap()
            }
        };
        let stream = TcpStream::connect(rig.address).await?;
        let name = ServerName::try_from("localhost").unwrap();
        TlsConnector::from(Arc::new(config)).connect(name, stream).await.map(Device::new)
    }
}

#[tokio::test]
async fn messages_come_over_tls_as_they_do_without() {
    let authority = Authority::new();
    let config = EndpointConfig { tls: Some(authority.server(None)), ..guarded() };
    let rig = Rig::start(config, Committing::Always).await;
    let mut device = authority.device(&rig, None).await.unwrap();
    device.send(&connect(4, "d", 60, Some(("site", "secret")))).await;
    device.expect(&[0x20, 2, 0, 0]).await;
    device.send(&publish(4, TOPIC, Some(1), &vec![b'x'; 200_000])).await;
    device.expect(&puback(1)).await;
    assert_eq!(rig.kept().len(), 1);
    let mut plain = rig.device().await;
    plain.send(&connect(4, "d", 60, Some(("site", "secret")))).await;
    while plain.packet().await.is_some() {}
    rig.until("the failed handshake is counted", |rig| rig.counters.tls_failed.get() == 1).await;
}

async fn refused_for(rig: &Rig, device: &mut Device<TlsStream<TcpStream>>) -> Vec<Option<DeadLetterReason>> {
    device.send(&connect(4, "anything", 60, None)).await;
    device.expect(&[0x20, 2, 0, 0]).await;
    for (id, topic) in (1..).zip([TOPIC, "citywarden/330624/noise-01/json"]) {
        device.send(&publish(4, topic, Some(id), b"{}")).await;
        device.expect(&puback(id)).await;
    }
    rig.kept().into_iter().rev().take(2).rev().map(|message| message.refused).collect()
}

#[tokio::test]
async fn a_client_certificate_names_the_one_device_it_may_publish_for() {
    let authority = Authority::new();
    let config = EndpointConfig { tls: Some(authority.server(Some(&authority))), ..config() };
    let rig = Rig::start(config, Committing::Always).await;
    let refused = Some(DeadLetterReason::NotPermitted);
    let identities = [(Some("dust-01"), "ignored.example"), (None, "dust-01")];
    for (common_name, dns) in identities {
        let identity = authority.certificate(common_name, dns);
        let mut device = authority.device(&rig, Some(identity)).await.unwrap();
        assert_eq!(refused_for(&rig, &mut device).await, [None, refused], "{common_name:?} {dns}");
    }
    assert!(rig.kept().iter().all(|message| message.identity == "dust-01"));
}

#[tokio::test]
async fn with_a_users_file_a_client_certificate_names_the_user() {
    let authority = Authority::new();
    let users = users("gateway:-:dust-*,noise-*\n");
    let tls = Some(authority.server(Some(&authority)));
    let config = EndpointConfig { tls, users: Some(users), ..config() };
    let rig = Rig::start(config, Committing::Always).await;
    let gateway = authority.certificate(Some("gateway"), "localhost");
    let mut device = authority.device(&rig, Some(gateway)).await.unwrap();
    assert_eq!(refused_for(&rig, &mut device).await, [None, None]);
    let unknown = authority.certificate(Some("unknown"), "localhost");
    let mut device = authority.device(&rig, Some(unknown)).await.unwrap();
    device.send(&connect(4, "d", 60, None)).await;
    device.expect(&[0x20, 2, 0, 5]).await;
    device.expect_closed().await;
}

#[tokio::test]
async fn nobody_comes_in_without_a_certificate_of_the_right_authority() {
    let (authority, foreign) = (Authority::new(), Authority::new());
    let config = EndpointConfig { tls: Some(authority.server(Some(&authority))), ..config() };
    let rig = Rig::start(config, Committing::Always).await;
    for identity in [None, Some(foreign.certificate(Some("dust-01"), "localhost"))] {
        // the client's side of the handshake may be over before the server has seen the certificate
        if let Ok(mut device) = authority.device(&rig, identity).await {
            device.try_send(&connect(4, "d", 60, None)).await;
            device.expect_closed().await;
        }
    }
    rig.until("both are counted", |rig| rig.counters.tls_failed.get() == 2).await;
    assert_eq!(rig.counters.connected.get(), 0);
}

#[test]
fn each_file_of_tls_that_cannot_be_used_is_named() {
    let authority = Authority::new();
    let (certificate, key) = authority.certificate(None, "localhost");
    let (certificate, key) = (certificate.pem(), key.serialize_pem());
    let other_key = KeyPair::generate().unwrap().serialize_pem();
    let table = [
        ("", key.as_str(), None, "cert_file holds no certificate"),
        (certificate.as_str(), "", None, "key_file holds no private key"),
        (certificate.as_str(), key.as_str(), Some("junk"), "client_ca_file holds no certificate"),
        (certificate.as_str(), other_key.as_str(), None, "certificate and key cannot be used"),
    ];
    for (chain, key, client_ca, expected) in table {
        let error =
            Tls::from_pem(chain.as_bytes(), key.as_bytes(), client_ca.map(str::as_bytes)).unwrap_err();
        assert!(error.to_string().starts_with(expected), "{error}");
    }
}
