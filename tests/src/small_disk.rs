//! A disk of its own for a service, small enough to be filled.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::left_out::left_out;

/// A mounted disk; taken away when dropped.
#[derive(Debug)]
pub struct SmallDisk {
    at: PathBuf,
}

impl SmallDisk {
    /// A disk of so many bytes at this place; `None`, which is said, and fails in `./test`, where nobody may mount one.
    pub fn mount(at: &Path, bytes: u64) -> Option<Self> {
        fs::create_dir_all(at).expect("there is room for a directory");
        let size = format!("size={bytes},mode=0755");
        let mounted = as_root(&["mount", "-t", "tmpfs", "-o", &size, "tmpfs", &at.display().to_string()]);
        match mounted {
            Ok(()) => Some(Self { at: at.to_owned() }),
            Err(why) => {
                left_out(&format!("no small disk can be mounted: {why}"));
                None
            }
        }
    }

    /// Somebody else fills it, to the last byte.
    pub fn fill(&self) {
        const PIECE: usize = 4096;
        let mut file = File::create(self.ballast()).expect("a name costs nothing");
        while file.write_all(&[0; PIECE]).is_ok() {}
    }

    /// Somebody makes room again.
    pub fn make_room(&self) {
        fs::remove_file(self.ballast()).expect("it is there");
    }

    fn ballast(&self) -> PathBuf {
        self.at.join("ballast")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // lazily: a test that failed may have left somebody on it
        if let Err(why) = as_root(&["umount", "-l", &self.at.display().to_string()]) {
            left_out(&format!("{} stays mounted: {why}", self.at.display()));
        }
    }
}

fn as_root(command: &[&str]) -> Result<(), String> {
    let is_root = fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0);
    let command = if is_root { command.to_vec() } else { [&["sudo", "-n"], command].concat() };
    let (program, arguments) = command.split_first().expect("a command has a program");
    let output = Command::new(program).args(arguments).output().map_err(|error| error.to_string())?;
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    if output.status.success() { Ok(()) } else { Err(said) }
}
