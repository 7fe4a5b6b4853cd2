//! `spotstack explain`: what the SpotManager would do now, and why.

use std::fmt::Write as _;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::{fs, io};

use clap::ValueEnum;
use miette::{IntoDiagnostic, WrapErr, miette};
use serde_json::Value;
use spot_policy::{Policy, Record, Situation, Trigger, Verdict, ZoneVerdict, decide};

use super::terminal::{account, block_on, print_line};
use super::{Exit, Global, Result, json, pairs_asked, plan};
use crate::deploy::text::{moment, neutral};
use crate::deploy::verify::{self, Answer};
use crate::deploy::{Cloud, PairName};
use crate::plan::Plan;

/// Ask the SpotManager what it would do now, and why; it changes nothing
///
/// With --situation nobody is asked and nothing is needed but the spec: what it says now is tried on what was seen then. `spotstack
/// logs --raw` gives such records, `--format json` too.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The pair, by its name in the spec; else all of them
    pair: Option<String>,
    /// Situations or whole records as JSON, one or many, to decide on by the spec's policy, offline; `-` is standard input
    #[arg(long, value_name = "FILE")]
    situation: Option<PathBuf>,
    /// Text to read, or the records as JSON, one a line
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: Format,
}

/// For whom an answer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// People
    Text,
    /// Programs
    Json,
}

pub(super) fn run(args: &Args, global: &Global) -> Result<Exit> {
    let plan = plan(global)?;
    let asked = pairs_asked(&plan, args.pair.as_deref())?;
    if let Some(file) = &args.situation {
        return offline(file, &asked, &plan, args.format);
    }
    block_on(async {
        let account = account(global, &plan).await?;
        let stack = account.stack(&plan.stack).await?;
        let stack = stack.ok_or_else(|| {
            miette!(help = "`spotstack deploy` makes it", "there is no stack `{}`, and so nobody to ask", plan.stack)
        })?;
        for pair in asked {
            let function = verify::function(pair, &stack.outputs).ok_or_else(|| {
                miette!(
                    help = "`spotstack status` says more",
                    "the stack `{}` ({}) has no SpotManager for `{}`",
                    stack.name,
                    stack.status,
                    pair.name
                )
            })?;
            let explained = account.explain(function).await?;
            match verify::read(&explained) {
                Answer::Failed { error, log } => {
                    return Err(miette!(
                        help = format!("the end of its log:\n{log}"),
                        "the SpotManager of `{}` fails: {error}",
                        pair.name
                    ));
                }
                Answer::Record(record) | Answer::Blind { record, .. } => match args.format {
                    Format::Json => print_line(&json::line(&record)?),
                    Format::Text => print_line(&neutral(&text_of(pair.name, &record))),
                },
            }
        }
        Ok(Exit::Done)
    })
}

/// Decides on what a file says was seen, by the policy that the spec says now.
fn offline(file: &Path, asked: &[PairName<'_>], plan: &Plan, format: Format) -> Result<Exit> {
    let &[pair] = asked else {
        let names: Vec<_> = asked.iter().map(|pair| pair.name).collect();
        return Err(miette!(
            help = format!("name one: `spotstack explain {} --situation {}`", names[0], file.display()),
            "the spec has several pairs ({}), and a situation does not say whose it is",
            names.join(", ")
        ));
    };
    let planned = plan.pairs.iter().find(|planned| planned.name == pair.name);
    let policy = planned.map(|planned| planned.rules.clone()).unwrap_or_default();
    let name = if file == Path::new("-") { "standard input".into() } else { format!("`{}`", file.display()) };
    let text = if file == Path::new("-") {
        let mut text = String::new();
        io::stdin().read_to_string(&mut text).map(|_| text)
    } else {
        fs::read_to_string(file)
    };
    let text = text.into_diagnostic().wrap_err_with(|| format!("cannot read {name}"))?;
    let seen = situations(&text).wrap_err_with(|| format!("cannot explain what {name} says"))?;
    for (index, seen) in seen.into_iter().enumerate() {
        let (record, then) = seen.decide(&policy);
        match format {
            Format::Json => print_line(&json::line(&record)?),
            Format::Text => {
                let blank = if index == 0 { "" } else { "\n" };
                let at = moment(record.situation.now);
                let then = then.map(|then| format!("\n  then: {then}")).unwrap_or_default();
                print_line(&neutral(&format!("{blank}{at}{then}\n{}", text_of(pair.name, &record))));
            }
        }
    }
    Ok(Exit::Done)
}

/// What was seen, and what woke whoever saw it; of a record also what was decided then.
struct Seen {
    situation: Situation,
    record: Option<Record>,
}

impl Seen {
    /// The record as it would be by this policy, and what was decided otherwise then.
    fn decide(self, policy: &Policy) -> (Record, Option<String>) {
        let decision = decide(policy, &self.situation);
        let then = self.record.as_ref().map(|record| record.decision.to_string());
        let then = then.filter(|then| *then != decision.to_string());
        (Record::new(Trigger::Explain, policy.clone(), self.situation, decision, vec![], true), then)
    }
}

/// Every situation in a text of JSON values. What a log has beside records is passed over.
fn situations(text: &str) -> Result<Vec<Seen>> {
    let mut seen = Vec::new();
    for (index, value) in serde_json::Deserializer::from_str(text).into_iter::<Value>().enumerate() {
        let value = value.into_diagnostic().wrap_err_with(|| format!("value {} is not JSON", index + 1))?;
        let wrong = |error: serde_json::Error| {
            miette!(
                help = "a situation has all fields that a record's has: `spotstack explain --format json` writes one to change",
                "value {} is no situation: {error}",
                index + 1
            )
        };
        let of_a_log = ["error", "ignored", "type", "_aws"].iter().any(|key| value.get(key).is_some());
        if value.get("situation").is_some() {
            let record: Record = serde_json::from_value(value).map_err(wrong)?;
            seen.push(Seen { situation: record.situation.clone(), record: Some(record) });
        } else if !of_a_log {
            let situation = serde_json::from_value(value).map_err(wrong)?;
            seen.push(Seen { situation, record: None });
        }
    }
    if seen.is_empty() {
        return Err(miette!("there is no situation and no record in it"));
    }
    Ok(seen)
}

/// A record for people: the decision, its reasons, the zones.
fn text_of(pair: &str, record: &Record) -> String {
    let mut text = format!("{pair}: {}", record.decision);
    for reason in &record.because {
        let _ = write!(text, "\n  because {reason}");
    }
    if !record.decision.zones.is_empty() {
        let _ = write!(text, "\n\n  {:<16} {:>9} {:>9} {:>9}  Spot", "zone", "USD now", "average", "limit");
        for zone in &record.decision.zones {
            let _ = write!(text, "\n  {}", row(zone, record.policy.limit()));
        }
        text.push('\n');
    }
    text
}

fn row(zone: &ZoneVerdict, limit: Option<f64>) -> String {
    let usd = |value: Option<f64>| value.map_or_else(|| "-".into(), |value| format!("{value:.4}"));
    let (now, average) = (usd(zone.price.map(|price| price.now)), usd(zone.price.map(|price| price.average)));
    let until = match zone.verdict {
        Verdict::Held { until, .. } => format!(", until {}", moment(until)),
        _ => String::new(),
    };
    format!("{:<16} {now:>9} {average:>9} {:>9}  {}{until}", zone.zone, usd(limit), zone.verdict)
}

#[cfg(test)]
mod tests {
    use super::*;
    use spot_policy::{Fact, FailureKind, Group, Price, Queue, Timestamp};

    #[test]
    fn a_record_is_told_with_its_prices() {
        let policy = Policy { max_price: Some(0.55), ..Policy::default() };
        let situation = Situation::default();
        let mut decision = decide(&policy, &situation);
        let held = Verdict::Held { because: FailureKind::Capacity, until: Timestamp(1_795_466_971) };
        decision.zones = vec![
            ZoneVerdict {
                zone: "eu-west-1a".into(),
                price: Some(Price { now: 0.31, average: 0.305 }),
                verdict: Verdict::Open,
            },
            ZoneVerdict { zone: "eu-west-1b".into(), price: None, verdict: held },
        ];
        let mut record = Record::new(Trigger::Explain, policy, situation, decision, vec![], false);
        record.because = vec!["Spot is worth it in eu-west-1a".into()];
        assert_eq!(
            text_of("gpu", &record),
            "\
gpu: nothing to change
  because Spot is worth it in eu-west-1a

  zone               USD now   average     limit  Spot
  eu-west-1a          0.3100    0.3050    0.4675  worth it
  eu-west-1b               -         -    0.4675  on hold: no capacity, until 2026-11-23 20:49:31 UTC
"
        );
    }

    #[test]
    fn situations_and_records_are_decided_by_another_policy() {
        let queue = Fact::Known(Queue { visible: 3, in_flight: 0 });
        let group = Group { max: 4, launches: Fact::Known(vec![]), ..Group::default() };
        let situation = Situation { queue, spot: group.clone(), on_demand: group, ..Situation::default() };
        let old = Policy { max: 1, ..Policy::default() };
        let decision = decide(&old, &situation);
        let then = decision.to_string();
        let record = Record::new(Trigger::Tick, old, situation.clone(), decision, vec![], false);
        let (situation, record) = (serde_json::to_string_pretty(&situation), serde_json::to_string(&record));
        let text = format!("{}\n{{\"ignored\":\"x\"}}\n{}", situation.expect("JSON"), record.expect("JSON"));
        let seen = situations(&text).expect("two");
        let new = Policy { max: 4, ..Policy::default() };
        let decided: Vec<_> = seen.into_iter().map(|seen| seen.decide(&new)).collect();
        assert_eq!(decided.len(), 2);
        assert_eq!(decided[0].0, decided[1].0);
        assert_eq!((decided[0].1.as_deref(), decided[1].1.as_deref()), (None, Some(then.as_str())));
        for (text, why) in
            [("{}", "missing field"), ("{", "not JSON"), ("", "no situation"), ("{\"error\":\"x\"}", "no situation")]
        {
            let error = situations(text).err().map(|error| format!("{error:?}")).unwrap_or_default();
            assert!(error.contains(why), "{text}: {error}");
        }
    }
}
