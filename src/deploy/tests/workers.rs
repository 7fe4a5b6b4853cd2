//! What runs in the groups: named before an update, replaced where that is asked for.

use super::*;
use crate::deploy::cloud::{Group, Instance, LaunchDefinition, LaunchSource, Refresh};
use crate::deploy::trouble::tests::error;

const GROUP: &str = "AWS::AutoScaling::AutoScalingGroup";

fn named() -> BTreeMap<String, String> {
    let names = [("GpuSpotGroupName", "spot"), ("GpuOnDemandGroupName", "on-demand")];
    outputs().into_iter().chain(names.map(|(name, value)| (name.to_owned(), value.to_owned()))).collect()
}

fn group(
    name: &str,
    launch: LaunchSource,
    instances: usize,
) -> (Group, LaunchDefinition, Vec<crate::deploy::cloud::ScalingPolicy>) {
    let instances = vec![Instance::default(); instances];
    (
        Group { name: name.into(), launch: Some(launch), instances, ..Group::default() },
        LaunchDefinition::default(),
        vec![],
    )
}

fn template_of(version: &str) -> LaunchSource {
    LaunchSource::Template { id: "lt-1".into(), version: version.into() }
}

/// An update of the Spot group that succeeds, where so many instances run.
fn updated(spot: usize, on_demand: usize) -> Fake {
    let there = || Ok(Some(Stack { outputs: named(), ..stack("UPDATE_COMPLETE") }));
    let page = ChangeSetPage {
        status: "CREATE_COMPLETE".into(),
        changes: vec![change(Action::Modify, "GpuSpotGroup", GROUP)],
        ..ChangeSetPage::default()
    };
    let mut cloud = Fake::default().stacks([there(), there()]).change_set([Ok(page)]).events(succeeds("UPDATE"));
    let configuration = LaunchSource::Configuration("lc".into());
    cloud.groups = vec![group("spot", template_of("1"), spot), group("on-demand", configuration, on_demand)];
    cloud
}

fn refreshing(status: &str, percent: u8) -> Asked<Option<Refresh>> {
    Ok(Some(Refresh { id: "1".into(), status: status.into(), reason: None, percent }))
}

#[tokio::test(start_paused = true)]
async fn a_running_fallback_is_named_in_the_review() {
    for (on_demand, named) in [(2, true), (0, false)] {
        let mut audience = Listener::default();
        run(&updated(0, on_demand), &mut audience, |_| {}).await.expect("deployed");
        let review = audience.told.iter().find(|told| told.contains("\"reviewed\"")).expect("reviewed");
        assert_eq!(review.contains("gpu: a fallback is running: 2 instances On-Demand"), named, "{review}");
    }
}

#[tokio::test(start_paused = true)]
async fn instances_are_replaced_only_where_that_is_asked_for_and_where_there_are_any() {
    let cloud = updated(2, 0);
    run(&cloud, &mut Listener::default(), |_| {}).await.expect("deployed");
    assert!(!cloud.calls().iter().any(|call| call.contains("refresh")), "{:?}", cloud.calls());

    let cloud = updated(2, 1).refreshes([
        refreshing("Pending", 0),
        refreshing("InProgress", 50),
        Err(error(Trouble::Throttled, "Throttling", "Rate exceeded")),
        refreshing("Successful", 100),
    ]);
    let mut audience = Listener::default();
    let outcome = run(&cloud, &mut audience, |request| request.refresh = true).await;
    assert_eq!(outcome.expect("refreshed"), Outcome::Deployed);
    let begun: Vec<_> = cloud.calls().into_iter().filter(|call| call.starts_with("start_refresh")).collect();
    assert_eq!(begun, ["start_refresh spot of what differs", "start_refresh on-demand"]);
    assert!(audience.heard().iter().filter(|heard| *heard == "refreshing").count() >= 3);
}

#[tokio::test(start_paused = true)]
async fn a_refresh_that_has_only_just_begun_may_not_be_listed_yet() {
    let cloud = updated(1, 0).refreshes([Ok(None), Ok(None), refreshing("Successful", 100)]);
    let outcome = run(&cloud, &mut Listener::default(), |request| request.refresh = true).await;
    assert_eq!(outcome.expect("refreshed"), Outcome::Deployed);
    let cloud = updated(1, 0).refreshes([refreshing("InProgress", 20), Ok(None)]);
    let error = run(&cloud, &mut Listener::default(), |request| request.refresh = true).await.expect_err("gone");
    assert!(error.to_string().ends_with("were not all replaced: gone"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_refresh_that_cannot_be_watched_goes_on_and_is_said_to() {
    let denied = || Err(error(Trouble::Denied, "AccessDenied", "no"));
    let cloud = updated(1, 0).refreshes([refreshing("InProgress", 20), denied()]);
    let error = run(&cloud, &mut Listener::default(), |request| request.refresh = true).await.expect_err("lost");
    let text = error.to_string();
    assert!(text.contains("AccessDenied") && text.contains("goes on replacing the instances of `spot`"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn a_refresh_that_fails_fails_the_deploy_and_says_what_goes_on() {
    let cloud = updated(1, 0).refreshes([refreshing("Failed", 20)]);
    let error = run(&cloud, &mut Listener::default(), |request| request.refresh = true).await.expect_err("failed");
    assert_eq!(error.to_string(), "the stack is deployed, but the instances of `spot` were not all replaced: Failed");
    let cloud = updated(1, 0).refreshes([refreshing("InProgress", 20)]);
    let hour = Some(Duration::from_secs(3600));
    let error =
        run(&cloud, &mut Listener::default(), |request| (request.refresh, request.timeout) = (true, hour)).await;
    assert!(error.expect_err("the time is over").to_string().contains("goes on replacing the instances of `spot`"));
}
