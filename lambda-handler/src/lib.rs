//! The SpotManager: hear, observe, decide, act, record.
//!
//! Level-triggered: every wake-up runs the same [`fn@handle`], which computes what both groups should ask for from what is
//! observed, never from what the event says happened. Events that come twice, late, in another order or not at all come
//! to the same, and a run that finds nothing to change changes nothing.
//!
//! In the order of a run:
//! * [`config`]: the pair and its policy, from the function's environment;
//! * [`event`]: what woke us;
//! * [`observe`]: the facts, in at most two round trips;
//! * `spot_policy::decide`: the decision, pure, in its own crate;
//! * [`act`]: the decision done, without ever adding to what was done before;
//! * [`mod@handle`]: the run, and its [`Record`](spot_policy::Record);
//! * [`mod@letter`]: what a person reads of it, where somebody is to be notified.
//!
//! [`metrics`] says the same in numbers.
//!
//! [`account`] is what is asked of AWS, in our words; [`aws`] asks it, and is the only place that names an AWS SDK; its one EC2
//! call is made by `spotstack_ec2`, without the EC2 SDK. [`deadline`] shares out the function's time.

pub mod account;
pub mod act;
pub mod aws;
pub mod config;
pub mod deadline;
pub mod event;
pub mod handle;
pub mod init_error;
pub mod letter;
pub mod metrics;
pub mod observe;

pub use config::Config;
pub use deadline::Deadline;
pub use handle::{Answer, handle};
