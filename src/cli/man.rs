//! `spotstack man`: the manual, as `man` reads it.

use std::fs;
use std::path::PathBuf;

use clap::CommandFactory;
use miette::{IntoDiagnostic, WrapErr};

use super::output::print;
use super::{Cli, Exit, Global, Result};

/// Write the manual, as `man` reads it
///
/// `spotstack.1` to standard output, or a page for each command into a folder.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The folder; it is made if it is not there
    dir: Option<PathBuf>,
}

pub(super) fn run(args: &Args, global: &Global) -> Result<Exit> {
    let command = Cli::command();
    let Some(dir) = &args.dir else {
        let mut page = Vec::new();
        clap_mangen::Man::new(command).render(&mut page).into_diagnostic()?;
        print(&String::from_utf8_lossy(&page))?;
        return Ok(Exit::Done);
    };
    let written = fs::create_dir_all(dir).and_then(|()| clap_mangen::generate_to(command, dir));
    written.into_diagnostic().wrap_err_with(|| format!("cannot write the manual into `{}`", dir.display()))?;
    global.say(&format!("wrote the manual into {0}; `man -l {0}/spotstack.1` shows it", dir.display()));
    Ok(Exit::Done)
}
