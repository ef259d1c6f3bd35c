//! The HTTP side: an API with its own wire types, the page for enforcement, health and metrics.
//!
//! **Promises.** Whatever comes in, an answer goes out: wrong requests are told what was expected (RFC 9457), bodies,
//! connections and times are bounded. Without users it listens on loopback alone, and only to what was asked for under a
//! loopback name; with users everybody is somebody, and may do what their role says. The actor of a command is who the
//! token says.
//!
//! **Knows:** the model, and alerting's commands and view. What else it shows comes through [`Reads`].
//! **Never:** decides anything.

mod access;
mod api;
mod health;
mod page;
mod problem;
mod reads;
mod serve;
mod users;
mod wire;

pub use api::router;
pub use reads::{DeadLetter, DeadLetters, DeviceLine, Part, Reads, RuleSummary, VerdictFilter, VerdictLine};
pub use serve::{ServeError, bind, serve};
pub use users::{Role, User, UserError, Users};

use std::sync::Arc;

use citywarden_alerting::Handle;

/// What the console shows and whom it listens to.
#[derive(Clone)]
pub struct Console {
    /// Everything but alerts.
    pub reads: Arc<dyn Reads>,
    /// The alerts.
    pub alerting: Handle,
    /// Who may use it.
    pub users: Arc<Users>,
}
