//! Rules and registry change while the system runs.

use std::sync::Arc;

use citywarden_model::{Change, Permit};

use crate::world::{World, add_asset, add_device, registry, renew, rule, rules, time};

fn loud(limit: &str, lasting: &str) -> String {
    rule(
        "loud",
        &format!(
            "[limit]\nlimit_db = {{ value = {limit}, unit = \"dB(A)\", source = \"test\" }}\n\
             [input]\nlevel = 'mean(sound_level, \"3m\")'\n\
             [judge]\nviolation = 'level > limit_db'\n{lasting}\n"
        ),
    )
}

fn install_rules(world: &mut World, at: &str, texts: &[String]) {
    let moment = world.moment(at);
    let rules = rules(texts);
    world.evaluator.install_rules(moment, rules, &mut world.out);
}

#[test]
fn a_changed_rule_starts_with_warm_windows_and_keeps_what_is_pending() {
    let mut world = World::new(&[loud("50.0", "violation_lasting = \"4m\"")], registry());
    world.play(
        "site",
        "10:00:00 meter sound_level=60
         10:01:00 meter sound_level=60
         10:02:00 meter sound_level=60 | pending",
    );
    install_rules(&mut world, "10:02:30", &[loud("55.0", "violation_lasting = \"4m\"")]);
    world.play(
        "site",
        "10:03:00 meter sound_level=60 | pending
         10:06:00 meter sound_level=60 | undecided
         10:07:00 meter sound_level=60
         10:08:00 meter sound_level=60 | pending",
    );
    install_rules(&mut world, "10:08:30", &[loud("65.0", "violation_lasting = \"4m\"")]);
    world.play("site", "10:08:30 - | compliant, normal");
}

#[test]
fn a_firing_rule_that_changes_goes_on_firing() {
    let mut world = World::new(&[loud("50.0", "")], registry());
    world.play("site", "10:00:00 switch sound_level=60\n10:01:00 switch sound_level=60 | firing");
    install_rules(&mut world, "10:02:00", &[loud("55.0", "")]);
    world.play("site", "10:02:30 - | firing, quiet\n10:09:00 switch sound_level=10\n10:15:00 - \n10:16:00 switch sound_level=10 | normal, cleared violation");
}

#[test]
fn a_rule_that_is_gone_takes_its_alert_along() {
    let mut world = World::new(&[loud("50.0", "")], registry());
    world.play("site", "10:00:00 switch sound_level=60 | firing");
    install_rules(&mut world, "10:02:00", &[]);
    assert!(
        matches!(&world.out.last().unwrap().change, Change::Removed(why) if why == "the rule loud is gone")
    );
    assert_eq!(world.evaluator.verdicts().count(), 0);
}

#[test]
fn a_rule_whose_trial_ends_is_raised_anew() {
    let mut world = World::new(&[loud("50.0", "").replace("\"active\"", "\"trial\"")], registry());
    world.play("site", "10:00:00 switch sound_level=60 | firing, raised violation since 10:00:00 trial");
    install_rules(&mut world, "10:02:00", &[loud("50.0", "")]);
    let told: Vec<bool> = world.alerts().iter().map(|alert| alert.trial).collect();
    assert_eq!(told, [true, false]);
    assert!(matches!(world.out[1].change, Change::Removed(_)));
}

/// The registry, in force under other terms: readings may come 20 minutes late.
fn patient() -> citywarden_model::Registry {
    let options = citywarden_rules::EvaluatorOptions {
        late_after: citywarden_model::Span::from_mins(20),
        ..citywarden_rules::EvaluatorOptions::of("330624".into())
    };
    let mut changed = registry();
    changed.terms = Some(options.terms());
    renew(&mut changed);
    changed
}

#[test]
fn the_terms_of_judging_come_with_the_registry_in_force() {
    World::new(&[loud("50.0", "")], registry()).play(
        "site",
        "10:15:00 switch @10:00:00 sound_level=60 | undecided, raised violation since 10:00:00 reconstructed",
    );
    let mut world = World::new(&[loud("50.0", "")], registry());
    let moment = world.moment("09:00:00");
    world.evaluator.install_registry(moment, Arc::new(patient()), &mut world.out);
    world.play("site", "10:15:00 switch @10:00:00 sound_level=60 | firing, raised violation since 10:00:00");
}

#[test]
fn a_snapshot_goes_on_under_the_terms_it_was_made_under_whatever_the_configuration_says_now() {
    let mut world = World::new(&[loud("50.0", "")], patient());
    let bytes = world.evaluator.snapshot();
    let (rules, registry) = (Arc::clone(world.evaluator.rules()), Arc::clone(world.evaluator.registry()));
    let today = citywarden_rules::EvaluatorOptions::of("330624".into());
    world.evaluator = citywarden_rules::Evaluator::restore(today, &bytes, rules, registry).unwrap();
    world.play("site", "10:15:00 switch @10:00:00 sound_level=60 | firing, raised violation since 10:00:00");
}

#[test]
fn an_asset_that_is_gone_takes_its_alerts_along() {
    let mut world = World::new(&[loud("50.0", "")], registry());
    world.play("site", "10:00:00 switch sound_level=60 | firing");
    let mut changed = registry();
    changed.assets.remove("site");
    renew(&mut changed);
    let moment = world.moment("10:01:00");
    world.evaluator.install_registry(moment, Arc::new(changed), &mut world.out);
    assert!(
        matches!(&world.out.last().unwrap().change, Change::Removed(why) if why == "the asset site is gone")
    );
}

#[test]
fn a_device_that_moves_to_another_asset_starts_anew() {
    let mut world = World::new(&[loud("50.0", "")], registry());
    world.play("site", "10:00:00 switch sound_level=60 | firing");
    let mut changed = registry();
    add_device(&mut changed, "switch", "relay", "site-2", None);
    renew(&mut changed);
    let moment = world.moment("10:01:00");
    world.evaluator.install_registry(moment, Arc::new(changed), &mut world.out);
    world.play("site-2", "10:01:30 - | undecided\n10:02:00 switch sound_level=60 | firing");
    world.play("site", "10:02:30 - | undecided, firing");
}

#[test]
fn an_override_fills_the_same_slot_and_one_that_cannot_be_read_leaves_the_rules_own() {
    for (text, wanted, problems) in [("65.0", "compliant", 0), ("65,0", "firing", 1), ("", "firing", 0)] {
        let mut changed = registry();
        add_asset(&mut changed, "site", "construction_site", &[("limit.loud.limit_db", text)]);
        let mut world = World::new(&[loud("50.0", "")], changed);
        world.play("site", &format!("10:00:00 switch sound_level=60 | {wanted}"));
        assert_eq!(world.evaluator.registry_problems().len(), problems, "{text}");
    }
}

#[test]
fn a_permit_counts_from_its_first_moment_to_its_last() {
    let text = rule(
        "loud",
        "[limit]\nlimit_db = { value = 50.0, unit = \"dB(A)\", source = \"test\" }\n\
         [input]\nlevel = 'last(sound_level)'\nallowed = 'permit(night_work)'\n\
         [judge]\nexcused.\"permit\" = 'allowed && level > limit_db'\nviolation = 'level > limit_db'\n",
    );
    let mut changed = registry();
    let permit = Permit {
        id: "p".to_owned(),
        kind: "night_work".to_owned(),
        asset: "site".into(),
        from: time("10:05:00"),
        to: time("10:10:00"),
    };
    changed.permits.insert("p".to_owned(), permit);
    World::new(&[text], changed).play(
        "site",
        "10:00:00 switch sound_level=60 | firing
         10:05:00 - | normal, cleared violation, excused: permit
         10:09:59 - | normal
         10:10:00 - | firing, raised violation since 10:10:00",
    );
}

#[test]
fn local_time_turns_at_its_hours_by_a_timer_where_nothing_else_happens() {
    let text = rule(
        "night",
        "[limit]\nfrom = { value = \"22:00\", unit = \"local time\", source = \"test\" }\n\
         to = { value = \"06:00\", unit = \"local time\", source = \"test\" }\n\
         [input]\nnight = 'local_time(from, to)'\nworks = 'last(earthwork)'\n\
         [judge]\nviolation = 'night && works'\n",
    );
    World::new(&[text], registry()).play(
        "site",
        "21:00:00 switch earthwork=true | compliant
         21:59:59 - | compliant
         22:00:00 - | firing, raised violation since 22:00:00
         +1d05:59:59 - | firing
         +1d06:00:00 - | normal, cleared violation",
    );
}
