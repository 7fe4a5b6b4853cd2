//! What runs in the groups that an update reaches: said before it is done, because a running fallback is nothing to be surprised by.

use std::collections::BTreeMap;

use super::change_set::{Action, Change, Replacement};
use super::cloud::{Asked, Cloud, Group};
use super::fleet::Crew;
use super::request::PairName;
use super::text::count;
use crate::template::Template;

const GROUP: &str = "AWS::AutoScaling::AutoScalingGroup";

/// Both groups of a pair, as far as they are there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Running {
    pub(super) pair: String,
    pub(super) spot: Option<Group>,
    pub(super) on_demand: Option<Group>,
}

impl Running {
    fn groups(&self) -> impl Iterator<Item = &Group> {
        self.spot.iter().chain(&self.on_demand)
    }
}

/// Reads both groups of every pair, by the stack's outputs.
///
/// # Errors
/// AWS does not show them.
pub(super) async fn read(
    pairs: &[PairName<'_>],
    outputs: &BTreeMap<String, String>,
    cloud: &impl Cloud,
) -> Asked<Vec<Running>> {
    let named = |pair: &PairName<'_>, market: &str| outputs.get(&format!("{}{market}GroupName", pair.id)).cloned();
    let names: Vec<String> =
        pairs.iter().flat_map(|pair| [named(pair, "Spot"), named(pair, "OnDemand")]).flatten().collect();
    let found = cloud.groups(&names).await?;
    let group = |name: Option<String>| found.iter().find(|group| Some(&group.name) == name.as_ref()).cloned();
    let running = |pair: &PairName<'_>| Running {
        pair: pair.name.into(),
        spot: group(named(pair, "Spot")),
        on_demand: group(named(pair, "OnDemand")),
    };
    Ok(pairs.iter().map(running).collect())
}

/// Whether any of these changes reaches a group that is there.
pub(super) fn reaches_a_group(changes: &[Change]) -> bool {
    changes.iter().any(|change| change.resource_type == GROUP && change.action != Action::Add)
}

/// What is to be known of what runs before these changes are done.
pub(super) fn notes(
    running: &[Running],
    pairs: &[PairName<'_>],
    changes: &[Change],
    template: &Template,
) -> Vec<String> {
    let document = template.to_json();
    let mut notes = Vec::new();
    for (pair, running) in pairs.iter().zip(running) {
        if let Some(on_demand) = running.on_demand.as_ref().filter(|group| stands_in(group)) {
            let spot = running.spot.as_ref().map_or(0, |group| group.instances.len());
            notes.push(format!(
                "{}: a fallback is running: {} On-Demand stand in for Spot ({spot} Spot now). No update sets how many instances a group wants; the SpotManager goes on deciding that",
                pair.name,
                count(on_demand.instances.len(), "instance"),
            ));
        }
        for (market, group) in [("Spot", &running.spot), ("OnDemand", &running.on_demand)] {
            let id = format!("{}{market}Group", pair.id);
            let change = changes.iter().find(|change| change.logical_id == id);
            let (Some(group), Some(change)) = (group, change) else { continue };
            notes.extend(lost(group, &id, change, &document["Resources"][&id]["Properties"]["MaxSize"]));
        }
    }
    notes
}

/// Whether a group has more than it always has: somebody has scaled it.
fn stands_in(on_demand: &Group) -> bool {
    let least = usize::try_from(on_demand.min).unwrap_or(usize::MAX);
    on_demand.instances.len() > least
}

/// What a change of a group takes away of what runs in it.
fn lost(group: &Group, id: &str, change: &Change, most: &serde_json::Value) -> Option<String> {
    let runs = group.instances.len();
    if runs == 0 {
        return None;
    }
    let busy = group.instances.iter().filter(|instance| instance.protected).count();
    let busy = if busy > 0 { format!(", {busy} of them busy") } else { String::new() };
    let has = format!("{id} runs {}{busy}", count(runs, "instance"));
    if change.action == Action::Remove && !change.retained {
        return Some(format!("{has}: terminated, as the group goes"));
    }
    match change.replacement {
        Replacement::Always => Some(format!("{has}: terminated, as the group is replaced")),
        Replacement::Maybe => Some(format!("{has}: terminated, should the group be replaced")),
        Replacement::Never => {
            let most =
                most.as_u64().or_else(|| most.as_str()?.parse().ok()).and_then(|most| usize::try_from(most).ok())?;
            let gone = runs.checked_sub(most).filter(|gone| *gone > 0)?;
            Some(format!("{has}, and may have {most} then: {} terminated", count(gone, "instance")))
        }
    }
}

/// What runs in each group of a stack that is about to go.
pub(super) fn crews(groups: &[Group]) -> Vec<Crew> {
    let crew = |group: &Group| Crew {
        group: group.name.clone(),
        instances: group.instances.len(),
        protected: group.instances.iter().filter(|instance| instance.protected).count(),
    };
    groups.iter().map(crew).filter(|crew| crew.instances > 0).collect()
}

/// The groups in which something runs, each with whether it launches from a launch template.
pub(super) fn at_work(running: &[Running]) -> Vec<&Group> {
    running.iter().flat_map(Running::groups).filter(|group| !group.instances.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deploy::change_set::tests::change;
    use crate::deploy::cloud::Instance;

    fn group(name: &str, min: u32, busy: &[bool]) -> Group {
        let instance = |protected: &bool| Instance { protected: *protected, ..Instance::default() };
        Group { name: name.into(), min, instances: busy.iter().map(instance).collect(), ..Group::default() }
    }

    fn told(spot: &[bool], on_demand: (u32, &[bool]), change: Change) -> Vec<String> {
        let running = Running {
            pair: "gpu".into(),
            spot: Some(group("spot", 0, spot)),
            on_demand: Some(group("on-demand", on_demand.0, on_demand.1)),
        };
        let text = "Resources:\n  GpuSpotGroup:\n    Type: AWS::AutoScaling::AutoScalingGroup\n    Properties: {MaxSize: '1'}\n";
        let template = Template::new(text.into()).expect("a template");
        notes(&[running], &[PairName { name: "gpu", id: "Gpu" }], &[change], &template)
    }

    fn changed(replacement: Replacement) -> Change {
        Change { replacement, ..change(Action::Modify, "GpuSpotGroup", GROUP) }
    }

    #[test]
    fn a_running_fallback_is_named_and_a_base_is_none() {
        let notes = told(&[], (0, &[false, false]), changed(Replacement::Never));
        assert!(notes[0].starts_with("gpu: a fallback is running: 2 instances On-Demand"), "{notes:?}");
        assert_eq!(told(&[], (2, &[false, false]), changed(Replacement::Never)), [""; 0]);
        assert_eq!(told(&[], (0, &[]), changed(Replacement::Always)), [""; 0]);
    }

    #[test]
    fn what_is_terminated_is_said_before() {
        for (change, said) in [
            (
                changed(Replacement::Always),
                "GpuSpotGroup runs 2 instances, 1 of them busy: terminated, as the group is replaced",
            ),
            (
                changed(Replacement::Maybe),
                "GpuSpotGroup runs 2 instances, 1 of them busy: terminated, should the group be replaced",
            ),
            (
                changed(Replacement::Never),
                "GpuSpotGroup runs 2 instances, 1 of them busy, and may have 1 then: 1 instance terminated",
            ),
            (
                change(Action::Remove, "GpuSpotGroup", GROUP),
                "GpuSpotGroup runs 2 instances, 1 of them busy: terminated, as the group goes",
            ),
        ] {
            assert_eq!(told(&[true, false], (0, &[]), change), [said]);
        }
        assert_eq!(told(&[false], (0, &[]), changed(Replacement::Never)), [""; 0], "it may keep the one it has");
    }

    #[test]
    fn only_what_is_there_already_is_reached() {
        assert!(!reaches_a_group(&[change(Action::Add, "GpuSpotGroup", GROUP)]));
        assert!(!reaches_a_group(&[change(Action::Modify, "GpuQueue", "AWS::SQS::Queue")]));
        assert!(reaches_a_group(&[changed(Replacement::Never)]));
    }
}
