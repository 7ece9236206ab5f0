#!/usr/bin/env bash
# 依存ライブラリの固定: writes requirements.lock (run time) and requirements-dev.lock (all).
#
# Every file of every distribution is pinned by hash, for every platform (--universal), and no
# index or path is written into the files: they hold on any mirror of the package index.
set -euo pipefail
cd "$(dirname "$0")/.."

command -v .venv/bin/uv > /dev/null || .venv/bin/python -m pip install --quiet "uv>=0.9"

compile() {
  .venv/bin/uv pip compile --quiet --upgrade --generate-hashes --universal --python-version 3.11 \
    --no-emit-index-url --no-emit-find-links --no-header --no-annotate "$@"
}

compile pyproject.toml --group build --output-file requirements.lock
compile pyproject.toml --group build --group dev --constraint requirements.lock \
  --output-file requirements-dev.lock
