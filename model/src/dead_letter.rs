//! Why a message was kept but not judged.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $text:literal;)+) => {
        /// Why a message is a dead letter: kept, acknowledged, counted under this reason, not judged.
        ///
        /// The text is the metric's label and what a person reads; the code is how the journal writes it and never
        /// changes.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        #[repr(u8)]
        pub enum DeadLetterReason { $($(#[$doc])* $name = $code,)+ }

        impl DeadLetterReason {
            /// Every reason, so that each one's counter exists from the start.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];
            /// The reason as a word: the metric's label.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)+ }
            }
            /// The journal's code for it.
            pub const fn code(self) -> u8 {
                self as u8
            }
            /// The reason with this code.
            pub const fn from_code(code: u8) -> Option<Self> {
                match code { $($code => Some(Self::$name),)+ _ => None }
            }
        }
    };
}

reasons! {
    /// Larger than a record may be; its first 4 KiB and its digest are kept.
    TooLarge = 1, "too_large";
    /// The credentials do not name the device it was published for.
    NotPermitted = 2, "not_permitted";
    /// The topic is none that is mapped.
    UnknownTopic = 3, "unknown_topic";
    /// The topic names another region.
    ForeignRegion = 4, "foreign_region";
    /// `devices.csv` has no such device.
    UnknownDevice = 5, "unknown_device";
    /// The device's asset is not in `assets.csv`.
    UnknownAsset = 6, "unknown_asset";
    /// The topic names a format that is not spoken.
    UnknownFormat = 7, "unknown_format";
    /// The payload is not what its format says.
    Undecodable = 8, "undecodable";
}

impl fmt::Display for DeadLetterReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
