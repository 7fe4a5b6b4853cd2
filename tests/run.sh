#!/usr/bin/env bash
# Sets up and runs every test: format, lints, units and properties, goldens, the binary, cfn-lint, checkov, IAM, actionlint, local AWS,
# end to end.
# Needs Rust, Python 3.10 or later and Node.js 18 or later; everything else goes into target/. Pages are looked at in Chromium, and
# start-up in valgrind, which are installed where that can be done without asking (as root, by apt-get); else those tests say that
# they are skipped.
set -euo pipefail
cd "$(dirname "$0")/.."

step() { printf '\n== %s\n' "$*"; }

# The environment of whoever runs this must not reach the tests.
unset "${!AWS_@}"
export PYTHONDONTWRITEBYTECODE=1

step "tools"
python=$(tests/venv.sh)
missing=()
command -v chromium chromium-browser google-chrome >/dev/null || missing+=(chromium)
command -v valgrind >/dev/null || missing+=(valgrind)
if [[ ${#missing[@]} -gt 0 && $EUID -eq 0 ]] && command -v apt-get >/dev/null; then
    { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${missing[@]}"; } >/dev/null 2>&1 ||
        echo "run.sh: ${missing[*]} could not be installed; the tests that need them are skipped" >&2
fi
# While Rust compiles.
tests/judges.sh install &
judges=$!

step "format"
cargo fmt --all --check

step "lints"
cargo clippy --workspace --all-targets --locked -- -D warnings

step "units, properties, goldens, commands"
cargo test --workspace --locked

step "documentation"
RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked --quiet

step "licences, sources, duplicates"
if command -v cargo-deny >/dev/null; then
    cargo deny --offline --workspace check licenses bans sources
else
    echo "cargo-deny is not installed; .github/workflows/ci.yml asks it, with the advisories of RustSec"
fi

step "the same handler in another folder"
tests/reproducible.sh

step "cfn-lint, checkov, IAM, actionlint"
wait "$judges" || { echo "run.sh: the judges could not be installed" >&2; exit 1; }
tests/judges.sh

step "local AWS and end to end"
# The binary that the tests above were built with. Most of these tests wait, so there are more of them at once than cores.
SPOTSTACK=${CARGO_TARGET_DIR:-target}/debug/spotstack "$python" -m pytest -q -rs -n 8 --dist worksteal -p no:cacheprovider tests/local-aws tests/end_to_end
