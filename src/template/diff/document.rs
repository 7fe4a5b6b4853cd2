//! A template as CloudFormation reads it, whatever it is written in: YAML with short forms or JSON with long ones.

use std::borrow::Cow;
use std::sync::LazyLock;

use serde_json::{Map, Value as Json};

use crate::template::{Template, to_json};

/// A template in its long form, in the order in which it is written, to be compared.
#[derive(Debug, Clone)]
pub struct Document(Json);

/// A text that is no template.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// It cannot be read.
    #[error("neither YAML nor JSON: {0}")]
    Unreadable(String),
    /// It can, and is something else.
    #[error("no CloudFormation template: it has no `Resources`")]
    NoTemplate,
}

impl Document {
    /// Reads a template.
    ///
    /// # Errors
    /// The text is something else.
    pub fn read(text: &str) -> Result<Self, DocumentError> {
        let unreadable = |error: &dyn std::fmt::Display| DocumentError::Unreadable(error.to_string());
        let text = text.trim_start_matches('\u{feff}');
        // JSON is YAML, but not where it is indented with tabs.
        let json = if text.trim_start().starts_with('{') {
            serde_json::from_str(text).map_err(|error| unreadable(&error))?
        } else {
            to_json(&serde_yaml::from_str::<serde_yaml::Value>(text).map_err(|error| unreadable(&error))?)
        };
        let is_template = json.get("Resources").is_some_and(Json::is_object);
        if is_template { Ok(Self::new(json)) } else { Err(DocumentError::NoTemplate) }
    }

    /// A rendered template.
    pub fn of(template: &Template) -> Self {
        Self::new(template.to_json())
    }

    /// The template of a stack that does not exist.
    pub fn empty() -> Self {
        Self::new(Json::Object(Map::new()))
    }

    pub(super) fn new(json: Json) -> Self {
        Self(normal(json))
    }

    /// The resources by their logical ids.
    pub(crate) fn resources(&self) -> &Map<String, Json> {
        self.section("Resources")
    }

    pub(crate) fn section(&self, name: &str) -> &Map<String, Json> {
        static NOTHING: LazyLock<Map<String, Json>> = LazyLock::new(Map::new);
        self.0.get(name).and_then(Json::as_object).unwrap_or(&NOTHING)
    }

    pub(super) fn get(&self, name: &str) -> Option<&Json> {
        self.0.get(name)
    }

    /// The names of the sections.
    pub(super) fn names(&self) -> impl Iterator<Item = &String> {
        self.0.as_object().into_iter().flat_map(Map::keys)
    }
}

/// What may be written in two ways, written in one: the path of `Fn::GetAtt` as a list, and `DependsOn` too.
fn normal(value: Json) -> Json {
    match value {
        Json::Array(items) => items.into_iter().map(normal).collect(),
        Json::Object(entries) => entries
            .into_iter()
            .map(|(key, value)| {
                let value = match (key.as_str(), value) {
                    ("Fn::GetAtt", Json::String(path)) => match path.split_once('.') {
                        Some((id, attribute)) => Json::from(vec![id, attribute]),
                        None => Json::String(path),
                    },
                    ("DependsOn", Json::String(id)) => Json::from(vec![id]),
                    (_, value) => normal(value),
                };
                (key, value)
            })
            .collect(),
        scalar => scalar,
    }
}

/// A scalar as CloudFormation takes it, which hands every scalar on as a string: `4`, `"4"` and `4.0` are one, as are `true` and
/// `"true"`; `"4.0"` is another text. `None` for what is no scalar, and for null.
pub(super) fn scalar(value: &Json) -> Option<Cow<'_, str>> {
    match value {
        Json::String(text) => Some(text.into()),
        Json::Bool(bool) => Some(bool.to_string().into()),
        Json::Number(number) => Some(match (number.as_i64(), number.as_f64()) {
            // Every whole number up to here is exact.
            (None, Some(float)) if float.fract() == 0.0 && float.abs() < 9e15 => format!("{float:.0}").into(),
            _ => number.to_string().into(),
        }),
        _ => None,
    }
}

/// Whether CloudFormation would see no difference.
pub(super) fn same(before: &Json, after: &Json) -> bool {
    match (before, after) {
        (Json::Array(a), Json::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Json::Object(a), Json::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| same(a, b)))
        }
        (Json::Null, Json::Null) => true,
        _ => scalar(before).is_some_and(|before| scalar(after) == Some(before)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(properties: &str) -> Document {
        Document::read(&format!("Resources: {{X: {{Type: A, Properties: {properties}}}}}")).expect("a template")
    }

    #[test]
    fn long_and_short_forms_are_one() {
        for (short, long) in [
            ("{A: !Ref X}", "{A: {Ref: X}}"),
            ("{A: !GetAtt X.Arn}", "{A: {'Fn::GetAtt': [X, Arn]}}"),
            ("{A: !GetAtt X.Outputs.Y}", "{A: {'Fn::GetAtt': [X, Outputs.Y]}}"),
            ("{A: !GetAtt [X, Arn]}", "{A: {'Fn::GetAtt': X.Arn}}"),
            ("{A: !Sub '${X}'}", "{A: {'Fn::Sub': '${X}'}}"),
            ("{A: !Join ['', [a, !Ref B]]}", "{A: {'Fn::Join': ['', [a, {Ref: B}]]}}"),
            ("{A: !If [Yes, !Ref X, !Ref 'AWS::NoValue']}", "{A: {'Fn::If': [Yes, {Ref: X}, {Ref: 'AWS::NoValue'}]}}"),
            ("{A: !Base64 x}", "{A: {'Fn::Base64': x}}"),
            ("{A: !Condition C}", "{A: {Condition: C}}"),
            ("{DependsOn: X}", "{DependsOn: [X]}"),
            ("{1: a}", "{'1': a}"),
        ] {
            assert_eq!(read(short).0, read(long).0, "{short}");
        }
        let json = "{\n\t\"Resources\": {\"X\": {\"Type\": \"A\", \"Properties\": {\"A\": {\"Ref\": \"X\"}}}}\n}";
        assert_eq!(Document::read(json).expect("JSON").0, read("{A: !Ref X}").0);
    }

    #[test]
    fn a_scalar_is_a_string_to_cloudformation() {
        for (a, b, equal) in [
            (json!(1), json!("1"), true),
            (json!(1.0), json!(1), true),
            (json!(0.55), json!("0.55"), true),
            (json!(true), json!("true"), true),
            (json!("1.0"), json!(1), false),
            (json!("0755"), json!(755), false),
            (json!("yes"), json!(true), false),
            (json!(null), json!(""), false),
            (json!(null), json!(null), true),
            (json!([1, {"a": 2}]), json!(["1", {"a": "2"}]), true),
            (json!([1]), json!([1, 2]), false),
            (json!({"a": 1}), json!({"b": 1}), false),
        ] {
            assert_eq!(same(&a, &b), equal, "{a} {b}");
        }
    }

    #[test]
    fn what_is_no_template_says_so() {
        for (text, error) in [
            ("a: [", "neither YAML nor JSON"),
            ("{\"a\": ", "neither YAML nor JSON"),
            ("stack: x", "no `Resources`"),
            ("Resources: []", "no `Resources`"),
            ("", "no `Resources`"),
        ] {
            let error_found = Document::read(text).expect_err(text).to_string();
            assert!(error_found.contains(error), "{error_found}");
        }
    }
}
