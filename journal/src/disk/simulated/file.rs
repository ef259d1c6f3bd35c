//! An open file of the simulated disk.

use std::io;

use super::SimulatedDisk;
use super::world::Change;
use crate::disk::DiskFile;

pub(super) struct SimulatedFile {
    pub(super) disk: SimulatedDisk,
    pub(super) id: u64,
    /// Before which crash it was opened: it is dead after the next one.
    pub(super) generation: u64,
}

impl DiskFile for SimulatedFile {
    fn read_at(&self, buffer: &mut [u8], at: u64) -> io::Result<usize> {
        let mut world = self.disk.world();
        world.operate_on(self.generation)?;
        let content = world.file(self.id)?;
        let at = usize::try_from(at).map_err(io::Error::other)?;
        let available = content.visible.get(at..).unwrap_or_default();
        let read = available.len().min(buffer.len());
        if let (Some(to), Some(from)) = (buffer.get_mut(..read), available.get(..read)) {
            to.copy_from_slice(from);
        }
        Ok(read)
    }

    fn write_at(&self, bytes: &[u8], at: u64) -> io::Result<()> {
        let mut world = self.disk.world();
        let at = usize::try_from(at).map_err(io::Error::other)?;
        if let Err(error) = world.operate_on(self.generation) {
            let half = bytes.get(..bytes.len() / 2).unwrap_or_default().to_vec();
            if self.generation == world.generation {
                world.apply(self.id, Change::Write { at, bytes: half })?;
            }
            return Err(error);
        }
        world.reserve(self.id, at + bytes.len())?;
        world.apply(self.id, Change::Write { at, bytes: bytes.to_vec() })
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut world = self.disk.world();
        let allowed = world.operate_on(self.generation).and_then(|()| {
            if world.fail_syncs { Err(io::Error::other("simulated failure of a sync")) } else { Ok(()) }
        });
        if self.generation == world.generation {
            world.flush(self.id, allowed.is_ok())?;
        }
        allowed
    }

    fn size(&self) -> io::Result<u64> {
        let mut world = self.disk.world();
        world.operate_on(self.generation)?;
        Ok(world.file(self.id)?.visible.len() as u64)
    }

    fn set_size(&self, size: u64) -> io::Result<()> {
        let mut world = self.disk.world();
        world.operate_on(self.generation)?;
        let size = usize::try_from(size).map_err(io::Error::other)?;
        world.reserve(self.id, size)?;
        world.apply(self.id, Change::Size(size))
    }
}
