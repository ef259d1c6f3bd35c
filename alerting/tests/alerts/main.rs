//! Alerting through its public doors.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "clippy knows the functions marked as tests, not those they call"
)]

mod broker;
mod county;
mod delivery;
mod disk;
mod lifecycle;
mod lifecycle_model;
mod log_model;
mod outbox;
mod outbox_model;
mod restart;
mod routes;
mod service;
mod wire;
