//! A spec that cannot be used, for those who read findings as data. [`crate::spec`] finds it; the other rules then cannot look.

use super::{Found, Rule, Severity, Subject};

pub(in crate::check) static RULE: Rule = Rule {
    id: "spec-error",
    severity: Severity::Error,
    sentence: "The spec says something that no stack can be made of.",
    fix: "correct the value; `spotstack.schema.json`, which `init` writes, lets an editor know the keys",
    why: "Unknown keys, wrong types, values that AWS would refuse and keys that contradict each other are found before anything is \
          rendered, all of them at once. As long as there is one there is no template, so that the other rules have nothing to \
          look at. This one cannot be silenced.",
    source: "https://yaml.org/spec/1.2.2/",
    check,
};

fn check(_: &Subject<'_>) -> Vec<Found> {
    vec![]
}
