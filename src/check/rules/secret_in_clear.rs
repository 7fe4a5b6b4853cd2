//! No credential stands in the spec, a script or the template.

use std::collections::{BTreeMap, HashSet};
use std::ops::Range;

use super::{Found, InSpec, Rule, Severity, Subject};

pub(in crate::check) static RULE: Rule = Rule {
    id: "secret-in-clear",
    severity: Severity::Error,
    sentence: "A credential stands in the spec, in a script or in the template.",
    fix: "revoke it, then let the worker fetch its successor by its role, from Secrets Manager or Parameter Store",
    why: "User data, tags and a function's environment are read by everybody who may describe instances or functions, and by \
          every process on the instance; the spec and the template are in version control for ever. What looks like an AWS \
          access key, a private key, or a token of GitHub or Slack is looked for. It is not shown in what `check` prints. \
          Workers need no AWS keys: their instance profile gives them credentials that expire.",
    source: "https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/user-data.html",
    check,
};

fn check(subject: &Subject<'_>) -> Vec<Found> {
    let mut found = vec![];
    let mut known = vec![];
    let spec = subject.spec.text.as_str();
    for secret in secrets(spec) {
        known.push(&spec[secret.range.clone()]);
        let place = InSpec::of_bytes(spec, secret.range, "not shown here");
        found.push(Found::new(format!("{} stands in the spec", secret.what)).at_text(place));
    }
    // Pairs often share a script, and each stands in the template twice: it is long enough to be looked through once.
    let mut scripts: BTreeMap<&str, Vec<Secret>> = BTreeMap::new();
    for (pair, _) in subject.pairs() {
        let Some(launch) = pair.value.launch.as_ref().map(|launch| &launch.value) else { continue };
        let (Some(name), Some(script)) = (&launch.user_data, &launch.script) else { continue };
        for secret in &*scripts.entry(script).or_insert_with(|| secrets(script)) {
            known.push(&script[secret.range.clone()]);
            let line = script[..secret.range.start].matches('\n').count() + 1;
            let message = format!("{} stands in line {line} of `{}`", secret.what, name.value);
            found.push(Found::new(message).at(name.referenced, "this script"));
        }
    }
    // What the blueprints say of their own.
    let theirs: HashSet<&str> = scripts.keys().flat_map(|script| script.lines()).map(str::trim).collect();
    let lines = subject.template.text.lines().filter(|line| !theirs.contains(line.trim()));
    let own = lines.collect::<Vec<_>>().join("\n");
    if secrets(&own).iter().any(|secret| !known.contains(&&own[secret.range.clone()])) {
        for (node, text) in subject.resources().flat_map(|resource| resource.strings()) {
            for secret in secrets(text).into_iter().filter(|secret| !known.contains(&&text[secret.range.clone()])) {
                found.push(Found::new(format!("{} stands in the template", secret.what)).within(&node));
            }
        }
    }
    found
}

/// Something that looks like a credential.
#[derive(Debug, PartialEq, Eq)]
struct Secret {
    what: &'static str,
    range: Range<usize>,
}

/// A text with every character of a credential replaced, byte for byte, so that places in it stay what they are.
pub(crate) fn mask(text: &str) -> String {
    let secrets = secrets(text);
    if secrets.is_empty() {
        return text.to_owned();
    }
    let hidden = |at: usize| secrets.iter().any(|secret| secret.range.contains(&at));
    let mask = |(at, char): (usize, char)| match char {
        '\n' => "\n".to_owned(),
        char if hidden(at) => "*".repeat(char.len_utf8()),
        char => char.to_string(),
    };
    text.char_indices().map(mask).collect()
}

/// Tokens: how they begin, how many characters follow at least, and which besides letters and digits.
const TOKENS: [(&str, &str, usize, &str); 10] = [
    ("an AWS access key", "AKIA", 16, ""),
    ("a temporary AWS access key", "ASIA", 16, ""),
    ("a GitHub token", "ghp_", 36, ""),
    ("a GitHub token", "gho_", 36, ""),
    ("a GitHub token", "ghu_", 36, ""),
    ("a GitHub token", "ghs_", 36, ""),
    ("a GitHub token", "github_pat_", 22, "_"),
    ("a Slack token", "xoxb-", 20, "-"),
    ("a Slack token", "xoxp-", 20, "-"),
    ("a secret AWS access key", "secret_access_key", 40, "/+="),
];

fn secrets(text: &str) -> Vec<Secret> {
    let mut secrets = vec![];
    for (what, beginning, least, others) in TOKENS {
        let named = beginning == "secret_access_key";
        let haystack = if named { text.to_ascii_lowercase() } else { String::new() };
        let haystack = if named { haystack.as_str() } else { text };
        for (start, _) in haystack.match_indices(beginning) {
            let behind = start + beginning.len();
            let rest = &text[behind..];
            // A name is followed by its value; a token is itself what it begins with.
            let value = if named { rest.trim_start_matches(|char: char| " \t:=\"'".contains(char)) } else { rest };
            let length = value.find(|char: char| !(char.is_ascii_alphanumeric() || others.contains(char)));
            let length = length.unwrap_or(value.len());
            let begins_here = named || !text[..start].ends_with(|char: char| char.is_ascii_alphanumeric());
            // AWS's documentation uses keys that end so.
            if length >= least && begins_here && !value[..length].trim_end_matches("KEY").ends_with("EXAMPLE") {
                let value_start = text.len() - value.len();
                secrets.push(Secret { what, range: if named { value_start } else { start }..value_start + length });
            }
        }
    }
    for (start, _) in text.match_indices("-----BEGIN ") {
        let first = text[start..].lines().next().unwrap_or_default();
        if first.contains("PRIVATE KEY") {
            let end = text[start..].find("-----END ").map_or(text.len(), |end| start + end);
            secrets.push(Secret { what: "a private key", range: start..end });
        }
    }
    secrets
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::{Edit::Script, Edit::Spec, Edit::Template, report, table};

    // In two parts, so that no scanner takes this file for one with credentials.
    const KEY: &str = concat!("AKIA", "2OGYBAH6STMMNXNW");
    const SECRET: &str = concat!("aws_secret_access_key = ", "q9vXk2mB7Lp/4tRz1sYwDfGhJkQeNcVbUaTiOx0+");
    const PEM: &str = concat!("-----BEGIN RSA ", "PRIVATE KEY-----\nMIIEow\n-----END RSA ", "PRIVATE KEY-----\n");

    #[test]
    fn credentials_are_found_and_hidden() {
        for (text, found) in [
            (KEY, 1),
            (&format!("x{KEY}"), 0),
            ("AKIAIOSFODNN7EXAMPLE", 0),
            ("AKIA", 0),
            (SECRET, 1),
            (&SECRET.to_uppercase().replace(" = ", "="), 1),
            ("AWS_SECRET_ACCESS_KEY=$(fetch)", 0),
            (PEM, 1),
            ("-----BEGIN PUBLIC KEY-----\nx", 0),
            (concat!("ghp_", "abcdefghijklmnopqrstuvwxyz0123456789"), 1),
            ("ghp_ä", 0),
        ] {
            assert_eq!(secrets(text).len(), found, "{text}");
            assert_eq!(secrets(&mask(text)).len(), 0, "{text}");
            assert_eq!(mask(text).len(), text.len());
        }
        assert_eq!(mask(&format!("ä {KEY} z")), format!("ä {} z", "*".repeat(20)));
    }

    #[test]
    fn credentials_are_looked_for_everywhere() {
        let script = format!("#!/bin/bash\nexport AWS_ACCESS_KEY_ID={KEY}\n");
        let environment = format!("PATIENCE: {KEY}");
        table(
            &RULE,
            &[
                (&[], &[]),
                (&[Script(&script)], &["an AWS access key stands in line 2 of `worker.sh`"]),
                (&[Spec("team: media", &format!("team: {KEY}"))], &["stands in the spec"]),
                (&[Template("PATIENCE: \"0s\"", &environment)], &["stands in the template"]),
            ],
        );
        for edit in [Script(&script), Template("PATIENCE: \"0s\"", &environment)] {
            assert!(!format!("{:?}", report(&[edit]).findings).contains(KEY));
        }
    }

    proptest::proptest! {
        #[test]
        fn hiding_moves_nothing(text in "(AKIA|aws_secret_access_key|=|-----BEGIN PRIVATE KEY-----|-----END |ghp_|[A-Za-z0-9é\n -]{1,45}){0,12}") {
            let masked = mask(&text);
            proptest::prop_assert_eq!(masked.len(), text.len());
            proptest::prop_assert_eq!(masked.lines().count(), text.lines().count());
        }
    }
}
