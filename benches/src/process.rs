//! A process that is measured: started, listened to, ended.

use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use anyhow::{Context as _, ensure};

/// How long a process may take to say that it is ready.
const START_TIMEOUT: Duration = Duration::from_mins(1);
/// Of the times in `/proc`, everywhere on Linux.
const TICKS_A_SECOND: u64 = 100;

/// A child process; killed when dropped.
pub(crate) struct Process {
    child: Child,
    lines: Receiver<String>,
}

impl Process {
    /// Starts a program and follows what it says on standard error.
    pub(crate) fn start(command: &mut Command) -> anyhow::Result<Self> {
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let program = command.get_program().to_string_lossy().into_owned();
        let mut child = command.spawn().with_context(|| format!("{program} does not start"))?;
        let said = child.stderr.take().context("its standard error is piped")?;
        Ok(Self { child, lines: follow(said) })
    }

    /// Waits for a line like this, and gives what is found in it.
    pub(crate) fn wait_for<T>(&self, find: impl Fn(&str) -> Option<T>) -> anyhow::Result<T> {
        let mut said = String::new();
        loop {
            let line = self.lines.recv_timeout(START_TIMEOUT);
            let line = line.with_context(|| format!("the process never said that it is ready:\n{said}"))?;
            if let Some(found) = find(&line) {
                return Ok(found);
            }
            said += &line;
            said.push('\n');
        }
    }

    /// Where it runs.
    pub(crate) fn directory(&self) -> std::io::Result<PathBuf> {
        std::fs::read_link(format!("/proc/{}/cwd", self.child.id()))
    }

    /// Asks it to stop, and waits until it has.
    pub(crate) fn terminate(mut self) -> anyhow::Result<()> {
        let asked = Command::new("kill").arg(self.child.id().to_string()).status()?;
        ensure!(asked.success(), "kill: {asked}");
        self.child.wait()?;
        Ok(())
    }

    /// Processor time so far, user and system.
    pub(crate) fn cpu(&self) -> Duration {
        cpu_of(&format!("/proc/{}", self.child.id()))
    }

    /// As [`Self::cpu`], of the threads whose names begin like this.
    pub(crate) fn cpu_of_threads(&self, name: &str) -> Duration {
        self.cpu_where(|thread| thread.starts_with(name))
    }

    /// As [`Self::cpu`], of the threads whose names begin like this, with those that came and went.
    pub(crate) fn cpu_of_threads_and_gone(&self, name: &str) -> Duration {
        self.cpu().saturating_sub(self.cpu_where(|thread| !thread.starts_with(name)))
    }

    fn cpu_where(&self, is_meant: impl Fn(&str) -> bool) -> Duration {
        let threads = std::fs::read_dir(format!("/proc/{}/task", self.child.id()));
        let paths = threads.into_iter().flatten().flatten().map(|thread| thread.path().display().to_string());
        let is_meant =
            |path: &String| std::fs::read_to_string(format!("{path}/comm")).is_ok_and(|comm| is_meant(&comm));
        paths.filter(is_meant).map(|path| cpu_of(&path)).sum()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.child.kill().is_ok() {
            self.child.wait().ok();
        }
    }
}

/// Processor time of this process so far.
pub(crate) fn own_cpu() -> Duration {
    cpu_of("/proc/self")
}

fn cpu_of(place: &str) -> Duration {
    let stat = std::fs::read_to_string(format!("{place}/stat")).unwrap_or_default();
    // the name may hold anything, but nothing behind it holds a parenthesis: utime and stime are 12th and 13th there
    let behind_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks: u64 =
        behind_name.split_whitespace().skip(11).take(2).filter_map(|n| n.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 1_000 / TICKS_A_SECOND)
}

/// Reads a stream to its end, whether anybody listens or not: a full pipe would stop the process.
fn follow(stream: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, lines) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            sender.send(line).ok();
        }
    });
    lines
}
