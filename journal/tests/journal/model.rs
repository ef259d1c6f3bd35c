//! Any mix of append, commit, crash, restart, read and retention equals a plain list.

use std::collections::BTreeMap;

use citywarden_journal::{Body, Journal, Places, Reader, Retention, SimulatedDisk, retain};
use citywarden_model::{Clock, Offset, Span};
use proptest::prelude::*;

use crate::support::{HandClock, assert_intact, dir, message, messages, open, payload, shared};

#[derive(Debug, Clone)]
enum Act {
    Append(u64),
    Commit,
    Prepare,
    Tick,
    Move(i64),
    Restart,
    Crash(u64),
    FailSync,
    Fill,
    Read(u64),
    /// Read through as another process would, past what is committed.
    Pass,
    Seek(Vec<u64>),
    Retain(u64),
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        12 => (0..1000_u64).prop_map(Act::Append),
        6 => Just(Act::Commit),
        2 => Just(Act::Prepare),
        1 => Just(Act::Tick),
        2 => (-3000..5000_i64).prop_map(Act::Move),
        1 => Just(Act::Restart),
        2 => any::<u64>().prop_map(Act::Crash),
        1 => Just(Act::FailSync),
        1 => Just(Act::Fill),
        2 => (0..100_u64).prop_map(Act::Read),
        1 => Just(Act::Pass),
        2 => prop::collection::vec(0..100_u64, 1..6).prop_map(Act::Seek),
        1 => (1..6_u64).prop_map(Act::Retain),
    ]
}

struct World {
    disk: SimulatedDisk,
    clock: HandClock,
    journal: Option<Journal>,
    /// The plain list: what was taken in, by offset.
    list: BTreeMap<Offset, Vec<u8>>,
    committed: Offset,
    /// Of all of its lives: some are stale.
    places: Places,
}

impl World {
    fn new() -> Self {
        let (disk, clock) = (SimulatedDisk::new(), HandClock::default());
        let journal = Some(open(&disk, &clock));
        Self { disk, clock, journal, list: BTreeMap::new(), committed: Offset(0), places: Places::default() }
    }

    fn act(&mut self, act: &Act) {
        let Some(journal) = &mut self.journal else { return };
        match act {
            Act::Append(number) => {
                let bytes = payload(*number);
                if let Ok(offset) = journal.inbox.append(&message(&bytes)) {
                    self.list.insert(offset, bytes);
                }
            }
            Act::Commit => drop(journal.writer.commit()),
            Act::Prepare => drop(journal.writer.prepare_segment()),
            Act::Tick => drop(journal.inbox.tick()),
            Act::Move(ms) => self.clock.advance(Span::from_millis(*ms)),
            Act::Restart => self.reopen(None),
            Act::Crash(seed) => self.reopen(Some(*seed)),
            Act::FailSync => {
                self.disk.fail_syncs(true);
                drop(journal.writer.commit());
                self.disk.fail_syncs(false);
            }
            Act::Fill => {
                self.disk.set_capacity(Some(0));
                drop(journal.writer.commit());
                self.disk.set_capacity(None);
            }
            Act::Read(from) => self.read(Offset(*from)),
            Act::Pass => self.pass(),
            Act::Seek(offsets) => self.seek(offsets),
            Act::Retain(segments) => {
                let bytes_max = segments * 4096;
                let retention = Retention { age: Span::from_mins(60), bytes_max, bytes_floor: bytes_max };
                retain(&shared(&self.disk), &dir(), &retention, &[], &[], self.clock.now()).unwrap();
            }
        }
        if let Some(journal) = &self.journal {
            assert!(journal.inbox.committed() >= self.committed, "committed goes back");
            self.committed = journal.inbox.committed();
        }
    }

    fn reopen(&mut self, crash: Option<u64>) {
        self.journal = None;
        if let Some(seed) = crash {
            self.disk.crash(seed);
        }
        let journal = open(&self.disk, &self.clock);
        assert!(journal.recovery.next >= self.committed, "a committed record is missing");
        self.list.retain(|offset, _| *offset < journal.recovery.next);
        self.committed = journal.recovery.next;
        self.journal = Some(journal);
        assert_intact(&self.disk);
        self.read(Offset(0));
    }

    fn read(&self, from: Offset) {
        let disk = shared(&self.disk);
        let oldest = Reader::open_oldest(&disk, &dir()).unwrap().position();
        let expected = self.list.range(oldest..).filter(|(offset, _)| **offset < self.committed);
        let expected: Vec<_> = expected.map(|(offset, bytes)| (*offset, bytes.clone())).collect();
        assert_eq!(messages(&disk, &dir(), Some(self.committed)), expected);
        if from >= oldest && from < self.committed {
            let mut reader = Reader::open(&disk, &dir(), from).unwrap();
            let batch = reader.next_batch(Some(self.committed), 1).unwrap();
            assert_eq!(batch.iter().next().unwrap().unwrap().offset, from);
        }
    }

    fn pass(&self) {
        let mut reader =
            Reader::open_oldest(&shared(&self.disk), &dir()).unwrap().sharing(&self.places).unwrap();
        while !reader.next_batch(None, 7).unwrap().is_empty() {}
    }

    fn seek(&self, offsets: &[u64]) {
        let mut reader =
            Reader::open_oldest(&shared(&self.disk), &dir()).unwrap().sharing(&self.places).unwrap();
        let oldest = reader.position();
        for offset in offsets.iter().map(|offset| Offset(*offset)) {
            if offset < oldest {
                assert!(reader.seek(offset).is_err());
                continue;
            }
            if offset >= self.committed {
                continue;
            }
            reader.seek(offset).unwrap();
            let batch = reader.next_batch(Some(self.committed), 1).unwrap();
            let record = batch.iter().next().unwrap().unwrap();
            assert_eq!(record.offset, offset);
            let Body::Message(message) = record.body else { continue };
            assert_eq!(Some(message.payload), self.list.get(&offset).map(Vec::as_slice));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]
    #[test]
    fn any_mix_of_acts_equals_a_plain_list(acts in prop::collection::vec(act(), 1..120)) {
        let mut world = World::new();
        for act in &acts {
            world.act(act);
        }
        world.reopen(Some(acts.len() as u64));
    }
}
