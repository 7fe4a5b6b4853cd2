//! What the pairs of a stack must not share, and what they have to: names, logical ids, queues, groups, a Region and an account.

use std::collections::BTreeMap;

use serde_saphyr::Location;

use super::shape::{all, starts_with_letter};
use super::{Findings, pair};
use crate::plan;
use crate::spec::arn::{Arn, is_region, partition_of};
use crate::spec::problem::Problem;
use crate::spec::{At, MOST_RESOURCES, Pair, Spec, logical_ids};

/// The logical ids that every stack has, whatever its pairs.
const PARAMETERS: [&str; 2] = ["ArtifactBucket", "HandlerKey"];

/// Every pair by itself, and all of them beside each other.
pub(super) fn check(spec: &Spec, found: &mut Findings) {
    each(spec, found);
    managed_twice(spec, found);
    ids(spec, found);
    queues(spec, found);
    homes(spec, found);
}

fn each(spec: &Spec, found: &mut Findings) {
    if spec.pairs.is_empty() {
        let problem = Problem::at_last_key("pairs", "nothing here", "`pairs` is empty: there is nothing to build");
        found.push(problem.help("name at least one pair"));
    }
    let architecture = |pair: &Pair| pair.manager.architecture.as_ref().map(|given| (given.value, given.referenced));
    let mut architectures = spec.pairs.values().filter_map(|pair| architecture(&pair.value));
    if let Some((first, place)) = architectures.next() {
        for (other, elsewhere) in architectures.filter(|(other, _)| *other != first) {
            let problem = Problem::at(
                elsewhere,
                format!("{other} here"),
                "the pairs of a stack share one handler, and so one architecture",
            );
            found.push(problem.and(place, format!("{first} here")));
        }
    }
    let mut prefixes: BTreeMap<String, (&str, Location)> = BTreeMap::new();
    for (name, pair) in &spec.pairs {
        let place = pair.referenced;
        if !(starts_with_letter(name) && all(name, "-_") && name.len() <= 32) {
            let message = format!("`{name}` cannot be a pair's name");
            found.push(
                Problem::at_key(place, name, "this pair", message)
                    .help("letters, digits, `-` and `_`, beginning with a letter, at most 32"),
            );
        }
        if let Some((first, earlier)) = prefixes.insert(plan::logical_id(name), (name, place)) {
            let message = format!(
                "the pairs `{first}` and `{name}` would have the same logical ids ({}…)",
                plan::logical_id(name)
            );
            let problem = Problem::at_key(place, name, "and this one", message).and_key(earlier, first, "this one");
            found.push(problem.help("rename one of them"));
        }
        pair::check(place, &pair.value, spec, found);
    }
}

/// No logical id is two resources', and CloudFormation takes them all.
fn ids(spec: &Spec, found: &mut Findings) {
    let mut owners: BTreeMap<String, (&str, Location)> = BTreeMap::new();
    let mut count = 0;
    for (name, pair) in &spec.pairs {
        let (place, prefix) = (pair.referenced, plan::logical_id(name));
        let suffixes = logical_ids(&pair.value);
        let before = count;
        count += suffixes.len();
        if (before..count).contains(&MOST_RESOURCES) {
            let all: usize = spec.pairs.values().map(|pair| logical_ids(&pair.value).len()).sum();
            let message =
                format!("these pairs make {all} resources, and a CloudFormation stack has at most {MOST_RESOURCES}");
            let problem = Problem::at_key(place, name, "from this one on it is too much", message);
            found.push(problem.help("spread the pairs over several stacks"));
        }
        for id in suffixes.into_iter().map(|suffix| format!("{prefix}{suffix}")) {
            if PARAMETERS.contains(&id.as_str()) {
                let message = format!("the pair `{name}` would have a resource `{id}`, which is a parameter's name");
                found.push(Problem::at_key(place, name, "this pair", message).help("rename it"));
            }
            // Pairs of one prefix are told already.
            if let Some((other, earlier)) = owners.insert(id.clone(), (name, place))
                && plan::logical_id(other) != prefix
            {
                let message = format!("the pairs `{other}` and `{name}` would both have a resource `{id}`");
                let problem = Problem::at_key(place, name, "and this one", message).and_key(earlier, other, "this one");
                found.push(problem.help("rename one of them"));
            }
        }
    }
}

/// No queue is two pairs': two SpotManagers would both start workers for the same jobs.
fn queues(spec: &Spec, found: &mut Findings) {
    /// How a pair comes to a queue.
    #[derive(Clone, Copy, PartialEq)]
    enum As {
        Created,
        Existing,
        DeadLetter,
    }
    let mut seen: Vec<(String, As, Location)> = vec![];
    let mut add = |name: String, way: As, place: Location| {
        let other = seen.iter().find(|(earlier, their, _)| {
            // Told by the queues that they serve.
            if way == As::DeadLetter && *their == As::DeadLetter {
                return false;
            }
            // Of two that exist the whole ARN tells; a name is enough where one is to be created.
            let bare = |name: &str| name.rsplit(':').next().unwrap_or_default().to_owned();
            *earlier == name || ((way == As::Existing) != (*their == As::Existing) && bare(earlier) == bare(&name))
        });
        if let Some((_, their, earlier)) = other {
            let word = |way: As| match way {
                As::Created => "created here",
                As::Existing => "taken here as one that exists",
                As::DeadLetter => "created here for jobs that fail",
            };
            let name = name.rsplit(':').next().unwrap_or_default();
            let problem =
                Problem::at(place, word(way), format!("two pairs of this stack cannot share the queue `{name}`"))
                    .and(*earlier, word(*their));
            found.push(problem.help("each pair counts the jobs of its queue and starts workers for all of them"));
        }
        seen.push((name, way, place));
    };
    for pair in spec.pairs.values() {
        match (&pair.value.queue.value.name, &pair.value.queue.value.arn) {
            (Some(name), None) => {
                add(name.value.clone(), As::Created, name.referenced);
                add(plan::dead_letter_name(&name.value), As::DeadLetter, name.referenced);
            }
            (None, Some(arn)) => add(arn.value.clone(), As::Existing, arn.referenced),
            _ => {}
        }
    }
}

/// What exists lies in one account, one partition, and the stack's Region: the alarms of a Region see its own queues only.
fn homes(spec: &Spec, found: &mut Findings) {
    let mut region = spec
        .region
        .as_ref()
        .filter(|region| is_region(&region.value))
        .map(|region| (region.value.as_str(), region.referenced, "the stack's Region"));
    let mut partition =
        region.map(|(name, place, _)| (partition_of(name), place, format!("a Region of `{}`", partition_of(name))));
    let mut account: Option<(&str, Location)> = None;
    let mut arns: Vec<&At<String>> = vec![];
    for pair in spec.pairs.values() {
        arns.extend(&pair.value.queue.value.arn);
        arns.extend(pair.value.launch.as_ref().and_then(|launch| launch.value.instance_profile.as_ref()));
    }
    // A topic may be in any Region and account, but not in another partition, where nobody has credentials.
    let topics = spec.pairs.values().filter_map(|pair| pair.value.manager.notify.as_ref());
    let topics: Vec<&At<String>> = topics.collect();
    let is_topic = |arn: &At<String>| topics.iter().any(|topic| std::ptr::eq(*topic, arn));
    arns.extend(&topics);
    for arn in arns {
        let (place, Some(parts)) = (arn.referenced, Arn::parse(&arn.value)) else { continue };
        match &partition {
            Some((name, earlier, words)) if *name != parts.partition => {
                let message = format!("an ARN of the partition `{}` in a stack of `{name}`", parts.partition);
                found.push(Problem::at(place, format!("of `{}`", parts.partition), message).and(*earlier, words));
                // Its Region and account differ for the same reason.
                continue;
            }
            Some(_) => {}
            None => partition = Some((parts.partition, place, format!("of `{}`", parts.partition))),
        }
        if is_topic(arn) {
            continue;
        }
        match region {
            _ if parts.region.is_empty() => {}
            Some((name, earlier, words)) if name != parts.region => {
                let message = format!("a queue in `{}` cannot wake a stack in `{name}`", parts.region);
                let problem = Problem::at(place, format!("in {}", parts.region), message).and(earlier, words);
                found.push(problem.help("CloudWatch's alarms see the queues of their own Region only"));
            }
            Some(_) => {}
            None => region = Some((parts.region, place, "a queue in another Region")),
        }
        match account {
            Some((id, earlier)) if id != parts.account => {
                let message = "the queues and instance profiles of a stack are in its own account";
                let problem = Problem::at(place, format!("account {}", parts.account), message);
                found.push(problem.and(earlier, format!("account {id}")));
            }
            Some(_) => {}
            None => account = Some((parts.account, place)),
        }
    }
}

/// No group has two SpotManagers: each would undo what the other does.
fn managed_twice(spec: &Spec, found: &mut Findings) {
    let mut seen: BTreeMap<(Option<&str>, &str), Location> = BTreeMap::new();
    for groups in spec.pairs.values().filter_map(|pair| Some(&pair.value.groups.as_ref()?.value)) {
        let stack = groups.stack.as_ref().map(|stack| stack.value.as_str());
        let mut own = vec![&groups.spot];
        if groups.spot.value != groups.on_demand.value {
            own.push(&groups.on_demand);
        }
        for name in own {
            if let Some(first) = seen.insert((stack, &name.value), name.referenced) {
                let message = format!("two pairs manage the group `{}`", name.value);
                found.push(
                    Problem::at(name.referenced, "and here", message)
                        .and(first, "here")
                        .help("a group has one SpotManager: two would undo what the other does"),
                );
            }
        }
    }
}
