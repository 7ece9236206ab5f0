from __future__ import annotations

import json
import re
from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from payments.domain.errors import InvalidValueError, NotFoundError, RefusedError
from payments.store.unit_of_work import reading, unit_of_work
from reconcile.case_list import Wanted, list_cases
from reconcile.cases import accept, acknowledge, add_note, show_case
from reconcile.placement.credit_ask import CreditPlacement, ask_credit_placement
from reconcile.placement_model import Part
from reconcile.suggest.candidates import suggestions_for
from web.commands.setup import sample_profile


def _show(city, case_no):
    with reading(city.engine, "99999") as connection:
        return show_case(connection, "99999", case_no)


def _page(city, kind="", **options):
    wanted = Wanted(kinds=(kind,) if kind else ())
    with reading(city.engine, "99999") as connection:
        return list_cases(connection, "99999", wanted, **options)


def test_the_worklist_counts_what_it_does_not_show(city):
    everything, few = _page(city, limit=1000), _page(city, limit=3)
    assert few.total == everything.total == len(everything.cases)
    assert few.cases == everything.cases[:3]
    assert everything.total_yen == sum(case.amount_yen for case in everything.cases)
    behind = everything.cases[2].case_no
    assert _page(city, limit=1000, after=behind).cases == everything.cases[3:]


def test_every_case_of_the_city_can_be_opened(treasurer, city):
    for case in _page(city, limit=1000).cases:
        page = treasurer.get(f"/staff/cases/{case.case_no}")
        assert page.status_code == 200, case
        assert "次にすること" in page.get_data(as_text=True)


def test_a_line_of_the_bank_is_told_in_words(treasurer, city):
    (case, *_) = _page(city, "settlement_difference").cases
    page = treasurer.get(f"/staff/cases/{case.case_no}").text
    facts = page[page.index('id="line"') :]
    said = dict(
        re.findall(r"<dt>([^<]+)</dt><dd>([^<]*)</dd>", facts[: facts.index('id="history"')])
    )
    assert said["種別"] == "入金（入出金取引明細（全銀 03））"
    assert said["取扱"] == "テスト"
    assert said["口座"] == "テスト ホンテン 普通 1234567"


def test_a_difference_shows_what_should_have_come_beside_what_did(treasurer, city):
    with reading(city.engine, "99999") as connection:
        case = connection.execute(
            text("SELECT case_no, amount_yen, details FROM review_case "
                 "WHERE kind = 'settlement_difference' ORDER BY case_no DESC")
        ).first()  # fmt: skip
        ref = json.loads(case.details)["groups"][0]
        group = connection.execute(
            text("SELECT group_id, confirmed_yen, fee_yen, credited_yen FROM remittance_group "
                 "WHERE ref = :ref AND confirmed_yen <> credited_yen"), {"ref": ref},
        ).one()  # fmt: skip
    page = treasurer.get(f"/staff/cases/{case.case_no}").text
    table = page.partition('id="compared"')[2].partition("</table>")[0]
    cells = re.findall(r'<td class="figure-cell">(?:<strong>)?([^<]+)', table)
    yen = [int(cell.replace("−", "-").replace(",", "").removesuffix("円")) for cell in cells]
    confirmed, fee, credited, left, here, differs = yen
    assert (confirmed, credited, here) == (group.confirmed_yen, group.credited_yen, case.amount_yen)
    assert fee in {0, group.fee_yen}
    assert left == confirmed - fee - credited
    assert differs == here - left != 0
    assert f"/staff/reports/rows/payments?group={group.group_id}" in table


def test_a_conflict_shows_both_reports(city):
    case = _page(city, kind="conflict").cases[0]
    view = _show(city, case.case_no)
    assert view.line["outcome"] == "conflict"
    assert len(view.same) >= 1
    assert {other["outcome"] for other in view.same} - {"conflict"}


def test_a_case_lives_from_open_to_accepted(treasurer, city):
    number = _page(city).cases[0].case_no
    path = f"/staff/cases/{number}"
    assert "次にすること:" in treasurer.get(path).get_data(as_text=True)
    assert treasurer.post(f"{path}/acknowledge").status_code == 303
    assert treasurer.post(f"{path}/notes", data={"note": " 銀行に照会 "}).status_code == 303
    assert treasurer.post(f"{path}/accept", data={"note": "差額は手数料"}).status_code == 303
    assert "次にすること:" not in treasurer.get(path).get_data(as_text=True)  # it has ended
    view = _show(city, number)
    assert (view.summary.state, view.summary.owner) == ("accepted", "kaikei")
    assert [(e.event, e.note) for e in view.events] == [
        ("opened", ""), ("acknowledged", ""), ("note", "銀行に照会"), ("accepted", "差額は手数料"),
    ]  # fmt: skip
    refused = treasurer.post(f"{path}/acknowledge")
    assert refused.status_code == 409
    assert "了承" in refused.get_data(as_text=True)
    assert number not in {case.case_no for case in _page(city, limit=1000).cases}


def test_a_decision_needs_its_reason(city):
    number = _page(city).cases[0].case_no
    with unit_of_work(city.engine, "99999") as connection:
        for decide in (accept, add_note):
            with pytest.raises(InvalidValueError, match="case_note"):
                decide(connection, "99999", number, "  ", actor="a", on=city.day)
        with pytest.raises(NotFoundError):
            acknowledge(connection, "99999", 999_999, actor="a", on=city.day)
        accept(connection, "99999", number, "済", actor="a", on=city.day)
        with pytest.raises(RefusedError):
            accept(connection, "99999", number, "済", actor="a", on=city.day)
    assert _show(city, number).summary.state == "accepted"


def test_the_list_can_be_narrowed(treasurer, city):
    kinds = {case.kind for case in _page(city, limit=1000).cases}
    assert len(kinds) > 5
    only = _page(city, kind="duplicate", limit=1000)
    assert {case.kind for case in only.cases} == {"duplicate"}
    page = treasurer.get("/staff/cases?kind=duplicate&state=accepted").get_data(as_text=True)
    assert "該当する確認事項はありません。" in page
    assert treasurer.get("/staff/cases?page=x&state=nonsense").status_code == 200
    assert treasurer.get("/staff/cases/999999").status_code == 404


def test_the_worklist_says_what_waits_for_a_second_person(treasurer, city):
    case = _page(city, kind="direct_transfer").cases[0]
    view = _show(city, case.case_no)
    place = f"/staff/placements/{view.file_id}/{case.line_no}"
    assert "待ち</a>" not in treasurer.get("/staff/cases").get_data(as_text=True)
    page = treasurer.get(f"/staff/explain/lines/{view.file_id}/{case.line_no}")
    assert place in page.get_data(as_text=True)
    with unit_of_work(city.engine, "99999") as connection:
        (best, *_rest) = suggestions_for(
            connection, sample_profile(), view.file_id or 0, case.line_no or 0
        )
        part = best.parts[0]
        ask_credit_placement(
            connection, sample_profile(),
            CreditPlacement(
                view.file_id or 0, case.line_no or 0,
                (Part(part.notice_id, part.term, part.amount_yen),),
            ),
            asked_by="kaikei", at=datetime(2026, 6, 3, tzinfo=UTC), reason="確認済",
            case_no=case.case_no,
        )  # fmt: skip
    listed = treasurer.get("/staff/cases?kind=direct_transfer").get_data(as_text=True)
    assert '<a class="small nowrap" href="/staff/approvals/1">承認 1 待ち</a>' in listed
    page = treasurer.get(f"/staff/explain/lines/{view.file_id}/{case.line_no}")
    assert "入金の充当の承認を待っています。" in page.get_data(as_text=True)
