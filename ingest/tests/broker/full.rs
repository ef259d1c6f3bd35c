//! A journal that has no room, or has stopped.

use citywarden_ingest::broker::RunError;
use citywarden_journal::InboxOptions;

use crate::fake::FakeBroker;
use crate::rig::{Rig, config};
use crate::support::Committing;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_the_journal_has_no_room_the_reader_waits_and_nothing_is_lost() {
    const COUNT: u16 = 500;
    const ROOM: usize = 10;
    let broker = FakeBroker::bind().await;
    let inbox = InboxOptions { records_max: ROOM, ..InboxOptions::default() };
    let mut rig = Rig::with(config(broker.port()), &Committing::ByHand, inbox);
    let mut peer = broker.greet(false).await;
    for id in 1..=COUNT {
        peer.publish(id, &id.to_string()).await;
    }
    // the record that the source is up takes a place
    rig.until("the inbox is full", |rig| rig.taken() + 1 >= ROOM as u64).await;
    assert_eq!((rig.taken() + 1, rig.counters.acknowledged.get()), (ROOM as u64, 0));
    rig.commit_until("all are acknowledged", |rig| rig.counters.acknowledged.get() == u64::from(COUNT)).await;
    assert_eq!(peer.acknowledged(COUNT.into()).await, (1..=COUNT).collect::<Vec<_>>());
    assert_eq!(rig.payloads(), (1..=COUNT).map(|id| id.to_string()).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_the_journal_has_no_room_the_connection_still_lives() {
    let broker = FakeBroker::bind().await;
    let inbox = InboxOptions { records_max: 2, ..InboxOptions::default() };
    let rig = Rig::with(config(broker.port()), &Committing::ByHand, inbox);
    let mut peer = broker.greet(false).await;
    for id in 1..=100 {
        peer.publish(id, "{}").await;
    }
    rig.until("the inbox is full", |rig| rig.taken() >= 1).await;
    // the first packet that comes is a ping: no acknowledgement, no end
    assert_eq!(peer.wire.packet().await.as_deref(), Some(&[0xc0, 0][..]));
    peer.wire.send(&[0xd0, 0]).await;
    assert_eq!(peer.wire.packet().await.as_deref(), Some(&[0xc0, 0][..]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_the_journal_has_stopped_the_client_stops_and_acknowledges_nothing() {
    let broker = FakeBroker::bind().await;
    let mut rig = Rig::start(config(broker.port()), &Committing::Always);
    let mut peer = broker.greet(false).await;
    rig.until("it is up", |rig| rig.counters.is_up()).await;
    rig.inbox.close();
    peer.publish(1, "{}").await;
    assert_eq!(rig.ended().await, Err(RunError::JournalStopped));
    assert_eq!(rig.counters.acknowledged.get(), 0);
}
