//! What every command understands, and what the environment says about who is there.

use std::env;
use std::io::{self, IsTerminal};
use std::path::PathBuf;

use clap::ColorChoice;

use super::Result;
use super::output::talk;
use super::style::Paint;
use crate::blueprint::Blueprints;

/// What every command understands.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Options of every command")]
pub struct Global {
    /// The spec
    #[arg(short, long, global = true, value_name = "FILE", default_value = "spotstack.yaml")]
    pub file: PathBuf,
    /// A folder of blueprints to lay over the built-in ones, file by file; `eject` writes them
    #[arg(long, global = true, value_name = "DIR")]
    pub blueprints: Option<PathBuf>,
    /// The AWS Region; else the spec's, AWS_REGION's, the profile's
    #[arg(long, global = true)]
    pub region: Option<String>,
    /// The profile in the AWS configuration files
    #[arg(long, global = true)]
    pub profile: Option<String>,
    /// Another endpoint than AWS's own, such as a local AWS; also AWS_ENDPOINT_URL
    #[arg(long, global = true, value_name = "URL")]
    pub endpoint_url: Option<String>,
    /// Whether to colour what is printed
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub color: ColorChoice,
    /// Say what is asked of AWS: each request, how it ended, AWS's id for it
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// Add each request to AWS to a log file: when, what, how it ended; no credentials and no contents
    #[arg(long, global = true, value_name = "FILE")]
    pub debug: Option<PathBuf>,
    /// Say nothing but results and errors
    #[arg(short, long, global = true)]
    pub quiet: bool,
}

impl Global {
    /// Talk, unless nobody wants to hear it.
    pub(super) fn say(&self, text: &str) {
        if !self.quiet {
            talk(text);
        }
    }

    /// The built-in blueprints, and over them the user's.
    pub(super) fn blueprints(&self) -> Result<Blueprints> {
        Ok(self.blueprints.as_deref().map(Blueprints::laid_over).transpose()?.unwrap_or_default())
    }

    /// The spec as messages call it.
    pub(super) fn file_name(&self) -> String {
        self.file.display().to_string()
    }

    /// How data is coloured.
    pub(super) fn paint(&self) -> Paint {
        self.paint_on(io::stdout().is_terminal())
    }

    /// How talk is coloured.
    pub(super) fn paint_talk(&self) -> Paint {
        self.paint_on(io::stderr().is_terminal())
    }

    fn paint_on(&self, terminal: bool) -> Paint {
        Paint(match self.color {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto => {
                let no_color = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
                terminal && !no_color && !is_dumb()
            }
        })
    }
}

/// Whether a person looks at the talk: on a terminal, and not in a pipeline.
pub(super) fn is_watched() -> bool {
    let pipeline = env::var_os("CI").is_some_and(|value| !value.is_empty() && value != "false");
    io::stderr().is_terminal() && !pipeline
}

/// Whether that person can be asked.
pub(super) fn is_attended() -> bool {
    is_watched() && io::stdin().is_terminal()
}

/// Whether a terminal only shows one line after the other.
pub(super) fn is_dumb() -> bool {
    env::var_os("TERM").is_some_and(|term| term == "dumb")
}
