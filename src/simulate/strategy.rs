//! What people do today about Spot, beside the SpotManager.
//!
//! All of them want as many workers as the SpotManager does, look as often, and scale in by the same idle alarm; what differs
//! is only which market they ask. So they are a little better here than many are at home.

use serde::Serialize;
use spot_policy::{Market, Policy};

use super::manager::Look;
use super::world::{Wake, World, index};

/// Who decides which market is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Strategy {
    /// The SpotManager's own rules, with the policy of the spec.
    Spotstack,
    /// Never Spot.
    OnDemand,
    /// Never On-Demand, beyond the base.
    SpotOnly,
    /// The rule of 2016 that began it all: when the jobs-waiting alarm goes off and no Spot worker is there, one is asked for if
    /// the cheapest zone's plain mean over the hour is 15 % below the max price. Nothing falls back.
    Article,
    /// Half of the workers beyond the base of each kind, whatever happens: an Auto Scaling group's `MixedInstancesPolicy`.
    FixedRatio,
    /// Spot that has not come after 15 minutes is asked of On-Demand, and Spot is left alone for 5 minutes, twice as long after
    /// each further time, up to 30: as the Kubernetes cluster-autoscaler does by default. Nothing reverts.
    After15Minutes,
    /// The first refusal turns everything to On-Demand, until somebody remembers.
    NeverRevert,
}

/// How long the cluster-autoscaler waits for a node: `--max-node-provision-time`.
const PROVISION: i64 = 15 * 60;
/// And how long it then leaves a group alone: `--initial-node-group-backoff-duration`, `--max-node-group-backoff-duration`.
const BACKOFF: i64 = 5 * 60;
const MAX_BACKOFF: i64 = 30 * 60;

impl Strategy {
    /// All, the SpotManager first.
    pub const ALL: [Strategy; 7] = [
        Strategy::Spotstack,
        Strategy::OnDemand,
        Strategy::SpotOnly,
        Strategy::Article,
        Strategy::FixedRatio,
        Strategy::After15Minutes,
        Strategy::NeverRevert,
    ];

    /// Its name on the command line and in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Strategy::Spotstack => "spotstack",
            Strategy::OnDemand => "on_demand",
            Strategy::SpotOnly => "spot_only",
            Strategy::Article => "article",
            Strategy::FixedRatio => "fixed_ratio",
            Strategy::After15Minutes => "after_15_minutes",
            Strategy::NeverRevert => "never_revert",
        }
    }

    /// A few words for a table.
    pub fn words(self) -> &'static str {
        match self {
            Strategy::Spotstack => "spotstack",
            Strategy::OnDemand => "always On-Demand",
            Strategy::SpotOnly => "Spot only",
            Strategy::Article => "the article's rule",
            Strategy::FixedRatio => "half Spot, fixed",
            Strategy::After15Minutes => "fall back after 15m",
            Strategy::NeverRevert => "never back to Spot",
        }
    }

    /// Whether it asks On-Demand only because Spot is not to be had.
    pub fn falls_back(self) -> bool {
        matches!(self, Strategy::Spotstack | Strategy::After15Minutes | Strategy::NeverRevert)
    }

    /// Whether it asks Spot again after it has turned to On-Demand.
    pub(crate) fn returns(self) -> bool {
        self != Strategy::NeverRevert
    }

    /// Whether it looks without being woken.
    pub(crate) fn looks_regularly(self) -> bool {
        self != Strategy::Article
    }

    pub(crate) fn look(self, memory: &mut Memory, world: &World<'_>, wake: Wake) -> Look {
        let [spot, on_demand] = &world.groups;
        let policy = world.policy;
        let (need, _) = world.demand();
        let asked = spot.desired + on_demand.desired;
        let missing = need.saturating_sub(asked);
        let mut look = Look { looked: true, ..Look::default() };
        match self {
            Strategy::Spotstack => {}
            Strategy::OnDemand => look.raise(world, Market::OnDemand, missing),
            Strategy::SpotOnly => look.raise(world, Market::Spot, missing),
            Strategy::Article => {
                let worth_it = || plain_mean(world).is_some_and(|usd| usd <= 0.85 * bid(world, policy));
                if wake == Wake::Alarm && spot.listed() == 0 && worth_it() {
                    look.raise(world, Market::Spot, 1);
                }
            }
            Strategy::FixedRatio => {
                let all = asked.max(need);
                let wanted = policy.base + all.saturating_sub(policy.base).div_ceil(2);
                let on_demand = missing.min(wanted.saturating_sub(on_demand.desired));
                look.raise(world, Market::OnDemand, on_demand);
                look.raise(world, Market::Spot, missing - on_demand);
            }
            Strategy::After15Minutes => {
                let short = spot.desired.saturating_sub(spot.listed());
                if short == 0 {
                    memory.short_since = None;
                }
                let since = *memory.short_since.get_or_insert(world.now);
                if short > 0 && world.now - since >= PROVISION {
                    memory.backoff = if memory.backoff == 0 { BACKOFF } else { (2 * memory.backoff).min(MAX_BACKOFF) };
                    memory.until = world.now + memory.backoff;
                    memory.short_since = None;
                    look.asks.push((Market::Spot, spot.listed()));
                    look.raise(world, Market::OnDemand, need.saturating_sub(spot.listed() + on_demand.desired));
                } else {
                    let market = if world.now < memory.until { Market::OnDemand } else { Market::Spot };
                    look.raise(world, market, missing);
                    if short == 0 {
                        memory.short_since = None;
                    } else {
                        look.again = Some(since + PROVISION);
                    }
                }
            }
            Strategy::NeverRevert => {
                memory.turned |= wake == Wake::LaunchFailed || spot.desired > spot.listed() && memory.refused(world);
                if memory.turned {
                    if spot.desired > spot.listed() {
                        look.asks.push((Market::Spot, spot.listed()));
                    }
                    look.raise(world, Market::OnDemand, need.saturating_sub(spot.listed() + on_demand.desired));
                } else {
                    look.raise(world, Market::Spot, missing);
                }
            }
        }
        look
    }
}

impl Look {
    fn raise(&mut self, world: &World<'_>, market: Market, more: u32) {
        if more > 0 {
            self.asks.push((market, world.groups[index(market)].desired + more));
        }
    }
}

/// What a strategy remembers.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    short_since: Option<i64>,
    backoff: i64,
    until: i64,
    turned: bool,
}

impl Memory {
    /// Whether the last launch of the Spot group brought nothing; the message about it may be lost.
    fn refused(&self, world: &World<'_>) -> bool {
        world.groups[index(Market::Spot)]
            .attempts
            .last()
            .is_some_and(|last| last.result != super::world::Tried::Launched)
    }
}

fn bid(world: &World<'_>, policy: &Policy) -> f64 {
    policy.max_price.unwrap_or(world.scenario.on_demand.usd())
}

/// The lowest of the zones' plain means of the changes within the hour and the one in force before.
fn plain_mean(world: &World<'_>) -> Option<f64> {
    let start = world.now - 3_600;
    let means = (0..world.scenario.zones.len()).filter_map(|zone| {
        let changes = &world.scenario.prices.of(zone)[..world.prices.taken(zone)];
        let from = changes.partition_point(|&(at, _)| at <= start).saturating_sub(1);
        let seen = &changes[from..];
        (!seen.is_empty()).then(|| seen.iter().map(|(_, price)| price.usd()).sum::<f64>() / seen.len() as f64)
    });
    means.min_by(f64::total_cmp)
}
