//! Sessions over real sockets: who is told that there is one, across connections, users, time and restarts.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test"
)]

mod support;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use argon2::password_hash::{PasswordHasher, phc::PasswordHash};
use citywarden_ingest::endpoint::{BindError, Endpoint, EndpointConfig, Users};
use citywarden_journal::{HostDisk, InboxOptions, SimulatedDisk};
use citywarden_model::Span;
use citywarden_problems::{Problems, Source};
use support::{Committing, Device, Rig, Site, TOPIC, config, packet, puback, publish};
use tokio::net::TcpStream;

const DAY: Span = Span::from_mins(24 * 60);
const WEEK_S: u32 = 7 * 24 * 3600;

/// How a client comes.
#[derive(Debug, Clone, Copy)]
enum Hello {
    /// 3.1.1, and whether with a clean session.
    V311(bool),
    /// 5, whether with a clean start, and the session expiry it asks for.
    V5(bool, Option<u32>),
}
use Hello::{V5, V311};

const fn asking(expiry_s: u32) -> Hello {
    V5(false, Some(expiry_s))
}

/// A CONNECT by a user, whose password is its name.
fn connect(hello: Hello, id: &str, user: Option<&str>) -> Vec<u8> {
    let (level, clean, properties) = match hello {
        V311(clean) => (4, clean, None),
        V5(clean, None) => (5, clean, Some(vec![0])),
        V5(clean, Some(seconds)) => (5, clean, Some([&[5, 0x11][..], &seconds.to_be_bytes()[..]].concat())),
    };
    let flags = if user.is_some() { 0xc0 } else { 0 } | if clean { 2 } else { 0 };
    let mut body = b"\0\x04MQTT".to_vec();
    body.extend([level, flags, 0, 60]);
    body.extend(properties.unwrap_or_default());
    for text in [Some(id), user, user].into_iter().flatten() {
        body.extend(u16::try_from(text.len()).unwrap().to_be_bytes());
        body.extend(text.bytes());
    }
    packet(0x10, &body)
}

/// What it is told: session present, and the session expiry where it is another than it asked for.
async fn told(device: &mut Device<TcpStream>) -> (bool, Option<u32>) {
    let connack = device.packet().await.expect("an answer");
    assert_eq!((connack[0], connack[3]), (0x20, 0), "{connack:02x?}");
    assert!(connack[2] <= 1, "{connack:02x?}");
    let expiry = connack.get(5).filter(|id| **id == 0x11);
    (connack[2] == 1, expiry.map(|_| u32::from_be_bytes(connack[6..10].try_into().unwrap())))
}

async fn come(rig: &Rig, hello: Hello) -> (Device<TcpStream>, (bool, Option<u32>)) {
    come_as(rig, hello, "dust-01", None).await
}

async fn come_as(
    rig: &Rig,
    hello: Hello,
    id: &str,
    user: Option<&str>,
) -> (Device<TcpStream>, (bool, Option<u32>)) {
    let mut device = rig.device().await;
    device.send(&connect(hello, id, user)).await;
    let told = told(&mut device).await;
    (device, told)
}

/// Leaves by this last packet, or without one.
async fn leave(rig: &Rig, mut device: Device<TcpStream>, last: &[u8]) {
    device.send(last).await;
    drop(device);
    rig.until("it is gone", |rig| rig.counters.connections.get() == 0).await;
}

async fn come_and_leave(rig: &Rig, hello: Hello) -> (bool, Option<u32>) {
    let (device, told) = come(rig, hello).await;
    leave(rig, device, &[]).await;
    told
}

/// The same client comes and leaves again and again; `away` passes before each time but the first.
async fn check(away: Span, visits: &[(Hello, bool, Option<u32>)]) {
    let rig = Rig::start(config(), Committing::Always).await;
    for (index, (hello, present, expiry_s)) in visits.iter().enumerate() {
        let told = come_and_leave(&rig, *hello).await;
        assert_eq!(told, (*present, *expiry_s), "visit {index} of {visits:?}");
        rig.site.clock.advance(away);
    }
}

#[tokio::test]
async fn a_session_is_present_exactly_where_the_standard_wants_it() {
    let hour = Span::from_mins(60);
    let no_visits_before = [V311(true), V311(false), V5(true, None), V5(false, None), asking(3601)];
    for hello in no_visits_before {
        check(hour, &[(hello, false, None)]).await;
    }
    check(hour, &[(V311(false), false, None), (V311(false), true, None), (V311(false), true, None)]).await;
    check(hour, &[(V311(true), false, None), (V311(false), false, None)]).await;
    // a clean session ends an older one, and is none that anybody could go on with
    check(hour, &[(V311(false), false, None), (V311(true), false, None), (V311(false), false, None)]).await;
    check(hour, &[(V5(false, None), false, None), (V5(false, None), false, None)]).await;
    check(hour, &[(asking(3601), false, None), (asking(3601), true, None), (V5(false, None), true, None)])
        .await;
    // it went on with the session, which then ended with the connection
    check(hour, &[(asking(3601), false, None), (V5(false, None), true, None), (asking(3601), false, None)])
        .await;
    // a clean start ends the older one and begins one that is kept
    let clean = V5(true, Some(3601));
    check(hour, &[(clean, false, None), (clean, false, None), (asking(3601), true, None)]).await;
    // the version may change
    check(hour, &[(V311(false), false, None), (asking(60), true, None), (V311(false), false, None)]).await;
    check(hour, &[(asking(3601), false, None), (V311(false), true, None)]).await;
}

#[tokio::test]
async fn a_session_expires_after_what_was_asked_for_and_never_after_more_than_the_limit() {
    check(Span::from_secs(60), &[(asking(60), false, None), (asking(60), false, None)]).await;
    check(Span::from_secs(30), &[(asking(60), false, None), (asking(60), true, None)]).await;
    for too_long in [WEEK_S + 1, u32::MAX] {
        let (first, again) =
            ((asking(too_long), false, Some(WEEK_S)), (asking(too_long), true, Some(WEEK_S)));
        check(DAY, &[first, again]).await;
    }
    check(DAY, &[(asking(WEEK_S), false, None), (asking(WEEK_S), true, None)]).await;
    let (eight_days, first) = (Span::from_secs(8 * 24 * 3600), (V311(false), false, None));
    check(eight_days, &[first, first]).await;
    check(eight_days, &[(asking(u32::MAX), false, Some(WEEK_S)), first]).await;
}

#[tokio::test]
async fn time_runs_from_the_end_of_the_connection() {
    let rig = Rig::start(config(), Committing::Always).await;
    let (device, _) = come(&rig, asking(60)).await;
    rig.site.clock.advance(DAY);
    leave(&rig, device, &[]).await;
    assert!(come_and_leave(&rig, asking(60)).await.0);
}

#[tokio::test]
async fn where_no_session_is_kept_a_client_in_5_is_told_so() {
    let mut config = config();
    config.limits.session_expiry_max = Duration::ZERO;
    let rig = Rig::start(config, Committing::Always).await;
    for _ in 0..2 {
        assert_eq!(come_and_leave(&rig, asking(60)).await, (false, Some(0)));
        assert_eq!(come_and_leave(&rig, V311(false)).await, (false, None));
    }
}

#[tokio::test]
async fn a_client_may_change_its_mind_at_the_end_but_not_keep_what_it_let_go() {
    let rig = Rig::start(config(), Committing::Always).await;
    let goodbye = |seconds: u32| [&[0xe0, 7, 0, 5, 0x11][..], &seconds.to_be_bytes()[..]].concat();
    let (device, _) = come(&rig, asking(60)).await;
    leave(&rig, device, &goodbye(3601)).await;
    rig.site.clock.advance(Span::from_mins(60));
    let (device, (present, _)) = come(&rig, asking(60)).await;
    assert!(present);
    leave(&rig, device, &goodbye(0)).await;
    let (mut device, (present, _)) = come(&rig, V5(false, None)).await;
    assert!(!present);
    device.send(&goodbye(60)).await;
    device.expect(&[0xe0, 2, 0x82, 0]).await;
    device.expect_closed().await;
}

#[tokio::test]
async fn taking_over_goes_on_with_a_session_that_is_kept_and_with_no_other() {
    let rig = Rig::start(config(), Committing::Always).await;
    for (hello, present) in [(asking(60), true), (V311(false), true), (V5(false, None), false)] {
        come_and_leave(&rig, V5(true, None)).await;
        let (mut first, told) = come(&rig, hello).await;
        assert!(!told.0, "{hello:?}");
        let (second, told) = come(&rig, hello).await;
        assert_eq!(told.0, present, "{hello:?}");
        while first.packet().await.is_some() {} // it is told that it is taken over, in 5
        drop(first);
        rig.until("the first is gone", |rig| rig.counters.connections.get() == 1).await;
        leave(&rig, second, &[]).await;
        // the end of the first was not that of the session
        assert_eq!(come_and_leave(&rig, hello).await.0, present, "{hello:?}");
    }
}

#[tokio::test]
async fn two_users_with_the_same_client_id_have_a_session_each() {
    let hash_of = |name: &str| {
        let params = argon2::Params::new(argon2::Params::MIN_M_COST, 1, 1, None).unwrap();
        let argon2 = argon2::Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, params);
        let hash: PasswordHash = argon2.hash_password_with_salt(name.as_bytes(), b"saltsaltsalt").unwrap();
        hash.to_string()
    };
    let text = format!("a:{}:*\nb:{}:*\n", hash_of("a"), hash_of("b"));
    let problems = Problems::new();
    let users = Users::parse(&Source::new("devices", &text), &problems);
    assert_eq!(users.len(), 2);
    let rig = Rig::start(EndpointConfig { users: Some(users), ..config() }, Committing::Always).await;
    let table = [
        ("a", V311(false), false),
        ("b", V311(false), false),
        ("a", V311(false), true),
        ("b", V311(true), false), // ends its own
        ("a", V311(false), true),
        ("b", V311(false), false),
    ];
    for (user, hello, present) in table {
        let (device, told) = come_as(&rig, hello, "gateway", Some(user)).await;
        assert_eq!(told.0, present, "{user} {hello:?}");
        leave(&rig, device, &[]).await;
    }
}

#[tokio::test]
async fn beyond_the_bound_the_session_that_would_end_next_ends() {
    let mut config = config();
    config.limits.sessions_max = 2;
    let rig = Rig::start(config, Committing::Always).await;
    let come = |id: &'static str, expiry_s| come_as(&rig, asking(expiry_s), id, None);
    let (device, _) = come("long", 600).await;
    leave(&rig, device, &[]).await;
    let (device, _) = come("short", 60).await;
    leave(&rig, device, &[]).await;
    let (new, told) = come("new", 60).await;
    assert_eq!(told, (false, None));
    let (long, told) = come("long", 600).await;
    assert_eq!(told, (true, None));
    // both that there are have a connection: nobody has to go for a third, and it is told so
    let (short, told) = come("short", 60).await;
    assert_eq!(told, (false, Some(0)));
    drop((new, long, short));
}

#[tokio::test]
async fn a_session_that_was_told_of_is_known_after_the_power_failed() {
    for seed in 0..10 {
        let disk = SimulatedDisk::new();
        let site = Site::new(Arc::new(disk.clone()));
        let on = |site| Rig::on(site, config(), Committing::Always, InboxOptions::default());
        let rig = on(site).await;
        for (id, hello) in [
            ("kept", V311(false)),
            ("ended", asking(60)),
            ("ended", V5(true, None)),
            ("once", V5(true, None)),
        ] {
            drop(come_as(&rig, hello, id, None).await);
            rig.until("it is gone", |rig| rig.counters.connections.get() == 0).await;
        }
        let site = rig.killed().await;
        disk.crash(seed);
        let rig = on(site).await;
        for (id, present) in [("kept", true), ("ended", false), ("once", false)] {
            let (_device, told) = come_as(&rig, V311(false), id, None).await;
            assert_eq!(told.0, present, "{id}, seed {seed}");
        }
    }
}

#[tokio::test]
async fn after_a_kill_time_runs_from_the_start_and_after_an_orderly_end_from_the_end_of_the_connection() {
    for (orderly, present) in [(true, false), (false, true)] {
        let rig = Rig::start(config(), Committing::Always).await;
        come_and_leave(&rig, asking(60)).await;
        rig.site.clock.advance(Span::from_secs(30));
        let site = if orderly { rig.stopped().await } else { rig.killed().await };
        site.clock.advance(Span::from_secs(30));
        let rig = Rig::on(site, config(), Committing::Always, InboxOptions::default()).await;
        assert_eq!(come_and_leave(&rig, asking(60)).await.0, present, "orderly: {orderly}");
    }
}

#[tokio::test]
async fn after_an_orderly_end_whoever_came_back_before_a_kill_is_known() {
    let rig = Rig::start(config(), Committing::Always).await;
    come_and_leave(&rig, asking(60)).await;
    let site = rig.stopped().await;
    site.clock.advance(Span::from_secs(30));
    let rig = Rig::on(site, config(), Committing::Always, InboxOptions::default()).await;
    let (device, (present, _)) = come(&rig, asking(60)).await;
    assert!(present);
    rig.site.clock.advance(DAY);
    let rig = rig.restarted().await;
    drop(device);
    assert!(come_and_leave(&rig, asking(60)).await.0);
}

#[tokio::test]
async fn clients_that_are_known_cost_the_disk_nothing() {
    let disk = SimulatedDisk::new();
    let mut rig =
        Rig::with(config(), Committing::ByHand, InboxOptions::default(), Arc::new(disk.clone())).await;
    come_and_leave(&rig, V311(false)).await;
    rig.commit().unwrap();
    let before = disk.operations();
    for _ in 0..100 {
        assert!(come_and_leave(&rig, V311(false)).await.0);
        assert!(!come_as(&rig, V311(true), "of no session", None).await.1.0);
        rig.until("it is gone", |rig| rig.counters.connections.get() == 0).await;
    }
    assert_eq!(disk.operations(), before);
}

#[tokio::test]
async fn a_disk_that_takes_nothing_keeps_nobody_out_and_is_caught_up_with() {
    let disk = SimulatedDisk::new();
    let rig = Rig::with(config(), Committing::Always, InboxOptions::default(), Arc::new(disk.clone())).await;
    come_and_leave(&rig, V311(false)).await;
    disk.fail_operation(1, io::ErrorKind::StorageFull);
    let (device, _) = come_as(&rig, V311(false), "full", None).await;
    leave(&rig, device, &[]).await;
    let (_device, told) = come_as(&rig, V311(false), "full", None).await;
    assert!(told.0, "known until a restart");
    let (_device, _) = come_as(&rig, V311(false), "another", None).await; // writes down what could not be
    let rig = rig.restarted().await;
    for id in ["dust-01", "full", "another"] {
        assert!(come_as(&rig, V311(false), id, None).await.1.0, "{id}");
    }
}

/// Changes the file of sessions while nobody has it.
async fn with_file(change: impl FnOnce(Vec<u8>) -> Vec<u8>) -> Rig {
    let rig = Rig::start(config(), Committing::Always).await;
    for id in ["a", "b", "c"] {
        drop(come_as(&rig, V311(false), id, None).await);
    }
    let site = rig.killed().await;
    let path = site.sessions().dir.join(site.sessions().name);
    std::fs::write(&path, change(std::fs::read(&path).unwrap())).unwrap();
    Rig::on(site, config(), Committing::Always, InboxOptions::default()).await
}

async fn known(rig: &Rig) -> usize {
    let mut known = 0;
    for id in ["a", "b", "c"] {
        known += usize::from(come_as(rig, V311(false), id, None).await.1.0);
    }
    known
}

#[tokio::test]
async fn damage_costs_the_sessions_it_is_in_and_no_others() {
    assert_eq!(known(&with_file(|whole| whole).await).await, 3);
    assert_eq!(known(&with_file(|whole| whole[..whole.len() - 5].to_vec()).await).await, 2);
    let in_the_middle = |mut bytes: Vec<u8>| {
        let at = bytes.len() / 2;
        bytes[at] ^= 1;
        bytes
    };
    assert_eq!(known(&with_file(in_the_middle).await).await, 2);
    assert_eq!(known(&with_file(|whole| [whole, vec![0; 4096]].concat()).await).await, 3);
    assert_eq!(known(&with_file(|_| b"something else".to_vec()).await).await, 0);
    assert_eq!(known(&with_file(|_| Vec::new()).await).await, 0);
}

#[tokio::test]
async fn sessions_that_cannot_be_read_stop_the_start() {
    let rig = Rig::start(config(), Committing::Always).await;
    let mut store = rig.site.sessions();
    store.name = "a directory".to_owned();
    std::fs::create_dir(store.dir.join(&store.name)).unwrap();
    let refused = Endpoint::bind(config(), rig.inbox.clone(), rig.counters.clone(), store).await.unwrap_err();
    assert!(matches!(refused, BindError::Sessions { .. }), "{refused}");
    assert!(refused.to_string().contains("a directory: the sessions of clients cannot be read"), "{refused}");
}

#[tokio::test]
async fn what_was_not_acknowledged_is_sent_again_with_dup_after_a_kill_and_acknowledged_once_committed() {
    for hello in [V311(false), asking(60)] {
        let level = if matches!(hello, V311(_)) { 4 } else { 5 };
        let site = Site::new(Arc::new(HostDisk));
        let rig = Rig::on(site, config(), Committing::ByHand, InboxOptions::default()).await;
        let (mut device, _) = come(&rig, hello).await;
        let mut message = publish(level, TOPIC, Some(7), b"once");
        device.send(&message).await;
        rig.until("it is taken in", |rig| rig.counters.received_qos1.get() == 1).await;
        let mut rig = rig.restarted().await;
        let (mut device, told) = come(&rig, hello).await;
        assert!(told.0);
        message[0] |= 0b1000;
        device.send(&message).await;
        device.expect_alive().await; // not acknowledged yet
        rig.commit().unwrap();
        device.expect(&puback(7)).await;
        let kept = rig.kept();
        assert_eq!(kept.len(), 1);
        assert!(kept[0].duplicate);
    }
}
