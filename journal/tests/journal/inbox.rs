//! What is taken in, when, and who is told.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use citywarden_journal::{AppendError, Body, Control, Reader, SimulatedDisk, verify};
use citywarden_model::{Digest, Offset, Span, Timestamp};

use crate::support::{HandClock, START, controls, dir, message, open, payload, shared};

#[derive(Default)]
struct Woken(AtomicUsize);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

fn waker() -> (Arc<Woken>, Waker) {
    let woken = Arc::new(Woken::default());
    (Arc::clone(&woken), Waker::from(woken))
}

#[test]
fn a_record_is_durable_for_those_who_wait_when_it_is_committed_and_not_before() {
    let (disk, clock) = (SimulatedDisk::new(), HandClock::default());
    let mut journal = open(&disk, &clock);
    journal.writer.commit().unwrap();
    let first = journal.inbox.append(&message(b"first")).unwrap();
    let (woken, waker) = waker();
    let mut context = Context::from_waker(&waker);
    let (mut now, mut later) =
        (pin!(journal.inbox.durable(first)), pin!(journal.inbox.durable(first.next())));
    assert!(now.as_mut().poll(&mut context).is_pending());
    assert!(later.as_mut().poll(&mut context).is_pending());
    assert_eq!(journal.inbox.wait_past(first, Duration::ZERO), Ok(first), "the time was over");

    journal.writer.commit().unwrap();
    assert_eq!(woken.0.load(Ordering::Relaxed), 1, "only the one whose offset was reached");
    assert_eq!(now.as_mut().poll(&mut context), Poll::Ready(Ok(first.next())));
    assert!(later.as_mut().poll(&mut context).is_pending());
    assert_eq!(journal.inbox.wait_past(first, Duration::ZERO), Ok(first.next()));
}

#[test]
fn a_full_inbox_refuses_and_tells_when_there_is_room() {
    let (disk, clock) = (SimulatedDisk::new(), HandClock::default());
    let mut journal = open(&disk, &clock);
    let refused = (0..100).find_map(|number| journal.inbox.append(&message(&payload(number))).err());
    assert_eq!(refused, Some(AppendError::Full));
    let (woken, waker) = waker();
    let mut context = Context::from_waker(&waker);
    let mut room = pin!(journal.inbox.room());
    assert!(room.as_mut().poll(&mut context).is_pending());
    journal.writer.commit().unwrap();
    assert_eq!(woken.0.load(Ordering::Relaxed), 1);
    assert!(room.as_mut().poll(&mut context).is_ready());
    journal.inbox.append(&message(b"fits")).unwrap();
}

#[test]
fn whoever_waits_for_room_waits_until_there_is_room_for_what_was_refused() {
    let (disk, clock) = (SimulatedDisk::new(), HandClock::default());
    let mut journal = open(&disk, &clock);
    let large = [b'x'; 500];
    while journal.inbox.append(&message(&large)).is_ok() {}
    journal.inbox.append(&message(b"a small one still fits")).unwrap();
    assert_eq!(journal.inbox.append(&message(&large)), Err(AppendError::Full));
    let (woken, waker) = waker();
    let mut context = Context::from_waker(&waker);
    let mut room = pin!(journal.inbox.room());
    for _ in 0..3 {
        assert!(room.as_mut().poll(&mut context).is_pending(), "to try again would be refused again");
    }
    journal.writer.commit().unwrap();
    assert_eq!(woken.0.load(Ordering::Relaxed), 1);
    assert!(room.as_mut().poll(&mut context).is_ready());
    journal.inbox.append(&message(&large)).unwrap();
    let mut anybody = pin!(journal.inbox.room());
    assert!(anybody.as_mut().poll(&mut context).is_ready(), "what once was refused is forgotten");
}

/// Those who were just served are often awake already, and would be first each time.
#[test]
fn room_goes_to_whoever_waits_longest_whoever_asks_first() {
    let (disk, clock) = (SimulatedDisk::new(), HandClock::default());
    let mut journal = open(&disk, &clock);
    let fill = || while journal.inbox.append(&message(b"more than there is room for")).is_ok() {};
    fill();
    let [(first_woken, first_waker), (second_woken, second_waker)] = [waker(), waker()];
    let (mut first_context, mut second_context) =
        (Context::from_waker(&first_waker), Context::from_waker(&second_waker));
    let mut first = Box::pin(journal.inbox.room());
    let mut second = Box::pin(journal.inbox.room());
    assert!(first.as_mut().poll(&mut first_context).is_pending());
    assert!(second.as_mut().poll(&mut second_context).is_pending());

    journal.writer.commit().unwrap();
    assert!(second.as_mut().poll(&mut second_context).is_pending(), "another waits for longer");
    assert_eq!([&first_woken, &second_woken].map(|woken| woken.0.load(Ordering::Relaxed)), [1, 0]);
    assert!(first.as_mut().poll(&mut first_context).is_ready());
    assert_eq!(second_woken.0.load(Ordering::Relaxed), 1, "its turn");
    assert!(second.as_mut().poll(&mut second_context).is_ready());

    fill();
    let (mut gone, mut left) = (Box::pin(journal.inbox.room()), Box::pin(journal.inbox.room()));
    assert!(gone.as_mut().poll(&mut first_context).is_pending());
    assert!(left.as_mut().poll(&mut second_context).is_pending());
    drop(gone);
    journal.writer.commit().unwrap();
    assert!(left.as_mut().poll(&mut second_context).is_ready(), "nobody waits for one who is gone");
}

#[test]
fn a_record_above_the_limit_is_the_callers_mistake_and_one_at_the_limit_is_not() {
    let (disk, clock) = (SimulatedDisk::new(), HandClock::default());
    let journal = open(&disk, &clock);
    let envelope = 18 + message(b"").source.len() + message(b"").topic.len();
    journal.inbox.append(&message(&vec![b'x'; 600 - envelope])).unwrap();
    let refused = journal.inbox.append(&message(&vec![b'x'; 601 - envelope]));
    assert!(matches!(refused, Err(AppendError::TooLarge { max: 600, .. })), "{refused:?}");
}

#[test]
fn a_tick_is_written_for_a_second_in_which_nothing_else_came() {
    let (disk, clock) = (SimulatedDisk::new(), HandClock::default());
    let mut journal = open(&disk, &clock);
    let mut step = |came: bool| {
        clock.advance(Span::from_secs(1));
        if came {
            journal.inbox.append(&message(b"came")).unwrap();
        }
        let ticked = journal.inbox.tick().unwrap().is_some();
        journal.writer.commit().unwrap();
        ticked
    };
    assert_eq!([true, false, false, true].map(&mut step), [false, true, true, false]);
}

#[test]
fn messages_that_were_found_in_one_read_came_one_after_the_other() {
    let (disk, clock) = (SimulatedDisk::new(), HandClock::default());
    let mut journal = open(&disk, &clock);
    clock.advance(Span::from_secs(1));
    journal.inbox.append_batch(|batch| {
        for _ in 0..3 {
            batch.append(&message(b"m")).unwrap();
        }
    });
    clock.advance(Span::from_secs(1));
    journal.inbox.append(&message(b"m")).unwrap();
    journal.writer.commit().unwrap();
    let first = Span::from_secs(1);
    let nanos = Span::from_nanos;
    assert_eq!(times(&disk), [first, first + nanos(1), first + nanos(2), Span::from_secs(2)]);
}

fn times(disk: &SimulatedDisk) -> Vec<Span> {
    let mut reader = Reader::open(&shared(disk), &dir(), Offset(2)).unwrap();
    let batch = reader.next_batch(None, 100).unwrap();
    batch.iter().map(|record| record.unwrap().received_at.since(START)).collect()
}

#[test]
fn received_at_all_but_stands_still_while_the_clock_is_behind_and_one_record_says_so() {
    let (disk, clock) = (SimulatedDisk::new(), HandClock::default());
    let mut journal = open(&disk, &clock);
    for step in [5, -3, 1, 1, 1, 1] {
        clock.advance(Span::from_secs(step));
        journal.inbox.append(&message(b"m")).unwrap();
    }
    journal.writer.commit().unwrap();
    // beside the record that says so, each message has a time of its own
    let (five, six) = (Span::from_secs(5), Span::from_secs(6));
    let behind = [0, 0, 1, 2, 3, 4].map(|nanos| five + Span::from_nanos(nanos));
    assert_eq!(times(&disk), [&behind[..], &[six]].concat());
    assert_eq!(controls(&disk), ["started", "key", "clock_step"]);
}

#[test]
fn a_clock_that_goes_back_by_less_than_a_second_is_no_step() {
    let (disk, clock) = (SimulatedDisk::new(), HandClock::default());
    let mut journal = open(&disk, &clock);
    clock.advance(Span::from_millis(-900));
    journal.inbox.append(&message(b"m")).unwrap();
    journal.writer.commit().unwrap();
    assert_eq!(controls(&disk), ["started", "key"]);
}

#[test]
fn time_does_not_go_back_over_a_restart_either() {
    let (disk, clock) = (SimulatedDisk::new(), HandClock::default());
    let mut journal = open(&disk, &clock);
    clock.advance(Span::from_secs(100));
    journal.inbox.append(&message(b"m")).unwrap();
    journal.writer.commit().unwrap();
    drop(journal);
    clock.advance(Span::from_secs(-50));
    open(&disk, &clock).writer.commit().unwrap();
    let mut reader = Reader::open(&shared(&disk), &dir(), Offset(3)).unwrap();
    let batch = reader.next_batch(None, 100).unwrap();
    let records: Vec<_> = batch.iter().map(Result::unwrap).collect();
    let last = START + Span::from_secs(100);
    assert!(records.iter().all(|record| record.received_at == last));
    let bodies: Vec<_> = records.iter().map(|record| record.body).collect();
    let back = START + Span::from_secs(50);
    assert_eq!(
        bodies,
        [
            Body::Control(Control::ClockStep { from: last, to: back }),
            Body::Control(Control::Started { last_received_at: last }),
        ]
    );
}

fn signed_to(disk: &SimulatedDisk) -> (u64, Option<Offset>) {
    let found = verify(disk, &dir(), None).unwrap();
    (found.checkpoints, found.signed_to)
}

#[test]
fn a_checkpoint_is_signed_at_most_each_second_and_whenever_one_is_asked_for() {
    let (disk, clock) = (SimulatedDisk::new(), HandClock::default());
    let mut journal = open(&disk, &clock);
    journal.writer.commit().unwrap();
    assert_eq!(signed_to(&disk), (1, Some(Offset(2))));
    journal.inbox.append(&message(b"m")).unwrap();
    journal.writer.commit().unwrap();
    assert_eq!(signed_to(&disk).0, 1, "within the same second");
    let head = Digest::of(b"alert log");
    journal.inbox.set_foreign_head(head);
    journal.inbox.request_checkpoint();
    journal.writer.commit().unwrap();
    assert_eq!(signed_to(&disk), (2, Some(Offset(3))));
    let last = citywarden_journal::stat(&shared(&disk), &dir()).unwrap().last_checkpoint.unwrap();
    assert_eq!(last.foreign_head, Some(head));
    clock.advance(Span::from_secs(1));
    journal.inbox.append(&message(b"m")).unwrap();
    journal.writer.commit().unwrap();
    assert_eq!(signed_to(&disk), (3, Some(Offset(4))));
}

#[test]
fn every_closed_segment_ends_with_a_checkpoint() {
    let (disk, clock) = (SimulatedDisk::new(), HandClock::default());
    let mut journal = open(&disk, &clock);
    for number in 0..40 {
        journal.inbox.append(&message(&payload(number))).unwrap();
        journal.writer.commit().unwrap();
    }
    let segments = citywarden_journal::stat(&shared(&disk), &dir()).unwrap().segments;
    assert!(segments > 2);
    // The clock stood still: one from the first commit, and one for each closed segment.
    assert_eq!(signed_to(&disk).0, segments);
}

#[test]
fn closing_writes_the_last_record_and_takes_nothing_more() {
    let (disk, clock) = (SimulatedDisk::new(), HandClock::default());
    let mut journal = open(&disk, &clock);
    journal.inbox.close();
    assert_eq!(journal.inbox.append(&message(b"late")), Err(AppendError::Stopped));
    journal.writer.commit().unwrap();
    assert_eq!(controls(&disk), ["started", "key", "stopping"]);
    assert_eq!(signed_to(&disk).1, Some(Offset(3)), "nothing is left unsigned");
}

#[test]
fn those_who_wait_hear_that_the_writer_is_gone() {
    let (disk, clock) = (SimulatedDisk::new(), HandClock::default());
    let citywarden_journal::Journal { inbox, writer, .. } = open(&disk, &clock);
    let offset = inbox.append(&message(b"m")).unwrap();
    let (woken, waker) = waker();
    let mut context = Context::from_waker(&waker);
    let mut durable = pin!(inbox.durable(offset));
    assert!(durable.as_mut().poll(&mut context).is_pending());
    drop(writer);
    assert_eq!(woken.0.load(Ordering::Relaxed), 1);
    assert!(matches!(durable.as_mut().poll(&mut context), Poll::Ready(Err(_))));
    assert_eq!(inbox.append(&message(b"m")), Err(AppendError::Stopped));
}

#[test]
fn a_control_record_tells_when_it_is_in_force() {
    let (disk, clock) = (SimulatedDisk::new(), HandClock::default());
    let journal = open(&disk, &clock);
    clock.advance(Span::from_secs(3));
    let placed: (Offset, Timestamp) =
        journal.inbox.append_control(&Control::Rules { digest: Digest::of(b"rules") }).unwrap();
    assert_eq!(placed, (Offset(2), START + Span::from_secs(3)));
}
