//! The past, as the archive has it.

use std::sync::Arc;

use citywarden_archive::{ArchiveError, ReadingsPage, ReadingsQuery};
use citywarden_model::QuantityName;
use tokio::sync::Semaphore;

use crate::problem::Problem;

/// Questions to the archive at a time; whoever comes after waits.
const QUESTIONS_MAX: usize = 4;

/// What the console is handed of the past. Each method may wait for a database.
pub trait History: Send + Sync {
    /// The readings of one device and quantity.
    fn readings(&self, query: &ReadingsQuery) -> Result<ReadingsPage, ArchiveError>;
}

/// Puts questions to the past, a few at a time, where waiting is allowed.
#[derive(Clone)]
pub(crate) struct Past {
    history: Arc<dyn History>,
    room: Arc<Semaphore>,
}

impl Past {
    pub(crate) fn new(history: Arc<dyn History>) -> Self {
        Self { history, room: Arc::new(Semaphore::new(QUESTIONS_MAX)) }
    }

    pub(crate) async fn readings(&self, query: ReadingsQuery) -> Result<ReadingsPage, Problem> {
        let history = Arc::clone(&self.history);
        let permit = Arc::clone(&self.room).acquire_owned().await;
        let answer = tokio::task::spawn_blocking(move || {
            // held until the database has answered, also where nobody waits for it any more
            let _permit = permit;
            history.readings(&query)
        });
        let answer = answer.await.map_err(|error| Problem::broken(error.to_string()))?;
        answer.map_err(|error| Problem::broken(error.to_string()))
    }
}

/// The unit in which readings of a quantity come, where it is a known one.
pub(crate) fn unit_of(quantity: &QuantityName) -> Option<&'static str> {
    let known = citywarden_model::KNOWN_QUANTITIES.iter().find(|known| known.name == quantity.as_str())?;
    Some(known.unit).filter(|unit| !unit.is_empty())
}
