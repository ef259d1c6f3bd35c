//! An alert's life on a time line: what happens, and after `|` the events that follow from it and how the alert then is.
//! Alerts are called A, B, … in the order in which they were opened.

use citywarden_alerting::book::AlertBook;
use citywarden_alerting::event::{Actor, Record};
use citywarden_alerting::evidence::EvidenceCopy;
use citywarden_alerting::lifecycle::{decide, obey, repeat};
use citywarden_alerting::{Action, Command};
use citywarden_model::{Alert, AlertId, AlertKind, Change, Condition, Severity, Span, Timestamp};

use crate::county::{REOPEN_WINDOW, alert, at, raised, transition};

#[derive(Default)]
struct Life {
    book: AlertBook,
    names: Vec<AlertId>,
    offset: u64,
}

impl Life {
    fn name(&mut self, id: &AlertId) -> char {
        let place = self.names.iter().position(|known| known == id).unwrap_or_else(|| {
            self.names.push(id.clone());
            self.names.len() - 1
        });
        char::from(b'A' + u8::try_from(place).unwrap())
    }
    fn happen(&mut self, now: Timestamp, what: &str) -> String {
        let (verb, rest) = what.split_once(' ').unwrap_or((what, ""));
        let kind = if rest == "warning" { AlertKind::EarlyWarning } else { AlertKind::Violation };
        let alert = alert("site-1", kind, now);
        self.offset += 1;
        let decided = match verb {
            "raise" => {
                Ok(decide(&self.book, raised(self.offset, alert, REOPEN_WINDOW), EvidenceCopy::default()))
            }
            "find" => {
                let began_at = alert.began_at - Span::from_mins(60);
                let id = AlertId::derive(&alert.region, &alert.rule, &alert.asset.id, kind, began_at);
                let condition = Condition::Cleared;
                let found =
                    Alert { id, began_at, condition, cleared_at: Some(now), reconstructed: true, ..alert };
                Ok(decide(&self.book, raised(self.offset, found, REOPEN_WINDOW), EvidenceCopy::default()))
            }
            "clear" | "remove" => {
                let change = if verb == "clear" {
                    Change::Cleared("below".to_owned())
                } else {
                    Change::Removed("the rule is gone".to_owned())
                };
                let transition = transition(self.offset, now, &alert, change);
                Ok(decide(&self.book, transition, EvidenceCopy::default()))
            }
            "time" => Ok(repeat(&self.book, Span::from_mins(240), now, |_| true)),
            action => obey(&self.book, self.command(action, rest), now),
        };
        match decided {
            Ok(step) => self.take(&step),
            Err(error) => error.to_string().replace(self.names[0].as_str(), "A"),
        }
    }
    fn command(&self, action: &str, rest: &str) -> Command {
        let (name, why) =
            rest.split_once(' ').map_or((rest, None), |(name, why)| (name, Some(why.to_owned())));
        Command {
            alert: self.names[usize::from(name.as_bytes()[0] - b'A')].clone(),
            who: Actor::Person("li".to_owned()),
            action: Action::parse(action).unwrap(),
            why,
        }
    }
    fn take(&mut self, step: &[Record]) -> String {
        let mut said = Vec::new();
        for record in step {
            self.book.apply(record);
            if let Record::Event(event) = record {
                let name = self.name(&event.alert);
                let alert = &self.book.get(&event.alert).unwrap().alert;
                let (state, condition) = (alert.state.as_str(), alert.condition.as_str());
                said.push(format!("{name}.{} {} {state}/{condition}", event.sequence, event.what.word()));
            }
        }
        said.join(", ")
    }
}

fn check(story: &str) {
    let mut life = Life::default();
    for step in story.trim().lines() {
        let (moment, expected) = step.split_once('|').expect("`time what | events`");
        let (clock, what) = moment.trim().split_once(' ').expect("`time what`");
        assert_eq!(life.happen(at(clock), what.trim()), expected.trim(), "at {}", step.trim());
    }
}

#[test]
fn one_violation_is_opened_cleared_and_closed() {
    check(
        "08:00 raise         | A.1 opened open/active
         08:01 acknowledge A | A.2 acknowledged acknowledged/active
         08:20 clear         | A.3 cleared acknowledged/cleared
         08:30 resolve A     | A.4 resolved resolved/cleared
         08:40 close A       | A.5 closed closed/cleared",
    );
}

#[test]
fn a_flapping_condition_is_one_alert_up_to_the_reopen_window() {
    check(
        "08:00 raise | A.1 opened open/active
         08:05 clear | A.2 cleared open/cleared
         08:35 raise | A.3 updated open/active
         08:40 clear | A.4 cleared open/cleared
         09:10:01 raise | B.1 opened open/active
         09:20 close A | A.5 closed closed/cleared
         09:21 clear | B.2 cleared open/cleared",
    );
}

#[test]
fn what_people_had_settled_is_reopened_when_it_comes_back() {
    check(
        "08:00 raise   | A.1 opened open/active
         08:05 clear   | A.2 cleared open/cleared
         08:06 close A | A.3 closed closed/cleared
         08:20 raise   | A.4 reopened open/active
         08:21 resolve A | A.5 resolved resolved/active
         08:22 clear   | A.6 cleared resolved/cleared
         08:23 raise   | A.7 reopened open/active",
    );
}

#[test]
fn raised_while_active_is_the_same_alert() {
    check(
        "08:00 raise         | A.1 opened open/active
         12:00 raise         | A.2 updated open/active
         12:01 acknowledge A | A.3 acknowledged acknowledged/active
         18:00 raise         | A.4 updated acknowledged/active
         18:01 close A       | A.5 closed closed/active
         18:02 raise         | A.6 reopened open/active",
    );
}

#[test]
fn what_is_found_in_history_stands_beside_the_live_alerts() {
    check(
        "08:00 find    | A.1 opened open/cleared
         08:01 raise   | B.1 opened open/active
         08:02 find    | C.1 opened open/cleared
         08:03 clear   | B.2 cleared open/cleared
         08:10 raise   | B.3 updated open/active
         08:11 clear   | B.4 cleared open/cleared
         09:01 find    |
         09:02 find    | D.1 opened open/cleared
         09:03 raise   | E.1 opened open/active",
    );
}

#[test]
fn a_violation_ends_the_early_warning_it_grew_from() {
    check(
        "08:00 raise warning | A.1 opened open/active
         08:10 raise         | A.2 updated open/cleared, B.1 opened open/active
         08:11 clear warning |
         08:20 clear         | B.2 cleared open/cleared
         08:21 raise warning | A.3 updated open/active
         08:30 raise         | A.4 updated open/cleared, B.3 updated open/active",
    );
}

#[test]
fn the_removal_of_a_rule_closes_all_its_alerts() {
    check(
        "08:00 raise  | A.1 opened open/active
         08:05 clear  | A.2 cleared open/cleared
         09:00 raise  | B.1 opened open/active
         09:10 remove | A.3 closed closed/cleared, B.2 closed closed/cleared
         09:11 remove |
         09:12 clear  |",
    );
}

#[test]
fn a_command_given_twice_is_done_once() {
    check(
        "08:00 raise          | A.1 opened open/active
         08:01 acknowledge A  | A.2 acknowledged acknowledged/active
         08:01 acknowledge A  |
         08:02 note A on site | A.2 noted acknowledged/active
         08:02 note A on site |
         08:03 note A gone    | A.2 noted acknowledged/active
         08:04 resolve A      | A.3 resolved resolved/active
         08:04 resolve A      |
         08:05 acknowledge A  |
         08:06 close A        | A.4 closed closed/active
         08:06 close A        |
         08:07 reopen A       | A.5 reopened open/active
         08:07 reopen A       |",
    );
}

#[test]
fn a_command_that_makes_no_sense_is_refused_with_the_reason() {
    check(
        "08:00 raise   | A.1 opened open/active
         08:01 close A | A.2 closed closed/active
         08:02 acknowledge A | cannot acknowledge alert A: it is closed; expected an alert that is not closed
         08:02 resolve A     | cannot resolve alert A: it is closed; expected an alert that is not closed
         08:02 note A        | a note has no words; expected a reason",
    );
    let nobody = Command {
        alert: "NOSUCH".into(),
        who: Actor::Alerting,
        action: Action::Close,
        why: Some("x".repeat(4097)),
    };
    let error = |command| obey(&AlertBook::default(), command, at("08:00")).unwrap_err().to_string();
    assert_eq!(error(nobody.clone()), "a reason of 4097 bytes is too long; expected at most 4096");
    assert_eq!(error(Command { why: None, ..nobody }), "there is no alert NOSUCH");
}

#[test]
fn an_unattended_alert_is_told_again_and_an_attended_one_is_not() {
    check(
        "08:00 raise         | A.1 opened open/active
         11:59 time          |
         12:00 time          | A.2 updated open/active
         15:59 time          |
         16:00 time          | A.3 updated open/active
         16:01 acknowledge A | A.4 acknowledged acknowledged/active
         23:00 time          |",
    );
}

#[test]
fn raised_again_it_is_what_is_measured_now_and_still_the_same_case() {
    let mut book = AlertBook::default();
    let mut take = |offset, alert: &Alert| {
        for record in decide(&book, raised(offset, alert.clone(), REOPEN_WINDOW), EvidenceCopy::default()) {
            book.apply(&record);
        }
        (*book.iter().next().unwrap().alert).clone()
    };
    let first = alert("site-1", AlertKind::Violation, at("08:00"));
    let mut second = alert("site-1", AlertKind::Violation, at("08:10"));
    second.values.insert("pm10".to_owned(), serde_json::json!(400.0));
    second.severity = Severity::Urgent;
    take(1, &first);
    let now = take(2, &second);
    let expected = Alert { id: first.id, began_at: first.began_at, opened_at: first.opened_at, ..second };
    assert_eq!(now, expected);
}

#[test]
fn a_transition_that_changed_nothing_stays_taken_whatever_people_do_after_it() {
    let mut life = Life::default();
    for (clock, what) in [("08:00", "raise"), ("08:01", "clear"), ("08:02", "close A"), ("08:03", "remove")] {
        life.happen(at(clock), what);
    }
    assert_eq!(life.happen(at("08:04"), "reopen A"), "A.4 reopened open/cleared");
    life.offset = 3; // derived again after a restart
    assert_eq!(life.happen(at("08:03"), "remove"), "");
}
