//! `citywarden journal verify`: whether everything that verdicts and alerts rest on is as it was written. That is the
//! journal, the alert log, and the rules and registries that the journal names by their digests.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use citywarden_alerting::log::read_view;
use citywarden_journal::{
    Body, Control, Disk, Fault, HostDisk, Kept, LogError, Reader, Remnant, Verification, verify,
};
use citywarden_model::{Digest, Offset};
use serde_json::{Value, json};

use super::{output, read_config};
use crate::cli::JournalAt;
use crate::spine::Layout;
use crate::texts::{TextError, TextStore};

/// How many records are read at a time.
const RECORDS_A_BATCH: usize = 4096;

/// What was walked, and what was found.
struct Walked {
    journal: Verification,
    /// `None`: there is no alert log yet.
    alerts: Option<Verification>,
    /// How many texts are kept and whole.
    texts: usize,
    damaged: Vec<Damage>,
}

/// Something that is not as it was written.
struct Damage {
    file: PathBuf,
    /// Where in the file, where that is known.
    byte: Option<u64>,
    /// Of the record, or of the alert log's entry.
    offset: Option<Offset>,
    what: String,
}

/// A record that puts something into force.
enum Named {
    Rules(Digest),
    Registry(Digest),
}

/// Walks all of it and says what is damaged; exit 1 where anything is.
pub(crate) fn run(at: &JournalAt) -> anyhow::Result<ExitCode> {
    let layout = Layout::new(&read_config(&at.config)?.data_dir);
    let walked = walk(&layout)?;
    let mut out = output();
    if at.json {
        writeln!(out, "{}", walked.json())?;
    } else if walked.damaged.is_empty() {
        walked.print(&mut out)?;
    }
    for damage in &walked.damaged {
        writeln!(std::io::stderr(), "{damage}")?;
    }
    Ok(if walked.damaged.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn walk(layout: &Layout) -> anyhow::Result<Walked> {
    let disk: Arc<dyn Disk> = Arc::new(HostDisk);
    let journal = verify(&*disk, &layout.journal(), None)?;
    let mut damaged: Vec<_> = journal.faults.iter().map(Damage::from).collect();
    let alerts = walk_alerts(&disk, &layout.alerts(), &mut damaged)?;
    let texts = TextStore::open(Arc::clone(&disk), &layout.texts())?;
    let (kept, spoilt) = texts.check()?;
    damaged.extend(spoilt.iter().map(Damage::of_text));
    let is_whole = journal.faults.is_empty();
    for (offset, named) in named(&disk, layout, is_whole, &mut damaged)? {
        damaged.extend(absent(&texts, offset, &named));
    }
    Ok(Walked { journal, alerts, texts: kept, damaged })
}

/// The alert log's chain, and whether each entry can be read.
fn walk_alerts(
    disk: &Arc<dyn Disk>,
    dir: &Path,
    damaged: &mut Vec<Damage>,
) -> anyhow::Result<Option<Verification>> {
    let found = match verify(&**disk, dir, None) {
        Err(LogError::Missing { .. }) => return Ok(None),
        Err(LogError::Disk { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
            return Ok(None);
        }
        found => found?,
    };
    damaged.extend(found.faults.iter().map(Damage::from));
    if found.faults.is_empty()
        && let Err(error) = read_view(disk, dir)
    {
        damaged.push(Damage { file: dir.to_owned(), byte: None, offset: None, what: error.to_string() });
    }
    Ok(Some(found))
}

/// Each digest that a record puts into force, with the first record that does. Of a damaged journal nothing is read: its
/// damage is named already.
fn named(
    disk: &Arc<dyn Disk>,
    layout: &Layout,
    is_whole: bool,
    damaged: &mut Vec<Damage>,
) -> anyhow::Result<BTreeMap<Offset, Named>> {
    let mut named = BTreeMap::new();
    let dir = layout.journal();
    let mut reader = Reader::open_oldest(disk, &dir)?;
    match before(&**disk, &dir, reader.position()) {
        Ok(before) => {
            let records = before.iter().filter_map(|kept| kept.record().ok());
            named.extend(records.filter_map(|record| Some((record.offset, in_force(&record.body)?))));
        }
        Err(error) => damaged.push(Damage { file: dir, byte: None, offset: None, what: error.to_string() }),
    }
    if !is_whole {
        return Ok(named);
    }
    loop {
        let batch = reader.next_batch(None, RECORDS_A_BATCH)?;
        if batch.is_empty() {
            return Ok(named);
        }
        for record in batch.iter() {
            let record = record?;
            named.extend(in_force(&record.body).map(|what| (record.offset, what)));
        }
    }
}

/// What was in force before the oldest record, where what outlived retention is whole.
fn before(disk: &dyn Disk, dir: &Path, oldest: Offset) -> Result<Vec<Kept>, LogError> {
    let mut remnant = Remnant::open(disk, dir)?;
    remnant.check()?;
    remnant.in_force(oldest)
}

fn in_force(body: &Body<'_>) -> Option<Named> {
    match body {
        Body::Control(Control::Rules { digest }) => Some(Named::Rules(*digest)),
        Body::Control(Control::Registry { digest }) => Some(Named::Registry(*digest)),
        Body::Control(_) | Body::Message(_) => None,
    }
}

/// What a record names and the store has not, or cannot be read as what it is; a damaged text was named already.
fn absent(texts: &TextStore, offset: Offset, named: &Named) -> Option<Damage> {
    let (what, found) = match named {
        Named::Rules(digest) => ("rules", texts.rule_files(digest).map(drop)),
        Named::Registry(digest) => ("registry", texts.registry(digest).map(drop)),
    };
    let error = found.err().filter(|error| !matches!(error, TextError::Damaged { .. }))?;
    let what = format!("the {what} of this record: {error}");
    Some(Damage { offset: Some(offset), what, ..Damage::of_text(&error) })
}

impl From<&Fault> for Damage {
    fn from(fault: &Fault) -> Self {
        let Fault { path, position, offset, what } = fault;
        let (byte, offset) = (Some(*position), Some(*offset));
        Self { file: path.clone(), byte, offset, what: (*what).to_owned() }
    }
}

impl Damage {
    fn of_text(error: &TextError) -> Self {
        let file = match error {
            TextError::Damaged { path, .. } | TextError::Disk { path, .. } => path.clone(),
            TextError::Absent { dir, .. } => dir.clone(),
            TextError::Form { .. } => PathBuf::new(),
        };
        Self { file, byte: None, offset: None, what: error.to_string() }
    }

    fn json(&self) -> Value {
        json!({"file": self.file, "byte": self.byte, "offset": self.offset, "what": self.what})
    }
}

impl std::fmt::Display for Damage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { file, byte, offset, what } = self;
        match (byte, offset) {
            (Some(byte), Some(offset)) => {
                write!(f, "{} is damaged at byte {byte}, offset {offset}: {what}", file.display())
            }
            (_, Some(offset)) => write!(f, "{}: offset {offset}: {what}", file.display()),
            _ => write!(f, "{what}"),
        }
    }
}

impl Walked {
    fn print(&self, out: &mut impl std::io::Write) -> std::io::Result<()> {
        let Verification { first, next, commits, head, signed_to, checkpoints, signers, unfinished, .. } =
            &self.journal;
        writeln!(out, "whole: records {first} to {next} (not included), {commits} commits, head {head}")?;
        if let Some(signed_to) = signed_to {
            writeln!(out, "signed up to {signed_to} by {checkpoints} checkpoints, keys {signers:?}")?;
        }
        if let Some(unfinished) = unfinished {
            writeln!(out, "after that: {unfinished} (an unfinished commit, no damage)")?;
        }
        match &self.alerts {
            Some(alerts) => writeln!(
                out,
                "alert log whole: entries {} to {} (not included), head {}",
                alerts.first, alerts.next, alerts.head
            )?,
            None => writeln!(out, "no alert log yet")?,
        }
        writeln!(out, "texts whole: {} rules, lists of rules and registries", self.texts)
    }

    fn json(&self) -> Value {
        let found = &self.journal;
        let alerts = self.alerts.as_ref();
        json!({
            "whole": self.damaged.is_empty(),
            "first": found.first,
            "next": found.next,
            "head": found.head,
            "commits": found.commits,
            "checkpoints": found.checkpoints,
            "signed_to": found.signed_to,
            "signers": found.signers,
            "alerts": alerts.map(|log| json!({"first": log.first, "next": log.next, "head": log.head})),
            "texts": self.texts,
            "faults": self.damaged.iter().map(Damage::json).collect::<Vec<_>>(),
        })
    }
}
