//! Latencies in buckets of a sixteenth: enough to tell a percentile within 6 %, in 8 KiB.

use std::time::Duration;

/// Buckets of each doubling.
const PARTS: u64 = 16;
/// Below this many nanoseconds each one has its bucket.
const EXACT: u64 = PARTS;
const BUCKETS: usize = 16 * 61;

/// How many latencies of which length there were.
#[derive(Debug, Clone)]
pub struct Latencies {
    counts: Vec<u64>,
    all: u64,
}

impl Default for Latencies {
    fn default() -> Self {
        Self { counts: vec![0; BUCKETS], all: 0 }
    }
}

impl Latencies {
    pub(crate) fn record(&mut self, nanos: u64, times: u64) {
        if let Some(count) = self.counts.get_mut(bucket(nanos)) {
            *count += times;
            self.all += times;
        }
    }
    pub(crate) fn add(&mut self, other: &Self) {
        self.all += other.all;
        for (count, more) in self.counts.iter_mut().zip(&other.counts) {
            *count += more;
        }
    }
    /// How many there are.
    pub const fn count(&self) -> u64 {
        self.all
    }
    /// The latency that `thousandths` of them do not exceed (500: the median, 990: the 99th percentile), as the upper
    /// end of its bucket; zero where there is none.
    pub fn at(&self, thousandths: u64) -> Duration {
        let wanted = (self.all * thousandths.min(1_000)).div_ceil(1_000).max(1);
        let mut seen = 0;
        for (bucket, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= wanted {
                return Duration::from_nanos(upper_end(bucket));
            }
        }
        Duration::ZERO
    }
}

fn bucket(nanos: u64) -> usize {
    if nanos < EXACT {
        return usize::try_from(nanos).unwrap_or(0);
    }
    let doubling = u64::from(nanos.ilog2()) - u64::from(EXACT.ilog2());
    let part = (nanos >> doubling) - PARTS;
    usize::try_from(PARTS * (doubling + 1) + part).unwrap_or(BUCKETS - 1)
}

/// The largest number of nanoseconds that falls into a bucket.
const fn upper_end(bucket: usize) -> u64 {
    let bucket = bucket as u64;
    if bucket < EXACT {
        return bucket;
    }
    let (doubling, part) = (bucket / PARTS - 1, bucket % PARTS);
    // the last bucket ends at 2^64 - 1: shifted out, then borrowed back
    ((PARTS + part + 1) << doubling).wrapping_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_latency_falls_into_a_bucket_that_ends_within_a_sixteenth_of_it() {
        let mut nanos = 1_u64;
        while nanos < u64::MAX / 3 {
            for near in [nanos - 1, nanos, nanos + 1] {
                let end = upper_end(bucket(near));
                assert!(end >= near, "{near} in a bucket that ends at {end}");
                assert!(end - near <= near / 16, "{near} in a bucket that ends at {end}");
                assert!(bucket(end) < BUCKETS && bucket(end + 1) == bucket(end) + 1, "{near}");
            }
            nanos += nanos / 7 + 1;
        }
        assert!(bucket(u64::MAX) < BUCKETS);
    }

    #[test]
    fn percentiles_are_those_of_the_sorted_list() {
        let mut latencies = Latencies::default();
        for nanos in 1..=1_000 {
            latencies.record(nanos * 1_000, 1);
        }
        for (thousandths, nanos) in [(500, 500_000), (990, 990_000), (1_000, 1_000_000), (0, 1_000)] {
            let told = u64::try_from(latencies.at(thousandths).as_nanos()).unwrap();
            assert!(told >= nanos && told - nanos <= nanos / 16, "{thousandths}: {told}");
        }
        assert_eq!(Latencies::default().at(500), Duration::ZERO);
    }
}
