//! One market of a pair.

use serde::Serialize;

use super::Groups;

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

impl Market {
    pub(super) fn new(spot: bool, min: u32, groups: Option<&Groups>) -> Self {
        let group = groups.map(|groups| if spot { &groups.spot } else { &groups.on_demand });
        Self {
            id: if spot { "Spot" } else { "OnDemand" },
            words: if spot { "Spot" } else { "On-Demand" },
            spot,
            max_price: None,
            min,
            group_name: group.filter(|_| groups.is_some_and(|groups| groups.stack.is_none())).cloned(),
            group_words: groups.zip(group).map(|(groups, group)| groups.words(group)),
        }
    }
}
