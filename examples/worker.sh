#!/bin/bash
# A worker: takes jobs from the queue, one at a time, and gives each to WORKER_COMMAND on its standard input.
#
# A job that the command ends with 0 is deleted. One that fails goes back to the queue at once, and so does one that
# this instance cannot finish, because AWS takes the instance back or the worker is stopped.
#
# Needs bash, curl and the AWS CLI, all of which Amazon Linux 2023 has. QUEUE_URL, AWS_REGION and SPOTSTACK_PROTECT are
# in the environment already. Install what your jobs need, /usr/local/bin/job first of all, right below.
set -uo pipefail
set -m # the job is a process group, so that all of it can be ended

: "${QUEUE_URL:?is not set: where do jobs come from?}" "${AWS_REGION:?is not set}"
command=${WORKER_COMMAND:-/usr/local/bin/job}
poll=${WORKER_POLL:-20}    # seconds that a look into an empty queue takes; 20 is the most
lease=${WORKER_LEASE:-120} # seconds that a job stays ours without a heartbeat: its delay, should this instance die
grace=${WORKER_GRACE:-10}  # seconds that a job has between SIGTERM and SIGKILL
imds=${WORKER_IMDS:-http://169.254.169.254}
protect=${SPOTSTACK_PROTECT:-false}

job_file=$(mktemp)
receipt='' instance='' group=''
protected=on # a new instance of a group with `protect: true` is
stopping=''

say() { echo "worker: $*" >&2; }

metadata() {
    local ask=(curl -sf -m 2 --noproxy '*') token
    token=$("${ask[@]}" -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' "$imds/latest/api/token") &&
        "${ask[@]}" -H "X-aws-ec2-metadata-token: $token" "$imds/latest/meta-data/$1"
}

# Whether to stop: asked to, or AWS takes this Spot Instance back in two minutes (404 until then).
leaving() {
    [ -z "$stopping" ] && metadata spot/instance-action >/dev/null && stopping='AWS takes this instance back'
    [ -n "$stopping" ]
}

# Scale-in protection, on while busy and off while free. AWS refuses it to an instance that is on its way out.
protection() {
    if [ "$protect" != true ] || [ "$protected" = "$1" ]; then return 0; fi
    local flag=--protected-from-scale-in
    [ "$1" = on ] || flag=--no-protected-from-scale-in
    [ -n "$instance" ] || instance=$(metadata instance-id) || return
    [ -n "$group" ] || group=$(aws autoscaling describe-auto-scaling-instances --instance-ids "$instance" \
        --query 'AutoScalingInstances[0].AutoScalingGroupName' --output text) || return
    aws autoscaling set-instance-protection --instance-ids "$instance" --auto-scaling-group-name "$group" "$flag" &&
        protected=$1
}

# Takes a job, or none: 1.
receive() {
    local answer
    # The full stop keeps newlines at the job's end, which $(…) would drop.
    if ! answer=$(aws sqs receive-message --queue-url "$QUEUE_URL" --wait-time-seconds "$poll" \
        --visibility-timeout "$lease" --query "Messages[0].[ReceiptHandle, Body, '.']" --output text); then
        [ -n "$stopping" ] || sleep 5
        return 1
    fi
    case $answer in '' | None) return 1 ;; esac
    receipt=${answer%%$'\t'*}
    answer=${answer#*$'\t'}
    printf '%s' "${answer%$'\t.'}" >"$job_file"
}

# For how many seconds from now nobody else sees the job.
hide_for() {
    aws sqs change-message-visibility --queue-url "$QUEUE_URL" --receipt-handle "$receipt" --visibility-timeout "$1"
}

give_back() {
    say "the job goes back to the queue: $1"
    hide_for 0
}

# Ends a job with all its children, politely at first.
end() {
    local since=$SECONDS
    kill -TERM -- "-$1"
    while kill -0 "$1" 2>/dev/null && ((SECONDS - since < grace)); do
        sleep 1 &
        wait -n "$1" $!
    done
    kill -KILL -- "-$1" 2>/dev/null
}

# Runs the job to its end, or to ours.
work() {
    local heartbeat=$SECONDS looked=$SECONDS started=$SECONDS job
    "$command" <"$job_file" &
    job=$!
    while kill -0 "$job" 2>/dev/null; do
        if [ -n "$stopping" ] || { ((SECONDS - looked >= 5)) && looked=$SECONDS && leaving; }; then
            end "$job"
            give_back "$stopping"
            return
        fi
        if ((SECONDS - heartbeat >= lease / 3)); then
            heartbeat=$SECONDS
            hide_for "$lease"
        fi
        sleep 1 &
        wait -n "$job" $!
    done
    if wait "$job"; then
        say "a job is done after $((SECONDS - started)) s"
        aws sqs delete-message --queue-url "$QUEUE_URL" --receipt-handle "$receipt"
    else
        give_back "$command ended with $?"
    fi
}

trap 'stopping="this worker is stopped"' TERM INT
trap 'protection off; rm -f "$job_file"' EXIT
command -v "$command" >/dev/null || { say "there is no program $command: write it, or set WORKER_COMMAND"; exit 1; }
say "waiting for jobs of $QUEUE_URL"

until leaving; do
    if ! receive; then
        protection off
    elif [ -n "$stopping" ]; then
        give_back "$stopping"
    elif protection on; then
        work
    else
        give_back 'this instance cannot be protected, so it may be on its way out'
        sleep 60 # another worker takes it meanwhile
    fi
done
say "no more jobs: $stopping"
