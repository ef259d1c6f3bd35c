//! The county: all its devices on one virtual clock, and what they publish, in order.

use std::collections::BTreeMap;
use std::sync::Arc;

use citywarden_model::{Crs, DeviceId, Span, Timestamp};

use crate::device::{
    Conduct, Model, Moment, Said, Truck, WashBay, clean_dust, clean_noise, clean_spray, dusty, first_kitchen,
    leaky_spray, noisy, second_kitchen, sprinkler, works,
};
use crate::dice::Dice;
use crate::message::TimedMessage;
use crate::place::{SITE_A, SITE_B};
use crate::registry::{RegistryTexts, texts};
use crate::truth::{Truth, truth};

/// The division code of the county.
pub const REGION: &str = "330624";

pub(crate) const SITE_A_ID: &str = "site-a";
pub(crate) const SITE_B_ID: &str = "site-b";
pub(crate) const TRUCK_OPEN: &str = "muck-01";
pub(crate) const TRUCK_UNWASHED: &str = "muck-02";
const TRUCK_CLEAN: &str = "muck-03";

const CLEAN_CONDUCT: Conduct =
    Conduct { ahead_s: -120, leaves_open: false, skips_wash: false, loses_network: true };
pub(crate) const OPEN_CONDUCT: Conduct =
    Conduct { ahead_s: 150, leaves_open: true, skips_wash: false, loses_network: false };
pub(crate) const UNWASHED_CONDUCT: Conduct =
    Conduct { ahead_s: 0, leaves_open: false, skips_wash: true, loses_network: false };

/// On its way from the device a message takes from the first to the sum of both, in milliseconds.
const ON_ITS_WAY_MS: (i64, u32) = (50, 550);
/// A message that comes twice comes so many milliseconds after the first.
const AGAIN_AFTER_MS: i64 = 1_500;

/// A line of `devices.csv` and how often its model is asked.
pub(crate) struct DeviceLine {
    pub(crate) id: &'static str,
    pub(crate) kind: &'static str,
    pub(crate) asset: &'static str,
    pub(crate) interval_s: i64,
    pub(crate) crs: Crs,
    /// The number of its review; empty: its alerts are leads.
    pub(crate) review: &'static str,
    /// Seconds between two looks at the model.
    pub(crate) step_s: i64,
}

const fn line(
    id: &'static str,
    kind: &'static str,
    asset: &'static str,
    interval_s: i64,
    review: &'static str,
) -> DeviceLine {
    DeviceLine { id, kind, asset, interval_s, crs: Crs::Wgs84, review, step_s: interval_s }
}

/// All devices, in the order of [`models`].
pub(crate) const DEVICES: &[DeviceLine] = &[
    line("dust-a", "dust_monitor", SITE_A_ID, 30, "SIM-2026-001"),
    line("noise-a", "noise_monitor", SITE_A_ID, 60, "SIM-2026-002"),
    line("spray-a", "spray_controller", SITE_A_ID, 60, "SIM-2026-003"),
    DeviceLine { step_s: 10, ..line("wash-a", "wash_bay", SITE_A_ID, 60, "SIM-2026-004") },
    line("dust-b", "dust_monitor", SITE_B_ID, 30, "SIM-2026-005"),
    line("noise-b", "noise_monitor", SITE_B_ID, 60, ""),
    line("spray-b", "spray_controller", SITE_B_ID, 60, "SIM-2026-006"),
    DeviceLine { step_s: 10, ..line("wash-b", "wash_bay", SITE_B_ID, 60, "SIM-2026-007") },
    line("works-spray", "spray_controller", "works-01", 60, "SIM-2026-008"),
    line("fume-01", "fume_monitor", "kitchen-01", 60, "SIM-2026-009"),
    line("fume-02", "fume_monitor", "kitchen-02", 60, ""),
    line("sprinkler-01", "vehicle_unit", "sprinkler-01", 10, "SIM-2026-010"),
    line("muck-01", "vehicle_unit", TRUCK_OPEN, 10, "SIM-2026-011"),
    DeviceLine { crs: Crs::Gcj02, ..line("muck-02", "vehicle_unit", TRUCK_UNWASHED, 10, "SIM-2026-012") },
    line("muck-03", "vehicle_unit", TRUCK_CLEAN, 10, "SIM-2026-013"),
];

fn models() -> Vec<Model> {
    let truck = |site, conduct, crs| Truck { site, conduct, crs }.model();
    vec![
        dusty(),
        noisy(),
        leaky_spray(),
        WashBay { trucks: vec![(TRUCK_OPEN, OPEN_CONDUCT), (TRUCK_UNWASHED, UNWASHED_CONDUCT)] }.model(),
        clean_dust(),
        clean_noise(),
        clean_spray(),
        WashBay { trucks: vec![(TRUCK_CLEAN, CLEAN_CONDUCT)] }.model(),
        works(),
        first_kitchen(),
        second_kitchen(),
        sprinkler(),
        truck(&SITE_A, OPEN_CONDUCT, Crs::Wgs84),
        truck(&SITE_A, UNWASHED_CONDUCT, Crs::Gcj02),
        truck(&SITE_B, CLEAN_CONDUCT, Crs::Wgs84),
    ]
}

struct Running {
    id: DeviceId,
    topic: Arc<str>,
    step_s: i64,
    /// The second at which it is asked next.
    next_s: i64,
    dice: Dice,
    model: Model,
}

/// The demo county, an endless iterator of what its devices publish, in the order of the virtual clock. The same
/// seed and start give the same messages, byte for byte.
pub struct County {
    start: Timestamp,
    devices: Vec<Running>,
    /// Said and not yet published, by the moment, the device's place and the order in which it was said.
    underway: BTreeMap<(Timestamp, usize, u64), Vec<u8>>,
    said: u64,
}

impl County {
    /// A county whose first messages are published within the first minute after `start`.
    pub fn new(seed: u64, start: Timestamp) -> Self {
        let devices = DEVICES
            .iter()
            .zip(models())
            .map(|(line, model)| Running {
                id: DeviceId::from(line.id),
                topic: Arc::from(format!("citywarden/{REGION}/{}/json", line.id)),
                step_s: line.step_s,
                next_s: line.step_s,
                dice: Dice::of(seed, line.id),
                model,
            })
            .collect();
        Self { start, devices, underway: BTreeMap::new(), said: 0 }
    }

    /// The files of the county's registry.
    pub fn registry(&self) -> RegistryTexts {
        texts(self.start)
    }

    /// Every violation staged that may be raised before `until`, by its earliest moment. Nothing else may be raised.
    pub fn truth(&self, until: Timestamp) -> Vec<Truth> {
        truth(self.start, until)
    }

    /// Asks devices until nothing that is not yet said can be published before what is.
    fn listen(&mut self) {
        while let Some((place, second)) =
            self.devices.iter().map(|device| device.next_s).enumerate().min_by_key(|(_, second)| *second)
        {
            let now = self.start + Span::from_secs(second);
            if self.underway.first_key_value().is_some_and(|((at, _, _), _)| *at <= now) {
                return;
            }
            self.ask(place, now);
        }
    }

    fn ask(&mut self, place: usize, now: Timestamp) {
        let Some(device) = self.devices.get_mut(place) else { return };
        let mut moment = Moment { second: device.next_s, now, dice: &mut device.dice };
        let said = (device.model)(&mut moment);
        let (least, spread) = ON_ITS_WAY_MS;
        let arrives = now + Span::from_millis(least + i64::from(device.dice.below(spread)));
        device.next_s += device.step_s;
        match said {
            Said::Nothing => {}
            Said::Now(text) => self.send(place, arrives, text),
            Said::Late(text, seconds) => self.send(place, arrives + Span::from_secs(seconds), text),
            Said::Twice(text) => {
                self.send(place, arrives, text.clone());
                self.send(place, arrives + Span::from_millis(AGAIN_AFTER_MS), text);
            }
        }
    }

    fn send(&mut self, place: usize, at: Timestamp, text: String) {
        self.said += 1;
        self.underway.insert((at, place, self.said), text.into_bytes());
    }
}

impl Iterator for County {
    type Item = TimedMessage;

    fn next(&mut self) -> Option<TimedMessage> {
        self.listen();
        let ((at, place, _), payload) = self.underway.pop_first()?;
        let device = self.devices.get(place)?;
        Some(TimedMessage { at, device: device.id.clone(), topic: Arc::clone(&device.topic), payload })
    }
}
