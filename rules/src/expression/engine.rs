//! The sandbox: a rhai engine that can compute and nothing else.

use std::sync::Once;

use rhai::{Engine, OptimizationLevel};

use super::background_corrected;

/// Operations an evaluation may take; `loop {}` ends here. Never wall time, which would make verdicts depend on load.
pub(crate) const OPERATIONS_MAX: u64 = 50_000;
/// How deep an expression may be nested.
pub(crate) const DEPTH_MAX: usize = 48;
/// How many names may be in scope at once.
pub(crate) const VARIABLES_MAX: usize = 512;
/// How long a text inside an expression may get.
pub(crate) const TEXT_MAX: usize = 1024;

/// The functions an expression may call, and how many numbers each takes. All give a number.
pub(crate) const FUNCTIONS: &[(&str, usize)] =
    &[("min", 2), ("max", 2), ("abs", 1), ("floor", 1), ("round", 1), ("background_corrected", 2)];

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
    engine
        .register_fn("-", |number: f64| -number)
        .register_fn("!", |truth: bool| !truth)
        .register_fn("min", f64::min)
        .register_fn("max", f64::max)
        .register_fn("abs", f64::abs)
        .register_fn("floor", f64::floor)
        .register_fn("round", f64::round)
        .register_fn("background_corrected", background_corrected);
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
