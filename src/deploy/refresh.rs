//! Replacing the instances that run, for who asked for it: some at a time, the busy ones when they are free.

use std::time::Duration;

use tokio::time::Instant;

use super::audience::{Audience, Moment};
use super::cloud::{Cloud, Group, LaunchSource};
use super::error::DeployError;
use super::running::{self, at_work};
use super::{Request, Stack};

/// Between two looks. An instance takes minutes.
const PAUSE: Duration = Duration::from_secs(5);

/// Refreshes every group of the stack in which something runs, and watches until all of them are through.
///
/// # Errors
/// A refresh cannot begin or fails, the time is over, or somebody does not want to watch any more; then it goes on.
pub(super) async fn refresh<C: Cloud, A: Audience>(
    request: &Request<'_>,
    stack: &Stack,
    cloud: &C,
    audience: &mut A,
) -> Result<(), DeployError> {
    let running = running::read(request.pairs, &stack.outputs, cloud).await?;
    let mut going = Vec::new();
    for group in at_work(&running) {
        going.push((group.name.clone(), begin(group, cloud).await?));
    }
    let since = Instant::now();
    let mut told = vec![None; going.len()];
    let mut failed = None;
    while !going.is_empty() {
        let mut over = Vec::new();
        for (index, (group, id)) in going.iter().enumerate() {
            let found = match cloud.refresh(group, id.as_deref()).await {
                Ok(found) => found.unwrap_or_default(),
                Err(error) if error.is_passing() => continue,
                Err(error) => return Err(error.into()),
            };
            if told[index].as_ref() != Some(&found) {
                audience.hear(&Moment::Refreshing {
                    group,
                    status: &found.status,
                    percent: found.percent,
                    reason: found.reason.as_deref(),
                });
            }
            // None at all: it is as good as over, and there is nothing to say of it.
            if found.is_over() || found.status.is_empty() {
                over.push(index);
                if found.status != "Successful" {
                    failed = Some((group.clone(), found.clone()));
                }
            }
            told[index] = Some(found);
        }
        for index in over.into_iter().rev() {
            going.remove(index);
            told.remove(index);
        }
        if going.is_empty() {
            break;
        }
        let group = going[0].0.clone();
        if request.timeout.is_some_and(|timeout| since.elapsed() >= timeout) {
            return Err(DeployError::RefreshGoesOn { group, why: "the time is over" });
        }
        tokio::select! {
            () = audience.interrupted() => return Err(DeployError::RefreshGoesOn { group, why: "interrupted" }),
            () = tokio::time::sleep(PAUSE) => {}
        }
    }
    match failed {
        Some((group, refresh)) => Err(DeployError::Refresh {
            group,
            status: if refresh.status.is_empty() { "gone".into() } else { refresh.status },
            reason: refresh.reason.map(|reason| format!(": {reason}")).unwrap_or_default(),
        }),
        None => Ok(()),
    }
}

/// Begins a refresh, or finds the one that is under way: its id.
async fn begin(group: &Group, cloud: &impl Cloud) -> Result<Option<String>, DeployError> {
    // Of launch configurations Auto Scaling does not know which instances are as they should be.
    let skip_matching = matches!(group.launch, Some(LaunchSource::Template { .. }));
    match cloud.start_refresh(&group.name, skip_matching).await {
        Ok(id) => Ok(Some(id)),
        // The answer to the first attempt may have been lost, or somebody else was faster.
        Err(error) if error.code.starts_with("InstanceRefreshInProgress") => Ok(None),
        Err(error) => Err(error.into()),
    }
}
