//! What the template that is deployed says of its resources, for who takes them away or puts them right.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::cloud::Cloud;
use super::error::DeployError;
use super::stack::Stack;
use crate::neutral::neutral;
use crate::template::diff::{Document, DocumentError};

/// The template of a stack, as far as it speaks about what is there.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Deployed {
    /// What each resource is for, in the template's words.
    pub(super) abouts: BTreeMap<String, String>,
    /// The resources that stay in AWS when the stack goes.
    pub(super) retained: BTreeSet<String>,
    /// The groups that another template made, which this one only has the names of: its parameters for them, and their words.
    pub(super) others_groups: Vec<(String, String)>,
}

impl Deployed {
    /// Asks for a stack's template and reads it. A stack that was never executed has none, and nothing in it.
    ///
    /// # Errors
    /// It is not to be had, or not to be understood.
    pub(super) async fn of(stack: &Stack, cloud: &impl Cloud) -> Result<Self, DeployError> {
        if stack.status.0 == "REVIEW_IN_PROGRESS" {
            return Ok(Self::default());
        }
        let text = cloud.template(&stack.arn).await?;
        Self::read(&text).map_err(|error| DeployError::Template { stack: stack.name.clone(), error })
    }

    fn read(text: &str) -> Result<Self, DocumentError> {
        let document = Document::read(text)?;
        // Whoever deployed it wrote these words.
        let described =
            |(id, about): (&String, Option<&Value>)| Some((id.clone(), neutral(about?.as_str()?).into_owned()));
        let about = |resource: &Value| resource.get("Metadata")?.get("Description").cloned();
        let resources = || document.resources().iter();
        let abouts = resources().filter_map(|(id, resource)| described((id, about(resource).as_ref())));
        let policy = |resource: &Value| resource.get("DeletionPolicy").and_then(Value::as_str).map(str::to_owned);
        // `RetainExceptOnCreate` too: what is there was created.
        let stays = |resource: &Value| policy(resource).is_some_and(|policy| policy.starts_with("Retain"));
        let retained = resources().filter(|(_, resource)| stays(resource)).map(|(id, _)| id.clone());
        let is_group = |id: &str| id.ends_with("SpotGroup") || id.ends_with("OnDemandGroup");
        let parameters = document.section("Parameters").iter().filter(|(id, _)| is_group(id));
        let groups = parameters.filter_map(|(id, parameter)| described((id, parameter.get("Description"))));
        Ok(Self { abouts: abouts.collect(), retained: retained.collect(), others_groups: groups.collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_for_what_and_what_stays_is_in_the_template() {
        let template = r#"
Parameters:
  HandlerKey: {Type: String}
  EncodeSpotGroup: {Type: String, Description: 'encode: the Spot workers, asgGPUSpot of the stack encoder-prod'}
Resources:
  GpuQueue:
    Type: AWS::SQS::Queue
    DeletionPolicy: Retain
    Metadata: {Description: "Jobs \e[2J wait here"}
    Properties: {QueueName: !Sub '${AWS::StackName}-jobs'}
  Archive: {Type: 'AWS::S3::Bucket', DeletionPolicy: RetainExceptOnCreate}
  GpuSpotGroup: {Type: 'AWS::AutoScaling::AutoScalingGroup', DeletionPolicy: Delete}
"#;
        let deployed = Deployed::read(template).expect("a template");
        assert_eq!(deployed.abouts, BTreeMap::from([("GpuQueue".into(), r"Jobs \u{1b}[2J wait here".into())]));
        assert_eq!(deployed.retained, BTreeSet::from(["Archive".into(), "GpuQueue".into()]));
        let words = "encode: the Spot workers, asgGPUSpot of the stack encoder-prod";
        assert_eq!(deployed.others_groups, [("EncodeSpotGroup".to_owned(), words.to_owned())]);
        assert!(Deployed::read("{").is_err() && Deployed::read("").is_err());
    }
}
