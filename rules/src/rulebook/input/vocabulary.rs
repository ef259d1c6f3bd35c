//! The words of inputs.

/// Every statistic and how it is written.
pub(super) const STATISTICS: &[(&str, &str)] = &[
    ("last", "last(quantity)"),
    ("laeq", "laeq(quantity, \"20s\")"),
    ("mean", "mean(quantity, \"15m\")"),
    ("max", "max(quantity, \"15m\")"),
    ("min", "min(quantity, \"15m\")"),
    ("sum", "sum(quantity, \"1h\") or sum(event.field, \"5m\")"),
    ("count", "count(quantity, \"1h\") or count(event, \"1h\")"),
    ("coverage", "coverage(quantity, \"15m\")"),
    ("share_of_time", "share_of_time(state, \"1h\")"),
    ("longest_run", "longest_run(state, \"1h\")"),
    ("since", "since(state)"),
    ("silence", "silence(quantity)"),
    ("left", "left(site_exit)"),
    ("entered", "entered(site)"),
    ("inside", "inside(site)"),
    ("dwell", "dwell(site)"),
    ("device_silence", "device_silence(\"wash_bay\")"),
    ("permit", "permit(night_work)"),
    ("local_time", "local_time(night_from, night_to)"),
    ("largest_gap", "largest_gap(nozzle_chainage_m, perimeter_m, closed_loop)"),
];

/// Every gate and how it is written.
pub(super) const GATES: &[(&str, &str)] = &[
    ("only_while", "only_while(state) or only_while(!state)"),
    ("only_where", "only_where(nozzles)"),
    ("at_zone", "at_zone(site_exit)"),
    ("restart_on", "restart_on(night)"),
    ("or", "or(0.0), or(true) or or(last(speed))"),
];

/// Kinds of zone, as `zones.geojson` writes them.
pub(crate) const ZONE_KINDS: &[&str] = &[
    "site",
    "site_exit",
    "disposal_site",
    "restricted_road",
    "road",
    "route",
    "sensitive",
    "control_point",
    "grid",
];

/// Kinds of permit, as `permits.csv` writes them.
pub(crate) const PERMIT_KINDS: &[&str] = &["night_work", "restricted_road", "silence"];

/// Attributes of assets that rules read, as `assets.csv` heads them; others may be read too.
pub(crate) const ATTRIBUTES: &[&str] = &[
    "nozzle_chainage_m",
    "perimeter_m",
    "closed_loop",
    "gate_spans_m",
    "muck_heap",
    "earthwork_from",
    "earthwork_to",
    "speed_limit_kmh",
    "gross_mass_limit_t",
    "axles",
    "plate",
    "cleaning_interval_days",
    "last_cleaned",
    "noise_class",
];

/// How a word of one of these tables is written; empty where it is none.
pub(super) fn usage(table: &[(&'static str, &'static str)], word: &str) -> &'static str {
    table.iter().find(|(known, _)| *known == word).map_or("", |(_, usage)| usage)
}
