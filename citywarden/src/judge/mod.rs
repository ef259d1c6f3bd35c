//! The judge: reads the journal's records in order and has the evaluator judge what they say.
//!
//! One way for the running service, for a backtest and for an explanation: only where the records, the rules and the
//! registry come from differs.

mod batch;
mod dead_letter;
mod decoded;
mod evidence;
mod live;
mod snapshot;
mod topic;
mod versions;
mod workers;

use citywarden_formats::{Format, Profile};
use citywarden_journal::{Body, Control, Kept, Message, Record};
use citywarden_model::{
    DeadLetterReason, DeviceId, Digest, Moment, Observation, Offset, RegionId, Registry, Transition,
};
use citywarden_rules::{Evaluator, EvaluatorOptions, Followers, Recognised, RestoreError};

pub use batch::{BatchError, Judged, Sharing};
pub(crate) use dead_letter::{DeadLetter, Tally};
use decoded::{Decoded, Decoder, Desk};
pub use evidence::{EvidenceSource, JournalEvidence, collect_evidence};
pub use live::{LiveJudge, Progress, Question, Questions};
pub use snapshot::{Snapshot, SnapshotStore};
pub(crate) use versions::Fixed;
pub use versions::{Stored, VersionError, Versions};
use workers::Workers;

/// Judges records, in their order: one by one, or a batch at a time.
pub struct Judge<V> {
    region: RegionId,
    versions: V,
    evaluator: Evaluator,
    followers: Followers,
    tally: Tally,
    workers: Workers,
    sharing: Sharing,
}

impl<V: Versions> Judge<V> {
    /// A judge that has seen nothing.
    pub fn new(options: EvaluatorOptions, versions: V) -> Self {
        Self::of(options.region.clone(), versions, Evaluator::new(options))
    }

    fn of(region: RegionId, versions: V, evaluator: Evaluator) -> Self {
        Self {
            region,
            versions,
            evaluator,
            followers: Followers::default(),
            tally: Tally::default(),
            workers: Workers::default(),
            sharing: Sharing::default(),
        }
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
        Ok(Self::of(region, versions, evaluator))
    }

    /// Makes out what records say, by the register in force now.
    fn decoder(&self) -> Decoder {
        Decoder { region: self.region.clone(), devices: self.evaluator.devices() }
    }

    /// Judges one record; what it brings about is added to `out`.
    pub fn take(&mut self, record: &Record<'_>, out: &mut Vec<Transition>) -> Result<(), VersionError> {
        self.take_decoded(&Decoded::not_yet(*record), &Recognised::default(), out)
    }

    /// As [`Self::take`], of a record that [`Self::decoder`] has decoded; what is said in it is among `recognised`.
    fn take_decoded(
        &mut self,
        decoded: &Decoded<'_>,
        recognised: &Recognised<'_>,
        out: &mut Vec<Transition>,
    ) -> Result<(), VersionError> {
        let (record, moment) = (&decoded.record, decoded.moment());
        if self.versions.is_due(&record.body) {
            self.install(moment, &record.body, out)?;
        }
        match &record.body {
            Body::Control(Control::Started { last_received_at } | Control::Resumed { last_received_at }) => {
                self.evaluator.resume(moment, *last_received_at, out);
            }
            Body::Control(_) => self.evaluator.advance(moment, out),
            Body::Message(message) => {
                if let Err(dead) = self.message(decoded, message, recognised, out) {
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
        decoded: &Decoded<'_>,
        message: &Message<'_>,
        recognised: &Recognised<'_>,
        out: &mut Vec<Transition>,
    ) -> Result<(), DeadLetter> {
        let arrival = decoded.arrival(message);
        if let Some(statement) = decoded.statement(self.evaluator.installation()) {
            let statement = statement.as_ref().map_err(DeadLetter::clone)?;
            self.evaluator.observe_of(&arrival, statement.device, statement.said(recognised), out);
        } else {
            let mut recognised = Recognised::with_room_for(1);
            let statement =
                self.decoder().read(message, &mut Desk::new(&mut self.followers), &mut recognised)?;
            self.evaluator.observe_of(&arrival, statement.device, statement.said(&recognised), out);
        }
        Ok(())
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
    let mut observations = Vec::with_capacity(1);
    let device = read(region, registry, message, |id| registered(registry, id), &mut observations)?;
    Ok((device, observations))
}

/// As [`decode`], with somebody else to find the device; what it says is added to `into`.
fn read<'m, D>(
    region: &RegionId,
    registry: &Registry,
    message: &Message<'m>,
    find: impl FnOnce(&str) -> Result<D, DeadLetter>,
    into: &mut Vec<Observation<'m>>,
) -> Result<D, DeadLetter> {
    if let Some(reason) = message.refused {
        return Err(DeadLetter::new(reason, String::new()));
    }
    let parts = topic::read_topic(message, region, &registry.topics)
        .map_err(|reason| DeadLetter::new(reason, String::new()))?;
    let device = find(parts.device)?;
    let format =
        Format::parse(parts.format).ok_or_else(|| unknown(DeadLetterReason::UnknownFormat, parts.format))?;
    let profile = || registry.devices.get(parts.device).map_or(Profile::default(), Profile::of);
    citywarden_formats::decode(format, profile, message.payload, into)
        .map_err(|error| DeadLetter::new(DeadLetterReason::Undecodable, error.to_string()))?;
    Ok(device)
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
