//! `spotstack destroy`: takes the stack away.

use std::process;
use std::time::SystemTime;

use spot_policy::Seconds;

use super::deploy::duration;
use super::terminal::{Show, Terminal, account, block_on};
use super::{Exit, Global, Result, plan};
use crate::deploy::destroy::{Outcome, Request, destroy};
use crate::deploy::{change_set_name, fingerprint};

/// Delete the stack: say what goes, what runs in it and what stays; ask, delete, watch
///
/// Workers that are protected, because they are busy, go as well: that is said before the question. Termination protection is
/// respected.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Do not ask; needed where there is no terminal to ask on
    #[arg(short, long)]
    yes: bool,
    /// Leave this resource in AWS; only where deleting it has failed, and as often as needed
    #[arg(long, value_name = "ID")]
    retain: Vec<String>,
    /// Stop watching after this long, such as 30m; CloudFormation goes on
    #[arg(long, value_name = "DURATION")]
    timeout: Option<Seconds>,
    /// Where CloudFormation is at work on the stack: wait this long until it has finished
    #[arg(long, value_name = "DURATION", num_args = 0..=1, default_missing_value = "30m")]
    wait_for_lock: Option<Seconds>,
    /// How to show how far CloudFormation is
    #[arg(long, value_name = "HOW", default_value = "auto")]
    progress: Show,
    /// The role that CloudFormation acts as, if not the stack's own
    #[arg(long, value_name = "ARN")]
    role_arn: Option<String>,
}

pub(super) fn run(args: &Args, global: &Global) -> Result<Exit> {
    let plan = plan(global)?;
    let request = Request {
        stack: &plan.stack,
        yes: args.yes,
        timeout: args.timeout.map(duration),
        wait_for_lock: args.wait_for_lock.map(duration),
        role: args.role_arn.as_deref(),
        retain: &args.retain,
        token: &change_set_name(SystemTime::now(), process::id(), &fingerprint([plan.stack.as_str(), "destroy"])),
    };
    let mut terminal = Terminal::new(global, args.progress);
    let outcome = block_on(async {
        let account = account(global, &plan).await?;
        Ok(destroy(&request, &account, &mut terminal).await?)
    })?;
    drop(terminal);
    global.say(&match outcome {
        Outcome::Nothing => format!("nothing to do: there is no stack `{}`", plan.stack),
        Outcome::Destroyed => format!("`{}` is destroyed", plan.stack),
    });
    Ok(Exit::Done)
}
