//! One run of the SpotManager as one line of its log, which is also a line of the simulator's input.

use serde::{Deserialize, Serialize};

use crate::decision::{Action, Decision};
use crate::launching::Tried;
use crate::measures::Measures;
use crate::notice::Notice;
use crate::policy::Policy;
use crate::situation::{Market, Situation};

/// What woke the SpotManager. It is recorded, and decides nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trigger {
    /// The jobs-waiting alarm changed its state.
    Alarm {
        /// `AlarmName`.
        name: String,
        /// `NewStateValue`: `ALARM`, `OK` or `INSUFFICIENT_DATA`.
        state: String,
    },
    /// A group could not launch an instance.
    LaunchFailed {
        /// `AutoScalingGroupName`.
        group: String,
        /// `ActivityId` of the failed launch, where the event says it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        activity: Option<String>,
    },
    /// AWS will take a Spot Instance back in two minutes.
    Interruption {
        /// The instance.
        instance: String,
    },
    /// The regular look.
    Tick,
    /// Somebody asks what would be done; nothing is.
    Explain,
}

/// One run: what was seen, what follows from it, what was done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The version of this schema, 1. A field may be added; one that changes its meaning makes a new version.
    pub record: u32,
    /// What woke us.
    pub trigger: Trigger,
    /// The rules' knobs at the time.
    pub policy: Policy,
    /// The facts.
    pub situation: Situation,
    /// What follows.
    pub decision: Decision,
    /// The reasons again, as sentences.
    pub because: Vec<String>,
    /// What was done about it; empty in a dry run.
    pub deeds: Vec<Deed>,
    /// What was launched at once, zone by zone, where groups are scaled up so.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub launches: Vec<Tried>,
    /// Whether this run was not to change anything.
    pub dry_run: bool,
    /// The run in numbers.
    #[serde(default)]
    pub measures: Measures,
    /// What somebody should hear of without looking; told by this run only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notices: Vec<Notice>,
    /// What came of telling somebody; absent where there was nothing to tell, or nobody to tell it to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told: Option<Told>,
}

impl Record {
    /// The version of the schema that is written.
    pub const VERSION: u32 = 1;

    /// The record of a run; its sentences, numbers and notices follow from the rest.
    pub fn new(
        trigger: Trigger,
        policy: Policy,
        situation: Situation,
        decision: Decision,
        deeds: Vec<Deed>,
        dry_run: bool,
    ) -> Self {
        let because = decision.reasons.iter().map(ToString::to_string).collect();
        let measures = Measures::of(&policy, &situation, &decision);
        let record = Self::VERSION;
        let mut record = Self {
            record,
            trigger,
            policy,
            situation,
            decision,
            because,
            deeds,
            launches: Vec::new(),
            dry_run,
            measures,
            notices: Vec::new(),
            told: None,
        };
        record.notices = Notice::of(&record);
        record
    }

    /// The record of a run that also launched at once.
    #[must_use]
    pub fn with_launches(mut self, launches: Vec<Tried>) -> Self {
        self.because.extend(launches.iter().map(ToString::to_string));
        self.launches = launches;
        if self.fell_back_at_once() {
            self.measures.fallback_seconds = Some(0);
        }
        self.notices = Notice::of(&self);
        self
    }

    /// Whether Spot refused in this very run, and On-Demand was asked instead.
    fn fell_back_at_once(&self) -> bool {
        let of = |market| self.launches.iter().filter(move |tried| tried.market == market);
        let wanted_spot =
            self.decision.actions.iter().any(|action| matches!(action, Action::ScaleUp { market: Market::Spot, .. }));
        wanted_spot && of(Market::Spot).any(|tried| !tried.refused.is_empty()) && of(Market::OnDemand).next().is_some()
    }
}

/// What came of telling somebody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// The topic's ARN.
    pub topic: String,
    /// Why AWS did not take it, if it did not.
    pub error: Option<String>,
}

/// An action, and what AWS made of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Deed {
    /// What was asked.
    pub action: Action,
    /// Why AWS refused, if it did.
    pub error: Option<String>,
}
