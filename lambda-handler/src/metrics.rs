//! A run as CloudWatch metrics, by the embedded metric format: a line of the log that CloudWatch reads, and no API call.
//! (CloudWatch user guide, «Specification: Embedded metric format».)
//!
//! A metric costs 0.30 USD for a month in which every hour has data, and its part of that for fewer hours; the first ten of
//! an account are free. A line for each look would make some nine metrics of every hour: 2.70 USD a month, where a pair is to
//! cost less than 1. So by default only a run that does or tells something writes one: a pair that turns on twenty hours of
//! a month costs 0.07. All numbers are in every record as well, for CloudWatch Logs Insights, which costs what it reads.

use std::str::FromStr;

use serde_json::{Map, Value, json};
use spot_policy::{FailureKind, Notice, Reason, Record, Tried, Trigger, Verdict};

/// The metrics' namespace.
pub const NAMESPACE: &str = "spotstack";

/// Which runs write metrics.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Metrics {
    /// None.
    Off,
    /// Those that changed something, or had something to tell.
    #[default]
    Changes,
    /// Every look: for charts without gaps.
    All,
}

impl FromStr for Metrics {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "off" => Ok(Self::Off),
            "changes" => Ok(Self::Changes),
            "all" => Ok(Self::All),
            _ => Err("expected `off`, `changes` or `all`".into()),
        }
    }
}

/// The line for a run of `function`; none where the run is not to write one.
///
/// `Decisions` is counted by its reason, the others by the function. What is not known has no value, and what has no value
/// is no metric in that hour.
pub fn line(metrics: Metrics, function: &str, record: &Record) -> Option<Value> {
    let wanted = match metrics {
        Metrics::Off => false,
        Metrics::Changes => !record.deeds.is_empty() || !record.launches.is_empty() || !record.notices.is_empty(),
        Metrics::All => true,
    };
    if !wanted || record.trigger == Trigger::Explain {
        return None;
    }
    let seen = &record.measures;
    let values = [
        ("Need", "Count", Some(json!(seen.need))),
        ("SpotLive", "Count", Some(json!(seen.spot))),
        ("OnDemandLive", "Count", Some(json!(seen.on_demand))),
        ("OnDemandShare", "Percent", seen.on_demand_share.map(|share| json!(share * 100.0))),
        ("UnservedSeconds", "Seconds", seen.unserved_seconds.map(|it| json!(it))),
        ("FallbackLatency", "Seconds", seen.fallback_seconds.map(|it| json!(it))),
        ("EstimatedSaving", "None", seen.saving_usd_per_hour.map(|usd| json!(usd))),
    ];
    let known = || values.iter().filter_map(|(name, unit, value)| Some((*name, *unit, value.as_ref()?)));
    let named: Vec<Value> = known().map(|(name, unit, _)| json!({"Name": name, "Unit": unit})).collect();
    let mut line = Map::new();
    line.insert(
        "_aws".into(),
        json!({
            "Timestamp": record.situation.now.0.saturating_mul(1_000),
            "CloudWatchMetrics": [
                {"Namespace": NAMESPACE, "Dimensions": [["FunctionName"]], "Metrics": named},
                {
                    "Namespace": NAMESPACE,
                    "Dimensions": [["FunctionName", "Reason"]],
                    "Metrics": [{"Name": "Decisions", "Unit": "Count"}]
                }
            ]
        }),
    );
    line.insert("FunctionName".into(), json!(function));
    line.insert("Reason".into(), json!(reason(record)));
    line.insert("Decisions".into(), json!(1));
    line.extend(known().map(|(name, _, value)| (name.to_owned(), value.clone())));
    Some(Value::Object(line))
}

/// Why a run decided as it did, in a word: a pair has few of them, because each is a metric. The dashboard has them all.
pub const REASONS: [&str; 13] = [
    "spot",
    "price",
    "refused",
    "quota",
    "both_refused",
    "configuration",
    "suspended",
    "interruption",
    "revert",
    "patience",
    "unreadable",
    "idle",
    "served",
];

/// The one word that says most about a run.
fn reason(record: &Record) -> &'static str {
    at_once(record).unwrap_or_else(|| decided(&record.decision.reasons))
}

/// What launching at once showed, where it was refused.
fn at_once(record: &Record) -> Option<&'static str> {
    if record.notices.contains(&Notice::BothRefused) {
        return Some("both_refused");
    }
    let refused = record.launches.iter().filter_map(Tried::kind).next()?;
    Some(match refused {
        kind if kind.is_configuration() => "configuration",
        FailureKind::SpotQuota | FailureKind::OnDemandQuota => "quota",
        _ => "refused",
    })
}

fn decided(reasons: &[Reason]) -> &'static str {
    let first = |word: fn(&Reason) -> Option<&'static str>| reasons.iter().find_map(word);
    let wrong = first(|reason| match reason {
        Reason::Misconfigured { .. } => Some("configuration"),
        Reason::OnDemandRefused { .. } => Some("both_refused"),
        Reason::LaunchSuspended { .. } => Some("suspended"),
        _ => None,
    });
    let refused = || {
        first(|reason| match reason {
            Reason::SpotQuota { .. } => Some("quota"),
            Reason::SpotRefused { .. } => Some("refused"),
            Reason::NoZoneOpen { zones } => Some(closed_by(zones.values())),
            Reason::PricesUnreadable { .. } | Reason::LaunchesUnreadable { .. } => Some("unreadable"),
            Reason::WaitingForSpot { .. } => Some("patience"),
            _ => None,
        })
    };
    let turned = || {
        first(|reason| match reason {
            Reason::Interrupted { .. } | Reason::ReplacedTwice { .. } => Some("interruption"),
            Reason::Probe | Reason::Retired { .. } => Some("revert"),
            Reason::SpotWorthIt { .. } => Some("spot"),
            Reason::Idle => Some("idle"),
            _ => None,
        })
    };
    wrong.or_else(refused).or_else(turned).unwrap_or("served")
}

/// Price, where no zone was refused; else refusal.
fn closed_by<'a>(mut verdicts: impl Iterator<Item = &'a Verdict>) -> &'static str {
    if verdicts.any(|verdict| matches!(verdict, Verdict::Held { .. })) { "refused" } else { "price" }
}

#[cfg(test)]
mod tests {
    use spot_policy::{
        Deed, Fact, Group, Launch, LaunchOutcome, Policy, PriceChange, Queue, Situation, Timestamp, decide,
    };

    use super::*;

    const NOW: i64 = 1_795_464_000;

    /// One job, and Spot refused with this text; or, without one, what the price says.
    fn record(refused: Option<&str>, usd: f64) -> Record {
        let launch = |text: &str| Launch {
            id: "1".into(),
            started: Timestamp(NOW - 40),
            ended: Some(Timestamp(NOW - 38)),
            zone: Some("a".into()),
            outcome: LaunchOutcome::Failed(text.into()),
        };
        let group =
            |launches| Group { max: 4, zones: vec!["a".into()], launches: Fact::Known(launches), ..Group::default() };
        let situation = Situation {
            now: Timestamp(NOW),
            queue: Fact::Known(Queue { visible: 1, in_flight: 0 }),
            spot: Group { desired: u32::from(refused.is_some()), ..group(refused.map(launch).into_iter().collect()) },
            on_demand: group(vec![]),
            prices: Fact::Known(vec![PriceChange { zone: "a".into(), at: Timestamp(0), usd }]),
            jobs_waiting_alarm: false,
        };
        let policy = Policy { max_price: Some(0.5), max: 4, ..Policy::default() };
        let decision = decide(&policy, &situation);
        let deeds = decision.actions.iter().map(|&action| Deed { action, error: None }).collect();
        Record::new(Trigger::Tick, policy, situation, decision, deeds, false)
    }

    #[test]
    fn a_fallback_is_a_line_that_cloudwatch_reads() {
        let line = line(Metrics::Changes, "gpu-SpotManager", &record(Some("InsufficientInstanceCapacity"), 0.25))
            .expect("a line");
        let count = |name| json!({"Name": name, "Unit": "Count"});
        let seconds = |name| json!({"Name": name, "Unit": "Seconds"});
        let expected = json!({
            "_aws": {
                "Timestamp": 1_795_464_000_000_i64,
                "CloudWatchMetrics": [
                    {
                        "Namespace": "spotstack",
                        "Dimensions": [["FunctionName"]],
                        "Metrics": [
                            count("Need"), count("SpotLive"), count("OnDemandLive"),
                            seconds("UnservedSeconds"), seconds("FallbackLatency"),
                            {"Name": "EstimatedSaving", "Unit": "None"}
                        ]
                    },
                    {"Namespace": "spotstack", "Dimensions": [["FunctionName", "Reason"]], "Metrics": [count("Decisions")]}
                ]
            },
            "FunctionName": "gpu-SpotManager", "Reason": "refused", "Decisions": 1,
            "Need": 1, "SpotLive": 0, "OnDemandLive": 0, "UnservedSeconds": 40, "FallbackLatency": 40,
            "EstimatedSaving": 0.0
        });
        assert_eq!(line, expected);
    }

    #[test]
    fn every_metric_that_is_named_has_a_number() {
        for record in [record(None, 0.25), record(None, 2.0), record(Some("x"), 0.25)] {
            let line = line(Metrics::All, "f", &record).expect("a line");
            let sets = line["_aws"]["CloudWatchMetrics"].as_array().expect("a list");
            for metric in sets.iter().flat_map(|set| set["Metrics"].as_array().expect("a list")) {
                let name = metric["Name"].as_str().expect("a name");
                assert!(line[name].is_number(), "{name} of {line}");
            }
            for dimension in sets.iter().flat_map(|set| set["Dimensions"][0].as_array().expect("a list")) {
                assert!(line[dimension.as_str().expect("a name")].is_string(), "{dimension} of {line}");
            }
        }
    }

    /// The blueprint is another package's, and the names in it are ours.
    #[test]
    fn the_dashboard_shows_what_is_written() {
        const DASHBOARD: &str = include_str!("../../blueprints/dashboard.yaml");
        let written = line(Metrics::All, "f", &record(Some("InsufficientInstanceCapacity"), 0.25)).expect("a line");
        let shown: Vec<&str> = DASHBOARD
            .lines()
            .filter_map(|line| line.trim().strip_prefix("[\"spotstack\", \"")?.split_once('"').map(|(name, _)| name))
            .collect();
        assert_eq!(shown, ["Decisions", "FallbackLatency", "UnservedSeconds"]);
        for name in shown {
            assert!(written[name].is_number(), "{name}");
        }
        let reasons = DASHBOARD.lines().filter_map(|line| {
            let line = line.trim();
            let first =
                line.strip_prefix("[\"spotstack\", \"Decisions\", \"FunctionName\", \"${Function}\", \"Reason\", \"");
            first.or_else(|| line.strip_prefix("[\"...\", \""))?.split_once('"').map(|(reason, _)| reason)
        });
        let mut reasons: Vec<&str> = reasons.collect();
        reasons.sort_unstable();
        let mut known = REASONS;
        known.sort_unstable();
        assert_eq!(reasons, known);
        // The queries read the record by its text.
        let record = serde_json::to_string(&record(None, 0.25)).expect("JSON");
        assert!(record.starts_with("{\"record\":") && record.contains("\"deeds\":[{\"action\""), "{record}");
        for part in ["\"saving_usd_per_hour\":", "\"actions\":[", "\"because\":["] {
            assert!(record.contains(part), "{part} of {record}");
        }
    }

    #[test]
    fn every_reason_is_one_of_the_list() {
        for (refused, usd) in [(None, 0.25), (None, 2.0), (Some("x"), 0.25), (Some("VcpuLimitExceeded"), 0.25)] {
            assert!(REASONS.contains(&reason(&record(refused, usd))));
        }
    }

    #[test]
    fn only_runs_that_do_something_are_worth_a_metric() {
        let acts = record(None, 0.25);
        let idle = Record { deeds: vec![], ..acts.clone() };
        let asked = Record { trigger: Trigger::Explain, ..acts.clone() };
        for (metrics, record, written) in [
            (Metrics::Off, &acts, false),
            (Metrics::Changes, &acts, true),
            (Metrics::Changes, &idle, false),
            (Metrics::Changes, &asked, false),
            (Metrics::All, &idle, true),
            (Metrics::All, &asked, false),
        ] {
            assert_eq!(line(metrics, "f", record).is_some(), written, "{metrics:?} {:?}", record.trigger);
        }
    }

    #[test]
    fn decisions_are_counted_by_what_says_most() {
        for (refused, usd, word) in [
            (None, 0.25, "spot"),
            (None, 2.0, "price"),
            (Some("InsufficientInstanceCapacity"), 0.25, "refused"),
            (Some("Max spot instance count exceeded"), 0.25, "quota"),
            (Some("The AMI ID 'ami-0' does not exist"), 0.25, "configuration"),
        ] {
            assert_eq!(reason(&record(refused, usd)), word);
        }
    }
}
