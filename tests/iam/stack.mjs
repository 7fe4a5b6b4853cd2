// A rendered template as if it were deployed: every resource with a name and an ARN, every reference resolved.

/** Names of at most 64 characters: CloudFormation cuts the stack's name and the logical id after 25. */
const SHORT = new Set([
  'AWS::Events::Rule', 'AWS::IAM::InstanceProfile', 'AWS::IAM::Role', 'AWS::Lambda::Function',
])

const ARNS = {
  'AWS::AutoScaling::AutoScalingGroup': (s, n) => s.arn('autoscaling', `autoScalingGroup:11111111-2222-3333-4444-555555555555:autoScalingGroupName/${n}`),
  'AWS::AutoScaling::LaunchConfiguration': (s, n) => s.arn('autoscaling', `launchConfiguration:11111111-2222-3333-4444-555555555555:launchConfigurationName/${n}`),
  'AWS::CloudWatch::Alarm': (s, n) => s.arn('cloudwatch', `alarm:${n}`),
  'AWS::CloudWatch::Dashboard': (s, n) => `arn:${s.partition}:cloudwatch::${s.account}:dashboard/${n}`,
  'AWS::EC2::LaunchTemplate': (s, n) => s.arn('ec2', `launch-template/${n}`),
  'AWS::Events::Rule': (s, n) => s.arn('events', `rule/${n}`),
  'AWS::IAM::InstanceProfile': (s, n) => `arn:${s.partition}:iam::${s.account}:instance-profile/${n}`,
  'AWS::IAM::Role': (s, n) => `arn:${s.partition}:iam::${s.account}:role/${n}`,
  'AWS::Lambda::Function': (s, n) => s.arn('lambda', `function:${n}`),
  'AWS::Logs::LogGroup': (s, n) => s.arn('logs', `log-group:${n}`),
  'AWS::SNS::Topic': (s, n) => s.arn('sns', n),
  'AWS::SQS::Queue': (s, n) => s.arn('sqs', n),
}

export class Stack {
  /** `groups` is the stack that has the groups which another template made: see examples/existing-groups.yaml. */
  constructor(name, template, { region, account, partition = 'aws', groups = 'encoder-prod' }) {
    Object.assign(this, { name, template, region, account, partition, groups })
    this.resources = template.Resources
  }

  /** Ids of a type. */
  of(type) {
    return Object.keys(this.resources).filter(id => this.resources[id].Type === type)
  }

  arn(service, rest) {
    return `arn:${this.partition}:${service}:${this.region}:${this.account}:${rest}`
  }

  nameOf(id) {
    const { Type, Properties = {} } = this.resources[id]
    if (Type === 'AWS::EC2::LaunchTemplate') return 'lt-0123456789abcdef0'
    const given = Properties.QueueName ?? Properties.DashboardName
    if (given) return this.resolve(given)
    const cut = text => (SHORT.has(Type) ? text.slice(0, 25) : text)
    const whole = `${this.name}-${id}-Abc1Def2Ghi3`
    return whole.length <= 64 ? whole : `${cut(this.name)}-${cut(id)}-Abc1Def2Ghi3`
  }

  /** The ARN of a group that another template made. */
  groupArn(name) {
    return ARNS['AWS::AutoScaling::AutoScalingGroup'](this, name)
  }

  arnOf(id) {
    const make = ARNS[this.resources[id].Type]
    if (!make) throw new Error(`${this.resources[id].Type} has no ARN here`)
    return make(this, this.nameOf(id))
  }

  ref(id) {
    const pseudo = {
      'AWS::AccountId': this.account, 'AWS::Partition': this.partition, 'AWS::Region': this.region,
      'AWS::StackName': this.name, 'AWS::URLSuffix': this.partition === 'aws-cn' ? 'amazonaws.com.cn' : 'amazonaws.com',
      'AWS::StackId': this.arn('cloudformation', `stack/${this.name}/1`),
    }
    if (id in pseudo) return pseudo[id]
    const parameter = this.template.Parameters?.[id]
    if (parameter) return parameter.Default ?? (id.endsWith('Group') ? `${this.groups}-${id}-Abc1Def2Ghi3` : `given-${id}`)
    switch (this.resources[id].Type) {
      case 'AWS::SNS::Topic': return this.arnOf(id)
      case 'AWS::SQS::Queue': return `https://sqs.${this.region}.amazonaws.com/${this.account}/${this.nameOf(id)}`
      default: return this.nameOf(id)
    }
  }

  getAtt([id, attribute]) {
    switch (attribute) {
      case 'Arn': return this.arnOf(id) + (this.resources[id].Type === 'AWS::Logs::LogGroup' ? ':*' : '')
      case 'QueueName': return this.nameOf(id)
      default: return `${id}.${attribute}`
    }
  }

  /** A value of the template with its references resolved. */
  resolve(value) {
    if (Array.isArray(value)) return value.map(item => this.resolve(item))
    if (value === null || typeof value !== 'object') return value
    const [[key, argument], ...others] = Object.entries(value).length ? Object.entries(value) : [[]]
    if (others.length === 0) {
      if (key === 'Ref') return this.ref(argument)
      if (key === 'Fn::GetAtt') return this.getAtt(argument)
      if (key === 'Fn::Join') return this.resolve(argument[1]).join(argument[0])
      if (key === 'Fn::Sub') {
        const [text, own = {}] = Array.isArray(argument) ? argument : [argument]
        return text.replace(/\$\{([^!}][^}]*)\}/g, (_, name) =>
          name in own ? this.resolve(own[name]) : name.includes('.') && !name.includes('::')
            ? this.getAtt(name.split('.')) : this.ref(name))
      }
    }
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, this.resolve(item)]))
  }

  properties(id) {
    return this.resolve(this.resources[id].Properties ?? {})
  }

  /** The policies of a role: its own, and those that name it. */
  policiesOf(role) {
    const attached = this.of('AWS::IAM::RolePolicy').map(id => this.properties(id)).filter(it => it.RoleName === this.nameOf(role))
    return [...(this.properties(role).Policies ?? []), ...attached].map(it => ({ name: it.PolicyName, policy: it.PolicyDocument }))
  }

  /** The same template deployed as another stack, in another Region or account. */
  as(changes) {
    return new Stack(changes.name ?? this.name, this.template, { ...this, ...changes })
  }
}
