//! Each call over replayed HTTP, with answers as AWS writes them.

use std::collections::BTreeMap;

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_http_client::test_util::{ReplayEvent, StaticReplayClient};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;
use spot_policy::{Interruption, LaunchOutcome};

use super::*;
use crate::config::tests::config;

fn answers(list: &[(u16, &str)]) -> (Aws, StaticReplayClient) {
    let event = |(status, body): &(u16, &str)| {
        let response = HttpResponse::new((*status).try_into().expect("a status"), SdkBody::from(*body));
        ReplayEvent::new(HttpRequest::empty(), response)
    };
    let http = StaticReplayClient::new(list.iter().map(event).collect());
    let sdk = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(aws_config::Region::new("eu-west-1"))
        .credentials_provider(SharedCredentialsProvider::new(Credentials::new("AKID", "secret", None, None, "test")))
        .retry_config(RetryConfig::standard().with_max_attempts(2))
        .http_client(http.clone())
        .build();
    let notify = [("NOTIFY", TOPIC), ("STACK", "media"), ("PAIR", "gpu")];
    (Aws::new(&config(&notify).expect("valid"), &sdk).expect("complete"), http)
}

/// In another Region than the pair.
const TOPIC: &str = "arn:aws:sns:us-east-1:999988887777:operators";

/// The form that the request at `index` carried.
fn sent(http: &StaticReplayClient, index: usize) -> BTreeMap<String, String> {
    let request = http.actual_requests().nth(index).expect("a request");
    let body = request.body().bytes().expect("in memory");
    let mut form: BTreeMap<_, _> = form_urlencoded::parse(body).into_owned().collect();
    assert_eq!(form.remove("Version").as_deref(), Some("2011-01-01"));
    form
}

fn form<const N: usize>(pairs: [(&str, &str); N]) -> BTreeMap<String, String> {
    pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).into()
}

fn groups_answer(groups: &str) -> String {
    format!(
        "<DescribeAutoScalingGroupsResponse xmlns=\"http://autoscaling.amazonaws.com/doc/2011-01-01/\">\
         <DescribeAutoScalingGroupsResult><AutoScalingGroups>{groups}</AutoScalingGroups>\
         </DescribeAutoScalingGroupsResult></DescribeAutoScalingGroupsResponse>"
    )
}

fn activities_answer(activities: &str, token: &str) -> String {
    format!(
        "<DescribeScalingActivitiesResponse xmlns=\"http://autoscaling.amazonaws.com/doc/2011-01-01/\">\
         <DescribeScalingActivitiesResult><Activities>{activities}</Activities>{token}\
         </DescribeScalingActivitiesResult></DescribeScalingActivitiesResponse>"
    )
}

fn activity(status: &str, start: &str, rest: &str) -> String {
    format!(
        "<member><ActivityId>a</ActivityId><AutoScalingGroupName>gpu-spot</AutoScalingGroupName>\
         <Cause>At 2026-11-23T19:59:57Z a difference was found.</Cause>\
         <Description>Launching a new EC2 instance.  Status Reason: it failed</Description>\
         <StartTime>{start}</StartTime><StatusCode>{status}</StatusCode><Progress>100</Progress>{rest}</member>"
    )
}

fn error(code: &str) -> String {
    format!(
        "<ErrorResponse xmlns=\"http://autoscaling.amazonaws.com/doc/2011-01-01/\"><Error><Type>Sender</Type>\
         <Code>{code}</Code><Message>Scaling activity 0f1e is in progress and blocks this action</Message></Error>\
         <RequestId>r</RequestId></ErrorResponse>"
    )
}

/// 2026-11-23T20:00:00Z
const NOW: i64 = 1_795_464_000;

#[tokio::test(start_paused = true)]
async fn the_queue_s_depth_is_read() {
    let body =
        r#"{"Attributes":{"ApproximateNumberOfMessages":"3","ApproximateNumberOfMessagesNotVisible":"2","New":"x"}}"#;
    let (aws, http) = answers(&[(200, body)]);
    assert_eq!(aws.queue().await, Ok(Queue { visible: 3, in_flight: 2 }));
    let request = http.actual_requests().next().expect("a request");
    let asked: serde_json::Value = serde_json::from_slice(request.body().bytes().expect("in memory")).expect("JSON");
    assert_eq!(asked["QueueUrl"], "https://sqs.eu-west-1.amazonaws.com/111122223333/render-jobs");
    let names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"];
    assert_eq!(asked["AttributeNames"], serde_json::json!(names));
}

#[tokio::test(start_paused = true)]
async fn a_queue_that_says_no_number_is_a_fault() {
    for body in [
        "{}",
        r#"{"Attributes":{"ApproximateNumberOfMessages":"3"}}"#,
        r#"{"Attributes":{"ApproximateNumberOfMessages":"many","ApproximateNumberOfMessagesNotVisible":"2"}}"#,
        "<html>",
    ] {
        let (aws, _) = answers(&[(200, body)]);
        let fault = aws.queue().await.expect_err(body);
        assert_eq!((fault.operation, fault.code.as_str()), ("GetQueueAttributes", "Answer"), "{fault}");
    }
}

#[tokio::test(start_paused = true)]
async fn both_groups_are_read_by_one_call() {
    let spot = "<member><AutoScalingGroupName>gpu-spot</AutoScalingGroupName><MinSize>0</MinSize><MaxSize>4</MaxSize>\
        <DesiredCapacity>2</DesiredCapacity><AvailabilityZones><member>eu-west-1a</member><member>eu-west-1b</member>\
        </AvailabilityZones><Instances><member><InstanceId>i-1</InstanceId><AvailabilityZone>eu-west-1a\
        </AvailabilityZone><LifecycleState>InService</LifecycleState><HealthStatus>Healthy</HealthStatus>\
        <ProtectedFromScaleIn>true</ProtectedFromScaleIn></member><member><InstanceId>i-2</InstanceId>\
        <LifecycleState>Pending:Tomorrow</LifecycleState></member></Instances><SuspendedProcesses><member>\
        <ProcessName>Launch</ProcessName><SuspensionReason>User suspended at 2026-11-23T10:00:00Z</SuspensionReason>\
        </member></SuspendedProcesses></member>";
    let on_demand = "<member><AutoScalingGroupName>gpu-on-demand</AutoScalingGroupName></member>";
    let (aws, http) = answers(&[(200, &groups_answer(&format!("{on_demand}{spot}")))]);
    let groups = aws.groups().await.expect("groups");

    let spot = groups.spot;
    assert_eq!((spot.name.as_str(), spot.min, spot.max, spot.desired), ("gpu-spot", 0, 4, 2));
    assert_eq!(spot.zones, ["eu-west-1a", "eu-west-1b"]);
    let instances: Vec<_> =
        spot.instances.iter().map(|it| (it.id.as_str(), it.zone.as_str(), it.state.as_str(), it.protected)).collect();
    assert_eq!(instances, [("i-1", "eu-west-1a", "InService", true), ("i-2", "", "Pending:Tomorrow", false)]);
    assert_eq!(spot.launch_suspended(), Some("User suspended at 2026-11-23T10:00:00Z"));
    assert_eq!(groups.on_demand, Group { name: "gpu-on-demand".into(), ..Group::default() });

    let expected = [
        ("Action", "DescribeAutoScalingGroups"),
        ("AutoScalingGroupNames.member.1", "gpu-spot"),
        ("AutoScalingGroupNames.member.2", "gpu-on-demand"),
    ];
    assert_eq!(sent(&http, 0), form(expected));
}

#[tokio::test(start_paused = true)]
async fn a_group_that_is_gone_is_a_fault() {
    let spot = "<member><AutoScalingGroupName>gpu-spot</AutoScalingGroupName></member>";
    let (aws, _) = answers(&[(200, &groups_answer(spot))]);
    let fault = aws.groups().await.expect_err("half a pair").to_string();
    assert_eq!(fault, "DescribeAutoScalingGroups: NotFound: there is no Auto Scaling group `gpu-on-demand`");
}

#[tokio::test(start_paused = true)]
async fn activities_become_launches() {
    let detail = |json: &str| format!("<Details>{}</Details>", json.replace('"', "&quot;"));
    let zone = detail(r#"{"Subnet ID":"subnet-1","Availability Zone":"eu-west-1a"}"#);
    let ended = "<EndTime>2026-11-23T19:59:30Z</EndTime>";
    let refused = "<StatusMessage>There is no Spot capacity available</StatusMessage>";
    let body = [
        activity("WaitingForSpotInstanceId", "2026-11-23T10:00:00Z", &zone),
        activity("WaitingForTheMoon", "2026-11-23T19:59:20Z", &detail("not json")),
        activity("Failed", "2026-11-23T19:59:10Z", &format!("{zone}{ended}{refused}")),
        activity("Failed", "2026-11-23T19:59:05Z", ""),
        activity("Cancelled", "2026-11-23T19:59:00Z", ended),
        activity("Successful", "2026-11-23T19:58:00Z", &format!("{zone}{ended}")),
        "<member><Description>Terminating EC2 instance: i-1</Description><StartTime>2026-11-23T19:57:00Z</StartTime>\
         <StatusCode>Successful</StatusCode></member>"
            .to_owned(),
        "<member><Description>Launching a new EC2 instance: i-2</Description></member>".to_owned(),
        "<member/>".to_owned(),
        activity("Successful", "2026-11-23T19:00:00Z", "<EndTime>2026-11-23T19:01:00Z</EndTime>"),
    ]
    .concat();
    let (aws, http) = answers(&[(200, &activities_answer(&body, "<NextToken>older</NextToken>"))]);
    let launches = aws.activities(Market::Spot, Timestamp(NOW - 600)).await.expect("activities").launches;

    let seen: Vec<_> = launches
        .iter()
        .map(|it| (NOW - it.started.0, it.ended.map(|end| NOW - end.0), it.zone.as_deref(), &it.outcome))
        .collect();
    let (a, failed) = (Some("eu-west-1a"), LaunchOutcome::Failed("There is no Spot capacity available".into()));
    assert_eq!(
        seen,
        [
            (36_000, None, a, &LaunchOutcome::InProgress),
            (40, None, None, &LaunchOutcome::InProgress),
            (50, Some(30), a, &failed),
            (55, None, None, &LaunchOutcome::Failed(String::new())),
            (60, Some(30), None, &LaunchOutcome::Cancelled),
            (120, Some(30), a, &LaunchOutcome::Successful),
        ]
    );
    let expected =
        [("Action", "DescribeScalingActivities"), ("AutoScalingGroupName", "gpu-spot"), ("MaxRecords", "100")];
    assert_eq!(sent(&http, 0), form(expected));
    assert_eq!(http.actual_requests().count(), 1, "the rest is older than what matters");
}

#[tokio::test(start_paused = true)]
async fn activities_are_read_page_by_page() {
    let page = |token: &str| activities_answer(&activity("Failed", "2026-11-23T19:59:00Z", ""), token);
    let (aws, http) = answers(&[(200, &page("<NextToken>t1</NextToken>")), (200, &page("<NextToken></NextToken>"))]);
    let launches = aws.activities(Market::OnDemand, Timestamp(NOW - 600)).await.expect("activities").launches;
    assert_eq!(launches.len(), 2, "an empty token is the end");
    assert_eq!(sent(&http, 0).get("AutoScalingGroupName").map(String::as_str), Some("gpu-on-demand"));
    assert_eq!(sent(&http, 1).get("NextToken").map(String::as_str), Some("t1"));

    let endless = page("<NextToken>more</NextToken>");
    let (aws, http) = answers(&[(200, endless.as_str()); 5]);
    assert_eq!(aws.activities(Market::Spot, Timestamp(NOW - 600)).await.expect("activities").launches.len(), 3);
    assert_eq!(http.actual_requests().count(), 3);
}

#[tokio::test(start_paused = true)]
async fn the_scale_up_policy_is_told_the_number() {
    let (aws, http) = answers(&[(200, "<ExecutePolicyResponse></ExecutePolicyResponse>")]);
    assert_eq!(aws.scale_up(Market::Spot, 3).await, Ok(()));
    let policy = config(&[]).expect("valid").spot.scale_up;
    let expected = [
        ("Action", "ExecutePolicy"),
        ("AutoScalingGroupName", "gpu-spot"),
        ("PolicyName", policy.as_str()),
        ("MetricValue", "3.0"),
        ("BreachThreshold", "1.0"),
    ];
    assert_eq!(sent(&http, 0), form(expected));
}

#[tokio::test(start_paused = true)]
async fn the_desired_capacity_is_set_at_once() {
    let (aws, http) = answers(&[(200, "<SetDesiredCapacityResponse></SetDesiredCapacityResponse>")]);
    assert_eq!(aws.set_desired(Market::OnDemand, 0).await, Ok(()));
    let expected = [
        ("Action", "SetDesiredCapacity"),
        ("AutoScalingGroupName", "gpu-on-demand"),
        ("DesiredCapacity", "0"),
        ("HonorCooldown", "false"),
    ];
    assert_eq!(sent(&http, 0), form(expected));
}

fn launch_answer(inside: &str) -> String {
    format!(
        "<LaunchInstancesResponse xmlns=\"http://autoscaling.amazonaws.com/doc/2011-01-01/\"><LaunchInstancesResult>\
         <AutoScalingGroupName>gpu-spot</AutoScalingGroupName><ClientToken>t</ClientToken>{inside}\
         </LaunchInstancesResult></LaunchInstancesResponse>"
    )
}

#[tokio::test(start_paused = true)]
async fn instances_are_launched_in_one_zone_and_what_is_missing_has_its_reason() {
    let body = launch_answer(
        "<Instances><member><InstanceType>g5.2xlarge</InstanceType><MarketType>spot</MarketType><InstanceIds>\
         <member>i-1</member><member>i-2</member></InstanceIds></member><member><InstanceIds/></member></Instances>\
         <Errors><member><ErrorCode>InsufficientInstanceCapacity</ErrorCode><ErrorMessage>None left</ErrorMessage></member>\
         <member><ErrorMessage>Only words</ErrorMessage></member><member><ErrorCode>OnlyACode</ErrorCode></member></Errors>",
    );
    let (aws, http) = answers(&[(200, &body)]);
    let launched = aws.launch(Market::Spot, "eu-west-1b", 3, "spotstack-0").await.expect("an answer");
    assert_eq!(launched.instances, ["i-1", "i-2"]);
    assert_eq!(launched.errors, ["InsufficientInstanceCapacity - None left", "Only words", "OnlyACode"]);
    let expected = [
        ("Action", "LaunchInstances"),
        ("AutoScalingGroupName", "gpu-spot"),
        ("AvailabilityZones.member.1", "eu-west-1b"),
        ("RequestedCapacity", "3"),
        ("ClientToken", "spotstack-0"),
    ];
    assert_eq!(sent(&http, 0), form(expected), "and no retry strategy: a launch that fails is over");

    let (aws, _) = answers(&[(200, &launch_answer(""))]);
    assert_eq!(aws.launch(Market::Spot, "eu-west-1b", 1, "t").await, Ok(Launched::default()));
}

#[tokio::test(start_paused = true)]
async fn a_notice_goes_to_the_topic_in_its_own_region() {
    let body = "<PublishResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><PublishResult><MessageId>m</MessageId>\
        </PublishResult></PublishResponse>";
    let (aws, http) = answers(&[(200, body)]);
    assert_eq!(aws.tell("On-Demand serves", "Why: no Spot.\n").await, Ok(()));
    let request = http.actual_requests().next().expect("a request");
    assert_eq!(request.uri(), "https://sns.us-east-1.amazonaws.com/");
    let sent: BTreeMap<_, _> =
        form_urlencoded::parse(request.body().bytes().expect("in memory")).into_owned().collect();
    let expected = form([
        ("Action", "Publish"),
        ("Version", "2010-03-31"),
        ("TopicArn", TOPIC),
        ("Subject", "On-Demand serves"),
        ("Message", "Why: no Spot.\n"),
    ]);
    assert_eq!(sent, expected);
}

#[tokio::test(start_paused = true)]
async fn somebody_else_scaling_is_told_from_a_refusal() {
    for (status, code, busy) in [
        (400, "ScalingActivityInProgress", true),
        (500, "ResourceContention", true),
        (400, "ValidationError", false),
        (403, "AccessDenied", false),
    ] {
        let body = error(code);
        let (aws, _) = answers(&[(status, &body), (status, &body)]);
        let fault = aws.set_desired(Market::Spot, 1).await.expect_err(code);
        assert_eq!((fault.is_busy(), fault.code.as_str()), (busy, code));
        let text = format!("SetDesiredCapacity: {code}: Scaling activity 0f1e is in progress and blocks this action");
        assert_eq!(fault.to_string(), text);
    }
}

#[tokio::test(start_paused = true)]
async fn prices_that_are_refused_are_a_fault_like_any_other() {
    let body = "<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>You are not authorized to perform \
        this operation.</Message></Error></Errors><RequestID>r</RequestID></Response>";
    let (aws, _) = answers(&[(403, body)]);
    let fault = aws.prices(Timestamp(NOW - 3_600), Timestamp(NOW)).await.expect_err("refused").to_string();
    assert_eq!(
        fault,
        "DescribeSpotPriceHistory: UnauthorizedOperation: You are not authorized to perform this operation."
    );
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_none_is_a_fault() {
    for body in ["", "<html><body>Welcome</body></html>", "{"] {
        let (aws, _) = answers(&[(200, body), (200, body)]);
        assert!(aws.groups().await.is_err(), "{body}");
    }
}

#[tokio::test(start_paused = true)]
async fn instances_that_were_taken_back_are_told_from_those_that_were_let_go() {
    let ended = |cause: &str, start: &str, rest: &str| {
        format!(
            "<member><ActivityId>a</ActivityId><Cause>{cause}</Cause><Description>Terminating EC2 instance: i-1</Description>\
             <StartTime>{start}</StartTime><StatusCode>Successful</StatusCode>{rest}</member>"
        )
    };
    let zone =
        "<Details>{&quot;Subnet ID&quot;:&quot;s&quot;,&quot;Availability Zone&quot;:&quot;eu-west-1b&quot;}</Details>";
    let gone = "At 2026-11-23T19:59:00Z an instance was taken out of service in response to an EC2 health check indicating it has been terminated or stopped.";
    let old = gone.replace("an EC2", "a EC2"); // as AWS wrote it in earlier years
    let lowered = "At 2026-11-23T19:59:00Z a user request explicitly set group desired capacity changing the desired capacity from 1 to 0.  At 2026-11-23T19:59:02Z an instance was taken out of service in response to a difference between desired and actual capacity, shrinking the capacity from 1 to 0.";
    let body = [
        ended(gone, "2026-11-23T19:59:00Z", zone),
        ended(&old, "2026-11-23T19:58:00Z", ""),
        ended(lowered, "2026-11-23T19:57:00Z", zone),
        ended("", "2026-11-23T19:56:00Z", zone),
        ended(gone, "2026-11-23T19:00:00Z", zone),
    ]
    .concat();
    let (aws, _) = answers(&[(200, &activities_answer(&body, ""))]);
    let read = aws.activities(Market::Spot, Timestamp(NOW - 600)).await.expect("activities");
    assert_eq!(
        read.interruptions,
        [
            Interruption { at: Timestamp(NOW - 60), zone: Some("eu-west-1b".into()) },
            Interruption { at: Timestamp(NOW - 120), zone: None },
        ]
    );
    assert!(read.launches.is_empty());
}

#[tokio::test(start_paused = true)]
async fn states_that_aws_invents_are_kept_as_it_writes_them() {
    let instance = |state: &str| {
        format!(
            "<member><InstanceId>i</InstanceId><LifecycleState>{state}</LifecycleState><HealthStatus>Odd</HealthStatus></member>"
        )
    };
    let instances: String = ["InService", "Pending:Dreaming", "Warmed:Running", "Moonlit", ""].map(instance).concat();
    let spot = format!(
        "<member><AutoScalingGroupName>gpu-spot</AutoScalingGroupName><DesiredCapacity>-1</DesiredCapacity>\
         <Instances>{instances}</Instances><SuspendedProcesses><member/></SuspendedProcesses></member>"
    );
    let on_demand = "<member><AutoScalingGroupName>gpu-on-demand</AutoScalingGroupName></member>";
    let (aws, _) = answers(&[(200, &groups_answer(&format!("{spot}{on_demand}<member/>")))]);
    let spot = aws.groups().await.expect("groups").spot;
    let live: Vec<_> = spot.instances.iter().map(|it| (it.state.as_str(), it.is_live())).collect();
    assert_eq!(
        live,
        [("InService", true), ("Pending:Dreaming", true), ("Warmed:Running", false), ("Moonlit", false), ("", false)]
    );
    assert_eq!((spot.desired, spot.launch_suspended()), (0, None));
}

#[tokio::test(start_paused = true)]
async fn groups_on_two_pages_are_a_pair() {
    let page = |name: &str, token: &str| {
        let groups = format!("<member><AutoScalingGroupName>{name}</AutoScalingGroupName></member>");
        groups_answer(&groups)
            .replace("</DescribeAutoScalingGroupsResult>", &format!("{token}</DescribeAutoScalingGroupsResult>"))
    };
    let (first, second) = (page("gpu-spot", "<NextToken>t</NextToken>"), page("gpu-on-demand", "<NextToken/>"));
    let (aws, http) = answers(&[(200, &first), (200, &second)]);
    assert_eq!(aws.groups().await.expect("both").on_demand.name, "gpu-on-demand");
    assert_eq!(sent(&http, 1).get("NextToken").map(String::as_str), Some("t"));

    let (aws, http) = answers(&[(200, &first), (200, &page("another", ""))]);
    assert_eq!(aws.groups().await.expect_err("half a pair").code, "NotFound");
    assert_eq!(http.actual_requests().count(), 2);
}

/// Every call against everything that AWS, or something on the way to it, may answer instead: always a fault that names the
/// call, and never a panic.
#[tokio::test(start_paused = true)]
async fn every_call_may_fail_in_every_way() {
    const CALLS: [&str; 8] = [
        "GetQueueAttributes",
        "DescribeAutoScalingGroups",
        "DescribeScalingActivities",
        "DescribeSpotPriceHistory",
        "ExecutePolicy",
        "SetDesiredCapacity",
        "LaunchInstances",
        "Publish",
    ];
    let ec2 = |code: &str| {
        format!("<Response><Errors><Error><Code>{code}</Code><Message>No.</Message></Error></Errors></Response>")
    };
    let json = |code: &str| format!(r#"{{"__type":"com.amazonaws.sqs#{code}","message":"No."}}"#);
    let mut combinations = 0;
    for (status, code, repeated) in [
        (400, "Throttling", true),
        (400, "ThrottlingException", true),
        (503, "RequestLimitExceeded", true),
        (500, "InternalFailure", true),
        (503, "ServiceUnavailable", true),
        (403, "AccessDenied", false),
        (403, "ExpiredToken", false),
        (400, "ValidationError", false),
        (418, "NeverHeardOf", false),
        (502, "", true),
        (500, "", true),
        (404, "", false),
    ] {
        for call in CALLS {
            let body = match call {
                _ if code.is_empty() => "<html><body>Sorry</body></html>".to_owned(),
                "GetQueueAttributes" => json(code),
                "DescribeSpotPriceHistory" => ec2(code),
                _ => error(code),
            };
            let (aws, http) = answers(&[(status, &body), (status, &body)]);
            let fault = match call {
                "GetQueueAttributes" => aws.queue().await.map(drop),
                "DescribeAutoScalingGroups" => aws.groups().await.map(drop),
                "DescribeScalingActivities" => aws.activities(Market::Spot, Timestamp(NOW - 600)).await.map(drop),
                "DescribeSpotPriceHistory" => aws.prices(Timestamp(NOW - 3_600), Timestamp(NOW)).await.map(drop),
                "ExecutePolicy" => aws.scale_up(Market::Spot, 1).await,
                "LaunchInstances" => aws.launch(Market::Spot, "a", 1, "t").await.map(drop),
                "Publish" => aws.tell("s", "b").await,
                _ => aws.set_desired(Market::Spot, 1).await,
            }
            .expect_err(call);
            assert_eq!(fault.operation, call);
            assert!(!fault.code.is_empty() && !fault.message.is_empty(), "{fault}");
            assert!(code.is_empty() || fault.code == code, "{call} {status} {code}: {fault}");
            let attempts = http.actual_requests().count();
            assert_eq!(attempts, if repeated { 2 } else { 1 }, "{call} {status} {code}");
            combinations += 1;
        }
    }
    assert_eq!(combinations, 12 * CALLS.len());
}
