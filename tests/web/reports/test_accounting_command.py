"""``kokin accounting``: a file for the accounting system, whole or not at all."""

from __future__ import annotations

import pytest
from click.testing import CliRunner
from codebase import ROOT

from web.cli import main
from web.commands.session import Session

LAYOUT = ROOT / "docs" / "layouts" / "accounting" / "sample.toml"


@pytest.fixture
def run(city):
    """Run it on the small city."""

    def invoke(*words):
        session = Session(city.settings.model_copy())
        return CliRunner().invoke(main, ["accounting", *map(str, words)], obj=session)

    return invoke


def test_the_revenue_of_two_days_is_written(run, tmp_path):
    out = tmp_path / "shunyu.csv"
    answer = run(LAYOUT, "--from", "2026-06-01", "--to", "2026-06-30", "--out", out)
    assert answer.exit_code == 0, answer.output
    head, *rows = out.read_bytes().decode("cp932").splitlines()
    assert head.startswith("データ区分,会計日,年度,会計,款,項,目,節,")
    yen = sum(int(row.rsplit(",", 1)[1]) for row in rows)
    assert yen > 0
    assert f"{len(rows)}行、{yen:,}円" in answer.output


def test_without_options_it_is_the_last_day_on_standard_output(run):
    assert "データ区分".encode("cp932") in run(LAYOUT).stdout_bytes


@pytest.mark.parametrize("content", [b"= no", b"\xff", b"x = " + b"9" * 5_000])
def test_what_is_no_layout_is_said_and_nothing_is_written(run, tmp_path, content):
    layout, out = tmp_path / "a.toml", tmp_path / "out.csv"
    layout.write_bytes(content)
    answer = run(layout, "--out", out)
    assert answer.exit_code == 1
    assert "a.toml の TOML が正しくありません" in answer.output
    assert not out.exists()


def test_a_layout_that_is_not_there_is_named_with_its_path(run, tmp_path):
    answer = run(tmp_path / "none.toml", "--out", tmp_path / "out.csv")
    assert answer.exit_code == 1
    assert f"{tmp_path / 'none.toml'} を読めません" in answer.output
    assert answer.output.endswith("（file_unreadable）\n")
