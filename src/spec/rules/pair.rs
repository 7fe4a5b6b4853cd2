//! A pair by itself.

use serde_saphyr::Location;
use spot_policy::{Revert, Seconds};

use super::shape::{all, is_address};
use super::{Findings, launch};
use crate::plan;
use crate::spec::arn::Arn;
use crate::spec::problem::Problem;
use crate::spec::{At, Groups, LaunchKind, Manager, Pair, Queue, ScaleUp, Spec, Spot, Workers};

/// The retentions that CloudWatch Logs knows, in days.
const RETENTIONS: [u64; 22] =
    [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653];

pub(super) fn check(place: Location, pair: &Pair, spec: &Spec, found: &mut Findings) {
    match (&pair.launch, &pair.groups) {
        (None, None) => {
            let message = "a pair has a `launch:` block, or the `groups:` that another template made";
            found.push(Problem::at(place, "this pair has neither", message));
        }
        (Some(launch), Some(groups)) => {
            let message = "a pair has either a `launch:` block or `groups:`";
            found.push(
                Problem::at(groups.referenced, "groups that are there", message)
                    .and(launch.referenced, "groups to make")
                    .help("what the workers of existing groups are is said where the groups are made"),
            );
        }
        _ => {}
    }
    if let Some(given) = &pair.groups {
        groups(&given.value, spec, found);
    }
    queue(&pair.queue, found);
    if let Some(launch) = &pair.launch {
        launch::check(&launch.value, &pair.spot, found);
    }
    spot(&pair.spot, found);
    workers(&pair.workers, &pair.spot, found);
    alarms(pair, found);
    manager(&pair.manager, found);
    launch_instances(pair, found);
}

fn groups(groups: &Groups, spec: &Spec, found: &mut Findings) {
    if let Some(stack) = &groups.stack {
        found.stack_name(stack);
        if stack.value == spec.stack.value {
            found.push(
                Problem::at(stack.referenced, "and this", "the groups of this very stack are not another template's")
                    .and(spec.stack.referenced, "this stack")
                    .help("name the stack that made them, or give the pair a `launch:` block"),
            );
        }
    }
    for name in [&groups.spot, &groups.on_demand] {
        match &groups.stack {
            Some(_) => found.require(
                name.value.len() <= 1_024
                    && name.value.split('/').all(|id| !id.is_empty() && id.len() <= 255 && all(id, "")),
                name,
                "letters and digits; `Nested/id` names one in a nested stack",
                |name| format!("`{name}` cannot be a logical id"),
            ),
            None => found.require(
                plan::is_group_name(&name.value),
                name,
                "1 to 255 plain characters, without `:`, `*`, `?` and `$`",
                |name| format!("`{name}` cannot be managed as an Auto Scaling group's name"),
            ),
        }
    }
    if groups.spot.value == groups.on_demand.value {
        found.push(
            Problem::at(groups.on_demand.referenced, "and here", "a pair is two groups, and these are one")
                .and(groups.spot.referenced, "here"),
        );
    }
}

fn queue(queue: &At<Queue>, found: &mut Findings) {
    let place = queue.referenced;
    let queue = &queue.value;
    match (&queue.name, &queue.arn) {
        (None, None) => {
            let message = "a queue has a `name`, or the `arn` of one that exists";
            let problem = Problem::at_key(place, "queue", "this queue", message);
            found.push(problem);
        }
        (Some(name), Some(arn)) => found.push(
            Problem::at(arn.referenced, "one that exists", "a queue has either a `name` or an `arn`")
                .and(name.referenced, "one to create"),
        ),
        (Some(name), None) => {
            let stem = name.value.strip_suffix(".fifo").unwrap_or(&name.value);
            found.require(
                !stem.is_empty() && name.value.len() <= 80 && all(stem, "-_"),
                name,
                "letters, digits, `-`, `_`; at most 80",
                |name| format!("`{name}` cannot be a queue's name"),
            );
            let aside = plan::dead_letter_name(&name.value);
            if name.value.len() <= 80 && aside.len() > 80 {
                let message = format!("the dead-letter queue would be `{aside}`, {} characters long", aside.len());
                let most = name.value.len() - (aside.len() - 80);
                let problem = Problem::at(name.referenced, format!("at most {most} characters here"), message);
                found.push(problem.help("a queue's name has at most 80 characters"));
            }
        }
        (None, Some(arn)) => {
            let holds = Arn::parse(&arn.value).is_some_and(|parts| {
                let stem = parts.resource.strip_suffix(".fifo").unwrap_or(parts.resource);
                let named = !stem.is_empty() && parts.resource.len() <= 80 && all(stem, "-_");
                parts.service == "sqs" && !parts.region.is_empty() && named
            });
            if !holds {
                let message = format!("`{}` is not the ARN of a queue", arn.value);
                let problem = Problem::at(arn.referenced, "not an SQS queue's", message);
                found.push(problem.help("such as arn:aws:sqs:eu-west-1:111122223333:render-jobs"));
            }
            let theirs = [
                ("visibility_timeout", queue.visibility_timeout.as_ref().map(|value| value.referenced)),
                ("dead_letter_after", queue.dead_letter_after.as_ref().map(|value| value.referenced)),
            ];
            for (key, place) in theirs.into_iter().filter_map(|(key, place)| Some((key, place?))) {
                let message = format!("`{key}` is only for a queue that this stack creates");
                found.push(
                    Problem::at(place, "cannot be set here", message).and(arn.referenced, "this one exists already"),
                );
            }
        }
    }
    found.within(&queue.visibility_timeout, "visibility_timeout", Seconds(30), Seconds::minutes(12 * 60));
    found.within(&queue.dead_letter_after, "dead_letter_after", 1, 1_000);
}

fn spot(spot: &Spot, found: &mut Findings) {
    for (name, price) in [("max_price", &spot.max_price), ("on_demand_price", &spot.on_demand_price)] {
        let Some(price) = price else { continue };
        // EC2 refuses 0.001 and less when it launches, which is too late to learn it.
        found.require(
            price.value.is_finite() && price.value > 0.001 && price.value < 10_000.0,
            price,
            "USD per instance-hour, above 0.001",
            |price| format!("`{name}` is {price}"),
        );
    }
    if let Some(headroom) = &spot.headroom {
        found.require(headroom.value.fraction() < 1.0, headroom, "nothing is left of the max price", |given| {
            format!("`headroom` is {given}")
        });
    }
    found.within(&spot.window, "window", Seconds::minutes(1), Seconds::minutes(30 * 24 * 60));
    found.within(&spot.patience, "patience", Seconds(0), Seconds::minutes(24 * 60));
    found.within(&spot.hold, "hold", Seconds::minutes(1), Seconds::minutes(24 * 60));
}

fn workers(workers: &Workers, spot: &Spot, found: &mut Findings) {
    found.within(&workers.max, "max", 1, 1_000);
    found.within(&workers.base, "base", 0, 1_000);
    found.within(&workers.jobs_per_worker, "jobs_per_worker", 1, 100_000);
    let max = workers.max.as_ref().map_or(plan::DEFAULT_MAX, |max| max.value);
    if let Some(base) = workers.base.as_ref().filter(|base| base.value > max) {
        let problem = Problem::at(base.referenced, format!("{} always on", base.value), "`base` is more than `max`");
        found.push(match &workers.max {
            Some(limit) => problem.and(limit.referenced, format!("but {max} at most")),
            None => problem.help(format!("`max` is {max} where it is not given")),
        });
    }
    let Some((revert, Revert::After(after))) = spot.revert.as_ref().map(|revert| (revert, revert.value)) else {
        return;
    };
    found.require(after >= Seconds::minutes(1), revert, "at least 1m", |given| format!("`revert` is {given}"));
    if !workers.protect.as_ref().is_some_and(|protect| protect.value) {
        let problem = Problem::at(
            revert.referenced,
            "would end busy workers",
            "`revert` by a duration retires On-Demand workers while there are jobs, which is only safe with `protect: true`",
        );
        let problem = match &workers.protect {
            Some(protect) => problem.and(protect.referenced, "off here"),
            None => problem,
        };
        found.push(problem.help(
            "set `workers: protect: true` and have the worker drop its protection when it is free, or `revert: idle`",
        ));
    }
}

fn alarms(pair: &Pair, found: &mut Findings) {
    let (waiting, idle) = (&pair.alarms.jobs_waiting, &pair.alarms.idle);
    found.within(&waiting.threshold, "threshold", 1, 1_000_000);
    found.whole_minutes(&waiting.period, "period", Seconds::minutes(1), Seconds::minutes(60));
    found.within(&waiting.periods, "periods", 1, 60);
    found.whole_minutes(&idle.after, "after", Seconds::minutes(1), Seconds::minutes(24 * 60));
}

fn manager(manager: &Manager, found: &mut Findings) {
    if manager.reconcile.as_ref().is_some_and(|tick| tick.value > Seconds(0)) {
        found.whole_minutes(&manager.reconcile, "reconcile", Seconds::minutes(1), Seconds::minutes(24 * 60));
    }
    found.within(&manager.memory, "memory", 128, 10_240);
    if let Some(retention) = &manager.log_retention {
        let days = retention.value.0 / 86_400;
        let known = retention.value.0.is_multiple_of(86_400) && RETENTIONS.contains(&days);
        if !known {
            let message = format!("CloudWatch Logs cannot keep a log for {}", retention.value);
            let days: Vec<String> = RETENTIONS.iter().map(|days| format!("{days}d")).collect();
            let problem = Problem::at(retention.referenced, "not a retention", message);
            found.push(problem.help(format!("one of {}", days.join(", "))));
        }
    }
    if let Some(whom) = &manager.notify {
        notify(whom, found);
    }
}

/// Whom notices go to: an e-mail address, which gets a topic of its own, or a topic that exists. A FIFO topic has no
/// subscribers who are people. <https://docs.aws.amazon.com/sns/latest/dg/sns-fifo-topics.html>
fn notify(whom: &At<String>, found: &mut Findings) {
    let text = whom.value.as_str();
    if !text.starts_with("arn:") {
        let label = "such as ops@example.com, or a topic's ARN";
        found
            .require(is_address(text), whom, label, |whom| format!("`{whom}` is neither an e-mail address nor an ARN"));
        return;
    }
    let topic = Arn::parse(text).filter(|arn| arn.service == "sns" && !arn.region.is_empty());
    let name = topic.map(|arn| arn.resource);
    if name.is_some_and(|name| name.ends_with(".fifo")) {
        let problem =
            Problem::at(whom.referenced, "a FIFO topic", "notices are for people, whom no FIFO topic reaches");
        found.push(problem.help("name a standard topic, or an e-mail address"));
        return;
    }
    let holds = name.is_some_and(|name| (1..=256).contains(&name.len()) && all(name, "-_"));
    let label = "such as arn:aws:sns:eu-west-1:111122223333:operators";
    found.require(holds, whom, label, |whom| format!("`{whom}` is not the ARN of an SNS topic"));
}

/// `LaunchInstances` answers at once, so there is nothing to be patient about, and it launches from launch templates only.
/// <https://docs.aws.amazon.com/autoscaling/ec2/userguide/launch-instances-synchronously.html>
fn launch_instances(pair: &Pair, found: &mut Findings) {
    let Some(way) = pair.manager.scale_up.as_ref().filter(|way| way.value == ScaleUp::LaunchInstances) else { return };
    let mut refuse = |place: Location, label: &str, message: &str, help: &str| {
        found.push(Problem::at(place, label, message).and(way.referenced, "asked for here").help(help));
    };
    let policy = "or leave `scale_up` at `policy`";
    let kind = pair.launch.as_ref().and_then(|launch| launch.value.kind.as_ref());
    if let Some(kind) = kind.filter(|kind| kind.value == LaunchKind::Configuration) {
        let message = "LaunchInstances takes launch templates only";
        refuse(kind.referenced, "not a template", message, &format!("take `kind: template`, {policy}"));
    }
    if let Some(groups) = &pair.groups {
        let message = "LaunchInstances is for groups that this stack makes";
        let help = "another template's launch definition is not known here; leave `scale_up` at `policy`";
        refuse(groups.referenced, "another template's", message, help);
    }
    if let Some(patience) = pair.spot.patience.as_ref().filter(|patience| patience.value > Seconds(0)) {
        let message = "LaunchInstances answers at once, and On-Demand takes the rest in the same moment";
        refuse(patience.referenced, "would wait", message, &format!("leave `patience` at 0s, {policy}"));
    }
}
