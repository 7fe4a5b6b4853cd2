//! What a policy would have done, before anybody deploys it.
//!
//! A [`Scenario`] is what happens to a pair whoever manages it: jobs that come, Spot prices, where Spot is to be had, how late
//! AWS's messages are. A world lives it from event to event with one [`Strategy`]: the SpotManager's own [`spot_policy::decide()`],
//! asked as the handler asks it, or what people do today. The [`Outcome`] is money, waiting, and what happened on the way.
//!
//! Time is simulated and chance comes from a seed, so that a result is the same on every machine. Looks that cannot find anything
//! to do are left out, which makes a month take milliseconds; that nothing is different for it is a property in `tests`.
//!
//! Read in this order: [`Scenario`], [`Source`], [`synthetic`], `world`, `alarms`, `manager`, [`Strategy`], [`Outcome`],
//! [`compare`]; beside them [`replay`], which asks the rules about what has been.

mod alarms;
mod jobs;
pub mod knobs;
mod manager;
mod money;
mod outcome;
mod random;
pub mod replay;
mod report;
mod scenario;
mod series;
mod setup;
mod strategy;
pub mod synthetic;
#[cfg(test)]
mod tests;
pub mod text;
mod timeline;
pub mod trace;
pub mod web;
mod world;

pub use jobs::{Arrival, Pattern, Source};
pub use money::Price;
pub use outcome::{Jobs, Outcome, Unserved, Waiting};
pub use report::{Comparison, Report, Variant, compare};
pub use scenario::{Alarm, Scenario};
pub use series::Series;
pub use setup::{Setup, SetupError, Workload};
pub use strategy::Strategy;
pub use timeline::{Piece, Timeline};
