//! A spec as a tree of values with their places, for finding everything that is wrong with its structure.
//!
//! serde stops at the first value that does not fit. The tree outlives that: what did not fit is mended, the tree is written out
//! anew and read again by the very same types, until they have nothing more to say. See [`super::structure`].

use std::fmt;
use std::ops::Range;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::Spanned;
use serde_saphyr::options::{DuplicateKeyPolicy, NonFiniteFloatPolicy};

use super::load::options;
use super::problem::span;

/// A value and where it stands; `None` for one that nobody wrote.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) place: Option<Range<usize>>,
    pub(super) value: Value,
    /// Which guess it is, where nobody wrote it.
    pub(super) guessed: usize,
}

#[derive(Debug)]
pub(super) enum Value {
    /// A number, a boolean, nothing, or a guess: written as it is.
    Plain(String),
    /// A string.
    Text(String),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// A key and its value.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) place: Option<Range<usize>>,
    pub(super) node: Node,
}

impl Node {
    /// The tree of a text that is YAML; else what its parser says.
    pub(super) fn read(text: &str) -> Result<Self, serde_saphyr::Error> {
        let mut options = options();
        options.duplicate_keys = DuplicateKeyPolicy::PassThrough;
        options.non_finite_float_policy = NonFiniteFloatPolicy::PassThrough;
        Ok(Self::from(serde_saphyr::from_str_with_options(text, options)?, text))
    }

    fn from(raw: Spanned<Raw>, text: &str) -> Self {
        let written = |place: Range<usize>| text.get(place).unwrap_or_default().to_owned();
        let value = match raw.value {
            Raw::Plain => Value::Plain(written(span(raw.defined))),
            Raw::Null => Value::Plain("null".to_owned()),
            Raw::Text(text) => Value::Text(text),
            Raw::List(items) => Value::List(items.into_iter().map(|item| Self::from(item, text)).collect()),
            Raw::Map(entries) => Value::Map(
                entries
                    .into_iter()
                    .map(|(key, value)| Entry {
                        place: Some(span(key.referenced)),
                        key: key.value,
                        node: Self::from(value, text),
                    })
                    .collect(),
            ),
        };
        Self { place: Some(span(raw.referenced)), value, guessed: 0 }
    }

    /// A value that nobody wrote, in place of one that is missing or wrong: one that some type takes.
    pub(super) fn guess(guessed: usize) -> Option<Self> {
        let value = match guessed {
            0 => Value::Text("x".to_owned()),
            1 => Value::Map(vec![Entry { key: "x".to_owned(), place: None, node: Self::guess(0)? }]),
            2 => Value::List(vec![Self::guess(0)?]),
            other => Value::Plain((*["1", "true", "1m", "1%", "null"].get(other - 3)?).to_owned()),
        };
        Some(Self { place: None, value, guessed })
    }

    /// The child of a step.
    pub(super) fn child(&mut self, step: usize) -> Option<&mut Node> {
        match &mut self.value {
            Value::List(items) => items.get_mut(step),
            Value::Map(entries) => entries.get_mut(step).map(|entry| &mut entry.node),
            _ => None,
        }
    }

    /// The node that a path of steps leads to.
    pub(super) fn at(&mut self, path: &[usize]) -> Option<&mut Node> {
        path.iter().try_fold(self, |node, step| node.child(*step))
    }
}

/// A tree written in flow style, and which node each of its places is.
#[derive(Default)]
pub(super) struct Written {
    pub(super) text: String,
    marks: Vec<Mark>,
}

/// Where a node, or the key of one, stands in the written text.
#[derive(Debug, Clone)]
pub(super) struct Mark {
    start: usize,
    /// The steps to the node.
    pub(super) path: Vec<usize>,
    /// Whether it is the node's key.
    pub(super) is_key: bool,
    /// Where it stands in the user's text.
    pub(super) place: Option<Range<usize>>,
}

impl Written {
    pub(super) fn new(tree: &Node) -> Self {
        let mut written = Self::default();
        written.node(tree, &mut vec![]);
        written
    }

    /// What stands at this place: a key rather than a value, where both begin there.
    pub(super) fn mark(&self, start: usize) -> Option<&Mark> {
        self.marks.binary_search_by_key(&start, |mark| mark.start).ok().and_then(|index| self.marks.get(index))
    }

    fn node(&mut self, node: &Node, path: &mut Vec<usize>) {
        self.add(path, false, node.place.clone());
        match &node.value {
            Value::Plain(text) => self.text.push_str(text),
            Value::Text(text) => self.text.push_str(&quoted(text)),
            Value::List(items) => {
                self.text.push('[');
                for (step, item) in items.iter().enumerate() {
                    path.push(step);
                    self.node(item, path);
                    path.pop();
                    self.text.push(',');
                }
                self.text.push(']');
            }
            Value::Map(entries) => {
                self.text.push('{');
                for (step, entry) in entries.iter().enumerate() {
                    path.push(step);
                    self.add(path, true, entry.place.clone());
                    self.text.push_str(&quoted(&entry.key));
                    self.text.push_str(": ");
                    self.node(&entry.node, path);
                    path.pop();
                    self.text.push(',');
                }
                self.text.push('}');
            }
        }
    }

    fn add(&mut self, path: &[usize], is_key: bool, place: Option<Range<usize>>) {
        self.marks.push(Mark { start: self.text.len(), path: path.to_vec(), is_key, place });
    }
}

/// JSON's quotes are YAML's, too; what JSON leaves bare and YAML does not print is escaped.
fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for char in text.chars() {
        match char {
            '"' | '\\' => out.extend(['\\', char]),
            ' '..='~' => out.push(char),
            char => out.push_str(&format!("\\U{:08x}", u32::from(char))),
        }
    }
    out.push('"');
    out
}

/// What a YAML value is before any type has been asked of it.
enum Raw {
    Plain,
    Null,
    Text(String),
    List(Vec<Spanned<Raw>>),
    Map(Vec<(Spanned<String>, Spanned<Raw>)>),
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;

        impl<'de> Visitor<'de> for Any {
            type Value = Raw;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("any value")
            }

            fn visit_bool<E>(self, _: bool) -> Result<Raw, E> {
                Ok(Raw::Plain)
            }

            fn visit_i64<E>(self, _: i64) -> Result<Raw, E> {
                Ok(Raw::Plain)
            }

            fn visit_u64<E>(self, _: u64) -> Result<Raw, E> {
                Ok(Raw::Plain)
            }

            fn visit_i128<E>(self, _: i128) -> Result<Raw, E> {
                Ok(Raw::Plain)
            }

            fn visit_u128<E>(self, _: u128) -> Result<Raw, E> {
                Ok(Raw::Plain)
            }

            fn visit_f64<E>(self, _: f64) -> Result<Raw, E> {
                Ok(Raw::Plain)
            }

            fn visit_unit<E>(self) -> Result<Raw, E> {
                Ok(Raw::Null)
            }

            fn visit_none<E>(self) -> Result<Raw, E> {
                Ok(Raw::Null)
            }

            fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Raw, D::Error> {
                Raw::deserialize(deserializer)
            }

            fn visit_str<E>(self, text: &str) -> Result<Raw, E> {
                Ok(Raw::Text(text.to_owned()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Raw, A::Error> {
                let mut list = vec![];
                while let Some(item) = items.next_element()? {
                    list.push(item);
                }
                Ok(Raw::List(list))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Raw, A::Error> {
                let mut map = vec![];
                while let Some(entry) = entries.next_entry()? {
                    map.push(entry);
                }
                Ok(Raw::Map(map))
            }
        }

        deserializer.deserialize_any(Any)
    }
}
