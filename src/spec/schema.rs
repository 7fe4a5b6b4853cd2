//! The spec's JSON Schema, made from its types: so that an editor completes and checks what is typed, and an error says what
//! belongs where.

use std::borrow::Cow;
use std::sync::LazyLock;

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Map, Value};

use super::Spec;

/// The JSON Schema of the spec, as pretty-printed JSON.
pub fn schema() -> String {
    format!("{:#}\n", generate().as_value())
}

fn generate() -> Schema {
    let mut schema = SchemaSettings::draft07().into_generator().into_root_schema_for::<Spec>();
    schema.insert("title".to_owned(), "spotstack.yaml".into());
    schema
}

/// A type that the spec writes as a string of a certain shape.
macro_rules! text {
    ($name:ident, $pattern:literal, $example:literal, $description:literal) => {
        pub(super) struct $name;

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({
                    "type": "string", "pattern": $pattern, "description": $description, "examples": [$example]
                })
            }
        }
    };
}
text!(Duration, r"^[0-9]+[smhd]$", "5m", "a duration such as `90s`, `5m`, `1h` or `30d`");
text!(Percentage, r"^[0-9.]+%$", "15%", "a percentage such as `15%`");
text!(IdleOrDuration, r"^(idle|[0-9]+[smhd])$", "30m", "`idle` or a duration such as `30m`");

/// The whole schema: made when the first error needs it.
static ROOT: LazyLock<Value> = LazyLock::new(|| generate().to_value());

/// What belongs at a place of the spec, in words.
pub(super) struct Shape {
    /// The schemas of this place: a reference, and what it leads to.
    here: Vec<&'static Value>,
}

impl Shape {
    /// Of the whole file.
    pub(super) fn of_spec() -> Self {
        Self { here: vec![&ROOT] }
    }

    /// Of what a path of keys leads to; a step without a key is an item of a list.
    pub(super) fn at(&self, path: &[Option<String>]) -> Self {
        path.iter().fold(Self::of(self.here.clone()), |shape, step| match step {
            Some(key) => shape.key(key),
            None => Self::of(shape.all("items")),
        })
    }

    /// Of a key's value.
    pub(super) fn key(&self, key: &str) -> Self {
        let named: Vec<&Value> = self.all("properties").iter().filter_map(|properties| properties.get(key)).collect();
        Self::of(if named.is_empty() { self.all("additionalProperties") } else { named })
    }

    fn of(mut here: Vec<&'static Value>) -> Self {
        let mut index = 0;
        while let Some(schema) = here.get(index).copied() {
            for key in ["anyOf", "allOf"] {
                here.extend(schema.get(key).and_then(Value::as_array).into_iter().flatten());
            }
            let target = schema.get("$ref").and_then(Value::as_str).and_then(|path| path.strip_prefix('#'));
            here.extend(target.and_then(|path| ROOT.pointer(path)));
            index += 1;
        }
        Self { here }
    }

    fn all(&self, key: &str) -> Vec<&'static Value> {
        self.here.iter().filter_map(|schema| schema.get(key)).collect()
    }

    /// What it means: the first sentence of the type's documentation.
    pub(super) fn about(&self) -> String {
        let about = self.here.iter().find_map(|schema| schema.get("description")?.as_str()).unwrap_or_default();
        let about = about.split(['\n']).next().unwrap_or_default().trim_end_matches('.');
        let mut letters = about.chars();
        match letters.next() {
            // What follows a colon reads on in lower case, an abbreviation aside.
            Some(first) if !about.split(' ').next().unwrap_or_default().chars().skip(1).any(char::is_uppercase) => {
                first.to_lowercase().chain(letters).collect()
            }
            _ => about.to_owned(),
        }
    }

    /// What belongs here: `a whole number`.
    pub(super) fn words(&self) -> String {
        let choices = self.choices();
        if !choices.is_empty() {
            return format!("one of {}", choices.join(", "));
        }
        let kind = self.kind().map(|kind| match kind {
            "integer" => "a whole number, 0 or more".to_owned(),
            "number" => "a number".to_owned(),
            "boolean" => "`true` or `false`".to_owned(),
            "array" => "a list".to_owned(),
            "object" => "a map of keys".to_owned(),
            _ => self.pattern().map_or("a text", |(words, _)| words).to_owned(),
        });
        kind.unwrap_or_else(|| "another value".to_owned())
    }

    /// The same in a few words, for a caret.
    pub(super) fn short(&self) -> String {
        if !self.choices().is_empty() {
            return "not a value here".to_owned();
        }
        match (self.kind(), self.pattern()) {
            (_, Some((_, example))) => format!("such as {example}"),
            (Some("object"), _) => "not a map".to_owned(),
            (Some("array"), _) => "not a list".to_owned(),
            _ => self.words(),
        }
    }

    /// How to write what belongs here, where one value was given for several.
    pub(super) fn hint(&self, given: &str) -> Option<String> {
        match (self.kind()?, self.keys(&[])) {
            ("array", _) if given.starts_with('`') => {
                Some(format!("a list stands in brackets: [{}]", given.trim_matches('`')))
            }
            ("object", keys) if !keys.is_empty() => Some(format!("its keys are {keys}")),
            _ => None,
        }
    }

    /// The keys of a map, those that are not in the schema included; empty for a map whose keys are names.
    pub(super) fn keys(&self, known: &[&str]) -> String {
        let mut keys: Vec<String> = vec![];
        for properties in self.all("properties") {
            keys.extend(properties.as_object().into_iter().flat_map(Map::keys).cloned());
        }
        if keys.is_empty() {
            keys = known.iter().map(|key| (*key).to_owned()).collect();
        }
        keys.join(", ")
    }

    /// Every place whose key this is, as its parents: `spot`, or `alarms: idle`.
    pub(super) fn places_of(&self, key: &str) -> Vec<String> {
        let mut found = vec![];
        Self::of(self.here.clone()).search(key, &mut vec![], &mut found);
        found
    }

    fn search(&self, key: &str, parents: &mut Vec<String>, found: &mut Vec<String>) {
        for properties in self.all("properties") {
            for (name, _) in properties.as_object().into_iter().flatten() {
                if name == key {
                    let place = match &parents[..] {
                        [] => "the top level, beside `stack`".to_owned(),
                        [.., pair] if pair == "<pair>" => "the pair itself, beside `launch`".to_owned(),
                        [.., pair, parent] if pair == "<pair>" => format!("`{parent}`"),
                        [parent] => format!("`{parent}`"),
                        [.., grand, parent] => format!("`{grand}: {parent}`"),
                    };
                    if !found.contains(&place) {
                        found.push(place);
                    }
                }
                parents.push(name.clone());
                let child = self.key(name);
                child.search(key, parents, found);
                Self::of(child.all("items")).search(key, parents, found);
                let named = child.all("additionalProperties");
                if named.iter().any(|schema| schema.is_object()) {
                    parents.push("<pair>".to_owned());
                    Self::of(named).search(key, parents, found);
                    parents.pop();
                }
                parents.pop();
            }
        }
    }

    fn kind(&self) -> Option<&str> {
        self.here.iter().find_map(|schema| match schema.get("type")? {
            Value::String(kind) if kind != "null" => Some(kind.as_str()),
            Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).find(|kind| *kind != "null"),
            _ => None,
        })
    }

    fn choices(&self) -> Vec<String> {
        let mut choices = vec![];
        for schema in &self.here {
            choices.extend(schema.get("enum").and_then(Value::as_array).into_iter().flatten());
            let each = schema.get("oneOf").and_then(Value::as_array).into_iter().flatten();
            choices.extend(each.filter_map(|one| one.get("const")));
        }
        choices.into_iter().filter_map(Value::as_str).map(str::to_owned).collect()
    }

    /// A text of a certain shape: its name and an example.
    fn pattern(&self) -> Option<(&str, &str)> {
        let schema = self.here.iter().find(|schema| schema.get("pattern").is_some())?;
        Some((schema.get("description")?.as_str()?, schema.pointer("/examples/0")?.as_str()?))
    }
}
