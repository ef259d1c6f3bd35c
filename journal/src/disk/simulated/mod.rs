//! A disk in memory that does what disks do on bad days, from a seed.
//!
//! * [`SimulatedDisk::crash`]: of what was not synced, each write is lost, kept, or torn at sector boundaries; of the
//!   names not synced, the later ones are lost. Open files are dead afterwards.
//! * [`SimulatedDisk::cut_power`]: from the n-th operation on nothing works until [`SimulatedDisk::crash`]; a write that
//!   the cut meets may have done half of its work.
//! * [`SimulatedDisk::fail_operation`]: the n-th operation from now fails; a write may have done half of its work.
//! * [`SimulatedDisk::fail_syncs`]: syncs fail, and what they should have made durable is forgotten, as Linux does it:
//!   a later sync that succeeds says nothing about it.
//! * [`SimulatedDisk::set_capacity`]: no room beyond so many bytes.
//! * [`SimulatedDisk::flip`]: one bit, durable.

mod file;
mod world;

use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use file::SimulatedFile;
use world::World;

use super::{Disk, DiskFile, DiskLock, Space};

/// A disk in memory; clones are the same disk.
#[derive(Clone, Default)]
pub struct SimulatedDisk(Arc<Mutex<World>>);

impl SimulatedDisk {
    /// An empty disk without limits.
    pub fn new() -> Self {
        Self::default()
    }

    /// Power fails and comes back. What was not synced is lost, kept or torn as the seed says.
    pub fn crash(&self, seed: u64) {
        self.world().crash(seed);
    }

    /// Lets the n-th operation from now (1 is the next one) fail once with this kind of error.
    pub fn fail_operation(&self, n: u64, kind: io::ErrorKind) {
        let mut world = self.world();
        world.fail_at = Some((world.operations + n, kind));
    }

    /// Cuts the power at the n-th operation from now (1 is the next one); [`None`] lets it be.
    pub fn cut_power(&self, n: Option<u64>) {
        let mut world = self.world();
        world.powerless_from = n.map(|n| world.operations + n);
    }

    /// Whether the power is cut.
    pub fn is_powerless(&self) -> bool {
        let world = self.world();
        world.powerless_from.is_some_and(|from| world.operations >= from)
    }

    /// Lets every sync fail, or no longer.
    pub fn fail_syncs(&self, fail: bool) {
        self.world().fail_syncs = fail;
    }

    /// Nothing fails any more, and there is room.
    pub fn heal(&self) {
        let mut world = self.world();
        (world.fail_at, world.powerless_from, world.fail_syncs, world.capacity) = (None, None, false, None);
    }

    /// Limits the bytes of all files together; [`None`] lifts the limit.
    pub fn set_capacity(&self, bytes: Option<u64>) {
        self.world().capacity = bytes;
    }

    /// Bytes of all files together.
    pub fn used(&self) -> u64 {
        self.world().used()
    }

    /// Operations so far.
    pub fn operations(&self) -> u64 {
        self.world().operations
    }

    /// Flips one bit (0 to 7) of a byte of a file, durably; false where there is no such byte.
    pub fn flip(&self, path: &Path, at: u64, bit: u8) -> bool {
        self.world().change(path, |bytes| {
            let byte = usize::try_from(at).ok().and_then(|at| bytes.get_mut(at));
            byte.is_some_and(|byte| {
                *byte ^= 1 << (bit & 7);
                true
            })
        })
    }

    /// Zeros a file from a position on, durably: as a write that never arrived would leave it.
    pub fn erase(&self, path: &Path, from: u64) -> bool {
        self.world().change(path, |bytes| {
            let tail = usize::try_from(from).ok().and_then(|from| bytes.get_mut(from..));
            tail.is_some_and(|tail| {
                tail.fill(0);
                true
            })
        })
    }

    /// What a file holds, whether durable or not.
    pub fn contents(&self, path: &Path) -> Option<Vec<u8>> {
        let world = self.world();
        let id = world.id(path).ok()?;
        world.file(id).ok().map(|content| content.visible.clone())
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn handle(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let mut world = self.world();
        world.operate()?;
        let (id, generation) = (world.id(path)?, world.generation);
        Ok(Box::new(SimulatedFile { disk: self.clone(), id, generation }))
    }
}

impl Disk for SimulatedDisk {
    fn create_dir(&self, _dir: &Path) -> io::Result<()> {
        self.world().operate()
    }
    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let mut world = self.world();
        world.operate()?;
        let (id, generation) = (world.create(path)?, world.generation);
        Ok(Box::new(SimulatedFile { disk: self.clone(), id, generation }))
    }
    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        self.handle(path)
    }
    fn open_to_read(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        self.handle(path)
    }
    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        let mut world = self.world();
        world.operate()?;
        Ok(world.list(dir))
    }
    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut world = self.world();
        world.operate()?;
        world.remove(path)
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut world = self.world();
        world.operate()?;
        world.rename(from, to)
    }
    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        let mut world = self.world();
        world.operate()?;
        world.sync_dir(dir)
    }
    fn lock(&self, path: &Path) -> io::Result<DiskLock> {
        let mut world = self.world();
        world.operate()?;
        let held = world.lock(path).ok_or(io::ErrorKind::WouldBlock)?;
        Ok(Box::new(held))
    }
    fn space(&self, _dir: &Path) -> io::Result<Space> {
        let world = self.world();
        let total = world.capacity.unwrap_or(u64::MAX);
        Ok(Space { total, free: total.saturating_sub(world.used()) })
    }
    fn may_block(&self) -> bool {
        false
    }
}
