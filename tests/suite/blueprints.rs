//! The conventions of `blueprints/README.md`, on the raw files.

use std::fs;

use crate::project::root;

fn blueprints() -> Vec<(String, String)> {
    fs::read_dir(root().join("blueprints"))
        .expect("blueprints/")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "yaml"))
        .map(|path| (path.display().to_string(), fs::read_to_string(&path).expect("a blueprint")))
        .collect()
}

#[test]
fn a_blueprint_is_yaml_before_it_is_rendered() {
    for (name, text) in blueprints() {
        // The two branches of an `if` may set the same key, which YAML forbids: every branch but the first is left out.
        let mut skipping = false;
        let mut lines = vec![];
        for line in text.lines() {
            if let Some(statement) = line.strip_prefix("#%").map(str::trim) {
                match statement.split_whitespace().next() {
                    Some("else" | "elif") => skipping = true,
                    Some("endif") => skipping = false,
                    _ => {}
                }
            } else if !skipping && !line.contains("| nested(") {
                // A nested fragment stands on a line of its own, as the entries that it is.
                lines.push(line);
            }
        }
        let parsed = serde_yaml::from_str::<serde_yaml::Value>(&lines.join("\n"));
        assert!(parsed.is_ok(), "{name}: {parsed:?}");
    }
}

#[test]
fn an_expression_is_a_whole_value() {
    for (name, text) in blueprints() {
        for (number, line) in text.lines().enumerate().filter(|(_, line)| line.contains("${{")) {
            let (before, rest) = line.split_once("${{").expect("an expression");
            let after = rest.rsplit_once("}}").expect("its end").1;
            let before = before.trim().trim_start_matches('-').trim();
            let stands_alone = before.is_empty()
                || before.ends_with(':')
                || before.ends_with("!Ref")
                || before.ends_with("!Sub")
                || before.ends_with("!GetAtt");
            assert!(stands_alone && (after.is_empty() || after == ":"), "{name}:{}: {line}", number + 1);
        }
    }
}

#[test]
fn every_resource_says_what_it_is_for() {
    for (name, text) in blueprints() {
        let resources =
            text.lines().filter(|line| line.starts_with("    Type: AWS::") && !line.contains("Parameter")).count();
        let descriptions = text.lines().filter(|line| line.starts_with("      Description: ${{")).count();
        assert!(descriptions >= resources, "{name}: {descriptions} of {resources}");
    }
}
