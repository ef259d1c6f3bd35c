//! Each alert names the rules that were in force at the record that raised it: those that the journal named last.

use citywarden_alerting::event::Record;
use citywarden_model::{Digest, Offset};

use super::raise_of;

pub(super) fn check(rules: &[(Offset, Digest)], log: &[(Offset, Record)], faults: &mut Vec<String>) {
    for (event, raise) in log.iter().filter_map(|(_, record)| raise_of(record)) {
        let Some(at) = event.cause.map(|cause| cause.moment.offset) else { continue };
        // what was due by the clock is due before the record that shows the time, and that one may bring other rules
        let before = rules.iter().take_while(|(from, _)| *from < at).last();
        let with_it = rules.iter().find(|(from, _)| *from == at);
        let mut may_be = before.into_iter().chain(with_it);
        if !may_be.any(|(_, digest)| *digest == raise.raised.ruleset_digest) {
            faults.push(format!(
                "an alert names the rules in force: {} at {at} names {}, where {before:?} or {with_it:?} were",
                event.alert, raise.raised.ruleset_digest
            ));
        }
    }
}
