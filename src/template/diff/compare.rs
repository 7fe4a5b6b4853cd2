//! What differs between two values, and where: as deep as possible, but a reference or a text is one value.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value as Json};
use similar::{Algorithm, DiffOp, capture_diff_slices};

use super::document::{same, scalar};
use super::fate::Replacement;

/// A value that differs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ValueChange {
    /// Where, from the resource's properties on: `MaxSize`; `Tags[team].Value`, where list items have names;
    /// `VPCZoneIdentifier[]`, where they have none. What is no property begins with its attribute: `Metadata.Description`.
    pub path: String,
    /// The value that goes; absent where there was none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Json>,
    /// The value that comes; absent where there will be none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Json>,
    /// Whether it replaces the resource.
    pub replacement: Replacement,
}

/// The keys by which the items of a list are known, wherever every item has one and no two the same.
const NAMES: [&str; 10] = [
    "Sid",
    "Key",
    "PolicyName",
    "DeviceName",
    "ResourceType",
    "Id",
    "Name",
    "ParameterKey",
    "VirtualName",
    "OutputKey",
];

/// Adds what differs between two values at a path.
pub(super) fn compare(before: &Json, after: &Json, path: &str, found: &mut Vec<ValueChange>) {
    if same(before, after) {
        return;
    }
    match (before, after) {
        (Json::Object(a), Json::Object(b)) if !is_function(a) && !is_function(b) => {
            for (key, value) in a {
                let path = join(path, key);
                match b.get(key) {
                    Some(other) => compare(value, other, &path, found),
                    None => found.push(change(path, Some(value), None)),
                }
            }
            let new = b.iter().filter(|(key, _)| !a.contains_key(*key));
            found.extend(new.map(|(key, value)| change(join(path, key), None, Some(value))));
        }
        (Json::Array(a), Json::Array(b)) => match names(a).zip(names(b)) {
            Some((names_a, names_b)) => by_name((a, &names_a), (b, &names_b), path, found),
            None => by_order(a, b, path, found),
        },
        _ => found.push(change(path.to_owned(), Some(before), Some(after))),
    }
}

fn change(path: String, before: Option<&Json>, after: Option<&Json>) -> ValueChange {
    ValueChange { path, before: before.cloned(), after: after.cloned(), replacement: Replacement::Never }
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

/// Whether it is `Ref`, `Fn::…` or `Condition`: a value, not a map.
pub(super) fn is_function(map: &Map<String, Json>) -> bool {
    map.len() == 1 && map.keys().all(|key| key == "Ref" || key.starts_with("Fn::"))
}

/// The names of a list's items, if they have some.
fn names(items: &[Json]) -> Option<Vec<String>> {
    if items.is_empty() {
        return None;
    }
    NAMES.iter().find_map(|key| {
        let mut names = Vec::new();
        for item in items {
            let name = scalar(item.get(key)?)?.into_owned();
            if names.contains(&name) {
                return None;
            }
            names.push(name);
        }
        Some(names)
    })
}

fn by_name(a: (&[Json], &[String]), b: (&[Json], &[String]), path: &str, found: &mut Vec<ValueChange>) {
    let at = |name: &str| format!("{path}[{name}]");
    let of = |(items, names): (&'_ [Json], &'_ [String]), name: &String| {
        names.iter().position(|other| other == name).and_then(|index| items.get(index)).cloned()
    };
    for (item, name) in a.0.iter().zip(a.1) {
        match of(b, name) {
            Some(other) => compare(item, &other, &at(name), found),
            None => found.push(change(at(name), Some(item), None)),
        }
    }
    let new = b.0.iter().zip(b.1).filter(|(_, name)| !a.1.contains(name));
    found.extend(new.map(|(item, name)| change(at(name), None, Some(item))));
    let kept = |names: &[String], others: &[String]| -> Vec<String> {
        names.iter().filter(|name| others.contains(name)).cloned().collect()
    };
    let (order, new_order) = (kept(a.1, b.1), kept(b.1, a.1));
    if order != new_order {
        found.push(change(format!("{path} (order)"), Some(&order.into()), Some(&new_order.into())));
    }
}

fn by_order(a: &[Json], b: &[Json], path: &str, found: &mut Vec<ValueChange>) {
    let at = format!("{path}[]");
    // Items that CloudFormation would not tell apart must be one text.
    let texts = |items: &[Json]| -> Vec<String> { items.iter().map(|item| alike(item).to_string()).collect() };
    for op in capture_diff_slices(Algorithm::Myers, &texts(a), &texts(b)) {
        match op {
            DiffOp::Equal { .. } => {}
            DiffOp::Delete { old_index, old_len, .. } => {
                found.extend(a[old_index..old_index + old_len].iter().map(|item| change(at.clone(), Some(item), None)));
            }
            DiffOp::Insert { new_index, new_len, .. } => {
                found.extend(b[new_index..new_index + new_len].iter().map(|item| change(at.clone(), None, Some(item))));
            }
            DiffOp::Replace { old_index, old_len, new_index, new_len } => {
                let (old, new) = (&a[old_index..old_index + old_len], &b[new_index..new_index + new_len]);
                let pairs =
                    if old.iter().chain(new).all(|item| !is_plain(item)) { old.len().min(new.len()) } else { 0 };
                for (offset, (old, new)) in old.iter().zip(new).take(pairs).enumerate() {
                    compare(old, new, &format!("{path}[{}]", old_index + offset), found);
                }
                found.extend(old[pairs..].iter().map(|item| change(at.clone(), Some(item), None)));
                found.extend(new[pairs..].iter().map(|item| change(at.clone(), None, Some(item))));
            }
        }
    }
}

/// Whether it is one value: of two such in a list nobody can say that one became the other.
fn is_plain(value: &Json) -> bool {
    match value {
        Json::Object(map) => is_function(map),
        Json::Array(_) => false,
        _ => true,
    }
}

/// The value with every scalar as CloudFormation takes it, and its keys in an order that is always the same.
fn alike(value: &Json) -> Json {
    match value {
        Json::Array(items) => items.iter().map(alike).collect(),
        Json::Object(map) => {
            let sorted: BTreeMap<_, _> = map.iter().map(|(key, value)| (key.clone(), alike(value))).collect();
            Json::Object(sorted.into_iter().collect())
        }
        other => scalar(other).map_or(Json::Null, |text| Json::String(text.into_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn told(before: Json, after: Json) -> Vec<(String, Option<Json>, Option<Json>)> {
        let mut found = Vec::new();
        compare(&before, &after, "P", &mut found);
        found.into_iter().map(|change| (change.path, change.before, change.after)).collect()
    }

    fn one(
        path: &str,
        before: impl Into<Option<Json>>,
        after: impl Into<Option<Json>>,
    ) -> (String, Option<Json>, Option<Json>) {
        (path.to_owned(), before.into(), after.into())
    }

    #[test]
    fn maps_are_compared_key_by_key() {
        let found = told(json!({"a": 1, "b": {"c": 2}, "d": 4}), json!({"b": {"c": 3}, "a": "1", "e": 5}));
        assert_eq!(found, [one("P.b.c", json!(2), json!(3)), one("P.d", json!(4), None), one("P.e", None, json!(5))]);
    }

    #[test]
    fn list_items_are_known_by_their_names() {
        let found = told(
            json!([{"Sid": "A", "Action": "x"}, {"Sid": "B", "Action": "y"}]),
            json!([{"Sid": "B", "Action": "z"}, {"Sid": "C", "Action": "x"}]),
        );
        assert_eq!(
            found,
            [
                one("P[A]", json!({"Sid": "A", "Action": "x"}), None),
                one("P[B].Action", json!("y"), json!("z")),
                one("P[C]", None, json!({"Sid": "C", "Action": "x"})),
            ]
        );
        let tag = |key: &str| json!({"Key": key, "Value": "v"});
        let found = told(json!([tag("a"), tag("b")]), json!([tag("b"), tag("a")]));
        assert_eq!(found, [one("P (order)", json!(["a", "b"]), json!(["b", "a"]))]);
    }

    #[test]
    fn items_without_a_name_are_known_by_their_neighbours() {
        assert_eq!(told(json!(["a", "b", "c"]), json!(["a", "c"])), [one("P[]", json!("b"), None)]);
        assert_eq!(told(json!(["a"]), json!(["b"])), [one("P[]", json!("a"), None), one("P[]", None, json!("b"))]);
        assert_eq!(told(json!([{"x": 1}]), json!([{"x": 2}])), [one("P[0].x", json!(1), json!(2))]);
        assert_eq!(told(json!([1, 2]), json!(["1", 2, 3])), [one("P[]", None, json!(3))]);
        let (mixed, other) = (json!([{"x": 1, "y": 1}, "a"]), json!([{"y": 1, "x": 1}]));
        assert_eq!(told(mixed, other), [one("P[]", json!("a"), None)]);
        assert_eq!(told(json!([{"x": 1}]), json!([])), [one("P[]", json!({"x": 1}), None)]);
    }

    #[test]
    fn a_reference_is_one_value() {
        let found = told(json!({"a": {"Ref": "X"}}), json!({"a": {"Ref": "Y"}}));
        assert_eq!(found, [one("P.a", json!({"Ref": "X"}), json!({"Ref": "Y"}))]);
        assert_eq!(told(json!({"Ref": "X"}), json!("x")).len(), 1);
    }
}
