//! A simulated world: one seed drives devices, network, disk, clock, receiver and the service itself through a run in one
//! thread and virtual time, in which everything that can go wrong does, and checkers say which promise was broken.
//!
//! The service is the real one: the endpoint, the journal, the judge and alerting as `citywarden::spine` opens them, and
//! as threads run them otherwise. Only what they stand on is the world's: the disk (`citywarden_journal::SimulatedDisk`),
//! the network, the clock, the receiver, and the time it all takes. Sources and receivers that own their sockets (the
//! client of a broker, the webhook) are beyond it; they are tested against the real thing.
//!
//! **Knows:** the stages' outside, and what was staged. **Never:** does again what a stage does, sleeps, opens a file or a
//! socket, or lets two runs of one seed differ.

mod checks;
mod county;
mod device;
mod disk;
mod machine;
mod many;
mod network;
mod nth;
mod plan;
mod random;
mod receiver;
mod run;
mod situation;
mod time;

pub use county::{Rulebook, rules};
pub use many::{Tally, run_many};
pub use nth::{Fault, Operations, run_with};
pub use run::{Figures, Outcome, run};
pub use situation::Situation;
