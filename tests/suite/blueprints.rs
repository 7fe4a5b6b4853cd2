//! Blueprints are YAML and small templates before they are rendered; and a user's own files laid over them.

use std::collections::BTreeSet;
use std::fs;

use crate::project::{Project, SPEC, root};

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
fn a_blueprint_is_a_small_template() {
    let sections = ["Parameters:", "Resources:", "Outputs:", "UserData:"];
    let head = ["AWSTemplateFormatVersion", "Description"];
    // The deployer's policy is a document of its own.
    for (name, text) in blueprints().into_iter().filter(|(name, _)| !name.ends_with("deployer-policy.yaml")) {
        for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.starts_with(' ') && !line.is_empty()) {
            let of_the_stack = name.ends_with("stack.yaml") && head.iter().any(|key| line.starts_with(key));
            assert!(
                line.starts_with('#') || sections.contains(&line) || of_the_stack,
                "{name}:{}: `{line}` is no section",
                number + 1
            );
        }
        assert!(!text.contains('\t') && !text.contains(" \n") && text.ends_with('\n'), "{name}");
    }
}

/// A project with the blueprints beside it, one of them changed.
fn with_own(name: &str, change: impl Fn(&str) -> String) -> Project {
    let project = Project::with(SPEC);
    project.run(&["eject", "--dir", "own", "-q"]).exits(0);
    let text = project.read(&format!("own/{name}"));
    let changed = change(&text);
    assert_ne!(text, changed, "{name} is changed");
    project.file(&format!("own/{name}"), changed)
}

#[test]
fn every_blueprint_is_built_in_and_ejected() {
    let project = Project::empty();
    project.run(&["eject"]).exits(0).says(&["wrote blueprints/alarms.yaml", "render --blueprints blueprints"]);
    let names = |folder: &std::path::Path| -> BTreeSet<_> {
        fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").file_name()).collect()
    };
    let (ejected, ours) = (project.path("blueprints"), root().join("blueprints"));
    assert_eq!(names(&ejected), names(&ours));
    for name in names(&ours) {
        assert_eq!(fs::read(ejected.join(&name)).expect("a file"), fs::read(ours.join(&name)).expect("a file"));
    }
}

#[test]
fn eject_overwrites_nothing_unless_told_to() {
    let project = Project::empty();
    project.run(&["eject", "alarms.yaml", "groups.yaml"]).exits(0);
    assert_eq!(fs::read_dir(project.path("blueprints")).expect("a folder").count(), 3);
    let project = project.file("blueprints/alarms.yaml", "mine");
    let refused = project.run(&["eject"]).exits(1);
    refused.says(&["`blueprints/alarms.yaml`", "exist already, and nothing was written", "--force"]);
    assert_eq!(fs::read_dir(project.path("blueprints")).expect("a folder").count(), 3);
    // The conventions are there already.
    project.run(&["eject", "queue.yaml"]).exits(0);
    assert_eq!(project.read("blueprints/alarms.yaml"), "mine");
    project.run(&["eject", "--force"]).exits(0);
    assert_ne!(project.read("blueprints/alarms.yaml"), "mine");
    project
        .run(&["eject", "alarm.yaml"])
        .exits(1)
        .says(&["`alarm.yaml` is not a blueprint", "did you mean `alarms.yaml`?"]);
}

#[test]
fn own_blueprints_are_laid_over_the_built_in_ones_where_they_are_named() {
    let longer = |text: &str| text.replace("Timeout: 30", "Timeout: 60");
    let project = with_own("manager.yaml", longer);
    let plain = project.run(&["render"]).exits(0).stdout();
    let own = project.run(&["render", "--blueprints", "own"]).exits(0).stdout();
    let expected = plain
        .replace("      Timeout: 30\n", "      Timeout: 60\n")
        .replace("edit that file, not this one.\n", "edit that file, not this one.\n# Own blueprints: manager.yaml.\n");
    assert_eq!(own, expected);
    // By whatever path: the same bytes on every machine.
    let absolute = project.path("own").display().to_string();
    assert_eq!(project.run(&["--blueprints", &absolute, "render"]).exits(0).stdout(), own);
    // A folder that happens to be there says nothing.
    fs::rename(project.path("own"), project.path("blueprints")).expect("a folder is renamed");
    assert_eq!(project.run(&["render"]).exits(0).stdout(), plain);
}

#[test]
fn blueprints_fresh_from_eject_change_nothing() {
    let project = Project::with(SPEC);
    project.run(&["eject"]).exits(0);
    let plain = project.run(&["render"]).exits(0).stdout();
    assert_eq!(project.run(&["render", "--blueprints", "blueprints"]).exits(0).stdout(), plain);
    // Nor do those that a Windows editor has saved.
    let saved = format!("\u{feff}{}", project.read("blueprints/alarms.yaml").replace('\n', "\r\n"));
    let project = project.file("blueprints/alarms.yaml", saved);
    assert_eq!(project.run(&["render", "--blueprints", "blueprints"]).exits(0).stdout(), plain);
}

#[test]
fn an_error_shows_the_line_of_the_own_blueprint() {
    let cases: &[(&str, &str, &str, &[&str])] = &[
        (
            "alarms.yaml",
            "alarms.periods",
            "alarms.period_s",
            &["own/alarms.yaml:{line}:", "did you mean `pair.alarms.periods`?"],
        ),
        ("alarms.yaml", "pair.label", "pairs.label", &["own/alarms.yaml:{line}:", "did you mean `pair`?"]),
        ("groups.yaml", "market.min", "market.least", &["own/groups.yaml:{line}:", "undefined"]),
        ("alarms.yaml", "#% endif", "#% endfi", &["own/alarms.yaml:{line}:", "endfi"]),
        ("alarms.yaml", "#% endif", "# endif", &["own/alarms.yaml:", "syntax error"]),
        (
            "alarms.yaml",
            "      Statistic",
            "     Statistic",
            &["own/alarms.yaml:{line}:", "not valid YAML", "`Statistic: Maximum`"],
        ),
        ("alarms.yaml", "Namespace: AWS/SQS", "Namespace: [AWS/SQS", &["own/alarms.yaml:", "not valid YAML"]),
        (
            "alarms.yaml",
            "\"SpotScaleDown\"",
            "\"SpotGone\"",
            &["own/alarms.yaml:{line}:", "`GpuIdleAlarm` refers to `GpuSpotGone`"],
        ),
        (
            "alarms.yaml",
            "\"AlarmTopicPolicy\"",
            "\"AlarmTopic\"",
            &["own/alarms.yaml:", "`GpuAlarmTopic` is there twice", "and here"],
        ),
        (
            "alarms.yaml",
            "\"AlarmTopicPolicy\"",
            "\"Queue\"",
            &["blueprints/queue.yaml (built in)", "own/alarms.yaml:{line}:", "`GpuQueue` is there twice"],
        ),
        (
            "launch-template.yaml",
            "        MetadataOptions:",
            "#% if market.spot\n        EbsOptimized: true\n#% endif\n        MetadataOptions:",
            &["own/launch-template.yaml:{line + 1}:", "differ in more than the Spot price", "EbsOptimized"],
        ),
        (
            "queue.yaml",
            "QueueName: ${{ pair.queue.name }}",
            "QueueName: x-${{ pair.queue.name }}",
            &["own/queue.yaml:{line}:", "an expression is a whole value"],
        ),
        ("queue.yaml", "#% if", "  #% if", &["own/queue.yaml:{line}:", "a statement begins in the first column"]),
    ];
    for (name, from, to, said) in cases {
        let project = with_own(name, |text| text.replacen(from, to, 1));
        let refused = project.run(&["render", "--blueprints", "own"]).exits(1);
        assert_eq!(refused.stdout(), "");
        // The line that was changed.
        let (own, built_in) =
            (project.read(&format!("own/{name}")), fs::read_to_string(root().join("blueprints").join(name)));
        let same = |(own, built_in): &(&str, &str)| own == built_in;
        let line = own.lines().zip(built_in.expect("a blueprint").lines()).take_while(same).count() + 1;
        let placed =
            |words: &&str| words.replace("{line + 1}", &(line + 1).to_string()).replace("{line}", &line.to_string());
        let said: Vec<String> = said.iter().map(placed).collect();
        refused.says(&said.iter().map(String::as_str).collect::<Vec<_>>());
    }
}

#[test]
fn a_folder_that_is_none_of_blueprints_is_refused() {
    let project = Project::with(SPEC);
    for name in ["empty", "odd", "binary", "control", "huge", "folder/alarms.yaml", "aside"] {
        fs::create_dir_all(project.path(name)).expect("a folder");
    }
    let queue = fs::read(root().join("blueprints/queue.yaml")).expect("a blueprint");
    let project = project
        .file("odd/alarm.yml", "x")
        .file("binary/alarms.yaml", b"a: b\n\xff\n")
        .file("control/alarms.yaml", "a: b\nc: \0\n")
        .file("huge/alarms.yaml", vec![b'#'; 300_000])
        .file("aside/queue.yaml", queue)
        .file("aside/README.md", "notes")
        .file("aside/.alarms.yaml.swp", "x")
        .file("aside/alarms.yaml~", "x");
    for (folder, said) in [
        ("nowhere", ["cannot read the blueprints in `nowhere`", "eject"]),
        ("spotstack.yaml", ["cannot read the blueprints in `spotstack.yaml`", "eject"]),
        ("empty", ["there is no blueprint in `empty`", "eject"]),
        (".", ["`./spotstack.yaml` is not a blueprint", "stack.yaml"]),
        ("odd", ["`odd/alarm.yml` is not a blueprint", "did you mean `alarms.yaml`?"]),
        ("binary", ["`binary/alarms.yaml`", "line 2 is not UTF-8"]),
        ("control", ["`control/alarms.yaml`", "line 2 has a control character"]),
        ("huge", ["`huge/alarms.yaml`", "300000 bytes"]),
        ("folder", ["`folder/alarms.yaml`", "it is not a file"]),
    ] {
        project.run(&["render", "--blueprints", folder]).exits(1).says(&said);
    }
    project.run(&["render", "--blueprints", "aside"]).exits(0);
    #[cfg(unix)]
    {
        fs::create_dir(project.path("loop")).expect("a folder");
        std::os::unix::fs::symlink("alarms.yaml", project.path("loop/alarms.yaml")).expect("a link");
        project.run(&["render", "--blueprints", "loop"]).exits(1).says(&["`loop/alarms.yaml`", "symbolic links"]);
    }
}

#[test]
fn an_empty_blueprint_leaves_its_concern_out() {
    let own = with_own("events.yaml", |_| String::new());
    let rendered = own.run(&["render", "--blueprints", "own"]).exits(0).stdout();
    assert!(!rendered.contains("AWS::Events::Rule") && rendered.contains("# Own blueprints: events.yaml."));
}

/// A dashboard's body as CloudFormation makes it: JSON, all of it, whose names are the pair's own.
#[test]
fn a_dashboard_is_json_about_its_own_pair() {
    let spec = SPEC.replace("    workers:", "    manager: {dashboard: true}\n    workers:");
    let rendered = Project::with(&spec).run(&["render", "--format", "json"]).exits(0).stdout();
    let template: serde_json::Value = serde_json::from_str(&rendered).expect("JSON");
    let sub = &template["Resources"]["GpuDashboard"]["Properties"]["DashboardBody"]["Fn::Sub"];
    let mut body = sub[0].as_str().expect("a text").replace("${AWS::Region}", "eu-west-1");
    let names = sub[1].as_object().expect("names");
    for name in names.keys() {
        let placeholder = format!("${{{name}}}");
        assert!(body.contains(&placeholder), "{name} is not used");
        body = body.replace(&placeholder, "x");
    }
    assert!(!body.contains("${"), "a name that is not given: {body}");
    let body: serde_json::Value = serde_json::from_str(&body).expect("the body is JSON");
    let widgets = body["widgets"].as_array().expect("widgets");
    let mut taken = BTreeSet::new();
    let mut metrics = 0;
    for widget in widgets {
        let number = |key: &str| widget[key].as_u64().unwrap_or_else(|| panic!("{key} of {widget}"));
        assert!(number("x") + number("width") <= 24, "beyond the grid: {widget}");
        for x in number("x")..number("x") + number("width") {
            for y in number("y")..number("y") + number("height") {
                assert!(taken.insert((x, y)), "two widgets at {x}, {y}");
            }
        }
        let properties = &widget["properties"];
        assert!(properties["title"].is_string() && (widget["type"] == "alarm" || properties["region"] == "eu-west-1"));
        metrics += properties["metrics"].as_array().map_or(0, Vec::len);
    }
    assert!((20..=50).contains(&metrics), "a free dashboard has 50 metrics, and this one has {metrics}");
    for group in ["GpuSpotGroup", "GpuOnDemandGroup"] {
        let collected = &template["Resources"][group]["Properties"]["MetricsCollection"][0]["Metrics"];
        assert_eq!(*collected, serde_json::json!(["GroupDesiredCapacity", "GroupInServiceInstances"]));
    }
    let plain = Project::with(SPEC).run(&["render"]).exits(0).stdout();
    assert!(!plain.contains("Dashboard") && !plain.contains("MetricsCollection"));
}
