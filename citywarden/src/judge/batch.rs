//! A batch of records: judged by the judge's own thread where it is small. A large one it shares with others: first its
//! chunks, to decode them, then the shards, to judge what their devices say. What comes of it is the same.

use std::ops::Range;
use std::sync::{Mutex, OnceLock, PoisonError};

use citywarden_journal::{Batch, Body, RecordError};
use citywarden_model::{Offset, Timestamp, Transition};
use citywarden_rules::{Installation, Recognised, ShardJudge};

use super::decoded::{Chunk, Decoded, Decoder};
use super::{Judge, VersionError, Versions};

/// From when on a batch is shared.
#[derive(Debug, Clone, Copy)]
pub struct Sharing {
    /// How many records are decoded at a time.
    pub records_a_chunk: usize,
    /// So many chunks in a row, at the least, are shared.
    pub chunks_min: usize,
}

impl Default for Sharing {
    /// What pays: from 1,024 records on.
    fn default() -> Self {
        Self { records_a_chunk: 128, chunks_min: 8 }
    }
}

/// How many records are looked at before the first of them is judged: what they need still fits into the first caches.
const RECORDS_AHEAD: usize = 32;

/// What a batch brought about, as far as it was judged.
#[derive(Default)]
pub struct Judged {
    /// In order.
    pub transitions: Vec<Transition>,
    /// The record to go on with, and when the one before arrived.
    pub(crate) reached: Option<(Offset, Timestamp)>,
    /// How many records were judged by shards, each apart from the others.
    pub apart: usize,
}

/// Why a batch was not judged to its end.
#[derive(Debug, thiserror::Error)]
pub enum BatchError {
    /// Halt: the journal says nothing that can be read there.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// Halt: what a record puts into force is not to be had.
    #[error(transparent)]
    Version(#[from] VersionError),
}

impl Sharing {
    /// Where the chunks of a batch are.
    fn chunks_of(self, batch: Batch<'_>) -> Vec<Range<usize>> {
        let starts = (0..batch.len()).step_by(self.records_a_chunk);
        starts.map(|start| start..batch.len().min(start + self.records_a_chunk)).collect()
    }
}

impl<V: Versions> Judge<V> {
    /// The same judge, that shares batches otherwise: what comes of them stays the same.
    #[must_use]
    pub fn sharing(self, sharing: Sharing) -> Self {
        Self { sharing, ..self }
    }

    /// Judges all records of a batch, in their order.
    pub fn take_batch(&mut self, batch: Batch<'_>, judged: &mut Judged) -> Result<(), BatchError> {
        let (decoder, chunks) = (self.decoder(), self.sharing.chunks_of(batch));
        if chunks.len() < self.sharing.chunks_min {
            return chunks
                .into_iter()
                .try_for_each(|places| self.take_together(&Chunk::of(batch, places, &decoder), judged));
        }
        let slot = |places| Slot { places, chunk: OnceLock::new() };
        let slots: Vec<Slot<'_>> = chunks.into_iter().map(slot).collect();
        self.workers.share(&slots, |slot| slot.fill(batch, &decoder));
        let chunks: Vec<Chunk<'_>> = slots.into_iter().filter_map(|slot| slot.chunk.into_inner()).collect();
        self.take_chunks(&chunks, &decoder, judged)
    }

    /// Where something was installed, what was made out before it is of no use.
    fn take_chunks(
        &mut self,
        chunks: &[Chunk<'_>],
        decoder: &Decoder,
        judged: &mut Judged,
    ) -> Result<(), BatchError> {
        for stretch in chunks.chunk_by(|one, next| one.stays_apart == next.stays_apart) {
            let stays_apart = stretch.iter().all(|chunk| chunk.stays_apart)
                && stretch.len() >= self.sharing.chunks_min
                && self.evaluator.installation() == decoder.devices.installation();
            if stays_apart {
                self.take_apart(stretch, judged);
            } else {
                stretch.iter().try_for_each(|chunk| self.take_together(chunk, judged))?;
            }
        }
        Ok(())
    }

    fn take_together(&mut self, chunk: &Chunk<'_>, judged: &mut Judged) -> Result<(), BatchError> {
        for near in chunk.records.chunks(RECORDS_AHEAD) {
            let installed = self.evaluator.installation();
            let devices = near.iter().flatten().filter_map(|decoded| decoded.device(installed));
            self.evaluator.look_ahead(devices);
            for decoded in near {
                let decoded = decoded.as_ref().map_err(RecordError::clone)?;
                self.take_decoded(decoded, &chunk.recognised, &mut judged.transitions)?;
                judged.reached = Some((decoded.record.offset.next(), decoded.record.received_at));
            }
        }
        Ok(())
    }

    /// Judges what stays apart, each shard on a thread of its own.
    fn take_apart(&mut self, chunks: &[Chunk<'_>], judged: &mut Judged) {
        let Some(last) = chunks.last().and_then(|chunk| chunk.records.iter().flatten().last()) else {
            return;
        };
        let under = self.evaluator.installation();
        let shards = self.evaluator.shards().into_iter();
        let side = |shard| Mutex::new(Side { shard, under });
        let sides: Vec<Mutex<Side<'_>>> = shards.map(side).collect();
        self.workers.share(&sides, |side| {
            let mut side = side.lock().unwrap_or_else(PoisonError::into_inner);
            for chunk in chunks {
                side.judge(chunk);
            }
        });
        let sides = sides.into_iter().map(|side| side.into_inner().unwrap_or_else(PoisonError::into_inner));
        let brought = sides.flat_map(|side| side.shard.brought()).collect();
        self.evaluator.join(last.moment(), brought, &mut judged.transitions);
        let records = chunks.iter().flat_map(|chunk| chunk.records.iter().flatten());
        records.for_each(|decoded| self.note_dead(decoded));
        judged.reached = Some((last.record.offset.next(), last.record.received_at));
        judged.apart += chunks.iter().map(|chunk| chunk.records.len()).sum::<usize>();
    }

    fn note_dead(&mut self, decoded: &Decoded<'_>) {
        let statement = decoded.statement(self.evaluator.installation());
        if let (Body::Message(message), Some(Err(dead))) = (&decoded.record.body, statement) {
            self.tally.add(dead.clone().at(decoded.moment(), message));
        }
    }
}

/// Where a chunk of a batch goes once it is decoded.
struct Slot<'m> {
    places: Range<usize>,
    chunk: OnceLock<Chunk<'m>>,
}

impl<'m> Slot<'m> {
    fn fill(&self, batch: Batch<'m>, decoder: &Decoder) {
        self.chunk.get_or_init(|| Chunk::of(batch, self.places.clone(), decoder));
    }
}

/// A shard, and what its devices were found under.
struct Side<'e> {
    shard: ShardJudge<'e>,
    under: Installation,
}

impl Side<'_> {
    /// Judges what the shard's devices say.
    fn judge(&mut self, chunk: &Chunk<'_>) {
        let mut told = 0;
        for near in chunk.own(self.shard.number()).chunks(RECORDS_AHEAD) {
            let records = || near.iter().filter_map(|place| chunk.records.get(*place)?.as_ref().ok());
            self.shard.look_ahead(records().filter_map(|decoded| decoded.device(self.under)));
            for (place, decoded) in near.iter().zip(records()) {
                self.pass_time(chunk, told..*place);
                self.observe(decoded, &chunk.recognised);
                told = place + 1;
            }
        }
        self.pass_time(chunk, told..chunk.records.len());
    }

    /// Tells the shard of the moments of what others say, where that may bring something about.
    fn pass_time(&mut self, chunk: &Chunk<'_>, places: Range<usize>) {
        if self.shard.is_due(chunk.latest) {
            let records = chunk.records.get(places).unwrap_or_default();
            records.iter().flatten().for_each(|decoded| self.shard.advance(decoded.moment()));
        }
    }

    fn observe(&mut self, decoded: &Decoded<'_>, recognised: &Recognised<'_>) {
        let statement = decoded.statement(self.under);
        if let (Body::Message(message), Some(Ok(statement))) = (&decoded.record.body, statement) {
            self.shard.observe(&decoded.arrival(message), statement.device, statement.said(recognised));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use citywarden_journal::{
        CheckpointKey, Control, Disk, HostDisk, Journal, JournalOptions, Message, Reader,
    };
    use citywarden_model::{Asset, Clock, Crs, Device, Digest, LocalClock, Registry, Span};
    use citywarden_problems::Problems;
    use citywarden_rules::{EvaluatorOptions, RuleFile, RuleSet, load};

    use super::*;

    const REGION: &str = "330624";
    const MESSAGES: usize = 4_103;
    /// In so many records the rules and the registry are installed.
    const BEGINNING: usize = 100;
    const RULE: &str = r#"rule = "high"
status = "active"
severity = "minor"
in_force = "2024-10-22"
title = { zh = "题", en = "title" }
clause = { item = 18, text = "字" }
watches = ["construction_site"]
responsible = ["建设局"]
message = { zh = "话", en = "words" }
evidence = ["pm10"]
[input]
level = 'last(pm10)'
silent = 'device_silence("dust_monitor")'
[judge]
violation = 'level > 80.0 || silent > 1.005'
clear = 'level < 50.0 && silent < 1.0'
clear_after = "700ms"
"#;

    /// Moves on with each look, and now and then so far that everybody has been silent for too long.
    struct Steps(std::sync::atomic::AtomicI64);
    impl Clock for Steps {
        fn now(&self) -> Timestamp {
            let step = self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            Timestamp::parse("2026-11-24T08:00:00+08:00").unwrap()
                + Span::from_millis(10 * step + 1_200 * (step / 200))
        }
    }

    /// So many sites with a device each, the last of which belongs to a site that nobody knows.
    fn registry(sites: usize) -> Registry {
        let mut registry = Registry::empty(REGION.into());
        for number in 0..sites {
            let asset = Asset {
                id: format!("site-{number}").as_str().into(),
                kind: "construction_site".to_owned(),
                name: String::new(),
                region: REGION.into(),
                grid: None,
                position: None,
                attributes: std::iter::empty().collect(),
            };
            let device = Device {
                id: format!("dust-{number}").as_str().into(),
                kind: "dust_monitor".to_owned(),
                asset: asset.id.clone(),
                interval: Some(Span::from_secs(2)),
                crs: Crs::Wgs84,
                attributes: std::iter::empty().collect(),
            };
            registry.devices.insert(device.id.clone(), device);
            if number + 1 < sites {
                registry.assets.insert(asset.id.clone(), asset);
            }
        }
        registry.digest = digest_of(sites);
        registry
    }

    fn digest_of(sites: usize) -> Digest {
        Digest::of(sites.to_string().as_bytes())
    }

    fn rules() -> Arc<RuleSet> {
        let problems = Problems::new();
        let file = RuleFile { name: "high.toml".to_owned(), text: RULE.to_owned() };
        let rules = load(&[file], LocalClock::default(), &problems);
        assert!(!problems.has_errors());
        Arc::new(rules)
    }

    struct Named {
        rules: Arc<RuleSet>,
        registries: [Arc<Registry>; 2],
    }

    impl Versions for Named {
        fn is_due(&mut self, body: &Body<'_>) -> bool {
            matches!(body, Body::Control(Control::Rules { .. } | Control::Registry { .. }))
        }
        fn rules(&mut self, _: &Digest) -> Result<Arc<RuleSet>, VersionError> {
            Ok(Arc::clone(&self.rules))
        }
        fn registry(&mut self, digest: &Digest) -> Result<Arc<Registry>, VersionError> {
            let known = self.registries.iter().find(|registry| registry.digest == *digest);
            let lost = || VersionError::Lost { what: "registry", digest: *digest, why: String::new() };
            known.cloned().ok_or_else(lost)
        }
    }

    fn judge() -> Judge<Named> {
        let registries = [5, 8].map(|sites| Arc::new(registry(sites)));
        Judge::new(EvaluatorOptions::of(REGION.into()), Named { rules: rules(), registries })
    }

    /// A journal of messages of all sorts; `with_reload`: in the middle sites are added, of which messages came before.
    fn journal(dir: &Path, with_reload: bool) -> Reader {
        let disk: Arc<dyn Disk> = Arc::new(HostDisk);
        let (key, clock) = (CheckpointKey::from_seed(&[7; 32]), Arc::new(Steps(0.into())));
        let mut journal = Journal::open(&disk, clock, dir, JournalOptions::default(), key).unwrap();
        let rules = rules().digest;
        journal.inbox.append_control(&Control::Rules { digest: rules }).unwrap();
        journal.inbox.append_control(&Control::Registry { digest: digest_of(5) }).unwrap();
        for number in 0..MESSAGES {
            if with_reload && number == MESSAGES / 2 {
                journal.inbox.append_control(&Control::Registry { digest: digest_of(8) }).unwrap();
            }
            let device = number % 9;
            let topic = match number % 101 {
                50 => "citywarden/330681/dust-1/json".to_owned(),
                51 => format!("citywarden/{REGION}/dust-1/hj212"),
                _ => format!("citywarden/{REGION}/dust-{device}/json"),
            };
            let payload = match number % 103 {
                60 => "{".to_owned(),
                _ => format!(r#"{{"readings":{{"pm10":{}.5,"tsp":120}}}}"#, (number / 40) % 100),
            };
            let message = Message {
                source: "s",
                topic: &topic,
                identity: "",
                qos: 1,
                retained: false,
                duplicate: false,
                refused: None,
                payload: payload.as_bytes(),
                full: None,
            };
            journal.inbox.append(&message).unwrap();
        }
        journal.writer.commit().unwrap();
        drop(journal);
        Reader::open_oldest(&disk, dir).unwrap()
    }

    #[test]
    fn a_large_batch_shared_with_others_brings_about_what_its_records_do_one_by_one() {
        for with_reload in [false, true] {
            let home = tempfile::tempdir().unwrap();
            let mut reader = journal(home.path(), with_reload);
            let batch = reader.next_batch(None, usize::MAX).unwrap();
            assert!(batch.len() > MESSAGES, "beside what the journal notes itself");
            let (mut one, mut other) = (judge(), judge());
            let mut out = Vec::new();
            for record in batch.iter() {
                one.take(&record.unwrap(), &mut out).unwrap();
            }
            let judged = in_two(&mut other, batch).unwrap();
            assert!(out.iter().any(|one| one.asset.as_str() == "site-0"), "something is brought about");
            assert!(out.iter().any(|one| one.asset.as_str() == "site-3"), "in the other shard too");
            assert_eq!(out.iter().any(|one| one.asset.as_str() == "site-6"), with_reload);
            let by_time = out.iter().filter(|one| is_between_records(one, &batch)).count();
            assert!(by_time > 20, "time alone brings about something: {by_time}");
            assert!(judged.apart > 0 && judged.apart < batch.len(), "{} apart", judged.apart);
            assert_eq!(judged.transitions, out);
            assert_eq!(judged.reached.map(|(next, _)| next), reader_end(&batch));
            let next = Offset(0);
            assert!(one.snapshot(next) == other.snapshot(next), "what is remembered differs");
            let dead = |judge: &Judge<Named>| judge.tally().counts().collect::<Vec<_>>();
            assert_eq!(dead(&one), dead(&other));
            let recent =
                |judge: &Judge<Named>| judge.tally().recent().map(|letter| letter.offset).collect::<Vec<_>>();
            assert_eq!(recent(&one), recent(&other));
        }
    }

    /// First what it begins with: nothing is judged apart in a batch after it has installed something.
    fn in_two(judge: &mut Judge<Named>, batch: Batch<'_>) -> Result<Judged, BatchError> {
        let mut judged = Judged::default();
        judge.take_batch(batch.part(0..BEGINNING), &mut judged)?;
        judge.take_batch(batch.part(BEGINNING..usize::MAX), &mut judged)?;
        Ok(judged)
    }

    fn reader_end(batch: &Batch<'_>) -> Option<Offset> {
        batch.iter().last().map(|record| record.unwrap().offset.next())
    }

    /// Whether it came before the record that tells of it, by the journal's clock.
    fn is_between_records(transition: &Transition, batch: &Batch<'_>) -> bool {
        let record = batch.iter().map(Result::unwrap).find(|record| record.offset == transition.cause.offset);
        record.is_some_and(|record| transition.cause.at < record.received_at)
    }

    #[test]
    fn where_a_version_is_lost_what_was_before_it_counts_and_nothing_after_it() {
        let home = tempfile::tempdir().unwrap();
        let mut reader = journal(home.path(), true);
        let batch = reader.next_batch(None, usize::MAX).unwrap();
        let lost = || {
            let registries = [5, 5].map(|sites| Arc::new(registry(sites)));
            Judge::new(EvaluatorOptions::of(REGION.into()), Named { rules: rules(), registries })
        };
        let (mut one, mut other) = (lost(), lost());
        let (mut out, mut reached) = (Vec::new(), None);
        for record in batch.iter().map(Result::unwrap) {
            if one.take(&record, &mut out).is_err() {
                break;
            }
            reached = Some(record.offset.next());
        }
        let mut judged = Judged::default();
        let (first, rest) = (batch.part(0..BEGINNING), batch.part(BEGINNING..usize::MAX));
        other.take_batch(first, &mut judged).unwrap();
        assert!(matches!(other.take_batch(rest, &mut judged), Err(BatchError::Version(_))));
        assert!(judged.apart > 0);
        assert_eq!(judged.transitions, out);
        assert_eq!(judged.reached.map(|(next, _)| next), reached);
        assert!(reached.is_some_and(|reached| Some(reached) < reader_end(&batch)));
    }

    #[test]
    fn messages_of_known_devices_and_those_that_nobody_can_read_stay_apart_and_what_installs_does_not() {
        let home = tempfile::tempdir().unwrap();
        let mut reader = journal(home.path(), true);
        let batch = reader.next_batch(None, usize::MAX).unwrap();
        let mut judge = judge();
        judge.take_batch(batch.part(0..BEGINNING), &mut Judged::default()).unwrap();
        let decoder = judge.decoder();
        let places = judge.sharing.chunks_of(batch).into_iter();
        let chunks = places.map(|places| Chunk::of(batch, places, &decoder).stays_apart);
        // what the journal began with, and what was installed in the middle
        assert_eq!(chunks.filter(|stays_apart| !stays_apart).count(), 2);
    }
}
