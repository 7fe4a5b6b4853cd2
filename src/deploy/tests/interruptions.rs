//! Deploys that break off, are called off, or find themselves again.

use super::*;
use crate::deploy::audience::Wish;
use crate::deploy::event::tests::of_stack;
use crate::deploy::trouble::tests::error;

/// All events of an update that is under way for an operation of this token, and then as it ends.
fn update(token: &str, end: &[&str]) -> Asked<EventPage> {
    let mut page = events(&[
        BEFORE,
        ("media-workers", STACK, "UPDATE_IN_PROGRESS", None),
        ("GpuQueue", QUEUE, "UPDATE_IN_PROGRESS", None),
    ])?;
    for event in page.events.iter_mut().filter(|event| event.status == "UPDATE_IN_PROGRESS") {
        event.token = Some(token.into());
    }
    for status in end {
        page.events.insert(0, of_stack(status));
    }
    Ok(page)
}

/// The token of another run with the same wish, and of one with another.
const SAME: &str = "spotstack-1795466000-0b0b0b0b-0123456789ab";
const OTHER: &str = "spotstack-1795466000-0b0b0b0b-ba9876543210";

#[tokio::test(start_paused = true)]
async fn a_deploy_that_broke_off_finds_what_it_has_begun() {
    for (end, good) in [("UPDATE_COMPLETE", true), ("UPDATE_ROLLBACK_COMPLETE", false)] {
        let cloud = Fake::default()
            .stacks([Ok(Some(stack("UPDATE_IN_PROGRESS"))), deployed(end)])
            .events([update(SAME, &[]), update(SAME, &[end])]);
        let mut audience = Listener::default();
        let outcome = run(&cloud, &mut audience, |_| {}).await;
        assert_eq!(outcome.is_ok(), good, "{end}");
        assert_eq!(audience.heard()[..2], ["target", "resumed"]);
        assert!(audience.steps.iter().any(|step| step.logical_id == "GpuQueue"), "what happened before is told");
        assert!(!changes_something(&cloud.calls()), "{:?}", cloud.calls());
    }
}

#[tokio::test(start_paused = true)]
async fn another_operation_is_refused_with_whose_it_is_or_waited_for() {
    for (token, whose) in
        [(OTHER, "another run of spotstack"), ("Console-Update-1", "somebody in the console"), ("", "somebody else")]
    {
        let cloud = Fake::default().stacks([Ok(Some(stack("UPDATE_IN_PROGRESS")))]).events([update(token, &[])]);
        let error = run(&cloud, &mut Listener::default(), |_| {}).await.expect_err("busy").to_string();
        assert!(error.contains(whose) && error.contains("since"), "{error}");
        assert!(!changes_something(&cloud.calls()));
    }
    let patient = Some(Duration::from_secs(1800));
    let [before, after] = succeeds("UPDATE");
    let cloud = Fake::default()
        .stacks([Ok(Some(stack("UPDATE_IN_PROGRESS"))), deployed("UPDATE_COMPLETE")])
        .events([
            update(OTHER, &[]),
            update(OTHER, &["UPDATE_COMPLETE"]),
            update(OTHER, &["UPDATE_COMPLETE"]),
            before,
            after,
        ])
        .change_set([ready()]);
    let mut audience = Listener::default();
    let outcome = run(&cloud, &mut audience, |request| request.wait_for_lock = patient).await;
    assert_eq!(outcome.expect("deployed"), Outcome::Deployed);
    assert!(audience.heard().contains(&"waiting_for".to_owned()));

    let cloud = Fake::default().stacks([Ok(Some(stack("UPDATE_IN_PROGRESS")))]).events([update(OTHER, &[])]);
    let begin = tokio::time::Instant::now();
    let error = run(&cloud, &mut Listener::default(), |request| request.wait_for_lock = patient).await;
    assert!(matches!(error, Err(DeployError::Busy { .. })));
    assert_eq!(begin.elapsed().as_secs(), 1800);
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_to_the_execution_is_no_failure() {
    let lost = || {
        Err(error(
            Trouble::Other,
            "InvalidChangeSetStatus",
            "cannot be executed in its current status of [EXECUTE_IN_PROGRESS]",
        ))
    };
    let cloud = Fake::default()
        .stacks([deployed("UPDATE_COMPLETE")])
        .change_set([ready()])
        .executed([lost()])
        .events([update("", &[]), update(CHANGE_SET, &[]), update(CHANGE_SET, &["UPDATE_COMPLETE"])]);
    assert_eq!(run(&cloud, &mut Listener::default(), |_| {}).await.expect("deployed"), Outcome::Deployed);

    let cloud = Fake::default().stacks([deployed("UPDATE_COMPLETE")]).change_set([ready()]).executed([lost()]);
    let error = run(&cloud, &mut Listener::default(), |_| {}).await;
    assert!(matches!(error, Err(DeployError::Cloud(_))), "somebody else's execution is none of ours");
}

#[tokio::test(start_paused = true)]
async fn detached_it_leaves_as_soon_as_it_has_begun() {
    let cloud = Fake::default().stacks([deployed("UPDATE_COMPLETE")]).change_set([ready()]);
    let mut audience = Listener::default();
    let outcome = run(&cloud, &mut audience, |request| request.detach = true).await;
    assert_eq!(outcome.expect("begun"), Outcome::Detached);
    assert_eq!(audience.heard().last().map(String::as_str), Some("begun"));
}

#[tokio::test(start_paused = true)]
async fn what_is_called_off_is_undone_and_says_so() {
    for (before, call, end) in [
        (None, "delete_stack stack-arn", "DELETE_COMPLETE"),
        (Some("UPDATE_COMPLETE"), "cancel_update stack-arn", "UPDATE_ROLLBACK_COMPLETE"),
    ] {
        let begun = if before.is_some() { "UPDATE_IN_PROGRESS" } else { "CREATE_IN_PROGRESS" };
        let cloud = Fake::default().stacks([Ok(before.map(stack)), deployed(end)]).change_set([ready()]).events([
            events(&[BEFORE]),
            events(&[BEFORE, ("media-workers", STACK, begun, None)]),
            events(&[BEFORE, ("media-workers", STACK, begun, None), ("media-workers", STACK, end, None)]),
        ]);
        // Nobody presses anything before the question is answered.
        let mut audience = Listener { interrupts: Some(Wish::Cancel), late: true, ..Listener::default() };
        let error = run(&cloud, &mut audience, |_| {}).await.expect_err("called off");
        assert!(error.to_string().starts_with("called off: `media-workers` is in"), "{error}");
        assert!(cloud.calls().contains(&call.to_owned()), "{:?}", cloud.calls());
    }
}
