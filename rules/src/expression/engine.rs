//! The sandbox: a rhai engine that can compute and nothing else.

use std::sync::Once;

use rhai::{Engine, EvalAltResult, OptimizationLevel, Position};

use super::background_corrected;

/// Operations an evaluation may take; `loop {}` ends here. Never wall time, which would make verdicts depend on load.
pub(crate) const OPERATIONS_MAX: u64 = 50_000;
/// How deep an expression may be nested.
pub(crate) const DEPTH_MAX: usize = 48;
/// How many names may be in scope at once.
pub(crate) const VARIABLES_MAX: usize = 512;
/// How long a text inside an expression may get.
pub(crate) const TEXT_MAX: usize = 1024;

/// A function of numbers that gives a number.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Function {
    Of1(fn(f64) -> f64),
    Of2(fn(f64, f64) -> f64),
}

/// The functions an expression may call.
pub(crate) const FUNCTIONS: &[(&str, Function)] = &[
    ("min", Function::Of2(f64::min)),
    ("max", Function::Of2(f64::max)),
    ("abs", Function::Of1(f64::abs)),
    ("floor", Function::Of1(f64::floor)),
    ("round", Function::Of1(f64::round)),
    ("background_corrected", Function::Of2(background_corrected)),
];

type Calculate = fn(f64, f64) -> f64;

/// What is done with two numbers, by its sign.
const ARITHMETIC: &[(&str, Calculate)] = &[
    ("+", |left, right| left + right),
    ("-", |left, right| left - right),
    ("*", |left, right| left * right),
    ("/", |left, right| left / right),
    ("%", |left, right| left % right),
];

/// The function of this name.
pub(crate) fn function(name: &str) -> Option<Function> {
    FUNCTIONS.iter().find(|(known, _)| *known == name).map(|(_, function)| *function)
}

impl Function {
    /// How many numbers it takes.
    pub(crate) const fn arguments(self) -> usize {
        match self {
            Self::Of1(_) => 1,
            Self::Of2(_) => 2,
        }
    }
}

/// Fixed, so that nothing at all differs from process to process.
const HASHING_SEED: [u64; 4] = [0x6369_7479, 0x7761_7264, 0x656e, 1];
static HASHING: Once = Once::new();

/// A fresh engine. What is not registered here does not exist: no `eval`, `print`, `timestamp`, `import`.
pub(crate) fn engine() -> Engine {
    HASHING.call_once(|| {
        // an error says that another part of the process chose a seed before; no result depends on it
        rhai::config::hashing::set_hashing_seed(Some(HASHING_SEED)).unwrap_or_default();
    });
    let mut engine = Engine::new_raw();
    engine.set_optimization_level(OptimizationLevel::None);
    bound(&mut engine);
    register(&mut engine);
    engine
}

/// All bounds are set: some of rhai's defaults differ between debug and release.
fn bound(engine: &mut Engine) {
    engine
        .set_max_operations(OPERATIONS_MAX)
        .set_max_expr_depths(DEPTH_MAX, DEPTH_MAX)
        .set_max_call_levels(8)
        .set_max_variables(VARIABLES_MAX)
        .set_max_functions(0)
        .set_max_string_size(TEXT_MAX)
        .set_max_array_size(1)
        .set_max_map_size(1)
        .set_allow_anonymous_fn(false)
        .set_allow_looping(true);
    for word in ["eval", "import", "export", "Fn", "call", "curry"] {
        engine.disable_symbol(word);
    }
}

fn register(engine: &mut Engine) {
    engine.register_fn("-", |number: f64| -number).register_fn("!", |truth: bool| !truth);
    for (name, function) in FUNCTIONS {
        match *function {
            Function::Of1(call) => engine.register_fn(*name, move |one: f64| finite(call(one))),
            Function::Of2(call) => {
                engine.register_fn(*name, move |one: f64, other: f64| finite(call(one, other)))
            }
        };
    }
    // rhai's own would hand on what is no number, and a comparison with that is false: compliant
    engine.set_fast_operators(false);
    for (sign, calculate) in ARITHMETIC {
        engine.register_fn(*sign, |left: f64, right: f64| finite(calculate(left, right)));
    }
}

fn finite(number: f64) -> Result<f64, Box<EvalAltResult>> {
    let odd = || EvalAltResult::ErrorArithmetic("no finite number".to_owned(), Position::NONE);
    if number.is_finite() { Ok(number) } else { Err(odd().into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure_of(script: &str) -> String {
        engine().eval::<rhai::Dynamic>(script).unwrap_err().to_string()
    }

    #[test]
    fn what_never_ends_is_stopped() {
        assert!(failure_of("loop { }").contains("Too many operations"), "{}", failure_of("loop { }"));
        assert!(failure_of("let x = 0.0; while true { x += 1.0; }").contains("Too many operations"));
    }

    #[test]
    fn the_world_cannot_be_reached() {
        for script in [
            "eval(\"1.0\")",
            "import \"os\" as os",
            "timestamp()",
            "print(\"x\")",
            "debug(1.0)",
            "sin(1.0)",
            "rand()",
            "fn f() { 1.0 } f()",
            "let f = |x| x; f.call(1.0)",
            "sleep(1)",
        ] {
            assert!(engine().eval::<rhai::Dynamic>(script).is_err(), "{script}");
        }
    }

    #[test]
    fn nesting_is_bounded_before_the_stack_is() {
        let deep = format!("{}1.0{}", "(".repeat(10_000), ")".repeat(10_000));
        assert!(engine().compile(&deep).is_err());
        let deep = format!("{}true", "!".repeat(10_000));
        assert!(engine().compile(&deep).is_err());
    }
}
