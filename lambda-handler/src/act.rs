//! The decision done, so that the queue is served and nothing is asked for twice.

use spot_policy::{Action, Attempt, Decision, Deed, Market, Next, Policy, Situation, Tried, launching};

use crate::account::{Account, Fault, Launched};
use crate::deadline::Deadline;

/// The highest number that a scale-up policy can say: it is a step policy with `ExactCapacity`, one step for each number, and
/// AWS allows 20 steps (API reference, `PutScalingPolicy`). More is said by `SetDesiredCapacity`.
pub const STEPS: u32 = 20;

/// What came of acting.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Outcome {
    /// Every call that was made, in order, with what AWS made of it.
    pub deeds: Vec<Deed>,
    /// Every launch at once, in order; those of [`act_at_once`] only.
    pub launches: Vec<Tried>,
    /// Whether the facts are to be seen afresh before the rest is done.
    pub look_again: bool,
}

/// Does `actions`, in order, what lowers before what raises.
///
/// Both kinds say a number, not a difference, so that each can be done twice. What is not harmless is to raise one group
/// while the other still asks for the same instances, because lowering it failed: both might deliver. So after a failed
/// lowering nothing is raised on these facts; they are looked at again, and often they have changed (an instance was just
/// being launched, or the answer was lost and not the call). Only on the `last` look the queue comes first: what raises is
/// done although the lowering failed, because jobs wait now, and a group that has just been refused delivers rarely and is
/// lowered at the next wake-up.
///
/// A group that is busy is looked at again as well. A scale-up policy that fails for any other reason is not waited for:
/// `SetDesiredCapacity` says the same number.
pub async fn act(
    account: &impl Account,
    situation: &Situation,
    actions: &[Action],
    last: bool,
    deadline: Deadline,
) -> Outcome {
    let hands = Hands { account, deadline };
    let (mut deeds, mut look_again) = (Vec::new(), false);
    for &action in actions {
        let raises = action.to() > situation.group(action.market()).desired;
        if raises && look_again {
            break;
        }
        let fault = match action {
            Action::ScaleUp { market, to } if to <= STEPS => match hands.scale_up(market, to, &mut deeds).await {
                Some(fault) if !fault.is_busy() => hands.set_desired(market, to, &mut deeds).await,
                answer => answer,
            },
            Action::ScaleUp { market, to } | Action::SetDesired { market, to } => {
                hands.set_desired(market, to, &mut deeds).await
            }
        };
        look_again |= !last && fault.is_some_and(|fault| fault.is_busy() || !raises);
    }
    Outcome { deeds, look_again, ..Outcome::default() }
}

/// Does what a decision wants by launching at once, zone by zone, where [`act`] has the groups launch by themselves. What
/// lowers goes first, as there. After a call of which nobody knows what it did, the facts are looked at again; on the `last`
/// look the group is asked by its policy, which says a number.
pub async fn act_at_once(
    account: &impl Account,
    policy: &Policy,
    situation: &Situation,
    decision: &Decision,
    last: bool,
    deadline: Deadline,
) -> Outcome {
    let is_raise = |action: &&Action| matches!(action, Action::ScaleUp { .. });
    let others: Vec<Action> = decision.actions.iter().filter(|action| !is_raise(action)).copied().collect();
    let mut outcome = act(account, situation, &others, last, deadline).await;
    while !outcome.look_again {
        match launching::next(policy, situation, decision, &outcome.launches) {
            Next::Launch(attempt) => {
                let (tried, look_again) = launch(account, attempt, last, deadline).await;
                outcome.launches.push(tried);
                outcome.look_again = look_again;
            }
            Next::Ask(action) => {
                let asked = act(account, situation, &[action], last, deadline).await;
                outcome.deeds.extend(asked.deeds);
                outcome.look_again = asked.look_again;
                break;
            }
            Next::Done => break,
        }
    }
    outcome
}

/// One launch at once, and whether the facts are to be seen afresh after it.
async fn launch(account: &impl Account, attempt: Attempt, last: bool, deadline: Deadline) -> (Tried, bool) {
    let Attempt { market, zone, count, token } = attempt;
    let answer = deadline.within("LaunchInstances", account.launch(market, &zone, count, &token)).await;
    let look_again = answer.as_ref().is_err_and(|fault| !last && !fault.is_refusal());
    let (launched, error) = match answer {
        Ok(launched) => (launched, None),
        Err(fault) => (Launched::default(), Some(fault.to_string())),
    };
    let Launched { instances, errors } = launched;
    (Tried { market, zone, count, instances, refused: errors, error }, look_again)
}

/// An account that is changed within a deadline, each change written down.
struct Hands<'a, A> {
    account: &'a A,
    deadline: Deadline,
}

impl<A: Account> Hands<'_, A> {
    async fn scale_up(&self, market: Market, to: u32, deeds: &mut Vec<Deed>) -> Option<Fault> {
        let answer = self.deadline.within("ExecutePolicy", self.account.scale_up(market, to)).await;
        written_down(Action::ScaleUp { market, to }, answer, deeds)
    }

    async fn set_desired(&self, market: Market, to: u32, deeds: &mut Vec<Deed>) -> Option<Fault> {
        let answer = self.deadline.within("SetDesiredCapacity", self.account.set_desired(market, to)).await;
        written_down(Action::SetDesired { market, to }, answer, deeds)
    }
}

fn written_down(action: Action, answer: Result<(), Fault>, deeds: &mut Vec<Deed>) -> Option<Fault> {
    let fault = answer.err();
    deeds.push(Deed { action, error: fault.as_ref().map(Fault::to_string) });
    fault
}
