//! The ceremony of taking a stack away.

use std::time::Duration;

use super::audience::{Audience, Moment, Question};
use super::cloud::{Cloud, Deletion, Group, Instance, Resource};
use super::deployed::Deployed;
use super::error::DeployError;
use super::event::{Beginning, News};
use super::execution::{DESTROYED, begin_deletion, watch};
use super::follow::Operation;
use super::lock::free;
use super::progress::Progress;
use super::stack::{self, Stack};
use super::{artifact, running};

/// What is to be taken away.
#[derive(Debug, Clone)]
pub struct Request<'a> {
    /// The stack's name.
    pub stack: &'a str,
    /// Not to be asked.
    pub yes: bool,
    /// How long to watch.
    pub timeout: Option<Duration>,
    /// How long to wait while CloudFormation is at work on the stack.
    pub wait_for_lock: Option<Duration>,
    /// The role that CloudFormation acts as, if not the stack's own.
    pub role: Option<&'a str>,
    /// Logical ids of what is left in AWS, because it cannot be deleted.
    pub retain: &'a [String],
    /// Unique: makes asking twice the same as asking once.
    pub token: &'a str,
}

/// How it ended, when it did not fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// There was no such stack.
    Nothing,
    /// It is gone.
    Destroyed,
}

/// Takes a stack away, after saying what goes and what stays.
///
/// # Errors
/// It is not ours, CloudFormation is at work on it, it is not confirmed, or something cannot be deleted.
pub async fn destroy<C: Cloud, A: Audience>(
    request: &Request<'_>,
    cloud: &C,
    audience: &mut A,
) -> Result<Outcome, DeployError> {
    if !request.yes && !audience.can_answer() {
        return Err(DeployError::NeedsYes { how: "`--yes` destroys without asking" });
    }
    let identity = cloud.identity().await?;
    let there = |stack: &Stack| !stack.status.is_deleted();
    let Some(stack) = cloud.stack(request.stack).await?.filter(there) else { return Ok(Outcome::Nothing) };
    stack::owned(Some(&stack), false)?;
    let stack = match stack.status.0.as_str() {
        // Somebody deletes it already: that is watched.
        "DELETE_IN_PROGRESS" => Some(stack),
        _ => free(Some(stack), request.token, request.wait_for_lock, cloud, audience).await?.filter(there),
    };
    let Some(stack) = stack else { return Ok(Outcome::Nothing) };
    let deleting = stack.status.0 == "DELETE_IN_PROGRESS";
    if stack.protected && !deleting {
        return Err(DeployError::Protected { stack: stack.name });
    }
    audience.hear(&Moment::Target {
        stack: &stack.name,
        region: &identity.region,
        account: &identity.account,
        status: Some(&stack.status.0),
    });
    let resources: Vec<_> = cloud
        .resources(&stack.arn)
        .await?
        .into_iter()
        .filter(|resource| resource.status != "DELETE_COMPLETE")
        .collect();
    can_retain(request.retain, &stack, &resources)?;
    // What goes already needs no word about what stays.
    let deployed = match Deployed::of(&stack, cloud).await {
        Err(_) if deleting => Deployed::default(),
        deployed => deployed?,
    };
    if !deleting {
        let bucket = artifact::name_in(&stack, None, &identity);
        confirm(request, &resources, &deployed, &bucket, cloud, audience).await?;
    }
    let (news, token) = if deleting {
        let beginning = Beginning::of(cloud, &stack.name, &stack.arn).await.ok().flatten();
        beginning.map(|beginning| (beginning.news, beginning.token.unwrap_or_default())).unzip()
    } else {
        let news = News::from_now_on(cloud, &stack.arn).await;
        let (token, role, retain) = (request.token, request.role, request.retain);
        begin_deletion(&Deletion { stack_arn: &stack.arn, token, role, retain }, cloud).await?;
        audience.hear(&Moment::Begun { stack_arn: &stack.arn });
        (news, Some(token.to_owned()))
    };
    let token = token.unwrap_or_default();
    let progress = Progress::of_deletion(&stack.name, &resources, deployed.abouts);
    let timeout = request.timeout;
    let operation = Operation { news, timeout, ..Operation::new(&stack.name, &stack.arn, &token) };
    watch(operation, DESTROYED, progress, None, cloud, audience).await?;
    Ok(Outcome::Destroyed)
}

/// Says what goes and what stays, asks, and lets go of the instances that are protected.
async fn confirm<C: Cloud, A: Audience>(
    request: &Request<'_>,
    resources: &[Resource],
    deployed: &Deployed,
    bucket: &str,
    cloud: &C,
    audience: &mut A,
) -> Result<(), DeployError> {
    let stay = |resource: &&Resource| {
        deployed.retained.contains(&resource.logical_id) || request.retain.contains(&resource.logical_id)
    };
    let (stay, go): (Vec<&Resource>, Vec<_>) = resources.iter().partition(stay);
    let told = |resource: &&Resource| {
        let about = deployed.abouts.get(&resource.logical_id);
        (resource.logical_id.clone(), about.unwrap_or(&resource.resource_type).clone())
    };
    let goes: Vec<_> = go.iter().map(told).collect();
    // What runs in groups that another template made goes on running, and nobody scales it in any more.
    let others = deployed.others_groups.iter();
    let others = others.map(|(id, about)| (id.clone(), format!("{about}, with the instances that run in it")));
    let stays: Vec<_> = stay.iter().map(told).chain(others).collect();
    let groups = own_groups(&go, cloud, audience).await;
    let crews = running::crews(&groups);
    let buckets = [bucket.to_owned()];
    audience.hear(&Moment::Leaving { goes: &goes, stays: &stays, buckets: &buckets, crews: &crews });
    if !request.yes && !audience.ask(&Question::Destroy { stack: request.stack }).await {
        return Err(DeployError::Declined);
    }
    for group in &groups {
        let of = |instance: &Instance| instance.protected.then(|| instance.id.clone());
        let protected: Vec<_> = group.instances.iter().filter_map(of).collect();
        if !protected.is_empty() {
            // First none is wanted any more, so that no worker that becomes free is replaced by one that protects itself.
            cloud.empty_group(&group.name).await?;
            cloud.unprotect(&group.name, &protected).await?;
        }
    }
    Ok(())
}

/// The groups that go with the stack, as they are; none if we may not look, which CloudFormation does not mind.
async fn own_groups<C: Cloud, A: Audience>(go: &[&Resource], cloud: &C, audience: &mut A) -> Vec<Group> {
    let groups = go.iter().filter(|resource| resource.resource_type == "AWS::AutoScaling::AutoScalingGroup");
    let names: Vec<String> = groups.filter_map(|group| group.physical_id.clone()).collect();
    cloud.groups(&names).await.unwrap_or_else(|error| {
        let text = format!("what runs in the groups could not be looked up: {error}");
        audience.hear(&Moment::Warning { text: &text });
        Vec::new()
    })
}

/// Whether all of these may be left behind: CloudFormation lets that be said only of what it could not delete.
fn can_retain(retain: &[String], stack: &Stack, resources: &[Resource]) -> Result<(), DeployError> {
    let failed = |resource: &&Resource| stack.status.0 == "DELETE_FAILED" && resource.status == "DELETE_FAILED";
    let those: Vec<&str> = resources.iter().filter(failed).map(|resource| resource.logical_id.as_str()).collect();
    match retain.iter().find(|id| !those.contains(&id.as_str())) {
        None => Ok(()),
        Some(id) => {
            let those = those.join(", ");
            let those = if those.is_empty() { those } else { format!(", and that is {those}") };
            Err(DeployError::CannotRetain { id: id.clone(), those })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deploy::cloud::Resource;
    use crate::deploy::event::{EventPage, tests::of_stack};
    use crate::deploy::fake::{Fake, Listener};
    use crate::deploy::stack::tests::stack;
    use crate::deploy::trouble::{Trouble, tests::error};

    const TEMPLATE: &str = "
Resources:
  GpuQueue:
    Type: AWS::SQS::Queue
    DeletionPolicy: Retain
    Metadata: {Description: Jobs wait here}
    Properties: {QueueName: !Sub '${AWS::StackName}-jobs'}
  GpuSpotGroup:
    Type: AWS::AutoScaling::AutoScalingGroup
";

    fn resource(id: &str, status: &str) -> Resource {
        Resource { logical_id: id.into(), resource_type: "AWS::X::Y".into(), physical_id: None, status: status.into() }
    }

    fn page(statuses: &[&str]) -> Result<EventPage, crate::deploy::CloudError> {
        Ok(EventPage { events: statuses.iter().map(|status| of_stack(status)).collect(), next: None })
    }

    fn request() -> Request<'static> {
        Request {
            stack: "media-workers",
            yes: false,
            timeout: None,
            wait_for_lock: None,
            role: None,
            retain: &[],
            token: "token",
        }
    }

    fn there(end: &str) -> Fake {
        Fake::default()
            .stacks([Ok(Some(stack("UPDATE_COMPLETE"))), Ok(Some(stack(end)))])
            .events([page(&["UPDATE_COMPLETE"]), page(&[end, "DELETE_IN_PROGRESS", "UPDATE_COMPLETE"])])
            .contents(
                [
                    resource("GpuQueue", "CREATE_COMPLETE"),
                    resource("GpuSpotGroup", "UPDATE_COMPLETE"),
                    resource("Old", "DELETE_COMPLETE"),
                ],
                TEMPLATE,
            )
    }

    #[tokio::test(start_paused = true)]
    async fn what_goes_and_what_stays_is_said_before_the_question() {
        let (cloud, mut audience) = (there("DELETE_COMPLETE"), Listener { yes: true, ..Listener::default() });
        assert_eq!(destroy(&request(), &cloud, &mut audience).await.expect("gone"), Outcome::Destroyed);
        assert_eq!(audience.heard(), ["target", "leaving", "asked: Destroy { stack: \"media-workers\" }", "begun"]);
        let leaving = &audience.told[1];
        assert!(leaving.contains(r#""goes":[["GpuSpotGroup","AWS::X::Y"]]"#), "{leaving}");
        assert!(leaving.contains(r#""stays":[["GpuQueue","Jobs wait here"]]"#), "{leaving}");
        assert!(leaving.contains(r#""buckets":["spotstack-artifacts-111122223333-eu-west-1"]"#), "{leaving}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_no_deletes_nothing() {
        let (cloud, mut audience) = (there("DELETE_COMPLETE"), Listener { yes: false, ..Listener::default() });
        assert!(matches!(destroy(&request(), &cloud, &mut audience).await, Err(DeployError::Declined)));
        assert!(!cloud.calls().iter().any(|call| call.starts_with("delete_stack")));
    }

    #[tokio::test]
    async fn without_a_terminal_nothing_is_called() {
        let (cloud, mut audience) = (there("DELETE_COMPLETE"), Listener { mute: true, ..Listener::default() });
        assert!(matches!(destroy(&request(), &cloud, &mut audience).await, Err(DeployError::NeedsYes { .. })));
        assert_eq!(cloud.calls(), [""; 0]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_missing_stack_is_nothing_to_do() {
        let cloud = Fake::default().stacks([Ok(None)]);
        let outcome = destroy(&Request { yes: true, ..request() }, &cloud, &mut Listener::default()).await;
        assert_eq!(outcome.expect("nothing"), Outcome::Nothing);
    }

    #[tokio::test(start_paused = true)]
    async fn somebody_elses_stack_and_a_busy_one_are_refused() {
        let foreign = Stack { parameters: Default::default(), ..stack("UPDATE_COMPLETE") };
        for (there, refused) in [(foreign, "did not make"), (stack("UPDATE_IN_PROGRESS"), "at work")] {
            let cloud = Fake::default().stacks([Ok(Some(there))]);
            let error = destroy(&Request { yes: true, ..request() }, &cloud, &mut Listener::default()).await;
            assert!(error.expect_err("refused").to_string().contains(refused));
            assert!(!cloud.calls().iter().any(|call| call.starts_with("delete")));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_deletion_that_is_under_way_is_followed() {
        let cloud = Fake::default()
            .stacks([Ok(Some(stack("DELETE_IN_PROGRESS"))), Ok(Some(stack("DELETE_COMPLETE")))])
            .events([page(&["DELETE_IN_PROGRESS"]), page(&["DELETE_COMPLETE", "DELETE_IN_PROGRESS"])]);
        let mut audience = Listener::default();
        let outcome = destroy(&Request { yes: true, ..request() }, &cloud, &mut audience).await;
        assert_eq!(outcome.expect("gone"), Outcome::Destroyed);
        assert!(!cloud.calls().iter().any(|call| call.starts_with("delete_stack")));
        let told: Vec<_> = audience.steps.iter().map(|step| step.status.as_str()).collect();
        assert_eq!(told, ["DELETE_IN_PROGRESS", "DELETE_COMPLETE"], "what happened before is told");
    }

    #[tokio::test(start_paused = true)]
    async fn what_cannot_be_deleted_fails() {
        let (cloud, mut audience) = (there("DELETE_FAILED"), Listener::default());
        let error = destroy(&Request { yes: true, ..request() }, &cloud, &mut audience).await.expect_err("failed");
        assert_eq!(
            error.to_string(),
            "`media-workers` was not destroyed: DELETE_FAILED, some of it could not be deleted"
        );
        assert_eq!(audience.heard(), ["target", "leaving", "begun", "failed"]);
    }

    fn group(id: &str) -> Resource {
        let resource_type = "AWS::AutoScaling::AutoScalingGroup".into();
        Resource { resource_type, physical_id: Some(id.to_lowercase()), ..resource(id, "CREATE_COMPLETE") }
    }

    #[tokio::test(start_paused = true)]
    async fn busy_workers_are_said_before_the_question_and_let_go_after_it() {
        let instance = |id: &str, protected| Instance { id: id.into(), protected, ..Instance::default() };
        let working = |name: &str, instances: Vec<Instance>| {
            let group = Group { name: name.into(), instances, ..Group::default() };
            (group, Default::default(), Vec::new())
        };
        for yes in [true, false] {
            let groups = [group("GpuSpotGroup"), group("GpuOnDemandGroup")];
            let mut cloud = there("DELETE_COMPLETE").contents(groups, "Resources: {}");
            cloud.groups = vec![
                working("gpuspotgroup", vec![instance("i-1", true), instance("i-2", false)]),
                working("gpuondemandgroup", vec![instance("i-3", false)]),
            ];
            let mut audience = Listener { yes, ..Listener::default() };
            let outcome = destroy(&request(), &cloud, &mut audience).await;
            assert_eq!(outcome.is_ok(), yes);
            assert!(
                audience.told[1].contains(r#"{"group":"gpuspotgroup","instances":2,"protected":1}"#),
                "{}",
                audience.told[1]
            );
            let calls = cloud.calls();
            let place = |call: &str| calls.iter().position(|made| made == call);
            let [emptied, unprotected] = ["empty_group gpuspotgroup", "unprotect gpuspotgroup i-1"].map(place);
            assert_eq!((emptied.is_some(), unprotected.is_some()), (yes, yes), "{calls:?}");
            assert!(emptied <= unprotected && place("empty_group gpuondemandgroup").is_none(), "{calls:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_cannot_be_deleted_may_be_left_behind_and_nothing_else() {
        let stuck = |retain: Vec<String>| async move {
            let resources = [resource("GpuQueue", "DELETE_FAILED"), resource("GpuTopic", "DELETE_COMPLETE")];
            let cloud = there("DELETE_COMPLETE")
                .stacks([Ok(Some(stack("DELETE_FAILED"))), Ok(Some(stack("DELETE_COMPLETE")))])
                .contents(resources, TEMPLATE);
            let request = Request { yes: true, retain: &retain, ..request() };
            (destroy(&request, &cloud, &mut Listener::default()).await, cloud.calls())
        };
        let (outcome, calls) = stuck(vec!["GpuQueue".into()]).await;
        assert_eq!(outcome.expect("gone"), Outcome::Destroyed);
        assert!(calls.iter().any(|call| call.starts_with("delete_stack") && call.ends_with(" without GpuQueue")));
        let (outcome, calls) = stuck(vec!["GpuTopic".into()]).await;
        assert!(outcome.expect_err("refused").to_string().contains("`GpuTopic` cannot be left behind"));
        assert!(!calls.iter().any(|call| call.starts_with("delete_stack")));
    }

    #[tokio::test(start_paused = true)]
    async fn termination_protection_is_respected_before_anything_is_asked() {
        let protected = Stack { protected: true, ..stack("UPDATE_COMPLETE") };
        let (cloud, mut audience) = (Fake::default().stacks([Ok(Some(protected))]), Listener::default());
        let error = destroy(&request(), &cloud, &mut audience).await.expect_err("protected");
        let help = miette::Diagnostic::help(&error).map(|help| help.to_string()).unwrap_or_default();
        assert!(help.contains("--no-enable-termination-protection --stack-name media-workers"), "{help}");
        assert_eq!(audience.heard(), [""; 0]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_group_that_stays_goes_on_as_it_was() {
        let busy = Instance { id: "i-1".into(), protected: true, ..Instance::default() };
        let stuck = Resource { status: "DELETE_FAILED".into(), ..group("GpuSpotGroup") };
        let retained = "Resources: {GpuSpotGroup: {Type: X, DeletionPolicy: Retain}}";
        for (before, resource, template, retain) in [
            ("UPDATE_COMPLETE", group("GpuSpotGroup"), retained, vec![]),
            ("DELETE_FAILED", stuck, "Resources: {GpuSpotGroup: {Type: X}}", vec!["GpuSpotGroup".to_owned()]),
        ] {
            let states = [Ok(Some(stack(before))), Ok(Some(stack("DELETE_COMPLETE")))];
            let mut cloud = there("DELETE_COMPLETE").stacks(states).contents([resource], template);
            let spot = Group { name: "gpuspotgroup".into(), instances: vec![busy.clone()], ..Group::default() };
            cloud.groups = vec![(spot, Default::default(), Vec::new())];
            let (request, mut audience) = (Request { yes: true, retain: &retain, ..request() }, Listener::default());
            destroy(&request, &cloud, &mut audience).await.expect("gone");
            assert!(audience.told[1].contains(r#""stays":[["GpuSpotGroup""#), "{}", audience.told[1]);
            assert!(audience.told[1].contains(r#""crews":[]"#), "{}", audience.told[1]);
            let touched = |call: &String| call.starts_with("empty_group") || call.starts_with("unprotect");
            assert!(!cloud.calls().iter().any(touched), "{:?}", cloud.calls());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_refused_deletion_is_told_even_where_one_has_failed_before() {
        let refusal =
            || error(Trouble::Denied, "AccessDenied", "not authorized to perform: cloudformation:DeleteStack");
        for before in ["UPDATE_COMPLETE", "DELETE_FAILED"] {
            let cloud = there("DELETE_FAILED").stacks([Ok(Some(stack(before)))]).deleted([Err(refusal())]);
            let mut audience = Listener::default();
            let told = destroy(&Request { yes: true, ..request() }, &cloud, &mut audience).await.expect_err("refused");
            assert!(matches!(told, DeployError::Cloud(told) if told == refusal()), "{before}");
            assert_eq!(audience.heard(), ["target", "leaving"], "{before}");
        }
        // A lost answer is none.
        let lost = error(Trouble::Unreachable, "", "no answer");
        let states = ["UPDATE_COMPLETE", "DELETE_IN_PROGRESS", "DELETE_COMPLETE"].map(|status| Ok(Some(stack(status))));
        let cloud = there("DELETE_COMPLETE").stacks(states).deleted([Err(lost)]);
        let outcome = destroy(&Request { yes: true, ..request() }, &cloud, &mut Listener::default()).await;
        assert_eq!(outcome.expect("gone"), Outcome::Destroyed);
    }

    #[tokio::test(start_paused = true)]
    async fn where_nobody_can_say_what_stays_nothing_goes() {
        let cloud = there("DELETE_COMPLETE").contents([group("GpuSpotGroup")], "{");
        let error = destroy(&Request { yes: true, ..request() }, &cloud, &mut Listener::default()).await;
        assert!(matches!(error, Err(DeployError::Template { .. })));
        assert!(!cloud.calls().iter().any(|call| call.starts_with("delete") || call.starts_with("empty")));
    }
}
