use std::sync::LazyLock;

use proptest::prelude::*;
use proptest::sample::Index;

use super::markdown::{Heading, LARGEST, markdown};
use super::text::lines;
use super::*;
use crate::template::Template;

const GOLDENS: [&str; 5] = [
    include_str!("../../../tests/golden/gpu-renderer.template.yaml"),
    include_str!("../../../tests/golden/two-pairs.template.yaml"),
    include_str!("../../../tests/golden/launch-configurations.template.yaml"),
    include_str!("../../../tests/golden/existing-queue.template.yaml"),
    include_str!("../../../tests/golden/minimal.template.yaml"),
];

const HEADING: Heading<'static> = Heading { stack: "media", before: "a", after: "b" };

fn golden() -> &'static str {
    GOLDENS[0]
}

fn read(text: &str) -> Document {
    Document::read(text).expect("a template")
}

/// The review of a golden in which a text is replaced by another.
fn changed(from: &str, to: &str) -> Review {
    assert!(golden().contains(from), "{from}");
    diff(&read(golden()), &read(&golden().replace(from, to)))
}

/// The review of a golden in which the values at these pointers are others.
fn edited(edits: &[(&str, Json)]) -> Review {
    let mut after = JSON[0].clone();
    for (pointer, value) in edits {
        let (parent, key) = pointer.rsplit_once('/').expect("a pointer");
        // A resource without properties gets some.
        if after.pointer(parent).is_none() {
            let (resource, name) = parent.rsplit_once('/').expect("a pointer");
            after.pointer_mut(resource).expect("a resource")[name] = Json::Object(Map::new());
        }
        match after.pointer_mut(parent).expect("a place") {
            Json::Array(items) => items[key.parse::<usize>().expect("an index")] = value.clone(),
            place => place[key] = value.clone(),
        }
    }
    diff(&read(golden()), &Document::new(after))
}

fn told(review: &Review) -> Vec<(Part, Mark, &str)> {
    let of = |section: &Section| -> Vec<_> {
        section.items.iter().map(|item| (section.part, item.mark, item.logical_id.clone())).collect()
    };
    let all: Vec<_> = review.sections.iter().flat_map(of).collect();
    let items: Vec<&Item> = review.items().collect();
    all.into_iter().zip(items).map(|((part, mark, _), item)| (part, mark, item.logical_id.as_str())).collect()
}

#[test]
fn a_template_does_not_differ_from_itself_in_any_form() {
    let bare = |properties: &str| read(&format!("Resources: {{T: {{Type: AWS::SNS::Topic{properties}}}}}"));
    assert!(diff(&bare(""), &bare(", Properties: {}")).is_empty());
    for golden in GOLDENS {
        let yaml = read(golden);
        let json = Template::new(golden.to_owned()).expect("a template").to_json();
        for other in [golden.to_owned(), serde_json::to_string_pretty(&json).expect("JSON"), json.to_string()] {
            assert!(diff(&yaml, &read(&other)).is_empty());
            assert!(diff(&read(&other), &yaml).is_empty());
        }
    }
}

#[test]
fn a_price_is_one_change_and_says_what_it_means() {
    let review = changed("MaxPrice: \"0.55\"", "MaxPrice: \"0.7\"");
    assert_eq!(
        review.to_string(),
        "\
Spot
   ~ GpuSpotLaunch                gpu: what a worker is, bought Spot
       LaunchTemplateData.InstanceMarketOptions.SpotOptions.MaxPrice: 0.55 → 0.7
       => instances keep running; new ones are launched the new way
0 to add, 1 to change, 0 to replace, 0 to remove"
    );
}

#[test]
fn a_queue_s_new_name_replaces_it_and_reaches_whoever_names_it() {
    let review = changed("QueueName: render-jobs\n", "QueueName: frames\n");
    assert_eq!(told(&review), [(Part::Replaced, Mark::Replace, "GpuQueue")]);
    let item = review.items().next().expect("an item");
    assert_eq!(item.changes[0].replacement, Replacement::Always);
    assert_eq!(item.consequence, Some("replaced by an empty one; the old one stays in AWS with its jobs"));
    let followers: Vec<_> = review.follows.iter().map(|f| (f.logical_id.as_str(), f.replacement)).collect();
    assert!(followers.contains(&("GpuSpotManager", Replacement::Never)), "{followers:?}");
    assert!(followers.iter().all(|(_, replacement)| *replacement == Replacement::Never), "{followers:?}");
}

#[test]
fn a_replacement_is_followed_through_what_cannot_change_its_name() {
    let review = edited(&[("/Resources/GpuAlarmTopic/Properties/TopicName", "alarms".into())]);
    let replaced: Vec<_> =
        review.follows.iter().filter(|f| f.replacement == Replacement::Always).map(|f| f.logical_id.as_str()).collect();
    assert_eq!(replaced, ["GpuAlarmSubscription", "GpuAlarmPermission"]);
    assert_eq!(review.summary(), "0 to add, 0 to change, 3 to replace, 0 to remove");
}

#[test]
fn permissions_and_network_come_first() {
    let properties = |id: &str, rest: &str| format!("/Resources/{id}/Properties/{rest}");
    let review = edited(&[
        (&properties("GpuSpotLaunch", "LaunchTemplateData/InstanceMarketOptions/SpotOptions/MaxPrice"), "0.7".into()),
        (&properties("GpuWorkerRole", "Policies/0/PolicyDocument/Statement/0/Action/0"), "sqs:*".into()),
        (&properties("GpuSpotGroup", "VPCZoneIdentifier/2"), "subnet-new".into()),
        (&properties("GpuOnDemandGroup", "VPCZoneIdentifier/2"), "subnet-new".into()),
    ]);
    let parts: Vec<_> = told(&review).into_iter().map(|(part, _, id)| (part, id)).collect();
    assert_eq!(
        parts,
        [
            (Part::Permissions, "GpuWorkerRole"),
            (Part::Permissions, "GpuSpotGroup"),
            (Part::Permissions, "GpuOnDemandGroup"),
            (Part::Spot, "GpuSpotLaunch"),
        ]
    );
    let text = review.to_string();
    assert!(text.contains(".Action\n         - sqs:ReceiveMessage\n         + sqs:*\n"), "{text}");
}

#[test]
fn a_launch_of_another_kind_is_refused_by_cloudformation() {
    let review = changed("Type: AWS::EC2::LaunchTemplate", "Type: AWS::AutoScaling::LaunchConfiguration");
    assert_eq!(
        told(&review),
        [(Part::Replaced, Mark::Impossible, "GpuSpotLaunch"), (Part::Replaced, Mark::Impossible, "GpuOnDemandLaunch")]
    );
    assert!(review.summary().ends_with("2 that CloudFormation refuses"));
}

#[test]
fn a_launch_configuration_is_a_new_one_each_time_and_nothing_is_lost() {
    let golden = GOLDENS[2];
    let review = diff(&read(golden), &read(&golden.replace("SpotPrice: \"", "SpotPrice: \"1")));
    assert_eq!(told(&review), [(Part::Spot, Mark::Replace, "GpuSpotLaunch")]);
    let text = review.to_string();
    assert!(text.contains("=> instances keep running; new ones are launched the new way"), "{text}");
    assert!(text.contains("   ~ GpuSpotGroup                 names GpuSpotLaunch\n"), "{text}");
}

#[test]
fn a_group_with_a_policy_of_its_own_says_what_that_does() {
    let with =
        |policy: &str, zones: &str| {
            read(&golden().replace(
            "  GpuSpotGroup:\n    Type: AWS::AutoScaling::AutoScalingGroup\n",
            &format!("  GpuSpotGroup:\n    Type: AWS::AutoScaling::AutoScalingGroup\n    UpdatePolicy: {policy}\n"),
        ).replace("subnet-0a1b2c3d4e5f60003", zones))
        };
    let consequence = |policy: &str| {
        let review = diff(&with(policy, "subnet-1"), &with(policy, "subnet-2"));
        let item = review.items().find(|item| item.logical_id == "GpuSpotGroup").cloned().expect("changed");
        (item.mark, item.consequence.unwrap_or_default())
    };
    assert_eq!(
        consequence("{AutoScalingRollingUpdate: {MaxBatchSize: 1}}"),
        (Mark::Change, "its instances are replaced, some at a time")
    );
    assert_eq!(
        consequence("{AutoScalingReplacingUpdate: {WillReplace: true}}"),
        (Mark::Replace, "replaced: its instances are terminated")
    );
    assert_eq!(consequence("{AutoScalingReplacingUpdate: {WillReplace: false}}").0, Mark::Change);
}

#[test]
fn a_description_is_only_words() {
    let review = changed("Description: \"gpu: the jobs\"", "Description: \"gpu: frames\"");
    let item = review.items().next().expect("an item");
    assert_eq!(item.consequence, Some("only a description; nothing behaves otherwise"));
    assert_eq!(item.changes[0].path, "Metadata.Description");
}

#[test]
fn what_is_no_resource_is_told_too() {
    let text = golden()
        .replace("Value: !Ref GpuQueue", "Value: !GetAtt GpuQueue.QueueUrl")
        .replace("  GpuSpotGroupName:\n    Description: The Spot workers of gpu\n    Value: !Ref GpuSpotGroup\n", "")
        .replace("Description: Workers that eat", "Description: Workers that devour");
    let review = diff(&read(golden()), &read(&text));
    assert_eq!(told(&review), []);
    let document: Vec<_> =
        review.document.iter().map(|entry| (entry.section.as_str(), entry.name.as_str(), entry.mark)).collect();
    assert_eq!(
        document,
        [
            ("Description", "", Mark::Change),
            ("Outputs", "GpuQueueUrl", Mark::Change),
            ("Outputs", "GpuSpotGroupName", Mark::Remove)
        ]
    );
    let text = review.to_string();
    assert!(text.contains("Value: !Ref GpuQueue → !GetAtt GpuQueue.QueueUrl"), "{text}");
}

#[test]
fn renames_are_recognised() {
    let review = changed("  GpuAlarmTopic:\n", "  GpuTopicOfAlarms:\n");
    let new = review.items().find(|item| item.mark == Mark::Add).expect("added");
    assert_eq!((new.logical_id.as_str(), new.same_as.as_deref()), ("GpuTopicOfAlarms", Some("GpuAlarmTopic")));

    let review = changed("Gpu", "Cuda");
    assert_eq!(review.notes.len(), 1);
    assert!(review.notes[0].starts_with("Gpu… goes and Cuda… comes."), "{:?}", review.notes);
    assert!(markdown(&review, HEADING).contains("Gpu… goes and Cuda… comes"));
}

#[test]
fn a_new_stack_is_all_additions() {
    let review = diff(&Document::empty(), &read(golden()));
    assert_eq!(review.counts().add, read(golden()).resources().len());
    assert_eq!((review.items().filter(|item| item.mark != Mark::Add).count(), review.document.len()), (0, 0));
}

#[test]
fn nothing_that_is_shown_can_steer_a_terminal_or_a_page() {
    let evil = "\\u001b[31m\\u202e`|<script>@team ```\\n<!-- x";
    let review = changed("Description: \"gpu: the jobs\"", &format!("Description: \"{evil}\""));
    let text = review.to_string();
    assert!(!text.contains(['\u{1b}', '\u{202e}']), "{text}");
    let comment = markdown(&review, HEADING);
    let outside: String = comment.split("````").step_by(2).collect();
    for danger in ["<script", "@team", "\u{1b}", "\u{202e}", "<!-- x"] {
        assert!(!outside.contains(danger), "{danger} in {outside}");
    }
}

#[test]
fn a_comment_can_be_found_again_and_says_so_when_nothing_changes() {
    let same = diff(&read(golden()), &read(golden()));
    let comment = markdown(&same, HEADING);
    assert!(
        comment.starts_with("<!-- spotstack diff: media -->\n### spotstack: `media` does not change\n"),
        "{comment}"
    );
    let comment = markdown(&changed("MaxPrice: \"0.55\"", "MaxPrice: \"0.7\""), HEADING);
    assert!(comment.starts_with("<!-- spotstack diff: media -->\n### spotstack: `media` changes\n"), "{comment}");
    assert!(comment.contains("| `~` | `GpuSpotLaunch` | gpu: what a worker is, bought Spot | `MaxPrice`: `0.55` → `0.7`<br>instances keep running; new ones are launched the new way |"), "{comment}");
}

#[test]
fn in_a_comment_the_signs_stand_where_they_colour() {
    let script = "/Resources/GpuSpotLaunch/Properties/LaunchTemplateData/UserData/Fn::Base64/Fn::Join/1/2";
    let comment = markdown(&edited(&[(script, "#!/bin/bash\n\n- done\n".into())]), HEADING);
    let fence = comment.split("```diff\n").nth(1).and_then(|rest| rest.split("```").next()).expect("a fence");
    let changed: Vec<_> = fence.lines().filter(|line| line.starts_with(['+', '-', '!'])).collect();
    assert_eq!(
        changed,
        [
            "! ~ GpuSpotLaunch                gpu: what a worker is, bought Spot",
            "-         echo working",
            "+",
            "+         - done"
        ]
    );
}

#[test]
fn a_comment_always_fits() {
    // Five hundred resources, each with a text that changes in every line.
    let template = |word: &str| {
        let lines: String = (0..40).map(|line| format!("          {word} {line}\n")).collect();
        let resource = |index: usize| {
            format!(
                "  R{index}:\n    Type: AWS::CloudWatch::Dashboard\n    Metadata: {{Description: {}}}\n    Properties:\n      DashboardBody: |\n{lines}",
                "x".repeat(300)
            )
        };
        read(&format!("Resources:\n{}", (0..500).map(resource).collect::<String>()))
    };
    let comment = markdown(&diff(&template("a"), &template("b")), HEADING);
    assert!(comment.len() <= LARGEST, "{}", comment.len());
    assert!(comment.contains("more, which do not fit here"));
    let table_only = "…and ";
    assert!(comment.contains(table_only) && comment.trim_end().ends_with("</sub>"));
}

#[test]
fn our_own_words_fit_eighty_columns() {
    for text in [
        golden().replace("QueueName: render-jobs", "QueueName: frames"),
        golden().replace("MaxSize: \"4\"", "MaxSize: \"6\""),
        golden().replace("echo working", "echo resting"),
        golden().replace("Gpu", "Cuda"),
    ] {
        let review = diff(&read(golden()), &read(&text));
        for line in lines(&review, 80).iter().flat_map(|line| text::fold(line, 80)) {
            assert!(line.text.chars().count() <= 80, "{line}");
        }
    }
}

/// Every scalar of a value, by the way to it.
fn leaves(value: &Json, way: Vec<String>, found: &mut Vec<Vec<String>>) {
    let deeper = |word: String| way.iter().cloned().chain([word]).collect::<Vec<_>>();
    match value {
        Json::Object(map) => map.iter().for_each(|(key, value)| leaves(value, deeper(key.clone()), found)),
        Json::Array(items) => {
            items.iter().enumerate().for_each(|(index, value)| leaves(value, deeper(index.to_string()), found))
        }
        _ => found.push(way),
    }
}

fn pointer(way: &[String]) -> String {
    way.iter().map(|word| format!("/{}", word.replace('~', "~0").replace('/', "~1"))).collect()
}

/// The goldens as JSON, read once.
static JSON: LazyLock<Vec<Json>> = LazyLock::new(|| {
    GOLDENS.iter().map(|golden| Template::new((*golden).to_owned()).expect("a template").to_json()).collect()
});

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_change_anywhere_is_found_there_and_nowhere_else(golden in 0..GOLDENS.len(), place: Index, remove: bool) {
        let before = JSON[golden].clone();
        let mut ways = Vec::new();
        leaves(&before, Vec::new(), &mut ways);
        let way = place.get(&ways);
        let mut after = before.clone();
        let parent = after.pointer_mut(&pointer(&way[..way.len() - 1])).expect("a parent");
        let last = way.last().expect("a word");
        match parent {
            Json::Object(map) if remove => { map.remove(last); }
            Json::Array(items) if remove => { items.remove(last.parse().expect("an index")); }
            _ => *after.pointer_mut(&pointer(way)).expect("a leaf") = Json::from("another value"),
        }
        let (one, other) = (Document::new(before), Document::new(after));
        let review = diff(&one, &other);
        let items: Vec<&str> = review.items().map(|item| item.logical_id.as_str()).collect();
        match way[0].as_str() {
            "Resources" => {
                prop_assert_eq!(&items, &[way[1].as_str()]);
                prop_assert!(review.document.is_empty());
                let changes = &review.items().next().expect("an item").changes;
                prop_assert!(!changes.is_empty());
                // A type that changes is all that is said of a resource; a changed name moves its item.
                let top = if way[2] == "Properties" && way.len() > 3 { &way[3] } else { &way[2] };
                prop_assert!(changes.iter().all(|change| head(&change.path) == top), "{:?} {:?}", way, changes);
            }
            section => {
                prop_assert!(items.is_empty());
                prop_assert_eq!(review.document.len(), 1);
                prop_assert_eq!(&review.document[0].section, section);
            }
        }
        let text = review.to_string();
        prop_assert!(text.contains(way.get(1).filter(|_| way[0] != "Description").unwrap_or(&way[0]).as_str()), "{}", text);
        prop_assert!(markdown(&review, HEADING).len() <= LARGEST);
        // The other way round it is the same places.
        prop_assert_eq!(diff(&other, &one).items().count(), items.len());
    }

    #[test]
    fn equal_is_what_has_no_differences(a in value(), b in value()) {
        let mut found = Vec::new();
        compare(&a, &b, "", &mut found);
        prop_assert_eq!(found.is_empty(), same(&a, &b), "{:?}", found);
        found.clear();
        compare(&a, &a, "", &mut found);
        prop_assert!(found.is_empty());
        // Nothing is too odd to be shown.
        let change = ValueChange { path: "P".into(), before: Some(a), after: Some(b), replacement: Replacement::Never };
        let entry = Entry { section: "S".into(), name: "N".into(), mark: Mark::Change, changes: vec![change] };
        let review = Review { document: vec![entry], ..Review::default() };
        let escape = char::from(27);
        prop_assert!(!review.to_string().contains(escape));
        prop_assert!(markdown(&review, HEADING).contains("```"));
    }

    #[test]
    fn folding_loses_nothing(text in "[ a-z/]{0,300}", indent in 0usize..20, width in 40usize..120) {
        let line = text::Line { tone: text::Tone::Plain, text: format!("{}{text}", " ".repeat(indent)) };
        let folded = text::fold(&line, width);
        let bare = |text: &str| text.replace(' ', "");
        prop_assert_eq!(bare(&folded.iter().map(|line| line.text.clone()).collect::<String>()), bare(&line.text));
        prop_assert!(folded.iter().all(|line| line.text.chars().count() <= width));
    }
}

/// Small values of few words, so that two of them have much in common.
fn value() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        prop::sample::select(vec!["a", "b", "1", "true", "x\ny\n", "\u{1b}[0m", ""]).prop_map(Json::from),
        (0..3).prop_map(Json::from),
        any::<bool>().prop_map(Json::from),
        Just(Json::Null),
    ];
    let key = prop::sample::select(vec!["Sid", "Key", "Ref", "Fn::Sub", "Fn::Join", "Fn::GetAtt", "Value"]);
    leaf.prop_recursive(4, 24, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Json::from),
            prop::collection::btree_map(key.clone().prop_map(str::to_owned), inner, 0..3)
                .prop_map(|map| Json::Object(map.into_iter().collect())),
        ]
    })
}
