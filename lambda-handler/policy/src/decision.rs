//! What the rules say about a situation, reasons as data; the sentences are their `Display`.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::failure::FailureKind;
use crate::price::Price;
use crate::situation::Market;
use crate::units::{Seconds, Timestamp};

/// What to do, and why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// Workers that the jobs want, between base and max.
    pub need: u32,
    /// Instances that the Spot group should ask for.
    pub spot: u32,
    /// Instances that the On-Demand group should ask for.
    pub on_demand: u32,
    /// What makes it so: what is lowered before what is raised. Empty where the groups already ask for just that.
    pub actions: Vec<Action>,
    /// Why, in the order of the rules.
    pub reasons: Vec<Reason>,
    /// Each zone of the Spot group: whether Spot may be tried there, and its price. Empty where nothing depended on it.
    pub zones: Vec<ZoneVerdict>,
    /// How long demand had waited for Spot when On-Demand was asked instead.
    pub fallback_after: Option<Seconds>,
}

/// One change to one group. Both say the number wanted, not a difference, so that doing it twice is doing it once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// `ExecutePolicy` on the group's scale-up policy.
    ScaleUp {
        /// Which group.
        market: Market,
        /// The desired capacity wanted.
        to: u32,
    },
    /// `SetDesiredCapacity`: withdraws what was asked for and is not there, retires free workers, or keeps one that would go.
    SetDesired {
        /// Which group.
        market: Market,
        /// The desired capacity wanted.
        to: u32,
    },
}

impl Action {
    /// Which group it changes.
    pub fn market(self) -> Market {
        match self {
            Action::ScaleUp { market, .. } | Action::SetDesired { market, .. } => market,
        }
    }

    /// The desired capacity it wants.
    pub fn to(self) -> u32 {
        match self {
            Action::ScaleUp { to, .. } | Action::SetDesired { to, .. } => to,
        }
    }
}

/// Whether Spot may be tried in a zone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ZoneVerdict {
    /// The zone.
    pub zone: String,
    /// Its Spot price, where known.
    pub price: Option<Price>,
    /// The answer.
    pub verdict: Verdict,
}

/// Whether Spot may be tried, and if not, why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It is worth it.
    Open,
    /// It costs more than the policy's limit.
    Dear,
    /// Nobody knows what it costs.
    NoPrice,
    /// It was refused here a short while ago.
    Held {
        /// Why.
        because: FailureKind,
        /// When it may be tried again.
        until: Timestamp,
    },
}

/// A reason of a decision.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// No job waits and none is worked on.
    Idle,
    /// The workers there are, or on their way, are enough.
    Served {
        /// At work, or booting.
        live: u32,
        /// Asked for a moment ago.
        fresh: u32,
    },
    /// The queue cannot be read: what there is is kept, and one worker is made sure of if the alarm says that jobs wait.
    QueueUnreadable {
        /// What AWS said.
        why: String,
    },
    /// AWS has warned that it takes Spot Instances back within two minutes; they do not count as workers any more.
    Interrupted {
        /// Instances.
        count: u32,
    },
    /// Spot is worth it in these zones.
    SpotWorthIt {
        /// Zones that are open, the cheapest first.
        zones: Vec<String>,
    },
    /// No zone is open.
    NoZoneOpen {
        /// Each zone, and what closes it.
        zones: BTreeMap<String, Verdict>,
    },
    /// The Spot prices cannot be read, so Spot cannot be shown to be worth it.
    PricesUnreadable {
        /// What AWS said.
        why: String,
    },
    /// The Spot group's launches cannot be read: what it asks for and does not have counts as refused.
    LaunchesUnreadable {
        /// What AWS said.
        why: String,
    },
    /// Spot was refused; it is tried again after the hold.
    SpotRefused {
        /// Why, the last time.
        because: FailureKind,
        /// When it may be tried again.
        until: Timestamp,
    },
    /// Spot is refused, and patience is not over.
    WaitingForSpot {
        /// Until when demand waits.
        until: Timestamp,
    },
    /// The account's Spot quota is used up, in every zone.
    SpotQuota {
        /// When it may be tried again.
        until: Timestamp,
    },
    /// A group's Launch process is suspended: it launches nothing, whatever it is asked.
    LaunchSuspended {
        /// Which group.
        market: Market,
        /// AWS's reason.
        why: String,
    },
    /// The launch definition is wrong. Nothing is scaled, because the twin would fail as well.
    Misconfigured {
        /// Which group tried.
        market: Market,
        /// What is wrong.
        because: FailureKind,
        /// AWS's text.
        text: String,
        /// When it is tried again.
        until: Timestamp,
    },
    /// On-Demand is refused as well as Spot; the group goes on trying.
    OnDemandRefused {
        /// Why.
        because: FailureKind,
        /// AWS's text.
        text: String,
    },
    /// More is wanted than the groups may have.
    AtMax {
        /// Workers wanted and not to be had.
        missing: u32,
    },
    /// What a group had asked for and not got is taken back, or it would come on top later.
    Withdrawn {
        /// Which group.
        market: Market,
        /// Instances.
        count: u32,
    },
    /// Workers that were to leave when free are kept, because there are jobs again.
    Kept {
        /// Which group.
        market: Market,
        /// Instances.
        count: u32,
    },
    /// On-Demand workers make room for Spot, each as soon as it is free.
    Retired {
        /// Instances.
        count: u32,
    },
    /// Spot workers leave, each as soon as it is free: what AWS took back was replaced when it warned, and again when it was gone.
    ReplacedTwice {
        /// Instances.
        count: u32,
    },
    /// One Spot Instance is tried beside the On-Demand workers.
    Probe,
}

impl fmt::Display for Decision {
    /// What to do, in a line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.actions.is_empty() {
            return f.write_str("nothing to change");
        }
        for (index, action) in self.actions.iter().enumerate() {
            let verb = match action {
                Action::ScaleUp { .. } => "scale up",
                Action::SetDesired { .. } => "set",
            };
            let comma = if index == 0 { "" } else { ", " };
            write!(f, "{comma}{verb} {} to {}", action.market(), action.to())?;
        }
        Ok(())
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::Idle => f.write_str("no job waits and none is worked on; the idle alarm scales in"),
            Reason::Served { live, fresh: 0 } => write!(f, "{} enough", workers(*live, "is", "are")),
            Reason::Served { live, fresh } => write!(f, "{live} at work and {fresh} just asked for are enough"),
            Reason::QueueUnreadable { why } => write!(f, "the queue cannot be read ({why}); what runs is kept"),
            Reason::SpotWorthIt { zones } => write!(f, "Spot is worth it in {}", zones.join(", ")),
            Reason::Interrupted { count } => write!(
                f,
                "AWS takes {} back within two minutes",
                if *count == 1 { "1 Spot Instance".into() } else { format!("{count} Spot Instances") }
            ),
            Reason::NoZoneOpen { zones } => no_zone_open(zones, f),
            Reason::PricesUnreadable { why } => {
                write!(f, "the Spot prices cannot be read ({why}), so On-Demand serves")
            }
            Reason::LaunchesUnreadable { why } => {
                write!(f, "the Spot group's launches cannot be read ({why}); what it still waits for counts as refused")
            }
            Reason::SpotRefused { because, .. } => {
                write!(f, "Spot was refused ({}) and is on hold{}", because.words(), because.advice())
            }
            Reason::WaitingForSpot { .. } => f.write_str("Spot is refused, and demand may wait for it a little longer"),
            Reason::SpotQuota { .. } => f.write_str(
                "the account's Spot quota is used up; ask for more in Service Quotas. Spot is on hold in every zone",
            ),
            Reason::LaunchSuspended { market, why } => {
                write!(f, "the {market} group launches nothing: its Launch process is suspended ({why}). Resume it")
            }
            Reason::Misconfigured { market, because, text, .. } => {
                let (what, advice) = (because.words(), because.advice());
                write!(f, "{what}, so nothing is scaled: the {market} group was told «{text}»{advice}")
            }
            Reason::OnDemandRefused { because, text } => {
                let text = if text.is_empty() { because.words() } else { text };
                write!(f, "On-Demand is refused too: «{text}»{}", because.advice())
            }
            Reason::AtMax { missing } => write!(f, "{} wanted beyond the maximum", workers(*missing, "is", "are")),
            Reason::Withdrawn { market, count } => {
                write!(f, "{count} asked for of {market} and not delivered: withdrawn, or it would come on top later")
            }
            Reason::Kept { market, count } => {
                write!(f, "{count} {market} that would leave when free: kept, there are jobs")
            }
            Reason::Retired { count } => write!(f, "{count} On-Demand to leave when free, because Spot serves"),
            Reason::ReplacedTwice { count } => {
                write!(f, "{count} Spot to leave when free: what AWS took back has been replaced twice")
            }
            Reason::Probe => f.write_str("one Spot Instance is tried beside the On-Demand workers"),
        }
    }
}

/// «no Spot: too dear in eu-west-1a, eu-west-1b; on hold in eu-west-1c (no capacity)».
fn no_zone_open(zones: &BTreeMap<String, Verdict>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let mut closed: Vec<(String, &'static str, Vec<&str>)> = Vec::new();
    for (zone, verdict) in zones {
        let (words, because) = match verdict {
            Verdict::Held { because, .. } => ("on hold".into(), because.words()),
            other => (other.to_string(), ""),
        };
        match closed.iter_mut().find(|(known, why, _)| (known, *why) == (&words, because)) {
            Some((.., zones)) => zones.push(zone),
            None => closed.push((words, because, vec![zone])),
        }
    }
    if closed.is_empty() {
        return f.write_str("no Spot: its group has no zone");
    }
    for (index, (words, because, zones)) in closed.iter().enumerate() {
        let start = if index == 0 { "no Spot: " } else { "; " };
        write!(f, "{start}{words} in {}", zones.join(", "))?;
        if !because.is_empty() {
            write!(f, " ({because})")?;
        }
    }
    Ok(())
}

fn workers(count: u32, one: &str, many: &str) -> String {
    if count == 1 { format!("1 worker {one}") } else { format!("{count} workers {many}") }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Verdict::Open => f.write_str("worth it"),
            Verdict::Dear => f.write_str("too dear"),
            Verdict::NoPrice => f.write_str("no price known"),
            Verdict::Held { because, .. } => write!(f, "on hold: {}", because.words()),
        }
    }
}
