//! One run: hear, observe, decide, act, record.

use std::time::Duration;

use serde::Serialize;
use serde_json::Value;
use spot_policy::{Decision, Record, Situation, Timestamp, Told, Trigger, decide};
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

/// How long a Spot Instance that is to replace one that AWS takes back is waited for before it is looked whether it came: AWS
/// refuses within seconds.
const ANSWER: Duration = Duration::from_secs(4);

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
        let waits = !last && config.scale_up == ScaleUp::Policy && awaits_replacement(&situation, &decision);
        if !outcome.look_again && !waits {
            break;
        }
        sleep(if outcome.look_again { PAUSE } else { ANSWER }).await;
        match observe(account, &config.policy, &trigger, clock(), deadline).await {
            Ok(Some(seen)) => {
                situation = seen;
                decision = decide(&config.policy, &situation);
            }
            // What was seen stands: every action says a number and may be repeated.
            _ if outcome.look_again => {}
            _ => break,
        }
    }
    let mut record = Record::new(trigger, config.policy.clone(), situation, decision, deeds, dry_run);
    if !launches.is_empty() {
        record = record.with_launches(launches);
    }
    record.told = tell(config, account, &record, deadline).await;
    Ok(Answer::Ran(Box::new(record)))
}

/// Whether Spot has been asked, and has not answered, for what replaces an instance that AWS takes back. This run is the only one
/// that knows of the warning: if Spot refuses, it alone can ask On-Demand before the instance is gone.
fn awaits_replacement(situation: &Situation, decision: &Decision) -> bool {
    let (live, leaving) = (situation.spot.live(), situation.spot.leaving());
    leaving > 0 && decision.spot > live.saturating_add(leaving)
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
