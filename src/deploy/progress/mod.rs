//! How far CloudFormation is: the change set as a to-do list that events tick off. A pure fold.
//!
//! [`recording`] is what it says as lines of JSON, and the way back from these.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use spot_policy::Timestamp;

pub mod recording;

use super::change_set::{Action, Change};
use super::cloud::Resource;
use super::event::Event;
use super::stack::StackStatus;
use crate::neutral::neutral;
use crate::template::diff::Part;

/// How far CloudFormation is with one operation on one stack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    stack: String,
    abouts: BTreeMap<String, String>,
    tasks: Vec<Task>,
    status: Option<StackStatus>,
    failures: Vec<Failure>,
    cancelled: usize,
}

/// One resource on the to-do list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// The resource's name in the template.
    pub logical_id: String,
    /// Such as `AWS::SQS::Queue`.
    pub resource_type: String,
    /// What it is for: the template's own words, if it has some.
    pub about: Option<String>,
    /// What of a pair it belongs to.
    pub part: Part,
    /// How far it is.
    pub state: State,
    /// How many seconds the last thing that was done to it took.
    pub took: Option<i64>,
    /// AWS's text, if it failed by itself; it stays when what was made is undone.
    pub failure: Option<String>,
    /// Whether it is as it was before again.
    pub undone: bool,
    /// Whether there is a new one, and what happens now happens to the old one.
    pub replaced: bool,
}

impl Task {
    fn new(logical_id: &str, resource_type: &str, abouts: &BTreeMap<String, String>) -> Self {
        Self {
            logical_id: logical_id.into(),
            resource_type: resource_type.into(),
            about: abouts.get(logical_id).map(|about| neutral(about).into_owned()),
            part: part(logical_id, resource_type),
            state: State::Waiting,
            took: None,
            failure: None,
            undone: false,
            replaced: false,
        }
    }

    /// Whether nothing more is to be done to it.
    pub fn is_done(&self) -> bool {
        matches!(self.state, State::Done(_) | State::Kept)
    }

    /// What it is for, or what it is.
    pub fn words(&self) -> &str {
        self.about.as_deref().unwrap_or(&self.logical_id)
    }
}

/// What of a pair a resource belongs to. A pair's own name may hold the market's word as well: the last one counts.
fn part(logical_id: &str, resource_type: &str) -> Part {
    let market = ["OnDemand", "Spot"].into_iter().filter_map(|word| logical_id.rfind(word)).max();
    let pair = market.and_then(|at| logical_id.get(..at)).unwrap_or_default();
    Part::of_pair(logical_id, resource_type, &[pair])
}

/// How far a resource is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Its turn has not come.
    Waiting,
    /// CloudFormation is at it.
    Doing {
        /// What.
        verb: Verb,
        /// Since when, by our clock.
        since: Duration,
        /// Since when, by AWS's.
        at: i64,
    },
    /// Done.
    Done(Verb),
    /// Left in AWS.
    Kept,
    /// It failed.
    Failed,
    /// Given up because of another one's failure.
    Cancelled,
}

/// What is done to a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verb {
    /// It is made.
    Create,
    /// It is changed.
    Update,
    /// It is deleted.
    Delete,
}

impl Verb {
    /// `creating`.
    pub fn doing(self) -> &'static str {
        match self {
            Verb::Create => "creating",
            Verb::Update => "updating",
            Verb::Delete => "deleting",
        }
    }

    /// `created`.
    pub fn done(self) -> &'static str {
        match self {
            Verb::Create => "created",
            Verb::Update => "updated",
            Verb::Delete => "deleted",
        }
    }
}

/// Something worth a line: a resource, or the stack itself, went a step further.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    /// The resource's name in the template; the stack's name for the stack.
    pub logical_id: String,
    /// Such as `AWS::SQS::Queue`.
    pub resource_type: String,
    /// What it is for.
    pub about: Option<String>,
    /// CloudFormation's word.
    pub status: String,
    /// What happened.
    pub kind: StepKind,
    /// How long it took, in seconds, where it ended.
    pub seconds: Option<i64>,
    /// AWS's text, as AWS wrote it.
    pub reason: Option<String>,
    /// When, by AWS's clock: seconds since 1970.
    pub at: Timestamp,
    /// Whether it is the old one's, which another has taken the place of.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub replaced: bool,
}

/// What a step says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StepKind {
    /// Begun.
    Begun(Verb),
    /// Done.
    Done(Verb),
    /// Failed.
    Failed,
    /// Given up because of another one's failure.
    Cancelled,
    /// Left in AWS (`DeletionPolicy: Retain`).
    Kept,
    /// The stack itself goes into another state.
    Stack,
}

/// A resource that failed by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// When, by AWS's clock.
    #[serde(skip)]
    pub at: Timestamp,
    /// The resource's name in the template.
    pub logical_id: String,
    /// Such as `AWS::SQS::Queue`.
    pub resource_type: String,
    /// What it is for.
    pub about: Option<String>,
    /// CloudFormation's word.
    pub status: String,
    /// AWS's text, as AWS wrote it.
    pub reason: String,
}

impl Progress {
    /// The to-do list of a change set. `abouts` says what each resource is for.
    pub fn of_changes(stack: &str, changes: &[Change], abouts: BTreeMap<String, String>) -> Self {
        let listed = changes
            .iter()
            .filter(|change| !(change.action == Action::Remove && change.retained))
            .map(|change| (&*change.logical_id, &*change.resource_type));
        Self::new(stack, listed, abouts)
    }

    /// The to-do list of a deletion.
    pub fn of_deletion(stack: &str, resources: &[Resource], abouts: BTreeMap<String, String>) -> Self {
        Self::new(stack, resources.iter().map(|resource| (&*resource.logical_id, &*resource.resource_type)), abouts)
    }

    fn new<'a>(
        stack: &str,
        listed: impl Iterator<Item = (&'a str, &'a str)>,
        abouts: BTreeMap<String, String>,
    ) -> Self {
        let tasks = listed.map(|(logical_id, resource_type)| Task::new(logical_id, resource_type, &abouts)).collect();
        Self { stack: stack.into(), abouts, tasks, status: None, failures: Vec::new(), cancelled: 0 }
    }

    /// Takes one event in, `now` being our clock since the operation began. What is worth a line comes back.
    ///
    /// The same event twice, and the second `CREATE_IN_PROGRESS` that says that the resource has its name now, are no news.
    pub fn fold(&mut self, event: &Event, now: Duration) -> Option<Step> {
        if event.resource_type == "AWS::CloudFormation::Stack" && event.logical_id == self.stack {
            return self.fold_stack(event);
        }
        let index = self.task(event);
        let kind = self.next_kind(event, self.tasks[index].state)?;
        let (undoing, cleaning) = (self.is_undoing(), self.is_cleaning());
        let is_new = matches!(self.tasks[index].state, State::Done(Verb::Create | Verb::Update));
        let began = match self.tasks[index].state {
            State::Doing { at, .. } => Some(at),
            _ => None,
        };
        self.tasks[index].state = match kind {
            StepKind::Begun(verb) => State::Doing { verb, since: now, at: event.at.0 },
            StepKind::Done(verb) => State::Done(verb),
            StepKind::Kept => State::Kept,
            StepKind::Failed => State::Failed,
            StepKind::Cancelled => State::Cancelled,
            StepKind::Stack => return None,
        };
        let took = began.map(|began| event.at.0.saturating_sub(began).max(0));
        let task = &mut self.tasks[index];
        task.replaced |= cleaning && is_new && kind == StepKind::Begun(Verb::Delete);
        task.undone |= undoing && matches!(kind, StepKind::Done(_));
        if !task.replaced {
            task.took = took;
        }
        let step = step(event, kind, took, &self.tasks[index]);
        match kind {
            StepKind::Cancelled => self.cancelled += 1,
            StepKind::Failed => {
                let reason = step.reason.clone().unwrap_or_else(|| "AWS gives no reason".into());
                self.tasks[index].failure.get_or_insert_with(|| reason.clone());
                self.failures.push(Failure {
                    at: event.at,
                    logical_id: step.logical_id.clone(),
                    resource_type: step.resource_type.clone(),
                    about: step.about.clone(),
                    status: step.status.clone(),
                    reason,
                });
            }
            _ => {}
        }
        Some(step)
    }

    fn fold_stack(&mut self, event: &Event) -> Option<Step> {
        let status = StackStatus(event.status.clone());
        if self.status.as_ref() == Some(&status) {
            return None;
        }
        self.status = Some(status);
        Some(Step {
            logical_id: event.logical_id.clone(),
            resource_type: event.resource_type.clone(),
            about: None,
            status: event.status.clone(),
            kind: StepKind::Stack,
            seconds: None,
            reason: event.reason.clone(),
            at: event.at,
            replaced: false,
        })
    }

    /// What an event says about a resource in a state; `None` if that is known.
    fn next_kind(&self, event: &Event, state: State) -> Option<StepKind> {
        let (verb, outcome) = event.status.split_once('_')?;
        let verb = match verb {
            "CREATE" | "IMPORT" => Verb::Create,
            "UPDATE" | "ROLLBACK" => Verb::Update,
            "DELETE" => Verb::Delete,
            _ => return None,
        };
        let outcome = outcome.trim_start_matches("ROLLBACK_");
        match outcome {
            "IN_PROGRESS" if matches!(state, State::Doing { verb: doing, .. } if doing == verb) => None,
            "IN_PROGRESS" => Some(StepKind::Begun(verb)),
            "COMPLETE" if state == State::Done(verb) => None,
            "COMPLETE" => Some(StepKind::Done(verb)),
            "SKIPPED" => Some(StepKind::Kept),
            "FAILED" if matches!(state, State::Failed | State::Cancelled) => None,
            "FAILED" if is_cancellation(event.reason.as_deref()) => Some(StepKind::Cancelled),
            "FAILED" => Some(StepKind::Failed),
            _ => None,
        }
    }

    /// The task of an event; one that the list did not foresee is put on it.
    fn task(&mut self, event: &Event) -> usize {
        self.tasks.iter().position(|task| task.logical_id == event.logical_id).unwrap_or_else(|| {
            self.tasks.push(Task::new(&event.logical_id, &event.resource_type, &self.abouts));
            self.tasks.len() - 1
        })
    }

    /// The stack's name.
    pub fn stack(&self) -> &str {
        &self.stack
    }

    /// The stack's state, as far as events told it.
    pub fn status(&self) -> Option<&StackStatus> {
        self.status.as_ref()
    }

    /// Everything on the list.
    pub fn tasks(&self) -> &[Task] {
        &self.tasks
    }

    /// Whether CloudFormation undoes what it did.
    pub fn is_undoing(&self) -> bool {
        self.status.as_ref().is_some_and(|status| status.0.contains("ROLLBACK"))
    }

    /// How many are as they were before.
    pub fn undone(&self) -> usize {
        self.tasks.iter().filter(|task| task.undone).count()
    }

    /// Whether CloudFormation takes away what it has replaced.
    fn is_cleaning(&self) -> bool {
        self.status.as_ref().is_some_and(|status| status.0.contains("CLEANUP"))
    }

    /// What CloudFormation is at.
    pub fn doing(&self) -> impl Iterator<Item = &Task> {
        self.tasks.iter().filter(|task| matches!(task.state, State::Doing { .. }))
    }

    /// How many are done, and of how many.
    pub fn done(&self) -> (usize, usize) {
        (self.tasks.iter().filter(|task| task.is_done()).count(), self.tasks.len())
    }

    /// What failed by itself, the root cause first: CloudFormation begins to undo at the first failure, so what fails later
    /// fails because of it, or beside it.
    pub fn failures(&self) -> &[Failure] {
        &self.failures
    }

    /// How many were given up because another one failed.
    pub fn cancelled(&self) -> usize {
        self.cancelled
    }
}

fn step(event: &Event, kind: StepKind, took: Option<i64>, task: &Task) -> Step {
    Step {
        logical_id: task.logical_id.clone(),
        resource_type: task.resource_type.clone(),
        about: task.about.clone(),
        status: event.status.clone(),
        kind,
        seconds: took.filter(|_| !matches!(kind, StepKind::Begun(_))),
        reason: event.reason.clone(),
        at: event.at,
        replaced: task.replaced,
    }
}

/// `Resource creation cancelled` and its kin: not a failure of its own. With an `s` more, CloudFormation says it for an update
/// that somebody cancelled.
pub(super) fn is_cancellation(reason: Option<&str>) -> bool {
    reason.is_some_and(|reason| {
        let reason = reason.to_ascii_lowercase();
        reason.starts_with("resource ") && (reason.contains(" cancelled") || reason.contains(" canceled"))
    })
}

#[cfg(test)]
mod tests;
