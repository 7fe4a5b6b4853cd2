//! `spotstack render`: the template, without an account and without a network.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use miette::{IntoDiagnostic, WrapErr, miette};

use super::{Exit, Global, Result, prepare};

/// Write the CloudFormation template that the spec describes
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Write to a file instead of standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// YAML to read, JSON for machines
    #[arg(long, value_name = "FORMAT", default_value = "yaml")]
    format: Format,
    /// Write nothing; say whether FILE is what would be rendered, and exit with 2 if not
    #[arg(long, value_name = "FILE", conflicts_with = "output")]
    check: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Yaml,
    Json,
}

pub(super) fn run(args: &Args, global: &Global) -> Result<Exit> {
    let (_, template) = prepare(global)?;
    let text = match args.format {
        Format::Yaml => template.text,
        Format::Json => serde_json::to_string_pretty(&template.to_json()).into_diagnostic()? + "\n",
    };
    if let Some(file) = &args.check {
        return check(file, &text, global);
    }
    match &args.output {
        Some(file) => {
            write_whole(file, &text)?;
            global.say(&format!("wrote {}", file.display()));
        }
        None => match io::stdout().lock().write_all(text.as_bytes()) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
            result => result.into_diagnostic().wrap_err("cannot write to standard output")?,
        },
    }
    Ok(Exit::Done)
}

/// Compares a file that is kept in version control with what would be rendered.
fn check(file: &Path, text: &str, global: &Global) -> Result<Exit> {
    let kept = fs::read_to_string(file).map_err(|error| miette!("cannot read `{}`: {error}", file.display()))?;
    if kept == text {
        global.say(&format!("{} is up to date", file.display()));
        return Ok(Exit::Done);
    }
    let line = kept.lines().zip(text.lines()).take_while(|(kept, new)| kept == new).count();
    let show =
        |text: &str| text.lines().nth(line).map_or_else(|| "(the end)".to_owned(), |line| line.trim().to_owned());
    eprintln!("{} is not what the spec renders to; the first difference is in line {}:", file.display(), line + 1);
    eprintln!("  - {}\n  + {}", show(&kept), show(text));
    eprintln!("Write it anew with `spotstack render -f {} -o {}`.", global.file.display(), file.display());
    Ok(Exit::Different)
}

/// Writes a file whole or not at all.
pub(super) fn write_whole(path: &Path, text: &str) -> Result<()> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(format!(".{}.tmp", std::process::id()));
    let beside = PathBuf::from(beside);
    let written = fs::write(&beside, text).and_then(|()| fs::rename(&beside, path));
    written.map_err(|error| {
        let _ = fs::remove_file(&beside);
        miette!("cannot write `{}`: {error}", path.display())
    })
}
