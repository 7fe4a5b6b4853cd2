//! Whoever sits in front of a command that talks to AWS: a person at a terminal, or a pipeline's log.
//!
//! Data goes to standard output, talk to standard error. With `--progress json` the talk is the data.

use std::io::{self, Write};
use std::time::Duration;

use dialoguer::console::{Term, measure_text_width};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::Global;
use super::global::{is_attended, is_dumb, is_watched};
use super::interrupts::Interrupts;
use super::output::{print_json_line, print_line, talk};
use super::screen::Screen;
use super::tree::{Row, Size, tree};
use super::watching::Show;
use super::words::{Words, heartbeat};
use crate::deploy::audience::{Undo, Wish};
use crate::deploy::progress::recording::{self, Todo};
use crate::deploy::progress::{Progress, Step};
use crate::deploy::text::count;
use crate::deploy::{Audience, Moment, Question};

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

/// A terminal, or what stands in for one.
pub(super) struct Terminal {
    mode: Mode,
    quiet: bool,
    can_answer: bool,
    words: Words,
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
        Self {
            mode: match show {
                // What `-v` says would be written across what moves.
                Show::Auto if is_watched() && !is_dumb() && global.verbose == 0 => Mode::Moving,
                Show::Auto | Show::Plain => Mode::Plain,
                Show::Json => Mode::Json,
                Show::None => Mode::Silent,
            },
            quiet: global.quiet,
            can_answer: is_attended(),
            words: Words(global.paint_talk()),
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

    /// A line of talk; above what moves, if anything does.
    fn say(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.println(line),
            None => talk(line),
        }
    }

    /// Talk that is data. What AWS has begun is followed to its end, also where nobody reads any more or the disk is full.
    fn emit(&self, value: &impl serde::Serialize) {
        let _ = print_json_line(value);
    }

    /// What moves: the tree, as far as it fits.
    fn draw(&mut self, progress: &Progress, elapsed: Duration) {
        let (rows, columns) = Term::stderr().size();
        let columns = usize::from(columns);
        let rows = tree(progress, elapsed, Size { columns, rows: Some(usize::from(rows).saturating_sub(1)) });
        let text: Vec<_> = rows.iter().map(|row| self.words.row(row)).collect();
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

    /// Leaves the whole tree where it moved.
    fn stop_moving(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
            for row in std::mem::take(&mut self.whole) {
                self.say(&self.words.row(&row));
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
        match self.words.moment(moment) {
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
                // The stack is what it is, whoever reads.
                let _ = print_line(&format!("{name:<width$}  {value}"));
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
            Mode::Json => {
                if !self.has_begun {
                    self.emit(&recording::Line::Todo(Todo::of(progress)));
                }
                for step in steps {
                    self.emit(&recording::Line::Step(step));
                }
            }
            Mode::Silent => {}
            Mode::Moving | Mode::Plain if self.quiet => {}
            Mode::Moving => self.draw(progress, elapsed),
            Mode::Plain => {
                for step in steps {
                    if let Some(line) = self.words.step(step, elapsed) {
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
