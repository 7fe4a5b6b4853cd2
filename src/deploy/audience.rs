//! Whoever watches a deploy: what is told, what is asked.

use std::collections::BTreeMap;
use std::future::Future;
use std::time::Duration;

use serde::Serialize;

use super::cause::{Cause, Left};
use super::cloud::Waiting;
use super::fleet::Crew;
use super::progress::{Progress, Step};
use super::stack::StackStatus;
use crate::template::diff::Review;

/// The other edge of the ceremony: a terminal, a pipeline's log, or a test.
pub trait Audience {
    /// Whether anybody can answer a question.
    fn can_answer(&self) -> bool;
    /// Something that happened once.
    fn hear(&mut self, moment: &Moment<'_>);
    /// Whether to go on. No answer is a no.
    fn ask(&mut self, question: &Question<'_>) -> impl Future<Output = bool>;
    /// How far CloudFormation is; called several times a second. `steps` are new.
    fn watch(&mut self, progress: &Progress, steps: &[Step], elapsed: Duration);
    /// Ready when whoever watches presses Ctrl-C, or the machine wants the program to end.
    fn interrupted(&mut self) -> impl Future<Output = ()>;
    /// What is meant by that, where an operation is under way that could be called off by `undo`. Who cannot be asked detaches.
    fn interrupt(&mut self, undo: Option<Undo>) -> impl Future<Output = Wish>;
}

/// How an operation is called off while it is under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Undo {
    /// A creation: by deleting what there is of the stack.
    Delete,
    /// An update: CloudFormation goes back to what was there before.
    GoBack,
}

/// What somebody wants who interrupts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// Not to watch any more; CloudFormation goes on.
    Detach,
    /// To call it off, and to watch that.
    Cancel,
    /// To go on watching.
    GoOn,
}

/// A question before something that cannot be taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Question<'a> {
    /// Whether to do what the review says.
    Deploy,
    /// Whether to delete a stack that was never made whole, so that it can be made.
    Renew {
        /// The stack.
        stack: &'a str,
        /// Why its creation failed, if AWS says.
        reason: Option<&'a str>,
    },
    /// Whether to go on with going back.
    Recover {
        /// The stack.
        stack: &'a str,
        /// How many resources are skipped.
        skipped: usize,
    },
    /// Whether to delete a stack: to be answered with its name.
    Destroy {
        /// The stack.
        stack: &'a str,
    },
}

/// Something that happened once.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "moment", rename_all = "snake_case")]
pub enum Moment<'a> {
    /// Where we are about to change something.
    Target {
        /// The stack.
        stack: &'a str,
        /// The Region.
        region: &'a str,
        /// The account.
        account: &'a str,
        /// The stack's state, if there is one.
        status: Option<&'a str>,
    },
    /// CloudFormation is at work on the stack for somebody, and that is waited for.
    WaitingFor {
        /// The stack.
        stack: &'a str,
        /// Its state.
        status: &'a StackStatus,
        /// For whom.
        by: &'a str,
        /// How long it is waited for, in seconds.
        at_most: u64,
    },
    /// CloudFormation does already what is wanted: an earlier run has begun it, and it is watched to its end.
    Resumed {
        /// The stack.
        stack: &'a str,
        /// Its state.
        status: &'a StackStatus,
    },
    /// Other change sets wait on the stack, and CloudFormation deletes them when this one is executed.
    OtherChangeSets {
        /// The stack.
        stack: &'a str,
        /// They.
        others: &'a [Waiting],
    },
    /// What stopped the way back, before it is gone on with.
    Recovering {
        /// Every resource that is stuck.
        stuck: &'a [Left],
        /// The stack's own reason.
        reason: Option<&'a str>,
    },
    /// Auto Scaling replaces the instances of a group.
    Refreshing {
        /// The group.
        group: &'a str,
        /// Auto Scaling's word for how it is.
        status: &'a str,
        /// How much is done.
        percent: u8,
        /// Auto Scaling's words for why, or what it waits for.
        reason: Option<&'a str>,
    },
    /// The groups of a pair, which another template made, are found and can be managed.
    GroupsFound {
        /// The pair.
        pair: &'a str,
        /// The name of the group that asks for Spot.
        spot: &'a str,
        /// The name of the group that asks for On-Demand.
        on_demand: &'a str,
        /// Whose Spot price is read.
        instance_type: &'a str,
    },
    /// The artifact bucket was made.
    BucketMade {
        /// Its name.
        bucket: &'a str,
    },
    /// Something was stored in the artifact bucket, or was there already.
    Stored {
        /// What.
        what: Artifact,
        /// Where.
        key: &'a str,
        /// How large, in bytes.
        bytes: usize,
        /// Whether it had to be sent.
        sent: bool,
    },
    /// The change set is ready.
    Reviewed(&'a Review),
    /// CloudFormation has begun.
    Begun {
        /// The stack's ARN.
        stack_arn: &'a str,
    },
    /// AWS did not answer; we go on asking.
    LostContact {
        /// Why.
        cause: &'a str,
    },
    /// It failed: the root cause first.
    Failed {
        /// What failed by itself.
        failures: &'a [Cause],
        /// How many were given up because of it.
        cancelled: usize,
        /// The stack's own reason, where no resource has one.
        reason: Option<&'a str>,
    },
    /// The function runs the code that it should.
    CodeIsRight {
        /// The pair.
        pair: &'a str,
    },
    /// The SpotManager answered what it would do.
    SelfTested {
        /// The pair.
        pair: &'a str,
        /// In a line.
        decision: &'a str,
    },
    /// The SpotManager failed when asked.
    SelfTestFailed {
        /// The pair.
        pair: &'a str,
        /// Its error.
        error: &'a str,
        /// The end of its log.
        log: &'a str,
    },
    /// Something that should be known, and stops nothing.
    Warning {
        /// It.
        text: &'a str,
    },
    /// What a destroy takes away, and what it leaves.
    Leaving {
        /// What goes: name in the template, what it is for.
        goes: &'a [(String, String)],
        /// What stays.
        stays: &'a [(String, String)],
        /// The artifact buckets that stay.
        buckets: &'a [String],
        /// What runs in the groups that go.
        crews: &'a [Crew],
    },
    /// The end.
    Ended {
        /// The stack's state.
        status: &'a StackStatus,
        /// What the stack gives.
        outputs: &'a BTreeMap<String, String>,
        /// How long CloudFormation took, in seconds; `None` where nothing was to do.
        seconds: Option<u64>,
    },
}

/// What goes through the artifact bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Artifact {
    /// The handler's zip.
    Handler,
    /// A template too large for a request.
    Template,
}
