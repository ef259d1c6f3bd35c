//! The judge: reads the journal's records in order and has the evaluator judge what they say.
//!
//! One way for the running service, for a backtest and for an explanation: only where the records, the rules and the
//! registry come from differs.

mod dead_letter;
mod decoded;
mod evidence;
mod live;
mod snapshot;
mod topic;
mod versions;

use citywarden_formats::{Format, Profile};
use citywarden_journal::{Body, Control, Kept, Message, Record};
use citywarden_model::{
    DeadLetterReason, DeviceId, Digest, Moment, Observation, Offset, RegionId, Registry, Transition,
};
use citywarden_rules::{Arrival, DeviceNumber, Evaluator, EvaluatorOptions, RestoreError};

pub(crate) use dead_letter::{DeadLetter, Tally};
use decoded::{Decoded, Decoder, Said};
pub use evidence::{EvidenceSource, JournalEvidence, collect_evidence};
pub use live::{LiveJudge, Progress, Question, Questions};
pub use snapshot::{Snapshot, SnapshotStore};
pub(crate) use versions::Fixed;
pub use versions::{Stored, VersionError, Versions};

/// Judges records, one after the other.
pub struct Judge<V> {
    region: RegionId,
    versions: V,
    evaluator: Evaluator,
    tally: Tally,
}

impl<V: Versions> Judge<V> {
    /// A judge that has seen nothing.
    pub fn new(options: EvaluatorOptions, versions: V) -> Self {
        let region = options.region.clone();
        Self { region, versions, evaluator: Evaluator::new(options), tally: Tally::default() }
    }

    /// A judge as it was when the snapshot was taken.
    pub fn restore(
        options: EvaluatorOptions,
        mut versions: V,
        snapshot: &Snapshot,
    ) -> Result<Self, VersionError> {
        let region = options.region.clone();
        let unusable = |error: RestoreError| VersionError::Snapshot(error.to_string());
        let (rules, registry) = Evaluator::snapshot_needs(&snapshot.evaluator).map_err(unusable)?;
        let (rules, registry) = (versions.rules(&rules)?, versions.registry(&registry)?);
        let evaluator =
            Evaluator::restore(options, &snapshot.evaluator, rules, registry).map_err(unusable)?;
        Ok(Self { region, versions, evaluator, tally: Tally::default() })
    }

    /// Makes out what records say, by the register in force now.
    pub(crate) fn decoder(&self) -> Decoder {
        Decoder { region: self.region.clone(), devices: self.evaluator.devices() }
    }

    /// Looks at what these records will need, so that judging them right afterwards waits less for memory.
    pub(crate) fn look_ahead<'r, 'm: 'r>(&self, records: impl Iterator<Item = &'r Decoded<'m>>) {
        self.evaluator.look_ahead(records.filter_map(Decoded::device));
    }

    /// Judges one record; what it brings about is added to `out`.
    pub fn take(&mut self, record: &Record<'_>, out: &mut Vec<Transition>) -> Result<(), VersionError> {
        self.take_decoded(&Decoded::not_yet(*record), out)
    }

    /// As [`Self::take`], of a record that [`Self::decoder`] has decoded.
    pub(crate) fn take_decoded(
        &mut self,
        decoded: &Decoded<'_>,
        out: &mut Vec<Transition>,
    ) -> Result<(), VersionError> {
        let Decoded { record, said } = decoded;
        let moment = Moment { offset: record.offset, at: record.received_at };
        if self.versions.is_due(&record.body) {
            self.install(moment, &record.body, out)?;
        }
        match &record.body {
            Body::Control(Control::Started { last_received_at } | Control::Resumed { last_received_at }) => {
                self.evaluator.resume(moment, *last_received_at, out);
            }
            Body::Control(_) => self.evaluator.advance(moment, out),
            Body::Message(message) => {
                if let Err(dead) = self.message(moment, message, said.as_ref(), out) {
                    self.tally.add(dead.at(moment, message));
                    self.evaluator.advance(moment, out);
                }
            }
        }
        Ok(())
    }

    /// Puts into force what was when the oldest record kept came: what said so is gone. For a judge that has seen nothing.
    pub(crate) fn begin(&mut self, in_force: &[Kept], out: &mut Vec<Transition>) -> Result<(), VersionError> {
        in_force.iter().filter_map(|kept| kept.record().ok()).try_for_each(|record| self.take(&record, out))
    }

    /// Puts into force what the record says, as far as the versions want it.
    fn install(
        &mut self,
        moment: Moment,
        body: &Body<'_>,
        out: &mut Vec<Transition>,
    ) -> Result<(), VersionError> {
        let (rules, registry) = match body {
            Body::Control(Control::Rules { digest }) => (Some(*digest), None),
            Body::Control(Control::Registry { digest }) => (None, Some(*digest)),
            Body::Control(_) | Body::Message(_) => (Some(Digest::default()), Some(Digest::default())),
        };
        self.evaluator.advance(moment, out);
        if let Some(digest) = rules {
            let rules = self.versions.rules(&digest)?;
            // a start writes down what is in force already: that changes nothing
            if rules.digest != self.evaluator.rules().digest {
                self.evaluator.install_rules(moment, rules, out);
            }
        }
        if let Some(digest) = registry {
            let registry = self.versions.registry(&digest)?;
            if registry.digest != self.evaluator.registry().digest {
                self.evaluator.install_registry(moment, registry, out);
            }
        }
        Ok(())
    }

    fn message(
        &mut self,
        moment: Moment,
        message: &Message<'_>,
        said: Option<&Said<'_>>,
        out: &mut Vec<Transition>,
    ) -> Result<(), DeadLetter> {
        let Message { duplicate, retained, payload, .. } = *message;
        let arrival = Arrival { moment, duplicate, retained, payload };
        if let Some(Said { device, observations }) = said.filter(|said| self.evaluator.knows(said.device)) {
            let observations = observations.as_deref().map_err(DeadLetter::clone)?;
            self.evaluator.observe_of(&arrival, *device, observations, out);
        } else {
            let (device, observations) = self.read(message)?;
            self.evaluator.observe_of(&arrival, device, &observations, out);
        }
        Ok(())
    }

    fn read<'m>(&self, message: &Message<'m>) -> Result<(DeviceNumber, Vec<Observation<'m>>), DeadLetter> {
        let registry = self.evaluator.registry();
        let find = |id: &str| {
            let refused = || registered(registry, id).err();
            let unknown = || unknown(DeadLetterReason::UnknownDevice, id);
            self.evaluator.find(id).ok_or_else(|| refused().unwrap_or_else(unknown))
        };
        read(&self.region, registry, message, find)
    }

    /// Lets time pass up to this moment, without a record: what it brings about is not of interest.
    pub(crate) fn advance(&mut self, at: citywarden_model::Timestamp) {
        let offset = self.evaluator.moment().offset;
        self.evaluator.advance(Moment { offset, at }, &mut Vec::new());
    }
    /// What the evaluator knows.
    pub(crate) fn evaluator(&self) -> &Evaluator {
        &self.evaluator
    }
    /// What became of the messages.
    pub(crate) fn tally(&self) -> &Tally {
        &self.tally
    }
    /// Everything needed to go on with the record at `next`; `None` while no rules and registry are in force.
    pub fn snapshot(&self, next: Offset) -> Option<Snapshot> {
        let installed = self.evaluator.registry().digest != Digest::default();
        installed.then(|| Snapshot { next, evaluator: self.evaluator.snapshot() })
    }
}

/// The device of a message and what it says; a reason where nobody can tell.
pub(crate) fn decode<'r, 'm>(
    region: &RegionId,
    registry: &'r Registry,
    message: &Message<'m>,
) -> Result<(&'r DeviceId, Vec<Observation<'m>>), DeadLetter> {
    read(region, registry, message, |id| registered(registry, id))
}

/// As [`decode`], with somebody else to find the device.
fn read<'m, D>(
    region: &RegionId,
    registry: &Registry,
    message: &Message<'m>,
    find: impl FnOnce(&str) -> Result<D, DeadLetter>,
) -> Result<(D, Vec<Observation<'m>>), DeadLetter> {
    if let Some(reason) = message.refused {
        return Err(DeadLetter::new(reason, String::new()));
    }
    let parts = topic::read_topic(message, region, &registry.topics)
        .map_err(|reason| DeadLetter::new(reason, String::new()))?;
    let device = find(parts.device)?;
    let format =
        Format::parse(parts.format).ok_or_else(|| unknown(DeadLetterReason::UnknownFormat, parts.format))?;
    let profile = || registry.devices.get(parts.device).map_or(Profile::default(), Profile::of);
    Ok((device, decode_as(format, profile, message)?))
}

fn decode_as<'m, 'r>(
    format: Format,
    profile: impl FnOnce() -> Profile<'r>,
    message: &Message<'m>,
) -> Result<Vec<Observation<'m>>, DeadLetter> {
    let mut observations = Vec::with_capacity(1);
    citywarden_formats::decode(format, profile, message.payload, &mut observations)
        .map_err(|error| DeadLetter::new(DeadLetterReason::Undecodable, error.to_string()))?;
    Ok(observations)
}

/// The device of this id, with an asset that is known as well.
fn registered<'r>(registry: &'r Registry, id: &str) -> Result<&'r DeviceId, DeadLetter> {
    let device = registry.devices.get(id).ok_or_else(|| unknown(DeadLetterReason::UnknownDevice, id))?;
    if !registry.assets.contains_key(&device.asset) {
        return Err(unknown(DeadLetterReason::UnknownAsset, device.asset.as_str()));
    }
    Ok(&device.id)
}

fn unknown(reason: DeadLetterReason, what: &str) -> DeadLetter {
    DeadLetter::new(reason, format!("`{what}` is not known"))
}
