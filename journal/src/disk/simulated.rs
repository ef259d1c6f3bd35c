//! placeholder
/// Disk.
pub struct SimulatedDisk;
