//! The log of a SpotManager, line by line, for people.

use std::fmt::Write as _;

use serde_json::Value;
use spot_policy::{Record, Timestamp, Trigger};

use crate::deploy::text::moment;

/// A line of a function's log, as CloudWatch Logs keeps it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogLine {
    /// Unique in its log group.
    pub id: String,
    /// Milliseconds since 1970.
    pub at: i64,
    /// What the function or AWS Lambda wrote.
    pub message: String,
}

/// A page of a log, oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogPage {
    /// Its lines.
    pub lines: Vec<LogLine>,
    /// Where newer ones are.
    pub next: Option<String>,
}

/// What a line is.
#[derive(Debug, Clone, PartialEq)]
pub enum Entry {
    /// A run.
    Ran(Box<Record>),
    /// An event that asked for nothing.
    Ignored(String),
    /// Something went wrong: the function says so, or AWS Lambda says it of the function.
    Error(String),
    /// A remark of AWS Lambda's, or numbers for CloudWatch.
    Remark,
    /// Anything else that the function wrote.
    Other(String),
}

/// Words in a line that is not ours by which AWS Lambda tells of a fault.
const FAULTS: [&str; 5] = ["Task timed out", "Runtime.ExitError", "Runtime exited", "errorMessage", "panicked at"];

impl Entry {
    /// Reads one line.
    pub fn read(message: &str) -> Self {
        let message = message.trim_end();
        let Ok(Value::Object(line)) = serde_json::from_str(message) else { return text(message) };
        let word = |key: &str| line.get(key).and_then(Value::as_str).map(str::to_owned);
        if line.contains_key("record") && line.contains_key("situation") {
            return match serde_json::from_str(message) {
                Ok(record) => Entry::Ran(Box::new(record)),
                Err(error) => Entry::Other(format!("a record that this spotstack cannot read: {error}")),
            };
        }
        if let Some(error) = word("error") {
            return Entry::Error(error);
        }
        if let Some(why) = word("ignored") {
            return Entry::Ignored(why);
        }
        if let Some(kind) = word("type").filter(|kind| kind.starts_with("platform.")) {
            return platform(&kind, line.get("record"));
        }
        if line.contains_key("_aws") { Entry::Remark } else { text(message) }
    }

    /// What is said of it in one word.
    pub fn trigger(&self) -> String {
        match self {
            Entry::Ran(record) => trigger(&record.trigger),
            Entry::Error(_) => "error".into(),
            Entry::Ignored(_) => "ignored".into(),
            Entry::Remark | Entry::Other(_) => String::new(),
        }
    }

    /// Whether it says the same as another one: a look that finds what the last look found is no news.
    pub fn repeats(&self, before: &Entry) -> bool {
        match (self, before) {
            (Entry::Ran(now), Entry::Ran(before)) => {
                now.deeds.is_empty()
                    && now.notices.is_empty()
                    && now.decision.actions.is_empty()
                    && before.decision.actions.is_empty()
                    && matches!(now.trigger, Trigger::Tick | Trigger::Explain)
                    && now.because == before.because
            }
            (Entry::Ignored(now), Entry::Ignored(before)) => now == before,
            _ => false,
        }
    }
}

/// A line that AWS Lambda writes as text, or that the function wrote in passing.
fn text(message: &str) -> Entry {
    let of_lambda = ["START RequestId: ", "END RequestId: ", "REPORT RequestId: ", "INIT_START ", "EXTENSION\t"];
    match message {
        "" => Entry::Remark,
        message if FAULTS.iter().any(|fault| message.contains(fault)) => Entry::Error(message.into()),
        message if of_lambda.iter().any(|start| message.starts_with(start)) => Entry::Remark,
        message => Entry::Other(message.into()),
    }
}

/// AWS Lambda's own remarks in a JSON log: <https://docs.aws.amazon.com/lambda/latest/dg/telemetry-schema-reference.html>
fn platform(kind: &str, record: Option<&Value>) -> Entry {
    let word = |key: &str| record.and_then(|record| record.get(key)).and_then(Value::as_str);
    match word("status") {
        Some(status) if status != "success" => {
            let what = match kind {
                "platform.initReport" | "platform.initRuntimeDone" => "the function did not start",
                _ => "a run did not end well",
            };
            let cause = word("errorType").map(|cause| format!(" ({cause})")).unwrap_or_default();
            Entry::Error(format!("{what}: {status}{cause}"))
        }
        _ => Entry::Remark,
    }
}

fn trigger(trigger: &Trigger) -> String {
    match trigger {
        Trigger::Alarm { state, .. } => format!("alarm {state}"),
        Trigger::LaunchFailed { .. } => "launch failed".into(),
        Trigger::Interruption { .. } => "interruption".into(),
        Trigger::Tick => "tick".into(),
        Trigger::Explain => "explain".into(),
    }
}

/// An entry in lines: the moment, what woke the SpotManager, what it decided and why; under it what was done and what refused.
/// `None` for what nobody wants to read.
pub fn lines(pair: Option<&str>, at: i64, entry: &Entry) -> Option<Vec<(Sound, String)>> {
    let mut head = moment(Timestamp(at.div_euclid(1_000)));
    if let Some(pair) = pair {
        let _ = write!(head, "  {pair}");
    }
    let _ = write!(head, "  {:<13}", entry.trigger());
    match entry {
        Entry::Remark => None,
        Entry::Ran(record) => Some(run(&head, record)),
        Entry::Error(error) => Some(vec![(Sound::Bad, format!("{head}  {error}"))]),
        Entry::Ignored(why) => Some(vec![(Sound::Quiet, format!("{head}  {why}"))]),
        Entry::Other(text) => Some(vec![(Sound::Quiet, format!("{head}  {text}"))]),
    }
}

/// How a line sounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sound {
    /// Something was done.
    Loud,
    /// Nothing was.
    Plain,
    /// Beside the point.
    Quiet,
    /// Somebody should look.
    Warning,
    /// It went wrong.
    Bad,
}

fn run(head: &str, record: &Record) -> Vec<(Sound, String)> {
    let sound = if record.decision.actions.is_empty() { Sound::Plain } else { Sound::Loud };
    let dry = if record.dry_run && record.trigger != Trigger::Explain { " (dry run: not done)" } else { "" };
    let mut lines = vec![(sound, format!("{head}  {}{dry}", record.decision))];
    lines.extend(record.because.iter().map(|reason| (Sound::Plain, format!("    because {reason}"))));
    for deed in &record.deeds {
        let what = format!("{} to {}", deed.action.market(), deed.action.to());
        lines.push(match &deed.error {
            Some(error) => (Sound::Bad, format!("    not done: {what}: {error}")),
            None => (Sound::Loud, format!("    done: {what}")),
        });
    }
    lines.extend(record.notices.iter().map(|notice| (Sound::Warning, format!("    notice: {notice}"))));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use spot_policy::{Action, Deed, Market, Policy, Queue, Situation, decide};

    fn record(trigger: Trigger, deeds: Vec<Deed>) -> Record {
        let policy = Policy { max: 2, ..Policy::default() };
        let queue = spot_policy::Fact::Known(Queue::default());
        let situation = Situation { queue, ..Situation::default() };
        let decision = decide(&policy, &situation);
        Record::new(trigger, policy, situation, decision, deeds, false)
    }

    fn told(entry: &Entry) -> Vec<String> {
        lines(Some("gpu"), 1_795_466_971_500, entry).unwrap_or_default().into_iter().map(|(_, line)| line).collect()
    }

    #[test]
    fn a_run_is_told_with_its_reasons_and_deeds() {
        let alarm = Trigger::Alarm { name: "media-GpuJobsWaitingAlarm".into(), state: "ALARM".into() };
        let action = Action::ScaleUp { market: Market::Spot, to: 2 };
        let refused = Deed { action, error: Some("AccessDenied: no".into()) };
        let record = record(alarm, vec![Deed { action, error: None }, refused]);
        let entry = Entry::read(&serde_json::to_string(&record).expect("JSON"));
        assert_eq!(
            told(&entry),
            [
                "2026-11-23 20:49:31 UTC  gpu  alarm ALARM    nothing to change",
                "    because no job waits and none is worked on; the idle alarm scales in",
                "    done: Spot to 2",
                "    not done: Spot to 2: AccessDenied: no",
            ]
        );
    }

    #[test]
    fn errors_of_the_function_are_shown_as_such() {
        for (message, error) in [
            (r#"{"error":"cannot see the groups: AccessDenied"}"#, "cannot see the groups: AccessDenied"),
            (
                r#"{"time":"2026-11-23T20:49:31Z","type":"platform.report","record":{"requestId":"1","status":"timeout"}}"#,
                "a run did not end well: timeout",
            ),
            (
                r#"{"time":"t","type":"platform.initReport","record":{"status":"error","errorType":"Init.Configuration"}}"#,
                "the function did not start: error (Init.Configuration)",
            ),
            (
                "2026-11-23T20:49:31Z 11-22 Task timed out after 30.00 seconds\n",
                "2026-11-23T20:49:31Z 11-22 Task timed out after 30.00 seconds",
            ),
        ] {
            assert_eq!(Entry::read(message), Entry::Error(error.into()));
        }
    }

    #[test]
    fn remarks_are_not_told_and_what_is_not_known_is() {
        for message in [
            "START RequestId: 1 Version: $LATEST",
            "REPORT RequestId: 1\tDuration: 3 ms",
            r#"{"type":"platform.start","record":{"requestId":"1"}}"#,
            r#"{"type":"platform.report","record":{"status":"success"}}"#,
            r#"{"_aws":{"Timestamp":1},"FunctionName":"x"}"#,
            "",
        ] {
            assert_eq!(Entry::read(message), Entry::Remark, "{message}");
        }
        assert_eq!(Entry::read("hello"), Entry::Other("hello".into()));
        let newer = Entry::read(r#"{"record":2,"situation":{}}"#);
        assert!(matches!(newer, Entry::Other(why) if why.starts_with("a record that this spotstack cannot read")));
        assert_eq!(told(&Entry::Ignored("the interrupted instance is not ours".into())).len(), 1);
    }

    #[test]
    fn a_tick_that_finds_the_same_is_no_news() {
        let ran = |trigger| Entry::Ran(Box::new(record(trigger, vec![])));
        assert!(ran(Trigger::Tick).repeats(&ran(Trigger::Tick)));
        assert!(ran(Trigger::Explain).repeats(&ran(Trigger::Tick)), "nor is what somebody asks");
        let interruption = Trigger::Interruption { instance: "i-0123456789abcdef0".into() };
        assert!(!ran(interruption).repeats(&ran(Trigger::Tick)));
        assert!(!Entry::Error("x".into()).repeats(&Entry::Error("x".into())));
    }
}
