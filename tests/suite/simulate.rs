//! What `simulate` says, through its real arguments.

use serde_json::Value;

use crate::project::{Project, SPEC};

fn json(project: &Project, args: &[&str]) -> Value {
    let all: Vec<_> = ["simulate", "--format", "json"].iter().chain(args).copied().collect();
    serde_json::from_str(&project.run(&all).exits(0).stdout()).expect("JSON")
}

#[test]
fn it_works_right_after_init() {
    let project = Project::empty();
    project.run(&["init", "--yes"]).exits(0);
    let text = project.run(&["simulate", "--duration", "10d"]).exits(0).stdout();
    for part in ["spotstack ", "always On-Demand", "Spot only", "the article's rule", "workers", "jobs waiting"] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
    assert!(!text.contains('\u{1b}'), "a pipe is no terminal");
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
}

#[test]
fn a_seed_means_the_same_on_every_machine() {
    let project = Project::with(SPEC);
    let args = ["--duration", "20d", "--pattern", "bursts", "--on-demand-price", "1.212", "--seed", "7"];
    let report = json(&project, &args);
    assert_eq!(report, json(&project, &args));
    assert_ne!(
        report["pairs"][0]["results"],
        json(&project, &["--duration", "20d", "--seed", "8"])["pairs"][0]["results"]
    );
    let of = |name: &str| {
        let results = report["pairs"][0]["results"].as_array().expect("results");
        results.iter().find(|it| it["name"] == name).unwrap_or_else(|| panic!("{name}")).clone()
    };
    assert_eq!(of("on_demand")["saving"], 0.0);
    for name in ["spotstack", "on_demand", "spot_only", "article", "fixed_ratio", "after_15_minutes", "never_revert"] {
        let jobs = &of(name)["jobs"];
        let number = |key: &str| jobs[key].as_u64().expect("a number");
        assert_eq!(number("arrived"), number("done") + number("running") + number("waiting"), "{name}");
    }
    // Written down: a seed is a promise.
    assert_eq!(of("on_demand")["jobs"]["arrived"], ARRIVED);
}

/// How many jobs the bursts of seed 7 bring in 20 days.
const ARRIVED: u64 = 6_206;

#[test]
fn recorded_prices_and_capacity_are_lived_through() {
    let capacity = "seconds,us-west-2a,us-west-2b\n0,1,1\n36000,0,0\n43200,1,1\n86400,1,1\n";
    let prices = "Timestamp,AvailabilityZone,SpotPrice\n2024-03-01T00:00:00Z,us-west-2a,0.2\n2024-03-01T00:00:00Z,us-west-2b,0.25\n\
                  2024-03-02T00:00:00Z,us-west-2b,0.25\n2024-03-01T20:00:00Z,us-west-2b,0.7\n";
    let project = Project::with(SPEC).file("capacity.csv", capacity).file("prices.csv", prices);
    let args = ["--history", "prices.csv", "--capacity", "capacity.csv", "--pattern", "always"];
    let report = json(&project, &args);
    let pair = &report["pairs"][0];
    assert_eq!((pair["start"].as_i64(), pair["seconds"].as_i64()), (Some(1_709_251_200), Some(86_400)));
    let spotstack = &pair["results"][0];
    assert!(
        spotstack["fallbacks"].as_u64() >= Some(1) && spotstack["interruptions"].as_u64() >= Some(1),
        "{spotstack}"
    );
    assert_eq!(pair["on_demand_usd"], 0.55, "as the max price is");
    let spec = SPEC.replace("max_price: 0.55", "max_price: 0.55\n      on_demand_price: 1.212");
    assert_eq!(json(&Project::with(spec), &["--duration", "1d"])["pairs"][0]["on_demand_usd"], 1.212);
    assert_eq!(pair["timeline"]["zones"], serde_json::json!(["us-west-2a", "us-west-2b"]));
}

#[test]
fn knobs_are_turned_and_swept() {
    let project = Project::with(SPEC);
    let report = json(
        &project,
        &["--duration", "5d", "--policy", "patience=10m", "--sweep", "hold=5m,30m", "--sweep", "max=2,3"],
    );
    let names: Vec<_> =
        report["pairs"][0]["results"].as_array().expect("results").iter().map(|it| it["name"].clone()).collect();
    assert_eq!(names, ["hold=5m max=2", "hold=5m max=3", "hold=30m max=2", "hold=30m max=3"]);
    assert_eq!(report["pairs"][0]["policy"]["patience"], "10m");
    project.run(&["simulate", "--policy", "hodl=5m"]).exits(1).says(&["the policy has no `hodl`"]);
    project
        .run(&["simulate", "--policy", "revert=30m"])
        .exits(1)
        .says(&["only safe with `protect`", "--policy protect=true"]);
}

#[test]
fn what_is_wrong_in_a_file_is_said_with_its_line() {
    let project = Project::with(SPEC)
        .file("capacity.csv", "seconds,a\n0,1\n60,perhaps\n")
        .file("jobs.csv", "seconds\n1\nsoon\n")
        .file("empty.csv", "");
    project.run(&["simulate", "--capacity", "capacity.csv"]).exits(1).says(&["capacity.csv:3:", "`a` is `perhaps`"]);
    project.run(&["simulate", "--jobs", "jobs.csv"]).exits(1).says(&["jobs.csv:3:", "`soon`"]);
    project.run(&["simulate", "--capacity", "empty.csv"]).exits(1).says(&["empty.csv:1: it is empty"]);
    project.run(&["simulate", "--jobs", "nowhere.csv"]).exits(1).says(&["cannot read `nowhere.csv`"]);
    project.run(&["simulate", "--history", "empty.csv"]).exits(1).says(&["`empty.csv` holds no Spot price"]);
    project.run(&["simulate", "--duration", "0s"]).exits(1).says(&["the duration cannot be 0s"]);
    project
        .run(&["simulate", "--jobs-per-hour", "1000000", "--duration", "30d"])
        .exits(1)
        .says(&["the number of jobs cannot be 720000000", "ten million at most"]);
    let header = "Timestamp,AvailabilityZone,SpotPrice\n".to_owned();
    let zones: String = (0..300).map(|zone| format!("2024-03-01T00:00:00Z,zone-{zone},0.2\n")).collect();
    let project = project.file("world.csv", header + &zones);
    project
        .run(&["simulate", "--history", "world.csv", "--duration", "1d"])
        .exits(1)
        .says(&["the number of zones cannot be 300", "of one Region"]);
    project.run(&["simulate", "nothing"]).exits(1).says(&["the spec has no pair `nothing`", "the spec has gpu"]);
}

#[test]
fn a_page_is_one_file() {
    let project = Project::with(SPEC);
    project.run(&["simulate", "--duration", "5d", "--html", "report.html"]).exits(0).says(&["wrote report.html"]);
    let page = project.read("report.html");
    for part in ["<title>Simulation of gpu</title>", "Workers by market", "always On-Demand", "prefers-color-scheme"] {
        assert!(page.contains(part), "{part}");
    }
    for part in ["http://", "https://", "<script", "<link", "url("] {
        assert!(!page.contains(part), "{part}");
    }
}

/// A run of the SpotManager that asked for one Spot worker.
const RECORD: &str = r#"{"record":1,"trigger":"tick","policy":{"max_price":0.55,"headroom":"15%","window":"1h","patience":"0s","hold":"10m","revert":"idle","max":4,"base":0,"jobs_per_worker":1,"protect":false},"situation":{"now":1000000,"queue":{"known":{"visible":1,"in_flight":0}},"spot":{"name":"s","min":0,"max":4,"desired":0,"zones":["a"],"instances":[],"suspended":[],"launches":{"known":[]}},"on_demand":{"name":"o","min":0,"max":4,"desired":0,"zones":["a"],"instances":[],"suspended":[],"launches":{"known":[]}},"prices":{"known":[{"zone":"a","at":990000,"usd":0.31}]},"jobs_waiting_alarm":false},"decision":{"need":1,"spot":1,"on_demand":0,"actions":[{"scale_up":{"market":"spot","to":1}}],"reasons":[{"spot_worth_it":{"zones":["a"]}}],"zones":[],"fallback_after":null},"because":[],"deeds":[],"dry_run":false}"#;

#[test]
fn a_log_is_decided_anew() {
    let log = format!("START RequestId: 1\n{RECORD}\n{{\"ignored\":\"an OK\"}}\n");
    let project = Project::empty()
        .file("log.jsonl", log)
        .file("broken.jsonl", "{\"record\":1}\n")
        .file("none.jsonl", "END RequestId: 1\n");
    project.run(&["simulate", "--records", "log.jsonl"]).exits(0).says(&["0 of 1 decisions would be others; 2 lines"]);
    let ran = project.run(&["simulate", "--records", "log.jsonl", "--policy", "max_price=0.3"]).exits(2);
    let text = ran.stdout();
    assert!(text.contains("line 2: scale up On-Demand to 1, and not: scale up Spot to 1"), "{text}");
    assert!(text.contains("because no Spot: too dear in a"), "{text}");
    let json =
        project.run(&["simulate", "--records", "log.jsonl", "--policy", "max_price=0.3", "--format", "json"]).exits(2);
    let difference: Value = serde_json::from_str(&json.stdout()).expect("one line");
    assert_eq!((&difference["line"], &difference["would"][0]["scale_up"]["to"]), (&2.into(), &1.into()));
    project.run(&["simulate", "--records", "broken.jsonl"]).exits(1).says(&["broken.jsonl:1: this is no record"]);
    project.run(&["simulate", "--records", "none.jsonl"]).exits(1).says(&["holds no record"]);
}

#[test]
fn the_traces_of_the_examples_are_what_their_generator_writes() {
    for (file, text) in spotstack::simulate::synthetic::traces() {
        let path = crate::project::root().join("examples/traces").join(&file);
        let kept = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(kept == text, "{file} is not what `cargo run --example traces` writes");
    }
}
