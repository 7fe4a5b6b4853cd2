//! One file per rule.

use super::{Found, InSpec, Node, Place, Rule, Severity, Subject};

mod alarm_without_action;
mod configuration_instance_type;
mod confused_deputy;
mod dangling_reference;
mod dashboard_cost;
mod dead_letter_too_soon;
mod dear_pair;
mod desired_capacity;
mod detailed_monitoring;
mod dry_run;
mod existing_queue;
mod high_resolution_alarm;
mod idle_alarm_ignores_in_flight;
mod imds_v1;
mod kms_key;
mod launch_configuration;
mod log_retention;
mod missing_data_breaching;
pub(super) mod needless_allow;
mod no_tick;
mod own_instance_profile;
mod protect_without_release;
mod public_access;
mod public_address;
mod queue_without_dead_letter;
mod read_without_region;
mod reserved_concurrency;
pub(super) mod secret_in_clear;
mod single_subnet;
pub(super) mod spec_error;
mod spot_min_size;
mod spot_request_kind;
mod twins_differ;
mod unknown_allow;
mod visibility_timeout_short;
mod volume_not_encrypted;
mod wildcard_on_mutation;

/// Every rule: safety, then scaling, jobs, the spec's choices, cost, and comments. `--list` has them in this order.
pub static RULES: [&Rule; 37] = [
    &spec_error::RULE,
    &wildcard_on_mutation::RULE,
    &read_without_region::RULE,
    &public_access::RULE,
    &confused_deputy::RULE,
    &secret_in_clear::RULE,
    &imds_v1::RULE,
    &volume_not_encrypted::RULE,
    &public_address::RULE,
    &twins_differ::RULE,
    &dangling_reference::RULE,
    &desired_capacity::RULE,
    &spot_request_kind::RULE,
    &spot_min_size::RULE,
    &idle_alarm_ignores_in_flight::RULE,
    &missing_data_breaching::RULE,
    &alarm_without_action::RULE,
    &queue_without_dead_letter::RULE,
    &dead_letter_too_soon::RULE,
    &visibility_timeout_short::RULE,
    &protect_without_release::RULE,
    &single_subnet::RULE,
    &no_tick::RULE,
    &launch_configuration::RULE,
    &configuration_instance_type::RULE,
    &existing_queue::RULE,
    &own_instance_profile::RULE,
    &dry_run::RULE,
    &kms_key::RULE,
    &detailed_monitoring::RULE,
    &high_resolution_alarm::RULE,
    &dashboard_cost::RULE,
    &dear_pair::RULE,
    &log_retention::RULE,
    &reserved_concurrency::RULE,
    &unknown_allow::RULE,
    &needless_allow::RULE,
];

/// The names of the queue metrics that an alarm looks at.
fn queue_metrics<'a>(alarm: &Node<'a>) -> Vec<Node<'a>> {
    let metrics = alarm.property("Metrics").map(|metrics| metrics.items()).unwrap_or_default();
    let theirs = metrics.into_iter().filter_map(|metric| metric.get("MetricStat")?.get("Metric"));
    let of_queues = |metric: &Node<'a>| metric.get("Namespace").is_some_and(|namespace| namespace.value == "AWS/SQS");
    theirs.chain(alarm.get("Properties")).filter(of_queues).filter_map(|metric| metric.get("MetricName")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_explains_itself() {
        for rule in RULES {
            assert!(rule.id.chars().all(|char| char.is_ascii_lowercase() || char.is_ascii_digit() || char == '-'));
            assert!(rule.sentence.ends_with('.') && !rule.sentence.contains('\n'), "{}", rule.id);
            assert!(!rule.fix.ends_with('.') && rule.fix.len() > 15, "{}", rule.id);
            assert!(rule.why.len() > 100 && rule.why.ends_with('.'), "{}", rule.id);
            assert!(rule.source.starts_with("https://"), "{}", rule.id);
            assert!(!rule.why.contains("  "), "{}", rule.id);
            assert!(RULES.iter().filter(|other| other.id == rule.id).count() == 1, "{}", rule.id);
        }
    }

    #[test]
    fn a_rule_is_found_by_its_id() {
        assert_eq!(Rule::named("no-tick").map(|rule| rule.id), Ok("no-tick"));
        assert_eq!(Rule::named("notick").map(|rule| rule.id), Err(Some("no-tick")));
        assert_eq!(Rule::named("wildcard").map(|rule| rule.id), Err(Some("wildcard-on-mutation")));
        assert_eq!(Rule::named("zzz").map(|rule| rule.id), Err(None));
    }
}
