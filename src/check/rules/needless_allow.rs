//! A comment that silences nothing goes. Found where findings are silenced, because it depends on all the others.

use super::{Found, Rule, Severity, Subject};

pub(in crate::check) static RULE: Rule = Rule {
    id: "needless-allow",
    severity: Severity::Note,
    sentence: "A comment in the spec allows what is not found there.",
    fix: "take the comment out, or put it beside the value it is about",
    why: "What it allowed has gone, or it stands at the wrong line: a comment speaks for the value beside it or below it and all \
          within, or for the whole file if it stands before everything else. Left where it is, it would hide the next one.",
    source: "https://yaml.org/spec/1.2.2/#66-comments",
    check,
};

fn check(_: &Subject<'_>) -> Vec<Found> {
    vec![]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::{Edit::Spec, report, table};

    #[test]
    fn comments_silence_what_is_there() {
        let off =
            Spec("    workers:", "    manager: {reconcile: 0s} # spotstack: allow no-tick -- enough\n    workers:");
        table(
            &RULE,
            &[
                (&[], &[]),
                (&[off], &[]),
                (&[off, Spec("max: 4", "max: 1")], &["allows `no-tick`, which is not found here"]),
                (&[Spec("stack:", "# spotstack: allow twins-differ\nstack:")], &["which cannot be silenced"]),
            ],
        );
        let silenced = report(&[off]);
        assert_eq!((silenced.findings.len(), silenced.silenced), (0, 1));
    }

    #[test]
    fn comments_speak_for_what_they_stand_at() {
        let off = "    manager: {reconcile: 0s}\n    workers:";
        for (before, after, silenced) in [
            ("  gpu:", "  # spotstack: allow no-tick\n  gpu:", 1),
            ("stack:", "# spotstack: allow no-tick\nstack:", 1),
            ("    manager:", "    # spotstack: allow no-tick, single-subnet\n    manager:", 1),
            ("    spot:", "    # spotstack: allow no-tick\n    spot:", 0),
            ("    spot:", "    # no-tick is fine\n    spot:", 0),
        ] {
            let report = report(&[Spec("    workers:", off), Spec(before, after)]);
            assert_eq!(report.silenced, silenced, "{after}");
        }
    }
}
