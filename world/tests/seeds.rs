//! A thousand worlds in which every promise is kept; ten thousand by `cargo run --release -p citywarden-world -- --seeds
//! 10000`. What lasts is there a few times, at length by `-- --situation overload --seeds 100`.

use citywarden_world::{Figures, Operations, Outcome, Situation, rules, run, run_many, run_with};

const SEEDS: u64 = 1_000;

/// Runs so many worlds; none of them may break a promise.
fn check(situation: Situation, seeds: u64) -> Figures {
    let rules = rules();
    let all: Vec<u64> = (0..seeds).collect();
    let tally = run_many(&all, |seed| run(situation, *seed, &rules), |_| true);
    let broken: Vec<String> = tally
        .broken
        .iter()
        .map(|Outcome { seed, faults, .. }| {
            let word = situation.word();
            let again = format!("cargo run -p citywarden-world -- --situation {word} --seed {seed}");
            format!("seed {seed} (again: {again}): {faults:#?}")
        })
        .collect();
    assert!(broken.is_empty(), "{}", broken.join("\n"));
    assert_eq!(tally.worlds, seeds);
    tally.figures
}

#[test]
fn every_promise_is_kept_in_a_thousand_worlds() {
    let figures = check(Situation::Anything, SEEDS);
    let happened = [
        figures.starts - SEEDS,
        figures.failed_starts,
        figures.connections,
        figures.acknowledged,
        figures.resent,
        figures.raised,
        figures.told,
        figures.removed,
        figures.reloads,
    ];
    assert!(happened.iter().all(|count| *count > SEEDS / 10), "hardly anything happened: {figures:?}");
}

#[test]
fn every_promise_is_kept_while_the_receiver_is_away_for_an_hour() {
    let figures = check(Situation::ReceiverAway, 2);
    assert!(figures.told > figures.raised, "hardly anything happened: {figures:?}");
}

#[test]
fn every_promise_is_kept_while_every_connection_breaks_each_ten_seconds() {
    let figures = check(Situation::Unsteady, 2);
    assert!(figures.connections > 500, "hardly any broke: {figures:?}");
}

#[test]
fn twice_what_the_disk_takes_slows_every_device_and_what_waits_is_bounded() {
    let figures = check(Situation::Overload, 2);
    assert!(figures.waiting_max >= 16 && figures.acknowledged > 20_000, "there was no overload: {figures:?}");
}

#[test]
fn every_promise_is_kept_while_the_disk_is_full_for_minutes_under_load() {
    let figures = check(Situation::DiskFull, 4);
    assert!(figures.resent > 500, "nobody had to wait: {figures:?}");
}

#[test]
fn a_seed_repeats_itself() {
    let rules = rules();
    for seed in 0..20 {
        let trace = || run(Situation::Anything, seed, &rules).trace;
        assert_eq!(trace(), trace(), "seed {seed}");
    }
}

/// At the first operation of each kind the disk fails, and at the last one the power (the kinds are what is done, to which
/// kind of file: segments of the journal and of the alert log, the next segment made ready, what outlives a segment,
/// snapshots, texts, sessions, directories); and there is a fault at each 97th operation of the disk and of the network.
#[test]
fn a_fault_at_an_operation_of_any_kind_breaks_no_promise() {
    let rules = rules();
    let operations = Operations::of(0, &rules);
    let faults = operations.some_faults(97);
    let tally = run_many(&faults, |fault| run_with(*fault, 0, &rules), |_| true);
    let broken: Vec<String> =
        tally.broken.iter().map(|outcome| format!("{:?}: {:#?}", outcome.troubles, outcome.faults)).collect();
    assert!(broken.is_empty(), "{}", broken.join("\n"));
    assert!(tally.figures.starts > 2 * tally.worlds, "hardly any fault was met: {:?}", tally.figures);
}
