"""The bundle for closed networks: nothing altered is installed, and it needs no network."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from hashlib import sha256

import pytest
from codebase import ROOT

INSTALLER = ROOT / "deploy" / "install.sh"
BUNDLE_SECONDS = 900
NOWHERE = "http://127.0.0.1:9"  # the discard port: nobody answers there
HERE = f"cp{sys.version_info[0]}{sys.version_info[1]} {platform.machine()}\n"


def _manifest(folder):
    files = sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and path.name != "MANIFEST.sha256"
    )
    lines = [f"{sha256((folder / name).read_bytes()).hexdigest()}  {name}\n" for name in files]
    (folder / "MANIFEST.sha256").write_text("".join(lines), "utf-8")


@pytest.fixture
def bundle(tmp_path):
    """A bundle without wheels: enough for everything that comes before them."""
    folder = tmp_path / "bundle"
    (folder / "wheels").mkdir(parents=True)
    shutil.copy(INSTALLER, folder / "install.sh")
    (folder / "BUILT-FOR").write_text(HERE, "utf-8")
    (folder / "requirements.lock").write_text("some==1\n", "utf-8")
    _manifest(folder)
    return folder


def _install(bundle, target, **more):
    kept = {name: os.environ[name] for name in ("PATH", "TMPDIR") if name in os.environ}
    offline = {"PIP_NO_INDEX": "1", "http_proxy": NOWHERE, "https_proxy": NOWHERE}
    return subprocess.run(
        ["bash", str(bundle / "install.sh"), str(target)],
        env=kept | offline | {"HOME": str(target.parent), "PYTHON": sys.executable} | more,
        check=False,
        capture_output=True,
        text=True,
        timeout=BUNDLE_SECONDS,
    )


def _alter(bundle):
    (bundle / "requirements.lock").write_text("other==1\n", "utf-8")


def _add(bundle):
    (bundle / "wheels" / "more.whl").write_bytes(b"slipped in")


def _take(bundle):
    (bundle / "requirements.lock").unlink()


def _forget(bundle):
    (bundle / "MANIFEST.sha256").unlink()


def _other_python(bundle):
    (bundle / "BUILT-FOR").write_text("cp399 abacus\n", "utf-8")
    _manifest(bundle)


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (_alter, "requirements.lock"),
        (_add, "wheels/more.whl"),
        (_take, "requirements.lock"),
        (_forget, "MANIFEST.sha256"),
        (_other_python, "cp399 abacus"),
    ],
)
def test_what_is_not_as_it_was_made_is_not_installed(bundle, tmp_path, harm, said):
    harm(bundle)
    answer = _install(bundle, tmp_path / "venv")
    assert answer.returncode == 1
    assert said in answer.stdout + answer.stderr
    assert not (tmp_path / "venv").exists()


def test_another_manifest_than_the_one_handed_over_is_refused(bundle, tmp_path):
    answer = _install(bundle, tmp_path / "venv", MANIFEST_SHA256="0" * 64)
    assert answer.returncode == 1
    assert "0" * 64 in answer.stderr
    assert not (tmp_path / "venv").exists()


@pytest.mark.soak
@pytest.mark.timeout(BUNDLE_SECONDS)
def test_a_bundle_is_made_and_installed_where_there_is_no_network(tmp_path):
    """Needs what pip needs to fetch the locked wheels; from the installer on nothing is fetched."""
    subprocess.run(
        [str(ROOT / "tools" / "bundle.sh"), str(tmp_path / "dist")],
        check=True,
        timeout=BUNDLE_SECONDS,
    )
    (bundle,) = (path for path in (tmp_path / "dist").iterdir() if path.is_dir())
    target = tmp_path / "venv"
    answer = _install(bundle, target, FONTS=str(tmp_path / "fonts"))
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert (tmp_path / "fonts" / "OCRB.otf").is_file()
    for name in ("docs/guide/administrator.md", "docs/operations.md", "deploy/town.toml.example"):
        assert (target / "share" / "kokin" / name).is_file()
    clean = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "https_proxy": NOWHERE}
    for number, words in enumerate((["--help"], ["init", "--sample"], ["demo", "--no-serve"])):
        done = subprocess.run(
            [str(target / "bin" / "kokin"), *words],
            cwd=tmp_path,
            env=clean | {"KOKIN_HOME": str(tmp_path / f"home-{number}")},
            check=False,
            capture_output=True,
            text=True,
            timeout=BUNDLE_SECONDS,
        )
        assert done.returncode == 0, done.stdout + done.stderr
