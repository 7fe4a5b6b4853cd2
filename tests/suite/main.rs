//! The binary, driven through its real arguments, and the templates it renders, kept as goldens that a reviewer can read.
//!
//! `SNAPSHOTS=overwrite cargo test --test suite` accepts what is rendered now.

mod any_text;
mod blueprints;
mod check;
mod commands;
mod cost;
mod diff;
mod documents;
mod goldens;
mod judge;
mod manners;
mod one_line;
mod prices;
mod project;
mod random_specs;
mod simulate;
mod spec_errors;
#[cfg(unix)]
mod workflow;
