//! The stack's own keys: its name, Region and tags, and the network that its workers run in.

use std::collections::BTreeMap;

use serde_saphyr::Location;

use super::Findings;
use super::shape::is_id;
use crate::spec::Spec;
use crate::spec::arn::is_region;
use crate::spec::problem::Problem;

/// The stack's own keys, and its network.
pub(super) fn check(spec: &Spec, found: &mut Findings) {
    stack(spec, found);
    network(spec, found);
}

fn stack(spec: &Spec, found: &mut Findings) {
    found.stack_name(&spec.stack);
    if let Some(region) = &spec.region
        && !is_region(&region.value)
    {
        let problem =
            Problem::at(region.referenced, "such as eu-west-1", format!("`{}` is not a Region", region.value));
        let zone = region.value.strip_suffix(|last: char| last.is_ascii_lowercase()).filter(|stem| is_region(stem));
        found.push(match zone {
            Some(stem) => problem.help(format!("that is one of the zones of `{stem}`; the subnets choose the zones")),
            None => problem,
        });
    }
    // AWS allows 50 tags; CloudFormation, the group and this tool take some of them.
    if spec.tags.len() > 40 {
        let place = spec.tags.values().nth(40).map_or(Location::UNKNOWN, |tag| tag.referenced);
        found.push(Problem::at(place, "the 41st", "there are more than 40 tags"));
    }
    let mut keys: BTreeMap<String, (&str, Location)> = BTreeMap::new();
    for (key, value) in &spec.tags {
        let place = value.referenced;
        let mut refuse = |label: &str, message: String| found.push(Problem::at_key(place, key, label, message));
        if key.to_lowercase().starts_with("aws:") {
            refuse("this key", format!("the tag `{key}` begins with `aws:`, which AWS keeps for itself"));
        }
        if key.is_empty() || key.chars().count() > 128 {
            refuse("this key", "a tag's key has 1 to 128 characters".to_owned());
        }
        if let Some(odd) = key.chars().find(|char| !is_of_tags(*char)) {
            found.push(Problem::at_key(place, key, "this key", not_in_tags(odd)).help(IN_TAGS));
        }
        if let Some((first, earlier)) = keys.insert(key.to_lowercase(), (key, place)) {
            let message = format!("IAM takes the tags `{first}` and `{key}` for the same");
            found.push(Problem::at_key(place, key, "and this", message).and_key(earlier, first, "this"));
        }
        found.require(value.value.chars().count() <= 256, value, "too long", |_| {
            format!("the value of the tag `{key}` has more than 256 characters")
        });
        if let Some(odd) = value.value.chars().find(|char| !is_of_tags(*char)) {
            found.push(Problem::at(place, "this value", not_in_tags(odd)).help(IN_TAGS));
        }
    }
}

/// The characters of tags. The roles of a stack have its tags, too, and IAM takes fewer than other services do.
/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_Tag.html>
fn is_of_tags(char: char) -> bool {
    char.is_alphanumeric() || (char.is_whitespace() && !char.is_control()) || "_.:/=+-@".contains(char)
}

const IN_TAGS: &str = "letters, digits, spaces and `_.:/=+-@`: all that IAM takes, whose roles get the stack's tags";

fn not_in_tags(odd: char) -> String {
    format!("IAM takes no `{odd}` in a tag")
}

fn network(spec: &Spec, found: &mut Findings) {
    let Some(network) = spec.network.as_ref().map(|network| &network.value) else {
        let mut launches = spec.pairs.values().filter(|pair| pair.value.groups.is_none());
        if let Some(launch) = launches.find_map(|pair| pair.value.launch.as_ref()) {
            let problem = Problem::at(
                launch.referenced,
                "makes groups, in these subnets",
                "missing key `network` beside `pairs`",
            );
            found
                .push(problem.help("`network: {subnets: [subnet-…], security_groups: [sg-…]}` says where workers run"));
        }
        return;
    };
    for (list, prefix, key) in
        [(&network.subnets, "subnet-", "subnets"), (&network.security_groups, "sg-", "security_groups")]
    {
        found.require(!list.value.is_empty(), list, "at least one", |_| format!("`{key}` is empty"));
        let mut seen: BTreeMap<&str, Location> = BTreeMap::new();
        for id in &list.value {
            found.require(is_id(&id.value, prefix), id, &format!("such as {prefix}0a1b2c3d4e5f60718"), |id| {
                format!("`{id}` is not the id of a {}", if prefix == "sg-" { "security group" } else { "subnet" })
            });
            if let Some(first) = seen.insert(&id.value, id.referenced) {
                let problem = Problem::at(id.referenced, "again", format!("`{}` is named twice", id.value));
                found.push(problem.and(first, "first here"));
            }
        }
    }
}
