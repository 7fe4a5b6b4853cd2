//! What CloudFormation fetches from S3: the handler's zip, and a template too large for a request.

use sha2::{Digest, Sha256};
use spotstack_ec2::dns_suffix;

use super::audience::{Artifact, Audience, Moment};
use super::cloud::{Bucket, Cloud, Document, Identity, Object};
use super::error::DeployError;
use super::stack::Stack;
use super::trouble::CloudError;
use crate::package::{Package, hex};
use crate::template::LARGEST_INLINE;

/// The bucket that spotstack makes for itself, one for each account and Region.
pub fn bucket_name(identity: &Identity) -> String {
    format!("spotstack-artifacts-{}-{}", identity.account, identity.region)
}

/// The artifact bucket of a stack that is there, or the one that it would be.
pub fn name_in(stack: &Stack, asked: Option<&str>, identity: &Identity) -> String {
    let its = stack.parameters.get("ArtifactBucket").map(String::as_str);
    asked.or(its).map_or_else(|| bucket_name(identity), Into::into)
}

/// The artifact bucket: the one that was `asked` for, which must be there, or our own, which is made if it is not.
///
/// # Errors
/// It is somebody else's: whoever owns that name would get, and could change, what we upload. Or it is in another Region.
pub async fn bucket<C: Cloud, A: Audience>(
    asked: Option<&str>,
    identity: &Identity,
    cloud: &C,
    audience: &mut A,
) -> Result<String, DeployError> {
    let name = asked.map_or_else(|| bucket_name(identity), Into::into);
    match cloud.bucket(&name, &identity.account).await? {
        Bucket::Ours { region: Some(found) } if found != identity.region => {
            return Err(DeployError::BucketElsewhere { bucket: name, found, wanted: identity.region.clone() });
        }
        Bucket::Ours { .. } => {}
        Bucket::Foreign => {
            return Err(DeployError::ForeignBucket { bucket: name, account: identity.account.clone() });
        }
        Bucket::Missing if asked.is_some() => return Err(DeployError::NoBucket { bucket: name }),
        Bucket::Missing => {
            cloud.make_bucket(&name, &identity.account).await?;
            audience.hear(&Moment::BucketMade { bucket: &name });
        }
    }
    Ok(name)
}

/// Sends the handler's zip, unless it is there: the key is its hash, so what is there is the same.
///
/// # Errors
/// S3 does not take it.
pub async fn handler<C: Cloud, A: Audience>(
    package: &Package,
    bucket: &str,
    identity: &Identity,
    cloud: &C,
    audience: &mut A,
) -> Result<(), CloudError> {
    let key = package.key();
    let object = Object { bucket, owner: &identity.account, key: &key };
    store(Artifact::Handler, object, &package.bytes, &package.code_sha256(), cloud, audience).await
}

/// The template as CloudFormation takes it: in the request, or by way of the bucket.
///
/// # Errors
/// S3 does not take it.
pub async fn document<C: Cloud, A: Audience>(
    template: &str,
    bucket: &str,
    identity: &Identity,
    cloud: &C,
    audience: &mut A,
) -> Result<Document, CloudError> {
    if template.len() <= LARGEST_INLINE {
        return Ok(Document::Text(template.into()));
    }
    let sha256 = Sha256::digest(template);
    let key = format!("spotstack/template/{}.yaml", hex(&sha256));
    let object = Object { bucket, owner: &identity.account, key: &key };
    let checksum = aws_smithy_types::base64::encode(sha256);
    store(Artifact::Template, object, template.as_bytes(), &checksum, cloud, audience).await?;
    Ok(Document::Url(url(object, &identity.region)))
}

async fn store<C: Cloud, A: Audience>(
    what: Artifact,
    object: Object<'_>,
    bytes: &[u8],
    sha256: &str,
    cloud: &C,
    audience: &mut A,
) -> Result<(), CloudError> {
    let sent = cloud.has_object(&object).await? != Some(true);
    if sent {
        cloud.put_object(&object, bytes, sha256).await?;
    }
    audience.hear(&Moment::Stored { what, key: object.key, bytes: bytes.len(), sent });
    Ok(())
}

/// The address by which CloudFormation reads an object: always S3's own, in path style, whatever endpoint we talk to.
fn url(object: Object<'_>, region: &str) -> String {
    format!("https://s3.{region}.{}/{}/{}", dns_suffix(region), object.bucket, object.key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deploy::fake::{Fake, Listener, identity, package};

    #[tokio::test]
    async fn our_own_bucket_is_made_once() {
        let (cloud, mut audience) = (Fake::default().bucket(Bucket::Missing), Listener::default());
        let name = bucket(None, &identity(), &cloud, &mut audience).await.expect("made");
        assert_eq!(name, "spotstack-artifacts-111122223333-eu-west-1");
        assert_eq!(cloud.calls(), [format!("bucket {name}"), format!("make_bucket {name}")]);
        assert_eq!(audience.heard(), ["bucket_made"]);
    }

    #[tokio::test]
    async fn a_bucket_that_was_asked_for_is_never_made() {
        let cloud = Fake::default().bucket(Bucket::Missing);
        let error = bucket(Some("mine"), &identity(), &cloud, &mut Listener::default()).await;
        assert!(matches!(error, Err(DeployError::NoBucket { .. })));
        assert_eq!(cloud.calls(), ["bucket mine"]);
    }

    #[tokio::test]
    async fn a_bucket_of_somebody_else_or_elsewhere_is_refused() {
        let ask = async |found: Bucket| {
            bucket(None, &identity(), &Fake::default().bucket(found), &mut Listener::default()).await
        };
        assert!(matches!(ask(Bucket::Foreign).await, Err(DeployError::ForeignBucket { .. })));
        let elsewhere = Bucket::Ours { region: Some("us-east-1".into()) };
        assert!(matches!(ask(elsewhere).await, Err(DeployError::BucketElsewhere { .. })));
        assert!(ask(Bucket::Ours { region: None }).await.is_ok(), "S3 does not always say");
    }

    #[tokio::test]
    async fn nothing_is_sent_twice() {
        let (cloud, mut audience, package) = (Fake::default(), Listener::default(), package());
        for _ in 0..2 {
            handler(&package, "b", &identity(), &cloud, &mut audience).await.expect("stored");
        }
        let key = package.key();
        assert_eq!(
            cloud.calls(),
            [format!("has_object {key}"), format!("put_object {key}"), format!("has_object {key}")]
        );
    }

    #[tokio::test]
    async fn a_large_template_goes_through_the_bucket() {
        let (cloud, mut audience) = (Fake::default(), Listener::default());
        let small = "x".repeat(51_200);
        let sent = document(&small, "b", &identity(), &cloud, &mut audience).await.expect("sent");
        assert_eq!(sent, Document::Text(small.clone()));
        assert_eq!(cloud.calls(), [""; 0]);
        let Ok(Document::Url(url)) = document(&(small + "x"), "b", &identity(), &cloud, &mut audience).await else {
            panic!("not by URL")
        };
        assert!(url.starts_with("https://s3.eu-west-1.amazonaws.com/b/spotstack/template/"), "{url}");
        assert!(url.ends_with(".yaml"));
    }

    #[test]
    fn s3_has_a_domain_in_each_partition() {
        let object = Object { bucket: "b", owner: "111122223333", key: "k" };
        for (region, expected) in [
            ("us-gov-west-1", "https://s3.us-gov-west-1.amazonaws.com/b/k"),
            ("cn-north-1", "https://s3.cn-north-1.amazonaws.com.cn/b/k"),
            ("eusc-de-east-1", "https://s3.eusc-de-east-1.amazonaws.eu/b/k"),
        ] {
            assert_eq!(url(object, region), expected);
        }
    }
}
