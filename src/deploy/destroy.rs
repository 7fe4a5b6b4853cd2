//! The ceremony of taking a stack away.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_yaml::Value;

use super::artifact;
use super::audience::{Audience, Moment, Question};
use super::cloud::Cloud;
use super::error::DeployError;
use super::event::News;
use super::follow::{Operation, follow};
use super::progress::Progress;
use super::stack::busy;

/// What is to be taken away.
#[derive(Debug, Clone)]
pub struct Request<'a> {
    /// The stack's name.
    pub stack: &'a str,
    /// Not to be asked.
    pub yes: bool,
    /// How long to watch.
    pub timeout: Option<Duration>,
    /// The role that CloudFormation acts as, if not the stack's own.
    pub role: Option<&'a str>,
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
    let Some(stack) = cloud.stack(request.stack).await?.filter(|stack| !stack.status.is_deleted()) else {
        return Ok(Outcome::Nothing);
    };
    if !stack.is_ours() {
        return Err(DeployError::NotOurs { stack: stack.name });
    }
    let deleting = stack.status.0 == "DELETE_IN_PROGRESS";
    if stack.status.is_in_progress() && !deleting {
        return Err(busy(&stack));
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
    // A stack that was never executed has no template; then nothing of it can stay.
    let template = cloud.template(&stack.arn).await.unwrap_or_default();
    let notes = notes(&template);
    if !deleting {
        let (mut stays, goes): (Vec<_>, Vec<_>) = resources
            .iter()
            .map(|resource| {
                let about = notes.get(&resource.logical_id).and_then(|note| note.about.clone());
                (resource.logical_id.clone(), about.unwrap_or_else(|| resource.resource_type.clone()))
            })
            .partition(|(id, _)| notes.get(id).is_some_and(|note| note.retained));
        stays.extend(others_groups(&template));
        let buckets = stack.parameters.get("ArtifactBucket").cloned();
        let buckets = [buckets.unwrap_or_else(|| artifact::bucket_name(&identity))];
        audience.hear(&Moment::Leaving { goes: &goes, stays: &stays, buckets: &buckets });
        if !request.yes && !audience.ask(&Question::Destroy { stack: &stack.name }).await {
            return Err(DeployError::Declined);
        }
    }
    let news = News::from_now_on(cloud, &stack.arn).await.ok();
    if !deleting {
        cloud.delete_stack(&stack.arn, request.token, request.role).await?;
    }
    let abouts = notes.into_iter().filter_map(|(id, note)| Some((id, note.about?))).collect();
    let mut progress = Progress::of_deletion(&stack.name, &resources, abouts);
    let operation = Operation { stack: &stack.name, arn: &stack.arn, news, timeout: request.timeout };
    let ended = follow(operation, &mut progress, cloud, audience).await?;
    if ended.status.is_deleted() {
        return Ok(Outcome::Destroyed);
    }
    audience.hear(&Moment::Failed {
        failures: progress.failures(),
        cancelled: progress.cancelled(),
        reason: ended.reason.as_deref(),
    });
    Err(DeployError::Failed { stack: stack.name, verb: "destroyed", status: ended.status })
}

/// The groups that another template made, which this one only has the names of: its parameters for them, and their words. What
/// runs in them goes on running, and nobody scales it in any more.
fn others_groups(template: &str) -> Vec<(String, String)> {
    let document: Value = serde_yaml::from_str(template).unwrap_or_default();
    let parameters = document.get("Parameters").and_then(Value::as_mapping).cloned().unwrap_or_default();
    let groups = parameters.into_iter().filter_map(|(id, parameter)| {
        let id = id.as_str().filter(|id| id.ends_with("SpotGroup") || id.ends_with("OnDemandGroup"))?;
        let about = parameter.get("Description")?.as_str()?;
        Some((id.to_owned(), format!("{about}, with the instances that run in it")))
    });
    groups.collect()
}

/// What the deployed template says about a resource.
#[derive(Debug, Default, PartialEq, Eq)]
struct Note {
    about: Option<String>,
    retained: bool,
}

/// The notes of every resource of a template; none if it cannot be read, because the deployed template is not ours to judge.
fn notes(template: &str) -> BTreeMap<String, Note> {
    let document: Value = serde_yaml::from_str(template).unwrap_or_default();
    let resources = document.get("Resources").and_then(Value::as_mapping).cloned().unwrap_or_default();
    resources
        .into_iter()
        .filter_map(|(id, resource)| {
            let about = resource.get("Metadata").and_then(|metadata| metadata.get("Description")?.as_str());
            let policy = resource.get("DeletionPolicy").and_then(Value::as_str).unwrap_or("Delete");
            let note = Note { about: about.map(Into::into), retained: policy.starts_with("Retain") };
            Some((id.as_str()?.to_owned(), note))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deploy::cloud::Resource;
    use crate::deploy::event::{Event, EventPage};
    use crate::deploy::fake::{Fake, Listener};
    use crate::deploy::stack::tests::stack;

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

    fn told(status: &str) -> Event {
        Event {
            id: status.into(),
            logical_id: "media-workers".into(),
            resource_type: "AWS::CloudFormation::Stack".into(),
            status: status.into(),
            ..Event::default()
        }
    }

    fn page(statuses: &[&str]) -> Result<EventPage, crate::deploy::CloudError> {
        Ok(EventPage { events: statuses.iter().map(|status| told(status)).collect(), next: None })
    }

    fn request() -> Request<'static> {
        Request { stack: "media-workers", yes: false, timeout: None, role: None, token: "token" }
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
        assert_eq!(audience.heard(), ["target", "leaving", "asked: Destroy { stack: \"media-workers\" }"]);
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
        let foreign = crate::deploy::stack::Stack { parameters: BTreeMap::new(), ..stack("UPDATE_COMPLETE") };
        for (there, refused) in [(foreign, "did not make"), (stack("UPDATE_IN_PROGRESS"), "at work")] {
            let cloud = Fake::default().stacks([Ok(Some(there))]);
            let error = destroy(&Request { yes: true, ..request() }, &cloud, &mut Listener::default()).await;
            assert!(error.expect_err("refused").to_string().contains(refused));
            assert_eq!(cloud.calls(), ["identity", "stack media-workers"]);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_deletion_that_is_under_way_is_followed() {
        let cloud = Fake::default()
            .stacks([Ok(Some(stack("DELETE_IN_PROGRESS"))), Ok(Some(stack("DELETE_COMPLETE")))])
            .events([page(&["DELETE_IN_PROGRESS"]), page(&["DELETE_COMPLETE", "DELETE_IN_PROGRESS"])]);
        let outcome = destroy(&Request { yes: true, ..request() }, &cloud, &mut Listener::default()).await;
        assert_eq!(outcome.expect("gone"), Outcome::Destroyed);
        assert!(!cloud.calls().iter().any(|call| call.starts_with("delete_stack")));
    }

    #[tokio::test(start_paused = true)]
    async fn what_cannot_be_deleted_fails() {
        let (cloud, mut audience) = (there("DELETE_FAILED"), Listener::default());
        let error = destroy(&Request { yes: true, ..request() }, &cloud, &mut audience).await.expect_err("failed");
        assert_eq!(
            error.to_string(),
            "`media-workers` was not destroyed: DELETE_FAILED, some of it could not be deleted"
        );
        assert_eq!(audience.heard(), ["target", "leaving", "failed"]);
    }

    #[test]
    fn groups_of_another_template_stay() {
        let template = "
Parameters:
  HandlerKey: {Type: String}
  EncodeSpotGroup:
    Type: String
    Description: 'encode: the Spot workers, asgGPUSpot of the stack encoder-prod'
Resources: {}
";
        let about = "encode: the Spot workers, asgGPUSpot of the stack encoder-prod, with the instances that run in it";
        assert_eq!(others_groups(template), [("EncodeSpotGroup".to_owned(), about.to_owned())]);
        assert_eq!(others_groups(TEMPLATE), []);
    }

    #[test]
    fn a_template_that_cannot_be_read_keeps_nothing() {
        assert_eq!(notes("{"), BTreeMap::new());
        assert_eq!(notes(TEMPLATE)["GpuQueue"], Note { about: Some("Jobs wait here".into()), retained: true });
    }
}
