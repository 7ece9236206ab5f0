"""``kokin audit``: the pack of a closed day carries what was signed and who signed it."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import zipfile
from datetime import UTC, date, datetime

import pytest
from click.testing import CliRunner

from payments.store.unit_of_work import reading, unit_of_work
from reconcile import day_close
from reconcile.audit.seal import last_seal
from web.approval_effects import decide_and_do
from web.cli import main
from web.commands.session import Session
from web.commands.setup import sample_profile

M = "99999"
DAY = date(2026, 6, 1)
AT = datetime(2026, 6, 3, 9, tzinfo=UTC)


@pytest.fixture
def run(city):
    """Run a command on the small city."""

    def invoke(*words):
        session = Session(city.settings.model_copy())
        return CliRunner().invoke(main, list(map(str, words)), obj=session)

    return invoke


def close(city):
    with unit_of_work(city.engine, M) as connection:
        asked = day_close.ask(
            connection,
            M,
            day_close.CLOSE,
            str(DAY),
            asked_by="kaikei",
            reason="日次",
            at=AT,
            despite=True,
        )
    with unit_of_work(city.engine, M) as connection:
        decide_and_do(
            connection, sample_profile(), asked.approval_id, "approved", decided_by="kanri"
        )


def test_the_pack_of_a_closed_day_carries_what_two_people_signed(run, city, tmp_path):
    close(city)
    out = tmp_path / "day.zip"
    answer = run("audit", "pack", "--day", DAY, "--out", out)
    assert answer.exit_code == 0, answer.output
    assert oct(out.stat().st_mode)[-3:] == "600"
    script = tmp_path / "check.py"
    with zipfile.ZipFile(out) as archive:
        script.write_bytes(archive.read("check.py"))
        report = json.loads(archive.read("day/signed.json"))
        readme = archive.read("README.txt").decode()
        tables = {name for name in archive.namelist() if name.startswith("tables/")}
        headings = {archive.read(name).decode("utf-8-sig").split("\r\n")[0] for name in tables}
    assert report["seal_no"] > 0
    assert {"tables/day_closure.csv", "tables/approval_decided.csv"} <= tables
    assert "会計日・受領日 2026-06-01" in readme
    # Every heading is Japanese (a hash goes by its own name).
    cells = {cell for heading in headings for cell in heading.split(",")}
    assert {cell for cell in cells if cell.isascii()} <= {"SHA-256"}
    done = subprocess.run(
        [sys.executable, "-I", script, out], capture_output=True, check=False, timeout=200
    )
    said = done.stdout.decode()
    assert done.returncode == 0, said
    assert f"○ 締めた日計: ハッシュと封印（{report['seal_no']}番）が一致" in said
    assert "○ 承認: 1件の依頼、決定は別の人" in said


def test_a_case_with_its_files_on_request(run, tmp_path):
    def members(*options):
        out = tmp_path / f"{len(options)}.zip"
        answer = run("audit", "pack", "--case", 1, "--out", out, "--json", *options)
        assert answer.exit_code == 0, answer.output
        held = zipfile.ZipFile(io.BytesIO(out.read_bytes())).namelist()
        assert json.loads(answer.stdout)["members"] == len(held)
        return [name for name in held if name.startswith("evidence/")]

    assert members() == []
    assert len(members("--with-files")) >= 1


@pytest.mark.parametrize("options", [(), ("--day", DAY, "--case", 1)])
def test_a_pack_is_about_one_thing(run, tmp_path, options):
    answer = run("audit", "pack", "--out", tmp_path / "x.zip", *options)
    assert answer.exit_code == 2
    assert "どちらか一つ" in answer.stderr
    assert list(tmp_path.glob("*.zip")) == []


def test_a_place_that_cannot_be_written_is_named(run, tmp_path):
    answer = run("audit", "pack", "--day", DAY, "--out", tmp_path / "none" / "x.zip")
    assert (answer.exit_code, "（output_unwritable）" in answer.stderr) == (1, True)


def test_seals_are_listed_to_be_noted_down(run, city):
    assert "封印はまだありません。" in run("audit", "seals", "--after", 99).stdout
    assert run("reconcile", "--as-of", DAY).exit_code == 0
    with reading(city.engine, M) as connection:
        last = last_seal(connection, M)
    listed = json.loads(run("audit", "seals", "--json").stdout)
    assert listed[-1]["sha256"] == last.sha256
    assert last.sha256 in run("audit", "seals").stdout


def test_verifying_seals_what_it_found_right(run, city):
    answer = run("verify")
    assert answer.exit_code == 0, answer.output
    with reading(city.engine, M) as connection:
        assert last_seal(connection, M).seal_no > 0
