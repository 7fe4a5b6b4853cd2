//! Blueprints: the CloudFormation that a reviewer knows, with the plan's values in it.
//!
//! Each file of `blueprints/` is a small template of its own. It is rendered strictly, every value written so that YAML 1.1
//! and 1.2 read the same string back, and its sections are then put together as text: what a blueprint's author wrote,
//! comments and all, is what the template's reader sees. `blueprints/README.md` has the conventions.

use minijinja::value::{Serde, Value, ValueKind};
use minijinja::{AutoEscape, Environment, ErrorKind, State, UndefinedBehavior, context};

use crate::plan::{Pair, Plan};
use crate::spec::LaunchKind;

/// The blueprints in the order in which a template has them.
const BLUEPRINTS: [(&str, &str); 10] = [
    ("stack.yaml", include_str!("../blueprints/stack.yaml")),
    ("queue.yaml", include_str!("../blueprints/queue.yaml")),
    ("worker.yaml", include_str!("../blueprints/worker.yaml")),
    ("user-data.yaml", include_str!("../blueprints/user-data.yaml")),
    ("launch-template.yaml", include_str!("../blueprints/launch-template.yaml")),
    ("launch-configuration.yaml", include_str!("../blueprints/launch-configuration.yaml")),
    ("groups.yaml", include_str!("../blueprints/groups.yaml")),
    ("alarms.yaml", include_str!("../blueprints/alarms.yaml")),
    ("manager.yaml", include_str!("../blueprints/manager.yaml")),
    ("events.yaml", include_str!("../blueprints/events.yaml")),
];

/// The sections of a template, in CloudFormation's own order.
const SECTIONS: [&str; 3] = ["Parameters", "Resources", "Outputs"];

/// A blueprint that does not render.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[error("the blueprint `{blueprint}` does not render{}: {error}", line.map(|line| format!(" at line {line}")).unwrap_or_default())]
pub struct BlueprintError {
    blueprint: String,
    line: Option<usize>,
    error: minijinja::Error,
}

/// The template's text: the same bytes for the same plan.
///
/// # Errors
/// Where a blueprint asks for what the plan does not have.
pub fn render(plan: &Plan) -> Result<String, BlueprintError> {
    let environment = environment()?;
    let render = |name: &str, context: Value| {
        environment
            .get_template(name)
            .and_then(|blueprint| blueprint.render(context))
            .map_err(|error| wrong(name, error))
    };
    let mut document = Document::default();
    document.add(&render("stack.yaml", context! { plan => Serde(plan) })?);
    for pair in &plan.pairs {
        let mut context = context! { pair => Serde(pair) };
        if pair.launch.user_data {
            let user_data = render("user-data.yaml", context.clone())?;
            context = context! { user_data => Value::from_safe_string(user_data), ..context };
        } else {
            context = context! { user_data => false, ..context };
        }
        for name in blueprints_of(pair) {
            document.add(&render(name, context.clone())?);
        }
    }
    Ok(document.text(plan))
}

/// A text of another kind with values in it, by the rules of blueprints: a value cannot change the text's structure.
///
/// # Errors
/// Where the text asks for what the context does not have.
pub(crate) fn fill(name: &str, text: &str, context: Value) -> Result<String, BlueprintError> {
    environment()?.render_named_str(name, text, context).map_err(|error| wrong(name, error))
}

/// The blueprints of a pair, in their order.
fn blueprints_of(pair: &Pair) -> [&'static str; 7] {
    let launch = match pair.launch.kind {
        LaunchKind::Template => "launch-template.yaml",
        LaunchKind::Configuration => "launch-configuration.yaml",
    };
    ["queue.yaml", "worker.yaml", launch, "groups.yaml", "alarms.yaml", "manager.yaml", "events.yaml"]
}

fn wrong(name: &str, error: minijinja::Error) -> BlueprintError {
    BlueprintError { blueprint: error.name().unwrap_or(name).to_owned(), line: error.line(), error }
}

fn environment() -> Result<Environment<'static>, BlueprintError> {
    let mut environment = Environment::empty();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| AutoEscape::None);
    environment.set_formatter(|output, _, value| {
        output.write_str(&flow(value)?).map_err(|_| minijinja::Error::new(ErrorKind::WriteFailure, "out of memory"))
    });
    // `{{resolve:…}}` and `${AWS::…}` are CloudFormation's; a statement is a YAML comment, so that a blueprint is YAML.
    let syntax = minijinja::syntax::SyntaxConfig::builder()
        .variable_delimiters("${{", "}}")
        .line_statement_prefix("#%")
        .block_delimiters("#%{", "}%#")
        .comment_delimiters("#{", "}#")
        .keep_trailing_newline(true)
        .build();
    environment.set_syntax(syntax.map_err(|error| wrong("syntax", error))?);
    environment.add_filter("string", |value: String| value);
    environment.add_filter("lower", |value: String| value.to_lowercase());
    environment
        .add_filter("block", |_: &State, text: String, indent: usize| Value::from_safe_string(block(&text, indent)));
    environment.add_filter("nested", |_: &State, fragment: String, indent: usize| {
        Value::from_safe_string(nested(fragment.trim_end(), indent))
    });
    for (name, text) in BLUEPRINTS {
        environment.add_template(name, text).map_err(|error| wrong(name, error))?;
    }
    Ok(environment)
}

/// A value as YAML in flow style, on one line.
fn flow(value: &Value) -> Result<String, minijinja::Error> {
    Ok(match value.kind() {
        ValueKind::String if value.is_safe() => value.to_string(),
        ValueKind::String => scalar(value.as_str().unwrap_or_default()),
        ValueKind::Bool | ValueKind::Number => value.to_string(),
        ValueKind::Seq | ValueKind::Iterable => {
            let items: Result<Vec<_>, _> = value.try_iter()?.map(|item| flow(&item)).collect();
            format!("[{}]", items?.join(", "))
        }
        ValueKind::Map => {
            let items: Result<Vec<_>, minijinja::Error> = value
                .try_iter()?
                .map(|key| Ok(format!("{}: {}", flow(&key)?, flow(&value.get_item(&key)?)?)))
                .collect();
            format!("{{{}}}", items?.join(", "))
        }
        kind => return Err(minijinja::Error::new(ErrorKind::InvalidOperation, format!("a value is {kind}"))),
    })
}

/// A string as YAML: bare where YAML 1.1 and 1.2, in block and in flow style, all read that very string; in double quotes else.
fn scalar(text: &str) -> String {
    /// Words that one YAML or another reads as something else than a string.
    const WORDS: [&str; 9] = ["y", "n", "yes", "no", "on", "off", "true", "false", "null"];
    let bare = text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '/')
        && text.ends_with(|last: char| last != ' ')
        && text.chars().all(|char| char.is_ascii_alphanumeric() || "_-./+=@ ".contains(char))
        && !WORDS.contains(&text.to_ascii_lowercase().as_str());
    if bare { text.to_owned() } else { quoted(text) }
}

fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for char in text.chars() {
        match char {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            // Not printable for YAML, or a line break for one of its versions.
            char if !printable(char) => match u32::from(char) {
                code @ ..=0xff => out.push_str(&format!("\\x{code:02x}")),
                code @ ..=0xffff => out.push_str(&format!("\\u{code:04x}")),
                code => out.push_str(&format!("\\U{code:08x}")),
            },
            char => out.push(char),
        }
    }
    out.push('"');
    out
}

fn printable(char: char) -> bool {
    !char.is_control() && !matches!(char, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
}

/// A text of several lines as a YAML literal whose lines begin at a column; in quotes where a literal could not hold it.
fn block(text: &str, indent: usize) -> String {
    let literal = text.ends_with('\n')
        && !text.starts_with([' ', '\n', '\t'])
        && !text.ends_with("\n\n")
        && text.chars().all(|char| char == '\n' || char == '\t' || printable(char));
    if !literal {
        return quoted(text);
    }
    let margin = " ".repeat(indent);
    let lines: Vec<String> =
        text.lines().map(|line| if line.is_empty() { String::new() } else { format!("{margin}{line}") }).collect();
    format!("|\n{}", lines.join("\n"))
}

/// A fragment moved to a column; its first line stands where the expression stood.
fn nested(fragment: &str, indent: usize) -> String {
    let margin = format!("\n{}", " ".repeat(indent));
    let mut lines = fragment.lines();
    let first = lines.next().unwrap_or_default().to_owned();
    lines.fold(first, |text, line| text + if line.is_empty() { "\n" } else { &margin } + line)
}

/// Rendered blueprints, put together section by section.
#[derive(Default)]
struct Document {
    head: String,
    sections: [String; SECTIONS.len()],
}

impl Document {
    /// Adds each section's lines to that section's; what stands before any section is the head.
    fn add(&mut self, rendered: &str) {
        let mut current = None;
        let mut parts: [String; SECTIONS.len()] = Default::default();
        for line in rendered.lines() {
            if let Some(index) = SECTIONS.iter().position(|section| line.strip_suffix(':') == Some(section)) {
                current = Some(index);
                continue;
            }
            let part = current.map_or(&mut self.head, |index| &mut parts[index]);
            part.push_str(line);
            part.push('\n');
        }
        for (section, part) in self.sections.iter_mut().zip(parts) {
            let part = part.trim_matches('\n');
            if part.is_empty() {
                continue;
            }
            if !section.is_empty() {
                // A blank line between resources, none between the one-line neighbours of other sections.
                section.push_str(if part.starts_with("  #") || part.contains("\n    Type: AWS::") {
                    "\n\n"
                } else {
                    "\n"
                });
            }
            section.push_str(part);
        }
    }

    fn text(&self, plan: &Plan) -> String {
        let mut text =
            format!("# Rendered by spotstack {} from {}: edit that file, not this one.\n", plan.version, plan.spec);
        text.push_str(self.head.trim_end());
        for (name, section) in SECTIONS.iter().zip(&self.sections) {
            if !section.is_empty() {
                let newline = if *name == "Parameters" { "\n" } else { "\n\n" };
                text.push_str(&format!("{newline}{name}:\n{section}"));
            }
        }
        text.push('\n');
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_string_stays_a_string_for_every_yaml() {
        for (text, yaml) in [
            ("g5.2xlarge", "g5.2xlarge"),
            ("Linux/UNIX", "Linux/UNIX"),
            ("render jobs", "render jobs"),
            ("no", "\"no\""),
            ("Yes", "\"Yes\""),
            ("0755", "\"0755\""),
            ("12:30:45", "\"12:30:45\""),
            ("012345678901", "\"012345678901\""),
            ("a: b", "\"a: b\""),
            ("x # y", "\"x # y\""),
            ("", "\"\""),
            ("{{ x }}", "\"{{ x }}\""),
            ("a\"b\\c\nd\u{7}\u{85}\u{2028}", r#""a\"b\\c\nd\x07\x85\u2028""#),
            ("🙂", "\"🙂\""),
            ("trailing ", "\"trailing \""),
        ] {
            assert_eq!(scalar(text), yaml);
            assert_eq!(serde_yaml::from_str::<String>(&scalar(text)).expect("valid"), text);
            assert_eq!(serde_yaml::from_str::<Vec<String>>(&format!("[{}]", scalar(text))).expect("valid"), [text]);
        }
    }

    #[test]
    fn scripts_are_literals_where_a_literal_can_hold_them() {
        assert_eq!(block("#!/bin/bash\n\n  echo hi\n", 4), "|\n    #!/bin/bash\n\n      echo hi");
        for odd in ["#!/bin/sh\r\necho\r\n", "#!/bin/sh", " x\n", "#!x\n\n", "#!x\u{1b}\n"] {
            assert!(block(odd, 4).starts_with('"'), "{odd:?}");
        }
        for text in
            ["#!/bin/bash\n\n  echo hi\n\tx\n", "#!/bin/sh\r\necho\r\n", "#!/bin/sh", " x\n", "#!x\n\n", "#!x\u{1b}\n"]
        {
            assert_eq!(serde_yaml::from_str::<String>(&format!("{}\n", block(text, 2))).expect("valid"), text);
        }
    }
}
