//! A thousand worlds in which every promise is kept; ten thousand by `cargo run --release -p citywarden-world -- --seeds
//! 10000`.

use citywarden_world::{rules, run, run_many};

const SEEDS: u64 = 1_000;

#[test]
fn every_promise_is_kept_in_a_thousand_worlds() {
    let tally = run_many(0..SEEDS, &rules(), |_| true);
    let broken: Vec<String> = tally
        .broken
        .iter()
        .map(|outcome| {
            let again = format!("cargo run -p citywarden-world -- --seed {}", outcome.seed);
            format!("seed {} (again: {again}): {:#?}", outcome.seed, outcome.faults)
        })
        .collect();
    assert!(broken.is_empty(), "{}", broken.join("\n"));
    assert_eq!(tally.worlds, SEEDS);
    let figures = tally.figures;
    let happened = [
        figures.starts - SEEDS,
        figures.failed_starts,
        figures.connections,
        figures.acknowledged,
        figures.resent,
        figures.raised,
        figures.told,
    ];
    assert!(happened.iter().all(|count| *count > SEEDS / 10), "hardly anything happened: {figures:?}");
}

#[test]
fn a_seed_repeats_itself() {
    let rules = rules();
    for seed in 0..20 {
        assert_eq!(run(seed, &rules).trace, run(seed, &rules).trace, "seed {seed}");
    }
}
