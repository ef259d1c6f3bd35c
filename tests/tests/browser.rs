//! The page for enforcement in a real browser, beside the real binary with a real device: what an officer does there.

use std::time::Duration;

use citywarden_tests::browser::Browser;
use citywarden_tests::client::Client;
use citywarden_tests::county::{County, topic_of};
use citywarden_tests::moment::now;
use citywarden_tests::receiver::WebhookServer;
use citywarden_tests::scenario::{Scenario, eight_rules};
use citywarden_tests::service::Service;

const RULE: &str = "muck-truck-uncovered";
const TRUCK: &str = "truck-uncovered";
const ROW: &str = "#list li";
const PATIENCE: Duration = Duration::from_secs(30);
/// What a hostile register or device says.
const HOSTILE: &str = "<img src=x onerror=window.broken=1>";
/// argon2id of "a-secret", made once.
const HASH: &str =
    "$argon2id$v=19$m=4096,t=1,p=1$Y2l0eXdhcmRlbi10ZXN0$oZDHtWF2jJM34JDP8Uj5+lu/AVZq0jJXfHHaDKBlk6s";

/// A service beside which nothing has happened yet, whose truck has a hostile name.
async fn before_an_alert(more_config: &str) -> (County, WebhookServer, Service, Scenario) {
    let server = WebhookServer::start().await;
    let mut county = County::new();
    county.webhook = Some(server.url());
    let scenario = eight_rules().into_iter().find(|scenario| scenario.rule == RULE).expect("one of them");
    scenario.prepare(&mut county);
    county.more += more_config;
    county.write();
    let assets = std::fs::read_to_string(county.file("registry/assets.csv")).expect("it was written");
    let named = format!("muck_truck {TRUCK}");
    assert!(assets.contains(&named), "{assets}");
    county.put("registry/assets.csv", &assets.replace(&named, &format!("渣土车 {HOSTILE}")));
    let service = Service::start(county.dir());
    (county, server, service, scenario)
}

async fn nothing_is_wrong(browser: &Browser) {
    let complaints = browser.complaints().await;
    assert!(complaints.is_empty(), "the browser complains: {complaints:#?}");
    browser.wait_until("window.broken === undefined && document.querySelector('main img') === null").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_officer_sees_an_alert_appear_handles_it_and_reads_its_evidence() {
    let (_county, server, service, scenario) = before_an_alert("").await;
    let browser = Browser::start().await;
    browser.size(1440, 900).await;
    browser.open(&format!("http://{}/?lang=zh", service.http)).await;
    assert_eq!(browser.text("#none").await, "没有符合条件的告警。");
    browser.wait_until("document.querySelector('#health').className === 'well'").await;
    browser.run("window.isSamePage = true", serde_json::json!([])).await;

    // the alert appears without reload, its name as text
    scenario.play(service.mqtt, now(), |_| true).await;
    server.wait_for_alert(RULE, TRUCK, PATIENCE).await;
    let row = browser.text(ROW).await;
    assert!(row.contains("渣土车重载行驶未密闭") && row.contains(HOSTILE), "{row}");
    browser.wait_until("window.isSamePage && document.title.startsWith('(1)')").await;

    // opened, acknowledged with a reason, resolved
    browser.click("#list li a").await;
    assert_eq!(browser.text("#title").await, "渣土车重载行驶未密闭");
    browser.wait_until("document.activeElement.id === 'title'").await;
    browser.write("#reason", "已派人前往 <b>现场</b>").await;
    browser.click("#do-acknowledge").await;
    browser.wait_until("document.querySelector('.head .state.acknowledged')").await;
    browser.wait_until("document.querySelector('.events .why')?.innerText.includes('<b>现场</b>')").await;
    browser.click("#do-resolve").await;
    browser.wait_until("document.querySelector('.head .state.resolved')").await;
    browser.wait_until("document.querySelector('#list .state.resolved')").await;
    assert!(
        browser
            .run("return document.querySelector('#do-acknowledge')", serde_json::json!([]))
            .await
            .is_null()
    );

    // its evidence, as the device sent it
    browser.click("#evidence summary").await;
    let message = browser.text("#evidence pre").await;
    assert!(message.contains("\"ts\"") && message.contains("\"readings\""), "{message}");
    browser.wait_until("document.querySelectorAll('#charts svg').length > 0").await;

    // in English too
    browser.click("#language").await;
    assert_eq!(browser.text("#title").await, "Muck truck driving loaded and uncovered");
    let summary = browser.text(".head .summary").await;
    assert!(summary.is_ascii(), "the summary is in English: {summary}");
    browser.wait_until("window.isSamePage").await;
    nothing_is_wrong(&browser).await;

    // the service goes: the page keeps what it showed, and says that this is no longer live
    service.stop();
    browser.wait_until("document.querySelector('#health').className === 'ill'").await;
    assert!(browser.text("#health").await.contains("The connection is lost"));
    assert!(browser.text(ROW).await.contains(HOSTILE));
    browser.run("scrollTo(0, 0)", serde_json::json!([])).await;
    browser.click("#do-close").await;
    assert!(browser.text("#wrong").await.contains("cannot be reached"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_users_a_wrong_token_is_refused_and_a_viewer_sees_no_buttons() {
    let users = format!("\n[[user]]\nname = \"viewer-1\"\nrole = \"view\"\ntoken_hash = \"{HASH}\"\n");
    let (_county, server, service, scenario) = before_an_alert(&users).await;
    scenario.play(service.mqtt, now(), |_| true).await;
    server.wait_for_alert(RULE, TRUCK, PATIENCE).await;
    let browser = Browser::start().await;
    browser.size(390, 844).await;
    browser.open(&format!("http://{}/?lang=zh", service.http)).await;
    browser.write("#token-text", "a-guess").await;
    browser.click("#token button").await;
    assert_eq!(browser.text("#token-wrong").await, "令牌无效。");
    browser.write("#token-text", "a-secret").await;
    browser.click("#token button").await;
    // the browser itself notes each refusal, and nothing else
    assert!(browser.text(ROW).await.contains(HOSTILE));
    let complaints = browser.complaints().await;
    assert!(complaints.iter().all(|line| line.contains("401")), "{complaints:#?}");
    assert_eq!(browser.text("#user").await, "viewer-1");
    browser.click("#list li a").await;
    browser.text("#title").await;
    assert_eq!(browser.text("#alert > p.quiet").await, "您的权限只能查看。");
    browser.wait_until("document.querySelector('#alert button') === null").await;
    nothing_is_wrong(&browser).await;
    browser.click("#leave").await;
    browser.text("#token-text").await;
    service.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_undecided_silent_and_not_understood_is_shown_on_wide_and_small_screens() {
    let (_county, server, service, scenario) = before_an_alert("").await;
    scenario.play(service.mqtt, now(), |_| true).await;
    let alert = server.wait_for_alert(RULE, TRUCK, PATIENCE).await;
    Client::Mosquitto5.publish(service.mqtt, &topic_of("<i>nobody"), &["{}".to_owned()]).await;
    let is_one = |count| count == 1;
    service.wait_for_count("citywarden_dead_letters_total", &[("reason", "unknown_device")], is_one).await;
    let browser = Browser::start().await;
    let alert = format!("alert/{}", alert["id"].as_str().expect("a text"));
    let places = [
        ("", ROW, "list"),
        (&alert, "#charts figure", "alert"),
        ("verdicts", "#verdicts tbody tr", "undecided"),
        ("devices", "#devices tbody tr", "devices"),
        ("letters", "#letters tbody tr", "letters"),
    ];
    for (width, height, size) in [(1440, 900, "wide"), (390, 844, "phone")] {
        browser.size(width, height).await;
        for language in ["zh", "en"] {
            for (place, wanted, name) in places {
                browser.open("about:blank").await;
                browser.open(&format!("http://{}/?lang={language}#/{place}", service.http)).await;
                let text = browser.text(wanted).await;
                assert!(name != "letters" || text.contains("<i>nobody"), "{text}");
                let is_within =
                    "document.documentElement.scrollWidth <= document.documentElement.clientWidth";
                browser.wait_until(is_within).await;
                let file = browser.picture(&format!("{size}-{language}-{name}")).await;
                assert!(file.metadata().is_ok_and(|file| file.len() > 10_000), "{}", file.display());
            }
        }
    }
    nothing_is_wrong(&browser).await;
    service.stop();
}
