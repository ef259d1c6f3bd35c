//! Which version of MQTT to try next.

/// The versions we speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Version {
    V5,
    V311,
}

/// How a connection ended, as far as the version matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The broker said that it does not speak this version.
    Refused,
    /// The broker closed instead of greeting, or greeted in a way that is none of this version.
    ClosedEarly,
    /// It had greeted.
    Greeted,
    /// Nothing to do with the version: nobody there, wrong password.
    Elsewhere,
}

/// So many brokers in a row that close instead of greeting are not a coincidence, such as a restart.
const CLOSED_EARLY_MAX: u32 = 2;

/// Chooses: 5 first, 3.1.1 where the broker refuses 5. A broker that speaks no 5 may say so, or just close; one that
/// has said so is not asked again.
#[derive(Debug)]
pub(crate) struct Choice {
    next: Version,
    closed_early: u32,
    was_refused: bool,
}

impl Choice {
    pub(crate) const fn new() -> Self {
        Self { next: Version::V5, closed_early: 0, was_refused: false }
    }
    pub(crate) const fn next(&self) -> Version {
        self.next
    }
    /// Takes how the connection with [`Choice::next`] ended.
    pub(crate) fn take(&mut self, ending: Ending) {
        match ending {
            Ending::Refused => {
                self.was_refused = self.next == Version::V5;
                self.turn();
            }
            Ending::ClosedEarly => {
                self.closed_early += 1;
                if self.closed_early >= CLOSED_EARLY_MAX && !self.was_refused {
                    self.turn();
                }
            }
            Ending::Greeted => {
                self.closed_early = 0;
                // 3.1.1 was only a guess: the next broker at this address may speak 5
                if !self.was_refused {
                    self.next = Version::V5;
                }
            }
            Ending::Elsewhere => self.closed_early = 0,
        }
    }
    fn turn(&mut self) {
        self.closed_early = 0;
        self.next = match self.next {
            Version::V5 => Version::V311,
            Version::V311 => Version::V5,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_5_is_tried_first_and_the_older_one_where_the_broker_refuses() {
        use Ending::{ClosedEarly, Elsewhere, Greeted, Refused};
        use Version::{V5, V311};
        for (endings, expected) in [
            (&[][..], V5),
            (&[Elsewhere, Elsewhere, Elsewhere], V5),
            (&[Refused], V311),
            (&[Refused, Greeted, Elsewhere, ClosedEarly, ClosedEarly], V311),
            (&[Refused, Refused], V5),
            (&[ClosedEarly], V5),
            (&[ClosedEarly, Elsewhere, ClosedEarly], V5),
            (&[ClosedEarly, ClosedEarly], V311),
            (&[ClosedEarly, ClosedEarly, ClosedEarly, ClosedEarly], V5),
            (&[ClosedEarly, ClosedEarly, Greeted], V5),
            (&[Greeted, ClosedEarly, Greeted, ClosedEarly], V5),
        ] {
            let mut choice = Choice::new();
            for ending in endings {
                choice.take(*ending);
            }
            assert_eq!(choice.next(), expected, "{endings:?}");
        }
    }
}
