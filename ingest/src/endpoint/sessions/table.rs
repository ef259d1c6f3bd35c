//! Which sessions there are: what follows from a CONNECT, from the end of a connection and from time. No disk, no
//! clock, no sockets.

use std::collections::{BTreeSet, HashMap};

use citywarden_model::{Digest, Hasher, Span, Timestamp};

use super::super::config::Limits;
use crate::codec::{Connect, Version};

/// Whose session it is: a digest of the user and the client id, so that each takes the same room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Key(pub(crate) Digest);

impl Key {
    /// A client id belongs to its user; `None` where nobody asks who it is.
    pub(crate) fn of(user: Option<&str>, client_id: &str) -> Self {
        let mut hasher = Hasher::new();
        hasher.update(&[u8::from(user.is_some())]);
        let user = user.unwrap_or_default();
        hasher.update(&(user.len() as u64).to_le_bytes());
        hasher.update(user.as_bytes());
        hasher.update(client_id.as_bytes());
        Self(hasher.finish())
    }
}

/// What a CONNECT says about its session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Wish {
    /// An older session ends.
    pub(crate) clean_start: bool,
    /// Seconds that the session is to outlive its connection; 3.1.1 without clean session: for ever.
    pub(crate) expiry_s: u32,
}

impl From<&Connect<'_>> for Wish {
    fn from(connect: &Connect<'_>) -> Self {
        let clean_start = connect.clean_start;
        let expiry_s = match connect.version {
            Version::V5 => connect.properties.session_expiry_s,
            Version::V311 if clean_start => 0,
            Version::V311 => u32::MAX,
        };
        Self { clean_start, expiry_s }
    }
}

/// What a client has from its CONNECT.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Granted {
    /// It goes on with an older session.
    pub(crate) present: bool,
    /// Seconds that its session outlives the connection.
    pub(crate) expiry_s: u32,
}

/// A change of what has to be known after a restart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    /// There is this session, and it outlives its connection by so many seconds.
    Kept(Key, u32),
    /// There is none.
    Ended(Key),
}

/// A session as it is handed to a restart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Remembered {
    pub(crate) key: Key,
    pub(crate) expiry_s: u32,
    /// When its connection ended; `None` where there is one, or nobody saw the end.
    pub(crate) left_at: Option<Timestamp>,
}

/// All sessions that outlive their connection. The others end with it and are not here.
#[derive(Debug)]
pub(crate) struct Table {
    sessions: HashMap<Key, Session>,
    /// Those without a connection, by when they end.
    ending: BTreeSet<(Timestamp, Key)>,
    bounds: Bounds,
    /// What has come about since it was last asked for.
    changes: Vec<Change>,
    evicted: u64,
}

/// What bounds the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bounds {
    pub(crate) sessions_max: usize,
    pub(crate) expiry_s_max: u32,
}

impl From<&Limits> for Bounds {
    fn from(limits: &Limits) -> Self {
        let expiry_s_max = u32::try_from(limits.session_expiry_max.as_secs()).unwrap_or(u32::MAX);
        Self { sessions_max: limits.sessions_max, expiry_s_max }
    }
}

#[derive(Debug, Clone, Copy)]
struct Session {
    expiry_s: u32,
    connection: Connection,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Connection {
    /// By the connection of this number: a later one has a greater number.
    Held(u64),
    Left(Timestamp),
}

impl Session {
    fn ends_at(&self) -> Option<Timestamp> {
        match self.connection {
            Connection::Held(_) => None,
            Connection::Left(at) => Some(at + Span::from_secs(self.expiry_s.into())),
        }
    }
}

impl Table {
    /// What a restart knows. Where nobody saw a connection end, the session's time runs from `now` on: it is kept
    /// longer, which the standard permits, and never too short.
    pub(crate) fn restore(
        bounds: Bounds,
        remembered: impl IntoIterator<Item = Remembered>,
        now: Timestamp,
    ) -> Self {
        let (sessions, ending) = (HashMap::new(), BTreeSet::new());
        let mut table = Self { sessions, ending, bounds, changes: Vec::new(), evicted: 0 };
        for Remembered { key, expiry_s, left_at } in remembered {
            let connection = Connection::Left(left_at.unwrap_or(now).min(now));
            let expiry_s = expiry_s.min(bounds.expiry_s_max);
            table.insert(key, Session { expiry_s, connection });
        }
        table.expire(now);
        while table.sessions.len() > bounds.sessions_max && table.evict() {}
        table.changes.clear(); // a restart writes down what there is
        table
    }

    /// A client has come by the connection `holder`; whether it goes on with a session, and how long it has it.
    pub(crate) fn connect(&mut self, key: Key, wish: Wish, holder: u64, now: Timestamp) -> Granted {
        self.expire(now);
        let expiry_s = wish.expiry_s.min(self.bounds.expiry_s_max);
        let before = self.sessions.get(&key).copied();
        if before
            .is_some_and(|session| matches!(session.connection, Connection::Held(later) if later > holder))
        {
            // it was taken over while it was let in, and is about to be told
            return Granted { present: false, expiry_s: 0 };
        }
        self.remove(key);
        let is_kept = expiry_s > 0 && self.make_room();
        let expiry_s = if is_kept { expiry_s } else { 0 };
        if is_kept {
            self.insert(key, Session { expiry_s, connection: Connection::Held(holder) });
        }
        let known_s = before.map_or(0, |session| session.expiry_s);
        if known_s != expiry_s {
            self.changes.push(if is_kept { Change::Kept(key, expiry_s) } else { Change::Ended(key) });
        }
        Granted { present: before.is_some() && !wish.clean_start, expiry_s }
    }

    /// That connection is over; `expiry_s` where the client said at its end how long its session is to be kept.
    pub(crate) fn leave(&mut self, key: Key, holder: u64, expiry_s: Option<u32>, now: Timestamp) {
        let Some(session) = self.sessions.get(&key).copied() else { return };
        if session.connection != Connection::Held(holder) {
            return; // taken over
        }
        let kept_s = expiry_s.map_or(session.expiry_s, |asked| asked.min(self.bounds.expiry_s_max));
        self.remove(key);
        if kept_s == 0 {
            self.changes.push(Change::Ended(key));
            return;
        }
        self.insert(key, Session { expiry_s: kept_s, connection: Connection::Left(now) });
        if kept_s != session.expiry_s {
            self.changes.push(Change::Kept(key, kept_s));
        }
    }

    /// What has come about since it was last asked, in order.
    pub(crate) fn take_changes(&mut self) -> Vec<Change> {
        std::mem::take(&mut self.changes)
    }
    pub(crate) fn has_changed(&self) -> bool {
        !self.changes.is_empty()
    }
    /// Sessions that had to end before their time since it was last asked, for want of room.
    pub(crate) fn take_evicted(&mut self) -> u64 {
        std::mem::take(&mut self.evicted)
    }
    pub(crate) fn len(&self) -> usize {
        self.sessions.len()
    }
    /// Everything, for a restart.
    pub(crate) fn remembered(&self) -> Vec<Remembered> {
        let remember = |(key, session): (&Key, &Session)| {
            let left_at = match session.connection {
                Connection::Held(_) => None,
                Connection::Left(at) => Some(at),
            };
            Remembered { key: *key, expiry_s: session.expiry_s, left_at }
        };
        self.sessions.iter().map(remember).collect()
    }

    fn expire(&mut self, now: Timestamp) {
        while let Some((_, key)) = self.ending.first().copied().filter(|(ends_at, _)| *ends_at <= now) {
            self.end(key);
        }
    }
    /// Whether one more has room; the one that would end next may have to.
    fn make_room(&mut self) -> bool {
        self.sessions.len() < self.bounds.sessions_max || self.evict()
    }
    fn evict(&mut self) -> bool {
        let Some((_, key)) = self.ending.first().copied() else { return false };
        self.evicted += 1;
        self.end(key);
        true
    }
    fn end(&mut self, key: Key) {
        self.remove(key);
        self.changes.push(Change::Ended(key));
    }
    fn insert(&mut self, key: Key, session: Session) {
        self.ending.extend(session.ends_at().map(|at| (at, key)));
        self.sessions.insert(key, session);
    }
    fn remove(&mut self, key: Key) {
        if let Some(ends_at) = self.sessions.remove(&key).and_then(|session| session.ends_at()) {
            self.ending.remove(&(ends_at, key));
        }
    }
}
