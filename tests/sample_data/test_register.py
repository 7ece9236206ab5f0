from __future__ import annotations

import pytest

from reconcile.formats import assessments
from sample_data.city.register import Register

ROW = assessments.AssessmentRow(
    "99999", "901", 2026, 2026, "2600000001", "01", "000000000001", '見本 "𠮷", 太郎', "ミホン",
    "", "みほん市", 12_300, "2026-06-30", "initial", "", "",
)  # fmt: skip


def test_it_writes_what_the_format_writes(tmp_path):
    rows = [ROW, ROW._replace(term="02", amount_yen=700)]
    with Register(tmp_path / "a.csv", assessments.LAYOUT) as register:
        for row in rows:
            register.add(row)
    assert register.count == 2
    assert (tmp_path / "a.csv").read_bytes() == assessments.write(rows)


def test_an_unfinished_file_has_no_trailer(tmp_path):
    def fail():
        with Register(tmp_path / "a.csv", assessments.LAYOUT) as register:
            register.add(ROW)
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert b"\r\nT," not in (tmp_path / "a.csv").read_bytes()
