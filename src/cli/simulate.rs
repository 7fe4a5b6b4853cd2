//! `spotstack simulate`: what the policy would have done.

use std::io::{self, BufRead, Write};
use std::path::{Path, PathBuf};

use clap::builder::{PossibleValuesParser, TypedValueParser};
use dialoguer::console::Term;
use miette::{IntoDiagnostic, WrapErr, miette};
use spot_policy::{Percent, Policy, Seconds};

use super::input::Input;
use super::output::{TableFormat, print, print_json, write_whole, written};
use super::style::{columns, folding};
use super::{Exit, Global, Result, json, pairs_asked, plan};
use crate::deploy::text::moment;
use crate::history::{History, HistoryError, Wanted};
use crate::neutral::neutral;
use crate::plan::{Pair, Plan};
use crate::simulate::knobs::{self, Change};
use crate::simulate::replay::{self, Difference, Line};
use crate::simulate::text::LEGEND;
use crate::simulate::trace::TraceError;
use crate::simulate::{Comparison, Pattern, Report, Setup, Strategy, Workload, compare, text, trace, web};

/// Say what the policy would have cost, beside what people do today
///
/// And how long jobs would have waited, how long nobody would have served, how much would have been Spot, and what happened on the
/// way. The SpotManager's own rules live through prices, capacity and jobs that were recorded, or that are made up from a seed: the
/// same seed, the same numbers on every machine. Nothing of AWS is asked.
///
/// Its numbers are those of a model: On-Demand is always to be had, and every strategy sees the same alarms and sizes its fleet as
/// the SpotManager does, so that only the market differs. Where a capacity trace ends, what runs there is taken back after a warning
/// of two minutes.
///
/// With --records the SpotManager's own log is decided anew instead, and every decision that would be another is listed; it exits
/// with 2 if there is one.
#[derive(Debug, clap::Args)]
#[command(after_long_help = JSON_HELP)]
pub(super) struct Args {
    /// The pair, by its name in the spec; else all of them
    pair: Option<String>,
    /// Recorded Spot prices: what `aws ec2 describe-spot-price-history` prints, or a table
    #[arg(long, value_name = "FILE", conflicts_with = "spot_price")]
    history: Option<PathBuf>,
    /// Recorded capacity: a table with `seconds` and a column for each zone, 1 where Spot is to be had; else it is made up
    #[arg(long, value_name = "FILE", conflicts_with = "availability")]
    capacity: Option<PathBuf>,
    /// Recorded jobs: a table with `seconds` and, perhaps, `jobs` and `service`, the seconds that each takes
    #[arg(long, value_name = "FILE", conflicts_with_all = ["pattern", "jobs_per_hour"])]
    jobs: Option<PathBuf>,
    /// How jobs come that are made up
    #[arg(long, value_name = "NAME", default_value = "steady", value_parser = patterns())]
    pattern: Pattern,
    /// How many; else as many as keep half of the workers busy
    #[arg(long, value_name = "N")]
    jobs_per_hour: Option<f64>,
    /// How long a job takes: from half to half as much again
    #[arg(long, value_name = "DURATION", default_value = "10m")]
    job: Seconds,
    /// How long an instance takes from its launch to its first job
    #[arg(long, value_name = "DURATION", default_value = "3m")]
    boot: Seconds,
    /// How long to look; else as long as what is recorded, or 30d
    #[arg(long, value_name = "DURATION")]
    duration: Option<Seconds>,
    /// USD for an instance-hour of On-Demand; else the spec's, else the pair's max price is taken for it, else 1
    #[arg(long, value_name = "USD")]
    on_demand_price: Option<f64>,
    /// USD for an instance-hour of Spot that does not change
    #[arg(long, value_name = "USD")]
    spot_price: Option<f64>,
    /// The part of the time in which a zone has Spot, where that is made up
    #[arg(long, value_name = "PERCENT", default_value = "90%")]
    availability: Percent,
    /// The part of the messages that never reach the SpotManager; its tick always comes
    #[arg(long, value_name = "PERCENT", default_value = "0.1%")]
    lost: Percent,
    /// The part of the messages that reach it twice
    #[arg(long, value_name = "PERCENT", default_value = "0.1%")]
    duplicated: Percent,
    /// A strategy to compare; may be given again; else all of them
    #[arg(long, value_name = "NAME", value_parser = strategies(), conflicts_with = "sweep")]
    strategy: Vec<Strategy>,
    /// A knob of the policy turned, such as hold=30m; may be given again
    #[arg(long, value_name = "KEY=VALUE", value_parser = Change::one)]
    policy: Vec<Change>,
    /// Values of a knob to compare, such as hold=5m,10m,30m; of several knobs every combination
    #[arg(long, value_name = "KEY=A,B,…", value_parser = Change::several)]
    sweep: Vec<Change>,
    /// What chance is made of: the same number, the same world, on every machine
    #[arg(long, value_name = "N", default_value = "1")]
    seed: u64,
    /// The SpotManager's log, one record a line, to decide anew; - is standard input
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with_all = [
            "pair", "history", "capacity", "jobs", "pattern", "jobs_per_hour", "job", "boot", "duration", "on_demand_price", "spot_price",
            "availability", "lost", "duplicated", "strategy", "sweep", "seed", "html"
        ]
    )]
    records: Option<PathBuf>,
    /// A report to read, the same as JSON, or its tables as CSV
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: TableFormat,
    /// Write a page with charts, in one file that needs no network
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
}

const JSON_HELP: &str = "\
--format json writes one object:
  format    1; a number that changes when a field goes or changes its meaning
  pairs     one for each pair:
    pair, world                   world is where prices, capacity and jobs come from, in words
    start, seconds, seed          when it begins, in seconds since 1970, how long it takes, what chance is made of
    on_demand_usd, policy         what an instance-hour costs; the rules' knobs
    results   one for each strategy, or each variant of the policy:
      name, strategy
      cost_usd, spot_usd, on_demand_usd, saving     saving is 0 to 1 of always On-Demand; null where that costs nothing
      spot_hours, on_demand_hours, spot_share
      jobs      {arrived, done, running, waiting, restarted}
      waiting   {mean, p95, max}: how long jobs waited, in seconds
      unserved  {seconds, share, longest}: when jobs waited and no worker was there or on its way
      fallbacks                   how often On-Demand was turned to; null where a strategy does not
      interruptions, refused, double_capacity_hours
    timeline  {start, width, zones, pieces}: how it went by the SpotManager's rules; null where they were not asked for
With --records a line for each decision that would be another:
  {line, at, was, would, because, unknown}: unknown is what that run did not ask AWS, and the changed policy would have";

fn patterns() -> impl TypedValueParser<Value = Pattern> {
    let of = |name: String| Pattern::ALL.into_iter().find(|(known, _)| *known == name).map(|(_, pattern)| pattern);
    PossibleValuesParser::new(Pattern::ALL.map(|(name, _)| name)).try_map(move |name| of(name).ok_or("no pattern"))
}

fn strategies() -> impl TypedValueParser<Value = Strategy> {
    let of = |name: String| Strategy::ALL.into_iter().find(|strategy| strategy.name() == name);
    PossibleValuesParser::new(Strategy::ALL.map(Strategy::name)).try_map(move |name| of(name).ok_or("no strategy"))
}

/// More variants than this are a slip, and no table that anybody reads.
const MOST_VARIANTS: usize = 1_000;

pub(super) fn run(args: &Args, global: &Global) -> Result<Exit> {
    if let Some(records) = &args.records {
        return replayed(args, records, global);
    }
    let plan = plan(global)?;
    let pairs = pairs_asked(&plan, args.pair.as_deref())?;
    let comparisons: Vec<_> =
        pairs.into_iter().map(|pair| comparison(args, &plan, pair, global)).collect::<Result<_>>()?;
    let reports = compare(&comparisons);
    if let Some(path) = &args.html {
        let footer = format!("spotstack {}, {}, seed {}", plan.version, plan.spec, args.seed);
        write_whole(path, &web::html(&reports, &footer))?;
        global.say(&format!("wrote {}", path.display()));
    }
    match args.format {
        TableFormat::Text => print(&told(&reports, global))?,
        TableFormat::Json => print_json(&serde_json::json!({ "format": 1, "pairs": reports }))?,
        TableFormat::Csv => print(&table(&reports))?,
    };
    Ok(Exit::Done)
}

fn comparison(args: &Args, plan: &Plan, pair: &Pair, global: &Global) -> Result<Comparison> {
    let policy = changed(pair.rules.clone(), &args.policy)?;
    let sweep = swept(&policy, &args.sweep)?;
    let setup = Setup {
        history: args.history.as_deref().map(|path| history(path, pair)).transpose()?,
        capacity: args.capacity.as_deref().map(|path| recorded(path, trace::capacity)).transpose()?,
        workload: match &args.jobs {
            Some(path) => {
                let (name, jobs) = recorded(path, trace::jobs)?;
                Workload::Trace(name, jobs)
            }
            None => Workload::Pattern(args.pattern, args.jobs_per_hour),
        },
        job: args.job,
        boot: args.boot,
        duration: args.duration,
        on_demand: args.on_demand_price.or(pair.on_demand_price),
        spot: args.spot_price,
        availability: args.availability,
        lost: args.lost,
        duplicated: args.duplicated,
        seed: args.seed,
    };
    let region = global.region.as_deref().or(plan.region.as_deref());
    let (scenario, world) = setup.scenario(pair, region, &policy)?;
    let strategies = if args.strategy.is_empty() { Strategy::ALL.to_vec() } else { args.strategy.clone() };
    Ok(Comparison { pair: pair.name.clone(), world, scenario, policy, strategies, sweep })
}

/// A policy with its changes.
fn changed(mut policy: Policy, changes: &[Change]) -> Result<Policy> {
    for change in changes {
        for value in &change.values {
            knobs::set(&mut policy, &change.key, value)?;
        }
    }
    knobs::fits(&policy)?;
    Ok(policy)
}

/// Every combination of the values, each with what it is.
fn swept(policy: &Policy, sweep: &[Change]) -> Result<Vec<(String, Policy)>> {
    let count = sweep.iter().map(|change| change.values.len()).try_fold(1_usize, usize::checked_mul);
    if count.is_none_or(|count| count > MOST_VARIANTS) {
        return Err(miette!(
            help = "give fewer values, or one `--sweep` after the other",
            "more than {MOST_VARIANTS} policies are too many to compare"
        ));
    }
    let mut variants = vec![(Vec::new(), policy.clone())];
    for change in sweep {
        let mut more = Vec::new();
        for (name, policy) in &variants {
            for value in &change.values {
                let mut policy = policy.clone();
                knobs::set(&mut policy, &change.key, value)?;
                let mut name: Vec<String> = name.clone();
                name.push(format!("{}={value}", change.key));
                more.push((name, policy));
            }
        }
        variants = more;
    }
    if sweep.is_empty() {
        return Ok(Vec::new());
    }
    let fit = |(name, policy): (Vec<String>, Policy)| -> Result<(String, Policy)> {
        knobs::fits(&policy)?;
        Ok((name.join(" "), policy))
    };
    variants.into_iter().map(fit).collect()
}

/// What a file says, and its name.
fn recorded<T>(
    path: &Path,
    read: impl FnOnce(&str, Box<dyn BufRead>) -> std::result::Result<T, TraceError>,
) -> Result<(String, T)> {
    let name = Input(path).name();
    let recorded = read(&name, Input(path).open()?)?;
    Ok((name, recorded))
}

/// The prices of the pair's instance type; or, where the file has those of one other type only, of that.
fn history(path: &Path, pair: &Pair) -> Result<(String, History)> {
    let file = Input(path);
    let name = file.name();
    // A pair whose groups another template made does not say what its instances are.
    let instance_type = pair.launch.as_ref().map(|launch| launch.instance_type.as_str());
    let history = match History::read(&name, file.open()?, Wanted { instance_type, product: None }) {
        Err(HistoryError::Absent { kinds, .. }) if kinds.len() == 1 && !file.is_standard() => {
            History::read(&name, file.open()?, Wanted::default())?
        }
        read => read?,
    };
    Ok((name, history))
}

fn told(reports: &[Report], global: &Global) -> String {
    let (width, paint) = (columns(&Term::stdout()).unwrap_or(80).min(100), global.paint());
    let reports: Vec<_> =
        reports.iter().map(|report| text::text(report, width, &|tone, text| paint.chart(tone, text))).collect();
    let legend: Vec<_> = LEGEND.iter().map(|line| textwrap::fill(line, folding(width))).collect();
    format!("{}\n{}\n", reports.join("\n"), legend.join("\n"))
}

/// A line for each result.
fn table(reports: &[Report]) -> String {
    let mut text = String::from(
        "pair,name,strategy,cost_usd,spot_usd,on_demand_usd,saving,spot_hours,on_demand_hours,jobs_arrived,jobs_done,jobs_running,\
         jobs_waiting,jobs_restarted,wait_mean_seconds,wait_p95_seconds,wait_max_seconds,unserved_seconds,unserved_longest_seconds,\
         fallbacks,interruptions,refused,double_capacity_hours\n",
    );
    for report in reports {
        for it in &report.results {
            let outcome = &it.outcome;
            let known = |value: Option<String>| value.unwrap_or_default();
            let cells = [
                report.pair.clone(),
                format!("\"{}\"", it.name.replace('"', "\"\"")),
                outcome.strategy.name().to_owned(),
                outcome.cost_usd.to_string(),
                outcome.spot_usd.to_string(),
                outcome.on_demand_usd.to_string(),
                known(outcome.saving.map(|saving| saving.to_string())),
                outcome.spot_hours.to_string(),
                outcome.on_demand_hours.to_string(),
                outcome.jobs.arrived.to_string(),
                outcome.jobs.done.to_string(),
                outcome.jobs.running.to_string(),
                outcome.jobs.waiting.to_string(),
                outcome.jobs.restarted.to_string(),
                outcome.waiting.mean.to_string(),
                outcome.waiting.p95.to_string(),
                outcome.waiting.max.to_string(),
                outcome.unserved.seconds.to_string(),
                outcome.unserved.longest.to_string(),
                known(outcome.fallbacks.map(|count| count.to_string())),
                outcome.interruptions.to_string(),
                outcome.refused.to_string(),
                outcome.double_capacity_hours.to_string(),
            ];
            text += &(cells.join(",") + "\n");
        }
    }
    text
}

/// Decides every record of a log anew. Differences are told as they are found, so that a log may be of any length.
fn replayed(args: &Args, path: &Path, global: &Global) -> Result<Exit> {
    let file = Input(path);
    let (mut records, mut others, mut different, mut number) = (0_u64, 0_u64, 0_u64, 0_u64);
    let mut out = io::BufWriter::new(io::stdout().lock());
    if args.format == TableFormat::Csv {
        written(out.write_all(b"line,at,was,would\n"))?;
    }
    for text in file.open()?.lines() {
        number += 1;
        let text = text.into_diagnostic().wrap_err_with(|| format!("cannot read line {number} of {file}"))?;
        let help = "a log is one record a line, as the SpotManager writes it and `spotstack logs --raw` shows it";
        let line = replay::line(&text).map_err(|what| miette!(help = help, "{}:{number}: {what}", file.name()))?;
        let Line::Record(record) = line else {
            others += 1;
            continue;
        };
        records += 1;
        let policy = changed(record.policy.clone(), &args.policy)?;
        if let Some(difference) = replay::replay(number, &record, &policy) {
            different += 1;
            let told = match args.format {
                TableFormat::Json => json::line(&difference)?,
                TableFormat::Text => neutral(&in_words(&difference)).into_owned(),
                TableFormat::Csv => format!(
                    "{number},{},\"{}\",\"{}\"",
                    difference.at.0,
                    replay::words(&difference.was),
                    replay::words(&difference.would)
                ),
            };
            written(writeln!(out, "{told}"))?;
        }
    }
    written(out.flush())?;
    if records == 0 {
        return Err(miette!(help = "the SpotManager writes one each time it looks", "{file} holds no record"));
    }
    let rest = if others > 0 { format!("; {others} lines are no records") } else { String::new() };
    global.say(&format!("{different} of {records} decisions would be others{rest}"));
    Ok(if different > 0 { Exit::Different } else { Exit::Done })
}

fn in_words(difference: &Difference) -> String {
    let mut text = format!(
        "{}  line {}: {}, and not: {}",
        moment(difference.at),
        difference.line,
        replay::words(&difference.would),
        replay::words(&difference.was)
    );
    for because in &difference.because {
        text += &format!("\n    because {because}");
    }
    if !difference.unknown.is_empty() {
        text +=
            &format!("\n    but that run did not ask for {}, on which it depends", difference.unknown.join(" and "));
    }
    text
}
