//! `spotstack init`: a spec to start from, its schema, and a worker script.

use std::fs;
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use dialoguer::console::Term;
use miette::{IntoDiagnostic, WrapErr, miette};

use super::global::is_attended;
use super::output::{refuse_existing, talk, write_whole};
use super::style::columns;
use super::{Exit, Global, Result};
use crate::{blueprint, spec};
use answers::{Answers, quoted};
use questions::Question;

mod answers;
mod ask;
mod questions;

/// Write a commented spec to start from
///
/// With its schema, for editors, and a worker script. On a terminal it asks for what is not given, with choices from your account where there are credentials, and prints the
/// command that needs no questions. With --yes it asks nothing and takes examples, which are yours to replace.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Where to write; else the folder of --file
    #[arg(long)]
    dir: Option<PathBuf>,
    /// The CloudFormation stack's name
    #[arg(long, value_name = "NAME")]
    stack: Option<String>,
    /// The pair's name, which prefixes its resources
    #[arg(long, value_name = "NAME")]
    pair: Option<String>,
    /// The twins' resource type [template where nobody is asked]
    #[arg(long, value_name = "KIND")]
    launch: Option<Kind>,
    /// A queue to create, by name, or one that exists, by ARN
    #[arg(long, value_name = "NAME|ARN")]
    queue: Option<String>,
    /// The EC2 instance type of the workers
    #[arg(long, value_name = "TYPE")]
    instance_type: Option<String>,
    /// The AMI of the workers, or ssm: and a parameter that holds one
    #[arg(long, value_name = "AMI")]
    image: Option<String>,
    /// Where workers may run
    #[arg(long, value_name = "ID", value_delimiter = ',')]
    subnets: Vec<String>,
    /// What workers may reach
    #[arg(long, value_name = "ID", value_delimiter = ',')]
    security_groups: Vec<String>,
    /// The EC2 key pair of the workers
    #[arg(long, value_name = "NAME")]
    key_name: Option<String>,
    /// An instance profile that exists; else the stack makes one that may take jobs from this queue
    #[arg(long, value_name = "NAME|ARN")]
    instance_profile: Option<String>,
    /// What an instance-hour of Spot may cost, in USD
    #[arg(long, value_name = "USD")]
    max_price: Option<f64>,
    /// Workers of both groups together, at most
    #[arg(long, value_name = "N")]
    max_workers: Option<u32>,
    /// Workers start protected from scale-in, and drop it while they are free
    #[arg(long)]
    protect: bool,
    /// Write a workflow for GitHub Actions too: a pull request is reviewed, what is merged is deployed
    #[arg(long)]
    github_workflow: bool,
    /// Ask nothing
    #[arg(short, long)]
    yes: bool,
    /// Overwrite files that exist
    #[arg(long)]
    force: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// Launch templates
    Template,
    /// Launch configurations, as before 2024
    Configuration,
}

const WORKER: &str = include_str!("../../../examples/worker.sh");
const WORKFLOW: &str = include_str!("../../../examples/github-actions/spotstack.yml");

/// The line of the workflow that says where the spec is.
const WORKFLOW_SPEC: &str = "  SPEC: spotstack.yaml\n";

pub(super) fn run(args: &Args, global: &Global) -> Result<Exit> {
    let mut answers = args.given(global);
    let (dir, name) = args.place(global);
    let spec = dir.join(name);
    // Before anything is asked: what was given is right, and what there is stays.
    check(&answers, &spec)?;
    let mut paths = vec![spec.clone(), dir.join("spotstack.schema.json"), dir.join("worker.sh")];
    if !args.yes {
        if !is_attended() {
            return Err(miette!(
                help = "give --yes; what you do not give by flags is then an example to replace",
                "`init` asks questions, and there is no terminal to ask them on"
            ));
        }
        args.refuse_existing(&paths)?;
        ask::ask(&mut answers, global)?;
        let width = columns(&Term::stderr()).unwrap_or(100);
        talk(&format!("\nThe same without questions:\n{}\n", answers.command(&args.around(global), width)));
    }
    let mut texts = vec![answers.spec()?, spec::schema(), WORKER.to_owned()];
    if answers.yes(Question::GithubWorkflow) {
        let (path, text) = workflow(&spec)?;
        paths.push(path);
        texts.push(text);
    }
    check(&answers, &spec)?;
    args.refuse_existing(&paths)?;
    for (path, text) in paths.iter().zip(&texts) {
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            fs::create_dir_all(folder)
                .into_diagnostic()
                .wrap_err_with(|| format!("cannot make the folder `{}`", folder.display()))?;
        }
        write_whole(path, text)?;
        global.say(&format!("wrote {}", path.display()));
    }
    let file = if spec == *"spotstack.yaml" { String::new() } else { format!(" -f {}", quoted(&path_text(&spec))) };
    global.say(&format!(
        "\nNext: look at the spec and the worker script, then\n  spotstack check{file}\n  spotstack render{file}\n  \
         spotstack deploy{file}"
    ));
    Ok(Exit::Done)
}

impl Args {
    /// What the flags answer.
    fn given(&self, global: &Global) -> Answers {
        let mut answers = Answers::default();
        let texts = [
            (Question::Stack, self.stack.clone()),
            (Question::Region, global.region.clone()),
            (Question::Pair, self.pair.clone()),
            (Question::Queue, self.queue.clone()),
            (Question::Launch, self.launch.and_then(|kind| Some(kind.to_possible_value()?.get_name().to_owned()))),
            (Question::InstanceType, self.instance_type.clone()),
            (Question::Image, self.image.clone()),
            (Question::Subnets, (!self.subnets.is_empty()).then(|| self.subnets.join(","))),
            (Question::SecurityGroups, (!self.security_groups.is_empty()).then(|| self.security_groups.join(","))),
            (Question::KeyName, self.key_name.clone()),
            (Question::InstanceProfile, self.instance_profile.clone()),
            (Question::MaxPrice, self.max_price.map(|price| price.to_string())),
            (Question::MaxWorkers, self.max_workers.map(|max| max.to_string())),
            (Question::Protect, self.protect.then(|| "yes".to_owned())),
            (Question::GithubWorkflow, self.github_workflow.then(|| "yes".to_owned())),
        ];
        for (question, answer) in texts {
            if let Some(answer) = answer {
                answers.set(question, answer);
            }
        }
        answers
    }

    /// The folder to write to, and the spec's name in it.
    fn place(&self, global: &Global) -> (PathBuf, PathBuf) {
        let dir = self.dir.clone().or_else(|| global.file.parent().map(Path::to_owned)).unwrap_or_default();
        let name = global.file.file_name().map_or_else(|| "spotstack.yaml".into(), PathBuf::from);
        (if dir.as_os_str() == "." { PathBuf::new() } else { dir }, name)
    }

    fn refuse_existing(&self, paths: &[PathBuf]) -> Result<()> {
        if self.force { Ok(()) } else { refuse_existing(paths) }
    }

    /// The flags that are no question's.
    fn around(&self, global: &Global) -> Vec<String> {
        let mut flags = vec![];
        if global.file != *"spotstack.yaml" {
            flags.push(format!("--file {}", quoted(&path_text(&global.file))));
        }
        flags.extend(self.dir.as_deref().map(|dir| format!("--dir {}", quoted(&path_text(dir)))));
        flags.extend(self.force.then(|| "--force".to_owned()));
        flags
    }
}

/// With the user's own values in it, it must still be a spec.
fn check(answers: &Answers, path: &Path) -> Result<()> {
    Ok(spec::check(&path.display().to_string(), &answers.spec()?)?)
}

/// The workflow, at the root of the repository, where alone GitHub looks for it; without one, beside the spec.
fn workflow(spec: &Path) -> Result<(PathBuf, String)> {
    let spec = std::path::absolute(spec).into_diagnostic().wrap_err("cannot tell where this is")?;
    let here = std::env::current_dir().into_diagnostic().wrap_err("cannot tell where this is")?;
    let folder = spec.parent().unwrap_or(&here);
    let root = folder.ancestors().find(|folder| folder.join(".git").exists()).unwrap_or(folder);
    let path = root.join(".github/workflows/spotstack.yml");
    let path = path.strip_prefix(&here).map(Path::to_owned).unwrap_or(path);
    let inside = path_text(spec.strip_prefix(root).unwrap_or(&spec));
    Ok((path, WORKFLOW.replacen(WORKFLOW_SPEC, &format!("  SPEC: {}\n", blueprint::scalar(&inside)), 1)))
}

/// A path in a text that others read, on other systems too.
fn path_text(path: &Path) -> String {
    path.display().to_string().replace(std::path::MAIN_SEPARATOR, "/")
}

#[cfg(test)]
mod tests;
