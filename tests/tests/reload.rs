//! Rules and registry change while the service runs; what is broken is refused, and the last good version goes on.

use std::time::{Duration, Instant};

use citywarden_model::Digest;
use citywarden_tests::client::Client;
use citywarden_tests::county::{County, topic_of};
use citywarden_tests::moment::{ago, now};
use citywarden_tests::receiver::WebhookServer;
use citywarden_tests::service::Service;
use serde_json::json;

const RULE: &str = "sprinkler-chime-loudness";
/// A saved file is in force within this.
const PROMISE: Duration = Duration::from_secs(1);
const ALERT: Duration = Duration::from_secs(30);

/// A county of sprinkler trucks, and enforcement that listens.
async fn sprinklers(trucks: &[&str]) -> (County, WebhookServer) {
    let server = WebhookServer::start().await;
    let mut county = County::new();
    county.webhook = Some(server.url());
    for truck in trucks {
        add(&mut county, truck);
    }
    county.write();
    (county, server)
}

fn add(county: &mut County, truck: &str) {
    county.asset(truck, "sprinkler_truck", &[]);
    county.device(truck, "sound_meter", Some(10), &[]);
}

/// A minute of a chime at this level in a silent street.
async fn sound(service: &Service, truck: &str, level: f64) {
    let now = now();
    let message = |age| json!({"ts": ago(now, age), "readings": {"sound_level": level, "background_level": 20.0, "chime": true}});
    let payloads: Vec<_> = (0..=6).rev().map(|step| message(step * 10).to_string()).collect();
    Client::Rumqttc311.publish(service.mqtt, &topic_of(truck), &payloads).await;
}

#[expect(clippy::disallowed_methods, reason = "the promise is about the machine's time")]
fn clock() -> Instant {
    Instant::now()
}

/// Waits until the rules that judge hold this text.
async fn wait_until_in_force(service: &Service, text: &str) {
    let digest = Digest::of(text.as_bytes()).to_string();
    let begun = clock();
    while !service.get("/api/v1/rules").await.1.contains(&digest) {
        let said = service.process.err.lines().join("\n");
        assert!(begun.elapsed() < ALERT, "the saved rule is not in force after {ALERT:?}:\n{said}");
    }
}

/// Asserts that at least one of these saves was in force in time: the others may have met a busy machine.
fn check_promise(what: &str, times: &[Duration]) {
    assert!(times.iter().any(|time| *time < PROMISE), "{what} took {times:?}, each above {PROMISE:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_saved_limit_is_in_force_within_a_second_and_named_in_the_alert() {
    let (county, server) = sprinklers(&["before", "after"]).await;
    let service = Service::start(county.dir());
    sound(&service, "before", 48.9).await;

    let built_in = county.pack.text(RULE);
    let mut times = Vec::new();
    let mut text = built_in.clone();
    for limit in ["value = 47.0", "value = 46.0", "value = 45.0"] {
        text = built_in.replace("value = 50.0", limit);
        assert_ne!(text, built_in);
        let begun = clock();
        county.pack.save(RULE, &text);
        wait_until_in_force(&service, &text).await;
        times.push(begun.elapsed());
    }
    check_promise("a saved rule", &times);
    // the count follows what is in force
    let wanted = 1 + times.len();
    service
        .wait_for_count("citywarden_rule_reload_total", &[("result", "success")], |count| count == wanted)
        .await;

    sound(&service, "after", 48.9).await;
    let alert = server.wait_for_alert(RULE, "after", ALERT).await;
    assert_eq!(alert["rule_digest"], Digest::of(text.as_bytes()).to_string());
    assert_eq!(alert["limits"]["limit_db"], 45.0);
    assert_eq!(
        server.opened().len(),
        1,
        "what was judged by the old limit stays so: {:?}",
        server.opened_subjects()
    );
    service.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broken_rule_is_refused_at_its_place_and_the_last_good_one_goes_on() {
    let (county, server) = sprinklers(&["truck-1", "truck-2"]).await;
    let service = Service::start(county.dir());
    let good = county.pack.text(RULE);
    let broken = good.replace("chime_db > limit_db", "chime_bd > limit_db");
    assert_ne!(good, broken);
    county.pack.save(RULE, &broken);
    service.wait_for_count("citywarden_rule_reload_total", &[("result", "refused")], |count| count > 0).await;
    let place = place_of(&county, &broken, "chime_bd");
    let said = service.process.err.wait_for_words(&place, ALERT);
    assert!(said.contains("unknown name `chime_bd`") && said.contains("did you mean `chime_db`"), "{said}");

    sound(&service, "truck-1", 56.0).await;
    let alert = server.wait_for_alert(RULE, "truck-1", ALERT).await;
    assert_eq!(alert["rule_digest"], Digest::of(good.as_bytes()).to_string());

    // killed and started with the broken file still there: the last good version, and no alert again
    service.kill();
    let service = Service::start(county.dir());
    sound(&service, "truck-2", 56.0).await;
    let alert = server.wait_for_alert(RULE, "truck-2", ALERT).await;
    assert_eq!(alert["rule_digest"], Digest::of(good.as_bytes()).to_string());
    assert!(server.opened_subjects().values().all(|count| *count == 1), "{:?}", server.opened_subjects());
    service.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_save_that_cannot_be_kept_is_tried_again_until_it_is_in_force() {
    let (county, server) = sprinklers(&["truck-1"]).await;
    let service = Service::start(county.dir());
    let built_in = county.pack.text(RULE);
    // a rule whose text belongs into a folder that is not there yet, and cannot be made
    let (text, folder) = (0..256)
        .map(|tenths| built_in.replace("value = 50.0", &format!("value = 45.{tenths}")))
        .map(|text| {
            let folder = county.file("data/texts").join(&Digest::of(text.as_bytes()).hex()[..2]);
            (text, folder)
        })
        .find(|(_, folder)| !folder.exists())
        .expect("256 folders are more than eight rules");
    std::fs::write(&folder, "in the way").expect("it can be written");
    county.pack.save(RULE, &text);
    service.wait_for_count("citywarden_reload_pending", &[("what", "rules")], |count| count == 1).await;
    let (status, ready) = service.get("/readyz").await;
    assert_eq!(status, 503, "{ready}");
    assert!(ready.contains("saved rules are not in force"), "{ready}");
    sound(&service, "truck-1", 48.9).await;

    std::fs::remove_file(&folder).expect("it was there");
    wait_until_in_force(&service, &text).await;
    service.wait_for_count("citywarden_reload_pending", &[("what", "rules")], |count| count == 0).await;
    assert_eq!(service.get("/readyz").await.0, 200);
    assert_eq!(
        service.count("citywarden_rule_reload_total", &[("result", "failed")]).await,
        1,
        "it is one failure"
    );
    assert_eq!(server.opened().len(), 0, "the old limit was in force");
    service.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sighup_reads_rules_and_registry_again_at_once() {
    let (mut county, server) = sprinklers(&["old"]).await;
    // saves are not noticed for so long that only the signal can be it
    let config = std::fs::read_to_string(county.file("citywarden.toml")).expect("it was written");
    county.put("citywarden.toml", &format!("{config}\n[watch]\nquiet = \"10s\"\npoll = \"1m\"\n"));
    let service = Service::start(county.dir());
    let text = county.pack.text(RULE).replace("value = 50.0", "value = 45.0");
    county.pack.save(RULE, &text);
    add(&mut county, "new");
    county.write_registry();
    let begun = clock();
    service.process.signal("-HUP");
    wait_until_in_force(&service, &text).await;
    let known = "2 devices, 2 assets";
    service.process.err.wait_for_words(known, ALERT);
    assert!(begun.elapsed() < Duration::from_secs(9), "it waited for the saves: {:?}", begun.elapsed());
    sound(&service, "new", 48.9).await;
    server.wait_for_alert(RULE, "new", ALERT).await;
    service.stop();
}

/// `file:line:column: ` of the first place of these words in a rule's text.
fn place_of(county: &County, text: &str, words: &str) -> String {
    let before = &text[..text.find(words).expect("the words are there")];
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().expect("there is a line").chars().count() + 1;
    let file = county.pack.file(RULE);
    let name = file.file_name().and_then(|name| name.to_str()).expect("a UTF-8 name");
    format!("{name}:{line}:{column}: ")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_device_is_known_within_a_second_of_the_save() {
    let (mut county, server) = sprinklers(&["old"]).await;
    let service = Service::start(county.dir());
    let mut times = Vec::new();
    for (number, truck) in ["new-1", "new-2", "new-3"].into_iter().enumerate() {
        add(&mut county, truck);
        let begun = clock();
        county.write_registry();
        // its message counts once it is known; before, it is a dead letter
        let known = number + 1;
        while service.count("citywarden_readings_total", &[("quantity", "ph")]).await < known {
            assert!(begun.elapsed() < ALERT, "{truck} is not known after {ALERT:?}");
            // older than what follows: late readings would not count as lasting
            let payload = json!({"ts": ago(now(), 120), "readings": {"ph": 7.5}}).to_string();
            Client::Rumqttc5.publish(service.mqtt, &topic_of(truck), &[payload]).await;
        }
        times.push(begun.elapsed());
        sound(&service, truck, 56.0).await;
        server.wait_for_alert(RULE, truck, ALERT).await;
    }
    check_promise("a saved registry", &times);
    service.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bad_line_of_the_registry_is_refused_at_its_place_and_its_last_good_row_goes_on() {
    let (county, server) =
        sprinklers(&["truck-1", "truck-2", "truck-3", "truck-4", "truck-5", "truck-6"]).await;
    let service = Service::start(county.dir());
    let devices = std::fs::read_to_string(county.file("registry/devices.csv")).expect("it was written");
    let bad = devices.replacen("truck-1,10,", "truck-1,ten,", 1);
    assert_ne!(devices, bad, "{devices}");
    county.put("registry/devices.csv", &bad);
    service.process.err.wait_for_words("devices.csv:2:", ALERT);
    sound(&service, "truck-1", 56.0).await;
    server.wait_for_alert(RULE, "truck-1", ALERT).await;

    // a file that loses most of its rows is a mistake, not a change
    let lost: String = devices.lines().take(2).map(|line| line.to_owned() + "\n").collect();
    county.put("registry/devices.csv", &lost);
    service.process.err.wait_for_words("--accept", ALERT);
    sound(&service, "truck-6", 56.0).await;
    server.wait_for_alert(RULE, "truck-6", ALERT).await;
    service.stop();
}
