//! A comment that silences is spelled as the rule is.

use super::{Found, Rule, Severity, Subject};
use crate::check::silence::said;

pub(in crate::check) static RULE: Rule = Rule {
    id: "unknown-allow",
    severity: Severity::Warning,
    sentence: "A `# spotstack:` comment in the spec is not understood.",
    fix: "write `# spotstack: allow ID -- why`; `spotstack check --list` has the ids",
    why: "A comment that was meant to silence something, and does not, is worse than none: it looks as if somebody had decided.",
    source: "https://yaml.org/spec/1.2.2/#66-comments",
    check,
};

fn check(subject: &Subject<'_>) -> Vec<Found> {
    let said = said(&subject.spec.text);
    let unknown = said.allowances.into_iter().filter_map(|allowance| {
        let meant = match Rule::named(&allowance.id) {
            Ok(_) => return None,
            Err(Some(meant)) => format!("; did you mean `{meant}`?"),
            Err(None) => String::new(),
        };
        let message = format!("there is no rule `{}`{meant}", allowance.id);
        Some(Found::new(message).at_text(allowance.place.labelled("not a rule")))
    });
    let odd = said.odd.into_iter().map(|place| {
        Found::new("this comment to spotstack is not understood").at_text(place.labelled("allows nothing"))
    });
    unknown.chain(odd).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::{Edit::Spec, table};

    #[test]
    fn ids_are_known() {
        let comment = |text: &'static str| Spec("    workers:\n", text);
        table(
            &RULE,
            &[
                (&[], &[]),
                (&[comment("    workers: # spotstack: allow no-tik\n")], &["did you mean `no-tick`?"]),
                (&[comment("    workers: # spotstack: allow everything-else\n")], &["there is no rule"]),
                (&[comment("    workers: # spotstack: silence no-tick\n")], &["not understood"]),
                (&[comment("    workers: # spotstack: allow no-tick\n")], &[]),
                (&[comment("    workers: # see spotstack: allow no-tik\n")], &[]),
            ],
        );
    }
}
