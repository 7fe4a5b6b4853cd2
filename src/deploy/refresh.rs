//! Replacing the instances that run, for who asked for it: some at a time, the busy ones when they are free.

use tokio::time::Instant;

use super::audience::{Audience, Moment};
use super::cloud::{Cloud, Group, LaunchSource, Refresh};
use super::error::DeployError;
use super::pace::Pace;
use super::running::{self, at_work};
use super::trouble::CloudError;
use super::{Request, Stack};

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
    let mut going = begin_all(request, stack, cloud).await.map_err(|cause| DeployError::NotRefreshed { cause })?;
    let since = Instant::now();
    let mut pace = Pace::steady(request.change_set);
    let mut failed = None;
    loop {
        let mut left = Vec::new();
        for mut one in going {
            match one.look(cloud, audience).await? {
                None => left.push(one),
                Some(end) if end.status == "Successful" => {}
                Some(end) => drop(failed.get_or_insert((one.group, end))),
            }
        }
        going = left;
        let Some(first) = going.first() else { break };
        let goes_on = |why: &str| DeployError::RefreshGoesOn { group: first.group.clone(), why: why.into() };
        if request.timeout.is_some_and(|timeout| since.elapsed() >= timeout) {
            return Err(goes_on("the time is over"));
        }
        tokio::select! {
            () = audience.interrupted() => return Err(goes_on("interrupted")),
            () = tokio::time::sleep(pace.pause()) => pace.answered(),
        }
    }
    match failed {
        Some((group, Refresh { status, reason, .. })) => Err(DeployError::Refresh {
            group,
            status,
            reason: reason.map(|reason| format!(": {reason}")).unwrap_or_default(),
        }),
        None => Ok(()),
    }
}

/// A group whose instances are being replaced.
struct Going {
    group: String,
    /// The refresh; `None`: the newest one.
    id: Option<String>,
    /// What was told of it last.
    told: Option<Refresh>,
    /// How often in a row AWS knew nothing of it.
    unlisted: u32,
}

async fn begin_all(request: &Request<'_>, stack: &Stack, cloud: &impl Cloud) -> Result<Vec<Going>, CloudError> {
    let running = running::read(request.pairs, &stack.outputs, cloud).await?;
    let mut going = Vec::new();
    for group in at_work(&running) {
        going.push(Going { group: group.name.clone(), id: begin(group, cloud).await?, told: None, unlisted: 0 });
    }
    Ok(going)
}

/// Begins a refresh, or finds the one that is under way: its id.
async fn begin(group: &Group, cloud: &impl Cloud) -> Result<Option<String>, CloudError> {
    // Of launch configurations Auto Scaling does not know which instances are as they should be.
    let skip_matching = matches!(group.launch, Some(LaunchSource::Template { .. }));
    match cloud.start_refresh(&group.name, skip_matching).await {
        Ok(id) => Ok(Some(id)),
        // The answer to the first attempt may have been lost, or somebody else was faster.
        Err(error) if error.code.starts_with("InstanceRefreshInProgress") => Ok(None),
        Err(error) => Err(error),
    }
}

impl Going {
    /// Looks how far it is, and tells what is new; how it ended, if it has.
    async fn look<C: Cloud, A: Audience>(
        &mut self,
        cloud: &C,
        audience: &mut A,
    ) -> Result<Option<Refresh>, DeployError> {
        let found = match cloud.refresh(&self.group, self.id.as_deref()).await {
            Ok(found) => found,
            Err(error) if error.is_passing() => return Ok(None),
            Err(error) => {
                return Err(DeployError::RefreshGoesOn { group: self.group.clone(), why: error.to_string() });
            }
        };
        let Some(found) = found else {
            // What has only just begun may not be listed yet.
            self.unlisted += 1;
            return Ok((self.unlisted >= 3).then(|| Refresh { status: "gone".into(), ..Refresh::default() }));
        };
        self.unlisted = 0;
        if self.told.as_ref() != Some(&found) {
            audience.hear(&Moment::Refreshing {
                group: &self.group,
                status: &found.status,
                percent: found.percent,
                reason: found.reason.as_deref(),
            });
            self.told = Some(found.clone());
        }
        Ok(found.is_over().then_some(found))
    }
}
