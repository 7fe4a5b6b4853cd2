//! `spotstack simulate`: what the policy would have done.

use std::fs::File;
use std::io::{self, BufRead, BufReader, IsTerminal, Write};
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use dialoguer::console::{Style, Term};
use miette::{IntoDiagnostic, WrapErr, miette};
use spot_policy::{Percent, Policy, Seconds};

use super::render::write_whole;
use super::terminal::columns;
use super::{Exit, Global, Result, json, plan};
use crate::chart::terminal::Tone;
use crate::deploy::text::{moment, neutral};
use crate::history::{History, HistoryError, Wanted};
use crate::plan::{Pair, Plan};
use crate::simulate::knobs::{self, Change};
use crate::simulate::replay::{self, Difference, Line};
use crate::simulate::text::LEGEND;
use crate::simulate::{Comparison, Pattern, Report, Setup, Strategy, Workload, compare, text, trace, web};

/// Say what the policy would have done: cost, waiting and Spot share, beside what people do today
///
/// The SpotManager's own rules live through prices, capacity and jobs that were recorded, or that are made up from a seed. Nothing
/// of AWS is asked. With --records the SpotManager's own log is decided anew instead, and every decision that would be another is
/// listed; it exits with 2 if there is one.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The pair, by its name in the spec; else all of them
    pair: Option<String>,
    /// Recorded Spot prices: what `aws ec2 describe-spot-price-history` prints, or a table
    #[arg(long, value_name = "FILE", conflicts_with = "spot_price")]
    history: Option<PathBuf>,
    /// Recorded capacity: a table with `seconds` and a column of 0 and 1 for each zone; else it is made up
    #[arg(long, value_name = "FILE", conflicts_with = "availability")]
    capacity: Option<PathBuf>,
    /// Recorded jobs: a table with `seconds`, and perhaps `jobs` and `service`
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
        conflicts_with_all = ["history", "capacity", "jobs", "sweep", "html", "strategy", "duration", "on_demand_price", "spot_price", "jobs_per_hour"]
    )]
    records: Option<PathBuf>,
    /// text for people, json for programs, csv for tables
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: Format,
    /// Write a page with charts, in one file that needs no network
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
    Csv,
}

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
    let pairs = asked(args, &plan)?;
    let comparisons: Vec<_> =
        pairs.into_iter().map(|pair| comparison(args, &plan, pair, global)).collect::<Result<_>>()?;
    let reports = compare(&comparisons);
    if let Some(path) = &args.html {
        let footer = format!("spotstack {}, {}, seed {}", plan.version, plan.spec, args.seed);
        write_whole(path, &web::html(&reports, &footer))?;
        global.say(&format!("wrote {}", path.display()));
    }
    write(&match args.format {
        Format::Text => told(&reports, global),
        Format::Json => json::pretty(&serde_json::json!({ "pairs": reports }))? + "\n",
        Format::Csv => table(&reports),
    })?;
    Ok(Exit::Done)
}

fn asked<'a>(args: &Args, plan: &'a Plan) -> Result<Vec<&'a Pair>> {
    let pairs: Vec<_> =
        plan.pairs.iter().filter(|pair| args.pair.as_deref().is_none_or(|name| name == pair.name)).collect();
    if pairs.is_empty() {
        let names: Vec<_> = plan.pairs.iter().map(|pair| pair.name.as_str()).collect();
        let name = args.pair.as_deref().unwrap_or_default();
        return Err(miette!(help = format!("the spec has {}", names.join(", ")), "the spec has no pair `{name}`"));
    }
    Ok(pairs)
}

fn comparison(args: &Args, plan: &Plan, pair: &Pair, global: &Global) -> Result<Comparison> {
    let policy = changed(pair.rules.clone(), &args.policy)?;
    let sweep = swept(&policy, &args.sweep)?;
    let setup = Setup {
        history: args.history.as_deref().map(|path| history(path, pair)).transpose()?,
        capacity: args
            .capacity
            .as_deref()
            .map(|path| Ok::<_, miette::Report>((name(path), trace::capacity(&name(path), open(path)?)?)))
            .transpose()?,
        workload: match &args.jobs {
            Some(path) => Workload::Trace(name(path), trace::jobs(&name(path), open(path)?)?),
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

fn name(path: &Path) -> String {
    path.display().to_string()
}

fn open(path: &Path) -> Result<Box<dyn BufRead>> {
    if path.as_os_str() == "-" {
        return Ok(Box::new(BufReader::new(io::stdin())));
    }
    let file = File::open(path).into_diagnostic().wrap_err_with(|| format!("cannot read `{}`", path.display()))?;
    Ok(Box::new(BufReader::with_capacity(1 << 16, file)))
}

/// The prices of the pair's instance type; or, where the file has those of one other type only, of that.
fn history(path: &Path, pair: &Pair) -> Result<(String, History)> {
    let file = name(path);
    // A pair whose groups another template made does not say what its instances are.
    let instance_type = pair.launch.as_ref().map(|launch| launch.instance_type.as_str());
    let history = match History::read(&file, open(path)?, Wanted { instance_type, product: None }) {
        Err(HistoryError::Absent { kinds, .. }) if kinds.len() == 1 && path.as_os_str() != "-" => {
            History::read(&file, open(path)?, Wanted::default())?
        }
        read => read?,
    };
    Ok((file, history))
}

fn told(reports: &[Report], global: &Global) -> String {
    let term = Term::stdout();
    let colored = global.colored_on(io::stdout().is_terminal());
    let paint = move |tone: Tone, text: &str| {
        let style = Style::new().force_styling(colored);
        let style = match tone {
            Tone::Title => style.bold(),
            Tone::Axis => style.dim(),
            Tone::Value => style.green(),
            Tone::Over => style.yellow(),
            Tone::Mark => style.cyan(),
        };
        style.apply_to(text).to_string()
    };
    let width = columns(&term).unwrap_or(80).min(100);
    let reports: Vec<_> = reports.iter().map(|report| text::text(report, width, &paint)).collect();
    let legend: Vec<_> = LEGEND.iter().map(|line| textwrap::fill(line, width)).collect();
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
    let file = name(path);
    let (mut records, mut others, mut different, mut number) = (0_u64, 0_u64, 0_u64, 0_u64);
    let mut out = io::BufWriter::new(io::stdout().lock());
    if args.format == Format::Csv {
        put(&mut out, "line,at,was,would\n")?;
    }
    for text in open(path)?.lines() {
        number += 1;
        let text = text.into_diagnostic().wrap_err_with(|| format!("cannot read line {number} of `{file}`"))?;
        let help = "a log is one record a line, as the SpotManager writes it and `spotstack logs` shows it";
        let line = replay::line(&text).map_err(|what| miette!(help = help, "{file}:{number}: {what}"))?;
        let Line::Record(record) = line else {
            others += 1;
            continue;
        };
        records += 1;
        let policy = changed(record.policy.clone(), &args.policy)?;
        if let Some(difference) = replay::replay(number, &record, &policy) {
            different += 1;
            put(
                &mut out,
                &match args.format {
                    Format::Json => json::line(&difference)? + "\n",
                    Format::Text => neutral(&in_words(&difference)).into_owned() + "\n",
                    Format::Csv => format!(
                        "{number},{},\"{}\",\"{}\"\n",
                        difference.at.0,
                        replay::words(&difference.was),
                        replay::words(&difference.would)
                    ),
                },
            )?;
        }
    }
    out.flush().or_else(closed).into_diagnostic()?;
    if records == 0 {
        return Err(miette!(help = "the SpotManager writes one each time it looks", "`{file}` holds no record"));
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

/// Writes to standard output; whoever closes it has read enough.
fn write(text: &str) -> Result<()> {
    put(&mut io::stdout().lock(), text)
}

fn put(out: &mut impl Write, text: &str) -> Result<()> {
    out.write_all(text.as_bytes()).or_else(closed).into_diagnostic().wrap_err("cannot write to standard output")
}

fn closed(error: io::Error) -> io::Result<()> {
    if error.kind() == io::ErrorKind::BrokenPipe { Ok(()) } else { Err(error) }
}
