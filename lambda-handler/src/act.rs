//! The decision done, so that the queue is served and nothing is asked for twice.

use spot_policy::{Action, Deed, Market, Situation};

use crate::account::{Account, Fault};
use crate::deadline::Deadline;

/// The highest number that a scale-up policy can say: it is a step policy with `ExactCapacity`, one step for each number, and
/// AWS allows 20 steps (API reference, `PutScalingPolicy`). More is said by `SetDesiredCapacity`.
pub const STEPS: u32 = 20;

/// What came of acting.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// Every call that was made, in order, with what AWS made of it.
    pub deeds: Vec<Deed>,
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
    Outcome { deeds, look_again }
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
