//! spotstack: Spot first, On-Demand when Spot is not to be had.
//!
//! One way through the house, each stage a type made of the one before it:
//!
//! `spotstack.yaml` → [`spec::Spec`] (typed, every value with its place) → [`plan::Plan`] (every name, id and default decided)
//! → text from [`blueprint`]s → [`template::Template`] (parsed and verified) → [`check`]'s findings → a change set → stack events → [`deploy`]'s outcome.
//! What is deployed is looked at by [`observe`].
//!
//! What is deliberately absent: nothing below [`cli`] prints; nothing below [`deploy`] does I/O or reads a clock, but for
//! reading the user's own spec, scripts and blueprints; `aws_sdk_` is named in [`aws`] alone; a blueprint makes no decision. The SpotManager's rules
//! live in the `spot-policy` package, because the function that runs them is another program.

pub mod aws;
pub mod blueprint;
pub mod chart;
pub mod check;
pub mod cli;
pub mod cost;
pub mod deploy;
pub mod deployer_policy;
pub mod history;
pub mod neutral;
pub mod observe;
pub mod package;
pub mod plan;
pub mod simulate;
pub mod spec;
pub mod template;
