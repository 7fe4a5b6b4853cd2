//! AWS, asked through its SDKs: the only place that names them.

mod activity;
mod fault;

use std::time::Duration;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_autoscaling::types::{AutoScalingGroup, LaunchInstancesError};
use aws_sdk_sqs::types::QueueAttributeName;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use spot_policy::{Group, Instance, Market, PriceChange, Queue, Suspension, Timestamp};
use spotstack_ec2::{Incomplete, SpotPriceHistory, spot_price_history};

use crate::account::{Account, Activities, Fault, Groups, Launched};
use crate::config::{Config, GroupNames, Notify};
use fault::fault;

/// Activities on a page: AWS's maximum.
const ACTIVITIES: i32 = 100;

/// Pages of one question that are read at most. 300 launches of one group within its look-back are a group that fails many
/// times a minute, and the newest 300 say that well enough.
const PAGES: usize = 3;

/// Where the credentials and the Region come from, and how patient every call is: the environment's, one HTTP client for all,
/// three attempts.
///
/// An attempt is given up after 3 s: the calls take a tenth of a second, a cold TLS handshake at 128 MB perhaps half of
/// one. A call is given up after 7 s, which is two attempts that hang or three that are refused, with the pauses between
/// them (at most 1 s and 2 s); [`crate::deadline::Deadline`] bounds the pages of one question on top.
pub async fn sdk_config() -> SdkConfig {
    let http = aws_smithy_http_client::Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(2))
        .operation_attempt_timeout(Duration::from_secs(3))
        .operation_timeout(Duration::from_secs(7))
        .build();
    aws_config::defaults(BehaviorVersion::latest())
        .http_client(http)
        .timeout_config(timeouts)
        .retry_config(RetryConfig::standard().with_max_attempts(3))
        .load()
        .await
}

/// The real [`Account`].
#[derive(Debug)]
pub struct Aws {
    auto_scaling: aws_sdk_autoscaling::Client,
    sqs: aws_sdk_sqs::Client,
    prices: SpotPriceHistory,
    topic: Option<Topic>,
    spot: GroupNames,
    on_demand: GroupNames,
    queue_url: String,
    instance_type: String,
    product: String,
}

/// Where notices go.
#[derive(Debug)]
struct Topic {
    sns: aws_sdk_sns::Client,
    arn: String,
}

impl Topic {
    /// A client for the topic's own Region: SNS takes a message for a topic nowhere else.
    fn new(notify: &Notify, sdk: &SdkConfig) -> Self {
        let region = Region::new(notify.topic_region().to_owned());
        let config = aws_sdk_sns::config::Builder::from(sdk).region(region).build();
        Self { sns: aws_sdk_sns::Client::from_conf(config), arn: notify.topic.clone() }
    }

    async fn publish(&self, subject: &str, body: &str) -> Result<(), Fault> {
        let message = self.sns.publish().topic_arn(&self.arn).subject(subject).message(body);
        message.send().await.map(|_| ()).map_err(fault("Publish"))
    }
}

impl Aws {
    /// Clients for one pair.
    ///
    /// # Errors
    ///
    /// The SDK's configuration has no Region or no credentials.
    pub fn new(config: &Config, sdk: &SdkConfig) -> Result<Self, Incomplete> {
        Ok(Self {
            auto_scaling: aws_sdk_autoscaling::Client::new(sdk),
            sqs: aws_sdk_sqs::Client::new(sdk),
            prices: SpotPriceHistory::new(sdk)?,
            topic: config.notify.as_ref().map(|notify| Topic::new(notify, sdk)),
            spot: config.spot.clone(),
            on_demand: config.on_demand.clone(),
            queue_url: config.queue_url.clone(),
            instance_type: config.instance_type.clone(),
            product: config.product.clone(),
        })
    }

    fn names(&self, market: Market) -> &GroupNames {
        match market {
            Market::Spot => &self.spot,
            Market::OnDemand => &self.on_demand,
        }
    }
}

impl Account for Aws {
    async fn queue(&self) -> Result<Queue, Fault> {
        const OPERATION: &str = "GetQueueAttributes";
        let (visible, in_flight) = (
            QueueAttributeName::ApproximateNumberOfMessages,
            QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
        );
        let answer = self
            .sqs
            .get_queue_attributes()
            .queue_url(&self.queue_url)
            .attribute_names(visible.clone())
            .attribute_names(in_flight.clone())
            .send()
            .await
            .map_err(fault(OPERATION))?;
        let number = |name: QueueAttributeName| {
            let value = answer.attributes().and_then(|attributes| attributes.get(&name));
            value.and_then(|value| value.parse().ok()).ok_or_else(|| Fault {
                operation: OPERATION,
                code: "Answer".into(),
                message: format!("`{name}` is not a number in it"),
            })
        };
        Ok(Queue { visible: number(visible)?, in_flight: number(in_flight)? })
    }

    async fn groups(&self) -> Result<Groups, Fault> {
        const OPERATION: &str = "DescribeAutoScalingGroups";
        let (mut spot, mut on_demand, mut token) = (None, None, None);
        // Two groups are one page, unless AWS says otherwise.
        for _ in 0..PAGES {
            let page = self
                .auto_scaling
                .describe_auto_scaling_groups()
                .auto_scaling_group_names(&self.spot.name)
                .auto_scaling_group_names(&self.on_demand.name)
                .set_next_token(token)
                .send()
                .await
                .map_err(fault(OPERATION))?;
            let find = |name: &str| {
                let mut groups = page.auto_scaling_groups().iter();
                groups.find(|group| group.auto_scaling_group_name() == Some(name)).map(group)
            };
            spot = spot.or_else(|| find(&self.spot.name));
            on_demand = on_demand.or_else(|| find(&self.on_demand.name));
            token = page.next_token().filter(|token| !token.is_empty()).map(str::to_owned);
            if token.is_none() || spot.is_some() && on_demand.is_some() {
                break;
            }
        }
        let missing = |name: &str| Fault {
            operation: OPERATION,
            code: "NotFound".into(),
            message: format!("there is no Auto Scaling group `{name}`"),
        };
        Ok(Groups {
            spot: spot.ok_or_else(|| missing(&self.spot.name))?,
            on_demand: on_demand.ok_or_else(|| missing(&self.on_demand.name))?,
        })
    }

    async fn activities(&self, market: Market, since: Timestamp) -> Result<Activities, Fault> {
        let (mut read, mut token) = (Activities::default(), None);
        for _ in 0..PAGES {
            let page = self
                .auto_scaling
                .describe_scaling_activities()
                .auto_scaling_group_name(&self.names(market).name)
                .max_records(ACTIVITIES)
                .set_next_token(token)
                .send()
                .await
                .map_err(fault("DescribeScalingActivities"))?;
            let launches = page.activities().iter().filter_map(activity::launch);
            read.launches.extend(launches.filter(|launch| activity::matters(launch, since)));
            let interruptions = page.activities().iter().filter_map(activity::interruption);
            read.interruptions.extend(interruptions.filter(|interruption| interruption.at >= since));
            // AWS lists what is under way first, then the newest; so a page that ends before `since` is the last of use.
            let ends_before = page
                .activities()
                .last()
                .and_then(|activity| activity.start_time())
                .is_some_and(|start| start.secs() < since.0);
            token = page.next_token().filter(|token| !token.is_empty() && !ends_before).map(str::to_owned);
            if token.is_none() {
                break;
            }
        }
        Ok(read)
    }

    async fn prices(&self, since: Timestamp, until: Timestamp) -> Result<Vec<PriceChange>, Fault> {
        let prices = self.prices.read(&self.instance_type, &self.product, since, until).await;
        prices.map_err(fault(spot_price_history::OPERATION))
    }

    async fn scale_up(&self, market: Market, to: u32) -> Result<(), Fault> {
        let names = self.names(market);
        // The policy's steps are [0, 1) → 1, [1, 2) → 2 and so on, counted from the threshold.
        self.auto_scaling
            .execute_policy()
            .auto_scaling_group_name(&names.name)
            .policy_name(&names.scale_up)
            .metric_value(f64::from(to))
            .breach_threshold(1.0)
            .send()
            .await
            .map(|_| ())
            .map_err(fault("ExecutePolicy"))
    }

    async fn set_desired(&self, market: Market, to: u32) -> Result<(), Fault> {
        self.auto_scaling
            .set_desired_capacity()
            .auto_scaling_group_name(&self.names(market).name)
            .desired_capacity(i32::try_from(to).unwrap_or(i32::MAX))
            .honor_cooldown(false)
            .send()
            .await
            .map(|_| ())
            .map_err(fault("SetDesiredCapacity"))
    }

    async fn launch(&self, market: Market, zone: &str, count: u32, token: &str) -> Result<Launched, Fault> {
        // Without a retry strategy a launch that fails is over, and the group asks for no more than it has.
        let answer = self
            .auto_scaling
            .launch_instances()
            .auto_scaling_group_name(&self.names(market).name)
            .availability_zones(zone)
            .requested_capacity(i32::try_from(count).unwrap_or(i32::MAX))
            .client_token(token)
            .send()
            .await
            .map_err(fault("LaunchInstances"))?;
        let instances = answer.instances().iter().flat_map(|of_a_type| of_a_type.instance_ids()).cloned().collect();
        Ok(Launched { instances, errors: answer.errors().iter().map(launch_error).collect() })
    }

    async fn tell(&self, subject: &str, body: &str) -> Result<(), Fault> {
        match &self.topic {
            Some(topic) => topic.publish(subject, body).await,
            None => Ok(()), // nobody is to be told
        }
    }
}

/// `InsufficientInstanceCapacity: We currently do not have …`: the code tells more than the text, and the text more to people.
fn launch_error(error: &LaunchInstancesError) -> String {
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    match (text(error.error_code()), text(error.error_message())) {
        (code, message) if message.is_empty() => code,
        (code, message) if code.is_empty() => message,
        (code, message) => format!("{code} - {message}"),
    }
}

/// A group as AWS describes it. What it leaves out is empty or nothing.
fn group(group: &AutoScalingGroup) -> Group {
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    let number = |number: Option<i32>| number.and_then(|number| u32::try_from(number).ok()).unwrap_or(0);
    Group {
        name: text(group.auto_scaling_group_name()),
        min: number(group.min_size()),
        max: number(group.max_size()),
        desired: number(group.desired_capacity()),
        zones: group.availability_zones().to_vec(),
        instances: group
            .instances()
            .iter()
            .map(|instance| Instance {
                id: text(instance.instance_id()),
                zone: text(instance.availability_zone()),
                state: text(instance.lifecycle_state().map(|state| state.as_str())),
                protected: instance.protected_from_scale_in().unwrap_or(false),
                ..Instance::default()
            })
            .collect(),
        suspended: group
            .suspended_processes()
            .iter()
            .map(|suspended| Suspension {
                process: text(suspended.process_name()),
                reason: text(suspended.suspension_reason()),
            })
            .collect(),
        ..Group::default()
    }
}

#[cfg(test)]
mod tests;
