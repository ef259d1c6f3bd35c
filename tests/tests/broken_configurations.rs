//! Every kind of wrong configuration is reported by `citywarden check` at its place.

use citywarden_tests::broken::{Mistake, marked};
use citywarden_tests::county::County;
use citywarden_tests::service::citywarden_in;

/// A configuration with one mistake, `§` where it is, and the beginning of the message.
type Case = (&'static str, &'static str);

const TOP: &[Case] = &[
    ("data_dir = \"data\"\n", "`region` is missing"),
    ("region = §330624\n", "`region` is a whole number; expected a text"),
    ("region = §\"Xinchang\"\n", "`Xinchang` is no region; expected the 6 digits of GB/T 2260"),
    ("region = \"330624\"\n§regoin = \"330624\"\n", "unknown key `regoin`, did you mean `region`"),
    (
        "region = \"330624\"\ntimezone = §\"Asia/Shanghia\"\n",
        "`Asia/Shanghia` is no time zone; expected a name such as Asia/Shanghai",
    ),
    (
        "region = \"330624\"\ndata_dir = \"§${CITYWARDEN_NOT_SET}/data\"\n",
        "the environment has no variable `CITYWARDEN_NOT_SET`",
    ),
    ("region = \"330624\"\n[http]\nlisten = §\"8080\"\n", "`8080` is no address; expected IP and port"),
    (
        "region = \"330624\"\n[http]\nlisten = §\"0.0.0.0:8080\"\n",
        "0.0.0.0:8080 is beyond loopback; expected [[user]] tables",
    ),
    (
        "region = \"330624\"\n[[user]]\nname = \"a\"\nrole = §\"boss\"\ntoken_hash = \"$argon2id$v=19$m=8,t=1,p=1$YWFhYWFhYWE$YWFhYQ\"\n",
        "`boss` is no role; expected view, officer or admin",
    ),
    (
        "region = \"330624\"\n[[user]]\nname = \"a\"\nrole = \"view\"\ntoken_hash = §\"secret\"\n",
        "`token_hash` is no argon2 hash",
    ),
    ("region = \"330624\"\n[journal]\nretention = §\"30 days\"\n", "`30 days` is no duration"),
    ("region = \"330624\"\n[journal]\nsegment_bytes = §1\n", "`segment_bytes` is 1; expected"),
    (
        "region = \"330624\"\n[evaluation]\ncoverage_min = §75.0\n",
        "`coverage_min` is 75; expected 0.0 to 1.0",
    ),
];

const SOURCES: &[Case] = &[
    ("§[[source]]\nlisten = \"127.0.0.1:0\"\n", "`type` is missing"),
    (
        "[[source]]\ntype = §\"mqtt-endpiont\"\n",
        "unknown type of source `mqtt-endpiont`, did you mean `mqtt-endpoint`",
    ),
    ("[[source]]\ntype = \"mqtt-endpoint\"\nlisten = §\"localhost\"\n", "`localhost` is no address"),
    (
        "[[source]]\ntype = \"mqtt-endpoint\"\nlisten = §\"0.0.0.0:1883\"\n",
        "0.0.0.0:1883 is beyond loopback; expected `users_file` or `client_ca_file`",
    ),
    (
        "[[source]]\ntype = \"mqtt-endpoint\"\nusers_file = §\"secrets/nobody\"\n",
        "`secrets/nobody` cannot be read",
    ),
    ("[[source]]\ntype = \"mqtt-endpoint\"\ncert_file = §\"server.pem\"\n", "`cert_file` without `key_file`"),
    ("[[source]]\ntype = \"mqtt-endpoint\"\npacket_bytes_max = §12\n", "`packet_bytes_max` is 12; expected"),
    (
        "[[source]]\ntype = \"mqtt-endpoint\"\n§lisen = \"127.0.0.1:0\"\n",
        "unknown key `lisen`, did you mean `listen`",
    ),
    (
        "[[source]]\ntype = \"mqtt-endpoint\"\nlisten = \"127.0.0.1:0\"\n[[source]]\ntype = §\"mqtt-endpoint\"\nlisten = \"127.0.0.1:0\"\n",
        "a source `mqtt-endpoint` is there already",
    ),
];

const RECEIVERS: &[Case] = &[
    ("§[[receiver]]\ntype = \"webhook\"\nurl = \"https://a.example/\"\n", "`name` is missing"),
    ("§[[receiver]]\nname = \"a\"\ntype = \"webhook\"\n", "`url` is missing"),
    (
        "[[receiver]]\nname = \"a\"\ntype = \"webhook\"\nurl = §\"a.example\"\n",
        "`a.example` is no address; expected https://host/path",
    ),
    (
        "[[receiver]]\nname = \"a\"\ntype = §\"webhok\"\nurl = \"https://a.example/\"\n",
        "unknown type of receiver `webhok`, did you mean `webhook`",
    ),
    ("[[receiver]]\nname = \"a\"\ntype = §\"email\"\n", "not in this version: receivers of type `email`"),
    (
        "[[receiver]]\nname = \"a\"\ntype = \"webhook\"\nurl = \"https://a.example/\"\nsecret_file = §\"secrets/none\"\n",
        "`secrets/none` cannot be read",
    ),
    (
        "[[receiver]]\nname = \"a\"\ntype = \"webhook\"\nurl = \"https://a.example/\"\nsecret_file = §\"secrets/bad\"\n",
        "`secrets/bad`: ",
    ),
    (
        "[[receiver]]\nname = \"a\"\ntype = \"webhook\"\nurl = \"https://a.example/\"\n[[receiver]]\nname = §\"a\"\ntype = \"webhook\"\nurl = \"https://b.example/\"\n",
        "a receiver `a` is there already",
    ),
    (
        "[[receiver]]\nname = \"duty\"\ntype = \"webhook\"\nurl = \"https://a.example/\"\n[route]\nreceiver = §\"dury\"\n",
        "no [[receiver]] is called `dury`, did you mean `duty`",
    ),
    (
        "[[receiver]]\nname = \"duty\"\ntype = \"webhook\"\nurl = \"https://a.example/\"\n[route]\nreceiver = \"duty\"\ngroup_by = §[\"day\"]\n",
        "`group_by` takes one of",
    ),
    (
        "[[receiver]]\nname = \"duty\"\ntype = \"webhook\"\nurl = \"https://a.example/\"\n[route]\nreceiver = \"duty\"\n§[[route.routes]]\nreceiver = \"duty\"\n",
        "`match` is missing: this route would take every alert",
    ),
    (
        "[[receiver]]\nname = \"duty\"\ntype = \"webhook\"\nurl = \"https://a.example/\"\n[route]\nreceiver = \"duty\"\n[[route.routes]]\nmatch = { severity = §\"bad\" }\nreceiver = \"duty\"\n",
        "`bad` is no severity",
    ),
];

/// What `check` misses of a mistake.
fn missed(county: &County, before: &str, (text, message): &Case) -> Option<String> {
    let (text, line, column) = marked(text);
    county.put("citywarden.toml", &format!("{before}{text}"));
    let output = citywarden_in(county.dir(), &["check", "--config", "citywarden.toml"]);
    let line = line + before.matches('\n').count();
    Mistake { file: "citywarden.toml", line, column, message }.missed(&output)
}

fn small_county() -> County {
    let mut county = County::new();
    county.asset("site", "construction_site", &[]);
    county.device("site", "monitor", Some(10), &[]);
    county.write();
    county.put("secrets/bad", "not a whsec_ secret");
    county
}

#[test]
fn every_mistake_in_a_configuration_is_reported_at_its_place() {
    let county = small_county();
    let top = TOP.iter().filter_map(|case| missed(&county, "", case));
    let with_region = |case| missed(&county, "region = \"330624\"\n", case);
    let missed: Vec<_> = top.chain(SOURCES.iter().chain(RECEIVERS).filter_map(with_region)).collect();
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

#[test]
fn a_text_that_is_no_toml_is_refused_where_it_breaks() {
    let county = small_county();
    county.put("citywarden.toml", "region = \"330624\"\ntimezone = \"Asia/Shanghai\n");
    let output = citywarden_in(county.dir(), &["check", "--config", "citywarden.toml"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.lines().any(|line| line.starts_with("citywarden.toml:2:")), "{said}");
}

#[test]
fn every_problem_is_reported_and_not_only_the_first() {
    let county = small_county();
    county.put(
        "citywarden.toml",
        "regoin = 1\ntimezone = \"Mars\"\n[http]\nlisten = \"here\"\n[[source]]\ntype = \"radio\"\n",
    );
    let output = citywarden_in(county.dir(), &["check", "--config", "citywarden.toml"]);
    let said = String::from_utf8_lossy(&output.stderr);
    for place in ["1:1: `region` is missing", "1:1: unknown key", "2:12: ", "4:10: ", "6:8: "] {
        assert!(said.contains(&format!("citywarden.toml:{place}")), "{place}\n{said}");
    }
}

#[test]
fn a_users_file_is_reported_at_the_place_in_it() {
    let county = small_county();
    county.put(
        "citywarden.toml",
        "region = \"330624\"\n[[source]]\ntype = \"mqtt-endpoint\"\nusers_file = \"secrets/devices\"\n",
    );
    for (text, message) in [
        ("# nobody\n§no-parts\n", "no `:`, expected name:hash:globs"),
        ("a:§secret:*\n", ""),
        ("a:-:*\n§a:-:*\n", "user `a` is there already"),
    ] {
        let (text, line, column) = marked(text);
        county.put("secrets/devices", &text);
        let output = citywarden_in(county.dir(), &["check", "--config", "citywarden.toml"]);
        let missed = Mistake { file: "secrets/devices", line, column, message }.missed(&output);
        assert_eq!(missed, None, "{text}");
    }
}

#[test]
fn a_configuration_that_is_not_there_is_wrong_usage_or_a_failure_with_its_name() {
    let county = small_county();
    let output = citywarden_in(county.dir(), &["check", "--config", "no-such.toml"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("no-such.toml"), "{said}");
}
