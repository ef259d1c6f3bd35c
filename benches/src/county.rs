//! The county of a load: a configuration and a registry for the service.

use std::fmt::Write as _;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use citywarden_simulators::load::device_id;

/// The region of the load.
pub(crate) const REGION: &str = "330624";
/// Devices, each at an asset of its own.
pub(crate) const DEVICES: u32 = 10_000;
/// The load sends dust, noise, moisture and wind: what monitors of building sites send, and two rules of the pack read.
const ASSET_KIND: &str = "construction_site";
/// Sites stand this far apart, in degrees.
const SPACING_DEG: f64 = 0.001;
/// Nobody listens there: what would be archived waits in the journal, as when the database is down.
const NO_DATABASE: &str = "[archive]\nurl = \"postgres://nobody@127.0.0.1:9/nothing\"\n\n";
/// The file that the service is started with.
pub(crate) const CONFIG: &str = "citywarden.toml";

/// How a service is configured.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct County {
    /// Where messages come from: a broker at this address, or else the service's own endpoint.
    pub(crate) broker: Option<SocketAddr>,
    /// Rows go into SQLite, as where nothing is configured; otherwise the archive is away.
    pub(crate) has_archive: bool,
    /// Who is told of alerts.
    pub(crate) webhook: Option<SocketAddr>,
    /// Sites with a monitor beside those of the load.
    pub(crate) probes: u32,
}

/// The id of the monitor of a site beside those of the load.
pub(crate) fn probe_id(number: u32) -> String {
    format!("probe-{number:05}")
}

impl County {
    /// Writes configuration and registry into a directory.
    pub(crate) fn write(&self, dir: &Path) -> std::io::Result<()> {
        fs::create_dir(dir.join("registry"))?;
        fs::write(dir.join("registry/assets.csv"), self.assets())?;
        fs::write(dir.join("registry/devices.csv"), self.devices())?;
        fs::write(dir.join(CONFIG), self.config())
    }

    fn config(&self) -> String {
        let source = match self.broker {
            Some(address) => format!("type = \"mqtt\"\nurl = \"mqtt://{address}\""),
            None => "type = \"mqtt-endpoint\"\nlisten = \"127.0.0.1:0\"".to_owned(),
        };
        let archive = if self.has_archive { "" } else { NO_DATABASE };
        let receiver = self.webhook.map_or(String::new(), |address| {
            format!(
                "\n[[receiver]]\nname = \"platform\"\ntype = \"webhook\"\nurl = \"http://{address}/alerts\"\n\n\
                 [route]\nreceiver = \"platform\"\ngroup_by = [\"asset\"]\n"
            )
        });
        format!(
            "region = \"{REGION}\"\ndata_dir = \"data\"\n\n[registry]\ndir = \"registry\"\n\n\
             [[source]]\n{source}\n\n{archive}[http]\nlisten = \"127.0.0.1:0\"\n{receiver}"
        )
    }

    /// The devices, in the order of their sites.
    fn ids(&self) -> impl Iterator<Item = String> {
        (0..DEVICES).map(device_id).chain((0..self.probes).map(probe_id))
    }

    fn assets(&self) -> String {
        let mut text = String::from("id,kind,name,region,grid,lat,lon\n");
        for (number, id) in (0_u32..).zip(self.ids()) {
            let (lat, lon) =
                (29.4 + f64::from(number / 100) * SPACING_DEG, 120.8 + f64::from(number % 100) * SPACING_DEG);
            writeln!(text, "site-{id},{ASSET_KIND},site {number},{REGION},,{lat:.3},{lon:.3}")
                .unwrap_or_default();
        }
        text
    }

    fn devices(&self) -> String {
        let mut text = String::from("id,kind,asset,interval_s,review\n");
        for id in self.ids() {
            writeln!(text, "{id},dust_monitor,site-{id},60,reviewed").unwrap_or_default();
        }
        text
    }
}
