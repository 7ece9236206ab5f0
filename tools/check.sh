#!/usr/bin/env bash
# 検査: runs every static check, also after one has failed, and names those that failed.
set -uo pipefail
cd "$(dirname "$0")/.."
failed=()

check() {
  echo "== $*"
  ".venv/bin/$1" "${@:2}" || failed+=("$*")
}

check ruff check
check ruff format --check
check mypy
check lint-imports
check python tools/dependencies.py

if ((${#failed[@]})); then
  printf '検査に通りませんでした: %s\n' "${failed[@]}" >&2
  exit 1
fi
echo "検査はすべて通りました。"
