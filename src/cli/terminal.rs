//! Whoever sits in front of a command that talks to AWS: a person at a terminal, or a pipeline's log.
//!
//! Data goes to standard output, talk to standard error. With `--progress json` the talk is the data.

use std::env;
use std::future::Future;
use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use clap::ValueEnum;
use dialoguer::console::{Style, Term, measure_text_width};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use miette::{IntoDiagnostic, WrapErr};

use super::interrupts::Interrupts;
use super::screen::Screen;
use super::tree::{self, Row, Size, tree};
use super::{Global, Result, debug, json, wrong};
use crate::aws::{Account, Connection};
use crate::deploy::audience::{Artifact, Wish};
use crate::deploy::cloud::Waiting;
use crate::deploy::follow::Undo;
use crate::deploy::progress::recording::{self, Todo};
use crate::deploy::progress::{Progress, Step, StepKind};
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

/// Frames of the tree in a second; what makes it move is drawn this often at most.
const FRAMES: u8 = 10;

/// What `--progress json` writes, for the help of whoever has the option.
pub(super) const PROGRESS_JSON: &str = "\
--progress json writes one object a line to standard output. Each has a `moment`; one that is not known is to be skipped:
  target       {stack, region, account, status}: what is about to be changed
  stored       {what, key, bytes, sent}: the handler or a large template in the artifact bucket
  reviewed     the change set, as `diff --format json` has it
  begun        {stack_arn}: CloudFormation is at work
  todo         {stack, resources: [{logical_id, resource_type, about}]}: all that it will do
  step         {logical_id, resource_type, about, status, kind, seconds, reason, at}: one state change of a resource or, with
               kind `stack`, of the stack. kind is {begun: verb}, {done: verb}, failed, cancelled, kept or stack; the verbs
               are create, update and delete; status and reason are AWS's; at is in seconds since 1970
  failed       {failures: [{logical_id, resource_type, about, status, reason}], cancelled, reason}: the root cause first
  ended        {status, outputs, seconds}
and code_is_right, self_tested, self_test_failed, bucket_made, groups_found, leaving, lost_contact and warning, each with its words.";

/// A terminal, or what stands in for one.
pub(super) struct Terminal {
    mode: Mode,
    quiet: bool,
    can_answer: bool,
    colored: bool,
    bar: Option<ProgressBar>,
    /// The tree as a whole, to be left on the screen when it does not move any more.
    whole: Vec<Row>,
    last_line: Duration,
    has_begun: bool,
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
                // What `-v` says would be written across what moves.
                Show::Auto if person && !dumb && global.verbose == 0 => Mode::Moving,
                Show::Auto | Show::Plain => Mode::Plain,
                Show::Json => Mode::Json,
                Show::None => Mode::Silent,
            },
            quiet: global.quiet,
            can_answer: person && io::stdin().is_terminal(),
            colored: global.colored(),
            bar: None,
            whole: Vec::new(),
            last_line: Duration::ZERO,
            has_begun: false,
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
        if let Ok(json) = json::line(value) {
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

    /// A step in a line; `None` for what has only begun, for noise, and for what is told in the end.
    fn step(&self, step: &Step, elapsed: Duration) -> Option<String> {
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

    /// What moves: the tree, as far as it fits.
    fn draw(&mut self, progress: &Progress, elapsed: Duration) {
        let (rows, columns) = Term::stderr().size();
        let columns = usize::from(columns);
        let rows = tree(progress, elapsed, Size { columns, rows: Some(usize::from(rows).saturating_sub(1)) });
        let text: Vec<_> = rows.iter().map(|row| self.row(row)).collect();
        self.whole = tree(progress, elapsed, Size { columns, rows: None });
        let bar = self.bar.get_or_insert_with(|| {
            let target = ProgressDrawTarget::term_like_with_hz(Box::new(Screen::new()), FRAMES);
            let bar = ProgressBar::with_draw_target(None, target);
            if let Ok(style) = ProgressStyle::with_template("{msg}") {
                bar.set_style(style);
            }
            bar
        });
        bar.set_message(text.join("\n"));
    }

    fn row(&self, row: &Row) -> String {
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

    /// Leaves the whole tree where it moved.
    fn stop_moving(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
            for row in std::mem::take(&mut self.whole) {
                self.say(&self.row(&row));
            }
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
                if !self.has_begun {
                    self.emit(&recording::Line::Todo(Todo::of(progress)));
                }
                for step in steps {
                    self.emit(&recording::Line::Step(step));
                }
            }
            Mode::Moving => self.draw(progress, elapsed),
            Mode::Plain => {
                for step in steps {
                    if let Some(line) = self.step(step, elapsed) {
                        self.say(&line);
                        self.last_line = elapsed;
                    }
                }
                if elapsed.saturating_sub(self.last_line) >= HEARTBEAT {
                    self.last_line = elapsed;
                    self.say(&heartbeat(progress, elapsed));
                }
            }
        }
        self.has_begun = true;
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
    account_in(plan.region.as_deref(), global).await
}

/// The same, for what may have no spec.
pub(super) async fn account_in(region: Option<&str>, global: &Global) -> Result<Account> {
    let journal = debug::journal(global)?;
    let connection = Connection {
        region: global.region.as_deref().or(region),
        profile: global.profile.as_deref(),
        endpoint_url: global.endpoint_url.as_deref(),
        journal: journal.as_ref(),
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

/// That it is still alive, and what it waits for.
fn heartbeat(progress: &Progress, elapsed: Duration) -> String {
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
