//! A disk that fails, fills up and crashes.

use std::path::Path;
use std::sync::Arc;

use citywarden_alerting::log::JournalledLog;
use citywarden_alerting::{Action, Actor, AlertFilter, Command, Health};
use citywarden_journal::{Disk, SimulatedDisk};

use crate::county::at;
use crate::service::{Door, HandClock, Running, raise};

fn log(disk: &SimulatedDisk) -> Box<JournalledLog> {
    let disk: Arc<dyn Disk> = Arc::new(disk.clone());
    Box::new(JournalledLog::open(&disk, Path::new("/alerts")).unwrap().0)
}

fn acknowledge(asset: &str) -> Command {
    let alert = crate::service::violation(asset, "08:00").id;
    Command { alert, who: Actor::Person("li".to_owned()), action: Action::Acknowledge, why: None }
}

fn count(running: &Running) -> usize {
    running.handle.view().list(&AlertFilter::default(), None, 100).alerts.len()
}

#[tokio::test]
async fn nothing_is_sent_confirmed_or_shown_that_could_not_be_synced() {
    let disk = SimulatedDisk::new();
    let mut door = Door::open().await;
    let running = Running::with(log(&disk), HandClock::at(at("08:00")), &[("a", &door.url)]);
    running.judge(vec![raise(1, "site-1", "08:00")]).await;
    door.next().await.answer(200);
    disk.fail_syncs(true);
    let refused = running.handle.command(acknowledge("site-1")).await.unwrap_err().to_string();
    assert!(refused.starts_with("alerting has stopped: the alert log failed: "), "{refused}");
    assert!(matches!(running.handle.standing().health, Health::Stopped(Some(_))));
    let handed_in = running.handle.transition(raise(2, "site-2", "08:01"), Vec::new()).await;
    assert!(handed_in.is_err());
    assert_eq!(count(&running), 1);
    assert!(door.requests.try_recv().is_err());
    running.stop().await;
}

#[tokio::test]
async fn a_full_disk_holds_everything_until_there_is_room() {
    let disk = SimulatedDisk::new();
    let running = Running::with(log(&disk), HandClock::at(at("08:00")), &[]);
    running.judge(vec![raise(1, "site-1", "08:00")]).await;
    let mut standing = running.handle.watch();
    disk.fail_operation(1, std::io::ErrorKind::StorageFull);
    let handle = running.handle.clone();
    let waiting = tokio::spawn(async move { handle.command(acknowledge("site-1")).await });
    standing.wait_for(|standing| standing.health == Health::Full).await.unwrap();
    assert!(!waiting.is_finished());
    waiting.await.unwrap().unwrap();
    assert_eq!(running.handle.standing().health, Health::Well);
    running.stop().await;
}

#[tokio::test]
async fn it_stops_even_where_it_waits_for_room() {
    let disk = SimulatedDisk::new();
    let running = Running::with(log(&disk), HandClock::at(at("08:00")), &[]);
    running.judge(vec![raise(1, "site-1", "08:00")]).await;
    disk.fail_operation(1, std::io::ErrorKind::StorageFull);
    let handle = running.handle.clone();
    let waiting = tokio::spawn(async move { handle.command(acknowledge("site-1")).await });
    running.handle.watch().wait_for(|standing| standing.health == Health::Full).await.unwrap();
    disk.fail_operation(1, std::io::ErrorKind::StorageFull);
    running.stop().await;
    let refused = waiting.await.unwrap().unwrap_err().to_string();
    assert_eq!(refused, "alerting has stopped: the alert log's disk is full");
}

/// What was confirmed is there after any crash, and the rest is made up for by handing it in again.
#[tokio::test]
async fn a_crash_at_any_moment_loses_nothing_that_was_confirmed() {
    for seed in 0..4 {
        let disk = SimulatedDisk::new();
        let running = Running::with(log(&disk), HandClock::at(at("08:00")), &[]);
        running.judge(vec![raise(1, "site-1", "08:00"), raise(2, "site-2", "08:01")]).await;
        running.handle.transition(raise(3, "site-3", "08:02"), Vec::new()).await.unwrap();
        disk.crash(seed);
        running.stop().await;

        let restarted = Running::with(log(&disk), HandClock::at(at("08:10")), &[]);
        assert!(count(&restarted) >= 2, "seed {seed}");
        let again = ["site-1", "site-2", "site-3"].iter().zip(1..);
        restarted
            .judge(
                again.map(|(asset, offset)| raise(offset, asset, &format!("08:0{}", offset - 1))).collect(),
            )
            .await;
        assert_eq!(count(&restarted), 3, "seed {seed}");
        restarted.stop().await;
    }
}
