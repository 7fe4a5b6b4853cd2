//! `spotstack recover`: gets a stack going again whose update failed, and whose way back failed too.

use super::account::{account, block_on};
use super::terminal::Terminal;
use super::watching::{PROGRESS_JSON, Watching, token};
use super::{Exit, Global, Result, planned};
use crate::deploy::origin::Origin;
use crate::deploy::recover::{Outcome, Request, recover};

/// Get a stack out of UPDATE_ROLLBACK_FAILED
///
/// It names what is stuck and why, asks, has CloudFormation go back, and watches. Everything becomes as it was before the update
/// that failed. What cannot be brought back can be skipped: it stays as it is, and CloudFormation takes it for what it was before,
/// so that the next deploy may have to put it right.
#[derive(Debug, clap::Args)]
#[command(after_long_help = PROGRESS_JSON)]
pub(super) struct Args {
    /// Leave this resource as it is; only one that is stuck, and as often as needed
    #[arg(long, value_name = "ID")]
    skip: Vec<String>,
    #[command(flatten)]
    watching: Watching,
    /// The role that CloudFormation acts as, if not the stack's own
    #[arg(long, value_name = "ARN")]
    role_arn: Option<String>,
}

pub(super) fn run(args: &Args, global: &Global) -> Result<Exit> {
    let (spec, plan) = planned(&global.file)?;
    let file = global.file_name();
    let request = Request {
        stack: &plan.stack,
        skip: &args.skip,
        yes: args.watching.yes,
        timeout: args.watching.timeout(),
        wait_for_lock: args.watching.wait_for_lock(),
        role: args.role_arn.as_deref(),
        origin: Some(Origin { spec: &spec, plan: &plan, file: &file }),
        token: &token([plan.stack.as_str(), "recover"]),
    };
    let mut terminal = Terminal::new(global, args.watching.progress);
    let outcome = block_on(async {
        let account = account(global, &plan).await?;
        Ok(recover(&request, &account, &mut terminal).await?)
    })?;
    drop(terminal);
    global.say(&match outcome {
        Outcome::Nothing => format!("nothing to do: `{}` is not stuck", plan.stack),
        Outcome::Recovered => {
            format!("`{}` is as it was before the update; `spotstack deploy` tries that again", plan.stack)
        }
    });
    Ok(Exit::Done)
}
