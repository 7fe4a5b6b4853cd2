//! Runs against a scripted account.

mod fake;

use std::cell::Cell;
use std::time::Duration;

use fake::{Call, Fake, NOW, Wrong};
use serde_json::{Value, json};
use spot_policy::{Action, Deed, Fact, Market};

use super::*;
use crate::config::tests::config;

fn tick() -> Value {
    json!({"source": "spotstack.tick"})
}

fn alarm() -> Value {
    let message = json!({"AlarmName": "jobs", "NewStateValue": "ALARM"}).to_string();
    json!({"Records": [{"Sns": {"Message": message}}]})
}

fn interruption(instance: &str) -> Value {
    json!({
        "source": "aws.ec2",
        "detail-type": "EC2 Spot Instance Interruption Warning",
        "detail": {"instance-id": instance, "instance-action": "terminate"}
    })
}

async fn run_as(fake: &Fake, event: &Value, changes: &[(&str, &str)]) -> Result<Answer, Fault> {
    let config = config(changes).expect("valid");
    handle(&config, fake, || Timestamp(NOW), event, Deadline::after(Duration::from_secs(30))).await
}

async fn run(fake: &Fake, event: &Value) -> Record {
    match run_as(fake, event, &[("MAX", "30")]).await {
        Ok(Answer::Ran(record)) => *record,
        other => panic!("no record: {other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn an_idle_pair_costs_two_calls_and_one_round_trip() {
    let fake = Fake::new(0, (0, 0), (0, 0));
    let record = run(&fake, &tick()).await;
    assert_eq!(*fake.calls.borrow(), [Call::Queue, Call::Groups]);
    assert_eq!(fake.answered.get(), Duration::from_secs(1));
    assert!(record.deeds.is_empty());
}

#[tokio::test(start_paused = true)]
async fn jobs_are_served_after_two_round_trips() {
    let fake = Fake::new(2, (0, 0), (0, 0));
    let record = run(&fake, &alarm()).await;
    assert_eq!(fake.changes(), [Call::ScaleUp(Market::Spot, 2)]);
    assert_eq!(fake.answered.get(), Duration::from_secs(2));
    assert_eq!(record.trigger, Trigger::Alarm { name: "jobs".into(), state: "ALARM".into() });
    assert!(record.situation.jobs_waiting_alarm);
    assert_eq!(record.deeds, [Deed { action: Action::ScaleUp { market: Market::Spot, to: 2 }, error: None }]);
    assert_eq!(record.because, ["Spot is worth it in eu-west-1a"]);
}

#[tokio::test(start_paused = true)]
async fn twice_is_once() {
    for fake in [Fake::new(2, (0, 0), (0, 0)), Fake::refused_by_spot(2)] {
        run(&fake, &tick()).await;
        let (desired, changes) = (fake.desired(), fake.changes());
        for event in [tick(), alarm(), json!({"explain": true})] {
            let again = run(&fake, &event).await;
            assert!(again.deeds.is_empty(), "{:?}", again.deeds);
        }
        assert_eq!((fake.desired(), fake.changes()), (desired, changes));
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_withdrawn_and_served_by_on_demand() {
    let fake = Fake::refused_by_spot(1);
    let record = run(&fake, &tick()).await;
    assert_eq!(fake.changes(), [Call::SetDesired(Market::Spot, 0), Call::ScaleUp(Market::OnDemand, 1)]);
    assert_eq!(record.decision.fallback_after.map(|after| after.0), Some(60));
}

#[tokio::test(start_paused = true)]
async fn without_the_groups_nothing_is_done_and_the_run_fails() {
    for wrong in [Wrong::Refused, Wrong::Hangs] {
        let fake = Fake::new(2, (0, 0), (0, 0)).wrong(&[(Call::Groups, wrong)]);
        assert!(run_as(&fake, &alarm(), &[]).await.is_err());
        assert!(fake.changes().is_empty());
        assert_eq!(fake.calls.borrow().len(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn any_other_fault_still_serves_the_queue() {
    let one_on_demand = (Market::OnDemand, 1);
    let one_spot = (Market::Spot, 1);
    for (call, by) in [
        (Call::Queue, one_spot),
        (Call::Prices, one_on_demand),
        (Call::Activities(Market::Spot), one_spot),
        (Call::Activities(Market::OnDemand), one_spot),
        (Call::ScaleUp(Market::Spot, 1), one_spot),
    ] {
        for wrong in [Wrong::Refused, Wrong::Hangs] {
            let fake = Fake::new(1, (0, 0), (0, 0)).wrong(&[(call, wrong)]);
            let record = run(&fake, &alarm()).await;
            let served = match by.0 {
                Market::Spot => (1, 0),
                Market::OnDemand => (0, 1),
            };
            assert_eq!(fake.desired(), served, "{call:?} {wrong:?}: {record:?}");
            assert!(fake.start.elapsed() < Duration::from_secs(29), "{call:?} {wrong:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn all_questions_may_hang_and_the_queue_is_served_in_time() {
    let fake = Fake::new(1, (0, 0), (0, 0)).wrong(&[
        (Call::Queue, Wrong::Hangs),
        (Call::Activities(Market::Spot), Wrong::Hangs),
        (Call::Activities(Market::OnDemand), Wrong::Hangs),
        (Call::Prices, Wrong::Hangs),
    ]);
    let record = run(&fake, &alarm()).await;
    assert_eq!(fake.desired(), (0, 1));
    assert!(fake.start.elapsed() < Duration::from_secs(20), "{:?}", fake.start.elapsed());
    assert!(matches!(&record.situation.prices, Fact::Unreadable(why) if why.contains("no answer within 8.0 s")));
}

#[tokio::test(start_paused = true)]
async fn a_broken_scale_up_policy_is_made_up_for() {
    let fake = Fake::new(2, (0, 0), (0, 0)).wrong(&[(Call::ScaleUp(Market::Spot, 2), Wrong::Refused)]);
    let record = run(&fake, &tick()).await;
    assert_eq!(fake.changes(), [Call::ScaleUp(Market::Spot, 2), Call::SetDesired(Market::Spot, 2)]);
    assert_eq!(record.deeds[0].error.as_deref(), Some("Fake: AccessDenied: as scripted"));
    assert_eq!(record.deeds[1].error, None);
}

#[tokio::test(start_paused = true)]
async fn a_number_beyond_the_policy_s_steps_is_set() {
    let fake = Fake::new(21, (0, 0), (0, 0));
    run(&fake, &tick()).await;
    assert_eq!(fake.changes(), [Call::SetDesired(Market::Spot, 21)]);
    let fake = Fake::new(20, (0, 0), (0, 0));
    run(&fake, &tick()).await;
    assert_eq!(fake.changes(), [Call::ScaleUp(Market::Spot, 20)]);
}

#[tokio::test(start_paused = true)]
async fn a_busy_group_is_looked_at_again() {
    let busy = (Call::ScaleUp(Market::Spot, 1), Wrong::Busy);
    let fake = Fake::new(1, (0, 0), (0, 0)).wrong(&[busy, busy]);
    let record = run(&fake, &tick()).await;
    assert_eq!(fake.changes(), [Call::ScaleUp(Market::Spot, 1); 3]);
    assert_eq!(fake.desired(), (1, 0));
    assert_eq!(record.deeds.iter().filter(|deed| deed.error.is_some()).count(), 2);

    let fake = Fake::new(1, (0, 0), (0, 0)).wrong(&[busy; 4]);
    let record = run(&fake, &tick()).await;
    assert_eq!(record.deeds.len(), 3, "then the next wake-up finds it free");
}

#[tokio::test(start_paused = true)]
async fn nothing_is_raised_beside_what_could_not_be_lowered_until_seen_again() {
    for wrong in [Wrong::Refused, Wrong::Busy, Wrong::Hangs] {
        let fake = Fake::refused_by_spot(1).wrong(&[(Call::SetDesired(Market::Spot, 0), wrong)]);
        run(&fake, &tick()).await;
        let withdraw = Call::SetDesired(Market::Spot, 0);
        assert_eq!(fake.changes(), [withdraw, withdraw, Call::ScaleUp(Market::OnDemand, 1)], "{wrong:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_can_never_be_lowered_does_not_keep_the_queue_waiting() {
    let fake = Fake::refused_by_spot(1).wrong(&[(Call::SetDesired(Market::Spot, 0), Wrong::Refused); 3]);
    run(&fake, &tick()).await;
    assert_eq!(fake.desired(), (1, 1));
    assert_eq!(fake.changes().last(), Some(&Call::ScaleUp(Market::OnDemand, 1)));
}

#[tokio::test(start_paused = true)]
async fn where_the_groups_cannot_be_seen_again_what_was_seen_stands() {
    let fake = Fake::new(1, (0, 0), (0, 0)).wrong(&[(Call::ScaleUp(Market::Spot, 1), Wrong::Busy)]);
    let config = config(&[]).expect("valid");
    let looks = Cell::new(0);
    let clock = || {
        looks.set(looks.get() + 1);
        if looks.get() == 2 {
            fake.wrong.borrow_mut().push((Call::Groups, Wrong::Refused));
        }
        Timestamp(NOW)
    };
    let answer = handle(&config, &fake, clock, &tick(), Deadline::after(Duration::from_secs(30))).await;
    assert!(matches!(answer, Ok(Answer::Ran(_))));
    assert_eq!((looks.get(), fake.desired()), (2, (1, 0)));
}

#[tokio::test(start_paused = true)]
async fn explain_sees_everything_and_changes_nothing() {
    let fake = Fake::refused_by_spot(2);
    let record = run(&fake, &json!({"explain": true})).await;
    assert_eq!(record.decision.actions.len(), 2, "it says what it would do");
    assert!(fake.changes().is_empty() && record.deeds.is_empty() && record.dry_run);

    let idle = Fake::new(0, (0, 0), (0, 0));
    let record = run(&idle, &json!({"explain": true})).await;
    assert!(matches!(record.situation.prices, Fact::Known(_)));
    assert!(matches!(record.situation.spot.launches, Fact::Known(_)));
    assert!(matches!(record.situation.on_demand.launches, Fact::Known(_)));
    assert_eq!(idle.answered.get(), Duration::from_secs(2));
}

#[tokio::test(start_paused = true)]
async fn a_dry_run_changes_nothing() {
    for event in [tick(), alarm()] {
        let fake = Fake::refused_by_spot(2);
        let answer = run_as(&fake, &event, &[("DRY_RUN", "true")]).await.expect("a record");
        let Answer::Ran(record) = answer else { panic!("no record: {answer:?}") };
        assert!(!record.decision.actions.is_empty() && record.dry_run);
        assert!(fake.changes().is_empty() && record.deeds.is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn an_interruption_elsewhere_costs_two_calls() {
    let fake = Fake::new(5, (1, 1), (0, 0));
    let answer = run_as(&fake, &interruption("i-elsewhere"), &[]).await;
    assert_eq!(answer, Ok(Answer::Ignored { ignored: "the interrupted instance is not ours".into() }));
    assert_eq!(*fake.calls.borrow(), [Call::Queue, Call::Groups]);
}

#[tokio::test(start_paused = true)]
async fn an_interruption_of_ours_is_a_wake_up_like_any_other() {
    let fake = Fake::new(2, (1, 1), (0, 0));
    let record = run(&fake, &interruption("i-gpu-spot-0")).await;
    assert_eq!(record.trigger, Trigger::Interruption { instance: "i-gpu-spot-0".into() });
    assert!(record.situation.spot.instances[0].warned);
    assert_eq!(fake.changes(), [Call::ScaleUp(Market::OnDemand, 2)], "the one zone is on hold");
}

/// One Spot worker of a group with two zones, warned of, and what was changed.
async fn warned(fake: Fake) -> (Fake, Vec<Call>) {
    fake.groups.borrow_mut().spot.zones.push("eu-west-1b".into());
    run(&fake, &interruption("i-gpu-spot-0")).await;
    let changes = fake.changes();
    (fake, changes)
}

#[tokio::test(start_paused = true)]
async fn a_replacement_that_spot_refuses_is_asked_of_on_demand_while_the_worker_is_there() {
    let (fake, changes) = warned(Fake { refuses: true, ..Fake::new(1, (1, 1), (0, 0)) }).await;
    let expected =
        [Call::ScaleUp(Market::Spot, 2), Call::SetDesired(Market::Spot, 1), Call::ScaleUp(Market::OnDemand, 1)];
    assert_eq!((changes.as_slice(), fake.desired()), (expected.as_slice(), (1, 1)));
}

#[tokio::test(start_paused = true)]
async fn a_replacement_that_spot_does_not_answer_is_not_waited_for_long() {
    let (fake, changes) = warned(Fake::new(1, (1, 1), (0, 0))).await;
    assert_eq!((changes, fake.desired()), (vec![Call::ScaleUp(Market::Spot, 2)], (2, 0)));
    assert!(fake.start.elapsed() < Duration::from_secs(20), "{:?}", fake.start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn what_is_not_understood_asks_aws_nothing() {
    let fake = Fake::new(2, (0, 0), (0, 0));
    let answer = run_as(&fake, &json!({"source": "elsewhere"}), &[]).await.expect("the invocation succeeds");
    let Answer::Refused { error } = &answer else { panic!("{answer:?}") };
    assert!(error.starts_with("expected an alarm through SNS"), "{error}");
    assert!(fake.calls.borrow().is_empty());
    assert_eq!(serde_json::to_value(&answer).expect("JSON"), json!({ "error": error }));
}

#[tokio::test(start_paused = true)]
async fn the_answer_is_the_record_and_reads_back_as_one() {
    let record = run(&Fake::refused_by_spot(2), &tick()).await;
    let line = serde_json::to_string(&Answer::Ran(Box::new(record.clone()))).expect("JSON");
    assert_eq!(serde_json::from_str::<Record>(&line).expect("a record"), record);
    assert!(!line.contains('\n'));
}

#[tokio::test(start_paused = true)]
async fn the_readme_shows_a_record_as_it_is() {
    let answer = run_as(&Fake::refused_by_spot(1), &tick(), &[]).await.expect("a record");
    let line = serde_json::to_string(&answer).expect("JSON");
    assert!(include_str!("../../README.md").contains(&line), "README.md should show this line:\n{line}");
}

const NOTIFY: [(&str, &str); 4] =
    [("MAX", "30"), ("NOTIFY", "arn:aws:sns:eu-west-1:1:ops"), ("STACK", "media"), ("PAIR", "gpu")];

async fn run_with(fake: &Fake, event: &Value, changes: &[(&str, &str)]) -> Record {
    match run_as(fake, event, changes).await {
        Ok(Answer::Ran(record)) => *record,
        other => panic!("no record: {other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn somebody_is_told_after_all_is_done_and_once() {
    let fake = Fake::refused_by_spot(1);
    let record = run_with(&fake, &tick(), &NOTIFY).await;
    let calls = fake.calls.borrow().clone();
    assert_eq!(calls[calls.len() - 2..], [Call::ScaleUp(Market::OnDemand, 1), Call::Tell]);
    assert_eq!(record.told.map(|told| told.error), Some(None));
    let (subject, body) = fake.letters.borrow()[0].clone();
    assert_eq!(subject, "On-Demand serves: gpu of media, eu-west-1");
    assert!(body.contains("no capacity"), "{body}");

    let again = run_with(&fake, &tick(), &NOTIFY).await;
    assert_eq!((again.told, fake.letters.borrow().len()), (None, 1), "no news");
}

#[tokio::test(start_paused = true)]
async fn nobody_is_told_of_nothing_by_a_dry_run_or_without_a_topic() {
    let served = Fake::new(1, (0, 0), (0, 0));
    assert_eq!(run_with(&served, &tick(), &NOTIFY).await.told, None);
    let dry = Fake::refused_by_spot(1);
    assert_eq!(run_with(&dry, &json!({"explain": true}), &NOTIFY).await.told, None);
    assert_eq!(run_with(&dry, &tick(), &[("MAX", "30")]).await.told, None);
    assert!(served.letters.borrow().is_empty() && dry.letters.borrow().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_notice_that_fails_or_hangs_fails_nothing() {
    for (wrong, error) in [(Wrong::Refused, "Fake: AccessDenied"), (Wrong::Hangs, "Publish: Timeout")] {
        let fake = Fake::refused_by_spot(1).wrong(&[(Call::Tell, wrong)]);
        let record = run_with(&fake, &tick(), &NOTIFY).await;
        let told = record.told.expect("tried");
        assert!(told.error.expect("failed").starts_with(error));
        assert_eq!((told.topic.as_str(), fake.desired()), ("arn:aws:sns:eu-west-1:1:ops", (0, 1)));
        assert!(fake.start.elapsed() < Duration::from_secs(20));
    }
}

const AT_ONCE: [(&str, &str); 5] = [NOTIFY[0], NOTIFY[1], NOTIFY[2], NOTIFY[3], ("SCALE_UP", "launch_instances")];

#[tokio::test(start_paused = true)]
async fn spot_is_launched_at_once_and_twice_is_once() {
    let fake = Fake::new(2, (0, 0), (0, 0));
    let record = run_with(&fake, &alarm(), &AT_ONCE).await;
    assert_eq!((fake.changes(), fake.desired()), (vec![Call::Launch(Market::Spot, 2)], (2, 0)));
    assert_eq!((record.launches.len(), record.launches[0].came()), (1, 2));
    assert_eq!(record.because, ["Spot is worth it in eu-west-1a", "2 Spot in eu-west-1a: 2 came"]);
    assert!(run_with(&fake, &alarm(), &AT_ONCE).await.launches.is_empty());
}

#[tokio::test(start_paused = true)]
async fn on_demand_takes_the_rest_in_the_same_run_and_somebody_is_told() {
    let fake = Fake { has: [Ok(1), Ok(9)], ..Fake::new(3, (0, 0), (0, 0)) };
    let record = run_with(&fake, &alarm(), &AT_ONCE).await;
    assert_eq!(fake.changes(), [Call::Launch(Market::Spot, 3), Call::Launch(Market::OnDemand, 2)]);
    assert_eq!(fake.desired(), (1, 2));
    assert_eq!((record.measures.fallback_seconds, record.notices.len(), fake.letters.borrow().len()), (Some(0), 1, 1));
}

#[tokio::test(start_paused = true)]
async fn what_both_refuse_is_asked_for_at_the_next_look_and_told_once() {
    let fake = Fake { has: [Ok(0), Ok(0)], ..Fake::new(1, (0, 0), (0, 0)) };
    let record = run_with(&fake, &alarm(), &AT_ONCE).await;
    assert_eq!(fake.changes(), [Call::Launch(Market::Spot, 1), Call::Launch(Market::OnDemand, 1)]);
    assert_eq!((fake.desired(), record.notices), ((0, 0), vec![spot_policy::Notice::BothRefused]));
    let again = run_with(&fake, &tick(), &AT_ONCE).await;
    assert_eq!((again.launches.len(), again.notices, fake.letters.borrow().len()), (2, vec![], 1));
}

#[tokio::test(start_paused = true)]
async fn a_wrong_definition_launches_nothing_more() {
    let fake = Fake { has: [Err("InvalidAMIID.NotFound - no"), Ok(9)], ..Fake::new(1, (0, 0), (0, 0)) };
    let record = run_with(&fake, &alarm(), &AT_ONCE).await;
    assert_eq!((fake.changes(), fake.desired()), (vec![Call::Launch(Market::Spot, 1)], (0, 0)));
    assert_eq!(record.notices, [spot_policy::Notice::Misconfigured]);
}

#[tokio::test(start_paused = true)]
async fn where_launching_at_once_is_refused_the_policy_serves() {
    let fake = Fake::new(1, (0, 0), (0, 0)).wrong(&[(Call::Launch(Market::Spot, 1), Wrong::Refused)]);
    let record = run_with(&fake, &alarm(), &AT_ONCE).await;
    assert_eq!(fake.changes(), [Call::Launch(Market::Spot, 1), Call::ScaleUp(Market::Spot, 1)]);
    assert_eq!(record.launches[0].error.as_deref(), Some("Fake: AccessDenied: as scripted"));
}

#[tokio::test(start_paused = true)]
async fn after_a_launch_of_which_nobody_knows_it_looks_again_and_asks_the_same() {
    let launch = Call::Launch(Market::Spot, 1);
    for wrong in [Wrong::Busy, Wrong::Hangs] {
        let fake = Fake::new(1, (0, 0), (0, 0)).wrong(&[(launch, wrong)]);
        run_with(&fake, &alarm(), &AT_ONCE).await;
        assert_eq!((fake.changes(), fake.desired()), (vec![launch, launch], (1, 0)), "{wrong:?}");
    }
    let fake = Fake::new(1, (0, 0), (0, 0)).wrong(&[(launch, Wrong::Busy); 3]);
    run_with(&fake, &alarm(), &AT_ONCE).await;
    assert_eq!((fake.changes().last(), fake.desired()), (Some(&Call::ScaleUp(Market::Spot, 1)), (1, 0)));
}

/// The fields of a record, as far as one has them.
fn fields(record: &Record) -> Vec<String> {
    let record = serde_json::to_value(record).expect("JSON");
    record.as_object().expect("an object").keys().cloned().collect()
}

#[tokio::test(start_paused = true)]
async fn the_readme_s_table_has_every_field_of_a_record() {
    let fake = Fake { has: [Ok(0), Ok(9)], ..Fake::new(1, (0, 0), (0, 0)) };
    let whole = run_with(&fake, &alarm(), &AT_ONCE).await;
    let mut written = fields(&whole);
    let readme = include_str!("../../README.md");
    let section = readme.split("## What it records").nth(1).and_then(|rest| rest.split("\n## ").next()).expect("it");
    let rows =
        section.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`').map(|(name, _)| name.to_owned()));
    let mut listed: Vec<String> = rows.collect();
    written.sort();
    listed.sort();
    assert_eq!(written, listed);
    assert!(section.contains(&format!("the version of this schema, {}", Record::VERSION)));
}

#[tokio::test(start_paused = true)]
async fn what_is_absent_from_a_record_is_only_what_the_readme_says_may_be() {
    let plain = fields(&run(&Fake::new(0, (0, 0), (0, 0)), &tick()).await);
    for field in ["launches", "notices", "told"] {
        assert!(!plain.iter().any(|name| name == field), "{field}");
    }
    assert_eq!(plain.len(), 9, "{plain:?}");
}
