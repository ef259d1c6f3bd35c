use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use citywarden_ingest::broker::BrokerConfig;
use citywarden_problems::Source;
use rustls::pki_types::CertificateDer;

use super::receiver::Way;
use super::{Config, Host, SourceConfig, read};

const EXAMPLE: &str = include_str!("../../../deploy/config.example.toml");
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n";

/// A machine of variables and files in memory.
struct Bench {
    files: BTreeMap<PathBuf, (&'static str, u32)>,
}

impl Bench {
    fn new() -> Self {
        let files = [
            ("secrets/good", SECRET, 0o600),
            ("secrets/open", SECRET, 0o644),
            ("secrets/bad", "hunter2", 0o600),
            ("secrets/police", SECRET, 0o600),
            ("secrets/platform", SECRET, 0o600),
            ("secrets/devices", "gateway:-:*\n", 0o600),
            ("secrets/mqtt", "s3cret\n", 0o600),
            ("secrets/archive", "s3cret\n", 0o600),
            ("secrets/broken", "gateway:-:*\nsite\n", 0o600),
            ("server.pem", "no certificate", 0o644),
            ("server.key", "no key", 0o600),
        ];
        let at = |name: &str| Path::new("/etc/citywarden").join(name);
        Self { files: files.into_iter().map(|(name, text, mode)| (at(name), (text, mode))).collect() }
    }
}

impl Host for Bench {
    fn variable(&self, name: &str) -> Option<String> {
        (name == "PLATFORM").then(|| "platform.example".to_owned())
    }
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let file =
            self.files.get(path).ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "not found"))?;
        Ok(file.0.into())
    }
    fn mode(&self, path: &Path) -> Option<u32> {
        self.files.get(path).map(|file| file.1)
    }
    fn authorities(&self) -> Vec<CertificateDer<'static>> {
        Vec::new()
    }
}

fn read_text(text: &str) -> (Option<Config>, Vec<String>) {
    let reading = read(Source::new("c.toml", text), Path::new("/etc/citywarden"), &Bench::new());
    (reading.config, reading.problems.iter().map(ToString::to_string).collect())
}

const NOBODY: &str = "c.toml:1:1: warning: no [route]: alerts are shown on the page and sent to nobody";

/// These lines below a right first one give this problem, and no other.
fn check(lines: &str, expected: &str) {
    let (config, mut problems) = read_text(&format!("region = \"330624\"\n{lines}\n"));
    problems.retain(|problem| problem != NOBODY);
    assert_eq!(problems, [format!("c.toml:{expected}")], "{lines}");
    assert_eq!(config.is_some(), expected.contains(" warning: "), "{lines}");
}

#[test]
fn a_region_is_enough() {
    let (config, problems) = read_text("region = \"330624\"");
    assert_eq!(problems, [NOBODY]);
    let config = config.expect("it is whole");
    assert_eq!(config.region.as_str(), "330624");
    assert_eq!(config.registry.dir, Path::new("/etc/citywarden/registry"));
    assert_eq!((config.rules_dir, config.sources.len()), (None, 1));
}

#[test]
fn the_example_says_the_same_as_an_empty_file() {
    let (example, problems) = read_text(EXAMPLE);
    assert_eq!(problems, [NOBODY]);
    let (empty, _) = read_text("region = \"330624\"");
    assert_eq!(format!("{:#?}", example.expect("whole")), format!("{:#?}", empty.expect("whole")));
}

#[test]
fn the_example_without_its_comment_signs_is_right_too() {
    let skipped = ["client_ca_file", "ca_file", "cert_file", "key_file"];
    let is_key = |line: &str| line.starts_with('[') || line.contains(" = ");
    let uncommented: Vec<String> = EXAMPLE
        .lines()
        .map(|line| match line.strip_prefix("# ") {
            Some(key) if is_key(key) && !skipped.iter().any(|name| key.starts_with(name)) => key.to_owned(),
            _ => line.to_owned(),
        })
        .collect();
    let (config, problems) = read_text(&uncommented.join("\n"));
    assert_eq!(problems, Vec::<String>::new());
    let config = config.expect("whole");
    assert_eq!((config.receivers.len(), config.http.users.len()), (3, 1));
    assert_eq!(config.route.expect("a tree").routes.len(), 1);
    let [SourceConfig::Endpoint(endpoint), SourceConfig::Broker(broker)] = config.sources.as_slice() else {
        panic!("{:?}", config.sources)
    };
    assert!(endpoint.users.is_some() && broker.login.is_some() && broker.tls.is_some());
    assert_eq!(broker.topics, ["citywarden/+/+/+", "hj/+/data"]);
    // every other key of it is its default
    let usual = BrokerConfig::new(broker.source.clone(), &config.region, &broker.host, broker.port);
    assert_eq!((&broker.client_id, &broker.dropped_topic), (&usual.client_id, &usual.dropped_topic));
    assert_eq!(broker.limits, usual.limits);
    let mapped: Vec<_> =
        config.topics.iter().map(|topic| (topic.source.as_str(), topic.device_level)).collect();
    assert_eq!(mapped, [("mqtt-endpoint", 2), ("mqtt", 2)]);
    assert_eq!(config.rules_dir.as_deref(), Some(Path::new("/etc/citywarden/rules")));
}

#[test]
fn each_mistake_of_the_top_is_named_at_its_place() {
    for (text, expected) in [
        ("", "c.toml:1:1: `region` is missing"),
        ("region = 330624", "c.toml:1:10: `region` is a whole number; expected a text"),
        (
            "region = \"33062\"",
            "c.toml:1:10: `33062` is no region; expected the 6 digits of GB/T 2260, such as 330624",
        ),
    ] {
        let (config, mut problems) = read_text(text);
        problems.retain(|problem| problem != NOBODY);
        assert_eq!(problems, [expected], "{text}");
        assert!(config.is_none());
    }
    for (lines, expected) in [
        ("regoin = \"330624\"", "2:1: unknown key `regoin`, did you mean `region`"),
        (
            "timezone = \"Shanghai\"",
            "2:12: `Shanghai` is no time zone; expected a name such as Asia/Shanghai",
        ),
        ("data_dir = \"\"", "2:12: `data_dir` is empty"),
        ("data_dir = \"/var/${DATA}\"", "2:18: the environment has no variable `DATA`"),
        ("[registry]\nmax_loss = 20", "3:12: `max_loss` is 20; expected 0.0 to 1.0"),
        ("[rules]\ndri = \"rules\"", "3:1: unknown key `dri`, did you mean `dir`"),
        ("[watch]\nquiet = \"300\"", "3:9: `300` is no duration; write 20s, 5m, 1h"),
        ("[watch]\nquiet = \"5m\"", "3:9: `quiet` is 5m; expected 50ms to 10s"),
        ("[journal]\nsegment_bytes = 1", "3:17: `segment_bytes` is 1; expected 4194304 to 1073741824"),
        ("[evaluation]\ncoverage_min = \"75%\"", "3:16: `coverage_min` is a text; expected a number"),
        (
            "[delivery]\nfirst_pause = \"1h\"\nlongest_pause = \"1m\"",
            "4:17: `longest_pause` is shorter than `first_pause`",
        ),
        (
            "[archive]\nurl = \"mysql://citywarden:hunter2@localhost/citywarden\"",
            "3:7: `url`: no archive; expected postgres://user@host/database",
        ),
        (
            "[archive]\nurl = \"postgres://citywarden@db.example/citywarden\"\npassword_file = \"secrets/mqtt\"",
            "3:7: warning: the database is spoken to unencrypted; keep it on this machine or in a tunnel",
        ),
        (
            "[archive]\nurl = \"postgres://localhost\"",
            "3:7: `url`: no host or no database in it; expected postgres://user@host/database",
        ),
        ("[archive]\npassword_file = \"secrets/mqtt\"", "3:17: `password_file` without `url`"),
    ] {
        check(lines, expected);
    }
}

#[test]
fn each_mistake_of_a_source_is_named_at_its_place() {
    for (lines, expected) in [
        ("listen = \"127.0.0.1:1883\"", "2:1: `type` is missing"),
        (
            "type = \"mqtt-endpiont\"",
            "3:8: unknown type of source `mqtt-endpiont`, did you mean `mqtt-endpoint`",
        ),
        ("type = \"kafka\"", "3:8: unknown type of source `kafka`; expected `mqtt` or `mqtt-endpoint`"),
        (
            "type = \"mqtt-endpoint\"\nlisten = \"1883\"",
            "4:10: `1883` is no address; expected IP and port such as 127.0.0.1:1883",
        ),
        (
            "type = \"mqtt-endpoint\"\nlisten = \"0.0.0.0:1883\"",
            "4:10: 0.0.0.0:1883 is beyond loopback; expected `users_file` or `client_ca_file`, or 127.0.0.1",
        ),
        (
            "type = \"mqtt-endpoint\"\nlisten = \"0.0.0.0:1883\"\nusers_file = \"secrets/devices\"",
            "4:10: warning: passwords travel unencrypted; expected `cert_file` and `key_file`",
        ),
        (
            "type = \"mqtt-endpoint\"\nusers_file = \"secrets/none\"",
            "4:14: `/etc/citywarden/secrets/none` cannot be read: not found",
        ),
        ("type = \"mqtt-endpoint\"\ncert_file = \"server.pem\"", "4:13: `cert_file` without `key_file`"),
        (
            "type = \"mqtt-endpoint\"\nclient_ca_file = \"server.pem\"",
            "4:18: `client_ca_file` without `cert_file` and `key_file`",
        ),
        (
            "type = \"mqtt-endpoint\"\ncert_file = \"server.pem\"\nkey_file = \"server.key\"",
            "4:13: cert_file holds no certificate, expected PEM with the server's certificate first",
        ),
        (
            "type = \"mqtt-endpoint\"\npacket_bytes_max = 1024",
            "4:20: packets of 1024 bytes cannot carry payloads of 262144",
        ),
        (
            "type = \"mqtt-endpoint\"\n[[source]]\ntype = \"mqtt-endpoint\"",
            "5:8: a source `mqtt-endpoint` is there already; give each its own `name`",
        ),
    ] {
        check(&format!("[[source]]\n{lines}"), expected);
    }
    let (config, problems) = read_text(
        "region = \"330624\"\n[[source]]\ntype = \"mqtt-endpoint\"\nusers_file = \"secrets/broken\"",
    );
    assert_eq!(
        problems,
        [
            "/etc/citywarden/secrets/broken:2:1: no `:`, expected name:hash:globs".to_owned(),
            NOBODY.to_owned()
        ]
    );
    assert!(config.is_none());
}

#[test]
fn each_mistake_of_a_broker_is_named_at_its_place() {
    let broker =
        |more: &str| format!("[[source]]\ntype = \"mqtt\"\nurl = \"mqtts://broker.example\"\n{more}");
    let plain = |more: &str| format!("[[source]]\ntype = \"mqtt\"\nurl = \"mqtt://127.0.0.1\"\n{more}");
    for (lines, expected) in [
        ("[[source]]\ntype = \"mqtt\"".to_owned(), "2:1: `url` is missing"),
        (
            broker("").replace("mqtts://broker", "broker"),
            "4:7: `broker.example` is no address of a broker; expected mqtts://host:8883",
        ),
        (
            broker("").replace("mqtts", "mqqt"),
            "4:7: `mqqt://broker.example` is no address of a broker; expected mqtts://host:8883, did you mean `mqtt://`",
        ),
        (
            broker("").replace("broker.example", "broker.example/topic"),
            "4:7: `mqtts://broker.example/topic` is no address of a broker; expected mqtts://host:8883",
        ),
        (
            broker("").replace("broker.example", "me:secret@broker.example"),
            "4:7: a password in an address ends up in logs; write `username` and `password_file`",
        ),
        (broker("").replace("mqtts", "mqtt"), "4:7: warning: it is spoken to unencrypted; expected mqtts"),
        (
            broker("").replace("broker.example", "[::1]"),
            "4:7: a broker with TLS has a name or an IPv4 address here",
        ),
        (broker("password_file = \"secrets/mqtt\""), "5:17: `password_file` without `username`"),
        (plain("ca_file = \"ca.pem\""), "5:11: `ca_file` with an address without TLS; expected mqtts://"),
        (broker("cert_file = \"server.pem\""), "5:13: `cert_file` without `key_file`"),
        (broker("key_file = \"server.key\""), "5:12: `key_file` without `cert_file`"),
        (broker("ca_file = \"server.pem\""), "5:11: ca_file holds no certificate, expected PEM"),
        (
            broker("topics = []"),
            "5:10: `topics` is empty; expected topic filters such as \"citywarden/+/+/+\"",
        ),
        (
            broker("topics = [\"citywarden/#/json\"]"),
            "5:11: `citywarden/#/json` is no topic filter: `#` stands only at the end of a filter",
        ),
        (
            broker("topics = [\"$share/g/+/+/+\"]"),
            "5:11: `+/+/+` takes in the topics of alerts, `citywarden-alerts/#`; name those of devices",
        ),
        (broker("receive_maximum = 0"), "5:19: `receive_maximum` is 0; expected 1 to 65535"),
        (broker("keep_alive = \"1s\""), "5:14: `keep_alive` is 1s; expected 5s to 3600s"),
        (broker("listen = \"127.0.0.1:1883\""), "5:1: unknown key `listen`"),
        (broker(&broker("")), "6:8: a source `mqtt` is there already; give each its own `name`"),
    ] {
        check(&lines, expected);
    }
}

#[test]
fn each_mistake_of_a_mapped_topic_is_named_at_its_place() {
    for kind in [
        "type = \"mqtt\"\nurl = \"mqtts://broker.example\"",
        "type = \"mqtt-endpoint\"\nlisten = \"127.0.0.1:1883\"",
    ] {
        let topic = |filter: &str, format: &str, level: &str| {
            format!(
                "[[source]]\n{kind}\n[[source.topic]]\nfilter = \"{filter}\"\nformat = \"{format}\"\n{level}"
            )
        };
        for (lines, expected) in [
            (
                topic("hj/+/data", "json", ""),
                "5:1: `device_level` is missing: which level of the topic names the device, from 1",
            ),
            (
                topic("hj/+/data", "jason", "device_level = 2"),
                "7:10: unknown format `jason`, did you mean `json`",
            ),
            (
                topic("hj/+/data", "json", "device_level = 1"),
                "8:16: level 1 of `hj/+/data` is always `hj`; expected one that is `+`",
            ),
            (
                topic("hj/+/data", "json", "device_level = 4"),
                "8:16: `hj/+/data` has 3 levels; expected one of them",
            ),
            (
                topic("hj+/data", "json", "device_level = 1"),
                "6:10: `hj+/data` is no topic filter: `+` and `#` stand for whole levels",
            ),
            (
                topic("#", "json", "device_level = 1"),
                "6:10: `#` takes in the topics of alerts, `citywarden-alerts/#`; name those of devices",
            ),
        ] {
            check(&lines, expected);
        }
        let (config, problems) =
            read_text(&format!("region = \"330624\"\n{}", topic("hj/#", "json", "device_level = 3")));
        assert_eq!(problems, [NOBODY]);
        assert_eq!(config.expect("whole").topics[0].device_of("hj/a/mn-1"), Some("mn-1"));
    }
}

#[test]
fn a_receiver_over_a_broker_has_a_place_of_its_own_there() {
    let text = "region = \"330624\"\n[[receiver]]\nname = \"duty\"\ntype = \"mqtt\"\nurl = \"mqtt://127.0.0.1\"\n\
                username = \"warden\"\npassword_file = \"secrets/mqtt\"";
    let (config, problems) = read_text(text);
    assert_eq!(problems, [NOBODY]);
    let receivers = config.expect("whole").receivers;
    let Way::Mqtt(mqtt) = &receivers[0].way else { panic!("{receivers:?}") };
    assert_eq!(
        (mqtt.host.as_str(), mqtt.port, mqtt.client_id.as_str()),
        ("127.0.0.1", 1883, "citywarden-330624-duty")
    );
    assert_eq!(mqtt.login, Some(("warden".to_owned(), "s3cret".to_owned())));
    assert!(!format!("{mqtt:?}").contains("s3cret"));
    check(
        "[[receiver]]\nname = \"duty\"\ntype = \"mqtt\"\nurl = \"https://a.example\"",
        "5:7: `https://a.example` is no address of a broker; expected mqtts://host:8883",
    );
}

#[test]
fn each_mistake_of_the_page_is_named_at_its_place() {
    let user =
        "[[user]]\nname = \"a\"\nrole = \"admin\"\ntoken_hash = \"$argon2id$v=19$m=1,t=1,p=1$c2FsdA$aGFzaA\"";
    for (lines, expected) in [
        (
            "[http]\nlisten = \"0.0.0.0:80\"".to_owned(),
            "3:10: 0.0.0.0:80 is beyond loopback; expected [[user]] tables, or 127.0.0.1",
        ),
        (user.replace("admin", "boss"), "4:8: `boss` is no role; expected view, officer or admin"),
        (
            user.replace("$argon2id", "secret"),
            "5:14: `token_hash` is no argon2 hash; expected $argon2id$v=19$m=…,t=…,p=…$salt$hash",
        ),
        (format!("{user}\n{user}"), "7:8: a user `a` is there already"),
    ] {
        check(&lines, expected);
    }
}

#[test]
fn each_mistake_of_a_receiver_is_named_at_its_place() {
    let webhook =
        "name = \"r\"\ntype = \"webhook\"\nsecret_file = \"secrets/good\"\nurl = \"https://a.example\"";
    for (lines, expected) in [
        (webhook.replace("name = \"r\"\n", ""), "2:1: `name` is missing"),
        (webhook.replace("url = \"https://a.example\"", ""), "2:1: `url` is missing"),
        (
            webhook.replace("\"webhook\"", "\"email\""),
            "4:8: not in this version: receivers of type `email`; expected `webhook` or `mqtt`",
        ),
        (
            webhook.replace("\"webhook\"", "\"webhok\""),
            "4:8: unknown type of receiver `webhok`, did you mean `webhook`",
        ),
        (webhook.replace("https://a.", "a."), "6:7: `a.example` is no address; expected https://host/path"),
        (webhook.replace("https", "http"), "6:7: warning: alerts go there unencrypted; expected https"),
        (webhook.replace("https://a.", "https://${A}."), "6:16: the environment has no variable `A`"),
        (
            webhook.replace("secret_file = \"secrets/good\"\n", ""),
            "2:1: warning: no `secret_file`: notifications are unsigned, anybody could forge them",
        ),
        (
            webhook.replace("secrets/good", "secrets/bad"),
            "5:15: `/etc/citywarden/secrets/bad`: a webhook's secret is `whsec_` and base64",
        ),
        (
            webhook.replace("secrets/good", "secrets/open"),
            "5:15: warning: `/etc/citywarden/secrets/open` has mode 644, others can read it; expected 600",
        ),
        (format!("{webhook}\ntimeout = \"1h\""), "7:11: `timeout` is 1h; expected 100ms to 300s"),
        (format!("{webhook}\nretries = 3"), "7:1: unknown key `retries`"),
        (format!("{webhook}\n[[receiver]]\n{webhook}"), "8:8: a receiver `r` is there already"),
    ] {
        check(&format!("[[receiver]]\n{lines}"), expected);
    }
}

#[test]
fn each_mistake_of_a_route_is_named_at_its_place() {
    let receiver = "[[receiver]]\nname = \"duty\"\ntype = \"webhook\"\nurl = \"https://${PLATFORM}\"\nsecret_file = \"secrets/good\"";
    for (lines, expected) in [
        ("group_wait = \"1s\"", "7:1: `receiver` is missing"),
        ("receiver = \"dutty\"", "8:12: no [[receiver]] is called `dutty`, did you mean `duty`"),
        (
            "receiver = \"duty\"\ngroup_by = [\"asset\", \"rule\"]",
            "9:12: `group_by` takes one of [\"asset\"], [\"grid\"], [\"alert\"]",
        ),
        (
            "receiver = \"duty\"\nmatch = { kind = \"device\" }",
            "9:9: the root of the routes takes every alert; write `match` in [[route.routes]]",
        ),
        (
            "receiver = \"duty\"\n[[route.routes]]\nreceiver = \"duty\"",
            "9:1: `match` is missing: this route would take every alert",
        ),
        (
            "receiver = \"duty\"\n[[route.routes]]\nmatch = { severity = \"high\" }",
            "10:22: `high` is no severity, expected `notice`, `minor`, `serious` or `urgent`",
        ),
        (
            "receiver = \"duty\"\n[[route.routes]]\nmatch = { colour = \"red\" }",
            "10:20: `colour` cannot be matched on, expected `severity`, `kind`, `responsible`, `rule`, `asset`, `asset_kind` or `grid`",
        ),
        (
            "receiver = \"duty\"\n[[route.routes]]\nmatch = { kind = \"device\" }\n[[route.routes.routes]]\nmatch = { rule = \"r\" }\nreceiver = \"x\"",
            "13:12: no [[receiver]] is called `x`",
        ),
        (
            "receiver = \"duty\"\n[[route.escalation]]\nafter = \"15m\"\nunless = \"arrived\"\nreceiver = \"duty\"",
            "9:1: warning: not in this version: nobody is told when this step is due",
        ),
    ] {
        check(&format!("{receiver}\n[route]\n{lines}"), expected);
    }
}

#[test]
fn every_mistake_is_found_in_one_run() {
    let (_, problems) =
        read_text("regoin = 1\n[http]\nlisten = 8080\n[[receiver]]\n[route]\nreceiver = \"x\"\n[what]\n");
    assert_eq!(problems.len(), 7, "{problems:#?}");
}

#[test]
fn a_file_cut_anywhere_is_reported_and_never_a_panic() {
    let uncommented = EXAMPLE.replace("\n# ", "\n");
    for text in [EXAMPLE, &uncommented] {
        let ends = text.char_indices().map(|(at, _)| at).step_by(5);
        for end in ends {
            let (config, problems) = read_text(&text[..end]);
            assert!(config.is_some() || !problems.is_empty(), "refused without a word at byte {end}");
        }
    }
}
