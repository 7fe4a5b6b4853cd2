//! A plan: what was seen is done, or nothing.

use super::*;
use crate::deploy::difference::{Against, By, difference};
use crate::deploy::saved::Saved;
use crate::deploy::trouble::tests::error;

const ARN: &str = "change-set-arn";

/// The plan of a change to a stack in this state.
async fn planned(cloud: &Fake) -> (Against, Saved) {
    let (tags, pairs, template, package) = (BTreeMap::new(), [pair()], template(), package());
    let parts = (pairs.as_slice(), [].as_slice());
    let request = Request::new("media-workers", &tags, parts, &template, &package, CHANGE_SET);
    let found = difference(&request, By::Plan, cloud, &mut Listener::default()).await.expect("planned");
    (found.against, found.plan.expect("a plan"))
}

/// For as long as the tests run: a change to a request may name nothing that lives shorter.
fn kept(plan: Saved) -> &'static Saved {
    Box::leak(Box::new(plan))
}

fn executing(status: &str, execution: &str) -> Asked<ChangeSetPage> {
    let page = ready()?;
    Ok(ChangeSetPage { status: status.into(), execution: execution.into(), ..page })
}

#[tokio::test(start_paused = true)]
async fn a_plan_keeps_its_change_set_even_of_a_new_stack() {
    for (before, expected) in [(None, Against::Nothing), (Some("UPDATE_COMPLETE"), Against::ChangeSet)] {
        let cloud =
            Fake::default().stacks([Ok(before.map(stack))]).contents([], differences::DEPLOYED).change_set([ready()]);
        let (against, plan) = planned(&cloud).await;
        assert_eq!(against, expected);
        assert_eq!(plan.change_set.map(|saved| saved.arn).as_deref(), Some(ARN));
        assert!(plan.summary.starts_with("1 to add, 0 to change, 0 to replace, 0 to remove"), "{}", plan.summary);
        assert!(!cloud.calls().iter().any(|call| call.starts_with("delete") || call.starts_with("execute")));
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_planned_is_executed_and_no_other_change_set_is_made() {
    let cloud = Fake::default().stacks([Ok(None)]).change_set([ready()]);
    let (_, plan) = planned(&cloud).await;
    let cloud = Fake::default()
        .stacks([Ok(Some(stack("REVIEW_IN_PROGRESS"))), deployed("CREATE_COMPLETE")])
        .change_set([executing("CREATE_COMPLETE", "AVAILABLE")])
        .events(succeeds("CREATE"));
    let plan = kept(plan);
    let outcome = run(&cloud, &mut Listener::default(), |request| request.plan = Some(plan)).await;
    assert_eq!(outcome.expect("deployed"), Outcome::Deployed);
    let calls = cloud.calls();
    assert!(
        calls.contains(&format!("execute_change_set {ARN}")) && calls.iter().any(|call| call.starts_with("put_object"))
    );
    assert!(!calls.iter().any(|call| call.starts_with("create_change_set")), "{calls:?}");
}

#[tokio::test(start_paused = true)]
async fn a_plan_that_cannot_be_carried_out_any_more_changes_nothing() {
    let missing = || Err(error(Trouble::Missing, "ChangeSetNotFound", "ChangeSet [x] does not exist"));
    for (answer, word) in [
        (missing(), "its change set is gone"),
        (executing("CREATE_COMPLETE", "OBSOLETE"), "cannot be executed any more (OBSOLETE)"),
        (executing("CREATE_COMPLETE", "EXECUTE_COMPLETE"), "it was deployed already"),
    ] {
        let (_, plan) = planned(&Fake::default().change_set([ready()])).await;
        let cloud = Fake::default().stacks([deployed("UPDATE_COMPLETE")]).change_set([answer]);
        let plan = kept(plan);
        let error = run(&cloud, &mut Listener::default(), |request| request.plan = Some(plan)).await.expect_err(word);
        assert!(error.to_string().contains(word), "{error}");
        assert!(!cloud.calls().iter().any(|call| call.starts_with("execute") || call.starts_with("create")));
    }
}

#[tokio::test(start_paused = true)]
async fn a_plan_for_something_else_is_refused_before_anything_is_asked() {
    let (_, plan) = planned(&Fake::default().change_set([ready()])).await;
    let plan = kept(Saved { region: "us-east-1".into(), ..plan });
    let cloud = Fake::default();
    let error = run(&cloud, &mut Listener::default(), |request| request.plan = Some(plan)).await.expect_err("refused");
    assert!(error.to_string().contains("the Region is `eu-west-1`, and was `us-east-1` in the plan"), "{error}");
    assert_eq!(cloud.calls(), ["identity"]);
}

#[tokio::test(start_paused = true)]
async fn a_plan_of_nothing_does_nothing() {
    let cloud = Fake::default().stacks([deployed("UPDATE_COMPLETE")]).contents([], differences::DEPLOYED);
    let (_, plan) = planned(&cloud.change_set([no_change()])).await;
    assert_eq!(plan.change_set, None);
    let plan = kept(plan);
    let cloud = Fake::default().stacks([deployed("UPDATE_COMPLETE")]);
    let outcome = run(&cloud, &mut Listener::default(), |request| request.plan = Some(plan)).await;
    assert_eq!(outcome.expect("nothing"), Outcome::NoChange);
    assert!(!cloud.calls().iter().any(|call| call.contains("change_set")), "{:?}", cloud.calls());
}

#[tokio::test(start_paused = true)]
async fn a_declined_plan_stays() {
    let (_, plan) = planned(&Fake::default().change_set([ready()])).await;
    let plan = kept(plan);
    let cloud = Fake::default().stacks([deployed("UPDATE_COMPLETE")]).change_set([ready()]);
    let mut audience = Listener::default();
    let error = run(&cloud, &mut audience, |request| (request.plan, request.yes) = (Some(plan), false)).await;
    assert!(matches!(error, Err(DeployError::Declined)));
    assert!(!cloud.calls().iter().any(|call| call.starts_with("delete")));
}

#[tokio::test(start_paused = true)]
async fn a_stack_that_has_to_be_deleted_first_cannot_be_planned() {
    let (tags, pairs, template, package) = (BTreeMap::new(), [pair()], template(), package());
    let parts = (pairs.as_slice(), [].as_slice());
    let request = Request::new("media-workers", &tags, parts, &template, &package, CHANGE_SET);
    let cloud = Fake::default().stacks([Ok(Some(stack("ROLLBACK_COMPLETE")))]);
    let error = difference(&request, By::Plan, &cloud, &mut Listener::default()).await;
    assert!(matches!(error, Err(DeployError::Unplannable { .. })));
    assert_eq!(cloud.calls(), ["stack media-workers"]);

    // Nor is a plan from before carried out on it.
    let (_, plan) = planned(&Fake::default().change_set([ready()])).await;
    let plan = kept(plan);
    let error = run(&cloud, &mut Listener::default(), |request| request.plan = Some(plan)).await;
    assert!(matches!(error, Err(DeployError::Unplannable { .. })));
    assert!(!changes_something(&cloud.calls()));
}
