//! `spotstack diff`: what would change, in words, before anybody deploys it.

use std::path::{Path, PathBuf};

use clap::ValueEnum;
use dialoguer::console::Term;
use miette::miette;
use serde::Serialize;

use super::account::{account, block_on};
use super::desired::{Desired, Options};
use super::input::Input;
use super::output::{print_json, print_line, write_whole};
use super::style::columns;
use super::terminal::Terminal;
use super::watching::Show;
use super::words::reviewed;
use super::{Exit, Global, Result, prepare, rendered};
use crate::deploy::difference::{Against, By, difference};
use crate::template::diff::markdown::{Heading, markdown};
use crate::template::diff::{Counts, Document, Review, diff};

/// Show what a deploy would change, and what that means
///
/// Exits with 0 if that is nothing, with 2 if it is something, with 1 if it could not be found out. Without --against the stack in
/// AWS is compared, as CloudFormation sees it: by a change set, which is deleted again. A stack that does not exist is not made for
/// that, but for --out. With --against nothing but the two files is looked at. What was changed in AWS behind CloudFormation's back
/// is not seen by either; `status` shows that.
///
/// A plan (--out) is bound to its change set, to the spec, the template, the handler, the account and the Region: `deploy --plan`
/// does this and nothing else, and refuses, with the difference by its name, if any of them is another or the stack has changed.
/// Its change set stays in AWS until then.
#[derive(Debug, clap::Args)]
#[command(after_long_help = JSON_HELP)]
pub(super) struct Args {
    /// Compare with a template (YAML or JSON) or with another spec, without AWS; `-` reads a template from standard input
    #[arg(long, value_name = "FILE", conflicts_with_all = ["artifact_bucket", "role_arn", "tags", "notification_arns", "handler", "adopt"])]
    against: Option<PathBuf>,
    /// For a terminal, for a comment on a pull request, for programs
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: Format,
    /// Whether CloudFormation is asked by a change set; with `false` the stack's template is read and compared here
    #[arg(long, value_name = "BOOL", default_value = "true", default_missing_value = "true", num_args = 0..=1, require_equals = true, action = clap::ArgAction::Set, conflicts_with = "against")]
    online: bool,
    /// Write a plan that `deploy --plan` can be held to; its change set stays, and of a new stack an empty one
    #[arg(short, long, value_name = "FILE", conflicts_with = "against")]
    out: Option<PathBuf>,
    #[command(flatten)]
    options: Options,
}

const JSON_HELP: &str = "\
--format json writes one object:
  format      1; a number that changes when a field goes or changes its meaning
  stack, before, after   what is compared with what
  different   whether anything differs
  summary     {add, change, replace, remove, impossible, document}: how many of each
  sections    [{part, items}]; part is permissions (network among it), replaced, spot, on_demand, signals or spot_manager
    items     [{mark, logical_id, resource_type, about, properties, changes, consequence, same_as}]
      mark    add, change, may_replace, replace, remove, impossible (CloudFormation refuses it) or other
      changes [{path, before, after, replacement}]; before or after is absent where there is none;
              replacement is never, maybe or always
  follows     [{logical_id, resource_type, follows, replacement}]: reached by what is replaced
  document    [{section, name, mark, changes}]: parameters, outputs and other parts of the template
  notes       sentences to be read before everything else
  unaffected  names of resources that AWS lists and that stay as they are";

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Markdown,
    Json,
}

pub(super) fn run(args: &Args, global: &Global) -> Result<Exit> {
    let (review, before, stack) = match &args.against {
        Some(file) => {
            let (plan, template) = prepare(global)?;
            (diff(&read(file, global)?, &Document::of(&template)), Input(file).name(), plan.stack)
        }
        None => deployed(args, global)?,
    };
    let after = global.file_name();
    show(&review, Heading { stack: &stack, before: &before, after: &after }, args.format, global)?;
    if let Some(file) = &args.out {
        let file = file.display();
        global.say(&format!(
            "written: {file}. `spotstack deploy --plan {file}` does this, or nothing if anything has changed by then"
        ));
    }
    Ok(if review.is_empty() { Exit::Done } else { Exit::Different })
}

/// A template, or a spec and what it renders to.
fn read(file: &Path, global: &Global) -> Result<Document> {
    let input = Input(file);
    let text = input.text(LARGEST)?;
    // Whatever has pairs means to be a spec, and is judged as one; it names files beside it.
    if is_spec(&text) && !input.is_standard() {
        return Ok(Document::of(&rendered(file, global)?));
    }
    match Document::read(&text) {
        Ok(document) => Ok(document),
        Err(error) => Err(miette!(
            help =
                "a template has `Resources`; a spec has `pairs`, and is read from a file only, because it names others",
            "{input} is {error}"
        )),
    }
}

/// CloudFormation takes no template over a megabyte; in JSON with blanks it may be longer.
const LARGEST: u64 = 16_000_000;

fn is_spec(text: &str) -> bool {
    let has = |key: &str| text.lines().any(|line| line.strip_prefix(key).is_some_and(|rest| rest.starts_with(':')));
    (has("pairs") || has("stack")) && !has("Resources")
}

/// Compares with the stack in AWS, and writes the plan, if one is wanted.
fn deployed(args: &Args, global: &Global) -> Result<(Review, String, String)> {
    let desired = Desired::new(&args.options, global)?;
    let by = match (&args.out, args.online) {
        (Some(_), true) => By::Plan,
        (Some(_), false) => {
            return Err(miette!(
                help = "leave out `--online=false`",
                "a plan names a change set, so CloudFormation has to be asked for one"
            ));
        }
        (None, true) => By::ChangeSet,
        (None, false) => By::Template,
    };
    let mut terminal = Terminal::new(global, Show::Plain);
    let difference = desired.with_request(&args.options, |request| {
        block_on(async {
            let account = account(global, &desired.plan).await?;
            Ok(difference(&request, by, &account, &mut terminal).await?)
        })
    })?;
    if let (Some(file), Some(plan)) = (&args.out, &difference.plan) {
        write_whole(file, &plan.write())?;
    }
    let before = match difference.against {
        Against::Nothing => "nothing: there is no such stack",
        Against::Template => "the stack's template",
        Against::ChangeSet => "the stack",
    };
    Ok((difference.review, before.into(), desired.plan.stack))
}

fn show(review: &Review, heading: Heading<'_>, format: Format, global: &Global) -> Result<()> {
    let Heading { stack, before, after } = heading;
    match format {
        Format::Json => {
            let different = !review.is_empty();
            let report = Report { format: 1, stack, before, after, different, summary: review.counts(), review };
            print_json(&report)?;
        }
        Format::Markdown => drop(print_line(markdown(review, heading).trim_end())?),
        Format::Text if review.is_empty() => {
            global.say(&format!("no differences: {after} says the same as {before}"));
        }
        Format::Text => {
            let lines = reviewed(review, columns(&Term::stdout()), global.paint());
            print_line(&format!("{stack}: from {before} to {after}\n\n{}", lines.join("\n")))?;
        }
    }
    Ok(())
}

/// `--format json`.
#[derive(Serialize)]
struct Report<'a> {
    format: u8,
    stack: &'a str,
    before: &'a str,
    after: &'a str,
    different: bool,
    summary: Counts,
    #[serde(flatten)]
    review: &'a Review,
}
