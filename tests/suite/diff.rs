//! `diff --against`: two files, without AWS.

use crate::project::{Project, SPEC};

fn project() -> Project {
    let project = Project::with(SPEC);
    project.run(&["render", "-o", "template.yaml", "-q"]).exits(0);
    project
}

#[test]
fn a_spec_does_not_differ_from_what_it_renders_to() {
    let project = project();
    project.run(&["render", "--format", "json", "-o", "template.json", "-q"]).exits(0);
    for file in ["template.yaml", "template.json", "spotstack.yaml"] {
        let ran = project.run(&["diff", "--against", file]).exits(0).says(&["no differences"]);
        assert_eq!(ran.stdout(), "");
    }
}

#[test]
fn differences_exit_with_2_and_go_to_standard_output() {
    let project = project().file("dearer.yaml", SPEC.replace("0.55", "0.7"));
    let out = project.run(&["-q", "-f", "dearer.yaml", "diff", "--against", "template.yaml"]).exits(2);
    assert_eq!(out.stderr(), "");
    assert_eq!(
        out.stdout(),
        "\
media-workers: from template.yaml to dearer.yaml

Spot
   ~ GpuSpotLaunch                gpu: what a worker is, bought Spot
       LaunchTemplateData.InstanceMarketOptions.SpotOptions.MaxPrice: 0.55 → 0.7
       => instances keep running; new ones are launched the new way
SpotManager
   ~ GpuSpotManager               gpu: chooses which of the two groups scales
       Environment.Variables.MAX_PRICE: 0.55 → 0.7

0 to add, 2 to change, 0 to replace, 0 to remove
"
    );
    let other_way = project.run(&["diff", "--against", "dearer.yaml"]).exits(2).stdout();
    assert!(other_way.contains("MAX_PRICE: 0.7 → 0.55"), "{other_way}");
    let always =
        project.run(&["--color", "always", "-f", "dearer.yaml", "diff", "--against", "template.yaml"]).exits(2);
    assert!(always.stdout().contains("\u{1b}[33m   ~ GpuSpotLaunch"), "{:?}", always.stdout());
}

#[test]
fn json_is_one_object_and_markdown_can_be_found_again() {
    let project = project().file("frames.yaml", SPEC.replace("render-jobs", "frames"));
    let json = project.run(&["-f", "frames.yaml", "diff", "--against", "template.yaml", "--format", "json"]).exits(2);
    let json: serde_json::Value = serde_json::from_str(&json.stdout()).expect("JSON");
    assert_eq!((&json["format"], &json["different"]), (&1.into(), &true.into()));
    assert_eq!(json["summary"]["replace"], 2);
    assert_eq!(json["sections"][0]["part"], "replaced");
    let queue = &json["sections"][0]["items"][1];
    assert_eq!((&queue["mark"], &queue["logical_id"]), (&"replace".into(), &"GpuQueue".into()));
    let change =
        serde_json::json!({"path": "QueueName", "before": "render-jobs", "after": "frames", "replacement": "always"});
    assert_eq!(queue["changes"], serde_json::json!([change]));
    let same = project.run(&["diff", "--against", "template.yaml", "--format", "json"]).exits(0).stdout();
    assert_eq!(serde_json::from_str::<serde_json::Value>(&same).expect("JSON")["different"], false);

    for spec in ["frames.yaml", "spotstack.yaml"] {
        let ran = project.run(&["-f", spec, "diff", "--against", "template.yaml", "--format", "markdown"]);
        assert!(ran.stdout().starts_with("<!-- spotstack diff: media-workers -->\n### spotstack: `media-workers` "));
    }
}

#[test]
fn what_cannot_be_compared_is_1_and_says_why() {
    let project = project()
        .file("list.yaml", "- a\n- b\n")
        .file("broken.yaml", "Resources: [\n")
        .file("bytes.yaml", [0xff, 0xfe, 0])
        .file("wrong.yaml", SPEC.replace("max_price", "max-price"))
        .file("bomb.yaml", format!("Resources: &a0 {{x: y}}\n{}", bomb()));
    for (file, words) in [
        ("nothing.yaml", "cannot read `nothing.yaml`"),
        ("list.yaml", "`list.yaml` is no CloudFormation template: it has no `Resources`"),
        ("broken.yaml", "`broken.yaml` is neither YAML nor JSON"),
        ("bytes.yaml", "`bytes.yaml` is not text in UTF-8"),
        ("wrong.yaml", "did you mean `max_price`?"),
        ("bomb.yaml", "`bomb.yaml` is neither YAML nor JSON"),
        (".", "cannot read `.`"),
    ] {
        project.run(&["diff", "--against", file]).exits(1).says(&[words]);
    }
    let both = ["diff", "--against", "template.yaml", "--online=false"];
    project.run(&both).exits(1).says(&["cannot be used with"]);
    project.run(&["diff", "--region", "eu-west-1"]).exits(1).says(&["credentials"]);
}

/// Ten aliases of ten aliases of …
fn bomb() -> String {
    (1..12)
        .map(|level| format!("k{level}: &a{level} [{}]\n", vec![format!("*a{}", level - 1); 10].join(", ")))
        .collect()
}
