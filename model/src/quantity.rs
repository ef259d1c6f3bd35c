//! What readings measure: the known quantities with their units.

/// What kind of value a quantity has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ValueKind {
    /// A number in the quantity's unit.
    Number,
    /// True or false.
    Bool,
    /// An array of booleans.
    Bools,
}

/// A quantity that rules and the archive know by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KnownQuantity {
    /// As a payload writes it.
    pub name: &'static str,
    /// The unit that every reading of it is in; empty for states.
    pub unit: &'static str,
    /// What kind of value it has.
    pub kind: ValueKind,
}

macro_rules! known {
    ($($kind:ident $unit:literal: $($name:literal)+;)+) => {
        /// All known quantities. Others are kept and archived; a rule that uses one gets a warning.
        pub const KNOWN_QUANTITIES: &[KnownQuantity] = &[
            $($(KnownQuantity { name: $name, unit: $unit, kind: ValueKind::$kind },)+)+
        ];
    };
}

known! {
    Number "µg/m³": "pm10" "pm25" "tsp";
    Number "dB(A)": "sound_level" "background_level" "sound_level_max";
    Number "L/s": "water_flow";
    Number "MPa": "pump_pressure";
    Number "mg/m³": "fume" "nmhc";
    Number "A": "purifier_current";
    Number "°C": "temperature";
    Number "%": "humidity";
    Number "m/s": "wind_speed";
    Number "°": "wind_direction";
    Number "Pa": "pressure";
    Number "km/h": "speed";
    Number "t": "gross_mass";
    Number "mm/h": "rainfall";
    Number "mg/L": "dissolved_oxygen" "permanganate_index" "ammonia_nitrogen" "total_phosphorus" "cod" "bod5";
    Number "1": "ph";
    Number "count": "bikes_total" "bikes_serviceable";
    Bools "": "nozzles";
    Bool "": "chime" "spraying" "sweeping" "fan_running" "purifier_running" "cover_closed" "cover_half" "loaded"
        "hoist_raised" "video_online" "antenna_ok" "power_ok" "acc" "lid_open" "fog_cannon" "earthwork"
        "muck_covered" "leaking";
}

/// The known quantity of this name.
pub fn known_quantity(name: &str) -> Option<&'static KnownQuantity> {
    KNOWN_QUANTITIES.iter().find(|known| known.name == name)
}
