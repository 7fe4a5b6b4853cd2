//! `diff --against`: two files, without AWS.

use std::fs;
use std::process::Command;

use crate::project::{Project, SPEC, root};

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

#[test]
fn the_readme_s_comment_on_a_pull_request_is_made_once_and_then_updated() {
    let readme = fs::read_to_string(root().join("README.md")).expect("README.md");
    let block =
        readme.split("- name: Show the changes\n").nth(1).and_then(|rest| rest.split("```").next()).expect("a step");
    let script = block.split("run: |\n").nth(1).expect("a script");
    let script: String = script.lines().map(|line| format!("{}\n", line.trim_start_matches("    "))).collect();
    // GitHub's own command, of which these are all the calls: lists comments, makes one, changes one.
    let gh = "#!/bin/bash\necho \"$*\" >> calls\ncase \"$*\" in *--jq*) [ -f made ] && echo 7 ;; *) touch made ;; esac\nexit 0\n";
    let project = project().file("gh", gh).file("spotstack.yaml", SPEC.replace("0.55", "0.7"));
    let bash = |script: &str| {
        let own =
            format!("{}:{}:{}", project.path("").display(), binaries(), std::env::var("PATH").unwrap_or_default());
        let mut command = Command::new("bash");
        command.args(["-e", "-o", "pipefail", "-c", script]).current_dir(project.path("")).env("PATH", own);
        command.env("GITHUB_BASE_REF", "main").env("GITHUB_REPOSITORY", "o/r").env("PR", "12").env("GH_TOKEN", "t");
        command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("HOME", project.path(""));
        let output = command.output().expect("bash runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    bash(
        "chmod +x gh; git init -q .; git add template.yaml; git -c user.name=x -c user.email=x@y.z commit -qm x; git update-ref refs/remotes/origin/main HEAD",
    );
    bash(&script);
    bash(&script);
    let calls = project.read("calls");
    let calls: Vec<&str> = calls.lines().filter(|call| !call.contains("--jq")).collect();
    assert_eq!(
        calls,
        ["pr comment 12 --body-file diff.md", "api -X PATCH repos/o/r/issues/comments/7 -F body=@diff.md --silent"]
    );
    assert!(project.read("diff.md").contains("`MaxPrice`: `0.55` → `0.7`"));
}

/// Where the `spotstack` under test is.
fn binaries() -> String {
    let binary = std::path::Path::new(env!("CARGO_BIN_EXE_spotstack"));
    binary.parent().map(|folder| folder.display().to_string()).unwrap_or_default()
}
