//! The account that a command is about, and how it is talked to.

use std::future::Future;

use miette::{IntoDiagnostic, WrapErr};

use super::{Global, Result, debug};
use crate::aws::{Account, Connection};
use crate::plan::Plan;

/// Runs what talks to AWS.
pub(super) fn block_on<T>(task: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.into_diagnostic().wrap_err("cannot start the asynchronous runtime")?;
    let result = runtime.block_on(task);
    // A thread may still wait for an answer on standard input.
    runtime.shutdown_background();
    result
}

/// The account of a spec: the command line's Region wins over the spec's, which wins over the environment's.
pub(super) async fn account(global: &Global, plan: &Plan) -> Result<Account> {
    account_in(plan.region.as_deref(), global).await
}

/// The same, for what may have no spec.
pub(super) async fn account_in(region: Option<&str>, global: &Global) -> Result<Account> {
    let journal = debug::journal(global)?;
    let connection = Connection {
        region: global.region.as_deref().or(region),
        profile: global.profile.as_deref(),
        endpoint_url: global.endpoint_url.as_deref(),
        journal: journal.as_ref(),
    };
    Ok(Account::connect(connection).await?)
}
