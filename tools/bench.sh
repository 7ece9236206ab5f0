#!/usr/bin/env bash
# 計測: runs every benchmark of benchmarks/ (or those named), one after another.
set -euo pipefail
cd "$(dirname "$0")/.."

if (($#)); then
  benchmarks=("${@/#/benchmarks/}")
  benchmarks=("${benchmarks[@]/%/.py}")
else
  benchmarks=(benchmarks/[!_]*.py)
fi
for benchmark in "${benchmarks[@]}"; do
  echo "== $benchmark"
  .venv/bin/python "$benchmark"
done
