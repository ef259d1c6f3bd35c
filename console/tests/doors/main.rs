//! The console as a program on the other side of HTTP meets it.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "clippy knows the functions marked as tests, not those they call"
)]

mod access;
mod alerts;
mod house;
mod rest;
