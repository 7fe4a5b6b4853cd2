//! AWS itself. The only place in this package that names `aws_sdk_`.
//!
//! [`Account`] is everything that is needed to ask: who, where, through what. It answers the questions of
//! [`crate::deploy::Cloud`]; how SDK types become ours is in `reading`, how SDK errors do is in `error`.

use std::env;
use std::time::Duration;

use aws_config::profile;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_types::os_shim_internal::{Env, Fs};

use spotstack_ec2::spot_price_history::SpotPriceHistory;
use spotstack_ec2::{Incomplete, LaunchTemplates};

use crate::deploy::{CloudError, Trouble};
use crate::neutral::neutral;
use error::wrong_files;

mod choices;
mod cloud;
mod error;
mod fleet;
mod http;
mod journal;
mod looking;
mod prices;
mod reading;

pub use choices::{Choices, SecurityGroup, Subnet, choices, configured_region};
pub use journal::{Call, Journal};

/// What was said about whom to ask: the command line's words win over the environment's.
#[derive(Debug, Clone, Copy, Default)]
pub struct Connection<'a> {
    /// `--region`, else the spec's.
    pub region: Option<&'a str>,
    /// `--profile`.
    pub profile: Option<&'a str>,
    /// `--endpoint-url`.
    pub endpoint_url: Option<&'a str>,
    /// Who is told of each request.
    pub journal: Option<&'a Journal>,
}

/// An AWS account in one Region, as whoever the credentials say.
#[derive(Debug, Clone)]
pub struct Account {
    region: String,
    /// Whose answer is missing when none comes: the custom endpoint, or AWS's domain.
    endpoint: String,
    auto_scaling: aws_sdk_autoscaling::Client,
    cloudformation: aws_sdk_cloudformation::Client,
    cloudwatch: aws_sdk_cloudwatch::Client,
    launch_templates: LaunchTemplates,
    lambda: aws_sdk_lambda::Client,
    logs: aws_sdk_cloudwatchlogs::Client,
    pricing: aws_sdk_pricing::Client,
    s3: aws_sdk_s3::Client,
    spot_price_history: SpotPriceHistory,
    sts: aws_sdk_sts::Client,
}

impl Account {
    /// Finds out where and as whom to ask. It asks AWS nothing yet: the first call does, and it is there that missing
    /// credentials show.
    ///
    /// # Errors
    /// No Region is known, there is no such profile, or the file in AWS_CA_BUNDLE cannot be read.
    pub async fn connect(connection: Connection<'_>) -> Result<Self, CloudError> {
        Self::with(&configuration(connection).await?)
    }

    /// The Region.
    pub fn region(&self) -> &str {
        &self.region
    }

    fn with(config: &SdkConfig) -> Result<Self, CloudError> {
        let region = config.region().map(ToString::to_string).ok_or_else(no_region)?;
        let custom = config.endpoint_url();
        // A local AWS has one host name, so that the bucket cannot be a part of it.
        let s3 = aws_sdk_s3::config::Builder::from(config).force_path_style(custom.is_some()).build();
        let prices = Region::from_static(prices::region_of_prices(&region));
        let pricing = aws_sdk_pricing::config::Builder::from(config).region(prices).build();
        Ok(Self {
            endpoint: custom.map_or_else(|| format!("AWS in {region}"), Into::into),
            auto_scaling: aws_sdk_autoscaling::Client::new(config),
            cloudformation: aws_sdk_cloudformation::Client::new(config),
            cloudwatch: aws_sdk_cloudwatch::Client::new(config),
            launch_templates: LaunchTemplates::new(config).map_err(|lack| incomplete(&lack))?,
            lambda: aws_sdk_lambda::Client::new(config),
            logs: aws_sdk_cloudwatchlogs::Client::new(config),
            pricing: aws_sdk_pricing::Client::from_conf(pricing),
            s3: aws_sdk_s3::Client::from_conf(s3),
            spot_price_history: SpotPriceHistory::new(config).map_err(|lack| incomplete(&lack))?,
            sts: aws_sdk_sts::Client::new(config),
            region,
        })
    }
}

/// How AWS is asked: all that code, environment and profile say about it.
async fn configuration(connection: Connection<'_>) -> Result<SdkConfig, CloudError> {
    let endpoint_url = connection.endpoint_url.map(Into::into).or_else(configured_endpoint);
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .http_client(http::client(endpoint_url.as_deref(), connection.journal)?)
        .retry_config(RetryConfig::standard().with_max_attempts(3))
        .timeout_config(timeouts(Duration::from_secs(20)));
    if let Some(region) = connection.region {
        loader = loader.region(Region::new(region.to_owned()));
    }
    if let Some(profile) = connection.profile {
        exists(profile).await?;
        loader = loader.profile_name(profile);
    }
    if let Some(url) = &endpoint_url {
        loader = loader.endpoint_url(url);
    }
    Ok(loader.load().await)
}

/// Whether a profile is there: for the SDK one that is not is one that says nothing, and what comes next would be blamed.
async fn exists(profile: &str) -> Result<(), CloudError> {
    let error = |trouble, message: String| CloudError::local("", trouble, neutral(&message).into_owned());
    let profiles = profile::load(&Fs::real(), &Env::real(), &Default::default(), None)
        .await
        .map_err(|cause| error(Trouble::Other, wrong_files(&cause)))?;
    match profiles.get_profile(profile) {
        Some(_) => Ok(()),
        None => {
            Err(error(Trouble::NoProfile, format!("there is no profile `{profile}` in the AWS configuration files")))
        }
    }
}

/// AWS_ENDPOINT_URL. The SDK would find it too; we need it to reach a local AWS without the proxy.
fn configured_endpoint() -> Option<String> {
    env::var("AWS_ENDPOINT_URL").ok().filter(|url| !url.is_empty())
}

/// An address that does not answer is given up after about ten seconds, three attempts and the pauses between them included;
/// an answer may take as long as `read`.
fn timeouts(read: Duration) -> TimeoutConfig {
    TimeoutConfig::builder().connect_timeout(Duration::from_millis(2_500)).read_timeout(read).build()
}

fn incomplete(lack: &Incomplete) -> CloudError {
    CloudError::local("", Trouble::Other, lack.to_string())
}

fn no_region() -> CloudError {
    CloudError::local("", Trouble::NoRegion, "no Region is known".into())
}
