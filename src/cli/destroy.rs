//! `spotstack destroy`: takes the stack away.

use std::process;
use std::time::{Duration, SystemTime};

use spot_policy::Seconds;

use super::terminal::{Show, Terminal, account, block_on};
use super::{Exit, Global, Result, plan};
use crate::deploy::change_set_name;
use crate::deploy::destroy::{Outcome, Request, destroy};

/// Delete the stack: say what goes and what stays, ask, delete, watch
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Do not ask; needed where there is no terminal to ask on
    #[arg(short, long)]
    yes: bool,
    /// Stop watching after this long, such as 30m; CloudFormation goes on
    #[arg(long, value_name = "DURATION")]
    timeout: Option<Seconds>,
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
        timeout: args.timeout.map(|Seconds(timeout)| Duration::from_secs(timeout)),
        role: args.role_arn.as_deref(),
        token: &change_set_name(SystemTime::now(), process::id(), &plan.stack),
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
