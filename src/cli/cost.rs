//! `spotstack cost`: what a stack costs a month besides its instances, and what an hour of them costs.

use std::fmt::Write as _;

use dialoguer::console::Term;
use serde_json::{Value, json};

use super::account::{account, block_on};
use super::output::{Format, print_json, print_line};
use super::prices::{on_demand_price, usd};
use super::style::{columns, folding};
use super::{Exit, Global, Result, checked, pairs_asked, planned};
use crate::cost::{Bill, PRICES, bills};
use crate::history::Kind;
use crate::plan::{Pair, Plan};

/// Show what each pair costs a month, line by line
///
/// And what an hour of its workers costs. Everything but the On-Demand price is known offline; that one is the flag's, the spec's `on_demand_price`, or AWS's.
#[derive(Debug, clap::Args)]
#[command(after_long_help = JSON_HELP)]
pub(super) struct Args {
    /// The pair, by its name in the spec; else all of them
    pair: Option<String>,
    /// What On-Demand costs, in USD per instance-hour; else the spec's, or AWS's price list
    #[arg(long, value_name = "USD", value_parser = usd)]
    on_demand_price: Option<f64>,
    /// Do not ask AWS for the On-Demand price
    #[arg(long)]
    offline: bool,
    /// Text to read, or JSON
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: Format,
}

const JSON_HELP: &str = "\
--format json writes one object:
  format     1; a number that changes when a field goes or changes its meaning
  prices     {region, date, sure}: of where, as of when, and how sure the prices are
  assumed    what is assumed of a month
  pairs      [{pair, usd, usd_with_free_tier, lines, worker_hour}]; USD a month
    lines        [{item, what, quantity, unit, usd, usd_with_free_tier}]
    worker_hour  {instance_type, spot_at_most, on_demand}; USD, null where it is not known
  sources    {item: {usd, per, unit, free, source}}";

/// What an hour of a worker costs.
#[derive(Debug)]
struct WorkerHour {
    instance_type: Option<String>,
    spot_at_most: Option<f64>,
    on_demand: Option<f64>,
}

pub(super) fn run(args: &Args, global: &Global) -> Result<Exit> {
    let (spec, plan) = planned(&global.file)?;
    // What else there is to say about the spec is for `check`.
    let (template, _) = checked(&spec, &plan, global)?;
    let pairs = pairs_asked(&plan, args.pair.as_deref())?;
    // All pairs share the account's free tier, whichever is shown.
    let bills = bills(&plan, &template.to_json()).into_iter();
    let bills = bills.filter(|bill| pairs.iter().any(|pair| pair.name == bill.pair));
    let shown: Vec<_> = bills.zip(worker_hours(&pairs, &plan, args, global)?).collect();
    match args.format {
        Format::Json => print_json(&json(&shown))?,
        Format::Text => {
            let region = global.region.as_deref().or(plan.region.as_deref());
            print_line(&text(&shown, region, columns(&Term::stdout()).unwrap_or(80).min(80)))?
        }
    };
    Ok(Exit::Done)
}

/// What an hour of each pair's workers costs; AWS is asked for what nobody has said.
fn worker_hours(pairs: &[&Pair], plan: &Plan, args: &Args, global: &Global) -> Result<Vec<WorkerHour>> {
    let said = |pair: &Pair| args.on_demand_price.or(pair.on_demand_price);
    let unknown = pairs.iter().any(|pair| said(pair).is_none() && pair.launch.is_some());
    let listed = if unknown && !args.offline { block_on(listed(pairs, plan, &said, global))? } else { vec![] };
    let hour = |(index, pair): (usize, &&Pair)| {
        let on_demand = said(pair).or(listed.get(index).copied().flatten());
        WorkerHour {
            instance_type: pair.launch.as_ref().map(|launch| launch.instance_type.clone()),
            // Without a max price AWS caps Spot at the On-Demand price.
            spot_at_most: pair.rules.max_price.or(on_demand),
            on_demand,
        }
    };
    Ok(pairs.iter().enumerate().map(hour).collect())
}

async fn listed(
    pairs: &[&Pair],
    plan: &Plan,
    said: &impl Fn(&Pair) -> Option<f64>,
    global: &Global,
) -> Result<Vec<Option<f64>>> {
    let account = match account(global, plan).await {
        Ok(account) => account,
        Err(error) => {
            global.say(&format!("without the On-Demand price, which --on-demand-price can say: {error}"));
            return Ok(vec![]);
        }
    };
    let mut prices = Vec::new();
    for pair in pairs {
        let launch = pair.launch.as_ref().filter(|_| said(pair).is_none());
        prices.push(match launch {
            None => None,
            Some(launch) => {
                let kind = Kind { instance_type: launch.instance_type.clone(), product: pair.product.name().into() };
                match on_demand_price(&account, &kind).await {
                    Ok(price) => Some(price),
                    Err(why) => {
                        global.say(&why);
                        // Who did not answer for one does not for the others.
                        return Ok(prices);
                    }
                }
            }
        });
    }
    Ok(prices)
}

fn json(shown: &[(Bill, WorkerHour)]) -> Value {
    let pairs = shown.iter().map(|(bill, hour)| {
        json!({
            "pair": bill.pair,
            "usd": bill.usd,
            "usd_with_free_tier": bill.usd_with_free_tier,
            "lines": bill.lines,
            "worker_hour": {
                "instance_type": hour.instance_type,
                "spot_at_most": hour.spot_at_most,
                "on_demand": hour.on_demand,
            },
        })
    });
    json!({
        "format": 1,
        "prices": {"region": PRICES.region, "date": PRICES.date, "sure": PRICES.sure},
        "assumed": PRICES.assumed,
        "pairs": pairs.collect::<Vec<_>>(),
        "sources": PRICES.items,
    })
}

/// Where there is less room, how many of each is left out.
const WIDE: usize = 71;

fn text(shown: &[(Bill, WorkerHour)], region: Option<&str>, columns: usize) -> String {
    let items = if columns < WIDE { 26 } else { 50 };
    let mut text = String::new();
    let row = |text: &mut String, item: &str, usd: &str, free: &str| {
        // Writing to a text does not fail.
        let _ = writeln!(text, "{item:<0$}{usd:>8}  {free:>9}", items + 2);
    };
    for (bill, hour) in shown {
        row(&mut text, &format!("{}, a month", bill.pair), "USD", "free tier");
        for line in &bill.lines {
            let item = match columns < WIDE {
                true => format!("  {}", line.what),
                false => format!("  {:<30}{:>9} {:<10}", line.what, quantity(line.quantity), line.unit),
            };
            row(&mut text, &item, &cents(line.usd), &cents(line.usd_with_free_tier));
        }
        row(&mut text, "  all but the instances", &cents(bill.usd), &cents(bill.usd_with_free_tier));
        let hour = textwrap::fill(&words(hour), folding(columns).initial_indent("  ").subsequent_indent("  "));
        let _ = writeln!(text, "\n{hour}\n");
    }
    let assumed = PRICES.assumed;
    let elsewhere = match region {
        Some(region) if region != PRICES.region => {
            format!(" {region} may cost more: its own prices are not known here.")
        }
        _ => String::new(),
    };
    let note = format!(
        "Prices of {} as of {}, {}.{elsewhere} The free tier is the account's, if nothing else there uses it. Assumed: a run takes {} s \
         and writes {} bytes of log; {} events a month; something changes in {} of its {} hours.",
        PRICES.region,
        PRICES.date,
        PRICES.sure,
        assumed.run_seconds,
        assumed.log_bytes,
        assumed.events,
        assumed.hours_of_change,
        assumed.hours
    );
    text + &textwrap::fill(&note, folding(columns))
}

/// What an hour of a worker costs, in words.
fn words(hour: &WorkerHour) -> String {
    let Some(instance_type) = &hour.instance_type else {
        return "a worker-hour: only AWS knows the instance type of groups that another template made".into();
    };
    let worker = format!("a worker-hour, {instance_type}:");
    match (hour.spot_at_most, hour.on_demand) {
        (Some(spot), Some(on_demand)) => format!("{worker} Spot {spot} USD at most, On-Demand {on_demand}"),
        (Some(spot), None) => format!("{worker} Spot {spot} USD at most, On-Demand not known"),
        (None, _) => format!("{worker} Spot no more than On-Demand, which is not known"),
    }
}

/// `0.31`; less than a cent is not nothing.
fn cents(usd: f64) -> String {
    if usd > 0.0 && usd < 0.005 { "<0.01".into() } else { format!("{usd:.2}") }
}

/// `43,800`, or `0.069`.
fn quantity(quantity: f64) -> String {
    if quantity < 100.0 {
        let text = format!("{quantity:.3}");
        return text.trim_end_matches('0').trim_end_matches('.').to_owned();
    }
    let digits = format!("{quantity:.0}");
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cost::Line;

    #[test]
    fn numbers_are_short() {
        let quantities = [3.0, 0.0687, 1_145.0, 45_800.0, 1_000_000.0, 999.6].map(quantity);
        assert_eq!(quantities, ["3", "0.069", "1,145", "45,800", "1,000,000", "1,000"]);
        assert_eq!([0.0, 0.004, 0.006, 3.0].map(cents), ["0.00", "<0.01", "0.01", "3.00"]);
    }

    #[test]
    fn a_bill_fits_a_narrow_terminal() {
        let line = |what, item| Line {
            item,
            what,
            quantity: 1_145.0,
            unit: "GB-s".into(),
            usd: 0.02,
            usd_with_free_tier: 0.0,
        };
        let lines = vec![line("the SpotManager's time", "lambda_time"), line("its looks at the queue", "sqs")];
        let bill = Bill { pair: "gpu".into(), lines, usd: 0.04, usd_with_free_tier: 0.0 };
        let hour = WorkerHour { instance_type: Some("g5.2xlarge".into()), spot_at_most: Some(0.55), on_demand: None };
        let shown = [(bill, hour)];
        for columns in [48, 70, 80] {
            let text = text(&shown, Some("eu-west-1"), columns);
            assert!(text.lines().all(|line| line.chars().count() <= columns), "{columns}\n{text}");
            // Numbers stand under their heads.
            let ends: Vec<_> = text.lines().take(4).map(|line| line.chars().count()).collect();
            assert!(ends.iter().all(|end| *end == ends[0]), "{text}");
            assert_eq!(text.contains("1,145 GB-s"), columns >= WIDE, "{text}");
        }
    }

    #[test]
    fn an_hour_is_told_as_far_as_it_is_known() {
        let hour =
            |spot_at_most, on_demand| WorkerHour { instance_type: Some("g5.2xlarge".into()), spot_at_most, on_demand };
        for (hour, says) in [
            (hour(Some(0.55), Some(1.212)), "Spot 0.55 USD at most, On-Demand 1.212"),
            (hour(Some(0.55), None), "Spot 0.55 USD at most, On-Demand not known"),
            (hour(None, None), "Spot no more than On-Demand, which is not known"),
        ] {
            assert_eq!(words(&hour), format!("a worker-hour, g5.2xlarge: {says}"));
        }
    }
}
