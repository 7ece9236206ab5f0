#!/usr/bin/env bash
# 閉域向けの一式: one folder and one archive with everything that an installation without a network
# needs: the wheel of the program, the locked wheels, fonts, deploy/ and the installer, with the
# SHA-256 of every file.
#
#   tools/bundle.sh [DIR]        writes DIR/kokin-VERSION-offline and its .tar (default: dist)
#
# The wheels are those of this machine's Python and processor: make it on one like the target.
set -euo pipefail
cd "$(dirname "$0")/.."
python=.venv/bin/python
pip=("$python" -m pip --disable-pip-version-check --no-input)

version="$("$python" -c 'import tomllib; print(tomllib.load(open("pyproject.toml", "rb"))["project"]["version"])')"
name="kokin-$version-offline"
out="${1:-dist}"
mkdir -p "$out"
draft="$(mktemp -d "$out/.$name.XXXXXX")"
trap 'rm -rf "$draft"' EXIT
bundle="$draft/$name"
mkdir -p "$bundle/wheels" "$bundle/fonts"

echo "依存ライブラリを集めています（requirements.lock、ハッシュ照合あり）"
"${pip[@]}" download --quiet --require-hashes --only-binary :all: \
  --requirement requirements.lock --dest "$bundle/wheels"

echo "kokin $version のホイールを作っています"
# From a copy, so that nothing left over from an earlier build gets into it.
mkdir "$draft/source"
tar --create --exclude=__pycache__ --exclude='*.pyc' payments qr reconcile sample_data web \
  pyproject.toml README.md LICENSE | tar --extract --directory "$draft/source"
"${pip[@]}" wheel --quiet --no-deps --no-build-isolation --no-index \
  --wheel-dir "$bundle/wheels" "$draft/source"

echo "フォントを写しています"
for font in truetype/bizud-gothic/BIZUDGothic-Regular.ttf truetype/bizud-gothic/BIZUDGothic-Bold.ttf \
  truetype/ipamj/ipamjm.ttf opentype/ocr-b/OCRB.otf; do
  cp "/usr/share/fonts/$font" "$bundle/fonts/"
done
for package in fonts-morisawa-bizud-gothic fonts-ipamj-mincho fonts-ocr-b; do
  cp "/usr/share/doc/$package/copyright" "$bundle/fonts/LICENSE.$package"
done

wheel="$(basename "$bundle"/wheels/kokin-*.whl)"
digest="$(sha256sum "$bundle/wheels/$wheel" | cut -d ' ' -f 1)"
{
  cat requirements.lock
  echo "kokin==$version --hash=sha256:$digest"
} > "$bundle/requirements.lock"
cp -r deploy "$bundle/deploy"
install -m 0755 deploy/install.sh "$bundle/install.sh"
rm "$bundle/deploy/install.sh"
# The settings of a body to begin with, and every page: where there is no network there is no other copy.
cp web/profiles/99999.toml "$bundle/deploy/town.toml.example"
cp -r docs "$bundle/docs"
find "$bundle/docs" -name __pycache__ -prune -exec rm -r {} +
cp LICENSE "$bundle/docs/"
"$python" -c 'import platform, sys; print(f"cp{sys.version_info[0]}{sys.version_info[1]} {platform.machine()}")' \
  > "$bundle/BUILT-FOR"
chmod -R u=rwX,go=rX "$bundle"
(cd "$bundle" && find . -type f ! -name MANIFEST.sha256 -printf '%P\n' | LC_ALL=C sort |
  while read -r file; do sha256sum "$file"; done > MANIFEST.sha256)

rm -rf "${out:?}/$name" "$out/$name.tar"
mv "$bundle" "$out/$name"
# Same files, same archive: names in order, nobody's user, and one time.
tar --create --file "$out/$name.tar" --directory "$out" --sort=name --owner=0 --group=0 \
  --numeric-owner --mtime=@0 "$name"
echo "$out/$name.tar（$(find "$out/$name/wheels" -name '*.whl' | wc -l) ホイール、$(du -m "$out/$name.tar" | cut -f 1) MB）"
echo "目録のSHA-256（別の方法で伝えてください）: $(sha256sum "$out/$name/MANIFEST.sha256" | cut -d ' ' -f 1)"
