//! What a configuration asks of the machine it is read on.

use std::io;
use std::path::Path;

use rustls::pki_types::CertificateDer;

/// Environment variables and files, handed in: tests need neither.
pub(crate) trait Host {
    /// The environment variable of this name.
    fn variable(&self, name: &str) -> Option<String>;
    /// The content of this file.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;
    /// The permission bits of this file, where the machine has any.
    fn mode(&self, path: &Path) -> Option<u32>;
    /// The authorities that this machine trusts.
    fn authorities(&self) -> Vec<CertificateDer<'static>>;
}

/// The machine itself.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Machine;

impl Host for Machine {
    fn variable(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        std::fs::read(path)
    }
    #[cfg(unix)]
    fn mode(&self, path: &Path) -> Option<u32> {
        use std::os::unix::fs::PermissionsExt as _;
        Some(std::fs::metadata(path).ok()?.permissions().mode() & 0o777)
    }
    #[cfg(not(unix))]
    fn mode(&self, _: &Path) -> Option<u32> {
        None
    }
    fn authorities(&self) -> Vec<CertificateDer<'static>> {
        rustls_native_certs::load_native_certs().certs
    }
}
