//! What records say, made out before they are judged. It depends on the record and on the register alone, so that another
//! thread can do it while the judge is busy with the records before.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use citywarden_formats::{Format, Profile};
use citywarden_journal::{Batch, Body, Message, Record, RecordError};
use citywarden_model::{Observation, RegionId};
use citywarden_rules::{DeviceNumber, Devices};

use super::{DeadLetter, decode_as, topic};

/// How many records are decoded at a time.
const RECORDS_A_CHUNK: usize = 128;
/// From so many records on it pays to decode them beside the judge: a thread is begun for them.
const BESIDE_MIN: usize = 8 * RECORDS_A_CHUNK;

/// A record, and what its message says where that could be made out ahead.
pub(crate) struct Decoded<'m> {
    pub(crate) record: Record<'m>,
    pub(super) said: Option<Said<'m>>,
}

/// Records in order; what cannot be read is an error in its place.
pub(crate) type Chunk<'m> = Vec<Result<Decoded<'m>, RecordError>>;

/// Of a device that was known.
pub(super) struct Said<'m> {
    pub(super) device: DeviceNumber,
    pub(super) observations: Result<Vec<Observation<'m>>, DeadLetter>,
}

impl<'m> Decoded<'m> {
    /// Nothing was made out ahead.
    pub(super) fn not_yet(record: Record<'m>) -> Self {
        Self { record, said: None }
    }

    /// The device it is from, where that is known.
    pub(super) fn device(&self) -> Option<DeviceNumber> {
        self.said.as_ref().map(|said| said.device)
    }
}

/// Makes out what records say, by the register that was in force when it was made.
pub(crate) struct Decoder {
    pub(super) region: RegionId,
    pub(super) devices: Devices,
}

impl Decoder {
    fn decode<'m>(&self, record: Record<'m>) -> Decoded<'m> {
        let said = match &record.body {
            Body::Message(message) => self.said(message),
            Body::Control(_) => None,
        };
        Decoded { record, said }
    }

    /// Only JSON: others than JSON ask the register for what they leave to it, and that may have changed.
    fn said<'m>(&self, message: &Message<'m>) -> Option<Said<'m>> {
        let parts = topic::read_topic(message, &self.region, &self.devices.registry().topics).ok()?;
        let is_json = Format::parse(parts.format) == Some(Format::Json) && message.refused.is_none();
        let device = self.devices.find(parts.device).filter(|_| is_json)?;
        Some(Said { device, observations: decode_as(Format::Json, Profile::default, message) })
    }
}

/// Hands all records of a batch to `judge`, in their order, decoded. Of many the later ones are decoded beside it.
pub(crate) fn each_chunk<'m, E>(
    batch: Batch<'m>,
    decoder: &Decoder,
    judge: impl FnMut(&Chunk<'m>) -> Result<(), E>,
) -> Result<(), E> {
    if batch.len() < BESIDE_MIN { here(batch, decoder, judge) } else { beside(batch, decoder, judge) }
}

fn here<'m, E>(
    batch: Batch<'m>,
    decoder: &Decoder,
    mut judge: impl FnMut(&Chunk<'m>) -> Result<(), E>,
) -> Result<(), E> {
    let mut chunk = Chunk::new();
    (0..chunks_of(batch)).try_for_each(|place| {
        fill(&mut chunk, batch, place, decoder);
        judge(&chunk)
    })
}

/// The judge waits for nobody: where the other thread has not come as far, as on a busy machine, it decodes for itself.
fn beside<'m, E>(
    batch: Batch<'m>,
    decoder: &Decoder,
    mut judge: impl FnMut(&Chunk<'m>) -> Result<(), E>,
) -> Result<(), E> {
    let judged = AtomicUsize::new(0);
    thread::scope(|scope| {
        let (sender, made) = channel();
        let (back, used) = channel();
        let judged = &judged;
        let ahead = move || decode_ahead(batch, decoder, judged, &sender, &used);
        if thread::Builder::new().name("judge-decode".to_owned()).spawn_scoped(scope, ahead).is_err() {
            return here(batch, decoder, judge);
        }
        let (mut ahead, mut own) = (Ahead { made, next: None }, Chunk::new());
        for place in 0..chunks_of(batch) {
            judged.store(place, Ordering::Relaxed);
            if let Some(chunk) = ahead.take(place) {
                judge(&chunk)?;
                // whoever made it also takes it apart; at the end nobody wants it any more
                drop(back.send(chunk));
            } else {
                fill(&mut own, batch, place, decoder);
                judge(&own)?;
            }
        }
        Ok(())
    })
}

/// Decodes what is behind the chunk that is being judged, up to the end or until the judge has stopped.
fn decode_ahead<'m>(
    batch: Batch<'m>,
    decoder: &Decoder,
    judged: &AtomicUsize,
    made: &Sender<(usize, Chunk<'m>)>,
    used: &Receiver<Chunk<'m>>,
) {
    let mut place = 0;
    loop {
        place = (judged.load(Ordering::Relaxed) + 1).max(place);
        let mut chunk = used.try_recv().unwrap_or_default();
        if place >= chunks_of(batch) {
            return;
        }
        fill(&mut chunk, batch, place, decoder);
        if made.send((place, chunk)).is_err() {
            return;
        }
        place += 1;
    }
}

/// What was decoded ahead and is not judged yet, by its place.
struct Ahead<'m> {
    made: Receiver<(usize, Chunk<'m>)>,
    next: Option<(usize, Chunk<'m>)>,
}

impl<'m> Ahead<'m> {
    /// The chunk of this place, where it is made.
    fn take(&mut self, place: usize) -> Option<Chunk<'m>> {
        loop {
            match self.next.take().or_else(|| self.made.try_recv().ok())? {
                (made, chunk) if made == place => return Some(chunk),
                // too late: the judge has decoded it for itself
                (made, _) if made < place => {}
                later => {
                    self.next = Some(later);
                    return None;
                }
            }
        }
    }
}

fn chunks_of(batch: Batch<'_>) -> usize {
    batch.len().div_ceil(RECORDS_A_CHUNK)
}

fn fill<'m>(chunk: &mut Chunk<'m>, batch: Batch<'m>, place: usize, decoder: &Decoder) {
    chunk.clear();
    let records = batch.part(place * RECORDS_A_CHUNK..(place + 1) * RECORDS_A_CHUNK);
    chunk.extend(records.iter().map(|record| record.map(|record| decoder.decode(record))));
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use citywarden_journal::{CheckpointKey, Disk, HostDisk, Journal, JournalOptions, Reader};
    use citywarden_model::{Asset, Clock, Crs, Device, Digest, Moment, Offset, Registry, Timestamp};
    use citywarden_rules::{Evaluator, EvaluatorOptions};

    use super::*;

    const REGION: &str = "330624";

    struct Still;
    impl Clock for Still {
        fn now(&self) -> Timestamp {
            Timestamp::EPOCH
        }
    }

    fn decoder() -> Decoder {
        let mut registry = Registry::empty(REGION.into());
        registry.digest = Digest::of(b"some");
        let attributes = std::iter::empty().collect();
        let (kind, region) = ("construction_site".to_owned(), REGION.into());
        let asset = Asset {
            id: "site".into(),
            kind,
            name: String::new(),
            region,
            grid: None,
            position: None,
            attributes,
        };
        registry.assets.insert("site".into(), asset);
        let device = Device {
            id: "dust".into(),
            kind: "dust_monitor".to_owned(),
            asset: "site".into(),
            interval: None,
            crs: Crs::Wgs84,
            attributes: std::iter::empty().collect(),
        };
        registry.devices.insert("dust".into(), device);
        let mut evaluator = Evaluator::new(EvaluatorOptions::of(REGION.into()));
        let moment = Moment { offset: Offset(0), at: Timestamp::EPOCH };
        evaluator.install_registry(moment, Arc::new(registry), &mut Vec::new());
        Decoder { region: REGION.into(), devices: evaluator.devices() }
    }

    /// A journal of so many messages, of all sorts; a reader over all of it.
    fn reader(dir: &std::path::Path, messages: usize) -> Reader {
        let disk: Arc<dyn Disk> = Arc::new(HostDisk);
        let key = CheckpointKey::from_seed(&[7; 32]);
        let mut journal = Journal::open(&disk, Arc::new(Still), dir, JournalOptions::default(), key).unwrap();
        let sorts = [
            ("citywarden/330624/dust/json", r#"{"readings":{"pm10":81.5,"tsp":120}}"#),
            ("citywarden/330624/dust/json", r#"{"readings":{"pm10":81.5"#),
            ("citywarden/330624/nobody/json", r#"{"readings":{"pm10":81.5}}"#),
            ("citywarden/330624/dust/hj212", "##0000"),
            ("citywarden/330681/dust/json", "{}"),
        ];
        for (topic, payload) in sorts.into_iter().cycle().take(messages) {
            let message = Message {
                source: "s",
                topic,
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

    fn told(chunk: &Chunk<'_>) -> Vec<String> {
        let of = |decoded: &Decoded<'_>| {
            let said = decoded.said.as_ref().map(|said| (said.device, &said.observations));
            format!("{} {said:?}", decoded.record.offset)
        };
        chunk.iter().map(|decoded| of(decoded.as_ref().unwrap())).collect()
    }

    #[test]
    fn records_are_the_same_whether_decoded_beside_the_judge_or_by_it_and_come_in_their_order() {
        let (home, decoder) = (tempfile::tempdir().unwrap(), decoder());
        let messages = 3 * BESIDE_MIN + 7;
        let mut reader = reader(home.path(), messages);
        let batch = reader.next_batch(None, usize::MAX).unwrap();
        assert!(batch.len() >= messages, "beside what the journal notes itself");
        let (mut one, mut other) = (Vec::new(), Vec::new());
        let note = |chunk: &Chunk<'_>, notes: &mut Vec<String>| {
            notes.extend(told(chunk));
            Ok::<_, ()>(())
        };
        here(batch, &decoder, |chunk| note(chunk, &mut one)).unwrap();
        beside(batch, &decoder, |chunk| note(chunk, &mut other)).unwrap();
        assert_eq!(one, other);
        assert_eq!(one.len(), batch.len());
        assert_eq!(one.iter().filter(|one| one.contains("81.5")).count(), messages.div_ceil(5));
        assert_eq!(one.iter().filter(|one| one.contains("Err")).count(), (messages - 1).div_ceil(5));
    }

    #[test]
    fn a_judge_that_stops_is_handed_nothing_more() {
        let (home, decoder) = (tempfile::tempdir().unwrap(), decoder());
        let mut reader = reader(home.path(), 3 * BESIDE_MIN);
        let batch = reader.next_batch(None, usize::MAX).unwrap();
        let mut chunks = 0;
        let stopped = each_chunk(batch, &decoder, |_| {
            chunks += 1;
            if chunks == 2 { Err("enough") } else { Ok(()) }
        });
        assert_eq!((stopped, chunks), (Err("enough"), 2));
    }
}
