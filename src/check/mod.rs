//! Findings: what a careful reviewer says about a spec and the template that it renders to.
//!
//! A [`Rule`] is one small file in `rules/`: an id, a severity, one sentence, how to fix it, why it matters with AWS's own page,
//! and a pure function from a `Subject` to what it `Found`. It speaks symbolically (this value of the spec, that property of
//! the template); lines and blueprints are looked up only for what was found, because most specs have no findings.
//!
//! # How to add a rule
//!
//! 1. Write `rules/the_id.rs`: its `RULE`, its function, and a test table with the smallest edit of a sound spec or template that
//!    trips it and the nearest one that does not. Look at the template where a user's own blueprint could be wrong, at the spec
//!    where only the spec knows. Name the value of the spec that would have to change, if there is one.
//! 2. Name it in `rules/mod.rs`: as a module, and in [`RULES`], by subject, security first.
//! 3. Severity: an **error** refuses `render` and `deploy`, so it is for what loses money, jobs or safety in every reading; a
//!    **warning** is for what is usually a mistake; a **note** is for what to know. When in doubt, the weaker one.
//! 4. The examples have no findings but those they silence with a reason; `tests/suite/check.rs` insists.
//!
//! The text of a rule is for somebody who has never read ours: what is wrong, what happens then, what to do.

use std::fmt;

use miette::Diagnostic;
use serde::Serialize;

mod found;
mod outline;
mod policy;
mod report;
mod rules;
mod silence;
mod subject;
#[cfg(test)]
mod testing;

pub use found::{Finding, InBlueprint, InSpec, InTemplate};
pub use report::{Refused, Report, Shown};
pub use rules::RULES;

use found::{Found, Place};
use subject::{Node, Subject};

use crate::plan::Plan;
use crate::spec::{Spec, nearest};
use crate::template::Template;

/// What is wrong with a spec that cannot be used, as findings.
pub fn refused(error: &dyn Diagnostic) -> Report {
    let related: Vec<&dyn Diagnostic> = error.related().into_iter().flatten().collect();
    let problems = if related.is_empty() { vec![error] } else { related };
    let findings = problems.into_iter().map(|problem| Finding {
        rule: &rules::spec_error::RULE,
        message: match problem.help() {
            Some(help) => format!("{problem}; {help}"),
            None => problem.to_string(),
        },
        spec: InSpec::labelled_by(problem),
        template: None,
    });
    Report { findings: findings.collect(), silenced: 0 }
}

/// How much a finding weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Loses money, jobs or safety: `render` and `deploy` refuse.
    Error,
    /// Usually a mistake.
    Warning,
    /// Good to know.
    Note,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "note",
        })
    }
}

/// What can be found, and what there is to say about it.
#[derive(Debug)]
pub struct Rule {
    /// Its name in kebab case, by which it is explained and silenced.
    pub id: &'static str,
    /// How much it weighs.
    pub severity: Severity,
    /// What is wrong, in one sentence.
    pub sentence: &'static str,
    /// What to do about it.
    pub fix: &'static str,
    /// Why it matters, in a paragraph or two.
    pub why: &'static str,
    /// The page that says so.
    pub source: &'static str,
    /// Finds it.
    check: fn(&Subject<'_>) -> Vec<Found>,
}

impl Rule {
    /// Whether a comment can silence it. A template with these faults is none, whoever allows it.
    pub fn can_be_silenced(&self) -> bool {
        !["spec-error", "twins-differ", "dangling-reference"].contains(&self.id)
    }

    /// The rule of this id.
    ///
    /// # Errors
    /// Where there is none: with the id that was probably meant.
    pub fn named(id: &str) -> Result<&'static Rule, Option<&'static str>> {
        RULES.iter().copied().find(|rule| rule.id == id).ok_or_else(|| {
            let ids: Vec<&str> = RULES.iter().map(|rule| rule.id).collect();
            nearest(id, &ids).or_else(|| ids.into_iter().find(|known| id.len() > 3 && known.contains(id)))
        })
    }
}

/// Everything there is to say about a template and the spec and plan that it was rendered from.
pub fn check(spec: &Spec, plan: &Plan, template: &Template) -> Report {
    let subject = Subject::new(spec, plan, template);
    let found = RULES.iter().flat_map(|rule| (rule.check)(&subject).into_iter().map(|found| (*rule, found)));
    let (found, silenced) = silence::apply(&subject, found.collect());
    let mut findings = found::locate(found, template);
    findings.sort_by_key(|finding| {
        let spec = finding.spec.as_ref().map_or((usize::MAX, 0), |place| (place.line, place.column));
        let template = finding.template.as_ref().and_then(|place| place.line).unwrap_or(0);
        (spec, template, finding.rule.severity, finding.rule.id)
    });
    Report { findings, silenced }
}
