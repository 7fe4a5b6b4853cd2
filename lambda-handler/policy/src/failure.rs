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
    /// The account may not have more On-Demand Instances: true in every zone.
    OnDemandQuota,
    /// EC2 Spot's service-linked role is missing and may not be made: true in every zone, and no matter for On-Demand.
    SpotRole,
    /// The launch definition is wrong: On-Demand would fail as well.
    Configuration,
    /// The volume's KMS key cannot be used: On-Demand would fail as well.
    Kms,
    /// The account is on AWS's Free plan, which has few instance types: On-Demand would fail as well.
    FreePlan,
    /// It was there, and AWS took it back.
    Interrupted,
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
            FailureKind::SpotRole => "EC2 Spot's service-linked role is missing",
            FailureKind::Configuration => "the launch definition is wrong",
            FailureKind::Kms => "the volume's KMS key cannot be used",
            FailureKind::FreePlan => "the account's Free plan does not have this instance type",
            FailureKind::Interrupted => "AWS took one back",
            FailureKind::Silent => "no answer",
            FailureKind::Unknown => "an unknown reason",
        }
    }

    /// What to do about it, as the end of a sentence; nothing where waiting is all there is to do.
    pub fn advice(self) -> &'static str {
        match self {
            FailureKind::SpotQuota | FailureKind::OnDemandQuota => ". Ask for more in Service Quotas",
            FailureKind::SpotRole => {
                ". `aws iam create-service-linked-role --aws-service-name spot.amazonaws.com` makes it"
            }
            FailureKind::Kms => ". Let the role AWSServiceRoleForAutoScaling use the key",
            FailureKind::FreePlan => ". Upgrade the account's plan or choose another type",
            _ => "",
        }
    }

    /// Whether it holds in every zone, so that no other needs to be tried.
    pub fn is_everywhere(self) -> bool {
        matches!(self, FailureKind::SpotQuota | FailureKind::OnDemandQuota | FailureKind::SpotRole)
    }

    /// Whether the twin definition would fail as well, so that On-Demand is no help.
    pub fn is_configuration(self) -> bool {
        matches!(self, FailureKind::Configuration | FailureKind::Kms | FailureKind::FreePlan)
    }
}

use FailureKind::{Capacity, Configuration, FreePlan, Kms, OnDemandQuota, Price, SpotQuota, SpotRole};

/// Where a text is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    /// Amazon EC2 Auto Scaling user guide: «Troubleshoot: EC2 instance launch failure», «… AMI issues», «… launch templates».
    Guide,
    /// Amazon EC2 API reference, «Error codes».
    Codes,
    /// Activity histories that users have published.
    Seen,
}
use Source::{Codes, Guide, Seen};

/// A part of AWS's text, what it means, and where it is from; the first that matches wins. Parts, because the words around
/// them differ by the path that the launch took.
const TEXTS: &[(&str, FailureKind, Source)] = &[
    ("MaxSpotInstanceCountExceeded", SpotQuota, Codes),
    ("Max spot instance count exceeded", SpotQuota, Seen),
    ("Placing Spot instance request failed", SpotQuota, Seen),
    ("VcpuLimitExceeded", OnDemandQuota, Codes),
    ("more vCPU capacity than your current vCPU limit", OnDemandQuota, Codes),
    ("InstanceLimitExceeded", OnDemandQuota, Codes),
    ("ServiceLinkedRoleCreationNotPermitted", SpotRole, Seen),
    ("service-linked role for EC2 Spot", SpotRole, Seen),
    // Not offered in this zone: another zone may have it, so it counts like a lack of capacity there.
    ("not supported in your requested Availability Zone", Capacity, Guide),
    ("UnfulfillableCapacity", Capacity, Seen),
    ("InsufficientInstanceCapacity", Capacity, Codes),
    ("InsufficientCapacity", Capacity, Codes),
    ("InsufficientHostCapacity", Capacity, Codes),
    ("InsufficientFreeAddressesInSubnet", Capacity, Codes),
    ("not enough free addresses in subnet", Capacity, Codes),
    ("MaxFleetCountExceeded", Capacity, Codes),
    ("no Spot capacity available", Capacity, Guide),
    ("There is no capacity available", Capacity, Seen),
    ("do not have sufficient", Capacity, Guide),
    ("SpotMaxPriceTooLow", Price, Codes),
    ("lower than the minimum required Spot request fulfillment price", Price, Guide),
    ("not eligible for Free Tier", FreePlan, Seen),
    ("Client.InternalError", Kms, Guide),
    ("Client error on launch", Kms, Guide),
    ("InvalidKMSKey", Kms, Codes),
    ("KMS key", Kms, Codes),
    ("requested configuration is currently not supported", Configuration, Guide),
    ("InvalidFleetConfiguration", Configuration, Seen),
    ("fully-formed launch template", Configuration, Guide),
    ("Incompatible launch template", Configuration, Guide),
    ("launch template does not exist", Configuration, Guide),
    ("InvalidLaunchTemplate", Configuration, Codes),
    ("InvalidParameter", Configuration, Codes),
    ("InvalidBlockDeviceMapping", Configuration, Codes),
    ("Invalid device name", Configuration, Guide),
    ("EBS block device mappings not supported for instance-store AMIs", Configuration, Guide),
    ("The specified instance type", Configuration, Seen),
    ("is invalid. Valid volume types", Configuration, Seen),
    ("InvalidAMIID", Configuration, Codes),
    ("AMI ID", Configuration, Guide),
    ("AMI cannot be described", Configuration, Guide),
    ("AMI is pending", Configuration, Guide),
    ("security group", Configuration, Guide),
    ("InvalidGroup", Configuration, Codes),
    ("InvalidSecurityGroup", Configuration, Codes),
    ("InvalidSubnet", Configuration, Codes),
    ("The subnet ID", Configuration, Codes),
    ("key pair", Configuration, Guide),
    ("InvalidKeyPair", Configuration, Codes),
    ("IamInstanceProfile", Configuration, Seen),
    ("OptInRequired", Configuration, Codes),
    ("not subscribed to this service", Configuration, Guide),
    ("not authorized to perform this operation", Configuration, Codes),
    ("UnauthorizedOperation", Configuration, Codes),
];

/// What the text of a failed launch means.
pub fn classify(text: &str) -> FailureKind {
    TEXTS.iter().find(|(part, ..)| contains(text, part)).map_or(FailureKind::Unknown, |&(_, kind, _)| kind)
}

/// Whether `text` has `part` in it, in any case.
fn contains(text: &str, part: &str) -> bool {
    text.as_bytes().windows(part.len()).any(|window| window.eq_ignore_ascii_case(part.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use FailureKind::Unknown;

    /// Texts as AWS writes them, whole.
    const WHOLE: &[(FailureKind, &str)] = &[
        (
            Capacity,
            "Could not launch Spot Instances. UnfulfillableCapacity - Unable to fulfill capacity due to your request configuration. Please adjust your request and try again. Launching EC2 instance failed.",
        ),
        (
            Capacity,
            "Could not launch Spot Instances. UnfulfillableCapacity - There is no capacity available that matches your request. Launching EC2 instance failed.",
        ),
        (
            Capacity,
            "Could not launch Spot Instances. InsufficientInstanceCapacity - There is no Spot capacity available that matches your request. Launching EC2 instance failed.",
        ),
        (Capacity, "There is no Spot capacity available that matches your request. Launching EC2 instance failed."),
        (
            Capacity,
            "We currently do not have sufficient g5.2xlarge capacity in the Availability Zone you requested (eu-west-1a). Our system will be working on provisioning additional capacity. You can currently get g5.2xlarge capacity by not specifying an Availability Zone in your request or choosing eu-west-1b. Launching EC2 instance failed.",
        ),
        (
            Capacity,
            "Could not launch Spot Instances. InvalidFleetConfiguration - Your requested instance type (g5.2xlarge) is not supported in your requested Availability Zone (eu-west-1c).",
        ),
        (
            Capacity,
            "Your requested instance type (g5.2xlarge) is not supported in your requested Availability Zone (eu-west-1c). Launching EC2 instance failed.",
        ),
        (
            Price,
            "Your Spot request price of 0.015 is lower than the minimum required Spot request fulfillment price of 0.0735. Launching EC2 instance failed.",
        ),
        (Price, "Could not launch Spot Instances. SpotMaxPriceTooLow - Your Spot request price of 0.015 is too low."),
        (SpotQuota, "Max spot instance count exceeded. Launching EC2 instance failed."),
        (SpotQuota, "Placing Spot instance request failed."),
        (
            SpotQuota,
            "Could not launch Spot Instances. MaxSpotInstanceCountExceeded - Max spot instance count exceeded. Launching EC2 instance failed.",
        ),
        (
            OnDemandQuota,
            "Could not launch On-Demand Instances. VcpuLimitExceeded - You have requested more vCPU capacity than your current vCPU limit of 0 allows for the instance bucket that the specified instance type belongs to.",
        ),
        (
            SpotRole,
            "AuthFailure.ServiceLinkedRoleCreationNotPermitted: The provided credentials do not have permission to create the service-linked role for EC2 Spot Instances.",
        ),
        (
            FreePlan,
            "Could not launch On-Demand Instances. InvalidParameterCombination - The specified instance type is not eligible for Free Tier. For a list of Free Tier instance types, run 'describe-instance-types' with the filter 'free-tier-eligible=true'. Launching EC2 instance failed.",
        ),
        (FreePlan, "InvalidParameterCombination - The specified instance type is not eligible for Free Tier."),
        (Kms, "Client.InternalError: Client error on launch."),
        (
            Kms,
            "Instance became unhealthy while waiting for instance to be in InService state. Termination Reason: Client.InternalError: Client error on launch",
        ),
        (
            Configuration,
            "The requested configuration is currently not supported. Please check the documentation for supported configurations. Launching EC2 instance failed.",
        ),
        (
            Configuration,
            "Could not launch Spot Instances. InvalidFleetConfiguration - The requested configuration is currently not supported.",
        ),
        (Configuration, "The AMI ID 'ami-0123' does not exist. Launching EC2 instance failed."),
        (Configuration, "AMI cannot be described. Launching EC2 instance failed."),
        (Configuration, "The security group 'sg-1' does not exist. Launching EC2 instance failed."),
        (Configuration, "The key pair 'media' does not exist. Launching EC2 instance failed."),
        (Configuration, "The specified instance type m7i.xlarge is not valid"),
        (Configuration, "gp3 is invalid. Valid volume types are standard, io1, gp2, st1 and sc1."),
        (
            Configuration,
            "You must use a valid fully-formed launch template. The parameter groupName cannot be used with the parameter subnet",
        ),
        (
            Configuration,
            "Incompatible launch template: Auto Scaling only supports the 'one-time' Spot instance type with no duration.",
        ),
        (Configuration, "Invalid IamInstanceProfile: worker. Launching EC2 instance failed."),
        (Configuration, "You are not authorized to perform this operation. Encoded authorization failure message: kqx"),
        (Configuration, "You are not subscribed to this service. Please see https://aws.amazon.com/."),
        (Unknown, "The moon is in the wrong phase."),
        (Unknown, "Could not launch Spot Instances. MoonPhaseException - Please wait. Launching EC2 instance failed."),
        (Unknown, "Internal error. Launching EC2 instance failed."),
        (Unknown, ""),
    ];

    #[test]
    fn the_texts_of_aws_are_told_apart() {
        for &(kind, text) in WHOLE {
            assert_eq!(classify(text), kind, "{text}");
            // AWS cuts a status message after 255 characters.
            assert_eq!(classify(&text.chars().take(255).collect::<String>()), kind, "{text}");
            assert_eq!(classify(&text.to_uppercase()), kind, "{text}");
        }
    }

    #[test]
    fn every_part_means_what_its_row_says() {
        for &(part, kind, source) in TEXTS {
            assert_eq!(classify(&format!("Before. {part} after.")), kind, "«{part}» ({source:?}) is shadowed");
        }
    }

    #[test]
    fn no_text_panics() {
        for text in ["\u{1F680}", "é".repeat(10_000).as_str(), "\0", "«»"] {
            assert_eq!(classify(text), Unknown);
        }
    }
}
