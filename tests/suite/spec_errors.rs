//! What is wrong with a spec is shown in the user's own lines, and nothing is written.

use crate::project::{Project, SPEC};

#[track_caller]
fn refused(spec: impl AsRef<[u8]>, parts: &[&str]) {
    let ran = Project::with(spec).run(&["render"]).exits(1).says(parts);
    assert_eq!(ran.stdout(), "");
}

#[test]
fn what_no_type_allows() {
    for (from, to, parts) in [
        ("max_price", "max-price", &["unknown key `max-price`", "did you mean `max_price`?", "max-price: 0.55"][..]),
        ("instance_type", "flavour", &["unknown key `flavour`", "known here:", "missing key `instance_type`"]),
        ("max: 4", "max: four", &["`max` is `four`, and must be a whole number", "max: four"]),
        ("max: 4", "max: -1", &["`max` is `-1`, and must be a whole number"]),
        ("max: 4", "protect: maybe", &["`protect` is `maybe`, and must be `true` or `false`"]),
        ("max_price: 0.55", "headroom: 15", &["`15` is not a percentage; write it as `15%`"]),
        ("max_price: 0.55", "window: 1 hour", &["`1 hour` is not a duration; write it as `90s`"]),
        ("      image: ami-0123456789abcdef0\n", "", &["missing key `image`"]),
        (
            "    launch:\n",
            "    launch:\n      kind: templates\n",
            &["unknown value `templates` of `kind`", "did you mean `template`?"],
        ),
        (
            "stack: media-workers\n",
            "stack: media-workers\nstack: again\n",
            &["the key `stack` is there twice", "first here", "again"],
        ),
    ] {
        assert!(SPEC.contains(from), "{from}");
        refused(SPEC.replace(from, to), parts);
    }
}

#[test]
fn what_aws_would_refuse() {
    for (from, to, parts) in [
        ("stack: media-workers", "stack: 9lives", &["`9lives` cannot be a stack's name"][..]),
        ("subnet-0a1b2c3d4e5f60001", "subnet-1", &["`subnet-1` is not the id of a subnet"]),
        ("[sg-0a1b2c3d4e5f60001]", "[]", &["`security_groups` is empty"]),
        ("ami-0123456789abcdef0", "latest", &["`latest` is not an image"]),
        ("g5.2xlarge", "big", &["`big` is not an instance type"]),
        ("render-jobs", "render jobs", &["`render jobs` cannot be a queue's name"]),
        ("name: render-jobs", "arn: render-jobs", &["`render-jobs` is not the ARN of a queue"]),
        ("name: render-jobs", "visibility_timeout: 15m", &["a queue has a `name`, or the `arn` of one that exists"]),
        ("name: render-jobs", "name: render-jobs\n      visibility_timeout: 13h", &["`visibility_timeout` is 13h"]),
        ("max_price: 0.55", "max_price: 0", &["`max_price` is 0"]),
        ("max_price: 0.55", "max_price: .nan", &["`max_price`"]),
        ("max: 4", "max: 0", &["`max` is 0, and goes from 1 to 1000"]),
        (
            "user_data: worker.sh",
            "user_data: nothing.sh",
            &["cannot read the script `nothing.sh`", "relative to the spec"],
        ),
        ("    workers:", "    manager: {reconcile: 90s}\n    workers:", &["counted in whole minutes"]),
        (
            "    workers:",
            "    manager: {log_retention: 4d}\n    workers:",
            &["CloudWatch Logs cannot keep a log for 4d"],
        ),
        ("stack: media-workers", "stack: media-workers\ntags: {\"aws:x\": y}", &["begins with `aws:`"]),
    ] {
        assert!(SPEC.contains(from), "{from}");
        refused(SPEC.replace(from, to), parts);
    }
}

#[test]
fn what_contradicts_itself_is_shown_at_both_places() {
    let configuration = SPEC
        .replace("    launch:\n", "    launch:\n      kind: configuration\n")
        .replace("      max_price: 0.55\n", "      hold: 5m\n");
    refused(configuration, &["kind: configuration", "needs `spot: max_price`"]);
    refused(
        SPEC.replace("max: 4", "max: 4\n      base: 5"),
        &["`base` is more than `max`", "5 always on", "but 4 at most"],
    );
    let revert = SPEC.replace("max_price: 0.55", "revert: 30m").replace("max: 4", "protect: false");
    refused(revert, &["only safe with `protect: true`", "off here"]);
    let twice = SPEC.replace("[subnet-0a1b2c3d4e5f60001]", "[subnet-0a1b2c3d4e5f60001, subnet-0a1b2c3d4e5f60001]");
    refused(twice, &["is named twice", "first here", "again"]);
    let both = SPEC.replace("name: render-jobs", "name: a\n      arn: arn:aws:sqs:eu-west-1:111122223333:b");
    refused(both, &["either a `name` or an `arn`"]);
}

#[test]
fn everything_is_found_in_one_run() {
    let spec = SPEC.replace("media-workers", "9").replace("g5.2xlarge", "big").replace("max: 4", "max: 0");
    refused(spec, &["has 3 errors", "`9` cannot be a stack's name", "`big` is not an instance type", "`max` is 0"]);
}

#[test]
fn what_is_not_a_spec_at_all() {
    Project::empty()
        .run(&["render"])
        .exits(1)
        .says(&["cannot read `spotstack.yaml`", "write one with `spotstack init`"]);
    refused("", &["`spotstack.yaml` is empty"]);
    refused("\n  \n", &["`spotstack.yaml` is empty"]);
    refused("just words", &["`spotstack.yaml` has an error"]);
    refused("[1, 2]", &["`spotstack.yaml` has an error"]);
    refused("stack: [", &["`spotstack.yaml` has an error"]);
    refused(b"stack: \xff\xfe", &["is not UTF-8 text: see line 1"]);
    refused(format!("{SPEC}---\n{SPEC}"), &["this file has several"]);
    refused("x".repeat(1_000_001), &["a spec has at most 1000000"]);
    let bomb = (1..12).fold("a0: &a0 [x, x]\n".to_owned(), |bomb, n| {
        bomb + &format!("a{n}: &a{n} [*a{0}, *a{0}, *a{0}, *a{0}]\n", n - 1)
    });
    refused(bomb, &["`spotstack.yaml` has an error"]);
    refused("[".repeat(10_000), &["`spotstack.yaml` has an error"]);
}

#[test]
fn a_script_that_cannot_run_is_refused() {
    for (script, why) in [
        ("echo hi\n".to_owned(), "begins with the line that names its interpreter"),
        (format!("#!/bin/bash\n{}", "x".repeat(16_384)), "fetch the rest from S3"),
        ("#!/bin/bash\n\0".to_owned(), "it has a NUL byte"),
        ("#!/bin/bash\nEND_OF_WORKER_SCRIPT\n".to_owned(), "which marks its end"),
    ] {
        Project::with(SPEC).file("worker.sh", script).run(&["render"]).exits(1).says(&[why, "user_data: worker.sh"]);
    }
}
