"""Every format comes with a golden twin, its public sources, and a contract of its own."""

from __future__ import annotations

import re
import tomllib

import pytest
from codebase import ROOT, modules, name, tracked_files

from reconcile.formats import FORMATS

SOURCES = (ROOT / "docs" / "sources.md").read_text(encoding="utf-8")
GOLDEN = ROOT / "sample_data" / "golden"
# A citation as the code writes it: `files.md 2.4`, `law.md 1.1 and 1.2`.
CITATION = re.compile(r"\b(files|symbols|law)\.md (\d+(?:\.\d+)*)")


def _resolves(page: str, section: str) -> bool:
    return f"| `{page}.md {section}` |" in SOURCES


@pytest.mark.parametrize("entry", FORMATS, ids=lambda entry: entry.code)
def test_a_format_has_golden_files_with_an_expectation_beside_them(entry):
    folder = GOLDEN / entry.code
    expected = sorted(folder.glob("*.expected.txt"))
    assert expected, f"{entry.code} has no golden files in {name(folder)}"
    samples = {path.name.split(".")[0] for path in folder.iterdir()}
    assert samples == {path.name.removesuffix(".expected.txt") for path in expected}


@pytest.mark.parametrize("entry", FORMATS, ids=lambda entry: entry.code)
def test_a_format_names_sources_that_the_page_of_sources_explains(entry):
    assert entry.sources
    for source in entry.sources:
        page, section = source.split(".md ")
        assert _resolves(page, section), f"docs/sources.md does not explain {source}"


def test_format_codes_and_labels_are_unique():
    assert len({entry.code for entry in FORMATS}) == len(FORMATS)
    assert len({entry.label_ja for entry in FORMATS}) == len(FORMATS)


def test_formats_are_declared_independent_of_each_other():
    config = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = config["tool"]["importlinter"]["contracts"]
    (independence,) = [contract for contract in contracts if contract["type"] == "independence"]
    declared = {module.rsplit(".", 1)[1] for module in independence["modules"]}
    assert {entry.code for entry in FORMATS} <= declared


def test_every_citation_is_explained():
    """`files.md 2.4` in code is no dead end: docs/sources.md says what it rests on."""
    cited = {
        (page, section): f"{name(path)}"
        for path in [*modules(), *modules("tests")]
        for page, section in CITATION.findall(path.read_text(encoding="utf-8"))
    }
    assert cited
    assert {key: place for key, place in cited.items() if not _resolves(*key)} == {}


def test_the_glossary_leads_to_modules_that_exist():
    glossary = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
    paths = set(
        re.findall(r"`((?:payments|qr|reconcile|sample_data|web|docs)/[\w./-]*)`", glossary)
    )
    assert paths
    assert sorted(path for path in paths if not (ROOT / path).exists()) == []


def test_relative_links_in_the_documentation_lead_somewhere():
    broken = [
        f"{name(page)}: {target}"
        for page in tracked_files()
        if page.suffix == ".md" and page.is_relative_to(ROOT / "docs")
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text("utf-8"))
        if not (page.parent / target).exists()
    ]
    assert broken == []
