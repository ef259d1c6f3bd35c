//! Rule files: read to the end, every mistake reported at its place, and a rule made only of what is right.
//!
//! ```text
//! TOML ─▶ head                         what it is called, rests on, watches, tells
//!      ─▶ [limit]   limits             numbers with unit and source     ┐
//!      ─▶ [input]   input              statistics over readings         ├ the slots, in this order
//!      ─▶ [let]     lets               expressions over slots           ┘
//!      ─▶ [judge]   judge              conditions
//!      ─▶ [example] crate::example     tests
//! ```

mod declared;
mod examples;
mod head;
mod input;
mod judge;
mod lets;
mod limits;
mod loading;
mod template;
mod unused;
mod written;

#[cfg(test)]
mod tests;

pub(crate) use input::{ATTRIBUTES, PERMIT_KINDS, ZONE_KINDS};
pub use loading::{FILE_BYTES_MAX, RuleFile, load};
