//! `spotstack explain`: what the SpotManager would do now, and why.

use std::fmt::Write as _;

use clap::ValueEnum;
use miette::{IntoDiagnostic, miette};
use spot_policy::{Record, Verdict, ZoneVerdict};

use super::terminal::{account, block_on, print_line};
use super::{Exit, Global, Result, plan};
use crate::deploy::text::{moment, neutral};
use crate::deploy::verify::{self, Answer};
use crate::deploy::{Cloud, PairName};

/// Ask the SpotManager what it would do now, and why; it changes nothing
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The pair, by its name in the spec; else all of them
    pair: Option<String>,
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
    let pairs = PairName::all(&plan);
    let asked: Vec<_> = pairs.iter().filter(|pair| args.pair.as_deref().is_none_or(|name| name == pair.name)).collect();
    if asked.is_empty() {
        let names: Vec<_> = pairs.iter().map(|pair| pair.name).collect();
        let name = args.pair.as_deref().unwrap_or_default();
        return Err(miette!(help = format!("the spec has {}", names.join(", ")), "the spec has no pair `{name}`"));
    }
    block_on(async {
        let account = account(global, &plan).await?;
        let stack = account.stack(&plan.stack).await?;
        let stack = stack.ok_or_else(|| {
            miette!(help = "`spotstack deploy` makes it", "there is no stack `{}`, and so nobody to ask", plan.stack)
        })?;
        for pair in asked {
            let function = verify::function(*pair, &stack.outputs).ok_or_else(|| {
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
                    Format::Json => print_line(&serde_json::to_string(&record).into_diagnostic()?),
                    Format::Text => print_line(&neutral(&text(pair.name, &record))),
                },
            }
        }
        Ok(Exit::Done)
    })
}

/// A record for people: the decision, its reasons, the zones.
pub(super) fn text(pair: &str, record: &Record) -> String {
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
    use spot_policy::{FailureKind, Policy, Price, Situation, Timestamp, Trigger, decide};

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
            text("gpu", &record),
            "\
gpu: nothing to change
  because Spot is worth it in eu-west-1a

  zone               USD now   average     limit  Spot
  eu-west-1a          0.3100    0.3050    0.4675  worth it
  eu-west-1b               -         -    0.4675  on hold: no capacity, until 2026-11-23 20:49:31 UTC
"
        );
    }
}
