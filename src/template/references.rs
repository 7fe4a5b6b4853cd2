//! Every reference of a template leads somewhere.

use std::collections::BTreeSet;

use super::{Template, TemplateError};

/// Every reference that leads nowhere.
pub(super) fn dangling(template: &Template) -> impl Iterator<Item = TemplateError> {
    let names = template.names();
    ["Resources", "Outputs"].into_iter().flat_map(|section| template.section(section)).flat_map(move |(from, value)| {
        let mut missing = of(value);
        missing.retain(|to| !to.starts_with("AWS::") && !names.contains(to));
        missing.into_iter().map(|to| TemplateError::Dangling { from: from.to_owned(), to: to.to_owned() })
    })
}

/// What a value refers to.
pub(super) fn of<T: Tree>(value: &T) -> BTreeSet<&str> {
    let mut references = BTreeSet::new();
    collect(value, &mut references);
    references
}

/// A document's tree, as YAML with short forms (`!Ref`) or as JSON with long ones. Read where it is: a copy of it as the other
/// would take as long as all else that is done to a template.
pub(super) trait Tree: Sized {
    /// A string.
    fn text(&self) -> Option<&str>;
    /// A list.
    fn items(&self) -> Option<&[Self]>;
    /// A map, by those of its keys that are strings.
    fn entries(&self) -> impl Iterator<Item = (&str, &Self)>;
    /// A short form: the function, and its argument.
    fn short_form(&self) -> Option<(&str, &Self)>;
}

impl Tree for serde_yaml::Value {
    fn text(&self) -> Option<&str> {
        if let Self::String(text) = self { Some(text) } else { None }
    }

    fn items(&self) -> Option<&[Self]> {
        if let Self::Sequence(items) = self { Some(items) } else { None }
    }

    fn entries(&self) -> impl Iterator<Item = (&str, &Self)> {
        let entries = if let Self::Mapping(entries) = self { Some(entries) } else { None };
        entries.into_iter().flatten().filter_map(|(key, value)| Some((key.as_str()?, value)))
    }

    fn short_form(&self) -> Option<(&str, &Self)> {
        let Self::Tagged(tagged) = self else { return None };
        Some((FUNCTIONS.into_iter().find(|function| tagged.tag == *function).unwrap_or(""), &tagged.value))
    }
}

impl Tree for serde_json::Value {
    fn text(&self) -> Option<&str> {
        self.as_str()
    }

    fn items(&self) -> Option<&[Self]> {
        self.as_array().map(Vec::as_slice)
    }

    fn entries(&self) -> impl Iterator<Item = (&str, &Self)> {
        self.as_object().into_iter().flatten().map(|(key, value)| (key.as_str(), value))
    }

    fn short_form(&self) -> Option<(&str, &Self)> {
        None
    }
}

/// The functions that refer.
const FUNCTIONS: [&str; 3] = ["Ref", "GetAtt", "Sub"];

fn collect<'a, T: Tree>(value: &'a T, references: &mut BTreeSet<&'a str>) {
    if let Some((function, argument)) = value.short_form() {
        return refer(function, argument, references);
    }
    value.items().into_iter().flatten().for_each(|item| collect(item, references));
    for (key, value) in value.entries() {
        let function = if key == "Ref" { key } else { key.strip_prefix("Fn::").unwrap_or("") };
        refer(function, value, references);
    }
}

/// What a function refers to, its argument's own references among it.
fn refer<'a, T: Tree>(function: &str, argument: &'a T, references: &mut BTreeSet<&'a str>) {
    match (function, argument.text(), argument.items()) {
        ("Ref", Some(name), _) => {
            references.insert(name);
        }
        ("GetAtt", Some(path), _) => references.extend(path.split('.').next()),
        ("GetAtt", _, Some(path)) => references.extend(path.first().and_then(T::text)),
        ("Sub", Some(text), _) => references.extend(variables(text)),
        ("Sub", _, Some([text, own @ ..])) => {
            let is_own = |name: &str| own.iter().flat_map(T::entries).any(|(key, _)| key == name);
            references.extend(variables(text.text().unwrap_or_default()).filter(|name| !is_own(name)));
            own.iter().for_each(|own| collect(own, references));
        }
        _ => collect(argument, references),
    }
}

/// The names in `${…}`, without what stands behind a point; `${!…}` is a literal.
fn variables(text: &str) -> impl Iterator<Item = &str> {
    text.split("${").skip(1).filter_map(|rest| {
        let name = rest.split_once('}')?.0.trim();
        (!name.starts_with('!')).then(|| name.split('.').next().unwrap_or(name))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_found_in_every_form() {
        for (text, expected) in [
            ("a: !Ref X", &["X"] as &[_]),
            ("a: {Ref: X}", &["X"]),
            ("a: !GetAtt X.Y.Z", &["X"]),
            ("a: !GetAtt [X, Y]", &["X"]),
            ("Fn::GetAtt: [X, Y]", &["X"]),
            ("Fn::GetAtt: X.Y", &["X"]),
            ("a: !Sub 'a ${X} ${Y.Z} ${!W} ${AWS::Region}'", &["AWS::Region", "X", "Y"]),
            ("Fn::Sub: ['${X} ${Y}', {X: !Ref Z}]", &["Y", "Z"]),
            ("a: !Sub ['${X} ${Y}', {X: !Ref Z}]", &["Y", "Z"]),
            ("Fn::Base64: {Fn::Join: ['', [!Ref X, {a: !If [c, !Ref Y, b]}]]}", &["X", "Y"]),
            ("a: ${X}", &[]),
        ] {
            let value: serde_yaml::Value = serde_yaml::from_str(text).expect("YAML");
            assert_eq!(of(&value).into_iter().collect::<Vec<_>>(), expected, "{text}");
            assert_eq!(of(&crate::template::to_json(&value)), of(&value), "{text}");
        }
    }
}
