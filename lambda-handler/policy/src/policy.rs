//! What the team wants: the thresholds that choose between Spot and On-Demand.

use serde::{Deserialize, Serialize};

use crate::units::{Percent, Seconds};

/// How long a launch may take to succeed or fail before its silence counts as a refusal. AWS answers within seconds; the old
/// Spot-request path may wait for ever without failing.
pub const ANSWER: Seconds = Seconds(90);

/// How long a Spot Instance that AWS has warned it takes back is listed as in service: two minutes, and until its group notices.
pub const LISTED: Seconds = Seconds::minutes(5);

/// The longest pause between two looks that a short `hold` is proof against.
const LOOK: Seconds = Seconds::minutes(5);

/// The rules' knobs, named as in the spec.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Policy {
    /// What an instance-hour of Spot may cost, in USD: the Spot group's own max price. `None`: the On-Demand price, which
    /// AWS then caps at by itself, so that no price is a reason against Spot.
    pub max_price: Option<f64>,
    /// How far below the max price Spot must be to be worth it: less headroom, more interruptions.
    pub headroom: Percent,
    /// Over how long the Spot price is averaged.
    pub window: Seconds,
    /// How long demand may wait for Spot that is refused before On-Demand is tried. A price that is too high, a quota and a
    /// suspended group are not waited for: nothing says that they pass.
    pub patience: Seconds,
    /// How long a zone is skipped after it refused or took an instance back, and Spot altogether after a quota error. No
    /// shorter than patience; see [`Policy::held_for`].
    pub hold: Seconds,
    /// When On-Demand workers make room for Spot again.
    pub revert: Revert,
    /// Workers of both groups together, at most.
    pub max: u32,
    /// On-Demand workers that are always on.
    pub base: u32,
    /// Jobs that one worker is worth; at least one.
    pub jobs_per_worker: u32,
    /// Whether busy workers are protected from scale-in, so that lowering a group ends free workers only.
    pub protect: bool,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            max_price: None,
            headroom: "15%".parse().unwrap_or_default(),
            window: Seconds::minutes(60),
            patience: Seconds(0),
            hold: Seconds::minutes(10),
            revert: Revert::Idle,
            max: 1,
            base: 0,
            jobs_per_worker: 1,
            protect: false,
        }
    }
}

impl Policy {
    /// What Spot may cost to be worth it, in USD per instance-hour; `None` where no price is a reason against it.
    pub fn limit(&self) -> Option<f64> {
        self.max_price.map(|max_price| max_price * (1.0 - self.headroom.fraction()))
    }

    /// How long a refusal is remembered: `hold`, and no shorter than patience and a look after it, or what was refused would
    /// be forgotten while demand still waits for it, and it would wait for ever.
    pub fn held_for(&self) -> Seconds {
        if self.patience == Seconds(0) {
            return self.hold;
        }
        self.hold.max(Seconds(self.patience.0.saturating_add(LOOK.0)))
    }

    /// How far back a launch or an interruption can matter to a decision.
    pub fn look_back(&self) -> Seconds {
        let demand = Seconds(self.held_for().0.saturating_add(self.patience.0)).max(ANSWER);
        match self.revert {
            Revert::After(after) => demand.max(after).max(LISTED),
            Revert::Idle => demand,
        }
    }
}

/// When On-Demand workers leave.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Revert {
    /// With all others, when the queue is idle.
    #[default]
    Idle,
    /// One by one: this long after the last failure Spot is tried again, and each success retires one free On-Demand worker.
    /// Only where `protect` keeps busy workers.
    After(Seconds),
}

impl std::fmt::Display for Revert {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Revert::Idle => f.write_str("idle"),
            Revert::After(seconds) => seconds.fmt(f),
        }
    }
}

impl std::str::FromStr for Revert {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "idle" => Ok(Revert::Idle),
            _ => text
                .parse()
                .map(Revert::After)
                .map_err(|_| format!("`{text}` is neither `idle` nor a duration such as `30m`")),
        }
    }
}

crate::units::as_string!(Revert, "`idle` or a duration such as `30m`");
