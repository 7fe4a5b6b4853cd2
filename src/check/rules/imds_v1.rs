//! An instance's credentials are not a URL away.

use super::{Found, Rule, Severity, Subject};

pub(in crate::check) static RULE: Rule = Rule {
    id: "imds-v1",
    severity: Severity::Warning,
    sentence: "Workers answer for their credentials without a session token (IMDSv1).",
    fix: "set `MetadataOptions: {HttpTokens: required}` in both launch definitions",
    why: "With IMDSv1 whoever can make the worker fetch a URL (a job that names one, a proxy, a redirect) gets the credentials of \
          its role. IMDSv2 asks for a token first. A launch configuration allows IMDSv1 unless it says otherwise; the AWS SDKs \
          and CLI have spoken IMDSv2 for years.",
    source: "https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/configuring-instance-metadata-service.html",
    check,
};

fn check(subject: &Subject<'_>) -> Vec<Found> {
    let open = subject.launches().filter_map(|launch| {
        let options = launch.get("MetadataOptions");
        let has = |key: &str, value: &str| {
            options.as_ref().and_then(|options| options.get(key)).is_some_and(|option| option.value == value)
        };
        if has("HttpTokens", "required") || has("HttpEndpoint", "disabled") {
            return None;
        }
        Some(Found::new("these workers answer IMDSv1").within(&options.unwrap_or(launch)))
    });
    open.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::{CONFIGURATION, Edit::Template, table};

    #[test]
    fn credentials_need_a_token() {
        let optional = Template("HttpTokens: required", "HttpTokens: optional");
        table(
            &RULE,
            &[
                (&[], &[]),
                (&[CONFIGURATION], &[]),
                (&[optional], &["IMDSv1", "IMDSv1"]),
                (&[CONFIGURATION, optional], &["IMDSv1", "IMDSv1"]),
                (&[Template("HttpTokens: required", "HttpEndpoint: disabled")], &[]),
            ],
        );
    }
}
