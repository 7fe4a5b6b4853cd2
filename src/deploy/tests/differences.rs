//! What would change, found out without changing anything.

use super::*;
use crate::deploy::audience::Wish;
use crate::deploy::difference::{Against, By, Difference, difference};
use crate::template::diff::Mark;

/// Compares with a change to the default request.
async fn compare(cloud: &Fake, audience: &mut Listener, by: By) -> Result<Difference, DeployError> {
    let (tags, pairs, template, package) = (BTreeMap::new(), [pair()], template(), package());
    let parts = (pairs.as_slice(), [].as_slice());
    let request = Request::new("media-workers", &tags, parts, &template, &package, CHANGE_SET);
    difference(&request, by, cloud, audience).await
}

/// What is deployed: a queue with a name that we do not have.
pub(super) const DEPLOYED: &str =
    "Resources:\n  GpuQueue:\n    Type: AWS::SQS::Queue\n    Properties: {QueueName: jobs}\nOutputs: {X: {Value: 1}}\n";

fn there(change_sets: impl IntoIterator<Item = Asked<ChangeSetPage>>) -> Fake {
    Fake::default().stacks([deployed("UPDATE_COMPLETE")]).contents([], DEPLOYED).change_set(change_sets)
}

fn renames() -> Asked<ChangeSetPage> {
    let detail = Detail { name: "QueueName".into(), recreation: Replacement::Always, ..Detail::default() };
    let change =
        Change { replacement: Replacement::Always, details: vec![detail], ..change(Action::Modify, "GpuQueue", QUEUE) };
    Ok(ChangeSetPage { status: "CREATE_COMPLETE".into(), changes: vec![change], ..ChangeSetPage::default() })
}

#[tokio::test(start_paused = true)]
async fn a_difference_is_read_and_cleared_away_and_nothing_is_uploaded() {
    let cloud = there([renames()]);
    let found = compare(&cloud, &mut Listener::default(), By::ChangeSet).await.expect("compared");
    assert_eq!(
        cloud.calls(),
        [
            "stack media-workers",
            "template",
            "identity",
            "create_change_set UPDATE text",
            "change_set",
            "change_set_values",
            "delete_change_set change-set-arn",
        ]
    );
    assert_eq!(found.against, Against::ChangeSet);
    let item = found.review.items().next().expect("an item");
    // AWS gave no values: they are those of the two templates.
    assert_eq!((item.mark, item.changes[0].before.as_ref()), (Mark::Replace, Some(&serde_json::json!("jobs"))));
    // Outputs are in no change set.
    assert_eq!(found.review.document.len(), 1);
    let proposal = cloud.proposal.borrow().clone().expect("proposed");
    assert_eq!(proposal.parameters["ArtifactBucket"], "spotstack-artifacts-111122223333-eu-west-1");
    assert_eq!(proposal.parameters["HandlerKey"], package().key());
}

#[tokio::test(start_paused = true)]
async fn values_that_cloudformation_shows_win_and_are_read_from_all_pages() {
    let with = |id: &str, before: serde_json::Value, after: serde_json::Value, next: Option<&str>| {
        let change = Change { states: Some((before, after)), ..change(Action::Modify, id, QUEUE) };
        Ok(ChangeSetPage { changes: vec![change], next: next.map(Into::into), ..ChangeSetPage::default() })
    };
    let state = |seconds: u32| serde_json::json!({"Properties": {"VisibilityTimeout": seconds, "QueueName": "jobs"}});
    let cloud = there([renames()])
        .values([with("Other", state(1), state(1), Some("2")), with("GpuQueue", state(60), state(90), None)]);
    let found = compare(&cloud, &mut Listener::default(), By::ChangeSet).await.expect("compared");
    let item = found.review.items().next().expect("an item");
    assert_eq!(item.changes.len(), 1);
    assert_eq!((item.changes[0].path.as_str(), item.changes[0].after.clone()), ("VisibilityTimeout", Some(90.into())));
}

#[tokio::test(start_paused = true)]
async fn without_a_stack_everything_is_new_and_no_call_but_the_look_is_made() {
    for status in [None, Some("REVIEW_IN_PROGRESS"), Some("ROLLBACK_COMPLETE"), Some("DELETE_COMPLETE")] {
        for by in [By::ChangeSet, By::Template] {
            let cloud = Fake::default().stacks([Ok(status.map(stack))]);
            let found = compare(&cloud, &mut Listener::default(), by).await.expect("compared");
            assert_eq!((found.against, found.review.counts().add), (Against::Nothing, 1), "{status:?}");
            assert_eq!(cloud.calls(), ["stack media-workers"], "{status:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn offline_no_change_set_is_made() {
    let cloud = there([renames()]);
    let found = compare(&cloud, &mut Listener::default(), By::Template).await.expect("compared");
    assert_eq!(cloud.calls(), ["stack media-workers", "template"]);
    assert_eq!(found.against, Against::Template);
    assert_eq!(found.review.items().next().map(|item| item.mark), Some(Mark::Replace));
    let names: Vec<_> = found.review.document.iter().map(|entry| entry.name.as_str()).collect();
    assert_eq!(names, ["X", "HandlerKey"], "the handler is another, and no template says so");
}

#[tokio::test(start_paused = true)]
async fn no_difference_is_cloudformation_s_word() {
    let cloud = there([no_change()]);
    let found = compare(&cloud, &mut Listener::default(), By::ChangeSet).await.expect("compared");
    assert!(found.review.is_empty());
    assert_eq!(cloud.calls().last().map(String::as_str), Some("delete_change_set change-set-arn"));
}

#[tokio::test(start_paused = true)]
async fn whatever_goes_wrong_no_change_set_is_left() {
    let denied = || Err(super::trouble::tests::error(Trouble::Denied, "AccessDenied", "no"));
    for (answer, interrupts) in [(failed("Template error"), false), (denied(), false), (renames(), true)] {
        let cloud = there([answer]);
        let mut audience = Listener { interrupts: interrupts.then_some(Wish::Detach), ..Listener::default() };
        let error = compare(&cloud, &mut audience, By::ChangeSet).await.expect_err("fails");
        assert_eq!(matches!(error, DeployError::Stopped), interrupts, "{error}");
        let calls = cloud.calls();
        assert_eq!(calls.last().map(String::as_str), Some("delete_change_set change-set-arn"), "{calls:?}");
        assert!(!calls.iter().any(|call| call.starts_with("delete_stack") || call.starts_with("execute")));
    }
}

#[tokio::test]
async fn a_difference_wants_a_stack_that_deploy_could_update() {
    let cloud = Fake::default().stacks([Ok(Some(stack("UPDATE_IN_PROGRESS")))]).contents([], DEPLOYED);
    assert!(matches!(compare(&cloud, &mut Listener::default(), By::ChangeSet).await, Err(DeployError::Busy { .. })));
    assert_eq!(cloud.calls(), ["stack media-workers"]);
    assert!(compare(&cloud, &mut Listener::default(), By::Template).await.is_ok(), "reading is always possible");
    let cloud = Fake::default().stacks([deployed("UPDATE_COMPLETE")]).contents([], "[]");
    assert!(matches!(
        compare(&cloud, &mut Listener::default(), By::ChangeSet).await,
        Err(DeployError::Template { .. })
    ));
}
