#!/usr/bin/env bash
# Sets up and runs every test: format, lints, units and properties, goldens, the binary, local AWS, end to end, cfn-lint.
# Needs Rust and Python 3.10 or later; everything else goes into target/.
set -euo pipefail
cd "$(dirname "$0")/.."

step() { printf '\n== %s\n' "$*"; }

# The environment of whoever runs this must not reach the tests.
unset "${!AWS_@}"
export PYTHONDONTWRITEBYTECODE=1

step "python tools"
python=$(tests/venv.sh)

step "format"
cargo fmt --all --check

step "lints"
cargo clippy --workspace --all-targets --locked -- -D warnings

step "units, properties, goldens, commands"
cargo test --workspace --locked

step "documentation"
RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked --quiet

step "cfn-lint on every rendered example"
# W3697 says that launch configurations are in maintenance mode, which is why they are not the default.
"$(dirname "$python")/cfn-lint" --regions us-east-1 eu-west-1 ap-northeast-1 sa-east-1 --ignore-checks W3697 \
    --template tests/golden/launch-configurations.template.yaml
for golden in tests/golden/*.template.yaml; do
    [[ $golden == */launch-configurations.* ]] && continue
    "$(dirname "$python")/cfn-lint" --regions us-east-1 eu-west-1 ap-northeast-1 sa-east-1 --template "$golden"
done
echo "nothing to report"

step "local AWS and end to end"
# The binary that the tests above were built with.
SPOTSTACK=${CARGO_TARGET_DIR:-target}/debug/spotstack "$python" -m pytest -q -n 2 -p no:cacheprovider tests/local-aws tests/end_to_end
