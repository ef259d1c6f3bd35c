//! SIGTERM: the service drains and stops in time, whoever does not answer.

use std::net::TcpListener;
use std::time::Duration;

use citywarden_tests::client::Client;
use citywarden_tests::county::{County, topic_of};
use citywarden_tests::moment::now;
use citywarden_tests::scenario::eight_rules;
use citywarden_tests::service::{Service, http};
use citywarden_tests::wire::{Level, Wire};
use serde_json::json;

/// Takes connections and never answers.
struct Silent {
    listener: TcpListener,
}

impl Silent {
    fn open() -> Self {
        Self { listener: TcpListener::bind("127.0.0.1:0").expect("a free port") }
    }
    fn address(&self) -> String {
        self.listener.local_addr().expect("it is bound").to_string()
    }
}

/// [`Service::stop`] asserts that it ends well within 10 s.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sigterm_is_answered_within_ten_seconds_whoever_does_not_answer_us() {
    let (receiver, broker, database) = (Silent::open(), Silent::open(), Silent::open());
    let mut county = County::new();
    county.webhook = Some(format!("http://{}", receiver.address()));
    county.more = format!(
        "\n[[source]]\ntype = \"mqtt\"\nurl = \"mqtt://{}\"\n\n[archive]\nurl = \"postgres://nobody@{}/none\"\n",
        broker.address(),
        database.address()
    );
    let scenario = eight_rules().into_iter().next().expect("there are eight");
    scenario.prepare(&mut county);
    county.asset("site", "construction_site", &[]);
    county.device("site", "dust_monitor", Some(60), &[]);
    let service = Service::start(county.write());
    scenario.play(service.mqtt, now(), |_| true).await;
    service.wait_for_count("citywarden_alert_events_total", &[("event", "opened")], |count| count == 1).await;
    // a device that stays, and a page that stays
    let device = Wire::connect(service.mqtt, Level::V311, "stays").await.expect("it connects");
    let page = http().get(format!("http://{}/api/v1/stream", service.http)).send().await.expect("it answers");
    let last = json!({"readings": {"pm10": 12.5}}).to_string();
    Client::Rumqttc5.publish(service.mqtt, &topic_of("site"), &[last]).await;
    service.stop();
    drop((device, page, receiver, broker, database));

    // it goes on where it was: nothing of it was cut off
    let service = Service::start(county.dir());
    service.wait_for_count("citywarden_stage_lag_records", &[("stage", "rules")], |lag| lag == 0).await;
    service.process.err.wait_for_words("ready", Duration::from_secs(10));
    assert_eq!(service.count("citywarden_alert_events_total", &[("event", "opened")]).await, 0);
    service.stop();
}
