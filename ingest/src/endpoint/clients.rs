//! Who is connected under which client id, and taking over.
//!
//! A client id belongs to a user: two users may use the same one beside each other, and only the same user takes a
//! connection over. Taking over is bounded: devices that share an id by mistake would throw each other out without end.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;
use tokio::time::{Duration, Instant};

/// So many takeovers of one client id in a row.
const TAKEOVERS_AT_ONCE: u32 = 16;
/// After so long, one more.
const TAKEOVER_EVERY: Duration = Duration::from_secs(1);

/// The connected clients of an endpoint.
#[derive(Debug, Default)]
pub(crate) struct Clients(Mutex<Table>);

#[derive(Debug, Default)]
struct Table {
    slots: HashMap<Key, Slot>,
    /// How many have ever entered: the number of each.
    entered: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    user: Option<Arc<str>>,
    client_id: String,
}

#[derive(Debug)]
struct Slot {
    /// Tells the connection that holds the place that another has it now, by being dropped.
    hand_over: oneshot::Sender<()>,
    holder: u64,
    takeovers: u32,
    last_takeover: Instant,
}

/// A client's place among the connected; given up when dropped.
#[derive(Debug)]
pub(crate) struct Place {
    clients: Arc<Clients>,
    key: Key,
    holder: u64,
    taken_over: oneshot::Receiver<()>,
}

/// Whether somebody was thrown out for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Entry {
    New,
    TakenOver,
}

impl Clients {
    /// Enters a client; `None` where its id is taken over too often.
    pub(crate) fn enter(self: &Arc<Self>, user: Option<Arc<str>>, client_id: &str) -> Option<(Place, Entry)> {
        let key = Key { user, client_id: client_id.to_owned() };
        let (hand_over, taken_over) = oneshot::channel();
        let mut table = self.lock();
        table.entered += 1;
        let holder = table.entered;
        let entry = match table.slots.get_mut(&key) {
            None => {
                let slot = Slot { hand_over, holder, takeovers: 0, last_takeover: Instant::now() };
                table.slots.insert(key.clone(), slot);
                Entry::New
            }
            Some(slot) => {
                slot.take_over(hand_over, holder)?;
                Entry::TakenOver
            }
        };
        drop(table);
        Some((Place { clients: self.clone(), key, holder, taken_over }, entry))
    }
    fn lock(&self) -> MutexGuard<'_, Table> {
        // a panic elsewhere leaves the table whole: every change to it is one call
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Slot {
    fn take_over(&mut self, hand_over: oneshot::Sender<()>, holder: u64) -> Option<()> {
        let now = Instant::now();
        let regained = now.duration_since(self.last_takeover).as_secs() / TAKEOVER_EVERY.as_secs();
        self.takeovers = self.takeovers.saturating_sub(u32::try_from(regained).unwrap_or(u32::MAX));
        if self.takeovers >= TAKEOVERS_AT_ONCE {
            return None;
        }
        self.takeovers += 1;
        self.last_takeover = now;
        self.holder = holder;
        self.hand_over = hand_over; // the one before is dropped, which its connection hears
        Some(())
    }
}

impl Place {
    /// The number of who has it; a later one's is greater.
    pub(crate) const fn holder(&self) -> u64 {
        self.holder
    }
    /// Resolves when somebody else has taken this place.
    pub(crate) async fn taken_over(&mut self) {
        // nothing is ever sent: the sender is dropped
        drop((&mut self.taken_over).await);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut table = self.clients.lock();
        if table.slots.get(&self.key).is_some_and(|slot| slot.holder == self.holder) {
            table.slots.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_same_user_takes_over_and_another_stands_beside() {
        let clients = Arc::new(Clients::default());
        let enter = |user: &str| clients.enter(Some(user.into()), "id");
        let (mut first, entry) = enter("a").unwrap();
        assert_eq!(entry, Entry::New);
        let (_beside, entry) = enter("b").unwrap();
        assert_eq!(entry, Entry::New);
        let (second, entry) = enter("a").unwrap();
        assert_eq!(entry, Entry::TakenOver);
        first.taken_over().await;
        drop(first); // does not give up the place that is the second's now
        let (_third, entry) = enter("a").unwrap();
        assert_eq!(entry, Entry::TakenOver);
        drop(second);
    }

    #[tokio::test(start_paused = true)]
    async fn taking_over_is_bounded_and_time_gives_it_back() {
        let clients = Arc::new(Clients::default());
        let mut places = vec![clients.enter(None, "id").unwrap()];
        for _ in 0..TAKEOVERS_AT_ONCE {
            places.push(clients.enter(None, "id").unwrap());
        }
        assert!(clients.enter(None, "id").is_none());
        tokio::time::advance(TAKEOVER_EVERY).await;
        assert!(clients.enter(None, "id").is_some());
        places.clear();
        assert_eq!(clients.enter(None, "id").unwrap().1, Entry::New); // all have left
    }
}
