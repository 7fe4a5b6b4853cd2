//! What is in the way: somebody else's stack and change sets, protection, permissions.

use super::*;
use crate::deploy::cloud::{Capability, Waiting};
use crate::deploy::event::FailedEvent;

#[tokio::test(start_paused = true)]
async fn a_stack_of_somebody_else_is_adopted_only_where_that_is_said() {
    let foreign = || Ok(Some(Stack { parameters: BTreeMap::new(), ..stack("UPDATE_COMPLETE") }));
    let cloud = Fake::default()
        .stacks([foreign(), deployed("UPDATE_COMPLETE")])
        .change_set([ready()])
        .events(succeeds("UPDATE"));
    let outcome = run(&cloud, &mut Listener::default(), |request| request.adopt = true).await;
    assert_eq!(outcome.expect("adopted"), Outcome::Deployed);
    assert!(cloud.calls().contains(&"create_change_set UPDATE text".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn termination_protection_is_respected() {
    let cloud = Fake::default().stacks([Ok(Some(Stack { protected: true, ..stack("ROLLBACK_COMPLETE") }))]);
    let error = run(&cloud, &mut Listener { yes: true, ..Listener::default() }, |_| {}).await;
    assert!(matches!(error, Err(DeployError::Protected { .. })));
    assert!(!cloud.calls().iter().any(|call| call.starts_with("delete")));
}

#[tokio::test(start_paused = true)]
async fn change_sets_of_others_are_named_and_not_touched() {
    let other = |name: &str| Waiting { name: name.into(), created: None };
    for before in ["REVIEW_IN_PROGRESS", "UPDATE_COMPLETE"] {
        let mut cloud = Fake::default().stacks([Ok(Some(stack(before)))]).change_set([ready()]);
        cloud.waiting = vec![other(CHANGE_SET), other("by-hand")];
        let mut audience = Listener::default();
        let error = run(&cloud, &mut audience, |request| request.yes = false).await;
        assert!(matches!(error, Err(DeployError::Declined)));
        let told = audience.told.iter().find(|told| told.contains("other_change_sets")).expect("told");
        assert!(told.contains("by-hand") && !told.contains(CHANGE_SET), "{told}");
        let deleted: Vec<_> = cloud.calls().into_iter().filter(|call| call.starts_with("delete")).collect();
        assert_eq!(deleted, ["delete_change_set change-set-arn"], "only our own");
    }
}

#[tokio::test(start_paused = true)]
async fn only_what_the_template_needs_is_said_to_be_allowed() {
    let cloud = Fake::default().change_set([ready()]);
    let _ = run(&cloud, &mut Listener::default(), |request| request.execute = false).await;
    assert_eq!(cloud.proposal.borrow().clone().expect("proposed").capabilities, []);
    let roles = "Resources: {Role: {Type: 'AWS::IAM::Role', Properties: {}}}\n";
    let roles = Box::leak(Box::new(Template::new(roles.into()).expect("a template")));
    let _ = run(&cloud, &mut Listener::default(), |request| (request.execute, request.template) = (false, roles)).await;
    assert_eq!(cloud.proposal.borrow().clone().expect("proposed").capabilities, [Capability::Iam]);
}

#[tokio::test(start_paused = true)]
async fn what_the_validation_finds_is_explained_and_cleared_away() {
    let finding = FailedEvent {
        logical_id: Some("GpuQueue".into()),
        path: Some("/Resources/GpuQueue".into()),
        finder: Some("NAME_CONFLICT_VALIDATION".into()),
        reason: "Resource of type 'AWS::SQS::Queue' with identifier 'render-jobs' already exists.".into(),
        ..FailedEvent::default()
    };
    let cloud = Fake::default()
        .change_set([failed(
            "The following hook(s)/validation failed: [AWS::EarlyValidation::ResourceExistenceCheck].",
        )])
        .failed([Ok(vec![finding])]);
    let error = run(&cloud, &mut Listener::default(), |_| {}).await.expect_err("refused");
    assert!(
        error.to_string().contains("\n  /Resources/GpuQueue: NAME_CONFLICT_VALIDATION: Resource of type"),
        "{error}"
    );
    let help = miette::Diagnostic::help(&error).map(|help| help.to_string()).unwrap_or_default();
    assert!(help.contains("has this name already"), "{help}");
    let calls = cloud.calls();
    assert_eq!(calls[calls.len() - 2..], ["delete_change_set change-set-arn", "delete_stack stack-arn"]);
}

#[tokio::test(start_paused = true)]
async fn a_hook_s_finding_is_told_with_what_it_stopped() {
    let finding = FailedEvent {
        logical_id: Some("GpuQueue".into()),
        finder: Some("Org::Tags::Required".into()),
        reason: "the tag `owner` is missing".into(),
        token: Some(CHANGE_SET.into()),
        ..FailedEvent::default()
    };
    let old = FailedEvent { token: Some("of-an-older-operation".into()), ..finding.clone() };
    let cloud = Fake::default()
        .stacks([Ok(None), deployed("ROLLBACK_COMPLETE")])
        .change_set([ready()])
        .failed([Ok(vec![finding, old])])
        .events([
            events(&[BEFORE]),
            events(&[
                BEFORE,
                ("media-workers", STACK, "CREATE_IN_PROGRESS", None),
                ("GpuQueue", QUEUE, "CREATE_FAILED", Some("The following hook(s) failed: [Org::Tags::Required]")),
                ("media-workers", STACK, "ROLLBACK_COMPLETE", None),
            ]),
        ]);
    let mut audience = Listener::default();
    run(&cloud, &mut audience, |_| {}).await.expect_err("failed");
    let told: serde_json::Value = serde_json::from_str(audience.told.last().expect("told")).expect("JSON");
    assert_eq!(
        told["failures"][0]["details"],
        serde_json::json!(["GpuQueue: Org::Tags::Required: the tag `owner` is missing"])
    );
    assert!(told["failures"][0]["next"].as_str().is_some_and(|next| next.contains("wrote the hook")), "{told}");
}

#[tokio::test(start_paused = true)]
async fn an_execution_that_is_refused_leaves_nothing_and_one_that_is_not_answered_leaves_all() {
    for (trouble, cleared) in [(Trouble::Denied, true), (Trouble::Unreachable, false)] {
        let refusal = super::super::trouble::tests::error(trouble, "X", "no");
        let cloud = Fake::default().change_set([ready()]).executed([Err(refusal)]);
        let error = run(&cloud, &mut Listener::default(), |_| {}).await;
        assert!(matches!(error, Err(DeployError::Cloud(_))));
        let deleted = cloud.calls().iter().filter(|call| call.starts_with("delete")).count();
        assert_eq!(deleted, if cleared { 2 } else { 0 }, "{:?}", cloud.calls());
    }
}
