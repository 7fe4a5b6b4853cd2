// Who may do what: the policies of rendered templates and the deployer's, evaluated by an IAM evaluator that is not ours.
// Every call of the SpotManager, the worker script, spotstack and CloudFormation is allowed on what is their own, and denied on
// everything else. What they call is read from their sources, so that no call can be forgotten here.
//
//     node test.mjs SPOTSTACK NODE_MODULES

import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

import { ofRust, ofShell } from './calls.mjs'
import { HANDLERS } from './handlers.mjs'
import { Stack } from './stack.mjs'

const [spotstack, modules] = process.argv.slice(2).map(argument => path.resolve(argument))
const require = createRequire(path.join(modules, 'x'))
const { runSimulation } = require('@cloud-copilot/iam-simulate')
const { createValidatedPolicy, validateIdentityPolicy } = require('@cloud-copilot/iam-policy')

const here = path.dirname(fileURLToPath(import.meta.url))
const root = path.join(here, '../..')
const REGION = 'eu-west-1'
const ACCOUNT = '111122223333'

const failures = []
let passed = 0
const count = (ok, what) => (ok ? passed++ : failures.push(what))

/** Policies of a principal, validated once and not at every question. */
const held = policies => policies.map(({ name, policy }) => ({ name, policy: createValidatedPolicy(policy, validateIdentityPolicy) }))

const asked = new Set()

/** Asks the evaluator: `expected` is whether `action` on `resource` is allowed to `who`, who has `policies`. */
async function may(expected, who, policies, action, resource, context = {}, resourcePolicy) {
  const question = JSON.stringify([expected, who, action, resource, context, resourcePolicy])
  if (asked.has(question)) return
  asked.add(question)
  const service = who.endsWith('.amazonaws.com')
  const result = await runSimulation({
    request: {
      principal: service ? who : `arn:aws:sts::${ACCOUNT}:assumed-role/${who.replace(/[^\w.@-]+/g, '-')}/session`,
      action,
      resource: { resource, accountId: ACCOUNT },
      contextVariables: { 'aws:RequestedRegion': REGION, 'aws:PrincipalAccount': ACCOUNT, ...context },
    },
    identityPolicies: policies,
    resourcePolicy,
    serviceControlPolicies: [],
    resourceControlPolicies: [],
  }, {})
  const answer = result.resultType === 'error' ? JSON.stringify(result.errors) : result.overallResult
  const given = Object.entries(context).map(([key, value]) => `, ${key} ${value}`).join('')
  const ok = expected ? answer === 'Allowed' : answer === 'ImplicitlyDenied' || answer === 'ExplicitlyDenied'
  count(ok, `${who}: ${action} on ${resource}${given}: ${answer}, but should be ${expected ? 'allowed' : 'denied'}`)
}

const render = (spec, ...flags) => JSON.parse(execFileSync(spotstack, ['-q', '-f', spec, 'render', '--region', REGION, ...flags]))

const region = arn => arn.replace(`:${REGION}:`, ':us-west-2:')
const queueArn = (stack, url) => {
  const [, , , account, name] = url.split('/')
  return `arn:${stack.partition}:sqs:${url.split('.')[1]}:${account}:${name}`
}
const groupArn = (stack, name) => stack.arn('autoscaling', `autoScalingGroup:11111111-2222-3333-4444-555555555555:autoScalingGroupName/${name}`)

/** The pairs of a stack, from the environment of their functions: what each calls its own. */
function pairs(stack) {
  return stack.of('AWS::Lambda::Function').map(id => {
    const properties = stack.properties(id)
    const own = properties.Environment.Variables
    return {
      id: id.replace(/SpotManager$/, ''),
      functionId: id,
      groups: [own.SPOT_GROUP, own.ON_DEMAND_GROUP].map(name => groupArn(stack, name)),
      queue: queueArn(stack, own.QUEUE_URL),
      log: `${stack.arn('logs', `log-group:${properties.LoggingConfig.LogGroup}`)}:log-stream:2026/11/23/1`,
      protect: own.PROTECT === 'true',
      topic: own.NOTIFY,
      atOnce: own.SCALE_UP === 'launch_instances',
    }
  })
}

/** The groups and queues that are not a pair's: of the stack's other pairs, of another stack, and in another Region. */
function foreign(pair, all, stack) {
  const others = all.filter(other => other.id !== pair.id)
  return {
    groups: [...others.flatMap(other => other.groups), groupArn(stack, 'other-GpuSpotGroup-Abc1Def2Ghi3'), ...pair.groups.map(region)],
    queues: [...others.map(other => other.queue), `${pair.queue}-dead-letter`, stack.arn('sqs', 'other-jobs'), `${pair.queue}x`]
      .filter(queue => queue !== pair.queue),
    topics: [...others.map(other => other.topic), ...stack.of('AWS::SNS::Topic').map(id => stack.arnOf(id)), stack.arn('sns', 'other')]
      .filter(topic => topic && topic !== pair.topic),
    logs: [stack.arn('logs', 'log-group:/aws/lambda/other:log-stream:1'), region(pair.log), ...others.map(other => other.log)],
  }
}

// --- The SpotManager ---------------------------------------------------------------------------------------------------

const SPOT_MANAGER = {
  'autoscaling:DescribeAutoScalingGroups': 'look',
  'autoscaling:DescribeScalingActivities': 'look',
  'autoscaling:ExecutePolicy': 'groups',
  'autoscaling:SetDesiredCapacity': 'groups',
  'ec2:DescribeSpotPriceHistory': 'look',
  'sqs:GetQueueAttributes': 'queue',
  // Lambda calls these with the function's role.
  'logs:CreateLogStream': 'log',
  'logs:PutLogEvents': 'log',
}
/** Allowed only where the spec asks for it. */
const WHERE_ASKED = {
  'autoscaling:LaunchInstances': 'groups',
  'sns:Publish': 'topic',
}
const NOT_A_SPOT_MANAGER_S = {
  groups: ['autoscaling:UpdateAutoScalingGroup', 'autoscaling:DeleteAutoScalingGroup', 'autoscaling:PutScalingPolicy',
    'autoscaling:SetInstanceProtection', 'autoscaling:TerminateInstanceInAutoScalingGroup'],
  queue: ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:SendMessage', 'sqs:PurgeQueue', 'sqs:SetQueueAttributes'],
}

async function spotManagers(stack) {
  const all = pairs(stack)
  for (const pair of all) {
    const who = `SpotManager of ${stack.name}/${pair.id}`
    const role = `${pair.functionId}Role`
    const policies = held(stack.policiesOf(role))
    const not = foreign(pair, all, stack)
    for (const [action, whose] of Object.entries(SPOT_MANAGER)) {
      await scoped(who, policies, action, whose, pair, not)
    }
    for (const [action, whose] of Object.entries(WHERE_ASKED)) {
      if (whose === 'topic' ? pair.topic : pair.atOnce) await scoped(who, policies, action, whose, pair, not)
      else for (const resource of whose === 'topic' ? not.topics : pair.groups) await may(false, who, policies, action, resource)
    }
    await fleets(who, policies, stack, pair)
    for (const group of pair.groups) for (const action of NOT_A_SPOT_MANAGER_S.groups) await may(false, who, policies, action, group)
    for (const action of NOT_A_SPOT_MANAGER_S.queue) await may(false, who, policies, action, pair.queue)
    for (const action of ['lambda:InvokeFunction', 'lambda:UpdateFunctionCode']) await may(false, who, policies, action, stack.arnOf(pair.functionId))
    await may(false, who, policies, 'iam:PassRole', stack.arnOf(role), { 'iam:PassedToService': 'ec2.amazonaws.com' })
    await trust(stack, role, 'lambda.amazonaws.com', 'ec2.amazonaws.com')
  }
}

/** What LaunchInstances asks of its caller besides: a fleet of the pair's own twins, in its own subnets. */
async function fleets(who, policies, stack, pair) {
  const made = ['fleet', 'instance', 'volume'].map(kind => stack.arn('ec2', `${kind}/*`))
  const twins = ['Spot', 'OnDemand'].map(market => `${pair.id}${market}Launch`)
    .filter(id => stack.resources[id]?.Type === 'AWS::EC2::LaunchTemplate').map(id => stack.arnOf(id))
  const subnets = stack.resources[`${pair.id}SpotGroup`] ? stack.properties(`${pair.id}SpotGroup`).VPCZoneIdentifier : []
  for (const resource of [...made, ...twins, ...subnets.map(id => stack.arn('ec2', `subnet/${id}`))]) {
    await may(pair.atOnce, who, policies, 'ec2:CreateFleet', resource)
    await may(false, who, policies, 'ec2:CreateFleet', region(resource))
    if (resource !== made[0]) await may(false, who, policies, 'ec2:RunInstances', resource)
  }
  for (const other of ['launch-template/lt-0fedcba9876543210', 'subnet/subnet-0ther']) {
    await may(false, who, policies, 'ec2:CreateFleet', stack.arn('ec2', other))
  }
  await may(pair.atOnce, who, policies, 'ec2:DescribeLaunchTemplateVersions', '*', { 'ec2:Region': REGION })
}

/** An action on what is its own, and on what is not. */
async function scoped(who, policies, action, whose, pair, not) {
  switch (whose) {
    case 'look':
      await may(true, who, policies, action, '*', { 'ec2:Region': REGION })
      await may(false, who, policies, action, '*', { 'aws:RequestedRegion': 'us-west-2', 'ec2:Region': 'us-west-2' })
      break
    case 'groups':
      for (const group of pair.groups) await may(true, who, policies, action, group)
      for (const group of not.groups) await may(false, who, policies, action, group)
      break
    case 'queue':
      await may(true, who, policies, action, pair.queue)
      for (const queue of not.queues) await may(false, who, policies, action, queue)
      break
    case 'topic':
      await may(true, who, policies, action, pair.topic)
      for (const topic of not.topics) await may(false, who, policies, action, topic)
      break
    case 'log':
      await may(true, who, policies, action, pair.log)
      for (const log of not.logs) await may(false, who, policies, action, log)
  }
}

async function trust(stack, role, trusted, other) {
  const policy = stack.properties(role).AssumeRolePolicyDocument
  await may(true, trusted, [], 'sts:AssumeRole', stack.arnOf(role), {}, policy)
  await may(false, other, [], 'sts:AssumeRole', stack.arnOf(role), {}, policy)
}

// --- The worker --------------------------------------------------------------------------------------------------------

const WORKER = {
  'sqs:ChangeMessageVisibility': 'queue',
  'sqs:DeleteMessage': 'queue',
  'sqs:ReceiveMessage': 'queue',
}
const PROTECTED_WORKER = {
  'autoscaling:DescribeAutoScalingInstances': 'look',
  'autoscaling:SetInstanceProtection': 'groups',
}

async function workers(stack) {
  const all = pairs(stack)
  for (const pair of all) {
    const role = `${pair.id}WorkerRole`
    if (!stack.resources[role]) continue
    const who = `worker of ${stack.name}/${pair.id}`
    const policies = held(stack.policiesOf(role))
    const not = foreign(pair, all, stack)
    for (const [action, whose] of Object.entries(WORKER)) await scoped(who, policies, action, whose, pair, not)
    for (const [action, whose] of Object.entries(PROTECTED_WORKER)) {
      if (pair.protect) await scoped(who, policies, action, whose, pair, not)
      else await may(false, who, policies, action, whose === 'look' ? '*' : pair.groups[0])
    }
    for (const action of ['sqs:SendMessage', 'sqs:PurgeQueue', 'sqs:DeleteQueue']) await may(false, who, policies, action, pair.queue)
    for (const action of ['autoscaling:SetDesiredCapacity', 'autoscaling:ExecutePolicy']) await may(false, who, policies, action, pair.groups[0])
    await trust(stack, role, 'ec2.amazonaws.com', 'lambda.amazonaws.com')
  }
}

// --- Who may speak to whom -----------------------------------------------------------------------------------------------

async function doors(stack) {
  for (const id of stack.of('AWS::SNS::TopicPolicy')) {
    const { PolicyDocument: policy, Topics: [topic] } = stack.properties(id)
    const own = stack.of('AWS::CloudWatch::Alarm').filter(alarm => stack.properties(alarm).AlarmActions.includes(topic))
    count(own.length > 0, `${id}: no alarm speaks to ${topic}`)
    const ask = (expected, arn, account = ACCOUNT, action = 'sns:Publish', who = 'cloudwatch.amazonaws.com') =>
      may(expected, who, [], action, topic, { 'aws:SourceArn': arn, 'aws:SourceAccount': account }, policy)
    for (const alarm of own) await ask(true, stack.arnOf(alarm))
    for (const alarm of stack.of('AWS::CloudWatch::Alarm').filter(alarm => !own.includes(alarm))) await ask(false, stack.arnOf(alarm))
    const alarm = stack.arnOf(own[0])
    await ask(false, stack.arn('cloudwatch', 'alarm:other'))
    await ask(false, alarm.replace(ACCOUNT, '999999999999'), '999999999999')
    await ask(false, region(alarm))
    await ask(false, alarm, ACCOUNT, 'sns:Subscribe')
    await ask(false, alarm, ACCOUNT, 'sns:Publish', 'events.amazonaws.com')
  }
  for (const id of stack.of('AWS::Lambda::Permission')) {
    const { FunctionName, Action, Principal, SourceArn } = stack.properties(id)
    const arn = stack.arn('lambda', `function:${FunctionName}`)
    // The statement that Lambda writes for AddPermission.
    const policy = {
      Version: '2012-10-17',
      Statement: [{
        Sid: id, Effect: 'Allow', Principal: { Service: Principal }, Action, Resource: arn,
        ...(SourceArn && { Condition: { ArnLike: { 'AWS:SourceArn': SourceArn } } }),
      }],
    }
    const ask = (expected, source, who = Principal) =>
      may(expected, who, [], 'lambda:InvokeFunction', arn, { 'aws:SourceArn': source }, policy)
    await ask(true, SourceArn)
    await ask(false, `${SourceArn}x`)
    await ask(false, SourceArn.replace(ACCOUNT, '999999999999'))
    await ask(false, SourceArn, 's3.amazonaws.com')
  }
}

// --- Whoever deploys -----------------------------------------------------------------------------------------------------

const DEPLOY = {
  'autoscaling:DescribeAutoScalingGroups': 'look',
  'autoscaling:DescribeInstanceRefreshes': 'look',
  'autoscaling:DescribeLaunchConfigurations': 'look',
  'autoscaling:DescribePolicies': 'look',
  'autoscaling:SetInstanceProtection': 'group',
  'autoscaling:StartInstanceRefresh': 'group',
  'autoscaling:UpdateAutoScalingGroup': 'group',
  'cloudformation:CancelUpdateStack': 'stack',
  'cloudformation:ContinueUpdateRollback': 'stack',
  'cloudformation:CreateChangeSet': 'stack',
  'cloudformation:DeleteChangeSet': 'stack',
  'cloudformation:DeleteStack': 'stack',
  'cloudformation:DescribeChangeSet': 'stack',
  'cloudformation:DescribeEvents': 'stack',
  'cloudformation:DescribeStackEvents': 'stack',
  'cloudformation:DescribeStacks': 'stack',
  'cloudformation:ExecuteChangeSet': 'stack',
  'cloudformation:GetTemplate': 'stack',
  'cloudformation:ListChangeSets': 'stack',
  'cloudformation:ListStackResources': 'stack',
  'cloudwatch:DescribeAlarms': 'look',
  'ec2:DescribeLaunchTemplateVersions': 'look',
  'ec2:DescribeSpotPriceHistory': 'look',
  'lambda:GetFunctionConfiguration': 'function',
  'lambda:InvokeFunction': 'function',
  'logs:FilterLogEvents': 'log',
  'pricing:GetProducts': 'list',
  's3:CreateBucket': 'bucket',
  's3:DeleteBucket': 'bucket',
  's3:GetObject': 'object',
  's3:ListBucket': 'bucket',
  's3:PutBucketPolicy': 'bucket',
  's3:PutBucketPublicAccessBlock': 'bucket',
  's3:PutBucketTagging': 'bucket',
  's3:PutEncryptionConfiguration': 'bucket',
  's3:PutObject': 'object',
}

/** What no deployer of spotstack needs, on what is the stack's own. */
const NEVER = {
  'AWS::AutoScaling::AutoScalingGroup': ['autoscaling:SetDesiredCapacity', 'autoscaling:ExecutePolicy', 'autoscaling:AttachInstances'],
  'AWS::IAM::Role': ['iam:AttachRolePolicy', 'iam:DeleteRolePermissionsBoundary', 'sts:AssumeRole'],
  'AWS::Lambda::Function': ['lambda:CreateFunctionUrlConfig', 'lambda:PublishVersion'],
  'AWS::Logs::LogGroup': ['logs:PutSubscriptionFilter'],
  'AWS::SNS::Topic': ['sns:Publish'],
  'AWS::SQS::Queue': ['sqs:SendMessage', 'sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:PurgeQueue', 'sqs:AddPermission'],
}

async function deployers(stack, spec) {
  for (const account of [undefined, ACCOUNT]) {
    const policy = render(spec, '--deployer-policy', ...(account ? ['--account', account] : []))
    const who = `deployer of ${stack.name}${account ? ` in ${account}` : ''}`
    const policies = held([{ name: 'deployer', policy }])
    await calls(who, policies, stack, account)
    await roles(who, policies, stack)
    if (account) continue // It is the same policy with narrower ARNs.
    await handlers(who, policies, stack)
    if (stack.of('AWS::EC2::LaunchTemplate').length) await launches(who, policies, stack)
    await images(who, policies, policy, stack)
  }
}

async function calls(who, policies, stack, account) {
  const bucket = `arn:aws:s3:::spotstack-artifacts-${ACCOUNT}-${REGION}`
  const other = stack.as({ name: 'other' })
  const elsewhere = stack.as({ region: 'us-west-2' })
  const functions = it => it.of('AWS::Lambda::Function').map(id => it.arnOf(id))
  const logs = it => it.of('AWS::Logs::LogGroup').map(id => it.arnOf(id))
  const groups = it => it.of('AWS::AutoScaling::AutoScalingGroup').map(id => it.arnOf(id))
  const arn = it => it.arn('cloudformation', `stack/${it.name}/0a1b2c3d`)
  const whose = {
    stack: [[arn(stack)], [arn(other), arn(elsewhere), arn(stack.as({ name: `${stack.name}2` }))]],
    function: [functions(stack), [...functions(other), ...functions(elsewhere)]],
    log: [logs(stack), [...logs(other), ...logs(elsewhere)]],
    group: [groups(stack), [...groups(other), ...groups(elsewhere)]],
    bucket: [[bucket], ['arn:aws:s3:::other', bucket.replace(REGION, 'us-west-2'), bucket.replace(ACCOUNT, '999999999999')]],
    object: [[`${bucket}/spotstack/handler/x86_64/0.zip`], [`${bucket}/other/x`, 'arn:aws:s3:::other/spotstack/handler/x86_64/0.zip']],
  }
  whose.look = [['*'], []]
  // The price list of every Region is in a few of them.
  whose.list = [['*'], []]
  if (account) whose.stack[1].push(arn(stack.as({ account: '999999999999' })))
  for (const [action, kind] of Object.entries(DEPLOY)) {
    for (const resource of whose[kind][0]) await may(true, who, policies, action, resource)
    for (const resource of whose[kind][1]) await may(false, who, policies, action, resource)
    if (kind === 'list') await may(true, who, policies, action, '*', { 'aws:RequestedRegion': 'us-east-1' })
    if (kind === 'look') await may(false, who, policies, action, '*', { 'aws:RequestedRegion': 'us-west-2' })
  }
  for (const action of ['cloudformation:TagResource', 'cloudformation:UntagResource']) await may(true, who, policies, action, arn(stack))
  await may(true, who, policies, 'cloudformation:DescribeEvents', stack.arn('cloudformation', 'changeSet/spotstack-1700000000-0a1b2c/1'))
  await may(false, who, policies, 'cloudformation:SetStackPolicy', arn(stack))
  await may(false, who, policies, 's3:DeleteObject', whose.object[0][0])
}

/** What CloudFormation asks for each resource, on it and on its like of another stack and in another Region. */
async function handlers(who, policies, stack) {
  const other = stack.as({ name: 'other', groups: 'other-prod' })
  const elsewhere = stack.as({ region: 'us-west-2' })
  for (const [id, { Type }] of Object.entries(stack.resources)) {
    const handler = HANDLERS[Type]
    if (!handler) {
      count(false, `${Type} (${id}) has no row in handlers.mjs`)
      continue
    }
    /** The ARN of what the calls are about: the resource, or the one that it belongs to. */
    const subject = it => {
      if (!handler.of) return it.arnOf(id)
      const name = handler.of(it.properties(id))
      const whole = Object.keys(it.resources).find(id => it.ref(id) === name)
      if (whole) return it.arnOf(whole)
      return Type === 'AWS::AutoScaling::ScalingPolicy' ? it.groupArn(name) : name
    }
    const own = subject(stack)
    const named = subject(other) !== own
    const tag = name => ({ 'aws:ResourceTag/aws:cloudformation:stack-name': name })
    for (const action of handler.own) {
      await may(true, who, policies, action, own)
      if (named) await may(false, who, policies, action, subject(other))
      if (own.includes(REGION)) await may(false, who, policies, action, subject(elsewhere))
    }
    for (const action of handler.tagged ?? []) {
      await may(true, who, policies, action, own, tag(stack.name))
      await may(false, who, policies, action, own, tag('other'))
      await may(false, who, policies, action, own)
      await may(false, who, policies, action, subject(elsewhere), tag(stack.name))
    }
    for (const action of handler.admits ?? []) {
      await may(true, who, policies, action, own, { 'lambda:Principal': stack.properties(id).Principal })
      await may(false, who, policies, action, own, { 'lambda:Principal': '*' })
      await may(false, who, policies, action, subject(other), { 'lambda:Principal': stack.properties(id).Principal })
    }
    for (const action of handler.look ?? []) {
      await may(true, who, policies, action, '*')
      await may(false, who, policies, action, '*', { 'aws:RequestedRegion': 'us-west-2' })
    }
    for (const action of NEVER[Type] ?? []) await may(false, who, policies, action, own)
  }
}

async function roles(who, policies, stack) {
  const pass = (expected, role, service) => may(expected, who, policies, 'iam:PassRole', role, { 'iam:PassedToService': service })
  const functions = stack.of('AWS::Lambda::Function').map(id => stack.properties(id).Role)
  const instances = stack.of('AWS::IAM::InstanceProfile').map(id => `arn:aws:iam::${ACCOUNT}:role/${stack.properties(id).Roles[0]}`)
  for (const role of functions) await pass(true, role, 'lambda.amazonaws.com')
  for (const role of instances) await pass(true, role, 'ec2.amazonaws.com')
  for (const role of [...functions, ...instances]) {
    for (const service of ['cloudformation.amazonaws.com', 'ecs-tasks.amazonaws.com', 'scheduler.amazonaws.com']) await pass(false, role, service)
    await may(false, who, policies, 'iam:PassRole', role)
  }
  for (const service of ['lambda.amazonaws.com', 'ec2.amazonaws.com']) await pass(false, `arn:aws:iam::${ACCOUNT}:role/admin`, service)
  for (const role of foreignProfiles(stack)) {
    await pass(true, role, 'ec2.amazonaws.com')
    await pass(false, role, 'lambda.amazonaws.com')
  }
  if (!stack.of('AWS::AutoScaling::AutoScalingGroup').length) return
  const linked = (expected, service, role) => may(expected, who, policies, 'iam:CreateServiceLinkedRole',
    `arn:aws:iam::${ACCOUNT}:role/aws-service-role/${service}/${role}`, { 'iam:AWSServiceName': service })
  await linked(true, 'autoscaling.amazonaws.com', 'AWSServiceRoleForAutoScaling')
  await linked(true, 'spot.amazonaws.com', 'AWSServiceRoleForEC2Spot')
  await linked(false, 'ecs.amazonaws.com', 'AWSServiceRoleForECS')
}

/** The roles in instance profiles that the stack does not make, taken to have the profiles' names. */
function foreignProfiles(stack) {
  const launches = stack.of('AWS::EC2::LaunchTemplate').map(id => stack.properties(id).LaunchTemplateData.IamInstanceProfile)
  const arns = launches.flatMap(profile => profile.Arn ?? []).filter(arn => !stack.of('AWS::IAM::InstanceProfile').some(id => stack.arnOf(id) === arn))
  return arns.map(arn => arn.replace(':instance-profile/', ':role/'))
}

/** Auto Scaling asks whether the caller may launch what the template says: every resource of it is looked at. */
async function launches(who, policies, stack) {
  for (const id of stack.of('AWS::EC2::LaunchTemplate')) {
    const data = stack.properties(id).LaunchTemplateData
    const group = stack.of('AWS::AutoScaling::AutoScalingGroup').map(id => stack.properties(id)).find(it => it.LaunchTemplate?.LaunchTemplateId === stack.ref(id))
    const ends = ['instance/*', 'volume/*', 'network-interface/*', `launch-template/${stack.ref(id)}`,
      ...(group?.VPCZoneIdentifier ?? []).map(id => `subnet/${id}`), ...data.SecurityGroupIds.map(id => `security-group/${id}`),
      ...(data.KeyName ? [`key-pair/${data.KeyName}`] : [])]
    const through = { 'ec2:LaunchTemplate': stack.arnOf(id) }
    const image = `arn:aws:ec2:${REGION}::image/ami-0123456789abcdef0`
    for (const resource of [...ends.map(end => stack.arn('ec2', end)), image]) {
      await may(true, who, policies, 'ec2:RunInstances', resource, through)
      await may(false, who, policies, 'ec2:RunInstances', resource)
      await may(false, who, policies, 'ec2:RunInstances', region(resource), through)
    }
    for (const end of ['subnet/subnet-0ther', 'security-group/sg-0ther', 'key-pair/other']) {
      await may(false, who, policies, 'ec2:RunInstances', stack.arn('ec2', end), through)
    }
    for (const [end, by] of [['launch-template/lt-1', 'CreateLaunchTemplate'], ['instance/*', 'RunInstances'], ['volume/*', 'RunInstances']]) {
      await may(true, who, policies, 'ec2:CreateTags', stack.arn('ec2', end), { 'ec2:CreateAction': by })
      await may(false, who, policies, 'ec2:CreateTags', stack.arn('ec2', end))
    }
  }
  await may(false, who, policies, 'ec2:TerminateInstances', stack.arn('ec2', 'instance/i-0123456789abcdef0'))
}

async function images(who, policies, policy, stack) {
  const named = stack.of('AWS::EC2::LaunchTemplate').map(id => stack.properties(id).LaunchTemplateData.ImageId)
    .filter(image => image.startsWith('resolve:ssm:')).map(image => image.slice('resolve:ssm:'.length))
  const looked = Object.values(stack.template.Parameters).filter(it => it.Type.startsWith('AWS::SSM::')).map(it => it.Default)
  const arn = name => stack.arn('ssm', `parameter${name.startsWith('/') ? '' : '/'}${name}`)
  for (const name of [...named, ...looked]) {
    if (name.startsWith('/aws/service/')) {
      // AWS's own parameters belong to no account, and the evaluator knows no such ARN.
      const listed = policy.Statement.filter(it => it.Action === 'ssm:GetParameters').flatMap(it => it.Resource)
      count(listed.includes(`arn:aws:ssm:${REGION}::parameter${name}`), `${who}: may not look up ${name}`)
    } else {
      await may(true, who, policies, 'ssm:GetParameters', arn(name))
      await may(false, who, policies, 'ssm:GetParameters', region(arn(name)))
    }
  }
  await may(false, who, policies, 'ssm:GetParameters', arn('/secrets/password'))
}

// --- All of it -----------------------------------------------------------------------------------------------------------

/** What the sources call and the tables say must be the same. */
function complete(what, called, ...tables) {
  const listed = new Set(tables.flatMap(Object.keys))
  for (const action of called) count(listed.has(action), `${what} calls ${action}, which no table of test.mjs knows`)
  for (const action of listed) count(called.has(action), `test.mjs says that ${what} calls ${action}, and it does not`)
}

const specs = fs.readdirSync(path.join(root, 'examples')).filter(name => name.endsWith('.yaml')).map(name => path.join(root, 'examples', name))
specs.push(...fs.readdirSync(here).filter(name => name.endsWith('.yaml')).map(name => path.join(here, name)))
for (const spec of specs) {
  const template = render(spec, '--format', 'json')
  const name = fs.readFileSync(spec, 'utf8').match(/^stack: (\S+)/m)[1]
  const stack = new Stack(name, template, { region: REGION, account: ACCOUNT })
  await spotManagers(stack)
  await workers(stack)
  await doors(stack)
  await deployers(stack, spec)
}
const { 'logs:CreateLogStream': _, 'logs:PutLogEvents': __, ...itself } = SPOT_MANAGER
complete('the SpotManager', ofRust(path.join(root, 'lambda-handler/src')), itself, WHERE_ASKED)
complete('the worker script', ofShell(path.join(root, 'examples/worker.sh')), WORKER, PROTECTED_WORKER)
complete('spotstack', ofRust(path.join(root, 'src/aws')), DEPLOY)

for (const failure of failures) console.error(failure)
console.log(`${passed} passed, ${failures.length} failed`)
process.exit(failures.length || passed < 1000 ? 1 : 0)
