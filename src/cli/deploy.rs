//! `spotstack deploy`: from the spec to a stack that works.

use std::path::{Path, PathBuf};

use miette::miette;

use super::account::{account, block_on};
use super::desired::{Desired, Options};
use super::input::Input;
use super::terminal::Terminal;
use super::watching::{PROGRESS_JSON, Watching};
use super::{Exit, Global, Result, replay};
use crate::deploy::saved::Saved;
use crate::deploy::{Outcome, Request, deploy};

/// Make the stack what the spec says
///
/// It uploads the handler, shows every change and what it means for what runs, asks, has CloudFormation do it, watches, and has the
/// SpotManager answer in the end. No update sets how many instances a group wants; those that run go on as they are, unless
/// --refresh replaces them.
///
/// Run again after it broke off, it finds what it has begun and watches that. Ctrl-C on a terminal asks whether to leave
/// CloudFormation to it or to call it off; elsewhere, and on SIGTERM, it leaves.
///
/// When something fails, the root cause comes first: AWS's text, what it means, the line of the spec it comes from, the IAM
/// statement that was missing, and the next command.
#[derive(Debug, clap::Args)]
#[command(after_long_help = PROGRESS_JSON)]
pub(super) struct Args {
    /// Do what this plan says, which `diff --out` has written, and nothing else
    #[arg(long, value_name = "FILE", conflicts_with_all = ["no_execute", "role_arn", "tags", "notification_arns", "artifact_bucket"])]
    plan: Option<PathBuf>,
    /// Leave the change set for somebody to review and execute
    #[arg(long)]
    no_execute: bool,
    /// Leave when CloudFormation has begun
    #[arg(long, conflicts_with_all = ["no_execute", "refresh", "timeout"])]
    detach: bool,
    /// Replace the instances that run in the end, some at a time; those that are protected, as busy workers are, when they are free
    #[arg(long, conflicts_with = "no_execute")]
    refresh: bool,
    #[command(flatten)]
    watching: Watching,
    #[command(flatten)]
    options: Options,
    /// Draw a deployment that `--progress json` recorded, without AWS
    #[arg(long, value_name = "FILE", hide = true)]
    replay: Option<PathBuf>,
    /// So many times as fast as it was
    #[arg(long, value_name = "TIMES", hide = true, default_value = "1", requires = "replay", value_parser = speed)]
    speed: f64,
}

fn speed(text: &str) -> std::result::Result<f64, String> {
    let wrong = || format!("`{text}` is not a number between 0.01 and 10000");
    text.parse().ok().filter(|times| (0.01..=10_000.0).contains(times)).ok_or_else(wrong)
}

pub(super) fn run(args: &Args, global: &Global) -> Result<Exit> {
    if let Some(file) = &args.replay {
        return replay::run(file, args.speed, args.watching.progress, global);
    }
    let desired = Desired::new(&args.options, global)?;
    desired.check_package()?;
    let saved = args.plan.as_deref().map(read).transpose()?;
    let mut terminal = Terminal::new(global, args.watching.progress);
    let outcome = desired.with_request(&args.options, |request| {
        let request = Request {
            plan: saved.as_ref(),
            yes: args.watching.yes,
            execute: !args.no_execute,
            detach: args.detach,
            refresh: args.refresh,
            timeout: args.watching.timeout(),
            wait_for_lock: args.watching.wait_for_lock(),
            ..request
        };
        block_on(async {
            let account = account(global, &desired.plan).await?;
            Ok(deploy(&request, &account, &mut terminal).await?)
        })
    })?;
    let stack = &desired.plan.stack;
    if !terminal.is_json() {
        global.say(&match outcome {
            Outcome::NoChange => format!("nothing to do: `{stack}` is as the spec says"),
            Outcome::Left { change_set } => format!(
                "left for review, nothing was changed. To go on:\n  aws cloudformation execute-change-set --change-set-name {change_set}\nor `spotstack deploy`, which makes a new one"
            ),
            Outcome::Detached => format!(
                "CloudFormation is at work on `{stack}`. `spotstack status --watch` follows it, and so does `spotstack deploy` again, which also tests it in the end"
            ),
            Outcome::Deployed => format!("`{stack}` is deployed"),
        });
    }
    Ok(Exit::Done)
}

fn read(file: &Path) -> Result<Saved> {
    let file = Input(file);
    let wrong = |why| miette!(help = "`spotstack diff --out <file>` writes a plan", "{file} {why}");
    Saved::read(&file.text(u64::MAX)?).map_err(wrong)
}
