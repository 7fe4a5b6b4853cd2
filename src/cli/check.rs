//! `spotstack check`: what a careful reviewer would say.

use std::path::{MAIN_SEPARATOR, Path, PathBuf};
use std::{env, fmt};

use clap::ValueEnum;
use miette::{Diagnostic, ReportHandler, miette};

use super::output::{print, print_json};
use super::style::{folding, prose_columns};
use super::{Exit, Global, Result, checked, planned, reports};
use crate::check::{RULES, Report, Rule, Severity, Shown, refused};
use crate::spec::SpecError;

/// Say what a careful reviewer would about spec and template
///
/// Exits with 1 if there is an error, or a warning under --strict. A rule is silenced by a comment in the spec, beside or above
/// the value, or at the head for the whole file: `# spotstack: allow ID -- why`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = JSON_HELP)]
pub(super) struct Args {
    /// text for people, json for programs, github to annotate a pull request
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: Format,
    /// Fail on warnings too
    #[arg(long)]
    strict: bool,
    /// Explain a rule; without ID, list them
    #[arg(long, value_name = "ID", num_args = 0..=1, conflicts_with_all = ["format", "strict"])]
    explain: Option<Option<String>>,
    /// List all rules
    #[arg(long, conflicts_with_all = ["format", "strict", "explain"])]
    list: bool,
}

const JSON_HELP: &str = "\
--format json writes one object:
  findings  in the order of the spec
    id, severity, message, fix   severity is error, warning or note; spec-error is a spec that cannot be used
    source                       AWS's page
    spec                         {file, line, column, label}; null where there is no place in it
    template                     {resource, path, line, blueprint: {file, line}}; null where there is no place in it
  errors, warnings, notes, silenced   how many of each";

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
    Github,
}

pub(super) fn run(args: &Args, global: &Global) -> Result<Exit> {
    match &args.explain {
        Some(Some(id)) => return print(&explanation(named(id)?)).map(|_| Exit::Done),
        Some(None) => return print(&list()).map(|_| Exit::Done),
        None if args.list => return print(&list()).map(|_| Exit::Done),
        None => {}
    }
    let file = global.file_name();
    let (report, text) = match planned(&global.file) {
        Ok((spec, plan)) => {
            let (template, report) = checked(&spec, &plan, global)?;
            let shown = || report.findings.iter().map(|finding| Shown::new(finding, &file, &spec.text, &template));
            let text = if args.format == Format::Text { text(&report, shown(), global) } else { String::new() };
            (report, text)
        }
        // Programs read what is wrong with a spec as they read everything else.
        Err(error) if args.format != Format::Text && error.downcast_ref::<SpecError>().is_some() => {
            (refused(error.as_ref()), String::new())
        }
        Err(error) => return Err(error),
    };
    match args.format {
        Format::Text => print(&text)?,
        Format::Json => print_json(&report.json(&file))?,
        Format::Github => {
            let root = env::var_os("GITHUB_WORKSPACE").map(PathBuf::from);
            print(&report.github(&global.file, |file| in_repository(file, root.as_deref())))?
        }
    };
    let fails = |severity| report.of(severity).next().is_some();
    let failed = fails(Severity::Error) || args.strict && fails(Severity::Warning);
    Ok(if failed { Exit::Refused } else { Exit::Done })
}

/// Every finding under its caret, and how many there are.
fn text(report: &Report, shown: impl Iterator<Item = Shown>, global: &Global) -> String {
    let handler = reports(global.paint());
    let mut text: String = shown.map(|shown| format!("{}: {}\n", shown.weight(), Pretty(&handler, &shown))).collect();
    text.push_str(&report.summary());
    text.push('\n');
    if !report.findings.is_empty() {
        text.push_str("`spotstack check --explain ID` says why it matters, and how to allow it.\n");
    }
    text
}

/// A diagnostic as this program's errors look.
struct Pretty<'a>(&'a dyn ReportHandler, &'a dyn Diagnostic);

impl fmt::Display for Pretty<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.debug(self.1, f)
    }
}

/// The file as GitHub names it: from the root of the repository, which may not be where this runs, and with slashes anywhere.
fn in_repository(file: &Path, root: Option<&Path>) -> String {
    let root = root.and_then(|root| root.canonicalize().ok());
    let inside =
        root.zip(file.canonicalize().ok()).and_then(|(root, file)| Some(file.strip_prefix(root).ok()?.to_owned()));
    inside.as_deref().unwrap_or(file).display().to_string().replace(MAIN_SEPARATOR, "/")
}

fn named(id: &str) -> Result<&'static Rule> {
    Rule::named(id).map_err(|meant| {
        let help = match meant {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => "`spotstack check --list` has them all".to_owned(),
        };
        miette!(help = help, "there is no rule `{id}`")
    })
}

fn list() -> String {
    let indented = folding(prose_columns()).initial_indent("    ").subsequent_indent("    ");
    let rules = RULES
        .iter()
        .map(|rule| format!("{} ({})\n{}\n", rule.id, rule.severity, textwrap::fill(rule.sentence, &indented)));
    rules.collect()
}

fn explanation(rule: &Rule) -> String {
    let silence = if rule.can_be_silenced() {
        format!(
            "\nTo allow it, beside the value or above it, or at the head of the spec for all of it:\n  # spotstack: allow {} -- why\n",
            rule.id
        )
    } else {
        String::new()
    };
    let why: String = rule.why.split("\n\n").map(|part| format!("{}\n\n", fold(part))).collect();
    format!(
        "{} ({})\n{}\n\n{why}{}\n\n{}\n{silence}",
        rule.id,
        rule.severity,
        fold(rule.sentence),
        fold(&format!("Fix: {}.", rule.fix)),
        rule.source
    )
}

/// A paragraph in lines.
fn fold(text: &str) -> String {
    textwrap::fill(text, folding(prose_columns()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_named_from_the_repository() {
        let repository = tempfile::tempdir().expect("a temporary folder");
        let (folder, file) = (repository.path().join("infra"), repository.path().join("infra/spotstack.yaml"));
        std::fs::create_dir(&folder).and_then(|()| std::fs::write(&file, "")).expect("a file");
        assert_eq!(in_repository(&file, Some(repository.path())), "infra/spotstack.yaml");
        assert_eq!(in_repository(Path::new("nothing.yaml"), Some(repository.path())), "nothing.yaml");
        assert_eq!(in_repository(Path::new("a/b.yaml"), None), "a/b.yaml");
    }
}
