//! spotstack: Spot first, On-Demand when Spot is not to be had.
//!
//! One way through the house, each stage a type made of the one before it:
//!
//! `spotstack.yaml` → [`spec::Spec`] (typed, every value with its place) → [`plan::Plan`] (every name, id and default decided)
//! → text from [`blueprint`]s → [`template::Template`] (parsed and verified) → [`check`]'s findings → a change set → stack events → [`deploy`]'s outcome.
//! What is deployed is looked at by [`observe`].
//!
//! Beside that way: [`history`] reads recorded Spot prices, [`simulate`] lives through them by the SpotManager's own rules, [`cost`]
//! counts what a template costs a month, [`chart`] draws. [`package`] is the handler's zip, [`deployer_policy`] what whoever
//! deploys may do, [`neutral`] makes other people's text safe to print.
//!
//! # Invariants
//!
//! * Nothing below [`cli`] prints. Nothing below [`deploy`] does I/O or reads a clock, but for reading the user's own spec, scripts
//!   and blueprints.
//! * `aws_sdk_` is named in [`aws`] alone. What deploying and looking ask of AWS is a trait each, with a script for a cloud in tests.
//! * A blueprint makes no decision, and no value of a spec can change a template's structure. The twins are compared on every render.
//! * What is random is drawn from a seed, what is a moment is a parameter.
//! * The SpotManager's rules live in the `spot-policy` package, because the function that runs them is another program: what
//!   `explain`, `prices` and `simulate` say is said by the code that decides.
//!
//! Read in the order of the first paragraph; each module's head says in which order its own files are read.

// These macros panic where the reader has gone. What is said goes through `cli::output`.
#![warn(clippy::print_stdout, clippy::print_stderr)]

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
