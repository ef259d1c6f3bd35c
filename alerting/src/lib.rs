//! An alert's life: what the evaluator's transitions and people's commands make of it, who is told, and that they are.
//!
//! ```text
//! transitions, commands, time ──▶ lifecycle ──▶ log (durable) ──▶ outbox ──▶ receivers
//!                                  (book)          │
//!                                                  └──▶ view, events for the page
//! ```
//!
//! **Promises.** One violation is one alert: a transition derived again after a restart is dropped exactly. Nothing is
//! sent, shown or confirmed before it is durable in the alert log. Each receiver that an event is for gets it at least
//! once, in the order of the alert's events, with the same key and the same bytes at each attempt; what it does not take
//! for a day is kept as a dead letter and shown.
//!
//! **Knows:** the model, and that there is a durable chained log.
//! **Never:** sees a reading, a rule's text or a script; reads a clock that it was not handed.
//!
//! [`event`] has what the log holds, [`lifecycle`] what follows from what (a pure function of [`book`]), [`route`] whom
//! to tell, [`outbox`] when to try, [`receiver`] how; [`service`] is the thread around them.

pub mod book;
pub mod cloud_event;
pub mod command;
mod desk;
pub mod event;
pub mod evidence;
pub mod lifecycle;
pub mod log;
pub mod outbox;
pub mod receiver;
pub mod route;
pub mod service;
pub mod view;

pub use command::{Action, Command, CommandError};
pub use event::{Actor, Event, Position, ReceiverName, What};
pub use evidence::{EvidenceLimits, EvidenceMessage};
pub use service::{Handle, Health, Observer, Service, Setup, Standing, open, start};
pub use view::{AlertFilter, AlertView, Cursor, Page};
