//! Codes of factors, and the quantity each one stands for.

use citywarden_model::known_quantity;

use super::unit::Unit;

/// A code, its quantity, and the unit its numbers are in unless the device's register says otherwise; `None`: the
/// quantity's own.
type Line = (&'static str, &'static str, Option<Unit>);

const KPA: Option<Unit> = Some(Unit::Kilopascal);

/// Earlier lines come first where one packet sends two factors of the same quantity.
///
/// Sources: HJ 212-2017 annex B (`a…`, `w…`, levels), HJ/T 212-2005 (three digits, `B03`), and what monitors at
/// building sites send beside them (`a50001`, names).
const TABLE: &[Line] = &[
    ("a34001", "tsp", None),
    ("a34002", "pm10", None),
    ("a34004", "pm25", None),
    ("a01001", "temperature", None),
    ("a01002", "humidity", None),
    ("a01006", "pressure", KPA),
    ("a01007", "wind_speed", None),
    ("a01008", "wind_direction", None),
    ("Leq", "sound_level", None),
    ("LA", "sound_level", None),
    ("a50001", "sound_level", None),
    ("B03", "sound_level", None),
    ("LMx", "sound_level_max", None),
    ("LMn", "sound_level_min", None),
    ("a24088", "nmhc", None),
    ("103", "tsp", None),
    ("107", "pm10", None),
    ("925", "pm25", None),
    ("126", "temperature", None),
    ("127", "pressure", KPA),
    ("128", "humidity", None),
    ("129", "wind_speed", None),
    ("130", "wind_direction", None),
    ("TSP", "tsp", None),
    ("PM10", "pm10", None),
    ("PM25", "pm25", None),
    ("TEM", "temperature", None),
    ("RH", "humidity", None),
    ("WS", "wind_speed", None),
    ("WD", "wind_direction", None),
    ("w01001", "ph", None),
    ("w01009", "dissolved_oxygen", None),
    ("w01017", "bod5", None),
    ("w01018", "cod", None),
    ("w01019", "permanganate_index", None),
    ("w21003", "ammonia_nitrogen", None),
    ("w21011", "total_phosphorus", None),
];

/// What a factor is, before the device's register is asked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Standard {
    /// Its place in the table.
    pub(crate) rank: usize,
    /// Its quantity.
    pub(crate) quantity: &'static str,
    /// The unit of its numbers.
    pub(crate) unit: Option<Unit>,
}

/// What the table says of a code; upper and lower case are alike.
pub(crate) fn standard(code: &str) -> Option<Standard> {
    let rank = TABLE.iter().position(|(known, _, _)| known.eq_ignore_ascii_case(code))?;
    TABLE.get(rank).map(|(_, quantity, unit)| Standard { rank, quantity, unit: *unit })
}

/// The unit that readings of a quantity are in; empty where it is not known.
pub(crate) fn unit_of(quantity: &str) -> &'static str {
    known_quantity(quantity).map_or("", |known| known.unit)
}
