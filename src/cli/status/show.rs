//! A status for people.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};

use dialoguer::console::Style;
use spot_policy::{Fact, Group, Market, Record, Timestamp};

use super::{Handler, PairAlarm, PairStatus, Prices, Status, Works};
use crate::cli::style::{Paint, folding};
use crate::deploy::stack::StackStatus;
use crate::deploy::text::{count, moment};
use crate::neutral::neutral;

/// Where the second column begins.
const MARGIN: usize = 13;

/// What the SpotManager says of a group that is gone.
const NO_GROUP: &str = "there is no Auto Scaling group";

/// The whole page, safe to print; folded where it is said how wide it may be.
pub(super) fn text(status: &Status, paint: Paint, columns: Option<usize>) -> String {
    let mut page = Lines { lines: vec![], paint, columns };
    page.folded("", "  ", Style::new(), &head(status));
    if let Some(reason) = &status.reason {
        page.folded("  ", "  ", Style::new(), reason);
    }
    for (id, state) in &status.at_work {
        page.folded("  ", "    ", Style::new(), &format!("at work: {id} {state}"));
    }
    for pair in &status.pairs {
        page.lines.push(String::new());
        page.pair(pair);
    }
    page.lines.join("\n")
}

fn head(status: &Status) -> String {
    let mut head = format!("{} in {}, account {}: ", status.stack, status.region, status.account);
    let Some(state) = &status.status else { return head + "not deployed" };
    head.push_str(state);
    let state = StackStatus(state.clone());
    if !state.is_deployed() && !state.is_in_progress() {
        let _ = write!(head, " ({})", state.meaning());
    }
    if let Some(since) = status.since {
        let _ = write!(head, " since {}", moment(Timestamp(since)));
    }
    head
}

/// Lines in two columns, the second of which goes on below itself.
struct Lines {
    lines: Vec<String>,
    paint: Paint,
    columns: Option<usize>,
}

impl Lines {
    /// A text behind its head, folded under itself.
    fn folded(&mut self, head: &str, margin: &str, style: Style, text: &str) {
        let text = neutral(text);
        let room = self.columns.map(|columns| columns.saturating_sub(margin.len()).max(MARGIN));
        let lines = room.map_or_else(|| vec![text.as_ref().into()], |room| textwrap::wrap(&text, folding(room)));
        for (index, line) in lines.iter().enumerate() {
            let before = if index == 0 { head } else { margin };
            self.lines.push(format!("{before}{}", self.paint.text(style.clone(), line)).trim_end().into());
        }
    }

    fn row(&mut self, title: &str, text: &str) {
        self.styled(title, Style::new(), text);
    }

    fn styled(&mut self, title: &str, style: Style, text: &str) {
        self.folded(&format!("  {title:<10} "), &" ".repeat(MARGIN), style, text);
    }

    fn pair(&mut self, pair: &PairStatus) {
        let works = pair.works.zip(pair.record.as_deref()).map(|(works, record)| works_words(works, record));
        let name = self.paint.text(Style::new().bold(), &pair.pair);
        self.lines.push(works.map_or(name.clone(), |works| format!("{name}: {works}")));
        if let Some(record) = &pair.record {
            self.row("queue", &queue(record));
            for market in [Market::Spot, Market::OnDemand] {
                self.row(&market.to_string(), &group(record.situation.group(market)));
            }
            self.row("now", &record.decision.to_string());
            for reason in &record.because {
                self.row("", reason);
            }
        }
        if let Some(prices) = &pair.prices {
            let seen =
                pair.record.as_ref().is_some_and(|record| record.situation.now.0 <= prices.at.0.saturating_add(60));
            for (index, line) in price_lines(prices, seen).into_iter().enumerate() {
                self.row(if index == 0 { "prices" } else { "" }, &line);
            }
        }
        for (index, alarm) in pair.alarms.iter().enumerate() {
            let style = if alarm.alarm.acts { Style::new() } else { Style::new().red() };
            self.styled(if index == 0 { "alarms" } else { "" }, style, &alarm_line(alarm));
        }
        for (index, decided) in pair.decisions.iter().enumerate() {
            let style = if decided.errors.is_empty() { Style::new() } else { Style::new().red() };
            let line = format!("{}  {}: {}", clock(decided.at), decided.trigger, decided.decision);
            self.styled(if index == 0 { "decided" } else { "" }, style, &line);
        }
        if let Some(groups) = &pair.groups {
            self.row("groups", groups);
        }
        for (index, trouble) in pair.trouble.iter().enumerate() {
            self.styled(if index == 0 { "trouble" } else { "" }, Style::new().red(), trouble);
            if pair.groups.is_some() && trouble.contains(NO_GROUP) {
                self.row("", "if their template has replaced them, `spotstack deploy` finds the new ones");
            }
        }
        self.row("handler", &pair.handler.to_string());
        let drift = pair.drift.iter().flatten();
        for (index, drift) in drift.enumerate() {
            self.styled(if index == 0 { "by hand" } else { "" }, Style::new().yellow(), &drift.what);
            self.row("", &drift.fix);
        }
    }
}

/// `Spot works, 2 workers`.
fn works_words(works: Works, record: &Record) -> String {
    let workers = |number: u32| count(usize::try_from(number).unwrap_or(usize::MAX), "worker");
    let (spot, on_demand) = (record.situation.spot.live(), record.situation.on_demand.live());
    let base = record.policy.base;
    match works {
        Works::None => "nobody works".into(),
        Works::Spot => format!("Spot works, {}", workers(spot)),
        Works::OnDemand if on_demand <= base => format!("On-Demand works, {}, as the base says", workers(on_demand)),
        Works::OnDemand => format!("On-Demand works in place of Spot, {}", workers(on_demand)),
        Works::Both => format!("both work, Spot with {}, On-Demand with {}", workers(spot), workers(on_demand)),
    }
}

fn price_lines(prices: &Prices, now: bool) -> Vec<String> {
    let usd = |value: f64| format!("{value:.4}");
    let bound = match (prices.max_price, prices.limit) {
        (Some(max), Some(limit)) => format!("max price {}, worth it up to {}", usd(max), usd(limit)),
        _ => "no max price: up to On-Demand's".into(),
    };
    let seen = if now { String::new() } else { format!(", seen {}", moment(prices.at)) };
    let mut lines = vec![format!("{bound}{seen}")];
    lines.extend(prices.zones.iter().map(|zone| {
        let price = zone.price.map_or_else(
            || "no price".into(),
            |price| format!("{} now, {} on average", usd(price.now), usd(price.average)),
        );
        format!("{}: {price}: {}", zone.zone, zone.verdict)
    }));
    lines
}

fn alarm_line(alarm: &PairAlarm) -> String {
    let what = if alarm.id == "IdleAlarm" { "idle" } else { "jobs waiting" };
    let since = alarm.alarm.since.map(|since| format!(" since {}", moment(since))).unwrap_or_default();
    let acts = if alarm.alarm.acts {
        ""
    } else {
        "; its actions are switched off: `aws cloudwatch enable-alarm-actions` switches them on"
    };
    format!("{what}: {}{since}{acts}", alarm.alarm.state)
}

/// The time of a moment, whose day is today or yesterday.
fn clock(at: Timestamp) -> String {
    let moment = moment(at);
    moment.get(11..19).map_or_else(|| moment.clone(), Into::into)
}

impl fmt::Display for Handler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match (&self.deployed, &self.carried) {
            (None, _) => "none that could be read",
            (Some(_), None) => "deployed; this spotstack carries none to compare it with",
            (Some(deployed), Some(carried)) if deployed == carried => "up to date",
            (Some(_), Some(_)) => "another one than this spotstack carries; `spotstack deploy` changes it",
        })
    }
}

fn queue(record: &Record) -> String {
    match &record.situation.queue {
        Fact::Known(queue) => format!("{} waiting, {} in flight", queue.visible, queue.in_flight),
        Fact::Unreadable(why) => format!("cannot be read: {why}"),
        Fact::NotRead => "not read".into(),
    }
}

/// `asks for 2 of at most 4, has 1 (eu-west-1a 1)`.
fn group(group: &Group) -> String {
    let mut zones: BTreeMap<&str, u32> = BTreeMap::new();
    for instance in group.instances.iter().filter(|instance| instance.is_live()) {
        *zones.entry(&instance.zone).or_default() += 1;
    }
    let zones: Vec<_> = zones.iter().map(|(zone, count)| format!("{zone} {count}")).collect();
    let mut text = format!("asks for {} of at most {}, has {}", group.desired, group.max, group.live());
    if !zones.is_empty() {
        let _ = write!(text, " ({})", zones.join(", "));
    }
    if let Some(why) = group.launch_suspended() {
        let _ = write!(text, "; launches nothing: {why}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::status::Decided;
    use crate::cli::status::look::{decisions, entries, prices, works};
    use crate::observe::drift::Drift;
    use crate::observe::{Alarm, LogLine};
    use spot_policy::{Instance, Policy, PriceChange, Queue, Situation, Trigger, decide};

    const NOW: i64 = 1_795_466_971;

    fn record(trigger: Trigger) -> Record {
        let instance =
            |zone: &str, state: &str| Instance { zone: zone.into(), state: state.into(), ..Instance::default() };
        let instances = vec![
            instance("eu-west-1b", "InService"),
            instance("eu-west-1a", "Pending"),
            instance("eu-west-1a", "Terminating"),
        ];
        let zones = vec!["eu-west-1a".to_owned(), "eu-west-1b".to_owned()];
        let price = |zone: &str, usd| PriceChange { zone: zone.into(), at: Timestamp(NOW - 7_200), usd };
        let situation = Situation {
            now: Timestamp(NOW),
            queue: Fact::Known(Queue { visible: 4, in_flight: 1 }),
            spot: Group { desired: 2, max: 4, instances, zones, launches: Fact::Known(vec![]), ..Group::default() },
            on_demand: Group { max: 4, launches: Fact::Known(vec![]), ..Group::default() },
            prices: Fact::Known(vec![price("eu-west-1a", 0.31), price("eu-west-1b", 0.5)]),
            jobs_waiting_alarm: false,
        };
        let policy = Policy { max: 4, max_price: Some(0.55), ..Policy::default() };
        let decision = decide(&policy, &situation);
        Record::new(trigger, policy, situation, decision, vec![], false)
    }

    fn status(stack: Option<&str>, pairs: Vec<PairStatus>) -> Status {
        Status {
            stack: "media-workers".into(),
            region: "eu-west-1".into(),
            account: "111122223333".into(),
            status: stack.map(Into::into),
            reason: None,
            since: stack.map(|_| NOW),
            at_work: Vec::new(),
            pairs,
            console: None,
        }
    }

    fn handler(deployed: &str) -> Handler {
        Handler { deployed: Some(deployed.into()), carried: Some("a".into()) }
    }

    #[test]
    fn a_stack_that_is_not_there_is_said_to_be_so() {
        let page = text(&status(None, vec![]), Paint(false), None);
        assert_eq!(page, "media-workers in eu-west-1, account 111122223333: not deployed");
    }

    #[test]
    fn a_pair_is_one_screen() {
        let explained = record(Trigger::Explain);
        let ran = serde_json::to_string(&record(Trigger::Tick)).expect("JSON");
        let line = |at: i64, message: &str| LogLine { id: String::new(), at: at * 1_000, message: message.into() };
        let log = entries(&[line(NOW - 60, &ran), line(NOW - 20, r#"{"error":"cannot see the groups"}"#)]);
        let alarm = |id, state: &str, acts| PairAlarm {
            id,
            alarm: Alarm { name: id.into(), state: state.into(), reason: None, since: Some(Timestamp(NOW)), acts },
        };
        let drift =
            Drift { what: "the Spot group's MaxSize is 9, the template says 4".into(), fix: "set it back".into() };
        let pair = PairStatus {
            pair: "gpu".into(),
            works: Some(works(&explained)),
            prices: prices(Some(&explained), &log),
            decisions: decisions(&log),
            record: Some(Box::new(explained)),
            alarms: vec![alarm("JobsWaitingAlarm", "ALARM", true), alarm("IdleAlarm", "OK", false)],
            handler: handler("a"),
            drift: Some(vec![drift]),
            ..PairStatus::default()
        };
        let status = status(Some("UPDATE_COMPLETE"), vec![pair]);
        let page = text(&status, Paint(false), None);
        let narrow = text(&status, Paint(false), Some(50));
        assert!(narrow.lines().all(|line| line.chars().count() <= 50), "{narrow}");
        assert_eq!(narrow.split_whitespace().collect::<Vec<_>>(), page.split_whitespace().collect::<Vec<_>>());
        assert_eq!(
            page,
            "\
media-workers in eu-west-1, account 111122223333: UPDATE_COMPLETE since 2026-11-23 20:49:31 UTC

gpu: Spot works, 2 workers
  queue      4 waiting, 1 in flight
  Spot       asks for 2 of at most 4, has 2 (eu-west-1a 1, eu-west-1b 1)
  On-Demand  asks for 0 of at most 4, has 0
  now        scale up Spot to 4
             Spot is worth it in eu-west-1a
             1 worker is wanted beyond the maximum
  prices     max price 0.5500, worth it up to 0.4675
             eu-west-1a: 0.3100 now, 0.3100 on average: worth it
             eu-west-1b: 0.5000 now, 0.5000 on average: too dear
  alarms     jobs waiting: ALARM since 2026-11-23 20:49:31 UTC
             idle: OK since 2026-11-23 20:49:31 UTC; its actions are switched off: `aws cloudwatch enable-alarm-actions` switches them on
  decided    20:49:11  error: cannot see the groups
             20:48:31  tick: scale up Spot to 4
  handler    up to date
  by hand    the Spot group's MaxSize is 9, the template says 4
             set it back"
        );
    }

    #[test]
    fn prices_are_those_that_were_seen_last() {
        let mut idle = record(Trigger::Explain);
        idle.decision.zones.clear();
        idle.situation.now = Timestamp(NOW + 600);
        let ran = serde_json::to_string(&record(Trigger::Tick)).expect("JSON");
        let log = entries(&[LogLine { id: String::new(), at: NOW * 1_000, message: ran }]);
        let seen = prices(Some(&idle), &log).expect("of the log");
        assert_eq!(seen.at, Timestamp(NOW));
        assert_eq!(
            price_lines(&seen, false)[0],
            "max price 0.5500, worth it up to 0.4675, seen 2026-11-23 20:49:31 UTC"
        );
        assert!(prices(Some(&idle), &[]).is_none());
        assert_eq!(
            decisions(&log).iter().map(|decided: &Decided| decided.trigger.as_str()).collect::<Vec<_>>(),
            ["tick"]
        );
    }

    #[test]
    fn trouble_with_one_pair_is_said_in_its_place() {
        let trouble = vec!["the SpotManager fails: Unhandled: \u{1b}[2J".into()];
        let pair = PairStatus { pair: "gpu".into(), handler: handler("b"), trouble, ..PairStatus::default() };
        let page = text(&status(Some("UPDATE_COMPLETE"), vec![pair]), Paint(false), None);
        assert!(page.ends_with(
            "\n\ngpu\n  trouble    the SpotManager fails: Unhandled: \\u{1b}[2J\n  handler    another one than this spotstack carries; `spotstack deploy` changes it"
        ), "{page}");
    }

    #[test]
    fn groups_that_were_replaced_can_be_found_again() {
        let pair = PairStatus {
            pair: "encode".into(),
            groups: Some("asgGPUSpot and asgGPU of the stack encoder-prod".into()),
            trouble: vec!["the SpotManager fails: Unhandled: there is no Auto Scaling group `prod-gpu`".into()],
            handler: handler("a"),
            ..PairStatus::default()
        };
        let page = text(&status(Some("UPDATE_COMPLETE"), vec![pair]), Paint(false), None);
        assert!(
            page.ends_with(
                "\
encode
  groups     asgGPUSpot and asgGPU of the stack encoder-prod
  trouble    the SpotManager fails: Unhandled: there is no Auto Scaling group `prod-gpu`
             if their template has replaced them, `spotstack deploy` finds the new ones
  handler    up to date"
            ),
            "{page}"
        );
    }
}
