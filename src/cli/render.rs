//! `spotstack render`: the template, without an account and without a network.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::input::Input;
use super::output::{print, talk, write_whole};
use super::{Exit, Global, Result, json, prepare};
use crate::deployer_policy::{DeployerPolicy, LARGEST_INLINE, LARGEST_MANAGED, Scope};
use crate::plan::Plan;
use crate::template::Template;
use clap::ValueEnum;

/// Write the CloudFormation template that the spec describes
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Write to a file instead of standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// YAML to read, JSON for machines
    #[arg(long, value_name = "FORMAT", default_value = "yaml")]
    format: Format,
    /// Write nothing; say whether FILE is what would be rendered, and exit with 2 if not
    #[arg(long, value_name = "FILE", conflicts_with = "output")]
    check: Option<PathBuf>,
    /// The IAM policy instead: what a CI role needs to deploy, look at and destroy this stack, as JSON
    #[arg(long, conflicts_with = "format")]
    deployer_policy: bool,
    /// The account that the policy is for; else it holds in whichever account it is put
    #[arg(long, value_name = "ID", requires = "deployer_policy", value_parser = account)]
    account: Option<String>,
    /// The bucket that the policy is for, if `deploy` is given one
    #[arg(long, value_name = "NAME", requires = "deployer_policy")]
    artifact_bucket: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Yaml,
    Json,
}

pub(super) fn run(args: &Args, global: &Global) -> Result<Exit> {
    let (plan, template) = prepare(global)?;
    let text = match args.format {
        _ if args.deployer_policy => policy(args, global, &plan, &template)?,
        Format::Yaml => template.text,
        Format::Json => json::pretty(&template.to_json())? + "\n",
    };
    if let Some(file) = &args.check {
        return check(file, &text, args, global);
    }
    match &args.output {
        Some(file) => {
            write_whole(file, &text)?;
            global.say(&format!("wrote {}", file.display()));
        }
        None => drop(print(&text)?),
    }
    Ok(Exit::Done)
}

/// The policy for whoever deploys, and what has to be said about it.
fn policy(args: &Args, global: &Global, plan: &Plan, template: &Template) -> Result<String> {
    let region = global.region.as_deref().or(plan.region.as_deref());
    let stacks: BTreeSet<&str> = plan.pairs.iter().filter_map(|pair| pair.groups.as_ref()?.stack.as_deref()).collect();
    let group_stacks: Vec<&str> = stacks.into_iter().collect();
    let scope = Scope {
        group_stacks: &group_stacks,
        region,
        account: args.account.as_deref(),
        artifact_bucket: args.artifact_bucket.as_deref(),
    };
    let policy = DeployerPolicy::new(&plan.stack, template, scope, &global.blueprints()?)?;
    if region.is_none() {
        global
            .say("The policy holds in every Region, because the spec names none: `region:`, or --region, narrows it.");
    }
    for profile in &policy.foreign_profiles {
        global.say(&format!(
            "The instance profile `{profile}` is not this stack's; the role in it is taken to have its name. If it has another, \
             change it in the statement `RolesOfInstances`."
        ));
    }
    for kind in &policy.unknown_types {
        global.say(&format!(
            "The policy does not allow to make `{kind}`, which spotstack's own blueprints do not: add it."
        ));
    }
    let size = policy.size();
    if size > LARGEST_MANAGED {
        let how = if size <= LARGEST_INLINE {
            format!("put it into the role as an inline policy, which may have {LARGEST_INLINE}")
        } else {
            "spread its statements over several managed policies, or the pairs over several stacks".to_owned()
        };
        global.say(&format!(
            "The policy has {size} characters without white space, and a managed policy may have {LARGEST_MANAGED}: {how}."
        ));
    }
    Ok(policy.to_json())
}

fn account(text: &str) -> std::result::Result<String, String> {
    let digits = text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit());
    if digits { Ok(text.to_owned()) } else { Err("an account is twelve digits".to_owned()) }
}

/// Compares a file that is kept in version control with what would be rendered.
fn check(file: &Path, text: &str, args: &Args, global: &Global) -> Result<Exit> {
    let kept = Input(file).text(u64::MAX)?;
    if kept == text {
        global.say(&format!("{} is up to date", file.display()));
        return Ok(Exit::Done);
    }
    let line = kept.lines().zip(text.lines()).take_while(|(kept, new)| kept == new).count();
    let show =
        |text: &str| text.lines().nth(line).map_or_else(|| "(the end)".to_owned(), |line| line.trim().to_owned());
    let flag = if args.deployer_policy { " --deployer-policy" } else { "" };
    talk(&format!(
        "{file} is not what the spec renders to; the first difference is in line {}:\n  - {}\n  + {}\n\
         Write it anew with `spotstack render -f {}{flag} -o {file}`.",
        line + 1,
        show(&kept),
        show(text),
        global.file.display(),
        file = file.display()
    ));
    Ok(Exit::Different)
}
