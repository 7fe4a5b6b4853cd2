//! `spotstack schema`: what a spec may say, for editors and validators.

use super::output::print_line;
use super::{Exit, Result};
use crate::spec;

/// Write the JSON Schema of the spec to standard output
///
/// An editor completes and checks a spec whose first line is `# yaml-language-server: $schema=./spotstack.schema.json`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {}

pub(super) fn run(_: &Args) -> Result<Exit> {
    print_line(spec::schema().trim_end())?;
    Ok(Exit::Done)
}
