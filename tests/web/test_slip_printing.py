from __future__ import annotations

import csv
from dataclasses import replace

from payments.store.municipalities import load_profile
from payments.store.unit_of_work import reading
from web.slip_printing import Choice, print_slips, slip_pages


def test_a_slip_that_cannot_be_printed_is_reported_and_holds_back_no_other(city, tmp_path):
    with reading(city.engine, "99999") as connection:
        profile = load_profile(connection, "99999")
        pages = slip_pages(connection, profile, Choice(limit=3))
    # A variant selector: the resident register has it, the font has not.
    pages[1] = replace(pages[1], obligor_name="葛\U000e0104城 一郎")
    run = print_slips(pages, tmp_path, sample=True)
    assert (run.pages, run.differences, run.good) == (2, (), False)
    assert [fault.slip_no for fault in run.refused] == [pages[1].slip_no]
    with (tmp_path / "read-back.csv").open(encoding="utf-8", newline="") as report:
        (row,) = csv.DictReader(report)
    assert (row["page"], row["slip_no"]) == ("", pages[1].slip_no)
    assert row["expected"] == "slip_glyph_missing"
    with (tmp_path / "manifest.csv").open(encoding="utf-8", newline="") as manifest:
        printed = [line["slip_no"] for line in csv.DictReader(manifest)]
    assert printed == [pages[0].slip_no, pages[2].slip_no]
