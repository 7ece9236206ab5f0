"""監査資料の督促: a day's lists prove themselves row by row; a case shows its own rows only."""

from __future__ import annotations

import csv
import io
import shutil
import subprocess
import sys
import zipfile
from datetime import timedelta

import pytest
from dunning_town import AT, ON, DunningTown, M
from years_town import claim

from payments.store.unit_of_work import reading, unit_of_work
from reconcile.audit import dunned
from reconcile.audit.pack import Words, write_pack
from reconcile.audit.scope import case_scope, day_scope
from reconcile.audit.seal import seal_pending
from reconcile.dunning import pull, recheck

SENT = ON + timedelta(days=4)
WORDS = Words(readme="", columns={}, outcomes={}, accounts={}, release="0")


def _built(url):
    """Three letters, of which one was taken out, and a re-check on the day of dispatch."""
    made = DunningTown(url)
    made.assess(*(claim(number, 2026, 10_000) for number in (1, 2, 3)), on="2026-04-10")
    list_no = made.draw()
    made.approve(list_no)
    made.pay(1, 4_000, "2026-07-21", on="2026-07-23")
    with unit_of_work(made.engine, M) as connection:
        later = AT + timedelta(days=4)
        given = (connection, made.profile, list_no)
        pull.second_draw(*given, on=SENT, actor="abe", at=later)
        pull.confirm(connection, M, list_no, on=SENT, actor="ito", at=later, count=1)
        pull.dispatch(*given, on=SENT, actor="ito", at=later, count=2)
        recheck.recheck(connection, made.profile, f"{2:012d}", on=SENT, actor="abe", at=later)
    seal_pending(made.engine, M)
    return made


@pytest.fixture
def town(database_url):
    made = _built(database_url)
    yield made
    made.close()


@pytest.fixture(scope="module")
def books(sqlite_template, tmp_path_factory):
    path = tmp_path_factory.mktemp("audited") / "books.sqlite"
    shutil.copyfile(sqlite_template, path)
    made = _built(f"sqlite:///{path}")
    yield made
    made.close()


def _pack(town, scope_of):
    stream = io.BytesIO()
    with reading(town.engine, M) as connection:
        write_pack(connection, town.profile, scope_of(connection), WORDS, stream)
    return stream.getvalue()


def _rows(data, table):
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        content = archive.read(f"tables/{table}.csv").decode("utf-8-sig")
    return list(csv.reader(io.StringIO(content, newline="")))[1:]


def _checked(path, data):
    """What the program in the pack says of it."""
    path.write_bytes(data)
    script = path.parent / "check.py"
    script.write_bytes(zipfile.ZipFile(path).read("check.py"))
    done = subprocess.run(
        [sys.executable, "-I", script, path], capture_output=True, check=False, timeout=60
    )
    assert done.stderr == b""
    return done.returncode, done.stdout.decode()


def test_the_day_of_a_list_and_that_of_its_letters_prove_themselves(town, tmp_path):
    drawn = _pack(town, lambda c: day_scope(c, M, ON))
    code, said = _checked(tmp_path / "drawn.zip", drawn)
    assert code == 0, said
    assert "○ 督促リスト: 1件の明細がハッシュ・件数・金額と一致" in said
    assert len(_rows(drawn, "dunning_row")) == 3
    assert [row[3] for row in _rows(drawn, "dunning_event")] == ["drawn", "approved"]
    assert _rows(drawn, "approval_decided")
    sent = _pack(town, lambda c: day_scope(c, M, SENT))
    code, said = _checked(tmp_path / "sent.zip", sent)
    assert code == 0, said
    assert [row[3] for row in _rows(sent, "dunning_event")] == [
        "pull_drawn", "pull_confirmed", "dispatched",
    ]  # fmt: skip
    assert len(_rows(sent, "dunning_recheck")) == 1
    assert len(_rows(sent, "limitation_event")) == 2


def test_an_altered_row_of_a_list_is_found(books, tmp_path):
    data = _pack(books, lambda c: day_scope(c, M, ON))
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as whole, zipfile.ZipFile(stream, "w") as altered:
        for name in whole.namelist():
            content = whole.read(name)
            if name == "tables/dunning_row.csv":
                content = content.replace(b",10000,0,,0", b",10000,0,held,1", 1)
            altered.writestr(name, content)
    code, said = _checked(tmp_path / "altered.zip", stream.getvalue())
    assert code == 1
    assert "督促リスト 1: 明細が封印したときと違います" in said


def test_a_case_shows_the_rows_of_its_own_notice(books, tmp_path):
    (case,) = books.rows("SELECT case_no FROM review_case WHERE kind = 'short'")
    data = _pack(books, lambda c: case_scope(c, M, case.case_no))
    code, said = _checked(tmp_path / "case.zip", data)
    assert code == 0, said
    (notice,) = books.rows("SELECT notice_id FROM notice WHERE notice_no = '0000000001'")
    assert [row[:3] for row in _rows(data, "dunning_row")] == [["1", str(notice.notice_id), "01"]]
    assert len(_rows(data, "dunning_event")) == 5


def test_the_re_check_of_a_person_comes_along_with_their_notice_only(town):
    (entry,) = town.rows("SELECT entry_no FROM seal_entry WHERE kind = 'dunning_recheck'")
    numbers = dict(map(tuple, town.rows("SELECT notice_no, notice_id FROM notice")))
    with reading(town.engine, M) as connection:
        about = {
            number: entry.entry_no in dunned.of_notices(connection, M, [notice_id]).entries
            for number, notice_id in numbers.items()
        }
    assert about == {"0000000001": False, "0000000002": True, "0000000003": False}


def test_the_decision_to_draw_over_a_missing_file_comes_along_with_the_list(database_url):
    made = DunningTown(database_url, konbini_dsk="dates:2026-07-17")
    made.assess(claim(1, 2026, 10_000), on="2026-04-10")
    made.despite(decided_by="ito")
    despite_id = made.list(made.draw(wait_days=0)).despite_id
    (notice,) = made.rows("SELECT notice_id FROM notice")
    with reading(made.engine, M) as connection:
        assert dunned.of_day(connection, M, ON).approvals == {despite_id}
        assert dunned.of_notices(connection, M, [notice.notice_id]).approvals == {despite_id}
    made.close()
