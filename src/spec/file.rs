//! Reading the user's files: quickly, whole, and never more than makes sense.

use std::io::Read;
use std::path::Path;
use std::{fs, io};

/// Why a file cannot be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unreadable {
    #[error("{}", words(.0))]
    Io(#[from] io::Error),
    #[error("it is {0}, and no file")]
    Special(&'static str),
    #[error("it has {0} bytes")]
    TooLarge(u64),
}

/// The system's words without its number.
fn words(error: &io::Error) -> String {
    let words = error.to_string();
    words.split(" (os error").next().unwrap_or(&words).to_owned()
}

/// A file's bytes, up to so many. Nothing that has no end or would wait for somebody: no device, no pipe.
pub(super) fn bytes_of(path: &Path, most: u64) -> Result<Vec<u8>, Unreadable> {
    let metadata = fs::metadata(path)?;
    if metadata.is_dir() {
        return Err(Unreadable::Special("a folder"));
    }
    if !metadata.is_file() {
        return Err(Unreadable::Special("a pipe or a device"));
    }
    if metadata.len() > most {
        return Err(Unreadable::TooLarge(metadata.len()));
    }
    let mut bytes = vec![];
    // What `/proc` has claims to be empty.
    fs::File::open(path)?.take(most + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most { Err(Unreadable::TooLarge(bytes.len() as u64)) } else { Ok(bytes) }
}
