//! `spotstack deploy`: from the spec to a stack that works.

use std::fs;
use std::path::{Path, PathBuf};

use miette::miette;

use super::desired::{Desired, Options};
use super::terminal::{PROGRESS_JSON, Terminal, account, block_on};
use super::watching::Watching;
use super::{Exit, Global, Result, replay};
use crate::deploy::saved::Saved;
use crate::deploy::{Outcome, Request, deploy};

/// Make the stack what the spec says: upload, show the changes, ask, do them, watch, test
///
/// Run again after it broke off, it finds what it has begun and watches that. Ctrl-C on a terminal asks whether to leave
/// CloudFormation to it or to call it off; elsewhere, and on SIGTERM, it leaves.
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
    let shown = file.display();
    let text = fs::read_to_string(file).map_err(|error| {
        miette!(help = "`spotstack diff --out <file>` writes a plan", "cannot read `{shown}`: {error}")
    })?;
    Saved::read(&text).map_err(|why| miette!(help = "`spotstack diff --out <file>` writes a plan", "`{shown}` {why}"))
}
