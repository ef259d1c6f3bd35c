//! Who may use the console: names, roles, and argon2 hashes of tokens.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use argon2::Argon2;
use argon2::password_hash::PasswordVerifier;
use argon2::password_hash::phc::PasswordHash;
use citywarden_model::Digest;
use tokio::sync::Semaphore;

/// Tokens whose owner, or that they have none, is remembered. Beyond that all are forgotten and hashed again.
const REMEMBERED_MAX: usize = 1024;
/// A longer token is nobody's.
const TOKEN_BYTES_MAX: usize = 256;

/// What somebody may do. Each role may do what those before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Look.
    View,
    /// Handle alerts.
    Officer,
    /// Everything.
    Admin,
}

impl Role {
    /// The role of this name.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "view" => Some(Self::View),
            "officer" => Some(Self::Officer),
            "admin" => Some(Self::Admin),
            _ => None,
        }
    }
    /// As the configuration writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::View => "view",
            Self::Officer => "officer",
            Self::Admin => "admin",
        }
    }
}

/// One user.
#[derive(Debug, Clone)]
pub struct User {
    /// The name under which their commands are recorded.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// The argon2 hash of their token, in PHC format.
    pub token_hash: String,
}

/// A user that cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UserError {
    /// Not an argon2 hash.
    #[error("the token hash of user `{0}` cannot be read, expected $argon2id$…")]
    Hash(String),
    /// Two of the same name.
    #[error("there are two users `{0}`")]
    Twice(String),
    /// A user without a name.
    #[error("a user has no name")]
    Nameless,
}

/// Somebody who has shown who they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Person {
    pub(crate) name: String,
    pub(crate) role: Role,
}

/// Whose a token is: the place of the user.
#[derive(Debug, Clone, Copy)]
enum Owner {
    User(usize),
    Nobody,
}

/// All users. A token is hashed once and then remembered by its digest, whether it is somebody's or nobody's; one at a
/// time, so that guessing costs the guesser and not the machine.
#[derive(Debug)]
pub struct Users {
    known: Vec<User>,
    remembered: Mutex<BTreeMap<Digest, Owner>>,
    hashing: Semaphore,
}

impl Users {
    /// These users; none means loopback only, as admin.
    pub fn new(users: Vec<User>) -> Result<Self, UserError> {
        for (place, user) in users.iter().enumerate() {
            if user.name.trim().is_empty() {
                return Err(UserError::Nameless);
            }
            if users.iter().take(place).any(|other| other.name == user.name) {
                return Err(UserError::Twice(user.name.clone()));
            }
            let hash = PasswordHash::new(&user.token_hash).ok();
            if hash.is_none_or(|hash| !hash.algorithm.as_str().starts_with("argon2")) {
                return Err(UserError::Hash(user.name.clone()));
            }
        }
        Ok(Self { known: users, remembered: Mutex::default(), hashing: Semaphore::new(1) })
    }
    /// Whether nobody is configured.
    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// Whose token this is.
    pub(crate) async fn person(self: &Arc<Self>, token: &str) -> Option<Person> {
        if token.is_empty() || token.len() > TOKEN_BYTES_MAX {
            return None;
        }
        let digest = Digest::of(token.as_bytes());
        let owner = match self.remembered(digest) {
            Some(owner) => owner,
            None => self.find(digest, token.to_owned()).await?,
        };
        let Owner::User(place) = owner else { return None };
        let user = self.known.get(place)?;
        Some(Person { name: user.name.clone(), role: user.role })
    }
    fn remembered(&self, digest: Digest) -> Option<Owner> {
        self.remembered.lock().unwrap_or_else(PoisonError::into_inner).get(&digest).copied()
    }
    async fn find(self: &Arc<Self>, digest: Digest, token: String) -> Option<Owner> {
        let permit = self.hashing.acquire().await.ok()?;
        let users = Arc::clone(self);
        let owner = tokio::task::spawn_blocking(move || users.verify(&token)).await.ok()?;
        drop(permit);
        let mut remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        if remembered.len() >= REMEMBERED_MAX {
            remembered.clear();
        }
        remembered.insert(digest, owner);
        Some(owner)
    }
    fn verify(&self, token: &str) -> Owner {
        let is_theirs = |user: &User| {
            PasswordHash::new(&user.token_hash)
                .is_ok_and(|hash| Argon2::default().verify_password(token.as_bytes(), &hash).is_ok())
        };
        self.known.iter().position(is_theirs).map_or(Owner::Nobody, Owner::User)
    }
}
