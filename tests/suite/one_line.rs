//! A value changed in the spec is a line changed in the template, for every key; and why some change more.

use std::collections::BTreeSet;

use serde_json::Value as Json;
use serde_yaml::Value;
use similar::{ChangeTag, TextDiff};

use crate::random_specs::Renderer;

/// Every key, so that each can be changed.
const SPEC: &str = "
stack: media-workers
region: eu-west-1
tags: {team: media}
network: {subnets: [subnet-0a1b2c3d4e5f60001], security_groups: [sg-0a1b2c3d4e5f60001]}
pairs:
  gpu:
    queue: {name: render-jobs, visibility_timeout: 15m, dead_letter_after: 5}
    launch:
      kind: template
      instance_type: g4dn.xlarge
      image: ami-0123456789abcdef0
      user_data: worker.sh
      key_name: media
      instance_profile: worker
      volumes: [{device: /dev/xvda, size: 100, type: gp3}]
      product: Linux/UNIX
    spot: {max_price: 0.55, on_demand_price: 1.2, headroom: 15%, window: 1h, patience: 0s, hold: 10m, revert: idle}
    workers: {max: 4, base: 1, jobs_per_worker: 1, protect: true}
    alarms: {jobs_waiting: {threshold: 1, period: 60s, periods: 1}, idle: {after: 5m}}
    manager:
      {reconcile: 1m, architecture: x86_64, memory: 128, log_retention: 30d, dry_run: false, scale_up: policy, dashboard: false, notify: ops@example.com}
  existing:
    queue: {arn: 'arn:aws:sqs:eu-west-1:111122223333:encode-jobs'}
    launch: {instance_type: c5.large, image: ami-0123456789abcdef0}
";

/// A key, another value of it, how many lines say it, and why, where that is not one.
const CHANGES: &[(&str, &str, usize, &str)] = &[
    ("stack", "x2", 0, "the template says AWS::StackName, and so serves stacks of any name"),
    ("tags.team", "render", 12, "two pairs, two groups each; twins tag instances and volumes"),
    ("network.subnets.0", "subnet-0a1b2c3d4e5f60002", 4, "two pairs, two groups each"),
    ("network.security_groups.0", "sg-0a1b2c3d4e5f60002", 4, "two pairs, two twins each"),
    ("pairs.gpu.queue.name", "frames", 2, "the dead-letter queue is named after it"),
    ("pairs.gpu.queue.visibility_timeout", "20m", 1, ""),
    ("pairs.gpu.queue.dead_letter_after", "3", 1, ""),
    ("pairs.existing.queue.arn", "arn:aws:sqs:eu-west-1:111122223333:frames", 9, "IAM by ARN; URL; alarms by name"),
    ("pairs.gpu.launch.instance_type", "g4dn.2xlarge", 3, "twins; the SpotManager reads its price"),
    ("pairs.gpu.launch.image", "ami-0123456789abcdef1", 2, "twins"),
    ("pairs.gpu.launch.key_name", "studio", 2, "twins"),
    ("pairs.gpu.launch.instance_profile", "render", 2, "twins"),
    ("pairs.gpu.launch.volumes.0.device", "/dev/sda1", 2, "twins"),
    ("pairs.gpu.launch.volumes.0.size", "200", 2, "twins"),
    ("pairs.gpu.launch.volumes.0.type", "gp2", 2, "twins"),
    ("pairs.gpu.launch.product", "SUSE Linux", 1, ""),
    ("pairs.gpu.spot.max_price", "0.6", 2, "the Spot twin; the rules"),
    ("pairs.gpu.spot.on_demand_price", "1.3", 0, "what `prices`, `simulate` and `cost` compare with; AWS is not told"),
    ("pairs.gpu.spot.headroom", "20%", 1, ""),
    ("pairs.gpu.spot.window", "2h", 1, ""),
    ("pairs.gpu.spot.patience", "1m", 1, ""),
    ("pairs.gpu.spot.hold", "20m", 1, ""),
    ("pairs.gpu.spot.revert", "30m", 1, ""),
    (
        "pairs.gpu.workers.max",
        "5",
        7,
        "two groups; in each of their policies a step more, and the last has no end; the rules",
    ),
    ("pairs.gpu.workers.base", "2", 3, "the On-Demand group, and where it scales in to; the rules"),
    ("pairs.gpu.workers.jobs_per_worker", "2", 1, ""),
    ("pairs.gpu.workers.protect", "false", 5, "two groups; twins tell the worker; the rules"),
    ("pairs.gpu.alarms.jobs_waiting.threshold", "2", 1, ""),
    ("pairs.gpu.alarms.jobs_waiting.period", "120s", 1, ""),
    ("pairs.gpu.alarms.jobs_waiting.periods", "2", 1, ""),
    ("pairs.gpu.alarms.idle.after", "6m", 1, ""),
    ("pairs.gpu.manager.reconcile", "2m", 1, ""),
    ("pairs.gpu.manager.architecture", "arm64", 2, "two pairs, one handler"),
    ("pairs.gpu.manager.memory", "256", 1, ""),
    ("pairs.gpu.manager.log_retention", "60d", 1, ""),
    ("pairs.gpu.manager.dry_run", "true", 1, ""),
    ("pairs.gpu.manager.notify", "team@example.com", 1, ""),
];

/// Keys that choose what is there, or where, or a file, and so are no values of a line.
const OTHERS: &[&str] = &[
    "region",
    "pairs.*.groups.stack",
    "pairs.*.groups.spot",
    "pairs.*.groups.on_demand",
    "pairs.*.groups.product",
    "pairs.*.launch.kind",
    "pairs.*.launch.user_data",
    "pairs.*.manager.scale_up",
    "pairs.*.manager.dashboard",
];

#[test]
fn a_value_changed_is_a_line_changed() {
    let spec: Value = serde_yaml::from_str(SPEC).expect("a spec");
    let renderer = Renderer::new();
    let before = renderer.render(&spec).expect("a valid spec").text;
    for (path, value, expected, why) in CHANGES {
        let mut changed = spec.clone();
        let place = path.split('.').fold(&mut changed, |value, key| match value {
            Value::Sequence(items) => &mut items[key.parse::<usize>().expect("an index")],
            value => value.get_mut(key).expect(path),
        });
        assert!(place.is_string() || place.is_number() || place.is_bool(), "{path}");
        *place = serde_yaml::from_str(value).expect("a scalar");
        let after = renderer.render(&changed).unwrap_or_else(|error| panic!("{path}: {error}")).text;
        let lines = changed_lines(&before, &after);
        assert_eq!(lines.len(), *expected, "{path} ({why}): {lines:#?}");
        assert_eq!(*expected == 1, why.is_empty(), "{path}");
    }
}

/// The lines that one text has and the other has not: as `diff` counts them, changed lines once.
fn changed_lines(before: &str, after: &str) -> Vec<String> {
    let diff = TextDiff::from_lines(before, after);
    let changes: Vec<_> = diff.iter_all_changes().collect();
    let lines = |tag| changes.iter().filter(move |change| change.tag() == tag).map(|change| change.value().to_owned());
    let (gone, new): (Vec<_>, Vec<_>) = (lines(ChangeTag::Delete).collect(), lines(ChangeTag::Insert).collect());
    if gone.len() > new.len() { gone } else { new }
}

#[test]
fn every_key_of_the_schema_is_changed() {
    let schema: Json = serde_json::from_str(&spotstack::spec::schema()).expect("JSON");
    let mut keys = BTreeSet::new();
    leaves(&schema, &schema, String::new(), &mut keys);
    let starred = |path: &&str| {
        path.split('.')
            .map(|key| if ["gpu", "existing", "team", "0"].contains(&key) { "*" } else { key })
            .collect::<Vec<_>>()
            .join(".")
    };
    let known: BTreeSet<String> = CHANGES.iter().map(|(path, ..)| path).chain(OTHERS).map(starred).collect();
    let unknown: Vec<_> = keys.difference(&known).collect();
    assert!(unknown.is_empty(), "nobody says how many lines these change: {unknown:?}");
    let gone: Vec<_> = known.difference(&keys).collect();
    assert!(gone.is_empty(), "the schema does not know: {gone:?}");
}

/// The paths of all values that are neither maps nor lists; `*` for a name or an index.
fn leaves(schema: &Json, root: &Json, path: String, found: &mut BTreeSet<String>) {
    let below = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
    if let Some(reference) = schema["$ref"].as_str() {
        let definition = root.pointer(reference.trim_start_matches('#')).expect("a definition");
        return leaves(definition, root, path, found);
    }
    let choices = ["anyOf", "allOf"].iter().filter_map(|choice| schema[choice].as_array()).flatten();
    let mut deeper: Vec<(String, &Json)> =
        choices.filter(|choice| choice["type"] != "null").map(|choice| (path.clone(), choice)).collect();
    for (key, value) in schema["properties"].as_object().into_iter().flatten() {
        deeper.push((below(key), value));
    }
    deeper.extend(schema["additionalProperties"].is_object().then(|| (below("*"), &schema["additionalProperties"])));
    deeper.extend(schema["items"].is_object().then(|| (below("*"), &schema["items"])));
    if deeper.is_empty() {
        found.insert(path);
    }
    for (path, schema) in deeper {
        leaves(schema, root, path, found);
    }
}
