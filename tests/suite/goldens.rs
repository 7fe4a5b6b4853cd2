//! Every example is rendered and kept beside the tests, so that a change of the template is seen in review.

use std::collections::BTreeSet;
use std::fs;

use snapbox::{Data, assert_data_eq};

use crate::project::{Project, SPEC, root};

fn examples() -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(root().join("examples"))
        .expect("examples/")
        .filter_map(|entry| {
            entry.expect("an entry").file_name().into_string().ok()?.strip_suffix(".yaml").map(str::to_owned)
        })
        .collect();
    names.sort();
    names
}

fn render(spec: &str, format: &str) -> String {
    Project::empty().run(&["-f", spec, "render", "--format", format]).exits(0).stdout()
}

fn path(example: &str) -> String {
    root().join(format!("examples/{example}.yaml")).display().to_string()
}

#[test]
fn every_example_renders_to_its_golden() {
    for name in examples() {
        // The worker script changes for its own reasons; the golden shows the template around it.
        let project = Project::with(fs::read(path(&name)).expect("an example"));
        let rendered = project.run(&["render"]).exits(0).stdout();
        assert_data_eq!(rendered, Data::read_from(&root().join(format!("tests/golden/{name}.template.yaml")), None));
    }
}

#[test]
fn no_golden_is_left_over() {
    let expected: BTreeSet<String> = examples().iter().map(|name| format!("{name}.template.yaml")).collect();
    let found: BTreeSet<String> = fs::read_dir(root().join("tests/golden"))
        .expect("tests/golden/")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    assert_eq!(found, expected);
}

#[test]
fn examples_render_where_they_are() {
    for name in examples() {
        let yaml = render(&path(&name), "yaml");
        assert!(yaml.contains("Resources:"), "{name}");
        let json: serde_json::Value = serde_json::from_str(&render(&path(&name), "json")).expect("JSON");
        assert!(json["Resources"].as_object().is_some_and(|resources| resources.len() >= 20), "{name}");
    }
}

#[test]
fn a_script_arrives_to_the_byte() {
    for script in [
        "#!/bin/bash\n\n\techo  \n  x: ${y}  \n",
        "#!/bin/sh\r\necho\r\n",
        "#!/usr/bin/env python3\nprint('{{ }} %#')\n#% if\n",
    ] {
        let project = Project::with(SPEC).file("worker.sh", script);
        let json: serde_json::Value =
            serde_json::from_str(&project.run(&["render", "--format", "json"]).exits(0).stdout()).expect("JSON");
        let parts = &json["Resources"]["GpuSpotLaunch"]["Properties"]["LaunchTemplateData"]["UserData"]["Fn::Base64"]["Fn::Join"]
            [1];
        assert_eq!(parts[2], script);
    }
}

#[test]
fn a_kept_template_is_checked() {
    let project = Project::with(SPEC);
    project.run(&["render", "-o", "template.yaml"]).exits(0);
    project.run(&["render", "--check", "template.yaml"]).exits(0).says(&["is up to date"]);
    let stale = project.file("spotstack.yaml", SPEC.replace("0.55", "0.6"));
    stale.run(&["render", "--check", "template.yaml"]).exits(2).says(&["- MaxPrice: \"0.55\"", "+ MaxPrice: \"0.6\""]);
    stale.run(&["render", "--check", "nothing.yaml"]).exits(1).says(&["cannot read `nothing.yaml`"]);
}
