//! What a test does not check because something is not there: never silently.

use std::io::Write as _;

/// Set where nothing may be left out: `./test` sets it.
const WHOLE: &str = "CITYWARDEN_TEST_WHOLE";

/// Says, past the test runner that keeps what tests print, that something is not checked; panics where nothing may be left
/// out.
pub fn left_out(what: &str) {
    assert!(std::env::var_os(WHOLE).is_none(), "{what}, and {WHOLE} is set: nothing may be left out");
    say(what);
}

/// As [`left_out`], for what the project does not hold itself, and nobody has to have.
pub fn not_ours(what: &str) {
    say(what);
}

fn say(what: &str) {
    writeln!(std::io::stderr(), "\n*** LEFT OUT: {what}").expect("somebody listens");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_nothing_may_be_left_out_the_test_fails() {
        let failed = std::panic::catch_unwind(|| left_out("a tool that is never there"));
        assert_eq!(failed.is_err(), std::env::var_os(WHOLE).is_some());
    }
}
