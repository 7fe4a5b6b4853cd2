//! `spotstack completions`: what a shell completes.

use clap::CommandFactory;

use super::output::print;
use super::{Cli, Exit, Result};

/// Write the completions of a shell to standard output
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Which shell
    shell: clap_complete::Shell,
}

pub(super) fn run(args: &Args) -> Result<Exit> {
    // The generator panics where it cannot write.
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "spotstack", &mut script);
    print(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Done)
}
