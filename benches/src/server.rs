//! The two servers that are compared, behind one door.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::clock::instant;
use crate::county::{CONFIG, County};
use crate::process::Process;

/// Between two looks at the metrics, at least. A look takes the judge's time too: so the pause grows with the wait, to a
/// fiftieth of it, which is the error of the time at which all is judged.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// Longest time that a stage may need for what is left.
const PATIENCE: Duration = Duration::from_mins(2);
const RECEIVED: &str = "citywarden_messages_received_total";

/// A running server.
pub(crate) struct Server {
    pub(crate) process: Process,
    /// Where messages are sent to.
    pub(crate) mqtt: SocketAddr,
    /// Where it tells its figures; the one that acknowledges at once has none.
    http: Option<SocketAddr>,
}

/// What a service has counted so far.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Counts {
    pub(crate) syncs: u64,
    pub(crate) evaluations: u64,
    pub(crate) dead_letters: u64,
    pub(crate) discarded: u64,
    /// Cases in the verdict "compliant" and in all others.
    pub(crate) compliant: u64,
    pub(crate) other_verdicts: u64,
}

impl Server {
    /// The real service, with a fresh journal in a new directory below this one.
    pub(crate) fn service(binary: &Path, parent: &Path, county: &County) -> anyhow::Result<Self> {
        let dir = tempfile::tempdir_in(parent)?.keep();
        county.write(&dir)?;
        Self::resume(binary, &dir, county)
    }

    /// The real service again, in the directory where it ran before.
    pub(crate) fn resume(binary: &Path, dir: &Path, county: &County) -> anyhow::Result<Self> {
        let mut command = Command::new(binary);
        let process = Process::start(command.args(["run", "--config", CONFIG]).current_dir(dir))?;
        let mqtt = match county.broker {
            Some(broker) => broker,
            None => process.wait_for(|line| address_after(line, "mqtt-endpoint listening on "))?,
        };
        let http = process.wait_for(|line| address_after(line, "http listening on "))?;
        process.wait_for(|line| line.contains("ready: ").then_some(()))?;
        Ok(Self { process, mqtt, http: Some(http) })
    }

    /// The one that acknowledges at once.
    pub(crate) fn at_once() -> anyhow::Result<Self> {
        let process = Process::start(Command::new(std::env::current_exe()?).arg("at-once"))?;
        let mqtt = process.wait_for(|line| address_after(line, "listening on "))?;
        Ok(Self { process, mqtt, http: None })
    }

    /// Waits until everything that was acknowledged is judged; nothing to wait for where nothing is judged.
    pub(crate) async fn judged(&self) -> anyhow::Result<()> {
        self.until("all was judged", |page| lag(page, "rules") == 0).await
    }

    /// Waits until so many messages in all were received, and all is judged.
    pub(crate) async fn judged_all(&self, received: u64) -> anyhow::Result<()> {
        let all = |page: &str| sum(page, RECEIVED, "") >= received && lag(page, "rules") == 0;
        self.until("all was received and judged", all).await
    }

    /// Waits until everything is in the archive.
    pub(crate) async fn archived(&self) -> anyhow::Result<()> {
        self.until("all was archived", |page| lag(page, "archive") == 0).await
    }

    async fn until(&self, what: &str, is_so: impl Fn(&str) -> bool) -> anyhow::Result<()> {
        let Some(http) = self.http else { return Ok(()) };
        let began = instant();
        while began.elapsed() < PATIENCE {
            if is_so(&page(http).await?) {
                return Ok(());
            }
            tokio::time::sleep((began.elapsed() / 50).max(LOOK_EVERY)).await;
        }
        anyhow::bail!("it took longer than {PATIENCE:?} until {what}")
    }

    /// What it has counted so far.
    pub(crate) async fn counts(&self) -> anyhow::Result<Counts> {
        let Some(http) = self.http else { return Ok(Counts::default()) };
        let page = page(http).await?;
        let compliant = sum(&page, "citywarden_rule_verdicts", "verdict=\"compliant\"");
        Ok(Counts {
            syncs: sum(&page, "citywarden_journal_commit_seconds_count", ""),
            evaluations: sum(&page, "citywarden_rule_evaluations_total", ""),
            dead_letters: sum(&page, "citywarden_dead_letters_total", ""),
            discarded: sum(&page, "citywarden_readings_discarded_total", ""),
            compliant,
            other_verdicts: sum(&page, "citywarden_rule_verdicts", "").saturating_sub(compliant),
        })
    }
}

/// Builds the service, so that what is measured is what is here.
pub(crate) fn build() -> anyhow::Result<PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let built = Command::new(cargo).args(["build", "--release", "--quiet", "-p", "citywarden"]).status()?;
    ensure!(built.success(), "the service could not be built");
    let own = std::env::current_exe()?;
    let binary = own.parent().context("a program lies in a folder")?.join("citywarden");
    ensure!(binary.exists(), "{} is not there: run with --release, or name --binary", binary.display());
    Ok(binary)
}

/// The service's metrics, by the simplest HTTP there is: it closes when all is said.
async fn page(http: SocketAddr) -> anyhow::Result<String> {
    let mut stream = TcpStream::connect(http).await?;
    stream.write_all(format!("GET /metrics HTTP/1.0\r\nHost: {http}\r\n\r\n").as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    let (head, page) = answer.split_once("\r\n\r\n").context("an answer has a head")?;
    let status = head.lines().next().unwrap_or_default();
    ensure!(status.ends_with(" 200 OK"), "the metrics answer `{status}`");
    Ok(page.to_owned())
}

/// Records that a stage has yet to take.
fn lag(page: &str, stage: &str) -> u64 {
    sum(page, "citywarden_stage_lag_records", &format!("stage=\"{stage}\""))
}

/// The sum of the samples of a family that have this label.
fn sum(page: &str, name: &str, label: &str) -> u64 {
    page.lines()
        .filter(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['{', ' '])))
        .filter(|line| line.contains(label))
        .filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok())
        .sum()
}

/// The address that a line names after these words; lines may be coloured.
fn address_after(line: &str, words: &str) -> Option<SocketAddr> {
    let rest = line.split_once(words)?.1;
    let end = rest.find(|c: char| !(c.is_ascii_digit() || ".:".contains(c))).unwrap_or(rest.len());
    rest.get(..end)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sum_is_over_the_samples_that_are_asked_for() {
        let page = "# TYPE a counter\na{k=\"1\"} 2\na{k=\"2\"} 3\na_more 7\nb 1000\n";
        for (name, label, wanted) in [("a", "", 5), ("a", "k=\"2\"", 3), ("b", "", 1_000), ("c", "", 0)] {
            assert_eq!(sum(page, name, label), wanted, "{name} {label}");
        }
    }

    #[test]
    fn an_address_is_found_at_the_end_of_a_line_and_before_more_words() {
        let found = |line| address_after(line, "listening on ").map(|address| address.to_string());
        assert_eq!(found("INFO http listening on 127.0.0.1:80"), Some("127.0.0.1:80".to_owned()));
        assert_eq!(found("listening on 127.0.0.1:80, without TLS"), Some("127.0.0.1:80".to_owned()));
        assert_eq!(found("listening"), None);
    }
}
