//! How far CloudFormation is: the change set as a to-do list that events tick off. A pure fold.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;
use spot_policy::Timestamp;

use super::change_set::{Action, Change};
use super::cloud::Resource;
use super::event::Event;
use super::stack::StackStatus;

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
    /// How far it is.
    pub state: State,
}

impl Task {
    fn new(logical_id: &str, resource_type: &str, abouts: &BTreeMap<String, String>) -> Self {
        Self {
            logical_id: logical_id.into(),
            resource_type: resource_type.into(),
            about: abouts.get(logical_id).cloned(),
            state: State::Waiting,
        }
    }
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
    /// It failed.
    Failed,
    /// Given up because of another one's failure.
    Cancelled,
}

/// What is done to a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
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
    /// AWS's text, where it failed.
    pub reason: Option<String>,
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
        let began = match self.tasks[index].state {
            State::Doing { at, .. } => Some(at),
            _ => None,
        };
        self.tasks[index].state = match kind {
            StepKind::Begun(verb) => State::Doing { verb, since: now, at: event.at.0 },
            StepKind::Done(verb) => State::Done(verb),
            StepKind::Kept => State::Done(Verb::Delete),
            StepKind::Failed => State::Failed,
            StepKind::Cancelled => State::Cancelled,
            StepKind::Stack => return None,
        };
        let step = self.step(event, kind, began.map(|began| (event.at.0 - began).max(0)), &self.tasks[index]);
        match kind {
            StepKind::Cancelled => self.cancelled += 1,
            StepKind::Failed => self.failures.push(Failure {
                at: event.at,
                logical_id: step.logical_id.clone(),
                resource_type: step.resource_type.clone(),
                about: step.about.clone(),
                status: step.status.clone(),
                reason: step.reason.clone().unwrap_or_else(|| "AWS gives no reason".into()),
            }),
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

    fn step(&self, event: &Event, kind: StepKind, seconds: Option<i64>, task: &Task) -> Step {
        Step {
            logical_id: task.logical_id.clone(),
            resource_type: task.resource_type.clone(),
            about: task.about.clone(),
            status: event.status.clone(),
            kind,
            seconds: seconds.filter(|_| !matches!(kind, StepKind::Begun(_))),
            reason: event.reason.clone().filter(|_| kind == StepKind::Failed),
        }
    }

    /// The stack's name.
    pub fn stack(&self) -> &str {
        &self.stack
    }

    /// The stack's state, as far as events told it.
    pub fn status(&self) -> Option<&StackStatus> {
        self.status.as_ref()
    }

    /// What CloudFormation is at.
    pub fn doing(&self) -> impl Iterator<Item = &Task> {
        self.tasks.iter().filter(|task| matches!(task.state, State::Doing { .. }))
    }

    /// How many are done, and of how many.
    pub fn done(&self) -> (usize, usize) {
        (self.tasks.iter().filter(|task| matches!(task.state, State::Done(_))).count(), self.tasks.len())
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

/// `Resource creation cancelled` and its kin: not a failure of its own. With an `s` more, CloudFormation says it for an update
/// that somebody cancelled.
pub(super) fn is_cancellation(reason: Option<&str>) -> bool {
    reason.is_some_and(|reason| {
        let reason = reason.to_ascii_lowercase();
        reason.starts_with("resource ") && (reason.contains(" cancelled") || reason.contains(" canceled"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deploy::change_set::tests::change;

    const QUEUE: &str = "AWS::SQS::Queue";
    const STACK: &str = "AWS::CloudFormation::Stack";

    /// (seconds, logical id, type, status, reason), oldest first.
    type Line<'a> = (i64, &'a str, &'a str, &'a str, Option<&'a str>);

    fn fold(progress: &mut Progress, lines: &[Line<'_>]) -> Vec<(String, StepKind, Option<i64>)> {
        lines
            .iter()
            .enumerate()
            .filter_map(|(index, (at, id, kind, status, reason))| {
                let event = Event {
                    id: index.to_string(),
                    at: Timestamp(*at),
                    logical_id: (*id).into(),
                    physical_id: None,
                    resource_type: (*kind).into(),
                    status: (*status).into(),
                    reason: reason.map(Into::into),
                    token: None,
                };
                progress.fold(&event, Duration::from_secs(at.unsigned_abs()))
            })
            .map(|step| (step.logical_id, step.kind, step.seconds))
            .collect()
    }

    fn list(ids: &[&str]) -> Progress {
        let changes: Vec<_> = ids.iter().map(|id| change(Action::Add, id, QUEUE)).collect();
        Progress::of_changes("media", &changes, BTreeMap::from([("A".into(), "The queue of A".into())]))
    }

    #[test]
    fn a_creation_ticks_its_list_off() {
        let mut progress = list(&["A", "B"]);
        let steps = fold(
            &mut progress,
            &[
                (0, "media", STACK, "CREATE_IN_PROGRESS", Some("User Initiated")),
                (2, "A", QUEUE, "CREATE_IN_PROGRESS", None),
                (3, "A", QUEUE, "CREATE_IN_PROGRESS", Some("Resource creation Initiated")),
                (4, "B", QUEUE, "CREATE_IN_PROGRESS", None),
                (9, "A", QUEUE, "CREATE_COMPLETE", None),
                (9, "A", QUEUE, "CREATE_COMPLETE", None),
            ],
        );
        assert_eq!(
            steps,
            [
                ("media".into(), StepKind::Stack, None),
                ("A".into(), StepKind::Begun(Verb::Create), None),
                ("B".into(), StepKind::Begun(Verb::Create), None),
                ("A".into(), StepKind::Done(Verb::Create), Some(7)),
            ]
        );
        assert_eq!(progress.done(), (1, 2));
        assert_eq!(progress.doing().map(|task| task.logical_id.as_str()).collect::<Vec<_>>(), ["B"]);
        fold(
            &mut progress,
            &[(10, "B", QUEUE, "CREATE_COMPLETE", None), (11, "media", STACK, "CREATE_COMPLETE", None)],
        );
        assert_eq!((progress.done(), progress.status().map(|s| s.is_deployed())), ((2, 2), Some(true)));
    }

    #[test]
    fn the_root_cause_is_the_first_failure_that_is_no_cancellation() {
        let mut progress = list(&["A", "B", "C"]);
        let mangled_by_nobody = "Resource handler returned message: \"The queue 'render-jobs' already exists\" (RequestToken: 1-2, HandlerErrorCode: AlreadyExists)";
        let steps = fold(
            &mut progress,
            &[
                (0, "media", STACK, "CREATE_IN_PROGRESS", None),
                (1, "A", QUEUE, "CREATE_IN_PROGRESS", None),
                (1, "B", QUEUE, "CREATE_IN_PROGRESS", None),
                (1, "C", QUEUE, "CREATE_IN_PROGRESS", None),
                (4, "B", QUEUE, "CREATE_FAILED", Some("Resource creation cancelled")),
                (4, "A", QUEUE, "CREATE_FAILED", Some(mangled_by_nobody)),
                (4, "C", QUEUE, "CREATE_FAILED", Some("Resource creation cancelled")),
                (
                    5,
                    "media",
                    STACK,
                    "ROLLBACK_IN_PROGRESS",
                    Some("The following resource(s) failed to create: [A, B, C]."),
                ),
                (6, "C", QUEUE, "DELETE_IN_PROGRESS", None),
                (7, "C", QUEUE, "DELETE_FAILED", Some("it is in use")),
                (8, "A", QUEUE, "DELETE_COMPLETE", None),
                (9, "media", STACK, "ROLLBACK_FAILED", None),
            ],
        );
        let failures: Vec<_> = progress.failures().iter().map(|f| (f.logical_id.as_str(), f.reason.as_str())).collect();
        assert_eq!(failures, [("A", mangled_by_nobody), ("C", "it is in use")]);
        assert_eq!(progress.failures()[0].about.as_deref(), Some("The queue of A"));
        assert_eq!(progress.cancelled(), 2);
        assert_eq!(steps.iter().filter(|(_, kind, _)| *kind == StepKind::Cancelled).count(), 2);
    }

    #[test]
    fn an_update_that_replaces_deletes_the_old_one_afterwards() {
        let mut progress = list(&["A"]);
        let steps = fold(
            &mut progress,
            &[
                (
                    1,
                    "A",
                    QUEUE,
                    "UPDATE_IN_PROGRESS",
                    Some("Requested update requires the creation of a new physical resource; hence creating one."),
                ),
                (2, "A", QUEUE, "UPDATE_COMPLETE", None),
                (3, "media", STACK, "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", None),
                (4, "A", QUEUE, "DELETE_IN_PROGRESS", None),
                (6, "A", QUEUE, "DELETE_COMPLETE", None),
                (7, "media", STACK, "UPDATE_COMPLETE", None),
            ],
        );
        let kinds: Vec<_> = steps.into_iter().map(|(_, kind, _)| kind).collect();
        use StepKind::*;
        assert_eq!(
            kinds,
            [Begun(Verb::Update), Done(Verb::Update), Stack, Begun(Verb::Delete), Done(Verb::Delete), Stack]
        );
    }

    #[test]
    fn an_update_that_is_undone_is_updated_back() {
        let mut progress = list(&["A", "B"]);
        fold(
            &mut progress,
            &[
                (1, "A", QUEUE, "UPDATE_IN_PROGRESS", None),
                (2, "A", QUEUE, "UPDATE_COMPLETE", None),
                (2, "B", QUEUE, "UPDATE_IN_PROGRESS", None),
                (3, "B", QUEUE, "UPDATE_FAILED", Some("no")),
                (
                    4,
                    "media",
                    STACK,
                    "UPDATE_ROLLBACK_IN_PROGRESS",
                    Some("The following resource(s) failed to update: [B]."),
                ),
                (5, "A", QUEUE, "UPDATE_IN_PROGRESS", None),
            ],
        );
        assert_eq!(progress.doing().count(), 1);
        assert_eq!(progress.failures().len(), 1);
    }

    #[test]
    fn a_deletion_says_what_stays() {
        let resource = |id: &str| Resource {
            logical_id: id.into(),
            resource_type: QUEUE.into(),
            physical_id: None,
            status: "CREATE_COMPLETE".into(),
        };
        let mut progress = Progress::of_deletion("media", &[resource("A"), resource("B")], BTreeMap::new());
        let steps = fold(
            &mut progress,
            &[
                (0, "media", STACK, "DELETE_IN_PROGRESS", Some("User Initiated")),
                (1, "A", QUEUE, "DELETE_IN_PROGRESS", None),
                (2, "A", QUEUE, "DELETE_COMPLETE", None),
                (2, "B", QUEUE, "DELETE_SKIPPED", None),
                (3, "media", STACK, "DELETE_COMPLETE", None),
            ],
        );
        assert_eq!(steps[3], ("B".into(), StepKind::Kept, None));
        assert_eq!(progress.done(), (2, 2));
    }

    #[test]
    fn a_resource_that_nobody_foresaw_joins_the_list() {
        let mut progress = list(&[]);
        let steps =
            fold(&mut progress, &[(1, "New", QUEUE, "CREATE_IN_PROGRESS", None), (1, "Odd", QUEUE, "WEIRD", None)]);
        assert_eq!(steps.len(), 1);
        assert_eq!(progress.done(), (0, 2));
    }
}
