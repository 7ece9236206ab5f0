"""監査資料: a pack proves itself without the service, and says what somebody changed in it."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import subprocess
import sys
import zipfile
from collections import Counter
from datetime import date

import pytest
from reference_rows import sample_profile
from sealed_city import M, take_in_city
from sqlalchemy import text

from payments.domain.errors import NotFoundError
from payments.store.engine import open_engine
from payments.store.unit_of_work import reading, unit_of_work
from reconcile.audit import pack, seal, seal_parts
from reconcile.audit.pack import Words, write_pack
from reconcile.audit.scope import case_scope, day_scope
from reconcile.audit.seal import seal_pending
from reconcile.audit.seal_parts import of_file, row_texts
from reconcile.cases import add_note

WORDS = Words(
    readme="お読みください\n",
    columns={"amount_yen": "金額"},
    outcomes={"duplicate": ("二重納付", "すでに完納です。")},
    accounts={"suspense": "仮受金"},
    release="0",
)


def packed(engine, scope_of):
    """The bytes of a pack, and its summary."""
    stream = io.BytesIO()
    with reading(engine, M) as connection:
        summary = write_pack(connection, sample_profile(), scope_of(connection), WORDS, stream)
    return stream.getvalue(), summary


def check(path):
    """The standalone checker, as an auditor runs it; exit code and what it says."""
    script = path.parent / "check.py"
    script.write_bytes(zipfile.ZipFile(path).read("check.py"))
    done = subprocess.run(
        [sys.executable, "-I", script, path], capture_output=True, check=False, timeout=200
    )
    assert done.stderr == b""
    return done.returncode, done.stdout.decode()


def members(data):
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def rows(files, table):
    stream = io.StringIO(files[f"tables/{table}.csv"].decode("utf-8-sig"), newline="")
    return list(csv.reader(stream))[1:]


@pytest.fixture(scope="module")
def engine(sealed_file):
    opened = open_engine(f"sqlite:///{sealed_file}")
    yield opened
    opened.dispose()


@pytest.fixture(scope="module")
def day(sealed_folder):
    return sealed_folder.days[1][0]


@pytest.fixture(scope="module")
def day_pack(engine, day):
    return packed(engine, lambda c: day_scope(c, M, day))[0]


def test_a_day_proves_itself(day_pack, tmp_path, engine, day):
    path = tmp_path / "day.zip"
    path.write_bytes(day_pack)
    code, said = check(path)
    assert code == 0, said
    assert "すべて一致しました。" in said
    assert "×" not in said
    assert "仮受金（suspense）" in said
    files = members(day_pack)
    with reading(engine, M) as connection:
        booked = connection.execute(
            text(
                "SELECT COUNT(*), SUM(p.amount_yen) FROM posting p JOIN journal j USING "
                "(municipality_code, journal_id) WHERE j.booked_on = :day"
            ),
            {"day": day.isoformat()},
        ).one()
    postings = rows(files, "posting")
    assert (len(postings), sum(int(row[6]) for row in postings)) == tuple(booked)
    index = json.loads(files["index.json"])
    assert index["scope"] == {"day": day.isoformat()}
    for file in index["files"]:
        assert hashlib.sha256(files[file["member"]]).hexdigest() == file["sha256"]
    assert json.loads(files["day/open.json"])["day"] == day.isoformat()


def test_the_same_books_give_the_same_bytes(engine, day_pack, day):
    assert packed(engine, lambda c: day_scope(c, M, day))[0] == day_pack


def case_of(engine, kind):
    with reading(engine, M) as connection:
        found = connection.execute(
            text("SELECT MIN(case_no) FROM review_case WHERE kind = :kind"), {"kind": kind}
        )
        return found.scalar_one()


@pytest.mark.parametrize("kind", ["duplicate", "unidentified_deposit", "short"])
def test_a_case_proves_itself_and_shows_nobody_else(engine, tmp_path, kind):
    number = case_of(engine, kind)
    data, summary = packed(engine, lambda c: case_scope(c, M, number))
    (tmp_path / "case.zip").write_bytes(data)
    code, said = check(tmp_path / "case.zip")
    assert code == 0, said
    files = members(data)
    assert [row[0] for row in rows(files, "case")] == [str(number)]
    assert rows(files, "case_event")
    assert rows(files, "line_outcome")
    assert not [name for name in files if name.startswith("evidence/")]
    with reading(engine, M) as connection:
        lines = connection.execute(text("SELECT COUNT(*) FROM source_line")).scalar_one()
    assert 0 < len(rows(files, "line")) < lines / 4
    assert 0 < summary.sealed_rows < lines


def test_registers_come_only_when_they_are_asked_for(engine, sealed_folder):
    def scope(connection, *, registers):
        found = day_scope(connection, M, sealed_folder.days[0][0])
        found.with_registers = registers
        return found

    names = b"\xef\xbb\xbfobligor"
    plain, _ = packed(engine, lambda c: scope(c, registers=False))
    whole, _ = packed(engine, lambda c: scope(c, registers=True))
    held = [set(members(data)) for data in (plain, whole)]
    assert len(held[1]) == len(held[0]) + 2
    assert names not in plain


def test_a_case_that_does_not_exist_is_said_so(engine):
    with reading(engine, M) as connection, pytest.raises(NotFoundError, match="case"):
        case_scope(connection, M, 999_999)


# ---- what somebody changes in a pack is found ----


def rewritten(data, change, *, manifest=True):
    """The pack after ``change`` of its members, with a manifest to match if asked for."""
    files = members(data)
    change(files)
    if manifest:
        listed = {
            name: {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
            for name, content in files.items()
            if name != "manifest.json"
        }
        files["manifest.json"] = json.dumps({"members": listed}).encode()
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return stream.getvalue()


def _first(files, start, end):
    return next(name for name in sorted(files) if name.startswith(start) and name.endswith(end))


def _posting(files):
    name = _first(files, "seals/", "/posting.txt")
    files[name] = files[name].replace(b'"suspense"', b'"receivable"', 1)


def _table(files):
    files["tables/posting.csv"] = files["tables/posting.csv"].replace(b"applied", b"APPLIED", 1)


def _evidence(files):
    name = _first(files, "evidence/", ".bin")
    files[name] = files[name][:-1] + b"?"


def _line(files):
    name = "tables/line.csv"
    head, *lines = files[name].decode().split("\r\n")
    cells = lines[-2].split(",")
    cells[7] = str(int(cells[7]) + 1)
    lines[-2] = ",".join(cells)
    files[name] = "\r\n".join([head, *lines]).encode()


def _chain(files):
    files["seals/chain.txt"] = files["seals/chain.txt"].replace(b'"posting",', b'"posting" ,', 1)


def _row_gone(files):
    name = _first(files, "seals/", "/line_outcome.txt")
    lines = files[name].splitlines(keepends=True)
    lines.remove(next(line for line in lines if line.startswith(b"= ")))
    files[name] = b"".join(lines)


def _more(files):
    files["evidence/other.bin"] = b"more"


FOUND = {
    "posting": (_posting, True, "封印した行"),
    "posting under the old manifest": (_posting, False, "資料の各ファイル"),
    "table": (_table, True, "表と封印"),
    "evidence": (_evidence, True, "証拠"),
    "line": (_line, True, "資料の合計"),
    "chain": (_chain, True, "封印のつながり"),
    "row gone": (_row_gone, True, "封印した行"),
    "member gone": (lambda files: files.pop("README.txt"), False, "資料の各ファイル"),
    "member more": (_more, False, "資料の各ファイル"),
    "index gone": (lambda files: files.pop("index.json"), True, "資料を読めません"),
}


@pytest.mark.parametrize(("change", "manifest", "named"), FOUND.values(), ids=FOUND)
def test_a_changed_pack_is_found(day_pack, tmp_path, change, manifest, named):
    path = tmp_path / "changed.zip"
    path.write_bytes(rewritten(day_pack, change, manifest=manifest))
    code, said = check(path)
    assert code == 1
    assert f"× {named}" in said
    assert "一致しないもの" in said


# ---- how often the books are read for it ----


def counted_reads(monkeypatch):
    """How often each part is read under each seal, from now on."""
    reads = Counter()

    def part_rows(connection, part, scope):
        reads[part.name, scope["seal_no"]] += 1
        return seal_parts.part_rows(connection, part, scope)

    for module in (pack, seal):
        monkeypatch.setattr(module, "part_rows", part_rows)
    return reads


def test_a_pack_on_either_database_proves_itself_and_reads_each_part_once_and_for_its_table(
    database_url, sealed_folder, tmp_path, monkeypatch
):
    engine = open_engine(database_url)
    take_in_city(engine, sealed_folder)
    with monkeypatch.context() as elsewhere:  # a seal as books bring it that were moved
        elsewhere.setattr(seal, "row_texts", lambda rows: row_texts(rows, of_file))
        assert seal_pending(engine, M) == 1
    number = case_of(engine, "duplicate")
    with unit_of_work(engine, M) as connection:
        add_note(connection, M, number, "電話で確認", actor="abe", on=date(2026, 7, 1))
    assert seal_pending(engine, M) == 1
    reads = counted_reads(monkeypatch)
    data, summary = packed(engine, lambda c: case_scope(c, M, number))
    (tmp_path / "case.zip").write_bytes(data)
    code, said = check(tmp_path / "case.zip")
    assert code == 0, said
    assert summary.manifest_sha256 in said
    tables = {name[7:-4] for name in members(data) if name.startswith("tables/")}
    twice = {read for read, times in reads.items() if times == 2}
    assert {part for part, _seal_no in twice} == tables & {part.name for part in seal_parts.PARTS}
    assert set(reads.values()) == {1, 2}
    assert {("journal", 1), ("file", 1), ("case_event", 1), ("case_event", 2)} <= twice
    # Where the marks do not tell in which words a part is sealed, its digest does.
    monkeypatch.setattr(seal, "_MARKS", "SELECT NULL FROM seal_part WHERE :part = '' AND :most = 0")
    assert packed(engine, lambda c: case_scope(c, M, number))[0] == data
    engine.dispose()
