//! One run: hear, observe, decide, act, record.

use std::time::Duration;

use serde::Serialize;
use serde_json::Value;
use spot_policy::{Record, Timestamp, Told, Trigger, decide};
use tokio::time::sleep;

use crate::account::{Account, Fault};
use crate::act::{act, act_at_once};
use crate::config::{Config, ScaleUp};
use crate::deadline::Deadline;
use crate::event::{Wake, hear};
use crate::letter::letter;
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

    let (mut deeds, mut launches) = (Vec::new(), Vec::new());
    let looks = if dry_run { 0 } else { LOOKS };
    for look in 1..=looks {
        let last = look == looks || deadline.left() < ROOM;
        let outcome = match config.scale_up {
            ScaleUp::Policy => act(account, &situation, &decision.actions, last, deadline).await,
            ScaleUp::LaunchInstances => {
                act_at_once(account, &config.policy, &situation, &decision, last, deadline).await
            }
        };
        deeds.extend(outcome.deeds);
        launches.extend(outcome.launches);
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
    let mut record = Record::new(trigger, config.policy.clone(), situation, decision, deeds, dry_run);
    if !launches.is_empty() {
        record = record.with_launches(launches);
    }
    record.told = tell(config, account, &record, deadline).await;
    Ok(Answer::Ran(Box::new(record)))
}

/// Tells whoever is to be notified what there is to tell, once all is done. What comes of it is recorded, and changes nothing.
async fn tell(config: &Config, account: &impl Account, record: &Record, deadline: Deadline) -> Option<Told> {
    let notify = config.notify.as_ref()?;
    let letter = letter(record, notify)?;
    let answer = deadline.within("Publish", account.tell(&letter.subject, &letter.body)).await;
    Some(Told { topic: notify.topic.clone(), error: answer.err().map(|fault| fault.to_string()) })
}

#[cfg(test)]
mod tests;
