//! The questions, asked on a terminal.

use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use dialoguer::Input;
use dialoguer::console::{Style, Term, truncate_str};
use miette::{IntoDiagnostic, WrapErr};

use super::answers::Answers;
use super::questions::{Choice, Kind, Question};
use crate::aws::{self, Choices, Connection};
use crate::cli::account::block_on;
use crate::cli::output::talk;
use crate::cli::style::{Paint, columns, folding};
use crate::cli::{Global, Result, debug};

/// How long somebody waits for an account that is slow to answer, at most.
const PATIENCE: Duration = Duration::from_secs(4);

/// Choices that are listed: what a screen has besides the question. The others can be typed.
const LISTED: usize = 15;

/// Asks what is not answered yet. Every answer is checked at once, by the rules of the spec itself.
pub(super) fn ask(answers: &mut Answers, global: &Global) -> Result<()> {
    let form = Form::new(global);
    let mut account = Lookup::default();
    let open: Vec<_> = Question::ALL.into_iter().filter(|question| !answers.has(*question)).collect();
    for (index, &question) in open.iter().enumerate() {
        if question > Question::Region {
            account.begin(&answers.get(Question::Region), global);
        }
        // The account is only waited for where it has something to say.
        let known = if question.asks_the_account() { account.choices() } else { &Choices::default() };
        let configured = match question {
            Question::Region => block_on(async { Ok(aws::configured_region(global.profile.as_deref()).await) })?,
            _ => None,
        };
        let default = configured.unwrap_or_else(|| question.default(answers, known));
        form.head(question, &format!("{} of {}", index + 1, open.len()));
        let answer = form.answer(question, &default, answers, known)?;
        answers.set(question, answer);
    }
    Ok(())
}

/// An account that is looked into while somebody reads and types.
#[derive(Default)]
struct Lookup {
    begun: Option<(Instant, Receiver<Choices>)>,
    found: Choices,
}

impl Lookup {
    /// Begins to look, once.
    fn begin(&mut self, region: &str, global: &Global) {
        if self.begun.is_some() || region.is_empty() {
            return;
        }
        let (region, profile, endpoint) = (region.to_owned(), global.profile.clone(), global.endpoint_url.clone());
        // A log that cannot be written is no reason to ask nothing; whatever talks to AWS in earnest says so.
        let journal = debug::journal(global).ok().flatten();
        let (sender, receiver) = channel();
        thread::spawn(move || {
            let connection = Connection {
                region: Some(&region),
                profile: profile.as_deref(),
                endpoint_url: endpoint.as_deref(),
                journal: journal.as_ref(),
            };
            let found = block_on(async { Ok(aws::choices(connection, PATIENCE).await) });
            // Nobody may be waiting any more.
            let _ = sender.send(found.unwrap_or_default());
        });
        self.begun = Some((Instant::now(), receiver));
    }

    /// What was found, waited for no longer than it may take.
    fn choices(&mut self) -> &Choices {
        if let Some((since, receiver)) = &self.begun
            && let Ok(found) = receiver.recv_timeout(PATIENCE.saturating_sub(since.elapsed()))
        {
            self.found = found;
        }
        &self.found
    }
}

/// Where a question is shown, and its answer typed.
struct Form {
    columns: usize,
    paint: Paint,
}

impl Form {
    fn new(global: &Global) -> Self {
        Self { columns: columns(&Term::stderr()).unwrap_or(80).min(100), paint: global.paint_talk() }
    }

    /// What a question is about.
    fn head(&self, question: Question, place: &str) {
        let place = self.paint.text(Style::new().dim(), &format!("{place}, {}", question.flag()));
        talk(&format!("\n{place}\n{}", textwrap::fill(question.about(), folding(self.columns))));
    }

    /// What there is to choose from, by number. Where the values are long, what they are about comes first.
    fn list(&self, choices: &[Choice]) {
        let widest = |part: fn(&Choice) -> &str| choices.iter().take(LISTED).map(|choice| part(choice).len()).max();
        let (values, abouts) = (widest(|choice| &choice.value), widest(|choice| &choice.about));
        let values_first = values.unwrap_or_default() + 24 <= self.columns;
        for (index, Choice { value, about }) in choices.iter().take(LISTED).enumerate() {
            let dim = |text: &str| self.paint.text(Style::new().dim(), text);
            let line = if values_first {
                format!("{value:<0$}  {1}", values.unwrap_or_default(), dim(about))
            } else {
                format!("{about:<0$}  {1}", abouts.unwrap_or_default(), dim(value))
            };
            talk(&truncate_str(format!("  {:>2}  {line}", index + 1).trim_end(), self.columns, "…"));
        }
        if choices.len() > LISTED {
            talk(&format!("      and {} more, by name", choices.len() - LISTED));
        }
    }

    /// An answer that the spec's rules take.
    fn answer(&self, question: Question, default: &str, answers: &Answers, account: &Choices) -> Result<String> {
        let choices = question.choices(answers, account);
        self.list(&choices);
        let how = match (question.kind(), choices.is_empty()) {
            (Kind::Many, false) => ", by number or id, with commas",
            (Kind::Many, true) => ", with commas",
            (_, false) => ", by number or in words",
            (_, true) => "",
        };
        let shown = shown(default, &choices);
        let prompt = format!(
            "{}{how} {}",
            self.paint.text(Style::new().bold(), question.title()),
            self.paint.text(Style::new().dim(), &format!("[{shown}]"))
        );
        let read = |typed: &str| match typed.trim() {
            "" => Ok(default.to_owned()),
            typed => question.read(typed, &choices),
        };
        let typed: String = Input::new()
            .with_prompt(prompt)
            .allow_empty(true)
            .validate_with(|typed: &String| match read(typed) {
                Ok(answer) => answers.refuse(question, &answer, account).map_or(Ok(()), Err),
                Err(wrong) => Err(wrong),
            })
            .interact_text()
            .into_diagnostic()
            .wrap_err("the questions ended before their answers; nothing was written")?;
        read(&typed).map_err(|wrong| miette::miette!("{wrong}"))
    }
}

/// A default as it is shown: by its numbers in the list, which are short.
fn shown(default: &str, choices: &[Choice]) -> String {
    let listed = choices.iter().take(LISTED);
    let number = |word: &str| Some(listed.clone().position(|choice| choice.value == word)? + 1);
    let numbers: Option<Vec<_>> =
        default.split(',').map(|word| number(word).map(|number| number.to_string())).collect();
    match numbers {
        _ if default.is_empty() => "none".to_owned(),
        Some(numbers) => numbers.join(","),
        None => default.to_owned(),
    }
}
