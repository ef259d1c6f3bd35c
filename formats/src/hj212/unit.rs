//! Units that the same code is sent in.

/// A unit as the register names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    Milligram,
    Microgram,
    Nanogram,
    Pascal,
    Hectopascal,
    Kilopascal,
}

/// What the register may say.
pub(crate) const EXPECTED: &str = "mg/m3, ug/m3, ng/m3, Pa, hPa or kPa";

#[derive(PartialEq, Eq)]
enum Measure {
    Concentration,
    Pressure,
}

impl Unit {
    /// The unit that a text means; `None` where it means none of these.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let plain = text.replace(['µ', 'μ'], "u").replace('³', "3").to_ascii_lowercase();
        Some(match plain.as_str() {
            "mg/m3" => Self::Milligram,
            "ug/m3" => Self::Microgram,
            "ng/m3" => Self::Nanogram,
            "pa" => Self::Pascal,
            "hpa" => Self::Hectopascal,
            "kpa" => Self::Kilopascal,
            _ => return None,
        })
    }

    /// What it measures, and the power of ten of that measure's base (g/m³, Pa).
    const fn meaning(self) -> (Measure, i32) {
        match self {
            Self::Milligram => (Measure::Concentration, -3),
            Self::Microgram => (Measure::Concentration, -6),
            Self::Nanogram => (Measure::Concentration, -9),
            Self::Pascal => (Measure::Pressure, 0),
            Self::Hectopascal => (Measure::Pressure, 2),
            Self::Kilopascal => (Measure::Pressure, 3),
        }
    }

    /// The power of ten that leads from this unit to `to`; `None` where no power does.
    pub(crate) fn power_to(self, to: Self) -> Option<i32> {
        let ((measure, from), (other, to)) = (self.meaning(), to.meaning());
        (measure == other).then_some(from - to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_read_however_they_are_written_and_convert_within_their_measure() {
        for (from, to, power) in [
            ("mg/m3", "µg/m³", Some(3)),
            ("ng/m3", "μg/m3", Some(-3)),
            ("UG/M3", "ug/m3", Some(0)),
            ("kPa", "Pa", Some(3)),
            ("hPa", "Pa", Some(2)),
            ("kPa", "mg/m3", None),
        ] {
            let (from, to) = (Unit::parse(from).unwrap(), Unit::parse(to).unwrap());
            assert_eq!(from.power_to(to), power, "{from:?} {to:?}");
        }
        assert_eq!(Unit::parse("ppm"), None);
    }
}
