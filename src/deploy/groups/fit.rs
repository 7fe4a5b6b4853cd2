//! Whether two groups can be a pair, and what about them will surprise.

use std::collections::BTreeSet;

use super::Wanted;
use super::problem::Problem;
use crate::deploy::cloud::{Group, LaunchDefinition, LaunchSource, ScalingPolicy};

/// A group with what it launches and what else acts on it.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    /// The group.
    pub group: Group,
    /// What it launches.
    pub definition: LaunchDefinition,
    /// The scaling policies on it.
    pub policies: Vec<ScalingPolicy>,
    /// Whether the template that made it sets its desired capacity.
    pub desired_in_template: bool,
    /// What could not be read of it.
    pub unread: Vec<String>,
}

impl Seen {
    /// Without the policies of these ARNs.
    pub(super) fn without(mut self, arns: &[String]) -> Self {
        self.policies.retain(|policy| !arns.contains(&policy.arn));
        self
    }

    fn asks_for_spot(&self) -> bool {
        self.definition.market.as_deref() == Some("spot")
    }
}

/// Whether the first asks for Spot and the second does not; the instance type whose price is to be read.
///
/// # Errors
/// It is not so, for all these reasons.
pub fn market(wanted: &Wanted<'_>, spot: &Seen, on_demand: &Seen) -> Result<String, Vec<Problem>> {
    let [spot_id, on_demand_id] = wanted.names();
    let groups = [(spot, spot_id), (on_demand, on_demand_id)];
    let launches_neither = groups.into_iter().filter_map(|(seen, id)| {
        let (words, name) = (wanted.words(id), seen.group.name.clone());
        match seen.group.launch {
            Some(LaunchSource::Mixed) => Some(Problem::Mixed { words, name }),
            None => Some(Problem::NoLaunch { words, name }),
            Some(_) => None,
        }
    });
    let mut problems: Vec<_> = launches_neither.collect();
    if !problems.is_empty() {
        return Err(problems);
    }
    if on_demand.asks_for_spot() && spot.definition.market.is_none() {
        let pair = wanted.pair.name.into();
        return Err(vec![Problem::Swapped { pair, spot: spot_id.into(), on_demand: on_demand_id.into() }]);
    }
    let (words, name) = (wanted.words(spot_id), spot.group.name.clone());
    if !spot.asks_for_spot() {
        problems.push(Problem::NotSpot { words: words.clone(), name: name.clone() });
    }
    if let Some(market) = &on_demand.definition.market {
        let market = if market == "spot" { "Spot".to_owned() } else { format!("`{market}`") };
        let (words, name) = (wanted.words(on_demand_id), on_demand.group.name.clone());
        problems.push(Problem::NotOnDemand { words, name, market });
    }
    match &spot.definition.instance_type {
        Some(instance_type) if problems.is_empty() => return Ok(instance_type.clone()),
        Some(_) => {}
        None => problems.push(Problem::NoInstanceType { words, name }),
    }
    Err(problems)
}

/// What works, but not as the spec leads one to expect: each in a sentence or two, with what would mend it.
pub fn warnings(wanted: &Wanted<'_>, spot: &Seen, on_demand: &Seen) -> Vec<String> {
    let [spot_id, on_demand_id] = wanted.names();
    let groups = [(spot, spot_id), (on_demand, on_demand_id)];
    let mut warnings = Vec::new();
    warnings.extend(zones(spot, on_demand));
    for (seen, id) in groups {
        warnings.extend(size(wanted, seen, id));
    }
    warnings.extend(always_on(wanted, spot, on_demand));
    warnings.extend(twins(spot, on_demand));
    warnings.extend(price(wanted, spot));
    for (seen, id) in groups {
        warnings.extend(protection(wanted, seen, id));
        if seen.desired_in_template {
            warnings.push(format!(
                "the template of {id} sets its DesiredCapacity, so that every update of that stack sets the fleet back to it: leave it out there"
            ));
        }
        warnings.extend(others(seen, id));
        warnings.extend(seen.group.suspended.iter().map(|(process, reason)| {
            format!(
                "{id} has its {process} process suspended ({reason}): `aws autoscaling resume-processes` resumes it"
            )
        }));
        warnings.extend(seen.unread.iter().cloned());
    }
    warnings
}

fn zones(spot: &Seen, on_demand: &Seen) -> Option<String> {
    let zones = |seen: &Seen| seen.group.zones.iter().cloned().collect::<BTreeSet<_>>();
    let (one, other) = (zones(spot), zones(on_demand));
    let list = |zones: &BTreeSet<String>| zones.iter().cloned().collect::<Vec<_>>().join(", ");
    one.is_disjoint(&other).then(|| {
        format!(
            "the two groups have no zone in common (Spot: {}; On-Demand: {}), so that what is bound to a zone is not there for both",
            list(&one),
            list(&other)
        )
    })
}

fn size(wanted: &Wanted<'_>, seen: &Seen, id: &str) -> Option<String> {
    let (size, max) = (seen.group.max, wanted.max);
    (size < max).then(|| {
        format!("{id} has MaxSize {size}, and `workers: max` is {max}: it will not launch more than {size}, so raise one or lower the other")
    })
}

fn always_on(wanted: &Wanted<'_>, spot: &Seen, on_demand: &Seen) -> Vec<String> {
    let [spot_id, on_demand_id] = wanted.names();
    let (base, min) = (wanted.base, on_demand.group.min);
    let spot = (spot.group.min > 0).then(|| {
        format!(
            "{spot_id} has MinSize {}, so that it asks for Spot for ever, whether Spot is to be had or not: set MinSize 0 there",
            spot.group.min
        )
    });
    let on_demand = (min != base).then(|| {
        let outcome = if min < base {
            format!("Spot may serve what `workers: base` wants of On-Demand; set MinSize {base} there")
        } else {
            format!("{min} are always on; say so with `workers: base: {min}`, or set MinSize {base} there")
        };
        format!("{on_demand_id} has MinSize {min}, and `workers: base` is {base}: {outcome}")
    });
    spot.into_iter().chain(on_demand).collect()
}

/// Groups that spotstack makes are twins; these are whatever they are.
fn twins(spot: &Seen, on_demand: &Seen) -> Option<String> {
    let differs = |what: &str, of: fn(&LaunchDefinition) -> Option<&String>| {
        let words = |seen: &Seen| of(&seen.definition).map_or("none", String::as_str).to_owned();
        let (one, other) = (words(spot), words(on_demand));
        (one != other).then(|| format!("{what} ({one}, {other})"))
    };
    let differences: Vec<_> = [
        differs("instance type", |definition| definition.instance_type.as_ref()),
        differs("image", |definition| definition.image.as_ref()),
    ]
    .into_iter()
    .flatten()
    .collect();
    (!differences.is_empty()).then(|| {
        format!(
            "the two groups are no twins, they differ in their {}: a job may take longer on one, or not run there",
            differences.join(" and ")
        )
    })
}

fn price(wanted: &Wanted<'_>, spot: &Seen) -> Option<String> {
    let usd = |text: &str| text.parse::<f64>().ok();
    let [id, _] = wanted.names();
    let asked = spot.definition.max_price.as_deref()?;
    match wanted.max_price {
        None => Some(format!(
            "{id} asks for Spot at up to {asked} USD, and the spec has no `spot: max_price`, so that no price is a reason against trying: set `max_price: {asked}`"
        )),
        Some(wanted) if usd(asked)? < usd(wanted)? => Some(format!(
            "{id} asks for Spot at up to {asked} USD, and `spot: max_price` is {wanted}: EC2 refuses what lies between, so set both alike"
        )),
        Some(_) => None,
    }
}

fn protection(wanted: &Wanted<'_>, seen: &Seen, id: &str) -> Option<String> {
    match (wanted.protect, seen.group.protects) {
        (true, false) => Some(format!(
            "{id} does not protect new instances from scale-in, and `workers: protect` counts on it: a busy worker may be ended. Set NewInstancesProtectedFromScaleIn there"
        )),
        (false, true) => Some(format!(
            "{id} protects new instances from scale-in, so that they leave only when they drop it themselves; if they do, say `workers: protect: true`"
        )),
        _ => None,
    }
}

fn others(seen: &Seen, id: &str) -> Option<String> {
    let names: Vec<_> = seen.policies.iter().map(|policy| format!("{} ({})", policy.name, policy.kind)).collect();
    (!names.is_empty()).then(|| {
        format!(
            "{id} has scaling policies already: {}. What they do and what the SpotManager does cross each other, unless nothing executes them any more: remove them",
            names.join(", ")
        )
    })
}
