//! What is asked of AWS, in the domain's words.

use std::future::Future;

use spot_policy::{Group, Interruption, Launch, Market, PriceChange, Queue, Timestamp};

/// An AWS account as one pair sees it: four questions that change nothing, the changes, and telling people.
///
/// [`crate::aws::Aws`] is the real one. Every question is one round trip, but for pages.
pub trait Account {
    /// How many jobs there are.
    fn queue(&self) -> impl Future<Output = Result<Queue, Fault>>;

    /// Both groups, by one call, so that both are seen at the same moment. Their launches are not read.
    fn groups(&self) -> impl Future<Output = Result<Groups, Fault>>;

    /// What a market's group did: what is under way, and what has ended at `since` or later.
    fn activities(&self, market: Market, since: Timestamp) -> impl Future<Output = Result<Activities, Fault>>;

    /// The Spot price's changes in all zones from `since` to `until`, and the price in force at `since`.
    fn prices(&self, since: Timestamp, until: Timestamp) -> impl Future<Output = Result<Vec<PriceChange>, Fault>>;

    /// Has the scale-up policy of a market's group bring it to `to` instances: 1 to [`crate::act::STEPS`].
    fn scale_up(&self, market: Market, to: u32) -> impl Future<Output = Result<(), Fault>>;

    /// Sets what a market's group asks for.
    fn set_desired(&self, market: Market, to: u32) -> impl Future<Output = Result<(), Fault>>;

    /// Launches instances of a market's group in one zone, now or not at all. The same call with the same token launches
    /// nothing more.
    fn launch(
        &self,
        market: Market,
        zone: &str,
        count: u32,
        token: &str,
    ) -> impl Future<Output = Result<Launched, Fault>>;

    /// Tells whoever listens to the topic for notices.
    fn tell(&self, subject: &str, body: &str) -> impl Future<Output = Result<(), Fault>>;
}

/// What came of launching at once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Launched {
    /// The instances' ids.
    pub instances: Vec<String>,
    /// Why there are no more: AWS's code and text of each error.
    pub errors: Vec<String>,
}

/// Both groups of a pair at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Groups {
    /// The group that asks for Spot.
    pub spot: Group,
    /// The group that asks for On-Demand.
    pub on_demand: Group,
}

/// The scaling activities of a group, as far as a decision depends on them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Activities {
    /// Attempts to launch an instance.
    pub launches: Vec<Launch>,
    /// Instances that AWS took back.
    pub interruptions: Vec<Interruption>,
}

/// What AWS, or the way to it, said instead of an answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{operation}: {code}: {message}")]
pub struct Fault {
    /// The API call, as AWS names it.
    pub operation: &'static str,
    /// AWS's error code, or a word of ours where AWS gave none.
    pub code: String,
    /// AWS's message, or what went wrong on the way.
    pub message: String,
}

impl Fault {
    /// Whether AWS has refused, once and for all: nothing was done, and asking again would not help. After any other fault
    /// of a call that is not idempotent nobody knows what was done.
    pub fn is_refusal(&self) -> bool {
        const CODES: [&str; 9] = [
            "AccessDenied",
            "AccessDeniedException",
            "UnauthorizedOperation",
            "UnrecognizedClientException",
            "InvalidAction",
            "InvalidClientTokenId",
            "UnsupportedOperation",
            "ValidationError",
            "IdempotentParameterMismatch",
        ];
        CODES.contains(&self.code.as_str())
    }

    /// Whether somebody else is scaling the group at this moment. That is no failure: what they do changes the facts, so
    /// look again. Both codes are from the API reference of `ExecutePolicy` and `SetDesiredCapacity`.
    pub fn is_busy(&self) -> bool {
        matches!(self.code.as_str(), "ScalingActivityInProgress" | "ResourceContention")
    }
}
