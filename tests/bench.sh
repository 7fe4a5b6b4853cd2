#!/usr/bin/env bash
# How long spotstack takes and how much memory, beside cfn-lint and `sceptre generate` where they are installed. A measurement,
# not a test: nothing fails. usage: tests/bench.sh [ROUNDS]; SPOTSTACK, CFN_LINT and SCEPTRE name other programs.
set -euo pipefail
cd "$(dirname "$0")/.."

if [[ -z ${SPOTSTACK:-} ]]; then
    cargo build --release --locked --quiet
    SPOTSTACK=${CARGO_TARGET_DIR:-target}/release/spotstack
fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

venv=${SPOTSTACK_VENV:-target/venv}/bin
find_tool() { # a path that the environment gives, one on PATH, or one in the tests' venv
    [[ -n $1 ]] && echo "$1" || command -v "$2" || { [[ -x $venv/$2 ]] && echo "$venv/$2"; } || true
}
cfn_lint=$(find_tool "${CFN_LINT:-}" cfn-lint)
sceptre=$(find_tool "${SCEPTRE:-}" sceptre)

# Specs of 1 to 20 pairs, each with a worker script, as a real one has it. Of pairs that bring queue and instance profile, 20 are
# 480 resources, and CloudFormation takes 500.
cp examples/worker.sh "$folder/"
for pairs in 1 5 10 20; do
    {
        printf 'stack: bench\ntags: {team: media}\nnetwork: {subnets: [subnet-0a1b2c3d], security_groups: [sg-0a1b2c3d]}\npairs:\n'
        for ((pair = 1; pair <= pairs; pair++)); do
            if ((pairs == 1)); then
                printf '  gpu:\n    queue: {name: jobs}\n'
            else
                printf '  gpu%d:\n    queue: {arn: "arn:aws:sqs:eu-west-1:111122223333:jobs-%d"}\n' "$pair" "$pair"
            fi
            printf '    launch: {instance_type: g5.2xlarge, image: ami-0123456789abcdef0, user_data: worker.sh'
            ((pairs == 1)) || printf ', instance_profile: worker'
            printf '}\n'
            printf '    spot: {max_price: 0.55}\n    workers: {max: 4}\n'
        done
    } >"$folder/$pairs.yaml"
done
"$SPOTSTACK" -f "$folder/1.yaml" render -q -o "$folder/1.template.yaml"

# A stack as Sceptre has it: a configuration, and the same template, which it reads and prints.
mkdir -p "$folder/sceptre/config" "$folder/sceptre/templates"
cp "$folder/1.template.yaml" "$folder/sceptre/templates/"
printf 'project_code: bench\nregion: eu-west-1\n' >"$folder/sceptre/config/config.yaml"
printf 'template: {path: 1.template.yaml, type: file}\nparameters: {ArtifactBucket: b, HandlerKey: k}\n' >"$folder/sceptre/config/bench.yaml"

echo "$(nproc) cores, load $(cut -d' ' -f1 /proc/loadavg 2>/dev/null || echo '?'): medians, with the fastest run beside them"
SPOTSTACK=$SPOTSTACK CFN_LINT=$cfn_lint SCEPTRE=$sceptre FOLDER=$folder ROUNDS=${1:-31} python3 - <<'PYTHON'
import os, shutil, statistics, subprocess, time

spotstack, folder, rounds = os.environ["SPOTSTACK"], os.environ["FOLDER"], int(os.environ["ROUNDS"])
render = lambda pairs: [spotstack, "-f", f"{folder}/{pairs}.yaml", "render"]
quick = {"spotstack --version": [spotstack, "--version"]}
quick |= {f"spotstack render, {pairs} pair{'s' * (pairs > 1)}": render(pairs) for pairs in (1, 5, 10, 20)}
slow = {}
if os.environ["CFN_LINT"]:
    slow["cfn-lint on the template of 1 pair"] = [os.environ["CFN_LINT"], "--template", f"{folder}/1.template.yaml"]
if os.environ["SCEPTRE"]:
    slow["sceptre generate, the same template"] = [os.environ["SCEPTRE"], "--dir", f"{folder}/sceptre", "generate", "bench.yaml"]


def milliseconds(command):
    begin = time.perf_counter()
    ran = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    elapsed = (time.perf_counter() - begin) * 1000
    assert ran.returncode == 0, (command, ran.stderr.decode()[-500:])
    return elapsed


def mebibytes(command):
    """The peak, by GNU time: a fork of this Python would count Python's own memory."""
    if not shutil.which("/usr/bin/time"):
        return None
    ran = subprocess.run(["/usr/bin/time", "-f", "%M", *command], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    return int(ran.stderr.split()[-1]) / 1024


times = {name: [] for name in [*quick, *slow]}
for number in range(rounds + 2):
    # In turns, so that what else the machine does meets all of them; the first two rounds warm the caches.
    for name, command in quick.items() if number % 10 else [*quick.items(), *slow.items()]:
        elapsed = milliseconds(command)
        if number >= 2 or name in slow:
            times[name].append(elapsed)
one = statistics.median(times["spotstack render, 1 pair"])
for name, runs in times.items():
    median, peak = statistics.median(runs), mebibytes((quick | slow)[name])
    memory = f"{peak:6.1f} MiB" if peak else "          "
    ratio = f"  {median / one:5.0f} x render" if name in slow else ""
    print(f"{name:38} {median:8.1f} ms {min(runs):8.1f} ms {memory}{ratio}")
PYTHON
