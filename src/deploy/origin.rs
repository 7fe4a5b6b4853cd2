//! Which line of the spec a resource comes from, so that who has to mend something knows where.

use serde::Serialize;
use serde_saphyr::Location;

use crate::plan::Plan;
use crate::spec::{At, Pair, Spec};

/// A spec and what was made of it.
#[derive(Debug, Clone, Copy)]
pub struct Origin<'a> {
    /// The spec.
    pub spec: &'a Spec,
    /// Its plan.
    pub plan: &'a Plan,
    /// The spec's path, as it was given.
    pub file: &'a str,
}

/// A place in the spec.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SpecPlace {
    /// The spec's path.
    pub file: String,
    /// Counted from 1.
    pub line: u64,
    /// Counted from 1.
    pub column: u64,
    /// The way to it: `pairs.gpu.launch.image`.
    pub key: String,
}

impl std::fmt::Display for SpecPlace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}:{}, {}", self.file, self.line, self.column, self.key)
    }
}

/// What of the spec a failure is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Topic {
    /// `network.subnets`.
    Subnets,
    /// `network.security_groups`.
    SecurityGroups,
    /// `launch.kind`.
    Kind,
    /// `launch.instance_type`.
    InstanceType,
    /// `launch.image`.
    Image,
    /// `launch.key_name`.
    KeyName,
    /// `launch.instance_profile`.
    InstanceProfile,
    /// `queue`.
    Queue,
}

/// A value of the spec: the way to it, where it is, and what it says.
struct Value<'a> {
    key: String,
    place: Location,
    text: Option<&'a str>,
}

impl Origin<'_> {
    /// The place of a resource: the value that AWS's text names, else the one that the failure is about, else the part of the
    /// pair that the resource is made from.
    pub fn of(&self, logical_id: &str, resource_type: &str, text: &str, topic: Option<Topic>) -> Option<SpecPlace> {
        let pair = self.pair(logical_id);
        let mut values = self.network();
        if let Some((name, pair)) = pair {
            values.extend(pair_values(name, pair));
        }
        // The longest name wins: `jobs` is in `render-jobs`, too.
        let named = values.iter().filter(|value| value.text.is_some_and(|value| names(text, value)));
        let named = named.max_by_key(|value| value.text.map_or(0, str::len));
        let about = topic.and_then(|topic| values.iter().find(|value| value.key.ends_with(end_of(topic))));
        let value = named.or(about).map(|value| (value.key.clone(), value.place));
        let (key, place) = value.or_else(|| pair.map(|(name, pair)| part(name, pair, logical_id, resource_type)))?;
        (place != Location::UNKNOWN).then(|| SpecPlace {
            file: self.file.into(),
            line: place.line(),
            column: place.column(),
            key,
        })
    }

    fn pair(&self, logical_id: &str) -> Option<(&str, &At<Pair>)> {
        let planned = self.plan.pairs.iter().filter(|pair| logical_id.starts_with(&pair.id));
        let planned = planned.max_by_key(|pair| pair.id.len())?;
        self.spec.pairs.get_key_value(&planned.name).map(|(name, pair)| (name.as_str(), pair))
    }

    fn network(&self) -> Vec<Value<'_>> {
        let Some(network) = &self.spec.network else { return Vec::new() };
        let network = &network.value;
        let lists = [("network.subnets", &network.subnets), ("network.security_groups", &network.security_groups)];
        let whole = lists.map(|(key, list)| Value { key: key.into(), place: list.referenced, text: None });
        let items = lists.into_iter().flat_map(|(key, list)| {
            list.value.iter().map(move |item| Value {
                key: key.into(),
                place: item.referenced,
                text: Some(&item.value),
            })
        });
        whole.into_iter().chain(items).collect()
    }
}

fn pair_values<'a>(name: &str, pair: &'a At<Pair>) -> Vec<Value<'a>> {
    let value = |key: &str, at: &'a At<String>| Value {
        key: format!("pairs.{name}.{key}"),
        place: at.referenced,
        text: Some(&at.value),
    };
    let mut values = Vec::new();
    let queue = &pair.value.queue;
    values.push(Value { key: format!("pairs.{name}.queue"), place: queue.referenced, text: None });
    values.extend(queue.value.name.as_ref().map(|at| value("queue.name", at)));
    values.extend(queue.value.arn.as_ref().map(|at| value("queue.arn", at)));
    if let Some(launch) = &pair.value.launch {
        let launch_place = launch.referenced;
        let launch = &launch.value;
        let kind = launch.kind.as_ref().map_or(launch_place, |kind| kind.referenced);
        values.push(Value { key: format!("pairs.{name}.launch.kind"), place: kind, text: None });
        values.push(value("launch.instance_type", &launch.instance_type));
        values.push(value("launch.image", &launch.image));
        values.extend(launch.key_name.as_ref().map(|at| value("launch.key_name", at)));
        values.extend(launch.instance_profile.as_ref().map(|at| value("launch.instance_profile", at)));
    }
    values
}

/// Whether a text names a value, as a word of its own.
fn names(text: &str, value: &str) -> bool {
    let is_part = |char: char| char.is_ascii_alphanumeric() || char == '-' || char == '_';
    !value.is_empty()
        && text.match_indices(value).any(|(at, found)| {
            let before = text[..at].chars().next_back();
            let after = text[at + found.len()..].chars().next();
            !before.is_some_and(is_part) && !after.is_some_and(is_part)
        })
}

fn end_of(topic: Topic) -> &'static str {
    match topic {
        Topic::Subnets => "network.subnets",
        Topic::SecurityGroups => "network.security_groups",
        Topic::Kind => "launch.kind",
        Topic::InstanceType => "launch.instance_type",
        Topic::Image => "launch.image",
        Topic::KeyName => "launch.key_name",
        Topic::InstanceProfile => "launch.instance_profile",
        Topic::Queue => ".queue",
    }
}

/// The part of a pair that a resource is made from.
fn part(name: &str, pair: &At<Pair>, logical_id: &str, resource_type: &str) -> (String, Location) {
    let launch = pair.value.launch.as_ref().map(|launch| ("launch", launch.referenced));
    let groups = pair.value.groups.as_ref().map(|groups| ("groups", groups.referenced));
    let part = match resource_type {
        "AWS::SQS::Queue" => Some(("queue", pair.value.queue.referenced)),
        "AWS::EC2::LaunchTemplate" | "AWS::AutoScaling::LaunchConfiguration" => launch,
        "AWS::AutoScaling::AutoScalingGroup" | "AWS::AutoScaling::ScalingPolicy" => launch.or(groups),
        "AWS::IAM::Role" | "AWS::IAM::InstanceProfile" if logical_id.contains("Worker") => launch,
        _ => None,
    };
    match part {
        Some((key, place)) => (format!("pairs.{name}.{key}"), place),
        None => (format!("pairs.{name}"), pair.referenced),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::parse;

    const SPEC: &str = "\
stack: media
network:
  subnets: [subnet-0a1b2c3d, subnet-4e5f6a7b]
  security_groups:
    - sg-0123456789abcdef0
pairs:
  gpu:
    queue: {name: render-jobs}
    launch:
      instance_type: g5.2xlarge
      image: ami-0123456789abcdef0
    spot: {max_price: 0.5}
  gpu-large:
    queue: {arn: 'arn:aws:sqs:eu-west-1:111122223333:large'}
    launch: {instance_type: g5.48xlarge, image: ami-0123456789abcdef1, kind: configuration}
    spot: {max_price: 5}
";

    #[test]
    fn a_failure_has_its_line_in_the_spec() {
        let spec = parse(SPEC, None).expect("a spec");
        let plan = Plan::new(&spec, "spotstack.yaml");
        let origin = Origin { spec: &spec, plan: &plan, file: "spotstack.yaml" };
        let group = "AWS::AutoScaling::AutoScalingGroup";
        for (id, kind, text, topic, expected) in [
            (
                "GpuSpotGroup",
                group,
                "The subnet ID 'subnet-4e5f6a7b' does not exist",
                Some(Topic::Subnets),
                Some((3, "network.subnets")),
            ),
            (
                "GpuSpotGroup",
                group,
                "the subnet 'subnet-4e5f6a7b0' …",
                Some(Topic::Subnets),
                Some((3, "network.subnets")),
            ),
            (
                "GpuSpotGroup",
                group,
                "security group 'sg-0123456789abcdef0' …",
                None,
                Some((5, "network.security_groups")),
            ),
            ("GpuQueue", "AWS::SQS::Queue", "render-jobs already exists", None, Some((8, "pairs.gpu.queue.name"))),
            ("GpuQueue", "AWS::SQS::Queue", "no", None, Some((8, "pairs.gpu.queue"))),
            (
                "GpuSpotLaunch",
                "AWS::EC2::LaunchTemplate",
                "The image id '[ami-0123456789abcdef0]' does not exist",
                Some(Topic::Image),
                Some((11, "pairs.gpu.launch.image")),
            ),
            (
                "GpuLargeSpotLaunch",
                "AWS::AutoScaling::LaunchConfiguration",
                "not available in your account",
                Some(Topic::Kind),
                Some((15, "pairs.gpu-large.launch.kind")),
            ),
            ("GpuLargeSpotManager", "AWS::Lambda::Function", "no", None, Some((14, "pairs.gpu-large"))),
            ("GpuSpotGroup", group, "no", None, Some((10, "pairs.gpu.launch"))),
            ("Archive", "AWS::S3::Bucket", "no", None, None),
        ] {
            let place = origin.of(id, kind, text, topic);
            let found = place.as_ref().map(|place| (place.line, place.key.as_str()));
            assert_eq!(found, expected, "{id}: {text}");
        }
        let place = origin.of("GpuQueue", "AWS::SQS::Queue", "render-jobs", None).expect("a place");
        assert_eq!(place.to_string(), "spotstack.yaml:8:19, pairs.gpu.queue.name");
    }
}
