//! What records say, made out before they are judged. It depends on the record and on what is installed alone, so that any
//! thread can do it.

use std::hint::black_box;
use std::ops::Range;

use citywarden_journal::{Batch, Body, Message, Record, RecordError};
use citywarden_model::{DeadLetterReason, Moment, Observation, Reading, RegionId, Timestamp};
use citywarden_rules::{Arrival, DeviceNumber, Devices, Evaluator, Followers, Installation};

use super::{DeadLetter, read, registered, unknown};

/// A record, and what its message says where that was made out.
pub(crate) struct Decoded<'m> {
    pub(crate) record: Record<'m>,
    said: Option<Said>,
}

/// What a message says.
pub(super) struct Said {
    /// As of what was installed then.
    under: Installation,
    told: Told,
}

/// The device, and the place of what it says among the observations that were made out with it; or why nobody can tell.
pub(super) type Told = Result<(DeviceNumber, Range<usize>), DeadLetter>;

impl<'m> Decoded<'m> {
    /// Nothing was made out.
    pub(super) fn not_yet(record: Record<'m>) -> Self {
        Self { record, said: None }
    }

    pub(super) fn moment(&self) -> Moment {
        Moment { offset: self.record.offset, at: self.record.received_at }
    }

    pub(super) fn arrival(&self, message: &Message<'m>) -> Arrival<'m> {
        let Message { duplicate, retained, payload, .. } = *message;
        Arrival { moment: self.moment(), duplicate, retained, payload }
    }

    /// What was made out under this installation.
    pub(super) fn told(&self, under: Installation) -> Option<&Told> {
        self.said.as_ref().filter(|said| said.under == under).map(|said| &said.told)
    }

    /// The device it is from, where that was made out under this installation.
    pub(super) fn device(&self, under: Installation) -> Option<DeviceNumber> {
        self.told(under)?.as_ref().ok().map(|(device, _)| *device)
    }
}

/// Makes out what records say, by what was installed when it was made.
pub(crate) struct Decoder {
    pub(super) region: RegionId,
    pub(super) devices: Devices,
}

impl Decoder {
    fn decode<'m>(&self, record: Record<'m>, into: &mut Vec<Observation<'m>>) -> Decoded<'m> {
        let said = match &record.body {
            Body::Message(message) => {
                Some(Said { under: self.devices.installation(), told: self.read(message, into) })
            }
            Body::Control(_) => None,
        };
        Decoded { record, said }
    }

    pub(super) fn read<'m>(&self, message: &Message<'m>, into: &mut Vec<Observation<'m>>) -> Told {
        let registry = self.devices.registry();
        let find = |id: &str| {
            let refused = || registered(registry, id).err();
            let unknown = || unknown(DeadLetterReason::UnknownDevice, id);
            self.devices.find(id).ok_or_else(|| refused().unwrap_or_else(unknown))
        };
        let first = into.len();
        let device = read(&self.region, registry, message, find, into);
        if device.is_err() {
            into.truncate(first);
        }
        Ok((device?, first..into.len()))
    }

    /// Whether judging this record needs, and changes, nothing beyond the shard of its device: where nobody can tell what it
    /// says, nothing is judged.
    fn stays_apart(
        &self,
        decoded: &Decoded<'_>,
        observations: &[Observation<'_>],
        followers: &mut Followers,
    ) -> bool {
        match decoded.told(self.devices.installation()) {
            None => false,
            Some(Err(_)) => true,
            Some(Ok((device, said))) => {
                let observations = observations.get(said.clone()).unwrap_or_default();
                self.devices.stays_apart(*device, observations, followers)
            }
        }
    }
}

/// Some records in a row; what cannot be read is an error in its place.
pub(super) struct Chunk<'m> {
    pub(super) records: Vec<Result<Decoded<'m>, RecordError>>,
    /// What is said in them.
    pub(super) observations: Vec<Observation<'m>>,
    /// By shard: the places of what its devices say.
    own: [Vec<usize>; Evaluator::SHARDS],
    /// When the last of them was received; none was later.
    pub(super) latest: Timestamp,
    /// Each of them [stays apart](Devices::stays_apart).
    pub(super) stays_apart: bool,
}

impl<'m> Chunk<'m> {
    /// The chunk of these records of a batch.
    pub(super) fn of(batch: Batch<'m>, places: Range<usize>, decoder: &Decoder) -> Self {
        let (length, records) = (places.len(), batch.part(places));
        let mut followers = Followers::default();
        let mut chunk = Self {
            records: Vec::with_capacity(length),
            observations: Vec::with_capacity(length),
            own: std::array::from_fn(|_| Vec::with_capacity(length)),
            latest: Timestamp::EPOCH,
            stays_apart: true,
        };
        for record in records.iter() {
            let record = record.map(|record| decoder.decode(record, &mut chunk.observations));
            chunk.add(record, decoder, &mut followers);
        }
        chunk
    }

    fn add(
        &mut self,
        record: Result<Decoded<'m>, RecordError>,
        decoder: &Decoder,
        followers: &mut Followers,
    ) {
        if let Ok(decoded) = &record {
            self.stays_apart &= decoder.stays_apart(decoded, &self.observations, followers);
            self.latest = decoded.record.received_at;
            let shard = decoded.device(decoder.devices.installation()).map(DeviceNumber::shard);
            if let Some(own) = shard.and_then(|shard| self.own.get_mut(shard)) {
                own.push(self.records.len());
            }
        } else {
            self.stays_apart = false;
        }
        self.records.push(record);
    }

    /// Looks at what these records say: another thread may have made it out, and then it is far away.
    pub(super) fn look_at<'c>(&'c self, records: impl Iterator<Item = &'c Decoded<'m>>)
    where
        'm: 'c,
    {
        let told = records.filter_map(|decoded| decoded.said.as_ref()?.told.as_ref().ok());
        let first = told.filter_map(|(_, said)| self.observations.get(said.start));
        let mut readings: Vec<&Reading<'m>> = Vec::with_capacity(self.observations.len());
        first.for_each(|first| readings.extend(&first.readings));
        black_box(readings.iter().fold(0, |seen, reading| seen ^ reading.quantity.len()));
    }

    /// What devices of this shard say, by place.
    pub(super) fn own(&self, shard: usize) -> &[usize] {
        self.own.get(shard).map(Vec::as_slice).unwrap_or_default()
    }
}
