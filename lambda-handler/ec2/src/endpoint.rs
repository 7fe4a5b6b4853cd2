//! Where EC2 is.

use aws_types::SdkConfig;
use aws_types::service_config::ServiceConfigKey;

/// Each partition: how its Regions begin, its DNS suffix and its dual-stack DNS suffix; the first that matches counts. From
/// AWS's `partitions.json`, which every AWS SDK carries.
const PARTITIONS: [(&str, &str, &str); 7] = [
    ("cn-", "amazonaws.com.cn", "api.amazonwebservices.com.cn"),
    ("eusc-", "amazonaws.eu", "api.amazonwebservices.eu"),
    ("us-iso-", "c2s.ic.gov", "api.aws.ic.gov"),
    ("us-isob-", "sc2s.sgov.gov", "api.aws.scloud"),
    ("eu-isoe-", "cloud.adc-e.uk", "api.cloud-aws.adc-e.uk"),
    ("us-isof-", "csp.hci.ic.gov", "api.aws.hci.ic.gov"),
    ("", "amazonaws.com", "api.aws"), // aws, and aws-us-gov, which has the same suffixes
];

/// EC2's URL for this configuration in `region`: the one that code, environment or profile give for EC2, then the one they
/// give for every service, then AWS's own.
pub(crate) fn url(sdk: &SdkConfig, region: &str) -> String {
    configured(sdk)
        .unwrap_or_else(|| of_aws(region, sdk.use_fips().unwrap_or_default(), sdk.use_dual_stack().unwrap_or_default()))
}

/// As AWS's service clients order them: what code says, `AWS_ENDPOINT_URL_EC2`, `AWS_ENDPOINT_URL`.
fn configured(sdk: &SdkConfig) -> Option<String> {
    let for_all = || sdk.endpoint_url().map(str::to_owned);
    if sdk.get_origin("endpoint_url").is_client_config() {
        return for_all();
    }
    let key =
        ServiceConfigKey::builder().service_id("EC2").env("AWS_ENDPOINT_URL").profile("endpoint_url").build().ok();
    key.and_then(|key| sdk.service_config()?.load_config(key)).or_else(for_all)
}

/// EC2's endpoint rules (its `endpoint-rule-set-1.json`, API 2016-11-15): in GovCloud every endpoint is a FIPS endpoint.
fn of_aws(region: &str, fips: bool, dual_stack: bool) -> String {
    let partition = PARTITIONS.into_iter().find(|(start, ..)| region.starts_with(start));
    let (_, suffix, dual_stack_suffix) = partition.unwrap_or(PARTITIONS[PARTITIONS.len() - 1]);
    let service = match (fips, dual_stack) {
        (true, false) if region.starts_with("us-gov-") => "ec2",
        (true, _) => "ec2-fips",
        (false, _) => "ec2",
    };
    format!("https://{service}.{region}.{}", if dual_stack { dual_stack_suffix } else { suffix })
}

#[cfg(test)]
mod tests {
    use aws_types::origin::Origin;
    use aws_types::service_config::LoadServiceConfig;

    use super::*;

    #[test]
    fn every_partition_has_its_endpoint() {
        for (region, fips, dual_stack, expected) in [
            ("eu-west-1", false, false, "https://ec2.eu-west-1.amazonaws.com"),
            ("us-east-1", true, false, "https://ec2-fips.us-east-1.amazonaws.com"),
            ("us-east-1", false, true, "https://ec2.us-east-1.api.aws"),
            ("us-east-1", true, true, "https://ec2-fips.us-east-1.api.aws"),
            ("mx-central-1", false, false, "https://ec2.mx-central-1.amazonaws.com"),
            ("us-gov-west-1", false, false, "https://ec2.us-gov-west-1.amazonaws.com"),
            ("us-gov-west-1", true, false, "https://ec2.us-gov-west-1.amazonaws.com"),
            ("us-gov-west-1", true, true, "https://ec2-fips.us-gov-west-1.api.aws"),
            ("cn-north-1", false, false, "https://ec2.cn-north-1.amazonaws.com.cn"),
            ("cn-north-1", false, true, "https://ec2.cn-north-1.api.amazonwebservices.com.cn"),
            ("eusc-de-east-1", false, false, "https://ec2.eusc-de-east-1.amazonaws.eu"),
            ("us-iso-east-1", false, false, "https://ec2.us-iso-east-1.c2s.ic.gov"),
            ("us-isob-east-1", false, false, "https://ec2.us-isob-east-1.sc2s.sgov.gov"),
            ("eu-isoe-west-1", false, false, "https://ec2.eu-isoe-west-1.cloud.adc-e.uk"),
            ("us-isof-south-1", true, false, "https://ec2-fips.us-isof-south-1.csp.hci.ic.gov"),
        ] {
            assert_eq!(of_aws(region, fips, dual_stack), expected);
        }
    }

    #[derive(Debug)]
    struct ForEc2;

    impl LoadServiceConfig for ForEc2 {
        fn load_config(&self, key: ServiceConfigKey<'_>) -> Option<String> {
            (key.service_id() == "EC2" && key.env() == "AWS_ENDPOINT_URL").then(|| "http://ec2:1".to_owned())
        }
    }

    #[test]
    fn an_endpoint_of_one_s_own_is_honoured() {
        let region = "eu-west-1";
        let plain = SdkConfig::builder().build();
        assert_eq!(url(&plain, region), "https://ec2.eu-west-1.amazonaws.com");

        let for_all = SdkConfig::builder().endpoint_url("http://all:1").build();
        assert_eq!(url(&for_all, region), "http://all:1");

        let for_ec2 = SdkConfig::builder().endpoint_url("http://all:1").service_config(ForEc2).build();
        assert_eq!(url(&for_ec2, region), "http://ec2:1");

        let mut in_code = for_ec2.into_builder();
        in_code.insert_origin("endpoint_url", Origin::shared_config());
        assert_eq!(url(&in_code.build(), region), "http://all:1");
    }
}
