//! No acknowledged message is missing, and the first copies of a device's messages are in their order.

use std::collections::BTreeSet;

use super::{Evidence, Kept};

pub(super) fn check(evidence: &Evidence<'_>, journal: &[Kept], faults: &mut Vec<String>) {
    for (script, deeds) in evidence.scripts.iter().zip(&evidence.deeds) {
        let mut kept = BTreeSet::new();
        for message in journal.iter().filter(|message| message.site == script.site) {
            if kept.insert(message.number) && message.number + 1 != kept.len() {
                faults.push(format!(
                    "messages keep their order: device {}'s message {} is at {}, before one that was sent earlier",
                    script.site, message.number, message.offset
                ));
            }
        }
        for number in (0..deeds.acknowledged.len()).filter(|number| !kept.contains(number)) {
            faults.push(format!(
                "no acknowledged message is missing: device {}'s message {number} is not in the journal",
                script.site
            ));
        }
    }
}
