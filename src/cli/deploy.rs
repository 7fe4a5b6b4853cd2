//! `spotstack deploy`: from the spec to a stack that works.

use std::path::PathBuf;
use std::process;
use std::time::{Duration, SystemTime};

use spot_policy::Seconds;

use super::terminal::{PROGRESS_JSON, Show, Terminal, account, block_on};
use super::{Exit, Global, Result, prepare, replay};
use crate::deploy::groups::Wanted;
use crate::deploy::{Outcome, PairName, Request, change_set_name, deploy};
use crate::package::Package;

/// Make the stack what the spec says: upload, show the changes, ask, do them, watch, test
#[derive(Debug, clap::Args)]
#[command(after_long_help = PROGRESS_JSON)]
pub(super) struct Args {
    /// Do not ask; needed where there is no terminal to ask on
    #[arg(short, long)]
    yes: bool,
    /// Leave the change set for somebody to review and execute
    #[arg(long)]
    no_execute: bool,
    /// Stop watching after this long, such as 30m; CloudFormation goes on
    #[arg(long, value_name = "DURATION")]
    timeout: Option<Seconds>,
    /// How to show how far CloudFormation is
    #[arg(long, value_name = "HOW", default_value = "auto")]
    progress: Show,
    /// The bucket for the handler, in this account and Region; else spotstack makes one of its own
    #[arg(long, value_name = "NAME")]
    artifact_bucket: Option<String>,
    /// The role that CloudFormation acts as; it stays with the stack
    #[arg(long, value_name = "ARN")]
    role_arn: Option<String>,
    /// Another handler than the one that spotstack carries: a zip, or a program for Linux
    #[arg(long, value_name = "FILE")]
    handler: Option<PathBuf>,
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
        return replay::run(file, args.speed, args.progress, global);
    }
    let (plan, template) = prepare(global)?;
    let package = match &args.handler {
        Some(file) => Package::from_file(file, plan.architecture)?,
        None => Package::carried(plan.architecture)?,
    };
    package.check()?;
    let request = Request {
        stack: &plan.stack,
        tags: &plan.tags,
        pairs: &PairName::all(&plan),
        groups: &Wanted::all(&plan),
        template: &template,
        package: &package,
        artifact_bucket: args.artifact_bucket.as_deref(),
        role: args.role_arn.as_deref(),
        change_set: &change_set_name(SystemTime::now(), process::id(), &template.text),
        yes: args.yes,
        execute: !args.no_execute,
        timeout: args.timeout.map(|Seconds(timeout)| Duration::from_secs(timeout)),
    };
    let mut terminal = Terminal::new(global, args.progress);
    let outcome = block_on(async {
        let account = account(global, &plan).await?;
        Ok(deploy(&request, &account, &mut terminal).await?)
    })?;
    if !terminal.is_json() {
        global.say(&match outcome {
            Outcome::NoChange => format!("nothing to do: `{}` is as the spec says", plan.stack),
            Outcome::Left { change_set } => format!(
                "left for review, nothing was changed. To go on:\n  aws cloudformation execute-change-set --change-set-name {change_set}\nor `spotstack deploy`, which makes a new one"
            ),
            Outcome::Deployed => format!("`{}` is deployed", plan.stack),
        });
    }
    Ok(Exit::Done)
}
