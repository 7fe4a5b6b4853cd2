//! What is typed: the command line, one small file per command.

use std::env;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{ColorChoice, CommandFactory, Parser, Subcommand};
use miette::miette;

use crate::blueprint::{self, Blueprints};
use crate::check::{self as findings, Refused, Report, Severity};
use crate::deploy::PairName;
use crate::package::{self, Package};
use crate::plan::Plan;
use crate::spec::{self, Spec};
use crate::template::Template;

mod check;
mod cost;
mod debug;
mod deploy;
mod desired;
mod destroy;
mod diff;
mod eject;
mod explain;
mod init;
mod interrupts;
mod json;
mod link;
mod logs;
mod man;
mod prices;
mod recover;
mod render;
mod replay;
mod schema;
mod screen;
mod simulate;
mod status;
mod terminal;
mod tree;
mod watching;
mod wrong;

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

/// What every command understands.
#[derive(Debug, clap::Args)]
pub struct Global {
    /// The spec
    #[arg(short, long, global = true, value_name = "FILE", default_value = "spotstack.yaml")]
    pub file: PathBuf,
    /// A folder of blueprints to lay over the built-in ones, file by file; `eject` writes them
    #[arg(long, global = true, value_name = "DIR")]
    pub blueprints: Option<PathBuf>,
    /// The AWS Region; else the spec's, AWS_REGION's, the profile's
    #[arg(long, global = true)]
    pub region: Option<String>,
    /// The profile in the AWS configuration files
    #[arg(long, global = true)]
    pub profile: Option<String>,
    /// Another endpoint than AWS's own, such as a local AWS; also AWS_ENDPOINT_URL
    #[arg(long, global = true, value_name = "URL")]
    pub endpoint_url: Option<String>,
    /// Whether to colour what is printed
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub color: ColorChoice,
    /// Say what is asked of AWS: each request, how it ended, AWS's id for it
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// Add each request to AWS to a log file: when, what, how it ended; no credentials and no contents
    #[arg(long, global = true, value_name = "FILE")]
    pub debug: Option<PathBuf>,
    /// Say nothing but results and errors
    #[arg(short, long, global = true)]
    pub quiet: bool,
}

impl Global {
    /// Talk, which goes to standard error, unless nobody wants to hear it.
    pub(crate) fn say(&self, text: &str) {
        if !self.quiet {
            eprintln!("{text}");
        }
    }

    /// The built-in blueprints, and over them the user's.
    fn blueprints(&self) -> Result<Blueprints> {
        Ok(self.blueprints.as_deref().map(Blueprints::laid_over).transpose()?.unwrap_or_default())
    }

    /// Whether somebody is there to be asked: a terminal for question and answer, and no pipeline's.
    fn attended(&self) -> bool {
        let pipeline = std::env::var_os("CI").is_some_and(|value| !value.is_empty() && value != "false");
        std::io::stdin().is_terminal() && std::io::stderr().is_terminal() && !pipeline
    }

    /// Whether what goes to standard error is coloured.
    fn colored(&self) -> bool {
        self.colored_on(std::io::stderr().is_terminal())
    }

    /// Whether what goes to a terminal, or to something else, is coloured.
    fn colored_on(&self, terminal: bool) -> bool {
        match self.color {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto => {
                let set = |name: &str| env::var_os(name).is_some_and(|value| !value.is_empty());
                let dumb = env::var_os("TERM").is_some_and(|term| term == "dumb");
                !set("NO_COLOR") && !dumb && terminal
            }
        }
    }
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
    Recover(recover::Args),
    Simulate(Box<simulate::Args>),
    Destroy(destroy::Args),
    Eject(eject::Args),
    Schema(schema::Args),
    /// Write the completions of a shell to standard output
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
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
pub(crate) fn plan(global: &Global) -> Result<Plan> {
    Ok(planned(&global.file)?.1)
}

/// The pairs that were asked for: the one of this name, or all.
pub(crate) fn pairs_asked<'a>(plan: &'a Plan, name: Option<&str>) -> Result<Vec<PairName<'a>>> {
    let pairs = PairName::all(plan);
    let asked: Vec<_> = pairs.iter().copied().filter(|pair| name.is_none_or(|name| name == pair.name)).collect();
    if asked.is_empty() {
        let names: Vec<_> = pairs.iter().map(|pair| pair.name).collect();
        let name = name.unwrap_or_default();
        return Err(miette!(help = format!("the spec has {}", names.join(", ")), "the spec has no pair `{name}`"));
    }
    Ok(asked)
}

fn planned(file: &Path) -> Result<(Spec, Plan)> {
    let spec = spec::load(file)?;
    let file_name = file.file_name().map_or_else(Default::default, |name| name.to_string_lossy());
    let plan = Plan::new(&spec, &file_name);
    Ok((spec, plan))
}

/// Reads, plans, renders and checks the spec: where every command begins that needs a template. Errors among the findings
/// refuse, warnings are told in a line each.
pub(crate) fn prepare(global: &Global) -> Result<(Plan, Template)> {
    let (_, plan, template) = prepare_all(global)?;
    Ok((plan, template))
}

/// The same, and the spec itself, for those who show places in it.
fn prepare_all(global: &Global) -> Result<(Spec, Plan, Template)> {
    let (spec, plan) = planned(&global.file)?;
    let (template, report) = checked(&spec, &plan, global)?;
    let file = global.file.display().to_string();
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

/// How reports look.
fn reports(colored: bool) -> miette::MietteHandler {
    miette::MietteHandlerOpts::new().color(colored).unicode(true).context_lines(1).build()
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
                terminal::print_line(&carried());
            }
            return if usage.use_stderr() { ExitCode::FAILURE } else { ExitCode::SUCCESS };
        }
    };
    let (global, colored) = (&cli.global, cli.global.colored());
    // Fails only where a hook is set already, and nobody else sets one.
    let _ = miette::set_hook(Box::new(move |_| Box::new(reports(colored))));
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
        Command::Recover(args) => recover::run(args, global),
        Command::Simulate(args) => simulate::run(args, global),
        Command::Destroy(args) => destroy::run(args, global),
        Command::Eject(args) => eject::run(args, global),
        Command::Schema(args) => schema::run(args),
        Command::Completions { shell } => {
            clap_complete::generate(*shell, &mut Cli::command(), "spotstack", &mut std::io::stdout());
            Ok(Exit::Done)
        }
        Command::Man(args) => man::run(args, global),
    };
    match result {
        Ok(Exit::Done) => ExitCode::SUCCESS,
        Ok(Exit::Different) => ExitCode::from(2),
        Ok(Exit::Refused) => ExitCode::FAILURE,
        Err(report) => {
            eprintln!("{report:?}");
            ExitCode::FAILURE
        }
    }
}
