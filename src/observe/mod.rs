//! A deployed stack at work: what its log says, and what CloudFormation cannot see. From data to data.

pub mod alarm;
pub mod drift;
pub mod log;

pub use alarm::Alarm;
pub use log::{Entry, LogLine, LogPage};
