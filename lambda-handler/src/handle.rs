//! One run: hear, observe, decide, act, record.

use std::time::Duration;

use serde::Serialize;
use serde_json::Value;
use spot_policy::{Record, Timestamp, Trigger, decide};
use tokio::time::sleep;

use crate::account::{Account, Fault};
use crate::act::act;
use crate::config::Config;
use crate::deadline::Deadline;
use crate::event::{Wake, hear};
use crate::observe::observe;

/// How often one run looks at most: a busy group is free again within seconds, or the next wake-up finds it so.
const LOOKS: u32 = 3;

/// How long a busy group is left alone before it is looked at again.
const PAUSE: Duration = Duration::from_secs(2);

/// How much time another look must have: its pause, two round trips and acting at their usual pace, several times over.
const ROOM: Duration = Duration::from_secs(8);

/// What a run answers, and logs as its one line.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Answer {
    /// It looked and decided; this is the whole of it.
    Ran(Box<Record>),
    /// The event asked for nothing.
    Ignored {
        /// Why.
        ignored: String,
    },
    /// The event was not understood. The invocation succeeds: Lambda would repeat a failed one with the same event.
    Refused {
        /// What was expected, and how the event began.
        error: String,
    },
}

/// Runs once. Nothing is changed in a dry run or for [`Trigger::Explain`].
///
/// # Errors
///
/// The groups cannot be seen. The invocation then fails, so that Lambda repeats it and its `Errors` metric shows it.
pub async fn handle(
    config: &Config,
    account: &impl Account,
    clock: impl Fn() -> Timestamp,
    event: &Value,
    deadline: Deadline,
) -> Result<Answer, Fault> {
    let trigger = match hear(event) {
        Ok(Wake::Run(trigger)) => trigger,
        Ok(Wake::Nothing(why)) => return Ok(Answer::Ignored { ignored: why.to_owned() }),
        Err(error) => return Ok(Answer::Refused { error: error.to_string() }),
    };
    let Some(mut situation) = observe(account, &config.policy, &trigger, clock(), deadline).await? else {
        return Ok(Answer::Ignored { ignored: "the interrupted instance is not ours".to_owned() });
    };
    let mut decision = decide(&config.policy, &situation);
    let dry_run = config.dry_run || trigger == Trigger::Explain;

    let mut deeds = Vec::new();
    let looks = if dry_run { 0 } else { LOOKS };
    for look in 1..=looks {
        let last = look == looks || deadline.left() < ROOM;
        let outcome = act(account, &situation, &decision.actions, last, deadline).await;
        deeds.extend(outcome.deeds);
        if !outcome.look_again {
            break;
        }
        sleep(PAUSE).await;
        // Where the groups cannot be seen again, what was seen stands: every action says a number and may be repeated.
        if let Ok(Some(seen)) = observe(account, &config.policy, &trigger, clock(), deadline).await {
            situation = seen;
            decision = decide(&config.policy, &situation);
        }
    }
    let record = Record::new(trigger, config.policy.clone(), situation, decision, deeds, dry_run);
    Ok(Answer::Ran(Box::new(record)))
}

#[cfg(test)]
mod tests;
