//! How long an event takes to be understood: from the bytes that Lambda sends to what they ask for.
//!
//!     cargo bench -p spotstack-handler

use std::hint::black_box;

use divan::Bencher;
use serde_json::{Value, json};
use spot_manager::event::hear;

fn main() {
    divan::main();
}

fn measure(bencher: Bencher<'_, '_>, event: &Value) {
    let bytes = serde_json::to_vec(event).unwrap_or_default();
    bencher.bench_local(|| serde_json::from_slice::<Value>(black_box(&bytes)).map(|event| hear(&event).is_ok()));
}

#[divan::bench]
fn alarm_through_sns(bencher: Bencher<'_, '_>) {
    let message = json!({
        "AlarmName": "jobs", "AlarmDescription": null, "AWSAccountId": "111122223333", "NewStateValue": "ALARM",
        "NewStateReason": "Threshold Crossed: 1 datapoint [2.0 (23/11/26 20:05:00)] was greater than the threshold (1.0).",
        "StateChangeTime": "2026-11-23T20:06:35.472+0000", "Region": "EU (Ireland)", "OldStateValue": "OK",
        "Trigger": {"MetricName": "ApproximateNumberOfMessagesVisible", "Namespace": "AWS/SQS", "Period": 60,
            "Dimensions": [{"value": "render-jobs", "name": "QueueName"}], "Threshold": 1.0}
    });
    let sns = json!({
        "Type": "Notification", "MessageId": "c0d7a3a4-0000-5000-8000-000000000000", "Message": message.to_string(),
        "TopicArn": "arn:aws:sns:eu-west-1:111122223333:alarms", "Timestamp": "2026-11-23T20:06:35.509Z"
    });
    measure(bencher, &json!({"Records": [{"EventSource": "aws:sns", "EventVersion": "1.0", "Sns": sns}]}));
}

#[divan::bench]
fn failed_launch(bencher: Bencher<'_, '_>) {
    let detail = json!({
        "StatusCode": "Failed", "AutoScalingGroupName": "gpu-spot", "ActivityId": "a", "EC2InstanceId": "",
        "StatusMessage": "Could not launch Spot Instances. UnfulfillableCapacity - Unable to fulfill capacity.",
        "Details": {"Availability Zone": "eu-west-1b", "Subnet ID": "subnet-1"}, "StartTime": "2026-11-23T20:06:58.000Z"
    });
    let event = json!({
        "version": "0", "source": "aws.autoscaling", "detail-type": "EC2 Instance Launch Unsuccessful", "detail": detail
    });
    measure(bencher, &event);
}

#[divan::bench]
fn tick(bencher: Bencher<'_, '_>) {
    measure(bencher, &json!({"source": "spotstack.tick"}));
}

/// A quarter of a megabyte that is none of ours, which is what an asynchronous event may be.
#[divan::bench]
fn nonsense(bencher: Bencher<'_, '_>) {
    measure(bencher, &json!({"x": "ü".repeat(128 * 1_024)}));
}
