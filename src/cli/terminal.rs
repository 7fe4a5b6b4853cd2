//! Whoever sits in front of a command that talks to AWS: a person at a terminal, or a pipeline's log.
//!
//! Data goes to standard output, talk to standard error. With `--progress json` the talk is the data.

use std::env;
use std::future::Future;
use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use clap::ValueEnum;
use dialoguer::console::{Style, Term, measure_text_width, truncate_str};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use miette::{IntoDiagnostic, WrapErr};
use serde_json::json;

use super::interrupts::Interrupts;
use super::{Global, Result, wrong};
use crate::aws::{Account, Connection};
use crate::deploy::audience::Artifact;
use crate::deploy::audience::Wish;
use crate::deploy::cloud::Waiting;
use crate::deploy::follow::Undo;
use crate::deploy::progress::{Progress, State, Step, StepKind};
use crate::deploy::running::Crew;
use crate::deploy::text::{count, moment, seconds};
use crate::deploy::{Audience, Moment, Question};
use crate::plan::Plan;
use crate::template::diff::Review;
use crate::template::diff::text::{Line, Tone, fold, lines};

/// How far CloudFormation is, for whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Show {
    /// Moving on a terminal, plain elsewhere
    Auto,
    /// One line for each change
    Plain,
    /// One JSON object for each change, on standard output
    Json,
    /// Not at all
    None,
}

/// How the talk is laid out, once it is known where it goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Moving,
    Plain,
    Json,
    Silent,
}

/// A pipeline's log without a line for this long looks dead.
const HEARTBEAT: Duration = Duration::from_secs(30);

/// Rows of work in progress that move; a screen has 24.
const ROWS: usize = 12;

/// A terminal, or what stands in for one.
pub(super) struct Terminal {
    mode: Mode,
    quiet: bool,
    can_answer: bool,
    colored: bool,
    bar: Option<ProgressBar>,
    last_line: Duration,
    /// What a question is about, where `--quiet` has kept it back.
    unsaid: String,
    interrupts: Option<Interrupts>,
}

impl Terminal {
    pub(super) fn new(global: &Global, show: Show) -> Self {
        let set = |name: &str| env::var_os(name).is_some_and(|value| !value.is_empty() && value != "false");
        let dumb = env::var_os("TERM").is_some_and(|term| term == "dumb");
        let person = io::stderr().is_terminal() && !set("CI");
        Self {
            mode: match show {
                Show::Auto if person && !dumb => Mode::Moving,
                Show::Auto | Show::Plain => Mode::Plain,
                Show::Json => Mode::Json,
                Show::None => Mode::Silent,
            },
            quiet: global.quiet,
            can_answer: person && io::stdin().is_terminal(),
            colored: global.colored(),
            bar: None,
            last_line: Duration::ZERO,
            unsaid: String::new(),
            interrupts: None,
        }
    }

    /// Whether the talk is JSON on standard output.
    pub(super) fn is_json(&self) -> bool {
        self.mode == Mode::Json
    }

    fn paint(&self, style: Style, text: &str) -> String {
        style.for_stderr().force_styling(self.colored).apply_to(text).to_string()
    }

    /// A line of talk; above what moves, if anything does.
    fn say(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.println(line),
            // Nobody may be reading any more; that is no reason to stop.
            None => drop(writeln!(io::stderr(), "{line}")),
        }
    }

    fn emit(&self, value: &impl serde::Serialize) {
        if let Ok(json) = serde_json::to_string(value) {
            print_line(&json);
        }
    }

    /// A moment in words; `None` where there is nothing to say.
    fn words(&self, moment: &Moment<'_>) -> Option<String> {
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
                Some(wrong::failures(failures, *cancelled, *reason, &|style, text| self.paint(style, text)))
            }
            Moment::Recovering { stuck, reason } => {
                Some(wrong::stuck(stuck, *reason, &|style, text| self.paint(style, text)))
            }
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

    fn warning(&self, text: &str) -> String {
        format!("{} {text}", self.paint(Style::new().yellow().bold(), "warning:"))
    }

    fn review(&self, review: &Review) -> String {
        let lines = reviewed(review, columns(&Term::stderr()), |style, text| self.paint(style, text));
        format!("\n{}\n", lines.join("\n"))
    }

    /// What runs in the groups that go; what is busy is in the middle of a job.
    fn crews(&self, crews: &[Crew]) -> String {
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

    fn leaving(&self, goes: &[(String, String)], stays: &[(String, String)], buckets: &[String]) -> String {
        let list = |mark: &str, style: Style, things: &[(String, String)]| {
            let mark = self.paint(style, mark);
            things.iter().map(|(id, about)| format!("  {mark} {id:<28} {about}\n")).collect::<String>()
        };
        let mut text = format!("\nGoes, with every instance and job in it:\n{}", list("-", Style::new().red(), goes));
        text += &format!("\nStays:\n{}", list("=", Style::new().green(), stays));
        for bucket in buckets {
            text += &format!(
                "  {} the bucket {bucket}, with the handlers of every stack\n",
                self.paint(Style::new().green(), "=")
            );
        }
        text
    }

    /// A step in a line; `None` for what moves on the screen anyway, for noise, and for what is told in the end.
    fn step(&self, step: &Step, elapsed: Duration) -> Option<String> {
        let moving = self.mode == Mode::Moving;
        let (mark, verb) = match step.kind {
            StepKind::Begun(_) if moving => return None,
            StepKind::Begun(verb) => (self.paint(Style::new().dim(), "·"), verb.doing()),
            StepKind::Done(verb) => (self.paint(Style::new().green(), "✓"), verb.done()),
            StepKind::Kept => (self.paint(Style::new().green(), "="), "kept"),
            StepKind::Failed => (self.paint(Style::new().red().bold(), "✗"), "failed"),
            StepKind::Cancelled => return None,
            StepKind::Stack if step.status.contains("ROLLBACK") || step.status.contains("CLEANUP") => {
                let line = self.paint(Style::new().yellow(), &format!("{}: {}", step.logical_id, step.status));
                return Some(if moving { line } else { format!("{}  {line}", stamp(elapsed)) });
            }
            StepKind::Stack => return None,
        };
        let took = step.seconds.and_then(|s| u64::try_from(s).ok()).map(whole_seconds).unwrap_or_default();
        let line = row(&mark, verb, &step.logical_id, &took, step.about.as_deref().unwrap_or(&step.resource_type));
        let line = if moving { fit(&line) } else { format!("{}  {line}", stamp(elapsed)) };
        Some(match &step.reason {
            Some(reason) => format!("{line}\n{}", indented(reason, "    ")),
            None => line,
        })
    }

    /// What moves: a head line, and what CloudFormation is at.
    fn draw(&mut self, progress: &Progress, elapsed: Duration) {
        let bar = self.bar.get_or_insert_with(|| {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}") {
                bar.set_style(style);
            }
            bar
        });
        let (done, all) = progress.done();
        let status = progress.status().map_or("has begun", |status| status.0.as_str());
        let mut lines = vec![format!("{}: {status}, {done} of {all}, {}", progress.stack(), seconds(elapsed))];
        let doing: Vec<_> = progress.doing().collect();
        for task in doing.iter().take(ROWS) {
            if let State::Doing { verb, since, .. } = task.state {
                let took = seconds(elapsed.saturating_sub(since));
                let about = task.about.as_deref().unwrap_or(&task.resource_type);
                lines.push(row("·", verb.doing(), &task.logical_id, &took, about));
            }
        }
        if doing.len() > ROWS {
            lines.push(format!("  and {} more", doing.len() - ROWS));
        }
        // The first line has the spinner and a space before it.
        let lines: Vec<_> = lines.iter().map(|line| fit(line)).collect();
        bar.set_message(lines.join("\n"));
        bar.tick();
    }

    fn stop_moving(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }

    /// From now on Ctrl-C and SIGTERM do not end the program, but what it is doing.
    fn arm(&mut self) -> &mut Interrupts {
        self.interrupts.get_or_insert_with(Interrupts::new)
    }

    /// Asks for a line; `None` without one.
    async fn line(&mut self, prompt: &str) -> Option<String> {
        let about = std::mem::take(&mut self.unsaid);
        if !about.is_empty() {
            self.say(&about);
        }
        self.arm();
        // Lets the task that listens begin to: a Ctrl-C right after the question is an answer to it.
        tokio::task::yield_now().await;
        let _ = write!(io::stderr(), "{prompt}");
        let _ = io::stderr().flush();
        let answer = tokio::task::spawn_blocking(|| {
            let mut line = String::new();
            io::stdin().read_line(&mut line).is_ok_and(|read| read > 0).then(|| line.trim().to_owned())
        });
        tokio::select! {
            answer = answer => answer.ok().flatten(),
            () = self.arm().next() => {
                let _ = writeln!(io::stderr());
                None
            }
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.stop_moving();
    }
}

impl Audience for Terminal {
    fn can_answer(&self) -> bool {
        self.can_answer
    }

    fn hear(&mut self, moment: &Moment<'_>) {
        if !matches!(moment, Moment::LostContact { .. } | Moment::Begun { .. }) {
            self.stop_moving();
        }
        if self.mode == Mode::Json {
            return self.emit(moment);
        }
        let matters = matches!(
            moment,
            Moment::Failed { .. }
                | Moment::SelfTestFailed { .. }
                | Moment::Warning { .. }
                | Moment::OtherChangeSets { .. }
                | Moment::LostContact { .. }
        );
        match self.words(moment) {
            Some(words) if matters || !self.quiet => self.say(&words),
            Some(words)
                if matches!(moment, Moment::Reviewed(_) | Moment::Leaving { .. } | Moment::Recovering { .. }) =>
            {
                self.unsaid = words;
            }
            _ => {}
        }
        if let Moment::Ended { outputs, .. } = moment {
            let width = outputs.keys().map(|name| measure_text_width(name)).max().unwrap_or_default();
            for (name, value) in *outputs {
                print_line(&format!("{name:<width$}  {value}"));
            }
        }
    }

    async fn ask(&mut self, question: &Question<'_>) -> bool {
        let yes =
            |answer: Option<String>| answer.is_some_and(|a| matches!(a.to_ascii_lowercase().as_str(), "y" | "yes"));
        match question {
            Question::Deploy => yes(self.line("Do this? [y/N] ").await),
            Question::Renew { stack, reason } => {
                let reason = reason.map(|reason| format!(" ({reason})")).unwrap_or_default();
                let prompt = format!(
                    "`{stack}` was never made whole{reason}; CloudFormation can only delete it. Delete it and go on? [y/N] "
                );
                yes(self.line(&prompt).await)
            }
            Question::Recover { skipped, .. } => {
                let what = match skipped {
                    0 => "Try to go back again?".into(),
                    some => format!("Go back, and skip {}?", count(*some, "resource")),
                };
                yes(self.line(&format!("{what} [y/N] ")).await)
            }
            Question::Destroy { stack } => {
                let prompt = format!("Type the stack's name to destroy it ({stack}): ");
                self.line(&prompt).await.as_deref() == Some(*stack)
            }
        }
    }

    fn watch(&mut self, progress: &Progress, steps: &[Step], elapsed: Duration) {
        match self.mode {
            Mode::Silent => {}
            _ if self.quiet => {}
            Mode::Json => {
                for step in steps {
                    let mut value = json!({ "moment": "step" });
                    if let (Some(all), Ok(serde_json::Value::Object(step))) =
                        (value.as_object_mut(), serde_json::to_value(step))
                    {
                        all.extend(step);
                    }
                    self.emit(&value);
                }
            }
            Mode::Moving => {
                for line in steps.iter().filter_map(|step| self.step(step, elapsed)) {
                    self.say(&line);
                }
                self.draw(progress, elapsed);
            }
            Mode::Plain => {
                for step in steps {
                    if let Some(line) = self.step(step, elapsed) {
                        self.say(&line);
                        self.last_line = elapsed;
                    }
                }
                if elapsed.saturating_sub(self.last_line) >= HEARTBEAT {
                    self.last_line = elapsed;
                    let (done, all) = progress.done();
                    let doing: Vec<_> = progress.doing().map(|task| task.logical_id.as_str()).collect();
                    let at = if doing.is_empty() { "CloudFormation".into() } else { doing.join(", ") };
                    self.say(&format!("{}  {done} of {all} done; still at it: {at}", stamp(elapsed)));
                }
            }
        }
    }

    async fn interrupted(&mut self) {
        self.arm().next().await;
    }

    async fn interrupt(&mut self, undo: Option<Undo>) -> Wish {
        let prompt = match undo {
            Some(Undo::Delete) => {
                "Interrupted. [d]etach: CloudFormation goes on without us; [c]ancel: delete what it has made; [w]atch on? [d/c/W] "
            }
            Some(Undo::GoBack) => {
                "Interrupted. [d]etach: CloudFormation goes on without us; [c]ancel: go back to what was there; [w]atch on? [d/c/W] "
            }
            // There is nothing to choose but to leave.
            None => return Wish::Detach,
        };
        if !self.can_answer {
            return Wish::Detach;
        }
        self.stop_moving();
        // The review is not what this question is about.
        self.unsaid.clear();
        match self.line(prompt).await.map(|answer| answer.to_ascii_lowercase()).as_deref() {
            // Ctrl-C again, or the end of the input.
            None | Some("d" | "detach") => Wish::Detach,
            Some("c" | "cancel") => Wish::Cancel,
            Some(_) => Wish::GoOn,
        }
    }
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

/// How wide a terminal is, for what is read line by line; 100 where there is none.
pub(super) fn columns(term: &Term) -> Option<usize> {
    term.is_term().then(|| usize::from(term.size().1).clamp(60, 120))
}

/// A review in coloured lines, a blank one before its summary; folded where there is a terminal.
pub(super) fn reviewed(review: &Review, columns: Option<usize>, paint: impl Fn(Style, &str) -> String) -> Vec<String> {
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
    let mut painted: Vec<_> = all.iter().flat_map(folded).map(|line| paint(style(line.tone), &line.text)).collect();
    painted.extend(summary.map(|line| format!("\n{line}")));
    painted
}

/// Runs what talks to AWS.
pub(super) fn block_on<T>(task: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.into_diagnostic().wrap_err("cannot start the asynchronous runtime")?;
    let result = runtime.block_on(task);
    // A thread may still wait for an answer on standard input.
    runtime.shutdown_background();
    result
}

/// The account that a command is about: the command line's Region wins over the spec's, which wins over the environment's.
pub(super) async fn account(global: &Global, plan: &Plan) -> Result<Account> {
    let connection = Connection {
        region: global.region.as_deref().or(plan.region.as_deref()),
        profile: global.profile.as_deref(),
        endpoint_url: global.endpoint_url.as_deref(),
    };
    Ok(Account::connect(connection).await?)
}

/// A line of data. A reader that has seen enough, such as `head`, is no error.
pub(super) fn print_line(line: &str) {
    let _ = writeln!(io::stdout().lock(), "{line}");
}

fn indented(text: &str, margin: &str) -> String {
    text.lines().map(|line| format!("{margin}{line}")).collect::<Vec<_>>().join("\n")
}

fn stamp(elapsed: Duration) -> String {
    format!("{:>7}", seconds(elapsed))
}

/// `GpuSpotGroup` and how far it is, in columns that leave room for some words on 80.
fn row(mark: &str, verb: &str, logical_id: &str, took: &str, about: &str) -> String {
    format!("{mark} {verb:<8} {logical_id:<27} {took:>7}  {about}").trim_end().to_owned()
}

/// Seconds that were counted by AWS's clock, which has no parts of them here.
fn whole_seconds(whole: u64) -> String {
    if whole < 60 { format!("{whole}s") } else { seconds(Duration::from_secs(whole)) }
}

fn size(bytes: usize) -> String {
    match bytes {
        0..1_000 => count(bytes, "byte"),
        1_000..1_000_000 => format!("{} kB", bytes / 1_000),
        _ => format!("{}.{} MB", bytes / 1_000_000, bytes % 1_000_000 / 100_000),
    }
}

/// What fits on a line of the terminal, so that what moves can be drawn again in its place.
fn fit(line: &str) -> String {
    let width = usize::from(Term::stderr().size().1).saturating_sub(3).max(20);
    truncate_str(line, width, "…").into_owned()
}
