#!/usr/bin/env bash
# 閉域での導入: checks every file of this folder and installs kokin from it, without any network.
#
#   ./install.sh [DIR]            into the virtual environment DIR (default /opt/kokin)
#   PYTHON=python3.11 ./install.sh …     with that Python
#   FONTS=DIR ./install.sh …      puts the fonts there (default /usr/local/share/fonts; as root)
#   MANIFEST_SHA256=… ./install.sh …     refuses another manifest than the one that was handed over
#
# It may be run again: over an older release it installs the newer one into the same place.
set -euo pipefail
target="$(realpath --canonicalize-missing "${1:-/opt/kokin}")"
cd "$(dirname "$0")"
python="${PYTHON:-python3}"

fail() {
  printf '%s\n' "$@" >&2
  exit 1
}

# --- nothing is installed before every file is the one that was made --------------------------

[[ -f MANIFEST.sha256 ]] || fail "目録 MANIFEST.sha256 がありません。一式をもう一度写してください。"
found="$(sha256sum MANIFEST.sha256 | cut -d ' ' -f 1)"
if [[ -n "${MANIFEST_SHA256:-}" && "$found" != "$MANIFEST_SHA256" ]]; then
  fail "目録が、伝えられたものと違います。" "  期待: $MANIFEST_SHA256" "  実際: $found"
fi
sha256sum --check --quiet --strict MANIFEST.sha256 ||
  fail "目録と合わないファイルがあります。何も導入していません。一式をもう一度写してください。"
added="$(comm -13 <(cut -c 67- MANIFEST.sha256 | LC_ALL=C sort) \
  <(find . -type f ! -name MANIFEST.sha256 -printf '%P\n' | LC_ALL=C sort))"
[[ -z "$added" ]] || fail "目録にないファイルがあります。何も導入していません。" "$added"
echo "目録のすべてのファイルが一致しました（$(wc -l < MANIFEST.sha256) 件）。"

# --- the Python that the wheels are for ---------------------------------------------------------

command -v "$python" > /dev/null || fail "$python がありません。PYTHON=… で指定してください。"
here="$("$python" -c 'import platform, sys; print(f"cp{sys.version_info[0]}{sys.version_info[1]} {platform.machine()}")')"
[[ "$here" == "$(cat BUILT-FOR)" ]] ||
  fail "この一式は $(cat BUILT-FOR) 用です。この機械の $python は $here です。"
"$python" -c 'import ensurepip, venv' 2> /dev/null ||
  fail "仮想環境を作れません。python3-venv を導入媒体から入れてください。"

# --- installing ---------------------------------------------------------------------------------

[[ -x "$target/bin/python" ]] || "$python" -m venv "$target"
env -u PIP_INDEX_URL -u PIP_EXTRA_INDEX_URL -u PIP_CONSTRAINT PIP_CONFIG_FILE=/dev/null \
  "$target/bin/python" -m pip --disable-pip-version-check --no-input install --quiet \
  --no-index --find-links wheels --require-hashes --only-binary :all: --requirement requirements.lock

mkdir -p "$target/share/kokin"
cp -r deploy docs fonts/LICENSE.* "$target/share/kokin/"
fonts="${FONTS:-}"
if [[ -z "$fonts" && "$(id -u)" == 0 ]]; then fonts=/usr/local/share/fonts; fi
if [[ -n "$fonts" ]]; then
  mkdir -p "$fonts"
  cp fonts/*.ttf fonts/*.otf "$fonts/"
else
  echo "フォントは root でないため入れていません（FONTS=~/.local/share/fonts で入れられます）。"
fi

PATH="$PATH:/sbin:/usr/sbin" ldconfig -p 2> /dev/null | grep -F libzbar.so.0 > /dev/null ||
  echo "libzbar0 が見つかりません。印刷物の読取りに要ります。OSの導入媒体から入れてください。"
"$target/bin/kokin" --version
echo "導入しました: $target （次は $target/share/kokin の docs/guide/administrator.md）"
