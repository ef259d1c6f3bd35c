//! Sections that nobody needs to write: the numbers of semantics.md and the bounds of queues and files.

use std::time::Duration;

use citywarden_alerting::outbox::{Backoff, OutboxLimits};
use citywarden_journal::{LogOptions, Reserve, WriterOptions};
use citywarden_model::{LocalClock, RegionId, Span};
use citywarden_rules::EvaluatorOptions;

use super::fields::Fields;

/// How the journal is kept.
#[derive(Debug, Clone)]
pub(crate) struct JournalConfig {
    /// The sizes of its files.
    pub(crate) log: LogOptions,
    /// Of its writer.
    pub(crate) writer: WriterOptions,
    /// Segments older than this may go.
    pub(crate) retention: Span,
    /// The share of the disk it may take.
    pub(crate) retention_share: f64,
    /// Room on the disk that it leaves to the rest of the service.
    pub(crate) reserve: Reserve,
    /// How often it is looked whether segments may go.
    pub(crate) retention_every: Duration,
    /// How often the judge takes a snapshot, by the journal's clock: what a restart reads again at most.
    pub(crate) snapshot_every: Span,
}

/// How saves are noticed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct WatchConfig {
    /// A save is taken after this long without another.
    pub(crate) quiet: Duration,
    /// How often folders are looked at where the system does not tell of changes.
    pub(crate) poll: Duration,
}

const DAY: i64 = 24 * 60;

pub(crate) fn journal(fields: Option<&Fields<'_, '_>>) -> JournalConfig {
    let mut journal = JournalConfig {
        log: LogOptions::default(),
        writer: WriterOptions::default(),
        retention: Span::from_mins(30 * DAY),
        retention_share: 0.5,
        reserve: Reserve { share: 0.05, bytes_max: 1 << 30 },
        retention_every: Duration::from_mins(10),
        snapshot_every: Span::from_secs(30),
    };
    let Some(fields) = fields else { return journal };
    // four MiB hold the largest record that can be configured, with room; a start scans the last segment
    let segment = fields.count("segment_bytes", journal.log.segment_bytes as usize, 4 << 20..=1 << 30);
    journal.log.segment_bytes = u32::try_from(segment).unwrap_or(journal.log.segment_bytes);
    journal.log.commit_bytes_max =
        fields.count("commit_bytes_max", journal.log.commit_bytes_max, 2 << 20..=64 << 20);
    journal.writer.checkpoint_every = fields.duration(
        "checkpoint_every",
        journal.writer.checkpoint_every,
        Span::from_millis(100)..=Span::from_mins(60),
    );
    journal.retention =
        fields.duration("retention", journal.retention, Span::from_mins(DAY)..=Span::from_mins(3650 * DAY));
    journal.reserve.share = fields.share("reserve_share", journal.reserve.share);
    journal.retention_share = fields.share("retention_share", journal.retention_share);
    let every =
        fields.duration("retention_every", Span::from_mins(10), Span::from_secs(1)..=Span::from_mins(DAY));
    journal.retention_every = every.duration();
    let seconds = Span::from_secs(1)..=Span::from_mins(60);
    journal.snapshot_every = fields.duration("snapshot_every", journal.snapshot_every, seconds);
    journal
}

#[expect(clippy::cast_possible_truncation, reason = "a share between 0 and 1, in millionths")]
pub(crate) fn evaluation(
    fields: Option<&Fields<'_, '_>>,
    region: RegionId,
    local: LocalClock,
) -> EvaluatorOptions {
    let mut options = EvaluatorOptions { local, ..EvaluatorOptions::of(region) };
    let Some(fields) = fields else { return options };
    let hours = Span::from_secs(1)..=Span::from_mins(DAY);
    options.late_after = fields.duration("late_after", options.late_after, hours.clone());
    options.future_skew = fields.duration("future_skew", options.future_skew, hours.clone());
    options.duplicate_within = fields.duration("duplicate_within", options.duplicate_within, hours);
    if fields.place("coverage_min").is_some() {
        options.coverage_min = (fields.share("coverage_min", 0.75) * 1e6).round() as i64;
    }
    options
}

pub(crate) fn delivery(fields: Option<&Fields<'_, '_>>) -> OutboxLimits {
    let OutboxLimits { backoff, give_up_after } = OutboxLimits::default();
    let Some(fields) = fields else { return OutboxLimits { backoff, give_up_after } };
    let pauses = Span::from_millis(100)..=Span::from_mins(DAY);
    let backoff = Backoff {
        first: fields.duration("first_pause", backoff.first, pauses.clone()),
        longest: fields.duration("longest_pause", backoff.longest, pauses.clone()),
        asked_max: fields.duration("asked_pause_max", backoff.asked_max, pauses),
    };
    if let Some(at) = fields.place("longest_pause").filter(|_| backoff.longest < backoff.first) {
        fields.error(&at, "`longest_pause` is shorter than `first_pause`");
    }
    let days = Span::from_mins(1)..=Span::from_mins(30 * DAY);
    OutboxLimits { backoff, give_up_after: fields.duration("give_up_after", give_up_after, days) }
}

pub(crate) fn watch(fields: Option<&Fields<'_, '_>>) -> WatchConfig {
    let (quiet, poll) = (Span::from_millis(300), Span::from_secs(1));
    let Some(fields) = fields else { return WatchConfig { quiet: quiet.duration(), poll: poll.duration() } };
    let quiet = fields.duration("quiet", quiet, Span::from_millis(50)..=Span::from_secs(10));
    let poll = fields.duration("poll", poll, Span::from_millis(200)..=Span::from_mins(1));
    WatchConfig { quiet: quiet.duration(), poll: poll.duration() }
}
