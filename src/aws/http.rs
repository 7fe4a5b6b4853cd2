//! The way to AWS: TLS by ring, the system's certificates and AWS_CA_BUNDLE's, and the proxy of the environment.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::{env, fs};

use aws_smithy_http_client::Connector;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::http::{SharedHttpClient, SharedHttpConnector, http_client_fn};

use super::journal::{Journal, Watched};
use crate::deploy::{CloudError, Trouble};

/// A client for everything that is asked of AWS, or of a custom endpoint; the journal is told of each request.
///
/// # Errors
/// AWS_CA_BUNDLE names a file that cannot be read.
pub(super) fn client(endpoint_url: Option<&str>, journal: Option<&Journal>) -> Result<SharedHttpClient, CloudError> {
    let tls = tls()?;
    // No proxy knows this machine's own addresses.
    let proxy = if endpoint_url.is_some_and(is_loopback) { ProxyConfig::disabled() } else { ProxyConfig::from_env() };
    // One connector, with its pool of connections, for each pair of time-outs.
    let connectors: Mutex<HashMap<_, SharedHttpConnector>> = Mutex::default();
    let journal = journal.cloned();
    Ok(http_client_fn(move |settings, components| {
        let mut connectors = connectors.lock().unwrap_or_else(PoisonError::into_inner);
        let connector = connectors.entry((settings.connect_timeout(), settings.read_timeout())).or_insert_with(|| {
            let mut builder = Connector::builder().connector_settings(settings.clone()).proxy_config(proxy.clone());
            builder.set_sleep_impl(components.sleep_impl());
            let builder = builder.tls_provider(Provider::Rustls(CryptoMode::Ring));
            let connector = SharedHttpConnector::new(builder.tls_context(tls.clone()).build());
            match &journal {
                Some(journal) => SharedHttpConnector::new(Watched { inner: connector, journal: journal.clone() }),
                None => connector,
            }
        });
        connector.clone()
    }))
}

fn tls() -> Result<TlsContext, CloudError> {
    let mut trusted = TrustStore::default();
    if let Some(path) = env::var_os("AWS_CA_BUNDLE").filter(|path| !path.is_empty()) {
        let pem = fs::read(&path).map_err(|cause| unusable(format!("AWS_CA_BUNDLE={}: {cause}", path.display())))?;
        trusted.add_pem_certificate(pem);
    }
    TlsContext::builder().with_trust_store(trusted).build().map_err(|cause| unusable(cause.to_string()))
}

fn unusable(message: String) -> CloudError {
    CloudError::local("", Trouble::Other, message)
}

/// Whether a URL's host is this machine.
fn is_loopback(url: &str) -> bool {
    let after = url.split_once("://").map_or(url, |(_, after)| after);
    let authority = after.split(['/', '?', '#']).next().unwrap_or_default();
    let host = match authority.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    host == "localhost" || host.ends_with(".localhost") || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_is_reached_directly() {
        for url in ["http://127.0.0.1:4566", "http://localhost", "https://[::1]:1/x", "http://aws.localhost:4566/"] {
            assert!(is_loopback(url), "{url}");
        }
        for url in ["http://10.0.0.1:4566", "https://localhost.example.com", "http://aws", "", "http://["] {
            assert!(!is_loopback(url), "{url}");
        }
    }
}
