#!/usr/bin/env bash
# 環境準備: everything `make demo` (run) or `make test` (test) needs on a Debian 12 with Python
# 3.11: system packages, the virtual environment .venv and the locked dependencies.
#
#   tools/setup.sh run     what the program needs
#   tools/setup.sh test    the same, and what the tests need (Chromium and its driver's library,
#                        PostgreSQL, poppler)
#
# It may be run any number of times: a stamp under .setup/ remembers what has been installed, by
# the digest of everything that decides it.
set -euo pipefail
cd "$(dirname "$0")/.."

level="${1:-}"
case "$level" in
  run) lock=requirements.lock ;;
  test) lock=requirements-dev.lock ;;
  *)
    echo "使い方: tools/setup.sh run|test" >&2
    exit 2
    ;;
esac

fail() {
  printf '%s\n' "$@" >&2
  exit 1
}

# --- what is missing on the system -----------------------------------------------------------

find_python() {
  local candidate
  # The distribution's own first, where it can make environments: it is built with profiles, and
  # the tests then need a seventh less of the processor than with one that was built by hand.
  if /usr/bin/python3 -c 'import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))' 2> /dev/null; then
    echo /usr/bin/python3
    return
  fi
  for candidate in python3.11 python3.12 python3.13 python3 python; do
    if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2> /dev/null; then
      command -v "$candidate"
      return
    fi
  done
}

has_venv() {
  local python
  python="$(find_python)"
  [[ -n "$python" ]] && "$python" -c 'import ensurepip, venv' 2> /dev/null
}

# pyzbar finds its library through the loader's list, so that is where to look. grep reads to the
# end: with -q it would stop early, and ldconfig, cut off while writing, would count as a failure.
has_library() { PATH="$PATH:/sbin:/usr/sbin" ldconfig -p 2> /dev/null | grep -F "$1" > /dev/null; }
has_font() { [[ -e "/usr/share/fonts/$1" ]]; }
has_certificates() { [[ -e /etc/ssl/certs/ca-certificates.crt ]]; }
has_postgres() { command -v initdb > /dev/null || compgen -G '/usr/lib/postgresql/*/bin/initdb' > /dev/null; }
has_command() { command -v "$1" > /dev/null; }

missing_packages() {
  [[ -n "$(find_python)" ]] || echo python3
  [[ -x .venv/bin/python ]] || has_venv || echo python3-venv
  has_certificates || echo ca-certificates
  has_library libzbar.so.0 || echo libzbar0
  has_font truetype/bizud-gothic/BIZUDGothic-Regular.ttf || echo fonts-morisawa-bizud-gothic
  has_font truetype/ipamj/ipamjm.ttf || echo fonts-ipamj-mincho
  has_font opentype/ocr-b/OCRB.otf || echo fonts-ocr-b
  if [[ "$level" == test ]]; then
    # The one without windows does the tests' work for less; a whole one does as well.
    has_command chromium-headless-shell || has_command chromium || echo chromium-headless-shell
    # The driver of the browser tests is linked against it.
    has_library libatomic.so.1 || echo libatomic1
    has_postgres || echo postgresql
    has_command pdftotext || echo poppler-utils
  fi
}

apt_install() {
  local as_root=(env DEBIAN_FRONTEND=noninteractive)
  [[ "$(id -u)" == 0 ]] || as_root=(sudo "${as_root[@]}")
  # An index that cannot be refreshed may still be good enough; the installation decides.
  # A service that a package starts must not inherit our lock (9>&-).
  "${as_root[@]}" apt-get update -qq 9>&- || true
  "${as_root[@]}" apt-get install -y -qq --no-install-recommends "$@" \
    > .setup/apt.log 2>&1 9>&-
}

# sudo counts when it asks nothing, or when somebody is there to be asked.
can_become_root() {
  [[ "$(id -u)" == 0 ]] && return
  has_command sudo && { sudo -n true 2> /dev/null || { [[ -t 0 ]] && sudo -v; }; }
}

install_system_packages() {
  local packages
  mapfile -t packages < <(missing_packages)
  ((${#packages[@]})) || return 0
  local advice=(
    "次のシステムパッケージが足りません (missing system packages): ${packages[*]}"
    "管理者に次のコマンドの実行を依頼してから、もう一度お試しください (ask an administrator to run)。"
    "  apt-get update && apt-get install -y --no-install-recommends ${packages[*]}"
  )
  has_command apt-get ||
    fail "${advice[0]}" "apt-get がありません。Debian 12 以外では、同等のものをご用意ください。"
  can_become_root || fail "root でも sudo でもないため、自動では入れられません (neither root nor sudo)。" "${advice[@]}"
  echo "システムパッケージを入れています: ${packages[*]}"
  apt_install "${packages[@]}" || {
    tail -n 20 .setup/apt.log >&2 || true
    fail "システムパッケージを入れられませんでした（記録: .setup/apt.log）。" "${advice[@]}"
  }
  mapfile -t packages < <(missing_packages)
  ((${#packages[@]} == 0)) || fail "入れた後もまだ見つかりません: ${packages[*]}"
}

# --- the virtual environment -----------------------------------------------------------------

install_python_packages() {
  local python pip=(.venv/bin/python -m pip --disable-pip-version-check --no-input install --quiet)
  if ! .venv/bin/python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2> /dev/null; then
    python="$(find_python)"
    echo "仮想環境 .venv を作っています（$("$python" --version)）"
    rm -rf .venv
    "$python" -m venv .venv
  fi
  echo "依存ライブラリを入れています（$lock、ハッシュ照合あり）"
  "${pip[@]}" --require-hashes --requirement "$lock" ||
    fail "依存ライブラリを入れられませんでした。ネットワークか pip の設定をご確認ください。"
  # Without build isolation nothing is fetched that the lock does not name.
  "${pip[@]}" --no-deps --no-build-isolation --editable .
}

fingerprint() { cat "$1" pyproject.toml tools/setup.sh <(pwd) | sha256sum | cut -d ' ' -f 1; }

is_ready() {
  [[ -x .venv/bin/kokin ]] && [[ -z "$(missing_packages)" ]] &&
    [[ "$(cat ".setup/$level" 2> /dev/null)" == "$(fingerprint "$lock")" ]]
}

mkdir -p .setup
# Two targets started at once must not install into one environment at the same time.
exec 9> .setup/lock
flock 9
is_ready && exit 0
install_system_packages
install_python_packages
# What the tests need includes what the program needs.
fingerprint requirements.lock > .setup/run
[[ "$level" == run ]] || fingerprint "$lock" > ".setup/$level"
