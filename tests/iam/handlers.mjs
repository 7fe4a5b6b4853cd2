// What CloudFormation asks of AWS, in the name of whoever deploys, to create, read, change and delete each type of resource:
// the permissions of its registry's handlers, less those for properties that our templates do not set.
// https://docs.aws.amazon.com/cloudformation-cli/latest/userguide/resource-type-schema.html (handlers)

const on = (service, actions) => actions.split(' ').map(action => `${service}:${action}`)

/** By type: actions on the resource itself, and those that IAM cannot scope. */
export const HANDLERS = {
  'AWS::AutoScaling::AutoScalingGroup': {
    own: on('autoscaling', 'CreateAutoScalingGroup CreateOrUpdateTags UpdateAutoScalingGroup DeleteTags EnableMetricsCollection DisableMetricsCollection DeleteAutoScalingGroup'),
    look: [...on('autoscaling', 'DescribeAutoScalingGroups DescribeScalingActivities'), 'ec2:DescribeSubnets'],
  },
  'AWS::AutoScaling::LaunchConfiguration': {
    own: on('autoscaling', 'CreateLaunchConfiguration DeleteLaunchConfiguration'),
    look: on('autoscaling', 'DescribeLaunchConfigurations'),
  },
  'AWS::AutoScaling::ScalingPolicy': {
    of: properties => properties.AutoScalingGroupName,
    own: on('autoscaling', 'PutScalingPolicy DeletePolicy'),
    look: on('autoscaling', 'DescribePolicies'),
  },
  'AWS::CloudWatch::Alarm': {
    own: on('cloudwatch', 'PutMetricAlarm TagResource UntagResource ListTagsForResource DeleteAlarms'),
    look: on('cloudwatch', 'DescribeAlarms'),
  },
  'AWS::CloudWatch::Dashboard': { own: on('cloudwatch', 'PutDashboard GetDashboard DeleteDashboards') },
  'AWS::EC2::LaunchTemplate': {
    // These are asked once the template is there, with CloudFormation's tags on it.
    tagged: on('ec2', 'CreateLaunchTemplateVersion ModifyLaunchTemplate DeleteLaunchTemplate CreateTags DeleteTags'),
    own: on('ec2', 'CreateLaunchTemplate'),
    look: on('ec2', 'DescribeLaunchTemplates DescribeLaunchTemplateVersions'),
  },
  'AWS::Events::Rule': {
    own: on('events', 'PutRule PutTargets DescribeRule ListTargetsByRule ListTagsForResource TagResource UntagResource RemoveTargets DeleteRule'),
  },
  'AWS::IAM::InstanceProfile': {
    own: on('iam', 'CreateInstanceProfile AddRoleToInstanceProfile GetInstanceProfile RemoveRoleFromInstanceProfile DeleteInstanceProfile'),
  },
  'AWS::IAM::Role': {
    own: on('iam', 'CreateRole PutRolePolicy GetRole ListAttachedRolePolicies ListRolePolicies GetRolePolicy UpdateRole UpdateRoleDescription UpdateAssumeRolePolicy TagRole UntagRole DeleteRolePolicy DeleteRole'),
  },
  'AWS::IAM::RolePolicy': {
    of: properties => properties.RoleName,
    own: on('iam', 'PutRolePolicy GetRolePolicy DeleteRolePolicy'),
  },
  'AWS::Lambda::EventInvokeConfig': {
    of: properties => properties.FunctionName,
    own: on('lambda', 'PutFunctionEventInvokeConfig GetFunctionEventInvokeConfig UpdateFunctionEventInvokeConfig DeleteFunctionEventInvokeConfig'),
  },
  'AWS::Lambda::Function': {
    own: on('lambda', 'CreateFunction GetFunction GetFunctionConfiguration GetFunctionCodeSigningConfig GetRuntimeManagementConfig GetFunctionRecursionConfig GetFunctionScalingConfig TagResource UntagResource ListTags UpdateFunctionCode UpdateFunctionConfiguration DeleteFunction'),
  },
  'AWS::Lambda::Permission': {
    of: properties => properties.FunctionName,
    // Asked with the principal that is let in.
    admits: on('lambda', 'AddPermission'),
    own: on('lambda', 'GetPolicy RemovePermission'),
  },
  'AWS::Logs::LogGroup': {
    own: on('logs', 'CreateLogGroup PutRetentionPolicy TagResource UntagResource ListTagsForResource GetDataProtectionPolicy DeleteLogGroup'),
    look: on('logs', 'DescribeLogGroups DescribeIndexPolicies'),
  },
  'AWS::SNS::Subscription': {
    of: properties => properties.TopicArn,
    own: on('sns', 'Subscribe GetSubscriptionAttributes ListSubscriptionsByTopic Unsubscribe'),
  },
  'AWS::SNS::Topic': {
    own: on('sns', 'CreateTopic GetTopicAttributes SetTopicAttributes GetDataProtectionPolicy ListSubscriptionsByTopic ListTagsForResource TagResource UntagResource DeleteTopic'),
  },
  'AWS::SNS::TopicPolicy': {
    of: properties => properties.Topics[0],
    own: on('sns', 'SetTopicAttributes'),
  },
  'AWS::SQS::Queue': {
    own: on('sqs', 'CreateQueue GetQueueUrl GetQueueAttributes SetQueueAttributes ListQueueTags TagQueue UntagQueue DeleteQueue'),
  },
}
