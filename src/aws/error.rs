//! The SDK's chain of errors, flattened once: what was asked, AWS's code, AWS's words, the request.

use std::error::Error;

use aws_config::imds::client::error::ImdsError;
use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use crate::deploy::{CloudError, Trouble};
use crate::neutral::neutral;

/// What a failed call means. `endpoint` is who did not answer.
pub(super) fn flatten<E>(operation: &'static str, endpoint: &str, error: &SdkError<E, HttpResponse>) -> CloudError
where
    E: Error + ProvideErrorMetadata + 'static,
{
    let local = |trouble, message: String| CloudError::local(operation, trouble, neutral(&message).into_owned());
    if let Some(credentials) = chain(error).find_map(|cause| cause.downcast_ref::<CredentialsError>()) {
        return no_credentials(operation, credentials);
    }
    match error {
        SdkError::ServiceError(service) => {
            of_service(operation, endpoint, service.raw().status().as_u16(), service.err())
        }
        SdkError::TimeoutError(_) => local(Trouble::Unreachable, format!("{endpoint} did not answer in time")),
        SdkError::DispatchFailure(_) => {
            let cause = innermost(error);
            // Of a Region that is spelt wrong there is no host.
            let region = if cause.contains("lookup") && endpoint.starts_with("AWS in ") {
                "; is that how AWS spells a Region? `aws account list-regions` lists them"
            } else {
                ""
            };
            local(Trouble::Unreachable, format!("no answer from {endpoint}: {cause}{region}"))
        }
        SdkError::ResponseError(_) => {
            local(Trouble::Unreachable, format!("{endpoint} answers something that is not AWS's: {}", innermost(error)))
        }
        _ => local(Trouble::Other, innermost(error)),
    }
}

fn of_service(operation: &'static str, endpoint: &str, status: u16, error: &impl ProvideErrorMetadata) -> CloudError {
    let meta = error.meta();
    // The answer to a HEAD has no body, and so neither code nor message; that of a proxy has none that we can read.
    let code = meta.code().map_or_else(|| format!("HTTP {status}"), Into::into);
    let nothing = format!("{endpoint} says no more than that");
    let message = meta.message().unwrap_or(&nothing);
    CloudError {
        operation,
        trouble: trouble(&code, message, status),
        message: neutral(message).into_owned(),
        code: neutral(&code).into_owned(),
        request_id: meta.extra("aws_request_id").map(|id| neutral(id).into_owned()),
    }
}

fn trouble(code: &str, message: &str, status: u16) -> Trouble {
    match code {
        "RequestTimeTooSkewed" => Trouble::ClockSkew,
        "SignatureDoesNotMatch" | "InvalidSignatureException"
            if message.contains("expired") || message.contains("not yet current") =>
        {
            Trouble::ClockSkew
        }
        "ExpiredToken"
        | "ExpiredTokenException"
        | "RequestExpired"
        | "InvalidClientTokenId"
        | "InvalidAccessKeyId"
        | "UnrecognizedClientException"
        | "InvalidToken"
        | "SignatureDoesNotMatch"
        | "InvalidSignatureException" => Trouble::StaleCredentials,
        "MissingAuthenticationToken" | "MissingAuthenticationTokenException" => Trouble::NoCredentials,
        "Throttling"
        | "ThrottlingException"
        | "ThrottledException"
        | "RequestThrottled"
        | "RequestLimitExceeded"
        | "TooManyRequestsException"
        | "SlowDown" => Trouble::Throttled,
        "ValidationError" if message.contains("does not exist") => Trouble::Missing,
        _ if status == 429 || status >= 500 => Trouble::Throttled,
        _ if status == 404 => Trouble::Missing,
        _ if status == 401 || status == 403 || code.starts_with("AccessDenied") => Trouble::Denied,
        _ => Trouble::Other,
    }
}

fn no_credentials(operation: &'static str, error: &CredentialsError) -> CloudError {
    let (trouble, message) = match error {
        CredentialsError::CredentialsNotLoaded(_) => (Trouble::NoCredentials, "no AWS credentials were found".into()),
        // The machine's own role is asked last, where nothing else says who we are.
        _ if chain(error).any(|cause| cause.is::<ImdsError>()) => (
            Trouble::NoCredentials,
            format!("no AWS credentials were found, nor a role of this machine: {}", innermost(error)),
        ),
        CredentialsError::InvalidConfiguration(_) => (Trouble::Other, wrong_files(error)),
        CredentialsError::ProviderTimedOut(_) => {
            (Trouble::NoCredentials, format!("the AWS credentials were not to be had in time: {}", innermost(error)))
        }
        _ => (Trouble::StaleCredentials, format!("the AWS credentials were not to be had: {}", innermost(error))),
    };
    CloudError::local(operation, trouble, neutral(&message).into_owned())
}

/// What is wrong with the AWS configuration files.
pub(super) fn wrong_files(error: &(dyn Error + 'static)) -> String {
    format!("the AWS configuration files are wrong: {}", innermost(error))
}

/// An error and its causes.
fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}

/// What the last cause says; those before it only say that something went wrong.
pub(super) fn innermost(error: &(dyn Error + 'static)) -> String {
    chain(error).last().map(ToString::to_string).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_cloudformation::operation::describe_stacks::DescribeStacksError;
    use aws_smithy_runtime_api::client::result::ConnectorError;
    use aws_smithy_runtime_api::http::StatusCode;
    use aws_smithy_types::body::SdkBody;
    use aws_smithy_types::error::ErrorMetadata;

    fn answered(status: u16, code: Option<&str>, message: &str) -> CloudError {
        let meta = ErrorMetadata::builder().message(message).custom("aws_request_id", "11-22");
        let meta = if let Some(code) = code { meta.code(code) } else { meta };
        let status = StatusCode::try_from(status).expect("a status");
        let raw = HttpResponse::new(status, SdkBody::empty());
        let error = SdkError::service_error(DescribeStacksError::generic(meta.build()), raw);
        flatten("DescribeStacks", "AWS in eu-west-1", &error)
    }

    #[test]
    fn aws_is_quoted_with_the_request() {
        let error =
            answered(403, Some("AccessDenied"), "User: x is not authorized to perform: cloudformation:DescribeStacks");
        assert_eq!(error.trouble, Trouble::Denied);
        assert_eq!(
            error.to_string(),
            "DescribeStacks: AccessDenied: User: x is not authorized to perform: cloudformation:DescribeStacks (request 11-22)"
        );
        let hostile = answered(400, Some("\u{9b}2J"), "\u{1b}[2J");
        assert_eq!((hostile.code.as_str(), hostile.message.as_str()), ("\\u{9b}2J", "\\u{1b}[2J"));
    }

    #[test]
    fn every_kind_of_trouble_is_told_apart() {
        for (status, code, message, trouble) in [
            (
                403,
                Some("ExpiredToken"),
                "The security token included in the request is expired",
                Trouble::StaleCredentials,
            ),
            (
                403,
                Some("InvalidClientTokenId"),
                "The security token included in the request is invalid",
                Trouble::StaleCredentials,
            ),
            (
                403,
                Some("SignatureDoesNotMatch"),
                "Signature expired: 20261123T1 is now earlier than",
                Trouble::ClockSkew,
            ),
            (403, Some("SignatureDoesNotMatch"), "Signature not yet current: 2026", Trouble::ClockSkew),
            (403, Some("RequestTimeTooSkewed"), "The difference is too large", Trouble::ClockSkew),
            (403, Some("SignatureDoesNotMatch"), "Check your AWS Secret Access Key", Trouble::StaleCredentials),
            (400, Some("Throttling"), "Rate exceeded", Trouble::Throttled),
            (503, Some("SlowDown"), "Please reduce your request rate", Trouble::Throttled),
            (500, None, "", Trouble::Throttled),
            (400, Some("ValidationError"), "Stack with id x does not exist", Trouble::Missing),
            (400, Some("ValidationError"), "Template format error", Trouble::Other),
            (404, None, "", Trouble::Missing),
            (403, None, "", Trouble::Denied),
            (400, Some("AccessDeniedException"), "no", Trouble::Denied),
        ] {
            assert_eq!(answered(status, code, message).trouble, trouble, "{status} {code:?} {message}");
        }
    }

    #[test]
    fn no_answer_names_who_did_not_answer() {
        let refused = std::io::Error::other("Connection refused (os error 111)");
        let error: SdkError<DescribeStacksError, HttpResponse> =
            SdkError::dispatch_failure(ConnectorError::io(refused.into()));
        let error = flatten("DescribeStacks", "http://127.0.0.1:1", &error);
        assert_eq!(
            error.to_string(),
            "DescribeStacks: no answer from http://127.0.0.1:1: Connection refused (os error 111)"
        );
        assert!(error.is_passing());
    }

    #[test]
    fn missing_credentials_are_no_missing_answer() {
        let error: SdkError<DescribeStacksError, HttpResponse> =
            SdkError::construction_failure(CredentialsError::not_loaded("no providers in chain provided credentials"));
        let error = flatten("GetCallerIdentity", "AWS in eu-west-1", &error);
        assert_eq!(error.trouble, Trouble::NoCredentials);
        assert_eq!(error.to_string(), "GetCallerIdentity: no AWS credentials were found");
    }
}
