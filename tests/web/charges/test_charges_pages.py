"""延滞金・分納・不納欠損の画面: asked by one, decided by another, shown with what led to it."""

from __future__ import annotations

import io
import re
from datetime import date
from typing import TYPE_CHECKING, Any

import pypdfium2
import pytest
from placing_town import M

from payments.store.municipalities import load_profile
from payments.store.unit_of_work import unit_of_work
from payments.versions import Act
from reconcile.charges import planning
from web import clock

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask.testing import FlaskClient

    SignIn = Callable[[str], FlaskClient]


def _text(answer: Any) -> str:
    return str(answer.get_data(as_text=True))


def _shown(page: str) -> str:
    found = re.search(r'name="shown" value="([0-9a-f]+)"', page)
    assert found
    return found[1]


def _approve(sign_in: SignIn, answer: Any) -> str:
    """The second person agrees; what their page said before."""
    assert answer.status_code == 303, _text(answer)
    there, other = answer.headers["Location"], sign_in("kaikei")
    said = _text(other.get(there))
    decided = other.post(f"{there}/decision", data={"decision": "approved", "note": ""})
    assert decided.status_code == 303, _text(decided)
    return said


def test_a_charge_is_booked_and_shown_with_its_calculation(town: Any, sign_in: SignIn) -> None:
    town.books.pay(1)
    clerk = sign_in("shuno")
    page = _text(clerk.get(town.page(1)))
    assert "いま調定する" in page
    assert "計算の過程" in page
    assert clerk.post(f"{town.page(1)}/book").status_code == 303
    page = _text(clerk.get(town.page(1)))
    assert "971/2026/0000000001/01" in page
    assert "1行目" not in page
    assert "2行目" in page
    listed = _text(clerk.get("/staff/charges"))
    assert "901/2026/0000000001/01" in listed
    assert town.page(1) in listed
    charge = re.search(r'href="(/staff/charges/[0-9]+/01)">971', page)
    assert charge
    assert "ほかの期別に付く延滞金です" in _text(clerk.get(charge[1]))
    town.books.check()


def test_a_waiver_is_asked_for_and_decided_by_another(town: Any, sign_in: SignIn) -> None:
    town.books.pay(1)
    town.books.book()
    clerk = sign_in("shuno")
    form = {"kind": "whole", "reason": "災害", "shown": _shown(_text(clerk.get(town.page(1))))}
    said = _approve(sign_in, clerk.post(f"{town.page(1)}/waive", data=form))
    assert "延滞金の減免" in said
    town.books.book()
    assert town.books.charge_yen(1) == 0
    page = _text(clerk.get(town.page(1)))
    assert "延滞金はかかりません" in page
    stale = clerk.post(f"{town.page(1)}/waive", data=form | {"kind": "part"})
    assert stale.status_code == 409
    wrong = clerk.post(
        f"{town.page(1)}/waive", data={"kind": "part", "amount_yen": "千円", "reason": "災害"}
    )
    assert wrong.status_code == 422
    assert "災害" in _text(wrong)


def test_a_claim_is_given_up_and_taken_up_again(town: Any, sign_in: SignIn) -> None:
    clerk = sign_in("shuno")
    form = {"ground": "stop_at_once", "extinguished_on": "2026-06-01", "reason": "財産がない"}
    said = _approve(sign_in, clerk.post(f"{town.page(2)}/write-off", data=form))
    named = "市県民税（普通徴収） 2026年度 通知書 0000000002 第1期"
    assert f"不納欠損 {named}" in said
    assert said.count(named) == 2  # in the heading and in the table
    assert f'不納欠損</td><td data-label="対象">{named}' in _text(clerk.get("/staff/approvals"))
    assert "10,000円" in said
    assert town.books.open_yen(2, "01") == 0
    listed = _text(clerk.get("/staff/charges?part=write_offs"))
    assert town.page(2) in listed
    assert "市県民税（普通徴収） 2026 0000000002 第1期" in listed
    assert "不納欠損とした額には、延滞金はつきません。" in _text(clerk.get(town.page(2)))
    _approve(sign_in, clerk.post(f"{town.page(2)}/take-up", data={"reason": "前日に納付"}))
    assert town.books.open_yen(2, "01") == 10_000
    for changed in ({"ground": "prescribed"}, {"ground": ""}, {"extinguished_on": ""}):
        answer = clerk.post(f"{town.page(2)}/write-off", data=form | changed)
        assert answer.status_code in {409, 422}, _text(answer)
    town.books.check()


def test_a_plan_is_agreed_its_slips_drawn_and_cancelled(town: Any, sign_in: SignIn) -> None:
    clerk = sign_in("shuno")
    page = _text(clerk.get(town.page(3)))
    places = re.findall(r'name="place" value="([0-9/]+)"', page)
    assert len(places) == 2
    form = {"place": places, "first_on": "2026-12-31", "count": "3", "reason": "誓約書"}
    said = _approve(sign_in, clerk.post(f"{town.page(3)}/plan", data=form))
    assert "期別2件を3回で（2026年12月31日（木）から2027年2月28日（日）まで、計18,000円）" in said
    told = " ".join(re.sub(r"<[^>]+>", " ", said).split())
    for number, term, day, yen in (
        (1, 1, "2026年12月31日（木）", "6,000"),
        (2, 1, "2027年1月31日（日）", "4,000"),
        (2, 2, "2027年1月31日（日）", "2,000"),
        (3, 2, "2027年2月28日（日）", "6,000"),
    ):
        place = f"市県民税（普通徴収） 2026年度 通知書 0000000003 第{term}期"
        assert f"第{number}回 {day} {place} {yen}" in told
    assert "/staff/charges/plans/1" in _text(clerk.get("/staff/charges?part=plans"))
    shown = _text(clerk.get("/staff/charges/plans/1"))
    assert "2027年2月28日" in shown
    paper = clerk.get("/staff/charges/plans/1/slips.pdf")
    assert paper.status_code == 200
    assert len(pypdfium2.PdfDocument(io.BytesIO(paper.data))) == 4
    too_many = clerk.post(f"{town.page(3)}/plan", data=form | {"count": "61"})
    assert too_many.status_code == 422
    again = clerk.post("/staff/charges/plans/1/cancel", data={"reason": "申出"})
    assert again.status_code == 303
    assert clerk.post("/staff/charges/plans/1/cancel", data={"reason": "申出"}).status_code == 409
    assert clerk.get("/staff/charges/plans/1/slips.pdf").status_code == 404
    assert "取消" in _text(clerk.get("/staff/charges?part=plans&state=all"))
    town.books.check()


def test_a_broken_plan_says_what_was_not_paid_and_its_case_leads_to_it(
    town: Any, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    clerk, on = sign_in("shuno"), date(2027, 1, 15)
    places = re.findall(r'name="place" value="([0-9/]+)"', _text(clerk.get(town.page(3))))
    form = {"place": places, "first_on": "2026-12-31", "count": "3", "reason": "誓約書"}
    _approve(sign_in, clerk.post(f"{town.page(3)}/plan", data=form))
    with unit_of_work(town.books.engine, M) as connection:
        act = Act("shuno", town.books.moment, on)
        assert planning.watch(connection, load_profile(connection, M), on, act).broken == 1
    monkeypatch.setattr(clock, "today", lambda: on)
    plan = _text(clerk.get("/staff/charges/plans/1"))
    assert "2026年12月31日（木）の分が納められなかったため" in plan
    states = [cell for cell in re.findall(r"<td>([^<]+)</td>", plan) if cell in {"未納", "—"}]
    assert states == ["未納", "—", "—", "—"]
    worklist = _text(clerk.get("/staff/cases?kind=plan_broken"))
    assert "分納 1" in worklist
    case = re.search(r'href="(/staff/cases/[0-9]+)"', worklist)
    assert case
    assert 'href="/staff/charges/plans/1"' in _text(clerk.get(case[1]))


def test_what_is_prescribed_soon_is_listed_and_taken_as_csv(sign_in: SignIn) -> None:
    clerk = sign_in("shuno")
    page = _text(clerk.get("/staff/charges?part=prescribing&within=3650"))
    assert "901/2026/0000000001/01" in page
    assert "2028年6月30日" in page
    taken = clerk.get("/staff/charges/prescribing.csv?within=3650")
    assert taken.data.decode("utf-8-sig").splitlines()[0].startswith("科目,賦課年度,通知書番号")
    assert taken.data.count(b"\r\n") == 7
    assert "時効が近い期別はありません" in _text(clerk.get("/staff/charges?part=prescribing"))


@pytest.mark.parametrize("what", ["waive", "write-off", "take-up", "plan", "book"])
def test_who_looks_on_asks_for_nothing(town: Any, sign_in: SignIn, what: str) -> None:
    auditor = sign_in("kansa")
    assert auditor.get(town.page(1)).status_code == 200
    assert auditor.post(f"{town.page(1)}/{what}", data={"reason": "理由"}).status_code == 403


def test_who_administers_sees_nothing_of_it(sign_in: SignIn) -> None:
    assert sign_in("joho").get("/staff/charges").status_code == 403
