"""督促状 on paper: the letters of a list by a print run of their own, each page read back."""

from __future__ import annotations

import contextlib
from datetime import date

from charge_town import FEE_ITEM, charging_profile
from dunning_town import DunningTown, M, quiet
from years_town import _HEAD, claim

from payments.domain.charging import FeeRule
from payments.store.municipalities import save_profile
from payments.store.unit_of_work import unit_of_work
from reconcile.model import Delivery
from reconcile.pipeline import take_in
from web.dunning.letters import print_letters
from web.printing.run import Shop


@contextlib.contextmanager
def _phase(*_label, **_begun):
    yield lambda _done: None


def test_the_letters_of_a_list_are_printed_and_read_back(sqlite_url, tmp_path):
    town = DunningTown(sqlite_url)
    town.assess(*(claim(number, 2026, 10_000) for number in (1, 2, 3)), on="2026-04-10")
    list_no = town.draw()
    town.approve(list_no)
    status = print_letters(Shop(town.engine, M, "abe", _phase, 1), list_no, tmp_path / "out")
    assert (status.good, status.pages) == (True, 3)
    assert town.list(list_no).run_id == status.run.run_id
    town.close()


def test_the_fee_has_a_slip_of_its_own_that_is_paid_to_the_fee(sqlite_url, tmp_path):
    town = DunningTown(sqlite_url)
    fees = charging_profile(fees=(FeeRule("901", "2020-04-01", 100),), fee_slip="enclosed")
    town.profile = quiet(fees)
    with unit_of_work(town.engine, M) as connection:
        save_profile(connection, town.profile)
    town.assess(*(claim(number, 2026, 10_000) for number in (1, 2)), on="2026-04-10")
    list_no = town.draw()
    town.approve(list_no)
    status = print_letters(Shop(town.engine, M, "abe", _phase, 1), list_no, tmp_path / "out")
    # Every page was drawn, read back from the finished file, and compared with the books.
    assert (status.good, status.pages) == (True, 4)
    assert town.list(list_no).last("printing").letters == 2
    layouts = [section.layout.rsplit("-", 2)[0] for section in status.run.sections]
    assert layouts == ["dunning_fee", "standard"]
    pages = town.rows(
        "SELECT p.seq, n.item_code, n.notice_no, s.amount_yen, s.konbini_barcode FROM "
        "print_run_slip p JOIN notice n ON n.notice_id = p.notice_id "
        "JOIN slip s ON s.slip_id = p.slip_id WHERE p.page_no IS NOT NULL ORDER BY p.seq"
    )
    assert [(page.item_code, int(page.notice_no), page.amount_yen) for page in pages] == [
        ("901", 1, 10_000), ("901", 2, 10_000), (FEE_ITEM, 1, 100), (FEE_ITEM, 2, 100),
    ]  # fmt: skip
    code, yen = pages[2].konbini_barcode, 100
    line = (
        f"02,20260724,0001,EAN{code},{code[13:19]},{code[19:30]},0,{yen},030,ファミリーマート,"
        "001234,20260730,20260725"
    )
    data = f"{_HEAD}\r\n{line}\r\n".encode("cp932")
    take_in(town.engine, M, Delivery("fee.csv", data), received_on=date(2026, 7, 25))
    ((outcome, applied),) = town.rows("SELECT outcome, applied_yen FROM line_outcome")
    assert (outcome, applied) == ("matched", 100)
    left = town.rows(
        "SELECT n.item_code, n.notice_no, a.amount_yen - a.term_yen AS open_yen FROM notice n "
        "JOIN instalment_account a ON a.notice_id = n.notice_id ORDER BY n.item_code, n.notice_no"
    )
    assert [row.open_yen for row in left] == [10_000, 10_000, 0, 100]
    town.close()
