#!/usr/bin/env bash
# Builds the handler a second time, from a copy of the sources in another folder and into another target folder: the same bytes.
set -euo pipefail
cd "$(dirname "$0")/.."
target=$(mkdir -p "${CARGO_TARGET_DIR:-target}" && cd "${CARGO_TARGET_DIR:-target}" && pwd)
carried=$("${SPOTSTACK:-$target/debug/spotstack}" --version -v | grep '^handler')

# With the times of the originals, so that what was built before need not be built again.
copy=$target/elsewhere/sources
rm -rf "$copy" && mkdir -p "$copy"
git ls-files -z --cached --others --exclude-standard | xargs -0 cp --parents --preserve=timestamps -t "$copy"
cd "$copy"
# The second cargo goes by the variable, the first one by the option: it finds the dependencies that were checked before.
CARGO_TARGET_DIR=$target/elsewhere cargo check --workspace --all-targets --locked --quiet --target-dir "$target" \
    --message-format json >"$target/elsewhere/messages.json"
out=$(python3 - "$target/elsewhere/messages.json" <<'END'
import json, sys
messages = (json.loads(line) for line in open(sys.argv[1]))
scripts = [each["out_dir"] for each in messages if each["reason"] == "build-script-executed"]
print(next(each for each in scripts if "/spotstack-" in each))
END
)
again=$(cd "$out" && for zip in bootstrap-*.zip; do
    architecture=${zip#bootstrap-} digest=$(sha256sum <"$zip")
    echo "handler ${architecture%.zip} sha256 ${digest%% *}"
done)
if [ "$carried" != "$again" ]; then
    printf 'reproducible.sh: two builds, two handlers:\n%s\n%s\n' "$carried" "$again" >&2
    exit 1
fi
printf 'the same in another folder: %s\n' "$again"
