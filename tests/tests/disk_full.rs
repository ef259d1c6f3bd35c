//! A disk that fills up under load: nothing is acknowledged that is not kept, and it goes on by itself when there is room.

use std::time::Duration;

use citywarden_tests::county::County;
use citywarden_tests::fleet::Fleet;
use citywarden_tests::receiver::WebhookServer;
use citywarden_tests::service::{Service, free_address};
use citywarden_tests::small_disk::SmallDisk;

/// A few of the smallest segments, beside the alert log and the archive.
const DISK_BYTES: u64 = 96 << 20;
const LOADERS: usize = 4;
/// Messages that are no bigger than some devices send, and fill a segment soon.
const PADDING: usize = 20_000;
const VIOLATIONS: usize = 4;
const PATIENCE: Duration = Duration::from_mins(1);
/// In this time the journal tries more than once whether there is room.
const WHILE_FULL: Duration = Duration::from_millis(2_500);

/// Loads until the journal says that its disk is full.
async fn load_until_full(service: &Service, fleet: &mut Fleet) {
    for _ in 0..300 {
        fleet.load();
        // no more than a few are on the way: what is handed out now waits until there is room
        let nearly_all = fleet.offered() - LOADERS;
        let (acknowledged, patience) = (&fleet.acknowledged, Duration::from_millis(500));
        let is_taken = acknowledged.reaches(nearly_all, patience).await;
        if !is_taken && service.get("/readyz").await.0 == 503 {
            return;
        }
    }
    panic!("{} messages of {PADDING} bytes did not fill {DISK_BYTES} bytes", fleet.offered());
}

async fn check_is_full(service: &Service, fleet: &mut Fleet) {
    let (status, why) = service.get("/readyz").await;
    assert!(status == 503 && why.contains("the disk is full; nothing is acknowledged"), "{status} {why}");
    assert_eq!(service.get("/healthz").await.0, 200, "it is alive");
    fleet.violate();
    fleet.load();
    let before = fleet.acknowledged.count();
    assert!(!fleet.acknowledged.reaches(before + 1, WHILE_FULL).await, "acknowledged, and the disk is full");
    assert_eq!(service.get("/readyz").await.0, 503);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_is_full_to_the_last_byte_stops_acknowledgements_and_nothing_else_until_there_is_room() {
    let server = WebhookServer::start().await;
    let mut county = County::new();
    let Some(disk) = SmallDisk::mount(&county.file("data"), DISK_BYTES) else { return };
    let address = free_address();
    county.mqtt = address.to_string();
    county.webhook = Some(server.url());
    county.more = "\n[journal]\nsegment_bytes = 4194304\nsnapshot_every = \"1s\"\n".to_owned();
    Fleet::register(&mut county, LOADERS, VIOLATIONS);
    let dir = county.write();
    let mut service = Service::start(dir);
    let mut fleet = Fleet::start_padded(address, LOADERS, PADDING);
    for _ in 0..20 {
        fleet.load();
    }
    fleet.violate();
    server.wait_until("the first alert", PATIENCE, |server| !server.opened().is_empty()).await;

    for is_killed in [false, true] {
        disk.fill();
        load_until_full(&service, &mut fleet).await;
        check_is_full(&service, &mut fleet).await;
        if is_killed {
            // and it starts on the full disk
            service.kill();
            service = Service::start(dir);
            // what it notes itself has room in the segment still: it knows when the first message has none
            load_until_full(&service, &mut fleet).await;
            check_is_full(&service, &mut fleet).await;
        }
        disk.make_room();
        fleet.acknowledged.wait_for(fleet.offered(), PATIENCE).await;
        assert_eq!(service.get("/readyz").await.0, 200, "it goes on by itself");
    }
    let sent = fleet.finish(PATIENCE).await;
    sent.wait_for_alerts(&server, PATIENCE).await;
    service.stop();
    sent.check(dir, &server);
}
