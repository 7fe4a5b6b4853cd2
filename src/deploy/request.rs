//! What is to be deployed, and how.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sha2::{Digest, Sha256};

use super::groups;
use super::origin::Origin;
use super::saved::Saved;
use crate::package::{Package, hex};
use crate::plan::{Pair, Plan};
use crate::template::Template;

/// What is to be deployed, and how.
#[derive(Debug, Clone)]
pub struct Request<'a> {
    /// The stack's name.
    pub stack: &'a str,
    /// The stack's tags, which CloudFormation hands on to every resource that takes some.
    pub tags: &'a BTreeMap<String, String>,
    /// The pairs in it.
    pub pairs: &'a [PairName<'a>],
    /// Those of them whose groups another template made.
    pub groups: &'a [groups::Wanted<'a>],
    /// The document.
    pub template: &'a Template,
    /// The SpotManager's handler.
    pub package: &'a Package,
    /// The artifact bucket, if not spotstack's own.
    pub artifact_bucket: Option<&'a str>,
    /// The role that CloudFormation acts as, if not ours. It stays with the stack.
    pub role: Option<&'a str>,
    /// The topics that hear of the stack's events. They stay with the stack; none: those that it has.
    pub notifications: &'a [String],
    /// The change set's name: see [`change_set_name`].
    pub change_set: &'a str,
    /// What somebody has seen before and now wants done: that change set, and no other.
    pub plan: Option<&'a Saved>,
    /// Where in the spec a resource comes from, for those who have to mend it.
    pub origin: Option<Origin<'a>>,
    /// Whether a stack that spotstack did not make is updated, too.
    pub adopt: bool,
    /// How long to wait while CloudFormation is at work on the stack.
    pub wait_for_lock: Option<Duration>,
    /// Not to be asked.
    pub yes: bool,
    /// Whether to do what the change set says, or to leave it for somebody else to execute.
    pub execute: bool,
    /// Whether to leave when CloudFormation has begun.
    pub detach: bool,
    /// Whether the instances that run are replaced in the end.
    pub refresh: bool,
    /// How long to watch.
    pub timeout: Option<Duration>,
}

impl<'a> Request<'a> {
    /// A request of this, in all else as nothing was said. It asks before it does anything.
    pub fn new(
        stack: &'a str,
        tags: &'a BTreeMap<String, String>,
        (pairs, groups): (&'a [PairName<'a>], &'a [groups::Wanted<'a>]),
        template: &'a Template,
        package: &'a Package,
        change_set: &'a str,
    ) -> Self {
        Self {
            stack,
            tags,
            pairs,
            groups,
            template,
            package,
            change_set,
            artifact_bucket: None,
            role: None,
            notifications: &[],
            plan: None,
            origin: None,
            adopt: false,
            wait_for_lock: None,
            yes: false,
            execute: true,
            detach: false,
            refresh: false,
            timeout: None,
        }
    }
}

/// A pair, by its names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PairName<'a> {
    /// In the spec: `gpu`.
    pub name: &'a str,
    /// The prefix of its logical ids: `Gpu`.
    pub id: &'a str,
}

impl<'a> PairName<'a> {
    /// The names of a planned pair.
    pub fn of(pair: &'a Pair) -> Self {
        Self { name: &pair.name, id: &pair.id }
    }

    /// The pairs of a plan.
    pub fn all(plan: &'a Plan) -> Vec<Self> {
        plan.pairs.iter().map(Self::of).collect()
    }
}

/// A name for a change set, and for the operation that executes it: unique, so that two deploys at once cannot execute each
/// other's; the same for one deploy however often it has to ask; and with the [`fingerprint`] of what is wanted at its end, so
/// that a deploy that is run again after it broke off finds its own operation.
pub fn change_set_name(now: SystemTime, process: u32, fingerprint: &str) -> String {
    let since = now.duration_since(UNIX_EPOCH).unwrap_or_default();
    let mut unique = Sha256::new();
    unique.update(since.as_nanos().to_le_bytes());
    unique.update(process.to_le_bytes());
    format!("spotstack-{}-{}-{fingerprint}", since.as_secs(), &hex(&unique.finalize())[..8])
}

/// What is wanted, in twelve digits: equal where all of its parts are.
pub fn fingerprint<'a>(parts: impl IntoIterator<Item = &'a str>) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.len().to_le_bytes());
        hash.update(part);
    }
    hex(&hash.finalize())[..12].to_owned()
}

/// Whether the operation that somebody called `token` wants the same as a deploy of ours with this change set.
pub(super) fn wants_the_same(token: &str, change_set: &str) -> bool {
    let fingerprint = |name: &str| {
        let parts: Vec<_> = name.splitn(5, '-').collect();
        (parts.len() == 4 && parts[0] == "spotstack").then(|| parts[3].to_owned())
    };
    fingerprint(token).is_some_and(|theirs| fingerprint(change_set) == Some(theirs))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn change_sets_have_names_of_their_own() {
        // The clock of Windows has ticks of 100 ns.
        let at = |ticks: u64| UNIX_EPOCH + Duration::from_nanos(ticks * 100);
        let print = fingerprint(["template", "key"]);
        let name = change_set_name(at(17_954_669_710_000_001), 7, &print);
        assert!(name.starts_with("spotstack-1795466971-") && name.ends_with(&format!("-{print}")), "{name}");
        assert!(name.len() <= 128 && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'));
        for other in [
            change_set_name(at(17_954_669_710_000_002), 7, &print),
            change_set_name(at(17_954_669_710_000_001), 8, &print),
        ] {
            assert_ne!(other, name);
            assert!(wants_the_same(&other, &name));
        }
        for other in [fingerprint(["templatekey"]), fingerprint(["template", "key", ""]), fingerprint([])] {
            assert_ne!(other, print);
        }
    }

    #[test]
    fn only_a_deploy_of_ours_is_known_again() {
        for (token, same) in [
            ("spotstack-1-0a0a0a0a-abc", true),
            ("spotstack-1-0a0a0a0a-abd", false),
            ("spotstack-1-0a0a0a0a-abc-remove", false),
            ("another-1-0a0a0a0a-abc", false),
            ("spotstack-abc", false),
            ("", false),
        ] {
            assert_eq!(wants_the_same(token, "spotstack-2-0b0b0b0b-abc"), same, "{token}");
        }
        assert!(!wants_the_same("x", "x"));
    }
}
