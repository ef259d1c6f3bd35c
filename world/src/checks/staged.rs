//! One alert for each staged violation, and none besides.
//!
//! Raised again within the rule's window of clearing it is the same alert by design, so what is counted is what was
//! raised, whether that opened an alert or renewed one.

use std::collections::BTreeMap;

use citywarden_alerting::event::{Record, What};
use citywarden_model::{AlertId, Offset, Span, Timestamp};

use super::{Evidence, Kept, raise_of};
use crate::county::{DUST, OPENED, Script, Staged, asset_id};

/// The newest value of a device holds so long by the journal's clock; then nobody can tell, and what is pending begins
/// anew.
const HOLDS: Span = Span::from_secs(60);
/// The window of openings: what is in it violates for so long.
const OPENINGS: Span = Span::from_secs(60);
/// Where a device is not heard of for longer, the journal's clock moves the window of openings on: it may have ended
/// before what comes later shows that it had not.
const HEARD_WITHIN: Span = Span::from_millis(7_400);

/// Something that was raised.
struct Raised {
    alert: AlertId,
    began_at: Timestamp,
    opens: bool,
}

pub(super) fn check(
    evidence: &Evidence<'_>,
    journal: &[Kept],
    log: &[(Offset, Record)],
    faults: &mut Vec<String>,
) {
    let mut raised: BTreeMap<(String, String), Vec<Raised>> = BTreeMap::new();
    for (event, raise) in log.iter().filter_map(|(_, record)| raise_of(record)) {
        let subject = (raise.raised.rule.to_string(), raise.raised.asset.id.to_string());
        let (alert, began_at) = (event.alert.clone(), raise.raised.began_at);
        let opens = matches!(event.what, What::Opened(_));
        raised.entry(subject).or_default().push(Raised { alert, began_at, opens });
    }
    for script in evidence.scripts {
        let staged = script.staged();
        for rule in [DUST, OPENED] {
            let raised = raised.remove(&(rule.to_owned(), asset_id(script.site))).unwrap_or_default();
            let staged = staged.iter().filter(|staged| staged.rule == rule);
            compare((script, rule), staged, raised, journal, faults);
        }
    }
}

fn compare<'s>(
    (script, rule): (&Script, &str),
    staged: impl Iterator<Item = &'s Staged>,
    mut raised: Vec<Raised>,
    journal: &[Kept],
    faults: &mut Vec<String>,
) {
    for staged in staged {
        let lasts = if rule == OPENED { OPENINGS } else { Span::ZERO };
        let within = staged.began_at..=staged.ended_at + lasts;
        let found: Vec<Raised> = raised.extract_if(.., |raised| within.contains(&raised.began_at)).collect();
        let may_begin_later = rule == DUST && is_unheard(script, staged, journal, HOLDS);
        let may_renew = rule == OPENED && is_unheard(script, staged, journal, HEARD_WITHIN);
        let Some((first, more)) = found.split_first() else {
            faults.push(format!("every violation has an alert: {staged:?} has none"));
            continue;
        };
        if first.began_at != staged.began_at && !may_begin_later {
            faults.push(format!(
                "a violation is raised as of its beginning: {staged:?} as of {}",
                first.began_at
            ));
        }
        let are_the_same = more.iter().all(|raised| raised.alert == first.alert && !raised.opens);
        let is_one = more.is_empty() || may_renew && are_the_same;
        if !is_one {
            faults.push(format!("a violation has one alert: {staged:?} was raised {} times", found.len()));
        }
    }
    let invented = raised.iter().map(|raised| raised.began_at);
    faults.extend(invented.map(|began| format!("nothing is invented: {rule} was raised as of {began}")));
}

/// Whether no reading of the device came for so long at some time while it violated.
fn is_unheard(script: &Script, staged: &Staged, journal: &[Kept], for_so_long: Span) -> bool {
    let (first, last) = staged.readings;
    let last = if staged.rule == OPENED { last + 12 } else { last };
    let mut next = first.saturating_sub(1);
    let mut heard: Option<Timestamp> = None;
    for message in journal.iter().filter(|message| message.site == staged.site) {
        if script.reading_of(message.number) != Some(next) || next > last + 1 {
            continue;
        }
        if heard.is_some_and(|heard| message.received_at.since(heard) >= for_so_long) {
            return true;
        }
        heard = Some(message.received_at);
        next += 1;
    }
    false
}
