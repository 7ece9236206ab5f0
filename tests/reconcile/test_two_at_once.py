"""同時の取込: two processes that take in the same at the same time end in one result."""

from __future__ import annotations

import json
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from adversary import one_day
from bill_books import M, open_bills
from equal_bills import EqualBills
from kokin_process import Kokin, answer_of

from payments.store.engine import open_engine
from payments.store.municipalities import load_profile
from reconcile import pipeline, registers
from reconcile.formats import konbini_dsk
from reconcile.model import Delivery, FileReport, FileStatus
from reconcile.pipeline import take_in
from reconcile.registers import import_assessments, import_slips
from reconcile.verify.everything import verify

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from loaded import Loaded
    from sqlalchemy import Connection

    from payments.domain.profile import Profile

BILLS = EqualBills(300)
RECEIVED = date(2026, 6, 17)
PAYMENTS = one_day(BILLS, seed=6)


@pytest.fixture
def kokin(database_url: str, tmp_path: Path, kokin_loaded: Loaded) -> Kokin:
    """The command on books with bills."""
    open_bills(database_url, BILLS).dispose()
    return Kokin(database_url, tmp_path, kokin_loaded.start)


def _at_once(kokin: Kokin, *files: Path) -> list[dict[str, Any]]:
    """One process for each file, started together; what each says about its file."""
    words = ("--received-on", RECEIVED.isoformat(), "--json")
    processes = [kokin.start("intake", file, *words) for file in files]
    return [json.loads(answer_of(process))[0] for process in processes]


def _alone(kokin: Kokin, *files: tuple[str, bytes]) -> bytes:
    """What the export says when the files come one after the other."""
    for name, data in files:
        path = kokin.home / name
        path.write_bytes(data)
        kokin.run("intake", path, "--received-on", RECEIVED.isoformat())
    return kokin.export()


def test_the_same_file_in_two_processes(kokin: Kokin) -> None:
    """One takes it in, the other finds it there."""
    file = kokin.home / "sokuho.csv"
    file.write_bytes(PAYMENTS)
    said = _at_once(kokin, file, file)
    assert sorted(answer["status"] for answer in said) == ["accepted", "duplicate_file"]
    assert kokin.export().count(b"\n") - 1 == said[0]["count"] + said[1]["count"]
    kokin.run("verify")


def test_two_files_with_the_same_records_in_two_processes(kokin: Kokin) -> None:
    """Whoever is second repeats what the first said, line by line, and no yen more is booked."""
    files = []
    for number, created_on in enumerate((b"20260612", b"20260613")):
        files.append(kokin.home / f"sokuho-{number}.csv")
        files[-1].write_bytes(PAYMENTS.replace(b"20260612", created_on))
    said = _at_once(kokin, *files)
    assert [answer["status"] for answer in said] == ["accepted", "accepted"]
    (first, second) = sorted((answer["outcomes"] for answer in said), key=lambda o: "repeat" in o)
    assert second.keys() == {"repeat"}
    assert second["repeat"]["count"] == said[0]["count"]
    assert first.keys() > {"matched", "duplicate"}
    kokin.run("verify")


def test_the_other_one_finishes_between_evidence_and_decision(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The narrowest place: both have kept the same evidence, then one decides, then the other."""
    engine, other = open_bills(database_url, BILLS), open_engine(database_url)
    delivery = Delivery("sokuho.csv", PAYMENTS)
    between: list[FileReport] = []

    def detect(_data: bytes, _profile: Any) -> Any:
        monkeypatch.undo()
        between.append(take_in(other, M, delivery, received_on=RECEIVED))
        return konbini_dsk.FORMAT

    monkeypatch.setattr(pipeline, "detect", detect)
    late = take_in(engine, M, delivery, received_on=RECEIVED)
    assert [report.status for report in between] == [FileStatus.ACCEPTED]
    assert (late.status, late.file_id) == (FileStatus.DUPLICATE, between[0].file_id)
    assert verify(engine, M) == []
    engine.dispose()
    other.dispose()


@pytest.mark.parametrize("read", [BILLS.assessments, BILLS.slips], ids=["assessments", "slips"])
def test_the_same_register_in_two_processes(
    database_url: str, monkeypatch: pytest.MonkeyPatch, read: Callable[[], bytes]
) -> None:
    """Nor is anything assessed or printed twice."""
    engine, other = open_bills(database_url, BILLS), open_engine(database_url)
    importer = import_assessments if read == BILLS.assessments else import_slips
    # Other bytes with the same lines: a register that repeats what is known, but a file of its own.
    delivery = Delivery("again.csv", _reversed(read()))
    between: list[FileReport] = []

    def profile_of(connection: Connection, municipality_code: str) -> Profile:
        monkeypatch.undo()
        between.append(importer(other, M, delivery, received_on=RECEIVED))
        return load_profile(connection, municipality_code)

    monkeypatch.setattr(registers, "load_profile", profile_of)
    late = importer(engine, M, delivery, received_on=RECEIVED)
    assert [report.status for report in between] == [FileStatus.ACCEPTED]
    assert (late.status, late.file_id) == (FileStatus.DUPLICATE, between[0].file_id)
    assert verify(engine, M) == []
    engine.dispose()
    other.dispose()


def _reversed(register: bytes) -> bytes:
    """The lines of a register between header and trailer the other way round."""
    head, *lines, trailer = register.splitlines(keepends=True)
    return b"".join([head, *reversed(lines), trailer])
