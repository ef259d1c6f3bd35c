//! Who a client is, and what it may do.
//!
//! A password hash takes tens of milliseconds and megabytes by design. So it is computed off the threads of the
//! sockets, few at once, and what was found right is remembered under a keyed digest of the password: devices that
//! reconnect all at once cost one digest each. A changed users file is a new [`Login`], which remembers nothing.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use argon2::Argon2;
use argon2::password_hash::PasswordVerifier;
use argon2::password_hash::phc::PasswordHash;
use citywarden_model::{Digest, Hasher};
use tokio::sync::Semaphore;

use super::rights::Rights;
use super::users::{User, Users};
use crate::codec::{Connect, Reason};

/// Decides who is let in.
#[derive(Debug)]
pub(crate) struct Login {
    users: Option<Users>,
    checks: Arc<Semaphore>,
    /// By user; no more entries than users.
    verified: Mutex<HashMap<Arc<str>, Digest>>,
    /// Makes the digests useless to whoever reads them out of memory without it.
    key: [u8; 32],
}

/// Somebody who is let in.
#[derive(Debug, Clone)]
pub(crate) struct Admitted {
    /// Who it proved to be; `None` where nobody asks.
    pub(crate) user: Option<Arc<str>>,
    /// What it may publish for.
    pub(crate) rights: Rights,
}

impl Login {
    pub(crate) fn new(users: Option<Users>, checks_at_once: usize, key: [u8; 32]) -> Self {
        Self { users, checks: Arc::new(Semaphore::new(checks_at_once)), verified: Mutex::default(), key }
    }
    /// Whether this client is let in, and as whom; `certified` is the name of its certificate.
    pub(crate) async fn admit(
        &self,
        connect: &Connect<'_>,
        certified: Option<&str>,
    ) -> Result<Admitted, Reason> {
        match (certified, &self.users) {
            (Some(name), Some(users)) => users.named(name).map(Admitted::from).ok_or(Reason::NOT_AUTHORIZED),
            (Some(name), None) => {
                let name: Arc<str> = name.into();
                Ok(Admitted { user: Some(name.clone()), rights: Rights::Device(name) })
            }
            (None, None) => Ok(Admitted { user: None, rights: Rights::Any }),
            (None, Some(users)) => {
                let name = connect.user_name.ok_or(Reason::NOT_AUTHORIZED)?;
                self.check_password(users, name, connect.password.unwrap_or_default()).await
            }
        }
    }
    async fn check_password(&self, users: &Users, name: &str, password: &[u8]) -> Result<Admitted, Reason> {
        let user = users.named(name);
        let digest = self.digest(name, password);
        if let Some(user) = user
            && self.verified().get(&user.name) == Some(&digest)
        {
            return Ok(user.into());
        }
        // unknown names take as long as wrong passwords, so that names cannot be found out
        let hash = user.and_then(|user| user.hash.as_ref());
        let Some(work) = hash.or_else(|| users.any_hash()) else { return Err(Reason::NOT_AUTHORIZED) };
        let right = self.verify(work.clone(), password.to_vec()).await;
        match user {
            Some(user) if right && hash.is_some() => {
                self.verified().insert(user.name.clone(), digest);
                Ok(user.into())
            }
            _ => Err(Reason::BAD_USER_NAME_OR_PASSWORD),
        }
    }
    async fn verify(&self, hash: Arc<str>, password: Vec<u8>) -> bool {
        let Ok(permit) = self.checks.clone().acquire_owned().await else { return false };
        let work = move || {
            let right = PasswordHash::new(&hash)
                .is_ok_and(|hash| Argon2::default().verify_password(&password, &hash).is_ok());
            // held by the work, not by who waits for it: a client that leaves frees no place before its time
            drop(permit);
            right
        };
        tokio::task::spawn_blocking(work).await.unwrap_or(false)
    }
    fn digest(&self, name: &str, password: &[u8]) -> Digest {
        let mut hasher = Hasher::new();
        hasher.update(&self.key);
        hasher.update(&(name.len() as u64).to_le_bytes());
        hasher.update(name.as_bytes());
        hasher.update(password);
        hasher.finish()
    }
    fn verified(&self) -> std::sync::MutexGuard<'_, HashMap<Arc<str>, Digest>> {
        self.verified.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl From<&User> for Admitted {
    fn from(user: &User) -> Self {
        Self { user: Some(user.name.clone()), rights: Rights::Matching(user.devices.clone()) }
    }
}
