//! What a command reads beside the spec: a file, or standard input, which is called `-`.

use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use miette::{IntoDiagnostic, WrapErr, miette};

use super::Result;

/// See the module.
#[derive(Debug, Clone, Copy)]
pub(super) struct Input<'a>(pub(super) &'a Path);

/// Of a history of a gigabyte, that much at a time.
const BUFFER: usize = 1 << 20;

impl Input<'_> {
    pub(super) fn is_standard(self) -> bool {
        self.0.as_os_str() == "-"
    }

    /// As errors name it before a line's number.
    pub(super) fn name(self) -> String {
        if self.is_standard() { "standard input".into() } else { self.0.display().to_string() }
    }

    /// To be read line by line.
    pub(super) fn open(self) -> Result<Box<dyn BufRead>> {
        if self.is_standard() {
            return Ok(Box::new(io::stdin().lock()));
        }
        // A folder can be opened, and fails only when it is read.
        let file = File::open(self.0).and_then(|file| match file.metadata()?.is_dir() {
            true => Err(io::ErrorKind::IsADirectory.into()),
            false => Ok(file),
        });
        let file = file.into_diagnostic().wrap_err_with(|| self.cannot())?;
        Ok(Box::new(BufReader::with_capacity(BUFFER, file)))
    }

    /// All of it, or its beginning.
    pub(super) fn text(self, most: u64) -> Result<String> {
        let mut text = String::new();
        match self.open()?.take(most).read_to_string(&mut text) {
            Ok(_) => Ok(text),
            Err(error) if error.kind() == io::ErrorKind::InvalidData => Err(miette!("{self} is not text in UTF-8")),
            Err(error) => Err(error).into_diagnostic().wrap_err_with(|| self.cannot()),
        }
    }

    fn cannot(self) -> String {
        format!("cannot read {self}")
    }
}

impl fmt::Display for Input<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_standard() { f.write_str("standard input") } else { write!(f, "`{}`", self.0.display()) }
    }
}
