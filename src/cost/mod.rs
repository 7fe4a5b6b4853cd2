//! What a stack costs a month, besides its instances: line by line, from its template.
//!
//! A pure function of the template and the prices in `prices.json`, which says where each is from and what is assumed of a month:
//! a pair that is looked at all day, and turns on some hours. The free tier is an account's, so that of several pairs the first
//! uses it up for those after it; whatever else the account does is not known here.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::plan::{Pair, Plan};
use crate::spec::Architecture;

/// What a pair is to cost at most, in USD a month.
pub const AT_MOST: f64 = 1.0;

/// The prices that this spotstack knows.
pub static PRICES: LazyLock<Prices> = LazyLock::new(|| {
    // A part of this program; a test reads it.
    serde_json::from_str(include_str!("prices.json")).unwrap_or_default()
});

/// Prices, and what is assumed of a month.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prices {
    /// The Region that they are of.
    pub region: String,
    /// As of when.
    pub date: String,
    /// How sure they are.
    pub sure: String,
    /// What is assumed of a month.
    pub assumed: Assumed,
    /// By their names.
    pub items: BTreeMap<String, Item>,
}

/// What is assumed of a month.
#[derive(Debug, Clone, Copy, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Assumed {
    /// Hours in it.
    pub hours: f64,
    /// Alarms, failed launches and warnings that wake the SpotManager.
    pub events: f64,
    /// How long it runs each time.
    pub run_seconds: f64,
    /// What it writes to its log each time.
    pub log_bytes: f64,
    /// Hours in which it changes something, and so writes metrics.
    pub hours_of_change: f64,
    /// Metrics that it writes then.
    pub change_metrics: f64,
    /// Notices sent.
    pub emails: f64,
    /// The handler's zip.
    pub artifact_bytes: f64,
}

/// A price.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Item {
    /// USD a month.
    pub usd: f64,
    /// For so many.
    pub per: f64,
    /// Of what.
    pub unit: String,
    /// So many an account has free.
    pub free: f64,
    /// AWS's page.
    pub source: String,
}

/// One line of a bill.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Line {
    /// The price's name in `prices.json`.
    pub item: &'static str,
    /// What it is for.
    pub what: &'static str,
    /// How many.
    pub quantity: f64,
    /// Of what.
    pub unit: String,
    /// USD a month.
    pub usd: f64,
    /// The same where the account's free tier is left for this stack.
    pub usd_with_free_tier: f64,
}

/// What a pair costs a month, besides its instances.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Bill {
    /// The pair's name.
    pub pair: String,
    /// The dearest first.
    pub lines: Vec<Line>,
    /// All together.
    pub usd: f64,
    /// The same where the account's free tier is left for this stack.
    pub usd_with_free_tier: f64,
}

/// The bills of all pairs, in the plan's order. `document` is the template with its short forms written out.
pub fn bills(plan: &Plan, document: &Value) -> Vec<Bill> {
    let mut used = BTreeMap::new();
    let mut resources = resources(plan, document);
    plan.pairs
        .iter()
        .map(|pair| bill(pair, &resources.remove(pair.id.as_str()).unwrap_or_default(), &mut used))
        .collect()
}

/// Each pair's resources, by the prefix of its ids. A resource is the pair's whose id its own begins with; of several the longest.
fn resources<'a>(plan: &'a Plan, document: &'a Value) -> BTreeMap<&'a str, Resources<'a>> {
    let mut by_pair = BTreeMap::<&str, Resources<'_>>::new();
    for (id, resource) in document["Resources"].as_object().into_iter().flatten() {
        let owners = plan.pairs.iter().filter(|pair| id.starts_with(&pair.id));
        if let Some(owner) = owners.max_by_key(|pair| pair.id.len()) {
            let kind = resource["Type"].as_str().unwrap_or_default();
            by_pair.entry(&owner.id).or_default().0.push((kind, &resource["Properties"]));
        }
    }
    by_pair
}

fn bill(pair: &Pair, of_pair: &Resources<'_>, used: &mut BTreeMap<&'static str, f64>) -> Bill {
    let assumed = PRICES.assumed;
    let (standard, high_resolution) = of_pair.alarm_metrics();
    let ticks = of_pair.ticks_an_hour() * assumed.hours;
    let runs = ticks + assumed.events;
    let architecture = match pair.manager.architecture {
        Architecture::X86_64 => "function_gb_second_x86_64",
        Architecture::Arm64 => "function_gb_second_arm64",
    };
    // A metric costs its part of the month: the hours in which it has data.
    let hours_of_metrics = match of_pair.metrics() {
        Some("off") => 0.0,
        Some("all") => assumed.hours,
        _ => assumed.hours_of_change,
    };
    let quantities: [(&'static str, &'static str, f64); 14] = [
        ("alarm_metric", "alarms, by metric", standard),
        ("high_resolution_alarm_metric", "alarms that look more often than each minute", high_resolution),
        ("function_request", "the SpotManager's runs", runs),
        (architecture, "the SpotManager's time", runs * assumed.run_seconds * f64::from(pair.manager.memory) / 1024.0),
        ("log_gb", "its log", runs * assumed.log_bytes / 1e9),
        ("custom_metric", "its metrics", assumed.change_metrics * hours_of_metrics / assumed.hours),
        ("queue_request", "its looks at the queue", runs),
        ("event", "tick and events", runs),
        ("notification", "alarms that wake it", assumed.events),
        ("email", "notices", if of_pair.sends_emails() { assumed.emails } else { 0.0 }),
        ("stored_gb", "the handler in S3", assumed.artifact_bytes / 1e9),
        ("dashboard", "dashboard", of_pair.count("AWS::CloudWatch::Dashboard")),
        ("kms_key", "KMS keys", of_pair.count("AWS::KMS::Key")),
        ("custom_metric", "metrics made from logs", of_pair.count("AWS::Logs::MetricFilter")),
    ];
    let lines = quantities.into_iter().filter(|(_, _, quantity)| *quantity > 0.0);
    let mut lines: Vec<_> = lines.filter_map(|(item, what, quantity)| line(item, what, quantity, used)).collect();
    lines.sort_by(|a, b| b.usd.total_cmp(&a.usd));
    Bill {
        pair: pair.name.clone(),
        usd: lines.iter().map(|line| line.usd).sum(),
        usd_with_free_tier: lines.iter().map(|line| line.usd_with_free_tier).sum(),
        lines,
    }
}

fn line(item: &'static str, what: &'static str, quantity: f64, used: &mut BTreeMap<&'static str, f64>) -> Option<Line> {
    let price = PRICES.items.get(item)?;
    // Both processors share one free allowance.
    let allowance = if item.starts_with("function_gb_second") { "function_gb_second" } else { item };
    let used = used.entry(allowance).or_default();
    let beyond = (quantity - (price.free - *used).max(0.0)).max(0.0);
    *used += quantity;
    let usd = |quantity: f64| quantity * price.usd / price.per;
    let unit = price.unit.clone();
    Some(Line { item, what, quantity, unit, usd: usd(quantity), usd_with_free_tier: usd(beyond) })
}

/// The resources of a pair: type and properties.
#[derive(Default)]
struct Resources<'a>(Vec<(&'a str, &'a Value)>);

impl<'a> Resources<'a> {
    fn of(&self, kind: &'static str) -> impl Iterator<Item = &'a Value> {
        self.0.iter().filter(move |(other, _)| *other == kind).map(|&(_, properties)| properties)
    }

    fn count(&self, kind: &'static str) -> f64 {
        self.of(kind).count() as f64
    }

    /// The metrics of alarms: those of each minute, and those of fewer seconds.
    fn alarm_metrics(&self) -> (f64, f64) {
        let (mut standard, mut high_resolution) = (0, 0);
        for alarm in self.of("AWS::CloudWatch::Alarm") {
            let stats = alarm["Metrics"].as_array().map(|metrics| metrics.iter().filter_map(|it| it.get("MetricStat")));
            let periods: Vec<&Value> = match stats {
                Some(stats) => stats.map(|stat| &stat["Period"]).collect(),
                None => vec![&alarm["Period"]],
            };
            for period in periods {
                let period = period.as_u64().or_else(|| period.as_str()?.parse().ok()).unwrap_or(60);
                *(if period < 60 { &mut high_resolution } else { &mut standard }) += 1;
            }
        }
        (f64::from(standard), f64::from(high_resolution))
    }

    /// How often its rules look by the clock.
    fn ticks_an_hour(&self) -> f64 {
        let every = |rule: &Value| {
            let rate = rule["ScheduleExpression"].as_str()?.strip_prefix("rate(")?.strip_suffix(')')?;
            let (number, unit) = rate.split_once(' ')?;
            let minutes = match unit.trim_end_matches('s') {
                "minute" => 1.0,
                "hour" => 60.0,
                "day" => 1_440.0,
                _ => return None,
            };
            number.parse::<f64>().ok().filter(|number| *number > 0.0).map(|number| 60.0 / (number * minutes))
        };
        self.of("AWS::Events::Rule").filter_map(every).sum()
    }

    /// Which runs write metrics, where its function is told so.
    fn metrics(&self) -> Option<&'a str> {
        self.of("AWS::Lambda::Function").find_map(|it| it["Environment"]["Variables"]["METRICS"].as_str())
    }

    fn sends_emails(&self) -> bool {
        self.of("AWS::SNS::Subscription").any(|subscription| subscription["Protocol"] == "email")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blueprint::{self, Blueprints};
    use crate::spec;
    use crate::template::Template;

    fn planned(text: &str) -> (Plan, Template) {
        edited(text, |template| template)
    }

    fn edited(text: &str, edit: impl Fn(String) -> String) -> (Plan, Template) {
        let spec = spec::parse(text, None).unwrap_or_else(|error| panic!("{error:?}"));
        let plan = Plan::new(&spec, "spotstack.yaml");
        let mut rendered = blueprint::render(&plan, &Blueprints::default()).expect("a template");
        rendered.text = edit(rendered.text);
        (plan, Template::unverified(rendered).expect("a template"))
    }

    const SPEC: &str = "
stack: media
network: {subnets: [subnet-0a1b2c3d4e5f60001], security_groups: [sg-0a1b2c3d4e5f60001]}
pairs:
  gpu:
    queue: {name: jobs}
    launch: {instance_type: g5.2xlarge, image: ami-0123456789abcdef0}
";

    fn usd(bill: &Bill, what: &str) -> f64 {
        let line = bill.lines.iter().find(|line| line.what == what);
        line.unwrap_or_else(|| panic!("no {what} in {bill:?}")).usd
    }

    #[test]
    fn every_price_has_a_source() {
        let prices: Prices = serde_json::from_str(include_str!("prices.json")).expect("prices");
        for (name, item) in &prices.items {
            assert!(item.usd >= 0.0 && item.per > 0.0 && item.free >= 0.0, "{name}");
            assert!(item.source.starts_with("https://aws.amazon.com/"), "{name}");
        }
        assert!(prices.assumed.hours == 730.0 && !prices.date.is_empty() && !prices.sure.is_empty());
    }

    #[test]
    fn a_pair_costs_less_than_a_dollar() {
        let (plan, template) = planned(SPEC);
        let bills = bills(&plan, &template.to_json());
        let [bill] = &bills[..] else { panic!("{bills:?}") };
        assert!((usd(bill, "alarms, by metric") - 0.3).abs() < 1e-9);
        // 43,800 looks and 2,000 events.
        assert!((usd(bill, "the SpotManager's runs") - 45_800.0 * 0.2e-6).abs() < 1e-9);
        assert!((usd(bill, "the SpotManager's time") - 45_800.0 * 0.2 / 8.0 * 16.6667e-6).abs() < 1e-9);
        assert!((usd(bill, "its metrics") - 2.7 * 20.0 / 730.0).abs() < 1e-9);
        assert!(bill.usd > 0.3 && bill.usd < AT_MOST, "{bill:?}");
        assert!(bill.usd_with_free_tier < 0.001, "{bill:?}");
        assert!(bill.lines.is_sorted_by(|a, b| a.usd >= b.usd));
    }

    #[test]
    fn looking_less_often_costs_less() {
        let (plan, template) = planned(SPEC);
        let often = bills(&plan, &template.to_json())[0].usd;
        let (plan, template) = planned(&SPEC.replace("    queue:", "    manager: {reconcile: 0s}\n    queue:"));
        let seldom = &bills(&plan, &template.to_json())[0];
        assert!(seldom.usd < often);
        assert!((usd(seldom, "the SpotManager's runs") - 2_000.0 * 0.2e-6).abs() < 1e-9);
    }

    #[test]
    fn the_free_tier_is_used_up_by_the_first() {
        let four: String = ["a", "b", "c", "d"]
            .map(|name| {
                format!("  {name}:\n    queue: {{name: {name}}}\n    launch: {{instance_type: g5.2xlarge, image: ami-0123456789abcdef0}}\n")
            })
            .concat();
        let (plan, template) = planned(&format!("{}{four}", SPEC.split("  gpu").next().expect("a head")));
        let alarms: Vec<_> = bills(&plan, &template.to_json())
            .iter()
            .map(|bill| bill.lines.iter().find(|line| line.item == "alarm_metric").map(|line| line.usd_with_free_tier))
            .collect();
        // Ten metrics are free, and each pair has three.
        assert_eq!(alarms[..3], [Some(0.0); 3]);
        assert!((alarms[3].expect("alarms") - 0.2).abs() < 1e-9);
    }

    #[test]
    fn what_a_blueprint_adds_is_counted() {
        let more = "
  GpuDashboard: {Type: 'AWS::CloudWatch::Dashboard'}
  GpuKey: {Type: 'AWS::KMS::Key'}
  GpuFast: {Type: 'AWS::CloudWatch::Alarm', Properties: {Period: 10}}
  GpuNotices: {Type: 'AWS::SNS::Subscription', Properties: {Protocol: email}}
";
        let (plan, template) = edited(SPEC, |text| text.replacen("\nResources:\n", &format!("\nResources:{more}"), 1));
        let bill = &bills(&plan, &template.to_json())[0];
        assert_eq!((usd(bill, "dashboard"), usd(bill, "KMS keys")), (3.0, 1.0));
        assert!((usd(bill, "alarms that look more often than each minute") - 0.3).abs() < 1e-9);
        assert!((usd(bill, "notices") - 0.002).abs() < 1e-9);
    }
}
