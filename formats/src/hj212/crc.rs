//! The two checksums that the field sends.

/// Which checksum a device's packets carry: its attribute `crc`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Crc {
    /// The standard's own, of which only 8 bits protect anything.
    #[default]
    Hj212,
    /// CRC-16/MODBUS, which some makers took it for.
    Modbus,
    /// Whatever stands there.
    Ignore,
}

impl Crc {
    /// The checksum of a data segment; `None` where any will do.
    pub(crate) fn of(self, segment: &[u8]) -> Option<u16> {
        match self {
            Self::Hj212 => Some(hj212(segment)),
            Self::Modbus => Some(modbus(segment)),
            Self::Ignore => None,
        }
    }
}

const POLYNOMIAL: u16 = 0xA001;

fn eight_shifts(mut crc: u16) -> u16 {
    for _ in 0..8 {
        let carry = crc & 1;
        crc >>= 1;
        if carry == 1 {
            crc ^= POLYNOMIAL;
        }
    }
    crc
}

/// HJ 212-2017 annex A: the low byte is thrown away before the next byte comes in.
pub(crate) fn hj212(segment: &[u8]) -> u16 {
    segment.iter().fold(0xFFFF, |crc, byte| eight_shifts((crc >> 8) ^ u16::from(*byte)))
}

/// CRC-16/MODBUS.
pub(crate) fn modbus(segment: &[u8]) -> u16 {
    segment.iter().fold(0xFFFF, |crc, byte| eight_shifts(crc ^ u16::from(*byte)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_standards_example_has_its_corrected_checksum() {
        let segment = b"QN=20160801085857223;ST=32;CN=1062;PW=100000;MN=010000A8900016F000169DC0;Flag=5;CP=&&RtdInterval=30&&";
        assert_eq!(hj212(segment), 0x1C80);
    }

    #[test]
    fn the_check_value_of_modbus_is_the_published_one() {
        assert_eq!(modbus(b"123456789"), 0x4B37);
    }
}
