//! The readings of one device and quantity, as they are or put together over steps of time.

use citywarden_model::{DeviceId, QuantityName, Span, Timestamp};

use crate::table::{Mean, Table};

/// Samples that one answer holds.
pub const READINGS_MAX: usize = 10_000;

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadingsQuery {
    /// Of this device.
    pub device: DeviceId,
    /// This quantity; of a position `latitude`, `longitude`, `heading`, `fix_valid`.
    pub quantity: QuantityName,
    /// Observed at or after this moment.
    pub from: Timestamp,
    /// Observed before this moment.
    pub to: Timestamp,
    /// One sample for each step from `from` on, of normal readings only; `None`: each reading as it is.
    pub step: Option<Span>,
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ReadingsPage {
    /// In order of time.
    pub samples: Vec<Sample>,
    /// Where the first one begins that has no room here: ask again from there. `None`: these are all.
    pub next: Option<Timestamp>,
}

/// One reading, or those of a step.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// When it was observed, or where the step begins.
    pub at: Timestamp,
    /// The value, or the mean: of sound levels that of the energies, of directions that of the vectors. True is 1,
    /// false 0. `None` where it is a text.
    pub value: Option<f64>,
    /// The smallest.
    pub min: Option<f64>,
    /// The largest.
    pub max: Option<f64>,
    /// How many readings it is of.
    pub count: u64,
    /// The value, where it is a text; an array of booleans as `1` and `0`.
    pub text: Option<String>,
    /// The data flag.
    pub flag: char,
}

/// A reading as it comes from the database, in order of time.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Found {
    pub(crate) at: Timestamp,
    pub(crate) number: Option<f64>,
    pub(crate) text: Option<String>,
    pub(crate) flag: char,
}

/// The SQL for a query: `number` and `boolean` say how each kind of column becomes a number.
pub(crate) fn select(
    query: &ReadingsQuery,
    number: fn(&str) -> String,
    boolean: fn(&str) -> String,
) -> String {
    use crate::table::ColumnKind;
    let quantity = query.quantity.as_str();
    let place = "device = $1 AND observed_at >= $2 AND observed_at < $3";
    let mut arms = Vec::new();
    for table in Table::FAMILIES {
        let Some((_, kind)) = table.column(quantity) else { continue };
        let (value, text) = match kind {
            ColumnKind::Bool => (boolean(quantity), "NULL".to_owned()),
            ColumnKind::Number => (number(quantity), "NULL".to_owned()),
            ColumnKind::Text | ColumnKind::Any => (number("NULL"), quantity.to_owned()),
        };
        let name = table.name();
        arms.push(format!(
            "SELECT observed_at, {value} AS number, {text} AS text, flag, journal_offset, part FROM {name} \
             WHERE {place} AND {quantity} IS NOT NULL"
        ));
    }
    let values = Table::Values.name();
    arms.push(format!(
        "SELECT observed_at, number, text, flag, journal_offset, part FROM {values} WHERE {place} AND quantity = $4"
    ));
    // one more than has room, which says where the next page begins
    let limit = if query.step.is_none() { format!(" LIMIT {}", READINGS_MAX + 1) } else { String::new() };
    format!("{} ORDER BY observed_at, journal_offset, part{limit}", arms.join(" UNION ALL "))
}

/// Takes readings in order of time and makes samples of them.
pub(crate) struct Sampler {
    from: Timestamp,
    step: Option<Span>,
    mean: Mean,
    open: Option<Step>,
    page: ReadingsPage,
}

struct Step {
    number: i64,
    count: u32,
    sums: (f64, f64),
    min: f64,
    max: f64,
}

impl Sampler {
    pub(crate) fn new(query: &ReadingsQuery) -> Self {
        let step = query.step.filter(|step| *step > Span::ZERO);
        let mean = Mean::of(query.quantity.as_str());
        Self { from: query.from, step, mean, open: None, page: ReadingsPage::default() }
    }

    /// Takes the next reading; whether more are wanted.
    pub(crate) fn take(&mut self, found: Found) -> bool {
        match self.step {
            None => self.keep(Sample {
                at: found.at,
                value: found.number,
                min: found.number,
                max: found.number,
                count: 1,
                text: found.text,
                flag: found.flag,
            }),
            Some(step) => match found.number.filter(|_| found.flag == 'N') {
                Some(number) => self.add(found.at.since(self.from).nanos() / step.nanos(), number),
                None => true,
            },
        }
    }

    fn add(&mut self, number: i64, value: f64) -> bool {
        let is_other = self.open.as_ref().is_some_and(|open| open.number != number);
        if is_other && !self.close() {
            return false;
        }
        let open = self.open.get_or_insert(Step {
            number,
            count: 0,
            sums: (0.0, 0.0),
            min: f64::INFINITY,
            max: f64::NEG_INFINITY,
        });
        let (first, second) = match self.mean {
            Mean::Arithmetic => (value, 0.0),
            Mean::Energy => (libm::pow(10.0, value / 10.0), 0.0),
            Mean::Direction => (libm::sin(value.to_radians()), libm::cos(value.to_radians())),
        };
        open.count += 1;
        open.sums = (open.sums.0 + first, open.sums.1 + second);
        open.min = open.min.min(value);
        open.max = open.max.max(value);
        true
    }

    /// Ends the step that is open; whether there is room for another.
    fn close(&mut self) -> bool {
        let (Some(open), Some(step)) = (self.open.take(), self.step) else { return true };
        let count = f64::from(open.count);
        let mean = match self.mean {
            Mean::Arithmetic => open.sums.0 / count,
            Mean::Energy => 10.0 * libm::log10(open.sums.0 / count),
            Mean::Direction => libm::atan2(open.sums.0, open.sums.1).to_degrees().rem_euclid(360.0),
        };
        self.keep(Sample {
            at: self.from + Span::from_nanos(open.number.saturating_mul(step.nanos())),
            value: Some(mean),
            min: Some(open.min),
            max: Some(open.max),
            count: open.count.into(),
            text: None,
            flag: 'N',
        })
    }

    fn keep(&mut self, sample: Sample) -> bool {
        if self.page.samples.len() == READINGS_MAX {
            // those of the same moment come together on the next page
            while self.page.samples.pop_if(|last| last.at == sample.at).is_some() {}
            self.page.next = Some(sample.at);
            return false;
        }
        self.page.samples.push(sample);
        true
    }

    pub(crate) fn finish(mut self) -> ReadingsPage {
        if self.page.next.is_none() {
            self.close();
        }
        self.page
    }
}
