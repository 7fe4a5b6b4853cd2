#!/usr/bin/env bash
# Shows spotstack at work, on a local AWS: no account, no cost, nothing left behind.
# Needs Rust, Python 3.10 or newer, and on the first run some minutes and the network, to build and to fetch packages.
set -euo pipefail

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
folder=$(mktemp -d "${TMPDIR:-/tmp}/spotstack-demo.XXXXXX")
server=''
step='the preparation'

clean_up() {
    local code=$?
    [ -z "$server" ] || { kill "$server" && wait "$server"; } 2>/dev/null || true
    rm -rf "$folder"
    [ "$code" = 0 ] || echo "demo.sh: it ended in: $step" >&2
    exit "$code"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

bold='' plain=''
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ] && [ "${TERM:-dumb}" != dumb ]; then
    bold=$'\e[1m' plain=$'\e[0m'
fi

# A heading.
chapter() {
    step=$1
    printf '\n%s%s%s\n' "$bold" "== $1" "$plain"
}

# What a user types, from standard input: shown, then done.
type_in() {
    local command
    command=$(cat)
    sed "1s/^/${bold}\$ /; 1!s/^/${bold}> /; s/\$/${plain}/" <<<"$command"
    eval "$command" 2>&1
}

spotstack() { "$SPOTSTACK" "$@"; }

# What happens in the world outside.
world() { "$python" "$repository/tests/local-aws/world.py" "$@" >/dev/null; }

# The price of the last two hours, in both zones.
spot_costs() {
    world clear-prices
    world price g5.2xlarge eu-west-1a "$1" --ago 7200
    world price g5.2xlarge eu-west-1b "$1" --ago 7200
}

a_job_arrives() {
    world send-job render-jobs
    world metrics render-jobs
}

# A worker takes the job, works on it and deletes it; then five quiet minutes pass.
the_job_is_done() {
    local receipt
    receipt=$("$python" "$repository/tests/local-aws/world.py" receive-job render-jobs | sed -n '2s/ .*//p')
    world finish-job render-jobs "$receipt"
    world metrics render-jobs --minutes 5
}

# Waits until Spot and On-Demand have so many instances, and shows both groups.
groups_become() {
    PYTHONPATH=$repository/tests/local-aws "$python" "$repository/examples/demo/groups.py" demo "$1" "$2"
}

# Preparation

die() {
    echo "demo.sh: $*" >&2
    exit 1
}

[ "$(uname -s)" = Linux ] || die 'needs Linux, because it runs the function itself, as AWS Lambda would'
python=$("$repository/tests/venv.sh")
if [ -z "${SPOTSTACK:-}" ]; then
    command -v cargo >/dev/null || die 'needs Rust (cargo) on PATH'
    cd "$repository"
    cargo build
    SPOTSTACK=${CARGO_TARGET_DIR:-target}/debug/spotstack
fi
SPOTSTACK=$(realpath "$SPOTSTACK")

cd "$folder"
# The settings and credentials of whoever runs this have no part in it.
unset "${!AWS_@}"
"$python" "$repository/tests/local-aws/serve.py" --no-ticks --resource-seconds 0.08 --ready-file "$folder/endpoint" \
    >/dev/null &
server=$!
for _ in {1..600}; do
    if [ -s endpoint ] || ! kill -0 "$server" 2>/dev/null; then break; fi
    sleep 0.1
done
[ -s endpoint ] || die 'the local AWS did not start'
export AWS_ENDPOINT_URL AWS_REGION=eu-west-1 AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test
AWS_ENDPOINT_URL=$(cat endpoint)

# The show

cat <<END

Rendering jobs wait in a queue, and the workers that do them cost money. Spot
Instances are cheap and sometimes not to be had. spotstack makes a pair of Auto
Scaling groups: Spot first, On-Demand when Spot is not to be had, none when
there is no work. A program on this machine stands in for AWS:
AWS_ENDPOINT_URL is $AWS_ENDPOINT_URL.
END

chapter 'One file describes it'
type_in <<'END'
spotstack init --yes --stack demo --pair gpu --queue render-jobs \
  --subnets subnet-0a1b2c3d4e5f60001,subnet-0a1b2c3d4e5f60002 \
  --security-groups sg-0a1b2c3d4e5f60001 --image ami-0123456789abcdef0 \
  --instance-type g5.2xlarge --max-price 0.55 --max-workers 2
END
printf '\nspotstack.yaml, without its comments:\n'
sed '/^ *#/d; s/  *#.*//; /^$/d; s/^/  /' spotstack.yaml

chapter 'It becomes a CloudFormation template, to read and to review'
type_in <<'END'
spotstack render -o template.yaml
END
printf '\nIts %s lines begin with the jobs; this is the Spot group:\n' "$(wc -l <template.yaml)"
sed -n '/GpuSpotGroup:/,/^$/p' template.yaml | sed '$d'

chapter 'One command makes it so'
type_in <<'END'
spotstack deploy --yes
END
groups_become 0 0

chapter 'A job arrives, Spot costs 0.30 USD: a Spot Instance'
spot_costs 0.30
a_job_arrives
groups_become 1 0

chapter 'The job is done and no other comes: no instance'
the_job_is_done
groups_become 0 0

chapter 'A job arrives, Spot costs 0.50 USD: On-Demand'
echo '0.50 is below the max price of 0.55, but not by the headroom of 15 %.'
spot_costs 0.50
a_job_arrives
groups_become 0 1

chapter 'Done again: no instance'
the_job_is_done
groups_become 0 0

chapter 'A job arrives, Spot is cheap, and AWS has none to give: On-Demand'
spot_costs 0.30
world capacity --market spot 0
a_job_arrives
groups_become 0 1

chapter 'Spot has instances again: still one worker for one job, not two'
world capacity --market spot unlimited
world retry
world tick
groups_become 0 1

chapter 'Why is it so?'
type_in <<'END'
spotstack explain
END

chapter 'The job is done: nothing runs, nothing costs'
the_job_is_done
groups_become 0 0

chapter 'And it goes as it came'
type_in <<'END'
spotstack destroy --yes
END

cat <<END

That was all of it. To have your own: spotstack init, look at spotstack.yaml and
worker.sh, then spotstack deploy, with the credentials of your AWS account.
END
