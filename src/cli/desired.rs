//! What is wanted in AWS, as `deploy` and `diff` are told alike: the spec, and what the command line adds to it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::watching::token;
use super::{Global, Result, prepare_all};
use crate::deploy::groups::Wanted;
use crate::deploy::origin::Origin;
use crate::deploy::{PairName, Request};
use crate::package::Package;
use crate::plan::Plan;
use crate::spec::Spec;
use crate::template::Template;

/// The options that say what is wanted, beside the spec.
#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// The bucket for the handler, in this account and Region; else spotstack makes one of its own
    #[arg(long, value_name = "NAME")]
    pub artifact_bucket: Option<String>,
    /// The role that CloudFormation acts as; it stays with the stack
    #[arg(long, value_name = "ARN")]
    pub role_arn: Option<String>,
    /// A tag on the stack and all that is in it, beside the spec's; as often as needed
    #[arg(long = "tag", value_name = "KEY=VALUE", value_parser = tag)]
    pub tags: Vec<(String, String)>,
    /// A topic that hears of the stack's events, up to five; they stay with the stack
    #[arg(long = "notification-arn", value_name = "ARN")]
    pub notification_arns: Vec<String>,
    /// Another handler than the one that spotstack carries: a zip, or a program for Linux
    #[arg(long, value_name = "FILE")]
    pub handler: Option<PathBuf>,
    /// Take over a stack that spotstack did not make: it becomes what the spec says, and all else in it goes
    #[arg(long)]
    pub adopt: bool,
}

/// `KEY=VALUE`, as CloudFormation takes it.
fn tag(text: &str) -> std::result::Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("a tag is KEY=VALUE")?;
    match (key.chars().count(), value.chars().count()) {
        (1..=128, ..=256) if !key.starts_with("aws:") => Ok((key.into(), value.into())),
        (1..=128, ..=256) => Err("tags that begin with `aws:` are AWS's own".into()),
        _ => Err("a tag's key has 1 to 128 characters, and its value up to 256".into()),
    }
}

/// What is wanted, ready to be asked for.
pub(super) struct Desired {
    spec: Spec,
    pub plan: Plan,
    template: Template,
    package: Package,
    tags: BTreeMap<String, String>,
    change_set: String,
    file: String,
}

impl Desired {
    /// Reads, plans, renders and checks the spec, and finds the handler.
    pub(super) fn new(options: &Options, global: &Global) -> Result<Self> {
        let (spec, plan, template) = prepare_all(global)?;
        let package = match &options.handler {
            Some(file) => Package::from_file(file, plan.architecture)?,
            None => Package::carried(plan.architecture)?,
        };
        let mut tags = plan.tags.clone();
        tags.extend(options.tags.iter().cloned());
        let key = package.key();
        let named = [&options.artifact_bucket, &options.role_arn].map(|name| name.as_deref().unwrap_or_default());
        let parts = [plan.stack.as_str(), &template.text, &key].into_iter().chain(named);
        let parts = parts.chain(tags.iter().flat_map(|(key, value)| [key.as_str(), value]));
        let parts = parts.chain(options.notification_arns.iter().map(String::as_str));
        let change_set = token(parts);
        Ok(Self { spec, template, package, tags, change_set, file: global.file_name(), plan })
    }

    /// Checks that the handler is one.
    pub(super) fn check_package(&self) -> Result<()> {
        Ok(self.package.check()?)
    }

    /// Gives what it takes to ask AWS for it to whoever asks.
    pub(super) fn with_request<T>(&self, options: &Options, ask: impl FnOnce(Request<'_>) -> T) -> T {
        let (pairs, groups) = (PairName::all(&self.plan), Wanted::all(&self.plan));
        let parts = (pairs.as_slice(), groups.as_slice());
        let request =
            Request::new(&self.plan.stack, &self.tags, parts, &self.template, &self.package, &self.change_set);
        ask(Request {
            artifact_bucket: options.artifact_bucket.as_deref(),
            role: options.role_arn.as_deref(),
            notifications: &options.notification_arns,
            adopt: options.adopt,
            origin: Some(Origin { spec: &self.spec, plan: &self.plan, file: &self.file }),
            ..request
        })
    }
}

#[cfg(test)]
mod tests {
    use super::tag;

    #[test]
    fn a_tag_is_a_key_and_a_value() {
        assert_eq!(tag("team=media=x"), Ok(("team".into(), "media=x".into())));
        assert_eq!(tag("team="), Ok(("team".into(), String::new())));
        for wrong in ["team", "=x", "aws:x=y"] {
            assert!(tag(wrong).is_err(), "{wrong}");
        }
    }
}
