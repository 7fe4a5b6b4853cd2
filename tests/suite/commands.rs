//! The commands that need no AWS, and those that do without any.

use std::fs;

use crate::project::{Project, SPEC, root};

#[test]
fn init_writes_a_spec_that_renders() {
    for launch in ["template", "configuration"] {
        let project = Project::empty();
        project
            .run(&["init", "--yes", "--launch", launch])
            .exits(0)
            .says(&["wrote spotstack.yaml", "spotstack render"]);
        let rendered = project.run(&["render"]).exits(0).stdout();
        let twin =
            if launch == "template" { "AWS::EC2::LaunchTemplate" } else { "AWS::AutoScaling::LaunchConfiguration" };
        assert!(rendered.contains(twin));
        let schema: serde_json::Value = serde_json::from_str(&project.read("spotstack.schema.json")).expect("JSON");
        assert_eq!(schema["additionalProperties"], false);
        assert!(project.read("worker.sh").starts_with("#!/bin/bash"));
    }
}

#[test]
fn init_takes_every_answer_as_a_flag() {
    let project = Project::empty();
    let flags = "init --yes --dir infra --stack studio --pair render --queue frames --subnets subnet-0a1b2c3d4e5f60001,subnet-0a1b2c3d4e5f60002 \
                 --security-groups sg-0a1b2c3d4e5f60001 --instance-type g6.xlarge --image ami-0123456789abcdef0 --max-price 0.4 --max-workers 2";
    project.run(&flags.split_whitespace().collect::<Vec<_>>()).exits(0);
    let rendered = project.run(&["-f", "infra/spotstack.yaml", "render"]).exits(0).stdout();
    for part in [
        "RenderSpotGroup:",
        "QueueName: frames",
        "- subnet-0a1b2c3d4e5f60002",
        "InstanceType: g6.xlarge",
        "MaxPrice: \"0.4\"",
        "MaxSize: \"2\"",
    ] {
        assert!(rendered.contains(part), "{part}");
    }
}

#[test]
fn init_writes_a_workflow_where_github_looks_for_it() {
    let project = Project::empty();
    fs::create_dir_all(project.path("studio/.git")).expect("a repository");
    let flags = ["init", "--yes", "--github-workflow", "--dir", "studio/infra", "-f", "prod.yaml"];
    project
        .run(&flags)
        .exits(0)
        .says(&["wrote studio/.github/workflows/spotstack.yml", "render -f studio/infra/prod.yaml"]);
    let workflow = project.read("studio/.github/workflows/spotstack.yml");
    let example = fs::read_to_string(root().join("examples/github-actions/spotstack.yml")).expect("the example");
    assert_eq!(workflow, example.replace("SPEC: spotstack.yaml", "SPEC: infra/prod.yaml"));
    assert_ne!(workflow, example);
    // Without a repository, beside the spec.
    let alone = Project::empty();
    alone.run(&["init", "--yes", "--github-workflow"]).exits(0);
    assert_eq!(alone.read(".github/workflows/spotstack.yml"), example);
}

#[test]
fn init_writes_to_the_folder_of_the_file() {
    let project = Project::empty();
    project.run(&["init", "--yes", "-f", "infra/prod.yaml"]).exits(0).says(&["check -f infra/prod.yaml"]);
    for name in ["prod.yaml", "worker.sh", "spotstack.schema.json"] {
        assert!(project.path("infra").join(name).exists(), "{name}");
    }
    project.run(&["check", "-f", "infra/prod.yaml"]).exits(0);
}

#[test]
fn init_fits_its_examples_to_what_is_given() {
    for flags in ["--instance-type c7g.large", "--queue arn:aws:sqs:eu-west-1:111122223333:jobs --protect"] {
        let project = Project::empty();
        let args: Vec<_> = "init --yes".split(' ').chain(flags.split(' ')).collect();
        project.run(&args).exits(0);
        project.run(&["render"]).exits(0);
    }
}

#[test]
fn init_overwrites_nothing_unless_told_to() {
    let project = Project::empty().file("worker.sh", "mine");
    project.run(&["init", "--yes"]).exits(1).says(&["`worker.sh` exists already, and nothing was written", "--force"]);
    assert!(!project.path("spotstack.yaml").exists());
    project.run(&["init", "--yes", "--force"]).exits(0);
    assert_ne!(project.read("worker.sh"), "mine");
}

#[test]
fn init_writes_nothing_that_is_not_a_spec() {
    let project = Project::empty();
    let answers = ["init", "--yes", "--instance-type", "big", "--max-workers", "0"];
    project.run(&answers).exits(1).says(&["has 2 errors", "`big` is not an instance type", "`max` is 0"]);
    assert_eq!(fs::read_dir(project.path("")).expect("the folder").count(), 0);
}

#[test]
fn init_asks_on_a_terminal_only() {
    let project = Project::empty();
    project.run(&["init"]).exits(1).says(&["there is no terminal to ask them on", "give --yes"]);
    assert_eq!(fs::read_dir(project.path("")).expect("the folder").count(), 0);
}

#[test]
fn render_writes_a_file_whole_or_not_at_all() {
    let project = Project::with(SPEC);
    project.run(&["render", "-o", "no/such/folder.yaml"]).exits(1).says(&["cannot write `no/such/folder.yaml`"]);
    project.run(&["render", "-o", "template.yaml", "--quiet"]).exits(0);
    assert_eq!(project.read("template.yaml"), project.run(&["render"]).exits(0).stdout());
    let left: Vec<_> = fs::read_dir(project.path(""))
        .expect("the folder")
        .filter_map(Result::ok)
        .map(|entry| entry.file_name())
        .collect();
    assert_eq!(left.len(), 3, "{left:?}");
}

/// Through a link it is written where the link leads, as anybody may read it, and what is no file stays what it is.
#[cfg(unix)]
#[test]
fn render_writes_where_it_is_told_to() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
    let project = Project::with(SPEC);
    let rendered = project.run(&["render"]).exits(0).stdout();
    fs::create_dir(project.path("kept")).expect("a folder");
    symlink("kept/template.yaml", project.path("link.yaml")).expect("a link");
    let project = project.file("kept/template.yaml", "old");
    fs::set_permissions(project.path("kept/template.yaml"), fs::Permissions::from_mode(0o600)).expect("private");
    project.run(&["render", "-q", "-o", "link.yaml"]).exits(0);
    assert!(project.path("link.yaml").is_symlink());
    assert_eq!(project.read("kept/template.yaml"), rendered);
    let beside = fs::metadata(project.path("spotstack.yaml")).expect("a file").mode();
    assert_eq!(fs::metadata(project.path("kept/template.yaml")).expect("a file").mode(), beside);
    assert_eq!(project.run(&["render", "-q", "-o", "/dev/stdout"]).exits(0).stdout(), rendered);
}

#[test]
fn version_says_what_is_carried() {
    let project = Project::empty();
    let version = project.run(&["--version"]).exits(0).stdout();
    assert_eq!(version, concat!("spotstack ", env!("CARGO_PKG_VERSION"), "\n"));
    for flags in [&["--version", "-v"][..], &["-vV"], &["-V", "--verbose"]] {
        let said = project.run(flags).exits(0).stdout();
        let handlers: Vec<_> = said.lines().skip(1).map(|line| line.split(' ').collect::<Vec<_>>()).collect();
        for handler in &handlers {
            assert!(
                matches!(handler[..], ["handler", "x86_64" | "arm64", "sha256", hash] if hash.len() == 64),
                "{said}"
            );
        }
        assert!(!handlers.is_empty() || said.ends_with("carries no handler\n"), "{said}");
    }
}

#[test]
fn a_deployer_s_policy_is_rendered_and_checked() {
    let project = Project::with(format!("region: eu-west-1\n{SPEC}"));
    project.run(&["render", "--deployer-policy", "-o", "policy.json"]).exits(0).says(&["wrote policy.json"]);
    let text = project.read("policy.json");
    assert_eq!(text, project.run(&["render", "--deployer-policy"]).exits(0).stdout());
    let policy: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(policy["Version"], "2012-10-17");
    project.run(&["render", "--deployer-policy", "--check", "policy.json"]).exits(0).says(&["is up to date"]);
    let stale = project.file("spotstack.yaml", format!("region: eu-west-1\n{}", SPEC.replace("render-jobs", "frames")));
    stale
        .run(&["render", "--deployer-policy", "--check", "policy.json"])
        .exits(2)
        .says(&["render-jobs", "render -f spotstack.yaml --deployer-policy -o policy.json"]);
    let wide = Project::with(SPEC).run(&["render", "--deployer-policy"]).exits(0).says(&["holds in every Region"]);
    assert!(!wide.stdout().contains("eu-west-1"));
    Project::with(SPEC)
        .run(&["render", "--deployer-policy", "--format", "yaml"])
        .exits(1)
        .says(&["cannot be used with"]);
    Project::with(SPEC).run(&["render", "--deployer-policy", "--account", "1"]).exits(1).says(&["twelve digits"]);
    Project::with(SPEC).run(&["render", "--account", "111122223333"]).exits(1).says(&["--deployer-policy"]);
}

#[test]
fn a_policy_too_long_for_iam_says_what_to_do() {
    let render = |subnets: u32| {
        let subnets: Vec<_> = (0..subnets).map(|index| format!("subnet-{index:017x}")).collect();
        let spec = SPEC.replace("subnet-0a1b2c3d4e5f60001", &subnets.join(", "));
        Project::with(spec).run(&["render", "--deployer-policy"]).exits(0)
    };
    assert!(!render(2).stderr().contains("6144"));
    render(40).says(&["a managed policy may have 6144", "inline policy, which may have 10240"]);
    render(120).says(&["spread its statements over several managed policies"]);
}

#[test]
fn what_would_ask_without_a_terminal_wants_yes_before_anything_else() {
    let project = Project::with(SPEC);
    for command in ["deploy", "recover", "destroy"] {
        let nowhere = ["--region", "eu-west-1", "--endpoint-url", "http://127.0.0.1:9"];
        project.run(&[&[command][..], &nowhere].concat()).exits(1).says(&["there is no terminal to ask on", "`--yes`"]);
    }
}

#[test]
fn what_is_typed_wrong_exits_with_1_and_says_what_was_meant() {
    let project = Project::empty();
    project.run(&["reder"]).exits(1).says(&["unrecognized subcommand", "render"]);
    project.run(&["render", "--format", "xml"]).exits(1).says(&["invalid value 'xml'"]);
    project.run(&[]).exits(1).says(&["Usage: spotstack", "Commands:"]);
}

#[test]
fn shells_complete_every_command() {
    let script = Project::empty().run(&["completions", "bash"]).exits(0).stdout();
    for command in ["init", "recover", "completions"] {
        assert!(script.contains(&format!("spotstack__subcmd__{command}")), "{script}");
    }
}
