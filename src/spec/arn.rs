//! Amazon Resource Names and the names of Regions, as far as their shapes tell.

/// The parts of `arn:partition:service:region:account:resource`.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html>
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Arn<'a> {
    pub(super) partition: &'a str,
    pub(super) service: &'a str,
    /// Empty where the service knows no Regions.
    pub(super) region: &'a str,
    pub(super) account: &'a str,
    pub(super) resource: &'a str,
}

impl<'a> Arn<'a> {
    /// The parts of a text that has the shape.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        let parts: Vec<&str> = text.splitn(6, ':').collect();
        let ["arn", partition, service, region, account, resource] = parts[..] else { return None };
        let holds = ["aws", "aws-cn", "aws-us-gov"].contains(&partition)
            || partition.strip_prefix("aws-").is_some_and(|rest| rest.starts_with("iso") || rest == "eusc");
        let account_holds = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
        let region_holds = region.is_empty() || is_region(region);
        (holds && account_holds && region_holds).then_some(Self { partition, service, region, account, resource })
    }
}

/// Whether this has the shape of a Region's name: `eu-west-1`, `us-gov-east-1`.
pub(super) fn is_region(text: &str) -> bool {
    let mut parts: Vec<&str> = text.split('-').collect();
    let number = parts.pop().unwrap_or_default();
    (2..=3).contains(&parts.len())
        && (number.len() == 1 && number.bytes().all(|byte| byte.is_ascii_digit()))
        && parts.iter().all(|word| (2..=9).contains(&word.len()) && word.bytes().all(|byte| byte.is_ascii_lowercase()))
}

/// The partition that a Region is in.
pub(crate) fn partition_of(region: &str) -> &'static str {
    match region.split('-').take(2).collect::<Vec<_>>()[..] {
        ["cn", ..] => "aws-cn",
        ["us", "gov"] => "aws-us-gov",
        ["us", "iso"] => "aws-iso",
        ["us", "isob"] => "aws-iso-b",
        ["eu", "isoe"] => "aws-iso-e",
        ["us", "isof"] => "aws-iso-f",
        ["eusc", ..] => "aws-eusc",
        _ => "aws",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arns_have_six_parts() {
        let arn = Arn::parse("arn:aws:sqs:eu-west-1:111122223333:jobs").expect("an ARN");
        assert_eq!((arn.service, arn.region, arn.account, arn.resource), ("sqs", "eu-west-1", "111122223333", "jobs"));
        for text in [
            "",
            "jobs",
            "arn:aws:sqs:eu-west-1:111122223333",
            "arn:aws:sqs:eu-west-1:1111:jobs",
            "arn:aws:sqs:here:111122223333:jobs",
            "arn:azure:sqs:eu-west-1:111122223333:jobs",
        ] {
            assert_eq!(Arn::parse(text), None, "{text}");
        }
    }

    #[test]
    fn regions_have_a_shape_and_a_partition() {
        for (region, partition) in [
            ("eu-west-1", "aws"),
            ("ap-southeast-7", "aws"),
            ("cn-north-1", "aws-cn"),
            ("us-gov-east-1", "aws-us-gov"),
            ("eusc-de-east-1", "aws-eusc"),
        ] {
            assert!(is_region(region), "{region}");
            assert_eq!(partition_of(region), partition);
        }
        for text in ["", "eu-west", "eu-west-1a", "EU-west-1", "-west-1", "eu-west-1-1"] {
            assert!(!is_region(text), "{text}");
        }
    }
}
