//! How an operation of CloudFormation is begun and watched: the options that `deploy`, `recover` and `destroy` share.

use std::time::Duration;

use spot_policy::Seconds;

use super::terminal::Show;

/// See the module.
#[derive(Debug, clap::Args)]
pub(super) struct Watching {
    /// Do not ask; needed where there is no terminal to ask on
    #[arg(short, long)]
    pub(super) yes: bool,
    /// Stop watching after this long, such as 30m; CloudFormation goes on
    #[arg(long, value_name = "DURATION")]
    timeout: Option<Seconds>,
    /// Where CloudFormation is at work on the stack: wait this long until it has finished
    #[arg(long, value_name = "DURATION", num_args = 0..=1, default_missing_value = "30m")]
    wait_for_lock: Option<Seconds>,
    /// How to show how far CloudFormation is
    #[arg(long, value_name = "HOW", default_value = "auto")]
    pub(super) progress: Show,
}

impl Watching {
    /// How long to watch.
    pub(super) fn timeout(&self) -> Option<Duration> {
        self.timeout.map(duration)
    }

    /// How long to wait for somebody else's operation.
    pub(super) fn wait_for_lock(&self) -> Option<Duration> {
        self.wait_for_lock.map(duration)
    }
}

fn duration(Seconds(seconds): Seconds) -> Duration {
    Duration::from_secs(seconds)
}
