//! `citywarden rules explain`: derives one alert again from the journal, or says why there is none.
//!
//! The journal is judged again from its beginning with the rules and registries that were in force at each offset, up to
//! the record that raised the alert, or up to the moment that is asked about.

use std::io::Write as _;
use std::process::ExitCode;
use std::sync::Arc;

use citywarden_alerting::log::read_view;
use citywarden_alerting::{AlertView, What};
use citywarden_journal::{Disk, HostDisk, Places, Reader, Record, Remnant};
use citywarden_model::{Alert, AlertId, AssetId, Change, Offset, RuleId, Timestamp, Transition};
use citywarden_rules::Explanation;
use serde_json::json;

use super::{output, read_config};
use crate::cli::Explain;
use crate::config::Config;
use crate::judge::{JournalEvidence, Judge, Stored, collect_evidence};
use crate::spine::Layout;
use crate::texts::TextStore;

/// How many records are read at a time.
const RECORDS_A_BATCH: usize = 4096;

/// What is to be explained.
struct Question {
    asset: AssetId,
    rule: Option<RuleId>,
    until: Until,
    /// The alert that should come out again.
    alert: Option<Arc<Alert>>,
}

/// Where the journal is read to.
enum Until {
    /// The record that raised the alert, included.
    Record(Offset),
    /// This moment.
    Time(Timestamp),
}

/// Explains, and prints it. Exit 1 where an alert does not come out again as it was raised.
pub(crate) fn run(options: &Explain) -> anyhow::Result<ExitCode> {
    let config = read_config(&options.config)?;
    let question = question(options, &config)?;
    let (judge, raised) = derive(&config, &question)?;
    let rules: Vec<RuleId> = match &question.rule {
        Some(rule) => vec![rule.clone()],
        None => judge.evaluator().rules().rules.iter().map(|rule| rule.id.clone()).collect(),
    };
    let mut out = output();
    let mut explained = 0;
    for rule in rules {
        let Some(explanation) = judge.evaluator().explain(&rule, &question.asset) else { continue };
        explained += 1;
        print(&mut out, &rule, &question.asset, &explanation, options.json)?;
    }
    if explained == 0 {
        anyhow::bail!("{}", unexplained(&judge, &question));
    }
    let is_proved = match &question.alert {
        None => true,
        Some(alert) => prove(&mut out, alert, &raised, options.json)?,
    };
    out.flush()?;
    Ok(if is_proved { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Why there is nothing to explain.
fn unexplained(judge: &Judge<Stored>, question: &Question) -> String {
    let evaluator = judge.evaluator();
    let (asset, rules) = (&question.asset, &evaluator.rules().rules);
    let Some(known) = evaluator.registry().assets.get(asset) else {
        return format!("there was no asset {asset} in the registry in force then");
    };
    match &question.rule {
        Some(rule) if rules.iter().all(|one| one.id != *rule) => {
            format!("there was no rule {rule} in force then")
        }
        Some(rule) => format!("the rule {rule} does not watch {asset}, a {}", known.kind),
        None => format!("no rule in force watched {asset}, a {}, then", known.kind),
    }
}

fn question(options: &Explain, config: &Config) -> anyhow::Result<Question> {
    if let Some(id) = &options.alert {
        let disk: Arc<dyn Disk> = Arc::new(HostDisk);
        let view = read_view(&disk, &Layout::new(&config.data_dir).alerts())?;
        let id = AlertId::from(id.as_str());
        let (alert, offset) = as_raised(&view, &id)
            .ok_or_else(|| anyhow::anyhow!("there is no alert {id} in the alert log"))?;
        return Ok(Question {
            asset: alert.asset.id.clone(),
            rule: Some(alert.rule.clone()),
            until: Until::Record(offset),
            alert: Some(alert),
        });
    }
    let (Some(asset), Some(at)) = (&options.asset, options.at) else {
        anyhow::bail!("expected an alert, or --asset and --at");
    };
    Ok(Question {
        asset: AssetId::from(asset.as_str()),
        rule: options.rule.as_deref().map(RuleId::from),
        until: Until::Time(at),
        alert: None,
    })
}

/// The alert as it was when it was raised, and by which record.
fn as_raised(view: &AlertView, id: &AlertId) -> Option<(Arc<Alert>, Offset)> {
    let (_, events) = view.get(id)?;
    events.iter().find_map(|event| {
        let What::Opened(raise) = &event.what else { return None };
        Some((Arc::new(raise.raised.clone()), event.cause?.moment.offset))
    })
}

/// Judges the journal again; gives the judge as it was then, and the alerts of the asset on the way.
fn derive(config: &Config, question: &Question) -> anyhow::Result<(Judge<Stored>, Vec<Alert>)> {
    let layout = Layout::new(&config.data_dir);
    let disk: Arc<dyn Disk> = Arc::new(HostDisk);
    let stored = Stored::new(TextStore::open(Arc::clone(&disk), &layout.texts())?, config.local);
    let mut judge = Judge::new(config.evaluation.clone(), stored);
    let places = Places::default();
    let mut reader = Reader::open_oldest(&disk, &layout.journal())?.sharing(&places)?;
    let mut evidence = JournalEvidence::new(Arc::clone(&disk), layout.journal(), places);
    let mut raised = Vec::new();
    let mut transitions = Vec::new();
    let mut remnant = Remnant::open(&*disk, &layout.journal())?;
    judge.begin(&remnant.in_force(reader.position())?, &mut transitions)?;
    loop {
        let batch = reader.next_batch(None, RECORDS_A_BATCH)?;
        let mut is_over = batch.is_empty();
        for record in batch.iter() {
            let record = record?;
            if question.until.is_before(&record) {
                is_over = true;
                break;
            }
            judge.take(&record, &mut transitions)?;
        }
        for transition in transitions.drain(..).filter(|transition| transition.asset == question.asset) {
            raised.extend(raised_by(transition, &mut evidence)?);
        }
        if is_over {
            break;
        }
    }
    if let Until::Time(at) = question.until {
        judge.advance(at);
    }
    Ok((judge, raised))
}

impl Until {
    fn is_before(&self, record: &Record<'_>) -> bool {
        match self {
            Self::Record(offset) => *offset < record.offset,
            Self::Time(at) => *at < record.received_at,
        }
    }
}

fn raised_by(mut transition: Transition, evidence: &mut JournalEvidence) -> anyhow::Result<Option<Alert>> {
    collect_evidence(&mut transition, evidence)?;
    Ok(match transition.change {
        Change::Raised { alert, .. } => Some(*alert),
        Change::Cleared(_) | Change::Removed(_) => None,
    })
}

fn print(
    out: &mut impl std::io::Write,
    rule: &RuleId,
    asset: &AssetId,
    explanation: &Explanation,
    as_json: bool,
) -> anyhow::Result<()> {
    let Explanation { verdict, state, limits, values, missing, first_not_held } = explanation;
    if as_json {
        let not_held =
            first_not_held.as_ref().map(|(name, text)| json!({"condition": name, "expression": text}));
        let object = json!({
            "rule": rule, "asset": asset, "verdict": verdict.as_str(), "reason": verdict.reason(),
            "state": state.as_str(), "limits": limits, "values": values, "missing": missing,
            "first_not_held": not_held,
        });
        writeln!(out, "{object}")?;
        return Ok(());
    }
    let reason = verdict.reason().map(|reason| format!(" ({reason})")).unwrap_or_default();
    writeln!(out, "{rule} on {asset}: {}{reason}, state {}", verdict.as_str(), state.as_str())?;
    for (kind, named) in [("limit", limits), ("value", values)] {
        for (name, value) in named {
            writeln!(out, "  {kind}  {name} = {value}")?;
        }
    }
    for name in missing {
        writeln!(out, "  value  {name}: none")?;
    }
    if let Some((name, text)) = first_not_held {
        writeln!(out, "  `{name}` does not hold: {text}")?;
    }
    Ok(())
}

/// Says whether the alert came out again as it was raised.
fn prove(
    out: &mut impl std::io::Write,
    alert: &Alert,
    raised: &[Alert],
    as_json: bool,
) -> anyhow::Result<bool> {
    let again = raised.iter().rev().find(|one| one.rule == alert.rule && one.kind == alert.kind);
    let is_same = again.is_some_and(|again| {
        (&again.id, &again.values, &again.limits, &again.evidence, again.opened_at)
            == (&alert.id, &alert.values, &alert.limits, &alert.evidence, alert.opened_at)
    });
    let words = match (again, is_same) {
        (_, true) => "derived again from the journal, the same",
        (Some(_), false) => "derived again from the journal, and it differs from what was raised",
        (None, false) => "not derived again from the journal that is kept",
    };
    if as_json {
        writeln!(out, "{}", json!({"alert": alert.id, "same": is_same, "result": words, "again": again}))?;
    } else {
        writeln!(out, "alert {}: {words}", alert.id)?;
    }
    Ok(is_same)
}
