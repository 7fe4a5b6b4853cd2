//! `spotstack prices`: what Spot has cost, and when it would have been worth it.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use miette::miette;
use spot_policy::{Percent, Policy, Seconds, Timestamp};

use super::account::{account_in, block_on};
use super::global::is_watched;
use super::input::Input;
use super::output::{TableFormat, print, print_json, write_whole};
use super::{Exit, Global, Result, milliseconds, pairs_asked, plan};
use crate::aws::Account;
use crate::chart::Span;
use crate::deploy::text::count;
use crate::history::{History, Kind, Summary, Wanted};
use crate::plan::Pair;

mod data;
mod page;
mod text;

/// What EC2 remembers.
const LONGEST: Seconds = Seconds(90 * 86_400);

/// What is asked for where nobody says.
const WEEK: Seconds = Seconds(7 * 86_400);

/// Show what Spot has cost in each zone, and when it was worth it
///
/// Prices come from AWS, or from a file; the average and the limit are the SpotManager's own. Instance type, platform and limit
/// are the spec's, pair by pair, or those of the flags; --instance-type without a pair needs no spec.
#[derive(Debug, clap::Args)]
#[command(after_long_help = JSON_HELP)]
pub(super) struct Args {
    /// The pair, by its name in the spec; else all of them
    pair: Option<String>,
    /// How far to look back: at most 90d from AWS, else 7d; of a file all of it
    #[arg(long, value_name = "DURATION")]
    since: Option<Seconds>,
    /// Read the prices from a file and ask nobody: what `aws ec2 describe-spot-price-history` prints, or CSV; - is standard input
    #[arg(long, value_name = "FILE")]
    history: Option<PathBuf>,
    /// The instance type, instead of the spec's
    #[arg(long, value_name = "TYPE")]
    instance_type: Option<String>,
    /// The platform as AWS names it, such as Windows; else the spec's, or Linux/UNIX
    #[arg(long, value_name = "NAME")]
    product: Option<String>,
    /// What Spot may cost, in USD per instance-hour
    #[arg(long, value_name = "USD", value_parser = usd)]
    max_price: Option<f64>,
    /// How far below the max price Spot must be
    #[arg(long, value_name = "PERCENT")]
    headroom: Option<Percent>,
    /// Over how long the price is averaged
    #[arg(long, value_name = "DURATION")]
    window: Option<Seconds>,
    /// What On-Demand costs, in USD per instance-hour; else the spec's, or AWS's price list
    #[arg(long, value_name = "USD", value_parser = usd)]
    on_demand_price: Option<f64>,
    /// A chart and a table, the numbers as JSON, or the prices themselves as CSV, which --history reads
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: TableFormat,
    /// Also write a page with charts and tables, for a browser
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Also write the chart as a picture
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
}

const JSON_HELP: &str = "\
--format json writes one object:
  format      1; a number that changes when a field goes or changes its meaning
  prices      one for each pair:
    pair, region, instance_type, product   null where nobody says
    start, end                             of what is looked at, RFC 3339
    max_price, headroom, window, limit     limit is what Spot may cost to be worth it; both null without a max price
    on_demand_price                        null if it is not known
    worth_it_anywhere                      0 to 1: the part of the time in which at least one zone was worth it
    zones     [{zone, now, mean, weighted_mean, p95, worth_it, since, changes}]; USD per instance-hour
      mean           of the prices that there were, each counted once
      weighted_mean  each weighted by how long it held
      p95            in 95 % of the time Spot cost no more
      since          since when a price is known";

/// A price on the command line.
pub(super) fn usd(text: &str) -> std::result::Result<f64, String> {
    let price = text.parse().ok().filter(|price: &f64| price.is_finite() && *price > 0.0 && *price < 10_000.0);
    price.ok_or_else(|| "a price is USD per instance-hour, such as 0.55".to_owned())
}

/// Whose price is asked for, and what it is compared with.
#[derive(Debug, Default)]
struct Asked {
    pair: Option<String>,
    instance_type: Option<String>,
    product: Option<String>,
    policy: Policy,
    on_demand: Option<f64>,
}

/// What there is to show of one instance type.
#[derive(Debug)]
struct Prices {
    pair: Option<String>,
    region: Option<String>,
    span: Span,
    policy: Policy,
    on_demand: Option<f64>,
    history: History,
    summary: Summary,
}

pub(super) fn run(args: &Args, global: &Global) -> Result<Exit> {
    let since = args.since.unwrap_or(WEEK);
    if since.0 == 0 || args.history.is_none() && since > LONGEST {
        let help = format!("--since is more than 0s and, from AWS, at most {LONGEST}");
        return Err(miette!(help = help, "EC2 remembers Spot prices for {LONGEST}, and {since} were asked for"));
    }
    let (asked, region) = asked(args, global)?;
    if args.svg.is_some() && asked.len() > 1 {
        let names: Vec<_> = asked.iter().filter_map(|one| one.pair.as_deref()).collect();
        return Err(miette!(help = "name the pair", "a picture shows one pair, and the spec has {}", names.join(", ")));
    }
    let prices = match &args.history {
        Some(file) => {
            asked.into_iter().map(|one| recorded(file, one, args.since, global)).collect::<Result<Vec<_>>>()?
        }
        None => block_on(current(asked, region, since, global))?,
    };
    match args.format {
        TableFormat::Text => {
            let text = |prices| text::text(prices, text::columns(), global.paint()) + "\n";
            print(&prices.iter().map(text).collect::<Vec<_>>().join("\n"))?
        }
        TableFormat::Json => print_json(&data::json(&prices))?,
        TableFormat::Csv => print(&data::csv(&prices))?,
    };
    for (file, content) in [
        args.html.as_ref().map(|file| (file, page::page(&prices))),
        args.svg.as_ref().zip(prices.first()).map(|(file, prices)| (file, page::chart(prices).standalone())),
    ]
    .into_iter()
    .flatten()
    {
        write_whole(file, &content)?;
        global.say(&format!("wrote {}", file.display()));
    }
    Ok(Exit::Done)
}

/// What is asked for, and the Region that the spec names.
fn asked(args: &Args, global: &Global) -> Result<(Vec<Asked>, Option<String>)> {
    let flags = |asked: Asked| Asked {
        instance_type: args.instance_type.clone().or(asked.instance_type),
        product: args.product.clone().or(asked.product),
        policy: Policy {
            max_price: args.max_price.or(asked.policy.max_price),
            headroom: args.headroom.unwrap_or(asked.policy.headroom),
            window: args.window.unwrap_or(asked.policy.window),
            ..asked.policy
        },
        on_demand: args.on_demand_price.or(asked.on_demand),
        ..asked
    };
    // A file may say by itself what it is of; so a spec is only read if there is one.
    let optional = args.history.is_some() && !global.file.exists();
    if args.pair.is_none() && (args.instance_type.is_some() || optional) {
        return Ok((vec![flags(Asked::default())], None));
    }
    if !global.file.exists() && args.pair.is_none() {
        let help = "--instance-type names an instance type, --history a file with prices, `--file` another spec";
        return Err(miette!(help = help, "there is no `{}` to say whose prices are asked for", global.file.display()));
    }
    let plan = plan(global)?;
    let pairs = pairs_asked(&plan, args.pair.as_deref())?;
    let (known, unknown): (Vec<_>, Vec<_>) =
        pairs.into_iter().map(|pair| flags(of_pair(pair))).partition(|asked| asked.instance_type.is_some());
    for asked in unknown {
        let pair = asked.pair.unwrap_or_default();
        let what = format!("only AWS knows the instance type of `{pair}`, whose groups another template made");
        let help = format!("`spotstack prices {pair} --instance-type TYPE` shows its prices");
        if known.is_empty() {
            return Err(miette!(help = help, "{what}"));
        }
        global.say(&format!("{what}; {help}"));
    }
    Ok((known, plan.region))
}

/// What the spec says of a pair.
fn of_pair(pair: &Pair) -> Asked {
    Asked {
        pair: Some(pair.name.clone()),
        instance_type: pair.launch.as_ref().map(|launch| launch.instance_type.clone()),
        product: Some(pair.product.name().to_owned()),
        policy: pair.rules.clone(),
        on_demand: pair.on_demand_price,
    }
}

/// The prices in a file, up to its last change; nobody is asked.
fn recorded(file: &Path, asked: Asked, since: Option<Seconds>, global: &Global) -> Result<Prices> {
    let wanted = Wanted { instance_type: asked.instance_type.as_deref(), product: asked.product.as_deref() };
    let file = Input(file);
    let name = file.name();
    let mut history = History::read(&name, file.open()?, wanted)?;
    if !history.others.is_empty() {
        let mut others: Vec<_> = history.others.iter().map(|(kind, count)| format!("{kind} ({count})")).collect();
        let more = others.len().saturating_sub(6);
        others.truncate(6);
        let more = if more > 0 { format!("; and {more} more") } else { String::new() };
        global.say(&format!("{name} also has prices of {}{more}", others.join("; ")));
    }
    let (first, end) = history.span().unwrap_or_default();
    let start = since.map_or(first, |since| Timestamp(end.0.saturating_sub(length(since))).max(first));
    history.since(start);
    Ok(prices(asked, None, Span { start, end }, history))
}

/// A duration as what is taken from a moment.
fn length(duration: Seconds) -> i64 {
    i64::try_from(duration.0).unwrap_or(i64::MAX)
}

/// The prices that AWS tells, up to now.
async fn current(asked: Vec<Asked>, region: Option<String>, since: Seconds, global: &Global) -> Result<Vec<Prices>> {
    let account = account_in(region.as_deref(), global).await?;
    let end = Timestamp(milliseconds(SystemTime::now()) / 1_000);
    let start = Timestamp(end.0.saturating_sub(length(since)));
    let bar = progress(Account::parts(start, end) * asked.len(), global);
    let one = |asked: Asked| {
        let (account, bar) = (&account, &bar);
        async move {
            let kind = Kind {
                instance_type: asked.instance_type.clone().unwrap_or_default(),
                product: asked.product.clone().unwrap_or_else(|| "Linux/UNIX".into()),
            };
            let listed = async {
                match asked.on_demand {
                    Some(price) => Ok(price),
                    None => on_demand_price(account, &kind).await,
                }
            };
            let changes = account.spot_prices(&kind.instance_type, &kind.product, start, end, || bar.inc(1));
            let (changes, on_demand) = tokio::join!(changes, listed);
            let (changes, region) = (changes?, account.region().to_owned());
            if changes.is_empty() {
                let help =
                    format!("is there `{}` in {region}, and is the platform one of AWS's names?", kind.instance_type);
                return Err(miette!(help = help, "{region} has no Spot price of {kind}"));
            }
            let on_demand = on_demand.map_err(|why| bar.suspend(|| global.say(&why))).ok();
            let history = History::new(kind, changes);
            Ok(prices(Asked { on_demand, ..asked }, Some(region), Span { start, end }, history))
        }
    };
    let all = futures_util::future::try_join_all(asked.into_iter().map(one)).await;
    bar.finish_and_clear();
    all
}

/// What AWS's price list says; nothing depends on it, so that there being none is said in a line.
pub(super) async fn on_demand_price(account: &Account, kind: &Kind) -> std::result::Result<f64, String> {
    let why = match account.on_demand_price(&kind.instance_type, &kind.product).await {
        Ok(Some(price)) => return Ok(price),
        Ok(None) => format!("AWS's price list has none of {kind} in {}", account.region()),
        Err(error) => error.to_string(),
    };
    Err(format!("without the On-Demand price, which --on-demand-price can say: {why}"))
}

fn prices(asked: Asked, region: Option<String>, span: Span, history: History) -> Prices {
    let Asked { pair, policy, on_demand, .. } = asked;
    let summary = Summary::new(&history, span, &policy);
    Prices { pair, region, span, policy, on_demand, history, summary }
}

/// How many parts of the history have come; only a person at a terminal wants to see that.
fn progress(parts: usize, global: &Global) -> ProgressBar {
    let target =
        if is_watched() && !global.quiet { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    let bar = ProgressBar::with_draw_target(u64::try_from(parts).ok(), target);
    let asked = format!("asking EC2 for {}", count(parts, "part"));
    match ProgressStyle::with_template("{msg}  {bar:30}  {pos}/{len}") {
        Ok(style) => bar.with_style(style).with_message(asked),
        Err(_) => bar,
    }
}
