//! `/readyz`: each part of the service, whether it works, and if not, why.

use std::sync::Arc;

use citywarden_console::Part;
use citywarden_ingest::broker::BrokerCounters;
use citywarden_journal::Inbox;

use crate::judge::Progress;
use crate::pipeline::Pipeline;
use crate::reload::Reloader;

/// The parts whose failing keeps messages out or alerts in; alerting itself the console knows.
pub(super) struct Parts {
    inbox: Inbox,
    progress: Arc<Progress>,
    reloader: Arc<Reloader>,
    brokers: Vec<(String, Arc<BrokerCounters>)>,
}

impl Parts {
    pub(super) fn of(pipeline: &Pipeline) -> Self {
        let brokers = pipeline.sources.brokers.iter();
        Self {
            inbox: pipeline.inbox.clone(),
            progress: Arc::clone(&pipeline.progress),
            reloader: Arc::clone(&pipeline.reloader),
            brokers: brokers.map(|source| (source.name.clone(), Arc::clone(&source.counters))).collect(),
        }
    }

    pub(super) fn now(&self) -> Vec<Part> {
        let part = |name: &str, fault: Option<String>| Part {
            name: name.to_owned(),
            ready: fault.is_none(),
            detail: fault,
        };
        let brokers = self.brokers.iter().map(|(name, counters)| {
            let is_away = !counters.is_up();
            part(
                name,
                is_away.then(|| "not connected to its broker, or not subscribed; see the log".to_owned()),
            )
        });
        let own =
            [part("journal", self.journal()), part("judge", self.judge()), part("reload", self.reload())];
        own.into_iter().chain(brokers).collect()
    }

    fn journal(&self) -> Option<String> {
        if self.inbox.is_stopped() {
            return Some("stopped: its disk failed; nothing is acknowledged".to_owned());
        }
        self.inbox
            .is_disk_full()
            .then(|| "the disk is full; nothing is acknowledged until there is room".to_owned())
    }
    fn reload(&self) -> Option<String> {
        let (what, why) = self.reloader.pending().into_iter().next()?;
        Some(format!("saved {} are not in force, and it is tried again: {why}", what.as_str()))
    }
    fn judge(&self) -> Option<String> {
        self.progress
            .is_stopped()
            .then(|| "stopped: see the log; messages are kept and not judged".to_owned())
    }
}
