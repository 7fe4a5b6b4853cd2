//! Values as a reader of the template knows them: short forms, texts with their variables in place, long texts line by line.

use serde_json::{Map, Value as Json};
use similar::{ChangeTag, TextDiff};

use super::compare::is_function;
use crate::neutral::neutral;

/// A value of more lines that comes or goes as a whole is shown by its first ones.
const LONG: usize = 12;

/// Lines around a changed line of a long text.
const CONTEXT: usize = 2;

/// What happens to a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// It goes.
    Before,
    /// It comes.
    After,
    /// It stays, and is shown for orientation.
    Both,
    /// Lines that stay and are not shown.
    Gap,
}

/// A change as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Shown {
    /// Both values are short: `0.55`, `0.7`.
    Pair(String, String),
    /// Line by line.
    Lines(Vec<(Side, String)>),
}

/// How a change is shown. `width` is how long a value on one line may be.
pub(super) fn shown(before: Option<&Json>, after: Option<&Json>, width: usize) -> Shown {
    let lines = |side: Side, value: Option<&Json>| -> Vec<(Side, String)> {
        let mut all: Vec<_> =
            value.into_iter().flat_map(|value| lines(value, width)).map(|line| (side, line)).collect();
        if all.len() > LONG {
            let hidden = all.len() - LONG / 2;
            all.truncate(LONG / 2);
            all.push((Side::Gap, format!("… {hidden} more lines")));
        }
        all
    };
    if let (Some(before), Some(after)) = (before, after) {
        if let (Some(a), Some(b)) = (text(before), text(after))
            && a != b
            && (a.contains('\n') || b.contains('\n'))
        {
            return Shown::Lines(line_diff(&a, &b));
        }
        let (a, b) = (flow(before), flow(after));
        // Values that only look alike are shown as they are written.
        let (a, b) =
            if a == b { (neutral(&before.to_string()).into(), neutral(&after.to_string()).into()) } else { (a, b) };
        if a.chars().count() <= width && b.chars().count() <= width {
            return Shown::Pair(a, b);
        }
    }
    let mut all = lines(Side::Before, before);
    all.extend(lines(Side::After, after));
    Shown::Lines(all)
}

/// The lines that differ, with some around them. An end of the text without a line break is said.
fn line_diff(before: &str, after: &str) -> Vec<(Side, String)> {
    let diff = TextDiff::from_lines(before, after);
    let mut lines = Vec::new();
    let mut begin = 0;
    for group in diff.grouped_ops(CONTEXT) {
        let first = group.first().map_or(0, |op| op.old_range().start);
        if first > begin {
            lines.push((Side::Gap, gap(first - begin)));
        }
        for op in &group {
            begin = op.old_range().end;
            for change in diff.iter_changes(op) {
                let side = match change.tag() {
                    ChangeTag::Delete => Side::Before,
                    ChangeTag::Insert => Side::After,
                    ChangeTag::Equal => Side::Both,
                };
                let line: &str = change.value();
                let ending = if line.ends_with('\n') || side == Side::Both { "" } else { "  (no line break)" };
                let line = line.strip_suffix('\n').unwrap_or(line);
                lines.push((side, format!("{}{ending}", neutral(line))));
            }
        }
    }
    let rest = before.lines().count().saturating_sub(begin);
    if rest > 0 {
        lines.push((Side::Gap, gap(rest)));
    }
    lines
}

fn gap(lines: usize) -> String {
    format!("… {lines} line{}", if lines == 1 { "" } else { "s" })
}

/// A text, however it is put together: its variables in place, as `Fn::Sub` has them. `None` for what is no text.
pub(super) fn text(value: &Json) -> Option<String> {
    let Json::Object(map) = value else { return value.as_str().map(str::to_owned) };
    if !is_function(map) {
        return None;
    }
    let (name, argument) = map.iter().next()?;
    match (name.as_str(), argument) {
        ("Fn::Base64", inner) => text(inner),
        ("Ref", Json::String(name)) => Some(format!("${{{name}}}")),
        ("Fn::GetAtt", Json::Array(path)) => {
            let path: Option<Vec<&str>> = path.iter().map(Json::as_str).collect();
            Some(format!("${{{}}}", path?.join(".")))
        }
        ("Fn::Sub", Json::String(text)) => Some(text.clone()),
        ("Fn::Sub", Json::Array(both)) => match both.as_slice() {
            [Json::String(text), Json::Object(variables)] => Some(substituted(text, variables)),
            _ => None,
        },
        ("Fn::Join", Json::Array(both)) => match both.as_slice() {
            [Json::String(between), Json::Array(parts)] => {
                let parts: Option<Vec<String>> = parts.iter().map(text).collect();
                Some(parts?.join(between))
            }
            _ => None,
        },
        _ => None,
    }
}

/// Puts those variables in that `Fn::Sub` has of its own.
fn substituted(template: &str, variables: &Map<String, Json>) -> String {
    let mut out = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("${") {
        out.push_str(before);
        let value = after.split_once('}').and_then(|(name, rest)| Some((text(variables.get(name.trim())?)?, rest)));
        match value {
            Some((value, after)) => {
                out.push_str(&value);
                rest = after;
            }
            None => {
                out.push_str("${");
                rest = after;
            }
        }
    }
    out + rest
}

/// A value on one line, in short forms.
pub(super) fn flow(value: &Json) -> String {
    match value {
        Json::Object(map) if is_function(map) => function(map),
        Json::Object(map) => {
            let entries: Vec<_> = map.iter().map(|(key, value)| format!("{}: {}", neutral(key), flow(value))).collect();
            format!("{{{}}}", entries.join(", "))
        }
        Json::Array(items) => format!("[{}]", items.iter().map(flow).collect::<Vec<_>>().join(", ")),
        Json::String(text) if is_bare(text) => text.clone(),
        Json::String(text) => format!("{text:?}"),
        scalar => scalar.to_string(),
    }
}

fn function(map: &Map<String, Json>) -> String {
    let Some((name, argument)) = map.iter().next() else { return "{}".into() };
    match (name.as_str(), argument) {
        ("Ref", Json::String(name)) => format!("!Ref {}", neutral(name)),
        ("Fn::GetAtt", Json::Array(_)) => {
            let path = text(&Json::Object(map.clone())).unwrap_or_default();
            format!("!GetAtt {}", neutral(path.trim_start_matches("${").trim_end_matches('}')))
        }
        ("Fn::Sub" | "Fn::Join", _) => match text(&Json::Object(map.clone())) {
            Some(text) if is_bare(&text) => format!("!Sub {text}"),
            Some(text) => format!("!Sub {text:?}"),
            None => format!("!{} {}", neutral(name.trim_start_matches("Fn::")), flow(argument)),
        },
        _ => format!("!{} {}", neutral(name.trim_start_matches("Fn::")), flow(argument)),
    }
}

/// Whether a text can be shown without quotes and nobody is misled.
fn is_bare(text: &str) -> bool {
    !text.is_empty()
        && text == text.trim()
        && neutral(text) == text
        && !text.contains(['\n', '\t', '"', '{', '}', '[', ']', ','])
        || text.starts_with("arn:") && !text.contains(['\n', '\t', '"', ' ']) && neutral(text) == text
}

/// A value in as many lines as it needs, as YAML is laid out.
fn lines(value: &Json, width: usize) -> Vec<String> {
    let one = flow(value);
    let long_text = text(value).filter(|text| text.contains('\n'));
    if let Some(long) = long_text {
        return long.lines().map(|line| neutral(line).into_owned()).collect();
    }
    if one.chars().count() <= width {
        return vec![one];
    }
    let nested = |head: String, inner: &Json, margin: &str| -> Vec<String> {
        let inner = lines(inner, width.saturating_sub(2));
        match inner.as_slice() {
            [only] if head.chars().count() + only.chars().count() < width || !only.contains(' ') => {
                vec![format!("{head} {only}").trim_end().to_owned()]
            }
            _ => std::iter::once(head).chain(inner.into_iter().map(|line| format!("{margin}{line}"))).collect(),
        }
    };
    match value {
        Json::Object(map) if !is_function(map) => {
            map.iter().flat_map(|(key, inner)| nested(format!("{}:", neutral(key)), inner, "  ")).collect()
        }
        Json::Array(items) => items
            .iter()
            .flat_map(|item| {
                let inner = lines(item, width.saturating_sub(2));
                inner
                    .into_iter()
                    .enumerate()
                    .map(|(index, line)| format!("{} {line}", if index == 0 { "-" } else { " " }))
                    .collect::<Vec<_>>()
            })
            .collect(),
        _ => vec![one],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn short_forms_are_shown() {
        for (value, expected) in [
            (json!("a b"), "a b"),
            (json!("0.55"), "0.55"),
            (json!(""), "\"\""),
            (json!("a\u{1b}b"), "\"a\\u{1b}b\""),
            (json!(4), "4"),
            (json!({"Ref": "X"}), "!Ref X"),
            (json!({"Fn::GetAtt": ["X", "Arn"]}), "!GetAtt X.Arn"),
            (json!({"Fn::Sub": ["arn:${P}:${G}", {"G": {"Ref": "X"}}]}), "!Sub arn:${P}:${X}"),
            (json!({"Fn::If": ["C", 1, {"Ref": "AWS::NoValue"}]}), "!If [C, 1, !Ref AWS::NoValue]"),
            (json!({"a": [1, {"b": "c"}]}), "{a: [1, {b: c}]}"),
        ] {
            assert_eq!(flow(&value), expected);
        }
    }

    #[test]
    fn a_text_is_whole_with_its_variables() {
        let user_data = json!({"Fn::Base64": {"Fn::Join": ["", [
            {"Fn::Sub": ["queue ${Url} ${AWS::Region} ${Pair}\n", {"Url": {"Ref": "Q"}, "Pair": "gpu"}]},
            "work ${x}\n",
        ]]}});
        assert_eq!(text(&user_data).expect("a text"), "queue ${Q} ${AWS::Region} gpu\nwork ${x}\n");
        assert_eq!(text(&json!({"Fn::If": ["a", "b", "c"]})), None);
    }

    #[test]
    fn long_texts_are_shown_line_by_line() {
        let before: String = (1..=20).map(|line| format!("line {line}\n")).collect();
        let after = before.replace("line 9\n", "line nine\n");
        let Shown::Lines(lines) = shown(Some(&json!(before)), Some(&json!(after)), 40) else { panic!("not lines") };
        let told: Vec<_> = lines.iter().map(|(side, line)| format!("{side:?} {line}")).collect();
        assert_eq!(
            told,
            [
                "Gap … 6 lines",
                "Both line 7",
                "Both line 8",
                "Before line 9",
                "After line nine",
                "Both line 10",
                "Both line 11",
                "Gap … 9 lines"
            ]
        );
    }

    #[test]
    fn what_looks_alike_is_told_apart() {
        let joined = json!({"Fn::Join": ["", ["a", {"Ref": "X"}]]});
        let Shown::Pair(a, b) = shown(Some(&joined), Some(&json!({"Fn::Sub": "a${X}"})), 80) else { panic!("lines") };
        assert_ne!(a, b);
        let Shown::Lines(lines) = shown(Some(&json!("a\n")), Some(&json!("a")), 80) else { panic!("a pair") };
        assert_eq!(lines.iter().map(|(_, line)| line.as_str()).collect::<Vec<_>>(), ["a", "a  (no line break)"]);
    }

    #[test]
    fn a_large_value_is_laid_out() {
        let statement = json!({"Sid": "Scale", "Effect": "Allow", "Action": ["autoscaling:ExecutePolicy", "sqs:X"], "Resource": {"Ref": "Q"}});
        let Shown::Lines(lines) = shown(None, Some(&statement), 40) else { panic!("a pair") };
        let told: Vec<_> = lines.iter().map(|(_, line)| line.as_str()).collect();
        assert_eq!(
            told,
            ["Sid: Scale", "Effect: Allow", "Action:", "  [autoscaling:ExecutePolicy, sqs:X]", "Resource: !Ref Q"]
        );
    }
}
