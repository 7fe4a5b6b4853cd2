//! The workflow for GitHub Actions, its steps' commands run as a runner would.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_yaml::Value;
use tempfile::TempDir;

use crate::project::{SPEC, root};

/// A `gh` that writes down what it is asked, and knows of one comment if there is a file that says so.
const GH: &str = r#"#!/bin/sh
echo "$*" >> "$GH_CALLS"
case "$*" in *--jq*) cat "$GH_COMMENT" 2>/dev/null;; esac
exit 0
"#;

fn workflow() -> Value {
    let text = fs::read_to_string(root().join("examples/github-actions/spotstack.yml")).expect("the workflow");
    serde_yaml::from_str(&text).expect("YAML")
}

fn steps(workflow: &Value, job: &str) -> Vec<Value> {
    workflow["jobs"][job]["steps"].as_sequence().expect("steps").clone()
}

/// The commands of the step of this name.
fn commands(job: &str, step: &str) -> String {
    let named = steps(&workflow(), job).into_iter().find(|each| each["name"].as_str() == Some(step));
    let step = named.unwrap_or_else(|| panic!("no step «{step}» in {job}"));
    step["run"].as_str().expect("commands").to_owned()
}

/// A clone with a base branch and a pull request, and what a runner has beside it.
struct Runner {
    dir: TempDir,
}

impl Runner {
    fn new() -> Self {
        let runner = Self { dir: tempfile::tempdir().expect("a folder") };
        for folder in ["bin", "origin", "temp"] {
            fs::create_dir(runner.path(folder)).expect("a folder");
        }
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_spotstack"), runner.path("bin/spotstack")).expect("a link");
        fs::write(runner.path("bin/gh"), GH).expect("gh");
        fs::set_permissions(runner.path("bin/gh"), fs::Permissions::from_mode(0o755)).expect("gh runs");
        runner
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// The base branch has this spec, if any; the pull request's clone another one.
    fn pull_request(self, before: Option<&str>, after: &str) -> Self {
        let origin = self.path("origin");
        self.git(&origin, &["init", "--quiet", "--initial-branch", "main"]);
        self.commit(&origin, before);
        self.git(self.dir.path(), &["clone", "--quiet", "origin", "clone"]);
        let clone = self.path("clone");
        self.git(&clone, &["checkout", "--quiet", "-b", "change"]);
        self.commit(&clone, Some(after));
        self
    }

    fn commit(&self, folder: &Path, spec: Option<&str>) {
        fs::write(folder.join("worker.sh"), "#!/bin/bash\necho working\n").expect("a file");
        if let Some(spec) = spec {
            fs::write(folder.join("spotstack.yaml"), spec).expect("a file");
        }
        self.git(folder, &["add", "."]);
        self.git(
            folder,
            &["-c", "user.name=x", "-c", "user.email=x@example.com", "commit", "--quiet", "--allow-empty", "-m", "x"],
        );
    }

    fn git(&self, folder: &Path, args: &[&str]) {
        let done = self.command("git", folder).args(args).output().expect("git");
        assert!(done.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&done.stderr));
    }

    fn command(&self, program: &str, folder: &Path) -> Command {
        let mut command = Command::new(program);
        let path = format!("{}:{}", self.path("bin").display(), std::env::var("PATH").unwrap_or_default());
        command.current_dir(folder).env_clear().env("PATH", path).env("HOME", self.dir.path()).env("CI", "true");
        command
    }

    /// Runs a step as GitHub does.
    fn run(&self, job: &str, step: &str, more: &BTreeMap<&str, &str>) -> Output {
        let file = |name: &str| self.path(name);
        let mut command = self.command("bash", &self.path("clone"));
        command.args(["--noprofile", "--norc", "-eo", "pipefail", "-c", &commands(job, step)]);
        for (name, value) in workflow()["env"].as_mapping().expect("variables of every job") {
            command.env(name.as_str().expect("a name"), value.as_str().expect("a value"));
        }
        command.env("RUNNER_TEMP", file("temp")).env("GITHUB_STEP_SUMMARY", file("summary.md"));
        command.env("GITHUB_OUTPUT", file("output")).env("GITHUB_BASE_REF", "main");
        command.env("GITHUB_REPOSITORY", "studio/render").env("PULL_REQUEST", "7");
        command.env("GH_CALLS", file("calls")).env("GH_COMMENT", file("comment"));
        command.envs(more).output().expect("bash")
    }

    #[track_caller]
    fn step(&self, job: &str, step: &str) -> Output {
        let done = self.run(job, step, &BTreeMap::new());
        assert!(
            done.status.success(),
            "{step}: {}\n{}",
            String::from_utf8_lossy(&done.stdout),
            String::from_utf8_lossy(&done.stderr)
        );
        done
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_default()
    }
}

fn better() -> String {
    SPEC.replace("max: 4", "max: 6")
}

#[test]
fn a_pull_request_is_reviewed_in_one_comment() {
    let runner = Runner::new().pull_request(Some(SPEC), &better());
    runner.step("review", "Say what would change");
    let summary = runner.read("summary.md");
    assert!(summary.starts_with("<!-- spotstack diff: media-workers -->\n"), "{summary}");
    assert!(summary.contains("GpuSpotGroup"), "{summary}");

    runner.step("review", "Say it on the pull request");
    let comment = format!("--field body=@{}", runner.path("temp/diff.md").display());
    let made = format!("api --method POST repos/studio/render/issues/7/comments {comment} --silent");
    assert!(runner.read("calls").contains(&made), "{}", runner.read("calls"));

    fs::write(runner.path("comment"), "4711\n").expect("a comment");
    runner.step("review", "Say it on the pull request");
    let updated = format!("api --method PATCH repos/studio/render/issues/comments/4711 {comment} --silent");
    assert!(runner.read("calls").contains(&updated), "{}", runner.read("calls"));
}

#[test]
fn the_first_spec_of_a_repository_is_compared_with_nothing() {
    let runner = Runner::new().pull_request(None, SPEC);
    runner.step("review", "Say what would change");
    assert!(runner.read("summary.md").contains("0 to change, 0 to replace, 0 to remove"));
}

#[test]
fn a_spec_that_is_wrong_fails_its_pull_request() {
    let runner = Runner::new().pull_request(Some(SPEC), &SPEC.replace("max_price", "max-price"));
    for step in ["Check", "Say what would change"] {
        assert!(!runner.run("review", step, &BTreeMap::new()).status.success(), "{step}");
    }
}

#[test]
fn a_stale_template_fails_its_pull_request() {
    let runner = Runner::new().pull_request(Some(SPEC), SPEC);
    let template = "The template in the repository is what the spec says";
    let render = runner
        .command(env!("CARGO_BIN_EXE_spotstack"), &runner.path("clone"))
        .args(["render", "-o", "template.yaml"])
        .output();
    assert!(render.expect("spotstack").status.success());
    runner.step("review", template);
    fs::write(runner.path("clone/spotstack.yaml"), better()).expect("another spec");
    assert_eq!(runner.run("review", template, &BTreeMap::new()).status.code(), Some(2));
}

/// Without AWS a plan fails, and says so: only 0 and 2 are answers.
#[test]
fn a_plan_that_cannot_be_made_fails() {
    let runner = Runner::new().pull_request(Some(SPEC), SPEC);
    let nobody = BTreeMap::from([("AWS_REGION", "eu-west-1"), ("AWS_EC2_METADATA_DISABLED", "true")]);
    let done = runner.run("plan", "Plan", &nobody);
    assert_eq!(done.status.code(), Some(1), "{}", String::from_utf8_lossy(&done.stderr));
    assert_eq!(runner.read("output"), "");
}

#[test]
fn nothing_is_run_that_somebody_else_may_write() {
    let workflow = workflow();
    assert!(workflow["permissions"].as_mapping().expect("none by default").is_empty());
    for (job, definition) in workflow["jobs"].as_mapping().expect("jobs") {
        let job = job.as_str().expect("a name");
        for step in steps(&workflow, job) {
            // What an event says reaches a shell through its environment only.
            assert!(!step["run"].as_str().unwrap_or_default().contains("${{"), "{job}: {step:?}");
        }
        let signs_in = definition["permissions"].get("id-token").is_some();
        assert_eq!(signs_in, job != "review", "{job}: a pull request gets no credentials");
    }
    assert_eq!(workflow["jobs"]["deploy"]["environment"].as_str(), Some("production"));
}
