//! What deploying asks of AWS, and what AWS says: the edge between the ceremony and the world.

use std::collections::BTreeMap;
use std::future::Future;

use serde::Serialize;
use spot_policy::Timestamp;

use super::change_set::ChangeSetPage;
use super::event::{EventPage, FailedEvent};
pub use super::fleet::{Fleet, Group, Instance, LaunchDefinition, LaunchSource, Owner, Refresh, ScalingPolicy};
use super::stack::Stack;
use super::trouble::CloudError;

/// An answer of AWS.
pub type Asked<T> = Result<T, CloudError>;

/// AWS, as far as deploying needs it. `aws::Account` is the real one; the tests have one that follows a script.
///
/// Every method is one question; retries of a single call are its own business.
pub trait Cloud: Fleet {
    /// Whose account this is, and in which Region we are.
    fn identity(&self) -> impl Future<Output = Asked<Identity>>;

    /// A stack by its name or ARN; `None` if there is none. A deleted one answers to its ARN only.
    fn stack(&self, name_or_arn: &str) -> impl Future<Output = Asked<Option<Stack>>>;
    /// One page of a stack's events, newest first.
    fn events(&self, stack_arn: &str, token: Option<&str>) -> impl Future<Output = Asked<EventPage>>;
    /// Everything in a stack.
    fn resources(&self, stack_arn: &str) -> impl Future<Output = Asked<Vec<Resource>>>;
    /// A stack's template, as it was sent.
    fn template(&self, stack_arn: &str) -> impl Future<Output = Asked<String>>;
    /// Begins to delete a stack.
    fn delete_stack(&self, deletion: &Deletion<'_>) -> impl Future<Output = Asked<()>>;
    /// Begins to undo an update that is under way.
    fn cancel_update(&self, stack_arn: &str, token: &str) -> impl Future<Output = Asked<()>>;
    /// Goes on with undoing an update, where that failed; what is skipped counts as undone.
    fn continue_rollback(&self, continuation: &Continuation<'_>) -> impl Future<Output = Asked<()>>;
    /// What CloudFormation says has failed, beyond what stack events tell: its own validation, and hooks. Not everybody may read it.
    fn failed_events(&self, of: Failing<'_>) -> impl Future<Output = Asked<Vec<FailedEvent>>>;

    /// Asks for a change set.
    fn create_change_set(&self, proposal: &Proposal) -> impl Future<Output = Asked<Proposed>>;
    /// One page of a change set.
    fn change_set(&self, arn: &str, token: Option<&str>) -> impl Future<Output = Asked<ChangeSetPage>>;
    /// The same page with the values that change; AWS leaves out those resources whose values it cannot show.
    fn change_set_values(&self, arn: &str, token: Option<&str>) -> impl Future<Output = Asked<ChangeSetPage>>;
    /// The change sets of a stack that could be executed.
    fn change_sets(&self, stack: &str) -> impl Future<Output = Asked<Vec<Waiting>>>;
    /// Forgets a change set that was not executed.
    fn delete_change_set(&self, arn: &str) -> impl Future<Output = Asked<()>>;
    /// Begins to do what a change set says.
    fn execute_change_set(&self, arn: &str, token: &str) -> impl Future<Output = Asked<()>>;

    /// Whether there is a bucket, and whether it is this account's.
    fn bucket(&self, name: &str, owner: &str) -> impl Future<Output = Asked<Bucket>>;
    /// Makes a bucket for artifacts: private, encrypted, over TLS only, and without an expiry.
    fn make_bucket(&self, name: &str, owner: &str) -> impl Future<Output = Asked<()>>;
    /// Whether an object is there; `None` if we may not know.
    fn has_object(&self, object: &Object<'_>) -> impl Future<Output = Asked<Option<bool>>>;
    /// Stores an object, unless there is one under this key.
    fn put_object(&self, object: &Object<'_>, bytes: &[u8], sha256: &str) -> impl Future<Output = Asked<()>>;

    /// The hash of a function's code as AWS writes it, in base64; `None` if there is no such function.
    fn code_sha256(&self, function: &str) -> impl Future<Output = Asked<Option<String>>>;
    /// Asks a SpotManager what it would do now: its record. It changes nothing.
    fn explain(&self, function: &str) -> impl Future<Output = Asked<Explained>>;
}

/// Who we are to AWS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The account, twelve digits.
    pub account: String,
    /// The Region of every call.
    pub region: String,
}

/// A resource of a stack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    /// Its name in the template.
    pub logical_id: String,
    /// Such as `AWS::SQS::Queue`.
    pub resource_type: String,
    /// Its name in AWS, once it has one.
    pub physical_id: Option<String>,
    /// Such as `CREATE_COMPLETE`.
    pub status: String,
}

/// What we ask a change set for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// The change set's name, and the token that makes asking twice the same as asking once.
    pub name: String,
    /// The stack's name.
    pub stack: String,
    /// Whether the stack is to be made.
    pub create: bool,
    /// The template.
    pub template: Document,
    /// The template's parameters.
    pub parameters: BTreeMap<String, String>,
    /// The stack's tags.
    pub tags: BTreeMap<String, String>,
    /// The role that CloudFormation acts as, if not ours.
    pub role: Option<String>,
    /// Who hears of the stack's events; without any it stays as it is.
    pub notifications: Vec<String>,
    /// What the template needs to be allowed.
    pub capabilities: Vec<Capability>,
}

/// What somebody must have said that a template may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Capability {
    /// It makes roles and the like, with names that CloudFormation gives.
    Iam,
    /// It makes roles and the like with names of its own.
    NamedIam,
    /// It has transforms.
    AutoExpand,
}

/// A stack to be deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deletion<'a> {
    /// The stack.
    pub stack_arn: &'a str,
    /// Makes asking twice the same as asking once.
    pub token: &'a str,
    /// The role that CloudFormation acts as, if not the stack's own.
    pub role: Option<&'a str>,
    /// Logical ids of what is left in AWS; only where deleting it has failed.
    pub retain: &'a [String],
}

/// An undoing to be gone on with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Continuation<'a> {
    /// The stack.
    pub stack_arn: &'a str,
    /// Makes asking twice the same as asking once.
    pub token: &'a str,
    /// The role that CloudFormation acts as, if not the stack's own.
    pub role: Option<&'a str>,
    /// Logical ids of what stays as it is.
    pub skip: &'a [String],
}

/// Whose failed events are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failing<'a> {
    /// A change set's, by its ARN.
    ChangeSet(&'a str),
    /// A stack's, by its ARN.
    Stack(&'a str),
}

/// A change set that waits to be executed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Waiting {
    /// Its name.
    pub name: String,
    /// When it was made.
    pub created: Option<Timestamp>,
}

/// A template on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Document {
    /// In the request.
    Text(String),
    /// In S3.
    Url(String),
}

/// A change set that AWS works on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposed {
    /// The change set's ARN.
    pub arn: String,
    /// The stack's ARN. A name may come to mean another stack while we look.
    pub stack_arn: String,
}

/// A bucket, seen from this account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Bucket {
    /// There is none.
    Missing,
    /// This account's, and where, if S3 says.
    Ours {
        /// Its Region.
        region: Option<String>,
    },
    /// Somebody else's, or one that we may not see.
    Foreign,
}

/// A place in a bucket that belongs to an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Object<'a> {
    /// The bucket.
    pub bucket: &'a str,
    /// Whose bucket it must be, or S3 refuses: a bucket's name may pass to somebody else.
    pub owner: &'a str,
    /// The key.
    pub key: &'a str,
}

/// What a SpotManager answered.
#[derive(Debug, Clone, PartialEq)]
pub struct Explained {
    /// Its record as JSON, or what went wrong with it.
    pub payload: Vec<u8>,
    /// AWS Lambda's word for a failure: `Unhandled`.
    pub error: Option<String>,
    /// The end of its log, at most 4 KB.
    pub log: String,
}
