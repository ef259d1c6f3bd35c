//! The mutation test for as long as one likes: `cargo run --release --example fuzz_codec -- COUNT SEED`.
//! A broken promise ends it with a panic that shows the packet.

#![expect(clippy::print_stdout, reason = "a program for a person to run and watch")]

mod mutation;

use mutation::{Mutator, check_packet};

const COUNT: u64 = 10_000_000;

fn main() {
    let mut arguments = std::env::args().skip(1).map(|text| text.parse::<u64>());
    let count = arguments.next().and_then(Result::ok).unwrap_or(COUNT);
    let seed = arguments.next().and_then(Result::ok).unwrap_or(1);
    let mut mutator = Mutator::new(seed);
    let mut accepted = 0_u64;
    for _ in 0..count {
        let (awaiting, bytes) = mutator.next_packet();
        accepted += u64::from(check_packet(awaiting, &bytes));
    }
    println!(
        "{count} packets from seed {seed}: {accepted} accepted, {} refused or unfinished",
        count - accepted
    );
}
