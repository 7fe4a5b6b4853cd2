//! How everything is, asked of AWS: what is the same for all pairs once, the rest pair by pair at the same time.

use std::collections::BTreeMap;
use std::time::SystemTime;

use futures_util::future::join_all;
use spot_policy::{Market, Record, Timestamp, Trigger};

use super::{Decided, Handler, PairAlarm, PairStatus, Prices, Status, Works};
use crate::aws::Account;
use crate::cli::milliseconds;
use crate::deploy::cloud::{Group, Identity, Resource, ScalingPolicy};
use crate::deploy::fleet::Fleet;
use crate::deploy::stack::Stack;
use crate::deploy::verify::{self, Answer};
use crate::deploy::{Cloud, CloudError, PairName};
use crate::observe::drift::{Drift, Sides, drift};
use crate::observe::{Alarm, Entry, LogLine};
use crate::plan::{Groups, Pair, Plan};
use crate::template::diff::Document;

/// How far back the last decisions are looked for, in milliseconds.
const LOOK_BACK: i64 = 3_600_000;

/// Pages of the log at most: an hour of a busy pair.
const PAGES: usize = 5;

/// Decisions that are shown.
const DECISIONS: usize = 4;

/// Looks, and remembers what only a deploy changes.
pub(super) struct Look<'a> {
    plan: &'a Plan,
    carried: Option<&'a str>,
    account: &'a Account,
    known: Option<Known>,
}

/// What only a deploy changes.
struct Known {
    identity: Identity,
    /// When the stack was changed last, and its state.
    since: (Option<Timestamp>, String),
    resources: Vec<Resource>,
    /// Nothing, if it may not be read: then what differs from it is not known, and the rest is.
    template: Option<Document>,
}

impl<'a> Look<'a> {
    pub(super) fn new(plan: &'a Plan, carried: Option<&'a str>, account: &'a Account) -> Self {
        Self { plan, carried, account, known: None }
    }

    /// Everything, at this moment.
    pub(super) async fn at_all(&mut self) -> std::result::Result<Status, CloudError> {
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
        let shared = Shared::read(self.plan, &stack, known, account).await;
        let looks = self.plan.pairs.iter();
        let looks = looks.map(|pair| pair_status(pair, &stack.outputs, self.carried, known, &shared, account));
        status.pairs = join_all(looks).await;
        Ok(status)
    }
}

/// What one question answers for all pairs.
struct Shared {
    alarms: std::result::Result<Vec<Alarm>, CloudError>,
    groups: std::result::Result<Vec<Group>, CloudError>,
}

/// A pair's alarms, by their names in the template.
const ALARMS: [&str; 2] = ["JobsWaitingAlarm", "IdleAlarm"];

impl Shared {
    async fn read(plan: &Plan, stack: &Stack, known: &Known, account: &Account) -> Self {
        let pairs = || plan.pairs.iter();
        let alarms = pairs().flat_map(|pair| ALARMS.iter().filter_map(|alarm| known.name(&pair.id, alarm)));
        let alarms: Vec<String> = alarms.map(Into::into).collect();
        let groups =
            pairs().flat_map(|pair| MARKETS.iter().filter_map(|market| group_name(pair, *market, &stack.outputs)));
        let groups: Vec<String> = groups.map(Into::into).collect();
        let (alarms, groups) = tokio::join!(account.alarms(&alarms), account.groups(&groups));
        Self { alarms, groups }
    }
}

const MARKETS: [Market; 2] = [Market::Spot, Market::OnDemand];

/// How the template names what is of a market.
fn infix(market: Market) -> &'static str {
    if market == Market::Spot { "Spot" } else { "OnDemand" }
}

/// A pair's group, as the stack's outputs name it.
fn group_name<'a>(pair: &Pair, market: Market, outputs: &'a BTreeMap<String, String>) -> Option<&'a str> {
    outputs.get(&format!("{}{}GroupName", pair.id, infix(market))).map(String::as_str)
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
    pair: &Pair,
    outputs: &BTreeMap<String, String>,
    carried: Option<&str>,
    known: &Known,
    shared: &Shared,
    account: &Account,
) -> PairStatus {
    let mut status = PairStatus {
        pair: pair.name.clone(),
        function: verify::function(PairName::of(pair), outputs).map(Into::into),
        groups: pair.groups.as_ref().map(Groups::both),
        handler: Handler { deployed: None, carried: carried.map(Into::into) },
        ..PairStatus::default()
    };
    let Some(function) = status.function.clone() else {
        status.trouble.push("the stack has no SpotManager for it yet".into());
        return status;
    };
    let log = async {
        let Some(group) = known.name(&pair.id, "SpotManagerLogs") else { return Ok::<_, CloudError>(Vec::new()) };
        let (mut lines, mut token) = (Vec::new(), None);
        for _ in 0..PAGES {
            let page = account.log(group, milliseconds(SystemTime::now()) - LOOK_BACK, token.as_deref()).await?;
            lines.extend(page.lines);
            token = page.next;
            if token.is_none() {
                break;
            }
        }
        Ok(lines)
    };
    let policies = join_all(MARKETS.map(|market| async move {
        let name = group_name(pair, market, outputs)?;
        Some((market, name, account.scaling_policies(name).await))
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
        Ok(alarms) => status.alarms = of_pair(&pair.id, alarms, known),
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

/// The pair's alarms, in the order in which they are shown.
fn of_pair(pair_id: &str, alarms: &[Alarm], known: &Known) -> Vec<PairAlarm> {
    let found = ALARMS.iter().filter_map(|&id| {
        let name = known.name(pair_id, id)?;
        Some(PairAlarm { id, alarm: alarms.iter().find(|alarm| alarm.name == name)?.clone() })
    });
    found.collect()
}

/// Reads a log's lines, each with its moment.
pub(super) fn entries(lines: &[LogLine]) -> Vec<(Timestamp, Entry)> {
    lines.iter().map(|line| (Timestamp(line.at.div_euclid(1_000)), Entry::read(&line.message))).collect()
}

/// Which market has workers, by what the SpotManager sees.
pub(super) fn works(record: &Record) -> Works {
    match (record.situation.spot.live(), record.situation.on_demand.live()) {
        (0, 0) => Works::None,
        (_, 0) => Works::Spot,
        (0, _) => Works::OnDemand,
        _ => Works::Both,
    }
}

/// The prices that the SpotManager sees; where it has no reason to look, those that it saw last.
pub(super) fn prices(record: Option<&Record>, entries: &[(Timestamp, Entry)]) -> Option<Prices> {
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
pub(super) fn decisions(entries: &[(Timestamp, Entry)]) -> Vec<Decided> {
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

/// A group's scaling policies, as far as they may be read; nothing where the stack names no group.
type Policies<'a> = Option<(Market, &'a str, std::result::Result<Vec<ScalingPolicy>, CloudError>)>;

/// What was changed by hand in both groups.
fn all_drift(pair: &Pair, groups: &[Group], policies: &[Policies<'_>], known: &Known) -> Vec<Drift> {
    let mut found = Vec::new();
    for (market, name, policies) in policies.iter().flatten() {
        let Some(group) = groups.iter().find(|group| group.name == *name) else { continue };
        let id = format!("{}{}Group", pair.id, infix(*market));
        let resource = known.template.as_ref().and_then(|template| template.resources().get(&id));
        let policies = policies.as_deref().ok();
        let sides = Sides { market: *market, group, policies, resource, stack: &known.resources, id: &pair.id };
        found.extend(drift(sides));
    }
    found
}
