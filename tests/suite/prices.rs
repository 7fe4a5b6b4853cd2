//! `spotstack prices` of a file, and what it refuses.

use serde_json::Value;

use crate::project::{Project, SPEC};

/// Ten days of two zones, one of which is dear for the last of them; and another type.
const HISTORY: &str = "\
Timestamp,AvailabilityZone,InstanceType,ProductDescription,SpotPrice
2026-11-23T20:00:00Z,eu-west-1a,g5.2xlarge,Linux/UNIX,0.31
2026-11-22T20:00:00Z,eu-west-1b,g5.2xlarge,Linux/UNIX,0.60
2026-11-18T08:00:00Z,eu-west-1a,g5.2xlarge,Linux/UNIX,0.33
2026-11-13T20:00:00Z,eu-west-1a,g5.2xlarge,Linux/UNIX,0.30
2026-11-13T20:00:00Z,eu-west-1b,g5.2xlarge,Linux/UNIX,0.34
2026-11-13T20:00:00Z,eu-west-1b,g4dn.xlarge,Linux/UNIX,0.2
";

fn project() -> Project {
    Project::with(SPEC).file("prices.csv", HISTORY)
}

fn json(project: &Project, args: &[&str]) -> Value {
    let args = [&["prices", "--history", "prices.csv", "--format", "json"], args].concat();
    serde_json::from_str(&project.run(&args).exits(0).stdout()).expect("JSON")
}

#[test]
fn a_file_is_drawn_against_the_limit_of_the_spec() {
    let run = project().run(&["prices", "--history", "prices.csv", "--on-demand-price", "1.212"]).exits(0);
    snapbox::assert_data_eq!(
        run.stdout(),
        snapbox::str![[r#"
gpu: g5.2xlarge, Linux/UNIX, 2026-11-13 20:00 to 2026-11-23 20:00 UTC

eu-west-1a
        │╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌ On-Demand 1.212
   1.00 ┤
        │
   0.50 ┤╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌ limit 0.4675
        │▃▃▃▃▃▃▃▃▃▃▃▃▃▃▃▃▃▃▃▃▃▃▃▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄
   0.00 ┤████████████████████████████████████████████████████
        └────────────────────────────────────────────────────
               15 Nov    17 Nov    19 Nov     21 Nov    23 Nov

eu-west-1b
        │╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌ On-Demand 1.212
   1.00 ┤
        │
   0.50 ┤╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌·▇▇▇▇▇ limit 0.4675
        │▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▅▇█████
   0.00 ┤████████████████████████████████████████████████████
        └────────────────────────────────────────────────────
               15 Nov    17 Nov    19 Nov     21 Nov    23 Nov

zone            now     mean weighted      p95 worth it
eu-west-1a   0.3100   0.3133   0.3165   0.3300    100 %
eu-west-1b   0.6000   0.4700   0.3660   0.6000   90.0 %
any zone                                          100 %

USD per instance-hour. Spot is worth it up to 0.4675: the max price of 0.55 less
a headroom of 15%, compared with the dearer of the price now and its average
over 1h.
On-Demand costs 1.212; Spot in eu-west-1a was 74 % less on weighted average.

"#]]
    );
    run.says(&["prices.csv also has prices of g4dn.xlarge, Linux/UNIX (1)"]);
}

#[test]
fn the_numbers_are_those_of_the_policy() {
    let project = project();
    let all = json(&project, &[]);
    let prices = &all["prices"][0];
    assert_eq!((&prices["pair"], &prices["limit"]), (&"gpu".into(), &(0.55 * 0.85).into()));
    assert_eq!((&prices["start"], &prices["end"]), (&"2026-11-13T20:00:00Z".into(), &"2026-11-23T20:00:00Z".into()));
    let b = &prices["zones"][1];
    assert_eq!((&b["zone"], &b["now"], &b["worth_it"]), (&"eu-west-1b".into(), &0.6.into(), &0.9.into()));
    assert!((b["weighted_mean"].as_f64().expect("a mean") - 0.366).abs() < 1e-9, "{b}");
    assert_eq!(prices["worth_it_anywhere"], 1.0);

    let day = json(&project, &["--since", "1d", "--headroom", "0%", "--max-price", "0.2"]);
    let zones = &day["prices"][0]["zones"];
    assert_eq!((&zones[0]["mean"], &zones[0]["weighted_mean"]), (&0.32.into(), &0.33.into()), "0.33 is carried in");
    assert_eq!(day["prices"][0]["worth_it_anywhere"], 0.0);
    assert_eq!(
        json(&project, &["--instance-type", "g4dn.xlarge"])["prices"][0]["limit"],
        Value::Null,
        "no spec, no limit"
    );
}

#[test]
fn what_is_written_as_csv_is_read_again() {
    let project = project();
    let csv = project.run(&["prices", "--history", "prices.csv", "--format", "csv"]).exits(0).stdout();
    let again = Project::with(SPEC).file("prices.csv", &csv);
    assert_eq!(json(&again, &[]), json(&project, &[]));
    assert_eq!(csv.lines().count(), 6);
}

#[test]
fn pages_and_pictures_need_nothing_else() {
    let project = project();
    let args =
        ["prices", "--history", "prices.csv", "--html", "p.html", "--svg", "p.svg", "--quiet", "--format", "json"];
    let numbers: Value = serde_json::from_str(&project.run(&args).exits(0).stdout()).expect("JSON");
    let (page, picture) = (project.read("p.html"), project.read("p.svg"));
    for text in [&page, &picture] {
        let elsewhere = text.replace("http://www.w3.org/2000/svg", "");
        for wrong in ["http:", "https:", "url(", "@import", "<script", "<link", "src="] {
            assert!(!elsewhere.contains(wrong), "{wrong}");
        }
        assert!(
            text.contains("prefers-color-scheme: dark") && text.contains("role=\"img\"") && text.contains("<desc>")
        );
    }
    for zone in numbers["prices"][0]["zones"].as_array().into_iter().flatten() {
        for key in ["now", "mean", "weighted_mean", "p95"] {
            let cell = format!("<td>{:.4}</td>", zone[key].as_f64().expect("a number"));
            assert!(page.contains(&cell), "{cell}");
        }
    }
    project
        .run(&["prices", "--history", "prices.csv", "--html", "no/such.html"])
        .exits(1)
        .says(&["cannot write `no/such.html`"]);
}

#[test]
fn what_cannot_be_shown_is_refused() {
    let project =
        project().file("bad.csv", HISTORY.replace("0.60", "cheap")).file("empty.json", "{\"SpotPriceHistory\": []}");
    for (args, says) in [
        (&["--history", "bad.csv"][..], &["bad.csv:3: SpotPrice is no price in USD: `cheap`"][..]),
        (&["--history", "empty.json"], &["`empty.json` holds no Spot price"]),
        (&["--history", "none.json"], &["cannot read `none.json`"]),
        (&["--history", "."], &["cannot read `.`"]),
        (
            &["--history", "prices.csv", "--instance-type", "p3.2xlarge"],
            &["holds no Spot price of p3.2xlarge", "it has g4dn.xlarge, Linux/UNIX; g5.2xlarge, Linux/UNIX"],
        ),
        (&["--history", "prices.csv", "--since", "0s"], &["--since is more than 0s"]),
        (&["--since", "91d"], &["EC2 remembers Spot prices for 90d, and 91d were asked for"]),
        (&["nobody"], &["the spec has no pair `nobody`", "the spec has gpu"]),
        (&["--max-price", "0"], &["a price is USD per instance-hour, such as 0.55"]),
    ] {
        project.run(&[&["prices"], args].concat()).exits(1).says(says);
    }
    Project::empty()
        .run(&["prices"])
        .exits(1)
        .says(&["there is no `spotstack.yaml`", "--instance-type names an instance type"]);
    Project::empty()
        .file("prices.csv", HISTORY)
        .run(&["prices", "--history", "prices.csv"])
        .exits(1)
        .says(&["more than one kind"]);
    project.run(&["prices", "--region", "eu-west-1"]).exits(1).says(&["no AWS credentials were found"]);
}

#[test]
fn a_group_of_another_template_needs_its_type_said() {
    let spec = "\
stack: media
pairs:
  encode:
    groups: {stack: encoder, spot: asgGPUSpot, on_demand: asgGPU}
    queue: {arn: 'arn:aws:sqs:eu-west-1:111122223333:jobs'}
    spot: {max_price: 0.55}
";
    let project = Project::with(spec).file("prices.csv", HISTORY);
    let says = ["only AWS knows the instance type of `encode`", "`spotstack prices encode --instance-type TYPE`"];
    project.run(&["prices", "--history", "prices.csv"]).exits(1).says(&says);
    let found = json(&project, &["encode", "--instance-type", "g5.2xlarge"]);
    assert_eq!((&found["prices"][0]["pair"], &found["prices"][0]["max_price"]), (&"encode".into(), &0.55.into()));
}
