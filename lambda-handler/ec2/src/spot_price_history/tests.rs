//! The call over replayed HTTP: what is sent, what is signed, what is tried again. Tokio's clock is paused, so that the
//! pauses between attempts and the time-outs take no time.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_http_client::test_util::{NeverClient, ReplayEvent, StaticReplayClient};
use aws_smithy_runtime_api::client::http::HttpClient;
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::timeout::TimeoutConfig;
use aws_types::region::Region;
use aws_types::sdk_config::TimeSource;

use super::*;

/// A clock that moves on by a minute whenever it is read.
#[derive(Debug, Default)]
struct Minutes(AtomicU64);

impl TimeSource for Minutes {
    fn now(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(1_795_464_000 + 60 * self.0.fetch_add(1, Ordering::Relaxed))
    }
}

fn client(http: impl HttpClient + 'static) -> SpotPriceHistory {
    let sdk = SdkConfig::builder()
        .region(Region::new("eu-west-1"))
        .credentials_provider(SharedCredentialsProvider::new(Credentials::new("AKID", "secret", None, None, "test")))
        .http_client(http)
        .time_source(Minutes::default())
        .timeout_config(TimeoutConfig::builder().operation_attempt_timeout(Duration::from_secs(3)).build())
        .build();
    SpotPriceHistory::new(&sdk).expect("complete")
}

fn answers(list: &[(u16, String)]) -> StaticReplayClient {
    StaticReplayClient::new(
        list.iter()
            .map(|(status, body)| {
                let status = (*status).try_into().expect("a status");
                let response = HttpResponse::new(status, SdkBody::from(body.as_str()));
                ReplayEvent::new(HttpRequest::empty(), response)
            })
            .collect(),
    )
}

fn page(zone: &str, token: &str) -> (u16, String) {
    let body = format!(
        "<DescribeSpotPriceHistoryResponse><spotPriceHistorySet><item><availabilityZone>{zone}</availabilityZone>\
         <spotPrice>0.31</spotPrice><timestamp>2026-11-23T20:00:00.000Z</timestamp></item></spotPriceHistorySet>\
         <nextToken>{token}</nextToken></DescribeSpotPriceHistoryResponse>"
    );
    (200, body)
}

fn refusal(status: u16, code: &str) -> (u16, String) {
    let error = format!("<Error><Code>{code}</Code><Message>No.</Message></Error>");
    (status, format!("<Response><Errors>{error}</Errors><RequestID>r</RequestID></Response>"))
}

async fn read(http: &StaticReplayClient) -> Result<Vec<String>, CallError> {
    let (start, end) = (Timestamp(1_795_460_400), Timestamp(1_795_464_000));
    let changes = client(http.clone()).read("g5.2xlarge", "Linux/UNIX", start, end).await?;
    Ok(changes.into_iter().map(|change| change.zone).collect())
}

/// The form that a request carries.
fn sent(request: &HttpRequest) -> BTreeMap<String, String> {
    form_urlencoded::parse(request.body().bytes().expect("in memory")).into_owned().collect()
}

#[tokio::test(start_paused = true)]
async fn one_window_of_one_instance_type_is_asked_for() {
    let http = answers(&[page("a", "")]);
    assert_eq!(read(&http).await.expect("prices"), ["a"]);
    let request = http.actual_requests().next().expect("a request");
    assert_eq!((request.method(), request.uri()), ("POST", "https://ec2.eu-west-1.amazonaws.com/"));
    let expected = [
        ("Action", "DescribeSpotPriceHistory"),
        ("Version", "2016-11-15"),
        ("InstanceType.1", "g5.2xlarge"),
        ("ProductDescription.1", "Linux/UNIX"),
        ("ProductDescription.2", "Linux/UNIX (Amazon VPC)"),
        ("StartTime", "2026-11-23T19:00:00Z"),
        ("EndTime", "2026-11-23T20:00:00Z"),
        ("MaxResults", "1000"),
    ];
    assert_eq!(sent(request), expected.map(|(key, value)| (key.to_owned(), value.to_owned())).into());
}

#[tokio::test(start_paused = true)]
async fn pages_are_read_to_the_empty_token() {
    let http = answers(&[page("a", "t&amp;1"), page("b", "t2"), page("c", "")]);
    assert_eq!(read(&http).await.expect("prices"), ["a", "b", "c"]);
    let tokens: Vec<_> = http.actual_requests().map(|request| sent(request).remove("NextToken")).collect();
    assert_eq!(tokens, [None, Some("t&1".to_owned()), Some("t2".to_owned())]);
}

#[tokio::test(start_paused = true)]
async fn pages_without_end_are_given_up() {
    let http = answers(&vec![page("a", "more"); 25]);
    assert!(read(&http).await.is_err());
    assert_eq!(http.actual_requests().count(), 20);
}

#[tokio::test(start_paused = true)]
async fn every_attempt_is_signed_afresh() {
    let http = answers(&[(503, "busy".to_owned()), page("a", "")]);
    assert_eq!(read(&http).await.expect("prices"), ["a"]);
    let signed: Vec<_> = http
        .actual_requests()
        .map(|request| {
            let header = |name| request.headers().get(name).expect("signed").to_owned();
            (header("x-amz-date"), header("authorization"))
        })
        .collect();
    let [(first_date, first), (second_date, second)] = signed.as_slice() else { panic!("{signed:?}") };
    for authorization in [first, second] {
        assert!(authorization.starts_with("AWS4-HMAC-SHA256 Credential=AKID/20261123/eu-west-1/ec2/aws4_request"));
    }
    assert_ne!(first_date, second_date);
    assert_ne!(first, second);
}

#[tokio::test(start_paused = true)]
async fn what_may_pass_is_tried_again() {
    for passing in [
        refusal(503, "RequestLimitExceeded"),
        refusal(400, "Throttling"),
        refusal(500, "InternalError"),
        (502, "<html>".to_owned()),
    ] {
        let http = answers(&[passing.clone(), passing.clone(), page("a", "")]);
        assert_eq!(read(&http).await.expect("prices"), ["a"], "{passing:?}");

        let http = answers(&vec![passing.clone(); 4]);
        assert!(read(&http).await.is_err());
        assert_eq!(http.actual_requests().count(), 3, "{passing:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_cannot_pass_is_said_at_once() {
    let http = answers(&[refusal(403, "UnauthorizedOperation")]);
    let error = read(&http).await.expect_err("refused");
    let error = error.as_service_error().expect("EC2 said so");
    assert_eq!((error.code(), error.message()), (Some("UnauthorizedOperation"), Some("No.")));
    assert_eq!(http.actual_requests().count(), 1);
}

#[tokio::test(start_paused = true)]
async fn half_an_answer_is_asked_for_again_and_never_believed() {
    let (_, whole) = page("a", "");
    for garbage in ["<html><body>Welcome</body></html>", "", &whole[..100]] {
        let http = answers(&[(200, garbage.to_owned()), (200, whole.clone())]);
        assert_eq!(read(&http).await.expect("prices"), ["a"], "{garbage}");

        let http = answers(&vec![(200, garbage.to_owned()); 3]);
        assert!(matches!(read(&http).await, Err(SdkError::ResponseError(_))), "{garbage}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_silent_is_given_up() {
    let http = NeverClient::new();
    let answer = client(http.clone()).read("g5.2xlarge", "Linux/UNIX", Timestamp(0), Timestamp(1)).await;
    assert!(matches!(answer, Err(SdkError::TimeoutError(_))), "{answer:?}");
    assert_eq!(http.num_calls(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_moment_that_cannot_be_written_is_an_error() {
    let answer = client(NeverClient::new()).read("g5.2xlarge", "Linux/UNIX", Timestamp(i64::MIN), Timestamp(0)).await;
    assert!(matches!(answer, Err(SdkError::ConstructionFailure(_))), "{answer:?}");
}

#[test]
fn what_the_configuration_lacks_is_named() {
    let error = SpotPriceHistory::new(&SdkConfig::builder().build()).expect_err("incomplete");
    assert_eq!(error.to_string(), "the AWS configuration has no Region");
}
