//! A pair's `user_data`: the worker's script, read beside the spec.

use std::path::{Component, Path};

use serde_saphyr::Location;

use super::file::{Unreadable, bytes_of};
use super::problem::Problem;
use crate::plan;

/// What EC2 takes as user data, in bytes before they are encoded.
/// <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/user-data.html>
const LARGEST_USER_DATA: usize = 16 * 1024;

/// How much of that tells the worker where its queue is, at most: the longest names that a spec can have included.
pub(crate) const PREAMBLE: usize = 1024;

/// How much is left for the script.
const LARGEST: usize = LARGEST_USER_DATA - PREAMBLE;

/// The script of this name, read relative to the spec's folder; or what is wrong with it, to be said at its place.
pub(super) fn read(name: &str, folder: &Path) -> Result<String, impl FnOnce(Location) -> Problem + use<>> {
    read_checked(name, folder).map_err(|wrong| {
        let name = name.to_owned();
        move |place| match wrong {
            Wrong::Unreadable(label, help) => {
                Problem::at(place, label, format!("cannot read the script `{name}`")).help(help)
            }
            Wrong::Unusable(label, help) => {
                Problem::at(place, label, format!("the script `{name}` cannot be used")).help(help)
            }
        }
    })
}

enum Wrong {
    Unreadable(String, &'static str),
    Unusable(String, &'static str),
}

fn read_checked(name: &str, folder: &Path) -> Result<String, Wrong> {
    // A path of one machine would make the template another one on the next.
    let relative = Path::new(name).components().all(|part| !matches!(part, Component::RootDir | Component::Prefix(_)));
    if !relative || name.starts_with('~') || name.contains('\0') {
        let help = "keep the script in version control with the spec, and name it relative to the spec";
        return Err(Wrong::Unreadable("not a path relative to the spec".to_owned(), help));
    }
    let bytes = bytes_of(&folder.join(name), LARGEST as u64).map_err(|unreadable| match unreadable {
        Unreadable::TooLarge(size) => {
            let label = format!("{size} bytes, {LARGEST} at most");
            Wrong::Unusable(label, "EC2 takes 16 KiB of user data; fetch the rest from S3")
        }
        other => Wrong::Unreadable(other.to_string(), "the path is relative to the spec"),
    })?;
    let wrong = |label: &str, help| Err(Wrong::Unusable(label.to_owned(), help));
    let Ok(script) = String::from_utf8(bytes) else { return wrong("not UTF-8 text", "save it as UTF-8") };
    if !script.starts_with("#!") {
        let help = "a script begins with the line that names its interpreter, such as `#!/bin/bash`";
        return wrong("it does not begin with `#!`", help);
    }
    if script.contains('\0') {
        return wrong("it has a NUL byte", "fetch what is no text from S3");
    }
    if script.lines().any(|line| line == plan::END_OF_SCRIPT) {
        return wrong(&format!("it has a line `{}`", plan::END_OF_SCRIPT), "which marks its end: use another word");
    }
    Ok(script)
}
