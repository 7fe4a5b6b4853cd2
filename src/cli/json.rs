//! Data for programs. It may come to stand on a terminal all the same, so nothing in it acts on one.

use miette::IntoDiagnostic;
use serde::Serialize;

use super::Result;
use crate::neutral::neutral_json;

/// On one line.
pub(super) fn line(value: &impl Serialize) -> Result<String> {
    Ok(neutral_json(&serde_json::to_string(value).into_diagnostic()?).into_owned())
}

/// Indented, for reading.
pub(super) fn pretty(value: &impl Serialize) -> Result<String> {
    Ok(neutral_json(&serde_json::to_string_pretty(value).into_diagnostic()?).into_owned())
}
