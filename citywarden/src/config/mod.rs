//! The configuration: one TOML file, checked once and completely.
//!
//! ```text
//! text ─▶ Fields (keys, variables, files) ─▶ Config, whose every value the rest can trust
//!                    └─▶ every problem, at file:line:column
//! ```
//!
//! Unknown keys are errors. What a later version will do is refused (a source or receiver that would not work) or
//! warned of (an escalation that would not happen), never passed over. Every key but `region` has a
//! default; `deploy/config.example.toml` holds them all and is tested to say the same as an empty file.

mod archive;
mod broker;
mod fields;
mod host;
mod http;
mod mapping;
mod mqtt;
mod receiver;
mod route;
mod source;
mod tuning;
mod variables;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use citywarden_alerting::outbox::OutboxLimits;
use citywarden_alerting::route::{Pace, Route};
use citywarden_model::{LocalClock, RegionId, TopicMapping};
use citywarden_problems::{Document, Level, Problem, Problems, Source};
use citywarden_rules::EvaluatorOptions;

pub(crate) use archive::ArchiveConfig;
use fields::{Fields, Setting};
pub(crate) use host::{Host, Machine};
pub(crate) use http::{HttpConfig, Role};
pub(crate) use receiver::ReceiverConfig;
pub(crate) use source::SourceConfig;
pub(crate) use tuning::{JournalConfig, WatchConfig};

/// What the service is told. Paths are absolute or start where the process did.
#[derive(Debug, Clone)]
pub(crate) struct Config {
    /// The region it is for.
    pub(crate) region: RegionId,
    /// Where everything is kept that must survive.
    pub(crate) data_dir: PathBuf,
    /// The zone of nights, days and permits.
    pub(crate) local: LocalClock,
    /// The registry's files.
    pub(crate) registry: RegistryConfig,
    /// The rule files; `None`: the built-in pack.
    pub(crate) rules_dir: Option<PathBuf>,
    /// How saves of both are noticed.
    pub(crate) watch: WatchConfig,
    /// Where messages come from; never empty.
    pub(crate) sources: Vec<SourceConfig>,
    /// How topics of others' making are read; becomes part of the registry's version.
    pub(crate) topics: Vec<TopicMapping>,
    /// The page and the API.
    pub(crate) http: HttpConfig,
    /// Whom alerts are sent to.
    pub(crate) receivers: Vec<ReceiverConfig>,
    /// Which alerts go to whom; `None`: they are shown and sent to nobody.
    pub(crate) route: Option<Route>,
    /// When they are sent.
    pub(crate) pace: Pace,
    /// How they are sent.
    pub(crate) delivery: OutboxLimits,
    /// The journal.
    pub(crate) journal: JournalConfig,
    /// Where the archive is.
    pub(crate) archive: ArchiveConfig,
    /// The numbers of the evaluator.
    pub(crate) evaluation: EvaluatorOptions,
}

impl Config {
    /// Where the texts behind digests are kept.
    pub(crate) fn texts_dir(&self) -> PathBuf {
        self.data_dir.join("texts")
    }
}

/// The registry's files.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct RegistryConfig {
    /// Their folder.
    pub(crate) dir: PathBuf,
    /// The share of its rows that a file may lose at once.
    pub(crate) max_loss: f64,
}

/// What came of reading a configuration.
#[derive(Debug)]
pub(crate) struct ConfigReading {
    /// The configuration; `None` where there is an error.
    pub(crate) config: Option<Config>,
    /// Every problem, by file and place.
    pub(crate) problems: Vec<Problem>,
}

/// Reads the configuration at this path.
pub(crate) fn load(path: &Path, host: &dyn Host) -> ConfigReading {
    let name = path.display().to_string();
    let refused = |message: String| {
        let problem = Source::new(&name, "").problem(Level::Error, &(0..0), message);
        ConfigReading { config: None, problems: vec![problem] }
    };
    let content = match host.read(path) {
        Ok(content) => content,
        Err(error) => return refused(format!("the file cannot be read: {error}")),
    };
    match String::from_utf8(content) {
        Ok(text) => read(Source::new(&name, &text), path.parent().unwrap_or(Path::new("")), host),
        Err(error) => {
            refused(format!("the file is not UTF-8 from byte {} on", error.utf8_error().valid_up_to()))
        }
    }
}

/// Reads a configuration's text. Relative paths start at `base`.
pub(crate) fn read(source: Source<'_>, base: &Path, host: &dyn Host) -> ConfigReading {
    let problems = Problems::new();
    let document = Document::parse(source, &problems);
    let setting = Setting { host, base, problems: &problems };
    let config = read_root(Fields { section: document.root(&problems), setting });
    let config = config.filter(|_| !problems.has_errors());
    ConfigReading { config, problems: problems.into_sorted() }
}

fn read_root(root: Fields<'_, '_>) -> Option<Config> {
    let region = region(&root);
    let data_dir = root.path("data_dir").unwrap_or_else(|| root.setting.base.join("data"));
    let local = local_clock(&root);
    let registry = registry(&root);
    let rules_dir = root.inner("rules").and_then(|rules| taken(rules, |rules| rules.path("dir")));
    // a wrong region was reported; the rest is checked all the same
    let known = region.clone().unwrap_or_else(|| RegionId::from(""));
    let (sources, topics) = source::read_all(root.tables("source"), &known);
    let http = http::read(root.inner("http"), root.tables("user"));
    let (receivers, names) = receiver::read_all(root.tables("receiver"), &known);
    let (route, pace) = match root.inner("route") {
        Some(fields) => route::read(fields, &names),
        None => (nobody_told(&root), Pace::default()),
    };
    let archive = section(&root, "archive", |fields| archive::read(fields, &data_dir));
    let mut journal = section(&root, "journal", tuning::journal);
    let largest = sources.iter().map(SourceConfig::payload_bytes_max).max().unwrap_or(0);
    journal.log.record_bytes_max = journal.log.record_bytes_max.max(largest + RECORD_HEAD_BYTES);
    let evaluation = section(&root, "evaluation", |fields| tuning::evaluation(fields, known, local));
    let delivery = section(&root, "delivery", tuning::delivery);
    let watch = section(&root, "watch", tuning::watch);
    root.finish();
    Some(Config {
        region: region?,
        data_dir,
        local,
        registry,
        rules_dir,
        watch,
        sources,
        topics,
        http,
        receivers,
        route,
        pace,
        delivery,
        journal,
        archive,
        evaluation,
    })
}

/// What is written beside a payload in a journal record: topic, device, identity.
const RECORD_HEAD_BYTES: usize = 4 * 1024;

/// Reads a section that may be absent, and reports the keys in it that mean nothing.
fn section<T>(
    root: &Fields<'_, '_>,
    name: &'static str,
    read: impl FnOnce(Option<&Fields<'_, '_>>) -> T,
) -> T {
    let fields = root.inner(name);
    let value = read(fields.as_ref());
    if let Some(fields) = fields {
        fields.finish();
    }
    value
}

fn taken<'d, 't, T>(fields: Fields<'d, 't>, read: impl FnOnce(&Fields<'d, 't>) -> T) -> T {
    let value = read(&fields);
    fields.finish();
    value
}

fn region(root: &Fields<'_, '_>) -> Option<RegionId> {
    let text = root.required("region")?;
    if text.value.len() == 6 && text.value.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(RegionId::from(text.value));
    }
    root.error(
        &text.at,
        format!("`{}` is no region; expected the 6 digits of GB/T 2260, such as 330624", text.value),
    );
    None
}

fn local_clock(root: &Fields<'_, '_>) -> LocalClock {
    let zone = |name: &str| {
        LocalClock::named(name)
            .ok_or_else(|| format!("`{name}` is no time zone; expected a name such as Asia/Shanghai"))
    };
    root.parsed("timezone", zone).unwrap_or_default()
}

fn registry(root: &Fields<'_, '_>) -> RegistryConfig {
    let default = RegistryConfig { dir: root.setting.base.join("registry"), max_loss: 0.2 };
    let Some(fields) = root.inner("registry") else { return default };
    taken(fields, |fields| RegistryConfig {
        dir: fields.path("dir").unwrap_or(default.dir),
        max_loss: fields.share("max_loss", default.max_loss),
    })
}

fn nobody_told(root: &Fields<'_, '_>) -> Option<Route> {
    if root.place("route").is_none() {
        root.warning(&root.at(), "no [route]: alerts are shown on the page and sent to nobody");
    }
    None
}
