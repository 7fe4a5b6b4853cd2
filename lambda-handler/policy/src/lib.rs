//! Spot or On-Demand: the decision of the SpotManager, and nothing else.
//!
//! [`decide()`] is a pure function from a [`Policy`] (what the team wants) and a [`Situation`] (what AWS says, *now* among it)
//! to a [`Decision`] (what both groups should ask for, with every reason as data). It does no I/O, reads no clock and
//! remembers nothing: what has to be remembered — that Spot was refused, where, and how long ago — is part of the situation,
//! because AWS keeps it. The function that runs in Lambda, the command line and the simulator all call this one function.
//!
//! Read in this order: [`policy`], [`situation`], [`price`], [`failure`], [`decision`], [`mod@decide`], [`record`],
//! [`measures`], [`notice`]; [`launching`] is one of two ways of doing what was decided.
//!
//! ```
//! use spot_policy::{Action, Fact, Group, Market, Policy, PriceChange, Queue, Situation, Timestamp, decide};
//!
//! let group = |name: &str| Group { name: name.into(), max: 4, zones: vec!["eu-west-1a".into()], ..Group::default() };
//! let now = Timestamp(1_000_000);
//! let situation = Situation {
//!     now,
//!     queue: Fact::Known(Queue { visible: 2, in_flight: 0 }),
//!     spot: Group { launches: Fact::Known(vec![]), ..group("spot") },
//!     on_demand: Group { launches: Fact::Known(vec![]), ..group("on-demand") },
//!     prices: Fact::Known(vec![PriceChange { zone: "eu-west-1a".into(), at: Timestamp(990_000), usd: 0.31 }]),
//!     jobs_waiting_alarm: false,
//! };
//! let policy = Policy { max_price: Some(0.55), ..Policy::default() };
//! assert_eq!(decide(&policy, &situation).actions, [Action::ScaleUp { market: Market::Spot, to: 1 }]);
//! ```

pub mod decide;
pub mod decision;
pub mod failure;
pub mod launching;
pub mod measures;
pub mod notice;
pub mod policy;
pub mod price;
pub mod record;
pub mod situation;
pub mod units;

pub use decide::{Wanted, decide};
pub use decision::{Action, Decision, Reason, Verdict, ZoneVerdict};
pub use failure::FailureKind;
pub use launching::{Attempt, Next, Tried};
pub use measures::Measures;
pub use notice::Notice;
pub use policy::{ANSWER, LISTED, Policy, Revert};
pub use price::{Price, prices_by_zone};
pub use record::{Deed, Record, Told, Trigger};
pub use situation::{
    Fact, Group, Instance, Interruption, Launch, LaunchOutcome, Market, PriceChange, Queue, Situation, Suspension,
};
pub use units::{Percent, Seconds, Timestamp};
