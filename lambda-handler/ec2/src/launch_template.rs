//! `DescribeLaunchTemplateVersions`: what a group asks EC2 for.

use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_xml::decode::{ScopedDecoder, XmlDecodeError};
use aws_types::SdkConfig;

use crate::answer::{Unreadable, read, text};
use crate::call::{Call, CallError, Incomplete};
use crate::endpoint::Service;

/// How EC2 calls this.
pub const OPERATION: &str = "DescribeLaunchTemplateVersions";

/// What a version of a launch template says, as far as it matters to whoever chooses between two markets.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LaunchTemplate {
    /// `spot` where it asks for Spot; `None`: On-Demand.
    pub market: Option<String>,
    /// The max price in USD, where it has one.
    pub max_price: Option<String>,
    /// The instance type; `None` where it describes what it needs instead of naming a type.
    pub instance_type: Option<String>,
    /// The image's id, or the parameter that holds it.
    pub image: Option<String>,
}

/// A client for launch templates.
#[derive(Debug, Clone)]
pub struct LaunchTemplates(Call<Option<LaunchTemplate>>);

impl LaunchTemplates {
    /// A client that calls as `sdk` says: its Region, credentials, HTTP client, endpoint, retries and time-outs.
    ///
    /// # Errors
    ///
    /// There is no Region, no HTTP client, or nobody to call as.
    pub fn new(sdk: &SdkConfig) -> Result<Self, Incomplete> {
        Call::new(Service::Ec2, OPERATION, sdk, first_version).map(Self)
    }

    /// One version of the launch template of this id: a number, `$Latest` or `$Default`.
    ///
    /// # Errors
    ///
    /// EC2 refused, was not reached in time, answered something else, or has no such version.
    pub async fn read(&self, id: &str, version: &str) -> Result<LaunchTemplate, CallError> {
        let answer = self.0.with(&[("LaunchTemplateId", id), ("LaunchTemplateVersion.1", version)]).await?;
        answer
            .ok_or_else(|| SdkError::construction_failure(format!("the launch template {id} has no version {version}")))
    }
}

fn first_version(body: &[u8]) -> Result<Option<LaunchTemplate>, Unreadable> {
    read(OPERATION, body, |root| {
        let mut first = None;
        while let Some(mut tag) = root.next_tag() {
            if tag.start_el().local() != "launchTemplateVersionSet" {
                continue;
            }
            while let Some(mut item) = tag.next_tag() {
                let version = version(&mut item)?;
                first.get_or_insert(version);
            }
        }
        Ok(first)
    })
}

fn version(item: &mut ScopedDecoder<'_, '_>) -> Result<LaunchTemplate, XmlDecodeError> {
    let mut version = LaunchTemplate::default();
    while let Some(mut field) = item.next_tag() {
        if field.start_el().local() != "launchTemplateData" {
            continue;
        }
        while let Some(mut data) = field.next_tag() {
            match data.start_el().local() {
                "imageId" => version.image = text(&mut data)?,
                "instanceType" => version.instance_type = text(&mut data)?,
                "instanceMarketOptions" => market(&mut data, &mut version)?,
                _ => {}
            }
        }
    }
    Ok(version)
}

fn market(options: &mut ScopedDecoder<'_, '_>, version: &mut LaunchTemplate) -> Result<(), XmlDecodeError> {
    while let Some(mut option) = options.next_tag() {
        match option.start_el().local() {
            "marketType" => version.market = text(&mut option)?,
            "spotOptions" => {
                while let Some(mut spot) = option.next_tag() {
                    if spot.start_el().local() == "maxPrice" {
                        version.max_price = text(&mut spot)?;
                    }
                }
            }
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(versions: &str) -> Result<Option<LaunchTemplate>, Unreadable> {
        let set = format!("<launchTemplateVersionSet>{versions}</launchTemplateVersionSet>");
        first_version(
            format!(
                "<?xml version=\"1.0\"?><{OPERATION}Response xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\">\
                 <requestId>r</requestId>{set}</{OPERATION}Response>\n"
            )
            .as_bytes(),
        )
    }

    fn item(data: &str) -> String {
        format!(
            "<item><launchTemplateId>lt-1</launchTemplateId><defaultVersion>true</defaultVersion>\
             <launchTemplateData>{data}</launchTemplateData><versionNumber>3</versionNumber></item>"
        )
    }

    #[test]
    fn a_version_says_its_market_its_price_and_its_type() {
        let spot = "<userData>aGk=</userData><imageId>ami-1</imageId><instanceType>g5.2xlarge</instanceType>\
            <tagSpecificationSet><item><resourceType>volume</resourceType></item></tagSpecificationSet>\
            <instanceMarketOptions><marketType>spot</marketType><spotOptions><maxPrice>0.550000</maxPrice>\
            <spotInstanceType>one-time</spotInstanceType></spotOptions></instanceMarketOptions>";
        let text = |text: &str| Some(text.to_owned());
        let expected = LaunchTemplate {
            market: text("spot"),
            max_price: text("0.550000"),
            instance_type: text("g5.2xlarge"),
            image: text("ami-1"),
        };
        assert_eq!(answer(&item(spot)).expect("readable"), Some(expected));
    }

    #[test]
    fn on_demand_is_what_asks_for_no_market() {
        let plain = "<instanceType>g5.2xlarge</instanceType>";
        let expected = LaunchTemplate { instance_type: Some("g5.2xlarge".into()), ..LaunchTemplate::default() };
        assert_eq!(answer(&item(plain)).expect("readable"), Some(expected));
        let described = "<instanceRequirements><vCpuCount><min>4</min></vCpuCount></instanceRequirements>\
            <instanceMarketOptions><marketType>spot</marketType></instanceMarketOptions>";
        let expected = LaunchTemplate { market: Some("spot".into()), ..LaunchTemplate::default() };
        assert_eq!(answer(&item(described)).expect("readable"), Some(expected));
        assert_eq!(answer("").expect("readable"), None);
    }

    #[test]
    fn half_an_answer_is_none() {
        assert!(first_version(b"<DescribeLaunchTemplateVersionsResponse><launchTemplateVersionSet>").is_err());
        assert!(first_version(b"<html></html>").is_err());
    }
}
