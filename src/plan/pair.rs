//! A pair: what is decided of it as a whole.

use serde::Serialize;
use spot_policy::{Policy, Revert, Seconds};

use super::{Groups, Launch, Manager, Market, Queue, Tag, or, value};
use crate::spec::{self, Architecture, At, Spec};

/// Workers at most, where the spec does not say: one, because workers cost money.
pub(crate) const DEFAULT_MAX: u32 = 1;

/// A step scaling policy has at most this many steps, so that it can name this many target counts. A greater one is set by
/// `SetDesiredCapacity`. <https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-quotas.html>
const MOST_STEPS: u32 = 20;

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

impl Pair {
    pub(super) fn new(name: &str, pair: &spec::Pair, spec: &Spec, architecture: Architecture) -> Self {
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
        let groups = groups.map(Groups::new);
        Self {
            name: name.to_owned(),
            id: logical_id(name),
            label: format!("{name}: "),
            subnets: network.map(|network| texts(&network.subnets.value)).unwrap_or_default(),
            security_groups: network.map(|network| texts(&network.security_groups.value)).unwrap_or_default(),
            queue: Queue::new(&pair.queue.value),
            launch: launch.map(Launch::new),
            product: or(product, spec::Product::Linux),
            markets: [
                Market { max_price: max_price.clone(), ..Market::new(true, 0, groups.as_ref()) },
                Market::new(false, policy.base, groups.as_ref()),
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
            manager: Manager::new(&pair.manager, architecture),
            tags: spec.tags.iter().map(|(key, value)| Tag { key: key.clone(), value: value.value.clone() }).collect(),
            own_name_tag: spec.tags.contains_key("Name"),
        }
    }
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

/// A step for each number of workers.
fn steps(most: u32) -> Vec<Step> {
    (1..=most).map(|n| Step { lower: n - 1, upper: Some(n).filter(|n| *n < most), capacity: n }).collect()
}

fn texts(list: &[At<String>]) -> Vec<String> {
    list.iter().map(|text| text.value.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::logical_id;

    #[test]
    fn names_become_logical_ids() {
        for (name, id) in
            [("gpu", "Gpu"), ("render-gpu", "RenderGpu"), ("render_gpu2", "RenderGpu2"), ("a--b", "AB"), ("HD", "HD")]
        {
            assert_eq!(logical_id(name), id, "{name}");
        }
    }
}
