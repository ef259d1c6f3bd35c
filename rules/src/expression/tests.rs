use proptest::prelude::*;

use super::*;

const LIMITS: usize = 3;

/// Slots: two numbers and a time of day as limits, then inputs.
fn names() -> Names<'static> {
    use SlotUse::{TimeOfDay, Value};
    let slots = [
        ("limit_db", Value(Kind::Number)),
        ("rain_excuses", Value(Kind::Truth)),
        ("night_from", TimeOfDay),
        ("db", Value(Kind::Number)),
        ("off_s", Value(Kind::Number)),
        ("night", Value(Kind::Truth)),
        ("later", SlotUse::Later),
        ("broken", SlotUse::Unclear),
    ];
    let slots = slots.map(|(name, slot_use)| SlotName { name, slot_use });
    Names { slots: slots.to_vec(), limits: LIMITS }
}

const SLOTS: [Scalar; 6] = [
    Scalar::Number(50.0),
    Scalar::Truth(false),
    Scalar::Missing,
    Scalar::Number(56.2),
    Scalar::Number(301.0),
    Scalar::Truth(true),
];

fn value_of(text: &str) -> Scalar {
    let expression =
        Compiler::new().compile(text, None, &names()).unwrap_or_else(|m| panic!("{text}: {m:?}"));
    Interpreter::new().evaluate(&expression, &SLOTS).unwrap_or_else(|e| panic!("{text}: {e}"))
}

fn mistakes_of(text: &str, wanted: Kind) -> Vec<String> {
    let mistakes = Compiler::new().compile(text, Some(wanted), &names()).err().unwrap_or_default();
    mistakes.iter().map(|mistake| format!("{}: {}", mistake.at, mistake.message)).collect()
}

#[test]
fn expressions_compute() {
    use Scalar::{Number, Truth};
    for (text, expected) in [
        ("db > limit_db", Truth(true)),
        ("db <= limit_db", Truth(false)),
        ("!night || db > limit_db && off_s >= 300.0", Truth(true)),
        ("if night { limit_db - 5.0 } else { limit_db }", Number(45.0)),
        ("1.0 + if night { 1.0 } else if rain_excuses { 2.0 } else { 3.0 }", Number(2.0)),
        ("let over = db - limit_db;\nlet twice = over * 2.0;\ntwice > 12.0", Truth(true)),
        ("-off_s + 1.0", Number(-300.0)),
        ("min(db, limit_db) + max(1.0, 2.0) + abs(-3.0) + floor(1.9) + round(1.5)", Number(58.0)),
        ("7.0 / 2.0", Number(3.5)),
        ("7.5 % 2.0", Number(1.5)),
        ("background_corrected(53.0, 49.0)", Number(51.0)),
        ("night == true", Truth(true)),
        ("db > 1.0;", Truth(true)),
    ] {
        assert_eq!(value_of(text), expected, "{text}");
    }
}

#[test]
fn mistakes_stand_at_their_place() {
    use Kind::{Number, Truth};
    let mut wrong = Vec::new();
    for (text, wanted, expected) in [
        ("db > limit_bd", Truth, &["5: unknown name `limit_bd`, did you mean `limit_db`"][..]),
        (
            "bd > limit_bd",
            Truth,
            &[
                "0: unknown name `bd`, did you mean `db`",
                "5: unknown name `limit_bd`, did you mean `limit_db`",
            ],
        ),
        ("db", Truth, &["0: expected true or false, found a number"]),
        ("db > limit_db", Number, &["0: expected a number, found true or false"]),
        ("db > night", Truth, &["5: expected a number, found true or false"]),
        ("db && night", Truth, &["0: expected true or false, found a number"]),
        ("db > night_from", Truth, &["5: `night_from` is a time of day; only `local_time` reads it"]),
        ("db > later", Truth, &["5: `later` stands further down; a let reads only what stands before it"]),
        ("db > broken", Truth, &[]),
        ("db > 50", Truth, &["5: write 50.0: numbers carry a decimal point"]),
        ("db = 50.0", Truth, &["3: `=` gives a value; to compare, write `==`"]),
        ("night && db = 50.0", Truth, &["12: `=` gives a value; to compare, write `==`"]),
        ("timestamp() > db", Truth, &["0: unknown function `timestamp`"]),
        ("mim(db, 1.0)", Number, &["0: unknown function `mim`, did you mean `min`"]),
        ("abs(db, 1.0)", Number, &["0: `abs` takes 1 number, found 2"]),
        ("if night { db }", Number, &["0: `if` needs an `else`: without it there is no value"]),
        ("db > “50”", Truth, &["5: full-width `“`; write `\"`"]),
        ("db ＞ 50.0", Truth, &["3: full-width `＞`; write `>`"]),
        ("db > 1.0；", Truth, &["8: full-width `；`; write `;`"]),
        ("db > ", Truth, &["5: the expression ends too early"]),
        ("", Truth, &["0: an expression is missing"]),
        ("night & rain_excuses", Truth, &["6: `&` is not part of the rule language, did you mean `&&`"]),
        ("db ** 2.0", Number, &["3: `**` is not part of the rule language"]),
        ("loop { }", Truth, &["0: loops are not part of the rule language"]),
        ("let db = 1.0; db", Number, &["4: `db` is already a name of this rule"]),
        ("db == \"x\"", Truth, &["6: an expression has no place for a text"]),
        ("db.x > 1.0", Truth, &["0: this is not part of the rule language"]),
        ("[db]", Number, &["3: size of array literal exceeds the maximum limit (1)"]),
        ("中 > 1.0", Truth, &["0: unexpected `中`"]),
        ("night\n  && db > limit_bd", Truth, &["16: unknown name `limit_bd`, did you mean `limit_db`"]),
        ("eval(db)", Number, &["0: `eval` is not part of the rule language"]),
    ] {
        let found = mistakes_of(text, wanted);
        if found != expected {
            wrong.push(format!("{text}: {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn what_is_not_finite_is_an_error() {
    for text in ["1.0 / (db - db)", "(db - db) / 0.0", "db % 0.0"] {
        let expression = Compiler::new().compile(text, None, &names()).unwrap();
        let failure = Interpreter::new().evaluate(&expression, &SLOTS);
        assert_eq!(failure, Err(ExpressionError::NotFinite(text.to_owned())), "{text}");
    }
}

/// A comparison with what is no number is false, and false would read as compliant.
#[test]
fn what_is_not_finite_on_the_way_to_true_or_false_is_an_error() {
    for text in [
        "db / (db - db) > 50.0",
        "!(db / (db - db) > 50.0)",
        "(db - db) / (db - db) != 1.0",
        "db % (db - db) < 1.0",
        "{ let odd = db / (db - db); odd > 50.0 || db > 0.0 }",
        "min(db, db / (db - db)) > 50.0",
    ] {
        let expression = Compiler::new().compile(text, None, &names()).unwrap();
        let mut interpreter = Interpreter::new();
        for failure in
            [interpreter.evaluate(&expression, &SLOTS), interpreter.evaluate_by_rhai(&expression, &SLOTS)]
        {
            let said = failure.map_err(|error| error.to_string());
            assert!(said.as_ref().is_err_and(|why| why.contains("no finite number")), "{text}: {said:?}");
        }
    }
}

#[test]
fn a_missing_value_is_refused_and_never_compared() {
    let expression = Compiler::new().compile("!(db > limit_db)", None, &names()).unwrap();
    assert_eq!(expression.reads(), [0, 3]);
    let failure = Interpreter::new().evaluate(&expression, &[Scalar::Number(50.0)]);
    assert_eq!(failure, Err(ExpressionError::Missing(3)));
}

#[test]
fn thresholds_are_found_where_they_stand() {
    for (text, expected, complete) in [
        ("off_s > 300.0", &["> 300"][..], true),
        ("300.0 < off_s && off_s <= limit_db * 2.0", &["> 300", "<= 100"], true),
        ("off_s >= 300.0 && db > 50.0", &[">= 300"], true),
        ("off_s - 1.0 > 300.0", &[], false),
        ("off_s > db", &[], false),
        ("off_s > 300.0 || off_s * 2.0 > db", &["> 300"], false),
        ("if rain_excuses { off_s > 10.0 } else { off_s > if night { 1.0 } else { 2.0 } }", &["> 10"], false),
        ("off_s > if rain_excuses { 1.5 } else { limit_db }", &["> 50"], true),
        ("off_s > -limit_db", &["> -50"], true),
    ] {
        let expression = Compiler::new().compile(text, None, &names()).unwrap();
        let thresholds = expression.thresholds_of(4).unwrap();
        let found: Vec<String> = thresholds.crossings.iter().map(written).collect();
        assert_eq!(
            (found.as_slice(), thresholds.complete),
            (expected.map_strings().as_slice(), complete),
            "{text}"
        );
        assert!(expression.thresholds_of(0).is_none(), "limits do not grow");
    }
}

trait MapStrings {
    fn map_strings(&self) -> Vec<String>;
}
impl MapStrings for &[&str] {
    fn map_strings(&self) -> Vec<String> {
        self.iter().map(ToString::to_string).collect()
    }
}

fn written(threshold: &Threshold) -> String {
    let Ok(Scalar::Number(limit)) = Interpreter::new().evaluate(&threshold.limit, &SLOTS) else {
        panic!("{threshold:?}")
    };
    format!("{} {limit}", threshold.operator)
}

/// What rhai itself says of a comparison.
fn rhai_says(engine: &rhai::Engine, left: f64, operator: Comparison, right: f64) -> bool {
    let mut scope = rhai::Scope::new();
    scope.push("left", left).push("right", right);
    engine.eval_with_scope(&mut scope, &format!("left {operator} right")).unwrap()
}

#[test]
fn at_the_limit_and_one_step_beside_it_the_comparison_is_rhais() {
    let engine = engine::engine();
    let limits: [f64; 16] =
        [0.0, 0.1, 0.3, 1.0, 2.0, 3.0, 50.0, 55.0, 64.0, 70.0, 120.0, 150.0, 300.0, 1800.0, 1e9, 1e-300];
    for limit in limits {
        let near = [
            limit.next_down().next_down(),
            limit.next_down(),
            limit,
            limit.next_up(),
            limit.next_up().next_up(),
        ];
        for value in near.into_iter().chain([-limit, 0.1 + 0.2, limit + 0.5, limit - 0.5]) {
            for operator in Comparison::ALL {
                let said = compare(value, operator, limit);
                assert_eq!(said, rhai_says(&engine, value, operator, limit), "{value} {operator} {limit}");
            }
        }
    }
    assert!(!compare(0.1 + 0.2, Comparison::Above, 0.3));
    assert!(compare(50.000_000_000_000_1, Comparison::Above, 50.0));
}

proptest! {
    #[test]
    fn any_two_numbers_compare_as_rhai_compares_them(left in -1e6..1e6, right in -1e6..1e6, steps in 0..6_u32) {
        let engine = engine::engine();
        let near = (0..steps).fold(right, |value: f64, _| value.next_up());
        for operator in Comparison::ALL {
            prop_assert_eq!(compare(left, operator, right), rhai_says(&engine, left, operator, right));
            prop_assert_eq!(compare(near, operator, right), rhai_says(&engine, near, operator, right));
        }
    }

    #[test]
    fn no_text_makes_the_compiler_panic(text in "[a-z0-9 .+*/%<>=!&|(){};,\"'`中；“\\n\\\\-]{0,60}") {
        drop(Compiler::new().compile(&text, Some(Kind::Truth), &names()));
    }
}

/// Expressions over the numbers and truths of [`names`], plain and not.
fn plain_texts() -> impl Strategy<Value = (String, String)> {
    let number = prop_oneof![
        Just("db".to_owned()),
        Just("off_s".to_owned()),
        Just("limit_db".to_owned()),
        prop::sample::select(&["0.0", "0.1", "0.3", "1.0", "3.0", "50.0", "1000000000.0"][..])
            .prop_map(str::to_owned),
    ];
    let truth = prop::sample::select(&["night", "rain_excuses", "true", "false"][..]).prop_map(str::to_owned);
    (number, truth).prop_recursive(4, 40, 4, |inner| {
        let comparison = prop::sample::select(&Comparison::ALL[..]);
        let arithmetic = prop::sample::select(&["+", "-", "*", "/", "%"][..]);
        let call = prop::sample::select(&["min", "max", "background_corrected"][..]);
        let single = prop::sample::select(&["abs", "floor", "round", "-"][..]);
        let choice = (0..5_usize, arithmetic, call, single, comparison, any::<bool>());
        (inner.clone(), inner.clone(), inner, choice).prop_map(
            |((a, p), (b, q), (c, r), (which, arithmetic, call, single, comparison, is_and))| {
                let number = match which {
                    0 => format!("({a} {arithmetic} {b})"),
                    1 => format!("{call}({a}, {b})"),
                    2 => format!("{single}({a})"),
                    3 => format!("(if {p} {{ {a} }} else {{ {b} }})"),
                    _ => a.clone(),
                };
                let sign = if is_and { "&&" } else { "||" };
                let truth = match which {
                    0 | 1 => format!("({b} {comparison} {c})"),
                    2 => format!("!({p})"),
                    3 => format!("({p} {sign} {q} {sign} {r})"),
                    _ => format!("(if {p} {{ {q} }} else {{ {r} }})"),
                };
                (number, truth)
            },
        )
    })
}

#[test]
fn what_the_pack_writes_is_lowered_and_a_block_is_not() {
    for (text, is_lowered) in [
        ("db > limit_db && !night", true),
        ("if night { limit_db - 5.0 } else { limit_db }", true),
        ("background_corrected(db, 45.0)", true),
        ("let over = db - limit_db; over > 1.0", false),
        ("night == rain_excuses", false),
    ] {
        let expression = Compiler::new().compile(text, None, &names()).unwrap();
        assert_eq!(expression.lowered.is_some(), is_lowered, "{text}");
    }
}

proptest! {
    #[test]
    fn what_is_lowered_says_what_rhai_says(
        (number, truth) in plain_texts(),
        numbers in prop::array::uniform3(prop_oneof![
            -1e3..1e3, Just(0.0), Just(50.0), Just(0.1 + 0.2), Just(1e308), Just(-1e-308),
        ]),
        truths in prop::array::uniform2(any::<bool>()),
    ) {
        use Scalar::{Missing, Number, Truth};
        let [limit, db, off] = numbers;
        let [rain, night] = truths;
        let slots = [Number(limit), Truth(rain), Missing, Number(db), Number(off), Truth(night)];
        let mut interpreter = Interpreter::new();
        for text in [number, truth] {
            let expression = Compiler::new().compile(&text, None, &names()).unwrap();
            prop_assert!(expression.lowered.is_some(), "{}", text);
            let lowered = interpreter.evaluate(&expression, &slots);
            let asked = interpreter.evaluate_by_rhai(&expression, &slots);
            // bit for bit: 0.0 and -0.0 are not the same
            prop_assert_eq!(format!("{lowered:?}"), format!("{asked:?}"), "{} over {:?}", text, slots);
        }
    }
}
