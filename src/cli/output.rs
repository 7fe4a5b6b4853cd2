//! What a command leaves: data on standard output, talk on standard error, files.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use miette::{IntoDiagnostic, WrapErr, miette};
use serde::Serialize;

use super::{Result, json};

/// For whom an answer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// People
    Text,
    /// Programs
    Json,
}

/// The same, where there are tables in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum TableFormat {
    /// People
    Text,
    /// Programs
    Json,
    /// Spreadsheets
    Csv,
}

/// Whether anybody reads on. A reader that has seen enough, such as `head`, is no error, but a reason not to go on for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reader {
    There,
    Gone,
}

/// Writes data as it is.
pub(super) fn print(text: &str) -> Result<Reader> {
    let mut out = io::stdout().lock();
    written(out.write_all(text.as_bytes()).and_then(|()| out.flush()))
}

/// Writes a line of data.
pub(super) fn print_line(line: &str) -> Result<Reader> {
    print(&format!("{line}\n"))
}

/// Writes an object for programs.
pub(super) fn print_json(value: &impl Serialize) -> Result<Reader> {
    print_line(&json::pretty(value)?)
}

/// Writes one of many objects for programs, in a line.
pub(super) fn print_json_line(value: &impl Serialize) -> Result<Reader> {
    print_line(&json::line(value)?)
}

/// What writing to standard output came to.
pub(super) fn written(result: io::Result<()>) -> Result<Reader> {
    match result {
        Ok(()) => Ok(Reader::There),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Reader::Gone),
        Err(error) => Err(error).into_diagnostic().wrap_err("cannot write to standard output"),
    }
}

/// Says something. That nobody listens is no reason to stop: what is at stake goes by the exit code.
pub(super) fn talk(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// Writes a file whole or not at all. A link is followed; what is no file, such as `/dev/stdout`, is written as it comes.
pub(super) fn write_whole(path: &Path, text: &str) -> Result<()> {
    let place = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let written = if place.exists() && !place.is_file() { fs::write(&place, text) } else { replace(&place, text) };
    written.map_err(|error| miette!("cannot write `{}`: {error}", path.display()))
}

fn replace(path: &Path, text: &str) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut beside = tempfile::Builder::new();
    beside.prefix(".spotstack-");
    // A file like any other, as the umask wants it; until it is there, under a name that nobody can foresee.
    #[cfg(unix)]
    beside.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut file = beside.tempfile_in(folder)?;
    file.write_all(text.as_bytes())?;
    file.persist(path).map(drop).map_err(|failed| failed.error)
}

/// Refuses to write over what is there.
pub(super) fn refuse_existing<'a>(paths: impl IntoIterator<Item = &'a PathBuf>) -> Result<()> {
    let existing: Vec<_> =
        paths.into_iter().filter(|path| path.exists()).map(|path| format!("`{}`", path.display())).collect();
    if existing.is_empty() {
        return Ok(());
    }
    Err(miette!(
        help = "give --force to overwrite, or --dir for another folder",
        "{} exist{} already, and nothing was written",
        existing.join(", "),
        if existing.len() == 1 { "s" } else { "" }
    ))
}
