//! The pure parts: what is written, what is read, what is offered.

use std::collections::BTreeSet;

use serde_json::Value;

use super::answers::Answers;
use super::questions::Question::*;
use super::questions::{Choice, Question};
use crate::aws::{Choices, SecurityGroup, Subnet};
use crate::spec;

const NO_ACCOUNT: Choices = Choices {
    account: None,
    subnets: vec![],
    security_groups: vec![],
    queues: vec![],
    key_pairs: vec![],
    instance_profiles: vec![],
};

fn answers(given: &[(Question, &str)]) -> Answers {
    let mut answers = Answers::default();
    for (question, answer) in given {
        answers.set(*question, *answer);
    }
    answers
}

/// Answers between them that have every branch of the spec's text written.
fn kinds() -> [Answers; 3] {
    let queue = (Queue, "arn:aws:sqs:eu-west-1:111122223333:render-jobs");
    [
        answers(&[]),
        answers(&[(Launch, "configuration"), (Region, "eu-west-1")]),
        answers(&[queue, (KeyName, "no"), (InstanceProfile, "worker"), (MaxPrice, "0.4"), (Protect, "yes")]),
    ]
}

/// The spec with every key in it that it has in a comment.
fn outspoken(text: &str) -> String {
    let key = |line: &str| {
        let name: String =
            line.trim_start().chars().take_while(|char| char.is_ascii_lowercase() || *char == '_').collect();
        let rest = &line.trim_start()[name.len()..];
        !name.is_empty() && (rest == ":" || rest.starts_with(": "))
    };
    let line = |line: &str| match line.split_once("# ") {
        Some((indent, rest)) if indent.trim().is_empty() && key(rest) => format!("{indent}{rest}\n"),
        _ => format!("{line}\n"),
    };
    text.lines().map(line).collect()
}

/// The keys that the schema knows, tags aside, which are anybody's.
fn keys(schema: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    match schema {
        Value::Object(entries) => {
            if let Some(Value::Object(properties)) = entries.get("properties") {
                found.extend(properties.keys().cloned());
            }
            found.extend(entries.values().flat_map(keys));
        }
        Value::Array(items) => found.extend(items.iter().flat_map(keys)),
        _ => {}
    }
    found
}

/// Whoever takes the `#` away from a key has a spec still.
#[test]
fn what_is_commented_out_holds() {
    for answers in kinds() {
        let text = outspoken(&answers.spec().expect("fills"));
        if let Err(error) = spec::check("spotstack.yaml", &text) {
            panic!("{:?}\n{text}", miette::Report::new(error));
        }
    }
}

#[test]
fn every_key_of_the_spec_is_in_the_text_with_its_meaning() {
    let schema = serde_json::from_str(&spec::schema()).expect("JSON");
    let texts: String = kinds().iter().map(|answers| outspoken(&answers.spec().expect("fills"))).collect();
    let missing = |key: &String| !texts.contains(&format!("{key}:"));
    let missing: Vec<_> = keys(&schema).into_iter().filter(missing).collect();
    assert_eq!(missing, Vec::<String>::new());
}

#[test]
fn a_hostile_answer_is_a_string_in_the_spec() {
    let text =
        answers(&[(KeyName, "yes"), (InstanceProfile, "a\n  b: c # d"), (Stack, "{{ x }}")]).spec().expect("fills");
    for part in ["key_name: \"yes\"\n", "instance_profile: \"a\\n  b: c # d\"\n", "stack: \"{{ x }}\"\n"] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
    assert!(answers(&[(MaxPrice, "cheap")]).spec().expect("fills").contains("max_price: cheap "));
    assert!(answers(&[(MaxPrice, "0")]).spec().expect("fills").contains("\n      max_price: 0"));
}

#[test]
fn typed_numbers_are_those_of_the_list() {
    let choices = ["subnet-a", "subnet-b", "7"].map(|value| Choice { value: value.into(), about: String::new() });
    for (question, typed, answer) in [
        (Subnets, "1, 2", Ok("subnet-a,subnet-b")),
        (Subnets, "2 subnet-c", Ok("subnet-b,subnet-c")),
        (Queue, " 2 ", Ok("subnet-b")),
        (Queue, "0", Ok("0")),
        (Queue, "4", Ok("4")),
        (Queue, "7", Ok("7")),
        (Queue, "jobs", Ok("jobs")),
        (KeyName, "none", Ok("")),
        (Queue, "none", Ok("none")),
        (Protect, "Y", Ok("yes")),
        (Protect, "no", Ok("no")),
        (Protect, "1", Err("yes or no?")),
    ] {
        let read = question.read(typed, &choices);
        assert_eq!(read.as_deref().map_err(String::as_str), answer, "{typed}");
    }
}

#[test]
fn examples_fit_each_other() {
    let image = |kind: &str| answers(&[(InstanceType, kind)]).get(Image);
    assert!(image("g6.xlarge").ends_with("x86_64/base-oss-nvidia-driver-gpu-amazon-linux-2023/latest/ami-id"));
    assert!(image("g5g.xlarge").contains("/arm64/base-oss-nvidia"));
    assert!(image("g4ad.xlarge").ends_with("al2023-ami-kernel-default-x86_64"));
    assert!(image("c7g.large").ends_with("al2023-ami-kernel-default-arm64"));
    for launch in ["template", "configuration"] {
        for kind in ["g5.2xlarge", "c7g.large", "g4dn.xlarge", "m7i.large"] {
            let answers = answers(&[(Launch, launch), (InstanceType, kind)]);
            spec::check("spotstack.yaml", &answers.spec().expect("fills")).expect("a spec");
        }
    }
}

fn account() -> Choices {
    let subnet = |number: u32, zone: &str, vpc: &str| Subnet {
        id: format!("subnet-0000000{number}"),
        zone: format!("eu-west-1{zone}"),
        vpc: vpc.into(),
        name: Some(format!("net-{number}")),
        public: number == 1,
    };
    let group = |number: u32, vpc: &str| SecurityGroup {
        id: format!("sg-0000000{number}"),
        name: format!("group-{number}"),
        vpc: vpc.into(),
    };
    Choices {
        subnets: vec![
            subnet(1, "a", "vpc-1"),
            subnet(2, "a", "vpc-1"),
            subnet(3, "b", "vpc-1"),
            subnet(4, "c", "vpc-2"),
        ],
        security_groups: vec![group(1, "vpc-1"), group(2, "vpc-2"), group(3, "vpc-2")],
        ..NO_ACCOUNT
    }
}

#[test]
fn an_account_s_subnets_are_offered_with_what_tells_them_apart() {
    let (account, none) = (account(), answers(&[]));
    let choices = Subnets.choices(&none, &account);
    assert_eq!(choices[0].about, "eu-west-1a  vpc-1  net-1  public addresses");
    assert_eq!(choices[3].about, "eu-west-1c  vpc-2  net-4");
    assert_eq!(Subnets.default(&none, &account), "subnet-00000001,subnet-00000003");
    assert_eq!(Subnets.default(&none, &NO_ACCOUNT), Subnets.example(&none));
}

#[test]
fn security_groups_are_those_of_the_subnets_vpc() {
    let account = account();
    let of = |subnets: &str| {
        let answers = answers(&[(Subnets, subnets)]);
        let ids: Vec<_> = SecurityGroups.choices(&answers, &account).into_iter().map(|choice| choice.value).collect();
        (ids, SecurityGroups.default(&answers, &account))
    };
    assert_eq!(of("subnet-00000001"), (vec!["sg-00000001".into()], "sg-00000001".into()));
    let example = SecurityGroups.example(&answers(&[]));
    assert_eq!(of("subnet-00000004"), (vec!["sg-00000002".into(), "sg-00000003".into()], example.clone()));
    assert_eq!(of("subnet-0badcafe").0.len(), 3);
}

#[test]
fn a_wrong_answer_is_refused_at_its_question() {
    let given = answers(&[(Region, "eu-west-1"), (InstanceType, "c7g.large")]);
    for (question, answer, words) in [
        (Stack, "1st", Some("cannot be a stack's name")),
        (Stack, "media", None),
        (Queue, "arn:aws:sqs:us-east-1:111122223333:jobs", Some("cannot wake a stack in `eu-west-1`")),
        (Image, "ssm:/aws/service/x/x86_64/y", Some("does not boot on `c7g.large`: the letter `g`")),
        (Subnets, "", Some("`subnets` is empty")),
        (Subnets, "subnet-00000001,subnet-00000004", Some("these are in two VPCs, vpc-1 and vpc-2")),
        (Subnets, "subnet-00000001,subnet-00000003", None),
        (MaxPrice, "cheap", Some("max_price")),
        (MaxPrice, "0", Some("`max_price` is 0")),
        (MaxPrice, "", None),
        (MaxWorkers, "0", Some("goes from 1")),
        (MaxWorkers, "many", Some("max")),
        (InstanceType, "big", Some("`big` is not an instance type")),
    ] {
        let refused = given.refuse(question, answer, &account());
        match words {
            Some(words) => {
                assert!(refused.as_deref().is_some_and(|said| said.contains(words)), "{answer}: {refused:?}")
            }
            None => assert_eq!(refused, None, "{answer}"),
        }
    }
    let configurations = answers(&[(Launch, "configuration")]);
    let refused = configurations.refuse(MaxPrice, "", &NO_ACCOUNT).expect("needs one");
    assert!(refused.contains("asks for Spot by its max price"), "{refused}");
}

#[test]
fn the_command_has_every_answer_in_lines_that_fit() {
    let given = answers(&[(Stack, "media"), (KeyName, "it's me"), (MaxPrice, "0.5"), (Protect, "yes")]);
    let command = given.command(&["--dir infra".into()], 60);
    assert!(
        command.starts_with("spotstack init --yes --dir infra --stack media --pair gpu \\\n  --queue render-jobs ")
    );
    for part in ["--key-name 'it'\\''s me'", "--max-price 0.5", "--protect"] {
        assert!(command.contains(part), "{command}");
    }
    assert!(!command.contains("--github-workflow") && !command.contains("--region"), "{command}");
    let long = |line: &&str| line.len() > 60 && line.split("--").count() > 2;
    assert_eq!(command.lines().find(long), None);
}
