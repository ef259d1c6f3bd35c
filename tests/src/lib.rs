//! Tests of the whole system, through its public doors: the real binary, real MQTT clients, a real HTTP receiver; and
//! the house rules that tools can hold.
//!
//! **Knows:** the commands, files, topics and formats that the outside relies on. **Never:** reaches into a stage.
