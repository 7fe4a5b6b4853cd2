//! `spotstack status`: the stack, its pairs, and what their SpotManagers make of it.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::io::{self, IsTerminal};
use std::time::Duration;

use dialoguer::console::Term;
use miette::IntoDiagnostic;
use serde::Serialize;
use spot_policy::{Fact, Group, Market, Record};

use super::explain::Format;
use super::terminal::{account, block_on, print_line};
use super::{Exit, Global, Result, plan};
use crate::aws::Account;
use crate::deploy::stack::{Stack, StackStatus};
use crate::deploy::text::{moment, neutral};
use crate::deploy::verify::{self, Answer};
use crate::deploy::{Cloud, CloudError, PairName};
use crate::package::Package;
use crate::plan::{Groups, Plan};

/// How often `--watch` looks.
const EVERY: Duration = Duration::from_secs(5);

/// What the SpotManager says of a group that is gone.
const NO_GROUP: &str = "there is no Auto Scaling group";

/// Show the stack, the queue's depth, both groups, and what the SpotManager would do now
#[derive(Debug, clap::Args)]
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
}

#[derive(Debug, Serialize)]
struct PairStatus {
    pair: String,
    function: Option<String>,
    /// The groups that another template made, as the spec names them.
    groups: Option<String>,
    handler: Handler,
    /// What the SpotManager sees and would do.
    record: Option<Box<Record>>,
    /// Why there is no record.
    trouble: Option<String>,
}

/// Hashes of the code, in AWS's base64.
#[derive(Debug, Serialize)]
struct Handler {
    deployed: Option<String>,
    carried: Option<String>,
}

pub(super) fn run(args: &Args, global: &Global) -> Result<Exit> {
    let plan = plan(global)?;
    let carried = Package::carried(plan.architecture).ok().map(|package| package.code_sha256());
    block_on(async {
        let account = account(global, &plan).await?;
        loop {
            let status = look(&plan, carried.as_deref(), &account).await;
            if args.watch && args.format == Format::Text && io::stdout().is_terminal() {
                let _ = Term::stdout().clear_screen();
            }
            match (&status, args.format) {
                (Ok(status), Format::Json) => print_line(&serde_json::to_string(status).into_diagnostic()?),
                (Ok(status), Format::Text) => print_line(&neutral(&status.to_string())),
                // While it watches, what passes is waited for.
                (Err(error), _) if args.watch && error.is_passing() => global.say(&error.to_string()),
                (Err(_), _) => {}
            }
            if !args.watch || status.as_ref().is_err_and(|error| !error.is_passing()) {
                status?;
                return Ok(Exit::Done);
            }
            tokio::select! {
                () = tokio::time::sleep(EVERY) => {}
                _ = tokio::signal::ctrl_c() => return Ok(Exit::Done),
            }
        }
    })
}

async fn look(plan: &Plan, carried: Option<&str>, account: &Account) -> std::result::Result<Status, CloudError> {
    let identity = account.identity().await?;
    let stack = account.stack(&plan.stack).await?;
    let mut status = Status {
        stack: plan.stack.clone(),
        region: identity.region,
        account: identity.account,
        status: stack.as_ref().map(|stack| stack.status.0.clone()),
        reason: stack.as_ref().and_then(|stack| stack.reason.clone()),
        since: stack.as_ref().and_then(Stack::since).map(|at| at.0),
        at_work: Vec::new(),
        pairs: Vec::new(),
    };
    let Some(stack) = stack else { return Ok(status) };
    if stack.status.is_in_progress() {
        let resources = account.resources(&stack.arn).await?;
        let at_work = resources.into_iter().filter(|resource| resource.status.ends_with("_IN_PROGRESS"));
        status.at_work = at_work.map(|resource| (resource.logical_id, resource.status)).collect();
    }
    for pair in PairName::all(plan) {
        let mut status_of_pair = pair_status(pair, &stack.outputs, carried, account).await;
        let groups = plan.pairs.iter().find(|planned| planned.name == pair.name).and_then(|pair| pair.groups.as_ref());
        status_of_pair.groups = groups.map(Groups::both);
        status.pairs.push(status_of_pair);
    }
    Ok(status)
}

/// One pair; what cannot be had of it is said, and does not hide the others.
async fn pair_status(
    pair: PairName<'_>,
    outputs: &BTreeMap<String, String>,
    carried: Option<&str>,
    account: &Account,
) -> PairStatus {
    let mut status = PairStatus {
        pair: pair.name.into(),
        function: verify::function(pair, outputs).map(Into::into),
        groups: None,
        handler: Handler { deployed: None, carried: carried.map(Into::into) },
        record: None,
        trouble: None,
    };
    let Some(function) = &status.function else {
        status.trouble = Some("the stack has no SpotManager for it yet".into());
        return status;
    };
    let (code, explained) = tokio::join!(account.code_sha256(function), account.explain(function));
    status.handler.deployed = code.ok().flatten();
    match explained.map(|explained| verify::read(&explained)) {
        Ok(Answer::Record(record) | Answer::Blind { record, .. }) => status.record = Some(record),
        Ok(Answer::Failed { error, .. }) => status.trouble = Some(format!("the SpotManager fails: {error}")),
        Err(error) => status.trouble = Some(format!("the SpotManager cannot be asked: {error}")),
    }
    status
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in {}, account {}: ", self.stack, self.region, self.account)?;
        let Some(status) = &self.status else { return f.write_str("not deployed") };
        f.write_str(status)?;
        let state = StackStatus(status.clone());
        if !state.is_deployed() && !state.is_in_progress() {
            write!(f, " ({})", state.meaning())?;
        }
        if let Some(since) = self.since {
            write!(f, " since {}", moment(spot_policy::Timestamp(since)))?;
        }
        if let Some(reason) = &self.reason {
            write!(f, "\n  {reason}")?;
        }
        for (id, status) in &self.at_work {
            write!(f, "\n  at work: {id} {status}")?;
        }
        for pair in &self.pairs {
            write!(f, "\n\n{pair}")?;
        }
        Ok(())
    }
}

impl fmt::Display for PairStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.pair)?;
        if let Some(record) = &self.record {
            write!(f, "\n  queue      {}", queue(record))?;
            for market in [Market::Spot, Market::OnDemand] {
                write!(f, "\n  {:<10} {}", market.to_string(), group(record.situation.group(market)))?;
            }
            write!(f, "\n  now        {}", record.decision)?;
            for reason in &record.because {
                write!(f, "\n             {reason}")?;
            }
        }
        if let Some(groups) = &self.groups {
            write!(f, "\n  groups     {groups}")?;
        }
        if let Some(trouble) = &self.trouble {
            write!(f, "\n  trouble    {trouble}")?;
            if self.groups.is_some() && trouble.contains(NO_GROUP) {
                f.write_str(
                    "\n             if their template has replaced them, `spotstack deploy` finds the new ones",
                )?;
            }
        }
        write!(f, "\n  handler    {}", self.handler)
    }
}

impl fmt::Display for Handler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match (&self.deployed, &self.carried) {
            (None, _) => "none that could be read",
            (Some(_), None) => "deployed; this spotstack carries none to compare it with",
            (Some(deployed), Some(carried)) if deployed == carried => "up to date",
            (Some(_), Some(_)) => "another one than this spotstack carries; `spotstack deploy` changes it",
        })
    }
}

fn queue(record: &Record) -> String {
    match &record.situation.queue {
        Fact::Known(queue) => format!("{} waiting, {} in flight", queue.visible, queue.in_flight),
        Fact::Unreadable(why) => format!("cannot be read: {why}"),
        Fact::NotRead => "not read".into(),
    }
}

/// `asks for 2 of at most 4, has 1 (eu-west-1a 1)`.
fn group(group: &Group) -> String {
    let mut zones: BTreeMap<&str, u32> = BTreeMap::new();
    for instance in group.instances.iter().filter(|instance| instance.is_live()) {
        *zones.entry(&instance.zone).or_default() += 1;
    }
    let zones: Vec<_> = zones.iter().map(|(zone, count)| format!("{zone} {count}")).collect();
    let mut text = format!("asks for {} of at most {}, has {}", group.desired, group.max, group.live());
    if !zones.is_empty() {
        let _ = write!(text, " ({})", zones.join(", "));
    }
    if let Some(why) = group.launch_suspended() {
        let _ = write!(text, "; launches nothing: {why}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use spot_policy::{Instance, Policy, Queue, Situation, Trigger, decide};

    fn record() -> Record {
        let instance =
            |zone: &str, state: &str| Instance { zone: zone.into(), state: state.into(), ..Instance::default() };
        let instances = vec![
            instance("eu-west-1b", "InService"),
            instance("eu-west-1a", "Pending"),
            instance("eu-west-1a", "Terminating"),
        ];
        let situation = Situation {
            queue: Fact::Known(Queue { visible: 3, in_flight: 1 }),
            spot: Group { desired: 2, max: 4, instances, ..Group::default() },
            on_demand: Group { max: 4, ..Group::default() },
            ..Situation::default()
        };
        let policy = Policy { max: 2, ..Policy::default() };
        let decision = decide(&policy, &situation);
        Record::new(Trigger::Explain, policy, situation, decision, vec![], false)
    }

    fn status(stack: Option<&str>, pairs: Vec<PairStatus>) -> Status {
        Status {
            stack: "media-workers".into(),
            region: "eu-west-1".into(),
            account: "111122223333".into(),
            status: stack.map(Into::into),
            reason: None,
            since: stack.map(|_| 1_795_466_971),
            at_work: Vec::new(),
            pairs,
        }
    }

    #[test]
    fn a_stack_that_is_not_there_is_said_to_be_so() {
        assert_eq!(status(None, vec![]).to_string(), "media-workers in eu-west-1, account 111122223333: not deployed");
    }

    #[test]
    fn a_pair_shows_what_it_asks_for_and_what_it_has() {
        let handler = Handler { deployed: Some("a".into()), carried: Some("a".into()) };
        let pair = PairStatus {
            pair: "gpu".into(),
            function: None,
            groups: None,
            handler,
            record: Some(Box::new(record())),
            trouble: None,
        };
        let text = status(Some("UPDATE_COMPLETE"), vec![pair]).to_string();
        assert!(text.starts_with("media-workers in eu-west-1, account 111122223333: UPDATE_COMPLETE since 2026-11-23 20:49:31 UTC\n\ngpu\n  queue      3 waiting, 1 in flight\n  Spot       asks for 2 of at most 4, has 2 (eu-west-1a 1, eu-west-1b 1)\n  On-Demand  asks for 0 of at most 4, has 0\n  now        "), "{text}");
        assert!(text.ends_with("\n  handler    up to date"), "{text}");
    }

    #[test]
    fn trouble_with_one_pair_is_said_in_its_place() {
        let handler = Handler { deployed: Some("a".into()), carried: Some("b".into()) };
        let trouble = Some("the SpotManager fails: Unhandled: x".into());
        let pair = PairStatus { pair: "gpu".into(), function: None, groups: None, handler, record: None, trouble };
        assert_eq!(
            pair.to_string(),
            "gpu\n  trouble    the SpotManager fails: Unhandled: x\n  handler    another one than this spotstack carries; `spotstack deploy` changes it"
        );
    }

    #[test]
    fn groups_that_were_replaced_can_be_found_again() {
        let handler = Handler { deployed: Some("a".into()), carried: Some("a".into()) };
        let groups = Some("asgGPUSpot and asgGPU of the stack encoder-prod".into());
        let trouble = Some("the SpotManager fails: Unhandled: there is no Auto Scaling group `prod-gpu`".into());
        let pair = PairStatus { pair: "encode".into(), function: None, groups, handler, record: None, trouble };
        assert_eq!(
            pair.to_string(),
            "\
encode
  groups     asgGPUSpot and asgGPU of the stack encoder-prod
  trouble    the SpotManager fails: Unhandled: there is no Auto Scaling group `prod-gpu`
             if their template has replaced them, `spotstack deploy` finds the new ones
  handler    up to date"
        );
    }
}
