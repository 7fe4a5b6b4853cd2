//! The EC2 calls of spotstack, without the EC2 SDK, for the SpotManager and the command line alike; and the one call of IAM,
//! which speaks the same protocol.
//!
//! The EC2 SDK takes ten minutes and eight gigabytes to compile for these few calls. What it would do is done here with the parts
//! that it is made of: `call` is the orchestrator of AWS's clients with their signer, retries, time-outs and identity cache;
//! `endpoint` says where the services are, `answer` reads what every answer has in common.

mod answer;
mod call;
mod endpoint;
pub mod inventory;
pub mod launch_template;
pub mod spot_price_history;

pub use call::{CallError, Incomplete};
pub use endpoint::dns_suffix;
pub use inventory::Inventory;
pub use launch_template::LaunchTemplates;
pub use spot_price_history::SpotPriceHistory;
