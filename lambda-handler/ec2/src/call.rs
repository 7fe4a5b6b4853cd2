//! One call of EC2's query protocol.

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
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::config_bag::{FrozenLayer, Layer};
use aws_smithy_types::error::ErrorMetadata;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use aws_types::SdkConfig;

use crate::answer::{self, Unreadable};
use crate::endpoint;

/// Why there is no answer: the same type that every call of an AWS SDK fails with.
pub type CallError = SdkError<ErrorMetadata, HttpResponse>;

/// What the SDK's configuration lacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the AWS configuration has no {0}")]
pub struct Incomplete(&'static str);

/// A call that can be made: from its parameters to a `T`. Each attempt is signed afresh, because a signature is good for five
/// minutes only and names its moment.
#[derive(Debug)]
pub(crate) struct Call<T> {
    name: &'static str,
    operation: Operation<String, T, ErrorMetadata>,
}

// Not derived: a `T` need not be `Clone` for that.
impl<T> Clone for Call<T> {
    fn clone(&self) -> Self {
        Self { name: self.name, operation: self.operation.clone() }
    }
}

impl<T: std::fmt::Debug + Send + Sync + 'static> Call<T> {
    /// The call that EC2 names `name`, made as `sdk` says and read by `read`.
    pub(crate) fn new(
        name: &'static str,
        sdk: &SdkConfig,
        read: fn(&[u8]) -> Result<T, Unreadable>,
    ) -> Result<Self, Incomplete> {
        let region = sdk.region().ok_or(Incomplete("Region"))?;
        let http = sdk.http_client().ok_or(Incomplete("HTTP client"))?;
        let identity = sdk.credentials_provider().ok_or(Incomplete("credentials"))?;

        let mut components = RuntimeComponentsBuilder::new(name)
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
            .operation_name(name)
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
            .runtime_plugin(
                StaticRuntimePlugin::new().with_config(signed_for(name, sdk)).with_runtime_components(components),
            )
            .serializer(|form: String| {
                let mut request = HttpRequest::new(SdkBody::from(form));
                request.set_method("POST")?;
                request.headers_mut().insert("content-type", "application/x-www-form-urlencoded");
                request.headers_mut().insert("user-agent", concat!("spotstack/", env!("CARGO_PKG_VERSION")));
                Ok(request)
            })
            .deserializer(move |response: &HttpResponse| {
                let body = response.body().bytes().unwrap_or_default();
                if !response.status().is_success() {
                    let status = response.status().as_u16();
                    return Err(OrchestratorError::operation(answer::error(status, body)));
                }
                read(body).map_err(|error| OrchestratorError::response(error.into()))
            })
            .build();
        Ok(Self { name, operation })
    }

    /// Makes the call with these parameters.
    pub(crate) async fn with(&self, parameters: &[(&str, &str)]) -> Result<T, CallError> {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("Action", self.name).append_pair("Version", "2016-11-15").extend_pairs(parameters);
        self.operation.invoke(form.finish()).await
    }
}

/// SigV4 for EC2 in the configuration's Region.
fn signed_for(name: &'static str, sdk: &SdkConfig) -> FrozenLayer {
    let signing = SigV4OperationSigningConfig {
        name: Some("ec2".into()),
        region: sdk.region().cloned().map(Into::into),
        ..SigV4OperationSigningConfig::default()
    };
    let mut layer = Layer::new(name);
    layer.store_put(AuthSchemeOptionResolverParams::new(()));
    layer.store_put(signing);
    layer.freeze()
}
