//! Nanoseconds to decode one message, printed. Run with `--release`.

#![expect(clippy::print_stdout, reason = "printing is all it does")]
#![expect(clippy::disallowed_methods, reason = "it measures real time")]

use std::hint::black_box;
use std::time::Instant;

use citywarden_formats::json;

const ROUNDS: u32 = 7;
const MESSAGES: u32 = 200_000;

fn main() {
    let payloads: Vec<String> = (0..1_000).map(message).collect();
    let bytes: usize = payloads.iter().map(String::len).sum();
    let mut nanos: Vec<f64> = (0..ROUNDS).map(|_| round(&payloads)).collect();
    nanos.sort_by(f64::total_cmp);
    let (least, median) = (nanos.first().copied(), nanos.get(nanos.len() / 2).copied());
    println!("{} B a message, five quantities", bytes / payloads.len());
    println!("decode: median {:.0} ns, least {:.0} ns", median.unwrap_or(0.0), least.unwrap_or(0.0));
}

fn round(payloads: &[String]) -> f64 {
    let mut observations = Vec::new();
    let started = Instant::now();
    for payload in payloads.iter().cycle().take(MESSAGES as usize) {
        observations.clear();
        json::decode(black_box(payload.as_bytes()), &mut observations).expect("it is a message");
        black_box(&observations);
    }
    started.elapsed().as_secs_f64() * 1e9 / f64::from(MESSAGES)
}

fn message(n: u32) -> String {
    format!(
        r#"{{"ts":"2026-11-24T08:{:02}:{:02}.250+08:00","readings":{{"pm10":{}.4,"pm25":{}.1,"sound_level":{}.3,"humidity":61.5,"wind_speed":1.2}},"flag":"N","position":{{"lat":29.49,"lon":120.90}},"seq":{}}}"#,
        n / 60 % 60,
        n % 60,
        60 + n % 90,
        20 + n % 40,
        50 + n % 30,
        1000 + n
    )
}
