from __future__ import annotations

import csv
import io
import os
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from payments.domain.errors import ConfigurationError
from reconcile.model import FileReport, FileStatus, Finding, Severity
from web.config import Settings
from web.inbox import archive
from web.inbox.folders import CLAIMS, make_folders, markers_of, places
from web.inbox.sheets import as_csv, as_text, what_to_do
from web.messages import UNKNOWN_FINDING, finding
from web.texts.faults import FAULTS
from web.texts.findings import FINDINGS
from web.texts.inbox import NEXT

AT = datetime(2026, 6, 3, 1, 0, tzinfo=UTC)
ON = date(2026, 6, 3)
BAD = FileReport(
    "日計.csv", "ab" * 32, FileStatus.QUARANTINED, 7,
    findings=(
        Finding("trailer_total", Severity.FATAL, 12_345, 67_890, "合計金額", "=1+1", "2000"),
        Finding("bom", Severity.FATAL),
    ),
)  # fmt: skip
GOOD = FileReport("日計.csv", "ab" * 32, FileStatus.ACCEPTED, 7)


@pytest.fixture
def settings(tmp_path):
    return Settings(home=tmp_path, secret_key="a secret of the tests, long enough")


def keep(settings, report=GOOD, data=b"x", *, sealed=False):
    return archive.keep_copy(settings, "99999", report, data, AT, ON, sealed=sealed)


def test_a_copy_is_read_only_and_never_overwritten(settings):
    kept = [keep(settings, data=bytes([number])) for number in range(3)]
    folder = "archive/99999/2026-06-03"
    assert kept == [f"{folder}/日計.csv", f"{folder}/日計-2.csv", f"{folder}/日計-3.csv"]
    assert [(settings.home / path).read_bytes() for path in kept] == [b"\0", b"\1", b"\2"]
    assert {(settings.home / path).stat().st_mode & 0o777 for path in kept} == {0o440}


def test_two_who_write_at_the_same_time_both_keep_theirs(settings, monkeypatch):
    """Between the look for a free name and the link, somebody else has taken it."""
    real = os.link
    taken = []

    def late(draft, target):
        if not taken:
            taken.append(target)
            target.write_bytes(b"theirs")
        real(draft, target)

    monkeypatch.setattr(os, "link", late)
    kept = keep(settings, data=b"ours")
    assert kept.endswith("日計-2.csv")
    assert (settings.home / kept).read_bytes() == b"ours"
    assert taken[0].read_bytes() == b"theirs"
    assert not list(settings.home.rglob("*.writing"))


def test_a_copy_that_cannot_be_finished_leaves_nothing(settings, monkeypatch):
    def full(_handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        keep(settings)
    assert [path for path in settings.home.rglob("*") if path.is_file()] == []


def test_the_sheets_of_two_files_of_one_name_stay_apart(settings):
    first, second = keep(settings, BAD), keep(settings, BAD)
    assert second.endswith("日計-2.csv")
    for kept in (first, second):
        assert {
            (settings.home / f"{kept}{ending}").exists() for ending in ("", *archive.SHEETS)
        } == {True}
        archive.remove_copy(settings, kept)
    assert [path for path in settings.home.rglob("*") if path.is_file()] == []
    good = keep(settings)
    archive.remove_copy(settings, good)  # what was accepted stays
    assert (settings.home / good).exists()


def test_a_sheet_names_the_place_the_values_and_what_to_do():
    rows = list(csv.reader(io.StringIO(as_csv(BAD).decode("utf-8-sig"), newline="")))
    assert rows[0] == ["資料", "行", "バイト", "項目", "コード", "内容", "値", "正", "すべきこと"]
    assert rows[1][:5] == ["日計.csv", "12,345", "67,890", "合計金額", "trailer_total"]
    assert rows[1][6:8] == ["'=1+1", "2000"]  # no formula
    assert "再送を依頼" in rows[1][8]
    assert rows[2][1:4] == ["", "", ""]
    text = as_text(BAD, AT).decode()
    assert "行 12,345、バイト 67,890、項目 合計金額" in text
    assert "受付: 2026-06-03 10:00" in text
    assert "kokin files retry 7" in text
    assert "=1+1" not in as_text(BAD, AT, values=False).decode()
    assert "指摘はありません。" in as_text(GOOD, AT).decode()
    channel = Finding("other_channel", Severity.FATAL, found="bank", expected="konbini")
    elsewhere = as_text(replace(BAD, findings=(channel,)), AT, values=False).decode()
    assert "値「bank」、正「konbini」" in elsewhere


def test_every_finding_has_something_to_do_and_nothing_is_said_of_none():
    assert NEXT.keys() <= FINDINGS.keys() | FAULTS.keys()
    assert all(finding(code) != UNKNOWN_FINDING for code in NEXT)
    for code in FINDINGS:
        assert what_to_do(code, "quarantined")
        assert what_to_do(code, "accepted") == ""


def test_the_folders_of_a_municipality_with_their_markers(settings):
    marked = settings.model_copy(update={"inbox_markers": "konbini:.done, .:.ok,*:.end"})
    found = {
        (str(place.folder.relative_to(settings.inbox_folder)), place.claim): place.marker
        for place in places(marked, "99999", alone=True)
    }
    assert found["99999/konbini", "konbini"] == ".done"
    assert (found[".", ""], found["99999", ""]) == (".ok", ".ok")
    assert (found["bank", "bank"], found["99999/bank", "bank"]) == (".end", ".end")
    assert len(found) == 2 * (1 + len(CLAIMS))
    assert len(places(settings, "99999", alone=False)) == 1 + len(CLAIMS)


def test_the_folders_are_made_with_the_municipality(settings):
    for _ in range(2):
        make_folders(settings, "99999")
    inbox = settings.inbox_folder / "99999"
    assert sorted(path.name for path in inbox.iterdir()) == sorted(CLAIMS)
    (settings.inbox_folder / "99998").write_bytes(b"a file where the folder should be")
    with pytest.raises(ConfigurationError, match="home"):
        make_folders(settings, "99998")


@pytest.mark.parametrize("text", ["konbini", "konbini:done", "conbini:.done", ":.done"])
def test_a_marker_of_another_form_is_refused(settings, text):
    with pytest.raises(ConfigurationError) as refused:
        markers_of(settings.model_copy(update={"inbox_markers": text}))
    assert (refused.value.error_code, refused.value.details["found"]) == ("inbox_markers", text)
