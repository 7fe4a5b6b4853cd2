//! What deploying asks of AWS, and what AWS says: the edge between the ceremony and the world.

use std::collections::BTreeMap;
use std::future::Future;

use super::change_set::ChangeSetPage;
use super::error::CloudError;
use super::event::EventPage;
use super::stack::Stack;

/// An answer of AWS.
pub type Asked<T> = Result<T, CloudError>;

/// AWS, as far as deploying needs it. `aws::Account` is the real one; the tests have one that follows a script.
///
/// Every method is one question; retries of a single call are its own business.
pub trait Cloud {
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
    fn delete_stack(&self, stack_arn: &str, token: &str, role: Option<&str>) -> impl Future<Output = Asked<()>>;

    /// Asks for a change set.
    fn create_change_set(&self, proposal: &Proposal) -> impl Future<Output = Asked<Proposed>>;
    /// One page of a change set.
    fn change_set(&self, arn: &str, token: Option<&str>) -> impl Future<Output = Asked<ChangeSetPage>>;
    /// The same page with the values that change; AWS leaves out those resources whose values it cannot show.
    fn change_set_values(&self, arn: &str, token: Option<&str>) -> impl Future<Output = Asked<ChangeSetPage>>;
    /// What CloudFormation's own validation says about a change set that failed.
    fn validation_errors(&self, change_set_arn: &str) -> impl Future<Output = Asked<Vec<String>>>;
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

    /// The Auto Scaling groups of these names that there are, at most 50 names; without names, all.
    fn groups(&self, names: &[String]) -> impl Future<Output = Asked<Vec<Group>>>;
    /// What a group launches. A mixed instances policy is nothing that a group launches: its answer says nothing.
    fn launch_definition(&self, source: &LaunchSource) -> impl Future<Output = Asked<LaunchDefinition>>;
    /// The scaling policies on a group.
    fn scaling_policies(&self, group: &str) -> impl Future<Output = Asked<Vec<ScalingPolicy>>>;
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

/// An Auto Scaling group.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// Instances at least.
    pub min: u32,
    /// Instances at most.
    pub max: u32,
    /// Where it launches.
    pub zones: Vec<String>,
    /// From what it launches.
    pub launch: Option<LaunchSource>,
    /// Whether it protects new instances from scale-in.
    pub protects: bool,
    /// Its suspended processes, and why they are.
    pub suspended: Vec<(String, String)>,
    /// Whether it is being deleted.
    pub is_deleting: bool,
    /// The stack that made it, by the tags that CloudFormation puts on it.
    pub owner: Option<Owner>,
}

/// The stack that made a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// The stack, which may be a nested one.
    pub stack_arn: String,
    /// The resource's name in that stack's template.
    pub logical_id: String,
}

impl Owner {
    /// The stack's name, from its ARN, `arn:…:stack/NAME/ID`.
    pub fn stack_name(&self) -> &str {
        self.stack_arn.split('/').nth(1).unwrap_or_default()
    }
}

/// From what a group launches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LaunchSource {
    /// A version of a launch template: a number, `$Latest` or `$Default`.
    Template {
        /// Its id.
        id: String,
        /// Its version.
        version: String,
    },
    /// A launch configuration, by its name.
    Configuration(String),
    /// A mixed instances policy.
    Mixed,
}

/// What a group launches, as far as it matters to whoever chooses between two markets.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LaunchDefinition {
    /// `spot`, or another market that is not On-Demand; `None`: On-Demand.
    pub market: Option<String>,
    /// The max price in USD, if it has one.
    pub max_price: Option<String>,
    /// The instance type, if it names one.
    pub instance_type: Option<String>,
    /// The image.
    pub image: Option<String>,
}

/// A scaling policy on a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScalingPolicy {
    /// Its name.
    pub name: String,
    /// Its ARN.
    pub arn: String,
    /// AWS's word for how it scales: `StepScaling`.
    pub kind: String,
}
