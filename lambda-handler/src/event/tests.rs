use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

/// An SNS event as Lambda gets it, one record for each message.
fn sns(messages: &[&str]) -> Value {
    let records: Vec<Value> = messages
        .iter()
        .map(|message| {
            json!({
                "EventSource": "aws:sns",
                "EventVersion": "1.0",
                "EventSubscriptionArn": "arn:aws:sns:eu-west-1:111122223333:alarms:6a7b",
                "Sns": {
                    "Type": "Notification",
                    "MessageId": "c0d7a3a4-0000-5000-8000-000000000000",
                    "TopicArn": "arn:aws:sns:eu-west-1:111122223333:alarms",
                    "Subject": "ALARM: \"jobs waiting\" in EU (Ireland)",
                    "Message": message,
                    "Timestamp": "2026-11-23T20:06:35.509Z",
                    "MessageAttributes": {}
                }
            })
        })
        .collect();
    json!({ "Records": records })
}

/// The alarm as CloudWatch writes it, quirks included: no description, an offset without a colon, a Region for people.
fn alarm(name: &str, state: &str) -> String {
    json!({
        "AlarmName": name,
        "AlarmDescription": null,
        "AWSAccountId": "111122223333",
        "AlarmConfigurationUpdatedTimestamp": "2026-11-20T09:00:00.000+0000",
        "NewStateValue": state,
        "NewStateReason": "Threshold Crossed: 1 datapoint [2.0 (23/11/26 20:05:00)] was greater than or equal to the threshold (1.0).",
        "StateChangeTime": "2026-11-23T20:06:35.472+0000",
        "Region": "EU (Ireland)",
        "AlarmArn": format!("arn:aws:cloudwatch:eu-west-1:111122223333:alarm:{name}"),
        "OldStateValue": "INSUFFICIENT_DATA",
        "OKActions": [],
        "AlarmActions": ["arn:aws:sns:eu-west-1:111122223333:alarms"],
        "InsufficientDataActions": [],
        "Trigger": {
            "MetricName": "ApproximateNumberOfMessagesVisible",
            "Namespace": "AWS/SQS",
            "StatisticType": "Statistic",
            "Statistic": "SUM",
            "Unit": null,
            "Dimensions": [{"value": "render-jobs", "name": "QueueName"}],
            "Period": 60,
            "EvaluationPeriods": 1,
            "ComparisonOperator": "GreaterThanOrEqualToThreshold",
            "Threshold": 1.0,
            "TreatMissingData": "notBreaching",
            "EvaluateLowSampleCountPercentile": ""
        }
    })
    .to_string()
}

const TEST_NOTIFICATION: &str = r#"{"AccountId":"111122223333","RequestId":"r","AutoScalingGroupARN":"arn:aws:autoscaling:eu-west-1:111122223333:autoScalingGroup:u:autoScalingGroupName/gpu-spot","AutoScalingGroupName":"gpu-spot","Service":"AWS Auto Scaling","Event":"autoscaling:TEST_NOTIFICATION","Time":"2026-11-23T20:00:00.000Z"}"#;

fn launch_unsuccessful(detail: Value) -> Value {
    json!({
        "version": "0",
        "id": "3e3c153a-8339-4e30-8c35-687ebef853fe",
        "detail-type": "EC2 Instance Launch Unsuccessful",
        "source": "aws.autoscaling",
        "account": "111122223333",
        "time": "2026-11-23T20:07:00Z",
        "region": "eu-west-1",
        "resources": ["arn:aws:autoscaling:eu-west-1:111122223333:autoScalingGroup:u:autoScalingGroupName/gpu-spot"],
        "detail": detail
    })
}

fn of_ec2(detail_type: &str, detail: Value) -> Value {
    json!({
        "version": "0",
        "id": "1e5527d7-bb36-4607-3370-4164db56a40e",
        "detail-type": detail_type,
        "source": "aws.ec2",
        "account": "111122223333",
        "time": "2026-11-23T20:07:00Z",
        "region": "eu-west-1",
        "resources": ["arn:aws:ec2:eu-west-1b:instance/i-0b662ef9931388ba0"],
        "detail": detail
    })
}

fn run(trigger: Trigger) -> Result<Wake, EventError> {
    Ok(Wake::Run(trigger))
}

fn alarmed(name: &str, state: &str) -> Result<Wake, EventError> {
    run(Trigger::Alarm { name: name.into(), state: state.into() })
}

#[test]
fn an_alarm_through_sns_is_heard() {
    for state in ["ALARM", "OK", "INSUFFICIENT_DATA"] {
        assert_eq!(hear(&sns(&[&alarm("jobs", state)])), alarmed("jobs", state));
    }
    let minimal = r#"{"AlarmName":"jobs","NewStateValue":"ALARM"}"#;
    assert_eq!(hear(&sns(&[minimal])), alarmed("jobs", "ALARM"), "nothing else is needed of an alarm");
}

#[test]
fn of_several_records_the_alarm_that_says_alarm_counts() {
    let (ok, raised) = (alarm("first", "OK"), alarm("second", "ALARM"));
    assert_eq!(hear(&sns(&[&ok, &raised])), alarmed("second", "ALARM"));
    assert_eq!(hear(&sns(&[&ok, &ok])), alarmed("first", "OK"));
    assert_eq!(hear(&sns(&[TEST_NOTIFICATION, &ok])), alarmed("first", "OK"));
}

#[test]
fn a_failed_launch_is_heard() {
    let event = launch_unsuccessful(json!({
        "StatusCode": "Failed",
        "AutoScalingGroupName": "gpu-spot",
        "ActivityId": "a",
        "Details": {"Availability Zone": "eu-west-1b", "Subnet ID": "subnet-1"},
        "RequestId": "a",
        "StatusMessage": "Could not launch Spot Instances. UnfulfillableCapacity - Unable to fulfill capacity.",
        "EndTime": "2026-11-23T20:07:00.000Z",
        "EC2InstanceId": "",
        "StartTime": "2026-11-23T20:06:58.000Z",
        "Cause": "At 2026-11-23T20:06:57Z an instance was started in response to a difference."
    }));
    assert_eq!(hear(&event), run(Trigger::LaunchFailed { group: "gpu-spot".into(), activity: Some("a".into()) }));
}

#[test]
fn an_interruption_warning_is_heard() {
    let detail = json!({"instance-id": "i-0b662ef9931388ba0", "instance-action": "terminate"});
    let event = of_ec2("EC2 Spot Instance Interruption Warning", detail);
    assert_eq!(hear(&event), run(Trigger::Interruption { instance: "i-0b662ef9931388ba0".into() }));
}

#[test]
fn the_tick_and_the_question_are_heard() {
    assert_eq!(hear(&json!({"source": "spotstack.tick"})), run(Trigger::Tick));
    assert_eq!(hear(&json!({"explain": true})), run(Trigger::Explain));
}

#[test]
fn what_asks_for_nothing_is_ignored() {
    let recommendation = of_ec2("EC2 Instance Rebalance Recommendation", json!({"instance-id": "i-0b662ef9931388ba0"}));
    for event in [recommendation, sns(&[TEST_NOTIFICATION])] {
        assert!(matches!(hear(&event), Ok(Wake::Nothing(_))), "{event}");
    }
}

#[test]
fn what_is_broken_or_not_ours_is_an_error_and_never_a_run() {
    let broken_record = json!({"Records": [{"Sns": {"Message": 7}}]});
    for event in [
        json!(null),
        json!(true),
        json!("ALARM"),
        json!([]),
        json!({}),
        json!({"explain": false}),
        json!({"explain": "true"}),
        json!({"Records": []}),
        json!({"Records": {}}),
        json!({"Records": [null]}),
        json!({"Records": [{"s3": {}}]}),
        broken_record,
        sns(&["not json"]),
        sns(&["\"text\""]),
        sns(&["{}"]),
        sns(&[r#"{"AlarmName":"jobs"}"#]),
        sns(&[r#"{"NewStateValue":"ALARM"}"#]),
        sns(&[r#"{"AlarmName":"jobs","NewStateValue":"PANIC"}"#]),
        sns(&[r#"{"AlarmName":null,"NewStateValue":"ALARM"}"#]),
        sns(&[&alarm("jobs", "ALARM"), "not json"]),
        launch_unsuccessful(json!({})),
        launch_unsuccessful(json!(null)),
        launch_unsuccessful(json!({"AutoScalingGroupName": 7})),
        of_ec2("EC2 Spot Instance Interruption Warning", json!({"instance-action": "terminate"})),
        of_ec2("EC2 Instance State-change Notification", json!({"instance-id": "i-1"})),
        json!({"source": "aws.events", "detail-type": "Scheduled Event", "detail": {}}),
        json!({"source": "spotstack.tock"}),
    ] {
        assert!(hear(&event).is_err(), "{event}");
    }
}

#[test]
fn an_error_says_what_was_expected_and_repeats_little() {
    let error = hear(&json!({"source": "aws.s3", "secret": "é".repeat(1_000)})).expect_err("not ours");
    assert_eq!(error.came.chars().count(), 200);
    let shown = error.to_string();
    assert!(shown.starts_with("expected an alarm through SNS, a failed launch"), "{shown}");
    assert!(shown.chars().count() < 400, "{shown}");
}

/// Any JSON, made of words that events are made of, so that it comes close to one now and then.
fn any_json() -> impl Strategy<Value = Value> {
    let word = prop::sample::select(vec![
        "",
        "ALARM",
        "spotstack.tick",
        "aws.autoscaling",
        "aws.ec2",
        "EC2 Instance Launch Unsuccessful",
        "EC2 Spot Instance Interruption Warning",
        "gpu-spot",
        "i-1",
        "{",
        "{\"AlarmName\":\"a\",\"NewStateValue\":\"ALARM\"}",
        "{\"Event\":\"autoscaling:TEST_NOTIFICATION\"}",
        "\u{1F680}",
    ]);
    let key = prop::sample::select(vec![
        "Records",
        "Sns",
        "Message",
        "explain",
        "source",
        "detail-type",
        "detail",
        "AutoScalingGroupName",
        "instance-id",
        "ActivityId",
        "AlarmName",
        "NewStateValue",
        "Event",
        "",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        word.prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 40, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((key.clone(), inner), 0..6)
                .prop_map(|pairs| pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_event_panics_and_only_whole_ones_run(event in any_json()) {
        match hear(&event) {
            Ok(Wake::Run(trigger)) => {
                let whole = match &trigger {
                    Trigger::Alarm { state, .. } => event["Records"].is_array() && !state.is_empty(),
                    Trigger::LaunchFailed { group, .. } => event["detail"]["AutoScalingGroupName"] == json!(group),
                    Trigger::Interruption { instance } => event["detail"]["instance-id"] == json!(instance),
                    Trigger::Tick => event["source"] == "spotstack.tick",
                    Trigger::Explain => event["explain"] == json!(true),
                };
                prop_assert!(whole, "{trigger:?} of {event}");
            }
            Ok(Wake::Nothing(why)) => prop_assert!(!why.is_empty()),
            Err(error) => prop_assert!(error.to_string().chars().count() < 400, "{error}"),
        }
    }

    /// An event with one part of it broken is either still whole, or an error: never another event.
    #[test]
    fn a_broken_part_makes_no_other_event(which in 0_usize..3, path in 0_usize..5, by in any_json()) {
        let whole = [
            sns(&[&alarm("jobs", "ALARM")]),
            launch_unsuccessful(json!({"AutoScalingGroupName": "gpu-spot", "ActivityId": "a"})),
            of_ec2("EC2 Spot Instance Interruption Warning", json!({"instance-id": "i-1"})),
        ];
        let paths = ["/Records", "/Records/0/Sns/Message", "/detail", "/detail-type", "/source"];
        let mut event = whole[which].clone();
        let Some(part) = event.pointer_mut(paths[path]) else { return Ok(()) };
        *part = by;
        let heard = hear(&event);
        let kind = |wake: &Wake| match wake {
            Wake::Run(trigger) => Some(std::mem::discriminant(trigger)),
            Wake::Nothing(_) => None,
        };
        let before = hear(&whole[which]).ok().as_ref().and_then(kind);
        let after = heard.as_ref().ok().and_then(kind);
        let is_tick = matches!(heard, Ok(Wake::Run(Trigger::Tick)));
        prop_assert!(after.is_none() || after == before || is_tick, "{event}");
    }
}
