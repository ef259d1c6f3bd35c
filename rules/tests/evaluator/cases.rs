//! How a case goes from normal to firing and back, and what the alert says.

use citywarden_model::{AlertKind, Change, LeadReason, Offset, Severity};

use crate::world::{World, registry, renew, rule};

fn judged(judge: &str) -> String {
    rule(
        "judged",
        &format!(
            "[limit]\nlimit = {{ value = 50.0, unit = \"µg/m³\", source = \"test\" }}\n\
             warn = {{ value = 40.0, unit = \"µg/m³\", source = \"test\" }}\n\
             [input]\nlevel = 'last(pm10)'\n[judge]\n{judge}\n"
        ),
    )
}

#[test]
fn an_alert_ends_when_its_end_has_lasted_and_not_before() {
    World::new(
        &[judged("violation = 'level > limit'\nclear = 'level < warn'\nclear_lasting = \"30s\"")],
        registry(),
    )
    .play(
        "site",
        "10:00:00 fast pm10=60 | firing
             10:00:10 fast pm10=45 | firing, compliant
             10:00:20 fast pm10=30 | firing
             10:00:30 fast pm10=30 | firing
             10:00:40 fast pm10=45 | firing
             10:00:50 fast pm10=30 | firing
             10:01:10 fast pm10=30 | firing, quiet
             10:01:20 fast pm10=30 | normal, cleared violation",
    );
}

#[test]
fn undecided_and_fault_drop_what_is_pending_and_keep_what_is_firing() {
    let judge = "violation = 'level > limit'\nviolation_lasting = \"10s\"\nundecided.\"odd\" = 'level == 77.0'\nfault.\"broken\" = 'level == 99.0'";
    World::new(&[judged(judge)], registry()).play(
        "site",
        "10:00:00 fast pm10=60 | pending
         10:00:10 fast pm10=77 | undecided, odd, normal
         10:00:20 fast pm10=60 | pending
         10:00:30 fast pm10=99 | fault, broken, normal
         10:00:40 fast pm10=60 | pending
         10:00:50 fast pm10=60 | firing
         10:01:00 fast pm10=77 | undecided, firing, quiet
         10:01:10 fast pm10=99 | fault, firing, quiet
         10:01:20 fast pm10=50 | compliant, normal, cleared violation",
    );
}

#[test]
fn clear_after_counts_from_the_last_reading_that_violated() {
    let judge = "rests = 'level < 1.0'\nviolation = 'level > limit'\nclear_after = \"5m\"";
    World::new(&[judged(judge)], registry()).play(
        "site",
        "10:00:00 switch pm10=60 | firing
         10:02:00 switch pm10=60 | firing
         10:03:00 switch pm10=0 | compliant, resting, firing
         10:06:59 - | firing, quiet
         10:07:00 - | normal, cleared violation",
    );
}

#[test]
fn no_timer_moves_the_last_reading_that_violated() {
    let judge = "rests = 'level < 1.0'\nviolation = 'level > limit'\nclear_after = \"5m\"";
    // the device falls silent: missed intervals ask, and the last value holds until 10:03:00
    World::new(&[judged(judge)], registry()).play(
        "site",
        "10:00:00 meter pm10=60 | firing
         10:02:40 - | violation, firing, quiet
         10:03:01 - | undecided, firing, quiet
         10:04:59 - | undecided, firing, quiet
         10:05:00 - | undecided, normal, cleared violation",
    );
}

#[test]
fn where_time_alone_raised_it_clear_after_counts_from_when_the_condition_began_to_hold() {
    let judge = "rests = 'level < 1.0'\nviolation = 'level > limit'\nviolation_lasting = \"2m\"\nclear_after = \"5m\"";
    World::new(&[judged(judge)], registry()).play(
        "site",
        "10:00:00 switch pm10=60 | pending
         10:01:00 switch pm10=70 | pending
         10:02:00 - | firing, raised violation since 10:00:00
         10:03:00 switch pm10=0 | compliant, resting, firing
         10:05:59 - | firing, quiet
         10:06:00 - | normal, cleared violation",
    );
}

#[test]
fn a_violation_that_still_holds_does_not_expire() {
    World::new(&[judged("violation = 'level > limit'\nclear_after = \"5m\"")], registry()).play(
        "site",
        "10:00:00 switch pm10=60 | firing
         10:30:00 - | firing, quiet
         10:31:00 switch pm10=10 | normal, cleared violation",
    );
}

#[test]
fn an_excuse_is_compliance_with_a_reason_and_ends_an_alert() {
    let judge = "violation = 'level > limit'\nexcused.\"permitted\" = 'level > limit * 2.0'";
    World::new(&[judged(judge)], registry()).play(
        "site",
        "10:00:00 fast pm10=60 | firing
         10:00:10 fast pm10=101 | compliant, excused: permitted, normal, cleared violation",
    );
}

#[test]
fn a_violation_ends_the_early_warning_it_grew_from_and_names_itself() {
    let judge = "warning = 'level > warn'\nwarning_lasting = \"10s\"\nviolation = 'level > limit'\nviolation_lasting = \"10s\"";
    let mut world = World::new(&[judged(judge)], registry());
    world.play(
        "site",
        "10:00:00 fast pm10=45 | early_warning, pending
         10:00:10 fast pm10=45 | warned, raised early_warning since 10:00:00
         10:00:20 fast pm10=60 | violation, warned
         10:00:30 fast pm10=60 | firing, raised violation since 10:00:20, cleared early_warning
         10:00:40 fast pm10=45 | early_warning, pending, cleared violation
         10:00:50 fast pm10=45 | warned, raised early_warning since 10:00:40
         10:01:00 fast pm10=40 | compliant, normal, cleared early_warning",
    );
    let violation = world.alerts()[1].id.clone();
    let named = world.out.iter().any(
        |transition| matches!(&transition.change, Change::Cleared(why) if why.contains(violation.as_str())),
    );
    assert!(named, "{:?}", world.out);
    assert_eq!(world.alerts()[0].severity, Severity::Notice);
}

/// The title, summaries and limits of the early warning that this rule raises at 45.
#[track_caller]
fn check_warning(text: String, title: [&str; 2], summary: [&str; 2]) {
    let mut world = World::new(&[text], registry());
    world.play("site", "10:00:00 fast pm10=45 | warned, raised early_warning since 10:00:00");
    let alert = world.alerts()[0];
    assert_eq!([&*alert.title.zh, &*alert.title.en], title);
    assert_eq!([&*alert.summary, &*alert.summary_en], summary);
    let limits: Vec<_> = alert.limits.iter().map(|(name, value)| format!("{name} {value}")).collect();
    assert_eq!(
        (limits, alert.values["level"].to_string()),
        (vec!["warn 40.0".to_owned()], "45.0".to_owned())
    );
}

#[test]
fn an_early_warning_has_words_and_a_limit_of_its_own() {
    let text = judged("warning = 'level > warn'\nviolation = 'level > limit'");
    check_warning(
        text.clone(),
        ["预警：题", "Early warning: title"],
        ["预警（尚未超标）：话", "early warning, not a violation: words"],
    );
    let own = "warning_title = { zh = \"近\", en = \"close\" }\n\
               warning_message = { zh = \"{level} 过 {warn}\", en = \"{level} above {warn}\" }\nevidence =";
    check_warning(text.replace("evidence =", own), ["近", "close"], ["45 过 40", "45 above 40"]);
}

#[test]
fn a_lead_says_why_it_is_one() {
    let text = judged("undecided.\"wind\" = 'wind > 5.0'\nviolation = 'level > limit'")
        .replace("'last(pm10)'", "'last(pm10)'\nwind = 'last(wind_speed).or(0.0)'");
    let mut unreviewed = registry();
    for device in unreviewed.devices.values_mut() {
        device.attributes = citywarden_model::Attributes::default();
    }
    renew(&mut unreviewed);
    let mut world = World::new(&[text], unreviewed);
    world.play("site", "10:00:00 fast @10:30:00 pm10=60 | firing");
    let alert = world.alerts().into_iter().find(|alert| alert.kind == AlertKind::Violation).unwrap();
    assert_eq!(alert.lead_reasons, [LeadReason::NotReviewed, LeadReason::Clock, LeadReason::NotMeasured]);
    assert_eq!(alert.summary, "话（线索：设备未经有效审核；设备时钟不可信；测量条件未监测）");
    assert!(
        alert
            .summary_en
            .ends_with("the device's clock is not trusted; a condition of measuring is not measured)")
    );
}

#[test]
fn a_rule_rests_outside_the_dates_on_which_it_is_in_force() {
    let text = judged("violation = 'level > limit'").replace("2024-10-22", "2026-11-25");
    World::new(&[text], registry()).play(
        "site",
        "10:00:00 switch pm10=60 | compliant, not in force, normal
         +1d00:00 - | firing, raised violation since 00:00:00",
    );
}

#[test]
fn a_rule_on_trial_judges_like_another_and_says_so() {
    let text = judged("violation = 'level > limit'").replace("\"active\"", "\"trial\"");
    World::new(&[text], registry())
        .play("site", "10:00:00 fast pm10=60 | firing, raised violation since 10:00:00 trial");
}

#[test]
fn a_rule_that_fails_is_a_fault_and_the_others_run_on() {
    let broken = judged("violation = 'ratio > limit'")
        .replace("\"judged\"", "\"broken\"")
        .replace("[judge]", "[let]\nratio = 'limit / (level - warn)'\n[judge]");
    let sound = judged("violation = 'level > limit'").replace("\"judged\"", "\"sound\"");
    let mut world = World::new(&[broken, sound], registry());
    world.play(
        "site",
        "10:00:00 fast pm10=40 | fault\n10:00:10 fast pm10=60 | raised violation since 10:00:10",
    );
    let tallies = world.evaluator.rule_tallies();
    assert_eq!(tallies.values().map(|tally| tally.errors).collect::<Vec<_>>(), [1, 0]);
}

#[test]
fn the_alert_says_what_was_measured_against_what_and_on_which_messages_it_rests() {
    let text = judged("violation = 'level > limit'\nviolation_lasting = \"20s\"")
        .replace("[\"temperature\"]", "[\"humidity\"]")
        .replace("zh = \"话\"", "zh = \"{level} 超过 {limit}\"");
    let mut world = World::new(&[text], registry());
    world.play(
        "site",
        "10:00:00 fast pm10=30
         10:00:10 fast pm10=60.257
         10:00:15 meter humidity=44
         10:00:16 meter sound_level=44
         10:00:20 fast pm10=60.257
         10:00:30 fast pm10=60.257 | firing",
    );
    let alert = world.alerts()[0];
    assert_eq!(alert.values["level"], 60.257);
    assert_eq!((alert.limits.len(), &alert.limits["limit"], alert.unit.as_str()), (1, &50.0.into(), "µg/m³"));
    assert_eq!(alert.summary, "60.3 超过 50");
    assert_eq!(alert.clause.as_ref().map(|clause| clause.item), Some(18));
    let evidence = world.out.iter().find_map(|transition| match &transition.change {
        Change::Raised { evidence, .. } => Some(evidence.clone()),
        Change::Cleared(_) | Change::Removed(_) => None,
    });
    // 1 put rules and registry in force, 2 was before it began, 5 carried nothing of the rule
    assert_eq!(evidence.unwrap(), [3, 4, 6, 7].map(Offset));
    assert_eq!((alert.evidence.journal.first, alert.evidence.journal.last), (Offset(3), Offset(7)));
    assert!(!alert.lead, "its devices are reviewed");
}

#[test]
fn what_an_alert_may_yet_rest_on_is_named_for_as_long_as_it_holds() {
    let text = judged("violation = 'level > limit && open'")
        .replace("[judge]", "open = 'last(cover_closed)'\n[judge]");
    let mut world = World::new(&[text], registry());
    world.play(
        "site",
        "09:00:00 switch cover_closed=false
         09:10:00 switch cover_closed=true
         10:00:00 fast pm10=60 | firing",
    );
    let needed = |world: &World, end: u64| -> Vec<u64> {
        let mut offsets: Vec<u64> =
            world.evaluator.evidence_before(Offset(end)).into_iter().map(|offset| offset.0).collect();
        offsets.sort_unstable();
        offsets.dedup();
        offsets
    };
    assert!(needed(&world, 4).contains(&3), "the value that holds");
    assert!(needed(&world, 5).ends_with(&[3, 4]));
    for transition in &world.out {
        if let Change::Raised { evidence, .. } = &transition.change {
            assert!(
                evidence.contains(&Offset(3))
                    && evidence.iter().all(|offset| needed(&world, 5).contains(&offset.0))
            );
        }
    }
    world.send("10:00:10 switch cover_closed=false");
    world.send("10:30:10 switch cover_closed=true");
    assert!(!needed(&world, 5).contains(&3), "it holds no longer");
}

#[test]
fn transitions_of_one_record_are_numbered_from_zero() {
    let one = judged("violation = 'level > limit'").replace("\"judged\"", "\"a-rule\"");
    let two = judged("violation = 'level > limit'").replace("\"judged\"", "\"b-rule\"");
    let mut world = World::new(&[two, one], registry());
    world.play("site", "10:00:00 fast pm10=60\n10:00:10 fast pm10=40");
    let told: Vec<_> =
        world.out.iter().map(|one| (one.cause.offset.0, one.index, one.rule.as_str().to_owned())).collect();
    let wanted = [(2, 0, "a-rule"), (2, 1, "b-rule"), (3, 0, "a-rule"), (3, 1, "b-rule")];
    assert_eq!(told, wanted.map(|(offset, index, rule)| (offset, index, rule.to_owned())));
}

#[test]
fn timers_fire_in_the_order_of_their_due_then_of_rule_and_asset_before_the_record_that_passes_them() {
    let text = |id: &str, lasting: &str| {
        judged(&format!("violation = 'level > limit'\nviolation_lasting = \"{lasting}\""))
            .replace("\"judged\"", id)
    };
    let mut world = World::new(
        &[text("\"b-rule\"", "1m"), text("\"a-rule\"", "2m"), text("\"c-rule\"", "1m")],
        registry(),
    );
    world.play("site", "10:00:00 switch pm10=60\n10:05:00 switch pm10=10");
    let told: Vec<_> = world.out.iter().map(|one| format!("{} {}", one.cause.at, one.rule)).collect();
    assert_eq!(
        told[..3],
        ["2026-11-24T02:01:00Z b-rule", "2026-11-24T02:01:00Z c-rule", "2026-11-24T02:02:00Z a-rule"]
    );
    assert_eq!(world.out.iter().map(|one| one.index).collect::<Vec<_>>(), [0, 1, 2, 3, 4, 5]);
}

#[test]
fn rules_explain_names_the_values_and_the_first_condition_that_does_not_hold() {
    let mut world = World::new(&[judged("violation = 'level > limit'")], registry());
    world.play("site", "10:00:00 fast pm10=45");
    let told = world.evaluator.explain(&"judged".into(), &"site".into()).unwrap();
    assert_eq!(told.values["level"], 45.0);
    assert_eq!(told.limits["limit"], 50.0);
    assert_eq!(told.first_not_held, Some(("violation".to_owned(), "level > limit".to_owned())));
    assert!(world.evaluator.explain(&"judged".into(), &"truck".into()).is_none());
}

#[test]
fn verdicts_are_counted_by_rule_and_word() {
    let mut world = World::new(&[judged("violation = 'level > limit'")], registry());
    world.play("site", "10:00:00 fast pm10=60");
    let counts = world.evaluator.verdict_counts();
    let count = |word| counts[&("judged".into(), word)];
    assert_eq!((count("violation"), count("undecided"), count("fault")), (1, 1, 0));
}
