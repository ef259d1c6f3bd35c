//! The tables: one for each family of devices, typed, and two narrow ones.

use citywarden_model::{Value, known_quantity};

/// A table of the archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Table {
    /// Trucks: where they are, what they carry, what is open.
    Vehicles,
    /// Construction sites and linear works: dust, noise, weather, spraying, washing.
    Sites,
    /// Kitchens: fume and what is to clean it.
    Kitchens,
    /// Everything else: rivers, bicycles, what a county adds.
    Others,
    /// Quantities that have no column in their family's table, one a row.
    Values,
    /// Things that happened, one a row.
    Events,
}

/// What tells the rows of a table apart, beside device, observed time and flag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keyed {
    /// Nothing: one message part is one row.
    Part,
    /// The quantity.
    Quantity,
    /// The event's name and the asset it concerns.
    Event,
}

/// A column for values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Column {
    /// Its name, and that of the quantity in it.
    pub(crate) name: &'static str,
    pub(crate) kind: ColumnKind,
}

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ColumnKind {
    Number,
    Bool,
    /// A text; of an array of booleans its `1` and `0` in order.
    Text,
    /// Two columns, `number` and `text`, of which one is empty.
    Any,
}

macro_rules! columns {
    ($($kind:ident: $($name:literal)+;)+) => {
        &[$($(Column { name: $name, kind: ColumnKind::$kind },)+)+]
    };
}

const VEHICLES: &[Column] = columns! {
    Number: "latitude" "longitude" "speed" "heading";
    Bool: "fix_valid";
    Number: "sound_level" "sound_level_max" "background_level" "gross_mass" "water_flow" "pump_pressure";
    Bool: "chime" "spraying" "sweeping" "cover_closed" "cover_half" "loaded" "hoist_raised" "leaking" "lid_open"
        "acc" "antenna_ok" "power_ok" "video_online";
};
const SITES: &[Column] = columns! {
    Number: "pm10" "pm25" "tsp" "sound_level" "sound_level_max" "background_level" "temperature" "humidity"
        "wind_speed" "wind_direction" "pressure" "rainfall" "water_flow" "pump_pressure";
    Text: "nozzles";
    Bool: "spraying" "fog_cannon" "earthwork" "muck_covered" "power_ok" "video_online";
};
const KITCHENS: &[Column] = columns! {
    Number: "fume" "nmhc" "purifier_current" "temperature" "humidity";
    Bool: "fan_running" "purifier_running" "power_ok";
};
const OTHERS: &[Column] = columns! {
    Number: "sound_level" "water_flow" "dissolved_oxygen" "permanganate_index" "ammonia_nitrogen"
        "total_phosphorus" "cod" "bod5" "ph" "bikes_total" "bikes_serviceable";
};
const VALUES: &[Column] = columns! { Any: "value"; };
const EVENTS: &[Column] = columns! { Text: "fields"; };

impl Table {
    /// All of them.
    pub const ALL: &'static [Self] =
        &[Self::Vehicles, Self::Sites, Self::Kitchens, Self::Others, Self::Values, Self::Events];
    /// The tables in which one message part is one row.
    pub const FAMILIES: &'static [Self] = &[Self::Vehicles, Self::Sites, Self::Kitchens, Self::Others];

    /// What it is called in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Vehicles => "vehicles",
            Self::Sites => "sites",
            Self::Kitchens => "kitchens",
            Self::Others => "others",
            Self::Values => "quantities",
            Self::Events => "events",
        }
    }
    /// The family of a device: that of the asset it reports on, because a device's own kind is free text.
    pub fn of_asset(kind: &str) -> Self {
        match kind {
            "sprinkler_truck" | "sweeper_truck" | "garbage_truck" | "muck_truck" | "slurry_tanker" => {
                Self::Vehicles
            }
            "construction_site" | "linear_works" => Self::Sites,
            "restaurant" => Self::Kitchens,
            _ => Self::Others,
        }
    }

    pub(crate) const fn keyed(self) -> Keyed {
        match self {
            Self::Vehicles | Self::Sites | Self::Kitchens | Self::Others => Keyed::Part,
            Self::Values => Keyed::Quantity,
            Self::Events => Keyed::Event,
        }
    }
    /// The columns for values, in the order of a row's cells.
    pub(crate) const fn columns(self) -> &'static [Column] {
        match self {
            Self::Vehicles => VEHICLES,
            Self::Sites => SITES,
            Self::Kitchens => KITCHENS,
            Self::Others => OTHERS,
            Self::Values => VALUES,
            Self::Events => EVENTS,
        }
    }
    /// The place of the column for this quantity.
    pub(crate) fn column(self, quantity: &str) -> Option<(usize, ColumnKind)> {
        let found = self.columns().iter().position(|column| column.name == quantity)?;
        Some((found, self.columns().get(found)?.kind))
    }

    /// The columns that tell its rows apart.
    pub(crate) const fn key_columns(self) -> &'static [&'static str] {
        match self.keyed() {
            Keyed::Part => &["device", "observed_at", "flag"],
            Keyed::Quantity => &["device", "observed_at", "flag", "quantity"],
            Keyed::Event => &["device", "observed_at", "flag", "name", "asset"],
        }
    }
    /// Every column in the order in which rows are written: the key, the origin, the values.
    pub(crate) fn all_columns(self) -> Vec<&'static str> {
        let mut columns = self.key_columns().to_vec();
        if self.keyed() != Keyed::Event {
            columns.push("asset");
        }
        columns.extend(["received_at", "journal_offset", "part"]);
        if self.keyed() == Keyed::Part {
            columns.extend(["claimed_at", "untimed_sum"]);
        }
        columns.push("history");
        columns.extend(self.value_columns());
        columns
    }
    /// The columns that values are written to.
    pub(crate) fn value_columns(self) -> Vec<&'static str> {
        let names = self.columns().iter().flat_map(|column| match column.kind {
            ColumnKind::Any => &["number", "text"][..],
            ColumnKind::Number | ColumnKind::Bool | ColumnKind::Text => std::slice::from_ref(&column.name),
        });
        names.copied().collect()
    }
}

impl ColumnKind {
    /// Whether a value of this kind belongs here; one that does not goes to the narrow table.
    pub(crate) const fn takes(self, value: &Value<'_>) -> bool {
        match self {
            Self::Number => matches!(value, Value::Number(_)),
            Self::Bool => matches!(value, Value::Bool(_)),
            Self::Text => matches!(value, Value::Text(_) | Value::Bools(_)),
            Self::Any => true,
        }
    }
    /// The column for a quantity of this kind.
    #[cfg(test)]
    const fn of(kind: citywarden_model::ValueKind) -> Self {
        use citywarden_model::ValueKind;
        match kind {
            ValueKind::Number => Self::Number,
            ValueKind::Bool => Self::Bool,
            ValueKind::Bools => Self::Text,
        }
    }
}

/// How the values of a quantity are put together over a span of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mean {
    /// Their sum over their number.
    Arithmetic,
    /// Of sound levels: of the energies, as LAeq is; a mean of decibels hides peaks.
    Energy,
    /// Of directions: of the vectors; north lies between 350° and 10°.
    Direction,
}

impl Mean {
    pub(crate) fn of(quantity: &str) -> Self {
        match known_quantity(quantity).map(|known| known.unit) {
            Some("dB(A)") => Self::Energy,
            Some("°") => Self::Direction,
            _ if quantity == "heading" => Self::Direction,
            _ => Self::Arithmetic,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_column_is_a_known_quantity_of_its_kind_or_part_of_a_position() {
        let position = ["latitude", "longitude", "heading", "fix_valid"];
        for table in Table::FAMILIES {
            for column in table.columns() {
                match known_quantity(column.name) {
                    Some(known) => assert_eq!(column.kind, ColumnKind::of(known.kind), "{}", column.name),
                    None => assert!(position.contains(&column.name), "{}", column.name),
                }
            }
        }
    }

    #[test]
    fn every_kind_of_asset_has_a_family_of_typed_rows() {
        for kind in citywarden_model::ASSET_KINDS {
            assert_eq!(Table::of_asset(kind).keyed(), Keyed::Part, "{kind}");
        }
    }
}
