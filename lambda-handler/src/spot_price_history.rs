//! `DescribeSpotPriceHistory`, the one EC2 call, without the EC2 SDK.
//!
//! That SDK takes ten minutes and eight gigabytes to compile for this one call. What it would do is done here with the parts
//! that it is made of: the orchestrator of AWS's clients with their signer, retries, time-outs and identity cache. Each
//! attempt is signed afresh, because a signature is good for five minutes only and names its moment.

mod answer;
mod endpoint;

use aws_runtime::auth::SigV4OperationSigningConfig;
use aws_runtime::auth::sigv4::{SCHEME_ID, SigV4AuthScheme};
use aws_runtime::retries::classifiers::AwsErrorCodeClassifier;
use aws_smithy_runtime::client::orchestrator::operation::Operation;
use aws_smithy_runtime::client::retries::classifiers::{HttpStatusCodeClassifier, TransientErrorClassifier};
use aws_smithy_runtime_api::client::auth::static_resolver::StaticAuthSchemeOptionResolver;
use aws_smithy_runtime_api::client::auth::{AuthSchemeOptionResolverParams, SharedAuthSchemeOptionResolver};
use aws_smithy_runtime_api::client::behavior_version::BehaviorVersion;
use aws_smithy_runtime_api::client::identity::SharedIdentityResolver;
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse, OrchestratorError};
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponentsBuilder;
use aws_smithy_runtime_api::client::runtime_plugin::StaticRuntimePlugin;
use aws_smithy_types::DateTime;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::config_bag::{FrozenLayer, Layer};
use aws_smithy_types::date_time::{DateTimeFormatError, Format};
use aws_smithy_types::error::ErrorMetadata;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use aws_types::SdkConfig;
use spot_policy::{PriceChange, Timestamp};

use answer::{Page, Unreadable};

/// How EC2 calls this.
pub const OPERATION: &str = "DescribeSpotPriceHistory";

/// Records on a page: EC2's maximum.
const PAGE: &str = "1000";

/// Pages that are read at most. One instance type changes its price a few times a day in each zone: 90 days, the longest
/// that EC2 remembers, are some four pages.
const PAGES: usize = 20;

/// Why there are no prices: the same type that every call of an AWS SDK fails with.
pub type PriceHistoryError = SdkError<ErrorMetadata, HttpResponse>;

/// A client for Spot prices. Made once: it keeps its connections and its caller's identity.
#[derive(Debug, Clone)]
pub struct SpotPriceHistory(Operation<String, Page, ErrorMetadata>);

/// What the SDK's configuration lacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the AWS configuration has no {0}")]
pub struct Incomplete(&'static str);

impl SpotPriceHistory {
    /// A client that calls as `sdk` says: its Region, credentials, HTTP client, endpoint, retries and time-outs.
    ///
    /// # Errors
    ///
    /// There is no Region, no HTTP client, or nobody to call as.
    pub fn new(sdk: &SdkConfig) -> Result<Self, Incomplete> {
        let region = sdk.region().ok_or(Incomplete("Region"))?;
        let http = sdk.http_client().ok_or(Incomplete("HTTP client"))?;
        let identity = sdk.credentials_provider().ok_or(Incomplete("credentials"))?;

        let mut components = RuntimeComponentsBuilder::new("SpotPriceHistory")
            .with_auth_scheme(SigV4AuthScheme::new())
            .with_identity_resolver(SCHEME_ID, SharedIdentityResolver::new(identity))
            .with_auth_scheme_option_resolver(Some(SharedAuthSchemeOptionResolver::new(
                StaticAuthSchemeOptionResolver::new(vec![SCHEME_ID]),
            )));
        // Without one of its own, the configuration leaves the orchestrator's defaults in place.
        if let Some(cache) = sdk.identity_cache() {
            components = components.with_identity_cache(Some(cache));
        }
        if let Some(sleep) = sdk.sleep_impl() {
            components = components.with_sleep_impl(Some(sleep));
        }
        if let Some(clock) = sdk.time_source() {
            components = components.with_time_source(Some(clock));
        }

        let operation = Operation::builder()
            .service_name("EC2")
            .operation_name(OPERATION)
            .behavior_version(sdk.behavior_version().unwrap_or_else(BehaviorVersion::latest))
            .http_client(http)
            .endpoint_url(&endpoint::url(sdk, region.as_ref()))
            .standard_retry(&sdk.retry_config().cloned().unwrap_or_else(RetryConfig::standard))
            .timeout_config(sdk.timeout_config().cloned().unwrap_or_else(|| TimeoutConfig::builder().build()))
            // What every AWS client retries: throttling by its code, 5xx by their status, time-outs and lost connections.
            .retry_classifier(AwsErrorCodeClassifier::<ErrorMetadata>::new())
            .retry_classifier(TransientErrorClassifier::<ErrorMetadata>::new())
            .retry_classifier(HttpStatusCodeClassifier::default())
            .with_connection_poisoning()
            .runtime_plugin(StaticRuntimePlugin::new().with_config(signed_for(sdk)).with_runtime_components(components))
            .serializer(|form: String| {
                let mut request = HttpRequest::new(SdkBody::from(form));
                request.set_method("POST")?;
                request.headers_mut().insert("content-type", "application/x-www-form-urlencoded");
                request.headers_mut().insert("user-agent", concat!("spotstack/", env!("CARGO_PKG_VERSION")));
                Ok(request)
            })
            .deserializer(|response: &HttpResponse| {
                let body = response.body().bytes().unwrap_or_default();
                if !response.status().is_success() {
                    let status = response.status().as_u16();
                    return Err(OrchestratorError::operation(answer::error(status, body)));
                }
                answer::page(body).map_err(|error: Unreadable| OrchestratorError::response(error.into()))
            })
            .build();
        Ok(Self(operation))
    }

    /// The changes of an instance type's Spot price in all zones of the Region from `start` to `end`, and for each zone the
    /// last one before `start`: the price in force then. Newest first on each page.
    ///
    /// `product` is the platform as EC2 names it, `Linux/UNIX` for one. Its name of the days of EC2-Classic, with
    /// ` (Amazon VPC)` after it, is asked for as well: some accounts see one, some the other.
    ///
    /// # Errors
    ///
    /// EC2 refused, was not reached in time or answered something else; or there are more than twenty pages, because half
    /// of a history has a wrong average.
    pub async fn read(
        &self,
        instance_type: &str,
        product: &str,
        start: Timestamp,
        end: Timestamp,
    ) -> Result<Vec<PriceChange>, PriceHistoryError> {
        let start = written(start).map_err(SdkError::construction_failure)?;
        let end = written(end).map_err(SdkError::construction_failure)?;
        let (mut changes, mut token) = (Vec::new(), None);
        for _ in 0..PAGES {
            let page = self.0.invoke(form(instance_type, product, &start, &end, token.as_deref())).await?;
            changes.extend(page.changes);
            token = page.next;
            if token.is_none() {
                return Ok(changes);
            }
        }
        Err(SdkError::construction_failure(format!("there are more than {PAGES} pages of prices")))
    }
}

/// SigV4 for EC2 in the configuration's Region.
fn signed_for(sdk: &SdkConfig) -> FrozenLayer {
    let signing = SigV4OperationSigningConfig {
        name: Some("ec2".into()),
        region: sdk.region().cloned().map(Into::into),
        ..SigV4OperationSigningConfig::default()
    };
    let mut layer = Layer::new("SpotPriceHistory");
    layer.store_put(AuthSchemeOptionResolverParams::new(()));
    layer.store_put(signing);
    layer.freeze()
}

/// The call in EC2's query protocol.
fn form(instance_type: &str, product: &str, start: &str, end: &str, token: Option<&str>) -> String {
    let product = product.strip_suffix(" (Amazon VPC)").unwrap_or(product);
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair("Action", OPERATION)
        .append_pair("Version", "2016-11-15")
        .append_pair("InstanceType.1", instance_type)
        .append_pair("ProductDescription.1", product)
        .append_pair("ProductDescription.2", &format!("{product} (Amazon VPC)"))
        .append_pair("StartTime", start)
        .append_pair("EndTime", end)
        .append_pair("MaxResults", PAGE);
    if let Some(token) = token {
        form.append_pair("NextToken", token);
    }
    form.finish()
}

fn written(at: Timestamp) -> Result<String, DateTimeFormatError> {
    DateTime::from_secs(at.0).fmt(Format::DateTime)
}

#[cfg(test)]
mod tests;
