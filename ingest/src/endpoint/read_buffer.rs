//! The bytes of a connection that were received and not yet taken in.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What a connection begins with: most devices never need more.
const BYTES_FIRST: usize = 2 * 1024;
/// Up to here a buffer grows by itself when reads fill it; beyond, for one packet and out of a common budget.
pub(crate) const BYTES_ORDINARY_MAX: usize = 64 * 1024;

/// The memory that buffers above the ordinary size take together.
#[derive(Debug)]
pub(crate) struct LargeBuffers {
    bytes: AtomicUsize,
    bytes_max: usize,
}

impl LargeBuffers {
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self { bytes: AtomicUsize::new(0), bytes_max }
    }
    fn take(self: &Arc<Self>, bytes: usize) -> Option<Large> {
        let fits = |taken: usize| taken.checked_add(bytes).filter(|&sum| sum <= self.bytes_max);
        self.bytes.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits).ok()?;
        Some(Large { of: self.clone(), bytes })
    }
}

/// A share of the common budget, given back when dropped.
#[derive(Debug)]
struct Large {
    of: Arc<LargeBuffers>,
    bytes: usize,
}

impl Drop for Large {
    fn drop(&mut self) {
        self.of.bytes.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// A buffer that is filled at its end and emptied from its front.
#[derive(Debug)]
pub(crate) struct ReadBuffer {
    bytes: Vec<u8>,
    start: usize,
    end: usize,
    budget: Arc<LargeBuffers>,
    large: Option<Large>,
}

impl ReadBuffer {
    pub(crate) fn new(budget: Arc<LargeBuffers>) -> Self {
        Self { bytes: vec![0; BYTES_FIRST], start: 0, end: 0, budget, large: None }
    }
    /// What is here.
    pub(crate) fn filled(&self) -> &[u8] {
        self.bytes.get(self.start..self.end).unwrap_or_default()
    }
    pub(crate) fn len(&self) -> usize {
        self.end - self.start
    }
    /// Takes bytes off the front.
    pub(crate) fn consume(&mut self, count: usize) {
        self.start = (self.start + count).min(self.end);
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
            if self.large.take().is_some() {
                self.bytes = vec![0; BYTES_FIRST];
            }
        }
    }
    /// Takes bytes out of the middle.
    pub(crate) fn cut_out(&mut self, at: usize, count: usize) {
        let (from, to) = (self.start + at + count, self.start + at);
        if from <= self.end {
            self.bytes.copy_within(from..self.end, to);
            self.end -= count;
        }
    }
    /// Makes room for more bytes; `packet_bytes` is what the packet at the front needs, as far as is known.
    /// `false`: there is none now, either because the buffer is full of whole packets or because the common budget is
    /// used up.
    pub(crate) fn make_room(&mut self, packet_bytes: usize) -> bool {
        let (len, size) = (self.len(), self.bytes.len());
        if self.end < size && packet_bytes <= size - self.start {
            return true;
        }
        self.bytes.copy_within(self.start..self.end, 0);
        (self.start, self.end) = (0, len);
        if self.large.is_some() && len.max(packet_bytes) < BYTES_ORDINARY_MAX {
            self.shrink();
            return true;
        }
        if packet_bytes > BYTES_ORDINARY_MAX.max(size) {
            return self.grow_large(packet_bytes);
        }
        if len == size || packet_bytes > size {
            let wanted = (size * 2).max(packet_bytes).min(BYTES_ORDINARY_MAX);
            self.bytes.resize(wanted.max(size), 0);
        }
        self.end < self.bytes.len()
    }
    fn grow_large(&mut self, packet_bytes: usize) -> bool {
        let Some(large) = self.budget.take(packet_bytes) else { return false };
        self.large = Some(large);
        self.bytes.resize(packet_bytes, 0);
        true
    }
    fn shrink(&mut self) {
        self.bytes.truncate(BYTES_ORDINARY_MAX);
        self.bytes.shrink_to_fit();
        self.large = None;
    }
    /// Where the next bytes go.
    pub(crate) fn vacant(&mut self) -> &mut [u8] {
        self.bytes.get_mut(self.end..).unwrap_or_default()
    }
    /// So many bytes were put there. A read that left nothing vacant asks for a larger buffer next time.
    pub(crate) fn fill(&mut self, count: usize) {
        self.end = (self.end + count).min(self.bytes.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn buffer(budget: usize) -> ReadBuffer {
        ReadBuffer::new(Arc::new(LargeBuffers::new(budget)))
    }
    fn put(buffer: &mut ReadBuffer, bytes: &[u8]) {
        buffer.vacant()[..bytes.len()].copy_from_slice(bytes);
        buffer.fill(bytes.len());
    }

    #[test]
    fn bytes_come_out_in_the_order_they_went_in() {
        let mut buffer = buffer(0);
        put(&mut buffer, b"abcdef");
        buffer.consume(2);
        buffer.cut_out(1, 2);
        assert_eq!(buffer.filled(), b"cf");
        put(&mut buffer, b"gh");
        assert_eq!(buffer.filled(), b"cfgh");
    }

    #[test]
    fn a_full_buffer_grows_to_its_ordinary_size_and_no_further() {
        let mut buffer = buffer(1 << 30);
        while buffer.make_room(0) {
            let vacant = buffer.vacant().len();
            buffer.fill(vacant);
        }
        assert_eq!(buffer.len(), BYTES_ORDINARY_MAX);
        buffer.consume(1);
        assert!(buffer.make_room(0));
        assert_eq!(buffer.vacant().len(), 1);
    }

    #[test]
    fn a_large_packet_takes_from_the_common_budget_and_gives_it_back() {
        let budget = Arc::new(LargeBuffers::new(300_000));
        let (mut one, mut two) = (ReadBuffer::new(budget.clone()), ReadBuffer::new(budget));
        assert!(one.make_room(200_000));
        assert!(!two.make_room(200_000));
        one.fill(200_000);
        one.consume(200_000);
        assert!(two.make_room(200_000));
        assert!(two.vacant().len() >= 200_000);
    }
}
