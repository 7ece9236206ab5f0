"""関連する記録と机の上: what else stands about a claim, and what waits to be sent, by who may look."""

from __future__ import annotations

import shutil
from datetime import date
from types import SimpleNamespace

import pytest
from charge_town import CHARGES, charging_profile
from dunning_town import AT, DunningTown, M, quiet
from years_town import claim

from payments.store.municipalities import save_profile
from payments.store.unit_of_work import reading, unit_of_work
from reconcile.dunning import pull
from reconcile.dunning.sent import book_sent_fees
from web.accounts.staff import StaffUser
from web.explain.leads import Lead, leads_of
from web.today.desks import Desks, desks_of

SENT = date(2026, 7, 24)
COLLECTOR = StaffUser("abe", "abe", ("collection",), disabled=False)
NOBODY = StaffUser("mukashi", "mukashi", (), disabled=False)
DEBIT = (
    (
        "INSERT INTO debit_account (municipality_code, entry_no, obligor_no, item_code, event, "
        "from_on, bank_code, bank_name, branch_code, branch_name, account_type, text_no, reason, "
        "actor, made_at) VALUES (:m, 1, '1', '901', 'set', '2026-04-01', '0001', '', '001', '', "
        "'1', 1, '', 'abe', '2026-04-01 00:00:00+00:00')"
    ),
    (
        "INSERT INTO debit_batch (municipality_code, batch_no, debit_on, bank_code, round, "
        "due_from_on, head_json, left_json, count, amount_yen, file_sha256, size_bytes, built_at, "
        "actor, reason, in_force) VALUES (:m, 7, '2026-08-31', '0001', 1, '2026-06-30', '{}', "
        "'{}', 1, 10000, 'x', 1, '2026-07-20 00:00:00+00:00', 'abe', '', TRUE)"
    ),
    (
        "INSERT INTO debit_row (municipality_code, batch_no, row_no, notice_id, term, amount_yen, "
        "customer_no, entry_no, new_code) SELECT municipality_code, 7, 1, notice_id, '01', 10000, "
        "'D1', 1, '0' FROM notice WHERE municipality_code = :m AND item_code = '901' "
        "AND notice_no = '0000000001'"
    ),
)


@pytest.fixture(scope="module")
def town(sqlite_template, tmp_path_factory):
    """A letter with its fee to one person, and money that another one paid twice."""
    path = tmp_path_factory.mktemp("leads") / "books.sqlite"
    shutil.copyfile(sqlite_template, path)
    made = DunningTown(f"sqlite:///{path}")
    made.profile = quiet(charging_profile(fees=CHARGES.fees[:1]))
    with unit_of_work(made.engine, M) as connection:
        save_profile(connection, made.profile)
    made.assess(claim(1, 2026, 10_000), claim(2, 2026, 10_000), on="2026-04-10")
    for day in ("2026-07-01", "2026-07-02"):
        made.pay(2, 10_000, day, on="2026-07-03")
    ids = {int(row.notice_no): row.notice_id for row in made.rows("SELECT * FROM notice")}
    list_no = made.draw()
    made.approve(list_no)
    waiting = _desks(made, COLLECTOR)
    with unit_of_work(made.engine, M) as connection:
        given = (connection, made.profile, list_no)
        pull.second_draw(*given, on=SENT, actor="abe", at=AT)
        pull.confirm(connection, M, list_no, on=SENT, actor="abe", at=AT, count=0)
        pull.dispatch(*given, on=SENT, actor="abe", at=AT, count=1)
    book_sent_fees(made.engine, M, on=SENT, actor="abe")
    for statement in DEBIT:
        made.run(statement)
    yield SimpleNamespace(books=made, ids=ids, list_no=list_no, waiting=waiting)
    made.close()


def _desks(town, person):
    with reading(town.engine, M) as connection:
        return desks_of(connection, M, SENT, person)


def _leads(town, notice_id, term="01", person=COLLECTOR):
    with reading(town.books.engine, M) as connection:
        return leads_of(connection, M, notice_id, term, person)


def test_a_claim_leads_to_its_charge_its_debit_and_its_letter(town):
    mine = town.ids[1]
    (fee,) = town.books.rows("SELECT notice_id, term FROM late_charge_booking")
    place = {"notice_id": fee.notice_id, "term": fee.term}
    story = {"list_no": town.list_no, "notice_id": mine}
    expected = [
        Lead("charge", fee.term, "charges.show", place),
        Lead("debit", "7", "debits.show", {"debit_no": 7}),
        Lead("dunning", str(town.list_no), "dunning.explain_notice", story),
    ]
    assert _leads(town, mine) == expected
    assert _leads(town, mine, "") == expected
    assert _leads(town, mine, "02") == []
    principal = {"notice_id": mine, "term": "01"}
    assert _leads(town, fee.notice_id, fee.term) == [
        Lead("principal", "01", "charges.show", principal)
    ]


def test_money_paid_twice_leads_to_where_it_waits(town):
    (found,) = _leads(town, town.ids[2])
    assert (found.kind, found.endpoint) == ("overpayment", "refunds.show")
    assert found.values["subject"].startswith("line:")


def test_who_may_open_nothing_is_led_nowhere(town):
    assert _leads(town, town.ids[1], person=NOBODY) == []
    assert _desks(town.books, NOBODY) == Desks()


def test_letters_wait_from_the_approval_to_the_dispatch(town):
    assert town.waiting == Desks(letters=1)
    assert _desks(town.books, COLLECTOR) == Desks()
