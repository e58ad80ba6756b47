#!/usr/bin/env bash
# Prints the lock: the exact version of every package that the runtime, the tests and the extra `local` need, as pip
# picks them today in a fresh environment. The file is given to pip as constraints (`-c`), so it names versions only:
# no host, no path, nothing editable, and no CUDA packages, which only some machines' torch asks for.
set -euo pipefail
cd "$(dirname "$0")/.."

venv=$(mktemp -d)
trap 'rm -rf "$venv"' EXIT

"${PYTHON:-python3}" -m venv "$venv"
"$venv/bin/python" -m pip install --quiet '.[dev,local]' >&2

cat <<'HEADER'
# Written by `make lock`; do not edit. Constraints for pip: pip install -c requirements/lock.txt .
HEADER
"$venv/bin/python" -m pip freeze --exclude riddlewire --exclude-editable \
  | grep -E '^[A-Za-z0-9._-]+==' \
  | grep -viE '^(nvidia|cuda|triton)' \
  | sed -E 's/^(torch==[^+]*)\+.*/\1/' \
  | LC_ALL=C sort -f
