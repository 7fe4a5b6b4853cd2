//! `spotstack cost`, offline.

use serde_json::Value;

use crate::project::{Project, SPEC};

#[test]
fn a_month_is_told_line_by_line() {
    let project = Project::with(SPEC);
    let text = project.run(&["cost", "--offline", "--on-demand-price", "1.212"]).exits(0).stdout();
    for line in [
        "gpu, a month                                             USD  free tier",
        "  alarms, by metric                     3 metrics       0.30       0.00",
        "  a worker-hour, g5.2xlarge: Spot 0.55 USD at most, On-Demand 1.212",
    ] {
        assert!(text.lines().any(|it| it == line), "{line} is not in\n{text}");
    }
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
}

#[test]
fn lines_add_up() {
    let two = SPEC.to_owned()
        + &SPEC.split_once("pairs:\n").expect("pairs").1.replace("gpu:", "cpu:").replace("render-jobs", "more");
    let project = Project::with(two.replace("max_price: 0.55", "max_price: 0.55\n      on_demand_price: 1.212"));
    let json = project.run(&["cost", "--format", "json"]).exits(0).stdout();
    let json: Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(json["pairs"].as_array().map(Vec::len), Some(2));
    for pair in json["pairs"].as_array().into_iter().flatten() {
        assert_eq!(pair["worker_hour"]["on_demand"], 1.212, "the spec has said it, and nobody was asked");
        for key in ["usd", "usd_with_free_tier"] {
            let lines = pair["lines"].as_array().into_iter().flatten();
            let sum: f64 = lines.filter_map(|line| line[key].as_f64()).sum();
            assert!((sum - pair[key].as_f64().expect("a sum")).abs() < 1e-9, "{pair}");
        }
        for line in pair["lines"].as_array().into_iter().flatten() {
            let source = &json["sources"][line["item"].as_str().expect("an item")]["source"];
            assert!(source.as_str().is_some_and(|source| source.starts_with("https://aws.amazon.com/")), "{line}");
        }
    }
    project
        .run(&["cost", "nobody", "--offline"])
        .exits(1)
        .says(&["the spec has no pair `nobody`", "the spec has cpu, gpu"]);
}

#[test]
fn without_credentials_the_rest_is_told() {
    let run = Project::with(SPEC).run(&["cost", "--region", "eu-west-1"]).exits(0);
    assert!(run.stdout().contains("On-Demand not known"));
    run.says(&["without the On-Demand price, which --on-demand-price can say", "no AWS credentials were found"]);
    let run = Project::with(SPEC).run(&["cost", "--offline", "--region", "eu-west-1"]).exits(0);
    assert_eq!(run.stderr(), "");
    assert!(run.stdout().contains("eu-west-1 may cost"));
}

/// The README, the note on dashboards and the bill have the same figures.
#[test]
fn the_readme_says_what_cost_says() {
    let json = Project::with(SPEC).run(&["cost", "--offline", "--format", "json"]).exits(0).stdout();
    let json: Value = serde_json::from_str(&json).expect("JSON");
    let usd = |whats: &[&str]| -> String {
        let lines = json["pairs"][0]["lines"].as_array().into_iter().flatten();
        let those = lines.filter(|line| whats.iter().any(|what| line["what"] == *what));
        format!("{:.2}", those.filter_map(|line| line["usd"].as_f64()).sum::<f64>())
    };
    let readme = std::fs::read_to_string(crate::project::root().join("README.md")).expect("README.md");
    let readme = readme.split_whitespace().collect::<Vec<_>>().join(" ");
    for says in [
        format!("three alarm metrics {} USD", usd(&["alarms, by metric"])),
        format!("something changes, {};", usd(&["its metrics"])),
        format!("run every minute, {};", usd(&["the SpotManager's runs", "the SpotManager's time"])),
        format!("its log {};", usd(&["its log"])),
        format!("its looks at the queue {}.", usd(&["its looks at the queue"])),
    ] {
        assert!(readme.contains(&says), "{says}");
    }
    assert_eq!(
        (&json["sources"]["dashboard"]["usd"], &json["sources"]["dashboard"]["free"]),
        (&3.0.into(), &3.0.into())
    );
}
