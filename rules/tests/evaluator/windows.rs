//! What is computed over windows.

use citywarden_rules::CaseState;

use crate::world::{World, add_device, registry, rule};

fn over(inputs: &str, violation: &str) -> String {
    rule(
        "window",
        &format!(
            "[limit]\nlimit = {{ value = 50.0, unit = \"1\", source = \"test\" }}\n\
             [input]\n{inputs}\n[judge]\nviolation = '{violation}'\nclear_after = \"1h\"\n"
        ),
    )
}

fn mean_of_a_minute() -> String {
    over("level = 'mean(pm10, \"1m\")'", "level > limit")
}

#[test]
fn a_window_has_no_value_below_three_quarters_of_its_readings() {
    World::new(&[mean_of_a_minute()], registry()).play(
        "site",
        "10:00:10 fast pm10=10 | undecided, no value: level
         10:00:20 fast pm10=10 | undecided
         10:00:30 fast pm10=10 | undecided
         10:00:40 fast pm10=10 | undecided
         10:00:50 fast pm10=10 | compliant
         10:01:00 fast pm10=10 | compliant",
    );
}

#[test]
fn a_device_that_falls_silent_becomes_undecided_by_the_journals_clock() {
    World::new(&[mean_of_a_minute()], registry()).play(
        "site",
        "10:00:10 fast pm10=10
         10:00:20 fast pm10=10
         10:00:30 fast pm10=10
         10:00:40 fast pm10=10
         10:00:50 fast pm10=10
         10:01:00 fast pm10=10 | compliant
         10:01:24 - | compliant
         10:01:25 - | undecided, no value: level",
    );
}

#[test]
fn a_reading_that_is_less_than_half_an_interval_behind_its_rhythm_is_not_missing() {
    let short = over("level = 'mean(pm10, \"20s\")'", "level > limit");
    World::new(&[short], registry()).play(
        "site",
        "10:00:00 fast pm10=60
         10:00:10 fast pm10=60 | firing
         10:00:24 fast @10:00:20 pm10=60 | violation
         10:00:34 - | violation
         10:00:35 - | violation
         10:00:39 - | undecided",
    );
}

#[test]
fn a_device_that_floods_has_no_window_until_its_readings_reach_back_again() {
    let mut world = World::new(&[mean_of_a_minute()], registry());
    for number in 0..4_200 {
        world.send(&format!("10:00:{:02}.{:03} fast pm10=10", number / 100, number % 100 * 10));
    }
    world.play(
        "site",
        "10:00:50 fast pm10=10 | undecided, no value: level
         10:01:20 fast pm10=10 | undecided
         10:01:23 fast pm10=10 | compliant",
    );
}

#[test]
fn a_limit_named_min_coverage_overrides_the_three_quarters() {
    let text = mean_of_a_minute()
        .replace("[input]", "min_coverage = { value = 0.3, unit = \"share\", source = \"test\" }\n[input]");
    let text = text.replace("clear_after = \"1h\"\n", "undecided.\"thin\" = 'limit * min_coverage < 0.0'\n");
    World::new(&[text], registry()).play(
        "site",
        "10:00:10 fast pm10=10 | undecided
         10:00:20 fast pm10=10 | compliant",
    );
}

#[test]
fn a_level_is_averaged_by_its_energy() {
    let text = over("level = 'laeq(sound_level, \"3m\")'", "level > limit + 25.6");
    let mut world = World::new(&[text], registry());
    world.play(
        "site",
        "10:00:00 meter sound_level=60
         10:01:00 meter sound_level=70
         10:02:00 meter sound_level=80 | firing",
    );
    let level = world.alerts()[0].values["level"].as_f64().unwrap();
    assert!((level - 75.68).abs() < 0.01, "{level}");
}

#[test]
fn the_greatest_and_the_least_of_a_window_are_those_in_it() {
    let text = over("high = 'max(pm10, \"30s\")'\nlow = 'min(pm10, \"30s\")'", "high - low > limit");
    World::new(&[text], registry()).play(
        "site",
        "10:00:00 fast pm10=100
         10:00:10 fast pm10=60
         10:00:20 fast pm10=60 | compliant
         10:00:30 fast pm10=60 | compliant
         10:00:40 fast pm10=111 | violation
         10:00:50 fast pm10=60 | violation
         10:01:00 fast pm10=60 | violation
         10:01:10 fast pm10=60 | compliant",
    );
}

#[test]
fn a_gate_selects_readings_and_counts_coverage_over_its_own_time() {
    let text = over("level = 'mean(pm10, \"1m\").only_while(fan_running)'", "level > limit");
    World::new(&[text], registry()).play(
        "site",
        "10:00:00 fast pm10=90 fan_running=false | compliant
         10:00:10 fast pm10=90 fan_running=false | compliant
         10:00:20 fast pm10=20 fan_running=true | undecided
         10:00:30 fast pm10=20 fan_running=true | compliant
         10:00:40 fast pm10=90 fan_running=false | compliant, resting: level is not measured now",
    );
}

#[test]
fn a_shut_gate_makes_the_rule_rest_and_a_firing_alert_go_on_until_clear_after() {
    let text = over("level = 'last(pm10).only_while(fan_running)'", "level > limit");
    World::new(&[text], registry()).play(
        "site",
        "10:00:00 switch fan_running=true
         10:00:10 switch pm10=90 | firing
         10:00:20 switch fan_running=false | compliant, firing
         11:00:09 - | firing, quiet
         11:00:10 - | normal, cleared violation",
    );
}

#[test]
fn a_gate_that_was_never_sent_leaves_no_value() {
    let text = over("level = 'last(pm10).only_while(fan_running)'", "level > limit");
    World::new(&[text], registry()).play("site", "10:00:00 switch pm10=90 | undecided, no value: level");
}

#[test]
fn a_window_keeps_nothing_from_before_its_state_last_changed() {
    let text = over(
        "level = 'mean(pm10, \"1m\").restart_on(work)'\nwork = 'last(earthwork)'",
        "work && level > limit",
    );
    World::new(&[text], registry()).play(
        "site",
        "10:00:00 fast pm10=90 earthwork=false
         10:00:10 fast pm10=90 earthwork=false
         10:00:20 fast pm10=90 earthwork=false
         10:00:30 fast pm10=90 earthwork=false
         10:00:40 fast pm10=90 earthwork=false | compliant
         10:00:50 fast pm10=90 earthwork=true | undecided
         10:01:00 fast pm10=20 earthwork=true | undecided
         10:01:10 fast pm10=20 earthwork=true | undecided
         10:01:20 fast pm10=20 earthwork=true | undecided
         10:01:30 fast pm10=20 earthwork=true | undecided
         10:01:40 fast pm10=20 earthwork=true | compliant",
    );
}

#[test]
fn of_several_devices_the_worst_counts_each_with_its_own_window() {
    let text = over("level = 'mean(sound_level, \"1m\")'", "level > limit");
    World::new(&[text], registry()).play(
        "site",
        "10:00:00 meter sound_level=40 | compliant
         10:00:05 second sound_level=60 | violation
         10:01:00 meter sound_level=40 | violation
         10:01:05 second sound_level=45 | compliant",
    );
}

#[test]
fn what_stands_in_counts_for_an_asset_that_is_not_fitted_and_makes_a_lead_of_the_alert() {
    let text = over("level = 'last(pm10)'\nwind = 'last(wind_speed).or(0.0)'", "level > limit")
        + "undecided.\"windy\" = 'wind > limit'\n";
    World::new(&[text], registry())
        .play("site", "10:00:00 fast pm10=90 | raised violation since 10:00:00 lead");
    let text = over("level = 'last(pm10)'\nwind = 'last(wind_speed).or(0.0)'", "level > limit")
        + "undecided.\"windy\" = 'wind > limit'\n";
    World::new(&[text], registry())
        .play("site", "10:00:00 fast wind_speed=1 pm10=90 | raised violation since 10:00:00");
}

#[test]
fn what_is_fitted_and_missing_now_is_undecided_whatever_stands_in() {
    let text = over("level = 'last(pm10)'\nwind = 'last(wind_speed).or(0.0)'", "level + wind > limit");
    World::new(&[text], registry()).play(
        "site",
        "10:00:00 meter wind_speed=1
         10:00:00 fast pm10=90 | firing
         10:03:05 fast pm10=90 | undecided, no value: wind, firing",
    );
}

#[test]
fn the_last_value_of_a_device_with_an_interval_holds_three_intervals_and_no_less_than_a_minute() {
    let text = over("level = 'last(pm10)'", "level > limit");
    World::new(std::slice::from_ref(&text), registry()).play(
        "site",
        "10:00:00 fast pm10=10 | compliant
         10:01:00 - | compliant
         10:01:01 - | undecided",
    );
    World::new(std::slice::from_ref(&text), registry()).play(
        "site",
        "10:00:00 meter pm10=10 | compliant
         10:03:00 - | compliant
         10:03:01 - | undecided",
    );
    World::new(&[text], registry())
        .play("site", "10:00:00 switch pm10=10 | compliant\n23:00:00 - | compliant");
}

#[test]
fn a_value_reported_on_change_is_weighted_by_the_time_it_held() {
    let text = over("level = 'mean(pm10, \"10m\")'", "level >= limit");
    World::new(&[text], registry()).play(
        "site",
        "10:00:00 switch pm10=0 | compliant
         10:05:00 switch pm10=100 | compliant
         10:09:59 switch humidity=1 | compliant
         10:10:00 switch pm10=100 | violation",
    );
}

#[test]
fn shares_and_runs_of_a_state_are_times() {
    let text = over(
        "share = 'share_of_time(spraying, \"10m\")'\nrun = 'longest_run(spraying, \"10m\")'",
        "share < 0.5 && run <= 240.0",
    );
    let mut world = World::new(&[text], registry());
    world.play(
        "site",
        "10:00:00 switch spraying=true
         10:04:00 switch spraying=false | compliant
         10:10:00 switch spraying=true | violation",
    );
    let values = &world.alerts()[0].values;
    assert_eq!((values["share"].as_f64(), values["run"].as_f64()), (Some(0.4), Some(240.0)));
}

#[test]
fn since_counts_from_the_first_false_by_the_journals_clock() {
    let text = over("off = 'since(spraying)'", "off >= limit + 250.0");
    World::new(&[text], registry()).play(
        "site",
        "10:00:00 switch spraying=true | compliant
         10:01:07 switch @10:01:00 spraying=false
         10:03:00 switch spraying=false
         10:06:06 - | compliant
         10:06:07 - | firing, raised violation since 10:06:07",
    );
}

#[test]
fn silence_of_a_quantity_and_of_a_kind_of_device_are_two_things() {
    let text = over(
        "quiet = 'silence(spraying)'\ndead = 'device_silence(\"relay\")'",
        "quiet > limit && dead <= limit",
    );
    World::new(&[text], registry()).play(
        "site",
        "10:00:00 switch spraying=true | compliant
         10:00:30 switch humidity=3 | compliant
         10:00:50 - | compliant
         10:00:51 - | violation
         10:01:20 - | violation
         10:01:21 - | compliant
         10:01:22 switch humidity=3 | violation",
    );
}

#[test]
fn the_gap_between_nozzles_is_a_fact_of_the_register_and_of_what_works() {
    let text = over(
        "gap = 'largest_gap(nozzle_chainage_m, perimeter_m, closed_loop).only_where(nozzles)'",
        "gap > limit / 10.0",
    );
    let mut registry = registry();
    crate::world::add_asset(
        &mut registry,
        "site",
        "construction_site",
        &[("nozzle_chainage_m", "0;5;10;15"), ("perimeter_m", "20"), ("closed_loop", "true")],
    );
    World::new(&[text], registry).play(
        "site",
        "10:00:00 - | compliant
         10:01:00 switch nozzles=[true,true,true,true] | compliant
         10:02:00 switch nozzles=[true,false,true,true] | violation
         10:03:00 switch nozzles=[true,true,true] | undecided",
    );
}

#[test]
fn memory_is_bounded_by_the_longest_window_and_ten_minutes() {
    let mut world = World::new(&[mean_of_a_minute()], registry());
    let mut sizes = Vec::new();
    for minute in 0..120 {
        for second in 0..6 {
            world.send(&format!("{:02}:{:02}:{:02} fast pm10=10", 8 + minute / 60, minute % 60, second * 10));
        }
        sizes.push(world.evaluator.snapshot().len());
    }
    assert!(
        sizes[119] <= sizes[30] + 64,
        "{} bytes after half an hour, {} after two hours",
        sizes[30],
        sizes[119]
    );
}

#[test]
fn an_unknown_device_is_counted_and_nothing_else_happens() {
    let mut registry = registry();
    add_device(&mut registry, "lost", "noise", "nowhere", Some(60));
    let mut world = World::new(&[mean_of_a_minute()], registry);
    world.play("site", "10:00:00 nobody pm10=99 | quiet\n10:00:00 lost pm10=99 | quiet");
    assert_eq!(world.discarded("unknown_device"), 2);
    assert_eq!(world.line("site").state, CaseState::Normal);
}
