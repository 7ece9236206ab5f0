from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from payments.domain.errors import NotFoundError
from payments.store.unit_of_work import reading
from reconcile.cases import show_case
from web.commands.cases import cases
from web.commands.session import Session


@pytest.fixture
def kokin(city):
    def run(*arguments):
        session = Session(city.settings)
        answer = CliRunner().invoke(cases, arguments, obj=session)
        session.close()
        if answer.exception is not None and not isinstance(answer.exception, SystemExit):
            raise answer.exception
        return answer.output

    return run


def _listed(kokin, *options):
    return json.loads(kokin("list", "--json", *options))["cases"]


def test_the_list_takes_the_filters_of_the_page(kokin):
    everything = _listed(kokin, "--limit", "1000")
    found = _listed(
        kokin, "--kind", "duplicate", "--owner", "-", "--due", "overdue", "--from", "2026-06-01",
        "--to", "2026-06-30", "--min-yen", "1", "--max-yen", "999999", "--age", "1",
        "--sort", "amount_yen", "--ascending",
    )  # fmt: skip
    amounts = [case["amount_yen"] for case in everything if case["kind"] == "duplicate"]
    assert [case["amount_yen"] for case in found] == sorted(amounts)
    assert _listed(kokin, "--channel", "konbini", "--words", "no such file") == []


def test_a_case_is_given_away_and_its_deadline_set_and_undone(kokin, city):
    kokin("assign", "1", "kaikei")
    kokin("deadline", "1", "2046-06-01")
    assert "担当 kaikei" in kokin("list", "--owner", "kaikei")
    kokin("undo-event", "1", "2")
    kokin("undo-event", "1", "3")
    with reading(city.engine, "99999") as connection:
        view = show_case(connection, "99999", 1)
    assert view.summary.owner == ""
    assert str(view.summary.due_on) < "2027"
    with pytest.raises(NotFoundError, match="case_owner"):
        kokin("assign", "1", "dareka")
