#!/usr/bin/env bash
# How long spotstack takes and how much memory, beside what else makes or judges the same stack; how rendering, simulating and
# deciding grow; and the handler beside a Python function that makes the same calls. A measurement, not a test: nothing fails
# because of a number.
#
#     tests/bench.sh [own|peers|handler|all] [ROUNDS]
#
# `own` is spotstack alone and installs nothing. `peers` sets up sceptre, aws-sam-cli, cfn-lint and aws-cdk in target/bench, each in a
# folder of its own, and needs Python, Node.js and the network. `all`, the default, also redraws tests/bench/medians.svg.
set -euo pipefail
cd "$(dirname "$0")/.."
what=${1:-all} rounds=${2:-21}
case $what in own | peers | handler | all) ;; *) sed -n '6,9s/^# \{0,1\}//p' "$0" >&2 && exit 1 ;; esac

target=$(mkdir -p "${CARGO_TARGET_DIR:-target}" && cd "${CARGO_TARGET_DIR:-target}" && pwd)
if [ -z "${SPOTSTACK:-}" ]; then
    cargo build --release --locked --quiet
    SPOTSTACK=$target/release/spotstack
fi
export SPOTSTACK
python=$(tests/venv.sh)

peers=
if [ "$what" = peers ] || [ "$what" = all ]; then
    peers=$target/bench
    for peer in sceptre==4.7.0 aws-sam-cli==1.170.0 cfn-lint==1.58.0; do
        name=${peer%%=*}
        mkdir -p "$peers/$name" && echo "$peer" >"$peers/$name.txt"
        tests/venv.sh "$peers/$name" "$peers/$name.txt" >/dev/null
    done
    if [ ! -x "$peers/cdk/node_modules/.bin/cdk" ]; then
        mkdir -p "$peers/cdk"
        npm install --silent --no-audit --no-fund --prefix "$peers/cdk" aws-cdk@2.1148.1 aws-cdk-lib@2.276.0 constructs@10 >&2
    fi
fi

if [ "$what" != handler ]; then
    "$python" tests/bench/command_line.py --rounds "$rounds" ${peers:+--peers "$peers"} \
        $([ "$what" = all ] && echo --plot tests/bench/medians.svg)
    cargo bench --package spot-policy --bench decide --locked --quiet -- deciding --sort location
fi
if [ "$what" = handler ] || [ "$what" = all ]; then
    lambda-handler/bench.sh
fi
