"""What ministack lacks of AWS for spotstack, as patches over the running module; `server.py` is the way in.

Read in this order: `settings`, `query` (how an AutoScaling call is answered), `launch` (what a group asks
for), `prices`, `capacity` and `failures` (what it gets), `groups` (instances come and go) with `group_calls`,
`activities` and `events`, `scaling` (policies), `alarms` with `metric_math` and `queues`, `stacks` (CloudFormation),
`network`, `permissions`, `functions`, `control` (our own calls under /_local/).
"""
