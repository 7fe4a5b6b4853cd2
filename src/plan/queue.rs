//! The queue of a pair.

use serde::Serialize;
use spot_policy::Seconds;

use super::{or, value};
use crate::spec;

/// The queue, created or existing.
#[derive(Debug, Clone, Serialize)]
pub struct Queue {
    /// The queue's name.
    pub name: String,
    /// The ARN of one that exists.
    pub arn: Option<String>,
    /// The URL of one that exists, as CloudFormation's `Fn::Sub` makes it.
    pub url: Option<String>,
    /// Whether it is a FIFO queue.
    pub fifo: bool,
    /// The dead-letter queue's name.
    pub dead_letter_name: String,
    /// Seconds.
    pub visibility_timeout: u64,
    /// Receives before a job goes to the dead-letter queue.
    pub dead_letter_after: u32,
}

impl Queue {
    pub(super) fn new(queue: &spec::Queue) -> Self {
        let arn = value(&queue.arn);
        let arn_parts: Option<Vec<&str>> = arn.as_deref().map(|arn| arn.split(':').collect());
        let name = match &arn_parts {
            Some(parts) => parts.last().copied().unwrap_or_default().to_owned(),
            None => value(&queue.name).unwrap_or_default(),
        };
        let fifo = name.ends_with(".fifo");
        // AWS's own URL scheme; the suffix is the partition's. `${!` is how `Fn::Sub` spells a `${` that it leaves alone.
        let url = arn_parts.filter(|parts| parts.len() == 6).map(|parts| {
            let [region, account, name] = [3, 4, 5].map(|index| parts[index].replace("${", "${!"));
            format!("https://sqs.{region}.${{AWS::URLSuffix}}/{account}/{name}")
        });
        Self {
            url,
            fifo,
            dead_letter_name: dead_letter_name(&name),
            visibility_timeout: or(&queue.visibility_timeout, Seconds::minutes(15)).0,
            dead_letter_after: or(&queue.dead_letter_after, 5),
            arn,
            name,
        }
    }
}

/// The name of a created queue's dead-letter queue: a FIFO queue's is one, too.
pub(crate) fn dead_letter_name(name: &str) -> String {
    match name.strip_suffix(".fifo") {
        Some(stem) => format!("{stem}-dead-letter.fifo"),
        None => format!("{name}-dead-letter"),
    }
}
