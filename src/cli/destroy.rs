//! `spotstack destroy`: takes the stack away.

use super::account::{account, block_on};
use super::terminal::Terminal;
use super::watching::{PROGRESS_JSON, Watching, token};
use super::{Exit, Global, Result, plan};
use crate::deploy::destroy::{Outcome, Request, destroy};

/// Delete the stack
///
/// It says what goes, what runs in it and what stays, asks, deletes, and watches. Workers that are protected, because they are
/// busy, go as well: that is said before the question. Groups that another template made stay, with what runs in them. Termination
/// protection is respected.
#[derive(Debug, clap::Args)]
#[command(after_long_help = PROGRESS_JSON)]
pub(super) struct Args {
    /// Leave this resource in AWS; only where deleting it has failed, and as often as needed
    #[arg(long, value_name = "ID")]
    retain: Vec<String>,
    #[command(flatten)]
    watching: Watching,
    /// The role that CloudFormation acts as, if not the stack's own
    #[arg(long, value_name = "ARN")]
    role_arn: Option<String>,
}

pub(super) fn run(args: &Args, global: &Global) -> Result<Exit> {
    let plan = plan(global)?;
    let request = Request {
        stack: &plan.stack,
        yes: args.watching.yes,
        timeout: args.watching.timeout(),
        wait_for_lock: args.watching.wait_for_lock(),
        role: args.role_arn.as_deref(),
        retain: &args.retain,
        token: &token([plan.stack.as_str(), "destroy"]),
    };
    let mut terminal = Terminal::new(global, args.watching.progress);
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
