//! Random valid specs over every key, and what must hold of each template, judged anew from its JSON.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::Value as Json;
use serde_yaml::{Mapping, Value};
use spotstack::blueprint::{self, Blueprints};
use spotstack::check::{Severity, check};
use spotstack::plan::Plan;
use spotstack::spec;
use spotstack::template::Template;
use tempfile::TempDir;

/// Strings that one YAML or another reads as something else, or that end where they should not.
pub(crate) const HOSTILE: &[&str] = &[
    "yes",
    "Off",
    "n",
    "~",
    "null",
    "0755",
    "0o14",
    "1e3",
    ".inf",
    "0x1F",
    "1_000",
    "12:30:45",
    "012345678901",
    "2001-01-01",
    "=",
    "<<",
    "a: b",
    "a:",
    "x # y",
    "#% if",
    "- a",
    "? a",
    "*a",
    "&a b",
    "!Ref X",
    "| x",
    "> x",
    "%TAG",
    "@a",
    "`a`",
    "it's",
    "\"quoted\"",
    "back\\slash",
    "{a: b}",
    "[a, b]",
    "a, b]",
    "${{ pair.id }}",
    "{{resolve:ssm:/x}}",
    "${AWS::Region}",
    "}}",
    " leads and trails ",
    "🙂",
    "\u{2028}line",
    "naïve",
    "---",
    "...",
    "",
];

/// A spec's folder; the spec is written anew for each template.
pub(crate) struct Renderer(TempDir);

impl Renderer {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        fs::write(folder.path().join("worker.sh"), "#!/bin/bash\necho working\n").expect("a script");
        Self(folder)
    }

    /// The template of a spec, or what is wrong with the spec.
    pub(crate) fn render(&self, spec: &Value) -> Result<Template, String> {
        let path = self.0.path().join("spotstack.yaml");
        fs::write(&path, text(spec)).expect("a spec");
        render(&path)
    }
}

/// The template of the spec in this file, or what is wrong with the spec.
fn render(path: &Path) -> Result<Template, String> {
    let spec = spec::load(path).map_err(|error| format!("{:?}", miette::Report::new(error)))?;
    let plan = Plan::new(&spec, "spotstack.yaml");
    let rendered = blueprint::render(&plan, &Blueprints::default());
    // A spec that loads must render, and no rule may refuse what the built-in blueprints make of it.
    let template = Template::rendered(rendered.expect("it renders"));
    let template = template.map_err(|error| format!("{:?}", miette::Report::new(error))).expect("a template");
    let refused: Vec<String> = check(&spec, &plan, &template).of(Severity::Error).map(|it| it.line("spec")).collect();
    assert!(refused.is_empty(), "{refused:#?}");
    Ok(template)
}

/// A spec as YAML in flow style, its strings in double quotes and in ASCII, so that no reader can take them for anything else.
pub(crate) fn text(value: &Value) -> String {
    match value {
        Value::String(text) => quoted(text),
        Value::Sequence(items) => format!("[{}]", items.iter().map(text).collect::<Vec<_>>().join(", ")),
        Value::Mapping(entries) => {
            let entries = entries.iter().map(|(key, value)| format!("{}: {}", text(key), text(value)));
            format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
        }
        other => serde_json::to_string(other).expect("a scalar"),
    }
}

fn quoted(text: &str) -> String {
    let escaped = |char: char| match char {
        '"' | '\\' => format!("\\{char}"),
        ' '..='~' => char.to_string(),
        char => format!("\\U{:08x}", u32::from(char)),
    };
    format!("\"{}\"", text.chars().map(escaped).collect::<String>())
}

/// A key, what its value may be, and whether it is always there.
type Entry = (&'static str, BoxedStrategy<Value>, bool);

fn map(entries: Vec<Entry>) -> BoxedStrategy<Value> {
    let entry = |(key, value, always): Entry| {
        let value = if always { value.prop_map(Some).boxed() } else { prop::option::of(value).boxed() };
        value.prop_map(move |value| value.map(|value| (Value::from(key), value)))
    };
    entries
        .into_iter()
        .map(entry)
        .collect::<Vec<_>>()
        .prop_map(|entries| Value::Mapping(entries.into_iter().flatten().collect()))
        .boxed()
}

fn one_of<T: Into<Value> + Clone>(values: &[T]) -> BoxedStrategy<Value> {
    prop::sample::select(values.iter().cloned().map(Into::into).collect::<Vec<Value>>()).boxed()
}

fn number(range: std::ops::RangeInclusive<u32>) -> BoxedStrategy<Value> {
    range.prop_map(Value::from).boxed()
}

fn some_of(values: &'static [&'static str]) -> BoxedStrategy<Value> {
    prop::sample::subsequence(values, 1..=values.len())
        .prop_map(|values| Value::Sequence(values.into_iter().map(Value::from).collect()))
        .boxed()
}

/// A valid spec of one to five pairs.
pub(crate) fn specs() -> impl Strategy<Value = Value> {
    let network = map(vec![
        ("subnets", some_of(&["subnet-0a1b2c3d4e5f60001", "subnet-0a1b2c3d4e5f60002", "subnet-0a1b2c3d"]), true),
        ("security_groups", some_of(&["sg-0a1b2c3d4e5f60001", "sg-0a1b2c3d"]), true),
    ]);
    let taken = || HOSTILE.iter().copied().filter(|text| text.chars().all(is_of_tags));
    let keys: Vec<&str> = taken().filter(|key| !key.is_empty()).collect();
    let values: Vec<Value> = taken().map(Value::from).collect();
    let tags = prop::collection::btree_map(prop::sample::select(keys), prop::sample::select(values), 0..4);
    let tags =
        tags.prop_map(|tags| tags.into_iter().map(|(key, value)| (Value::from(key), value)).collect::<Mapping>());
    let pairs = prop::sample::subsequence(vec!["gpu", "cpu-2", "HD_x", "a", "Render-Farm"], 1..=5);
    let pairs = pairs.prop_flat_map(|names| {
        names.into_iter().map(|name| pair(name).prop_map(move |pair| (Value::from(name), pair))).collect::<Vec<_>>()
    });
    let spec = map(vec![
        ("stack", one_of(&["media-workers", "A", "x2"]), true),
        ("region", one_of(&["eu-west-1", "us-gov-west-1"]), false),
        ("tags", tags.prop_map(Value::Mapping).boxed(), false),
        ("network", network, true),
        ("pairs", pairs.prop_map(|pairs| Value::Mapping(pairs.into_iter().collect())).boxed(), true),
    ]);
    // A stack has one handler, and so one architecture.
    (spec, prop::sample::select(vec![None, Some("arm64"), Some("x86_64")])).prop_map(|(mut spec, architecture)| {
        for (_, pair) in spec["pairs"].as_mapping_mut().into_iter().flatten() {
            if let (Some(manager), Some(architecture)) = (pair.get_mut("manager"), architecture) {
                manager["architecture"] = architecture.into();
            }
        }
        if spec.get("region").is_some_and(|region| region == "us-gov-west-1") {
            at_home(&mut spec);
        }
        spec
    })
}

/// The characters that IAM takes in a tag, as far as we try them.
fn is_of_tags(char: char) -> bool {
    char.is_alphanumeric() || " _.:/=+-@".contains(char)
}

fn pair(name: &'static str) -> impl Strategy<Value = Value> {
    let queue = prop_oneof![
        map(vec![
            ("name", one_of(&[format!("{name}-jobs"), format!("{name}_0755.fifo")]), true),
            ("visibility_timeout", one_of(&["90s", "15m", "12h"]), false),
            ("dead_letter_after", number(1..=1000), false),
        ]),
        map(vec![(
            "arn",
            one_of(&[
                format!("arn:aws:sqs:eu-west-1:012345678901:{name}"),
                format!("arn:aws:sqs:eu-west-1:012345678901:{name}.fifo"),
            ]),
            true
        )]),
    ];
    let volume = |device: &'static str| {
        map(vec![
            ("device", one_of(&[device]), true),
            ("size", number(125..=16_384), true),
            ("type", one_of(&["gp3", "gp2", "st1", "sc1", "standard"]), false),
        ])
        .prop_map(|mut volume| {
            // A magnetic volume ends at 1 TiB.
            if volume.get("type").is_some_and(|kind| kind == "standard") {
                volume["size"] = 1024.into();
            }
            volume
        })
    };
    let volumes = (volume("/dev/xvda"), volume("/dev/sdf")).prop_map(|(a, b)| Value::Sequence(vec![a, b]));
    let launch = map(vec![
        ("kind", one_of(&["template", "configuration"]), false),
        ("instance_type", one_of(&["g4dn.xlarge", "c5.large", "m5.2xlarge"]), true),
        (
            "image",
            one_of(&[
                "ami-0123456789abcdef0",
                "ssm:/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64",
            ]),
            true,
        ),
        ("user_data", one_of(&["worker.sh"]), false),
        ("key_name", one_of(HOSTILE), false),
        (
            "instance_profile",
            one_of(&["worker", "0755", "no", "arn:aws:iam::012345678901:instance-profile/path/worker"]),
            false,
        ),
        ("volumes", volumes.boxed(), false),
        ("product", one_of(&["Linux/UNIX", "Red Hat Enterprise Linux", "SUSE Linux", "Windows"]), false),
    ]);
    let price = (2_u32..99_999).prop_map(|price| Value::from(f64::from(price) / 1000.0));
    let spot = map(vec![
        ("max_price", price.clone().boxed(), false),
        ("on_demand_price", price.boxed(), false),
        ("headroom", one_of(&["0%", "15%", "99.5%"]), false),
        ("window", one_of(&["1m", "90s", "1h", "30d"]), false),
        ("patience", one_of(&["0s", "10m"]), false),
        ("hold", one_of(&["1m", "24h"]), false),
        ("revert", one_of(&["idle", "30m"]), false),
    ]);
    let workers = map(vec![
        ("max", number(1..=1000), false),
        ("base", number(0..=3), false),
        ("jobs_per_worker", number(1..=100), false),
        ("protect", prop::bool::ANY.prop_map(Value::from).boxed(), false),
    ]);
    let waiting = map(vec![
        ("threshold", number(1..=1000), false),
        ("period", one_of(&["60s", "5m", "1h"]), false),
        ("periods", number(1..=24), false),
    ]);
    let idle = map(vec![("after", one_of(&["1m", "5m", "1h"]), false)]);
    let alarms = map(vec![("jobs_waiting", waiting, false), ("idle", idle, false)]);
    let manager = map(vec![
        ("reconcile", one_of(&["0s", "1m", "60s", "2h"]), false),
        ("memory", number(128..=3008), false),
        ("log_retention", one_of(&["1d", "30d", "3653d"]), false),
        ("dry_run", prop::bool::ANY.prop_map(Value::from).boxed(), false),
        ("scale_up", one_of(&["policy", "launch_instances"]), false),
        ("dashboard", prop::bool::ANY.prop_map(Value::from).boxed(), false),
        ("notify", one_of(&["ops@example.com", "o'b+x@a-1.example"]), false),
    ]);
    let made = map(vec![
        ("queue", queue.boxed(), true),
        ("launch", launch, true),
        ("spot", spot, false),
        ("workers", workers, false),
        ("alarms", alarms, false),
        ("manager", manager, false),
    ]);
    (made, prop::option::weighted(0.25, groups(name))).prop_map(|(mut pair, groups)| {
        if let (Some(groups), Some(keys)) = (groups, pair.as_mapping_mut()) {
            keys.shift_remove("launch");
            keys.insert("groups".into(), groups);
        }
        agreeing(pair)
    })
}

/// Groups that another template made, by logical ids or by names; no two pairs have the same.
fn groups(name: &'static str) -> impl Strategy<Value = Value> {
    let id: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
    let product = one_of(&["Linux/UNIX", "Windows"]);
    prop_oneof![
        map(vec![
            ("stack", one_of(&["encoder-prod", "no"]), true),
            ("spot", one_of(&[format!("{id}Spot"), format!("Nested/{id}Spot")]), true),
            ("on_demand", one_of(&[format!("{id}OnDemand"), format!("0{id}")]), true),
            ("product", product.clone(), false),
        ]),
        map(vec![
            ("spot", one_of(&[format!("{name} # spot"), format!("0755{name}")]), true),
            ("on_demand", one_of(&[format!("{name}, 'on' {{demand}}"), format!("&{name}")]), true),
            ("product", product, false),
        ]),
    ]
}

/// What exists is in the stack's own Region.
fn at_home(value: &mut Value) {
    match value {
        Value::Mapping(entries) => entries.iter_mut().for_each(|(_, value)| at_home(value)),
        Value::String(text) if text.starts_with("arn:aws:") => {
            *text = text.replace("arn:aws:", "arn:aws-us-gov:").replace(":eu-west-1:", ":us-gov-west-1:");
        }
        _ => {}
    }
}

/// A pair whose keys agree with each other, as the rules of the spec want it.
fn agreeing(mut pair: Value) -> Value {
    let is = |value: Option<&Value>, text: &str| value.is_some_and(|value| value == text);
    if is(pair["launch"].get("kind"), "configuration")
        && pair.get("spot").is_none_or(|spot| spot.get("max_price").is_none())
    {
        section(&mut pair, "spot").insert("max_price".into(), 0.25.into());
    }
    if is(pair["launch"].get("product"), "Windows") {
        section(&mut pair, "launch").shift_remove("user_data");
    }
    if pair["launch"].get("key_name").is_some_and(|name| !name.as_str().is_some_and(is_key_name)) {
        section(&mut pair, "launch").insert("key_name".into(), "0755".into());
    }
    if pair.get("spot").is_some_and(|spot| spot.get("revert").is_some_and(|revert| revert != "idle")) {
        section(&mut pair, "workers").insert("protect".into(), true.into());
    }
    let at_once = pair.get("manager").is_some_and(|manager| is(manager.get("scale_up"), "launch_instances"));
    if at_once && (pair.get("groups").is_some() || is(pair["launch"].get("kind"), "configuration")) {
        section(&mut pair, "manager").insert("scale_up".into(), "policy".into());
    } else if at_once && pair.get("spot").is_some() {
        section(&mut pair, "spot").shift_remove("patience");
    }
    let workers = pair.get("workers");
    if workers.is_some_and(|workers| workers.get("base").is_some()) {
        let base = workers.and_then(|workers| workers["base"].as_u64()).unwrap_or_default();
        let max = workers.and_then(|workers| workers.get("max")).and_then(Value::as_u64).unwrap_or_default();
        section(&mut pair, "workers").insert("max".into(), max.max(base).max(1).into());
    }
    pair
}

/// Printable ASCII without blanks at either end.
fn is_key_name(name: &str) -> bool {
    !name.is_empty() && name.trim() == name && name.bytes().all(|byte| (b' '..=b'~').contains(&byte))
}

fn section<'a>(pair: &'a mut Value, name: &str) -> &'a mut Mapping {
    let sections = pair.as_mapping_mut().expect("a pair");
    let section = sections.entry(name.into()).or_insert_with(|| Value::Mapping(Mapping::new()));
    section.as_mapping_mut().expect("a section")
}

/// The same spec with the keys of every map in another order.
fn shuffled(value: &Value, seed: u64) -> Value {
    match value {
        Value::Mapping(entries) => {
            let mut entries: Vec<_> = entries.iter().map(|(key, value)| (key.clone(), shuffled(value, seed))).collect();
            // Fisher and Yates, by a small generator of our own.
            let mut state = seed | 1;
            for end in (1..entries.len()).rev() {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                entries.swap(end, usize::try_from((state >> 33) % (end as u64 + 1)).expect("an index"));
            }
            Value::Mapping(entries.into_iter().collect())
        }
        other => other.clone(),
    }
}

/// All that must hold of a template, judged from its JSON alone.
fn judge(spec: &Value, template: &Template) {
    let json = template.to_json();
    let resources = json["Resources"].as_object().expect("resources");
    assert!(resources.len() <= 500 && template.text.len() <= 1_000_000);
    let names: BTreeSet<&str> = ["Parameters", "Resources"]
        .iter()
        .flat_map(|section| json[section].as_object().into_iter().flatten())
        .map(|(name, _)| name.as_str())
        .collect();
    visit(&json, &mut |key, value| {
        assert_ne!(key, "DesiredCapacity");
        let mut refer = |name: &str| {
            let name = name.split('.').next().unwrap_or(name);
            assert!(name.starts_with("AWS::") || names.contains(name), "`{name}` dangles");
        };
        match (key, value) {
            ("Ref", Json::String(name)) => refer(name),
            ("Fn::GetAtt", Json::Array(path)) => refer(path[0].as_str().expect("a name")),
            ("Fn::Sub", Json::String(text)) => variables(text).for_each(&mut refer),
            ("Fn::Sub", Json::Array(parts)) => variables(parts[0].as_str().expect("a text"))
                .filter(|name| parts[1].get(name).is_none())
                .for_each(&mut refer),
            _ => {}
        }
    });
    let functions = resources.values().filter(|resource| resource["Type"] == "AWS::Lambda::Function");
    let architectures: BTreeSet<String> =
        functions.map(|function| function["Properties"]["Architectures"].to_string()).collect();
    assert_eq!(architectures.len(), 1, "one handler cannot run on {architectures:?}");
    let pairs = spec["pairs"].as_mapping().expect("pairs");
    let launches = |suffix: &str| resources.iter().filter(|(id, _)| id.ends_with(suffix)).collect::<Vec<_>>();
    let spots = launches("SpotLaunch");
    let made = pairs.values().filter(|pair| pair.get("launch").is_some()).count();
    assert_eq!((spots.len(), launches("OnDemandLaunch").len()), (made, made));
    let parameters = json["Parameters"].as_object().expect("parameters").keys();
    assert_eq!(parameters.filter(|id| id.ends_with("InstanceType")).count(), pairs.len() - made);
    for (id, spot) in spots {
        let mut twin = spot.clone();
        let on_demand = &resources[&id.replace("SpotLaunch", "OnDemandLaunch")];
        let properties = twin["Properties"].as_object_mut().expect("properties");
        let price = match properties.get_mut("LaunchTemplateData") {
            Some(data) => data.as_object_mut().expect("data").remove("InstanceMarketOptions"),
            None => properties.remove("SpotPrice"),
        };
        assert!(price.is_some(), "{id} asks for Spot");
        assert_eq!(twin["Properties"], on_demand["Properties"]);
    }
    for (id, resource) in resources {
        let properties = &resource["Properties"];
        assert!(resource["Metadata"]["Description"].as_str().is_some_and(|words| words.contains(": ")), "{id}");
        match resource["Type"].as_str().expect("a type") {
            "AWS::AutoScaling::AutoScalingGroup" if id.ends_with("SpotGroup") => assert_eq!(properties["MinSize"], "0"),
            "AWS::Lambda::Function" => {
                let variables = properties["Environment"]["Variables"].to_string();
                assert!(variables.len() < 3 * 1024, "{id}: {} bytes of environment", variables.len());
            }
            "AWS::AutoScaling::ScalingPolicy" => judge_steps(id, &properties["StepAdjustments"]),
            _ => {}
        }
    }
}

/// AWS's rules: <https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_StepAdjustment.html>
fn judge_steps(id: &str, steps: &Json) {
    let steps = steps.as_array().expect("steps");
    let bounds: Vec<_> = steps
        .iter()
        .map(|step| (step["MetricIntervalLowerBound"].as_i64(), step["MetricIntervalUpperBound"].as_i64()))
        .collect();
    assert!((1..=20).contains(&bounds.len()), "{id}");
    assert!(bounds.windows(2).all(|pair| pair[0].1.is_some() && pair[0].1 == pair[1].0), "{id}: no gap, no overlap");
    let positive = |bound: Option<i64>| bound.is_some_and(|bound| bound > 0);
    let endless = bounds.iter().any(|(_, upper)| upper.is_none());
    assert!(endless || !bounds.iter().any(|(_, upper)| positive(*upper)), "{id}: a step without an upper bound");
}

fn visit(value: &Json, see: &mut impl FnMut(&str, &Json)) {
    match value {
        Json::Array(items) => items.iter().for_each(|item| visit(item, see)),
        Json::Object(entries) => entries.iter().for_each(|(key, value)| {
            see(key, value);
            visit(value, see);
        }),
        _ => {}
    }
}

fn variables(text: &str) -> impl Iterator<Item = &str> {
    text.split("${")
        .skip(1)
        .filter_map(|rest| rest.split_once('}'))
        .map(|(name, _)| name)
        .filter(|name| !name.starts_with('!'))
}

/// All strings of a spec's tags, which are to be in every group.
fn tags(spec: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().expect("a string").to_owned();
    let tags = spec.get("tags").and_then(Value::as_mapping);
    let mut tags: Vec<_> = tags.into_iter().flatten().map(|(key, value)| (text(key), text(value))).collect();
    tags.sort();
    tags
}

proptest! {
    #![proptest_config(Config { cases: 32, failure_persistence: None, ..Config::default() })]

    #[test]
    fn every_valid_spec_renders_to_a_sound_template(spec in specs()) {
        let renderer = Renderer::new();
        let template = renderer.render(&spec).expect("a valid spec");
        judge(&spec, &template);
        let json = template.to_json();
        for (_, group) in json["Resources"].as_object().expect("resources").iter().filter(|(id, _)| id.ends_with("Group")) {
            let found: Vec<_> = group["Properties"]["Tags"].as_array().expect("tags").iter().skip(1)
                .map(|tag| (tag["Key"].as_str().expect("a key").to_owned(), tag["Value"].as_str().expect("a string").to_owned()))
                .collect();
            prop_assert_eq!(found, tags(&spec));
        }
    }

    #[test]
    fn the_order_of_keys_is_of_no_importance(spec in specs(), seed: u64) {
        let renderer = Renderer::new();
        let one = renderer.render(&spec).expect("a valid spec");
        let other = renderer.render(&shuffled(&spec, seed)).expect("a valid spec");
        prop_assert_eq!(one.text, other.text);
    }
}

/// Where the sample lies: `tests/run.sh` has cfn-lint and a reader of YAML 1.1 judge it.
fn sample_folder() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("random-specs")
}

#[test]
fn a_sample_is_written_for_other_judges() {
    let folder = sample_folder();
    // What an earlier version wrote must not be judged again.
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("a folder");
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let mut runner = TestRunner::new_with_rng(Config { failure_persistence: None, ..Config::default() }, rng);
    let renderer = Renderer::new();
    let mut kinds = BTreeSet::new();
    // cfn-lint takes every `${AWS::…}` outside of `Fn::Sub` for a mistake, a literal one too.
    let literal = |spec: &Value| text(spec).contains("${AWS::");
    let specs = specs().prop_filter("a literal that cfn-lint does not know", move |spec| !literal(spec));
    for index in 0..12 {
        let spec = specs.new_tree(&mut runner).expect("a spec").current();
        let template = renderer.render(&spec).expect("a valid spec");
        for pair in spec["pairs"].as_mapping().expect("pairs").values() {
            let kind = |launch: &Value| launch.get("kind").and_then(Value::as_str).unwrap_or("template").to_owned();
            kinds.insert(pair.get("launch").map_or_else(|| "groups".to_owned(), kind));
        }
        let name = |what: &str| folder.join(format!("{index:02}.{what}"));
        fs::write(name("spotstack.yaml"), text(&spec)).expect("a spec");
        fs::write(name("template.yaml"), &template.text).expect("a template");
        fs::write(name("template.json"), template.to_json().to_string()).expect("JSON");
    }
    assert_eq!(kinds.len(), 3, "both kinds, and groups that are there, are in the sample");
}
