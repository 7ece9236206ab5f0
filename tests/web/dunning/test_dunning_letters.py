"""督促状 on paper: the letters of a list by a print run of their own, each page read back."""

from __future__ import annotations

import contextlib

from dunning_town import DunningTown, M
from years_town import claim

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
