//! The ceremony against a script, for every state a stack can be in.

mod differences;
mod interruptions;
mod plans;
mod states;
mod workers;

use super::audience::Wish;
use super::change_set::tests::change;
use super::change_set::{Action, ChangeSetPage, Detail, Replacement};
use super::cloud::{Asked, Bucket};
use super::event::{Event, EventPage};
use super::fake::{Fake, Listener, outputs, package, pair};
use super::stack::tests::stack;
use super::*;
use std::time::Duration;

const QUEUE: &str = "AWS::SQS::Queue";

const CHANGE_SET: &str = "spotstack-1795466971-0a0a0a0a-0123456789ab";

fn template() -> Template {
    let text = "Resources:\n  GpuQueue:\n    Type: AWS::SQS::Queue\n    Metadata: {Description: Jobs wait here.}\n";
    Template::new(text.into()).expect("a template")
}

/// Deploys with a change to the default request.
async fn run(
    cloud: &Fake,
    audience: &mut Listener,
    with: impl for<'a> FnOnce(&mut Request<'a>),
) -> Result<Outcome, DeployError> {
    let (tags, pairs, template, package) = (BTreeMap::new(), [pair()], template(), package());
    let parts = (pairs.as_slice(), [].as_slice());
    let mut request =
        Request { yes: true, ..Request::new("media-workers", &tags, parts, &template, &package, CHANGE_SET) };
    with(&mut request);
    deploy(&request, cloud, audience).await
}

fn ready() -> Asked<ChangeSetPage> {
    Ok(ChangeSetPage {
        status: "CREATE_COMPLETE".into(),
        changes: vec![change(Action::Add, "GpuQueue", QUEUE)],
        ..ChangeSetPage::default()
    })
}

fn failed(reason: &str) -> Asked<ChangeSetPage> {
    Ok(ChangeSetPage { status: "FAILED".into(), reason: Some(reason.into()), ..ChangeSetPage::default() })
}

fn no_change() -> Asked<ChangeSetPage> {
    failed("The submitted information didn't contain changes.")
}

fn deployed(status: &str) -> Asked<Option<Stack>> {
    Ok(Some(Stack { outputs: outputs(), ..stack(status) }))
}

/// All events so far, newest first, from (logical id, type, status, reason) oldest first.
fn events(lines: &[(&str, &str, &str, Option<&str>)]) -> Asked<EventPage> {
    let events = lines.iter().enumerate().rev().map(|(index, (id, kind, status, reason))| Event {
        id: index.to_string(),
        logical_id: (*id).into(),
        resource_type: (*kind).into(),
        status: (*status).into(),
        reason: reason.map(Into::into),
        ..Event::default()
    });
    Ok(EventPage { events: events.collect(), next: None })
}

const STACK: &str = "AWS::CloudFormation::Stack";
const BEFORE: (&str, &str, &str, Option<&str>) = ("media-workers", STACK, "REVIEW_IN_PROGRESS", None);

fn succeeds(verb: &str) -> [Asked<EventPage>; 2] {
    let [begun, done, end] = ["IN_PROGRESS", "COMPLETE", "COMPLETE"].map(|outcome| format!("{verb}_{outcome}"));
    [
        events(&[BEFORE]),
        events(&[
            BEFORE,
            ("media-workers", STACK, &begun, None),
            ("GpuQueue", QUEUE, &begun, None),
            ("GpuQueue", QUEUE, &done, None),
            ("media-workers", STACK, &end, None),
        ]),
    ]
}

fn changes_something(calls: &[String]) -> bool {
    let changing = ["delete", "create", "execute", "make", "put"];
    calls.iter().any(|call| changing.iter().any(|verb| call.starts_with(verb)))
}

#[tokio::test(start_paused = true)]
async fn a_new_stack_is_made_in_this_order() {
    let cloud = Fake::default()
        .bucket(Bucket::Missing)
        .stacks([Ok(None), deployed("CREATE_COMPLETE")])
        .change_set([ready()])
        .events(succeeds("CREATE"));
    let mut audience = Listener { yes: true, ..Listener::default() };
    let outcome = run(&cloud, &mut audience, |request| request.yes = false).await.expect("deployed");
    assert_eq!(outcome, Outcome::Deployed);
    let key = package().key();
    assert_eq!(
        cloud.calls(),
        [
            "identity",
            "stack media-workers",
            "bucket spotstack-artifacts-111122223333-eu-west-1",
            "make_bucket spotstack-artifacts-111122223333-eu-west-1",
            &format!("has_object {key}"),
            &format!("put_object {key}"),
            "create_change_set CREATE text",
            "change_set",
            "change_set_values",
            "events",
            "execute_change_set change-set-arn",
            "events",
            "stack stack-arn",
            "events",
            "code_sha256 gpu-spot-manager",
            "explain gpu-spot-manager",
        ]
    );
    assert_eq!(
        audience.heard(),
        [
            "target",
            "bucket_made",
            "stored",
            "reviewed",
            "asked: Deploy",
            "begun",
            "ended",
            "code_is_right",
            "self_tested"
        ]
    );
    assert_eq!(audience.steps.len(), 4);
    let proposal = cloud.proposal.borrow().clone().expect("proposed");
    assert_eq!(proposal.parameters["HandlerKey"], key);
    assert_eq!(proposal.parameters["ArtifactBucket"], "spotstack-artifacts-111122223333-eu-west-1");
}

#[tokio::test(start_paused = true)]
async fn an_update_uploads_nothing_twice() {
    let deploy_once = || {
        Fake::default()
            .stacks([deployed("UPDATE_COMPLETE"), deployed("UPDATE_COMPLETE")])
            .change_set([ready()])
            .events(succeeds("UPDATE"))
    };
    let cloud = deploy_once();
    run(&cloud, &mut Listener::default(), |_| {}).await.expect("deployed");
    let puts = |cloud: &Fake| cloud.calls().iter().filter(|call| call.starts_with("put_object")).count();
    assert_eq!(puts(&cloud), 1);
    assert!(cloud.calls().contains(&"create_change_set UPDATE text".to_owned()));
    let cloud = cloud.stacks([deployed("UPDATE_COMPLETE")]).change_set([no_change()]);
    run(&cloud, &mut Listener::default(), |_| {}).await.expect("nothing to do");
    assert_eq!(puts(&cloud), 1);
}

#[tokio::test(start_paused = true)]
async fn no_change_is_success_and_leaves_nothing_behind() {
    for text in ["The submitted information didn't contain changes.", "No updates are to be performed."] {
        let cloud = Fake::default().stacks([deployed("UPDATE_COMPLETE")]).change_set([failed(text)]);
        let outcome = run(&cloud, &mut Listener::default(), |_| {}).await.expect("nothing to do");
        assert_eq!(outcome, Outcome::NoChange);
        let calls = cloud.calls();
        assert!(calls.contains(&"delete_change_set change-set-arn".to_owned()));
        assert!(calls.contains(&"code_sha256 gpu-spot-manager".to_owned()), "CloudFormation would not see it");
        assert!(!calls.iter().any(|call| call.starts_with("execute") || call.starts_with("delete_stack")));
    }
}

#[tokio::test(start_paused = true)]
async fn code_that_was_changed_behind_cloudformations_back_is_found() {
    let cloud = Fake::default().stacks([deployed("UPDATE_COMPLETE")]).change_set([no_change()]).code(Some("other"));
    assert!(matches!(run(&cloud, &mut Listener::default(), |_| {}).await, Err(DeployError::OtherCode { .. })));
}

#[tokio::test]
async fn without_a_terminal_and_without_yes_nothing_is_called() {
    let (cloud, mut audience) = (Fake::default(), Listener { mute: true, ..Listener::default() });
    let error = run(&cloud, &mut audience, |request| request.yes = false).await.expect_err("needs --yes");
    assert!(matches!(error, DeployError::NeedsYes { .. }));
    assert_eq!(cloud.calls(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn without_a_terminal_a_change_set_can_still_be_left_for_review() {
    let cloud = Fake::default().change_set([ready()]);
    let mut audience = Listener { mute: true, ..Listener::default() };
    let outcome = run(&cloud, &mut audience, |request| (request.yes, request.execute) = (false, false)).await;
    assert_eq!(outcome.expect("left"), Outcome::Left { change_set: "change-set-arn".into() });
    assert_eq!(audience.heard(), ["target", "stored", "reviewed"]);
    assert_eq!(cloud.calls().last().map(String::as_str), Some("change_set_values"), "nothing is cleared away");
}

#[tokio::test(start_paused = true)]
async fn a_no_leaves_nothing_behind_that_was_not_there() {
    for (before, cleared) in [(None, true), (Some("REVIEW_IN_PROGRESS"), false), (Some("UPDATE_COMPLETE"), false)] {
        let cloud = Fake::default().stacks([Ok(before.map(stack))]).change_set([ready()]);
        let mut audience = Listener::default();
        let error = run(&cloud, &mut audience, |request| request.yes = false).await;
        assert!(matches!(error, Err(DeployError::Declined)), "{before:?}");
        let calls = cloud.calls();
        assert!(calls.contains(&"delete_change_set change-set-arn".to_owned()));
        assert_eq!(calls.contains(&"delete_stack stack-arn".to_owned()), cleared, "{before:?}");
        assert!(!calls.iter().any(|call| call.starts_with("execute")));
    }
}

#[tokio::test]
async fn a_foreign_bucket_gets_nothing() {
    let cloud = Fake::default().bucket(Bucket::Foreign);
    let error = run(&cloud, &mut Listener::default(), |_| {}).await;
    assert!(matches!(error, Err(DeployError::ForeignBucket { .. })));
    assert!(!changes_something(&cloud.calls()), "{:?}", cloud.calls());
}

#[tokio::test]
async fn states_without_a_way_on_change_nothing() {
    for status in [
        "CREATE_IN_PROGRESS",
        "UPDATE_ROLLBACK_IN_PROGRESS",
        "DELETE_IN_PROGRESS",
        "UPDATE_ROLLBACK_FAILED",
        "DELETE_FAILED",
        "CREATE_FAILED",
    ] {
        let cloud = Fake::default().stacks([Ok(Some(stack(status)))]);
        let error = run(&cloud, &mut Listener::default(), |_| {}).await;
        assert!(matches!(error, Err(DeployError::Busy { .. } | DeployError::Stuck { .. })), "{status}");
        assert!(!changes_something(&cloud.calls()), "{status}");
    }
    let foreign = Stack { parameters: BTreeMap::new(), ..stack("UPDATE_COMPLETE") };
    let cloud = Fake::default().stacks([Ok(Some(foreign))]);
    assert!(matches!(run(&cloud, &mut Listener::default(), |_| {}).await, Err(DeployError::NotOurs { .. })));
    assert!(!changes_something(&cloud.calls()));
}

#[tokio::test(start_paused = true)]
async fn an_empty_stack_in_review_is_made() {
    let cloud = Fake::default()
        .stacks([Ok(Some(stack("REVIEW_IN_PROGRESS"))), deployed("CREATE_COMPLETE")])
        .change_set([ready()])
        .events(succeeds("CREATE"));
    assert_eq!(run(&cloud, &mut Listener::default(), |_| {}).await.expect("deployed"), Outcome::Deployed);
    assert!(cloud.calls().contains(&"create_change_set CREATE text".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_stack_that_was_never_made_whole_is_asked_about_deleted_and_made() {
    let gone = || {
        events(&[
            BEFORE,
            ("media-workers", STACK, "DELETE_IN_PROGRESS", None),
            ("media-workers", STACK, "DELETE_COMPLETE", None),
        ])
    };
    let [before, after] = succeeds("CREATE");
    let cloud = || {
        Fake::default()
            .stacks([
                Ok(Some(stack("ROLLBACK_COMPLETE"))),
                Ok(Some(stack("DELETE_COMPLETE"))),
                deployed("CREATE_COMPLETE"),
            ])
            .change_set([ready()])
            .events([events(&[BEFORE]), gone(), gone(), before.clone(), after.clone()])
    };
    let (script, mut audience) = (cloud(), Listener { yes: true, ..Listener::default() });
    let outcome = run(&script, &mut audience, |request| request.yes = false).await.expect("deployed");
    assert_eq!(outcome, Outcome::Deployed);
    let asked: Vec<_> = audience.heard().into_iter().filter(|heard| heard.starts_with("asked")).collect();
    assert_eq!(asked, ["asked: Renew { stack: \"media-workers\", reason: None }", "asked: Deploy"]);
    let calls = script.calls();
    let place = |call: &str| calls.iter().position(|made| made == call);
    assert!(
        place("delete_stack arn:aws:cloudformation:eu-west-1:111122223333:stack/media-workers/1")
            < place("create_change_set CREATE text")
    );

    let (script, mut audience) = (cloud(), Listener::default());
    let error = run(&script, &mut audience, |request| request.yes = false).await;
    assert!(matches!(error, Err(DeployError::Declined)));
    assert!(!script.calls().iter().any(|call| call.starts_with("delete_stack")));
}

#[tokio::test(start_paused = true)]
async fn a_refused_change_set_says_why_and_leaves_nothing() {
    let cloud = Fake::default().change_set([failed(
        "The following hook(s)/validation failed: [AWS::EarlyValidation::ResourceExistenceCheck].",
    )]);
    let error = run(&cloud, &mut Listener::default(), |_| {}).await.expect_err("refused");
    assert!(error.to_string().contains("ResourceExistenceCheck"), "{error}");
    let calls = cloud.calls();
    assert_eq!(calls[calls.len() - 2..], ["delete_change_set change-set-arn", "delete_stack stack-arn"]);
}

#[tokio::test(start_paused = true)]
async fn a_failed_deploy_tells_the_root_cause_first_and_fails() {
    let exists = "Resource handler returned message: \"render-jobs already exists\" (HandlerErrorCode: AlreadyExists)";
    let cloud = Fake::default()
        .stacks([deployed("UPDATE_COMPLETE"), deployed("UPDATE_ROLLBACK_COMPLETE")])
        .change_set([ready()])
        .events([
            events(&[BEFORE]),
            events(&[
                BEFORE,
                ("media-workers", STACK, "UPDATE_IN_PROGRESS", None),
                (
                    "GpuSpotGroup",
                    "AWS::AutoScaling::AutoScalingGroup",
                    "UPDATE_FAILED",
                    Some("Resource update cancelled"),
                ),
                ("GpuQueue", QUEUE, "CREATE_FAILED", Some(exists)),
                ("media-workers", STACK, "UPDATE_ROLLBACK_IN_PROGRESS", None),
                ("media-workers", STACK, "UPDATE_ROLLBACK_COMPLETE", None),
            ]),
        ]);
    let mut audience = Listener::default();
    let error = run(&cloud, &mut audience, |_| {}).await.expect_err("failed");
    assert_eq!(
        error.to_string(),
        "`media-workers` was not deployed: UPDATE_ROLLBACK_COMPLETE, everything is as it was before"
    );
    assert_eq!(audience.heard(), ["target", "stored", "reviewed", "begun", "failed"]);
    let told: serde_json::Value = serde_json::from_str(&audience.told[4]).expect("JSON");
    assert_eq!(told["failures"][0]["reason"], exists);
    assert_eq!(told["failures"][0]["about"], "Jobs wait here.");
    assert_eq!(told["cancelled"], 1);
}

#[tokio::test(start_paused = true)]
async fn an_interrupted_deploy_leaves_no_change_set_either() {
    let cloud = Fake::default().change_set([ready()]);
    let mut audience = Listener { interrupts: Some(Wish::Detach), ..Listener::default() };
    assert!(matches!(run(&cloud, &mut audience, |_| {}).await, Err(DeployError::Stopped)));
    let calls = cloud.calls();
    assert_eq!(calls[calls.len() - 2..], ["delete_change_set change-set-arn", "delete_stack stack-arn"]);
}
