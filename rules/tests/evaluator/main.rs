//! What the evaluator makes of what is observed: golden time lines through one checking function, and properties.

#[cfg(test)]
mod absence;
mod apart;
#[cfg(test)]
mod cases;
#[cfg(test)]
mod floods;
#[cfg(test)]
mod golden;
#[cfg(test)]
mod installing;
#[cfg(test)]
mod restarts;
#[cfg(test)]
mod time;
#[cfg(test)]
mod windows;
#[cfg(test)]
mod world;
#[cfg(test)]
mod zones;
