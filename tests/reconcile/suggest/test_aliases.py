"""振込名義: remembered only from what two people approved, sealed, and never changed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from credit_town import CreditTown, day
from reference_town import NOTICE
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from payments import approve
from payments.store.unit_of_work import reading, unit_of_work
from reconcile.audit.seal import seal_now
from reconcile.placement.credit_ask import CreditPlacement, ask_credit_placement
from reconcile.placement.credit_placing import carry_out
from reconcile.placement_model import Part
from reconcile.suggest import aliases

AT = datetime(2026, 7, 7, 1, 0, tzinfo=UTC)
ON = day("2026-07-07")
NAME = "ヨソノヒト"


@pytest.fixture
def town(database_url):
    """A transfer under another name that two people placed, the name learned."""
    town = CreditTown(database_url)
    learn(town, "ﾖｿﾉ ﾋﾄ", NOTICE, 1_000)
    yield town
    town.city.close()


def learn(town, name, notice_no, yen):
    line = town.credited(yen, name)
    notice_id = town.ask("SELECT notice_id FROM notice WHERE notice_no = :n", n=notice_no)
    placement = CreditPlacement(line[0], line[1], (Part(notice_id, "01", yen),), learn_alias=True)
    with unit_of_work(town.engine, town.code) as connection:
        asked = ask_credit_placement(
            connection, town.profile, placement, asked_by="ichiro", at=AT, reason="本人に確認"
        )
        done = approve.decide(
            connection, town.code, asked.approval_id, "approved", decided_by="jiro", at=AT
        )
        carry_out(connection, town.profile, done, on=ON)


def known(town, on=ON):
    with reading(town.engine, town.code) as connection:
        return aliases.aliases_of(connection, town.code, [NAME], on=on)


@pytest.mark.parametrize(
    "statement", ["UPDATE payer_alias SET obligor_no = '1'", "DELETE FROM payer_alias"]
)
def test_what_was_learned_is_never_changed(town, statement):
    with (
        pytest.raises(DBAPIError, match="append_only"),
        unit_of_work(town.engine, town.code) as connection,
    ):
        connection.execute(text(statement))


def test_what_was_learned_stands_under_the_seals(town):
    with unit_of_work(town.engine, town.code) as connection:
        seal_now(connection, town.code)
    assert town.ask("SELECT row_count FROM seal_part WHERE part = 'payer_alias'") == 1
    assert town.differences() == []


def test_a_name_is_learned_again_after_it_was_forgotten(town):
    first = known(town)[0]
    with unit_of_work(town.engine, town.code) as connection:
        aliases.revoke(connection, town.code, first.alias_no, on=ON, actor="jiro", reason="別人")
    assert known(town) == []
    learn(town, "ﾖｿﾉ ﾋﾄ", NOTICE, 2_000)
    assert known(town)[0].alias_no > first.alias_no
    assert town.differences() == []


def test_a_name_of_two_people_makes_nothing_sure(town):
    town.also_owes(9, 5_000, person=9, kana="ベツ ノヒト")
    learn(town, "ﾖｿﾉ ﾋﾄ", "0000000009", 1_000)
    assert len(known(town)) == 2
    found = town.suggested(town.credited(4_000, "ﾖｿﾉ ﾋﾄ"))
    assert [str(one.level) for one in found] == ["probable"]
    assert "name_shared" in found[0].reasons


def test_a_name_is_remembered_to_its_last_day_and_no_longer(town):
    last = ON + timedelta(days=town.profile.alias_days)
    assert known(town, last)
    assert not known(town, last + timedelta(days=1))
