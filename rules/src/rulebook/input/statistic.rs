//! Statistics.

use citywarden_model::QuantityName;

use super::reading::{Reading, Wanted};
use super::syntax::{Call, What};
use super::vocabulary::{STATISTICS, usage};
use crate::expression::suggestion;
use crate::rule::{Statistic, Window};

/// A statistic, and whether it is true or false (rather than a number); `None`: as the quantity is, which nobody knows.
type Found = (Statistic, Option<bool>);

impl Reading<'_, '_> {
    /// What a call computes.
    pub(super) fn statistic(&mut self, call: &Call) -> Option<Found> {
        let usage = usage(STATISTICS, &call.name);
        match call.name.as_str() {
            "laeq" => self.windowed(call, usage, Wanted::Number, Statistic::Laeq),
            "mean" => self.windowed(call, usage, Wanted::Number, Statistic::Mean),
            "max" => self.windowed(call, usage, Wanted::Number, Statistic::Max),
            "min" => self.windowed(call, usage, Wanted::Number, Statistic::Min),
            "coverage" => self.windowed(call, usage, Wanted::Any, Statistic::Coverage),
            "share_of_time" => self.windowed(call, usage, Wanted::Truth, Statistic::ShareOfTime),
            "longest_run" => self.windowed(call, usage, Wanted::Truth, Statistic::LongestRun),
            "sum" | "count" => self.total(call, usage),
            "last" => self.last(call, usage),
            "since" => self.of_quantity(call, usage, Wanted::Truth, Statistic::Since),
            "silence" => self.of_quantity(call, usage, Wanted::Any, Statistic::Silence),
            "left" => self.of_zone(call, usage, Statistic::Left, true),
            "entered" => self.of_zone(call, usage, Statistic::Entered, true),
            "inside" => self.of_zone(call, usage, Statistic::Inside, true),
            "dwell" => self.of_zone(call, usage, Statistic::Dwell, false),
            "device_silence" => self.device_silence(call, usage),
            "permit" => self.permit_of(call, usage),
            "local_time" => self.local_time(call, usage),
            "largest_gap" => self.largest_gap(call, usage),
            unknown => {
                let near = suggestion(unknown, STATISTICS.iter().map(|(word, _)| *word));
                self.mistake(call.at, format!("unknown statistic `{unknown}`{near}"));
                None
            }
        }
    }
    fn windowed(
        &mut self,
        call: &Call,
        usage: &str,
        wanted: Wanted,
        make: fn(QuantityName, Window) -> Statistic,
    ) -> Option<Found> {
        let [quantity, window] = self.arguments(call, usage)?;
        let (quantity, window) = (self.quantity(quantity, wanted), self.window(window));
        Some((make(quantity?.0, window?), Some(false)))
    }
    fn total(&mut self, call: &Call, usage: &str) -> Option<Found> {
        let [what, window] = self.arguments(call, usage)?;
        let sums = call.name == "sum";
        let (what, window) = (self.sum_of(what, sums), self.window(window));
        let make = if sums { Statistic::Sum } else { Statistic::Count };
        Some((make(what?, window?), Some(false)))
    }
    fn last(&mut self, call: &Call, usage: &str) -> Option<Found> {
        let [quantity] = self.arguments(call, usage)?;
        let (quantity, is_truth) = self.quantity(quantity, Wanted::Scalar)?;
        Some((Statistic::Last(quantity), is_truth))
    }
    fn of_quantity(
        &mut self,
        call: &Call,
        usage: &str,
        wanted: Wanted,
        make: fn(QuantityName) -> Statistic,
    ) -> Option<Found> {
        let [quantity] = self.arguments(call, usage)?;
        Some((make(self.quantity(quantity, wanted)?.0), Some(false)))
    }
    fn of_zone(
        &mut self,
        call: &Call,
        usage: &str,
        make: fn(String) -> Statistic,
        is_truth: bool,
    ) -> Option<Found> {
        let [zone] = self.arguments(call, usage)?;
        Some((make(self.zone(zone)?), Some(is_truth)))
    }
    fn device_silence(&mut self, call: &Call, usage: &str) -> Option<Found> {
        let [kind] = self.arguments(call, usage)?;
        match &kind.what {
            What::Text(text) if !text.trim().is_empty() => {
                Some((Statistic::DeviceSilence(text.clone()), Some(false)))
            }
            What::Text(_) | What::Word { .. } | What::Number(_) | What::Chain(_) => {
                self.mistake(kind.at, "expected a kind of device, in quotes");
                None
            }
        }
    }
    fn permit_of(&mut self, call: &Call, usage: &str) -> Option<Found> {
        let [kind] = self.arguments(call, usage)?;
        Some((Statistic::Permit(self.permit(kind)?), Some(true)))
    }
    fn local_time(&mut self, call: &Call, usage: &str) -> Option<Found> {
        let [from, to] = self.arguments(call, usage)?;
        let (from, to) = (self.time_of_day(from), self.time_of_day(to));
        Some((Statistic::LocalTime(from?, to?), Some(true)))
    }
    fn largest_gap(&mut self, call: &Call, usage: &str) -> Option<Found> {
        let attributes = self.arguments(call, usage)?;
        let [chainages, length, closed] = attributes.map(|attribute| self.attribute(attribute));
        Some((Statistic::LargestGap { chainages: chainages?, length: length?, closed: closed? }, Some(false)))
    }
}
