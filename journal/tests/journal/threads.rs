//! The real threads on the real disk.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::mpsc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

use citywarden_journal::{
    AppendError, Body, CheckpointKey, Disk, HostDisk, Inbox, Journal, Reader, Stopped, stat, verify,
};
use citywarden_model::Offset;

use crate::support::{HandClock, message, messages, small};

const SENDERS: u64 = 4;
const MESSAGES: u64 = 500;

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

fn block_on<F: Future>(future: F) -> F::Output {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return output;
        }
        thread::park();
    }
}

/// Sends its messages, each only when there is room, and waits until all are durable; gives the last offset.
fn send(inbox: &Inbox, sender: u64) -> Result<Offset, Stopped> {
    let mut last = Offset(0);
    for number in 0..MESSAGES {
        let payload = format!("{sender} {number}");
        last = loop {
            match inbox.append(&message(payload.as_bytes())) {
                Ok(offset) => break offset,
                Err(AppendError::Full) => block_on(inbox.room()),
                Err(error) => panic!("{error}"),
            }
        };
        if number % 100 == 0 {
            block_on(inbox.durable(last))?;
        }
    }
    block_on(inbox.durable(last))
}

/// Reads committed records as the judge does, until it has seen all messages; gives their payloads.
fn judge(inbox: &Inbox, disk: &Arc<dyn Disk>, dir: &std::path::Path) -> Vec<String> {
    let mut reader = Reader::open(disk, dir, Offset(0)).unwrap();
    let mut seen = Vec::new();
    while (seen.len() as u64) < SENDERS * MESSAGES {
        let committed = inbox.wait_past(reader.position(), Duration::from_secs(10)).unwrap();
        assert!(committed > reader.position(), "nothing came for 10 s");
        for record in reader.next_batch(Some(committed), 97).unwrap().iter() {
            if let Body::Message(message) = record.unwrap().body {
                seen.push(String::from_utf8(message.payload.to_vec()).unwrap());
            }
        }
    }
    seen
}

#[test]
fn many_senders_one_writer_and_a_reader_agree_on_a_real_disk() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal");
    let disk: Arc<dyn Disk> = Arc::new(HostDisk);
    let key = CheckpointKey::load_or_create(&dir.path().join("key")).unwrap();
    let fingerprint = key.public().fingerprint();
    let Journal { inbox, writer, .. } =
        Journal::open(&disk, Arc::new(HandClock::default()), &path, small(), key).unwrap();
    let (commits, observed) = mpsc::channel();
    let thread = writer.spawn(move |step| commits.send(step.as_ref().unwrap().records).unwrap()).unwrap();

    let seen = thread::scope(|scope| {
        let senders: Vec<_> = (0..SENDERS)
            .map(|sender| {
                scope.spawn({
                    let inbox = inbox.clone();
                    move || send(&inbox, sender)
                })
            })
            .collect();
        let seen = scope.spawn(|| judge(&inbox, &disk, &path));
        // Another process reads beside the writer, up to whatever is whole.
        let mut beside = 0;
        while beside < 1000 {
            beside = messages(&disk, &path, None).len();
        }
        for sender in senders {
            assert!(sender.join().unwrap().unwrap() <= inbox.committed());
        }
        seen.join().unwrap()
    });
    for sender in 0..SENDERS {
        let own: Vec<_> = seen.iter().filter(|text| text.starts_with(&format!("{sender} "))).collect();
        let expected: Vec<_> = (0..MESSAGES).map(|number| format!("{sender} {number}")).collect();
        assert!(own.into_iter().eq(expected.iter()), "sender {sender} out of order");
    }
    inbox.close();
    thread.join().unwrap().unwrap();
    let committed: u64 = observed.iter().sum();
    assert_eq!(committed, SENDERS * MESSAGES + 3, "and started, key, stopping");
    let found = verify(&HostDisk, &path, Some(fingerprint)).unwrap();
    assert!(found.is_intact(), "{:?}", found.faults);
    let counted = stat(&disk, &path).unwrap();
    assert_eq!((counted.counts["message"], counted.next), (SENDERS * MESSAGES, inbox.committed()));
}

#[test]
fn a_key_file_is_made_once_for_its_owner_alone_and_read_again() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal.key");
    let made = CheckpointKey::load_or_create(&path).unwrap().public();
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(CheckpointKey::load_or_create(&path).unwrap().public(), made);
    std::fs::write(&path, b"short").unwrap();
    let damaged = CheckpointKey::load_or_create(&path).unwrap_err().to_string();
    assert!(damaged.ends_with("is damaged: expected 32 bytes, found 5"), "{damaged}");
}

#[test]
fn the_real_disk_lets_one_writer_in_at_a_time() {
    let dir = tempfile::tempdir().unwrap();
    let disk: Arc<dyn Disk> = Arc::new(HostDisk);
    let open = || {
        let key = CheckpointKey::from_seed(&[1; 32]);
        Journal::open(&disk, Arc::new(HandClock::default()), dir.path(), small(), key)
    };
    let first = open().unwrap();
    assert!(open().err().unwrap().to_string().contains("in use"));
    drop(first);
    open().unwrap();
}
