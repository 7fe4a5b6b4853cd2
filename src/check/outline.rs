//! Where the entries and the comments of a YAML text stand, by its lines.

use granit_parser::{Event, Parser, Placement, StructureStyle};

/// The entries and comments of a YAML text, in its order.
#[derive(Debug, Default)]
pub(super) struct Outline {
    pub(super) entries: Vec<Entry>,
    pub(super) comments: Vec<Comment>,
}

/// A value under its key, or an item of a list. Lines are counted from 1.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) path: Vec<String>,
    /// The key's line, or the item's.
    pub(super) first: usize,
    /// The last line of the value.
    pub(super) last: usize,
}

/// A comment: never a `#` that belongs to a string.
#[derive(Debug)]
pub(super) struct Comment {
    /// What stands behind the `#`.
    pub(super) text: String,
    pub(super) line: usize,
    /// In characters, counted from 1: of the `#`.
    pub(super) column: usize,
    /// The first byte of the text.
    pub(super) offset: usize,
    /// Whether something stands before it in its line.
    pub(super) beside: bool,
}

/// A list or a map that is being read.
struct Open {
    /// A map's current key; `None` where a key is to come.
    key: Option<(String, usize)>,
    /// The number of the next item; `None` in a map.
    item: Option<usize>,
    flow: bool,
    /// The last line with something in it.
    last: usize,
    /// The line of its own key or item, and whether it is itself a key.
    first: usize,
    is_key: bool,
}

impl Outline {
    /// The outline of a text, up to its first mistake.
    pub(super) fn of(text: &str) -> Self {
        let mut outline = Self::default();
        let (mut open, mut path): (Vec<Open>, Vec<String>) = (vec![], vec![]);
        for (event, span) in Parser::new_from_str(text).map_while(Result::ok) {
            let line = span.start.line();
            match event {
                Event::Comment(comment, placement) => outline.comments.push(Comment {
                    text: comment.into_owned(),
                    line,
                    column: span.start.col() + 1,
                    offset: span.start.byte_offset().unwrap_or(0) + 1,
                    beside: placement == Placement::Right,
                }),
                Event::Scalar(value, ..) => {
                    // A block scalar's span reaches to what follows it.
                    let source = span.slice(text).unwrap_or_default();
                    let last = line + source.trim_end().matches('\n').count();
                    if let Some(first) = begin(&mut open, &mut path, line) {
                        outline.end(&mut open, &mut path, first, last);
                    } else if let Some(map) = open.last_mut() {
                        map.key = Some((value.into_owned(), line));
                    }
                }
                Event::Alias(..) => match begin(&mut open, &mut path, line) {
                    Some(first) => outline.end(&mut open, &mut path, first, line),
                    None => open.iter_mut().rev().take(1).for_each(|map| map.key = Some((String::new(), line))),
                },
                Event::MappingStart(style, ..) | Event::SequenceStart(style, ..) => {
                    let begun = begin(&mut open, &mut path, line);
                    open.push(Open {
                        key: None,
                        item: matches!(event, Event::SequenceStart(..)).then_some(0),
                        flow: style == StructureStyle::Flow,
                        last: line,
                        first: begun.unwrap_or(line),
                        is_key: begun.is_none(),
                    });
                }
                Event::MappingEnd | Event::SequenceEnd => {
                    let Some(ended) = open.pop() else { continue };
                    let last = if ended.flow { span.end.line() } else { ended.last };
                    if !ended.is_key {
                        outline.end(&mut open, &mut path, ended.first, last);
                    } else if let Some(map) = open.last_mut() {
                        map.key = Some((String::new(), ended.first));
                    }
                }
                _ => {}
            }
        }
        outline
    }

    /// A value has ended: it is an entry of what it stands in.
    fn end(&mut self, open: &mut [Open], path: &mut Vec<String>, first: usize, last: usize) {
        if let Some(parent) = open.last_mut() {
            self.entries.push(Entry { path: path.clone(), first, last });
            path.pop();
            parent.last = parent.last.max(last);
            parent.key = None;
        }
    }

    /// The line of an entry, or of the nearest one that it would stand in, at least of what is at the root.
    pub(super) fn line(&self, root: &[String], path: &[String]) -> Option<usize> {
        let entries = self.entries.iter().filter_map(|entry| {
            let inner = entry.path.strip_prefix(root)?;
            path.starts_with(inner).then_some((inner.len(), entry.first))
        });
        entries.max_by_key(|(depth, _)| *depth).map(|(_, line)| line)
    }

    /// The first line with content.
    pub(super) fn begins(&self) -> usize {
        self.entries.iter().map(|entry| entry.first).min().unwrap_or(usize::MAX)
    }
}

/// Goes to the value that begins on this line, and returns the line of its key or item; `None` if it is a key itself.
fn begin(open: &mut [Open], path: &mut Vec<String>, line: usize) -> Option<usize> {
    let Some(parent) = open.last_mut() else { return Some(line) };
    if let Some(item) = &mut parent.item {
        path.push(item.to_string());
        *item += 1;
        return Some(line);
    }
    let (key, line) = parent.key.clone()?;
    path.push(key);
    Some(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
# head
a: 1 # beside
b:
  # above
  - x: \"# no comment\"
    y: |
      # none either
      z
  - {p: [1,
      2], q: 'it''s # not'} # end
? [complex, key]
: v
c: &anchor {d: e}
f: *anchor
";

    #[test]
    fn entries_have_their_lines() {
        let outline = Outline::of(TEXT);
        let lines = |path: &[&str]| {
            let path: Vec<String> = path.iter().map(|&step| step.to_owned()).collect();
            outline.entries.iter().find(|entry| entry.path == path).map(|entry| (entry.first, entry.last))
        };
        for (path, expected) in [
            (&["a"][..], (2, 2)),
            (&["b"], (3, 10)),
            (&["b", "0"], (5, 8)),
            (&["b", "0", "y"], (6, 8)),
            (&["b", "1"], (9, 10)),
            (&["b", "1", "p", "1"], (10, 10)),
            (&["c", "d"], (13, 13)),
            (&["f"], (14, 14)),
        ] {
            assert_eq!(lines(path), Some(expected), "{path:?}");
        }
        assert_eq!(outline.begins(), 2);
        let deep = ["0", "y", "nothing"].map(str::to_owned);
        assert_eq!(outline.line(&["b".to_owned()], &deep), Some(6));
        assert_eq!(outline.line(&["nothing".to_owned()], &deep), None);
    }

    #[test]
    fn comments_are_no_strings() {
        let outline = Outline::of(TEXT);
        let comments: Vec<_> =
            outline.comments.iter().map(|comment| (comment.text.trim(), comment.line, comment.beside)).collect();
        assert_eq!(comments, [("head", 1, false), ("beside", 2, true), ("above", 4, false), ("end", 10, true)]);
        for comment in &outline.comments {
            assert!(TEXT[comment.offset..].starts_with(&comment.text));
        }
        assert!(Outline::of("a: [").entries.is_empty());
    }
}
