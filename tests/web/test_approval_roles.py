"""承認の役割: one table, obeyed by pages and commands alike."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from payments.domain.errors import RefusedError
from payments.store.unit_of_work import reading, unit_of_work
from reconcile import day_close
from web.accounts import staff
from web.accounts.staff import StaffUser
from web.approval_effects import EFFECTS
from web.approval_roles import DUTIES, duty, require_asker, require_decider
from web.cli import main
from web.commands.session import Session
from web.duties import ROLES
from web.texts.labels import LABELS

M = "99999"
PASSWORD = "kaikei-no-himitsu"


@pytest.fixture
def run(city):
    """Run a command of the city; everybody has the same password."""
    with unit_of_work(city.engine, M) as connection:
        staff.add(
            connection, M, "kazei", roles=("collection",), display_name="kazei", password=PASSWORD
        )

    def invoke(*words):
        session = Session(city.settings)
        session.__dict__["engine"] = city.engine
        return CliRunner().invoke(
            main, [str(word) for word in words], obj=session, env={"KOKIN_PASSWORD": PASSWORD}
        )

    return invoke


def _person(role):
    return StaffUser("somebody", "", (role,), disabled=False)


def test_every_kind_has_its_duty_and_its_name():
    assert EFFECTS.keys() <= DUTIES.keys()
    assert DUTIES.keys() <= LABELS["approval_kind"].keys()
    for found in DUTIES.values():
        assert found.asks
        assert set(found.decides) <= set(ROLES) - {"auditor"}
        assert len(found.decides) >= 2  # a small office must be able to find a second person


@pytest.mark.parametrize("kind", sorted(DUTIES))
def test_an_auditor_neither_asks_nor_decides(kind):
    for require in (require_asker, require_decider):
        with pytest.raises(RefusedError, match="approval_role"):
            require(_person("auditor"), kind)


def test_a_kind_without_a_line_is_nobodys():
    assert duty("something_new").decides == ()
    with pytest.raises(RefusedError, match="approval_role"):
        require_decider(_person("admin"), "something_new")


def test_the_tax_division_closes_no_day_and_decides_no_credit():
    for kind in (*day_close.KINDS, "credit_placement"):
        with pytest.raises(RefusedError, match="approval_role"):
            require_decider(_person("collection"), kind)
    require_asker(_person("collection"), "credit_placement")
    require_decider(_person("collection"), "placement")


def test_the_command_obeys_the_same_table_as_the_page(run, city):
    run("day", "close", "2026-06-01", "--user", "kaikei")
    refused = run("approvals", "approve", 1, "--user", "kazei")
    assert refused.exit_code == 1
    assert "「締め」の依頼または決定ができません（会計・承認者の役割の職員が行います）" in (
        refused.stderr.replace("\n", "")
    )
    assert (
        "approval_role" in run("approvals", "reject", 1, "--user", "kazei", "--reason", "x").stderr
    )
    with reading(city.engine, M) as connection:
        assert day_close.day_state(connection, M, city.day).asked is not None
    assert run("approvals", "approve", 1, "--user", "kanri").exit_code == 0
    assert "approval_role" in run("slips", "release", 1, "--user", "kaikei").stderr


def test_the_command_tells_what_the_page_tells(run):
    run("day", "close", "2026-06-01", "--user", "kaikei")
    assert "締め  2026年6月1日（月）" in run("approvals", "list").stdout
    shown = run("approvals", "show", 1).stdout
    for words in ("までの帳簿を締めます", "承認で変わること", "締め済", "勘定の動き", "SHA-256"):
        assert words in shown
    run("approvals", "approve", 1, "--user", "kanri")
    decided = run("approvals", "show", 1).stdout
    assert "決定: kanri" in decided
    assert "依頼のとき" in decided
