//! `spotstack status`: the stack, its pairs, and what their SpotManagers make of it, on one screen.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal, Write};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use dialoguer::console::Term;
use futures_util::future::join_all;
use serde::Serialize;
use spot_policy::{Market, Record, Timestamp, Trigger};

use super::explain::Format;
use super::link::{self, link};
use super::terminal::{account, block_on, print_line};
use super::{Exit, Global, Result, json, plan};
use crate::aws::Account;
use crate::deploy::cloud::{Group, Resource, ScalingPolicy};
use crate::deploy::fleet::Fleet;
use crate::deploy::stack::Stack;
use crate::deploy::text::{moment, neutral};
use crate::deploy::verify::{self, Answer};
use crate::deploy::{Cloud, CloudError, PairName};
use crate::observe::drift::{Drift, Sides, drift};
use crate::observe::{Alarm, Entry, LogLine};
use crate::package::Package;
use crate::plan::{Groups, Plan};
use crate::template::diff::Document;

mod show;

/// How often `--watch` looks.
const EVERY: Duration = Duration::from_secs(5);

/// How far back the last decisions are looked for, in milliseconds.
const LOOK_BACK: i64 = 3_600_000;

/// Pages of the log at most: an hour of a busy pair.
const PAGES: usize = 5;

/// Decisions that are shown.
const DECISIONS: usize = 4;

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

/// Show on one screen the stack, the queue, both groups, prices, alarms, the last decisions, and what was changed by hand
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
        let mut look = Look { plan: &plan, carried: carried.as_deref(), account: &account, known: None };
        let mut page = Page::new(args, global);
        loop {
            match look.at_all().await {
                Ok(status) => page.show(status)?,
                // While it watches, what passes is waited for.
                Err(error) if args.watch && error.is_passing() => page.lost(&error),
                Err(error) => return Err(error.into()),
            }
            if !args.watch {
                return Ok(Exit::Done);
            }
            tokio::select! {
                () = tokio::time::sleep(EVERY) => {}
                _ = tokio::signal::ctrl_c() => return Ok(Exit::Done),
            }
        }
    })
}

/// Where statuses are shown: one after the other, or in the place of the one before.
struct Page<'a> {
    global: &'a Global,
    format: Format,
    in_place: bool,
    last: Option<Status>,
    lost: bool,
}

impl<'a> Page<'a> {
    fn new(args: &Args, global: &'a Global) -> Self {
        let in_place = args.watch && args.format == Format::Text && io::stdout().is_terminal();
        Self { global, format: args.format, in_place, last: None, lost: false }
    }

    fn show(&mut self, status: Status) -> Result<()> {
        self.lost = false;
        match self.format {
            Format::Json => print_line(&json::line(&status)?),
            Format::Text if self.in_place => self.draw(&status, None),
            Format::Text => {
                if self.last.is_some() {
                    print_line("");
                }
                print_line(&self.text(&status));
            }
        }
        self.last = Some(status);
        Ok(())
    }

    /// AWS does not answer: what was seen last stays, with a word on it.
    fn lost(&mut self, error: &CloudError) {
        let again = std::mem::replace(&mut self.lost, true);
        match self.last.take() {
            Some(status) if self.in_place => {
                self.draw(&status, Some(&error.to_string()));
                self.last = Some(status);
            }
            last => {
                self.last = last;
                if !again {
                    self.global.say(&format!("no answer, trying again: {error}"));
                }
            }
        }
    }

    fn text(&self, status: &Status) -> String {
        let colored = self.global.colored_on(io::stdout().is_terminal());
        let text = show::text(status, colored);
        match status.console.as_deref().filter(|_| link::is_shown(self.global)) {
            Some(url) => text.replacen(&status.stack, &link(url, &status.stack), 1),
            None => text,
        }
    }

    /// Over what is there: each line is written to its end and what is behind it cleared, so that nothing flickers.
    fn draw(&self, status: &Status, trouble: Option<&str>) {
        let (rows, columns) = Term::stdout().size();
        let mut lines: Vec<String> = self.text(status).lines().map(Into::into).collect();
        lines.push(String::new());
        lines.push(match trouble {
            Some(trouble) => format!("no answer, trying again; the above is old: {}", neutral(trouble)),
            None => format!("{}, again every {} s; Ctrl-C ends it", moment(now()), EVERY.as_secs()),
        });
        let (room, columns) = (usize::from(rows).max(4) - 1, usize::from(columns));
        if lines.len() > room {
            let hidden = lines.len() - (room - 1);
            lines.truncate(room - 1);
            lines.push(format!("… {hidden} more lines, which a taller terminal shows"));
        }
        let mut out = String::from("\x1b[H");
        for line in lines {
            out.push_str(&dialoguer::console::truncate_str(&line, columns, "…"));
            out.push_str("\x1b[K\n");
        }
        out.push_str("\x1b[J");
        if self.last.is_none() {
            out.insert_str(0, "\x1b[2J");
        }
        let _ = io::stdout().lock().write_all(out.as_bytes());
        let _ = io::stdout().flush();
    }
}

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}

/// Looks, and remembers what only a deploy changes.
struct Look<'a> {
    plan: &'a Plan,
    carried: Option<&'a str>,
    account: &'a Account,
    known: Option<Known>,
}

/// What only a deploy changes.
struct Known {
    identity: crate::deploy::cloud::Identity,
    /// When the stack was changed last, and its state.
    since: (Option<Timestamp>, String),
    resources: Vec<Resource>,
    /// Nothing, if it may not be read: then what differs from it is not known, and the rest is.
    template: Option<Document>,
}

impl Look<'_> {
    async fn at_all(&mut self) -> std::result::Result<Status, CloudError> {
        let account = self.account;
        let identity = async {
            match &self.known {
                Some(known) => Ok(known.identity.clone()),
                None => account.identity().await,
            }
        };
        let (identity, stack) = tokio::join!(identity, account.stack(&self.plan.stack));
        let (identity, stack) = (identity?, stack?);
        let mut status = Status {
            stack: self.plan.stack.clone(),
            region: identity.region.clone(),
            account: identity.account.clone(),
            status: stack.as_ref().map(|stack| stack.status.0.clone()),
            reason: stack.as_ref().and_then(|stack| stack.reason.clone()),
            since: stack.as_ref().and_then(Stack::since).map(|at| at.0),
            at_work: Vec::new(),
            pairs: Vec::new(),
            console: stack.as_ref().and_then(|stack| account.console(&stack.arn)),
        };
        let Some(stack) = stack else { return Ok(status) };
        let since = (stack.since(), stack.status.0.clone());
        if stack.status.is_in_progress() || self.known.as_ref().is_none_or(|known| known.since != since) {
            let (resources, template) = tokio::join!(account.resources(&stack.arn), account.template(&stack.arn));
            let template = template.ok().and_then(|text| Document::read(&text).ok());
            self.known = Some(Known { identity, since, resources: resources?, template });
        }
        let Some(known) = &self.known else { return Ok(status) };
        if stack.status.is_in_progress() {
            let at_work = known.resources.iter().filter(|resource| resource.status.ends_with("_IN_PROGRESS"));
            status.at_work = at_work.map(|resource| (resource.logical_id.clone(), resource.status.clone())).collect();
        }
        let pairs = PairName::all(self.plan);
        let shared = Shared::read(&pairs, &stack, known, account).await;
        let looks = pairs.iter().map(|&pair| {
            let groups =
                self.plan.pairs.iter().find(|planned| planned.name == pair.name).and_then(|pair| pair.groups.as_ref());
            pair_status(pair, groups, &stack.outputs, self.carried, known, &shared, account)
        });
        status.pairs = join_all(looks).await;
        Ok(status)
    }
}

/// What one question answers for all pairs.
struct Shared {
    alarms: std::result::Result<Vec<Alarm>, CloudError>,
    groups: std::result::Result<Vec<Group>, CloudError>,
}

const ALARMS: [&str; 2] = ["JobsWaitingAlarm", "IdleAlarm"];

impl Shared {
    async fn read(pairs: &[PairName<'_>], stack: &Stack, known: &Known, account: &Account) -> Self {
        let alarms = pairs.iter().flat_map(|pair| ALARMS.iter().filter_map(|alarm| known.name(pair.id, alarm)));
        let alarms: Vec<String> = alarms.map(Into::into).collect();
        let groups =
            pairs.iter().flat_map(|pair| MARKETS.iter().filter_map(|market| group_name(*pair, *market, stack)));
        let groups: Vec<String> = groups.map(Into::into).collect();
        let groups = async {
            // Without names, AWS would tell of every group there is.
            if groups.is_empty() { Ok(Vec::new()) } else { account.groups(&groups).await }
        };
        let (alarms, groups) = tokio::join!(account.alarms(&alarms), groups);
        Self { alarms, groups }
    }
}

const MARKETS: [Market; 2] = [Market::Spot, Market::OnDemand];

fn infix(market: Market) -> &'static str {
    if market == Market::Spot { "Spot" } else { "OnDemand" }
}

fn group_name<'a>(pair: PairName<'_>, market: Market, stack: &'a Stack) -> Option<&'a str> {
    stack.outputs.get(&format!("{}{}GroupName", pair.id, infix(market))).map(String::as_str)
}

impl Known {
    /// The name in AWS of one of a pair's resources.
    fn name(&self, pair_id: &str, suffix: &str) -> Option<&str> {
        let wanted = format!("{pair_id}{suffix}");
        self.resources.iter().find(|resource| resource.logical_id == wanted)?.physical_id.as_deref()
    }
}

/// One pair; what cannot be had of it is said, and does not hide the rest.
async fn pair_status(
    pair: PairName<'_>,
    groups: Option<&Groups>,
    outputs: &BTreeMap<String, String>,
    carried: Option<&str>,
    known: &Known,
    shared: &Shared,
    account: &Account,
) -> PairStatus {
    let mut status = PairStatus {
        pair: pair.name.into(),
        function: verify::function(pair, outputs).map(Into::into),
        groups: groups.map(Groups::both),
        handler: Handler { deployed: None, carried: carried.map(Into::into) },
        ..PairStatus::default()
    };
    let Some(function) = status.function.clone() else {
        status.trouble.push("the stack has no SpotManager for it yet".into());
        return status;
    };
    let log = async {
        let Some(group) = known.name(pair.id, "SpotManagerLogs") else { return Ok::<_, CloudError>(Vec::new()) };
        let (mut lines, mut token) = (Vec::new(), None);
        for _ in 0..PAGES {
            let page = account.log(group, now().0.saturating_mul(1_000) - LOOK_BACK, token.as_deref()).await?;
            lines.extend(page.lines);
            token = page.next;
            if token.is_none() {
                break;
            }
        }
        Ok(lines)
    };
    let policies = join_all(MARKETS.map(|market| async move {
        let name = outputs.get(&format!("{}{}GroupName", pair.id, infix(market)))?;
        Some((market, name.as_str(), account.scaling_policies(name).await))
    }));
    let (code, explained, log, policies) =
        tokio::join!(account.code_sha256(&function), account.explain(&function), log, policies);
    status.handler.deployed = code.ok().flatten();
    match explained.map(|explained| verify::read(&explained)) {
        Ok(Answer::Record(record) | Answer::Blind { record, .. }) => status.record = Some(record),
        Ok(Answer::Failed { error, .. }) => status.trouble.push(format!("the SpotManager fails: {error}")),
        Err(error) => status.trouble.push(format!("the SpotManager cannot be asked: {error}")),
    }
    match &shared.alarms {
        Ok(alarms) => status.alarms = of_pair(pair.id, alarms, known),
        Err(error) => status.trouble.push(format!("the alarms cannot be read: {error}")),
    }
    let entries = match log {
        Ok(lines) => entries(&lines),
        Err(error) => {
            status.trouble.push(format!("the log cannot be read: {error}"));
            Vec::new()
        }
    };
    status.works = status.record.as_deref().map(works);
    status.prices = prices(status.record.as_deref(), &entries);
    status.decisions = decisions(&entries);
    match &shared.groups {
        Ok(groups) => status.drift = Some(all_drift(pair, groups, &policies, known)),
        Err(error) => status.trouble.push(format!("the groups cannot be read: {error}")),
    }
    status
}

fn of_pair(pair_id: &str, alarms: &[Alarm], known: &Known) -> Vec<PairAlarm> {
    let found = ALARMS.iter().filter_map(|&id| {
        let name = known.name(pair_id, id)?;
        Some(PairAlarm { id, alarm: alarms.iter().find(|alarm| alarm.name == name)?.clone() })
    });
    found.collect()
}

/// Reads a log's lines, each with its moment.
fn entries(lines: &[LogLine]) -> Vec<(Timestamp, Entry)> {
    lines.iter().map(|line| (Timestamp(line.at.div_euclid(1_000)), Entry::read(&line.message))).collect()
}

fn works(record: &Record) -> Works {
    match (record.situation.spot.live(), record.situation.on_demand.live()) {
        (0, 0) => Works::None,
        (_, 0) => Works::Spot,
        (0, _) => Works::OnDemand,
        _ => Works::Both,
    }
}

/// The prices that the SpotManager sees; where it has no reason to look, those that it saw last.
fn prices(record: Option<&Record>, entries: &[(Timestamp, Entry)]) -> Option<Prices> {
    let logged = entries.iter().rev().filter_map(|(_, entry)| match entry {
        Entry::Ran(record) => Some(&**record),
        _ => None,
    });
    let record = record.into_iter().chain(logged).find(|record| !record.decision.zones.is_empty())?;
    Some(Prices {
        at: record.situation.now,
        zones: record.decision.zones.clone(),
        max_price: record.policy.max_price,
        limit: record.policy.limit(),
    })
}

/// The last runs that changed something or failed, newest first.
fn decisions(entries: &[(Timestamp, Entry)]) -> Vec<Decided> {
    let told = entries.iter().rev().filter_map(|(at, entry)| match entry {
        Entry::Ran(record) if record.trigger != Trigger::Explain && !record.decision.actions.is_empty() => {
            Some(Decided {
                at: *at,
                trigger: entry.trigger(),
                decision: record.decision.to_string(),
                because: record.because.clone(),
                errors: record.deeds.iter().filter_map(|deed| deed.error.clone()).collect(),
            })
        }
        Entry::Error(error) => Some(Decided {
            at: *at,
            trigger: entry.trigger(),
            decision: error.clone(),
            because: Vec::new(),
            errors: vec![error.clone()],
        }),
        _ => None,
    });
    told.take(DECISIONS).collect()
}

type Policies<'a> = Option<(Market, &'a str, std::result::Result<Vec<ScalingPolicy>, CloudError>)>;

fn all_drift(pair: PairName<'_>, groups: &[Group], policies: &[Policies<'_>], known: &Known) -> Vec<Drift> {
    let mut found = Vec::new();
    for (market, name, policies) in policies.iter().flatten() {
        let Some(group) = groups.iter().find(|group| group.name == *name) else { continue };
        let id = format!("{}{}Group", pair.id, infix(*market));
        let resource = known.template.as_ref().and_then(|template| template.resources().get(&id));
        let policies = policies.as_deref().ok();
        let sides = Sides { market: *market, group, policies, resource, stack: &known.resources, id: pair.id };
        found.extend(drift(sides));
    }
    found
}
