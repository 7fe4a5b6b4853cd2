#!/usr/bin/env bash
# The SpotManager beside a Python function that makes the same calls with boto3: start, first and next runs, memory, calls.
# A measurement, not a test: nothing fails. usage: lambda-handler/bench.sh [ROUNDS]; BOOTSTRAP names another program.
set -euo pipefail
cd "$(dirname "$0")/.."

if [[ -z ${BOOTSTRAP:-} ]]; then
    cargo build --package spotstack-handler --bin bootstrap --profile lambda --locked --quiet
    BOOTSTRAP=${CARGO_TARGET_DIR:-target}/lambda/bootstrap
fi
python=$(tests/venv.sh) # has boto3
BOOTSTRAP=$BOOTSTRAP exec "$python" lambda-handler/benches/beside_python.py "${1:-15}"
