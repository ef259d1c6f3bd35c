//! Rows that a database refuses for good: found one by one and set aside, so that they hold back nothing else.

use crate::batch::Batch;
use crate::store::{Archive, ArchiveError};

/// Writes a batch. What the database refuses as it is, and would refuse again, is left out: `set_aside` hears which row it is
/// and why. All the rest, and the places that the batch reaches, are written.
///
/// A batch with such a row is written in parts, and the places only with the last of them: whoever is killed in between
/// writes the same rows again, which counts once.
pub fn append_all_but_refused(
    archive: &mut dyn Archive,
    batch: &Batch,
    set_aside: &mut dyn FnMut(&str, &str),
) -> Result<(), ArchiveError> {
    let why = match archive.append(batch) {
        Err(ArchiveError::Refused(why)) => why,
        written => return written,
    };
    if let Some((first, second)) = batch.halves() {
        append_all_but_refused(archive, &first, set_aside)?;
        return append_all_but_refused(archive, &second, set_aside);
    }
    let rest = batch.without_rows();
    // the places themselves are never a row's fault
    if batch.is_empty() {
        return Err(ArchiveError::Away(why));
    }
    if rest.before() != rest.after() {
        archive.append(&rest)?;
    }
    set_aside(&batch.first_in_words(), &why);
    Ok(())
}
