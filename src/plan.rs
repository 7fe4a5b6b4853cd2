//! Spec -> Plan: the only place where names and defaults are made.

use std::collections::BTreeMap;

use serde::Serialize;
use spot_policy::{Policy, Revert, Seconds};

use crate::spec::{self, Architecture, At, LaunchKind, ScaleUp, Spec, VolumeKind};

/// Workers at most, where the spec does not say: one, because workers cost money.
pub(crate) const DEFAULT_MAX: u32 = 1;

/// The line that ends a worker's script inside its user data.
pub(crate) const END_OF_SCRIPT: &str = "END_OF_WORKER_SCRIPT";

/// A step scaling policy has at most this many steps, so that it can name this many target counts. A greater one is set by
/// `SetDesiredCapacity`. <https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-quotas.html>
const MOST_STEPS: u32 = 20;

/// The spec with every name, id, default and number decided: what the blueprints arrange.
#[derive(Debug, Clone, Serialize)]
pub struct Plan {
    /// The CloudFormation stack's name.
    pub stack: String,
    /// The Region that the spec names, if it does.
    pub region: Option<String>,
    /// On the stack, and so on every resource that takes tags.
    pub tags: BTreeMap<String, String>,
    /// In the order of their names.
    pub pairs: Vec<Pair>,
    /// What the SpotManagers' handler is built for.
    pub architecture: Architecture,
    /// The spec's file name, for the template's header.
    pub spec: String,
    /// The version of spotstack.
    pub version: &'static str,
}

/// One Spot group and one On-Demand group with all that serves them.
#[derive(Debug, Clone, Serialize)]
pub struct Pair {
    /// The name in the spec: `gpu`.
    pub name: String,
    /// The prefix of its logical ids: `Gpu`.
    pub id: String,
    /// How its descriptions begin: `gpu: `.
    pub label: String,
    /// Where its workers run, if this stack makes its groups.
    pub subnets: Vec<String>,
    /// What its workers may reach, if this stack makes its groups.
    pub security_groups: Vec<String>,
    /// Its jobs.
    pub queue: Queue,
    /// Its twins; `None`: another template made its groups.
    pub launch: Option<Launch>,
    /// Its groups, if another template made them.
    pub groups: Option<Groups>,
    /// Whose Spot price is read.
    pub product: spec::Product,
    /// Its two markets, Spot first.
    pub markets: [Market; 2],
    /// The rules' knobs.
    #[serde(skip)]
    pub rules: Policy,
    /// The same, as the function's environment has them.
    pub policy: PolicyText,
    /// USD per instance-hour On-Demand, where the spec says it; nothing that is rendered.
    #[serde(skip)]
    pub on_demand_price: Option<f64>,
    /// Workers of both groups together, at most.
    pub max: u32,
    /// On-Demand workers that are always on.
    pub base: u32,
    /// Whether workers start protected from scale-in.
    pub protect: bool,
    /// The scale-up policies' steps: one for each number of workers.
    pub steps: Vec<Step>,
    /// When it is woken and scaled in.
    pub alarms: Alarms,
    /// Its function.
    pub manager: Manager,
    /// The spec's tags as Auto Scaling groups take them.
    pub tags: Vec<Tag>,
    /// Whether the spec's tags name the instances; else they are named after stack, pair and market.
    pub own_name_tag: bool,
}

/// The queue, created or existing.
#[derive(Debug, Clone, Serialize)]
pub struct Queue {
    /// The queue's name.
    pub name: String,
    /// The ARN of one that exists.
    pub arn: Option<String>,
    /// The URL of one that exists, as CloudFormation's `Fn::Sub` makes it.
    pub url: Option<String>,
    /// Whether it is a FIFO queue.
    pub fifo: bool,
    /// The dead-letter queue's name.
    pub dead_letter_name: String,
    /// Seconds.
    pub visibility_timeout: u64,
    /// Receives before a job goes to the dead-letter queue.
    pub dead_letter_after: u32,
}

/// The twin launch definitions, but for their price.
#[derive(Debug, Clone, Serialize)]
pub struct Launch {
    /// Which resource type the twins are.
    pub kind: LaunchKind,
    /// The EC2 instance type.
    pub instance_type: String,
    /// The AMI, as a launch template takes it: an id, or `resolve:ssm:` and a parameter.
    pub image: String,
    /// The parameter that holds the AMI's id, where the spec names one.
    pub image_parameter: Option<String>,
    /// An EC2 key pair.
    pub key_name: Option<String>,
    /// The name of an existing instance profile; `None`: the stack makes one.
    pub profile_name: Option<String>,
    /// The ARN of an existing instance profile.
    pub profile_arn: Option<String>,
    /// The block devices.
    pub volumes: Vec<Volume>,
    /// The worker's script.
    pub script: Option<String>,
    /// Whether an instance is told where its queue is: a shell script does that, which Windows has none to run.
    pub user_data: bool,
}

/// Groups that another template made: what `deploy` looks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Groups {
    /// The stack that has them, itself or in a nested stack; `None`: they are named by their names.
    pub stack: Option<String>,
    /// The one that asks for Spot: its logical id, perhaps with those of nested stacks before it, or its name.
    pub spot: String,
    /// The one that asks for On-Demand.
    pub on_demand: String,
}

/// A block device of a worker.
#[derive(Debug, Clone, Serialize)]
pub struct Volume {
    /// `/dev/xvda`, for one.
    pub device: String,
    /// GiB.
    pub size: u32,
    /// The EBS volume type.
    #[serde(rename = "type")]
    pub kind: VolumeKind,
}

/// One of a pair's two markets: what differs between the twins, and only that.
#[derive(Debug, Clone, Serialize)]
pub struct Market {
    /// The infix of its logical ids: `Spot`, `OnDemand`.
    pub id: &'static str,
    /// For people.
    pub words: &'static str,
    /// Whether it asks for Spot.
    pub spot: bool,
    /// The price in the Spot twin, in USD; a string, as both resource types take it.
    pub max_price: Option<String>,
    /// Instances that are always on.
    pub min: u32,
    /// The group that another template made: its name, where the spec says it.
    pub group_name: Option<String>,
    /// The same in words: `asgGPU of the stack encoder-prod`.
    pub group_words: Option<String>,
}

/// [`Policy`] in the words of the function's environment.
#[derive(Debug, Clone, Serialize)]
#[expect(missing_docs, reason = "see `spot_policy::Policy`")]
pub struct PolicyText {
    pub max_price: Option<String>,
    pub headroom: String,
    pub window: String,
    pub patience: String,
    pub hold: String,
    pub revert: String,
    pub max: String,
    pub base: String,
    pub jobs_per_worker: String,
    pub protect: String,
    pub dry_run: String,
}

/// A step of a scale-up policy: from the metric's value, less the breach threshold of 1, to the number of instances.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Step {
    /// From here.
    #[serde(rename = "MetricIntervalLowerBound")]
    pub lower: u32,
    /// To below there; `None` in the last step, because AWS takes no steps that end.
    /// <https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_StepAdjustment.html>
    #[serde(rename = "MetricIntervalUpperBound", skip_serializing_if = "Option::is_none")]
    pub upper: Option<u32>,
    /// So many instances.
    #[serde(rename = "ScalingAdjustment")]
    pub capacity: u32,
}

/// When a pair is woken and scaled in.
#[derive(Debug, Clone, Serialize)]
pub struct Alarms {
    /// Visible jobs.
    pub threshold: u32,
    /// Seconds.
    pub period: u64,
    /// Periods in a row.
    pub periods: u32,
    /// Minutes without a job.
    pub idle_minutes: u64,
}

/// A pair's function.
#[derive(Debug, Clone, Serialize)]
pub struct Manager {
    /// The tick as EventBridge writes it; `None`: no tick.
    pub tick: Option<String>,
    /// The same in minutes.
    #[serde(skip)]
    pub tick_minutes: u64,
    /// The processor it runs on: the stack's.
    pub architecture: Architecture,
    /// MiB.
    pub memory: u32,
    /// Days.
    pub log_retention: u64,
    /// Whether groups are scaled up by `LaunchInstances`.
    pub launch_instances: bool,
    /// Whether there is a dashboard.
    pub dashboard: bool,
    /// Who hears of the turns that a pair takes.
    pub notify: Option<Notify>,
}

/// Who hears of the turns that a pair takes: one of the two.
#[derive(Debug, Clone, Serialize)]
pub struct Notify {
    /// An e-mail address, for which a topic is made.
    pub email: Option<String>,
    /// The ARN of a topic that exists.
    pub topic: Option<String>,
}

/// A tag.
#[derive(Debug, Clone, Serialize)]
pub struct Tag {
    /// Its key.
    pub key: String,
    /// Its value.
    pub value: String,
}

impl Plan {
    /// Decides all that the spec, read from the file of this name, leaves open.
    pub fn new(spec: &Spec, file_name: &str) -> Self {
        let tags: BTreeMap<_, _> = spec.tags.iter().map(|(key, value)| (key.clone(), value.value.clone())).collect();
        // One handler serves all pairs: what one of them says of its processor holds for those that say nothing.
        let said = spec.pairs.values().find_map(|pair| value(&pair.value.manager.architecture));
        let architecture = said.unwrap_or_default();
        let pairs = spec.pairs.iter().map(|(name, pair)| plan_pair(name, &pair.value, spec, architecture)).collect();
        Self {
            stack: spec.stack.value.clone(),
            region: spec.region.as_ref().map(|region| region.value.clone()),
            architecture,
            tags,
            pairs,
            spec: file_name.to_owned(),
            version: env!("CARGO_PKG_VERSION"),
        }
    }
}

impl Groups {
    /// Both, for people: `asgGPUSpot and asgGPU of the stack encoder-prod`.
    pub fn both(&self) -> String {
        match &self.stack {
            Some(stack) => format!("{} and {} of the stack {stack}", self.spot, self.on_demand),
            None => format!("{} and {}, of another template", self.spot, self.on_demand),
        }
    }

    /// One of the two, for people: `asgGPU of the stack encoder-prod`.
    pub fn words(&self, group: &str) -> String {
        match &self.stack {
            Some(stack) => format!("{group} of the stack {stack}"),
            None => format!("the Auto Scaling group {group}"),
        }
    }
}

/// Whether a group of this name can be managed: a `*` or `?` in it would have the SpotManager's role reach other groups too,
/// and a `:` or `$` is none that AWS or a template lets pass.
/// <https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_CreateAutoScalingGroup.html>
pub(crate) fn is_group_name(name: &str) -> bool {
    (1..=255).contains(&name.len())
        && name.bytes().all(|byte| (b' '..=b'~').contains(&byte) && !b":*?$".contains(&byte))
}

/// The prefix of a pair's logical ids: `render-gpu` is `RenderGpu`.
pub(crate) fn logical_id(name: &str) -> String {
    name.split(|char: char| !char.is_ascii_alphanumeric())
        .map(|word| {
            let mut letters = word.chars();
            letters.next().map_or_else(String::new, |first| first.to_ascii_uppercase().to_string() + letters.as_str())
        })
        .collect()
}

fn plan_pair(name: &str, pair: &spec::Pair, spec: &Spec, architecture: Architecture) -> Pair {
    let defaults = Policy::default();
    let policy = Policy {
        max_price: value(&pair.spot.max_price),
        headroom: or(&pair.spot.headroom, defaults.headroom),
        window: or(&pair.spot.window, defaults.window),
        patience: or(&pair.spot.patience, defaults.patience),
        hold: or(&pair.spot.hold, defaults.hold),
        revert: or(&pair.spot.revert, Revert::Idle),
        max: or(&pair.workers.max, DEFAULT_MAX),
        base: or(&pair.workers.base, 0),
        jobs_per_worker: or(&pair.workers.jobs_per_worker, 1),
        protect: or(&pair.workers.protect, false),
    };
    let max_price = policy.max_price.map(|price| price.to_string());
    let launch = pair.launch.as_ref().map(|launch| &launch.value);
    let groups = pair.groups.as_ref().map(|groups| &groups.value);
    let product = match (launch, groups) {
        (Some(launch), _) => &launch.product,
        (None, Some(groups)) => &groups.product,
        (None, None) => &None,
    };
    let network = spec.network.as_ref().map(|network| &network.value).filter(|_| launch.is_some());
    let groups = groups.map(plan_groups);
    Pair {
        name: name.to_owned(),
        id: logical_id(name),
        label: format!("{name}: "),
        subnets: network.map(|network| texts(&network.subnets.value)).unwrap_or_default(),
        security_groups: network.map(|network| texts(&network.security_groups.value)).unwrap_or_default(),
        queue: plan_queue(&pair.queue.value),
        launch: launch.map(plan_launch),
        product: or(product, spec::Product::Linux),
        markets: [
            Market { max_price: max_price.clone(), ..plan_market(true, 0, groups.as_ref()) },
            plan_market(false, policy.base, groups.as_ref()),
        ],
        groups,
        max: policy.max,
        base: policy.base,
        protect: policy.protect,
        steps: steps(policy.max.min(MOST_STEPS)),
        on_demand_price: value(&pair.spot.on_demand_price),
        policy: PolicyText {
            max_price,
            headroom: policy.headroom.to_string(),
            window: policy.window.to_string(),
            patience: policy.patience.to_string(),
            hold: policy.hold.to_string(),
            revert: policy.revert.to_string(),
            max: policy.max.to_string(),
            base: policy.base.to_string(),
            jobs_per_worker: policy.jobs_per_worker.to_string(),
            protect: policy.protect.to_string(),
            dry_run: or(&pair.manager.dry_run, false).to_string(),
        },
        rules: policy,
        alarms: Alarms {
            threshold: or(&pair.alarms.jobs_waiting.threshold, 1),
            period: or(&pair.alarms.jobs_waiting.period, Seconds::minutes(1)).0,
            periods: or(&pair.alarms.jobs_waiting.periods, 1),
            idle_minutes: or(&pair.alarms.idle.after, Seconds::minutes(5)).0 / 60,
        },
        manager: plan_manager(&pair.manager, architecture),
        tags: spec.tags.iter().map(|(key, value)| Tag { key: key.clone(), value: value.value.clone() }).collect(),
        own_name_tag: spec.tags.contains_key("Name"),
    }
}

/// The name of a created queue's dead-letter queue: a FIFO queue's is one, too.
pub(crate) fn dead_letter_name(name: &str) -> String {
    match name.strip_suffix(".fifo") {
        Some(stem) => format!("{stem}-dead-letter.fifo"),
        None => format!("{name}-dead-letter"),
    }
}

/// A step for each number of workers.
fn steps(most: u32) -> Vec<Step> {
    (1..=most).map(|n| Step { lower: n - 1, upper: Some(n).filter(|n| *n < most), capacity: n }).collect()
}

fn plan_queue(queue: &spec::Queue) -> Queue {
    let arn = value(&queue.arn);
    let arn_parts: Option<Vec<&str>> = arn.as_deref().map(|arn| arn.split(':').collect());
    let name = match &arn_parts {
        Some(parts) => parts.last().copied().unwrap_or_default().to_owned(),
        None => value(&queue.name).unwrap_or_default(),
    };
    let fifo = name.ends_with(".fifo");
    // AWS's own URL scheme; the suffix is the partition's. `${!` is how `Fn::Sub` spells a `${` that it leaves alone.
    let url = arn_parts.filter(|parts| parts.len() == 6).map(|parts| {
        let [region, account, name] = [3, 4, 5].map(|index| parts[index].replace("${", "${!"));
        format!("https://sqs.{region}.${{AWS::URLSuffix}}/{account}/{name}")
    });
    Queue {
        url,
        fifo,
        dead_letter_name: dead_letter_name(&name),
        visibility_timeout: or(&queue.visibility_timeout, Seconds::minutes(15)).0,
        dead_letter_after: or(&queue.dead_letter_after, 5),
        arn,
        name,
    }
}

fn plan_market(spot: bool, min: u32, groups: Option<&Groups>) -> Market {
    let group = groups.map(|groups| if spot { &groups.spot } else { &groups.on_demand });
    Market {
        id: if spot { "Spot" } else { "OnDemand" },
        words: if spot { "Spot" } else { "On-Demand" },
        spot,
        max_price: None,
        min,
        group_name: group.filter(|_| groups.is_some_and(|groups| groups.stack.is_none())).cloned(),
        group_words: groups.zip(group).map(|(groups, group)| groups.words(group)),
    }
}

fn plan_groups(groups: &spec::Groups) -> Groups {
    Groups { stack: value(&groups.stack), spot: groups.spot.value.clone(), on_demand: groups.on_demand.value.clone() }
}

fn plan_launch(launch: &spec::Launch) -> Launch {
    let kind = or(&launch.kind, LaunchKind::Template);
    let parameter = launch.image.value.strip_prefix("ssm:").map(str::to_owned);
    let profile = value(&launch.instance_profile);
    let product = or(&launch.product, spec::Product::Linux);
    let is_arn = profile.as_deref().is_some_and(|profile| profile.starts_with("arn:"));
    Launch {
        kind,
        instance_type: launch.instance_type.value.clone(),
        image: parameter.as_ref().map_or_else(|| launch.image.value.clone(), |name| format!("resolve:ssm:{name}")),
        image_parameter: parameter,
        key_name: value(&launch.key_name),
        profile_name: profile.clone().filter(|_| !is_arn),
        profile_arn: profile.filter(|_| is_arn),
        volumes: launch.volumes.iter().map(|volume| plan_volume(&volume.value)).collect(),
        script: launch.script.clone().map(|script| if script.ends_with('\n') { script } else { script + "\n" }),
        user_data: product != spec::Product::Windows,
    }
}

fn plan_volume(volume: &spec::Volume) -> Volume {
    Volume {
        device: volume.device.value.clone(),
        size: volume.size.value,
        kind: or(&volume.kind, VolumeKind::default()),
    }
}

fn plan_manager(manager: &spec::Manager, architecture: Architecture) -> Manager {
    let tick = or(&manager.reconcile, Seconds::minutes(1));
    Manager {
        tick_minutes: tick.0 / 60,
        tick: match tick.0 / 60 {
            0 => None,
            1 => Some("rate(1 minute)".to_owned()),
            minutes => Some(format!("rate({minutes} minutes)")),
        },
        architecture,
        memory: or(&manager.memory, 128),
        log_retention: or(&manager.log_retention, Seconds(30 * 86_400)).0 / 86_400,
        launch_instances: or(&manager.scale_up, ScaleUp::Policy) == ScaleUp::LaunchInstances,
        dashboard: or(&manager.dashboard, false),
        notify: value(&manager.notify).map(plan_notify),
    }
}

fn plan_notify(whom: String) -> Notify {
    let is_arn = whom.starts_with("arn:");
    Notify { email: Some(whom.clone()).filter(|_| !is_arn), topic: Some(whom).filter(|_| is_arn) }
}

fn value<T: Clone>(given: &Option<At<T>>) -> Option<T> {
    given.as_ref().map(|given| given.value.clone())
}

fn or<T: Clone>(given: &Option<At<T>>, default: T) -> T {
    value(given).unwrap_or(default)
}

fn texts(list: &[At<String>]) -> Vec<String> {
    list.iter().map(|text| text.value.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_pairs_have_the_processor_that_one_of_them_names() {
        let launch = "launch: {instance_type: g5.2xlarge, image: ami-0123456789abcdef0}";
        let text = format!(
            "stack: media
network: {{subnets: [subnet-0a1b2c3d4e5f60001], security_groups: [sg-0a1b2c3d4e5f60001]}}
pairs:
  a: {{queue: {{name: a}}, {launch}}}
  b: {{queue: {{name: b}}, {launch}, manager: {{architecture: arm64}}}}
"
        );
        let of = |text: &str| {
            let plan = Plan::new(&spec::parse(text, None).expect("a spec"), "spotstack.yaml");
            let pairs: Vec<_> = plan.pairs.iter().map(|pair| pair.manager.architecture).collect();
            (plan.architecture, pairs)
        };
        assert_eq!(of(&text), (Architecture::Arm64, vec![Architecture::Arm64; 2]));
        let silent = text.replace(", manager: {architecture: arm64}", "");
        assert_eq!(of(&silent), (Architecture::X86_64, vec![Architecture::X86_64; 2]));
    }

    #[test]
    fn names_become_logical_ids() {
        for (name, id) in
            [("gpu", "Gpu"), ("render-gpu", "RenderGpu"), ("render_gpu2", "RenderGpu2"), ("a--b", "AB"), ("HD", "HD")]
        {
            assert_eq!(logical_id(name), id, "{name}");
        }
    }
}
