//! Whatever bytes come: no panic, nothing read past the end, and the answer does not depend on how they arrive.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test"
)]

#[path = "../examples/mutation/mod.rs"]
mod mutation;

use citywarden_ingest::codec::{Awaiting, Decoded, Delivery, Packet, PacketId, Version, decode};
use mutation::{Mutator, check_packet};
use proptest::prelude::*;

/// Enough to meet every branch of the codec, in about a second of an unoptimised build.
const MUTATIONS: u64 = 60_000;

#[test]
fn no_mutated_packet_breaks_what_the_codec_promises() {
    let mut mutator = Mutator::new(0x000c_1710_3a12_de01);
    let mut accepted = 0_u64;
    for _ in 0..MUTATIONS {
        let (awaiting, bytes) = mutator.next_packet();
        accepted += u64::from(check_packet(awaiting, &bytes));
    }
    let share = accepted * 100 / MUTATIONS;
    assert!((5..95).contains(&share), "{share} % accepted: the mutations no longer reach both sides");
}

fn version() -> impl Strategy<Value = Version> {
    prop_oneof![Just(Version::V311), Just(Version::V5)]
}

/// A client's encoder, kept apart from the server's code on purpose.
fn encode(version: Version, topic: &str, packet_id: Option<u16>, flags: u8, payload: &[u8]) -> Vec<u8> {
    let mut body = u16::try_from(topic.len()).unwrap().to_be_bytes().to_vec();
    body.extend(topic.bytes());
    body.extend(packet_id.into_iter().flat_map(u16::to_be_bytes));
    body.extend((version == Version::V5).then_some(0));
    body.extend(payload);
    let mut packet = vec![0x30 | flags];
    let mut left = body.len();
    loop {
        let more = left > 0x7f;
        packet.push(u8::try_from(left & 0x7f).unwrap() | if more { 0x80 } else { 0 });
        left >>= 7;
        if !more {
            break;
        }
    }
    packet.extend(body);
    packet
}

proptest! {
    #[test]
    fn a_publish_is_read_as_it_was_meant(
        version in version(),
        topic in "[a-z0-9/洒水车 $]{1,40}",
        packet_id in proptest::option::of(1_u16..),
        retain: bool,
        duplicate: bool,
        payload in proptest::collection::vec(any::<u8>(), 0..300),
        after in proptest::collection::vec(any::<u8>(), 0..4),
    ) {
        let duplicate = duplicate && packet_id.is_some();
        let qos = u8::from(packet_id.is_some());
        let flags = u8::from(retain) | qos << 1 | u8::from(duplicate) << 3;
        let mut bytes = encode(version, &topic, packet_id, flags, &payload);
        let whole = bytes.len();
        bytes.extend(after);
        let Ok(Decoded::Complete(Packet::Publish(publish), length)) =
            decode(Awaiting::Packets(version), &bytes, 1 << 20)
        else {
            return Err(TestCaseError::fail("not read as a publish"));
        };
        let delivery = packet_id.and_then(PacketId::new).map_or(Delivery::AtMostOnce, Delivery::AtLeastOnce);
        prop_assert_eq!(length, whole);
        prop_assert_eq!((publish.topic, publish.payload), (topic.as_str(), payload.as_slice()));
        prop_assert_eq!((publish.delivery, publish.retain, publish.duplicate), (delivery, retain, duplicate));
        for end in 0..whole {
            let part = bytes.get(..end).unwrap();
            prop_assert_eq!(decode(Awaiting::Packets(version), part, 1 << 20), Ok(Decoded::Incomplete));
        }
    }

    #[test]
    fn any_bytes_at_all_are_judged_without_a_panic(
        first: bool,
        version in version(),
        bytes in proptest::collection::vec(any::<u8>(), 0..64),
    ) {
        check_packet(if first { Awaiting::Connect } else { Awaiting::Packets(version) }, &bytes);
    }
}
