//! What a restart, a crash and a broken disk leave.

use std::ops::ControlFlow;
use std::path::Path;

use citywarden_alerting::log::{Chain as _, JournalledLog};
use citywarden_alerting::{Action, Actor, AlertFilter, AlertView, Command, Cursor, Health, Position};
use citywarden_journal::{Disk, HostDisk};
use citywarden_model::{Alert, AlertKind, AlertState, Change, Condition, Offset, Span};

use crate::county::{REOPEN_WINDOW, alert, at, raised, transition};
use crate::service::{Door, HandClock, Running, raise, violation};

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_file() {
            std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}

#[tokio::test]
async fn a_crash_between_the_answer_and_its_record_sends_the_same_again() {
    let (dir, crashed) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut door = Door::open().await;
    let running = Running::on(dir.path(), HandClock::at(at("08:00")), &[("a", &door.url)]);
    running.judge(vec![raise(1, "site-1", "08:00")]).await;
    let first = door.next().await;
    // what a crash at this moment leaves on disk
    copy(&dir.path().join("alerts"), &crashed.path().join("alerts"));
    let (id, body) = (first.id(), first.body.clone());
    first.answer(200);
    running.stop().await;

    let mut restarted = Running::on(crashed.path(), HandClock::at(at("08:10")), &[("a", &door.url)]);
    let again = door.next().await;
    assert_eq!((again.id(), &again.body), (id, &body));
    again.answer(200);
    restarted.until("notified").await;
    restarted.stop().await;

    let mut third = Running::on(crashed.path(), HandClock::at(at("08:20")), &[("a", &door.url)]);
    third.judge(vec![raise(2, "site-2", "08:20")]).await;
    let other = door.next().await;
    assert_eq!(other.id(), format!("{}.1", violation("site-2", "08:20").id), "the first is in the log now");
    other.answer(200);
    third.until("notified").await;
    assert!(door.requests.try_recv().is_err());
    third.stop().await;
}

#[tokio::test]
async fn transitions_derived_again_raise_nothing_twice() {
    let dir = tempfile::tempdir().unwrap();
    let site = violation("site-1", "08:00");
    let transitions = || {
        let cleared = transition(2, at("08:05"), &site, Change::Cleared("below".to_owned()));
        let nothing =
            transition(4, at("08:07"), &violation("site-3", "08:00"), Change::Cleared("x".to_owned()));
        vec![raise(1, "site-1", "08:00"), cleared, raise(3, "site-2", "08:06"), nothing]
    };
    let running = Running::on(dir.path(), HandClock::at(at("08:00")), &[]);
    assert_eq!(running.handle.applied_at_start(), None);
    running.judge(transitions()).await;
    let close = Command {
        alert: site.id.clone(),
        who: Actor::Person("li".to_owned()),
        action: Action::Close,
        why: Some("done".to_owned()),
    };
    running.handle.command(close).await.unwrap();
    let (head, page) =
        (running.handle.standing().head, running.handle.view().list(&AlertFilter::default(), None, 10));
    running.stop().await;

    let restarted = Running::on(dir.path(), HandClock::at(at("08:10")), &[]);
    assert_eq!(restarted.handle.applied_at_start(), Some(Position::after(Offset(4))));
    restarted.judge(transitions()).await;
    assert_eq!(restarted.handle.view().list(&AlertFilter::default(), None, 10), page);
    assert_eq!(restarted.handle.standing().head, head, "nothing was written");
    restarted.stop().await;
}

/// A rule that has raised one alert after the other about an asset and goes: everything is closed, whatever it takes,
/// and what a crash has left of it is made up for.
#[tokio::test]
async fn a_removal_that_closes_thousands_of_alerts_is_split_and_finished_after_a_crash() {
    const ALERTS: usize = 2_000;
    let removed = || {
        let last = violation("site-1", "08:00");
        transition(100_000, at("23:00"), &last, Change::Removed("the rule is gone".to_owned()))
    };
    let home = tempfile::tempdir().unwrap();
    let running = Running::on(home.path(), HandClock::at(at("08:00")), &[]);
    let mut opened = Vec::new();
    for number in 0..ALERTS {
        let began = at("08:00") + Span::from_mins(i64::try_from(number).unwrap() * 40);
        let one = alert("site-1", AlertKind::Violation, began);
        let offset = u64::try_from(number).unwrap() * 2;
        opened.push(raised(offset, one.clone(), REOPEN_WINDOW));
        opened.push(transition(offset + 1, began, &one, Change::Cleared("below".to_owned())));
    }
    running.judge(opened).await;
    let before = running.handle.view().next_entry();
    running.judge(vec![removed()]).await;
    assert_eq!(running.handle.standing().health, Health::Well);
    assert_eq!(closed(&running), ALERTS);
    running.stop().await;

    let cut = tempfile::tempdir().unwrap();
    let entries = copy_entries(home.path(), cut.path(), before.0 + 1);
    assert!(entries > before.0 + 2, "it takes two entries at least, and one says that they are taken");
    let restarted = Running::on(cut.path(), HandClock::at(at("23:10")), &[]);
    assert!((1..ALERTS).contains(&closed(&restarted)), "{}", closed(&restarted));
    assert!(restarted.handle.applied_at_start() < Some(Position::after(Offset(99_999))));
    restarted.judge(vec![removed()]).await;
    assert_eq!(closed(&restarted), ALERTS);
    for alert in list(&restarted) {
        let (_, events) = restarted.handle.view().get(&alert.id).unwrap();
        assert_eq!(events.iter().filter(|event| event.what.word() == "closed").count(), 1);
    }
    restarted.stop().await;
}

fn list(running: &Running) -> Vec<std::sync::Arc<Alert>> {
    running.handle.view().list(&AlertFilter::default(), None, usize::MAX).alerts
}

fn closed(running: &Running) -> usize {
    list(running).iter().filter(|alert| alert.state == AlertState::Closed).count()
}

/// Copies the first entries of an alert log into a new one; how many there were.
fn copy_entries(from: &Path, to: &Path, count: u64) -> u64 {
    let disk: std::sync::Arc<dyn Disk> = std::sync::Arc::new(HostDisk);
    let (old, _) = JournalledLog::open(&disk, &from.join("alerts")).unwrap();
    let (mut new, _) = JournalledLog::open(&disk, &to.join("alerts")).unwrap();
    let mut entries = Vec::new();
    let visit = &mut |place: Offset, bytes: &[u8]| {
        if place.0 >= count {
            return ControlFlow::Break(());
        }
        entries.push(bytes.to_vec());
        ControlFlow::Continue(())
    };
    old.reader().read(Offset(0), visit).unwrap();
    new.append(&entries).unwrap();
    old.next().0
}

#[tokio::test]
async fn the_list_is_filtered_and_paged_and_each_alert_has_its_events_and_evidence() {
    let dir = tempfile::tempdir().unwrap();
    let running = Running::on(dir.path(), HandClock::at(at("09:00")), &[]);
    let names = ["site-0", "site-1", "site-2", "site-3", "site-4"];
    let mut all: Vec<_> =
        names.iter().zip(1..).map(|(asset, offset)| raise(offset, asset, &format!("08:0{offset}"))).collect();
    let first = violation("site-0", "08:01");
    all.push(transition(9, at("08:10"), &first, Change::Cleared("below".to_owned())));
    running.judge(all).await;
    check_view(&running.handle.view(), &first);
    let evidence = running.handle.evidence(&first.id).unwrap().unwrap();
    assert_eq!(evidence.iter().map(|message| message.offset.0).collect::<Vec<_>>(), [1]);
    assert!(running.handle.evidence(&"NOSUCH".into()).unwrap().is_none());
    running.stop().await;
}

#[tokio::test]
async fn when_it_has_stopped_it_says_so_and_takes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let running = Running::on(dir.path(), HandClock::at(at("08:00")), &[]);
    let handle = running.handle.clone();
    running.stop().await;
    assert_eq!(handle.standing().health, Health::Stopped(None));
    let command = Command { alert: "A".into(), who: Actor::Alerting, action: Action::Close, why: None };
    assert_eq!(
        handle.command(command).await.unwrap_err().to_string(),
        "alerting has stopped: it was asked to"
    );
}

fn check_view(view: &AlertView, first: &Alert) {
    let mut seen = Vec::new();
    let mut from = None;
    loop {
        let page = view.list(&AlertFilter::default(), from.as_ref(), 2);
        seen.extend(page.alerts.iter().map(|alert| alert.asset.id.to_string()));
        let Some(next) = page.next else { break };
        from = Cursor::parse(&next.to_string());
    }
    assert_eq!(seen, ["site-4", "site-3", "site-2", "site-1", "site-0"]);
    let check = |filter: AlertFilter, expected: usize| {
        assert_eq!(view.list(&filter, None, 10).alerts.len(), expected, "{filter:?}");
    };
    let any = AlertFilter::default;
    check(AlertFilter { condition: Some(Condition::Cleared), ..any() }, 1);
    check(AlertFilter { asset: Some("site-2".to_owned()), ..any() }, 1);
    check(AlertFilter { clause: Some(18), from: Some(at("08:02")), to: Some(at("08:04")), ..any() }, 2);
    check(AlertFilter { state: Some(AlertState::Closed), ..any() }, 0);
    let (alert, events) = view.get(&first.id).unwrap();
    assert_eq!(alert.cleared_at, Some(at("08:10")));
    assert_eq!(events.iter().map(|event| event.what.word()).collect::<Vec<_>>(), ["opened", "cleared"]);
}
