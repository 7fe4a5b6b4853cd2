//! What instances cost: the Spot market's history, and the price list.

use aws_sdk_pricing::types::{Filter, FilterType};
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::operation::BuildError;
use futures_util::{StreamExt, TryStreamExt, stream};
use serde_json::Value;
use spot_policy::{PriceChange, Timestamp};

use super::Account;
use super::error::flatten;
use crate::deploy::{CloudError, Trouble};

/// Pages of a history come one after the other, so that a long one is asked for in parts at once: a week of an instance type is
/// a page or two.
const PART: i64 = 7 * 86_400;

/// Parts that are asked for at once: EC2 throttles who asks for more.
const AT_ONCE: usize = 4;

impl Account {
    /// Into how many parts [`Self::spot_prices`] cuts a period.
    pub fn parts(start: Timestamp, end: Timestamp) -> usize {
        periods(start, end).count()
    }

    /// The changes of an instance type's Spot price in every zone of the Region, in no particular order, with those in force
    /// at `start`. `told` hears of each part that has come.
    ///
    /// # Errors
    /// One of the parts was refused, or did not come.
    pub async fn spot_prices(
        &self,
        instance_type: &str,
        product: &str,
        start: Timestamp,
        end: Timestamp,
        told: impl Fn(),
    ) -> Result<Vec<PriceChange>, CloudError> {
        let parts = stream::iter(periods(start, end)).map(|(start, end)| {
            let told = &told;
            async move {
                let part = self.spot_price_history.read(instance_type, product, start, end).await;
                told();
                part.map_err(self.told("DescribeSpotPriceHistory"))
            }
        });
        let parts: Vec<_> = parts.buffer_unordered(AT_ONCE).try_collect().await?;
        Ok(parts.into_iter().flatten().collect())
    }

    /// What an instance-hour costs On-Demand in the Region, in USD, by AWS's price list; `None` where it has none.
    ///
    /// # Errors
    /// The price list was not reached, or it was refused.
    pub async fn on_demand_price(&self, instance_type: &str, product: &str) -> Result<Option<f64>, CloudError> {
        let system = match product.strip_suffix(" (Amazon VPC)").unwrap_or(product) {
            "Red Hat Enterprise Linux" => "RHEL",
            "SUSE Linux" => "SUSE",
            "Windows" => "Windows",
            _ => "Linux",
        };
        let mut call = self.pricing.get_products().service_code("AmazonEC2").max_results(100);
        for (field, value) in [
            ("instanceType", instance_type),
            ("regionCode", &self.region),
            ("operatingSystem", system),
            ("tenancy", "Shared"),
            ("preInstalledSw", "NA"),
            ("capacitystatus", "Used"),
            ("licenseModel", "No License required"),
        ] {
            let filter = Filter::builder().r#type(FilterType::TermMatch).field(field).value(value).build();
            let unusable = |error: BuildError| CloudError::local("GetProducts", Trouble::Other, error.to_string());
            let filter = filter.map_err(unusable)?;
            call = call.filters(filter);
        }
        let answer =
            call.send().await.map_err(|error: SdkError<_, _>| flatten("GetProducts", "AWS's price list", &error))?;
        Ok(answer.price_list().iter().filter_map(|product| hourly(product)).reduce(f64::max))
    }
}

/// A period in parts, each with its end.
fn periods(start: Timestamp, end: Timestamp) -> impl Iterator<Item = (Timestamp, Timestamp)> {
    let length = end.0.saturating_sub(start.0).max(1);
    let count = length / PART + i64::from(length % PART != 0);
    (0..count).map(move |part| {
        let begin = start.0 + part * PART;
        (Timestamp(begin), Timestamp((begin + PART).min(end.0)))
    })
}

/// The Region whose endpoint has the prices of a Region: there are few of them.
pub(super) fn region_of_prices(region: &str) -> &'static str {
    match region {
        region if region.starts_with("cn-") => "cn-northwest-1",
        region if region.starts_with("eusc-") => "eusc-de-east-1",
        region if region.starts_with("eu-") => "eu-central-1",
        region if region.starts_with("ap-") => "ap-south-1",
        _ => "us-east-1",
    }
}

/// The price in a product of the list, which is JSON within JSON. What costs nothing is a reservation's.
fn hourly(product: &str) -> Option<f64> {
    let product: Value = serde_json::from_str(product).ok()?;
    let terms = product["terms"]["OnDemand"].as_object()?;
    let dimensions = terms.values().filter_map(|term| term["priceDimensions"].as_object()).flat_map(|map| map.values());
    let hours = dimensions.filter(|dimension| matches!(dimension["unit"].as_str(), None | Some("Hrs" | "Hours")));
    let usd = hours.filter_map(|dimension| dimension["pricePerUnit"]["USD"].as_str()?.parse::<f64>().ok());
    usd.filter(|usd| usd.is_finite() && *usd > 0.0).reduce(f64::max)
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::sync::{Arc, Mutex};

    use aws_config::{BehaviorVersion, Region, SdkConfig};
    use aws_credential_types::Credentials;
    use aws_credential_types::provider::SharedCredentialsProvider;
    use aws_smithy_runtime_api::client::http::{
        HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn,
    };
    use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
    use aws_smithy_types::body::SdkBody;

    use super::*;

    /// Answers one request after the other, and keeps where they went and what they said. (The SDK's own has half of the SDK
    /// compiled once more.)
    #[derive(Debug, Clone)]
    struct Replay(Arc<Mutex<Exchange>>);

    #[derive(Debug)]
    struct Exchange {
        answers: Vec<(u16, String)>,
        sent: Vec<(String, String)>,
    }

    impl HttpConnector for Replay {
        fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
            let mut replay = self.0.lock().expect("no test has panicked");
            let body = String::from_utf8_lossy(request.body().bytes().unwrap_or_default()).into_owned();
            replay.sent.push((request.uri().to_owned(), body));
            let (status, body) = replay.answers.remove(0);
            HttpConnectorFuture::ready(Ok(HttpResponse::new(status.try_into().expect("a status"), SdkBody::from(body))))
        }
    }

    impl Replay {
        /// Where the requests went, and what they said.
        fn sent(&self) -> Vec<(String, String)> {
            self.0.lock().expect("no test has panicked").sent.clone()
        }
    }

    fn account(answers: &[(u16, &str)]) -> (Account, Replay) {
        let answers = answers.iter().map(|(status, body)| (*status, (*body).to_owned())).collect();
        let replay = Replay(Arc::new(Mutex::new(Exchange { answers, sent: vec![] })));
        let connector = SharedHttpConnector::new(replay.clone());
        let http = http_client_fn(move |_, _| connector.clone());
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-west-1"))
            .credentials_provider(SharedCredentialsProvider::new(Credentials::new(
                "AKID", "secret", None, None, "test",
            )))
            .http_client(http)
            .build();
        (Account::with(&config).expect("complete"), replay)
    }

    fn page(zone: &str) -> String {
        format!(
            "<DescribeSpotPriceHistoryResponse><spotPriceHistorySet><item><availabilityZone>{zone}</availabilityZone>\
             <spotPrice>0.31</spotPrice><timestamp>2026-11-23T20:00:00.000Z</timestamp></item></spotPriceHistorySet>\
             <nextToken></nextToken></DescribeSpotPriceHistoryResponse>"
        )
    }

    #[tokio::test]
    async fn a_long_history_is_asked_for_in_parts() {
        let (a, b, c) = (page("a"), page("b"), page("c"));
        let (account, http) = account(&[(200, &a), (200, &b), (200, &c)]);
        let (start, told) = (Timestamp(1_795_464_000), Cell::new(0));
        let end = Timestamp(start.0 + 2 * PART + 5);
        let changes = account
            .spot_prices("g5.2xlarge", "Linux/UNIX", start, end, || told.set(told.get() + 1))
            .await
            .expect("prices");
        let mut zones: Vec<_> = changes.into_iter().map(|change| change.zone).collect();
        zones.sort();
        assert_eq!((zones, told.get(), Account::parts(start, end)), (vec!["a".into(), "b".into(), "c".into()], 3, 3));
        let sent: Vec<_> = http.sent().into_iter().map(|(_, body)| body).collect();
        assert!(sent[0].contains("StartTime=2026-11-23T20%3A00%3A00Z&EndTime=2026-11-30T20%3A00%3A00Z"), "{}", sent[0]);
        assert!(sent[2].contains("StartTime=2026-12-07T20%3A00%3A00Z&EndTime=2026-12-07T20%3A00%3A05Z"), "{}", sent[2]);
        assert_eq!(Account::parts(start, start), 1);
    }

    #[tokio::test]
    async fn a_refused_part_is_an_error() {
        let refusal = "<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>No.</Message></Error></Errors></Response>";
        let (account, _) = account(&[(403, refusal)]);
        let (start, end) = (Timestamp(1_795_464_000), Timestamp(1_795_464_060));
        let error = account.spot_prices("g5.2xlarge", "Linux/UNIX", start, end, || {}).await.expect_err("refused");
        assert_eq!(error.to_string(), "DescribeSpotPriceHistory: UnauthorizedOperation: No.");
    }

    fn product(dimensions: &str) -> String {
        format!("{{\"terms\":{{\"OnDemand\":{{\"X.Y\":{{\"priceDimensions\":{{{dimensions}}}}}}}}}}}")
    }

    fn answer(products: &[String]) -> String {
        serde_json::json!({"FormatVersion": "aws_v1", "PriceList": products}).to_string()
    }

    #[tokio::test]
    async fn the_price_list_is_asked_for_one_product() {
        let price = product(r#""X.Y.Z":{"unit":"Hrs","pricePerUnit":{"USD":"1.3530000000"}}"#);
        let (account, http) = account(&[(200, &answer(&[price]))]);
        assert_eq!(account.on_demand_price("g5.2xlarge", "Linux/UNIX").await.expect("a price"), Some(1.353));
        let (uri, body) = http.sent().remove(0);
        assert!(uri.contains("eu-central-1"), "{uri}");
        let body: Value = serde_json::from_str(&body).expect("JSON");
        let filters: Vec<_> = body["Filters"].as_array().into_iter().flatten().collect();
        assert!(filters.iter().any(|filter| filter["Field"] == "regionCode" && filter["Value"] == "eu-west-1"));
        assert!(filters.iter().any(|filter| filter["Field"] == "operatingSystem" && filter["Value"] == "Linux"));
    }

    #[tokio::test]
    async fn a_type_that_is_not_listed_has_no_price() {
        let free = product(r#""X.Y.Z":{"unit":"Hrs","pricePerUnit":{"USD":"0.0000000000"}}"#);
        for products in [vec![], vec![free], vec!["no JSON".to_owned(), "{}".to_owned()]] {
            let (account, _) = account(&[(200, &answer(&products))]);
            assert_eq!(account.on_demand_price("g5.2xlarge", "Windows").await.expect("an answer"), None);
        }
    }

    #[test]
    fn every_region_knows_where_its_prices_are() {
        for (region, prices) in [
            ("us-west-2", "us-east-1"),
            ("eu-north-1", "eu-central-1"),
            ("ap-east-1", "ap-south-1"),
            ("cn-north-1", "cn-northwest-1"),
        ] {
            assert_eq!(region_of_prices(region), prices);
        }
    }
}
