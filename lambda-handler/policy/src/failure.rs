//! Why a launch failed, told from the text that AWS gives, because it gives no code.

use serde::{Deserialize, Serialize};

/// What a failed launch means for the next one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// The zone has none to give at the moment.
    Capacity,
    /// The max price is below the market.
    Price,
    /// The account may not have more Spot Instances: true in every zone.
    SpotQuota,
    /// The account may not have more On-Demand Instances.
    OnDemandQuota,
    /// The launch definition is wrong: On-Demand would fail as well.
    Configuration,
    /// Asked for, and no answer for longer than an answer takes.
    Silent,
    /// A text that nobody has seen yet; treated as a lack of capacity.
    Unknown,
}

impl FailureKind {
    /// A word or two for people.
    pub fn words(self) -> &'static str {
        match self {
            FailureKind::Capacity => "no capacity",
            FailureKind::Price => "the max price is below the market",
            FailureKind::SpotQuota => "the Spot quota is used up",
            FailureKind::OnDemandQuota => "the On-Demand quota is used up",
            FailureKind::Configuration => "the launch definition is wrong",
            FailureKind::Silent => "no answer",
            FailureKind::Unknown => "an unknown reason",
        }
    }
}

/// A part of AWS's text and what it means; the first that matches wins. Parts, because the words around them differ by the
/// path that the launch took. From the Amazon EC2 Auto Scaling user guide («Troubleshoot: EC2 instance launch failure»,
/// «Troubleshoot: AMI issues»), the EC2 API's error codes, and activity histories that users have published.
const TEXTS: &[(&str, FailureKind)] = &[
    ("MaxSpotInstanceCountExceeded", FailureKind::SpotQuota),
    ("Max spot instance count exceeded", FailureKind::SpotQuota),
    ("Placing Spot instance request failed", FailureKind::SpotQuota),
    ("VcpuLimitExceeded", FailureKind::OnDemandQuota),
    ("more vCPU capacity than your current vCPU limit", FailureKind::OnDemandQuota),
    ("InstanceLimitExceeded", FailureKind::OnDemandQuota),
    // Not offered in this zone: another zone may have it, so it counts like a lack of capacity there.
    ("not supported in your requested Availability Zone", FailureKind::Capacity),
    ("UnfulfillableCapacity", FailureKind::Capacity),
    ("InsufficientInstanceCapacity", FailureKind::Capacity),
    ("InsufficientFreeAddressesInSubnet", FailureKind::Capacity),
    ("MaxFleetCountExceeded", FailureKind::Capacity),
    ("no Spot capacity available", FailureKind::Capacity),
    ("There is no capacity available", FailureKind::Capacity),
    ("do not have sufficient", FailureKind::Capacity),
    ("SpotMaxPriceTooLow", FailureKind::Price),
    ("lower than the minimum required Spot request fulfillment price", FailureKind::Price),
    ("not eligible for Free Tier", FailureKind::Configuration),
    ("Client.InternalError", FailureKind::Configuration), // the volume's KMS key cannot be used by the service-linked role
    ("requested configuration is currently not supported", FailureKind::Configuration),
    ("InvalidFleetConfiguration", FailureKind::Configuration),
    ("InvalidParameter", FailureKind::Configuration),
    ("InvalidAMIID", FailureKind::Configuration),
    ("AMI ID", FailureKind::Configuration),
    ("AMI cannot be described", FailureKind::Configuration),
    ("security group", FailureKind::Configuration),
    ("key pair", FailureKind::Configuration),
    ("Invalid IamInstanceProfile", FailureKind::Configuration),
    ("not authorized to perform this operation", FailureKind::Configuration),
    ("UnauthorizedOperation", FailureKind::Configuration),
];

/// What the text of a failed launch means.
pub fn classify(text: &str) -> FailureKind {
    TEXTS.iter().find(|(part, _)| contains(text, part)).map_or(FailureKind::Unknown, |&(_, kind)| kind)
}

/// Whether `text` has `part` in it, in any case.
fn contains(text: &str, part: &str) -> bool {
    text.as_bytes().windows(part.len()).any(|window| window.eq_ignore_ascii_case(part.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use FailureKind::*;

    #[test]
    fn the_texts_of_aws_are_told_apart() {
        for (text, kind) in [
            (
                "Could not launch Spot Instances. UnfulfillableCapacity - Unable to fulfill capacity due to your request configuration. Please adjust your request and try again. Launching EC2 instance failed.",
                Capacity,
            ),
            (
                "Could not launch Spot Instances. UnfulfillableCapacity - There is no capacity available that matches your request. Launching EC2 instance failed.",
                Capacity,
            ),
            (
                "Could not launch Spot Instances. InsufficientInstanceCapacity - There is no Spot capacity available that matches your request. Launching EC2 instance failed.",
                Capacity,
            ),
            ("There is no Spot capacity available that matches your request. Launching EC2 instance failed.", Capacity),
            (
                "We currently do not have sufficient g5.2xlarge capacity in the Availability Zone you requested (eu-west-1a). Launching EC2 instance failed.",
                Capacity,
            ),
            (
                "Could not launch Spot Instances. InvalidFleetConfiguration - Your requested instance type (g5.2xlarge) is not supported in your requested Availability Zone (eu-west-1c).",
                Capacity,
            ),
            (
                "Your Spot request price of 0.015 is lower than the minimum required Spot request fulfillment price of 0.0735. Launching EC2 instance failed.",
                Price,
            ),
            ("Max spot instance count exceeded. Launching EC2 instance failed.", SpotQuota),
            ("Placing Spot instance request failed.", SpotQuota),
            (
                "Could not launch Spot Instances. MaxSpotInstanceCountExceeded - Max spot instance count exceeded. Launching EC2 instance failed.",
                SpotQuota,
            ),
            (
                "Could not launch On-Demand Instances. VcpuLimitExceeded - You have requested more vCPU capacity than your current vCPU limit of 0 allows for the instance bucket that the specified instance type belongs to.",
                OnDemandQuota,
            ),
            ("InvalidParameterCombination - The specified instance type is not eligible for Free Tier.", Configuration),
            ("Client.InternalError: Client error on launch.", Configuration),
            (
                "The requested configuration is currently not supported. Please check the documentation for supported configurations. Launching EC2 instance failed.",
                Configuration,
            ),
            ("The AMI ID 'ami-0123' does not exist. Launching EC2 instance failed.", Configuration),
            ("The security group 'sg-1' does not exist. Launching EC2 instance failed.", Configuration),
            ("The key pair 'media' does not exist. Launching EC2 instance failed.", Configuration),
            ("The moon is in the wrong phase.", Unknown),
            ("", Unknown),
        ] {
            assert_eq!(classify(text), kind, "{text}");
        }
    }
}
