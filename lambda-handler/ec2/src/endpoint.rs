//! Where EC2 and IAM are.

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

/// A service that speaks AWS's query protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Service {
    Ec2,
    /// One for all Regions of a partition.
    Iam,
}

impl Service {
    /// As AWS's models call it.
    pub(crate) fn id(self) -> &'static str {
        match self {
            Self::Ec2 => "EC2",
            Self::Iam => "IAM",
        }
    }

    /// As signatures call it.
    pub(crate) fn signing_name(self) -> &'static str {
        match self {
            Self::Ec2 => "ec2",
            Self::Iam => "iam",
        }
    }

    /// The version of its API.
    pub(crate) fn version(self) -> &'static str {
        match self {
            Self::Ec2 => "2016-11-15",
            Self::Iam => "2010-05-08",
        }
    }

    /// The Region that a request is signed for, which may be another than the one that it is about.
    pub(crate) fn signing_region(self, region: &str) -> &str {
        const HOMES: [(&str, &str); 8] = [
            ("cn-", "cn-north-1"),
            ("us-gov-", "us-gov-west-1"),
            ("eusc-", "eusc-de-east-1"),
            ("us-iso-", "us-iso-east-1"),
            ("us-isob-", "us-isob-east-1"),
            ("eu-isoe-", "eu-isoe-west-1"),
            ("us-isof-", "us-isof-south-1"),
            ("", "us-east-1"),
        ];
        match self {
            Self::Ec2 => region,
            Self::Iam => {
                HOMES.into_iter().find(|(start, _)| region.starts_with(start)).map_or(region, |(_, home)| home)
            }
        }
    }
}

/// A service's URL for this configuration in `region`: the one that code, environment or profile give for this service, then
/// the one they give for every service, then AWS's own.
pub(crate) fn url(service: Service, sdk: &SdkConfig, region: &str) -> String {
    let (fips, dual_stack) = (sdk.use_fips().unwrap_or_default(), sdk.use_dual_stack().unwrap_or_default());
    configured(service, sdk).unwrap_or_else(|| match service {
        Service::Ec2 => ec2(region, fips, dual_stack),
        Service::Iam => iam(region, fips),
    })
}

/// As AWS's service clients order them: what code says, `AWS_ENDPOINT_URL_EC2` for one, `AWS_ENDPOINT_URL`.
fn configured(service: Service, sdk: &SdkConfig) -> Option<String> {
    let for_all = || sdk.endpoint_url().map(str::to_owned);
    if sdk.get_origin("endpoint_url").is_client_config() {
        return for_all();
    }
    let key = ServiceConfigKey::builder()
        .service_id(service.id())
        .env("AWS_ENDPOINT_URL")
        .profile("endpoint_url")
        .build()
        .ok();
    key.and_then(|key| sdk.service_config()?.load_config(key)).or_else(for_all)
}

/// EC2's endpoint rules (its `endpoint-rule-set-1.json`, API 2016-11-15): in GovCloud every endpoint is a FIPS endpoint.
fn ec2(region: &str, fips: bool, dual_stack: bool) -> String {
    let (suffix, dual_stack_suffix) = suffixes(region);
    let service = match (fips, dual_stack) {
        (true, false) if region.starts_with("us-gov-") => "ec2",
        (true, _) => "ec2-fips",
        (false, _) => "ec2",
    };
    format!("https://{service}.{region}.{}", if dual_stack { dual_stack_suffix } else { suffix })
}

/// IAM's endpoint rules (API 2010-05-08), but for those of dual stack: nothing that runs on IPv6 alone asks for IAM here.
fn iam(region: &str, fips: bool) -> String {
    let (suffix, _) = suffixes(region);
    match Service::Iam.signing_region(region) {
        "us-east-1" if fips => format!("https://iam-fips.{suffix}"),
        "us-east-1" => format!("https://iam.{suffix}"),
        "us-gov-west-1" => format!("https://iam.us-gov.{suffix}"),
        home => format!("https://iam.{home}.{suffix}"),
    }
}

/// The domain under which the services of a Region are: `amazonaws.com`, where its partition has no other.
pub fn dns_suffix(region: &str) -> &'static str {
    suffixes(region).0
}

/// The DNS suffixes of a Region's partition: the plain one, and the one of dual stack.
fn suffixes(region: &str) -> (&'static str, &'static str) {
    let partition = PARTITIONS.into_iter().find(|(start, ..)| region.starts_with(start));
    let (_, suffix, dual_stack_suffix) = partition.unwrap_or(PARTITIONS[PARTITIONS.len() - 1]);
    (suffix, dual_stack_suffix)
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
            assert_eq!(ec2(region, fips, dual_stack), expected);
        }
    }

    #[test]
    fn a_partition_has_one_iam() {
        for (region, fips, home, expected) in [
            ("eu-west-1", false, "us-east-1", "https://iam.amazonaws.com"),
            ("eu-west-1", true, "us-east-1", "https://iam-fips.amazonaws.com"),
            ("us-gov-east-1", true, "us-gov-west-1", "https://iam.us-gov.amazonaws.com"),
            ("cn-northwest-1", false, "cn-north-1", "https://iam.cn-north-1.amazonaws.com.cn"),
            ("eusc-de-east-1", false, "eusc-de-east-1", "https://iam.eusc-de-east-1.amazonaws.eu"),
            ("us-iso-west-1", false, "us-iso-east-1", "https://iam.us-iso-east-1.c2s.ic.gov"),
            ("eu-isoe-west-1", false, "eu-isoe-west-1", "https://iam.eu-isoe-west-1.cloud.adc-e.uk"),
        ] {
            assert_eq!((iam(region, fips).as_str(), Service::Iam.signing_region(region)), (expected, home));
        }
        assert_eq!(Service::Ec2.signing_region("eu-west-1"), "eu-west-1");
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
        assert_eq!(url(Service::Ec2, &plain, region), "https://ec2.eu-west-1.amazonaws.com");

        let for_all = SdkConfig::builder().endpoint_url("http://all:1").build();
        assert_eq!(url(Service::Ec2, &for_all, region), "http://all:1");

        let for_ec2 = SdkConfig::builder().endpoint_url("http://all:1").service_config(ForEc2).build();
        assert_eq!(url(Service::Ec2, &for_ec2, region), "http://ec2:1");
        assert_eq!(url(Service::Iam, &for_ec2, region), "http://all:1");

        let mut in_code = for_ec2.into_builder();
        in_code.insert_origin("endpoint_url", Origin::shared_config());
        assert_eq!(url(Service::Ec2, &in_code.build(), region), "http://all:1");
    }
}
