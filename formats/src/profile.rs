//! What a decoder may know of the device that sent a payload.

use citywarden_model::{Attributes, Device, Span};

/// A device's line of the register, as far as decoding depends on it: the same bytes and the same profile always give
/// the same observations.
#[derive(Debug, Clone, Copy, Default)]
pub struct Profile<'d> {
    interval: Option<Span>,
    attributes: Option<&'d Attributes>,
}

impl<'d> Profile<'d> {
    /// The profile of this device.
    pub const fn of(device: &'d Device) -> Self {
        Self { interval: device.interval, attributes: Some(&device.attributes) }
    }
    /// The time between two of its readings.
    pub(crate) const fn interval(&self) -> Option<Span> {
        self.interval
    }
    /// The attribute of this name, trimmed; empty is absent.
    pub(crate) fn text(&self, name: &str) -> Option<&'d str> {
        self.attributes?.text(name).map(str::trim).filter(|text| !text.is_empty())
    }
    /// The attribute `<group>.<code>`; upper and lower case of the code are alike.
    pub(crate) fn text_of(&self, group: &str, code: &str) -> Option<&'d str> {
        let is_it = |name: &str| {
            name.strip_prefix(group)
                .and_then(|rest| rest.strip_prefix('.'))
                .is_some_and(|rest| rest.eq_ignore_ascii_case(code))
        };
        let (_, text) = self.attributes?.iter().find(|(name, _)| is_it(name))?;
        Some(text.trim()).filter(|text| !text.is_empty())
    }
}
