// What the sources ask of AWS, so that no call is without a row in the tables of test.mjs, and no row without a call.

import fs from 'node:fs'
import path from 'node:path'

/** API calls whose IAM action has another name; none: no permission is needed. */
const ACTIONS = {
  's3:HeadBucket': 's3:ListBucket',
  's3:HeadObject': 's3:GetObject',
  's3:PutBucketEncryption': 's3:PutEncryptionConfiguration',
  's3:PutPublicAccessBlock': 's3:PutBucketPublicAccessBlock',
  'lambda:Invoke': 'lambda:InvokeFunction',
  'sts:GetCallerIdentity': undefined,
}
/** The calls that are signed by hand, each in a module of its own in lambda-handler/ec2. */
const EC2 = { DescribeLaunchTemplateVersions: 'launch_template', DescribeSpotPriceHistory: 'spot_price_history' }
const SERVICES = { cloudwatchlogs: 'logs' }

const camel = name => name.replace(/(^|_|-)([a-z])/g, (_, __, letter) => letter.toUpperCase())
const actions = calls => new Set([...calls].map(call => (call in ACTIONS ? ACTIONS[call] : call)).filter(Boolean))

function sources(folder) {
  const files = fs.readdirSync(folder, { recursive: true }).filter(name => name.endsWith('.rs') && !/tests?\.rs$/.test(name))
  return files.map(name => fs.readFileSync(path.join(folder, name), 'utf8')).join('\n')
}

/** The IAM actions of all that Rust sources call: methods of the SDKs' clients, and those that are signed by hand. */
export function ofRust(folder) {
  const text = sources(folder)
  const calls = new Set()
  for (const [, field, sdk] of text.matchAll(/(\w+): aws_sdk_(\w+)::Client/g)) {
    for (const [, method] of text.matchAll(new RegExp(`self\\s*\\.${field}\\s*\\.(\\w+)\\(`, 'g'))) {
      calls.add(`${SERVICES[sdk] ?? sdk}:${camel(method)}`)
    }
  }
  for (const [call, module] of Object.entries(EC2)) {
    if (new RegExp(`spotstack_ec2::[^;]*\\b${module}\\b`).test(text)) calls.add(`ec2:${call}`)
  }
  return actions(calls)
}

/** The IAM actions of all that a shell script calls with the AWS CLI. */
export function ofShell(file) {
  const text = fs.readFileSync(file, 'utf8')
  return actions([...text.matchAll(/\baws (autoscaling|ec2|sqs) ([a-z-]+)/g)].map(([, service, call]) => `${service}:${camel(call)}`))
}
