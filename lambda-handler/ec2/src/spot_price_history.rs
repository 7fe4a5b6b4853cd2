//! `DescribeSpotPriceHistory`.

mod answer;

use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::{DateTimeFormatError, Format};
use aws_types::SdkConfig;
use spot_policy::{PriceChange, Timestamp};

use crate::answer::Page;
use crate::call::{Call, CallError, Incomplete};
use crate::endpoint::Service;

/// How EC2 calls this.
pub const OPERATION: &str = "DescribeSpotPriceHistory";

/// Records on a page: EC2's maximum.
const PAGE: &str = "1000";

/// Pages that are read at most. One instance type changes its price a few times a day in each zone: 90 days, the longest
/// that EC2 remembers, are some four pages.
const PAGES: usize = 20;

/// A client for Spot prices. Made once: it keeps its connections and its caller's identity.
#[derive(Debug, Clone)]
pub struct SpotPriceHistory(Call<Page<PriceChange>>);

impl SpotPriceHistory {
    /// A client that calls as `sdk` says: its Region, credentials, HTTP client, endpoint, retries and time-outs.
    ///
    /// # Errors
    ///
    /// There is no Region, no HTTP client, or nobody to call as.
    pub fn new(sdk: &SdkConfig) -> Result<Self, Incomplete> {
        Call::new(Service::Ec2, OPERATION, sdk, answer::page).map(Self)
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
    ) -> Result<Vec<PriceChange>, CallError> {
        let start = written(start).map_err(SdkError::construction_failure)?;
        let end = written(end).map_err(SdkError::construction_failure)?;
        let product = product.strip_suffix(" (Amazon VPC)").unwrap_or(product);
        let of_old = format!("{product} (Amazon VPC)");
        let parameters = [
            ("InstanceType.1", instance_type),
            ("ProductDescription.1", product),
            ("ProductDescription.2", &of_old),
            ("StartTime", &start),
            ("EndTime", &end),
            ("MaxResults", PAGE),
        ];
        self.0.all(&parameters, "NextToken", PAGES).await
    }
}

fn written(at: Timestamp) -> Result<String, DateTimeFormatError> {
    DateTime::from_secs(at.0).fmt(Format::DateTime)
}

#[cfg(test)]
mod tests;
