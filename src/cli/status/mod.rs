//! `spotstack status`: the stack, its pairs, and what their SpotManagers make of it, on one screen.

use std::time::Duration;

use serde::Serialize;
use spot_policy::{Record, Timestamp};

use super::account::{account, block_on};
use super::output::{Format, Reader};
use super::{Exit, Global, Result, plan};
use crate::observe::Alarm;
use crate::observe::drift::Drift;
use crate::package::Package;
use look::Look;
use page::Page;

mod look;
mod page;
mod show;

/// How often `--watch` looks.
const EVERY: Duration = Duration::from_secs(5);

const JSON_HELP: &str = "\
--format json writes one object, with --watch one a line:
  stack, region, account
  status, reason, since  of the stack: CloudFormation's words, seconds since 1970; null if there is none
  at_work      [[name in the template, state]] of what CloudFormation is at
  pairs        one object for each pair of the spec:
    pair, function
    works      which market has workers: spot, on_demand, both, none; null if it cannot be known
    groups     the groups that another template made, as the spec names them; null if they are the stack's own
    record     what the SpotManager sees and would do: as `explain --format json` writes it; null with `trouble`
    prices     {at, zones: [{zone, price: {now, average}, verdict}], max_price, limit}: as last seen; null if never lately
    alarms     [{id, name, state, reason, since, acts}]; acts is false where somebody has switched its actions off
    decisions  [{at, trigger, decision, because, errors}] of the last hour that changed something or failed, newest first
    handler    {deployed, carried}: hashes of the code
    drift      [{what, fix}]: what was changed by hand and CloudFormation does not see; null if it cannot be known
    trouble    [sentences]: what could not be had, and why";

/// Show how everything is, on one screen
///
/// The queue, both groups, prices, alarms and the last decisions; and what CloudFormation does not see: other code in the function,
/// limits, policies and processes of the groups that somebody has changed by hand.
#[derive(Debug, clap::Args)]
#[command(after_long_help = JSON_HELP)]
pub(super) struct Args {
    /// Look again every five seconds, until Ctrl-C
    #[arg(short, long)]
    watch: bool,
    /// Text to read, or JSON for programs
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: Format,
}

/// How everything is at one moment.
#[derive(Debug, Serialize)]
struct Status {
    stack: String,
    region: String,
    account: String,
    /// CloudFormation's word; nothing if there is no stack.
    status: Option<String>,
    reason: Option<String>,
    /// Seconds since 1970.
    since: Option<i64>,
    /// What CloudFormation is at, if it is: name in the template, state.
    at_work: Vec<(String, String)>,
    pairs: Vec<PairStatus>,
    /// The stack's page in the console.
    #[serde(skip)]
    console: Option<String>,
}

#[derive(Debug, Default, Serialize)]
struct PairStatus {
    pair: String,
    function: Option<String>,
    works: Option<Works>,
    /// The groups that another template made, as the spec names them.
    groups: Option<String>,
    /// What the SpotManager sees and would do.
    record: Option<Box<Record>>,
    prices: Option<Prices>,
    alarms: Vec<PairAlarm>,
    decisions: Vec<Decided>,
    handler: Handler,
    drift: Option<Vec<Drift>>,
    /// What could not be had, and why.
    trouble: Vec<String>,
}

/// Which market has workers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Works {
    Spot,
    OnDemand,
    Both,
    None,
}

/// Spot prices as they were last seen.
#[derive(Debug, Serialize)]
struct Prices {
    at: Timestamp,
    zones: Vec<spot_policy::ZoneVerdict>,
    max_price: Option<f64>,
    limit: Option<f64>,
}

/// An alarm by what it is for.
#[derive(Debug, Serialize)]
struct PairAlarm {
    /// Its name in the template, without the pair's prefix.
    id: &'static str,
    #[serde(flatten)]
    alarm: Alarm,
}

/// A run that changed something, or failed.
#[derive(Debug, PartialEq, Serialize)]
struct Decided {
    at: Timestamp,
    trigger: String,
    decision: String,
    because: Vec<String>,
    errors: Vec<String>,
}

/// Hashes of the code, in AWS's base64.
#[derive(Debug, Default, Serialize)]
struct Handler {
    deployed: Option<String>,
    carried: Option<String>,
}

pub(super) fn run(args: &Args, global: &Global) -> Result<Exit> {
    let plan = plan(global)?;
    let carried = Package::carried(plan.architecture).ok().map(|package| package.code_sha256());
    block_on(async {
        let account = account(global, &plan).await?;
        let mut look = Look::new(&plan, carried.as_deref(), &account);
        let mut page = Page::new(args, global);
        loop {
            let reader = match look.at_all().await {
                Ok(status) => page.show(status)?,
                // While it watches, what passes is waited for.
                Err(error) if args.watch && error.is_passing() => page.lost(&error)?,
                Err(error) => return Err(error.into()),
            };
            if !args.watch || reader == Reader::Gone {
                return Ok(Exit::Done);
            }
            tokio::select! {
                () = tokio::time::sleep(EVERY) => {}
                _ = tokio::signal::ctrl_c() => return Ok(Exit::Done),
            }
        }
    })
}
