//! The API against its own OpenAPI document: requests made up from it by Schemathesis, right ones and wrong ones, with a
//! fixed seed. No answer may be a failure of ours (5xx), say something else than the document says, or let anybody in
//! without a token; what the document allows is taken, what it forbids is refused.

use std::path::{Path, PathBuf};
use std::process::Command;

use citywarden_tests::client::Client;
use citywarden_tests::county::{County, topic_of, unit_of};
use citywarden_tests::left_out::left_out;
use citywarden_tests::moment::now;
use citywarden_tests::scenario::eight_rules;
use citywarden_tests::service::{Service, http};
use serde_json::{Value, json};

const RULE: &str = "muck-truck-uncovered";
const TRUCK: &str = "truck-uncovered";
/// argon2id of "a-secret", made once.
const USERS: &str = "\n[[user]]\nname = \"integrator\"\nrole = \"admin\"\ntoken_hash = \
                     \"$argon2id$v=19$m=4096,t=1,p=1$Y2l0eXdhcmRlbi10ZXN0$oZDHtWF2jJM34JDP8Uj5+lu/AVZq0jJXfHHaDKBlk6s\"\n";
const TOKEN: &str = "a-secret";
/// Seconds after which it is stopped, whatever it does.
const TIMEOUT_S: &str = "170";
/// How much of a line of its report is shown.
const LINE_CHARS_MAX: usize = 600;
/// Requests that are made up for each operation, beside those for each border of the document.
const EXAMPLES: &str = "40";

/// Where Schemathesis is; where it is not there that is said, and fails in `./test`.
fn schemathesis() -> Option<PathBuf> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemathesis.sh");
    let said = Command::new(script).arg("program").output().expect("the script runs");
    if said.status.success() {
        return Some(PathBuf::from(String::from_utf8_lossy(&said.stdout).trim()));
    }
    let why = String::from_utf8_lossy(&said.stderr).into_owned();
    left_out(&format!("no Schemathesis: {why}"));
    None
}

async fn get(service: &Service, path: &str) -> Value {
    let request = http().get(format!("http://{}{path}", service.http)).bearer_auth(TOKEN);
    let response = request.send().await.expect("it answers");
    assert_eq!(response.status(), 200, "{path}");
    response.json().await.expect("JSON")
}

/// Waits until the API shows what was sent.
async fn wait_for(service: &Service, path: &str, member: &str) -> Value {
    const POLL: std::time::Duration = std::time::Duration::from_millis(50);
    for _ in 0..600 {
        let answer = get(service, path).await;
        if answer.pointer(member).is_some() {
            return answer;
        }
        tokio::time::sleep(POLL).await;
    }
    panic!("{path} never shows {member}");
}

/// A service with something in every list.
async fn service_with_everything() -> (County, Service) {
    let mut county = County::new();
    let scenario = eight_rules().into_iter().find(|scenario| scenario.rule == RULE).expect("one of them");
    scenario.prepare(&mut county);
    county.write();
    let config = std::fs::read_to_string(county.file("citywarden.toml")).expect("it was written");
    county.put("citywarden.toml", &format!("{config}{USERS}"));
    let permits = "id,kind,asset,from,to\np-1,silence,truck-uncovered,2026-01-01T00:00:00+08:00,2099-01-01T00:00:00+08:00\n";
    county.put("registry/permits.csv", permits);
    let service = Service::start(county.dir());
    scenario.play(service.mqtt, now(), |_| true).await;
    Client::Mosquitto5.publish(service.mqtt, &topic_of("nobody"), &["{}".to_owned()]).await;
    (county, service)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_made_up_from_the_document_are_answered_as_it_says() {
    let Some(program) = schemathesis() else { return };
    let (county, service) = service_with_everything().await;
    let alerts = wait_for(&service, "/api/v1/alerts", "/alerts/0/id").await;
    let device = unit_of(TRUCK);
    for (path, member) in [
        (format!("/api/v1/readings?device={device}&quantity=speed"), "/samples/0"),
        ("/api/v1/deadletters".to_owned(), "/recent/0"),
        ("/api/v1/verdicts".to_owned(), "/verdicts/0"),
        ("/api/v1/silences".to_owned(), "/silences/0"),
        ("/api/v1/devices".to_owned(), "/devices/0"),
        ("/api/v1/rules".to_owned(), "/rules/0"),
    ] {
        wait_for(&service, &path, member).await;
    }
    let id = alerts.pointer("/alerts/0/id").and_then(Value::as_str).expect("a text");
    // mostly what is there, so that more than "there is no such" is seen
    let known = format!(
        "[dictionaries]\nalerts = {{ values = {} }}\ndevices = {{ values = {} }}\nquantities = {{ values = {} }}\nfiles = {{ values = {} }}\n\n[parameters]\n\
         \"path.id\" = {{ dictionary = \"alerts\", probability = 0.8 }}\n\
         \"path.name\" = {{ dictionary = \"files\", probability = 0.5 }}\n\
         \"query.device\" = {{ dictionary = \"devices\", probability = 0.8 }}\n\
         \"query.quantity\" = {{ dictionary = \"quantities\", probability = 0.8 }}\n\n\
         [checks.negative_data_rejection]\nexpected-statuses = [400, 401, 403, 404, 405, 409, 413]\n",
        json!([id]),
        json!([device]),
        json!(["speed", "loaded"]),
        json!(["app.js", "style.css"]),
    );
    county.put("schemathesis.toml", &known);

    let document = format!("http://{}/api/openapi.json", service.http);
    let mut command = Command::new("timeout");
    command.arg(TIMEOUT_S).arg(program).args(["--config-file", "schemathesis.toml", "run", &document]);
    command.args(["--header", &format!("Authorization: Bearer {TOKEN}"), "--seed", "20261124", "--no-color"]);
    command.args(["--phases", "examples,coverage,fuzzing", "--max-examples", EXAMPLES, "--no-shrink"]);
    command.args(["--generation-database", "none", "--request-timeout", "10", "--continue-on-failure"]);
    // it never ends; `console/tests` has its own tests
    command.args(["--exclude-path", "/api/v1/stream"]);
    command.current_dir(county.dir());
    let run = tokio::task::spawn_blocking(move || command.output().expect("`timeout` runs"));
    let run = run.await.expect("no panic");
    let said = format!("{}{}", String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr));
    // a request that was made up can be longer than anybody reads
    let said: Vec<String> = said.lines().map(|line| line.chars().take(LINE_CHARS_MAX).collect()).collect();
    let said = said.join("\n");
    println!("{said}");
    assert!(run.status.success(), "Schemathesis: {}", run.status);
    service.stop();
}
