//! What has to be done now and then beside the pipeline: ticks, checkpoints when an alert opens, retention.

use std::sync::Arc;
use std::time::Duration;

use citywarden_alerting::What;
use citywarden_journal::{Hold, HostDisk};
use citywarden_model::Clock;
use tokio::runtime::Handle;
use tokio::sync::broadcast::error::RecvError;
use tokio::task::JoinHandle;

use crate::pipeline::Pipeline;
use crate::reload::Reloader;
use crate::retention::{Keeper, Keeping};
use crate::spine::{Grounds, Layout};

/// How often a reload that failed is tried again.
const RELOAD_EVERY: Duration = Duration::from_secs(1);

/// How often retention looks while the disk is full.
const FULL_DISK_EVERY: Duration = Duration::from_secs(1);

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
        tokio::spawn(reloads(Arc::clone(&pipeline.reloader))),
        tokio::spawn(retention(
            keeper(pipeline),
            pipeline.config.journal.retention_every,
            pipeline.inbox.clone(),
            Arc::clone(&pipeline.clock),
        )),
    ])
}

fn keeper(pipeline: &Pipeline) -> Keeper {
    let config = &pipeline.config;
    let archive = Arc::clone(&pipeline.archiving.progress);
    // the archive holds back what is old, not what is too much
    let holds = move || vec![Hold { name: "archive".to_owned(), offset: archive.needed(), yields: true }];
    let grounds = Grounds {
        disk: Arc::new(HostDisk),
        clock: Arc::clone(&pipeline.clock),
        layout: Layout::new(&config.data_dir),
    };
    let keeping = Keeping { age: config.journal.retention, share: config.journal.retention_share };
    let (progress, questions) = (Arc::clone(&pipeline.progress), pipeline.questions.clone());
    Keeper::new(&grounds, keeping, progress, questions, Box::new(holds))
}

/// Lets the journal note that time passes where nothing else comes; `every` is how long a second of its clock takes.
pub async fn ticks(inbox: citywarden_journal::Inbox, every: Duration) {
    let mut interval = tokio::time::interval(every);
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        interval.tick().await;
        // where the journal takes nothing, time stands still for it as well
        inbox.tick().ok();
    }
}

/// Saves that could not be put into force: the disk may have room again.
async fn reloads(reloader: Arc<Reloader>) {
    let mut interval = tokio::time::interval(RELOAD_EVERY);
    loop {
        interval.tick().await;
        let reloader = Arc::clone(&reloader);
        if tokio::task::spawn_blocking(move || reloader.retry()).await.is_err() {
            return;
        }
    }
}

/// The head of the alert log is signed with the journal's next checkpoint; one is made at once when an alert opens.
pub async fn checkpoints(inbox: citywarden_journal::Inbox, alerting: citywarden_alerting::Handle) {
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
    mut keeper: Keeper,
    every: Duration,
    inbox: citywarden_journal::Inbox,
    clock: Arc<dyn Clock>,
) {
    let mut regular = tokio::time::interval(every);
    loop {
        tokio::select! {
            _ = regular.tick() => {}
            // what waits for room does not wait for the next regular look
            () = tokio::time::sleep(FULL_DISK_EVERY) => if !inbox.is_disk_full() { continue },
        }
        let now = clock.now();
        let passing = tokio::task::spawn_blocking(move || {
            let passed = Handle::current().block_on(keeper.pass(now));
            (keeper, passed)
        });
        let Ok((back, passed)) = passing.await else { return };
        keeper = back;
        if let Err(error) = passed {
            tracing::warn!("old records could not be removed: {error}");
        }
    }
}
