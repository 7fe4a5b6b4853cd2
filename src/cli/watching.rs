//! How an operation of CloudFormation is begun and watched: the options that `deploy`, `recover` and `destroy` share.

use std::process;
use std::time::{Duration, SystemTime};

use clap::ValueEnum;
use spot_policy::Seconds;

use crate::deploy::{change_set_name, fingerprint};

/// How far CloudFormation is, for whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Show {
    /// Moving on a terminal, plain elsewhere
    Auto,
    /// One line for each change
    Plain,
    /// One JSON object for each change, on standard output
    Json,
    /// Not at all
    None,
}

/// What `--progress json` writes, for the help of whoever has the option.
pub(super) const PROGRESS_JSON: &str = "\
--progress json writes one object a line to standard output. Each has a `moment`; one that is not known is to be skipped:
  target       {stack, region, account, status}: what is about to be changed
  stored       {what, key, bytes, sent}: the handler or a large template in the artifact bucket
  reviewed     the change set, as `diff --format json` has it
  begun        {stack_arn}: CloudFormation is at work
  todo         {stack, resources: [{logical_id, resource_type, about}]}: all that it will do
  step         {logical_id, resource_type, about, status, kind, seconds, reason, at}: one state change of a resource or, with
               kind `stack`, of the stack. kind is {begun: verb}, {done: verb}, failed, cancelled, kept or stack; the verbs
               are create, update and delete; status and reason are AWS's; at is in seconds since 1970
  failed       {failures: [{logical_id, resource_type, about, status, reason}], cancelled, reason}: the root cause first
  ended        {status, outputs, seconds}
and waiting_for, resumed, other_change_sets, recovering, refreshing, groups_found, bucket_made, lost_contact, code_is_right,
self_tested, self_test_failed, leaving and warning, each with its words.";

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

/// A name for what this run asks of CloudFormation, by which it, and the same command again, knows it.
pub(super) fn token<'a>(wanted: impl IntoIterator<Item = &'a str>) -> String {
    change_set_name(SystemTime::now(), process::id(), &fingerprint(wanted))
}

fn duration(Seconds(seconds): Seconds) -> Duration {
    Duration::from_secs(seconds)
}
