//! A small county, and time lines played on it.
//!
//! A line of a time line: `received device [facts …] | what is then`. Facts: `quantity=value`, `@10:00:00` the time
//! observed (as received where it is not said, `@-` for a message without one), `dup`, `retain`, `flag=M`,
//! `at=east,north` metres from the origin, `kmh=` after it, `event name[@asset] field=value`. What is then: words of the verdict and of
//! the state, and every transition since the line before, as `raised kind since 10:00:00 …` and `cleared kind`.
//! A line of which the device is `-` only lets time pass.

use std::sync::Arc;

use citywarden_model::{
    Alert, Asset, AssetId, Attributes, Change, Crs, Device, DeviceId, Digest, Event, Fix, Flag, Geometry,
    LocalClock, Moment, Observation, Offset, Point, Reading, Registry, Span, TimeSource, Timestamp,
    Transition, Value, Zone,
};
use citywarden_problems::Problems;
use citywarden_rules::{Arrival, Evaluator, EvaluatorOptions, RuleFile, RuleSet, VerdictLine, load};

pub(crate) const ORIGIN: Point = Point { lat: 29.5, lon: 120.9 };

/// A rule with this id, watching construction sites, with these further lines from `[limit]` or `[input]` on.
pub(crate) fn rule(id: &str, rest: &str) -> String {
    rule_on(id, "construction_site", rest)
}

pub(crate) fn rule_on(id: &str, kind: &str, rest: &str) -> String {
    format!(
        r#"rule = "{id}"
status = "active"
severity = "minor"
in_force = "2024-10-22"
title = {{ zh = "题", en = "title" }}
clause = {{ item = 18, text = "字" }}
watches = ["{kind}"]
responsible = ["建设局"]
message = {{ zh = "话", en = "words" }}
evidence = ["temperature"]
{rest}"#
    )
}

pub(crate) fn rules(texts: &[String]) -> Arc<RuleSet> {
    let files: Vec<RuleFile> = texts
        .iter()
        .enumerate()
        .map(|(number, text)| RuleFile { name: format!("{number}.toml"), text: text.clone() })
        .collect();
    let problems = Problems::new();
    let set = load(&files, LocalClock::default(), &problems);
    let has_errors = problems.has_errors();
    let problems: Vec<String> = problems.into_sorted().iter().map(ToString::to_string).collect();
    assert!(!has_errors, "{}", problems.join("\n"));
    Arc::new(set)
}

/// Two sites, a kitchen and a truck, each with devices.
pub(crate) fn registry() -> Registry {
    let mut registry = Registry::empty("330624".into());
    for (id, kind) in
        [("site", "construction_site"), ("site-2", "construction_site"), ("truck", "muck_truck")]
    {
        add_asset(&mut registry, id, kind, &[]);
    }
    for (id, kind, asset, interval) in [
        ("meter", "noise", "site", Some(60)),
        ("fast", "dust", "site", Some(10)),
        ("second", "noise", "site", Some(60)),
        ("switch", "relay", "site", None),
        ("wash", "wash_bay", "site", None),
        ("other", "noise", "site-2", Some(60)),
        ("unit", "tracker", "truck", Some(10)),
    ] {
        add_device(&mut registry, id, kind, asset, interval);
    }
    renew(&mut registry);
    registry
}

/// Another version, another digest.
pub(crate) fn renew(registry: &mut Registry) {
    registry.digest = Digest::of(
        format!("{:?}", (&registry.assets, &registry.devices, &registry.permits, &registry.terms)).as_bytes(),
    );
}

pub(crate) fn add_asset(registry: &mut Registry, id: &str, kind: &str, attributes: &[(&str, &str)]) {
    let id = AssetId::from(id);
    let attributes: Attributes =
        attributes.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
    let asset = Asset {
        id: id.clone(),
        kind: kind.to_owned(),
        name: id.to_string(),
        region: registry.region.clone(),
        grid: None,
        position: None,
        attributes,
    };
    registry.assets.insert(id, asset);
}

pub(crate) fn add_device(registry: &mut Registry, id: &str, kind: &str, asset: &str, interval: Option<i64>) {
    let id = DeviceId::from(id);
    let reviewed = [("review".to_owned(), "yes".to_owned())];
    let device = Device {
        id: id.clone(),
        kind: kind.to_owned(),
        asset: asset.into(),
        interval: interval.map(Span::from_secs),
        crs: Crs::Wgs84,
        attributes: reviewed.into_iter().collect(),
    };
    registry.devices.insert(id, device);
}

/// A square zone around a point so many metres east of the origin.
pub(crate) fn add_zone(
    registry: &mut Registry,
    id: &str,
    kind: &str,
    asset: Option<&str>,
    east: f64,
    half: f64,
) {
    let corners = [(-half, -half), (half, -half), (half, half), (-half, half), (-half, -half)];
    let ring = corners.map(|(x, y)| ORIGIN.moved(east + x, y)).to_vec();
    let zone = Zone {
        id: id.into(),
        kind: kind.to_owned(),
        asset: asset.map(Into::into),
        geometry: Geometry::Polygons(vec![vec![ring]]),
        closed: None,
    };
    registry.zones.insert(id.into(), zone);
}

/// A time of 24 November 2026, in UTC+8; `+1d` in front for the day after.
pub(crate) fn time(text: &str) -> Timestamp {
    let (days, text) = text.strip_prefix("+1d").map_or((0, text), |rest| (1, rest));
    let seconds = if text.len() == 5 { ":00" } else { "" };
    let day = Timestamp::parse(&format!("2026-11-24T{text}{seconds}+08:00")).expect("a time of day");
    day + Span::from_secs(days * 86_400)
}

pub(crate) struct World {
    pub(crate) evaluator: Evaluator,
    pub(crate) out: Vec<Transition>,
    pub(crate) offset: u64,
}

impl World {
    pub(crate) fn new(texts: &[String], registry: Registry) -> Self {
        Self::at("00:00", texts, registry)
    }

    pub(crate) fn at(start: &str, texts: &[String], registry: Registry) -> Self {
        let options = EvaluatorOptions::of("330624".into());
        let mut world = Self { evaluator: Evaluator::new(options), out: Vec::new(), offset: 0 };
        let moment = world.moment(start);
        world.evaluator.install_registry(moment, Arc::new(registry), &mut world.out);
        world.evaluator.install_rules(moment, rules(texts), &mut world.out);
        world
    }

    pub(crate) fn moment(&mut self, at: &str) -> Moment {
        self.offset += 1;
        Moment { offset: Offset(self.offset), at: time(at) }
    }

    /// We were away: nothing was taken in between these times.
    pub(crate) fn away(&mut self, from: &str, to: &str) {
        let moment = self.moment(to);
        self.evaluator.resume(moment, time(from), &mut self.out);
    }

    /// Plays a time line, and checks it line by line for the case of the first rule and this asset.
    #[track_caller]
    pub(crate) fn play(&mut self, asset: &str, lines: &str) {
        for line in lines.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let (deed, wanted) = line.split_once('|').unwrap_or((line, ""));
            let before = self.out.len();
            self.send(deed);
            let found = self.found(asset, before);
            for wanted in wanted.split(',').map(str::trim).filter(|wanted| !wanted.is_empty()) {
                let is_met = match wanted {
                    "quiet" => self.out.len() == before,
                    wanted => found.iter().any(|found| found == wanted),
                };
                assert!(is_met, "{line}\n  wanted {wanted}\n  found  {}", found.join(", "));
            }
        }
    }

    fn found(&self, asset: &str, before: usize) -> Vec<String> {
        let line = self.line(asset);
        let mut found = vec![line.verdict.as_str().to_owned(), line.state.as_str().to_owned()];
        found.extend(line.verdict.reason().map(str::to_owned));
        found.extend(self.out[before..].iter().map(told));
        found
    }

    pub(crate) fn line(&self, asset: &str) -> VerdictLine {
        let rule = &self.evaluator.rules().rules[0].id;
        let mut lines = self.evaluator.verdicts();
        lines
            .find(|line| line.asset.as_str() == asset && line.rule == *rule)
            .expect("the rule watches the asset")
    }

    pub(crate) fn alerts(&self) -> Vec<&Alert> {
        let raised = self.out.iter().filter_map(|transition| match &transition.change {
            Change::Raised { alert, .. } => Some(&**alert),
            Change::Cleared(_) | Change::Removed(_) => None,
        });
        raised.collect()
    }

    pub(crate) fn discarded(&self, reason: &str) -> u64 {
        self.evaluator.discarded().find(|(found, _)| *found == reason).map_or(0, |(_, count)| count)
    }

    pub(crate) fn send(&mut self, deed: &str) {
        let words: Vec<&str> = deed.split_whitespace().collect();
        let moment = self.moment(words[0]);
        if words[1] == "-" {
            return self.evaluator.advance(moment, &mut self.out);
        }
        let mut observation = Observation { observed_at: Some(moment.at), ..Observation::default() };
        let mut arrival = Arrival { moment, duplicate: false, retained: false, payload: deed.as_bytes() };
        let rest = words[2..].join(" ");
        let payload = rest.replace("dup", "");
        arrival.payload = payload.trim().as_bytes();
        let mut words = words[2..].iter();
        while let Some(word) = words.next() {
            match (*word, word.split_once('=')) {
                ("dup", _) => arrival.duplicate = true,
                ("retain", _) => arrival.retained = true,
                ("nofix", _) => observation.fix = Some(Fix { valid: false, ..fix("0,0") }),
                ("event", _) => observation.events.push(event(&mut words)),
                ("@-", _) => observation.observed_at = None,
                (_, Some(("flag", letter))) => observation.flag = Flag::parse(letter).unwrap(),
                (_, Some(("at", place))) => observation.fix = Some(fix(place)),
                (_, Some(("kmh", speed))) => {
                    let fix = observation.fix.as_mut().expect("kmh= comes after at=");
                    fix.speed_kmh = speed.parse().ok();
                }
                (_, Some((quantity, text))) => {
                    observation
                        .readings
                        .push(Reading { quantity: quantity.to_owned().into(), value: value(text) });
                }
                (word, None) => observation.observed_at = Some(time(word.strip_prefix('@').unwrap())),
            }
        }
        let device = deed.split_whitespace().nth(1).unwrap();
        self.evaluator.observe(&arrival, &device.into(), [observation], &mut self.out);
    }
}

fn event(words: &mut std::slice::Iter<'_, &str>) -> Event<'static> {
    let name = words.next().expect("an event has a name");
    let (name, asset) = name.split_once('@').map_or((*name, None), |(name, asset)| (name, Some(asset)));
    let fields = words.by_ref().filter_map(|word| {
        let (field, number) = word.split_once('=')?;
        Some((field.to_owned().into(), number.parse().ok()?))
    });
    Event {
        name: name.to_owned().into(),
        asset: asset.map(|asset| asset.to_owned().into()),
        fields: fields.collect(),
    }
}

fn fix(place: &str) -> Fix {
    let (east, north) = place.split_once(',').expect("at=east,north");
    let reported = ORIGIN.moved(east.parse().unwrap(), north.parse().unwrap());
    Fix { reported, valid: true, speed_kmh: None, heading_deg: None }
}

fn value(text: &str) -> Value<'static> {
    match text {
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        _ if text.starts_with('[') => {
            Value::Bools(text.trim_matches(['[', ']']).split(',').map(|one| one == "true").collect())
        }
        _ => Value::Number(text.parse().expect("a number")),
    }
}

fn told(transition: &Transition) -> String {
    let kind = transition.kind.as_str();
    match &transition.change {
        Change::Raised { alert, .. } => {
            let local = LocalClock::default().write(alert.began_at);
            let time = local.split('T').next_back().unwrap_or_default();
            let mut told = format!("raised {kind} since {}", time.split('+').next().unwrap_or_default());
            for (is_so, word) in [
                (alert.lead, " lead"),
                (alert.trial, " trial"),
                (alert.reconstructed, " reconstructed"),
                (alert.time_source == TimeSource::Received, " received"),
            ] {
                told += if is_so { word } else { "" };
            }
            told
        }
        Change::Cleared(_) => format!("cleared {kind}"),
        Change::Removed(_) => format!("removed {kind}"),
    }
}
