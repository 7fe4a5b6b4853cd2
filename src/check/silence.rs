//! Comments in the spec that silence a rule: `# spotstack: allow single-subnet -- the AMI exists in one zone only`.
//!
//! Beside a value, or in the lines above it, such a comment speaks for that value and all within it; before everything else, for
//! the whole file. Several ids stand with commas; what follows `--` or `because` is for people.

use super::Rule;
use super::found::{Found, InSpec};
use super::outline::{Comment, Outline};
use super::rules::needless_allow;
use super::subject::Subject;

/// How such a comment begins.
const BEGINNING: &str = "spotstack:";

/// What begins the reason, which is for people.
const REASON: [&str; 2] = ["--", "because"];

/// A rule that a comment allows to be broken, for some lines.
#[derive(Debug)]
pub(super) struct Allowance {
    pub(super) id: String,
    /// Where the comment names it.
    pub(super) place: InSpec,
    /// The first and the last line that it speaks for; `None`: the whole file.
    lines: Option<(usize, usize)>,
}

/// What comments say to spotstack.
#[derive(Debug, Default)]
pub(super) struct Said {
    pub(super) allowances: Vec<Allowance>,
    /// Comments to spotstack that it does not understand.
    pub(super) odd: Vec<InSpec>,
}

/// What the comments of a spec say to spotstack.
pub(super) fn said(text: &str) -> Said {
    let mut said = Said::default();
    // Most specs say nothing, and need not be read again.
    if !text.contains(BEGINNING) {
        return said;
    }
    let outline = Outline::of(text);
    for comment in &outline.comments {
        let Some(speech) = comment.text.trim_start().strip_prefix(BEGINNING) else { continue };
        let lines = lines_of(comment, &outline);
        let words = speech.trim_start().strip_prefix("allow").filter(|words| words.starts_with(char::is_whitespace));
        let before = said.allowances.len();
        if let Some(words) = words {
            let mut start = comment.text.len() - words.len();
            for id in words.split([',', ' ', '\t']) {
                if REASON.contains(&id) {
                    break;
                }
                if !id.is_empty() {
                    said.allowances.push(Allowance { id: id.to_owned(), place: comment.part(start, id.len()), lines });
                }
                start += id.len() + 1;
            }
        }
        if said.allowances.len() == before {
            said.odd.push(comment.part(0, comment.text.len()));
        }
    }
    said
}

impl Comment {
    /// So many bytes of its text, from this one on.
    fn part(&self, start: usize, length: usize) -> InSpec {
        InSpec {
            line: self.line,
            column: self.column + 1 + self.text[..start].chars().count(),
            offset: self.offset + start,
            length: length.max(1),
            label: String::new(),
        }
    }
}

/// The lines that a comment speaks for; `None`: all.
fn lines_of(comment: &Comment, outline: &Outline) -> Option<(usize, usize)> {
    if comment.line < outline.begins() {
        return None;
    }
    let first = if comment.beside {
        comment.line
    } else {
        // The next line with something in it.
        let below = outline.entries.iter().map(|entry| entry.first).filter(|first| *first > comment.line);
        below.min().unwrap_or(comment.line)
    };
    let last = outline.entries.iter().filter(|entry| entry.first == first).map(|entry| entry.last).max();
    Some((first, last.unwrap_or(first)))
}

/// Takes out what comments allow, counts it, and adds the comments that allow nothing.
pub(super) fn apply(subject: &Subject<'_>, found: Vec<(&'static Rule, Found)>) -> (Vec<(&'static Rule, Found)>, usize) {
    let allowances = said(&subject.spec.text).allowances;
    if allowances.is_empty() {
        return (found, 0);
    }
    let mut used = vec![false; allowances.len()];
    let before = found.len();
    let mut found: Vec<_> = found
        .into_iter()
        .filter(|(rule, found)| {
            // What is in the template alone belongs to the pair that it was rendered for.
            let pair = || subject.pair_of(&found.template.as_ref()?.resource).map(|(pair, _)| pair.referenced.line());
            let line = found.spec.as_ref().map(|place| place.line).or_else(|| usize::try_from(pair()?).ok());
            let mut silenced = false;
            for (allowance, used) in allowances.iter().zip(&mut used) {
                let within =
                    allowance.lines.is_none_or(|(first, last)| line.is_some_and(|line| (first..=last).contains(&line)));
                if rule.can_be_silenced() && allowance.id == rule.id && within {
                    (*used, silenced) = (true, true);
                }
            }
            !silenced
        })
        .collect();
    let silenced = before - found.len();
    for (allowance, _) in allowances.iter().zip(&used).filter(|(_, used)| !**used) {
        let Ok(rule) = Rule::named(&allowance.id) else { continue };
        let why = match rule.can_be_silenced() {
            true => "which is not found here",
            false => "which cannot be silenced",
        };
        let found_here = Found::new(format!("this comment allows `{}`, {why}", rule.id));
        found.push((&needless_allow::RULE, found_here.at_text(allowance.place.clone().labelled("allows nothing"))));
    }
    (found, silenced)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_speak_for_the_value_they_stand_at() {
        let text = "\
# yaml-language-server: $schema=./spotstack.schema.json
# spotstack: allow a-a, b-b -- everywhere
stack: x # spotstack: allow c-c because we know
network: # spotstack: allow d-d
  subnets: [\"# spotstack: allow no-no\",
    b]
  # spotstack: allow e-e
  # for a reason
  security_groups:
    - x
  # prose about spotstack: allow no-no
script: |
  # spotstack: allow no-no
tail: [1,
  2] # spotstack: allow f-f
";
        let said = said(text);
        let heard: Vec<_> = said.allowances.iter().map(|said| (said.id.as_str(), said.lines)).collect();
        assert_eq!(
            heard,
            [
                ("a-a", None),
                ("b-b", None),
                ("c-c", Some((3, 3))),
                ("d-d", Some((4, 10))),
                ("e-e", Some((9, 10))),
                ("f-f", Some((15, 15)))
            ]
        );
        for allowance in &said.allowances {
            assert!(text[allowance.place.offset..].starts_with(&allowance.id), "{allowance:?}");
            let line = text.lines().nth(allowance.place.line - 1).expect("a line");
            assert!(line[allowance.place.column - 1..].starts_with(&allowance.id), "{allowance:?}");
        }
        assert!(said.odd.is_empty());
    }

    #[test]
    fn what_is_not_understood_is_said() {
        for odd in
            ["spotstack: ignore x", "spotstack:", "spotstack: allow", "spotstack: allow -- why", "spotstack: allowed x"]
        {
            let said = said(&format!("# {odd}\na: 1\n"));
            assert_eq!((said.odd.len(), said.allowances.len()), (1, 0), "{odd}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read(text in "([ab:#\\-\\[\\]{}\"'|&*?, \n\té]|# spotstack: allow |- |: ){0,60}") {
            for allowance in said(&text).allowances {
                proptest::prop_assert!(text[allowance.place.offset..].starts_with(&allowance.id));
            }
        }
    }
}
