//! When a reading counts, and by which clock.

use crate::world::{World, registry, rule};

/// The newest level above 50, for a while.
fn loud(lasting: &str) -> String {
    rule(
        "loud",
        &format!(
            "[limit]\nlimit_db = {{ value = 50.0, unit = \"dB(A)\", source = \"test\" }}\n\
             [input]\nlevel = 'last(sound_level)'\n\
             [judge]\nviolation = 'level > limit_db'\n{lasting}\n"
        ),
    )
}

#[test]
fn lasting_starts_at_the_reading_that_makes_it_true_and_is_reached_by_one_at_its_end() {
    World::new(&[loud("violation_lasting = \"2m\"")], registry()).play(
        "site",
        "10:00:00 meter sound_level=40 | compliant, normal
         10:01:00 meter sound_level=60 | violation, pending
         10:02:00 meter sound_level=60 | pending, quiet
         10:03:00 meter sound_level=60 | firing, raised violation since 10:01:00
         10:04:00 meter sound_level=60 | firing, quiet
         10:05:00 meter sound_level=40 | normal, cleared violation",
    );
}

#[test]
fn lasting_is_a_span_of_observed_time_whatever_the_network_does() {
    World::new(&[loud("violation_lasting = \"2m\"")], registry()).play(
        "site",
        "10:01:04 meter @10:01:00 sound_level=60 | pending
         10:03:01 meter @10:02:00 sound_level=60 | pending
         10:03:02 meter @10:03:00 sound_level=60 | firing, raised violation since 10:01:00",
    );
}

#[test]
fn no_timer_reaches_lasting_for_a_device_with_an_interval() {
    World::new(&[loud("violation_lasting = \"40s\"")], registry()).play(
        "site",
        "10:01:00 meter sound_level=60 | pending
         10:01:50 -  | pending, quiet
         10:02:00 meter sound_level=60 | firing, raised violation since 10:01:00",
    );
}

#[test]
fn the_journals_clock_reaches_lasting_for_a_device_that_reports_on_change() {
    World::new(&[loud("violation_lasting = \"2m\"")], registry()).play(
        "site",
        "10:01:05 switch @10:01:00 sound_level=60 | pending
         10:03:04 - | pending, quiet
         10:03:05 - | firing, raised violation since 10:01:00",
    );
}

#[test]
fn a_pending_violation_is_dropped_by_a_reading_that_is_fine() {
    World::new(&[loud("violation_lasting = \"2m\"")], registry()).play(
        "site",
        "10:01:00 meter sound_level=60 | pending
         10:02:00 meter sound_level=50 | normal, compliant
         10:03:00 meter sound_level=60 | pending
         10:04:00 meter sound_level=60 | pending, quiet",
    );
}

#[test]
fn the_same_reading_again_counts_once_and_another_value_at_its_time_replaces_it() {
    let mean = rule(
        "mean",
        "[limit]\nlimit = { value = 50.0, unit = \"1\", source = \"test\" }\n\
         [input]\nlevel = 'mean(pm10, \"20s\")'\n[judge]\nviolation = 'level > limit'\n",
    );
    let mut world = World::new(&[mean], registry());
    world.play(
        "site",
        "10:00:00 fast pm10=40
         10:00:10 fast pm10=56 | compliant
         10:00:11 fast @10:00:10 pm10=56 dup | compliant, quiet
         10:00:12 fast @10:00:00 pm10=44.1 | violation, raised violation since 10:00:10
         10:00:13 fast @10:00:00 pm10=40 | compliant, cleared violation",
    );
    assert_eq!(world.discarded("duplicate"), 1);
}

#[test]
fn a_message_without_a_time_is_judged_at_its_arrival_and_counts_once_when_it_is_sent_again() {
    let sum = rule(
        "sum",
        "[limit]\nlimit = { value = 2.5, unit = \"1\", source = \"test\" }\n\
         [input]\ncount = 'count(leaking, \"10m\")'\n[judge]\nviolation = 'count > limit'\n",
    );
    let mut world = World::new(&[sum], registry());
    world.play(
        "site",
        "10:00:00 switch @- leaking=true | compliant
         10:00:30 switch @- leaking=true dup | compliant
         10:00:59 switch @- leaking=true dup | compliant
         10:01:00 switch @- leaking=true | compliant
         10:03:00 switch @- leaking=true dup | violation",
    );
    assert_eq!(world.discarded("duplicate"), 2);
}

#[test]
fn a_message_is_sent_again_after_the_equal_one_that_counted_last() {
    let mut world = World::new(&[loud("")], registry());
    world.play(
        "site",
        "10:00:00 switch @- sound_level=40
         10:00:50 switch @- sound_level=40
         10:01:40 switch @- sound_level=40 dup",
    );
    assert_eq!(world.discarded("duplicate"), 1, "50 s after the second");
}

#[test]
fn names_that_a_device_invents_are_bounded_and_take_no_place_from_those_that_are_known() {
    let mut world = World::new(&[loud("")], registry());
    for number in 0..1_000 {
        world.send(&format!("10:00:00 meter @10:00:00 invented_{number}=1"));
    }
    world.play("site", "10:00:01 meter ph=7 sound_level=60 | firing");
    let counts: Vec<_> = world.evaluator.readings().map(|(name, count)| (name.to_owned(), count)).collect();
    assert_eq!(counts.len(), 256 + 3, "sound_level, ph and all others");
    let count = |name: &str| counts.iter().find(|(found, _)| found == name).map(|(_, count)| *count);
    assert_eq!((count("other"), count("ph"), count("sound_level")), (Some(744), Some(1), Some(1)));
    assert_eq!(world.discarded("unknown_quantity"), 744);
}

#[test]
fn a_retained_message_is_judged_only_when_it_is_newer() {
    let mut world = World::new(&[loud("")], registry());
    world.play(
        "site",
        "10:00:00 meter sound_level=40 | compliant
         10:00:10 meter retain @09:59:00 sound_level=60 | compliant, quiet
         10:00:20 meter retain @- sound_level=60 | compliant, quiet
         10:00:30 meter retain @10:00:25 sound_level=60 | violation",
    );
    assert_eq!(world.discarded("retained"), 2);
}

#[test]
fn only_normal_readings_are_judged_and_the_others_are_counted() {
    let mut world = World::new(&[loud("")], registry());
    world.play(
        "site",
        "10:00:00 meter sound_level=40 | compliant
         10:01:00 meter sound_level=94 flag=C | compliant, quiet
         10:02:00 meter sound_level=94 flag=M | compliant, quiet",
    );
    assert_eq!((world.discarded("flag_C"), world.discarded("flag_M")), (1, 1));
}

#[test]
fn a_reading_of_the_future_is_judged_at_its_arrival_as_a_lead_and_the_clock_is_a_finding() {
    let mut world = World::new(&[loud("")], registry());
    world.play(
        "site",
        "10:00:00 meter @10:04:59 sound_level=40 | compliant, quiet
         10:10:00 meter @10:15:01 sound_level=60 | raised violation since 10:10:00 lead received, raised device since 10:10:00 lead received
         10:11:00 meter @10:16:01 sound_level=60 | firing, quiet
         10:12:00 second @10:20:00 sound_level=60 | quiet
         10:13:00 meter @10:13:00 sound_level=60 | firing, quiet
         10:14:00 second sound_level=60 | firing, cleared device",
    );
    let finding = world.alerts().into_iter().find(|alert| alert.clause.is_none()).unwrap();
    assert_eq!(finding.rule.as_str(), "device-clock");
    assert_eq!(finding.values["ahead_s"], 301.0);
}

#[test]
fn a_reading_up_to_ten_minutes_old_is_live_and_an_older_one_is_reconstructed_beside_it() {
    let mut world = World::new(&[loud("violation_lasting = \"2m\"")], registry());
    world.play(
        "site",
        "10:00:00 meter sound_level=40 | compliant
         10:20:00 meter sound_level=40 | compliant
         10:20:01 meter @10:03:00 sound_level=60 | compliant, normal, quiet
         10:20:02 meter @10:04:00 sound_level=60 | compliant, normal, quiet
         10:20:03 meter @10:05:00 sound_level=60 | compliant, normal, raised violation since 10:03:00 reconstructed
         10:20:04 meter @10:06:00 sound_level=40 | compliant, normal, quiet",
    );
    let alert = world.alerts()[0];
    assert_eq!(alert.condition, citywarden_model::Condition::Cleared, "it is over: nobody is called for it");
    assert!(world.line("site").state == citywarden_rules::CaseState::Normal);
}

#[test]
fn another_stretch_of_history_does_not_join_the_one_before() {
    World::new(&[loud("violation_lasting = \"2m\"")], registry()).play(
        "site",
        "12:00:00 meter sound_level=40 | compliant
         12:00:01 meter @10:03:00 sound_level=60 | quiet
         12:00:02 meter @11:05:00 sound_level=60 | quiet
         12:00:03 meter @08:00:00 sound_level=60 | quiet",
    );
}

#[test]
fn a_clock_that_is_constantly_slow_has_an_offset_not_a_history() {
    World::new(&[loud("")], registry()).play(
        "site",
        "10:00:00 meter @09:30:00 sound_level=40 | quiet
         10:01:00 meter @09:31:00 sound_level=40 | quiet
         10:05:00 meter @09:35:00 sound_level=40 | quiet
         10:10:00 meter @09:40:00 sound_level=60 | firing, raised device since 10:10:00 lead received, raised violation since 10:10:00 lead received
         10:11:00 meter @10:11:00 sound_level=60 | firing, cleared device",
    );
}

#[test]
fn a_late_reading_rewrites_no_transition_that_was_made() {
    World::new(&[loud("")], registry()).play(
        "site",
        "10:00:00 meter sound_level=60 | firing
         10:01:00 meter sound_level=40 | normal, cleared violation
         10:02:00 meter @10:00:30 sound_level=70 | normal, compliant, quiet",
    );
}

#[test]
fn a_number_without_a_place_in_64_bits_is_counted_and_not_judged() {
    let mut world = World::new(&[loud("")], registry());
    world.play("site", "10:00:00 meter sound_level=1e300 | undecided, quiet");
    assert_eq!(world.discarded("out_of_range"), 1);
}

#[test]
fn no_time_that_a_device_can_write_stops_the_evaluator() {
    let night = rule(
        "night",
        "[limit]\nfrom = { value = \"22:00\", unit = \"local time\", source = \"test\" }\n\
         to = { value = \"06:00\", unit = \"local time\", source = \"test\" }\n\
         [input]\nnight = 'local_time(from, to)'\nlevel = 'laeq(sound_level, \"20m\").restart_on(night)'\n\
         [judge]\nviolation = 'night && level > 10.0'\n",
    );
    let mut world = World::new(&[night, loud("violation_lasting = \"2m\"")], registry());
    let device = "meter".into();
    let ends = [i64::MIN, i64::MIN + 1, -1, 0, i64::MAX - 1, i64::MAX];
    for nanos in ends.into_iter().chain(ends) {
        let moment = world.moment("10:00:00");
        let arrival = citywarden_rules::Arrival { moment, duplicate: false, retained: false, payload: &[] };
        let reading = citywarden_model::Reading {
            quantity: "sound_level".into(),
            value: citywarden_model::Value::Number(60.0),
        };
        let observation = citywarden_model::Observation {
            observed_at: Some(citywarden_model::Timestamp::from_nanos(nanos)),
            readings: vec![reading],
            ..citywarden_model::Observation::default()
        };
        world.evaluator.observe(&arrival, &device, [observation], &mut world.out);
    }
    world.play("site", "11:00:00 meter sound_level=60 | pending");
}

#[test]
fn speed_over_ground_is_a_reading_where_the_message_has_no_other() {
    let text = crate::world::rule_on(
        "fast",
        "muck_truck",
        "[input]\nspeed = 'last(speed)'\n[judge]\nviolation = 'speed > 60.0'\n",
    );
    World::new(&[text], registry()).play(
        "truck",
        "10:00:00 unit at=0,0 kmh=50 | compliant
         10:00:10 unit at=0,0 kmh=70 | violation
         10:00:20 unit at=0,0 kmh=70 speed=40 | compliant",
    );
}
