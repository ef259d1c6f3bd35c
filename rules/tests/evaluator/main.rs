//! What the evaluator makes of what is observed: golden time lines through one checking function, and properties.

mod cases;
mod installing;
mod restarts;
mod time;
mod windows;
mod world;
mod zones;
