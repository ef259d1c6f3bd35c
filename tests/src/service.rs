//! The real binary: its commands, and the service it runs.

use std::io::{BufRead, BufReader, Read};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

/// How long a started service may take to say where it listens: it may have a journal to judge again.
const START_TIMEOUT: Duration = Duration::from_mins(1);
/// How long it may take to end after SIGTERM.
const STOP_TIMEOUT: Duration = Duration::from_secs(10);

/// The binary that was built with these tests.
pub fn binary() -> PathBuf {
    let here = std::env::current_exe().expect("a test knows where it is");
    let path = here.ancestors().nth(2).expect("target/<profile>/deps").join("citywarden");
    assert!(path.exists(), "{} is not there: run `cargo build --workspace` first, or ./test", path.display());
    path
}

/// Runs a command of the binary to its end.
pub fn citywarden(args: &[&str]) -> Output {
    citywarden_in(&std::env::temp_dir(), args)
}

/// Runs a command of the binary to its end, in this directory.
pub fn citywarden_in(dir: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(binary());
    command.args(args).current_dir(dir).stdin(Stdio::null()).output().expect("the binary starts")
}

/// Runs a command that must succeed, and gives its standard output.
pub fn citywarden_ok(args: &[&str]) -> String {
    succeeded(args, citywarden(args))
}

/// Runs a command that must succeed, in this directory, and gives its standard output.
pub fn citywarden_ok_in(dir: &Path, args: &[&str]) -> String {
    succeeded(args, citywarden_in(dir, args))
}

fn succeeded(args: &[&str], output: Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "citywarden {}: {}\n{said}", args.join(" "), output.status);
    String::from_utf8(output.stdout).expect("output is UTF-8")
}

/// The lines a process says, as they come.
#[derive(Debug, Clone, Default)]
pub struct Said {
    lines: Arc<(Mutex<Vec<String>>, Condvar)>,
}

impl Said {
    /// Follows a stream to its end.
    pub fn follow(stream: impl Read + Send + 'static) -> Self {
        let said = Self::default();
        let writer = said.clone();
        std::thread::spawn(move || {
            for line in BufReader::new(stream).lines().map_while(Result::ok) {
                writer.lines.0.lock().expect("no test panicked in it").push(line);
                writer.lines.1.notify_all();
            }
        });
        said
    }

    /// All lines so far.
    pub fn lines(&self) -> Vec<String> {
        self.lines.0.lock().expect("no test panicked in it").clone()
    }

    /// Waits for a line like this, and gives what is found in it; panics with all that was said where none comes.
    pub fn wait_for<T>(&self, what: &str, timeout: Duration, find: impl Fn(&str) -> Option<T>) -> T {
        let lines = self.lines.0.lock().expect("no test panicked in it");
        let found = |lines: &[String]| lines.iter().find_map(|line| find(line));
        let (lines, _) = self
            .lines
            .1
            .wait_timeout_while(lines, timeout, |lines| found(lines).is_none())
            .expect("no test panicked in it");
        let found = found(&lines).ok_or_else(|| lines.join("\n"));
        // whoever panics holds no lock: what was said is asked for again
        drop(lines);
        found.unwrap_or_else(|said| panic!("never said: {what}; said:\n{said}"))
    }

    /// Waits for a line with these words in it.
    pub fn wait_for_words(&self, words: &str, timeout: Duration) -> String {
        self.wait_for(words, timeout, |line| line.contains(words).then(|| line.to_owned()))
    }
}

/// A running process of the binary; killed when dropped.
#[derive(Debug)]
pub struct Running {
    child: Child,
    /// What it says on standard output.
    pub out: Said,
    /// What it says on standard error.
    pub err: Said,
}

impl Running {
    /// Starts a command.
    pub fn start(dir: &Path, args: &[&str]) -> Self {
        let mut child = Command::new(binary())
            .args(args)
            .current_dir(dir)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let out = Said::follow(child.stdout.take().expect("stdout is piped"));
        let err = Said::follow(child.stderr.take().expect("stderr is piped"));
        Self { child, out, err }
    }

    /// `kill -9`.
    pub fn kill(mut self) {
        self.child.kill().expect("it can be killed");
        self.child.wait().expect("it ends");
    }

    /// SIGTERM; it has to end well, and in time.
    pub fn stop(mut self) {
        self.signal("-TERM");
        let status = self.wait_for_end(STOP_TIMEOUT);
        assert!(status.success(), "it ended with {status}:\n{}", self.err.lines().join("\n"));
    }

    /// The most memory it has held, in KiB.
    pub fn memory_peak_kib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("it runs");
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        peak.and_then(|peak| peak.split_whitespace().next()?.parse().ok()).expect("Linux says it")
    }

    /// Sends a signal.
    pub fn signal(&self, signal: &str) {
        let sent =
            Command::new("kill").args([signal, &self.child.id().to_string()]).status().expect("kill runs");
        assert!(sent.success(), "kill {signal}: {sent}");
    }

    /// Waits until it ends by itself; panics with what it said where it does not in time.
    pub fn wait_for_end(&mut self, timeout: Duration) -> std::process::ExitStatus {
        const POLL: Duration = Duration::from_millis(10);
        let mut waited = Duration::ZERO;
        loop {
            if let Some(status) = self.child.try_wait().expect("it can be asked") {
                return status;
            }
            assert!(waited < timeout, "it still runs after {timeout:?}:\n{}", self.err.lines().join("\n"));
            std::thread::sleep(POLL);
            waited += POLL;
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the process said:\n{}", self.err.lines().join("\n"));
        }
        if self.child.kill().is_ok() {
            self.child.wait().ok();
        }
    }
}

/// A running `citywarden run` that takes messages and judges; killed when dropped.
#[derive(Debug)]
pub struct Service {
    /// The process.
    pub process: Running,
    /// Where devices connect.
    pub mqtt: SocketAddr,
    /// Where people and monitors ask.
    pub http: SocketAddr,
}

impl Service {
    /// Starts the service and waits until it says that it is ready.
    pub fn start(dir: &Path) -> Self {
        let process = Running::start(dir, &["run", "--config", "citywarden.toml"]);
        let mqtt = address_said(&process.err, "mqtt-endpoint listening on ");
        let http = address_said(&process.err, "http listening on ");
        let is_ready = |line: &str| line.contains(" ready: ").then_some(());
        process.err.wait_for("ready", START_TIMEOUT, is_ready);
        Self { process, mqtt, http }
    }

    /// GET a path; status and body.
    pub async fn get(&self, path: &str) -> (u16, String) {
        get(self.http, path).await
    }

    /// What a counter stands at: the sum of its samples whose labels hold all these; 0 where there is none.
    pub async fn count(&self, name: &str, labels: &[(&str, &str)]) -> usize {
        let (status, text) = self.get("/metrics").await;
        assert_eq!(status, 200, "/metrics: {text}");
        count(&text, name, labels)
    }

    /// Waits until a counter is as wanted.
    pub async fn wait_for_count(&self, name: &str, labels: &[(&str, &str)], wanted: impl Fn(usize) -> bool) {
        const POLL: Duration = Duration::from_millis(20);
        const TIMEOUT: Duration = Duration::from_secs(30);
        let mut spent = Duration::ZERO;
        loop {
            let value = self.count(name, labels).await;
            if wanted(value) {
                return;
            }
            let said = || self.process.err.lines().join("\n");
            assert!(spent < TIMEOUT, "{name} {labels:?} is {value} after {TIMEOUT:?}; it said:\n{}", said());
            tokio::time::sleep(POLL).await;
            spent += POLL;
        }
    }

    /// SIGTERM; it has to end well, and in time.
    pub fn stop(self) {
        self.process.stop();
    }

    /// `kill -9`.
    pub fn kill(self) {
        self.process.kill();
    }
}

/// An address on loopback that nobody listens on.
pub fn free_address() -> SocketAddr {
    let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    free.expect("loopback has a free port")
}

/// An HTTP client. In the workspace's build reqwest comes without a provider of TLS of its own, and wants one named even
/// where nothing is encrypted.
pub fn http() -> reqwest::Client {
    static NAMED: std::sync::Once = std::sync::Once::new();
    NAMED.call_once(|| {
        rustls::crypto::ring::default_provider().install_default().expect("nobody else names one");
    });
    reqwest::Client::builder().no_proxy().build().expect("a client without TLS")
}

/// GET a path of a server; status and body.
pub async fn get(at: SocketAddr, path: &str) -> (u16, String) {
    let response = http().get(format!("http://{at}{path}")).send().await.expect("it answers");
    (response.status().as_u16(), response.text().await.expect("it is text"))
}

/// What a counter stands at on a page of metrics.
/// The sum of what carries these labels; of seconds, whole ones.
fn count(page: &str, name: &str, labels: &[(&str, &str)]) -> usize {
    let wanted: Vec<_> = labels.iter().map(|(label, value)| format!("{label}=\"{value}\"")).collect();
    page.lines()
        .filter(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['{', ' '])))
        .filter(|line| wanted.iter().all(|label| line.contains(label)))
        .filter_map(|line| line.rsplit(' ').next()?.split('.').next()?.parse::<usize>().ok())
        .sum()
}

/// Waits for the line that names an address after these words.
pub fn address_said(said: &Said, words: &str) -> SocketAddr {
    said.wait_for(words, START_TIMEOUT, |line| {
        let rest = line.split_once(words)?.1;
        let end = rest.find(|c: char| !(c.is_ascii_hexdigit() || ".:[]".contains(c))).unwrap_or(rest.len());
        rest.get(..end)?.parse().ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_is_the_sum_of_the_samples_that_are_asked_for() {
        let page = "# HELP a x\na{k=\"1\",l=\"x\"} 2\na{k=\"2\",l=\"x\"} 3\na_more{k=\"1\"} 7\nb 1000\n";
        for (name, labels, value) in [
            ("a", vec![], 5),
            ("a", vec![("k", "1")], 2),
            ("a", vec![("l", "x"), ("k", "2")], 3),
            ("a", vec![("k", "3")], 0),
            ("b", vec![], 1000),
        ] {
            assert_eq!(count(page, name, &labels), value, "{name} {labels:?}");
        }
    }
}
