//! What a spec to start from is made of, and what becomes of it: the spec's text, and the command that writes it again.

use std::collections::BTreeMap;

use miette::Diagnostic;
use minijinja::context;

use super::questions::{Kind, Question, vpcs};
use crate::aws::Choices;
use crate::cli::Result;
use crate::spec::{self, Architecture};
use crate::{blueprint, package};

const SPEC: &str = include_str!("spotstack.yaml");

/// The answers so far, as texts; nothing is an answer, too.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Answers(BTreeMap<Question, String>);

impl Answers {
    /// Remembers an answer.
    pub(super) fn set(&mut self, question: Question, answer: impl Into<String>) {
        self.0.insert(question, answer.into());
    }

    /// Whether a question is answered.
    pub(super) fn has(&self, question: Question) -> bool {
        self.0.contains_key(&question)
    }

    /// The answer, or the example.
    pub(super) fn get(&self, question: Question) -> String {
        self.0.get(&question).cloned().unwrap_or_else(|| question.example(self))
    }

    /// The answer to a question for several things.
    pub(super) fn list(&self, question: Question) -> Vec<String> {
        let answer = self.get(question);
        answer.split(',').map(str::trim).filter(|id| !id.is_empty()).map(str::to_owned).collect()
    }

    /// Whether the twins are launch configurations.
    pub(super) fn configuration(&self) -> bool {
        self.get(Question::Launch) == "configuration"
    }

    /// Whether the answer is yes.
    pub(super) fn yes(&self, question: Question) -> bool {
        self.get(question) == "yes"
    }

    /// The spec.
    pub(super) fn spec(&self) -> Result<String> {
        let price = self.get(Question::MaxPrice);
        let (queue, region) = (self.get(Question::Queue), self.get(Question::Region));
        let is_arn = queue.starts_with("arn:");
        let context = context! {
            stack => self.get(Question::Stack),
            region,
            pair => self.get(Question::Pair),
            queue_arn => if is_arn { queue.as_str() } else { "" },
            queue => queue.as_str(),
            launch => self.get(Question::Launch),
            instance_type => self.get(Question::InstanceType),
            image => self.get(Question::Image),
            subnets => self.list(Question::Subnets),
            security_groups => self.list(Question::SecurityGroups),
            key_name => self.get(Question::KeyName),
            instance_profile => self.get(Question::InstanceProfile),
            // What is no number goes into the spec as it is, where the spec's own rules say so.
            max_price => number::<f64>(&price),
            max_workers => number::<u32>(&self.get(Question::MaxWorkers)),
            protect => self.yes(Question::Protect),
            architecture => architecture().to_string(),
        };
        Ok(blueprint::fill("the spec to start from", SPEC, context)?)
    }

    /// What is wrong with this answer to a question: the first thing that the spec's rules say, or the account.
    pub(super) fn refuse(&self, question: Question, answer: &str, account: &Choices) -> Option<String> {
        let mut with = self.clone();
        with.set(question, answer);
        if question == Question::Subnets
            && let [one, other, ..] = vpcs(&with.list(question), account)[..]
        {
            return Some(format!("these are in two VPCs, {one} and {other}: a group's subnets are in one"));
        }
        let text = match with.spec() {
            Ok(text) => text,
            Err(error) => return Some(error.to_string()),
        };
        let error = spec::check("spotstack.yaml", &text).err()?;
        let first = error.related().and_then(|mut problems| problems.next());
        Some(match first {
            Some(problem) => match problem.help() {
                Some(help) => format!("{problem}: {help}"),
                None => problem.to_string(),
            },
            None => error.to_string(),
        })
    }

    /// The command that writes the same without a question, in lines that fit.
    pub(super) fn command(&self, around: &[String], columns: usize) -> String {
        let mut words = around.to_vec();
        for question in Question::ALL {
            let answer = self.get(question);
            match question.kind() {
                Kind::YesOrNo if answer == "yes" => words.push(question.flag().to_owned()),
                Kind::YesOrNo => {}
                _ if answer.is_empty() => {}
                _ => words.push(format!("{} {}", question.flag(), quoted(&answer))),
            }
        }
        let mut lines = vec!["spotstack init --yes".to_owned()];
        for word in words {
            match lines.last_mut() {
                Some(line) if line.len() + word.len() + 3 <= columns => *line += &format!(" {word}"),
                _ => lines.push(format!("  {word}")),
            }
        }
        lines.join(" \\\n")
    }
}

/// A number where it is one.
fn number<T: std::str::FromStr + Into<minijinja::Value>>(text: &str) -> minijinja::Value {
    text.parse::<T>().map_or_else(|_| text.into(), Into::into)
}

/// The architecture of the handler that this spotstack carries, so that deploying needs nothing else.
fn architecture() -> Architecture {
    package::carried_architectures().next().unwrap_or_default()
}

/// A word as a POSIX shell takes it for one.
pub(super) fn quoted(word: &str) -> String {
    let plain = |char: char| char.is_ascii_alphanumeric() || "-_./:,@%+=".contains(char);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}
