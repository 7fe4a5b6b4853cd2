//! The questions of a deploy, asked of Auto Scaling.

use aws_sdk_autoscaling::types::{RefreshPreferences, ScaleInProtectedInstances};

use super::{Account, reading};
use crate::deploy::cloud::{Asked, Fleet, Group, LaunchDefinition, LaunchSource, Refresh, ScalingPolicy};

/// `DescribeAutoScalingGroups` takes so many names at once, and `SetInstanceProtection` so many instances.
/// <https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_DescribeAutoScalingGroups.html>
const AT_ONCE: usize = 50;

impl Account {
    /// The groups of these names, or all.
    async fn described_groups(&self, names: Option<&[String]>) -> Asked<Vec<Group>> {
        let call = self.auto_scaling.describe_auto_scaling_groups();
        let pages = call.set_auto_scaling_group_names(names.map(<[_]>::to_vec)).into_paginator().items().send();
        let groups = pages.try_collect().await.map_err(self.told("DescribeAutoScalingGroups"))?;
        Ok(groups.iter().map(reading::group).collect())
    }
}

impl Fleet for Account {
    async fn groups(&self, names: &[String]) -> Asked<Vec<Group>> {
        let mut groups = Vec::new();
        for some in names.chunks(AT_ONCE) {
            groups.extend(self.described_groups(Some(some)).await?);
        }
        Ok(groups)
    }

    async fn all_groups(&self) -> Asked<Vec<Group>> {
        self.described_groups(None).await
    }

    async fn launch_definition(&self, source: &LaunchSource) -> Asked<LaunchDefinition> {
        match source {
            LaunchSource::Template { id, version } => {
                let template = self.launch_templates.read(id, version).await;
                let template = template.map_err(self.told(spotstack_ec2::launch_template::OPERATION))?;
                Ok(reading::launch_template(template))
            }
            LaunchSource::Configuration(name) => {
                let call = self.auto_scaling.describe_launch_configurations().launch_configuration_names(name);
                let output = call.send().await.map_err(self.told("DescribeLaunchConfigurations"))?;
                Ok(output.launch_configurations().first().map(reading::launch_configuration).unwrap_or_default())
            }
            LaunchSource::Mixed => Ok(LaunchDefinition::default()),
        }
    }

    async fn scaling_policies(&self, group: &str) -> Asked<Vec<ScalingPolicy>> {
        let pages =
            self.auto_scaling.describe_policies().auto_scaling_group_name(group).into_paginator().items().send();
        let policies = pages.try_collect().await.map_err(self.told("DescribePolicies"))?;
        Ok(policies.iter().map(reading::scaling_policy).collect())
    }

    async fn start_refresh(&self, group: &str, skip_matching: bool) -> Asked<String> {
        let preferences = RefreshPreferences::builder()
            .scale_in_protected_instances(ScaleInProtectedInstances::Wait)
            .set_skip_matching(skip_matching.then_some(true))
            .build();
        let call = self.auto_scaling.start_instance_refresh().auto_scaling_group_name(group).preferences(preferences);
        let output = call.send().await.map_err(self.told("StartInstanceRefresh"))?;
        Ok(reading::word(output.instance_refresh_id()))
    }

    async fn refresh(&self, group: &str, id: Option<&str>) -> Asked<Option<Refresh>> {
        let call = self.auto_scaling.describe_instance_refreshes().auto_scaling_group_name(group).max_records(1);
        let call = call.set_instance_refresh_ids(id.map(|id| vec![id.to_owned()]));
        let output = call.send().await.map_err(self.told("DescribeInstanceRefreshes"))?;
        Ok(output.instance_refreshes().first().map(reading::refresh))
    }

    async fn empty_group(&self, group: &str) -> Asked<()> {
        let call = self.auto_scaling.update_auto_scaling_group().auto_scaling_group_name(group);
        let call = call.min_size(0).max_size(0).desired_capacity(0).new_instances_protected_from_scale_in(false);
        call.send().await.map_err(self.told("UpdateAutoScalingGroup"))?;
        Ok(())
    }

    async fn unprotect(&self, group: &str, instances: &[String]) -> Asked<()> {
        for some in instances.chunks(AT_ONCE) {
            let call = self.auto_scaling.set_instance_protection().auto_scaling_group_name(group);
            let call = call.set_instance_ids(Some(some.to_vec())).protected_from_scale_in(false);
            call.send().await.map_err(self.told("SetInstanceProtection"))?;
        }
        Ok(())
    }
}
