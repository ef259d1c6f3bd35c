//! Under which conditions a run took place.

use std::fs;
use std::path::Path;
use std::process::Command;

/// Lines that say so, for the head of a result.
pub(crate) fn conditions(dir: &Path) -> Vec<String> {
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let cpu = field("/proc/cpuinfo", "model name").unwrap_or_else(|| "unknown processor".to_owned());
    let memory = field("/proc/meminfo", "MemTotal").unwrap_or_default();
    vec![
        format!("* date: {}", said("date", &["-u", "+%Y-%m-%d %H:%M UTC"])),
        format!("* machine: {cpu}, {cores} cores, {memory}; kernel {}", said("uname", &["-sr"])),
        format!("* data on: {}", filesystem(dir)),
        format!("* commit: {}", said("git", &["describe", "--always", "--dirty"])),
        format!("* {}", said("rustc", &["--version"])),
        format!("* load average before: {}", load_average()),
    ]
}

/// The load of the last one, five and fifteen minutes: who else was at work.
pub(crate) fn load_average() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').take(3).collect::<Vec<_>>().join(" ")
}

fn field(file: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

fn filesystem(dir: &Path) -> String {
    let about = said("df", &["--output=fstype,source", &dir.to_string_lossy()]);
    about.lines().last().unwrap_or("unknown").split_whitespace().collect::<Vec<_>>().join(" on ")
}

/// What a program prints, or that it is unknown.
fn said(program: &str, args: &[&str]) -> String {
    let output = Command::new(program).args(args).output().ok().filter(|output| output.status.success());
    output.map_or_else(
        || format!("{program}: unknown"),
        |output| String::from_utf8_lossy(&output.stdout).trim().to_owned(),
    )
}
