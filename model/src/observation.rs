//! What one message says, once its format is decoded.

use std::borrow::Cow;

use crate::{Point, Timestamp};

/// One decoded message part: what a device says about one moment.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Observation<'a> {
    /// The device's own time: the end of the interval the readings stand for; `None` where it sent none.
    pub observed_at: Option<Timestamp>,
    /// Measured values, in the order sent.
    pub readings: Vec<Reading<'a>>,
    /// Where the unit says it is, in the device's own datum.
    pub fix: Option<Fix>,
    /// Things that happened.
    pub events: Vec<Event<'a>>,
    /// The data flag; only [`Flag::Normal`] is judged.
    pub flag: Flag,
}

/// One measured value.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading<'a> {
    /// What was measured.
    pub quantity: Cow<'a, str>,
    /// The value, in the quantity's unit.
    pub value: Value<'a>,
}

/// A value as devices send it. Numbers are finite.
#[derive(Debug, Clone, PartialEq)]
pub enum Value<'a> {
    /// A finite number.
    Number(f64),
    /// True or false.
    Bool(bool),
    /// A text.
    Text(Cow<'a, str>),
    /// An array of booleans.
    Bools(Vec<bool>),
}

/// A position as a unit reports it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fix {
    /// Latitude and longitude in the device's datum.
    pub reported: Point,
    /// Whether the unit says that it has a position; without, the numbers are the last ones or zero.
    pub valid: bool,
    /// Speed over ground, km/h.
    pub speed_kmh: Option<f64>,
    /// Degrees clockwise from north.
    pub heading_deg: Option<f64>,
}

/// Something that happened, such as `washed`.
#[derive(Debug, Clone, PartialEq)]
pub struct Event<'a> {
    /// What happened.
    pub name: Cow<'a, str>,
    /// Another asset that it concerns; `None`: the device's own.
    pub asset: Option<Cow<'a, str>>,
    /// Its numbers, such as `seconds`.
    pub fields: Vec<(Cow<'a, str>, f64)>,
}

/// The data flag of HJ 212-2017 (数据标记). Only normal data is judged; the rest is kept and counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Flag {
    /// `N`: normal.
    #[default]
    Normal,
    /// Any other letter: `F` stopped, `M` maintenance, `S` set by hand, `D` fault, `C` calibration, `T` over range,
    /// `B` communication fault, or one that nobody has defined.
    Other(char),
}

impl Flag {
    /// The flag that this text means; `None` where it is no single letter.
    pub fn parse(text: &str) -> Option<Self> {
        let mut letters = text.chars();
        match (letters.next(), letters.next()) {
            (Some('N'), None) => Some(Self::Normal),
            (Some(letter), None) if letter.is_ascii_alphabetic() => Some(Self::Other(letter)),
            _ => None,
        }
    }
}
