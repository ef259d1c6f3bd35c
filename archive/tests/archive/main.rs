//! The archive through its public door, in a file and in a real database.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod corrections;
mod county;
mod messages;
mod outage;
mod queries;
mod refusals;
mod restarts;
mod tables;

use citywarden_archive::{Archive, TimescaleArchive, TimescaleOptions};
use citywarden_tests::database::Database;

fn options(database: &Database) -> TimescaleOptions {
    TimescaleOptions::parse(&database.url, None).expect("a good URL")
}

fn open(database: &Database) -> Box<dyn Archive> {
    Box::new(TimescaleArchive::open(&options(database)).expect("it opens"))
}
