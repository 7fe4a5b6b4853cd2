//! What is typed: the command line, one small file per command.
//!
//! `global` is what all commands understand; `input`, `output` and `style` are how they read, write and look; `account` is whom they
//! ask. Whoever deploys sits at a `terminal`, which has its `words`, its `tree` and its `screen`, and takes `interrupts`.

use std::env;
use std::path::Path;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use clap::error::ErrorKind;
use clap::{Parser, Subcommand};
use miette::miette;

use crate::blueprint;
use crate::check::{self as findings, Refused, Report, Severity};
use crate::package::{self, Package};
use crate::plan::{Pair, Plan};
use crate::spec::{self, Spec};
use crate::template::Template;

mod account;
mod check;
mod completions;
mod cost;
mod debug;
mod deploy;
mod desired;
mod destroy;
mod diff;
mod eject;
mod explain;
mod global;
mod init;
mod input;
mod interrupts;
mod json;
mod link;
mod logs;
mod man;
mod output;
mod prices;
mod recover;
mod render;
mod replay;
mod schema;
mod screen;
mod simulate;
mod status;
mod style;
mod terminal;
mod tree;
mod watching;
mod words;
mod wrong;

pub use global::Global;

/// Every command fails with a report that says what happened, where, why, and what to do next.
pub type Result<T> = miette::Result<T>;

/// Spot first, On-Demand when Spot is not to be had, for workers that take their jobs from an SQS queue
///
/// One file describes it, `spotstack.yaml`; one command makes it so, `spotstack deploy`.
#[derive(Parser)]
#[command(name = "spotstack", version, max_term_width = 100)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Init(init::Args),
    Check(check::Args),
    Render(render::Args),
    Diff(diff::Args),
    Deploy(deploy::Args),
    Status(status::Args),
    Explain(explain::Args),
    Logs(logs::Args),
    Prices(prices::Args),
    Cost(cost::Args),
    Simulate(Box<simulate::Args>),
    Recover(recover::Args),
    Destroy(destroy::Args),
    Eject(eject::Args),
    Schema(schema::Args),
    Completions(completions::Args),
    Man(man::Args),
}

/// How a command ended, when it did not fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Done, or nothing to do.
    Done,
    /// There are differences.
    Different,
    /// What there is to say has been said, and is reason to fail.
    Refused,
}

/// Reads and plans the spec: where every command begins.
fn plan(global: &Global) -> Result<Plan> {
    Ok(planned(&global.file)?.1)
}

/// The pairs that were asked for: the one of this name, or all.
fn pairs_asked<'a>(plan: &'a Plan, name: Option<&str>) -> Result<Vec<&'a Pair>> {
    let asked: Vec<_> = plan.pairs.iter().filter(|pair| name.is_none_or(|name| name == pair.name)).collect();
    match name {
        Some(name) if asked.is_empty() => {
            let names: Vec<_> = plan.pairs.iter().map(|pair| pair.name.as_str()).collect();
            Err(miette!(help = format!("the spec has {}", names.join(", ")), "the spec has no pair `{name}`"))
        }
        _ => Ok(asked),
    }
}

fn planned(file: &Path) -> Result<(Spec, Plan)> {
    let spec = spec::load(file)?;
    let file_name = file.file_name().map_or_else(Default::default, |name| name.to_string_lossy());
    let plan = Plan::new(&spec, &file_name);
    Ok((spec, plan))
}

/// Reads, plans, renders and checks the spec: where every command begins that needs a template. Errors among the findings
/// refuse, warnings are told in a line each.
fn prepare(global: &Global) -> Result<(Plan, Template)> {
    let (_, plan, template) = prepare_all(global)?;
    Ok((plan, template))
}

/// The same, and the spec itself, for those who show places in it.
fn prepare_all(global: &Global) -> Result<(Spec, Plan, Template)> {
    let (spec, plan) = planned(&global.file)?;
    let (template, report) = checked(&spec, &plan, global)?;
    let file = global.file_name();
    if let Some(refused) = Refused::of(&report, &file, &spec.text, &template) {
        return Err(refused.into());
    }
    for finding in report.of(Severity::Warning) {
        global.say(&finding.line(&file));
    }
    Ok((spec, plan, template))
}

/// The template, and all there is to say about it.
fn checked(spec: &Spec, plan: &Plan, global: &Global) -> Result<(Template, Report)> {
    let template = Template::unverified(blueprint::render(plan, &global.blueprints()?)?)?;
    let report = findings::check(spec, plan, &template);
    Ok((template, report))
}

/// What another spec renders to, by the same blueprints; what there is to say about that one is not asked.
fn rendered(file: &Path, global: &Global) -> Result<Template> {
    let (_, plan) = planned(file)?;
    Ok(Template::unverified(blueprint::render(&plan, &global.blueprints()?)?)?)
}

/// A moment by this machine's clock, in milliseconds since 1970.
fn milliseconds(now: SystemTime) -> i64 {
    let since = now.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// How reports look. Names and flags in them are there to be copied, and so in one piece.
fn reports(paint: style::Paint) -> miette::MietteHandler {
    let options = miette::MietteHandlerOpts::new().color(paint.0).unicode(true).context_lines(1);
    options.word_splitter(textwrap::WordSplitter::NoHyphenation).build()
}

/// Whether a word of the command line asks to say more: `-v`, `-vV`, `--verbose`. Asked where nothing was parsed.
fn is_verbose(arg: &str) -> bool {
    arg == "--verbose" || (arg.starts_with('-') && !arg.starts_with("--") && arg.contains('v'))
}

/// The handlers on board, a line each: what `--version -v` adds.
fn carried() -> String {
    let line = |package: Package| format!("handler {} sha256 {}", package.architecture, package.sha256());
    let lines: Vec<_> = package::carried().map(line).collect();
    if lines.is_empty() { "carries no handler".into() } else { lines.join("\n") }
}

/// Runs the command that was typed.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(usage) => {
            // Nothing can be done about a closed pipe; what was typed wrong is 1, because 2 says that there are differences.
            let _ = usage.print();
            if usage.kind() == ErrorKind::DisplayVersion && env::args().any(|arg| is_verbose(&arg)) {
                let _ = output::print_line(&carried());
            }
            return if usage.use_stderr() { ExitCode::FAILURE } else { ExitCode::SUCCESS };
        }
    };
    let (global, paint) = (&cli.global, cli.global.paint_talk());
    // Fails only where a hook is set already, and nobody else sets one.
    let _ = miette::set_hook(Box::new(move |_| Box::new(reports(paint))));
    let result = match &cli.command {
        Command::Init(args) => init::run(args, global),
        Command::Check(args) => check::run(args, global),
        Command::Render(args) => render::run(args, global),
        Command::Diff(args) => diff::run(args, global),
        Command::Deploy(args) => deploy::run(args, global),
        Command::Status(args) => status::run(args, global),
        Command::Explain(args) => explain::run(args, global),
        Command::Logs(args) => logs::run(args, global),
        Command::Prices(args) => prices::run(args, global),
        Command::Cost(args) => cost::run(args, global),
        Command::Simulate(args) => simulate::run(args, global),
        Command::Recover(args) => recover::run(args, global),
        Command::Destroy(args) => destroy::run(args, global),
        Command::Eject(args) => eject::run(args, global),
        Command::Schema(args) => schema::run(args),
        Command::Completions(args) => completions::run(args),
        Command::Man(args) => man::run(args, global),
    };
    match result {
        Ok(Exit::Done) => ExitCode::SUCCESS,
        Ok(Exit::Different) => ExitCode::from(2),
        Ok(Exit::Refused) => ExitCode::FAILURE,
        Err(report) => {
            output::talk(&format!("{report:?}"));
            ExitCode::FAILURE
        }
    }
}
