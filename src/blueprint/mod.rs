//! Blueprints: the CloudFormation that a reviewer knows, with the plan's values in it.
//!
//! Each file of `blueprints/` is a small template of its own. It is rendered strictly, every value written so that YAML 1.1
//! and 1.2 read the same string back, and its sections are then put together as text: what a blueprint's author wrote,
//! comments and all, is what the template's reader sees. `blueprints/README.md` has the conventions.

use minijinja::value::{Serde, Value};
use minijinja::{AutoEscape, Environment, ErrorKind, State, UndefinedBehavior, context};

use crate::plan::{Pair, Plan};
use crate::spec::{LaunchKind, nearest};

mod conventions;
mod document;
mod error;
mod origin;
mod set;
mod yaml;

use document::{Document, Lines};
pub use error::BlueprintError;
pub use origin::{Origin, Rendered};
pub(crate) use set::DEPLOYER_POLICY;
pub use set::{Blueprint, Blueprints, README};
use set::{STACK, USER_DATA};
pub(crate) use yaml::scalar;

/// The template's text: the same bytes for the same plan and blueprints.
///
/// # Errors
/// Where a blueprint is none, or asks for what the plan does not have.
pub fn render(plan: &Plan, blueprints: &Blueprints) -> Result<Rendered, BlueprintError> {
    let pairs = plan.pairs.iter().map(|pair| (pair, Value::from(Serde(pair))));
    render_values(plan, context! { plan => Serde(plan) }, pairs, blueprints)
}

/// [`render`], its values as the blueprints see them.
fn render_values<'a>(
    plan: &Plan,
    stack: Value,
    pairs: impl Iterator<Item = (&'a Pair, Value)>,
    blueprints: &Blueprints,
) -> Result<Rendered, BlueprintError> {
    let environment = environment(blueprints)?;
    let render = |name: &str, context: Value, fragment: Option<&Lines>| {
        let blueprint = blueprints.named(name)?;
        let index = blueprints.position(name).unwrap_or_default();
        environment
            .get_template(name)
            .and_then(|template| template.render_with_spans(context.clone()))
            .map(|(text, spans)| Lines::rendered(text, &spans, &blueprint.text, index, fragment))
            .map_err(|error| wrong(blueprint, &error, &context))
    };
    let mut document = Document::default();
    document.add(&render(STACK, stack, None)?);
    for (pair, values) in pairs {
        let context = context! { pair => values };
        let told = pair.launch.as_ref().is_some_and(|launch| launch.user_data);
        let fragment = told.then(|| render(USER_DATA, context.clone(), None)).transpose()?;
        let user_data =
            fragment.as_ref().map_or(Value::from(false), |lines| Value::from_safe_string(lines.text().to_owned()));
        let context = context! { user_data => user_data, ..context };
        for blueprint in blueprints.iter().filter(|blueprint| is_of(blueprint.name, pair)) {
            document.add(&render(blueprint.name, context.clone(), fragment.as_ref())?);
        }
    }
    document.finish(plan, blueprints.clone())
}

/// The text of one blueprint alone.
///
/// # Errors
/// Where it asks for what the context does not have.
pub(crate) fn alone(name: &str, context: &Value, blueprints: &Blueprints) -> Result<String, BlueprintError> {
    let blueprint = blueprints.named(name)?;
    environment(blueprints)?
        .get_template(name)
        .and_then(|template| template.render(context.clone()))
        .map_err(|error| wrong(blueprint, &error, context))
}

/// A text of another kind with values in it, by the rules of blueprints: a value cannot change the text's structure.
///
/// # Errors
/// Where the text asks for what the context does not have.
pub(crate) fn fill(name: &'static str, text: &'static str, context: Value) -> Result<String, BlueprintError> {
    let wrong = |error| wrong(&Blueprint { name, text: text.into(), path: Some(name.to_owned()) }, &error, &context);
    syntax().and_then(|environment| environment.render_named_str(name, text, context.clone())).map_err(wrong)
}

/// Whether a pair has what this blueprint makes: all pairs have all, but for what is named here.
fn is_of(name: &str, pair: &Pair) -> bool {
    let kind = pair.launch.as_ref().map(|launch| launch.kind);
    match name {
        // The stack's, a fragment of others, and no part of a template.
        STACK | USER_DATA | DEPLOYER_POLICY => false,
        "worker.yaml" => kind.is_some(),
        "launch-template.yaml" => kind == Some(LaunchKind::Template),
        "launch-configuration.yaml" => kind == Some(LaunchKind::Configuration),
        "existing-groups.yaml" => kind.is_none(),
        "notices.yaml" => pair.manager.notify.as_ref().is_some_and(|whom| whom.email.is_some()),
        "dashboard.yaml" => pair.manager.dashboard,
        _ => true,
    }
}

/// What the engine complains about, in the blueprint's own lines.
fn wrong(blueprint: &Blueprint, error: &minijinja::Error, context: &Value) -> BlueprintError {
    let what = error.detail().map_or_else(|| error.kind().to_string(), |detail| format!("{}: {detail}", error.kind()));
    let message = format!("the blueprint `{}` does not render: {what}", blueprint.name);
    let wrong = BlueprintError::of(blueprint, message);
    let wrong = match (error.range().filter(|range| blueprint.text.get(range.clone()).is_some()), error.line()) {
        (Some(range), _) if !range.is_empty() => wrong.bytes(range.start, range.len(), "here"),
        (_, Some(line)) => wrong.line(line, "here"),
        _ => wrong,
    };
    match error.kind() {
        ErrorKind::UndefinedError => wrong.help(known(error.detail().unwrap_or_default(), context)),
        _ => wrong,
    }
}

/// What a blueprint may name instead of an undefined name, which the engine's words have in backticks.
fn known(detail: &str, context: &Value) -> String {
    let name = detail.split('`').nth(1).unwrap_or_default();
    let (parent, last) = name.rsplit_once('.').unwrap_or(("", name));
    let fields = parent
        .split('.')
        .filter(|field| !field.is_empty())
        .try_fold(context.clone(), |value, field| value.get_attr(field))
        .and_then(|parent| Ok(parent.try_iter()?.map(|field| field.to_string()).collect::<Vec<_>>()))
        .unwrap_or_default();
    let fields: Vec<&str> = fields.iter().map(String::as_str).collect();
    let dot = if parent.is_empty() { "" } else { "." };
    match nearest(last, &fields) {
        Some(meant) => format!("did you mean `{parent}{dot}{meant}`?"),
        None if fields.is_empty() => "the fields of `Plan` are what a blueprint may name".to_owned(),
        None if parent.is_empty() => format!("known here: {}", fields.join(", ")),
        None => format!("`{parent}` has {}", fields.join(", ")),
    }
}

/// The engine with every blueprint in it.
fn environment(blueprints: &Blueprints) -> Result<Environment<'_>, BlueprintError> {
    let mut environment = syntax().map_err(|error| BlueprintError::new(error.to_string()))?;
    for blueprint in blueprints.iter() {
        environment
            .add_template(blueprint.name, &blueprint.text)
            .map_err(|error| wrong(blueprint, &error, &Value::UNDEFINED))?;
    }
    Ok(environment)
}

/// The engine and its syntax, strict.
fn syntax<'a>() -> Result<Environment<'a>, minijinja::Error> {
    let mut environment = Environment::empty();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| AutoEscape::None);
    environment.set_formatter(|output, _, value| {
        output
            .write_str(&yaml::flow(value)?)
            .map_err(|_| minijinja::Error::new(ErrorKind::WriteFailure, "out of memory"))
    });
    // `{{resolve:…}}` and `${AWS::…}` are CloudFormation's; a statement is a YAML comment, so that a blueprint is YAML.
    let syntax = minijinja::syntax::SyntaxConfig::builder()
        .variable_delimiters("${{", "}}")
        .line_statement_prefix("#%")
        .block_delimiters("#%{", "}%#")
        .comment_delimiters("#{", "}#")
        .keep_trailing_newline(true)
        .build()?;
    environment.set_syntax(syntax);
    environment.add_filter("string", |value: String| value);
    environment.add_filter("lower", |value: String| value.to_lowercase());
    environment.add_filter("block", |_: &State, text: String, indent: usize| {
        Value::from_safe_string(yaml::block(&text, indent))
    });
    environment.add_filter("nested", |_: &State, fragment: String, indent: usize| {
        Value::from_safe_string(yaml::nested(fragment.trim_end(), indent))
    });
    Ok(environment)
}

#[cfg(test)]
mod tests {
    use serde_json::Value as Json;

    use super::*;
    use crate::template::Template;

    /// What could end a value and begin another, or is something else than a string to one YAML or another.
    const HOSTILE: &[&str] = &[
        "yes",
        "~",
        "0755",
        "12:30:45",
        "012345678901",
        "a: b",
        "x # y",
        "#% if x",
        "- a",
        "*a",
        "&a",
        "!Ref X",
        "|",
        "'",
        "\"",
        "\\",
        "{a: b}",
        "a, b]",
        "${{ pair.id }}",
        "{{resolve:ssm:/x}}",
        "🙂",
        " ",
        "a\nb: c\n",
        "a\n\nResources:\n",
        "\r\n  X:\n",
        "\u{85}b: c",
        "\u{2028}b: c",
        "\u{feff}",
        "\u{0}",
        "\t",
        "\u{1b}[0m",
        "{\"a\": \"b\"}",
    ];

    /// A word that no blueprint has.
    const WORD: &str = "zyxwvu";

    fn plan(example: &str) -> Plan {
        let spec = format!("{}/examples/{example}.yaml", env!("CARGO_MANIFEST_DIR"));
        Plan::new(&crate::spec::load(spec.as_ref()).expect("an example"), "spotstack.yaml")
    }

    /// A text in place of every string of a value.
    fn filled(value: &Json, with: &str) -> Json {
        match value {
            Json::String(_) => with.into(),
            Json::Array(items) => items.iter().map(|item| filled(item, with)).collect(),
            Json::Object(entries) => {
                // What tells the markets apart is not a user's.
                let keep = |key: &str| entries.contains_key("spot") && ["id", "words"].contains(&key);
                let filled = |key: &str, value: &Json| if keep(key) { value.clone() } else { filled(value, with) };
                entries.iter().map(|(key, value)| (key.clone(), filled(key, value))).collect()
            }
            other => other.clone(),
        }
    }

    /// A text in place of another in every string and key.
    fn replaced(value: &Json, with: &str) -> Json {
        match value {
            Json::String(text) => text.replace(WORD, with).into(),
            Json::Array(items) => items.iter().map(|item| replaced(item, with)).collect(),
            Json::Object(entries) => {
                entries.iter().map(|(key, value)| (key.replace(WORD, with), replaced(value, with))).collect()
            }
            other => other.clone(),
        }
    }

    #[test]
    fn no_string_of_a_plan_can_change_the_structure() {
        for example in ["gpu-renderer", "existing-queue", "existing-groups", "launch-configurations"] {
            let plan = plan(example);
            let document = |text: &str| {
                let pairs = plan.pairs.iter().map(|pair| {
                    let values = serde_json::to_value(pair).expect("a plan is data");
                    (pair, Value::from(Serde(filled(&values, text))))
                });
                let rendered = render_values(&plan, context! { plan => Serde(&plan) }, pairs, &Blueprints::default());
                let rendered = rendered.expect("it renders");
                serde_yaml::from_str::<serde_yaml::Value>(&rendered.text)
                    .map(|document| serde_json::to_value(Untagged(&document)).expect("JSON"))
                    .unwrap_or_else(|error| panic!("{text:?}: {error}"))
            };
            let plain = document(WORD);
            assert!(plain.to_string().matches(WORD).count() > 100);
            for hostile in HOSTILE {
                assert!(document(hostile) == replaced(&plain, hostile), "{example}: {hostile:?}");
            }
        }
    }

    /// A YAML value without its tags.
    struct Untagged<'a>(&'a serde_yaml::Value);

    impl serde::Serialize for Untagged<'_> {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            use serde_yaml::Value as Yaml;
            match self.0 {
                Yaml::Tagged(tagged) => Untagged(&tagged.value).serialize(serializer),
                Yaml::Sequence(items) => serializer.collect_seq(items.iter().map(Untagged)),
                Yaml::Mapping(entries) => {
                    serializer.collect_map(entries.iter().map(|(key, value)| (Untagged(key), Untagged(value))))
                }
                other => other.serialize(serializer),
            }
        }
    }

    #[test]
    fn every_line_and_every_resource_knows_its_blueprint() {
        let blueprints = Blueprints::default();
        let rendered = render(&plan("gpu-renderer"), &blueprints).expect("it renders");
        assert_eq!(rendered.marks.len(), rendered.text.lines().count());
        let mut of_blueprints = 0;
        for (index, line) in rendered.text.lines().enumerate() {
            let Some(origin) = rendered.line(index + 1) else {
                assert!(line.is_empty() || !line.starts_with(' '), "{line}");
                continue;
            };
            of_blueprints += 1;
            let source = origin.blueprint.text.lines().nth(origin.line - 1).expect("a line");
            // A line without an expression is the blueprint's own, but for its margin.
            if !source.contains("${{") {
                assert_eq!(source.trim(), line.trim(), "{origin}");
            }
        }
        assert!(of_blueprints * 10 > rendered.text.lines().count() * 9);
        let template = Template::rendered(rendered.clone()).expect("a template");
        for (id, resource) in template.resources() {
            let origin = rendered.resource(id).expect(id);
            assert_eq!(origin.line, template.origin(&["Resources", id]).expect(id).line);
            let following: Vec<_> = origin.blueprint.text.lines().skip(origin.line).take(4).collect();
            let kind = resource["Type"].as_str().expect("a type");
            assert!(following.iter().any(|line| line.contains(kind)), "{id}: {origin}: {following:?}");
        }
        let script = template.line(&[
            "Resources",
            "GpuSpotLaunch",
            "Properties",
            "LaunchTemplateData",
            "UserData",
            "Fn::Base64",
        ]);
        assert_eq!(rendered.line(script.expect("a script")).expect("an origin").blueprint.name, "user-data.yaml");
    }
}
