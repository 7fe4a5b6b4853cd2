//! The EC2 calls of spotstack, without the EC2 SDK, for the SpotManager and the command line alike.
//!
//! That SDK takes ten minutes and eight gigabytes to compile for these two calls. What it would do is done here with the parts
//! that it is made of: `call` is the orchestrator of AWS's clients with their signer, retries, time-outs and identity cache;
//! `endpoint` says where EC2 is, `answer` reads what every answer has in common.

mod answer;
mod call;
mod endpoint;
pub mod launch_template;
pub mod spot_price_history;

pub use call::{CallError, Incomplete};
pub use launch_template::LaunchTemplates;
pub use spot_price_history::SpotPriceHistory;
