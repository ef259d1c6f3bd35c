//! The registry's files, read into one version of the registry: who sends, what is watched, where the zones are.
//!
//! ```text
//! devices.csv ┐
//! assets.csv  │            ┌─▶ Registry, and its text for the content-addressed store
//! zones.geojson ├─▶ read() ─┤
//! permits.csv │   ▲        └─▶ every problem, at file:line:column
//! units.csv   ┘   └ the version in force before
//! ```
//!
//! **Promises:** all files are one version. A line that cannot be read keeps the last good row of its id, or is left
//! out where there was none; the other lines are in force. A file that cannot be read at all, or that loses more than
//! a fifth of its rows, keeps all its rows of before. No input panics. The same texts and the same version before give
//! the same registry and digest.
//! **Knows:** the nouns of `model/` and how to report problems. It is handed bytes.
//! **Never:** reads a file or a clock, or knows a rule or a receiver beyond its name.

mod asset;
mod attribute;
mod device;
mod feature;
mod files;
mod frozen;
mod keep;
mod permit;
mod reading;
mod record;
mod reference;
mod shape;
mod surroundings;
mod table;
mod unit;

pub use files::{FILE_NAMES, MAX_FILE_BYTES, RegistryFiles};
pub use frozen::{ThawError, freeze, thaw, with_terms, with_topics};
pub use reading::{Options, Reading, read};
