//! What happens in AWS, in words: each moment of a deploy, each step of a resource, the review before it.

use std::time::Duration;

use dialoguer::console::{Style, Term, truncate_str};

use super::style::{Paint, columns};
use super::tree::{self, Row};
use super::wrong;
use crate::deploy::Moment;
use crate::deploy::audience::Artifact;
use crate::deploy::cloud::Waiting;
use crate::deploy::fleet::Crew;
use crate::deploy::progress::{Progress, Step, StepKind};
use crate::deploy::text::{count, moment, seconds};
use crate::template::diff::Review;
use crate::template::diff::text::{Line, Tone, fold, lines};

/// Words in their colours.
#[derive(Debug, Clone, Copy)]
pub(super) struct Words(pub(super) Paint);

impl Words {
    fn paint(self, style: Style, text: &str) -> String {
        self.0.text(style, text)
    }

    /// A moment in words; `None` where there is nothing to say.
    pub(super) fn moment(self, moment: &Moment<'_>) -> Option<String> {
        let good = |text: String| Some(format!("{} {text}", self.paint(Style::new().green(), "✓")));
        match moment {
            Moment::Target { stack, region, account, status } => {
                let status = status.map_or_else(|| "a new stack".into(), |status| format!("now {status}"));
                let stack = self.paint(Style::new().bold(), stack);
                Some(format!("{stack} in {region}, account {account}: {status}"))
            }
            Moment::GroupsFound { pair, spot, on_demand, instance_type } => {
                good(format!("{pair}: {instance_type}, Spot by {spot}, On-Demand by {on_demand}"))
            }
            Moment::BucketMade { bucket } => good(format!("made the private bucket {bucket}")),
            Moment::Stored { what, bytes, sent, .. } => {
                let what = match what {
                    Artifact::Handler => "the handler",
                    Artifact::Template => "the template",
                };
                good(if *sent {
                    format!("uploaded {what}, {}", size(*bytes))
                } else {
                    format!("{what} is in S3 already")
                })
            }
            Moment::Reviewed(review) => Some(self.review(review)),
            Moment::Begun { .. } => None,
            Moment::LostContact { cause } => {
                Some(self.warning(&format!("AWS does not answer; CloudFormation goes on, and so do we: {cause}")))
            }
            Moment::Failed { failures, cancelled, reason } => {
                Some(wrong::failures(failures, *cancelled, *reason, self.0))
            }
            Moment::Recovering { stuck, reason } => Some(wrong::stuck(stuck, *reason, self.0)),
            Moment::WaitingFor { stack, status, by, at_most } => Some(format!(
                "CloudFormation is at work on {stack} for {by} ({status}); waiting, {} at most",
                whole_seconds(*at_most)
            )),
            Moment::Resumed { stack, status } => good(format!(
                "an earlier run has begun this very deploy ({stack} is in {status}): watching it to its end"
            )),
            Moment::OtherChangeSets { others, .. } => Some(self.warning(&other_change_sets(others))),
            Moment::Refreshing { group, status, percent, reason } => {
                let reason = reason.map(|reason| format!(": {reason}")).unwrap_or_default();
                Some(format!("  {group}: replacing its instances, {percent} % ({status}){reason}"))
            }
            Moment::CodeIsRight { pair } => good(format!("{pair}: the function runs this very handler")),
            Moment::SelfTested { pair, decision } => good(format!("{pair}: the SpotManager answers: {decision}")),
            Moment::SelfTestFailed { pair, error, log } => {
                let cross = self.paint(Style::new().red().bold(), "✗");
                Some(format!("{cross} {pair}: {error}\n{}", indented(log, "    ")))
            }
            Moment::Warning { text } => Some(self.warning(text)),
            Moment::Leaving { goes, stays, buckets, crews } => {
                Some(self.leaving(goes, stays, buckets) + &self.crews(crews))
            }
            Moment::Ended { status, seconds: Some(took), .. } => {
                good(format!("{status} after {}", whole_seconds(*took)))
            }
            Moment::Ended { seconds: None, .. } => None,
        }
    }

    fn warning(self, text: &str) -> String {
        format!("{} {text}", self.paint(Style::new().yellow().bold(), "warning:"))
    }

    fn review(self, review: &Review) -> String {
        let lines = reviewed(review, columns(&Term::stderr()), self.0);
        format!("\n{}\n", lines.join("\n"))
    }

    /// What runs in the groups that go; what is busy is in the middle of a job.
    fn crews(self, crews: &[Crew]) -> String {
        let line = |crew: &Crew| {
            let busy = match crew.protected {
                0 => String::new(),
                busy => format!(", {busy} of them protected, as busy workers are: the protection is taken off"),
            };
            let text = format!("{} runs {}{busy}", crew.group, count(crew.instances, "instance"));
            format!("{}\n", self.warning(&text))
        };
        crews.iter().map(line).collect()
    }

    /// What a deletion takes away, and what it leaves.
    fn leaving(self, goes: &[(String, String)], stays: &[(String, String)], buckets: &[String]) -> String {
        let room = columns(&Term::stderr()).unwrap_or(usize::MAX);
        let list = |mark: &str, style: Style, things: &[(String, String)]| {
            let mark = self.paint(style, mark);
            let line = |(id, about): &(String, String)| format!("  {mark} {id:<28} {about}");
            things.iter().map(|thing| format!("{}\n", truncate_str(&line(thing), room, "…"))).collect::<String>()
        };
        let mut text = format!("\nGoes, with every instance and job in it:\n{}", list("-", Style::new().red(), goes));
        text += &format!("\nStays:\n{}", list("=", Style::new().green(), stays));
        for bucket in buckets {
            let mark = self.paint(Style::new().green(), "=");
            text += &format!("  {mark} the bucket {bucket}, with the handlers of every stack\n");
        }
        text
    }

    /// A step in a line; `None` for what has only begun, for noise, and for what is told in the end.
    pub(super) fn step(self, step: &Step, elapsed: Duration) -> Option<String> {
        let (mark, verb) = match step.kind {
            StepKind::Done(verb) => (self.paint(Style::new().green(), "✓"), verb.done()),
            StepKind::Kept => (self.paint(Style::new().green(), "="), "kept"),
            StepKind::Failed => (self.paint(Style::new().red().bold(), "✗"), "failed"),
            StepKind::Stack => {
                let bad = step.status.contains("ROLLBACK") || step.status.contains("FAILED");
                let style = if bad { Style::new().yellow() } else { Style::new().dim() };
                let words = format!("{} is {}", step.logical_id, step.status);
                return Some(format!("{}  {}", stamp(elapsed), self.paint(style, &words)));
            }
            StepKind::Begun(_) | StepKind::Cancelled => return None,
        };
        let took = step.seconds.and_then(|s| u64::try_from(s).ok()).map(whole_seconds).unwrap_or_default();
        let about = step.about.as_deref().unwrap_or(&step.resource_type);
        let old = if step.replaced { " (the old one)" } else { "" };
        let line = format!("{}  {mark} {verb:<8} {:<27} {took:>7}  {about}{old}", stamp(elapsed), step.logical_id);
        Some(match step.reason.as_deref().filter(|_| step.kind == StepKind::Failed) {
            Some(reason) => format!("{}\n{}", line.trim_end(), indented(reason, "             ")),
            None => line.trim_end().into(),
        })
    }

    /// A row of the tree.
    pub(super) fn row(self, row: &Row) -> String {
        let style = |tone: tree::Tone| match tone {
            tree::Tone::Plain => Style::new(),
            tree::Tone::Strong => Style::new().bold(),
            tree::Tone::Good => Style::new().green(),
            tree::Tone::Busy => Style::new().yellow(),
            tree::Tone::Bad => Style::new().red(),
            tree::Tone::Dim => Style::new().dim(),
        };
        let pieces = row.iter().map(|(tone, text)| match tone {
            tree::Tone::Plain => text.clone(),
            tone => self.paint(style(*tone), text),
        });
        pieces.collect::<String>().trim_end().into()
    }
}

/// A review in coloured lines, a blank one before its summary; folded where there is a terminal.
pub(super) fn reviewed(review: &Review, columns: Option<usize>, paint: Paint) -> Vec<String> {
    let mut all = lines(review, columns.unwrap_or(100));
    let summary = all.pop();
    let style = |tone: Tone| match tone {
        Tone::Head => Style::new().bold(),
        Tone::Add => Style::new().green(),
        Tone::Change => Style::new().yellow(),
        Tone::Remove => Style::new().red(),
        Tone::Dim => Style::new().dim(),
        Tone::Plain => Style::new(),
    };
    let folded = |line: &Line| columns.map_or_else(|| vec![line.clone()], |columns| fold(line, columns));
    let mut painted: Vec<_> =
        all.iter().flat_map(folded).map(|line| paint.text(style(line.tone), &line.text)).collect();
    painted.extend(summary.map(|line| format!("\n{line}")));
    painted
}

/// The change sets that go when ours is executed.
fn other_change_sets(others: &[Waiting]) -> String {
    let name = |other: &Waiting| match other.created {
        Some(at) => format!("{} (of {})", other.name, moment(at)),
        None => other.name.clone(),
    };
    let names: Vec<_> = others.iter().map(name).collect();
    format!(
        "{} on this stack, which CloudFormation deletes once this one is executed: {}",
        match others.len() {
            1 => "another change set waits".into(),
            some => format!("{some} other change sets wait"),
        },
        names.join(", ")
    )
}

/// That it is still alive, and what it waits for.
pub(super) fn heartbeat(progress: &Progress, elapsed: Duration) -> String {
    let (done, all) = progress.done();
    let doing: Vec<_> = progress.doing().map(|task| task.logical_id.as_str()).collect();
    let at = match doing.as_slice() {
        [] => String::new(),
        [first, second, third, rest @ ..] if rest.len() > 1 => {
            format!(", at {first}, {second}, {third} and {} more", rest.len())
        }
        few => format!(", at {}", few.join(", ")),
    };
    let so_far = match progress.is_undoing() {
        true => format!("{} undone", progress.undone()),
        false => format!("{done} of {all} done"),
    };
    format!("{}  … {so_far}{at}", stamp(elapsed))
}

fn indented(text: &str, margin: &str) -> String {
    text.lines().map(|line| format!("{margin}{line}")).collect::<Vec<_>>().join("\n")
}

fn stamp(elapsed: Duration) -> String {
    format!("{:>7}", seconds(elapsed))
}

/// Seconds that were counted by AWS's clock, which has no parts of them here.
pub(super) fn whole_seconds(whole: u64) -> String {
    if whole < 60 { format!("{whole}s") } else { seconds(Duration::from_secs(whole)) }
}

fn size(bytes: usize) -> String {
    match bytes {
        0..1_000 => count(bytes, "byte"),
        1_000..1_000_000 => format!("{} kB", bytes / 1_000),
        _ => format!("{}.{} MB", bytes / 1_000_000, bytes % 1_000_000 / 100_000),
    }
}
