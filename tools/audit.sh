#!/usr/bin/env bash
# 脆弱性の照会: asks the public advisories about every pinned version of requirements.lock.
#
# It needs a network that reaches them. A version about which nothing could be asked is a failure,
# too: silence is no good news.
set -euo pipefail
cd "$(dirname "$0")/.."

command -v .venv/bin/uv > /dev/null || .venv/bin/python -m pip install --quiet "uv>=0.9"
.venv/bin/uv tool run "pip-audit>=2.9" --strict --disable-pip --requirement requirements.lock
