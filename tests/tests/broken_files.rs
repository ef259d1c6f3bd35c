//! Every kind of wrong registry line and rule file is reported at its place.

use std::fs;

use citywarden_tests::broken::{Mistake, marked};
use citywarden_tests::county::County;
use citywarden_tests::service::citywarden_in;

/// A file of the registry with one mistake, `§` where it is, and the beginning of the message.
const REGISTRY: &[(&str, &str, &str)] = &[
    ("assets.csv", "id,name\nsite,a\n", "column `kind` is missing"),
    (
        "assets.csv",
        "id,kind\nsite,§construction_sit\n",
        "unknown kind of asset `construction_sit`, did you mean `construction_site`",
    ),
    ("assets.csv", "id,kind\nsite,construction_site\n§site,venue\n", "`site` is there twice"),
    (
        "assets.csv",
        "id,kind,lat,lon\nsite,construction_site,§120.9,29.5\n",
        "latitude 120.9 is outside -90 to 90; are lat and lon swapped?",
    ),
    ("assets.csv", "id,kind\nsite,construction_site,§more\n", "3 cells; the header has 2 columns"),
    ("assets.csv", "id,kind\n市长,§\"venue\n", "the quote is never closed"),
    (
        "devices.csv",
        "id,kind,asset,interval_s\ndust-1,monitor,site,§soon\n",
        "`soon` is no interval; expected seconds above 0",
    ),
    (
        "devices.csv",
        "id,kind,asset,interval_s,crs\ndust-1,monitor,site,,§bd09\n",
        "`bd09` is no datum; expected wgs84 or gcj02",
    ),
    (
        "permits.csv",
        "id,kind,asset,from,to\np,§night_wrk,site,2026-11-24 22:00,2026-11-25 06:00\n",
        "unknown kind of permit `night_wrk`, did you mean `night_work`",
    ),
    (
        "permits.csv",
        "id,kind,asset,from,to\np,night_work,site,§tonight,2026-11-25 06:00\n",
        "`tonight` is no time; expected 2026-11-24 22:00",
    ),
    ("units.csv", "id,name\nu,建设局\nu,交通运输局\n", ""),
    ("zones.geojson", "{\"type\": \"FeatureCollection\", \"features\": [§}\n", ""),
];

fn small_county() -> County {
    let mut county = County::new();
    county.asset("site", "construction_site", &[]);
    county.device("site", "monitor", Some(10), &[]);
    county.write();
    county
}

#[test]
fn every_mistake_in_the_registry_is_reported_at_its_cell() {
    let county = small_county();
    let mut missed = Vec::new();
    for (name, text, message) in REGISTRY {
        let (text, line, column) = marked(text);
        let file = format!("registry/{name}");
        let good = fs::read_to_string(county.file(&file)).ok();
        county.put(&file, &text);
        let output = citywarden_in(county.dir(), &["check", "--config", "citywarden.toml"]);
        missed.extend(Mistake { file: &file, line, column, message }.missed(&output));
        match good {
            Some(good) => county.put(&file, &good),
            None => fs::remove_file(county.file(&file)).expect("it was just written"),
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

#[test]
fn what_names_nobody_is_kept_with_a_warning() {
    let county = small_county();
    county.put("registry/devices.csv", "id,kind,asset,interval_s\ndust-1,monitor,nowhere,60\n");
    let output = citywarden_in(county.dir(), &["check", "--config", "citywarden.toml"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
    let warning = "registry/devices.csv:2:16: warning: asset `nowhere` is in no line of assets.csv";
    assert!(said.lines().any(|line| line == warning), "{said}");
}

#[test]
fn a_registry_file_that_must_be_there_is_missed() {
    let county = small_county();
    fs::remove_file(county.file("registry/devices.csv")).expect("it was written");
    let output = citywarden_in(county.dir(), &["check", "--config", "citywarden.toml"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("devices.csv"), "{said}");
}

/// A change to a good rule, `§` where the mistake is, and the beginning of the message.
const RULES: &[(&str, &str, &str)] = &[
    ("[limit]", "[§limt]", "unknown key `limt`, did you mean `limit`"),
    ("violation = ", "§violtion = ", "unknown key `violtion`, did you mean `violation`"),
    ("'chime_db > limit_db'", "'§chime_bd > limit_db'", "unknown name `chime_bd`, did you mean `chime_db`"),
    (
        "laeq(sound_level, \"20s\").only",
        "laeq(§sound_levl, \"20s\").only",
        "unknown quantity `sound_levl`, did you mean `sound_level`",
    ),
    (
        "'laeq(sound_level, \"20s\").only",
        "'§leaq(sound_level, \"20s\").only",
        "unknown statistic `leaq`, did you mean `laeq`",
    ),
    (
        "'laeq(sound_level, \"20s\").only",
        "'laeq(sound_level, \"§two m\").only",
        "`two m` is no duration; write 20s, 5m, 1h",
    ),
    ("value = 50.0,", "value = §50,", "write 50.0: limits carry a decimal point"),
    ("'chime_db > limit_db'", "'§timestamp() > limit_db'", "unknown function `timestamp`"),
    ("'chime_db > limit_db'", "'§chime_db'", "expected true or false, found a number"),
    ("'chime_db > limit_db'", "'chime_db > §\"50\"'", "an expression has no place for a text"),
    ("severity = \"minor\"", "severity = §\"midling\"", ""),
    ("status = \"active\"", "status = §\"on\"", ""),
    ("{limit_db}", "{§limit_bd}", "message names unknown value `limit_bd`, did you mean `limit_db`"),
];

#[test]
fn every_mistake_in_a_rule_is_reported_at_its_place() {
    const RULE: &str = "sprinkler-chime-loudness";
    let county = County::new();
    let good = county.pack.text(RULE);
    let file = county.pack.file(RULE).strip_prefix(county.dir()).expect("inside").display().to_string();
    let mut missed = Vec::new();
    for (from, to, message) in RULES {
        assert!(good.contains(from), "the rule does not say {from}:\n{good}");
        let (text, line, column) = marked(&good.replacen(from, to, 1));
        fs::write(county.file(&file), &text).expect("it can be written");
        let output = citywarden_in(county.dir(), &["rules", "check", &file]);
        missed.extend(Mistake { file: &file, line, column, message }.missed(&output));
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

#[test]
fn two_mistakes_in_one_rule_are_reported_in_one_run() {
    let county = County::new();
    let good = county.pack.text("fume-concentration");
    let bad = good.replacen("violation = ", "violtion = ", 1).replacen("mean(fume", "mena(fume", 1);
    county.pack.save("fume-concentration", &bad);
    let output = citywarden_in(county.dir(), &["rules", "check", "rules"]);
    let said = String::from_utf8_lossy(&output.stderr);
    for words in
        ["unknown key `violtion`, did you mean `violation`", "unknown statistic `mena`, did you mean `mean`"]
    {
        assert!(said.contains(words), "{words}\n{said}");
    }
}

#[test]
fn an_example_that_does_not_come_true_fails_the_test_at_its_line() {
    let county = County::new();
    let good = county.pack.text("fume-concentration");
    let line = good.lines().position(|line| line.contains("=> alert")).expect("an example with an alert") + 1;
    county.pack.save("fume-concentration", &good.replacen("=> alert", "=> compliant", 1));
    let file = county
        .pack
        .file("fume-concentration")
        .strip_prefix(county.dir())
        .expect("inside")
        .display()
        .to_string();
    let output = citywarden_in(county.dir(), &["rules", "test", &file]);
    let said = String::from_utf8_lossy(&output.stderr) + String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains(&format!("{file}:{line}:")), "line {line}\n{said}");
}
