//! Both chains are unbroken, and the journal's checkpoints are signed.

use citywarden_journal::{Verification, verify};

use super::{Evidence, Unreadable};
use crate::machine::Machine;

/// What was walked: the journal, the alert log.
pub(super) fn check(
    evidence: &Evidence<'_>,
    faults: &mut Vec<String>,
) -> Result<[Verification; 2], Unreadable> {
    let signer = Machine::key().public().fingerprint();
    let (journal, alerts) = (Machine::layout().journal(), Machine::layout().alerts());
    let logs = [("journal", journal, Some(signer)), ("alert log", alerts, None)];
    let [journal, alerts] = logs.map(|(what, dir, signer)| {
        let found = verify(&evidence.machine.disk, &dir, signer)
            .map_err(|error| format!("the chain of the {what} is unbroken: {error}"))?;
        if !found.is_intact() {
            faults.push(format!("the chain of the {what} is unbroken: {:?}", found.faults));
        }
        Ok::<_, Unreadable>(found)
    });
    Ok([journal?, alerts?])
}
