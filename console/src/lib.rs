//! The HTTP side: an API with its own wire types, the page for enforcement, health and metrics.
//!
//! **Promises.** Whatever comes in, an answer goes out: wrong requests are told what was expected (RFC 9457), bodies,
//! connections and times are bounded. Without users it listens on loopback alone, and only to what was asked for under a
//! loopback name; with users everybody is somebody, and may do what their role says. The actor of a command is who the
//! token says.
//!
//! **Knows:** the model, the archive's queries, and alerting's commands and view. What else it shows comes through
//! [`Reads`] and [`History`].
//! **Never:** decides anything.

mod access;
mod api;
mod health;
mod history;
mod page;
mod problem;
mod reads;
mod schema;
mod serve;
mod users;
mod wire;

pub use api::router;
pub use history::History;
pub use reads::{
    DeadLetter, DeadLetters, DeviceLine, LimitSummary, Part, Reads, RuleSummary, Unavailable, VerdictFilter,
    VerdictLine,
};
pub use serve::{ServeError, bind, serve};
pub use users::{Role, User, UserError, Users};

use std::sync::Arc;

use citywarden_alerting::Handle;
use citywarden_model::{Clock, LocalClock};
use tokio::sync::Semaphore;

use history::Past;

/// What the console shows and whom it listens to.
pub struct Sources {
    /// Everything but alerts and the past.
    pub reads: Arc<dyn Reads>,
    /// The past.
    pub history: Arc<dyn History>,
    /// The alerts.
    pub alerting: Handle,
    /// Who may use it.
    pub users: Arc<Users>,
    /// What `now` is.
    pub clock: Arc<dyn Clock>,
    /// The local time in which people are shown moments.
    pub local: LocalClock,
}

/// The console, before it listens.
#[derive(Clone)]
pub struct Console {
    reads: Arc<dyn Reads>,
    past: Past,
    alerting: Handle,
    users: Arc<Users>,
    clock: Arc<dyn Clock>,
    local: LocalClock,
    listeners: Arc<Semaphore>,
}

impl Console {
    /// A console that shows these.
    pub fn new(sources: Sources) -> Self {
        let Sources { reads, history, alerting, users, clock, local } = sources;
        let listeners = Arc::new(Semaphore::new(api::LISTENERS_MAX));
        Self { reads, past: Past::new(history), alerting, users, clock, local, listeners }
    }
}
