"""The guard of docs/adr/0001: our generic package names belong to us alone.

pip overwrites files of another distribution without a word, so a dependency that ships a
``payments`` or a ``web`` of its own would replace ours. All locked dependencies are installed
where the tests run; none of them may own one of our names.
"""

from __future__ import annotations

import tomllib
from importlib.metadata import distributions

from codebase import PACKAGES, ROOT


def _foreign_owners() -> list[str]:
    return sorted(
        f"{distribution.metadata['Name']} owns {file}"
        for distribution in distributions()
        if distribution.metadata["Name"] != "kokin"
        for file in distribution.files or ()
        if file.parts[0].removesuffix(".py") in PACKAGES
    )


def test_no_other_distribution_owns_our_package_names():
    assert _foreign_owners() == []


def test_the_guard_would_see_an_intruder(tmp_path, monkeypatch):
    info = tmp_path / "intruder-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: intruder\nVersion: 1.0\n")
    (info / "RECORD").write_text("payments/__init__.py,,\nintruder-1.0.dist-info/METADATA,,\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert _foreign_owners() == ["intruder owns payments/__init__.py"]


def test_the_packages_are_listed_explicitly():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    include = project["tool"]["setuptools"]["packages"]["find"]["include"]
    assert sorted(include) == [f"{package}*" for package in PACKAGES]
    assert "Private :: Do Not Upload" in project["project"]["classifiers"]


def test_every_locked_requirement_has_a_hash():
    for lock in ("requirements.lock", "requirements-dev.lock"):
        text = (ROOT / lock).read_text(encoding="utf-8").replace("\\\n", " ")
        entries = text.splitlines()
        assert entries
        assert [entry for entry in entries if "==" not in entry or "--hash=" not in entry] == []


def test_the_development_lock_contains_the_run_time_lock():
    def pins(lock: str) -> set[str]:
        lines = (ROOT / lock).read_text(encoding="utf-8").splitlines()
        return {line.rstrip(" \\") for line in lines if "==" in line and not line.startswith(" ")}

    assert pins("requirements.lock") <= pins("requirements-dev.lock")
