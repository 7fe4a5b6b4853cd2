//! Everything that is wrong with a spec's structure: unknown keys, missing keys, values of another kind.
//!
//! The types say what is wrong, one thing at a time, as serde does. What they say is noted at its place in the user's file and
//! mended in a tree of it, until the types are content. So the types stay the only description of a spec, and what is right
//! in a file that is partly wrong meets the other rules in the same run. A file that is right never comes here.

use std::ops::Range;

use serde_saphyr::Error;

use super::Spec;
use super::load::{plain, read, structural};
use super::problem::{MOST, Problem, span};
use super::schema::Shape;
use super::suggest::{fold, nearest};
use super::tree::{Entry, Node, Value, Written};

/// So many bytes are read again in mending: hundreds of readings of a usual spec, and a second's work for a huge one.
const MOST_READ: usize = 3_000_000;

/// What is wrong with a text that cannot be read as a spec, the `error` of which is known, and what the `rules` say about the
/// part of it that can be.
pub(super) fn examine(text: &str, error: &Error, rules: impl FnOnce(&mut Spec) -> Vec<Problem>) -> Vec<Problem> {
    let mut tree = match Node::read(text) {
        Ok(tree) => tree,
        Err(error) => return vec![structural(error.without_snippet(), text)],
    };
    let shape = Shape::of_spec();
    let mut problems = vec![];
    duplicates(&mut tree, &mut problems);
    let mut bytes = 0;
    while problems.len() < MOST && bytes < MOST_READ {
        let written = Written::new(&tree);
        bytes += written.text.len();
        let fault = match read(&written.text) {
            Ok(mut spec) => {
                // What is said about a guess is nothing that the user can mend.
                let moved = |start: usize| written.mark(start).and_then(|mark| mark.place.clone());
                problems.extend(rules(&mut spec).into_iter().filter_map(|problem| problem.moved(moved)));
                break;
            }
            Err(error) => Fault::from(error.without_snippet()),
        };
        match mend(&mut tree, &written, &fault, &shape) {
            Some(problem) => problems.extend(problem),
            None => break,
        }
    }
    if problems.is_empty() {
        problems.push(structural(error, text));
    }
    problems
}

/// What serde says, as far as it matters here.
struct Fault {
    start: usize,
    what: What,
}

enum What {
    UnknownKey(String, Vec<&'static str>),
    MissingKey(&'static str),
    UnknownValue(String, Vec<&'static str>),
    /// A value's own words for what it should be.
    Words(String),
    /// A value of another kind.
    Kind,
}

impl From<&Error> for Fault {
    fn from(error: &Error) -> Self {
        let what = match error {
            Error::SerdeUnknownField { field, expected, .. } => What::UnknownKey(field.clone(), expected.clone()),
            Error::SerdeMissingField { field, .. } => What::MissingKey(field),
            Error::SerdeUnknownVariant { variant, expected, .. } => {
                What::UnknownValue(variant.clone(), expected.clone())
            }
            Error::Message { msg, .. } => What::Words(plain(msg)),
            _ => What::Kind,
        };
        Self { start: error.location().map_or(usize::MAX, |place| span(place).start), what }
    }
}

/// Mends what a fault is about. The problem, or none where a guess was wrong; nothing where it cannot be mended.
fn mend(tree: &mut Node, written: &Written, fault: &Fault, shape: &Shape) -> Option<Option<Problem>> {
    let mark = written.mark(fault.start)?;
    let (parent, step) = match mark.path.split_last() {
        Some((step, parent)) => (parent, Some(*step)),
        None => (&[][..], None),
    };
    match &fault.what {
        What::UnknownKey(key, known) => {
            let known_here = shape.at(&names(tree, parent));
            let Value::Map(entries) = &mut tree.at(parent)?.value else { return None };
            let place = entries.get(step?)?.place.clone();
            let free: Vec<&str> =
                known.iter().copied().filter(|known| entries.iter().all(|entry| entry.key != *known)).collect();
            // The very word in another place is likelier than one like it here.
            let meant = nearest(key, &free);
            let elsewhere = match meant {
                Some(meant) if fold(meant) == fold(key) => vec![],
                _ => shape.places_of(&fold(key)),
            };
            let meant = meant.filter(|_| elsewhere.is_empty());
            match meant {
                Some(meant) => meant.clone_into(&mut entries.get_mut(step?)?.key),
                None => drop(entries.remove(step?)),
            }
            let Some(place) = place else { return Some(None) };
            let problem = Problem::over(place, "not a key here", format!("unknown key `{}`", brief(key)));
            Some(Some(problem.help(match (meant, nearest(key, known), &elsewhere[..]) {
                (Some(meant), ..) => format!("did you mean `{meant}`?"),
                (None, _, [_, ..]) => format!("it belongs in {}", elsewhere.join(" or ")),
                (None, Some(meant), _) => format!("did you mean `{meant}`? It is there already"),
                (None, None, _) => format!("known here: {}", known_here.keys(known)),
            })))
        }
        What::MissingKey(key) => {
            let map = if mark.is_key { parent } else { &mark.path[..] };
            let path = names(tree, map);
            let place = owner(tree, map);
            let node = tree.at(map)?;
            let Value::Map(entries) = &mut node.value else { return None };
            entries.push(Entry { key: (*key).to_owned(), place: None, node: Node::guess(0)? });
            let Some(place) = place.filter(|_| node.place.is_some()) else { return Some(None) };
            let problem = Problem::over(place, format!("needs `{key}`"), format!("missing key `{key}`"));
            let about = shape.at(&path).key(key).about();
            Some(Some(if about.is_empty() { problem } else { problem.help(format!("`{key}`: {about}")) }))
        }
        What::UnknownValue(..) | What::Words(_) | What::Kind => {
            // A map where a word belongs is told by its first key.
            let path = if mark.is_key { parent } else { &mark.path[..] };
            let names = names(tree, path);
            let node = tree.at(path)?;
            let Some(place) = node.place.clone() else {
                *node = Node::guess(node.guessed + 1)?;
                return Some(None);
            };
            let problem = misfit(node, place, &names, &fault.what, &shape.at(&names));
            *node = Node::guess(0)?;
            Some(Some(problem))
        }
    }
}

/// A value that is not what it should be.
fn misfit(node: &Node, place: Range<usize>, names: &[Option<String>], what: &What, shape: &Shape) -> Problem {
    let key = match names.last() {
        Some(Some(key)) => format!("`{}`", brief(key)),
        Some(None) => "an item of this list".to_owned(),
        None => "the file".to_owned(),
    };
    let given = match &node.value {
        Value::Plain(text) if text == "null" => "empty".to_owned(),
        Value::Plain(text) | Value::Text(text) if text.is_empty() => "an empty text".to_owned(),
        Value::Plain(text) | Value::Text(text) => format!("`{}`", brief(text)),
        Value::List(_) => "a list".to_owned(),
        Value::Map(_) => "a map of keys".to_owned(),
    };
    let scalar = matches!(&node.value, Value::Plain(_) | Value::Text(_));
    match what {
        What::UnknownValue(value, known) if scalar => {
            let problem =
                Problem::over(place, "not a value here", format!("unknown value `{}` of {key}", brief(value)));
            problem.help(match nearest(value, known) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => format!("one of: {}", known.join(", ")),
            })
        }
        What::Words(words) if scalar && given != "empty" => Problem::over(place, shape.short(), words.clone()),
        _ => {
            let problem = {
                let label = if given == "empty" { "nothing here".to_owned() } else { shape.short() };
                Problem::over(place, label, format!("{key} is {given}, and must be {}", shape.words()))
            };
            match shape.hint(&given).filter(|_| scalar) {
                Some(hint) => problem.help(hint),
                None => match (names.last(), shape.about()) {
                    (Some(Some(_)), about) if !about.is_empty() => problem.help(format!("{key}: {about}")),
                    _ => problem,
                },
            }
        }
    }
}

/// Keys that are there twice: both places; the later one is left out.
fn duplicates(node: &mut Node, problems: &mut Vec<Problem>) {
    match &mut node.value {
        Value::List(items) => items.iter_mut().for_each(|item| duplicates(item, problems)),
        Value::Map(entries) => {
            let mut first: std::collections::HashMap<String, Option<Range<usize>>> = Default::default();
            entries.retain(|entry| {
                let Some(earlier) = first.get(&entry.key) else {
                    first.insert(entry.key.clone(), entry.place.clone());
                    return true;
                };
                if let (Some(place), Some(earlier)) = (&entry.place, earlier) {
                    problems.push(
                        Problem::over(
                            place.clone(),
                            "again",
                            format!("the key `{}` is there twice", brief(&entry.key)),
                        )
                        .and_over(earlier.clone(), "first here"),
                    );
                }
                false
            });
            entries.iter_mut().for_each(|entry| duplicates(&mut entry.node, problems));
        }
        Value::Plain(_) | Value::Text(_) => {}
    }
}

/// The keys on the way to a node; none for an item of a list.
fn names(tree: &mut Node, path: &[usize]) -> Vec<Option<String>> {
    let mut node = &*tree;
    let mut names = vec![];
    for step in path {
        let (name, child) = match &node.value {
            Value::List(items) => (None, items.get(*step)),
            Value::Map(entries) => {
                let entry = entries.get(*step);
                (entry.map(|entry| entry.key.clone()), entry.map(|entry| &entry.node))
            }
            _ => (None, None),
        };
        names.push(name);
        let Some(child) = child else { break };
        node = child;
    }
    names
}

/// What to point at for a map as a whole: its key, or its beginning where it has none.
fn owner(tree: &mut Node, path: &[usize]) -> Option<Range<usize>> {
    if let Some((step, parent)) = path.split_last()
        && let Value::Map(entries) = &tree.at(parent)?.value
    {
        return entries.get(*step)?.place.clone();
    }
    let node = tree.at(path)?;
    match &node.value {
        Value::Map(entries) => entries.iter().find_map(|entry| entry.place.clone()).or(node.place.clone()),
        _ => node.place.clone(),
    }
}

/// A value, not too long for a message.
fn brief(text: &str) -> String {
    const MOST: usize = 60;
    if text.chars().count() <= MOST { text.to_owned() } else { text.chars().take(MOST - 1).chain(['…']).collect() }
}
