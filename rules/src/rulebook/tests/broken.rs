//! Broken rules: what is spoilt in [`super::GOOD`], and every problem that is then reported.

/// What stands in the good rule, what stands there instead, and what is said of it.
pub(super) type Case = (&'static str, &'static str, &'static [&'static str]);

pub(super) const IN_THE_HEAD: &[Case] = &[
    (
        "rule = \"chime\"",
        "rule = \"Chime 1\"",
        &["r.toml:1:8: `Chime 1` is no rule's id; write small letters, digits and `-`"],
    ),
    ("rule = \"chime\"\n", "", &["r.toml:1:1: `rule` is missing; write rule = \"site-dust\""]),
    (
        "severity = \"minor\"\n",
        "",
        &[
            "r.toml:1:1: `severity` is missing; write severity = \"notice\" or \"minor\" or \"serious\" or \"urgent\"",
        ],
    ),
    ("\"minor\"", "\"miner\"", &["r.toml:3:12: unknown severity `miner`, did you mean `minor`"]),
    ("\"active\"", "\"on\"", &["r.toml:2:10: unknown status `on`; write \"active\" or \"trial\""]),
    (
        "\"2024-10-22\"",
        "\"22.10.2024\"",
        &["r.toml:4:12: `in_force` is no date; write in_force = \"2024-10-22\""],
    ),
    (
        "\"2024-10-22\"",
        "\"2024-02-30\"",
        &["r.toml:4:12: `in_force` is no date; write in_force = \"2024-10-22\""],
    ),
    ("\"2024-10-22\"", "2024-10-22", &[]),
    (
        "\"2024-10-22\"",
        "\"2024-10-22\"\nuntil = \"2024-10-22\"",
        &["r.toml:5:9: `until` is not after `in_force`"],
    ),
    (
        "item = 1,",
        "item = 26,",
        &["r.toml:6:19: there is no clause 26; part four of the document has 1 to 25"],
    ),
    ("item = 1,", "item = \"1\",", &["r.toml:6:19: `item` is a text; expected a whole number"]),
    (
        "item = 1, ",
        "",
        &["r.toml:6:10: `item` is missing; write item = 18, the number in part four of the document"],
    ),
    ("zh = \"提示音超标\", ", "", &["r.toml:5:9: `zh` is missing; write zh = \"…\""]),
    (
        "[\"sprinkler_truck\"]",
        "[\"sprinkler_truk\"]",
        &["r.toml:7:12: unknown kind of asset `sprinkler_truk`, did you mean `sprinkler_truck`"],
    ),
    (
        "[\"sprinkler_truck\"]",
        "[]",
        &["r.toml:7:11: `watches` is empty; write watches = [\"construction_site\"]"],
    ),
    (
        "限值 {limit_db}",
        "限值 {limit_bd}",
        &["r.toml:9:37: message names unknown value `limit_bd`, did you mean `limit_db`"],
    ),
    (
        "限值 {limit_db}",
        "限值 {limit_db",
        &["r.toml:9:36: `{` is not closed; write {name}, or `{{` for a brace"],
    ),
    (
        "\"position\"]",
        "\"posiiton\"]",
        &["r.toml:10:28: unknown quantity `posiiton`, did you mean `position`"],
    ),
    ("\"position\"]", "\"zzz\"]", &["r.toml:10:28: warning: unknown quantity `zzz`: taken as it is"]),
    (
        "responsible =",
        "responsibel =",
        &[
            "r.toml:1:1: `responsible` is missing; write responsible = [\"建设局\"]",
            "r.toml:8:1: unknown key `responsibel`, did you mean `responsible`",
        ],
    ),
    (
        "rule = \"chime\"\n",
        "rule = \"chime\"\nreopen_window = \"2 min\"\n",
        &["r.toml:2:17: `2 min` is no duration; write 20s, 5m, 1h"],
    ),
];

pub(super) const IN_LIMITS: &[Case] = &[
    ("value = 50.0", "value = 50", &["r.toml:12:22: write 50.0: limits carry a decimal point"]),
    ("value = 50.0", "value = \"50.0\"", &["r.toml:12:22: \"50.0\" is a text; write 50.0 without quotes"]),
    ("value = 50.0", "value = nan", &["r.toml:12:22: `nan` is no finite number"]),
    (
        "value = 50.0",
        "valeu = 50.0",
        &[
            "r.toml:12:12: `value` is missing; write a number with a point, true or false, a duration or a time of day",
            "r.toml:12:14: unknown key `valeu`, did you mean `value`",
        ],
    ),
    (
        "{ value = 50.0, unit = \"dB(A)\", source = \"四（一）1\" }",
        "50.0",
        &["r.toml:12:12: write limit_db = { value = …, unit = \"…\", source = \"…\" }"],
    ),
    (
        ", source = \"四（一）1\"",
        "",
        &[
            "r.toml:12:12: `source` is missing; write source = the standard and clause, or \"engineering choice\"",
        ],
    ),
    ("value = \"20s\"", "value = \"two m\"", &["r.toml:13:18: `two m` is no duration; write 20s, 5m, 1h"]),
    ("value = \"20s\"", "value = \"20 s\"", &["r.toml:13:18: `20 s` is no duration; write 20s, 5m, 1h"]),
    ("value = \"20s\"", "value = \"0s\"", &["r.toml:13:18: `0s` is no time at all"]),
    ("value = \"20s\"", "value = \"40d\"", &["r.toml:13:18: `40d` is too long; at most 31d"]),
    ("value = \"22:00\"", "value = \"22：00\"", &["r.toml:14:24: `22：00` is no time of day; write 22:00"]),
    ("value = \"22:00\"", "value = 22:00:00", &["r.toml:14:24: write a time of day in quotes: \"22:00\""]),
    (
        "hold = {",
        "loud_db = {",
        &[
            "r.toml:17:1: `loud_db` is declared twice; limits, inputs and lets share one row of names",
            "r.toml:24:22: unknown limit `hold`",
        ],
    ),
    (
        "hold = {",
        "\"if\" = {",
        &[
            "r.toml:13:1: `if` cannot be a name; write small letters, digits and `_`, and no word of the language",
            "r.toml:24:22: unknown limit `hold`",
        ],
    ),
    (
        "[limit]",
        "[limt]",
        &[
            "r.toml:9:37: message names unknown value `limit_db`",
            "r.toml:11:2: unknown key `limt`, did you mean `limit`",
            "r.toml:18:21: unknown limit `night_from`",
            "r.toml:18:33: unknown limit `night_to`",
            "r.toml:21:22: unknown name `limit_db`",
            "r.toml:24:22: unknown limit `hold`",
            "r.toml:26:14: unknown name `limit_db`",
        ],
    ),
    (
        "hold = {",
        "spare = { value = 1.0, unit = \"s\", source = \"x\" }\nhold = {",
        &["r.toml:13:1: warning: nothing reads `spare`"],
    ),
];

pub(super) const IN_INPUTS: &[Case] = &[
    (
        "'sum(washed.seconds, \"5m\").or(0.0)'",
        "'largest_gap(nozzle_chainage_m, perimetr_m, closed_loop)'",
        &["r.toml:19:42: unknown attribute `perimetr_m`, did you mean `perimeter_m`"],
    ),
    ("laeq(sound", "leaq(sound", &["r.toml:17:12: unknown statistic `leaq`, did you mean `laeq`"]),
    (
        "laeq(sound_level",
        "laeq(sound_levl",
        &["r.toml:17:17: unknown quantity `sound_levl`, did you mean `sound_level`"],
    ),
    ("laeq(sound_level", "laeq(zzzzz", &["r.toml:17:17: warning: unknown quantity `zzzzz`: taken as it is"]),
    ("laeq(sound_level", "laeq(chime", &["r.toml:17:17: `chime` is true or false; expected a number"]),
    ("level, \"20s\")", "level, \"two m\")", &["r.toml:17:31: `two m` is no duration; write 20s, 5m, 1h"]),
    ("level, \"20s\")", "level, \"2 min\")", &["r.toml:17:31: `2 min` is no duration; write 20s, 5m, 1h"]),
    ("level, \"20s\")", "level, hodl)", &["r.toml:17:30: unknown limit `hodl`, did you mean `hold`"]),
    (
        "level, \"20s\")",
        "level, limit_db)",
        &["r.toml:17:30: `limit_db` is no duration; its limit would be written \"20s\", \"5m\", \"1h\""],
    ),
    (
        "level, \"20s\")",
        "level, 20)",
        &["r.toml:17:30: a window is written \"20s\", \"5m\", \"1h\", or is a limit's name"],
    ),
    ("level, \"20s\")", "level)", &["r.toml:17:12: write laeq(quantity, \"20s\")"]),
    ("level, \"20s\")", "level， \"20s\")", &["r.toml:17:28: full-width `，`; write `,`"]),
    ("level, \"20s\")", "level, “20s”)", &["r.toml:17:30: full-width `“`; write `\"`"]),
    (
        ".only_while(chime)",
        ".only_while(sound_level)",
        &["r.toml:17:48: `sound_level` is a number; expected one that is true or false"],
    ),
    (
        ".only_while(chime)",
        ".only_wile(chime)",
        &["r.toml:17:37: unknown gate `only_wile`, did you mean `only_while`"],
    ),
    (".only_while(chime)", ".only_where(nozzles)", &["r.toml:17:37: `only_where` does not go with `laeq`"]),
    (
        ".only_while(chime)",
        ".only_while(chime",
        &["r.toml:17:53: the input ends too early; expected `,` or `)`"],
    ),
    (
        ".only_while(chime)",
        ".or(0).only_while(chime)",
        &["r.toml:17:40: write 0.0: numbers carry a decimal point", "r.toml:17:43: `or` stands last"],
    ),
    (".only_while(chime)", ".or(true)", &["r.toml:17:40: expected a number, found true or false"]),
    (".only_while(chime)", ".restart_on(nite)", &["r.toml:17:48: unknown input `nite`"]),
    (
        ".only_while(chime)",
        ".restart_on(washed)",
        &[
            "r.toml:17:1: `restart_on(washed)` wants an input that is true or false and does not restart itself",
        ],
    ),
    (
        "local_time(night_from,",
        "local_time(limit_db,",
        &["r.toml:18:21: `limit_db` is no time of day; its limit would be written \"22:00\""],
    ),
    (
        "'sum(washed.seconds, \"5m\").or(0.0)'",
        "'left(site_exitt)'",
        &["r.toml:19:16: unknown kind of zone `site_exitt`, did you mean `site_exit`"],
    ),
    (
        "'sum(washed.seconds, \"5m\").or(0.0)'",
        "'permit(night_wrok)'",
        &["r.toml:19:18: unknown kind of permit `night_wrok`, did you mean `night_work`"],
    ),
    (
        "'sum(washed.seconds, \"5m\").or(0.0)'",
        "'device_silence(wash_bay)'",
        &["r.toml:19:26: expected a kind of device, in quotes"],
    ),
    (
        "'sum(washed.seconds, \"5m\").or(0.0)'",
        "12.0",
        &["r.toml:19:10: write washed = 'last(speed)', in quotes"],
    ),
    (
        "'sum(washed.seconds, \"5m\").or(0.0)'",
        "'last(nozzles)'",
        &["r.toml:19:16: `nozzles` is an array; expected a number, or true or false"],
    ),
];

pub(super) const IN_EXPRESSIONS: &[Case] = &[
    (
        "'loud_db - limit_db'",
        "'loud_bd - limit_bd'",
        &[
            "r.toml:21:12: unknown name `loud_bd`, did you mean `loud_db`",
            "r.toml:21:22: unknown name `limit_bd`, did you mean `limit_db`",
        ],
    ),
    ("'loud_db - limit_db'", "'loud_db -'", &["r.toml:21:21: the expression ends too early"]),
    ("over_db > 0.0", "over_db = 0.0", &["r.toml:23:22: `=` gives a value; to compare, write `==`"]),
    ("over_db > 0.0", "over_db > 0", &["r.toml:23:24: write 0.0: numbers carry a decimal point"]),
    ("'over_db > 0.0 && night'", "'over_db'", &["r.toml:23:14: expected true or false, found a number"]),
    (
        "'over_db > 0.0 && night'",
        "'over_db > night_from'",
        &["r.toml:23:24: `night_from` is a time of day; only `local_time` reads it"],
    ),
    ("'over_db > 0.0 && night'", "'over_db ＞ 0.0'", &["r.toml:23:22: full-width `＞`; write `>`"]),
    ("'over_db > 0.0 && night'", "'timestamp() > 0.0'", &["r.toml:23:14: unknown function `timestamp`"]),
    (
        "    && washed < 1.0",
        "    && wahsed < 1.0",
        &["r.toml:27:8: unknown name `wahsed`, did you mean `washed`"],
    ),
    (
        "\"太吵，无法判定\" = 'loud_db",
        "\"太吵，无法判定\" = 'loud_bd",
        &["r.toml:29:24: unknown name `loud_bd`, did you mean `loud_db`"],
    ),
    (
        "violation = '",
        "violtion = '",
        &[
            "r.toml:22:1: `violation` is missing; write violation = 'db > limit_db'",
            "r.toml:23:1: unknown key `violtion`, did you mean `violation`",
            "r.toml:24:1: `violation_lasting` without `violation`",
        ],
    ),
    ("\"hold\"", "\"hodl\"", &["r.toml:24:22: unknown limit `hodl`, did you mean `hold`"]),
    ("\"hold\"", "\"2 min\"", &["r.toml:24:22: `2 min` is no duration; write 20s, 5m, 1h"]),
    ("\"hold\"", "20", &["r.toml:24:21: write violation_lasting = \"20s\", or a limit's name in quotes"]),
    (
        "clear_after = \"10m\"\n",
        "",
        &[
            "r.toml:22:1: `clear_after` is missing; write clear_after = \"10m\": this rule can rest, and an alert must end then",
        ],
    ),
    (
        "undecided.\"太吵，无法判定\" = ",
        "undecided = ",
        &["r.toml:29:13: `undecided` wants a reason; write undecided.\"reason\" = '…'"],
    ),
    (
        "[judge]",
        "[jugde]",
        &[
            "r.toml:1:1: `[judge]` is missing; write [judge] and under it violation = '…'",
            "r.toml:22:2: unknown key `jugde`, did you mean `judge`",
        ],
    ),
];

pub(super) const IN_EXAMPLES: &[Case] = &[
    (
        "    10:00 .. 10:01 every",
        "    given perimetr_m=20 limit.chime.limt_db=3.0 permit=night_wrok\n    10:00 .. 10:01 every",
        &[
            "r.toml:32:11: unknown attribute `perimetr_m`, did you mean `perimeter_m`",
            "r.toml:32:25: unknown attribute `limit.chime.limt_db`, did you mean `limit.chime.limit_db`",
            "r.toml:32:56: unknown kind of permit `night_wrok`, did you mean `night_work`",
        ],
    ),
    (
        "sound_level=56 chime=true",
        "event washed secnds=3",
        &["r.toml:32:44: the rule reads no field `secnds`, did you mean `seconds`"],
    ),
    (
        "sound_level=56 chime=true",
        "device wash_bay",
        &["r.toml:32:38: the rule reads no silence of a device `wash_bay`"],
    ),
    (
        "=> compliant",
        "=> complaint",
        &["r.toml:33:15: unknown verdict `complaint`, did you mean `compliant`"],
    ),
    (
        "    10:01  => compliant",
        "    10:01  => pendign",
        &["r.toml:33:15: unknown verdict `pendign`, did you mean `pending`"],
    ),
    (
        "\n    10:01  => compliant",
        "",
        &["r.toml:31:1: the example expects nothing; end a line with `=> compliant` or the like"],
    ),
    (
        "10:01  => compliant",
        "25:01  => compliant",
        &["r.toml:33:5: `25:01` is no time; write 10:00 or 10:00:30, or given name=value"],
    ),
    ("every 10s", "evry 10s", &["r.toml:32:20: a range of times wants a step; write every 10s"]),
    ("every 10s", "every 10 s", &["r.toml:32:26: `10` is no duration; write 20s, 5m, 1h"]),
    (
        "sound_level=56",
        "sound_levl=56",
        &["r.toml:32:31: unknown quantity `sound_levl`, did you mean `sound_level`"],
    ),
    (
        "sound_level=56",
        "sound_level=loud",
        &["r.toml:32:43: `loud` is no value; write 45, 45.5, true, false or [true,false]"],
    ),
    ("sound_level=56", "sound_level=true", &["r.toml:32:43: `sound_level` is a number"]),
    (
        "sound_level=56",
        "left site_exti",
        &["r.toml:32:36: unknown kind of zone `site_exti`, did you mean `site_exit`"],
    ),
    ("sound_level=56 chime=true", "event wash seconds=3", &["r.toml:32:37: the rule reads no event `wash`"]),
    (
        "sound_level=56 chime=true",
        "sound_level 56",
        &[
            "r.toml:32:31: `sound_level` is no name=value, and no line begins so",
            "r.toml:32:43: `56` is no name=value, and no line begins so",
        ],
    ),
];

pub(super) const IN_TOML: &[Case] = &[
    (
        "rule = \"chime\"",
        "rule ＝ \"chime\"",
        &["r.toml:1:6: key with no value, expected `=`; full-width `＝`, write `=`"],
    ),
    (
        "status = \"active\"",
        "status = “active”",
        &[
            "r.toml:2:10: string values must be quoted, expected literal string; full-width `“`, write `\"`",
            "r.toml:2:10: unknown status `“active”`, did you mean `active`",
        ],
    ),
    (
        "status = \"active\"\nseverity = \"minor\"",
        "status = \"active\nseverity = \"miner\"",
        &[
            "r.toml:2:17: invalid basic string, expected `\"`",
            "r.toml:3:12: unknown severity `miner`, did you mean `minor`",
        ],
    ),
    ("severity = \"minor\"", "severity = \"minor\"\nseverity = \"minor\"", &["r.toml:4:1: duplicate key"]),
];
