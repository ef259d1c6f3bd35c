//! What takes long in the real thing, in a small form here: a receiver that is away, a broker that restarts again and again,
//! both under load. `tests/receiver-away.sh` and `tests/broker-restarts.sh` do it at length.

use std::time::{Duration, Instant};

use citywarden_tests::county::County;
use citywarden_tests::fleet::Fleet;
use citywarden_tests::mosquitto::Mosquitto;
use citywarden_tests::receiver::WebhookServer;
use citywarden_tests::service::{Service, free_address};

/// Trucks that load the system with clean readings.
const LOADERS: usize = 4;
/// Longer than the longest pause of the outbox: five minutes, and a quarter more at most.
const PATIENCE: Duration = Duration::from_mins(10);

/// A number from the environment.
fn asked(name: &str, usual: u64) -> u64 {
    let said = std::env::var(name).ok();
    said.map_or(usual, |said| said.parse().unwrap_or_else(|_| panic!("{name} is a number")))
}

/// How long it lasts, and how many messages a second the trucks send in all.
struct Course {
    seconds: u64,
    rate: u64,
}

impl Course {
    fn asked(usual_seconds: u64) -> Self {
        Self { seconds: asked("CITYWARDEN_SECONDS", usual_seconds), rate: asked("CITYWARDEN_RATE", 200) }
    }

    /// One truck violates in each of so many seconds.
    fn violates_each(&self) -> u64 {
        (self.seconds / 100).clamp(1, 10)
    }

    fn violations(&self) -> usize {
        usize::try_from(self.seconds.div_ceil(self.violates_each())).expect("small")
    }

    /// Loads for its length, and does something at each second.
    async fn run(&self, fleet: &mut Fleet, mut at_second: impl FnMut(u64)) {
        let each_second = self.rate.div_ceil(LOADERS as u64).max(1);
        let mut beat =
            tokio::time::interval(Duration::from_secs(1) / u32::try_from(each_second).expect("small"));
        for second in 0..self.seconds {
            if second.is_multiple_of(self.violates_each()) {
                fleet.violate();
            }
            at_second(second);
            for _ in 0..each_second {
                beat.tick().await;
                fleet.load();
            }
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "what it took is said by the machine's time")]
fn clock() -> Instant {
    Instant::now()
}

/// Killed in the middle of it: what is owed to the receiver is in the alert log, and not only in memory.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_happens_while_the_receiver_is_away_is_told_once_it_is_back_each_once() {
    let course = Course::asked(4);
    let mut county = County::new();
    let (mqtt, webhook) = (free_address(), free_address());
    county.mqtt = mqtt.to_string();
    county.webhook = Some(format!("http://{webhook}"));
    Fleet::register(&mut county, LOADERS, course.violations());
    let dir = county.write();
    let mut service = Some(Service::start(dir));
    let mut fleet = Fleet::start(mqtt, LOADERS);
    let begun = clock();
    course
        .run(&mut fleet, |second| {
            if second == course.seconds / 2 {
                service.take().expect("it runs").kill();
                service = Some(Service::start(dir));
            }
        })
        .await;
    let service = service.expect("it runs");
    let sent = fleet.finish(PATIENCE).await;
    let away = begun.elapsed();
    let server = WebhookServer::start_at(webhook).await;
    let back = clock();
    sent.wait_for_alerts(&server, PATIENCE).await;
    let (took, peak) = (back.elapsed(), service.process.memory_peak_kib() / 1024);
    service.stop();
    sent.check(dir, &server);
    println!(
        "away for {away:.0?}: {} messages acknowledged, {} alerts told within {took:.0?} of its return, {peak} MiB at most",
        sent.payloads.len(),
        sent.violating.len()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_restarts_every_ten_seconds_loses_and_doubles_nothing() {
    let (course, each) = (Course::asked(4), asked("CITYWARDEN_RESTART_EACH", 2));
    let mut broker = Mosquitto::start();
    let server = WebhookServer::start().await;
    let mut county = County::new();
    county.webhook = Some(server.url());
    county.more = format!("\n[[source]]\ntype = \"mqtt\"\nurl = \"{}\"\n", broker.url());
    Fleet::register(&mut county, LOADERS, course.violations() + 1);
    let dir = county.write();
    let service = Service::start(dir);
    service.wait_for_count("citywarden_broker_up", &[("source", "mqtt")], |up| up == 1).await;
    let mut fleet = Fleet::start(broker.address, LOADERS);
    let mut restarts = 0;
    course
        .run(&mut fleet, |second| {
            if second % each == each - 1 {
                broker.restart();
                restarts += 1;
            }
        })
        .await;
    // the broker hands us everything in order: with the alert of what was published last the rest has come
    fleet.acknowledged.wait_for(fleet.offered(), PATIENCE).await;
    fleet.violate();
    let sent = fleet.finish(PATIENCE).await;
    sent.wait_for_alerts(&server, PATIENCE).await;
    assert_eq!(service.count("citywarden_broker_sessions_lost_total", &[]).await, 0);
    let peak = service.process.memory_peak_kib() / 1024;
    service.stop();
    sent.check(dir, &server);
    println!(
        "{restarts} restarts in {} s: {} messages, {} alerts, {peak} MiB at most",
        course.seconds,
        sent.payloads.len(),
        sent.violating.len()
    );
}
