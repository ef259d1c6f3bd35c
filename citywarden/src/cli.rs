//! The command line.

mod feed;

use std::net::SocketAddr;
use std::path::PathBuf;

use citywarden_model::{Span, Timestamp};
use clap::{Args, Parser, Subcommand};

pub(crate) use feed::{Play, Record, Replay, Simulate, SimulateLoad, Simulation};

const EXIT_CODES: &str = "Exit codes: 0 fine, 1 a problem was found or the work failed, 2 wrong usage.
Problems go to stderr as file:line:column: what is wrong, what was expected.";

/// Readings of a county's monitoring devices in; alerts that enforcement can act on and later prove out.
#[derive(Debug, Parser)]
#[command(name = "citywarden", version, about, after_help = EXIT_CODES, subcommand_required = true, arg_required_else_help = true)]
pub(crate) struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// The whole system on this machine, with a simulated county and nothing to configure
    ///
    /// Starts the MQTT endpoint, the journal, the rules, the alerts and the page in a folder of its own, plays a small
    /// county into it as devices would, and prints each alert as it is raised, until Ctrl-C or `--for`. The first alert
    /// comes within a minute, each rule's within five.
    #[command(after_help = "Example: citywarden demo --for 5m")]
    Demo(Demo),
    /// The service
    ///
    /// Takes messages in, judges, raises and sends alerts until it is told to stop. SIGHUP reads registry and rules again
    /// at once (a save does so by itself within a second); SIGTERM and Ctrl-C finish what is begun and stop within 10 s.
    #[command(after_help = "Example: citywarden run --config /etc/citywarden/citywarden.toml")]
    Run {
        /// The configuration
        #[command(flatten)]
        config: ConfigFile,
    },
    /// Every problem of configuration, registry, routes and rules, not only the first
    ///
    /// Changes nothing, except with `--accept`. Runs beside a service. Exits 1 where there is an error; warnings alone
    /// are exit 0.
    #[command(
        after_help = "Example: citywarden check --config citywarden.toml && systemctl reload citywarden"
    )]
    Check(Check),
    /// The rules, and the examples inside them
    #[command(subcommand)]
    Rules(Rules),
    /// Whom alerts are sent to
    #[command(subcommand)]
    Receivers(Receivers),
    /// What is in the journal; runs beside a service
    #[command(subcommand)]
    Journal(Journal),
    /// Devices that do not exist, for trying and measuring: a scenario with its ground truth
    ///
    /// Plays a scenario to a broker (or to the service's own MQTT endpoint) as its devices would, one connection each.
    /// SCENARIO is a built-in name (`--list`) or a file like those; each stages one rule being broken, beside clean twins
    /// and what only looks like it. A service has to know the scenario's devices first: `--registry` writes them.
    ///
    /// A service judges by its own clock. Faster than real time, the scenario begins in the past and ends now: what is
    /// up to ten minutes old is judged as live, what is older as history.
    #[command(
        args_conflicts_with_subcommands = true,
        arg_required_else_help = true,
        after_help = "Examples:
  citywarden simulate --list
  citywarden simulate site-dust --registry registry --files-only     then start the service, and
  citywarden simulate site-dust --mqtt mqtt://127.0.0.1:1883 --truth truth.jsonl
  citywarden simulate site-dust --registry registry -o feed.jsonl && citywarden rules backtest --feed feed.jsonl"
    )]
    Simulate(Box<Simulate>),
    /// Captures a live feed to JSON lines
    ///
    /// Subscribes, and adds each message to the file as a line with its time of arrival and topic, until Ctrl-C, `--for` or
    /// `--count`. `rules backtest --feed` and `replay` read it.
    #[command(
        after_help = "Example: citywarden record --mqtt mqtt://127.0.0.1:1883 --topic 'citywarden/+/+/+' -o feed.jsonl --for 10m"
    )]
    Record(Record),
    /// Plays a recording back as its devices would
    ///
    /// With the original spacing, and the devices' own times moved so that it happens now. A service judges by its own
    /// clock: another `--speed` is for load and archive (the recording then begins in the past and ends now), and
    /// `--keep-time` is judged as history.
    #[command(after_help = "Examples:
  citywarden replay feed.jsonl --mqtt mqtt://127.0.0.1:1883
  citywarden replay feed.jsonl --speed 0")]
    Replay(Replay),
    /// Messages that could not be decoded or matched to a device
    #[command(subcommand)]
    Deadletter(DeadLetter),
}

/// Where the configuration is.
#[derive(Debug, Clone, Args)]
pub(crate) struct ConfigFile {
    /// The configuration
    #[arg(short, long = "config", value_name = "FILE", default_value = "citywarden.toml")]
    pub(crate) path: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// An empty folder for its registry and journal; absent: a new one that is removed at the end
    #[arg(long, value_name = "DIR")]
    pub(crate) dir: Option<PathBuf>,
    /// Where the page is
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    pub(crate) listen: SocketAddr,
    /// Where devices connect; port 0 is any free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0")]
    pub(crate) mqtt: SocketAddr,
    /// How many times as fast as real time the county lives
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) speed: u32,
    /// Stops by itself after this long, real time, such as 5m
    #[arg(long = "for", value_name = "DURATION", value_parser = Span::parse)]
    pub(crate) duration: Option<Span>,
    /// Picks another county; the same seed sends the same messages
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,
}

#[derive(Debug, Args)]
pub(crate) struct Check {
    /// The configuration
    #[command(flatten)]
    pub(crate) config: ConfigFile,
    /// Takes the registry's files as they are, although a file lost more rows than it may; a running service follows
    #[arg(long)]
    pub(crate) accept: bool,
    /// Prints one JSON object with counts and problems
    #[arg(long)]
    pub(crate) json: bool,
}

/// Commands about rules.
#[derive(Debug, Subcommand)]
pub(crate) enum Rules {
    /// The rules in force: id, status, severity, clause, title
    #[command(after_help = "Example: citywarden rules list --json")]
    List(RulesAt),
    /// Every mistake in rule files, at its line and column
    ///
    /// Without PATH: the built-in pack, or the rules of the configuration where `--config` is given.
    #[command(after_help = "Example: citywarden rules check rules/chime.toml")]
    Check(RulesAt),
    /// Runs the examples inside rule files
    ///
    /// Prints each example that does not come out as it says, with what was expected and what was found; exits 1 if
    /// there is one.
    #[command(after_help = "Example: citywarden rules test rules/")]
    Test(RulesAt),
    /// Judges a recording, or the journal between two times, offline, and sends nothing
    ///
    /// Prints the alerts it would have raised, in their final state, sorted by beginning, rule and asset. The same input
    /// gives the same bytes, whatever `--batch` says. Finding alerts is exit 0.
    #[command(after_help = "Examples:
  citywarden rules backtest --feed feed.jsonl --json --config citywarden.toml
  citywarden rules backtest --from 2026-11-01T00:00:00+08:00 --to 2026-11-02T00:00:00+08:00 --rules new/ --diff diff.txt")]
    Backtest(Backtest),
    /// Derives one alert again from the journal, or says why there is none
    ///
    /// Prints inputs, values, verdict and the first condition that did not hold.
    #[command(after_help = "Examples:
  citywarden rules explain K5ZQ3V7N2M4TB6XWQH3YRAJD5E
  citywarden rules explain --asset sprinkler-07 --rule sprinkler-chime-loudness --at 2026-11-24T10:00:50+08:00")]
    Explain(Explain),
    /// Writes the built-in pack where it can be edited
    ///
    /// Files that are there already are left alone, and said so.
    #[command(
        after_help = "Example: citywarden rules export rules, then in the configuration: [rules] dir = \"rules\""
    )]
    Export {
        /// The folder to write to; made where it is missing
        dir: PathBuf,
    },
}

#[derive(Debug, Args)]
pub(crate) struct RulesAt {
    /// A rule file, or a folder of them
    pub(crate) path: Option<PathBuf>,
    /// Takes the rules of this configuration
    #[arg(short, long, value_name = "FILE", conflicts_with = "path")]
    pub(crate) config: Option<PathBuf>,
    /// Prints one JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Backtest {
    /// The configuration: registry, region, journal
    #[command(flatten)]
    pub(crate) config: ConfigFile,
    /// Judges by these rules instead of the configured ones
    #[arg(long, value_name = "PATH")]
    pub(crate) rules: Option<PathBuf>,
    /// A recording: JSON lines, one message each, in order of arrival; or give --from and --to for the journal
    #[arg(long, value_name = "RECORDING", conflicts_with_all = ["from", "to"])]
    pub(crate) feed: Option<PathBuf>,
    /// From this time of the journal on (RFC 3339); what comes before only fills windows
    #[arg(long, value_name = "T", value_parser = Timestamp::parse, required_unless_present = "feed")]
    pub(crate) from: Option<Timestamp>,
    /// Up to this time of the journal (RFC 3339)
    #[arg(long, value_name = "T", value_parser = Timestamp::parse, required_unless_present = "feed")]
    pub(crate) to: Option<Timestamp>,
    /// Writes what is added and removed against the alerts that were raised
    #[arg(long, value_name = "FILE")]
    pub(crate) diff: Option<PathBuf>,
    /// Records at a time; has no effect on the result
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) batch: u32,
    /// Prints one alert object a line and nothing else
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// The alert's id
    #[arg(required_unless_present = "asset")]
    pub(crate) alert: Option<String>,
    /// Or an asset, and a time
    #[arg(long, value_name = "A", conflicts_with = "alert", requires = "at")]
    pub(crate) asset: Option<String>,
    /// Only this rule
    #[arg(long, value_name = "R", requires = "asset")]
    pub(crate) rule: Option<String>,
    /// The moment that is asked about (RFC 3339)
    #[arg(long, value_name = "T", value_parser = Timestamp::parse, requires = "asset")]
    pub(crate) at: Option<Timestamp>,
    /// The configuration
    #[command(flatten)]
    pub(crate) config: ConfigFile,
    /// Prints one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

/// Commands about receivers.
#[derive(Debug, Subcommand)]
pub(crate) enum Receivers {
    /// Sends a test notification, once, and says what came back
    #[command(after_help = "Example: citywarden receivers test police-duty")]
    Test {
        /// The receiver's name in the configuration
        name: String,
        /// The configuration
        #[command(flatten)]
        config: ConfigFile,
        /// Prints one JSON object
        #[arg(long)]
        json: bool,
    },
}

/// Commands about the journal.
#[derive(Debug, Subcommand)]
pub(crate) enum Journal {
    /// How much there is, from when to when, in how many segments
    #[command(after_help = "Example: citywarden journal stat --json")]
    Stat(JournalAt),
    /// Each record as a line of a recording, with its offset
    #[command(after_help = "Example: citywarden journal dump --from 1200 --to 1300 > feed.jsonl")]
    Dump {
        /// The first offset
        #[arg(long, value_name = "OFFSET")]
        from: Option<u64>,
        /// The offset to stop before
        #[arg(long, value_name = "OFFSET")]
        to: Option<u64>,
        /// The configuration
        #[command(flatten)]
        config: ConfigFile,
    },
    /// Walks the hash chains of journal and alert log, and the texts they name; a flipped bit is named with its offset
    ///
    /// Needs no key. Exits 0 where all of it is whole, after a crash too: a torn or unsigned tail is intact.
    #[command(after_help = "Example: citywarden journal verify --config citywarden.toml")]
    Verify(JournalAt),
}

#[derive(Debug, Args)]
pub(crate) struct JournalAt {
    /// The configuration
    #[command(flatten)]
    pub(crate) config: ConfigFile,
    /// Prints one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

/// Commands about dead letters.
#[derive(Debug, Subcommand)]
pub(crate) enum DeadLetter {
    /// What could not be decoded or matched, with reason, device and time
    #[command(after_help = "Example: citywarden deadletter list --reason unknown_device")]
    List {
        /// Only those of this reason
        #[arg(long, value_name = "R")]
        reason: Option<String>,
        /// The configuration
        #[command(flatten)]
        config: ConfigFile,
        /// Prints one JSON object a line
        #[arg(long)]
        json: bool,
    },
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;
    use clap::error::ErrorKind;

    use super::*;

    #[test]
    fn the_definitions_are_sound_and_each_command_says_what_it_does() {
        let mut command = Cli::command();
        command.clone().debug_assert();
        let mut waiting: Vec<_> = command.get_subcommands_mut().map(|command| command.clone()).collect();
        let mut seen = 0;
        while let Some(command) = waiting.pop() {
            assert!(command.get_about().is_some(), "{} says nothing", command.get_name());
            let is_leaf = !command.has_subcommands();
            assert!(!is_leaf || command.get_after_help().is_some(), "{} has no example", command.get_name());
            waiting.extend(command.get_subcommands().cloned());
            seen += usize::from(is_leaf);
        }
        assert_eq!(seen, 17);
    }

    #[test]
    fn command_lines_are_read_or_refused() {
        for (line, refused) in [
            ("run --config a.toml", None),
            ("run", None),
            ("check --accept --json", None),
            ("demo --for 5m --speed 20", None),
            ("demo --for 5", Some(ErrorKind::ValueValidation)),
            ("demo --speed 0", Some(ErrorKind::ValueValidation)),
            ("rules list", None),
            ("rules backtest --feed f.jsonl --json --batch 1", None),
            ("rules backtest --json", Some(ErrorKind::MissingRequiredArgument)),
            ("rules backtest --from 2026-11-01T00:00:00Z", Some(ErrorKind::MissingRequiredArgument)),
            ("rules backtest --from 2026-11-01T00:00:00Z --to yesterday", Some(ErrorKind::ValueValidation)),
            ("rules explain K5ZQ3V7N2M4TB6XWQH3YRAJD5E", None),
            ("rules explain --asset a", Some(ErrorKind::MissingRequiredArgument)),
            ("rules explain --asset a --at 2026-11-01T00:00:00Z --rule r", None),
            ("rules export", Some(ErrorKind::MissingRequiredArgument)),
            ("receivers test police --json", None),
            ("journal dump --from 3", None),
            ("deadletter list", None),
            ("simulate x", None),
            ("simulate --list", None),
            ("simulate", Some(ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand)),
            ("simulate x --speed=-1", Some(ErrorKind::ValueValidation)),
            ("simulate x --speed 0 --truth t --mqtt mqtt://u:p@broker:1", None),
            ("simulate x --mqtt broker", Some(ErrorKind::ValueValidation)),
            ("simulate x --start 2026-11-01T00:00:00Z", Some(ErrorKind::MissingRequiredArgument)),
            ("simulate x -o f --start 2026-11-01T00:00:00Z", None),
            ("simulate load --devices 10 --rate 5 --for 3s", None),
            ("simulate load --devices 10 --rate 5", Some(ErrorKind::MissingRequiredArgument)),
            ("simulate load --devices 0 --rate 5 --for 3s", Some(ErrorKind::ValueValidation)),
            ("record -o f --topic a/# --topic b --for 10m", None),
            ("record --topic a/#", Some(ErrorKind::MissingRequiredArgument)),
            ("replay f --speed 2.5 --keep-time", None),
            ("replay", Some(ErrorKind::MissingRequiredArgument)),
            ("other x", Some(ErrorKind::InvalidSubcommand)),
            ("", Some(ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand)),
        ] {
            let arguments = std::iter::once("citywarden").chain(line.split_whitespace());
            let outcome = Cli::try_parse_from(arguments).err().map(|error| error.kind());
            assert_eq!(outcome, refused, "{line}");
        }
    }
}
