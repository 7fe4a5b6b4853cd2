//! A plan file: what somebody has seen, to be done exactly so or not at all.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::cloud::{Identity, Proposed};
use super::error::DeployError;
use super::request::Request;
use crate::neutral::neutral;
use crate::package::hex;

/// The version of the file.
const VERSION: u8 = 1;

/// What a plan file says. It holds no secret: names and hashes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Saved {
    /// A number that changes when a field goes or changes its meaning.
    pub spotstack_plan: u8,
    /// The stack's name.
    pub stack: String,
    /// The account.
    pub account: String,
    /// The Region.
    pub region: String,
    /// The change set that does it; `None` where nothing was to do.
    pub change_set: Option<SavedChangeSet>,
    /// What would change, in a line.
    pub summary: String,
    /// SHA-256 of the spec.
    pub spec_sha256: String,
    /// SHA-256 of the template.
    pub template_sha256: String,
    /// The handler's key, which has its hash in it.
    pub handler: String,
    /// The artifact bucket.
    pub artifact_bucket: String,
}

/// A change set, and whose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SavedChangeSet {
    /// Its name.
    pub name: String,
    /// Its ARN.
    pub arn: String,
    /// The stack's ARN.
    pub stack_arn: String,
}

impl Saved {
    /// What was asked for, where, and what CloudFormation made of it.
    pub fn new(
        request: &Request<'_>,
        identity: &Identity,
        bucket: &str,
        proposed: Option<&Proposed>,
        summary: String,
    ) -> Self {
        Self {
            spotstack_plan: VERSION,
            stack: request.stack.into(),
            account: identity.account.clone(),
            region: identity.region.clone(),
            change_set: proposed.map(|proposed| SavedChangeSet {
                name: request.change_set.into(),
                arn: proposed.arn.clone(),
                stack_arn: proposed.stack_arn.clone(),
            }),
            summary,
            spec_sha256: spec_sha256(request),
            template_sha256: sha256(&request.template.text),
            handler: request.package.key(),
            artifact_bucket: bucket.into(),
        }
    }

    /// Reads a plan file.
    ///
    /// # Errors
    /// It is none, or one of another spotstack; in words.
    pub fn read(text: &str) -> Result<Self, String> {
        let version = serde_json::from_str::<serde_json::Value>(text)
            .map_err(|error| format!("is no plan file: {error}"))?
            .get("spotstack_plan")
            .cloned()
            .ok_or("is no plan file: it has no `spotstack_plan`")?;
        if version != VERSION {
            return Err(format!("is a plan file of version {version}, and this spotstack reads version {VERSION}"));
        }
        // An unknown field is quoted as it is.
        serde_json::from_str(text).map_err(|error| format!("is no plan file: {}", neutral(&error.to_string())))
    }

    /// The file.
    pub fn write(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }

    /// Whether what is wanted now, and where, is what was planned.
    ///
    /// # Errors
    /// It is not; every difference by its name.
    pub fn check(&self, request: &Request<'_>, identity: &Identity) -> Result<(), DeployError> {
        let now = Self::new(request, identity, &self.artifact_bucket, None, String::new());
        let differences: Vec<String> = [
            ("the stack", &self.stack, &now.stack),
            ("the account", &self.account, &now.account),
            ("the Region", &self.region, &now.region),
            ("the spec", &self.spec_sha256, &now.spec_sha256),
            ("the template", &self.template_sha256, &now.template_sha256),
            ("the handler", &self.handler, &now.handler),
        ]
        .into_iter()
        .filter(|(_, planned, now)| planned != now)
        .map(|(what, planned, now)| format!("{what} is {}, and was {} in the plan", short(now), short(planned)))
        .collect();
        if differences.is_empty() {
            Ok(())
        } else {
            Err(DeployError::OtherPlan { differences: neutral(&differences.join("; ")).into_owned() })
        }
    }
}

/// A hash is known by its beginning.
fn short(value: &str) -> String {
    let is_hash = value.len() == 64 && value.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_hash { format!("{}…", &value[..12]) } else { format!("`{value}`") }
}

fn spec_sha256(request: &Request<'_>) -> String {
    request.origin.map(|origin| sha256(&origin.spec.text)).unwrap_or_default()
}

fn sha256(text: &str) -> String {
    hex(&Sha256::digest(text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deploy::fake::{identity, package};
    use crate::template::Template;
    use std::collections::BTreeMap;

    #[test]
    fn a_plan_is_good_for_what_it_was_made_for_and_names_what_differs() {
        let (tags, package) = (BTreeMap::new(), package());
        let template = |text: &str| Template::new(text.into()).expect("a template");
        let (first, second) = (template("Resources: {A: {Type: X}}\n"), template("Resources: {B: {Type: X}}\n"));
        let request = Request::new("media", &tags, (&[], &[]), &first, &package, "spotstack-1");
        let proposed = Proposed { arn: "arn".into(), stack_arn: "stack".into() };
        let saved = Saved::new(&request, &identity(), "bucket", Some(&proposed), "1 to add".into());
        assert_eq!(Saved::read(&saved.write()), Ok(saved.clone()));
        assert!(saved.check(&request, &identity()).is_ok());

        let other = Request { template: &second, ..request.clone() };
        let elsewhere = Identity { region: "us-east-1".into(), ..identity() };
        let error = saved.check(&other, &elsewhere).expect_err("differs").to_string();
        assert!(error.contains("the Region is `us-east-1`, and was `eu-west-1` in the plan"), "{error}");
        assert!(error.contains("the template is ") && !error.contains("the account"), "{error}");
    }

    #[test]
    fn what_is_no_plan_file_is_said_to_be_none() {
        for (text, word) in [
            ("{", "no plan file"),
            ("{}", "no `spotstack_plan`"),
            ("{\"spotstack_plan\": 2}", "version 2"),
            ("{\"spotstack_plan\": 1}", "no plan file: missing field"),
            ("{\"spotstack_plan\": 1, \"\\u001b[2J\": 1}", "unknown field `\\u{1b}[2J`"),
        ] {
            assert!(Saved::read(text).expect_err("none").contains(word), "{text}");
        }
    }
}
