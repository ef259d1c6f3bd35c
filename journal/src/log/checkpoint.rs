//! Signed checkpoints: from here back, nobody without the key can change the log unnoticed.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use citywarden_model::{Digest, Offset, Timestamp};
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};

use crate::fields::Fields;

pub(crate) const BODY_LEN: usize = 177;
const SIGNED_LEN: usize = 81;
const CONTEXT: &[u8] = b"citywarden checkpoint v1\n";

/// A signed statement that the log was thus, up to here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Everything before this offset is signed.
    pub next: Offset,
    /// Digest of the last commit.
    pub head: Digest,
    /// When it was signed, by the clock of the journal.
    pub signed_at: Timestamp,
    /// Head of another log (the alerts'), signed along.
    pub foreign_head: Option<Digest>,
    /// Who signed it.
    pub key: PublicKey,
    signature: [u8; 64],
}

/// Whose signature a checkpoint carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PublicKey([u8; 32]);

impl PublicKey {
    /// From the 32 bytes of an ed25519 public key.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
    /// The 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
    /// SHA-256 of the 32 bytes: how the key is named.
    pub fn fingerprint(&self) -> Digest {
        Digest::of(&self.0)
    }
}

/// The key that signs checkpoints.
pub struct CheckpointKey(SigningKey);

/// A key file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// It cannot be read or written.
    #[error("the key file {path} cannot be used")]
    Disk {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It holds something else.
    #[error("the key file {path} is damaged: expected 32 bytes, found {len}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Its length.
        len: usize,
    },
}

impl CheckpointKey {
    /// The key that follows from this secret.
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(SigningKey::from_bytes(seed))
    }

    /// Reads the key file, or draws a key and makes the file, readable by its owner alone.
    pub fn load_or_create(path: &Path) -> Result<Self, KeyError> {
        let error = |source| KeyError::Disk { path: path.to_owned(), source };
        match File::open(path) {
            Ok(mut file) => {
                let mut bytes = Vec::new();
                file.read_to_end(&mut bytes).map_err(error)?;
                let len = bytes.len();
                let seed = bytes.try_into().map_err(|_| KeyError::Damaged { path: path.to_owned(), len })?;
                Ok(Self::from_seed(&seed))
            }
            Err(missing) if missing.kind() == io::ErrorKind::NotFound => create(path).map_err(error),
            Err(other) => Err(error(other)),
        }
    }

    /// Its public half.
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key().to_bytes())
    }

    pub(crate) fn sign(
        &self,
        next: Offset,
        head: Digest,
        signed_at: Timestamp,
        foreign_head: Option<Digest>,
    ) -> Checkpoint {
        let mut checkpoint =
            Checkpoint { next, head, signed_at, foreign_head, key: self.public(), signature: [0; 64] };
        checkpoint.signature = self.0.sign(&checkpoint.signed_bytes()).to_bytes();
        checkpoint
    }
}

impl std::fmt::Debug for CheckpointKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("CheckpointKey").field(&self.public().fingerprint()).finish()
    }
}

// Written beside and renamed, so that a crash never leaves half a key that would stop every later start.
fn create(path: &Path) -> io::Result<CheckpointKey> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(io::Error::other)?;
    let temporary = path.with_extension("tmp");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&temporary)?;
    file.write_all(&seed)?;
    file.sync_all()?;
    std::fs::rename(&temporary, path)?;
    match path.parent().filter(|dir| !dir.as_os_str().is_empty()) {
        Some(dir) => File::open(dir)?.sync_all()?,
        None => File::open(".")?.sync_all()?,
    }
    Ok(CheckpointKey::from_seed(&seed))
}

impl Checkpoint {
    /// Whether the signature is that of [`Checkpoint::key`] over the fields.
    pub fn is_signed(&self) -> bool {
        let signature = Signature::from_bytes(&self.signature);
        VerifyingKey::from_bytes(&self.key.0)
            .is_ok_and(|key| key.verify_strict(&self.signed_bytes(), &signature).is_ok())
    }

    fn signed_bytes(&self) -> Vec<u8> {
        let mut bytes = CONTEXT.to_vec();
        bytes.extend_from_slice(&self.encode()[..SIGNED_LEN]);
        bytes
    }

    /// Its 177 bytes, as the log holds them.
    pub fn encode(&self) -> [u8; BODY_LEN] {
        let mut bytes = [0; BODY_LEN];
        bytes[..8].copy_from_slice(&self.next.0.to_le_bytes());
        bytes[8..40].copy_from_slice(self.head.as_bytes());
        bytes[40..48].copy_from_slice(&self.signed_at.nanos().to_le_bytes());
        if let Some(head) = &self.foreign_head {
            bytes[48] = 1;
            bytes[49..81].copy_from_slice(head.as_bytes());
        }
        bytes[81..113].copy_from_slice(&self.key.0);
        bytes[113..].copy_from_slice(&self.signature);
        bytes
    }

    /// Reads [`Checkpoint::encode`]; `None` where the bytes are no checkpoint. The signature is not looked at.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let mut fields = Fields(bytes);
        let next = Offset(fields.u64()?);
        let head = fields.digest()?;
        let signed_at = fields.time()?;
        let foreign = fields.u8()?;
        let foreign_head = fields.digest()?;
        let foreign_head = match foreign {
            0 => None,
            1 => Some(foreign_head),
            _ => return None,
        };
        let key = PublicKey(fields.fixed()?);
        let signature = fields.fixed()?;
        fields.0.is_empty().then_some(Self { next, head, signed_at, foreign_head, key, signature })
    }
}
