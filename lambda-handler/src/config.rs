//! The pair and its policy, from the function's environment: the contract with the rendered template.

use std::fmt::Display;
use std::str::FromStr;

use spot_policy::Policy;

use crate::metrics::Metrics;

/// What the function was deployed to manage.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// The group that asks for Spot.
    pub spot: GroupNames,
    /// The group that asks for On-Demand.
    pub on_demand: GroupNames,
    /// The queue whose jobs are served.
    pub queue_url: String,
    /// Whose Spot price is read.
    pub instance_type: String,
    /// The platform whose Spot price is read, as EC2 names it: `Linux/UNIX`.
    pub product: String,
    /// When Spot, when On-Demand.
    pub policy: Policy,
    /// Decide and record, change nothing.
    pub dry_run: bool,
    /// Which runs write metrics.
    pub metrics: Metrics,
    /// How groups are scaled up.
    pub scale_up: ScaleUp,
    /// Who hears of the turns that the pair takes.
    pub notify: Option<Notify>,
}

/// How groups are scaled up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ScaleUp {
    /// By executing the group's scale-up policy: the group then launches by itself.
    #[default]
    Policy,
    /// By launching instances zone by zone, each answered at once.
    LaunchInstances,
}

impl FromStr for ScaleUp {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "policy" => Ok(Self::Policy),
            "launch_instances" => Ok(Self::LaunchInstances),
            _ => Err("expected `policy` or `launch_instances`".into()),
        }
    }
}

/// Who hears of the turns that a pair takes, and how the pair is called there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notify {
    /// The ARN of an SNS topic, in this Region or another one.
    pub topic: String,
    /// The stack's name.
    pub stack: String,
    /// The pair's name.
    pub pair: String,
    /// The Region that the pair is in.
    pub region: String,
}

impl Notify {
    /// The Region that the topic is in.
    pub fn topic_region(&self) -> &str {
        region_of_topic(&self.topic).unwrap_or(&self.region)
    }
}

/// A group and the policy that scales it up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupNames {
    /// `AutoScalingGroupName`.
    pub name: String,
    /// The ARN of its scale-up policy, which is one of this group's.
    pub scale_up: String,
}

/// What is wrong with the environment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// A variable is absent or empty.
    #[error("the environment variable `{0}` is not set")]
    Missing(&'static str),
    /// A variable says something else than it should.
    #[error("the environment variable `{variable}` is `{value}`: {expected}")]
    Invalid {
        /// Its name.
        variable: &'static str,
        /// What it says.
        value: String,
        /// What it should say.
        expected: String,
    },
}

impl Config {
    /// Reads the environment through `lookup`, such as `|name| std::env::var(name).ok()`. Every variable is required but
    /// `MAX_PRICE`, `METRICS`, `SCALE_UP` and `NOTIFY`, and what belongs to it.
    ///
    /// # Errors
    ///
    /// The first variable that is absent or wrong. A scale-up policy of another group is wrong: one function must never be
    /// able to scale what it does not watch.
    pub fn from_env(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let env = Environment(lookup);
        let policy = Policy {
            max_price: env.optional("MAX_PRICE", price)?,
            headroom: env.parsed("HEADROOM")?,
            window: env.parsed("WINDOW")?,
            patience: env.parsed("PATIENCE")?,
            hold: env.parsed("HOLD")?,
            revert: env.parsed("REVERT")?,
            max: env.read("MAX", positive)?,
            base: env.read("BASE", whole)?,
            jobs_per_worker: env.read("JOBS_PER_WORKER", positive)?,
            protect: env.read("PROTECT", switch)?,
        };
        Ok(Self {
            spot: env.group("SPOT_GROUP", "SPOT_SCALE_UP")?,
            on_demand: env.group("ON_DEMAND_GROUP", "ON_DEMAND_SCALE_UP")?,
            queue_url: env.read("QUEUE_URL", url)?,
            instance_type: env.required("INSTANCE_TYPE")?,
            product: env.required("PRODUCT")?,
            policy,
            dry_run: env.read("DRY_RUN", switch)?,
            metrics: env.optional("METRICS", str::parse)?.unwrap_or_default(),
            scale_up: env.optional("SCALE_UP", str::parse)?.unwrap_or_default(),
            notify: env.notify()?,
        })
    }
}

/// Variables, read with errors that name them.
struct Environment<F>(F);

impl<F: Fn(&str) -> Option<String>> Environment<F> {
    fn get(&self, variable: &str) -> Option<String> {
        (self.0)(variable).filter(|value| !value.is_empty())
    }

    fn required(&self, variable: &'static str) -> Result<String, ConfigError> {
        self.get(variable).ok_or(ConfigError::Missing(variable))
    }

    fn read<T>(&self, variable: &'static str, parse: fn(&str) -> Result<T, String>) -> Result<T, ConfigError> {
        let value = self.required(variable)?;
        parse(&value).map_err(|expected| ConfigError::Invalid { variable, value, expected })
    }

    fn optional<T>(
        &self,
        variable: &'static str,
        parse: fn(&str) -> Result<T, String>,
    ) -> Result<Option<T>, ConfigError> {
        self.get(variable).map(|_| self.read(variable, parse)).transpose()
    }

    fn parsed<T: FromStr<Err: Display>>(&self, variable: &'static str) -> Result<T, ConfigError> {
        self.read(variable, |value| value.parse().map_err(|error: T::Err| error.to_string()))
    }

    fn group(&self, name: &'static str, scale_up: &'static str) -> Result<GroupNames, ConfigError> {
        let group = self.required(name)?;
        let policy = self.required(scale_up)?;
        let invalid = |expected: String| ConfigError::Invalid { variable: scale_up, value: policy.clone(), expected };
        let owner = group_of_policy(&policy).ok_or_else(|| {
            invalid("expected the ARN of a scaling policy, `arn:…:autoScalingGroupName/GROUP:policyName/POLICY`".into())
        })?;
        if owner != group {
            return Err(invalid(format!("this policy belongs to the group `{owner}`, and `{name}` is `{group}`")));
        }
        Ok(GroupNames { name: group, scale_up: policy })
    }

    fn notify(&self) -> Result<Option<Notify>, ConfigError> {
        let Some(topic) = self.optional("NOTIFY", topic)? else { return Ok(None) };
        let (stack, pair) = (self.required("STACK")?, self.required("PAIR")?);
        Ok(Some(Notify { topic, stack, pair, region: self.required("AWS_REGION")? }))
    }
}

/// The Region in a topic's ARN, `arn:PARTITION:sns:REGION:ACCOUNT:NAME`.
fn region_of_topic(arn: &str) -> Option<&str> {
    match arn.split(':').collect::<Vec<_>>()[..] {
        ["arn", _, "sns", region, _, name] if !region.is_empty() && !name.is_empty() => Some(region),
        _ => None,
    }
}

fn topic(text: &str) -> Result<String, String> {
    let topic = region_of_topic(text).map(|_| text.to_owned());
    topic.ok_or_else(|| "expected the ARN of an SNS topic".into())
}

/// The group in a scaling policy's ARN,
/// `arn:PARTITION:autoscaling:REGION:ACCOUNT:scalingPolicy:UUID:autoScalingGroupName/GROUP:policyName/POLICY`. A group's name
/// has no colon in it (API reference, `CreateAutoScalingGroup`).
fn group_of_policy(arn: &str) -> Option<&str> {
    let mut parts = arn.splitn(9, ':');
    let is = |part: Option<&str>, expected: &str| part.is_some_and(|part| part == expected).then_some(());
    is(parts.next(), "arn")?;
    let _partition = parts.next()?;
    is(parts.next(), "autoscaling")?;
    let (_region, _account) = (parts.next()?, parts.next()?);
    is(parts.next(), "scalingPolicy")?;
    let _uuid = parts.next()?;
    let group = parts.next()?.strip_prefix("autoScalingGroupName/")?;
    let policy = parts.next()?.strip_prefix("policyName/")?;
    (!group.is_empty() && !policy.is_empty()).then_some(group)
}

fn price(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|price: &f64| price.is_finite() && *price > 0.0)
        .ok_or_else(|| "expected USD per instance-hour, such as `0.55`".into())
}

fn whole(text: &str) -> Result<u32, String> {
    text.parse().map_err(|_| "expected a whole number".into())
}

fn positive(text: &str) -> Result<u32, String> {
    whole(text).ok().filter(|&number| number > 0).ok_or_else(|| "expected a whole number, at least 1".into())
}

fn switch(text: &str) -> Result<bool, String> {
    text.parse().map_err(|_| "expected `true` or `false`".into())
}

fn url(text: &str) -> Result<String, String> {
    match text.split_once("://") {
        Some(("https" | "http", rest)) if !rest.is_empty() => Ok(text.to_owned()),
        _ => Err("expected the queue's URL, `https://…`".into()),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use spot_policy::{Revert, Seconds};

    use super::*;

    const SPOT_SCALE_UP: &str = "arn:aws:autoscaling:eu-west-1:111122223333:scalingPolicy:6f0e2c1d:autoScalingGroupName/gpu-spot:policyName/gpu-spot-up";
    const ON_DEMAND_SCALE_UP: &str = "arn:aws:autoscaling:eu-west-1:111122223333:scalingPolicy:8b1f4a7e:autoScalingGroupName/gpu-on-demand:policyName/gpu-on-demand-up";

    /// An environment as the template writes it.
    const ENVIRONMENT: [(&str, &str); 19] = [
        ("SPOT_GROUP", "gpu-spot"),
        ("ON_DEMAND_GROUP", "gpu-on-demand"),
        ("SPOT_SCALE_UP", SPOT_SCALE_UP),
        ("ON_DEMAND_SCALE_UP", ON_DEMAND_SCALE_UP),
        ("QUEUE_URL", "https://sqs.eu-west-1.amazonaws.com/111122223333/render-jobs"),
        ("INSTANCE_TYPE", "g5.2xlarge"),
        ("PRODUCT", "Linux/UNIX"),
        ("MAX_PRICE", "0.55"),
        ("HEADROOM", "15%"),
        ("WINDOW", "1h"),
        ("PATIENCE", "0s"),
        ("HOLD", "10m"),
        ("REVERT", "idle"),
        ("MAX", "4"),
        ("BASE", "0"),
        ("JOBS_PER_WORKER", "1"),
        ("PROTECT", "false"),
        ("DRY_RUN", "false"),
        ("AWS_REGION", "eu-west-1"),
    ];

    /// The configuration that [`ENVIRONMENT`] says, with some variables said otherwise.
    pub(crate) fn config(changes: &[(&str, &str)]) -> Result<Config, ConfigError> {
        Config::from_env(|name| {
            let lookup = |list: &[(&str, &str)]| {
                list.iter().find(|(variable, _)| *variable == name).map(|(_, value)| (*value).to_owned())
            };
            lookup(changes).or_else(|| lookup(&ENVIRONMENT))
        })
    }

    #[test]
    fn the_template_s_environment_is_read() {
        let config = config(&[]).expect("valid");
        assert_eq!(config.spot, GroupNames { name: "gpu-spot".into(), scale_up: SPOT_SCALE_UP.into() });
        assert_eq!(config.on_demand, GroupNames { name: "gpu-on-demand".into(), scale_up: ON_DEMAND_SCALE_UP.into() });
        assert_eq!(config.policy, Policy { max_price: Some(0.55), max: 4, ..Policy::default() });
        assert_eq!((config.instance_type.as_str(), config.product.as_str()), ("g5.2xlarge", "Linux/UNIX"));
        assert!(!config.dry_run);
        assert_eq!(config.metrics, Metrics::Changes);
    }

    #[test]
    fn values_beyond_the_defaults_are_read() {
        let changes = [("MAX_PRICE", ""), ("REVERT", "30m"), ("PROTECT", "true"), ("BASE", "1"), ("DRY_RUN", "true")];
        let config = config(&changes).expect("valid");
        assert_eq!(config.policy.max_price, None);
        assert_eq!(config.policy.revert, Revert::After(Seconds::minutes(30)));
        assert!(config.policy.protect && config.dry_run);
        assert_eq!(config.policy.base, 1);
    }

    #[test]
    fn the_readme_has_every_variable() {
        let readme = include_str!("../README.md");
        let section =
            readme.split("## Its environment").nth(1).and_then(|rest| rest.split("\n## ").next()).expect("it");
        for variable in ENVIRONMENT.map(|(variable, _)| variable).into_iter().chain(["METRICS", "SCALE_UP", "NOTIFY"]) {
            assert!(variable.starts_with("AWS_") || section.contains(&format!("`{variable}`")), "{variable}");
        }
    }

    #[test]
    fn every_variable_but_the_max_price_is_required() {
        for (variable, _) in ENVIRONMENT {
            let read = config(&[(variable, "")]);
            if matches!(variable, "MAX_PRICE" | "AWS_REGION") {
                assert!(read.is_ok(), "{variable}");
            } else {
                assert_eq!(read, Err(ConfigError::Missing(variable)), "{variable}");
            }
        }
    }

    #[test]
    fn what_is_wrong_is_said_with_name_value_and_what_was_expected() {
        for (variable, value, expected) in [
            ("MAX_PRICE", "free", "expected USD per instance-hour, such as `0.55`"),
            ("MAX_PRICE", "0", "expected USD per instance-hour, such as `0.55`"),
            ("MAX_PRICE", "NaN", "expected USD per instance-hour, such as `0.55`"),
            ("MAX_PRICE", "inf", "expected USD per instance-hour, such as `0.55`"),
            ("HEADROOM", "15", "`15` is not a percentage; write it as `15%`, between `0%` and `100%`"),
            ("WINDOW", "60", "`60` is not a duration; write it as `90s`, `5m`, `1h` or `30d`"),
            ("REVERT", "never", "`never` is neither `idle` nor a duration such as `30m`"),
            ("MAX", "0", "expected a whole number, at least 1"),
            ("MAX", "-1", "expected a whole number, at least 1"),
            ("BASE", "1.5", "expected a whole number"),
            ("JOBS_PER_WORKER", "0", "expected a whole number, at least 1"),
            ("PROTECT", "yes", "expected `true` or `false`"),
            ("DRY_RUN", "TRUE", "expected `true` or `false`"),
            ("METRICS", "some", "expected `off`, `changes` or `all`"),
            ("SCALE_UP", "launch", "expected `policy` or `launch_instances`"),
            ("NOTIFY", "ops@example.com", "expected the ARN of an SNS topic"),
            ("NOTIFY", "arn:aws:sqs:eu-west-1:111122223333:ops", "expected the ARN of an SNS topic"),
            ("QUEUE_URL", "render-jobs", "expected the queue's URL, `https://…`"),
        ] {
            let error = config(&[(variable, value)]).expect_err(value);
            assert_eq!(error.to_string(), format!("the environment variable `{variable}` is `{value}`: {expected}"));
        }
    }

    #[test]
    fn whoever_is_notified_has_a_topic_and_reads_whose_notice_it_is() {
        let topic = ("NOTIFY", "arn:aws:sns:us-east-1:999988887777:ops");
        let notify = config(&[topic, ("STACK", "media"), ("PAIR", "gpu")]).expect("valid").notify.expect("a topic");
        assert_eq!((notify.region.as_str(), notify.topic_region()), ("eu-west-1", "us-east-1"));
        assert_eq!((notify.stack.as_str(), notify.pair.as_str()), ("media", "gpu"));
        assert_eq!(config(&[topic, ("STACK", "media")]), Err(ConfigError::Missing("PAIR")));
        assert_eq!(config(&[]).expect("valid").notify, None);
    }

    #[test]
    fn a_scale_up_policy_must_belong_to_its_group() {
        let error = config(&[("SPOT_SCALE_UP", ON_DEMAND_SCALE_UP)]).expect_err("another group's").to_string();
        assert!(error.starts_with("the environment variable `SPOT_SCALE_UP` is `arn:aws:"), "{error}");
        assert!(error.ends_with("this policy belongs to the group `gpu-on-demand`, and `SPOT_GROUP` is `gpu-spot`"));
    }

    #[test]
    fn only_the_arn_of_a_scaling_policy_names_a_group() {
        let start = "arn:aws-cn:autoscaling:cn-north-1:1:scalingPolicy:u";
        for (arn, group) in [
            (format!("{start}:autoScalingGroupName/g:policyName/p"), Some("g")),
            (format!("{start}:autoScalingGroupName/g/h:policyName/p:q"), Some("g/h")),
            (format!("{start}:autoScalingGroupName/g"), None),
            (format!("{start}:autoScalingGroupName/:policyName/p"), None),
            (format!("{start}:autoScalingGroupName/g:policyName/"), None),
            ("arn:aws:autoscaling:r:1:autoScalingGroup:u:autoScalingGroupName/g:policyName/p".into(), None),
            ("arn:aws:elsewhere:r:1:scalingPolicy:u:autoScalingGroupName/g:policyName/p".into(), None),
            ("gpu-spot-up".into(), None),
            (String::new(), None),
        ] {
            assert_eq!(group_of_policy(&arn), group, "{arn}");
        }
    }
}
