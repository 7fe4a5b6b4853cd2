//! From a file to a [`Spec`], or to everything that is wrong with it.

use std::fs;
use std::path::Path;

use serde_saphyr::{Error, Location};

use super::problem::{Problem, SpecError};
use super::suggest::nearest;
use super::{Spec, rules};

/// The largest spec that is read, in bytes: a thousand times a usual one, and quickly refused.
const LARGEST: u64 = 1_000_000;

/// Reads and checks the spec at `path`, and the scripts that it names.
///
/// # Errors
/// Where the file cannot be read, is no YAML, or says something that no stack can be made of: all of it at once where possible.
pub fn load(path: &Path) -> Result<Spec, SpecError> {
    let file = path.display().to_string();
    let text = read(path, &file)?;
    let mut spec = typed(&file, &text)?;
    let mut problems = rules::check(&spec);
    problems.extend(read_scripts(&mut spec, path.parent().unwrap_or(Path::new(""))));
    if problems.is_empty() {
        spec.text = text;
        return Ok(spec);
    }
    Err(SpecError::new(&file, &text, problems))
}

/// Checks a text that is not a file yet, the scripts that it names aside.
///
/// # Errors
/// As [`load`].
pub(crate) fn check(file: &str, text: &str) -> Result<(), SpecError> {
    let problems = rules::check(&typed(file, text)?);
    if problems.is_empty() { Ok(()) } else { Err(SpecError::new(file, text, problems)) }
}

/// A text's spec, with the script of every pair that names one: for tests, which have no files.
#[cfg(test)]
pub(crate) fn parse(text: &str, script: Option<&str>) -> Result<Spec, SpecError> {
    check("spotstack.yaml", text)?;
    let mut spec = typed("spotstack.yaml", text)?;
    for pair in spec.pairs.values_mut() {
        let launch = &mut pair.value.launch.value;
        launch.script = launch.user_data.as_ref().and(script).map(str::to_owned);
    }
    spec.text = text.to_owned();
    Ok(spec)
}

fn typed(file: &str, text: &str) -> Result<Spec, SpecError> {
    let options = serde_saphyr::options! {
        with_snippet: false,
        strict_booleans: true,
        budget: serde_saphyr::budget! { max_depth: 32, max_nodes: 50_000, max_aliases: 100 },
    };
    serde_saphyr::from_str_with_options(text, options)
        .map_err(|error| SpecError::new(file, text, vec![structural(&error)]))
}

fn read(path: &Path, file: &str) -> Result<String, SpecError> {
    let unreadable = |error: std::io::Error| {
        let help = match error.kind() {
            std::io::ErrorKind::NotFound => "write one with `spotstack init`, or name another with `--file`",
            _ => "name a readable file with `--file`",
        };
        SpecError::unreadable(format!("cannot read `{file}`: {error}"), help)
    };
    let size = fs::metadata(path).map_err(unreadable)?.len();
    if size > LARGEST {
        let message = format!("`{file}` is {size} bytes long; a spec has at most {LARGEST}");
        return Err(SpecError::unreadable(message, "name the spec with `--file`"));
    }
    let text = String::from_utf8(fs::read(path).map_err(unreadable)?).map_err(|error| {
        let line =
            error.as_bytes()[..error.utf8_error().valid_up_to()].iter().filter(|&&byte| byte == b'\n').count() + 1;
        SpecError::unreadable(format!("`{file}` is not UTF-8 text: see line {line}"), "save it as UTF-8")
    })?;
    if text.trim().is_empty() {
        let help = "write one with `spotstack init --force`, or start from the examples";
        return Err(SpecError::unreadable(format!("`{file}` is empty"), help));
    }
    Ok(text)
}

/// What serde and the YAML parser complain about, in this house's words.
fn structural(error: &Error) -> Problem {
    let error = error.without_snippet();
    let place = error.location().unwrap_or(Location::UNKNOWN);
    match error {
        Error::SerdeUnknownField { field, expected, .. } => {
            let problem = Problem::at(place, "not a key here", format!("unknown key `{field}`"));
            problem.help(match nearest(field, expected) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => format!("known here: {}", expected.join(", ")),
            })
        }
        Error::SerdeUnknownVariant { variant, expected, .. } => {
            let problem = Problem::at(place, "not a value here", format!("unknown value `{variant}`"));
            problem.help(match nearest(variant, expected) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => format!("one of: {}", expected.join(", ")),
            })
        }
        Error::SerdeMissingField { field, .. } => {
            Problem::at(place, format!("`{field}` is missing here"), format!("missing key `{field}`"))
        }
        Error::SerdeInvalidType { unexpected, expected, .. }
        | Error::SerdeInvalidValue { unexpected, expected, .. } => {
            Problem::at(place, format!("expected {expected}"), format!("{unexpected} where {expected} belongs"))
        }
        Error::MultipleDocuments { .. } => {
            Problem::at(place, "the second one begins here", "a spec is one YAML document, and this file has several")
        }
        other => Problem::at(place, "here", plain(&other.to_string())),
    }
}

/// The parser's own words, without the place, which the caret shows, and without Rust's names of types.
fn plain(text: &str) -> String {
    let text = text.lines().next().unwrap_or_default();
    let text = text.rsplit_once(" at line ").map_or(text, |(text, _)| text);
    match text {
        "invalid u32" => "a whole number belongs here".to_owned(),
        "invalid f64" => "a number belongs here".to_owned(),
        text if text.starts_with("invalid bool") => "`true` or `false` belongs here".to_owned(),
        "" => "this is not valid YAML".to_owned(),
        text => text.to_owned(),
    }
}

/// Reads every pair's `user_data`, so that nothing later needs the disk.
fn read_scripts(spec: &mut Spec, folder: &Path) -> Vec<Problem> {
    let mut problems = vec![];
    for pair in spec.pairs.values_mut() {
        let launch = &mut pair.value.launch.value;
        let Some(name) = &launch.user_data else { continue };
        let path = folder.join(&name.value);
        match fs::read(&path).map(String::from_utf8) {
            Ok(Ok(script)) => match rules::script(&script) {
                Ok(()) => launch.script = Some(script),
                Err(why) => problems.push(Problem::at(
                    name.referenced,
                    why,
                    format!("the script `{}` cannot be used", name.value),
                )),
            },
            Ok(Err(_)) => problems.push(Problem::at(
                name.referenced,
                "not UTF-8 text",
                format!("the script `{}` cannot be used", name.value),
            )),
            Err(error) => problems.push(
                Problem::at(name.referenced, error.to_string(), format!("cannot read the script `{}`", path.display()))
                    .help("the path is relative to the spec"),
            ),
        }
    }
    problems
}
