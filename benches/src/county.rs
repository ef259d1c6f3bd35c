//! The county of a load: a configuration and a registry for the service.

use std::fmt::Write as _;
use std::fs;
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

/// Writes both into a directory; gives the configuration's name.
pub(crate) fn write(dir: &Path) -> std::io::Result<&'static str> {
    const CONFIG: &str = "citywarden.toml";
    fs::create_dir(dir.join("registry"))?;
    fs::write(dir.join("registry/assets.csv"), assets())?;
    fs::write(dir.join("registry/devices.csv"), devices())?;
    let config = format!(
        "region = \"{REGION}\"\ndata_dir = \"data\"\n\n[registry]\ndir = \"registry\"\n\n\
         [[source]]\ntype = \"mqtt-endpoint\"\nlisten = \"127.0.0.1:0\"\n\n[http]\nlisten = \"127.0.0.1:0\"\n"
    );
    fs::write(dir.join(CONFIG), config)?;
    Ok(CONFIG)
}

fn assets() -> String {
    let mut text = String::from("id,kind,name,region,grid,lat,lon\n");
    for number in 0..DEVICES {
        let (lat, lon) =
            (29.4 + f64::from(number / 100) * SPACING_DEG, 120.8 + f64::from(number % 100) * SPACING_DEG);
        writeln!(text, "site-{number:05},{ASSET_KIND},site {number},{REGION},,{lat:.3},{lon:.3}")
            .unwrap_or_default();
    }
    text
}

fn devices() -> String {
    let mut text = String::from("id,kind,asset,interval_s,review\n");
    for number in 0..DEVICES {
        let id = device_id(number);
        writeln!(text, "{id},dust_monitor,site-{number:05},60,reviewed").unwrap_or_default();
    }
    text
}
