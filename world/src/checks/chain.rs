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
    let disk = &evidence.machine.disk;
    let logs = [
        ("journal", disk, &journal, Some(signer)),
        ("alert log", disk, &alerts, None),
        ("journal with what was removed", &evidence.whole, &journal, Some(signer)),
    ];
    let [journal, alerts, whole] = logs.map(|(what, disk, dir, signer)| {
        let found = verify(disk, dir, signer)
            .map_err(|error| format!("the chain of the {what} is unbroken: {error}"))?;
        if !found.is_intact() {
            faults.push(format!("the chain of the {what} is unbroken: {:?}", found.faults));
        }
        Ok::<_, Unreadable>(found)
    });
    whole?;
    Ok([journal?, alerts?])
}
