"""kokin registers: what a described register would become, and names taken in."""

from __future__ import annotations

import json
from importlib.resources import files

import pytest
from click.testing import CliRunner
from mapped_samples import EXAMPLES, REGISTERS, SHAPES, description, example
from sqlalchemy import text

from payments.store.unit_of_work import reading
from web.cli import main
from web.commands.session import Session


@pytest.fixture
def run(books):
    def invoke(*words):
        session = Session(books.settings.model_copy())
        return CliRunner().invoke(main, list(map(str, words)), obj=session)

    return invoke


def _count(books, table):
    with reading(books.engine, "99999") as connection:
        return connection.execute(text(f"SELECT COUNT(*) FROM {table}")).scalar_one()


@pytest.mark.parametrize("name", [*EXAMPLES, *SHAPES])
def test_a_mapping_is_tried_without_booking_anything(run, books, name):
    answer = run("registers", "map-check", REGISTERS / f"{name}.toml", REGISTERS / f"{name}.csv")
    assert answer.exit_code == 0, answer.output
    assert description(name)["label"] in answer.stdout
    assert "取り込める内容です。何も取り込んでいません。" in answer.stdout
    assert _count(books, "source_file") == _count(books, "obligor") == 0


def test_the_lines_shown_are_those_of_the_file(run):
    """A line of several instalments is shown for each of them, by its number in the file."""
    words = ("registers", "map-check", REGISTERS / "sample_wide.toml")
    answer = run(*words, REGISTERS / "sample_wide.csv", "--lines", 5)
    shown = [line for line in answer.stdout.splitlines() if line.endswith("行目")]
    assert shown == ["2行目"] * 4 + ["3行目"]
    assert "6件 53,000円" in answer.stdout


def test_what_is_wrong_and_what_no_font_has_is_named(run, tmp_path):
    bad = tmp_path / "atena.csv"
    lacking = "葛\U000e01ef城".encode()
    wrong = example("sample_obligors").replace("𠮷田".encode(), lacking)
    bad.write_bytes(wrong.replace(b",1000002,", b",10-0002,"))
    answer = run("registers", "map-check", REGISTERS / "sample_obligors.toml", bad, "--json")
    assert answer.exit_code == 1
    found = json.loads(answer.stdout)
    assert (found["count"], len(found["lines"])) == (4, 3)
    (finding,) = found["findings"]
    assert (finding["code"], finding["line_no"]) == ("postal_code", 3)
    assert (finding["field"], finding["found"]) == (
        "郵便番号→postal_code",
        "（7文字、英数字・記号）",
    )
    assert {
        "line_no": 4, "field": "obligor_name", "character": "U+845B U+E01EF", "shown": "葛",
    } in found["unprintable"]  # fmt: skip
    answer = run("registers", "map-check", REGISTERS / "sample_obligors.toml", bad)
    assert "印字用の文字がありません U+845B U+E01EF（置き換えるなら「葛」）" in answer.stdout
    assert "このままでは取り込めません。何も取り込んでいません。" in answer.stdout


def test_a_mapping_of_the_settings_takes_names_in(run, books, tmp_path):
    sample = files("web").joinpath("profiles", "99999.toml").read_text("utf-8")
    (tmp_path / "names.toml").write_bytes((REGISTERS / "sample_obligors.toml").read_bytes())
    profile = tmp_path / "town.toml"
    profile.write_text(f'{sample}\n[[registers]]\nfile = "names.toml"\n', encoding="utf-8")
    assert run("init", "--profile", profile).exit_code == 0
    file = REGISTERS / "sample_obligors.csv"
    assert run("registers", "map-check", "sample_obligors", file).exit_code == 0
    answer = run("registers", "obligors", file, "--json")
    assert json.loads(answer.stdout)["format"] == "sample_obligors"
    assert _count(books, "obligor") == 4


def test_a_file_that_is_not_there_is_named(run, tmp_path):
    answer = run("registers", "map-check", REGISTERS / "sample_obligors.toml", tmp_path / "x.csv")
    assert "（file_unreadable）" in answer.stderr
    answer = run("registers", "map-check", tmp_path / "x.toml", tmp_path / "x.csv")
    assert "（profile_toml）" in answer.stderr
