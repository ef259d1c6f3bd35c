//! Alerting through its public doors.

mod county;
mod lifecycle;
mod lifecycle_model;
mod routes;
mod wire;
