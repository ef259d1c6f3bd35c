//! What has to be done now and then beside the pipeline: ticks, checkpoints when an alert opens, retention.

use std::sync::Arc;
use std::time::Duration;

use citywarden_alerting::What;
use citywarden_journal::{Disk, Hold, HostDisk, Retention, retain};
use citywarden_model::Offset;
use tokio::sync::broadcast::error::RecvError;
use tokio::task::JoinHandle;

use crate::archivist::ArchiveProgress;
use crate::judge::SnapshotStore;
use crate::pipeline::Pipeline;
use crate::spine::Layout;

/// How often it is looked whether records may go.
const RETENTION_EVERY: Duration = Duration::from_mins(10);

/// The chores under way.
pub(crate) struct Chores(Vec<JoinHandle<()>>);

impl Chores {
    /// Ends them; none of them has anything to finish.
    pub(crate) async fn stop(self) {
        for chore in self.0 {
            chore.abort();
            drop(chore.await);
        }
    }
}

/// Begins them. `tick` is how long a second of the journal's clock takes.
pub(crate) fn start(pipeline: &Pipeline, tick: Duration) -> Chores {
    Chores(vec![
        tokio::spawn(ticks(pipeline.inbox.clone(), tick)),
        tokio::spawn(checkpoints(pipeline.inbox.clone(), pipeline.alerting.clone())),
        tokio::spawn(retention(
            Arc::clone(&pipeline.config),
            Arc::clone(&pipeline.clock),
            Arc::clone(&pipeline.archiving.progress),
        )),
    ])
}

async fn ticks(inbox: citywarden_journal::Inbox, every: Duration) {
    let mut interval = tokio::time::interval(every);
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        interval.tick().await;
        // where the journal takes nothing, time stands still for it as well
        inbox.tick().ok();
    }
}

/// The head of the alert log is signed with the journal's next checkpoint; one is made at once when an alert opens.
async fn checkpoints(inbox: citywarden_journal::Inbox, alerting: citywarden_alerting::Handle) {
    let mut events = alerting.listen();
    loop {
        match events.recv().await {
            Ok(event) => {
                inbox.set_foreign_head(alerting.standing().head);
                if matches!(event.what, What::Opened(_)) {
                    inbox.request_checkpoint();
                }
            }
            Err(RecvError::Lagged(_)) => inbox.request_checkpoint(),
            Err(RecvError::Closed) => return,
        }
    }
}

async fn retention(
    config: Arc<crate::config::Config>,
    clock: Arc<dyn citywarden_model::Clock>,
    archive: Arc<ArchiveProgress>,
) {
    let mut interval = tokio::time::interval(RETENTION_EVERY);
    loop {
        interval.tick().await;
        let (config, now, archived) = (Arc::clone(&config), clock.now(), archive.needed());
        let removing = tokio::task::spawn_blocking(move || remove_old(&config, archived, now));
        match removing.await {
            Ok(Ok(())) | Err(_) => {}
            Ok(Err(error)) => tracing::warn!("old records could not be removed: {error}"),
        }
    }
}

fn remove_old(
    config: &crate::config::Config,
    archived: Offset,
    now: citywarden_model::Timestamp,
) -> anyhow::Result<()> {
    let layout = Layout::new(&config.data_dir);
    let disk: Arc<dyn Disk> = Arc::new(HostDisk);
    let snapshots = SnapshotStore::open(&disk, layout.snapshots())?.newest_first()?;
    // without a snapshot the judge begins with the oldest record: all of them are needed
    let needed = snapshots.iter().map(|snapshot| snapshot.next).min().unwrap_or_default();
    let hold = |name: &str, offset, yields| Hold { name: name.to_owned(), offset, yields };
    // the archive holds back what is old, not what is too much
    let holds = [hold("judge", needed, false), hold("archive", archived, true)];
    let bytes_max = share_of_disk(config)?;
    let rules = Retention { age: config.journal.retention, bytes_max, bytes_floor: bytes_max };
    let removed = retain(&disk, &layout.journal(), &rules, &holds, now)?;
    for lost in &removed.lost {
        let oldest = removed.oldest.unwrap_or_default();
        tracing::error!("the disk's share is full: {} loses records {} to {oldest}", lost.name, lost.offset);
    }
    if removed.segments > 0 {
        tracing::info!("{} old segments removed, {} bytes", removed.segments, removed.bytes);
    }
    Ok(())
}

/// The journal's share of the disk it is on, in bytes.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a share"
)]
fn share_of_disk(config: &crate::config::Config) -> anyhow::Result<u64> {
    let total = fs4::total_space(&config.data_dir)?;
    Ok((total as f64 * config.journal.retention_share) as u64)
}
