//! What records say, made out before they are judged. It depends on the record and on what is installed alone, so that any
//! thread can do it.

use std::ops::Range;

use citywarden_journal::{Batch, Body, Message, Record, RecordError};
use citywarden_model::{DeadLetterReason, Moment, Observation, RegionId, Timestamp};
use citywarden_rules::{
    Arrival, DeviceNumber, Devices, Evaluator, Followers, Installation, Recognised, Said,
};

use super::{DeadLetter, read, registered, unknown};

/// A record, and what its message says where that was made out.
pub(crate) struct Decoded<'m> {
    pub(crate) record: Record<'m>,
    told: Option<Told>,
}

/// What a message says.
struct Told {
    /// As of what was installed then.
    under: Installation,
    /// Or why nobody can tell.
    statement: Result<Statement, DeadLetter>,
}

/// Who says something, and where that is.
pub(super) struct Statement {
    pub(super) device: DeviceNumber,
    /// Among what was recognised with it.
    places: Range<usize>,
    /// Judging it needs, and changes, nothing beyond the shard of its device.
    stays_apart: bool,
}

impl Statement {
    /// What is said.
    pub(super) fn said<'r, 'm>(&self, all: &'r Recognised<'m>) -> Said<'r, 'm> {
        all.said(self.places.clone())
    }
}

impl<'m> Decoded<'m> {
    /// Nothing was made out.
    pub(super) fn not_yet(record: Record<'m>) -> Self {
        Self { record, told: None }
    }

    pub(super) fn moment(&self) -> Moment {
        Moment { offset: self.record.offset, at: self.record.received_at }
    }

    pub(super) fn arrival(&self, message: &Message<'m>) -> Arrival<'m> {
        let Message { duplicate, retained, payload, .. } = *message;
        Arrival { moment: self.moment(), duplicate, retained, payload }
    }

    /// What was made out under this installation.
    pub(super) fn statement(&self, under: Installation) -> Option<&Result<Statement, DeadLetter>> {
        self.told.as_ref().filter(|told| told.under == under).map(|told| &told.statement)
    }

    /// The device it is from, where that was made out under this installation.
    pub(super) fn device(&self, under: Installation) -> Option<DeviceNumber> {
        self.statement(under)?.as_ref().ok().map(|statement| statement.device)
    }

    /// Whether judging it needs nothing beyond one shard: where nobody can tell what it says, nothing is judged.
    fn stays_apart(&self, under: Installation) -> bool {
        let statement = self.statement(under);
        statement.is_some_and(|statement| statement.as_ref().map_or(true, |statement| statement.stays_apart))
    }
}

/// Makes out what records say, by what was installed when it was made.
pub(crate) struct Decoder {
    pub(super) region: RegionId,
    pub(super) devices: Devices,
}

/// What a decoder needs from one message to the next.
pub(super) struct Desk<'f, 'm> {
    followers: &'f mut Followers,
    /// What was decoded and is not recognised yet.
    observations: Vec<Observation<'m>>,
}

impl<'f> Desk<'f, '_> {
    pub(super) fn new(followers: &'f mut Followers) -> Self {
        Self { followers, observations: Vec::with_capacity(1) }
    }
}

impl Decoder {
    fn decode<'m>(
        &self,
        record: Record<'m>,
        desk: &mut Desk<'_, 'm>,
        into: &mut Recognised<'m>,
    ) -> Decoded<'m> {
        let told = match &record.body {
            Body::Message(message) => {
                let statement = self.read(message, desk, into);
                Some(Told { under: self.devices.installation(), statement })
            }
            Body::Control(_) => None,
        };
        Decoded { record, told }
    }

    pub(super) fn read<'m>(
        &self,
        message: &Message<'m>,
        desk: &mut Desk<'_, 'm>,
        into: &mut Recognised<'m>,
    ) -> Result<Statement, DeadLetter> {
        let registry = self.devices.registry();
        let find = |id: &str| {
            let refused = || registered(registry, id).err();
            let unknown = || unknown(DeadLetterReason::UnknownDevice, id);
            self.devices.find(id).ok_or_else(|| refused().unwrap_or_else(unknown))
        };
        let device = read(&self.region, registry, message, find, &mut desk.observations)?;
        let first = into.len();
        let stays_apart = self.devices.recognise(device, desk.observations.drain(..), desk.followers, into);
        Ok(Statement { device, places: first..into.len(), stays_apart })
    }
}

/// Some records in a row; what cannot be read is an error in its place.
pub(super) struct Chunk<'m> {
    pub(super) records: Vec<Result<Decoded<'m>, RecordError>>,
    /// What is said in them.
    pub(super) recognised: Recognised<'m>,
    /// By shard: the places of what its devices say.
    own: [Vec<usize>; Evaluator::SHARDS],
    /// When the last of them was received; none was later.
    pub(super) latest: Timestamp,
    /// Each of them stays apart.
    pub(super) stays_apart: bool,
}

impl<'m> Chunk<'m> {
    /// The chunk of these records of a batch.
    pub(super) fn of(batch: Batch<'m>, places: Range<usize>, decoder: &Decoder) -> Self {
        let (length, records) = (places.len(), batch.part(places));
        let mut chunk = Self {
            records: Vec::with_capacity(length),
            recognised: Recognised::with_room_for(length),
            own: std::array::from_fn(|_| Vec::with_capacity(length)),
            latest: Timestamp::EPOCH,
            stays_apart: true,
        };
        let (mut followers, under) = (Followers::default(), decoder.devices.installation());
        let mut desk = Desk::new(&mut followers);
        for record in records.iter() {
            let record = record.map(|record| decoder.decode(record, &mut desk, &mut chunk.recognised));
            chunk.add(record, under);
        }
        chunk
    }

    fn add(&mut self, record: Result<Decoded<'m>, RecordError>, under: Installation) {
        if let Ok(decoded) = &record {
            self.stays_apart &= decoded.stays_apart(under);
            self.latest = decoded.record.received_at;
            let shard = decoded.device(under).map(DeviceNumber::shard);
            if let Some(own) = shard.and_then(|shard| self.own.get_mut(shard)) {
                own.push(self.records.len());
            }
        } else {
            self.stays_apart = false;
        }
        self.records.push(record);
    }

    /// What devices of this shard say, by place.
    pub(super) fn own(&self, shard: usize) -> &[usize] {
        self.own.get(shard).map(Vec::as_slice).unwrap_or_default()
    }
}
