//! Finding groups, against a script.

use super::*;
use crate::deploy::cloud::{LaunchSource, Owner, Resource, ScalingPolicy};
use crate::deploy::fake::{Fake, Listener};
use crate::deploy::stack::tests::stack;
use miette::Diagnostic;

const GROUP: &str = "AWS::AutoScaling::AutoScalingGroup";

fn resource(logical_id: &str, resource_type: &str, physical_id: &str) -> Resource {
    Resource {
        logical_id: logical_id.into(),
        resource_type: resource_type.into(),
        physical_id: Some(physical_id.into()),
        status: "CREATE_COMPLETE".into(),
    }
}

fn other(name: &str, resources: Vec<Resource>) -> (String, (Stack, Vec<Resource>)) {
    let found = Stack {
        name: name.into(),
        arn: format!("arn:aws:cloudformation:eu-west-1:111122223333:stack/{name}/1"),
        parameters: BTreeMap::new(),
        ..stack("UPDATE_COMPLETE")
    };
    (name.into(), (found, resources))
}

fn arn(name: &str) -> String {
    other(name, vec![]).1.0.arn
}

fn a_group(name: &str, market: Option<&str>) -> (Group, LaunchDefinition, Vec<ScalingPolicy>) {
    let group = Group {
        name: name.into(),
        max: 4,
        zones: vec!["eu-west-1a".into()],
        launch: Some(LaunchSource::Configuration(format!("{name}-launch"))),
        ..Group::default()
    };
    let definition = LaunchDefinition {
        market: market.map(Into::into),
        max_price: market.map(|_| "0.55".into()),
        instance_type: Some("g5.2xlarge".into()),
        image: Some("ami-1".into()),
    };
    (group, definition, vec![])
}

/// The stack `encoder-prod` with `asgGPU`, and `asgGPUSpot` in a stack nested in it, which nests the first again.
fn cloud() -> Fake {
    let nested = resource("Spots", "AWS::CloudFormation::Stack", &arn("nested"));
    let again = resource("Again", "AWS::CloudFormation::Stack", &arn("encoder-prod"));
    let mut cloud = Fake::default();
    cloud.others = BTreeMap::from([
        other(
            "encoder-prod",
            vec![nested, resource("asgGPU", GROUP, "prod-gpu"), resource("Queue", "AWS::SQS::Queue", "https://…")],
        ),
        other("nested", vec![again, resource("asgGPUSpot", GROUP, "prod-gpu-spot")]),
    ]);
    cloud.groups = vec![a_group("prod-gpu-spot", Some("spot")), a_group("prod-gpu", None)];
    cloud
}

fn names(stack: Option<&str>, spot: &str, on_demand: &str) -> plan::Groups {
    plan::Groups { stack: stack.map(Into::into), spot: spot.into(), on_demand: on_demand.into() }
}

fn wanted(groups: &plan::Groups) -> Wanted<'_> {
    let pair = PairName { name: "encode", id: "Encode" };
    Wanted { pair, groups, max: 4, base: 0, protect: false, max_price: Some("0.55") }
}

async fn run(groups: &plan::Groups, cloud: &Fake) -> (Result<BTreeMap<String, String>, DeployError>, Listener) {
    let mut audience = Listener::default();
    let result = find(&[wanted(groups)], "encoder-spot", None, cloud, &mut audience).await;
    (result, audience)
}

/// Every problem, with its help.
fn told(error: DeployError) -> Vec<String> {
    let DeployError::Groups { problems } = error else { panic!("{error}") };
    let help = |problem: &Problem| problem.help().map(|help| help.to_string()).unwrap_or_default();
    problems.iter().map(|problem| format!("{problem} | {}", help(problem))).collect()
}

async fn refused(groups: &plan::Groups, cloud: &Fake) -> Vec<String> {
    told(run(groups, cloud).await.0.expect_err("refused"))
}

async fn warned(change: impl FnOnce(&mut Fake), with: impl FnOnce(&mut Wanted<'_>)) -> Vec<String> {
    let (mut cloud, mut audience) = (cloud(), Listener::default());
    change(&mut cloud);
    let groups = names(Some("encoder-prod"), "asgGPUSpot", "asgGPU");
    let mut wanted = wanted(&groups);
    with(&mut wanted);
    find(&[wanted], "encoder-spot", None, &cloud, &mut audience).await.expect("found");
    let json = |told: &String| serde_json::from_str::<serde_json::Value>(told).expect("JSON");
    let texts = audience.told.iter().map(json).filter(|told| told["moment"] == "warning");
    texts.filter_map(|told| Some(told["text"].as_str()?.to_owned())).collect()
}

#[tokio::test]
async fn logical_ids_are_found_through_nested_stacks_each_asked_once() {
    let cloud = cloud();
    let (parameters, audience) = run(&names(Some("encoder-prod"), "asgGPUSpot", "asgGPU"), &cloud).await;
    let expected = [
        ("EncodeInstanceType", "g5.2xlarge"),
        ("EncodeOnDemandGroup", "prod-gpu"),
        ("EncodeSpotGroup", "prod-gpu-spot"),
    ];
    let expected: BTreeMap<_, _> = expected.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
    assert_eq!(parameters.expect("found"), expected);
    assert_eq!(audience.heard(), ["groups_found"]);
    let asked: Vec<_> = cloud.calls().into_iter().filter(|call| call.starts_with("resources")).collect();
    assert_eq!(asked, ["encoder-prod", "nested"].map(|name| format!("resources {}", arn(name))));
}

#[tokio::test]
async fn groups_of_no_stack_are_named_by_their_names() {
    let cloud = cloud();
    let (parameters, _) = run(&names(None, "prod-gpu-spot", "prod-gpu"), &cloud).await;
    assert_eq!(parameters.expect("found")["EncodeSpotGroup"], "prod-gpu-spot");
    assert_eq!(cloud.calls(), ["groups prod-gpu prod-gpu-spot"]);
    let told = refused(&names(None, "prod-gpu-spto", "else"), &cloud).await;
    assert_eq!(told.len(), 2);
    assert!(told[0].contains("no Auto Scaling group `prod-gpu-spto` | did you mean `prod-gpu-spot`?"), "{told:?}");
    assert!(told[1].contains("lists the 2 that there are"), "{told:?}");
}

#[tokio::test]
async fn what_is_not_there_is_said_with_what_is() {
    let cloud = cloud();
    let there = "The Auto Scaling groups there: asgGPU, Spots/asgGPUSpot";
    let told = refused(&names(Some("encoder-prod"), "asgGpuSpot2", "Queue"), &cloud).await;
    assert_eq!(
        told,
        [
            format!(
                "encode: there is no `asgGpuSpot2` in the stack `encoder-prod` or the one nested in it | did you mean `asgGPUSpot`? {there}"
            ),
            format!(
                "encode: `Queue` of the stack `encoder-prod` is an AWS::SQS::Queue, and not an Auto Scaling group | {there}"
            ),
        ]
    );
    let told = refused(&names(Some("encoder"), "a", "b"), &cloud).await;
    assert!(told[0].starts_with("encode: there is no stack `encoder` in this account and Region"), "{told:?}");
    assert_eq!(told.len(), 1);
}

#[tokio::test]
async fn what_cannot_be_a_pair_is_refused() {
    let groups = names(Some("encoder-prod"), "asgGPUSpot", "asgGPU");
    let swapped = names(Some("encoder-prod"), "asgGPU", "asgGPUSpot");
    assert!(refused(&swapped, &cloud()).await[0].contains("`spot` asks for On-Demand, and `on_demand` asks for Spot"));
    let same = names(Some("encoder-prod"), "asgGPU", "asgGPU");
    assert!(refused(&same, &cloud()).await[0].contains("both groups are `prod-gpu`"));
    type Change = fn(&mut Fake);
    let cases: [(Change, &str); 8] = [
        (|cloud| cloud.groups[0].1.market = None, "`prod-gpu-spot` does not ask for Spot"),
        (|cloud| cloud.groups[1].1.market = Some("spot".into()), "`prod-gpu` asks for Spot, and not for On-Demand"),
        (|cloud| cloud.groups[1].1.market = Some("capacity-block".into()), "asks for `capacity-block`"),
        (|cloud| cloud.groups[0].0.launch = Some(LaunchSource::Mixed), "has a mixed instances policy"),
        (|cloud| cloud.groups[1].0.launch = None, "no launch template and no launch configuration"),
        (|cloud| cloud.groups[0].1.instance_type = None, "names no instance type"),
        (|cloud| cloud.groups[1].0.is_deleting = true, "is being deleted"),
        (|cloud| drop(cloud.groups.remove(1)), "somebody deleted it behind CloudFormation's back"),
    ];
    for (change, expected) in cases {
        let mut cloud = cloud();
        change(&mut cloud);
        let told = refused(&groups, &cloud).await;
        assert!(told.len() == 1 && told[0].contains(expected), "{expected}: {told:?}");
    }
}

#[tokio::test]
async fn groups_that_have_a_spot_manager_are_left_to_it() {
    let mut ours = cloud();
    let prod = &mut ours.others.get_mut("encoder-prod").expect("there").0;
    prod.parameters.insert("HandlerKey".into(), "spotstack/handler/x86_64/0.zip".into());
    let told = refused(&names(Some("encoder-prod"), "asgGPUSpot", "asgGPU"), &ours).await;
    assert!(told[0].contains("spotstack made the stack `encoder-prod`"), "{told:?}");

    let mut own = cloud();
    own.groups[0].0.owner = Some(Owner { stack_arn: arn("encoder-spot"), logical_id: "EncodeSpotGroup".into() });
    let told = refused(&names(None, "prod-gpu-spot", "prod-gpu"), &own).await;
    assert!(told[0].contains("the stack `encoder-spot` itself made this group"), "{told:?}");

    let (by_id, by_name) = (names(Some("encoder-prod"), "asgGPUSpot", "asgGPU"), names(None, "a", "prod-gpu"));
    let mut cloud = cloud();
    cloud.groups.push(a_group("a", Some("spot")));
    let second = Wanted { pair: PairName { name: "again", id: "Again" }, ..wanted(&by_name) };
    let both = [wanted(&by_id), second];
    let error = find(&both, "encoder-spot", None, &cloud, &mut Listener::default()).await.expect_err("refused");
    assert!(told_first(error).contains("`prod-gpu` is managed by `encode` and by `again`"));
}

fn told_first(error: DeployError) -> String {
    told(error).remove(0)
}

#[tokio::test]
async fn what_surprises_is_said_and_stops_nothing() {
    assert_eq!(warned(|_| {}, |_| {}).await, [""; 0]);
    type Change = fn(&mut Fake);
    let cases: [(Change, &str); 10] = [
        (
            |cloud| cloud.groups[1].0.zones = vec!["eu-west-1b".into()],
            "no zone in common (Spot: eu-west-1a; On-Demand: eu-west-1b)",
        ),
        (|cloud| cloud.groups[0].0.max = 2, "asgGPUSpot has MaxSize 2, and `workers: max` is 4"),
        (|cloud| cloud.groups[0].0.min = 1, "asgGPUSpot has MinSize 1, so that it asks for Spot for ever"),
        (|cloud| cloud.groups[1].0.min = 1, "1 are always on; say so with `workers: base: 1`"),
        (|cloud| cloud.groups[1].1.image = Some("ami-2".into()), "differ in their image (ami-1, ami-2)"),
        (
            |cloud| cloud.groups[0].1.max_price = Some("0.500000".into()),
            "up to 0.500000 USD, and `spot: max_price` is 0.55",
        ),
        (|cloud| cloud.groups[0].0.protects = true, "asgGPUSpot protects new instances from scale-in"),
        (
            |cloud| cloud.groups[1].0.suspended = vec![("Launch".into(), "User suspended".into())],
            "asgGPU has its Launch process suspended (User suspended)",
        ),
        (
            |cloud| {
                let (name, arn, kind) = ("up".into(), "arn".into(), "TargetTrackingScaling".into());
                cloud.groups[1].2 = vec![ScalingPolicy { name, arn, kind }];
            },
            "asgGPU has scaling policies already: up (TargetTrackingScaling)",
        ),
        (
            |cloud| {
                let owner = Owner { stack_arn: arn("encoder-prod"), logical_id: "asgGPU".into() };
                cloud.groups[1].0.owner = Some(owner);
                let template = "Resources: {asgGPU: {Properties: {DesiredCapacity: 1}}}";
                *cloud = std::mem::take(cloud).contents([], template);
            },
            "the template of asgGPU sets its DesiredCapacity",
        ),
    ];
    for (change, expected) in cases {
        let warnings = warned(change, |_| {}).await;
        assert!(warnings.len() == 1 && warnings[0].contains(expected), "{expected}: {warnings:?}");
        assert!(warnings[0].starts_with("encode: "), "{warnings:?}");
    }
    let warnings = warned(|_| {}, |wanted| wanted.max_price = None).await;
    assert!(warnings[0].contains("set `max_price: 0.55`"), "{warnings:?}");
    let warnings = warned(|_| {}, |wanted| (wanted.base, wanted.protect) = (1, true)).await;
    assert!(warnings[0].contains("set MinSize 1 there") && warnings[1].contains("a busy worker may be ended"));
}

#[tokio::test]
async fn the_stack_s_own_policies_are_no_surprise() {
    let (mut cloud, mut audience) = (cloud(), Listener::default());
    let (name, policy, kind) = ("encoder-spot-EncodeSpotScaleUp-1".into(), "arn:policy", "StepScaling".into());
    cloud.groups[0].2 = vec![ScalingPolicy { name, arn: policy.into(), kind }];
    let own = resource("EncodeSpotScaleUp", "AWS::AutoScaling::ScalingPolicy", policy);
    let cloud = cloud.contents([own], "");
    let groups = names(Some("encoder-prod"), "asgGPUSpot", "asgGPU");
    let own = stack("UPDATE_COMPLETE");
    find(&[wanted(&groups)], "encoder-spot", Some(&own), &cloud, &mut audience).await.expect("found");
    assert_eq!(audience.heard(), ["groups_found"]);
}
