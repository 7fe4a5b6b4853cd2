//! A notice as a person reads it, perhaps at two in the morning: what happened, where, why, what to do.

use std::collections::BTreeMap;
use std::fmt::Write;

use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use spot_policy::{Group, Market, Notice, Reason, Record, Revert, Tried, Verdict};

use crate::config::Notify;

/// Characters that SNS takes in a subject: fewer than 100, in ASCII, without line breaks (API reference, `Publish`).
const SUBJECT: usize = 99;

/// What SNS sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// One line.
    pub subject: String,
    /// All of it, in plain text: many readers show nothing else.
    pub body: String,
}

/// What there is to tell about a run; none where nothing is news. One letter for a run, whatever happened in it.
pub fn letter(record: &Record, notify: &Notify) -> Option<Letter> {
    let gravest = *record.notices.iter().max_by_key(|notice| gravity(**notice))?;
    let Notify { stack, pair, region, .. } = notify;
    let subject = format!("{}: {pair} of {stack}, {region}", headline(gravest));
    let subject = subject.chars().filter(|char| (' '..='~').contains(char)).take(SUBJECT).collect();

    let at = DateTime::from_secs(record.situation.now.0).fmt(Format::DateTime).unwrap_or_default();
    let mut body = String::new();
    let mut line = |text: &str| _ = writeln!(body, "{text}");
    for notice in &record.notices {
        line(&sentence(&notice.to_string()));
    }
    line(&format!("\nWhere    the pair {pair} of the stack {stack}, {region}\nWhen     {at}"));
    line(&format!("Now      {}", now(record)));
    let by_another = done_by_another(record);
    line("\nWhy");
    for reason in by_another.and_then(|_| no_spot(record)).iter().chain(&record.because) {
        line(&format!("- {}", sentence(reason)));
    }
    if by_another.is_some() || !record.deeds.is_empty() || !record.launches.is_empty() {
        line("\nWhat was done");
    }
    if let Some(to) = by_another {
        line(&format!("- The On-Demand group was set to {to}, by another run at the same moment."));
    }
    for deed in &record.deeds {
        let (market, to) = (deed.action.market(), deed.action.to());
        let error = deed.error.as_ref().map_or_else(String::new, |error| format!(", in vain: {error}"));
        line(&format!("- {}", sentence(&format!("the {market} group was set to {to}{error}"))));
    }
    if !record.launches.is_empty() {
        let came = |market| record.launches.iter().filter(|it| it.market == market).map(Tried::came).sum::<u32>();
        let (spot, on_demand) = (came(Market::Spot), came(Market::OnDemand));
        line(&format!("- Launched at once: {spot} Spot, {on_demand} On-Demand."));
    }
    line("\nWhat to do");
    for notice in &record.notices {
        line(&format!("- {}", to_do(*notice, record)));
    }
    line("\nTo see more, in the folder of the spec: spotstack status, or spotstack explain.");
    Some(Letter { subject, body })
}

/// What On-Demand was set to, where the run that tells of a fallback found it done: each zone's refusal wakes a run, and any
/// of them may be the first to act.
fn done_by_another(record: &Record) -> Option<u32> {
    let fallback = record.notices.iter().any(|notice| matches!(notice, Notice::Fallback { .. }));
    let found = fallback && record.deeds.is_empty() && record.launches.is_empty();
    found.then_some(record.situation.on_demand.desired)
}

/// Why there is no Spot, which the reasons of a run that has nothing left to do do not say.
fn no_spot(record: &Record) -> Option<String> {
    let closed = record.decision.zones.iter().filter(|zone| zone.verdict != Verdict::Open);
    let zones: BTreeMap<_, _> = closed.map(|zone| (zone.zone.clone(), zone.verdict)).collect();
    (!zones.is_empty()).then(|| Reason::NoZoneOpen { zones }.to_string())
}

/// Which of several notices is the subject.
fn gravity(notice: Notice) -> u8 {
    match notice {
        Notice::Misconfigured => 3,
        Notice::BothRefused => 2,
        Notice::Fallback { .. } => 1,
        Notice::Reverted => 0,
    }
}

fn headline(notice: Notice) -> &'static str {
    match notice {
        Notice::Fallback { .. } => "On-Demand serves",
        Notice::Reverted => "Spot serves again",
        Notice::BothRefused => "Jobs wait: no Spot, no On-Demand",
        Notice::Misconfigured => "Jobs wait: nothing can be launched",
    }
}

/// «2 jobs wait, 1 worked on; Spot 0 of 2, On-Demand 0 of 0 (at work of asked for)», as it was seen before anything was done.
fn now(record: &Record) -> String {
    let jobs = match record.situation.queue.known() {
        Some(queue) => format!("{} waiting, {} worked on", queue.visible, queue.in_flight),
        None => "jobs unknown, the queue cannot be read".to_owned(),
    };
    let workers = |group: &Group| format!("{} of {}", group.live(), group.desired);
    let (spot, on_demand) = (workers(&record.situation.spot), workers(&record.situation.on_demand));
    format!("{jobs}; workers when it looked, of those asked for: Spot {spot}, On-Demand {on_demand}")
}

fn to_do(notice: Notice, record: &Record) -> String {
    let quota = record.decision.reasons.iter().any(|reason| matches!(reason, Reason::SpotQuota { .. }));
    match (notice, record.policy.revert) {
        (Notice::Fallback { .. }, revert) => {
            let ends = match revert {
                Revert::Idle => "They leave with all others when the queue is idle.".to_owned(),
                Revert::After(after) => {
                    format!("Spot is tried again {after} after it last failed, and each success retires one of them.")
                }
            };
            let first = if quota {
                "Ask for a higher Spot quota in Service Quotas; the jobs are served meanwhile."
            } else {
                "Nothing: the jobs are served."
            };
            format!("{first} On-Demand workers cost more than Spot. {ends}")
        }
        (Notice::Reverted, _) => "Nothing: the jobs are served, and cheaply again.".to_owned(),
        (Notice::BothRefused, _) => {
            "Nothing at once: both are asked again, Spot after its hold. If it lasts: more zones \
            (network: subnets), another instance type, or a higher quota in Service Quotas."
                .to_owned()
        }
        (Notice::Misconfigured, _) => {
            "Mend what AWS says is wrong, in the spec or in the account, and run spotstack deploy. \
            Until then no job is worked on; the definition is tried again after each hold."
                .to_owned()
        }
    }
}

/// With a capital and a full stop.
fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    let mut sentence: String =
        chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect());
    if !sentence.ends_with(['.', '!', '?']) {
        sentence.push('.');
    }
    sentence
}

#[cfg(test)]
mod tests {
    use spot_policy::{
        Deed, Fact, Launch, LaunchOutcome, Policy, PriceChange, Queue, Situation, Timestamp, Trigger, decide,
    };

    use super::*;

    const NOW: i64 = 1_795_464_000;

    fn notify() -> Notify {
        Notify {
            topic: "arn:aws:sns:eu-west-1:111122223333:ops".into(),
            stack: "media-workers".into(),
            pair: "gpu".into(),
            region: "eu-west-1".into(),
        }
    }

    /// Two jobs, and Spot refused with this text by a launch whose event woke the run.
    fn refused(text: &str) -> Record {
        let launch = Launch {
            id: "1".into(),
            started: Timestamp(NOW - 40),
            ended: Some(Timestamp(NOW - 38)),
            zone: Some("eu-west-1a".into()),
            outcome: LaunchOutcome::Failed(text.into()),
        };
        let zones = || vec!["eu-west-1a".to_owned()];
        let situation = Situation {
            now: Timestamp(NOW),
            queue: Fact::Known(Queue { visible: 2, in_flight: 0 }),
            spot: Group { max: 4, desired: 2, zones: zones(), launches: Fact::Known(vec![launch]), ..Group::default() },
            on_demand: Group { max: 4, zones: zones(), launches: Fact::Known(vec![]), ..Group::default() },
            prices: Fact::Known(vec![PriceChange { zone: "eu-west-1a".into(), at: Timestamp(0), usd: 0.3 }]),
            jobs_waiting_alarm: false,
        };
        let policy = Policy { max_price: Some(0.55), max: 4, ..Policy::default() };
        let decision = decide(&policy, &situation);
        let deeds = decision.actions.iter().map(|&action| Deed { action, error: None }).collect();
        let trigger = Trigger::LaunchFailed { group: "spot".into(), activity: Some("1".into()) };
        Record::new(trigger, policy, situation, decision, deeds, false)
    }

    #[test]
    fn a_fallback_is_told_whole() {
        let letter = letter(&refused("InsufficientInstanceCapacity - none"), &notify()).expect("news");
        assert_eq!(letter.subject, "On-Demand serves: gpu of media-workers, eu-west-1");
        assert_eq!(
            letter.body,
            "On-Demand serves: 2 workers.\n\
             \n\
             Where    the pair gpu of the stack media-workers, eu-west-1\n\
             When     2026-11-23T20:00:00Z\n\
             Now      2 waiting, 0 worked on; workers when it looked, of those asked for: Spot 0 of 2, On-Demand 0 of 0\n\
             \n\
             Why\n\
             - No Spot: on hold in eu-west-1a (no capacity).\n\
             - 2 asked for of Spot and not delivered: withdrawn, or it would come on top later.\n\
             \n\
             What was done\n\
             - The Spot group was set to 0.\n\
             - The On-Demand group was set to 2.\n\
             \n\
             What to do\n\
             - Nothing: the jobs are served. On-Demand workers cost more than Spot. They leave with all others when the queue is idle.\n\
             \n\
             To see more, in the folder of the spec: spotstack status, or spotstack explain.\n"
        );
    }

    #[test]
    fn whoever_finds_the_fallback_done_tells_why_and_what_all_the_same() {
        let first = refused("InsufficientInstanceCapacity - none");
        let mut situation = first.situation.clone();
        (situation.spot.desired, situation.on_demand.desired) = (0, 2);
        let decision = decide(&first.policy, &situation);
        let record = Record::new(first.trigger, first.policy, situation, decision, vec![], false);
        assert!(record.deeds.is_empty());
        let body = letter(&Record { notices: first.notices, ..record }, &notify()).expect("news").body;
        let why =
            "Why\n- No Spot: on hold in eu-west-1a (no capacity).\n- 0 at work and 2 just asked for are enough.\n";
        let done = "What was done\n- The On-Demand group was set to 2, by another run at the same moment.\n";
        assert!(body.contains(why) && body.contains(done), "{body}");
    }

    #[test]
    fn every_notice_says_what_to_do() {
        let record = refused("InsufficientInstanceCapacity");
        for (notice, subject, words) in [
            (Notice::Fallback { workers: 1 }, "On-Demand serves: ", "the jobs are served"),
            (Notice::Reverted, "Spot serves again: ", "cheaply again"),
            (Notice::BothRefused, "Jobs wait: no Spot, no On-Demand: ", "higher quota"),
            (Notice::Misconfigured, "Jobs wait: nothing can be launched: ", "spotstack deploy"),
        ] {
            let letter = letter(&Record { notices: vec![notice], ..record.clone() }, &notify()).expect("news");
            assert!(letter.subject.starts_with(subject), "{}", letter.subject);
            let to_do = letter.body.split("What to do").nth(1).expect("what to do");
            assert!(to_do.contains(words), "{to_do}");
        }
        assert_eq!(letter(&Record { notices: vec![], ..record }, &notify()), None);
    }

    #[test]
    fn the_gravest_is_the_subject() {
        let notices = vec![Notice::Fallback { workers: 2 }, Notice::BothRefused];
        let letter = letter(&Record { notices, ..refused("InsufficientInstanceCapacity") }, &notify()).expect("news");
        assert!(letter.subject.starts_with("Jobs wait: "), "{}", letter.subject);
        assert!(
            letter.body.starts_with("On-Demand serves: 2 workers.\nNeither Spot nor On-Demand is to be had"),
            "{}",
            letter.body
        );
    }

    #[test]
    fn what_is_wrong_is_in_aws_s_own_words_and_a_quota_is_to_be_raised() {
        let wrong = letter(&refused("The AMI ID 'ami-0' does not exist"), &notify()).expect("news");
        assert!(wrong.body.contains("was told «The AMI ID 'ami-0' does not exist»"), "{}", wrong.body);
        let quota = letter(&refused("Max spot instance count exceeded"), &notify()).expect("news");
        assert!(quota.body.contains("- Ask for a higher Spot quota in Service Quotas"), "{}", quota.body);
    }

    #[test]
    fn a_subject_is_one_that_sns_takes() {
        let notify = Notify { stack: "s".repeat(128), pair: "p\nü".into(), ..notify() };
        let letter = letter(&refused("InsufficientInstanceCapacity"), &notify).expect("news");
        assert_eq!(letter.subject.len(), 99);
        assert!(letter.subject.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{}", letter.subject);
    }
}
