//! For the tests of rules: a sound spec, edited.

use super::{Finding, Report, Rule, check};
use crate::blueprint::{self, Blueprints};
use crate::plan::Plan;
use crate::spec;
use crate::template::Template;

/// A spec that no rule has anything to say about.
pub(super) const SPEC: &str = "\
stack: media-workers
tags: {team: media}
network:
  subnets: [subnet-0a1b2c3d4e5f60001, subnet-0a1b2c3d4e5f60002]
  security_groups: [sg-0a1b2c3d4e5f60001]
pairs:
  gpu:
    queue:
      name: render-jobs
    launch:
      instance_type: g5.2xlarge
      image: ami-0123456789abcdef0
      user_data: worker.sh
      volumes: [{device: /dev/xvda, size: 100}]
    spot:
      max_price: 0.55
    workers:
      max: 4
";

/// What makes a launch configuration of it.
pub(super) const CONFIGURATION: Edit<'_> = Edit::Spec("g5.2xlarge", "g5.2xlarge\n      kind: configuration");

/// A script that works a queue as it should.
const SCRIPT: &str = "#!/bin/bash\naws sqs change-message-visibility\naws autoscaling set-instance-protection\n";

/// What is replaced, everywhere, by what.
#[derive(Clone, Copy)]
pub(super) enum Edit<'a> {
    Spec(&'a str, &'a str),
    Template(&'a str, &'a str),
    Script(&'a str),
}

/// All there is to say about the sound spec after these edits.
#[track_caller]
pub(super) fn report(edits: &[Edit<'_>]) -> Report {
    let mut text = SPEC.to_owned();
    let mut script = SCRIPT;
    for edit in edits {
        match edit {
            Edit::Spec(from, to) => {
                assert!(text.contains(from), "`{from}` is not in:\n{text}");
                text = text.replace(from, to);
            }
            Edit::Script(other) => script = other,
            Edit::Template(..) => {}
        }
    }
    let spec = spec::parse(&text, Some(script)).expect("a spec");
    let plan = Plan::new(&spec, "spotstack.yaml");
    let mut rendered = blueprint::render(&plan, &Blueprints::default()).expect("a template");
    for edit in edits {
        if let Edit::Template(from, to) = edit {
            assert!(rendered.text.contains(from), "`{from}` is not in:\n{}", rendered.text);
            rendered.text = rendered.text.replace(from, to);
        }
    }
    check(&spec, &plan, &Template::unverified(rendered).expect("a template"))
}

/// Each row: the edits, and for every finding of the rule a part of its message.
#[track_caller]
pub(super) fn table(rule: &Rule, rows: &[(&[Edit<'_>], &[&str])]) {
    assert!(rows.iter().any(|(_, parts)| parts.is_empty()) && rows.iter().any(|(_, parts)| !parts.is_empty()));
    for (index, (edits, parts)) in rows.iter().enumerate() {
        let found: Vec<Finding> =
            report(edits).findings.into_iter().filter(|finding| finding.rule.id == rule.id).collect();
        let messages: Vec<&str> = found.iter().map(|finding| finding.message.as_str()).collect();
        assert_eq!(messages.len(), parts.len(), "row {index}: {messages:#?}");
        for (finding, part) in found.iter().zip(*parts) {
            assert!(finding.message.contains(part), "row {index}: `{part}` is not in `{}`", finding.message);
            assert!(finding.spec.is_some() || finding.template.is_some(), "row {index} has no place");
            if let Some(place) = &finding.template {
                assert!(place.line.is_some(), "row {index} has no line: {place:?}");
            }
        }
    }
}

#[test]
fn the_sound_spec_is_sound() {
    for edits in [&[][..], &[Edit::Spec("name: render-jobs", "name: render-jobs.fifo")]] {
        assert_eq!(report(edits).findings.len(), 0, "{:#?}", report(edits).findings);
    }
}
