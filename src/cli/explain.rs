//! `spotstack explain`: what the SpotManager would do now, and why.

use std::fmt::Write as _;
use std::path::PathBuf;

use dialoguer::console::Term;
use futures_util::future::join_all;
use miette::{IntoDiagnostic, WrapErr, miette};
use serde_json::Value;
use spot_policy::{Policy, Record, Situation, Trigger, Verdict, ZoneVerdict, decide};

use super::account::{account, block_on};
use super::input::Input;
use super::output::{Format, Reader, print, print_json_line, talk};
use super::style::{columns, folding};
use super::{Exit, Global, Result, pairs_asked, plan};
use crate::aws::Account;
use crate::deploy::text::moment;
use crate::deploy::verify::{self, Answer};
use crate::deploy::{Cloud, PairName, Stack};
use crate::neutral::neutral;
use crate::plan::Pair;

/// Ask the SpotManager what it would do now, and why
///
/// It changes nothing. With --situation nobody is asked and nothing is needed but the spec: what it says now is tried on what was seen then. `spotstack
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

pub(super) fn run(args: &Args, global: &Global) -> Result<Exit> {
    let plan = plan(global)?;
    let asked = pairs_asked(&plan, args.pair.as_deref())?;
    if let Some(file) = &args.situation {
        return offline(Input(file), &asked, args.format);
    }
    block_on(async {
        let account = account(global, &plan).await?;
        let stack = account.stack(&plan.stack).await?;
        let stack = stack.ok_or_else(|| {
            miette!(help = "`spotstack deploy` makes it", "there is no stack `{}`, and so nobody to ask", plan.stack)
        })?;
        let answers = join_all(asked.iter().map(|pair| answer(pair, &stack, &account))).await;
        let (mut told, mut exit) = (0, Exit::Done);
        for (pair, answer) in asked.iter().zip(answers) {
            match answer {
                Ok(record) => {
                    if tell(told, "", &pair.name, &record, args.format)? == Reader::Gone {
                        break;
                    }
                    told += 1;
                }
                // The others have something to say all the same.
                Err(report) => {
                    talk(&format!("{report:?}"));
                    exit = Exit::Refused;
                }
            }
        }
        Ok(exit)
    })
}

/// What a pair's SpotManager says.
async fn answer(pair: &Pair, stack: &Stack, account: &Account) -> Result<Box<Record>> {
    let function = verify::function(PairName::of(pair), &stack.outputs).ok_or_else(|| {
        miette!(
            help = "`spotstack status` says more",
            "the stack `{}` ({}) has no SpotManager for `{}`",
            stack.name,
            stack.status,
            pair.name
        )
    })?;
    match verify::read(&account.explain(function).await?) {
        Answer::Record(record) | Answer::Blind { record, .. } => Ok(record),
        Answer::Failed { error, log } => Err(miette!(
            help = format!("the end of its log:\n{log}"),
            "the SpotManager of `{}` fails: {error}",
            pair.name
        )),
    }
}

/// Decides on what a file says was seen, by the policy that the spec says now.
fn offline(file: Input<'_>, asked: &[&Pair], format: Format) -> Result<Exit> {
    let &[pair] = asked else {
        let names: Vec<_> = asked.iter().map(|pair| pair.name.as_str()).collect();
        return Err(miette!(
            help = format!("name one: `spotstack explain {} --situation {}`", names[0], file.0.display()),
            "the spec has several pairs ({}), and a situation does not say whose it is",
            names.join(", ")
        ));
    };
    let seen = situations(&file.text(u64::MAX)?).wrap_err_with(|| format!("cannot explain what {file} says"))?;
    for (index, seen) in seen.into_iter().enumerate() {
        let (record, then) = seen.decide(&pair.rules);
        let then = then.map(|then| format!("  then: {then}\n")).unwrap_or_default();
        let before = format!("{}\n{then}", moment(record.situation.now));
        if tell(index, &before, &pair.name, &record, format)? == Reader::Gone {
            break;
        }
    }
    Ok(Exit::Done)
}

/// One answer of several, and what is to be read before it.
fn tell(index: usize, before: &str, pair: &str, record: &Record, format: Format) -> Result<Reader> {
    match format {
        Format::Json => print_json_line(record),
        Format::Text => {
            let blank = if index == 0 { "" } else { "\n" };
            let text = text_of(pair, record, columns(&Term::stdout()).unwrap_or(120));
            print(&neutral(&format!("{blank}{before}{text}\n")))
        }
    }
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
fn text_of(pair: &str, record: &Record, columns: usize) -> String {
    let folded = |text: &str, margin: &'static str| textwrap::fill(text, folding(columns).subsequent_indent(margin));
    let mut text = folded(&format!("{pair}: {}", record.decision), "  ");
    for reason in &record.because {
        // Writing to a text does not fail.
        let _ = write!(text, "\n{}", folded(&format!("  because {reason}"), "    "));
    }
    let zones = &record.decision.zones;
    if !zones.is_empty() {
        let width = zones.iter().map(|zone| zone.zone.chars().count()).max().unwrap_or_default();
        let _ = write!(text, "\n\n  {:<width$} {:>8} {:>8} {:>8}  Spot", "zone", "USD now", "average", "limit");
        for zone in zones {
            let _ = write!(text, "\n  {}", row(zone, width, record.policy.limit()));
        }
    }
    text
}

fn row(zone: &ZoneVerdict, width: usize, limit: Option<f64>) -> String {
    let usd = |value: Option<f64>| value.map_or_else(|| "-".into(), |value| format!("{value:.4}"));
    let (now, average) = (usd(zone.price.map(|price| price.now)), usd(zone.price.map(|price| price.average)));
    let until = match zone.verdict {
        Verdict::Held { until, .. } => format!(", until {}", moment(until)),
        _ => String::new(),
    };
    format!("{:<width$} {now:>8} {average:>8} {:>8}  {}{until}", zone.zone, usd(limit), zone.verdict)
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
        let narrow = text_of("gpu", &record, 40);
        let (reasons, table) = narrow.split_once("\n\n").expect("reasons and a table");
        assert!(reasons.lines().all(|line| line.len() <= 40), "{narrow}");
        assert!(table.lines().take(2).all(|line| line.len() <= 50), "{narrow}");
        assert_eq!(
            text_of("gpu", &record, 80),
            "\
gpu: nothing to change
  because Spot is worth it in eu-west-1a

  zone        USD now  average    limit  Spot
  eu-west-1a   0.3100   0.3050   0.4675  worth it
  eu-west-1b        -        -   0.4675  on hold: no capacity, until 2026-11-23 20:49:31 UTC"
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
