//! An AWS and an audience that follow a script, for the tests.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::future;
use std::time::Duration;

use super::PairName;
use super::audience::{Audience, Moment, Question, Undo, Wish};
use super::change_set::ChangeSetPage;
use super::cloud::{
    Asked, Bucket, Cloud, Continuation, Deletion, Document, Explained, Failing, Fleet, Group, Identity,
    LaunchDefinition, LaunchSource, Object, Proposal, Proposed, Refresh, Resource, ScalingPolicy, Waiting,
};
use super::event::{EventPage, FailedEvent};
use super::progress::{Progress, Step};
use super::stack::Stack;
use crate::package::Package;
use crate::spec::Architecture;

/// Answers in order; the last one is given ever after.
type Script<T> = RefCell<VecDeque<Asked<T>>>;

/// Writes down what is asked, and answers what it was told to.
pub(super) struct Fake {
    calls: RefCell<Vec<String>>,
    stacks: Script<Option<Stack>>,
    events: Script<EventPage>,
    change_sets: Script<ChangeSetPage>,
    values: Script<ChangeSetPage>,
    explained: Script<Explained>,
    refreshes: Script<Option<Refresh>>,
    failed: Script<Vec<FailedEvent>>,
    executed: Script<()>,
    deleted: Script<()>,
    /// Change sets that wait on the stack.
    pub(super) waiting: Vec<Waiting>,
    bucket: Bucket,
    objects: RefCell<BTreeSet<String>>,
    resources: Vec<Resource>,
    template: String,
    code: Option<String>,
    /// Stacks by name or ARN, with their resources, for those that name groups of other stacks.
    pub(super) others: BTreeMap<String, (Stack, Vec<Resource>)>,
    /// The Auto Scaling groups that there are.
    pub(super) groups: Vec<(Group, LaunchDefinition, Vec<ScalingPolicy>)>,
    /// The last proposal.
    pub(super) proposal: RefCell<Option<Proposal>>,
}

impl Default for Fake {
    fn default() -> Self {
        Self {
            calls: RefCell::default(),
            stacks: script([Ok(None)]),
            events: script([Ok(EventPage::default())]),
            change_sets: script([Ok(ChangeSetPage { status: "CREATE_COMPLETE".into(), ..ChangeSetPage::default() })]),
            values: script([Ok(ChangeSetPage::default())]),
            explained: script([Ok(record())]),
            refreshes: script([Ok(None)]),
            failed: script([Ok(Vec::new())]),
            executed: script([Ok(())]),
            deleted: script([Ok(())]),
            waiting: Vec::new(),
            bucket: Bucket::Ours { region: Some("eu-west-1".into()) },
            objects: RefCell::default(),
            resources: Vec::new(),
            template: String::new(),
            code: Some(package().code_sha256()),
            others: BTreeMap::new(),
            groups: Vec::new(),
            proposal: RefCell::default(),
        }
    }
}

fn script<T>(answers: impl IntoIterator<Item = Asked<T>>) -> Script<T> {
    RefCell::new(answers.into_iter().collect())
}

fn next<T: Clone>(script: &Script<T>) -> Asked<T> {
    let mut answers = script.borrow_mut();
    let last = answers.len() == 1;
    let answer = if last { answers.front().cloned() } else { answers.pop_front() };
    answer.expect("a script has at least one answer")
}

impl Fake {
    pub(super) fn stacks(self, answers: impl IntoIterator<Item = Asked<Option<Stack>>>) -> Self {
        Self { stacks: script(answers), ..self }
    }

    pub(super) fn events(self, answers: impl IntoIterator<Item = Asked<EventPage>>) -> Self {
        Self { events: script(answers), ..self }
    }

    pub(super) fn change_set(self, answers: impl IntoIterator<Item = Asked<ChangeSetPage>>) -> Self {
        Self { change_sets: script(answers), ..self }
    }

    pub(super) fn values(self, answers: impl IntoIterator<Item = Asked<ChangeSetPage>>) -> Self {
        Self { values: script(answers), ..self }
    }

    pub(super) fn explains(self, answers: impl IntoIterator<Item = Asked<Explained>>) -> Self {
        Self { explained: script(answers), ..self }
    }

    pub(super) fn refreshes(self, answers: impl IntoIterator<Item = Asked<Option<Refresh>>>) -> Self {
        Self { refreshes: script(answers), ..self }
    }

    pub(super) fn failed(self, answers: impl IntoIterator<Item = Asked<Vec<FailedEvent>>>) -> Self {
        Self { failed: script(answers), ..self }
    }

    pub(super) fn executed(self, answers: impl IntoIterator<Item = Asked<()>>) -> Self {
        Self { executed: script(answers), ..self }
    }

    pub(super) fn deleted(self, answers: impl IntoIterator<Item = Asked<()>>) -> Self {
        Self { deleted: script(answers), ..self }
    }

    pub(super) fn bucket(self, bucket: Bucket) -> Self {
        Self { bucket, ..self }
    }

    pub(super) fn code(self, sha256: Option<&str>) -> Self {
        Self { code: sha256.map(Into::into), ..self }
    }

    pub(super) fn contents(self, resources: impl IntoIterator<Item = Resource>, template: &str) -> Self {
        Self { resources: resources.into_iter().collect(), template: template.into(), ..self }
    }

    /// Everything that was asked, in order.
    pub(super) fn calls(&self) -> Vec<String> {
        self.calls.borrow().clone()
    }

    fn note(&self, call: impl Into<String>) {
        self.calls.borrow_mut().push(call.into());
    }
}

impl Cloud for Fake {
    async fn identity(&self) -> Asked<Identity> {
        self.note("identity");
        Ok(identity())
    }

    async fn stack(&self, name_or_arn: &str) -> Asked<Option<Stack>> {
        self.note(format!("stack {name_or_arn}"));
        if let Some((other, _)) = self.others.get(name_or_arn) {
            return Ok(Some(other.clone()));
        }
        next(&self.stacks)
    }

    async fn events(&self, _: &str, _: Option<&str>) -> Asked<EventPage> {
        self.note("events");
        next(&self.events)
    }

    async fn resources(&self, stack_arn: &str) -> Asked<Vec<Resource>> {
        if let Some((_, resources)) = self.others.values().find(|(other, _)| other.arn == stack_arn) {
            self.note(format!("resources {stack_arn}"));
            return Ok(resources.clone());
        }
        self.note("resources");
        Ok(self.resources.clone())
    }

    async fn template(&self, _: &str) -> Asked<String> {
        self.note("template");
        Ok(self.template.clone())
    }

    async fn delete_stack(&self, deletion: &Deletion<'_>) -> Asked<()> {
        let retained = deletion.retain.iter().map(|id| format!(" without {id}")).collect::<String>();
        self.note(format!("delete_stack {}{retained}", deletion.stack_arn));
        next(&self.deleted)
    }

    async fn cancel_update(&self, arn: &str, _: &str) -> Asked<()> {
        self.note(format!("cancel_update {arn}"));
        Ok(())
    }

    async fn continue_rollback(&self, continuation: &Continuation<'_>) -> Asked<()> {
        let skipped = continuation.skip.iter().map(|id| format!(" without {id}")).collect::<String>();
        self.note(format!("continue_rollback {}{skipped}", continuation.stack_arn));
        Ok(())
    }

    async fn failed_events(&self, of: Failing<'_>) -> Asked<Vec<FailedEvent>> {
        self.note(match of {
            Failing::ChangeSet(_) => "failed_events of the change set",
            Failing::Stack(_) => "failed_events of the stack",
        });
        next(&self.failed)
    }

    async fn create_change_set(&self, proposal: &Proposal) -> Asked<Proposed> {
        let kind = if proposal.create { "CREATE" } else { "UPDATE" };
        let document = match &proposal.template {
            Document::Text(_) => "text",
            Document::Url(_) => "url",
        };
        self.note(format!("create_change_set {kind} {document}"));
        *self.proposal.borrow_mut() = Some(proposal.clone());
        Ok(Proposed { arn: "change-set-arn".into(), stack_arn: "stack-arn".into() })
    }

    async fn change_set(&self, _: &str, _: Option<&str>) -> Asked<ChangeSetPage> {
        self.note("change_set");
        next(&self.change_sets)
    }

    async fn change_set_values(&self, _: &str, _: Option<&str>) -> Asked<ChangeSetPage> {
        self.note("change_set_values");
        next(&self.values)
    }

    async fn change_sets(&self, _: &str) -> Asked<Vec<Waiting>> {
        self.note("change_sets");
        Ok(self.waiting.clone())
    }

    async fn delete_change_set(&self, arn: &str) -> Asked<()> {
        self.note(format!("delete_change_set {arn}"));
        Ok(())
    }

    async fn execute_change_set(&self, arn: &str, _: &str) -> Asked<()> {
        self.note(format!("execute_change_set {arn}"));
        next(&self.executed)
    }

    async fn bucket(&self, name: &str, _: &str) -> Asked<Bucket> {
        self.note(format!("bucket {name}"));
        Ok(self.bucket.clone())
    }

    async fn make_bucket(&self, name: &str, _: &str) -> Asked<()> {
        self.note(format!("make_bucket {name}"));
        Ok(())
    }

    async fn has_object(&self, object: &Object<'_>) -> Asked<Option<bool>> {
        self.note(format!("has_object {}", object.key));
        Ok(Some(self.objects.borrow().contains(object.key)))
    }

    async fn put_object(&self, object: &Object<'_>, _: &[u8], _: &str) -> Asked<()> {
        self.note(format!("put_object {}", object.key));
        self.objects.borrow_mut().insert(object.key.into());
        Ok(())
    }

    async fn code_sha256(&self, function: &str) -> Asked<Option<String>> {
        self.note(format!("code_sha256 {function}"));
        Ok(self.code.clone())
    }

    async fn explain(&self, function: &str) -> Asked<Explained> {
        self.note(format!("explain {function}"));
        next(&self.explained)
    }
}

impl Fleet for Fake {
    async fn groups(&self, names: &[String]) -> Asked<Vec<Group>> {
        self.note(format!("groups {}", names.join(" ")));
        let groups = self.groups.iter().map(|(group, ..)| group.clone());
        Ok(groups.filter(|group| names.contains(&group.name)).collect())
    }

    async fn all_groups(&self) -> Asked<Vec<Group>> {
        self.note("all_groups");
        Ok(self.groups.iter().map(|(group, ..)| group.clone()).collect())
    }

    async fn launch_definition(&self, source: &LaunchSource) -> Asked<LaunchDefinition> {
        let found = self.groups.iter().find(|(group, ..)| group.launch.as_ref() == Some(source));
        Ok(found.map(|(_, definition, _)| definition.clone()).unwrap_or_default())
    }

    async fn scaling_policies(&self, name: &str) -> Asked<Vec<ScalingPolicy>> {
        let found = self.groups.iter().find(|(group, ..)| group.name == name);
        Ok(found.map(|(.., policies)| policies.clone()).unwrap_or_default())
    }

    async fn start_refresh(&self, group: &str, skip_matching: bool) -> Asked<String> {
        self.note(format!("start_refresh {group}{}", if skip_matching { " of what differs" } else { "" }));
        Ok(format!("refresh-of-{group}"))
    }

    async fn refresh(&self, group: &str, _: Option<&str>) -> Asked<Option<Refresh>> {
        self.note(format!("refresh {group}"));
        next(&self.refreshes)
    }

    async fn empty_group(&self, group: &str) -> Asked<()> {
        self.note(format!("empty_group {group}"));
        Ok(())
    }

    async fn unprotect(&self, group: &str, instances: &[String]) -> Asked<()> {
        self.note(format!("unprotect {group} {}", instances.join(" ")));
        Ok(())
    }
}

/// Writes down what it hears, and answers what it was told to.
#[derive(Default)]
pub(super) struct Listener {
    /// The answer to every question.
    pub(super) yes: bool,
    /// Cannot be asked.
    pub(super) mute: bool,
    /// Presses Ctrl-C as soon as anything is watched, once, and means this.
    pub(super) interrupts: Option<Wish>,
    pub(super) pressed: bool,
    /// Not before CloudFormation has begun.
    pub(super) late: bool,
    /// The names of the moments, and the questions.
    pub(super) heard: Vec<String>,
    /// Every moment, as JSON.
    pub(super) told: Vec<String>,
    /// Every step.
    pub(super) steps: Vec<Step>,
}

impl Listener {
    /// The names of the moments, and the questions, in order.
    pub(super) fn heard(&self) -> Vec<String> {
        self.heard.clone()
    }
}

impl Audience for Listener {
    fn can_answer(&self) -> bool {
        !self.mute
    }

    fn hear(&mut self, moment: &Moment<'_>) {
        let json = serde_json::to_value(moment).expect("a moment is JSON");
        self.heard.push(json["moment"].as_str().unwrap_or_default().to_owned());
        self.told.push(json.to_string());
    }

    async fn ask(&mut self, question: &Question<'_>) -> bool {
        self.heard.push(format!("asked: {question:?}"));
        self.yes
    }

    fn watch(&mut self, _: &Progress, steps: &[Step], _: Duration) {
        self.steps.extend_from_slice(steps);
    }

    async fn interrupted(&mut self) {
        let begun = self.heard.iter().any(|heard| heard == "begun");
        if self.interrupts.is_none() || self.pressed || (self.late && !begun) {
            future::pending::<()>().await;
        }
        self.pressed = true;
    }

    async fn interrupt(&mut self, _: Option<Undo>) -> Wish {
        self.interrupts.unwrap_or(Wish::Detach)
    }
}

pub(super) fn identity() -> Identity {
    Identity { account: "111122223333".into(), region: "eu-west-1".into() }
}

pub(super) fn package() -> Package {
    Package::new(Architecture::X86_64, Cow::Borrowed(b"zip"))
}

pub(super) fn pair() -> PairName<'static> {
    PairName { name: "gpu", id: "Gpu" }
}

pub(super) fn outputs() -> BTreeMap<String, String> {
    [("GpuSpotManagerName".to_owned(), "gpu-spot-manager".to_owned())].into()
}

/// What a SpotManager answers that has nothing to do.
pub(super) fn record() -> Explained {
    let policy = spot_policy::Policy::default();
    let situation = spot_policy::Situation::default();
    let decision = spot_policy::decide(&policy, &situation);
    let trigger = spot_policy::Trigger::Explain;
    let record = spot_policy::Record::new(trigger, policy, situation, decision, vec![], true);
    Explained { payload: serde_json::to_vec(&record).expect("a record is JSON"), error: None, log: String::new() }
}
