//! The facts, in at most two round trips.

use spot_policy::{Fact, Group, Market, Policy, Seconds, Situation, Timestamp, Trigger, Wanted};

use crate::account::{Account, Activities, Fault};
use crate::deadline::Deadline;

/// How far back launches are read at least: what a policy with shorter times forgets, people reading the record may miss.
const LOOK_BACK: Seconds = Seconds::minutes(10);

/// What there is to see at `now`: the queue and both groups together, and then, together again, only what the decision will
/// depend on; all of it for [`Trigger::Explain`]. An idle pair costs two calls.
///
/// `None` when the trigger is an interruption of an instance that is in neither group; nothing more is asked then. (Such a
/// warning names no group, so every SpotManager of the Region hears it.)
///
/// # Errors
///
/// The groups cannot be seen: without them nothing can be decided. Any other question that fails becomes
/// [`Fact::Unreadable`], with which the queue is still served.
pub async fn observe(
    account: &impl Account,
    policy: &Policy,
    trigger: &Trigger,
    now: Timestamp,
    deadline: Deadline,
) -> Result<Option<Situation>, Fault> {
    let (queue, groups) = tokio::join!(
        deadline.within("GetQueueAttributes", account.queue()),
        deadline.within("DescribeAutoScalingGroups", account.groups()),
    );
    let groups = groups?;
    let mut situation = Situation {
        now,
        queue: fact(queue),
        spot: groups.spot,
        on_demand: groups.on_demand,
        prices: Fact::NotRead,
        jobs_waiting_alarm: matches!(trigger, Trigger::Alarm { state, .. } if state == "ALARM"),
    };
    if let Trigger::Interruption { instance } = trigger
        && !warn(&mut situation, instance)
    {
        return Ok(None);
    }

    let wanted = match trigger {
        Trigger::Explain => Wanted { launches: true, prices: true },
        // Which of several failed launches tells of what came of them, is seen from all of them.
        Trigger::LaunchFailed { .. } => Wanted { launches: true, ..Wanted::of(policy, &situation) },
        _ => Wanted::of(policy, &situation),
    };
    let since = before(now, policy.look_back().max(LOOK_BACK));
    let (spot, on_demand, prices) = tokio::join!(
        if_wanted(wanted.launches, async {
            deadline.within("DescribeScalingActivities", account.activities(Market::Spot, since)).await
        }),
        if_wanted(wanted.launches, async {
            deadline.within("DescribeScalingActivities", account.activities(Market::OnDemand, since)).await
        }),
        if_wanted(wanted.prices, async {
            let prices = account.prices(before(now, policy.window), now);
            deadline.within("DescribeSpotPriceHistory", prices).await
        }),
    );
    took(&mut situation.spot, spot);
    took(&mut situation.on_demand, on_demand);
    situation.prices = prices;
    Ok(Some(situation))
}

async fn if_wanted<T>(wanted: bool, answer: impl Future<Output = Result<T, Fault>>) -> Fact<T> {
    if wanted { fact(answer.await) } else { Fact::NotRead }
}

fn fact<T>(answer: Result<T, Fault>) -> Fact<T> {
    answer.map_or_else(|fault| Fact::Unreadable(fault.to_string()), Fact::Known)
}

/// Writes into a group what it did.
fn took(group: &mut Group, activities: Fact<Activities>) {
    (group.launches, group.interruptions) = match activities {
        Fact::Known(read) => (Fact::Known(read.launches), read.interruptions),
        Fact::Unreadable(why) => (Fact::Unreadable(why), Vec::new()),
        Fact::NotRead => (Fact::NotRead, Vec::new()),
    };
}

/// Marks the instance that an interruption warning names, and says whether it is one of ours. Only a Spot Instance can be
/// interrupted: a warning about another one of ours wakes us, and says nothing.
fn warn(situation: &mut Situation, instance: &str) -> bool {
    if let Some(ours) = situation.spot.instances.iter_mut().find(|ours| ours.id == instance) {
        ours.warned = true;
        return true;
    }
    situation.on_demand.instances.iter().any(|ours| ours.id == instance)
}

fn before(now: Timestamp, ago: Seconds) -> Timestamp {
    Timestamp(now.0.saturating_sub_unsigned(ago.0))
}
