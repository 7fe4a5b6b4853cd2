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
        (
            "stack: media-workers",
            "stack: media-workers\ntags: {team: R&D}",
            &["IAM takes no `&` in a tag", "this value"],
        ),
        ("stack: media-workers", "stack: media-workers\ntags: {\"a*\": x}", &["IAM takes no `*` in a tag", "this key"]),
        ("stack: media-workers", "stack: media-workers\ntags: {a: \"x\\ty\"}", &["letters, digits, spaces and"]),
        (
            "render-jobs",
            "render-jobs-render-jobs-render-jobs-render-jobs-render-jobs-render-jobs.fifo",
            &["the dead-letter queue would be", "at most 68 characters here"],
        ),
        ("name: render-jobs", "name: .fifo", &["`.fifo` cannot be a queue's name"]),
        ("    spot:", "      instance_profile: a/b\n    spot:", &["`a/b` is not an instance profile"]),
        (
            "    spot:",
            "      instance_profile: arn:aws:iam::111122223333:role/b\n    spot:",
            &["is not an instance profile", "instance-profile/worker"],
        ),
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
fn groups_of_another_template_contradict_what_makes_groups() {
    const GROUPS: &str = "    groups: {stack: encoder-prod, spot: asgGPUSpot, on_demand: asgGPU}\n";
    let given = |groups: &str| {
        let launch = SPEC.find("    launch:").expect("a launch block")..SPEC.find("    spot:").expect("a spot block");
        let mut spec = SPEC.to_owned();
        spec.replace_range(launch, groups);
        spec
    };
    Project::with(given(GROUPS)).run(&["render"]).exits(0);
    let network = SPEC.find("network:").expect("a network")..SPEC.find("pairs:").expect("pairs");
    let mut without = given(GROUPS);
    without.replace_range(network.clone(), "");
    Project::with(without).run(&["render"]).exits(0);
    let mut needed = SPEC.to_owned();
    needed.replace_range(network, "");
    refused(needed, &["missing key `network`", "makes groups, in these subnets"]);

    let both = SPEC.replace("    launch:\n", &format!("{GROUPS}    launch:\n"));
    refused(both, &["either a `launch:` block or `groups:`", "groups to make", "groups that are there"]);
    refused(given(""), &["a pair has a `launch:` block, or the `groups:`", "this pair has neither"]);
    for (from, to, parts) in [
        ("asgGPUSpot", "asg-gpu", &["`asg-gpu` cannot be a logical id"][..]),
        ("asgGPUSpot", "Nested//asgGPU", &["cannot be a logical id"]),
        ("asgGPUSpot", "asgGPU", &["a pair is two groups, and these are one"]),
        ("encoder-prod", "encoder prod", &["`encoder prod` cannot be a stack's name"]),
        ("encoder-prod", "media-workers", &["the groups of this very stack are not another template's", "this stack"]),
        ("stack: encoder-prod, spot: asgGPUSpot", "spot: gpu-*", &["`gpu-*` cannot be managed"]),
        ("on_demand: asgGPU", "ondemand: asgGPU", &["did you mean `on_demand`?"]),
        (", on_demand: asgGPU", "", &["missing key `on_demand`"]),
    ] {
        assert!(GROUPS.contains(from), "{from}");
        refused(given(&GROUPS.replace(from, to)), parts);
    }
    let again = given(GROUPS).split_once("pairs:\n").map(|(_, pair)| pair.replace("gpu:", "again:")).expect("pairs");
    refused(
        given(GROUPS) + &again,
        &["two pairs manage the group `asgGPU`", "two pairs manage the group `asgGPUSpot`"],
    );
}

#[test]
fn everything_is_found_in_one_run() {
    let spec = SPEC.replace("media-workers", "9").replace("g5.2xlarge", "big").replace("max: 4", "max: 0");
    refused(spec, &["has 3 errors", "`9` cannot be a stack's name", "`big` is not an instance type", "`max` is 0"]);
}

#[test]
fn every_structural_error_is_found_beside_the_others() {
    let spec = SPEC
        .replace("stack:", "stak:")
        .replace("[subnet-0a1b2c3d4e5f60001]", "subnet-1")
        .replace("    queue:\n      name: render-jobs\n", "    queue: jobs\n")
        .replace("instance_type: g5.2xlarge", "kind: [template]")
        .replace("max_price: 0.55", "window: 1 hour")
        .replace("max: 4", "max: four\n      max_price: 0.55\n      base: 1\n      base: 2");
    refused(
        spec,
        &[
            "has 9 errors",
            "unknown key `stak`",
            "did you mean `stack`?",
            "`subnets` is `subnet-1`, and must be a list",
            "[subnet-1]",
            "`queue` is `jobs`, and must be a map of keys",
            "its keys are name, arn,",
            "missing key `instance_type`",
            "the EC2 instance type",
            "`kind` is a list, and must be one of template, configuration",
            "`1 hour` is not a duration",
            "`max` is `four`",
            "unknown key `max_price`",
            "it belongs in `spot`",
            "the key `base` is there twice",
        ],
    );
    // What is right meets the rules in the same run; nothing is said about what nobody wrote.
    let spec =
        SPEC.replace("media-workers", "9").replace("      image: ami-0123456789abcdef0\n", "      imgae: latest\n");
    refused(spec, &["has 3 errors", "cannot be a stack's name", "did you mean `image`?", "`latest` is not an image"]);
    let spec = SPEC.replace("    launch:\n", "    launch:\n      kind: configuration\n").replace("0.55", "cheap");
    refused(spec, &["has an error", "`max_price` is `cheap`, and must be a number"]);
    refused("{}", &["has 2 errors", "missing key `stack`", "missing key `pairs`"]);
    refused(format!("{SPEC}pair: {{}}\n"), &["has an error", "did you mean `pairs`? It is there already"]);
}

#[test]
fn names_that_meet_are_shown_at_both_places() {
    let with = |pair: &str| format!("{SPEC}  {pair}\n");
    let launch = "launch: {instance_type: g5.2xlarge, image: ami-0123456789abcdef0}";
    for (pair, parts) in [
        (
            "gpu-dead-letter: {queue: {name: b}, LAUNCH}",
            &[
                "`gpu` and `gpu-dead-letter` would both have a resource `GpuDeadLetterQueue`",
                "this one",
                "and this one",
            ][..],
        ),
        ("Gpu: {queue: {name: b}, LAUNCH}", &["the pairs `Gpu` and `gpu` would have the same logical ids (Gpu…)"]),
        ("b: {queue: {name: render-jobs}, LAUNCH}", &["cannot share the queue `render-jobs`", "created here"]),
        (
            "b: {queue: {name: render-jobs-dead-letter}, LAUNCH}",
            &["cannot share the queue `render-jobs-dead-letter`", "created here for jobs that fail"],
        ),
        (
            "b: {queue: {arn: 'arn:aws:sqs:eu-west-1:111122223333:render-jobs'}, LAUNCH}",
            &["cannot share the queue `render-jobs`", "taken here as one that exists"],
        ),
        ("9b: {queue: {name: b}, LAUNCH}", &["`9b` cannot be a pair's name", "this pair"]),
    ] {
        refused(with(&pair.replace("LAUNCH", launch)), parts);
    }
    let arn = |name: &str, account: &str| {
        format!("{name}: {{queue: {{arn: 'arn:aws:sqs:eu-west-1:{account}:{name}'}}, {launch}}}")
    };
    refused(
        with(&format!("{}\n  {}", arn("b", "111122223333"), arn("c", "111122224444"))),
        &["in its own account", "account 111122223333", "account 111122224444"],
    );
    let many: String = (0..18).map(|n| format!("  p{n}: {{queue: {{name: q{n}}}, {launch}}}\n")).collect();
    refused(format!("{SPEC}{many}"), &["at most 500", "from this one on it is too much", "over several stacks"]);
    refused(format!("tags: {{team: a, Team: b}}\n{SPEC}"), &["IAM takes the tags `Team` and `team` for the same"]);
}

#[test]
fn what_exists_is_in_the_stacks_own_region() {
    let queue = |region: &str, arn: &str| {
        format!("region: {region}\n{SPEC}").replace("name: render-jobs", &format!("arn: {arn}"))
    };
    refused(
        queue("eu-west-1", "arn:aws:sqs:us-east-1:111122223333:jobs"),
        &["a queue in `us-east-1` cannot wake a stack in `eu-west-1`", "the stack's Region", "in us-east-1"],
    );
    refused(
        queue("cn-north-1", "arn:aws:sqs:us-east-1:111122223333:jobs"),
        &["an ARN of the partition `aws` in a stack of `aws-cn`"],
    );
    refused(format!("region: eu-west-1a\n{SPEC}"), &["is not a Region", "one of the zones of `eu-west-1`"]);
    refused(queue("eu-west-1", "arn:aws:sns:eu-west-1:111122223333:jobs"), &["is not the ARN of a queue"]);
}

#[test]
fn whoever_is_notified_has_an_address_or_a_topic() {
    let notify =
        |whom: &str| SPEC.replace("    workers:", &format!("    manager: {{notify: \"{whom}\"}}\n    workers:"));
    for whom in
        ["ops", "ops@example", "ops@", "@example.com", "o ps@example.com", "a@b@example.com", "ops@example..com"]
    {
        refused(notify(whom), &["is neither an e-mail address nor an ARN", "such as ops@example.com"]);
    }
    for topic in
        ["arn:aws:sqs:eu-west-1:111122223333:x", "arn:aws:sns::111122223333:x", "arn:aws:sns:eu-west-1:1:x", "arn:"]
    {
        refused(notify(topic), &["is not the ARN of an SNS topic"]);
    }
    refused(notify("arn:aws:sns:eu-west-1:111122223333:ops.fifo"), &["whom no FIFO topic reaches", "standard topic"]);
    let elsewhere = notify("arn:aws:sns:us-east-1:999988887777:ops");
    Project::with(format!("region: eu-west-1\n{elsewhere}")).run(&["render"]).exits(0);
    let wrong = ["an ARN of the partition `aws` in a stack of `aws-cn`"];
    refused(format!("region: cn-north-1\n{elsewhere}"), &wrong);
}

#[test]
fn launching_at_once_is_for_launch_templates_and_has_no_patience() {
    let at_once = SPEC.replace("    workers:", "    manager: {scale_up: launch_instances}\n    workers:");
    Project::with(&at_once).run(&["render"]).exits(0);
    let kind = at_once.replace("    launch:\n", "    launch:\n      kind: configuration\n");
    refused(kind, &["LaunchInstances takes launch templates only", "not a template", "asked for here"]);
    let patient = at_once.replace("    spot:\n", "    spot:\n      patience: 5m\n");
    refused(patient, &["LaunchInstances answers at once", "would wait", "leave `patience` at 0s"]);
    let existing = "stack: media\npairs:\n  gpu:\n    groups: {spot: a, on_demand: b}\n    queue: {name: q}\n    \
        manager: {scale_up: launch_instances}\n";
    refused(existing, &["is for groups that this stack makes"]);
}

#[test]
fn a_processor_boots_its_own_images_only() {
    let image = |image: &str| {
        SPEC.replace("ami-0123456789abcdef0", image).replace("    spot:", "      product: PRODUCT\n    spot:")
    };
    let arm = "ssm:/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64";
    refused(
        image(arm).replace("PRODUCT", "Linux/UNIX"),
        &["an image for arm64 does not boot on `g5.2xlarge`", "for arm64", "has x86_64"],
    );
    refused(
        image("ami-0123456789abcdef0").replace("PRODUCT", "Windows").replace("g5.2xlarge", "g5g.xlarge"),
        &["EC2 has no Windows for Graviton", "has arm64", "is not available for Windows workers"],
    );
    Project::with(image(arm).replace("PRODUCT", "Linux/UNIX").replace("g5.", "g5g.")).run(&["render"]).exits(0);
}

#[test]
fn volumes_have_a_size_and_a_device_of_their_own() {
    let volumes = |volumes: &str| SPEC.replace("    spot:", &format!("      volumes: [{volumes}]\n    spot:"));
    refused(
        volumes("{device: /dev/xvda, size: 100, type: st1}, {device: /dev/xvda, size: 1}"),
        &[
            "the device `/dev/xvda` is there twice",
            "first here",
            "of the type st1 cannot have 100 GiB",
            "from 125 to 16384",
        ],
    );
    refused(volumes("{device: xvda, size: 0}"), &["`xvda` is not a device", "of the type gp3 cannot have 0 GiB"]);
    let large = volumes("{device: /dev/xvda, size: 20000}");
    Project::with(&large).run(&["render"]).exits(0);
    refused(
        large.replace("    launch:\n", "    launch:\n      kind: configuration\n"),
        &["cannot have 20000 GiB", "from 1 to 16384"],
    );
}

#[test]
fn a_file_that_is_none_is_refused_at_once() {
    let project = Project::with(SPEC.replace("worker.sh", "folder"));
    std::fs::create_dir(project.path("folder")).expect("a folder");
    project.run(&["render"]).exits(1).says(&["cannot read the script `folder`", "it is a folder"]);
    project.run(&["-f", "folder", "render"]).exits(1).says(&["cannot read `folder`: it is a folder"]);
    for path in ["/etc/passwd", "~/worker.sh"] {
        refused(SPEC.replace("worker.sh", path), &["not a path relative to the spec"]);
    }
    let secret = Project::with(SPEC).file("worker.sh", "password=hunter2").run(&["render"]).exits(1);
    assert!(!secret.stderr().contains("hunter2"), "{}", secret.stderr());
}

#[cfg(unix)]
#[test]
fn what_never_ends_is_refused_at_once() {
    let project = Project::with(SPEC.replace("worker.sh", "pipe"));
    std::process::Command::new("mkfifo").arg(project.path("pipe")).status().expect("a pipe is made");
    for special in ["/dev/zero", "pipe"] {
        project.run(&["-f", special, "render"]).exits(1).says(&["it is a pipe or a device"]);
    }
    project.run(&["render"]).exits(1).says(&["cannot read the script `pipe`", "it is a pipe or a device"]);
}

#[test]
fn carets_stand_right_and_nothing_drives_the_terminal() {
    let shows = |spec: String, lines: &[&str]| {
        let stderr = Project::with(spec).run(&["--color", "never", "render"]).exits(1).stderr();
        for line in lines {
            assert!(
                stderr.lines().any(|shown| shown.trim_end().ends_with(line)),
                "`{line}` is not a line of:\n{stderr}"
            );
        }
        assert!(!stderr.contains(|char: char| char.is_control() && char != '\n'), "{stderr:?}");
    };
    let spec = SPEC.replace("max: 4", "max: 0");
    let caret = [" 16 │       max: 0", "    ·            ┬", "    ·            ╰── from 1 to 1000"];
    shows(spec.clone(), &caret);
    shows(spec.replace('\n', "\r\n"), &caret);
    shows(spec.replace('\n', "\r"), &caret);
    shows(format!("\u{feff}{spec}"), &caret);
    shows(
        format!("tags: {{🙂: 🎉, 'aws:é': x}}\n{SPEC}"),
        &[" 1 │ tags: {🙂: 🎉, 'aws:é': x}", "   ·                 ──┬──"],
    );
    shows(format!("tags: {{a: {}, 'aws:é': x}}\n{SPEC}", "🙂".repeat(90)), &["╭─[spotstack.yaml:1:104]"]);
    shows(SPEC.replace("media-workers", "\"\\e[31m\""), &["`␛[31m` cannot be a stack's name"]);
    shows(SPEC.replace("media-workers", "a\u{1b}[31m"), &[" 1 │ stack: a␛[31m"]);
    shows(SPEC.replace("media-workers", "a\u{202e}b"), &[" 1 │ stack: a�b"]);
    let long =
        SPEC.replace("[sg-0a1b2c3d4e5f60001]", &format!("[{}no, sg-2{}]", "sg-1, ".repeat(500), ", sg-3".repeat(500)));
    let stderr = Project::with(long).run(&["render"]).exits(1).stderr();
    assert!(stderr.contains("has many errors"), "{stderr}");
    assert!(stderr.lines().all(|line| line.chars().count() < 200), "{stderr}");
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
    refused("stack: [", &["`spotstack.yaml` has an error", "unclosed bracket"]);
    refused(b"stack: \xff\xfe", &["is not UTF-8 text: see line 1"]);
    refused(b"\xff\xfes\0t\0", &["is UTF-16 text, and a spec is UTF-8"]);
    refused("stack: a\nb: \0", &["there is a NUL byte in line 2"]);
    refused(SPEC.replace("    workers", "\tworkers"), &["YAML is not indented by tabs", "use spaces"]);
    refused(SPEC.replace("media-workers", "a: b"), &["a text with `: ` in it stands in quotes"]);
    refused(SPEC.replace("media-workers", "{{ name }}"), &["a text that begins with `{`"]);
    refused(SPEC.replace("media-workers", "!Ref Name"), &["the tag `!Ref` means nothing in a spec"]);
    refused(SPEC.replace("g5.2xlarge", "*x"), &["an alias of an anchor that is not there"]);
    refused(format!("a: &a {{b: *a}}\n{SPEC}"), &["an anchor that contains its own alias"]);
    refused(format!("{SPEC}---\n{SPEC}"), &["this file has several"]);
    refused("x".repeat(1_000_001), &["a spec has at most 1000000"]);
    let bomb = (1..12).fold("a0: &a0 [x, x]\n".to_owned(), |bomb, n| {
        bomb + &format!("a{n}: &a{n} [*a{0}, *a{0}, *a{0}, *a{0}]\n", n - 1)
    });
    refused(bomb, &["the aliases of this file repeat too much"]);
    let aliases: String = (0..200).map(|n| format!("b{n}: *a\n")).collect();
    refused(format!("a: &a 1\n{aliases}"), &["too many anchors and aliases"]);
    refused("[".repeat(10_000), &["nested too deeply"]);
    let many: String = (0..30_000).map(|n| format!("k{n}: 1\n")).collect();
    refused(many, &["says too much for a spec"]);
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
