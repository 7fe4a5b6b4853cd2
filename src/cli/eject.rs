//! `spotstack eject`: the built-in blueprints as files, to change.

use std::fs;
use std::path::{Path, PathBuf};

use miette::miette;

use super::output::{refuse_existing, write_whole};
use super::{Exit, Global, Result};
use crate::blueprint::{Blueprints, README};

/// Write the built-in blueprints, to change what templates say
///
/// `--blueprints DIR` then lays them over the built-in ones, file by file. A file that you do not change is best deleted: the
/// built-in one follows the versions of spotstack.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Which, such as alarms.yaml; else all of them
    #[arg(value_name = "FILE")]
    files: Vec<String>,
    /// Where to write
    #[arg(long, default_value = "blueprints")]
    dir: PathBuf,
    /// Overwrite files that exist
    #[arg(long)]
    force: bool,
}

pub(super) fn run(args: &Args, global: &Global) -> Result<Exit> {
    let blueprints = Blueprints::default();
    let mut files = vec![];
    if args.files.is_empty() {
        files.extend(blueprints.iter().map(|blueprint| (args.dir.join(blueprint.name), blueprint.text.as_ref())));
    }
    for name in &args.files {
        let blueprint = blueprints.named(file_name(name))?;
        files.push((args.dir.join(blueprint.name), blueprint.text.as_ref()));
    }
    // The conventions come along, but are no reason to refuse a second blueprint.
    let readme = args.dir.join("README.md");
    if args.files.is_empty() || !readme.exists() {
        files.push((readme, README));
    }
    if !args.force {
        refuse_existing(files.iter().map(|(path, _)| path))?;
    }
    fs::create_dir_all(&args.dir).map_err(|error| miette!("cannot make `{}`: {error}", args.dir.display()))?;
    for (path, text) in files {
        write_whole(&path, text)?;
        global.say(&format!("wrote {}", path.display()));
    }
    let dir = args.dir.display();
    global.say(&format!(
        "\nREADME.md there has the conventions. Change what you came for, delete the rest, and see what it does:\n  \
         spotstack render --blueprints {dir}\n\
         Every command that renders takes --blueprints: a folder is laid over the built-in blueprints only where it is named."
    ));
    Ok(Exit::Done)
}

/// `blueprints/alarms.yaml` is `alarms.yaml` too, as a message would call it.
fn file_name(name: &str) -> &str {
    Path::new(name).file_name().and_then(|name| name.to_str()).unwrap_or(name)
}
