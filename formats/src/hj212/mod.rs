//! HJ 212 (2005, 2017, 2025) as an MQTT payload: the uploads of real-time data (2011) and of minute data (2051).
//!
//! ```text
//! ##0098QN=…;ST=39;CN=2051;PW=…;MN=…;Flag=5;CP=&&DataTime=20261124080000;a34002-Avg=56.0,a34002-Flag=N&&1A80\r\n
//! ```
//!
//! **Packets.** One payload holds one or several. What stands around them (byte-order mark, line ends or none, NULs,
//! noise of a serial line) is skipped up to the next `##`. A packet that has begun must hold: length, checksum and
//! grammar; else nothing of the whole payload is handed on, so that a message is never half judged. Parts of a split
//! packet (`PNUM`, `PNO`) each stand alone. Packets of other commands beside an upload are left aside; alone they are
//! an error, so that they show.
//!
//! **Time.** `DataTime` is UTC+8, to the second or millisecond; of 2011 a moment, of 2051 the start of an interval,
//! which ends the device's `interval_s` later (60 s where that is empty). Observations are stamped with the end.
//!
//! **Readings.** A factor becomes the quantity of its code, in the quantity's unit; one that nobody knows keeps its
//! code in lower case. Of 2011 the value is `-Rtd`, or else `-Avg`, or else `-Data`; of 2051 `-Avg`, `-Data`, `-Rtd`.
//! `-Min` and `-Max` become `<quantity>_min` and `<quantity>_max`. Other attributes (`-Cou`, `-Zs…`, `-EFlag`) stay in
//! the raw bytes. Where two factors of a packet mean one quantity (`Leq` and `LA`), the standard's own comes first and
//! the other keeps its code. What is no number is handed on as a text, which whoever judges discards by name.
//! The readings of each data flag are an observation of their own, because only those of `N`, or of none, are judged.
//! A factor sent twice with different values contradicts itself: the first value, under the flag `?`.
//!
//! **The register** (columns of `devices.csv`, all optional):
//!
//! | attribute | says |
//! |---|---|
//! | `mn` | the packets' `MN` has to be this |
//! | `crc` | `hj212` (default), `modbus`, `ignore`: which checksum it sends |
//! | `use` | `2051`, `2011`, `both` (default): which upload is judged. Both describe the same minutes: for a device that sends both, choose `2051`. The other one's quantities get `_realtime` or `_minute` behind their names: kept and shown, read by no rule |
//! | `datatime` | `start` (default), `end`: what `DataTime` of 2051 is |
//! | `unit.<code>` | the unit of that factor's numbers: `mg/m3`, `ug/m3`, `ng/m3`; `Pa`, `hPa`, `kPa`. Default: the quantity's own (µg/m³ for dust, mg/m³ for NMHC), and kPa for `a01006` and `127` |
//! | `factor.<code>` | the quantity of that factor, where the table has none or another |

mod crc;
mod factor;
mod frame;
mod retime;
mod segment;
mod settings;
mod time;
mod unit;
mod upload;

use citywarden_model::Observation;

use crate::{DecodeError, Profile};
use frame::Packets;
use segment::Segment;
use settings::{Settings, Upload};

pub use frame::frame;
pub use retime::retime;

/// Appends to `into` what the payload of this device says; on an error, `into` is as it was.
pub fn decode<'a>(
    profile: Profile<'_>,
    payload: &'a [u8],
    into: &mut Vec<Observation<'a>>,
) -> Result<(), DecodeError> {
    let before = into.len();
    let read = read(profile, payload, into);
    if read.is_err() {
        into.truncate(before);
    }
    read
}

fn read<'a>(
    profile: Profile<'_>,
    payload: &'a [u8],
    into: &mut Vec<Observation<'a>>,
) -> Result<(), DecodeError> {
    let settings = Settings::of(profile)?;
    let mut other = None;
    let mut uploads = 0_usize;
    for packet in Packets::of(payload, settings.crc) {
        let segment = Segment::of(&packet?)?;
        check(&segment, &settings)?;
        let command = segment.field("CN").unwrap_or_default();
        if let Some(upload) = Upload::of(command) {
            upload::read(&segment, upload, &settings, into)?;
            uploads += 1;
        } else {
            other.get_or_insert((segment.at, command));
        }
    }
    match other {
        _ if uploads > 0 => Ok(()),
        Some((at, command)) => Err(DecodeError::malformed(
            at,
            format!("command `{command}` is not read, expected CN 2011 or 2051"),
        )),
        None => Err(DecodeError::malformed(0, "no packet, expected ## and 4 digits".to_owned())),
    }
}

/// The version of the flag is one that is known, and the device is who it has to be.
fn check(segment: &Segment<'_>, settings: &Settings<'_>) -> Result<(), DecodeError> {
    let wrong = |what| Err(DecodeError::malformed(segment.at, what));
    if let Some(flag) = segment.field("Flag")
        && !is_known_version(flag)
    {
        return wrong(format!("Flag is `{flag}`, expected that of HJ 212-2005, 2017 or 2025 (0 to 11)"));
    }
    let Some(expected) = settings.mn else { return Ok(()) };
    match segment.field("MN") {
        Some(mn) if mn == expected => Ok(()),
        mn => wrong(format!("MN is `{}`, the device's register says `{expected}`", mn.unwrap_or_default())),
    }
}

/// Six bits of version above two of other meaning: 0 is 2005, 1 is 2017, 2 is 2025.
fn is_known_version(flag: &str) -> bool {
    flag.parse::<u8>().is_ok_and(|flag| flag >> 2 <= 2)
}
