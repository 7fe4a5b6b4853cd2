//! One file per rule.

use super::{Found, InSpec, Node, Place, Rule, Severity, Subject};

macro_rules! rules {
    ($($module:ident),* $(,)?) => {
        $(pub(super) mod $module;)*

        /// Every rule: safety, then scaling, jobs, the spec's choices, cost, and comments.
        pub static RULES: [&Rule; [$(stringify!($module)),*].len()] = [$(&$module::RULE),*];
    };
}

rules![
    spec_error,
    wildcard_on_mutation,
    read_without_region,
    public_access,
    confused_deputy,
    secret_in_clear,
    imds_v1,
    volume_not_encrypted,
    public_address,
    twins_differ,
    dangling_reference,
    desired_capacity,
    spot_request_kind,
    spot_min_size,
    idle_alarm_ignores_in_flight,
    missing_data_breaching,
    alarm_without_action,
    queue_without_dead_letter,
    dead_letter_too_soon,
    visibility_timeout_short,
    protect_without_release,
    single_subnet,
    no_tick,
    launch_configuration,
    configuration_instance_type,
    existing_queue,
    own_instance_profile,
    dry_run,
    kms_key,
    detailed_monitoring,
    high_resolution_alarm,
    dashboard_cost,
    dear_pair,
    log_retention,
    reserved_concurrency,
    unknown_allow,
    needless_allow,
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
