"""依存ライブラリ: what is taken is pinned, hashed and allowed, and the SBOM lists exactly that."""

from __future__ import annotations

import importlib.util
import json
import re

import pytest
from codebase import ROOT

_SPEC = importlib.util.spec_from_file_location("dependencies", ROOT / "tools" / "dependencies.py")
assert _SPEC is not None
assert _SPEC.loader is not None
dependencies = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(dependencies)

RUN = (ROOT / "requirements.lock").read_text("utf-8")
PROJECT = "[project]\ndependencies = [{run}]\n[dependency-groups]\ndev = [{dev}]\n"
HASH = "    --hash=sha256:" + "a" * 64
FLASK = f"flask==3.1.0 \\\n{HASH}\n"


def faults(run: str, everything: str, *, wants: str = "", dev: str = "") -> list[str]:
    return [*dependencies.faults(run, everything, PROJECT.format(run=wants, dev=dev))]


def test_what_this_project_takes_is_in_order():
    assert dependencies.main([]) == 0


def test_a_good_lock_has_no_fault():
    assert faults(FLASK, FLASK, wants='"flask>=3"') == []


@pytest.mark.parametrize(
    ("run", "everything", "wants", "said"),
    [
        ("flask>=3\n", FLASK, "", "neither name==version nor its hash"),
        ("flask==3.1.0\n", FLASK, "", "requirements.lock: flask has no hash"),
        ("git+https://example.com/flask\n", FLASK, "", "neither name==version"),
        (FLASK.replace("a" * 64, "b" * 64), FLASK, "", "is not as in"),
        (FLASK, FLASK, '"jinja2>=3"', "jinja2 of pyproject.toml is missing"),
        (f"nobody-knows==1.0 \\\n{HASH}\n",) * 2 + ("", "nobody-knows: licence 'not stated'"),
    ],
)
def test_what_is_wrong_is_named(run, everything, wants, said):
    assert [fault for fault in faults(run, everything, wants=wants) if said in fault]


def test_a_licence_that_is_not_on_the_list_is_named(monkeypatch):
    monkeypatch.setattr(dependencies, "LICENCES", {"MIT"})
    assert [each for each in faults(FLASK, FLASK) if each.startswith("flask: licence")]


def test_the_sbom_lists_exactly_what_is_locked():
    made = json.loads(dependencies.sbom(RUN))
    assert (made["bomFormat"], made["specVersion"]) == ("CycloneDX", "1.6")
    # Read once more, and more plainly, than the program reads it.
    locked = set(re.findall(r"^([a-z0-9-]+)(?:\[[a-z0-9,-]+\])?==(\S+)", RUN, re.MULTILINE))
    listed = [(each["name"], each["version"]) for each in made["components"]]
    assert set(listed) == locked
    assert len(listed) == len(locked)
    hashes = {p["value"] for c in made["components"] for p in c["properties"] if "sha" in p["name"]}
    assert hashes == set(re.findall(r"sha256:([0-9a-f]{64})", RUN))
    assert [each["name"] for each in made["components"] if not each["licenses"]] == []


def test_the_same_lock_gives_the_same_sbom():
    assert dependencies.sbom(FLASK) == dependencies.sbom(FLASK)
