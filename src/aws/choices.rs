//! What an account has that a spec can name, for whoever writes one.

use std::time::Duration;

use aws_config::meta::region::RegionProviderChain;
use aws_config::profile::ProfileFileRegionProvider;
use aws_config::retry::RetryConfig;
use aws_config::{SdkConfig, environment::region::EnvironmentVariableRegionProvider};
use spotstack_ec2::Inventory;
pub use spotstack_ec2::inventory::{SecurityGroup, Subnet};
use tokio::time::{Instant, timeout_at};

use super::{Connection, configuration};
use crate::neutral::neutral;
use crate::spec::partition_of;

/// What there is to choose from. What cannot be had, for want of credentials, of a permission or of time, is empty: nobody
/// needs it, because everything can be typed as well.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Choices {
    /// Whose they are.
    pub account: Option<String>,
    /// By VPC, zone and name.
    pub subnets: Vec<Subnet>,
    /// By VPC and name.
    pub security_groups: Vec<SecurityGroup>,
    /// Their ARNs.
    pub queues: Vec<String>,
    /// By name.
    pub key_pairs: Vec<String>,
    /// By name.
    pub instance_profiles: Vec<String>,
}

/// The Region that environment or profile name. The machine itself, which would be asked last, is not: where it is no EC2
/// instance, it takes its time to say nothing.
pub async fn configured_region(profile: Option<&str>) -> Option<String> {
    let mut file = ProfileFileRegionProvider::builder();
    if let Some(profile) = profile {
        file = file.profile_name(profile);
    }
    let chain = RegionProviderChain::first_try(EnvironmentVariableRegionProvider::new()).or_else(file.build());
    chain.region().await.map(|region| region.to_string())
}

/// Looks around in an account, at everything at once and for no longer than `patience`.
pub async fn choices(connection: Connection<'_>, patience: Duration) -> Choices {
    let until = Instant::now() + patience;
    let Some(Ok(sdk)) = timeout_at(until, configuration(connection)).await.ok() else { return Choices::default() };
    seen(&sdk.into_builder().retry_config(RetryConfig::standard().with_max_attempts(2)).build(), until).await
}

async fn seen(sdk: &SdkConfig, until: Instant) -> Choices {
    let (Ok(inventory), Some(region)) = (Inventory::new(sdk), sdk.region()) else { return Choices::default() };
    let sts = aws_sdk_sts::Client::new(sdk);
    let sqs = aws_sdk_sqs::Client::new(sdk);
    let (caller, subnets, security_groups, queues, key_pairs, instance_profiles) = tokio::join!(
        timeout_at(until, sts.get_caller_identity().send()),
        timeout_at(until, inventory.subnets()),
        timeout_at(until, inventory.security_groups()),
        timeout_at(until, sqs.list_queues().max_results(1000).send()),
        timeout_at(until, inventory.key_pairs()),
        timeout_at(until, inventory.instance_profiles()),
    );
    let urls = in_time(queues).map(|queues| queues.queue_urls().to_vec()).unwrap_or_default();
    tidy(Choices {
        account: in_time(caller).and_then(|caller| caller.account().map(str::to_owned)),
        subnets: in_time(subnets).unwrap_or_default(),
        security_groups: in_time(security_groups).unwrap_or_default(),
        queues: urls.iter().filter_map(|url| queue_arn(url, region.as_ref())).collect(),
        key_pairs: in_time(key_pairs).unwrap_or_default(),
        instance_profiles: in_time(instance_profiles).unwrap_or_default(),
    })
}

/// An answer that came in time.
fn in_time<T, E>(answer: Result<Result<T, E>, tokio::time::error::Elapsed>) -> Option<T> {
    answer.ok().and_then(Result::ok)
}

/// In the order in which somebody looks for them, and safe to print: names are anybody's texts.
fn tidy(mut choices: Choices) -> Choices {
    let clean = |text: &mut String| *text = neutral(text).into_owned();
    choices.account.iter_mut().for_each(clean);
    for subnet in &mut choices.subnets {
        [&mut subnet.id, &mut subnet.zone, &mut subnet.vpc].into_iter().chain(&mut subnet.name).for_each(clean);
    }
    for group in &mut choices.security_groups {
        [&mut group.id, &mut group.name, &mut group.vpc].into_iter().for_each(clean);
    }
    for list in [&mut choices.queues, &mut choices.key_pairs, &mut choices.instance_profiles] {
        list.iter_mut().for_each(clean);
        list.sort();
    }
    let by = |subnet: &Subnet| (subnet.vpc.clone(), subnet.zone.clone(), subnet.name.clone(), subnet.id.clone());
    choices.subnets.sort_by_key(by);
    choices.security_groups.sort_by_key(|group| (group.vpc.clone(), group.name.clone()));
    choices
}

/// The ARN of the queue at this URL, which ends in account and name.
fn queue_arn(url: &str, region: &str) -> Option<String> {
    let mut parts = url.rsplit('/');
    let (name, account) = (parts.next()?, parts.next()?);
    let partition = partition_of(region);
    (!name.is_empty()).then(|| format!("arn:{partition}:sqs:{region}:{account}:{name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_s_url_tells_its_arn() {
        for (url, region, arn) in [
            (
                "https://sqs.eu-west-1.amazonaws.com/111122223333/jobs.fifo",
                "eu-west-1",
                Some("arn:aws:sqs:eu-west-1:111122223333:jobs.fifo"),
            ),
            (
                "http://localhost:4566/000000000000/jobs",
                "cn-north-1",
                Some("arn:aws-cn:sqs:cn-north-1:000000000000:jobs"),
            ),
            ("", "eu-west-1", None),
            ("https://sqs.eu-west-1.amazonaws.com/", "eu-west-1", None),
        ] {
            assert_eq!(queue_arn(url, region).as_deref(), arn);
        }
    }

    #[test]
    fn what_is_listed_is_sorted_and_safe_to_print() {
        let subnet = |zone: &str, name: &str| Subnet {
            id: format!("subnet-{zone}"),
            zone: zone.into(),
            vpc: "vpc-1".into(),
            name: Some(name.into()),
            public: false,
        };
        let group = |name: &str| SecurityGroup { id: "sg-1".into(), name: name.into(), vpc: "vpc-1".into() };
        let found = tidy(Choices {
            subnets: vec![subnet("b", "\u{1b}[2J"), subnet("a", "web")],
            security_groups: vec![group("workers"), group("default\r")],
            key_pairs: vec!["z".into(), "a\u{202e}".into()],
            ..Choices::default()
        });
        let expected = Choices {
            subnets: vec![subnet("a", "web"), subnet("b", "\\u{1b}[2J")],
            security_groups: vec![group("default\\u{d}"), group("workers")],
            key_pairs: vec!["a\\u{202e}".into(), "z".into()],
            ..Choices::default()
        };
        assert_eq!(found, expected);
    }
}
