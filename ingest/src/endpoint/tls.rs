//! TLS, and the names that client certificates prove.

use std::sync::Arc;

use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::{ServerConfig, WebPkiClientVerifier};
use tokio_rustls::rustls::{self, RootCertStore, crypto::ring};
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};

/// How the endpoint speaks TLS.
#[derive(Clone)]
pub struct Tls {
    pub(crate) acceptor: TlsAcceptor,
    pub(crate) client_certificates: bool,
}

/// Why TLS cannot be set up. The caller names the file: `cert_file`, `key_file` or `client_ca_file`.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The certificates of this server.
    #[error("cert_file holds no certificate, expected PEM with the server's certificate first")]
    NoCertificate,
    /// Its key.
    #[error("key_file holds no private key, expected PEM in PKCS #8, PKCS #1 or SEC 1")]
    NoKey,
    /// The certificates that clients' certificates are signed with.
    #[error("client_ca_file holds no certificate, expected PEM")]
    NoClientCa,
    /// One of them is not accepted, or they do not go together.
    #[error("certificate and key cannot be used: {0}")]
    Unusable(#[from] rustls::Error),
    /// The clients' authority cannot be used.
    #[error("client_ca_file cannot be used: {0}")]
    UnusableClientCa(String),
}

impl Tls {
    /// From PEM: the server's chain, its key, and the authority of clients' certificates where clients must have one.
    pub fn from_pem(chain: &[u8], key: &[u8], client_ca: Option<&[u8]>) -> Result<Self, TlsError> {
        let chain = certificates(chain).ok_or(TlsError::NoCertificate)?;
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| TlsError::NoKey)?;
        let provider = Arc::new(ring::default_provider());
        let builder =
            ServerConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions()?;
        let builder = match client_ca {
            None => builder.with_no_client_auth(),
            Some(pem) => builder.with_client_cert_verifier(client_verifier(pem, provider)?),
        };
        let config = builder.with_single_cert(chain, key)?;
        Ok(Self { acceptor: TlsAcceptor::from(Arc::new(config)), client_certificates: client_ca.is_some() })
    }
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tls").field("client_certificates", &self.client_certificates).finish_non_exhaustive()
    }
}

fn certificates(pem: &[u8]) -> Option<Vec<CertificateDer<'static>>> {
    let chain: Vec<_> = CertificateDer::pem_slice_iter(pem).collect::<Result<_, _>>().ok()?;
    (!chain.is_empty()).then_some(chain)
}

fn client_verifier(
    pem: &[u8],
    provider: Arc<rustls::crypto::CryptoProvider>,
) -> Result<Arc<dyn rustls::server::danger::ClientCertVerifier>, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(pem).ok_or(TlsError::NoClientCa)? {
        roots.add(certificate).map_err(|error| TlsError::UnusableClientCa(error.to_string()))?;
    }
    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
        .build()
        .map_err(|error| TlsError::UnusableClientCa(error.to_string()))
}

/// The name a verified client certificate is for: its common name, or else its first DNS name.
pub(crate) fn certified_name(certificate: &CertificateDer<'_>) -> Option<String> {
    let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
    let common_name = certificate.subject().iter_common_name().find_map(|name| name.as_str().ok());
    let name = common_name.map(str::to_owned).or_else(|| first_dns_name(&certificate))?;
    (!name.is_empty()).then_some(name)
}

fn first_dns_name(certificate: &X509Certificate<'_>) -> Option<String> {
    let names = certificate.subject_alternative_name().ok()??;
    names
        .value
        .general_names
        .iter()
        .find_map(|name| if let GeneralName::DNSName(name) = name { Some((*name).to_owned()) } else { None })
}
