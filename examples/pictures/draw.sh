#!/usr/bin/env bash
# Draws the pictures of the README: real runs on a terminal of 100 columns, without an account. SPOTSTACK names another binary.
set -euo pipefail
cd "$(dirname "$0")/../.."
target=$(mkdir -p "${CARGO_TARGET_DIR:-target}" && cd "${CARGO_TARGET_DIR:-target}" && pwd)
if [ -z "${SPOTSTACK:-}" ]; then
    cargo build --locked --quiet
    SPOTSTACK=$target/debug/spotstack
fi
mkdir -p "$target/pictures"
printf 'pyte==0.8.2\nrich==14.2.0\n' >"$target/pictures/requirements.txt"
python=$(tests/venv.sh "$target/pictures/venv" "$target/pictures/requirements.txt")
SPOTSTACK=$SPOTSTACK exec "$python" examples/pictures/draw.py
