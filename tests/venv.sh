#!/bin/sh
# The Python interpreter that the local AWS and the checks run with, on stdout; everything else goes to stderr.
# The venv is made when it is missing and brought up to date when its requirements have changed.
#
#     venv.sh [FOLDER REQUIREMENTS]     # another venv than the tests' own
set -eu

here=$(cd "$(dirname "$0")" && pwd)
venv=${1:-${SPOTSTACK_VENV:-$(dirname "$here")/target/venv}}
requirements=${2:-$here/local-aws/requirements.txt}
wanted=$(cksum <"$requirements")

up_to_date() {
    [ "$(cat "$venv/requirements.cksum" 2>/dev/null)" = "$wanted" ]
}

die() {
    echo "venv.sh: $*" >&2
    exit 1
}

make_venv() {
    python3 -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null ||
        die "needs python3, version 3.10 or newer, on PATH"
    python3 -c 'import ensurepip, venv' 2>/dev/null ||
        die "this Python has no venv or ensurepip module (on Debian and Ubuntu: apt install python3-venv)"
    # Cleared, it would be cleared for everybody who shares it.
    [ ! -L "$venv" ] || die "$venv is a link to a venv that is not up to date with $requirements: bring that up to date"
    echo "venv.sh: installing $requirements into $venv" >&2
    python3 -m venv --clear "$venv" >&2
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --requirement "$requirements" >&2 ||
        die "pip could not install $requirements"
    echo "$wanted" >"$venv/requirements.cksum"
}

if ! up_to_date; then
    mkdir -p "$(dirname "$venv")"
    exec 9>"$venv.lock"
    flock 9
    up_to_date || make_venv
    exec 9>&-
fi
echo "$(cd "$venv" && pwd)/bin/python"
