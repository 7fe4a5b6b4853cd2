//! What an account has that a worker can be made with: subnets, security groups, key pairs, instance profiles.

use aws_smithy_xml::decode::{ScopedDecoder, XmlDecodeError};
use aws_types::SdkConfig;

use crate::answer::{Page, Unreadable, page, read, text};
use crate::call::{Call, CallError, Incomplete};
use crate::endpoint::Service;

/// How EC2 and IAM call these.
pub const OPERATIONS: [&str; 4] =
    ["DescribeSubnets", "DescribeSecurityGroups", "DescribeKeyPairs", "ListInstanceProfiles"];

/// On a page: the most that every one of them gives.
const PAGE: &str = "1000";

/// Pages that are read at most: nobody looks through more.
const PAGES: usize = 5;

/// A subnet.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Subnet {
    /// Its id.
    pub id: String,
    /// Its Availability Zone.
    pub zone: String,
    /// Its VPC's id.
    pub vpc: String,
    /// What its tag `Name` says.
    pub name: Option<String>,
    /// Whether an instance gets a public address in it.
    pub public: bool,
}

/// A security group.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SecurityGroup {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its VPC's id.
    pub vpc: String,
}

/// A client for these lists.
#[derive(Debug, Clone)]
pub struct Inventory {
    subnets: Call<Page<Subnet>>,
    security_groups: Call<Page<SecurityGroup>>,
    key_pairs: Call<Page<String>>,
    instance_profiles: Call<Page<String>>,
}

impl Inventory {
    /// A client that calls as `sdk` says: its Region, credentials, HTTP client, endpoint, retries and time-outs.
    ///
    /// # Errors
    ///
    /// There is no Region, no HTTP client, or nobody to call as.
    pub fn new(sdk: &SdkConfig) -> Result<Self, Incomplete> {
        let [subnets, security_groups, key_pairs, instance_profiles] = OPERATIONS;
        Ok(Self {
            subnets: Call::new(Service::Ec2, subnets, sdk, |body| page(OPERATIONS[0], "subnetSet", body, subnet))?,
            security_groups: Call::new(Service::Ec2, security_groups, sdk, |body| {
                page(OPERATIONS[1], "securityGroupInfo", body, security_group)
            })?,
            key_pairs: Call::new(Service::Ec2, key_pairs, sdk, |body| page(OPERATIONS[2], "keySet", body, key_pair))?,
            instance_profiles: Call::new(Service::Iam, instance_profiles, sdk, profiles)?,
        })
    }

    /// The subnets of the Region.
    ///
    /// # Errors
    ///
    /// EC2 refused, was not reached in time or answered something else; or there are more than anybody looks through. The
    /// same goes for the others.
    pub async fn subnets(&self) -> Result<Vec<Subnet>, CallError> {
        self.subnets.all(&[("MaxResults", PAGE)], "NextToken", PAGES).await
    }

    /// The security groups of the Region.
    ///
    /// # Errors
    ///
    /// See [`Inventory::subnets`].
    pub async fn security_groups(&self) -> Result<Vec<SecurityGroup>, CallError> {
        self.security_groups.all(&[("MaxResults", PAGE)], "NextToken", PAGES).await
    }

    /// The names of the key pairs of the Region, which come in one piece.
    ///
    /// # Errors
    ///
    /// See [`Inventory::subnets`].
    pub async fn key_pairs(&self) -> Result<Vec<String>, CallError> {
        self.key_pairs.all(&[], "NextToken", 1).await
    }

    /// The names of the account's instance profiles.
    ///
    /// # Errors
    ///
    /// See [`Inventory::subnets`]; it is IAM that answers.
    pub async fn instance_profiles(&self) -> Result<Vec<String>, CallError> {
        self.instance_profiles.all(&[("MaxItems", PAGE)], "Marker", PAGES).await
    }
}

fn subnet(item: &mut ScopedDecoder<'_, '_>) -> Result<Option<Subnet>, XmlDecodeError> {
    let mut subnet = Subnet::default();
    while let Some(mut field) = item.next_tag() {
        match field.start_el().local() {
            "subnetId" => subnet.id = text(&mut field)?.unwrap_or_default(),
            "availabilityZone" => subnet.zone = text(&mut field)?.unwrap_or_default(),
            "vpcId" => subnet.vpc = text(&mut field)?.unwrap_or_default(),
            "mapPublicIpOnLaunch" => subnet.public = text(&mut field)?.as_deref() == Some("true"),
            "tagSet" => {
                while let Some(mut tag) = field.next_tag() {
                    let (mut key, mut value) = (None, None);
                    while let Some(mut part) = tag.next_tag() {
                        match part.start_el().local() {
                            "key" => key = text(&mut part)?,
                            "value" => value = text(&mut part)?,
                            _ => {}
                        }
                    }
                    if key.as_deref() == Some("Name") {
                        subnet.name = value;
                    }
                }
            }
            _ => {}
        }
    }
    Ok(Some(subnet).filter(|subnet| !subnet.id.is_empty()))
}

fn security_group(item: &mut ScopedDecoder<'_, '_>) -> Result<Option<SecurityGroup>, XmlDecodeError> {
    let mut group = SecurityGroup::default();
    while let Some(mut field) = item.next_tag() {
        match field.start_el().local() {
            "groupId" => group.id = text(&mut field)?.unwrap_or_default(),
            "groupName" => group.name = text(&mut field)?.unwrap_or_default(),
            "vpcId" => group.vpc = text(&mut field)?.unwrap_or_default(),
            _ => {}
        }
    }
    Ok(Some(group).filter(|group| !group.id.is_empty()))
}

fn key_pair(item: &mut ScopedDecoder<'_, '_>) -> Result<Option<String>, XmlDecodeError> {
    named("keyName", item)
}

/// What the field of this name says.
fn named(name: &str, item: &mut ScopedDecoder<'_, '_>) -> Result<Option<String>, XmlDecodeError> {
    let mut found = None;
    while let Some(mut field) = item.next_tag() {
        if field.start_el().local() == name {
            found = text(&mut field)?;
        }
    }
    Ok(found)
}

/// IAM packs its lists otherwise, and says beside the token whether there is a next page.
fn profiles(body: &[u8]) -> Result<Page<String>, Unreadable> {
    read(OPERATIONS[3], body, |root| {
        let (mut items, mut next, mut truncated) = (vec![], None, false);
        while let Some(mut result) = root.next_tag() {
            if result.start_el().local() != "ListInstanceProfilesResult" {
                continue;
            }
            while let Some(mut tag) = result.next_tag() {
                match tag.start_el().local() {
                    "InstanceProfiles" => {
                        while let Some(mut member) = tag.next_tag() {
                            items.extend(named("InstanceProfileName", &mut member)?);
                        }
                    }
                    "IsTruncated" => truncated = text(&mut tag)?.as_deref() == Some("true"),
                    "Marker" => next = text(&mut tag)?,
                    _ => {}
                }
            }
        }
        Ok(Page { items, next: next.filter(|_| truncated) })
    })
}

#[cfg(test)]
mod tests {
    use aws_credential_types::Credentials;
    use aws_credential_types::provider::SharedCredentialsProvider;
    use aws_smithy_http_client::test_util::{ReplayEvent, StaticReplayClient};
    use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
    use aws_smithy_types::body::SdkBody;
    use aws_types::region::Region;

    use super::*;

    /// A client in Ireland that is answered with these, one after another.
    fn answered(bodies: &[&str]) -> (Inventory, StaticReplayClient) {
        let event = |body: &&str| {
            let response = HttpResponse::new(200.try_into().expect("a status"), SdkBody::from(*body));
            ReplayEvent::new(HttpRequest::empty(), response)
        };
        let http = StaticReplayClient::new(bodies.iter().map(event).collect());
        let who = Credentials::new("AKID", "secret", None, None, "test");
        let sdk = SdkConfig::builder()
            .region(Region::new("eu-west-1"))
            .credentials_provider(SharedCredentialsProvider::new(who))
            .http_client(http.clone())
            .build();
        (Inventory::new(&sdk).expect("complete"), http)
    }

    /// Where each request went, what it asked, and as whom it is signed.
    fn asked(http: &StaticReplayClient) -> Vec<(String, String, String)> {
        let asked = |request: &HttpRequest| {
            let scope = request.headers().get("authorization").and_then(|signed| signed.split(['=', ',']).nth(1));
            let scope = scope.expect("signed").split_once("/eu-west-1/").map_or("elsewhere", |(_, service)| service);
            let body = String::from_utf8_lossy(request.body().bytes().expect("in memory")).into_owned();
            (request.uri().to_owned(), body, scope.to_owned())
        };
        http.actual_requests().map(asked).collect()
    }

    #[tokio::test]
    async fn subnets_have_zone_vpc_and_name() {
        let (inventory, http) = answered(&[
            "<DescribeSubnetsResponse><subnetSet><item><subnetId>subnet-1</subnetId><vpcId>vpc-1</vpcId>\
             <availabilityZone>eu-west-1a</availabilityZone><mapPublicIpOnLaunch>true</mapPublicIpOnLaunch><tagSet>\
             <item><key>team</key><value>media</value></item><item><key>Name</key><value>public &amp; a</value></item>\
             </tagSet></item><item/></subnetSet><nextToken>t</nextToken></DescribeSubnetsResponse>",
            "<DescribeSubnetsResponse><subnetSet><item><subnetId>subnet-2</subnetId><vpcId>vpc-1</vpcId>\
             <availabilityZone>eu-west-1b</availabilityZone></item></subnetSet></DescribeSubnetsResponse>",
        ]);
        let subnet = |id: &str, zone: &str, name: Option<&str>| Subnet {
            id: id.into(),
            zone: zone.into(),
            vpc: "vpc-1".into(),
            name: name.map(Into::into),
            public: name.is_some(),
        };
        let expected = [subnet("subnet-1", "eu-west-1a", Some("public & a")), subnet("subnet-2", "eu-west-1b", None)];
        assert_eq!(inventory.subnets().await.expect("answered"), expected);
        let first = "Action=DescribeSubnets&Version=2016-11-15&MaxResults=1000";
        let place = "https://ec2.eu-west-1.amazonaws.com/";
        let expected = [first.to_owned(), format!("{first}&NextToken=t")]
            .map(|body| (place.to_owned(), body, "ec2/aws4_request".to_owned()));
        assert_eq!(asked(&http), expected);
    }

    #[tokio::test]
    async fn security_groups_and_key_pairs_have_names() {
        let (inventory, _) = answered(&[
            "<DescribeSecurityGroupsResponse><securityGroupInfo><item><groupId>sg-1</groupId><groupName>workers\
             </groupName><vpcId>vpc-1</vpcId><ipPermissions><item><groups><item><groupId>sg-9</groupId></item></groups>\
             </item></ipPermissions></item></securityGroupInfo></DescribeSecurityGroupsResponse>",
            "<DescribeKeyPairsResponse><keySet><item><keyName>media</keyName></item></keySet></DescribeKeyPairsResponse>",
        ]);
        let group = SecurityGroup { id: "sg-1".into(), name: "workers".into(), vpc: "vpc-1".into() };
        assert_eq!(inventory.security_groups().await.expect("answered"), [group]);
        assert_eq!(inventory.key_pairs().await.expect("answered"), ["media"]);
    }

    #[tokio::test]
    async fn instance_profiles_are_iam_s_which_is_in_one_region() {
        let page = |name: &str, rest: &str| {
            format!(
                "<ListInstanceProfilesResponse><ListInstanceProfilesResult><InstanceProfiles><member><Roles><member>\
                 <RoleName>role</RoleName></member></Roles><InstanceProfileName>{name}</InstanceProfileName></member>\
                 </InstanceProfiles>{rest}</ListInstanceProfilesResult></ListInstanceProfilesResponse>"
            )
        };
        let first = page("worker", "<IsTruncated>true</IsTruncated><Marker>m</Marker>");
        let (inventory, http) = answered(&[&first, &page("encoder", "<IsTruncated>false</IsTruncated>")]);
        assert_eq!(inventory.instance_profiles().await.expect("answered"), ["worker", "encoder"]);
        let first = "Action=ListInstanceProfiles&Version=2010-05-08&MaxItems=1000";
        let expected = [first.to_owned(), format!("{first}&Marker=m")]
            .map(|body| ("https://iam.amazonaws.com/".to_owned(), body, "elsewhere".to_owned()));
        assert_eq!(asked(&http), expected);
    }
}
