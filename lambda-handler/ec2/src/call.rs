//! One call of AWS's query protocol.

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
use aws_types::region::Region;

use crate::answer::{self, Page, Unreadable};
use crate::endpoint::{self, Service};

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
    service: Service,
    name: &'static str,
    operation: Operation<String, T, ErrorMetadata>,
}

// Not derived: a `T` need not be `Clone` for that.
impl<T> Clone for Call<T> {
    fn clone(&self) -> Self {
        Self { service: self.service, name: self.name, operation: self.operation.clone() }
    }
}

impl<T: std::fmt::Debug + Send + Sync + 'static> Call<T> {
    /// The call that the service names `name`, made as `sdk` says and read by `read`.
    pub(crate) fn new(
        service: Service,
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
            .service_name(service.id())
            .operation_name(name)
            .behavior_version(sdk.behavior_version().unwrap_or_else(BehaviorVersion::latest))
            .http_client(http)
            .endpoint_url(&endpoint::url(service, sdk, region.as_ref()))
            .standard_retry(&sdk.retry_config().cloned().unwrap_or_else(RetryConfig::standard))
            .timeout_config(sdk.timeout_config().cloned().unwrap_or_else(|| TimeoutConfig::builder().build()))
            // What every AWS client retries: throttling by its code, 5xx by their status, time-outs and lost connections.
            .retry_classifier(AwsErrorCodeClassifier::<ErrorMetadata>::new())
            .retry_classifier(TransientErrorClassifier::<ErrorMetadata>::new())
            .retry_classifier(HttpStatusCodeClassifier::default())
            .with_connection_poisoning()
            .runtime_plugin(
                StaticRuntimePlugin::new()
                    .with_config(signed(service, name, region))
                    .with_runtime_components(components),
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
        Ok(Self { service, name, operation })
    }

    /// Makes the call with these parameters.
    pub(crate) async fn with(&self, parameters: &[(&str, &str)]) -> Result<T, CallError> {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("Action", self.name).append_pair("Version", self.service.version()).extend_pairs(parameters);
        self.operation.invoke(form.finish()).await
    }
}

impl<T: std::fmt::Debug + Send + Sync + 'static> Call<Page<T>> {
    /// Makes the call for page after page, `most` at most: more are an error, because half a list looks like a whole one.
    /// `token` is what the parameter is called that asks for the next page.
    pub(crate) async fn all(&self, parameters: &[(&str, &str)], token: &str, most: usize) -> Result<Vec<T>, CallError> {
        let (mut items, mut next) = (Vec::new(), None::<String>);
        for _ in 0..most {
            let mut parameters = parameters.to_vec();
            parameters.extend(next.as_deref().map(|next| (token, next)));
            let page = self.with(&parameters).await?;
            items.extend(page.items);
            next = page.next;
            if next.is_none() {
                return Ok(items);
            }
        }
        let operation = self.name;
        Err(SdkError::construction_failure(format!("{operation} has more than {most} pages")))
    }
}

/// SigV4 for a service, in the Region that it is signed for.
fn signed(service: Service, name: &'static str, region: &Region) -> FrozenLayer {
    let signing = SigV4OperationSigningConfig {
        name: Some(service.signing_name().into()),
        region: Some(Region::new(service.signing_region(region.as_ref()).to_owned()).into()),
        ..SigV4OperationSigningConfig::default()
    };
    let mut layer = Layer::new(name);
    layer.store_put(AuthSchemeOptionResolverParams::new(()));
    layer.store_put(signing);
    layer.freeze()
}
