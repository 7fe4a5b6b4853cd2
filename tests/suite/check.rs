//! `check`: what is said, where, in which form, and what it stops.

use std::path::MAIN_SEPARATOR_STR;

use serde_json::Value;

use crate::project::{Project, SPEC, root};

/// A spec with an error, a warning and a note.
fn flawed() -> Project {
    let spec = SPEC
        .replace("stack:", concat!("tags: {key: AKIA", "2OGYBAH6STMMNXNW}\nstack:"))
        .replace("      instance_type:", "      instance_profile: worker\n      instance_type:");
    Project::with(spec)
}

/// A spec that nothing is to be said about.
fn sound() -> String {
    SPEC.replace("[subnet-0a1b2c3d4e5f60001]", "[subnet-0a1b2c3d4e5f60001, subnet-0a1b2c3d4e5f60002]")
}

#[test]
fn findings_stand_under_carets() {
    let ran = flawed().run(&["check"]).exits(1);
    let stdout = ran.stdout();
    for part in [
        "error: secret-in-clear",
        "× an AWS access key stands in the spec",
        "1 │ tags: {key: ********************}",
        "warning: single-subnet",
        "╭─[spotstack.yaml:4:13]",
        "── the only one",
        "note: own-instance-profile",
        "help: ",
        "1 error, 1 warning, 1 note\n",
    ] {
        assert!(stdout.contains(part), "`{part}` is not in:\n{stdout}");
    }
    assert_eq!(ran.stderr(), "");
    assert_eq!(Project::with(sound()).run(&["check"]).exits(0).stdout(), "no findings\n");
}

#[test]
fn only_errors_fail_unless_strict() {
    let project = Project::with(SPEC);
    project.run(&["check"]).exits(0);
    project.run(&["check", "--strict"]).exits(1);
    let silenced = SPEC.replace("network:", "network: # spotstack: allow single-subnet -- one zone has them");
    let ran = Project::with(silenced).run(&["check", "--strict"]).exits(0);
    assert_eq!(ran.stdout(), "no findings; 1 silenced in the spec\n");
}

#[test]
fn json_is_for_programs() {
    let json = |project: &Project, code| -> Value {
        serde_json::from_str(&project.run(&["check", "--format", "json"]).exits(code).stdout()).expect("JSON")
    };
    let report = json(&flawed(), 1);
    let counts = ["errors", "warnings", "notes", "silenced"].map(|key| report[key].as_u64().expect("a count"));
    assert_eq!(counts, [1, 1, 1, 0]);
    let finding = &report["findings"][1];
    assert_eq!((&finding["id"], &finding["severity"]), (&"single-subnet".into(), &"warning".into()));
    let place = serde_json::json!({"file": "spotstack.yaml", "line": 4, "column": 13, "label": "the only one"});
    assert_eq!(finding["spec"], place);
    assert_eq!(finding["template"], Value::Null);
    assert!(finding["message"].is_string() && finding["fix"].is_string() && finding["source"].is_string());

    let short = Project::with(sound().replace("name: render-jobs", "name: x\n      visibility_timeout: 30s"));
    let template = &json(&short, 0)["findings"][0]["template"];
    assert_eq!(
        (&template["resource"], &template["path"]),
        (&"GpuQueue".into(), &"Properties.VisibilityTimeout".into())
    );
    let rendered = short.run(&["render"]).exits(0).stdout();
    let line = usize::try_from(template["line"].as_u64().expect("a line")).expect("small");
    assert_eq!(rendered.lines().nth(line - 1), Some("      VisibilityTimeout: 30"));
    let blueprint = std::fs::read_to_string(root().join("blueprints/queue.yaml")).expect("a blueprint");
    let line = usize::try_from(template["blueprint"]["line"].as_u64().expect("a line")).expect("small");
    assert_eq!(
        (&template["blueprint"]["file"], &template["blueprint"]["built_in"]),
        (&"queue.yaml".into(), &true.into())
    );
    assert!(blueprint.lines().nth(line - 1).is_some_and(|line| line.trim().starts_with("VisibilityTimeout: ")));
}

#[test]
fn a_broken_spec_is_a_finding_for_programs() {
    let broken = Project::with(SPEC.replace("max_price", "max-price").as_bytes());
    let report: Value =
        serde_json::from_str(&broken.run(&["check", "--format", "json"]).exits(1).stdout()).expect("JSON");
    assert_eq!(
        (&report["findings"][0]["id"], &report["findings"][0]["spec"]["line"]),
        (&"spec-error".into(), &14.into())
    );
    let annotations = broken.run(&["check", "--format", "github"]).exits(1).stdout();
    assert!(annotations.starts_with("::error file=spotstack.yaml,line=14,col=7,title=spec-error::"), "{annotations}");
    broken.run(&["check"]).exits(1).says(&["unknown key `max-price`", "did you mean `max_price`?"]);
    Project::empty().run(&["check", "--format", "json"]).exits(1);
}

#[test]
fn github_annotates() {
    let stdout = flawed().run(&["check", "--format", "github"]).exits(1).stdout();
    let lines: Vec<&str> = stdout.lines().collect();
    assert_eq!(lines.len(), 3, "{stdout}");
    assert!(lines[0].starts_with("::error file=spotstack.yaml,line=1,col=13,title=secret-in-clear::an AWS"));
    assert!(lines[1].starts_with("::warning file=spotstack.yaml,line=4,col=13,title=single-subnet::one subnet"));
    assert!(lines[2].starts_with("::notice ") && lines[2].contains("%0Afix: "));
}

#[test]
fn no_secret_is_shown() {
    for args in [&["check"][..], &["check", "--format", "json"], &["check", "--format", "github"], &["render"]] {
        let ran = flawed().run(args).exits(1);
        assert!(!ran.stdout().contains("2OGYBAH6") && !ran.stderr().contains("2OGYBAH6"), "{args:?}");
    }
}

#[test]
fn every_rule_is_explained() {
    let list = Project::empty().run(&["check", "--list"]).exits(0).stdout();
    assert_eq!(list, Project::empty().run(&["check", "--explain"]).exits(0).stdout());
    let ids: Vec<&str> =
        list.lines().filter(|line| !line.starts_with(' ')).filter_map(|line| line.split(' ').next()).collect();
    assert!(ids.len() > 30, "{list}");
    for id in [ids[0], ids[ids.len() - 1], "no-tick"] {
        let text = Project::empty().run(&["check", "--explain", id]).exits(0).stdout();
        assert!(text.starts_with(&format!("{id} (")) && text.contains("https://"), "{text}");
        assert_eq!(text.contains(&format!("# spotstack: allow {id} -- ")), id != "spec-error", "{text}");
    }
    Project::empty()
        .run(&["check", "--explain", "notick"])
        .exits(1)
        .says(&["no rule `notick`", "did you mean `no-tick`?"]);
    Project::empty().run(&["check", "--explain", "qqq"]).exits(1).says(&["spotstack check --list"]);
}

#[test]
fn errors_refuse_and_warnings_are_told() {
    let ran = Project::with(SPEC).run(&["render"]).exits(0);
    assert_eq!(ran.stderr(), "warning: spotstack.yaml:3:13: one subnet is one capacity pool [single-subnet]\n");
    assert_eq!(Project::with(SPEC).run(&["render", "-q"]).exits(0).stderr(), "");

    let ran = flawed().run(&["render", "-o", "template.yaml"]).exits(1);
    assert_eq!(ran.stdout(), "");
    ran.says(&["is refused", "an AWS access key stands in the spec", "spotstack check --explain"]);
    let deploy = ["deploy", "--yes", "--region", "eu-west-1", "--endpoint-url", "http://127.0.0.1:9"];
    flawed().run(&deploy).exits(1).says(&["is refused"]);
    // What is there can still be looked at and removed.
    flawed().run(&["destroy", "--region", "eu-west-1"]).exits(1).says(&["--yes"]);
}

#[test]
fn what_we_write_has_no_findings() {
    for entry in std::fs::read_dir(root().join("examples")).expect("examples/") {
        let path = entry.expect("an entry").path();
        if path.extension().is_some_and(|extension| extension == "yaml") {
            let stdout = Project::empty().run(&["-f", &path.display().to_string(), "check"]).exits(0).stdout();
            assert!(stdout.starts_with("no findings"), "{}:\n{stdout}", path.display());
        }
    }
    let project = Project::empty();
    project.run(&["init", "--yes"]).exits(0);
    assert_eq!(project.run(&["check"]).exits(0).stdout(), "no findings\n");
}

#[test]
fn own_blueprints_are_checked_like_ours() {
    let project = Project::with(sound());
    project.run(&["eject", "queue.yaml", "--dir", "own"]).exits(0);
    let queue = project.read("own/queue.yaml");
    let open = r#"Resources:
  ${{ pair.id ~ "Open" }}:
    Type: AWS::SQS::QueuePolicy
    Metadata:
      Description: ${{ pair.label ~ "open" }}
    Properties:
      PolicyDocument:
        Statement:
          - Effect: Allow
            Principal: "*"
            Action: sqs:SendMessage
            Resource: "*"

"#;
    let text = queue.replacen(
        "Resources:
",
        open,
        1,
    );
    let line = text.lines().position(|line| line.contains("Principal:")).expect("a line") + 1;
    let project = project.file("own/queue.yaml", text);
    let place = format!("own/queue.yaml:{line}");
    let with = |args: &[&'static str]| project.run(&[args, &["--blueprints", "own"]].concat()).exits(1);
    with(&["render"]).says(&["public-access", "anybody may use this resource", &place]);
    let stdout = with(&["check"]).stdout();
    let shown = place.replace('/', MAIN_SEPARATOR_STR);
    assert!(stdout.contains(&format!("─[{shown}:")) && stdout.contains("in the template: GpuOpen"), "{stdout}");
    let stdout = with(&["check", "--format", "github"]).stdout();
    assert!(stdout.starts_with(&format!("::error file=own/queue.yaml,line={line},title=public-access::")), "{stdout}");
    project.run(&["check"]).exits(0);
}
