//! A call that AWS did not let through: what was asked, AWS's own words, and what mends it.

use miette::Diagnostic;

use super::hint::{Denied, is_forbidden};

/// A call that AWS, or the way to it, did not let through.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{}{message}{}", prefix(operation), prefix(code), suffix(request_id))]
pub struct CloudError {
    /// The API's name of the call; empty before there is any.
    pub operation: &'static str,
    /// What kind of trouble it is.
    pub trouble: Trouble,
    /// AWS's code, such as `AccessDenied`; empty if the answer never came.
    pub code: String,
    /// AWS's message.
    pub message: String,
    /// What AWS Support asks for.
    pub request_id: Option<String>,
}

fn prefix(name: &str) -> String {
    if name.is_empty() { String::new() } else { format!("{name}: ") }
}

fn suffix(request_id: &Option<String>) -> String {
    request_id.as_ref().map(|id| format!(" (request {id})")).unwrap_or_default()
}

/// The kinds of trouble that something different is done about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// Nothing says who we are.
    NoCredentials,
    /// Who we are was true until a while ago, or is not known to AWS.
    StaleCredentials,
    /// Nothing says where.
    NoRegion,
    /// The profile that was named is in none of the configuration files.
    NoProfile,
    /// We may not.
    Denied,
    /// No answer came.
    Unreachable,
    /// Too many questions at once, or a fault inside AWS: the next try may go through.
    Throttled,
    /// The clocks differ, so that no signature is good.
    ClockSkew,
    /// It is not there.
    Missing,
    /// Anything else.
    Other,
}

impl CloudError {
    /// What goes wrong before anything is asked, or when nothing is answered.
    pub fn local(operation: &'static str, trouble: Trouble, message: String) -> Self {
        Self { operation, trouble, code: String::new(), message, request_id: None }
    }

    /// Whether the same question may well be answered in a moment.
    pub fn is_passing(&self) -> bool {
        matches!(self.trouble, Trouble::Unreachable | Trouble::Throttled)
    }

    /// What mends it.
    pub(super) fn advice(&self) -> Option<String> {
        let advice = match self.trouble {
            Trouble::NoCredentials => {
                "sign in with `aws sso login` (`aws configure sso` sets it up), name a profile with `--profile` or AWS_PROFILE, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
            }
            Trouble::StaleCredentials => {
                "sign in again (`aws sso login`, or whatever gave you these credentials); `aws sts get-caller-identity` shows whether it helped. AWS_ACCESS_KEY_ID in the environment wins over AWS_PROFILE; and a Region that an account has to opt in to knows nobody until `aws account enable-region --region-name <region>`"
            }
            Trouble::NoRegion => {
                "write `region:` in the spec, give `--region eu-west-1`, or set AWS_REGION or the profile's `region`"
            }
            Trouble::NoProfile => {
                "`aws configure list-profiles` lists those that there are; they stand in ~/.aws/config and ~/.aws/credentials, or where AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE say"
            }
            Trouble::Denied => return Some(self.permission()),
            Trouble::Unreachable => {
                "is the network up, the Region spelt as AWS spells it, and the endpoint (`--endpoint-url`, AWS_ENDPOINT_URL) the right one? HTTPS_PROXY and AWS_CA_BUNDLE are respected"
            }
            Trouble::Throttled => "AWS asked for a pause; run the same command again in a minute",
            Trouble::ClockSkew => {
                "set the clock of this machine (`sudo timedatectl set-ntp true`; on macOS `sudo sntp -sS time.apple.com`): AWS accepts a signature for five minutes"
            }
            Trouble::Missing | Trouble::Other => self.known()?,
        };
        Some(advice.into())
    }

    /// Who has to allow what.
    fn permission(&self) -> String {
        if is_forbidden(&self.message) {
            return "a policy forbids it, so that allowing it elsewhere does not help: ask whoever wrote the policy that the message names, or run it as somebody who may".into();
        }
        let denied = Denied::of(&self.message);
        let action = denied.as_ref().map_or(self.operation, |denied| &denied.action);
        let statement = denied.as_ref().map(|denied| format!(" with {}", denied.statement())).unwrap_or_default();
        format!(
            "allow `{action}` to whoever runs this{statement}, or run it as somebody who may. The message says which policy is in the way; `spotstack render --deployer-policy` writes down all that a deploy needs"
        )
    }

    /// Messages that everybody meets one day.
    fn known(&self) -> Option<&'static str> {
        const KNOWN: &[(&str, &str)] = &[
            (
                "is in ROLLBACK_COMPLETE",
                "its creation failed, so CloudFormation lets it only be deleted: `spotstack destroy`, then deploy again",
            ),
            (
                "TerminationProtection",
                "termination protection is on: `aws cloudformation update-termination-protection --no-enable-termination-protection --stack-name <stack>` turns it off",
            ),
            (
                "Requires capabilities",
                "a stack that the template nests, or a macro that it calls, makes IAM resources: spotstack says for a template only what it can see in it needs",
            ),
            ("cannot be assumed by", "IAM takes some seconds to know a new role: run the same command again"),
            (
                "is in an invalid state",
                "something else changed the stack meanwhile; `spotstack status` says where it is",
            ),
            (
                "state and can not be updated",
                "`spotstack status` says where the stack is; wait until CloudFormation has finished",
            ),
            (
                "TokenAlreadyExistsException",
                "an operation of this name was begun already; `spotstack status` says where the stack is",
            ),
            ("LimitExceeded", "a quota of the account is used up: ask for more in Service Quotas"),
        ];
        let text = format!("{}: {}", self.code, self.message);
        KNOWN.iter().find(|(part, _)| text.contains(part)).map(|&(_, advice)| advice)
    }
}

impl Diagnostic for CloudError {
    fn help<'a>(&'a self) -> Option<Box<dyn std::fmt::Display + 'a>> {
        Some(Box::new(self.advice()?))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::deploy::DeployError;

    /// An error of AWS.
    pub(in crate::deploy) fn error(trouble: Trouble, code: &str, message: &str) -> CloudError {
        CloudError { code: code.into(), ..CloudError::local("DescribeStacks", trouble, message.into()) }
    }

    fn help(error: &dyn Diagnostic) -> String {
        error.help().map(|help| help.to_string()).unwrap_or_default()
    }

    #[test]
    fn an_error_says_what_was_asked_and_what_aws_said() {
        let denied = CloudError {
            request_id: Some("11-22".into()),
            ..error(
                Trouble::Denied,
                "AccessDenied",
                "User: arn:aws:iam::111122223333:user/ci is not authorized to perform: cloudformation:DescribeStacks on resource: * because no identity-based policy allows it",
            )
        };
        assert_eq!(
            denied.to_string(),
            "DescribeStacks: AccessDenied: User: arn:aws:iam::111122223333:user/ci is not authorized to perform: cloudformation:DescribeStacks on resource: * because no identity-based policy allows it (request 11-22)"
        );
        assert!(help(&denied).starts_with("allow `cloudformation:DescribeStacks` to whoever runs this"));
        let forbidden =
            CloudError { message: denied.message.replace("because", "with an explicit deny, as"), ..denied.clone() };
        assert!(help(&DeployError::Cloud(denied)).starts_with("allow `cloudformation:DescribeStacks`"));
        assert!(help(&forbidden).starts_with("a policy forbids it"), "{}", help(&forbidden));
        let unreachable = error(Trouble::Unreachable, "", "no answer from http://127.0.0.1:1");
        assert_eq!(unreachable.to_string(), "DescribeStacks: no answer from http://127.0.0.1:1");
    }

    #[test]
    fn known_messages_come_with_advice_and_unknown_ones_without() {
        let advice = |message: &str| help(&error(Trouble::Other, "ValidationError", message));
        assert!(advice("Stack:x is in ROLLBACK_COMPLETE state and can not be updated.").contains("spotstack destroy"));
        let cleaning =
            advice("Stack:x is in UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS state and can not be updated.");
        assert!(cleaning.contains("wait until") && !cleaning.contains("destroy"), "{cleaning}");
        assert!(advice("Stack [x] cannot be deleted while TerminationProtection is enabled").contains("--no-enable"));
        assert_eq!(advice("the moon is in the wrong phase"), "");
    }
}
