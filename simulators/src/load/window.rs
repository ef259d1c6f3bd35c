//! Which packet ids are in flight, and since when.

use citywarden_model::Timestamp;

/// The messages in flight of one connection. Packet ids are 1 to the size of the window.
#[derive(Debug)]
pub(super) struct Window {
    /// By packet id − 1: when it was written, while it is in flight.
    since: Vec<Option<Timestamp>>,
    free: Vec<u16>,
}

impl Window {
    pub(super) fn new(size: u16) -> Self {
        Self { since: vec![None; usize::from(size)], free: (1..=size).rev().collect() }
    }
    /// A packet id that is not in flight, which it is from now on.
    pub(super) fn take(&mut self, now: Timestamp) -> Option<u16> {
        let id = self.free.pop()?;
        if let Some(since) = self.since.get_mut(usize::from(id) - 1) {
            *since = Some(now);
        }
        Some(id)
    }
    /// When the packet of this id was written, which is acknowledged now; `None` where it is not in flight.
    pub(super) fn acknowledge(&mut self, id: u16) -> Option<Timestamp> {
        let since = self.since.get_mut(usize::from(id).checked_sub(1)?)?.take()?;
        self.free.push(id);
        Some(since)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_in_flight_is_acknowledged_and_only_once() {
        let mut window = Window::new(2);
        let now = Timestamp::from_nanos(7);
        let (first, second) = (window.take(now).unwrap(), window.take(now).unwrap());
        assert_ne!(first, second);
        assert_eq!(window.take(now), None, "the window is full");
        for id in [0, 3, u16::MAX] {
            assert_eq!(window.acknowledge(id), None, "{id} was never sent");
        }
        assert_eq!(window.acknowledge(first), Some(now));
        assert_eq!(window.acknowledge(first), None, "twice");
        assert_eq!(window.take(now), Some(first));
    }
}
