//! One file a command. Each is given what the command line says and returns its exit code; an error is the work failed.

mod backtest;
pub(crate) mod check;
mod deadletter;
mod demo;
mod explain;
mod feed;
mod journal;
mod receivers;
mod record;
mod replay;
mod rules;
mod run;
mod simulate;
mod verify;

use std::io::{self, BufWriter, StdoutLock};
use std::process::ExitCode;

use crate::cli::{Cli, Command, ConfigFile, DeadLetter, Journal, Receivers, Rules};
use citywarden_problems::Level;

use crate::config::{self, Config, Machine};

/// Does what the command line says.
pub(crate) fn carry_out(cli: &Cli) -> anyhow::Result<ExitCode> {
    match &cli.command {
        Command::Demo(demo) => demo::run(demo),
        Command::Run { config } => run::run(&config.path),
        Command::Check(options) => {
            let fine = check::run(options, &Machine, &mut output(), &mut io::stderr().lock())?;
            Ok(if fine { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
        Command::Rules(Rules::List(at)) => rules::list(at),
        Command::Rules(Rules::Check(at)) => rules::check(at),
        Command::Rules(Rules::Test(at)) => rules::test(at),
        Command::Rules(Rules::Backtest(backtest)) => backtest::run(backtest),
        Command::Rules(Rules::Explain(explain)) => explain::run(explain),
        Command::Rules(Rules::Export { dir }) => rules::export(dir),
        Command::Receivers(Receivers::Test { name, config, json }) => {
            receivers::send_test(name, config, *json)
        }
        Command::Journal(Journal::Stat(at)) => journal::print_stat(at),
        Command::Journal(Journal::Dump { from, to, config }) => journal::dump(*from, *to, config),
        Command::Journal(Journal::Verify(at)) => verify::run(at),
        Command::Simulate(options) => simulate::run(options),
        Command::Record(options) => record::run(options),
        Command::Replay(options) => replay::run(options),
        Command::Deadletter(DeadLetter::List { reason, config, json }) => {
            deadletter::list(reason.as_deref(), config, *json)
        }
    }
}

/// Standard output, for results; everything else goes to stderr.
fn output() -> BufWriter<StdoutLock<'static>> {
    BufWriter::new(io::stdout().lock())
}

/// The configuration; its errors go to stderr and end the command. Warnings are for `check` and `run`.
fn read_config(file: &ConfigFile) -> anyhow::Result<Config> {
    let mut reading = config::load(&file.path, &Machine);
    reading.problems.retain(|problem| problem.level == Level::Error);
    print_problems(&reading.problems)?;
    reading.config.ok_or_else(|| anyhow::anyhow!("the configuration has errors"))
}

/// Problems, a line each, to stderr.
fn print_problems(problems: &[citywarden_problems::Problem]) -> io::Result<()> {
    use io::Write as _;
    let mut stderr = io::stderr().lock();
    problems.iter().try_for_each(|problem| writeln!(stderr, "{problem}"))
}

/// An alert as one line for people.
fn alert_line(alert: &citywarden_model::Alert) -> String {
    let trial = if alert.trial { " [trial]" } else { "" };
    let lead = if alert.lead { " [lead]" } else { "" };
    let clause = alert.clause.as_ref().map(|clause| format!(" {}", clause.reference)).unwrap_or_default();
    format!(
        "{} {:<7} {}{clause} {} ({}): {} / {}; {}{lead}{trial}",
        alert.kind,
        alert.severity,
        alert.rule,
        alert.asset.name,
        alert.asset.id,
        alert.title.zh,
        alert.title.en,
        alert.summary
    )
}
