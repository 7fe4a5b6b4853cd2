//! `spotstack init`: a spec to start from, its schema, and a worker script.

use std::fs;
use std::io::IsTerminal;
use std::path::PathBuf;

use clap::ValueEnum;
use dialoguer::Input;
use miette::{IntoDiagnostic, WrapErr, miette};
use minijinja::context;

use super::render::write_whole;
use super::{Exit, Global, Result};
use crate::spec::{self, Architecture};
use crate::{blueprint, package};

/// Write a commented spec to start from, its schema for editors, and a worker script
///
/// On a terminal it asks for what is not given; with --yes it takes examples, which are yours to replace.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Where to write
    #[arg(long, default_value = ".")]
    dir: PathBuf,
    /// The CloudFormation stack's name
    #[arg(long, value_name = "NAME")]
    stack: Option<String>,
    /// The pair's name, which prefixes its resources
    #[arg(long, value_name = "NAME")]
    pair: Option<String>,
    /// The twins' resource type
    #[arg(long, value_name = "KIND", default_value = "template")]
    launch: Kind,
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
    /// What an instance-hour of Spot may cost, in USD
    #[arg(long, value_name = "USD")]
    max_price: Option<f64>,
    /// Workers of both groups together, at most
    #[arg(long, value_name = "N")]
    max_workers: Option<u32>,
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
const SPEC: &str = include_str!("spotstack.yaml");

pub(super) fn run(args: &Args, global: &Global) -> Result<Exit> {
    let asking = !args.yes;
    if asking && !(std::io::stdin().is_terminal() && std::io::stderr().is_terminal()) {
        return Err(miette!(
            help = "give --yes; what you do not give by flags is then an example to replace",
            "`init` asks questions, and there is no terminal to ask them on"
        ));
    }
    let name = global.file.file_name().map(PathBuf::from).unwrap_or_else(|| "spotstack.yaml".into());
    let here = args.dir.as_os_str() == ".";
    let dir = if here { PathBuf::new() } else { args.dir.clone() };
    let spec_path = dir.join(name);
    let files = [
        (spec_path.clone(), spec_text(args, global)?),
        (dir.join("spotstack.schema.json"), spec::schema()),
        (dir.join("worker.sh"), WORKER.to_owned()),
    ];
    // With the user's own values in it, it must still be a spec.
    spec::check(&spec_path.display().to_string(), &files[0].1)?;
    let existing: Vec<String> =
        files.iter().filter(|(path, _)| path.exists()).map(|(path, _)| format!("`{}`", path.display())).collect();
    if !existing.is_empty() && !args.force {
        return Err(miette!(
            help = "give --force to overwrite, or --dir for another folder",
            "{} exists already, and nothing was written",
            existing.join(", ")
        ));
    }
    fs::create_dir_all(&args.dir)
        .into_diagnostic()
        .wrap_err_with(|| format!("cannot make the folder `{}`", args.dir.display()))?;
    for (path, text) in &files {
        write_whole(path, text)?;
        global.say(&format!("wrote {}", path.display()));
    }
    let file = if spec_path == *"spotstack.yaml" { String::new() } else { format!(" -f {}", spec_path.display()) };
    global.say(&format!(
        "\nNext: look at the spec and the worker script, then\n  spotstack{file} render\n  spotstack{file} deploy"
    ));
    Ok(Exit::Done)
}

/// The spec's text, from the flags, the answers, and examples for the rest.
fn spec_text(args: &Args, global: &Global) -> Result<String> {
    let ask = |flag: &Option<String>, question: &str, example: &str| -> Result<String> {
        match flag {
            Some(given) => Ok(given.clone()),
            None if args.yes => Ok(example.to_owned()),
            None => Input::<String>::new()
                .with_prompt(question)
                .default(example.to_owned())
                .interact_text()
                .into_diagnostic(),
        }
    };
    let list = |given: &[String]| (!given.is_empty()).then(|| given.join(","));
    let split =
        |text: String| text.split(',').map(|id| id.trim().to_owned()).filter(|id| !id.is_empty()).collect::<Vec<_>>();
    let number = |given: Option<String>| given.filter(|text| !text.trim().is_empty());

    let stack = ask(&args.stack, "Name of the CloudFormation stack", "spot-workers")?;
    let pair = ask(&args.pair, "Name of the pair of groups", "gpu")?;
    let queue = ask(&args.queue, "Queue of jobs: a name to create, or the ARN of one that exists", "render-jobs")?;
    let subnets = ask(
        &list(&args.subnets),
        "Subnets for the workers, with commas",
        "subnet-0123456789abcdef0,subnet-0123456789abcdef1",
    )?;
    let groups =
        ask(&list(&args.security_groups), "Security groups of the workers, with commas", "sg-0123456789abcdef0")?;
    let instance_type = ask(
        &args.instance_type,
        "Instance type",
        if args.launch == Kind::Configuration { "g4dn.xlarge" } else { "g5.2xlarge" },
    )?;
    let image = ask(
        &args.image,
        "Image (AMI id, or ssm: and a parameter)",
        "ssm:/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64",
    )?;
    let price = args.max_price.map(|price| price.to_string());
    // A launch configuration asks for Spot by its price, so that it needs one.
    let example = if args.launch == Kind::Configuration { "0.55" } else { "" };
    let price = number(match price {
        Some(price) => Some(price),
        None if args.yes => Some(example.to_owned()),
        None => Some(
            Input::<String>::new()
                .with_prompt("Max price of a Spot instance-hour in USD (nothing: the On-Demand price)")
                .default(example.to_owned())
                .show_default(!example.is_empty())
                .allow_empty(example.is_empty())
                .interact_text()
                .into_diagnostic()?,
        ),
    });
    let price: Option<f64> = price
        .map(|text| text.trim().parse().map_err(|_| miette!("the max price `{text}` is not a number of USD")))
        .transpose()?;
    let max_workers =
        ask(&args.max_workers.map(|max| max.to_string()), "Workers at most, of both groups together", "4")?;
    let max_workers: u32 =
        max_workers.trim().parse().map_err(|_| miette!("`{max_workers}` is not a number of workers"))?;

    let is_arn = queue.starts_with("arn:");
    let context = context! {
        stack, pair, instance_type, image, max_workers,
        region => global.region.clone().unwrap_or_default(),
        queue => queue.clone(),
        queue_arn => if is_arn { queue.as_str() } else { "" },
        subnets => split(subnets),
        security_groups => split(groups),
        launch => if args.launch == Kind::Configuration { "configuration" } else { "template" },
        max_price => price.unwrap_or(0.0),
        architecture => architecture().to_string(),
    };
    Ok(blueprint::fill("the spec to start from", SPEC, context)?)
}

/// The architecture of the handler that this spotstack carries, so that deploying needs nothing else.
fn architecture() -> Architecture {
    package::carried_architectures().next().unwrap_or_default()
}
