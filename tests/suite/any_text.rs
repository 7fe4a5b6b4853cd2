//! Any text at all, taken for a spec: what was found by fuzzing and by hand, and specs that are broken at random.

use std::collections::BTreeSet;
use std::fs;

use proptest::prelude::*;
use spotstack::plan::Plan;
use spotstack::spec;

use crate::judge::{Fared, judge};
use crate::project::{Project, SPEC, root};
use crate::random_specs::{self, HOSTILE, specs};

#[test]
fn the_corpus_is_judged() {
    let mut fared = [0, 0];
    for entry in fs::read_dir(root().join("fuzz/corpus/spec")).expect("the corpus") {
        let path = entry.expect("an entry").path();
        // What is no UTF-8 never gets to be a spec: the command says so.
        let bytes = fs::read(&path).expect("a text");
        let Ok(text) = String::from_utf8(bytes) else { continue };
        match judge(&text) {
            Fared::Renders(_) => fared[0] += 1,
            Fared::Refused(report) => {
                assert!(report.contains("has an error") || report.contains("errors"), "{}: {report}", path.display());
                fared[1] += 1;
            }
        }
    }
    assert!(fared[0] >= 8 && fared[1] >= 25, "{fared:?}: both kinds are in the corpus");
}

#[test]
fn every_example_is_judged() {
    for entry in fs::read_dir(root().join("examples")).expect("examples/") {
        let path = entry.expect("an entry").path();
        if path.extension().is_some_and(|extension| extension == "yaml") {
            let text = fs::read_to_string(&path).expect("an example");
            assert!(matches!(judge(&text), Fared::Renders(_)), "{}", path.display());
        }
    }
}

/// What may happen to a line of a spec.
#[derive(Debug, Clone)]
enum Change {
    Leave,
    Drop,
    Double,
    Swap,
    Indent,
    Value(String),
    Key(String),
    Bytes(usize, char),
}

fn change() -> impl Strategy<Value = Change> {
    let hostile = prop::sample::select(HOSTILE).prop_map(str::to_owned);
    let value = prop_oneof![
        3 => hostile,
        1 => prop::sample::select(&["*x", "&x 1", "!!int x", "!Ref X", "<<", "{", "[", "[[]]", "{a: {b: c}}", "\"\\e[31m\"", "1e400", "|", "\t"][..])
            .prop_map(str::to_owned),
        1 => "\\PC{0,12}",
        1 => "[0-9.%smhd-]{1,8}",
    ];
    prop_oneof![
        4 => Just(Change::Leave),
        1 => Just(Change::Drop),
        1 => Just(Change::Double),
        1 => Just(Change::Swap),
        1 => Just(Change::Indent),
        2 => value.clone().prop_map(Change::Value),
        1 => value.prop_map(Change::Key),
        1 => (0_usize..40, any::<char>()).prop_map(|(at, char)| Change::Bytes(at, char)),
    ]
}

fn changed(spec: &str, changes: &[Change]) -> String {
    let mut out: Vec<String> = vec![];
    for (line, change) in spec.lines().zip(changes.iter().chain(std::iter::repeat(&Change::Leave))) {
        let (key, value) = line.split_once(':').unwrap_or((line, ""));
        match change {
            Change::Leave => out.push(line.to_owned()),
            Change::Drop => {}
            Change::Double => out.extend([line.to_owned(), line.to_owned()]),
            Change::Swap => out.insert(out.len().saturating_sub(1), line.to_owned()),
            Change::Indent => out.push(format!("  {line}")),
            Change::Value(hostile) => out.push(format!("{key}: {hostile}")),
            Change::Key(hostile) => {
                out.push(format!("{}{hostile}:{value}", &line[..line.len() - line.trim_start().len()]))
            }
            Change::Bytes(at, char) => {
                let mut line: Vec<char> = line.chars().collect();
                line.insert((*at).min(line.len()), *char);
                out.push(line.into_iter().collect());
            }
        }
    }
    out.join("\n")
}

/// A spec with most of its keys, one to a line.
const LONG: &str = include_str!("../../examples/gpu-renderer.yaml");

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, max_shrink_iters: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_broken_spec_is_refused_or_renders(changes in prop::collection::vec(change(), 0..45), long in any::<bool>()) {
        judge(&changed(if long { LONG } else { SPEC }, &changes));
    }

    #[test]
    fn any_text_is_refused_or_renders(text in "\\PC{0,40}|[ a-c:\\[\\]{},&*!|>'\"%@`#?\\n\\t-]{0,60}") {
        judge(&text);
    }

    #[test]
    fn the_logical_ids_are_known_before_rendering(spec in specs()) {
        let text = random_specs::text(&spec);
        let Fared::Renders(template) = judge(&text) else { panic!("a valid spec: {text}") };
        let spec = spec::from_text("spotstack.yaml", &text).expect("a spec");
        let plan = Plan::new(&spec, "spotstack.yaml");
        let known: BTreeSet<String> = spec
            .pairs
            .values()
            .zip(&plan.pairs)
            .flat_map(|(pair, planned)| {
                spec::logical_ids(&pair.value).into_iter().map(|suffix| format!("{}{suffix}", planned.id))
            })
            .collect();
        let rendered: BTreeSet<String> = template.resources().map(|(id, _)| id.to_owned()).collect();
        prop_assert_eq!(known, rendered, "src/spec/logical_ids.rs and the blueprints differ");
    }
}

#[test]
fn the_longest_user_data_is_short_enough() {
    // The longest script beside the longest names.
    let script = format!("#!/bin/bash\n{}\n", "x".repeat(15_360 - 13));
    assert_eq!(script.len(), 15_360);
    let queue = format!("{}.fifo", "q".repeat(63));
    let spec = SPEC.replace("gpu:", &format!("{}:", "p".repeat(32))).replace("render-jobs", &queue);
    let project = Project::with(spec).file("worker.sh", script);
    let template: serde_json::Value =
        serde_json::from_str(&project.run(&["render", "--format", "json"]).exits(0).stdout()).expect("JSON");
    let data = template["Resources"]
        .as_object()
        .expect("resources")
        .iter()
        .find_map(|(id, resource)| id.ends_with("SpotLaunch").then(|| &resource["Properties"]["LaunchTemplateData"]))
        .expect("a launch template");
    let parts = data["UserData"]["Fn::Base64"]["Fn::Join"][1].as_array().expect("its parts");
    let bytes: usize = parts
        .iter()
        .map(|part| match part.as_str() {
            Some(text) => text.len(),
            None => {
                let text = part["Fn::Sub"][0].as_str().expect("a text with variables");
                let url = format!("https://sqs.ap-southeast-1.amazonaws.com.cn/111122223333/{queue}");
                text.replace("${QueueUrl}", &url)
                    .replace("${AWS::Region}", "ap-southeast-1")
                    .replace("${AWS::StackName}", &"s".repeat(128))
                    .replace("${Pair}", &"p".repeat(32))
                    .replace("${Protect}", "false")
                    .len()
            }
        })
        .sum();
    assert!(bytes <= 16 * 1024, "{bytes} bytes of user data");
}
