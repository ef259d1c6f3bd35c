//! The few packets of MQTT 3.1.1 that a publisher writes and reads.

use citywarden_model::Timestamp;

use super::device_id;

/// The fixed length of every message of the load.
pub(super) const PAYLOAD_LEN: usize = 177;

const CONNECT: u8 = 0x10;
/// A publish at least once, not retained, not a duplicate.
const PUBLISH_AT_LEAST_ONCE: u8 = 0x32;
pub(super) const DISCONNECT: [u8; 2] = [0xE0, 0x00];
pub(super) const CONNACK_ACCEPTED: [u8; 4] = [0x20, 0x02, 0x00, 0x00];
/// The first two bytes of every PUBACK; two of the packet id follow.
pub(super) const PUBACK_HEAD: [u8; 2] = [0x40, 0x02];
pub(super) const PUBACK_LEN: usize = 4;
/// None: who waits for an acknowledgement, however long, sends nothing meanwhile.
const KEEP_ALIVE_S: u16 = 0;

const CLEAN_SESSION: u8 = 0x02;
const WITH_PASSWORD: u8 = 0xC0;

pub(super) fn connect(client: &str, credentials: Option<&(String, String)>) -> Vec<u8> {
    let flags = CLEAN_SESSION | if credentials.is_some() { WITH_PASSWORD } else { 0 };
    let mut body = vec![0, 4, b'M', b'Q', b'T', b'T', 4, flags];
    body.extend(KEEP_ALIVE_S.to_be_bytes());
    text(&mut body, client);
    if let Some((user, password)) = credentials {
        text(&mut body, user);
        text(&mut body, password);
    }
    packet(CONNECT, &body)
}

fn text(body: &mut Vec<u8>, text: &str) {
    let len = u16::try_from(text.len()).unwrap_or(u16::MAX);
    body.extend(len.to_be_bytes());
    body.extend(text.bytes().take(usize::from(len)));
}

fn packet(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut packet = vec![kind];
    let mut left = body.len();
    loop {
        let seven_bits = u8::try_from(left % 128).unwrap_or(0);
        left /= 128;
        packet.push(if left > 0 { seven_bits | 0x80 } else { seven_bits });
        if left == 0 {
            break;
        }
    }
    packet.extend(body);
    packet
}

/// A publish that is encoded once; its device, packet id and time are written over for each message.
#[derive(Debug, Clone)]
pub(super) struct Template {
    bytes: Vec<u8>,
    device_at: usize,
    packet_id_at: usize,
    millis_at: usize,
}

const DEVICE_DIGITS: usize = 5;
const MILLIS_DIGITS: usize = 13;

impl Template {
    /// The template of this number: each has other readings.
    pub(super) fn new(region: &str, number: u32) -> Self {
        let topic = format!("citywarden/{region}/{}/json", device_id(0));
        let payload = payload(number);
        let mut body = Vec::new();
        text(&mut body, &topic);
        let id_in_body = body.len();
        body.extend([0, 0]);
        body.extend(payload.bytes());
        let bytes = packet(PUBLISH_AT_LEAST_ONCE, &body);
        let body_at = bytes.len() - body.len();
        Self {
            device_at: body_at + id_in_body - "/json".len() - DEVICE_DIGITS,
            packet_id_at: body_at + id_in_body,
            millis_at: body_at + id_in_body + 2 + "{\"ts\":".len(),
            bytes,
        }
    }
    /// Appends the message of this device at this moment.
    pub(super) fn write(&self, into: &mut Vec<u8>, packet_id: u16, device: u32, at: Timestamp) {
        let start = into.len();
        into.extend_from_slice(&self.bytes);
        let Some(packet) = into.get_mut(start..) else { return };
        digits::<DEVICE_DIGITS>(packet, self.device_at, u64::from(device));
        if let Some(id) = packet.get_mut(self.packet_id_at..self.packet_id_at + 2) {
            id.copy_from_slice(&packet_id.to_be_bytes());
        }
        let millis = u64::try_from(at.nanos() / 1_000_000).unwrap_or(0);
        digits::<MILLIS_DIGITS>(packet, self.millis_at, millis);
    }
}

/// A number with leading zeros, cut to its last digits.
fn digits<const N: usize>(packet: &mut [u8], at: usize, mut number: u64) {
    let Some(place) = packet.get_mut(at..at + N) else { return };
    for digit in place.iter_mut().rev() {
        *digit = b'0' + u8::try_from(number % 10).unwrap_or(0);
        number /= 10;
    }
}

/// Five quantities of a dust and noise monitor, padded by a member that nobody knows.
fn payload(number: u32) -> String {
    let head = format!(
        "{{\"ts\":0000000000000,\"readings\":{{\"pm10\":{}.{},\"pm25\":{}.{},\"sound_level\":{}.{},\"humidity\":{}.5,\
         \"wind_speed\":1.{}}},\"flag\":\"N\",\"serial\":\"",
        60 + number % 30,
        number % 10,
        20 + number % 17,
        number % 7,
        45 + number % 9,
        number % 10,
        50 + number % 23,
        number % 10
    );
    let padding = PAYLOAD_LEN.saturating_sub(head.len() + 2);
    format!("{head}{}\"}}", "0".repeat(padding))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_becomes_a_whole_message_of_its_device_and_time() {
        let at = Timestamp::from_millis(1_795_478_400_250).unwrap();
        let mut packet = Vec::new();
        for number in 0..500 {
            packet.clear();
            Template::new("330624", number).write(&mut packet, 0x1234, 98_765, at);
            let topic = "citywarden/330624/load-98765/json";
            let body = 2 + topic.len() + 2 + PAYLOAD_LEN;
            assert_eq!(
                packet[..3],
                [0x32, u8::try_from(body % 128).unwrap() | 0x80, u8::try_from(body / 128).unwrap()]
            );
            assert_eq!(packet[5..5 + topic.len()], *topic.as_bytes());
            assert_eq!(packet[5 + topic.len()..7 + topic.len()], [0x12, 0x34]);
            let payload = &packet[7 + topic.len()..];
            assert_eq!(payload.len(), PAYLOAD_LEN);
            let mut observations = Vec::new();
            citywarden_formats::json::decode(payload, &mut observations).unwrap();
            assert_eq!(observations[0].observed_at, Some(at));
            assert_eq!(observations[0].readings.len(), 5);
        }
    }

    #[test]
    fn a_connect_is_as_the_standard_writes_it() {
        let bare = connect("a", None);
        assert_eq!(bare, [0x10, 13, 0, 4, b'M', b'Q', b'T', b'T', 4, 0x02, 0, 0, 0, 1, b'a']);
        let known = connect("a", Some(&("u".to_owned(), "pw".to_owned())));
        assert_eq!(known[9], 0xC2);
        assert_eq!(known[15..], [0, 1, b'u', 0, 2, b'p', b'w']);
        assert_eq!(packet(0x30, &[0; 200])[..3], [0x30, 0xC8, 0x01]);
    }
}
