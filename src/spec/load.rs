//! From a file to a [`Spec`], or to everything that is wrong with it.

use std::io;
use std::path::Path;

use serde_saphyr::budget::BudgetBreach;
use serde_saphyr::{Error, Location, Options};

use super::file::{Unreadable, bytes_of};
use super::problem::{Problem, SpecError, span};
use super::{Spec, rules, script, structure};

/// The largest spec that is read, in bytes: a thousand times a usual one, and quickly refused.
const LARGEST: u64 = 1_000_000;

/// Reads and checks the spec at `path`, and the scripts that it names.
///
/// # Errors
/// Where the file cannot be read, is no YAML, or says something that no stack can be made of: all of it at once.
pub fn load(path: &Path) -> Result<Spec, SpecError> {
    let file = path.display().to_string();
    let text = text_of(path, &file)?;
    let folder = path.parent().unwrap_or(Path::new(""));
    checked(&file, &text, |spec| read_scripts(spec, folder))
}

/// Reads and checks a text that is not a file, the scripts that it names aside.
///
/// # Errors
/// As [`load`].
pub fn from_text(file: &str, text: &str) -> Result<Spec, SpecError> {
    checked(file, text, |_| vec![])
}

/// Checks a text that is not a file yet, the scripts that it names aside.
///
/// # Errors
/// As [`load`].
pub(crate) fn check(file: &str, text: &str) -> Result<(), SpecError> {
    from_text(file, text).map(drop)
}

/// A text's spec, with the script of every pair that names one: for tests, which have no files.
#[cfg(test)]
pub(crate) fn parse(text: &str, script: Option<&str>) -> Result<Spec, SpecError> {
    let mut spec = from_text("spotstack.yaml", text)?;
    for pair in spec.pairs.values_mut() {
        let Some(launch) = pair.value.launch.as_mut().map(|launch| &mut launch.value) else { continue };
        launch.script = launch.user_data.as_ref().and(script).map(str::to_owned);
    }
    Ok(spec)
}

fn checked(file: &str, text: &str, scripts: impl FnOnce(&mut Spec) -> Vec<Problem>) -> Result<Spec, SpecError> {
    let rules = |spec: &mut Spec| {
        let mut problems = rules::check(spec);
        problems.extend(scripts(spec));
        problems
    };
    let (spec, problems) = match read(text) {
        Ok(mut spec) => {
            let problems = rules(&mut spec);
            (Some(spec), problems)
        }
        Err(error) => (None, structure::examine(text, error.without_snippet(), rules)),
    };
    match spec {
        Some(spec) if problems.is_empty() => Ok(Spec { text: text.to_owned(), ..spec }),
        _ => Err(SpecError::new(file, text, problems)),
    }
}

/// The spec that a text says, by its types alone.
pub(super) fn read(text: &str) -> Result<Spec, Error> {
    serde_saphyr::from_str_with_options(text, options())
}

/// How a spec is read: YAML 1.2 booleans, and bounds that no spec reaches and a YAML bomb does at once.
pub(super) fn options() -> Options {
    serde_saphyr::options! {
        with_snippet: false,
        strict_booleans: true,
        reject_unsupported_tags: true,
        reject_tagged_field_names: true,
        budget: serde_saphyr::budget! { max_depth: 32, max_nodes: 20_000, max_aliases: 100 },
        alias_limits: serde_saphyr::alias_limits! { max_total_replayed_events: 20_000 },
    }
}

fn text_of(path: &Path, file: &str) -> Result<String, SpecError> {
    let bytes = bytes_of(path, LARGEST).map_err(|unreadable| {
        let help = match &unreadable {
            Unreadable::Io(error) if error.kind() == io::ErrorKind::NotFound => {
                "write one with `spotstack init`, or name another with `--file`"
            }
            Unreadable::TooLarge(_) => "name the spec with `--file`",
            _ => "name a readable file with `--file`",
        };
        let message = match unreadable {
            Unreadable::TooLarge(size) => format!("`{file}` is {size} bytes long; a spec has at most {LARGEST}"),
            other => format!("cannot read `{file}`: {other}"),
        };
        SpecError::unreadable(message, help)
    })?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let (bytes, valid) = (error.as_bytes(), error.utf8_error().valid_up_to());
        if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
            return SpecError::unreadable(format!("`{file}` is UTF-16 text, and a spec is UTF-8"), "save it as UTF-8");
        }
        let line = bytes[..valid].iter().filter(|&&byte| byte == b'\n').count() + 1;
        SpecError::unreadable(format!("`{file}` is not UTF-8 text: see line {line}"), "save it as UTF-8")
    })?;
    if let Some(nul) = text.find('\0') {
        let line = text[..nul].matches('\n').count() + 1;
        let message = format!("`{file}` is not text: there is a NUL byte in line {line}");
        return Err(SpecError::unreadable(message, "save it as UTF-8"));
    }
    if text.trim_start_matches('\u{feff}').trim().is_empty() {
        let help = "write one with `spotstack init --force`, or start from the examples";
        return Err(SpecError::unreadable(format!("`{file}` is empty"), help));
    }
    Ok(text)
}

/// What the YAML parser complains about, in this house's words.
pub(super) fn structural(error: &Error, text: &str) -> Problem {
    let place = error.location().unwrap_or(Location::UNKNOWN);
    match error {
        Error::AliasError { error, .. } => structural(error, text),
        Error::MultipleDocuments { .. } => {
            Problem::at(place, "the second one begins here", "a spec is one YAML document, and this file has several")
        }
        Error::Budget { breach, .. } => {
            let (message, help) = match breach {
                BudgetBreach::Depth { .. } => ("this file is nested too deeply", "a spec is six levels deep"),
                BudgetBreach::Aliases { .. } | BudgetBreach::Anchors { .. } | BudgetBreach::MergeKeys { .. } => {
                    ("this file has too many anchors and aliases", "write the values out")
                }
                _ => ("this file says too much for a spec", "spread the pairs over several stacks"),
            };
            Problem::at(place, "too much here", message).help(help)
        }
        Error::AliasReplayLimitExceeded { .. } | Error::AliasReplayStackDepthExceeded { .. } => {
            Problem::at(place, "too much here", "the aliases of this file repeat too much").help("write the values out")
        }
        Error::UnknownAnchor { .. } => Problem::at(place, "no such anchor", "an alias of an anchor that is not there")
            .help("a text that begins with `*` stands in quotes"),
        Error::MergeValueNotMapOrSeqOfMaps { .. } => {
            Problem::at(place, "not a map", "what `<<` merges is a map, by its alias")
        }
        Error::NullIntoString { .. } | Error::Unexpected { expected: "string scalar", .. } => {
            Problem::at(place, "not a name", "a key is a text")
                .help("a text that begins with `{` or `[` stands in quotes")
        }
        Error::RecursiveReferencesRequireWeakTypes { .. } => {
            Problem::at(place, "inside of itself", "an anchor that contains its own alias").help("write the values out")
        }
        Error::UnsupportedTag { tag, .. } | Error::TaggedStructFieldName { tag, .. } => {
            Problem::at(place, "here", format!("the tag `{tag}` means nothing in a spec"))
                .help("a text that begins with `!` stands in quotes; a spec is not a CloudFormation template")
        }
        Error::InvalidScalar { .. } => Problem::at(place, "here", "the value does not fit its tag"),
        other => scanner(&plain(&other.to_string()), place, text),
    }
}

/// What is no YAML at all, where the parser's own words say little or point beside it.
fn scanner(words: &str, place: Location, text: &str) -> Problem {
    let start = span(place).start;
    if words.contains("tab") || words.contains("tabs") {
        let begins = |line: &str| line.trim_start_matches(' ').starts_with('\t');
        let mut offset = 0;
        let tab = text.split_inclusive(['\n', '\r']).find_map(|line| {
            let from = offset;
            offset += line.len();
            (offset > start && begins(line)).then(|| from + (line.len() - line.trim_start_matches(' ').len()))
        });
        if let Some(tab) = tab {
            return Problem::over(tab..tab + 1, "a tab", "YAML is not indented by tabs").help("use spaces");
        }
    }
    if words.starts_with("unexpected character") {
        return Problem::at(place, "this one", "a character that YAML does not allow")
            .help("in double quotes it can be written by its number, such as `\\x1b`");
    }
    if words.contains("recursion limit") {
        return Problem::at(place, "too much here", "this file is nested too deeply").help("a spec is six levels deep");
    }
    let problem = Problem::at(place, "here", words);
    match words {
        words if words.starts_with("mapping values are not allowed") => {
            problem.help("a text with `: ` in it stands in quotes; a key stands in the column of its neighbours")
        }
        words if words.contains("did not find expected key") => {
            problem.help("the keys of one map begin in the same column")
        }
        _ => problem,
    }
}

/// The parser's own words, without the place, which the caret shows.
pub(super) fn plain(text: &str) -> String {
    let text = text.lines().next().unwrap_or_default();
    let text = text.rsplit_once(" at line ").map_or(text, |(text, _)| text);
    if text.is_empty() { "this is not valid YAML".to_owned() } else { text.to_owned() }
}

/// Reads every pair's `user_data`, so that nothing later needs the disk.
fn read_scripts(spec: &mut Spec, folder: &Path) -> Vec<Problem> {
    let mut problems = vec![];
    for pair in spec.pairs.values_mut() {
        let Some(launch) = pair.value.launch.as_mut().map(|launch| &mut launch.value) else { continue };
        let Some(name) = &launch.user_data else { continue };
        match script::read(&name.value, folder) {
            Ok(script) => launch.script = Some(script),
            Err(problem) => problems.push(problem(name.referenced)),
        }
    }
    problems
}
