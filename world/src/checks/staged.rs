//! One alert for each staged violation, and none besides.
//!
//! Raised again within the rule's window of clearing it is the same alert by design, so what is counted is what was
//! raised, whether that opened an alert or renewed one.

use std::collections::BTreeMap;

use citywarden_alerting::event::Record;
use citywarden_model::{Offset, Span, Timestamp};

use super::{Evidence, Kept, raise_of};
use crate::county::{DUST, OPENED, Staged, asset_id};

/// The newest value of a device holds so long by the journal's clock; then nobody can tell, and what is pending begins
/// anew.
const HOLDS: Span = Span::from_secs(60);

pub(super) fn check(
    evidence: &Evidence<'_>,
    journal: &[Kept],
    log: &[(Offset, Record)],
    faults: &mut Vec<String>,
) {
    let mut raised: BTreeMap<(String, String), Vec<Timestamp>> = BTreeMap::new();
    for (_, raise) in log.iter().filter_map(|(_, record)| raise_of(record)) {
        let subject = (raise.raised.rule.to_string(), raise.raised.asset.id.to_string());
        raised.entry(subject).or_default().push(raise.raised.began_at);
    }
    for script in evidence.scripts {
        let staged = script.staged();
        for rule in [DUST, OPENED] {
            let raised = raised.remove(&(rule.to_owned(), asset_id(script.site))).unwrap_or_default();
            let staged = staged.iter().filter(|staged| staged.rule == rule);
            compare(rule, staged, raised, journal, faults);
        }
    }
}

fn compare<'s>(
    rule: &str,
    staged: impl Iterator<Item = &'s Staged>,
    mut raised: Vec<Timestamp>,
    journal: &[Kept],
    faults: &mut Vec<String>,
) {
    for staged in staged {
        let within = |began: &Timestamp| (staged.began_at..=staged.ended_at).contains(began);
        let found: Vec<Timestamp> = raised.extract_if(.., |began| within(began)).collect();
        let is_clean = !is_broken(staged, journal);
        match found.as_slice() {
            [began] if *began == staged.began_at || !is_clean => {}
            [began] => {
                faults.push(format!("a violation is raised as of its beginning: {staged:?} as of {began}"));
            }
            [] => {
                faults.push(format!("every violation has an alert: {staged:?} has none (clean: {is_clean})"));
            }
            more => {
                faults.push(format!("a violation has one alert: {staged:?} was raised {} times", more.len()));
            }
        }
    }
    faults.extend(raised.iter().map(|began| format!("nothing is invented: {rule} was raised as of {began}")));
}

/// Whether the device was not heard of for so long in the middle that its newest value held no longer.
fn is_broken(staged: &Staged, journal: &[Kept]) -> bool {
    let (first, last) = staged.readings;
    let mut next = first.saturating_sub(1);
    let mut heard: Option<Timestamp> = None;
    for message in journal.iter().filter(|message| message.site == staged.site) {
        if message.number != next || next > last + 1 {
            continue;
        }
        if heard.is_some_and(|heard| message.received_at.since(heard) >= HOLDS) {
            return true;
        }
        heard = Some(message.received_at);
        next += 1;
    }
    false
}
