//! The journal through its public doors, on a disk that behaves badly and on a real one.

#![expect(clippy::unwrap_used, reason = "a helper of a test that cannot go on fails the test")]

mod crash;
mod damage;
mod disk_full;
mod every_failure;
mod inbox;
mod model;
mod raw_log;
mod records;
mod remnant;
mod retention;
mod support;
mod threads;
