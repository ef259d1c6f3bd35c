//! A broker as sources and receivers reach it: `url`, `username` and the files beside them.

use std::sync::Arc;

use citywarden_problems::did_you_mean;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore, crypto::ring};
use url::{Host, Url};

use super::fields::{Fields, Text};

/// Where a broker is, and who we are there.
#[derive(Debug, Clone)]
pub(super) struct BrokerAddress {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) tls: Option<Arc<ClientConfig>>,
    /// Name and password.
    pub(super) login: Option<(String, String)>,
}

const PLAIN_PORT: u16 = 1883;
const TLS_PORT: u16 = 8883;

pub(super) fn read(fields: &Fields<'_, '_>) -> Option<BrokerAddress> {
    let url = fields.required("url").and_then(|text| broker_url(fields, &text));
    let login = login(fields);
    let is_plain = url.as_ref().is_some_and(|(url, _)| url.scheme() == "mqtt");
    let tls = if is_plain { refuse_tls(fields) } else { Some(tls(fields)?) };
    let (url, host) = url?;
    let port = url.port().unwrap_or(if is_plain { PLAIN_PORT } else { TLS_PORT });
    Some(BrokerAddress { host, port, tls, login })
}

/// The address, and the host as a connection wants it.
fn broker_url(fields: &Fields<'_, '_>, text: &Text) -> Option<(Url, String)> {
    let refuse = |message: String| {
        fields.error(&text.at, message);
        None
    };
    let not_one = || format!("`{}` is no address of a broker; expected mqtts://host:8883", text.value);
    let Ok(url) = Url::parse(&text.value) else { return refuse(not_one()) };
    if !matches!(url.scheme(), "mqtt" | "mqtts") {
        let near = did_you_mean(url.scheme(), ["mqtt", "mqtts"]);
        return refuse(near.map_or_else(not_one, |near| format!("{}, did you mean `{near}://`", not_one())));
    }
    if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
        return refuse(not_one());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return refuse(
            "a password in an address ends up in logs; write `username` and `password_file`".to_owned(),
        );
    }
    let host = match url.host_str().filter(|host| !host.is_empty()) {
        Some(host) => host.to_owned(),
        None => return refuse(not_one()),
    };
    if url.scheme() == "mqtts" && host.starts_with('[') {
        return refuse("a broker with TLS has a name or an IPv4 address here".to_owned());
    }
    if url.scheme() == "mqtt" && !is_loopback(&host) {
        fields.warning(&text.at, "it is spoken to unencrypted; expected mqtts");
    }
    Some((url, host))
}

fn is_loopback(host: &str) -> bool {
    match Host::parse(host) {
        Ok(Host::Ipv4(ip)) => ip.is_loopback(),
        Ok(Host::Ipv6(ip)) => ip.is_loopback(),
        Ok(Host::Domain(name)) => name == "localhost",
        Err(_) => false,
    }
}

fn login(fields: &Fields<'_, '_>) -> Option<(String, String)> {
    let username = fields.text("username");
    if let (None, Some(at)) = (&username, fields.place("password_file")) {
        fields.error(&at, "`password_file` without `username`");
    }
    let password = fields.secret_file("password_file").map(|file| {
        let text = String::from_utf8_lossy(&file.content);
        text.trim_end_matches(['\r', '\n']).to_owned()
    });
    Some((username?.value, password.unwrap_or_default()))
}

/// Files of TLS beside an address without it are a mistake.
fn refuse_tls(fields: &Fields<'_, '_>) -> Option<Arc<ClientConfig>> {
    for name in ["ca_file", "cert_file", "key_file"] {
        if let Some(at) = fields.place(name) {
            fields.error(&at, format!("`{name}` with an address without TLS; expected mqtts://"));
        }
    }
    None
}

fn tls(fields: &Fields<'_, '_>) -> Option<Arc<ClientConfig>> {
    let roots = roots(fields);
    let identity = identity(fields);
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .ok()?
        .with_root_certificates(roots?);
    let Some((chain, key)) = identity.ok()? else { return Some(Arc::new(builder.with_no_client_auth())) };
    match builder.with_client_auth_cert(chain, key) {
        Ok(config) => Some(Arc::new(config)),
        Err(error) => {
            let at = fields.place("cert_file").unwrap_or_else(|| fields.at());
            fields.error(&at, format!("certificate and key cannot be used: {error}"));
            None
        }
    }
}

/// Whom we believe who the broker is: the authorities of `ca_file`, or else of this machine.
fn roots(fields: &Fields<'_, '_>) -> Option<RootCertStore> {
    let mut roots = RootCertStore::empty();
    if fields.place("ca_file").is_none() {
        roots.add_parsable_certificates(fields.setting.host.authorities());
        return Some(roots);
    }
    let file = fields.file("ca_file")?;
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&file.content).collect();
    let added = read.ok().map(|certificates| roots.add_parsable_certificates(certificates).0);
    if added.unwrap_or(0) == 0 {
        fields.error(&file.at, "ca_file holds no certificate, expected PEM");
        return None;
    }
    Some(roots)
}

type Identity = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

/// What is wrong was reported at its place.
struct Reported;

/// Who we are, where a certificate is configured.
fn identity(fields: &Fields<'_, '_>) -> Result<Option<Identity>, Reported> {
    match (fields.place("cert_file"), fields.place("key_file")) {
        (None, None) => return Ok(None),
        (Some(at), None) => {
            fields.error(&at, "`cert_file` without `key_file`");
            return Err(Reported);
        }
        (None, Some(at)) => {
            fields.error(&at, "`key_file` without `cert_file`");
            return Err(Reported);
        }
        (Some(_), Some(_)) => {}
    }
    let (chain, key) = (fields.file("cert_file"), fields.secret_file("key_file"));
    let (Some(chain), Some(key)) = (chain, key) else { return Err(Reported) };
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&chain.content).collect();
    let certificates = certificates.ok().filter(|certificates| !certificates.is_empty());
    if certificates.is_none() {
        fields.error(&chain.at, "cert_file holds no certificate, expected PEM with our own first");
    }
    let private = PrivateKeyDer::from_pem_slice(&key.content);
    if private.is_err() {
        fields.error(&key.at, "key_file holds no private key, expected PEM in PKCS #8, PKCS #1 or SEC 1");
    }
    let identity = certificates.zip(private.ok()).ok_or(Reported)?;
    Ok(Some(identity))
}
