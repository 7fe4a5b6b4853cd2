//! What CloudFormation says it would do.

use std::time::Duration;

use serde_json::Value;

use super::cloud::Cloud;
use super::error::DeployError;
use super::pace::Pace;
use super::trouble::CloudError;
pub use crate::template::diff::{Action, Replacement};

/// A page of a change set, as AWS gives it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChangeSetPage {
    /// Such as `CREATE_COMPLETE`: of the change set, not of the stack.
    pub status: String,
    /// Such as `AVAILABLE`: whether it can be executed, or is.
    pub execution: String,
    /// The stack's ARN.
    pub stack_arn: String,
    /// Why it failed, and other remarks.
    pub reason: Option<String>,
    /// Some of the changes.
    pub changes: Vec<Change>,
    /// Where the others are.
    pub next: Option<String>,
}

/// What would happen to one resource.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Change {
    /// What.
    pub action: Action,
    /// The resource's name in the template.
    pub logical_id: String,
    /// Such as `AWS::SQS::Queue`.
    pub resource_type: String,
    /// Whether another one takes its place.
    pub replacement: Replacement,
    /// What of it changes.
    pub details: Vec<Detail>,
    /// Whether it stays in AWS although it leaves the stack (`DeletionPolicy`, `UpdateReplacePolicy`).
    pub retained: bool,
    /// The resource before and after, with its values in place, where AWS shows them.
    pub states: Option<(Value, Value)>,
}

/// One reason why a resource changes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Detail {
    /// The property; `Tags` and the like for what is none.
    pub name: String,
    /// Whether a change of this property replaces the resource.
    pub recreation: Replacement,
    /// The resource that it names, where it changes only with that resource's name.
    pub refers_to: Option<String>,
}

impl Change {
    /// The properties that change, each once.
    pub fn properties(&self) -> Vec<&str> {
        let mut names = Vec::new();
        for detail in &self.details {
            if !names.contains(&detail.name.as_str()) {
                names.push(detail.name.as_str());
            }
        }
        names
    }
}

/// What became of a change set that we asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reading {
    /// It can be executed; everything that it would do.
    Ready(Vec<Change>),
    /// The stack is already as the template says.
    NoChange,
    /// CloudFormation cannot do it; its reason.
    Failed(String),
}

/// How long CloudFormation may take to prepare a change set. It takes seconds; with many stacks in parallel, a minute.
const PATIENCE: Duration = Duration::from_secs(300);

/// Waits until the change set is ready and reads all of it.
///
/// # Errors
/// AWS does not answer, or takes longer than five minutes.
pub async fn read(cloud: &impl Cloud, arn: &str, name: &str) -> Result<Reading, DeployError> {
    let mut pace = Pace::quick(name);
    let begin = tokio::time::Instant::now();
    let first = loop {
        match cloud.change_set(arn, None).await {
            Ok(page) if page.is_pending() => pace.answered(),
            Ok(page) => break page,
            // Each was tried several times already.
            Err(error) if error.is_passing() && pace.unanswered() <= 5 => {}
            Err(error) => return Err(error.into()),
        }
        if begin.elapsed() > PATIENCE {
            return Err(DeployError::ChangeSetPending { name: name.into(), after: PATIENCE });
        }
        tokio::time::sleep(pace.pause()).await;
    };
    if first.is_failed() {
        let reason = first.reason.unwrap_or_else(|| "AWS gives no reason".into());
        return Ok(if says_no_change(&reason) { Reading::NoChange } else { Reading::Failed(reason) });
    }
    let mut changes = all_changes(cloud, arn, first).await?;
    add_values(cloud, arn, &mut changes).await;
    Ok(Reading::Ready(changes))
}

/// Adds what AWS shows of the values. It is asked for apart, because such an answer silently lacks resources whose values cannot
/// be shown; and it is worth having, not worth failing for.
async fn add_values(cloud: &impl Cloud, arn: &str, changes: &mut [Change]) {
    let mut next = None;
    loop {
        let Ok(page) = cloud.change_set_values(arn, next.as_deref()).await else { return };
        for with in page.changes {
            if let Some(change) = changes.iter_mut().find(|change| change.logical_id == with.logical_id) {
                change.states = with.states;
            }
        }
        next = page.next;
        if next.is_none() {
            return;
        }
    }
}

/// The changes of the first page and of all others.
async fn all_changes(cloud: &impl Cloud, arn: &str, first: ChangeSetPage) -> Result<Vec<Change>, CloudError> {
    let (mut changes, mut next) = (first.changes, first.next);
    while let Some(token) = next {
        let page = cloud.change_set(arn, Some(&token)).await?;
        changes.extend(page.changes);
        next = page.next;
    }
    Ok(changes)
}

impl ChangeSetPage {
    fn is_pending(&self) -> bool {
        matches!(self.status.as_str(), "CREATE_PENDING" | "CREATE_IN_PROGRESS")
    }

    fn is_failed(&self) -> bool {
        self.status != "CREATE_COMPLETE"
    }
}

/// CloudFormation calls a change set without changes a failure; the second text is that of templates with transforms.
fn says_no_change(reason: &str) -> bool {
    reason.contains("didn't contain changes") || reason.contains("No updates are to be performed")
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::deploy::fake::Fake;
    use crate::deploy::trouble::{Trouble, tests::error};

    /// A change.
    pub(in crate::deploy) fn change(action: Action, logical_id: &str, resource_type: &str) -> Change {
        Change { action, logical_id: logical_id.into(), resource_type: resource_type.into(), ..Change::default() }
    }

    fn page(status: &str, reason: Option<&str>, ids: &[&str], next: Option<&str>) -> ChangeSetPage {
        ChangeSetPage {
            status: status.into(),
            reason: reason.map(Into::into),
            changes: ids.iter().map(|id| change(Action::Add, id, "AWS::SQS::Queue")).collect(),
            next: next.map(Into::into),
            ..ChangeSetPage::default()
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_change_set_is_waited_for_and_read_to_its_last_page() {
        let cloud = Fake::default().change_set([
            Ok(page("CREATE_PENDING", None, &[], None)),
            Err(error(Trouble::Throttled, "Throttling", "Rate exceeded")),
            Ok(page("CREATE_IN_PROGRESS", None, &[], None)),
            Ok(page("CREATE_COMPLETE", None, &["A", "B"], Some("2"))),
            Ok(page("CREATE_COMPLETE", None, &["C"], Some("3"))),
            Ok(page("CREATE_COMPLETE", None, &["D"], None)),
        ]);
        let Ok(Reading::Ready(changes)) = read(&cloud, "arn", "name").await else { panic!("not ready") };
        let ids: Vec<_> = changes.iter().map(|change| change.logical_id.as_str()).collect();
        assert_eq!(ids, ["A", "B", "C", "D"]);
    }

    #[tokio::test(start_paused = true)]
    async fn both_texts_of_no_change_are_no_failure() {
        for (reason, expected) in [
            (
                "The submitted information didn't contain changes. Submit different information to create a change set.",
                Reading::NoChange,
            ),
            ("No updates are to be performed.", Reading::NoChange),
            (
                "Template error: instance of Fn::GetAtt references undefined resource X",
                Reading::Failed("Template error: instance of Fn::GetAtt references undefined resource X".into()),
            ),
        ] {
            let cloud = Fake::default().change_set([Ok(page("FAILED", Some(reason), &[], None))]);
            assert_eq!(read(&cloud, "arn", "name").await.expect("read"), expected);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_never_answered_says_so_and_not_that_cloudformation_is_slow() {
        let cloud = Fake::default().change_set([Err(error(Trouble::Unreachable, "", "no answer"))]);
        assert!(matches!(read(&cloud, "arn", "name").await, Err(DeployError::Cloud(_))));
    }

    #[tokio::test(start_paused = true)]
    async fn a_change_set_that_never_comes_is_given_up() {
        let cloud = Fake::default().change_set([Ok(page("CREATE_PENDING", None, &[], None))]);
        assert!(matches!(read(&cloud, "arn", "name").await, Err(DeployError::ChangeSetPending { .. })));
    }
}
