//! The questions of a deploy, asked of AWS.

use std::time::Duration;

use aws_sdk_cloudformation::types::{self as sdk, ChangeSetType, EventFilter, Parameter, Tag, TemplateStage};
use aws_sdk_lambda::types::LogType;
use aws_sdk_s3::types as s3;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use super::error::flatten;
use super::reading::{text, word};
use super::{Account, reading, timeouts};
use crate::deploy::change_set::ChangeSetPage;
use crate::deploy::cloud::{
    Asked, Bucket, Capability, Cloud, Continuation, Deletion, Document, Explained, Failing, Identity, Object, Proposal,
    Proposed, Resource, Waiting,
};
use crate::deploy::event::{EventPage, FailedEvent};
use crate::deploy::{CloudError, Stack, Trouble};
use crate::neutral::neutral;
use crate::spec::partition_of;

/// The largest handler over a slow line.
const UPLOAD: Duration = Duration::from_secs(600);

/// A function's own time-out is at most a minute here; some more for its start.
const INVOCATION: Duration = Duration::from_secs(75);

impl Account {
    /// Flattens the error of one operation.
    pub(super) fn told<E>(&self, operation: &'static str) -> impl Fn(SdkError<E, HttpResponse>) -> CloudError + '_
    where
        E: std::error::Error + ProvideErrorMetadata + 'static,
    {
        move |error| flatten(operation, &self.endpoint, &error)
    }

    async fn change_set_page(&self, arn: &str, token: Option<&str>, values: bool) -> Asked<ChangeSetPage> {
        let call = self.cloudformation.describe_change_set().change_set_name(arn);
        // Not even `false` unless it is wanted: an endpoint that is not AWS's may not know it.
        let call = call.set_next_token(token.map(Into::into)).set_include_property_values(values.then_some(true));
        let output = call.send().await.map_err(self.told("DescribeChangeSet"))?;
        let changes = output.changes().iter().filter_map(|change| change.resource_change());
        Ok(ChangeSetPage {
            status: word(output.status().map(|status| status.as_str())),
            execution: word(output.execution_status().map(|status| status.as_str())),
            stack_arn: word(output.stack_id()),
            reason: text(output.status_reason()),
            changes: changes.map(reading::change).collect(),
            next: output.next_token().map(Into::into),
        })
    }

    /// What makes a new bucket fit for artifacts. Public access is off and encryption on in every new bucket since 2023; here
    /// it is said, so that it can be read and stays.
    async fn secure_bucket(&self, name: &str, owner: &str) -> Asked<()> {
        let private = s3::PublicAccessBlockConfiguration::builder()
            .block_public_acls(true)
            .ignore_public_acls(true)
            .block_public_policy(true)
            .restrict_public_buckets(true)
            .build();
        let call = self.s3.put_public_access_block().bucket(name).expected_bucket_owner(owner);
        call.public_access_block_configuration(private).send().await.map_err(self.told("PutPublicAccessBlock"))?;

        let encrypted =
            encryption().map_err(|message| CloudError::local("PutBucketEncryption", Trouble::Other, message))?;
        let call = self.s3.put_bucket_encryption().bucket(name).expected_bucket_owner(owner);
        call.server_side_encryption_configuration(encrypted).send().await.map_err(self.told("PutBucketEncryption"))?;

        let policy = tls_only(name, partition_of(&self.region));
        let call = self.s3.put_bucket_policy().bucket(name).expected_bucket_owner(owner).policy(policy);
        call.send().await.map_err(self.told("PutBucketPolicy"))?;

        let tags =
            made_by_spotstack().map_err(|message| CloudError::local("PutBucketTagging", Trouble::Other, message))?;
        let call = self.s3.put_bucket_tagging().bucket(name).expected_bucket_owner(owner).tagging(tags);
        call.send().await.map_err(self.told("PutBucketTagging"))?;
        Ok(())
    }
}

impl Cloud for Account {
    async fn identity(&self) -> Asked<Identity> {
        let output = self.sts.get_caller_identity().send().await.map_err(self.told("GetCallerIdentity"))?;
        Ok(Identity { account: word(output.account()), region: self.region.clone() })
    }

    async fn stack(&self, name_or_arn: &str) -> Asked<Option<Stack>> {
        let call = self.cloudformation.describe_stacks().stack_name(name_or_arn);
        match call.send().await.map_err(self.told("DescribeStacks")) {
            Ok(output) => Ok(output.stacks().first().map(reading::stack)),
            Err(error) if error.trouble == Trouble::Missing => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn events(&self, stack_arn: &str, token: Option<&str>) -> Asked<EventPage> {
        let call = self.cloudformation.describe_stack_events().stack_name(stack_arn);
        let call = call.set_next_token(token.map(Into::into));
        let output = call.send().await.map_err(self.told("DescribeStackEvents"))?;
        let events = output.stack_events().iter().map(reading::event).collect();
        Ok(EventPage { events, next: output.next_token().map(Into::into) })
    }

    async fn resources(&self, stack_arn: &str) -> Asked<Vec<Resource>> {
        let pages = self.cloudformation.list_stack_resources().stack_name(stack_arn).into_paginator().items().send();
        let resources = pages.try_collect().await.map_err(self.told("ListStackResources"))?;
        Ok(resources.iter().map(reading::resource).collect())
    }

    async fn template(&self, stack_arn: &str) -> Asked<String> {
        let call = self.cloudformation.get_template().stack_name(stack_arn).template_stage(TemplateStage::Original);
        let output = call.send().await.map_err(self.told("GetTemplate"))?;
        Ok(output.template_body().unwrap_or_default().into())
    }

    async fn delete_stack(&self, deletion: &Deletion<'_>) -> Asked<()> {
        let call =
            self.cloudformation.delete_stack().stack_name(deletion.stack_arn).client_request_token(deletion.token);
        let retain = (!deletion.retain.is_empty()).then(|| deletion.retain.to_vec());
        let call = call.set_retain_resources(retain).set_role_arn(deletion.role.map(Into::into));
        call.send().await.map_err(self.told("DeleteStack"))?;
        Ok(())
    }

    async fn cancel_update(&self, stack_arn: &str, token: &str) -> Asked<()> {
        let call = self.cloudformation.cancel_update_stack().stack_name(stack_arn).client_request_token(token);
        call.send().await.map_err(self.told("CancelUpdateStack"))?;
        Ok(())
    }

    async fn continue_rollback(&self, continuation: &Continuation<'_>) -> Asked<()> {
        let Continuation { stack_arn, token, role, skip } = *continuation;
        let call = self.cloudformation.continue_update_rollback().stack_name(stack_arn).client_request_token(token);
        let call = call.set_resources_to_skip((!skip.is_empty()).then(|| skip.to_vec()));
        call.set_role_arn(role.map(Into::into)).send().await.map_err(self.told("ContinueUpdateRollback"))?;
        Ok(())
    }

    async fn failed_events(&self, of: Failing<'_>) -> Asked<Vec<FailedEvent>> {
        let only_failed = EventFilter::builder().failed_events(true).build();
        let call = self.cloudformation.describe_events().filters(only_failed);
        let call = match of {
            Failing::ChangeSet(arn) => call.change_set_name(arn),
            Failing::Stack(arn) => call.stack_name(arn),
        };
        // The newest page: what has just failed is on it.
        let output = call.send().await.map_err(self.told("DescribeEvents"))?;
        Ok(output.operation_events().iter().filter_map(reading::failed_event).collect())
    }

    async fn create_change_set(&self, proposal: &Proposal) -> Asked<Proposed> {
        let parameter = |(key, value)| Parameter::builder().parameter_key(key).parameter_value(value).build();
        let tag = |(key, value)| Tag::builder().key(key).value(value).build();
        let kind = if proposal.create { ChangeSetType::Create } else { ChangeSetType::Update };
        let call = self
            .cloudformation
            .create_change_set()
            .stack_name(&proposal.stack)
            .change_set_name(&proposal.name)
            .client_token(&proposal.name)
            .change_set_type(kind)
            .set_capabilities(Some(proposal.capabilities.iter().map(capability).collect()))
            .set_parameters(Some(proposal.parameters.iter().map(parameter).collect()))
            .set_tags(Some(proposal.tags.iter().map(tag).collect()))
            .set_role_arn(proposal.role.clone())
            .set_notification_arns((!proposal.notifications.is_empty()).then(|| proposal.notifications.clone()));
        let call = match &proposal.template {
            Document::Text(body) => call.template_body(body),
            Document::Url(url) => call.template_url(url),
        };
        match call.send().await.map_err(self.told("CreateChangeSet")) {
            Ok(output) => Ok(proposed(output.id(), output.stack_id())),
            // The answer to an earlier attempt was lost; nobody else gives this name.
            Err(error) if error.code == "AlreadyExistsException" || error.is_passing() => {
                let call = self.cloudformation.describe_change_set().stack_name(&proposal.stack);
                let found = call.change_set_name(&proposal.name).send().await;
                found.map(|found| proposed(found.change_set_id(), found.stack_id())).map_err(|_| error)
            }
            Err(error) => Err(error),
        }
    }

    async fn change_set(&self, arn: &str, token: Option<&str>) -> Asked<ChangeSetPage> {
        self.change_set_page(arn, token, false).await
    }

    async fn change_set_values(&self, arn: &str, token: Option<&str>) -> Asked<ChangeSetPage> {
        self.change_set_page(arn, token, true).await
    }

    async fn change_sets(&self, stack: &str) -> Asked<Vec<Waiting>> {
        let pages = self.cloudformation.list_change_sets().stack_name(stack).into_paginator().items().send();
        let summaries = pages.try_collect().await.map_err(self.told("ListChangeSets"))?;
        Ok(summaries.iter().filter_map(reading::waiting).collect())
    }

    async fn delete_change_set(&self, arn: &str) -> Asked<()> {
        let call = self.cloudformation.delete_change_set().change_set_name(arn);
        call.send().await.map_err(self.told("DeleteChangeSet"))?;
        Ok(())
    }

    async fn execute_change_set(&self, arn: &str, token: &str) -> Asked<()> {
        let call = self.cloudformation.execute_change_set().change_set_name(arn).client_request_token(token);
        call.send().await.map_err(self.told("ExecuteChangeSet"))?;
        Ok(())
    }

    async fn bucket(&self, name: &str, owner: &str) -> Asked<Bucket> {
        match self.s3.head_bucket().bucket(name).expected_bucket_owner(owner).send().await {
            Ok(output) => Ok(Bucket::Ours { region: text(output.bucket_region()) }),
            Err(error) => {
                let raw = error.raw_response();
                let elsewhere =
                    raw.and_then(|raw| raw.headers().get("x-amz-bucket-region")).and_then(|region| text(Some(region)));
                match (raw.map(|raw| raw.status().as_u16()), elsewhere) {
                    (Some(404), _) => Ok(Bucket::Missing),
                    (Some(403), _) => Ok(Bucket::Foreign),
                    (Some(301 | 400), Some(region)) if region != self.region => {
                        Ok(Bucket::Ours { region: Some(region) })
                    }
                    _ => Err(flatten("HeadBucket", &self.endpoint, &error)),
                }
            }
        }
    }

    async fn make_bucket(&self, name: &str, owner: &str) -> Asked<()> {
        // us-east-1 is where a bucket is that says nothing about where.
        let place = (self.region != "us-east-1").then(|| {
            let region = s3::BucketLocationConstraint::from(self.region.as_str());
            s3::CreateBucketConfiguration::builder().location_constraint(region).build()
        });
        let call = self.s3.create_bucket().bucket(name).set_create_bucket_configuration(place);
        match call.send().await.map_err(self.told("CreateBucket")) {
            // The answer to an earlier attempt was lost.
            Err(error) if error.code == "BucketAlreadyOwnedByYou" => {}
            made => drop(made?),
        }
        let secured = self.secure_bucket(name, owner).await;
        if secured.is_err() {
            // A bucket that is there counts as made; the next deploy has to begin again. If it stays, it is empty.
            let _ = self.s3.delete_bucket().bucket(name).expected_bucket_owner(owner).send().await;
        }
        secured
    }

    async fn has_object(&self, object: &Object<'_>) -> Asked<Option<bool>> {
        let call = self.s3.head_object().bucket(object.bucket).key(object.key).expected_bucket_owner(object.owner);
        match call.send().await.map_err(self.told("HeadObject")) {
            Ok(_) => Ok(Some(true)),
            Err(error) if error.trouble == Trouble::Missing => Ok(Some(false)),
            // Without `s3:ListBucket` S3 does not say that there is nothing.
            Err(error) if error.trouble == Trouble::Denied => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn put_object(&self, object: &Object<'_>, bytes: &[u8], sha256: &str) -> Asked<()> {
        let call = self
            .s3
            .put_object()
            .bucket(object.bucket)
            .key(object.key)
            .expected_bucket_owner(object.owner)
            .checksum_sha256(sha256)
            .if_none_match("*")
            .body(bytes.to_vec().into())
            .customize()
            .config_override(aws_sdk_s3::config::Builder::new().timeout_config(timeouts(UPLOAD)));
        match call.send().await.map_err(self.told("PutObject")) {
            Ok(_) => Ok(()),
            // Somebody else has just put it there; it is the same, because its key is its hash.
            Err(error) if error.code == "PreconditionFailed" => Ok(()),
            Err(error) => Err(error),
        }
    }

    async fn code_sha256(&self, function: &str) -> Asked<Option<String>> {
        let call = self.lambda.get_function_configuration().function_name(function);
        match call.send().await.map_err(self.told("GetFunctionConfiguration")) {
            Ok(output) => Ok(text(output.code_sha256())),
            Err(error) if error.trouble == Trouble::Missing => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn explain(&self, function: &str) -> Asked<Explained> {
        let output = self
            .lambda
            .invoke()
            .function_name(function)
            .log_type(LogType::Tail)
            .payload(br#"{"explain":true}"#.to_vec().into())
            .customize()
            .config_override(aws_sdk_lambda::config::Builder::new().timeout_config(timeouts(INVOCATION)))
            .send()
            .await
            .map_err(self.told("Invoke"))?;
        let log = output.log_result().and_then(|log| aws_smithy_types::base64::decode(log).ok()).unwrap_or_default();
        Ok(Explained {
            payload: output.payload().map(|payload| payload.as_ref().to_vec()).unwrap_or_default(),
            error: text(output.function_error()),
            log: neutral(&String::from_utf8_lossy(&log)).into_owned(),
        })
    }
}

fn proposed(arn: Option<&str>, stack_arn: Option<&str>) -> Proposed {
    Proposed { arn: word(arn), stack_arn: word(stack_arn) }
}

fn capability(capability: &Capability) -> sdk::Capability {
    match capability {
        Capability::Iam => sdk::Capability::CapabilityIam,
        Capability::NamedIam => sdk::Capability::CapabilityNamedIam,
        Capability::AutoExpand => sdk::Capability::CapabilityAutoExpand,
    }
}

type Built<T> = Result<T, String>;

fn encryption() -> Built<s3::ServerSideEncryptionConfiguration> {
    let by_default = s3::ServerSideEncryptionByDefault::builder().sse_algorithm(s3::ServerSideEncryption::Aes256);
    let by_default = by_default.build().map_err(|error| error.to_string())?;
    let rule = s3::ServerSideEncryptionRule::builder().apply_server_side_encryption_by_default(by_default).build();
    s3::ServerSideEncryptionConfiguration::builder().rules(rule).build().map_err(|error| error.to_string())
}

fn made_by_spotstack() -> Built<s3::Tagging> {
    let tag = s3::Tag::builder().key("made-by").value("spotstack").build().map_err(|error| error.to_string())?;
    s3::Tagging::builder().tag_set(tag).build().map_err(|error| error.to_string())
}

/// Nobody, whoever they are, reads or writes without TLS.
fn tls_only(bucket: &str, partition: &str) -> String {
    serde_json::json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Sid": "OnlyOverTls",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": [format!("arn:{partition}:s3:::{bucket}"), format!("arn:{partition}:s3:::{bucket}/*")],
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }],
    })
    .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bucket_is_refused_to_plain_http_and_only_to_that() {
        let policy: serde_json::Value = serde_json::from_str(&tls_only("b", "aws-cn")).expect("JSON");
        let statement = &policy["Statement"][0];
        assert_eq!(statement["Effect"], "Deny");
        assert_eq!(statement["Condition"]["Bool"]["aws:SecureTransport"], "false");
        assert_eq!(statement["Resource"], serde_json::json!(["arn:aws-cn:s3:::b", "arn:aws-cn:s3:::b/*"]));
    }

    #[test]
    fn what_a_bucket_is_given_can_be_built() {
        assert!(encryption().is_ok() && made_by_spotstack().is_ok());
    }
}
