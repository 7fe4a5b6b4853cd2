//! What no type can say: shapes that AWS asks for, numbers out of range, keys that contradict each other.
//!
//! Each rule adds what it finds to one list, so that a run shows everything. Sources are the CloudFormation resource
//! specifications and the service quotas pages, unless a rule says otherwise.

use std::collections::BTreeMap;

use serde_saphyr::Location;
use spot_policy::{Revert, Seconds};

use super::arn::{Arn, is_region, partition_of};
use super::instance_type::{architecture, architecture_of_parameter, is_instance_type};
use super::problem::Problem;
use super::{
    Architecture, At, Groups, Launch, LaunchKind, Manager, Pair, Product, Queue, ScaleUp, Spec, Spot, VolumeKind,
    Workers, logical_ids,
};
use crate::plan;

/// Resources in one CloudFormation template, at most.
const MOST_RESOURCES: usize = 500;

/// The logical ids that every stack has, whatever its pairs.
const PARAMETERS: [&str; 2] = ["ArtifactBucket", "HandlerKey"];

/// The retentions that CloudWatch Logs knows, in days.
const RETENTIONS: [u64; 22] =
    [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653];

/// Everything that is wrong with a spec, in the order of its keys.
pub(super) fn check(spec: &Spec) -> Vec<Problem> {
    let mut found = Findings::default();
    stack(spec, &mut found);
    network(spec, &mut found);
    pairs(spec, &mut found);
    managed_twice(spec, &mut found);
    ids(spec, &mut found);
    queues(spec, &mut found);
    homes(spec, &mut found);
    found.0
}

#[derive(Default)]
struct Findings(Vec<Problem>);

impl Findings {
    /// Adds a problem at a value unless it `holds`.
    fn require<T>(&mut self, holds: bool, value: &At<T>, label: &str, message: impl FnOnce(&T) -> String) {
        if !holds {
            self.0.push(Problem::at(value.referenced, label, message(&value.value)));
        }
    }

    /// Adds a problem unless the number, where it is given, lies in the range.
    fn within<T: PartialOrd + Copy + std::fmt::Display>(&mut self, value: &Option<At<T>>, key: &str, low: T, high: T) {
        if let Some(value) = value {
            let holds = value.value >= low && value.value <= high;
            self.require(holds, value, &format!("from {low} to {high}"), |given| {
                format!("`{key}` is {given}, and goes from {low} to {high}")
            });
        }
    }

    /// Adds a problem unless the duration, where it is given, is whole minutes in the range.
    fn whole_minutes(&mut self, value: &Option<At<Seconds>>, key: &str, low: Seconds, high: Seconds) {
        self.within(value, key, low, high);
        // One problem of a value is enough.
        if let Some(value) = value.as_ref().filter(|value| (low..=high).contains(&value.value)) {
            self.require(value.value.0.is_multiple_of(60), value, "not whole minutes", |given| {
                format!("`{key}` is {given}, and is counted in whole minutes")
            });
        }
    }
}

fn stack(spec: &Spec, found: &mut Findings) {
    found.require(
        is_stack(&spec.stack.value),
        &spec.stack,
        "letters, digits, hyphens; a letter first; at most 128",
        |name| format!("`{name}` cannot be a stack's name"),
    );
    if let Some(region) = &spec.region
        && !is_region(&region.value)
    {
        let problem =
            Problem::at(region.referenced, "such as eu-west-1", format!("`{}` is not a Region", region.value));
        let zone = region.value.strip_suffix(|last: char| last.is_ascii_lowercase()).filter(|stem| is_region(stem));
        found.0.push(match zone {
            Some(stem) => problem.help(format!("that is one of the zones of `{stem}`; the subnets choose the zones")),
            None => problem,
        });
    }
    // AWS allows 50 tags; CloudFormation, the group and this tool take some of them.
    if spec.tags.len() > 40 {
        let place = spec.tags.values().nth(40).map_or(Location::UNKNOWN, |tag| tag.referenced);
        found.0.push(Problem::at(place, "the 41st", "there are more than 40 tags"));
    }
    let mut keys: BTreeMap<String, (&str, Location)> = BTreeMap::new();
    for (key, value) in &spec.tags {
        let place = value.referenced;
        let mut refuse = |label: &str, message: String| found.0.push(Problem::at_key(place, key, label, message));
        if key.to_lowercase().starts_with("aws:") {
            refuse("this key", format!("the tag `{key}` begins with `aws:`, which AWS keeps for itself"));
        }
        if key.is_empty() || key.chars().count() > 128 || key.chars().any(char::is_control) {
            refuse("this key", "a tag's key has 1 to 128 characters, all of them printable".to_owned());
        }
        if let Some((first, earlier)) = keys.insert(key.to_lowercase(), (key, place)) {
            let message = format!("IAM takes the tags `{first}` and `{key}` for the same");
            found.0.push(Problem::at_key(place, key, "and this", message).and_key(earlier, first, "this"));
        }
        found.require(value.value.chars().count() <= 256, value, "too long", |_| {
            format!("the value of the tag `{key}` has more than 256 characters")
        });
        found.require(!value.value.chars().any(char::is_control), value, "has a control character", |_| {
            format!("the value of the tag `{key}` is not plain text")
        });
    }
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
                .0
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
                found.0.push(problem.and(first, "first here"));
            }
        }
    }
}

fn pairs(spec: &Spec, found: &mut Findings) {
    if spec.pairs.is_empty() {
        let problem = Problem::at_last_key("pairs", "nothing here", "`pairs` is empty: there is nothing to build");
        found.0.push(problem.help("name at least one pair"));
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
            found.0.push(problem.and(place, format!("{first} here")));
        }
    }
    let mut prefixes: BTreeMap<String, (&str, Location)> = BTreeMap::new();
    for (name, pair) in &spec.pairs {
        let place = pair.referenced;
        if !(starts_with_letter(name) && all(name, "-_") && name.len() <= 32) {
            let message = format!("`{name}` cannot be a pair's name");
            found.0.push(
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
            found.0.push(problem.help("rename one of them"));
        }
        check_pair(place, &pair.value, spec, found);
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
            found.0.push(problem.help("spread the pairs over several stacks"));
        }
        for id in suffixes.into_iter().map(|suffix| format!("{prefix}{suffix}")) {
            if PARAMETERS.contains(&id.as_str()) {
                let message = format!("the pair `{name}` would have a resource `{id}`, which is a parameter's name");
                found.0.push(Problem::at_key(place, name, "this pair", message).help("rename it"));
            }
            // Pairs of one prefix are told already.
            if let Some((other, earlier)) = owners.insert(id.clone(), (name, place))
                && plan::logical_id(other) != prefix
            {
                let message = format!("the pairs `{other}` and `{name}` would both have a resource `{id}`");
                let problem = Problem::at_key(place, name, "and this one", message).and_key(earlier, other, "this one");
                found.0.push(problem.help("rename one of them"));
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
            found.0.push(problem.help("each pair counts the jobs of its queue and starts workers for all of them"));
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
                found.0.push(Problem::at(place, format!("of `{}`", parts.partition), message).and(*earlier, words));
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
                found.0.push(problem.help("CloudWatch's alarms see the queues of their own Region only"));
            }
            Some(_) => {}
            None => region = Some((parts.region, place, "a queue in another Region")),
        }
        match account {
            Some((id, earlier)) if id != parts.account => {
                let message = "the queues and instance profiles of a stack are in its own account";
                let problem = Problem::at(place, format!("account {}", parts.account), message);
                found.0.push(problem.and(earlier, format!("account {id}")));
            }
            Some(_) => {}
            None => account = Some((parts.account, place)),
        }
    }
}

fn check_pair(place: Location, pair: &Pair, spec: &Spec, found: &mut Findings) {
    match (&pair.launch, &pair.groups) {
        (None, None) => {
            let message = "a pair has a `launch:` block, or the `groups:` that another template made";
            found.0.push(Problem::at(place, "this pair has neither", message));
        }
        (Some(launch), Some(groups)) => {
            let message = "a pair has either a `launch:` block or `groups:`";
            found.0.push(
                Problem::at(groups.referenced, "groups that are there", message)
                    .and(launch.referenced, "groups to make")
                    .help("what the workers of existing groups are is said where the groups are made"),
            );
        }
        _ => {}
    }
    if let Some(groups) = &pair.groups {
        self::groups(&groups.value, spec, found);
    }
    queue(&pair.queue, found);
    if let Some(launch) = &pair.launch {
        self::launch(&launch.value, &pair.spot, found);
    }
    spot(&pair.spot, found);
    workers(&pair.workers, &pair.spot, found);
    alarms(pair, found);
    manager(&pair.manager, found);
    launch_instances(pair, found);
}

fn groups(groups: &Groups, spec: &Spec, found: &mut Findings) {
    if let Some(stack) = &groups.stack {
        found.require(
            is_stack(&stack.value),
            stack,
            "letters, digits and hyphens, beginning with a letter, at most 128",
            |name| format!("`{name}` cannot be a stack's name"),
        );
        if stack.value == spec.stack.value {
            found.0.push(
                Problem::at(stack.referenced, "and this", "the groups of this very stack are not another template's")
                    .and(spec.stack.referenced, "this stack")
                    .help("name the stack that made them, or give the pair a `launch:` block"),
            );
        }
    }
    for name in [&groups.spot, &groups.on_demand] {
        match &groups.stack {
            Some(_) => found.require(
                name.value.len() <= 1_024
                    && name.value.split('/').all(|id| !id.is_empty() && id.len() <= 255 && all(id, "")),
                name,
                "letters and digits; `Nested/id` names one in a nested stack",
                |name| format!("`{name}` cannot be a logical id"),
            ),
            None => found.require(
                plan::is_group_name(&name.value),
                name,
                "1 to 255 plain characters, without `:`, `*`, `?` and `$`",
                |name| format!("`{name}` cannot be managed as an Auto Scaling group's name"),
            ),
        }
    }
    if groups.spot.value == groups.on_demand.value {
        found.0.push(
            Problem::at(groups.on_demand.referenced, "and here", "a pair is two groups, and these are one")
                .and(groups.spot.referenced, "here"),
        );
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
                found.0.push(
                    Problem::at(name.referenced, "and here", message)
                        .and(first, "here")
                        .help("a group has one SpotManager: two would undo what the other does"),
                );
            }
        }
    }
}

fn queue(queue: &At<Queue>, found: &mut Findings) {
    let place = queue.referenced;
    let queue = &queue.value;
    match (&queue.name, &queue.arn) {
        (None, None) => {
            let message = "a queue has a `name`, or the `arn` of one that exists";
            let problem = Problem::at_key(place, "queue", "this queue", message);
            found.0.push(problem);
        }
        (Some(name), Some(arn)) => found.0.push(
            Problem::at(arn.referenced, "one that exists", "a queue has either a `name` or an `arn`")
                .and(name.referenced, "one to create"),
        ),
        (Some(name), None) => {
            let stem = name.value.strip_suffix(".fifo").unwrap_or(&name.value);
            found.require(
                !stem.is_empty() && name.value.len() <= 80 && all(stem, "-_"),
                name,
                "letters, digits, `-`, `_`; at most 80",
                |name| format!("`{name}` cannot be a queue's name"),
            );
            let aside = plan::dead_letter_name(&name.value);
            if name.value.len() <= 80 && aside.len() > 80 {
                let message = format!("the dead-letter queue would be `{aside}`, {} characters long", aside.len());
                let most = name.value.len() - (aside.len() - 80);
                let problem = Problem::at(name.referenced, format!("at most {most} characters here"), message);
                found.0.push(problem.help("a queue's name has at most 80 characters"));
            }
        }
        (None, Some(arn)) => {
            let holds = Arn::parse(&arn.value).is_some_and(|parts| {
                let stem = parts.resource.strip_suffix(".fifo").unwrap_or(parts.resource);
                let named = !stem.is_empty() && parts.resource.len() <= 80 && all(stem, "-_");
                parts.service == "sqs" && !parts.region.is_empty() && named
            });
            if !holds {
                let message = format!("`{}` is not the ARN of a queue", arn.value);
                let problem = Problem::at(arn.referenced, "not an SQS queue's", message);
                found.0.push(problem.help("such as arn:aws:sqs:eu-west-1:111122223333:render-jobs"));
            }
            let theirs = [
                ("visibility_timeout", queue.visibility_timeout.as_ref().map(|value| value.referenced)),
                ("dead_letter_after", queue.dead_letter_after.as_ref().map(|value| value.referenced)),
            ];
            for (key, place) in theirs.into_iter().filter_map(|(key, place)| Some((key, place?))) {
                let message = format!("`{key}` is only for a queue that this stack creates");
                found.0.push(
                    Problem::at(place, "cannot be set here", message).and(arn.referenced, "this one exists already"),
                );
            }
        }
    }
    found.within(&queue.visibility_timeout, "visibility_timeout", Seconds(30), Seconds::minutes(12 * 60));
    found.within(&queue.dead_letter_after, "dead_letter_after", 1, 1_000);
}

fn launch(launch: &Launch, spot: &Spot, found: &mut Findings) {
    let configuration = launch.kind.as_ref().filter(|kind| kind.value == LaunchKind::Configuration);
    if let (Some(kind), None) = (configuration, &spot.max_price) {
        found.0.push(
            Problem::at(
                kind.referenced,
                "needs `spot: max_price`",
                "a launch configuration asks for Spot by its max price, and there is none",
            )
            .help("set `spot: max_price`, or use `kind: template`, which caps at the On-Demand price by itself"),
        );
    }
    found.require(is_instance_type(&launch.instance_type.value), &launch.instance_type, "such as g5.2xlarge", |name| {
        format!("`{name}` is not an instance type")
    });
    let parameter = launch.image.value.strip_prefix("ssm:");
    found.require(
        parameter.map_or_else(
            || is_id(&launch.image.value, "ami-"),
            |name| !name.is_empty() && name.len() <= 2048 && all(name, "/._-"),
        ),
        &launch.image,
        "such as ami-0123456789abcdef0, or ssm:/aws/service/…",
        |image| format!("`{image}` is not an image"),
    );
    if let Some(name) = &launch.key_name {
        found.require(!name.value.is_empty() && is_plain(&name.value), name, "not a name", |_| {
            "`key_name` is the name of an EC2 key pair".to_owned()
        });
    }
    if let Some(profile) = &launch.instance_profile {
        let name = match Arn::parse(&profile.value) {
            Some(arn) if arn.service == "iam" && arn.region.is_empty() => {
                arn.resource.strip_prefix("instance-profile/")
            }
            Some(_) => None,
            None => Some(profile.value.as_str()).filter(|name| !name.contains('/')),
        };
        let holds = name.is_some_and(|name| {
            let last = name.rsplit('/').next().unwrap_or_default();
            (1..=128).contains(&last.len()) && name.len() <= 640 && all(name, "+=,.@-_/")
        });
        if !holds {
            let message = format!("`{}` is not an instance profile", profile.value);
            let problem = Problem::at(profile.referenced, "not a name or ARN of one", message);
            found.0.push(problem.help("a name, or such as arn:aws:iam::111122223333:instance-profile/worker"));
        }
    }
    processors(launch, found);
    if let (Some(script), Some(product)) =
        (&launch.user_data, launch.product.as_ref().filter(|product| product.value == Product::Windows))
    {
        found.0.push(
            Problem::at(script.referenced, "a script for Linux", "`user_data` is not available for Windows workers")
                .and(product.referenced, "Windows")
                .help("put the worker into the image"),
        );
    }
    volumes(launch, found);
}

/// The image and the instance have one processor, as far as their names tell.
fn processors(launch: &Launch, found: &mut Findings) {
    let Some(instance) = architecture(&launch.instance_type.value) else { return };
    let other = match instance {
        Architecture::Arm64 => "the letter `g` behind the generation is Graviton, which is arm64",
        Architecture::X86_64 => "a Graviton type has the letter `g` behind the generation, such as c7g.large",
    };
    let image = launch.image.value.strip_prefix("ssm:").and_then(architecture_of_parameter);
    if let Some(image) = image.filter(|image| *image != instance) {
        let message = format!("an image for {image} does not boot on `{}`", launch.instance_type.value);
        let problem = Problem::at(launch.image.referenced, format!("for {image}"), message);
        found.0.push(problem.and(launch.instance_type.referenced, format!("has {instance}")).help(other));
    }
    if let Some(product) = launch.product.as_ref().filter(|product| product.value == Product::Windows)
        && instance == Architecture::Arm64
    {
        let problem = Problem::at(product.referenced, "for x86_64", "EC2 has no Windows for Graviton");
        found.0.push(problem.and(launch.instance_type.referenced, "has arm64").help(other));
    }
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateVolume.html>
fn volumes(launch: &Launch, found: &mut Findings) {
    let configuration = launch.kind.as_ref().is_some_and(|kind| kind.value == LaunchKind::Configuration);
    let mut devices: BTreeMap<&str, Location> = BTreeMap::new();
    for volume in &launch.volumes {
        let (device, size) = (&volume.value.device, &volume.value.size);
        found.require(
            device
                .value
                .strip_prefix("/dev/")
                .is_some_and(|name| !name.is_empty() && name.len() <= 32 && all(name, "/")),
            device,
            "such as /dev/xvda",
            |name| format!("`{name}` is not a device"),
        );
        if let Some(first) = devices.insert(&device.value, device.referenced) {
            let problem =
                Problem::at(device.referenced, "again", format!("the device `{}` is there twice", device.value));
            found.0.push(problem.and(first, "first here"));
        }
        let kind = volume.value.kind.as_ref();
        let (low, high, name) = match kind.map_or(VolumeKind::Gp3, |kind| kind.value) {
            // Launch configurations know the sizes of the years before.
            VolumeKind::Gp3 => (1, if configuration { 16_384 } else { 65_536 }, "gp3"),
            VolumeKind::Gp2 => (1, 16_384, "gp2"),
            VolumeKind::St1 => (125, 16_384, "st1"),
            VolumeKind::Sc1 => (125, 16_384, "sc1"),
            VolumeKind::Standard => (1, 1_024, "standard"),
        };
        if !(low..=high).contains(&size.value) {
            let message = format!("a volume of the type {name} cannot have {} GiB", size.value);
            let problem = Problem::at(size.referenced, format!("from {low} to {high}"), message);
            found.0.push(match kind {
                Some(kind) => problem.and(kind.referenced, "of this type"),
                None => problem,
            });
        }
    }
}

fn spot(spot: &Spot, found: &mut Findings) {
    for (name, price) in [("max_price", &spot.max_price), ("on_demand_price", &spot.on_demand_price)] {
        let Some(price) = price else { continue };
        // EC2 refuses 0.001 and less when it launches, which is too late to learn it.
        found.require(
            price.value.is_finite() && price.value > 0.001 && price.value < 10_000.0,
            price,
            "USD per instance-hour, above 0.001",
            |price| format!("`{name}` is {price}"),
        );
    }
    if let Some(headroom) = &spot.headroom {
        found.require(headroom.value.fraction() < 1.0, headroom, "nothing is left of the max price", |given| {
            format!("`headroom` is {given}")
        });
    }
    found.within(&spot.window, "window", Seconds::minutes(1), Seconds::minutes(30 * 24 * 60));
    found.within(&spot.patience, "patience", Seconds(0), Seconds::minutes(24 * 60));
    found.within(&spot.hold, "hold", Seconds::minutes(1), Seconds::minutes(24 * 60));
}

fn workers(workers: &Workers, spot: &Spot, found: &mut Findings) {
    found.within(&workers.max, "max", 1, 1_000);
    found.within(&workers.base, "base", 0, 1_000);
    found.within(&workers.jobs_per_worker, "jobs_per_worker", 1, 100_000);
    let max = workers.max.as_ref().map_or(plan::DEFAULT_MAX, |max| max.value);
    if let Some(base) = workers.base.as_ref().filter(|base| base.value > max) {
        let problem = Problem::at(base.referenced, format!("{} always on", base.value), "`base` is more than `max`");
        found.0.push(match &workers.max {
            Some(limit) => problem.and(limit.referenced, format!("but {max} at most")),
            None => problem.help(format!("`max` is {max} where it is not given")),
        });
    }
    let Some((revert, Revert::After(after))) = spot.revert.as_ref().map(|revert| (revert, revert.value)) else {
        return;
    };
    found.require(after >= Seconds::minutes(1), revert, "at least 1m", |given| format!("`revert` is {given}"));
    if !workers.protect.as_ref().is_some_and(|protect| protect.value) {
        let problem = Problem::at(
            revert.referenced,
            "would end busy workers",
            "`revert` by a duration retires On-Demand workers while there are jobs, which is only safe with `protect: true`",
        );
        let problem = match &workers.protect {
            Some(protect) => problem.and(protect.referenced, "off here"),
            None => problem,
        };
        found.0.push(problem.help(
            "set `workers: protect: true` and have the worker drop its protection when it is free, or `revert: idle`",
        ));
    }
}

fn alarms(pair: &Pair, found: &mut Findings) {
    let (waiting, idle) = (&pair.alarms.jobs_waiting, &pair.alarms.idle);
    found.within(&waiting.threshold, "threshold", 1, 1_000_000);
    found.whole_minutes(&waiting.period, "period", Seconds::minutes(1), Seconds::minutes(60));
    found.within(&waiting.periods, "periods", 1, 60);
    found.whole_minutes(&idle.after, "after", Seconds::minutes(1), Seconds::minutes(24 * 60));
}

fn manager(manager: &Manager, found: &mut Findings) {
    if manager.reconcile.as_ref().is_some_and(|tick| tick.value > Seconds(0)) {
        found.whole_minutes(&manager.reconcile, "reconcile", Seconds::minutes(1), Seconds::minutes(24 * 60));
    }
    found.within(&manager.memory, "memory", 128, 10_240);
    if let Some(retention) = &manager.log_retention {
        let days = retention.value.0 / 86_400;
        let known = retention.value.0.is_multiple_of(86_400) && RETENTIONS.contains(&days);
        if !known {
            let message = format!("CloudWatch Logs cannot keep a log for {}", retention.value);
            let days: Vec<String> = RETENTIONS.iter().map(|days| format!("{days}d")).collect();
            let problem = Problem::at(retention.referenced, "not a retention", message);
            found.0.push(problem.help(format!("one of {}", days.join(", "))));
        }
    }
    if let Some(whom) = &manager.notify {
        notify(whom, found);
    }
}

/// Whom notices go to: an e-mail address, which gets a topic of its own, or a topic that exists. A FIFO topic has no
/// subscribers who are people. <https://docs.aws.amazon.com/sns/latest/dg/sns-fifo-topics.html>
fn notify(whom: &At<String>, found: &mut Findings) {
    let text = whom.value.as_str();
    if !text.starts_with("arn:") {
        let label = "such as ops@example.com, or a topic's ARN";
        found
            .require(is_address(text), whom, label, |whom| format!("`{whom}` is neither an e-mail address nor an ARN"));
        return;
    }
    let topic = Arn::parse(text).filter(|arn| arn.service == "sns" && !arn.region.is_empty());
    let name = topic.map(|arn| arn.resource);
    if name.is_some_and(|name| name.ends_with(".fifo")) {
        let problem =
            Problem::at(whom.referenced, "a FIFO topic", "notices are for people, whom no FIFO topic reaches");
        found.0.push(problem.help("name a standard topic, or an e-mail address"));
        return;
    }
    let holds = name.is_some_and(|name| (1..=256).contains(&name.len()) && all(name, "-_"));
    let label = "such as arn:aws:sns:eu-west-1:111122223333:operators";
    found.require(holds, whom, label, |whom| format!("`{whom}` is not the ARN of an SNS topic"));
}

/// `LaunchInstances` answers at once, so there is nothing to be patient about, and it launches from launch templates only.
/// <https://docs.aws.amazon.com/autoscaling/ec2/userguide/launch-instances-synchronously.html>
fn launch_instances(pair: &Pair, found: &mut Findings) {
    let Some(way) = pair.manager.scale_up.as_ref().filter(|way| way.value == ScaleUp::LaunchInstances) else { return };
    let mut refuse = |place: Location, label: &str, message: &str, help: &str| {
        found.0.push(Problem::at(place, label, message).and(way.referenced, "asked for here").help(help));
    };
    let policy = "or leave `scale_up` at `policy`";
    let kind = pair.launch.as_ref().and_then(|launch| launch.value.kind.as_ref());
    if let Some(kind) = kind.filter(|kind| kind.value == LaunchKind::Configuration) {
        let message = "LaunchInstances takes launch templates only";
        refuse(kind.referenced, "not a template", message, &format!("take `kind: template`, {policy}"));
    }
    if let Some(groups) = &pair.groups {
        let message = "LaunchInstances is for groups that this stack makes";
        let help = "another template's launch definition is not known here; leave `scale_up` at `policy`";
        refuse(groups.referenced, "another template's", message, help);
    }
    if let Some(patience) = pair.spot.patience.as_ref().filter(|patience| patience.value > Seconds(0)) {
        let message = "LaunchInstances answers at once, and On-Demand takes the rest in the same moment";
        refuse(patience.referenced, "would wait", message, &format!("leave `patience` at 0s, {policy}"));
    }
}

/// Whether this has the shape of an e-mail address; whether somebody reads it, only a confirmation tells.
fn is_address(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let labels = |domain: &str| domain.split('.').all(|label| !label.is_empty() && all(label, "-"));
    (1..=64).contains(&local.len())
        && local.bytes().all(|byte| byte.is_ascii_graphic() && !br#""(),:;<>@[\]"#.contains(&byte))
        && text.len() <= 254
        && domain.contains('.')
        && labels(domain)
}

fn is_stack(name: &str) -> bool {
    name.len() <= 128 && starts_with_letter(name) && all(name, "-")
}

fn starts_with_letter(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
}

/// Whether `text` is made of ASCII letters, digits and these others.
fn all(text: &str, others: &str) -> bool {
    text.chars().all(|char| char.is_ascii_alphanumeric() || others.contains(char))
}

fn is_plain(text: &str) -> bool {
    text.len() <= 255 && text.bytes().all(|byte| (b' '..=b'~').contains(&byte))
}

/// Whether `text` is an EC2 id: the prefix and 8 or 17 hexadecimal digits.
fn is_id(text: &str, prefix: &str) -> bool {
    text.strip_prefix(prefix).is_some_and(|digits| {
        (digits.len() == 8 || digits.len() == 17)
            && digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    })
}
