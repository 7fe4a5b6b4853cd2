//! Every reference of a template leads somewhere.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Template, TemplateError};

/// Every reference that leads nowhere.
pub(super) fn dangling(template: &Template, document: &Value) -> Vec<TemplateError> {
    let mut dangling = vec![];
    let names = template.names();
    for section in ["Resources", "Outputs"] {
        for (from, value) in document.get(section).and_then(Value::as_object).into_iter().flatten() {
            let missing = of(value).into_iter().filter(|to| !to.starts_with("AWS::") && !names.contains(to.as_str()));
            dangling.extend(missing.map(|to| TemplateError::Dangling { from: from.clone(), to }));
        }
    }
    dangling
}

/// What a value refers to.
pub(super) fn of(value: &Value) -> BTreeSet<String> {
    let mut references = BTreeSet::new();
    collect(value, &mut references);
    references
}

/// Adds what a value refers to, by `Ref`, `Fn::GetAtt` and `Fn::Sub`.
fn collect(value: &Value, references: &mut BTreeSet<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| collect(item, references)),
        Value::Object(entries) => {
            for (key, value) in entries {
                match (key.as_str(), value) {
                    ("Ref", Value::String(name)) => {
                        references.insert(name.clone());
                    }
                    ("Fn::GetAtt", Value::Array(path)) => {
                        references.extend(path.first().and_then(Value::as_str).map(str::to_owned))
                    }
                    ("Fn::Sub", Value::String(text)) => references.extend(variables(text)),
                    ("Fn::Sub", Value::Array(items)) => {
                        let own = items.get(1).and_then(Value::as_object);
                        let text = items.first().and_then(Value::as_str).unwrap_or_default();
                        references
                            .extend(variables(text).filter(|name| !own.is_some_and(|own| own.contains_key(name))));
                        own.into_iter().flatten().for_each(|(_, value)| collect(value, references));
                    }
                    _ => collect(value, references),
                }
            }
        }
        _ => {}
    }
}

/// The names in `${…}`, without what stands behind a point; `${!…}` is a literal.
fn variables(text: &str) -> impl Iterator<Item = String> {
    text.split("${").skip(1).filter_map(|rest| {
        let name = rest.split_once('}')?.0.trim();
        (!name.starts_with('!')).then(|| name.split('.').next().unwrap_or(name).to_owned())
    })
}
