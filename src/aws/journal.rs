//! Every request over HTTP, told to whoever wants to know what was asked of AWS: what, when, how it ended. Never a credential, a
//! body, a query or a header beside the request's id.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;

use crate::neutral::neutral;

/// One attempt of one request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Call {
    /// `cloudformation`, by the name under which it is signed; the host where it is not signed.
    pub service: String,
    /// `DescribeStacks`; for a service that goes by paths, `GET /2015-03-31/functions/…`.
    pub operation: String,
    /// Which attempt, where the SDK counts them.
    pub attempt: Option<String>,
    /// How long it took.
    pub took: Duration,
    /// The HTTP status; `None`: there was no answer.
    pub status: Option<u16>,
    /// AWS's name for it, or why there was no answer.
    pub request_id: Option<String>,
    /// Why there was no answer.
    pub error: Option<String>,
}

/// Whoever wants to know.
#[derive(Clone)]
pub struct Journal(Arc<dyn Fn(&Call) + Send + Sync>);

impl Journal {
    /// Tells each call to `tell`.
    pub fn new(tell: impl Fn(&Call) + Send + Sync + 'static) -> Self {
        Self(Arc::new(tell))
    }
}

impl fmt::Debug for Journal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Journal")
    }
}

/// A connector that writes down what goes through it.
#[derive(Debug)]
pub(super) struct Watched {
    pub(super) inner: SharedHttpConnector,
    pub(super) journal: Journal,
}

impl HttpConnector for Watched {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let mut call = call(&request);
        let journal = self.journal.clone();
        let (begin, answer) = (Instant::now(), self.inner.call(request));
        HttpConnectorFuture::new(async move {
            let result = answer.await;
            call.took = begin.elapsed();
            match &result {
                Ok(response) => {
                    call.status = Some(response.status().as_u16());
                    let id = ["x-amzn-requestid", "x-amz-request-id", "x-amzn-request-id"];
                    let id = id.into_iter().find_map(|name| response.headers().get(name));
                    call.request_id = id.map(|id| neutral(id).into_owned());
                }
                Err(error) => call.error = Some(neutral(&super::error::innermost(error)).into_owned()),
            }
            (journal.0)(&call);
            result
        })
    }
}

/// What of a request may be told.
fn call(request: &HttpRequest) -> Call {
    let header = |name: &str| request.headers().get(name);
    let (host, path) = place(request.uri());
    // `AWS4-HMAC-SHA256 Credential=KEY/20261123/eu-west-1/cloudformation/aws4_request, …`
    let scope = header("authorization").and_then(|text| text.split("Credential=").nth(1)?.split(',').next());
    let service = scope.and_then(|scope| scope.rsplit('/').nth(1)).unwrap_or(host);
    let target = header("x-amz-target").and_then(|target| target.rsplit('.').next());
    let action = || {
        let body = std::str::from_utf8(request.body().bytes()?).ok()?;
        let action = body.split('&').find_map(|pair| pair.strip_prefix("Action="))?;
        action.bytes().all(|byte| byte.is_ascii_alphanumeric()).then_some(action)
    };
    let rpc = || path.split_once("/operation/").map(|(_, operation)| operation);
    let operation = target.or_else(action).or_else(rpc).map(str::to_owned);
    Call {
        service: neutral(service).into_owned(),
        operation: operation.unwrap_or_else(|| format!("{} {}", request.method(), neutral(path))),
        attempt: header("amz-sdk-request").and_then(|text| {
            let attempt = text.split(';').find_map(|part| part.trim().strip_prefix("attempt="))?;
            Some(neutral(attempt).into_owned())
        }),
        ..Call::default()
    }
}

/// A URL's host and path, without its query.
fn place(url: &str) -> (&str, &str) {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    rest.split_at(rest.find('/').unwrap_or(rest.len()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_smithy_types::body::SdkBody;

    const SECRETS: [&str; 4] = ["AKIDEXAMPLE", "wJalrXUtnFEMI", "FwoGZXIvYXdzEXAMPLE", "hello"];

    fn told(url: &str, headers: &[(&'static str, &'static str)], body: &'static str) -> Call {
        let mut request = HttpRequest::new(SdkBody::from(body));
        request.set_uri(url.to_owned()).expect("a URL");
        request.set_method("GET").expect("a method");
        for (name, value) in headers {
            request.headers_mut().insert(*name, *value);
        }
        let call = call(&request);
        let text = format!("{call:?}");
        assert!(SECRETS.iter().all(|secret| !text.contains(secret)), "{text}");
        call
    }

    #[test]
    fn a_request_is_named_without_what_is_in_it() {
        let signed = (
            "authorization",
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261123/eu-west-1/cloudformation/aws4_request, SignedHeaders=host, Signature=wJalrXUtnFEMI",
        );
        let token = ("x-amz-security-token", "FwoGZXIvYXdzEXAMPLE");
        let attempt = ("amz-sdk-request", "attempt=2; max=3");
        let body = "Action=CreateChangeSet&TemplateBody=hello";
        let call = told("https://cloudformation.eu-west-1.amazonaws.com/", &[signed, token, attempt], body);
        assert_eq!((&*call.service, &*call.operation), ("cloudformation", "CreateChangeSet"));
        assert_eq!(call.attempt.as_deref(), Some("2"));
        let call = told("https://logs/", &[signed, ("x-amz-target", "Logs_20140328.FilterLogEvents")], "hello");
        assert_eq!(call.operation, "FilterLogEvents");
        let call = told("https://monitoring/service/X/operation/DescribeAlarms", &[], "");
        assert_eq!((&*call.service, &*call.operation), ("monitoring", "DescribeAlarms"));
        let call = told("https://oidc.example.com/token?secret=hello", &[], "hello");
        assert_eq!((&*call.service, &*call.operation), ("oidc.example.com", "GET /token"));
    }
}
