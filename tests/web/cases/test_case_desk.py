from __future__ import annotations

import csv
import io
import re
from datetime import timedelta
from html import unescape

import pytest
from sqlalchemy import text

from payments.store.unit_of_work import reading, unit_of_work
from reconcile.case_list import ORDERS, STATES, Order, Wanted, every_case, list_cases
from reconcile.cases import accept, show_case, undo
from reconcile.report import held_rows
from reconcile.report.figures import case_months
from web import clock
from web.cases import asked as conditions
from web.cases import bulk
from web.texts.labels import LABELS

M = "99999"
SHOWN = re.compile(r'name="shown" value="([^"]+)"')


@pytest.fixture
def today(city, monkeypatch):
    """A week after the cases of the small city were opened."""
    day = city.day + timedelta(days=9)
    monkeypatch.setattr(clock, "today", lambda: day)
    return day


def _list(city, wanted=None, **options):
    with reading(city.engine, M) as connection:
        return list_cases(connection, M, wanted or Wanted(), **options)


def _view(city, case_no):
    with reading(city.engine, M) as connection:
        return show_case(connection, M, case_no)


def _text(answer):
    return answer.get_data(as_text=True)


def _pages(city, order, limit):
    """Every page forwards, then backwards from the last."""
    forwards, after = [], 0
    while True:
        page = _list(city, Wanted(states=STATES), order=order, limit=limit, after=after)
        forwards.append(page)
        if not page.after:
            break
        after = page.cases[-1].case_no
    backwards, before = [], forwards[-1].cases[0].case_no
    while before:
        page = _list(city, Wanted(states=STATES), order=order, limit=limit, before=before)
        backwards.append(page)
        before = page.cases[0].case_no if page.before else 0
    return forwards, backwards


@pytest.mark.parametrize("column", ORDERS)
@pytest.mark.parametrize("descending", [True, False])
def test_pages_show_every_case_once_in_any_order(city, column, descending):
    order = Order(column, descending)
    forwards, backwards = _pages(city, order, 7)
    found = [case.case_no for page in forwards for case in page.cases]
    assert len(found) == len(set(found)) == forwards[0].total
    with reading(city.engine, M) as connection:
        whole = every_case(connection, M, Wanted(states=STATES), today=city.day, order=order)
        assert [case.case_no for case in whole] == found
    assert not forwards[0].before
    assert all(page.before for page in forwards[1:])
    again = [case.case_no for page in reversed(backwards) for case in page.cases]
    assert again == found[: len(again)]
    assert len(again) == len(found) - len(forwards[-1].cases)


def _filters(city, today):
    cases = _list(city, limit=1000).cases
    line = next(case for case in cases if case.file_name.startswith("eltax"))
    return [
        (Wanted(kinds=(line.kind,)), lambda case: case.kind == line.kind),
        (Wanted(owner="-"), lambda case: not case.owner),
        (Wanted(owner="kaikei"), lambda case: case.owner == "kaikei"),
        (Wanted(opened_from=city.day, opened_to=city.day), lambda c: c.opened_on == city.day),
        (Wanted(amount_from=10_000, amount_to=20_000), lambda c: 10_000 <= c.amount_yen <= 20_000),
        (Wanted(words=line.file_name), lambda case: case.file_name == line.file_name),
        (Wanted(due="overdue"), lambda case: case.due_on < today),
        (Wanted(due="week"), lambda case: case.due_on <= today + timedelta(days=7)),
        (Wanted(due="none"), lambda case: case.due_on is None),
        (Wanted(age_days=9), lambda case: case.opened_on <= city.day),
        (Wanted(channel="konbini"), lambda case: case.file_name.startswith("konbini")),
    ]


def test_each_filter_shows_what_it_says(city, today):
    everything = _list(city, limit=1000).cases
    for wanted, says in _filters(city, today):
        page = _list(city, wanted, today=today, limit=1000)
        expected = {case.case_no for case in everything if says(case)}
        assert {case.case_no for case in page.cases} == expected, wanted
        assert page.total == len(expected)
        assert page.total_yen == sum(c.amount_yen for c in everything if says(c))


def _about_a_remittance(city):
    """One case that waits is about a remittance: which it is."""
    with unit_of_work(city.engine, M) as connection:
        group = connection.execute(text("SELECT * FROM remittance_group LIMIT 1")).one()
        case_no = connection.execute(
            text("SELECT MIN(case_no) FROM review_case WHERE state = 'open'")
        ).scalar_one()
        connection.execute(
            text("UPDATE review_case SET subject = :s, file_id = NULL WHERE case_no = :n"),
            {"s": f"group:{group.group_id}", "n": case_no},
        )
    return group


def test_a_case_about_a_remittance_names_it(treasurer, city):
    group = _about_a_remittance(city)
    page = _text(treasurer.get("/staff/cases?sort=case_no"))
    agent = LABELS["agent"][group.agent]
    assert f"{agent}の払込 {group.ref.replace('|', ' / ')}" in page
    assert f"group:{group.group_id}" not in page


def test_amounts_and_words_stay_out_of_the_address(treasurer, city):
    amount = max(case.amount_yen for case in _list(city).cases)
    form = {"amount_from": f"{amount:,}", "words": "eltax", "state": "open", "sort": "amount_yen"}
    answer = treasurer.post("/staff/cases/narrow", data=form)
    place = answer.headers["Location"]
    assert str(amount) not in place
    assert "eltax" not in place
    page = _text(treasurer.get(place))
    assert f'value="{amount}"' in page
    other = _text(treasurer.get(place.replace("key=", "key=x")))
    assert f'value="{amount}"' not in other  # another key opens nothing
    assert treasurer.get("/staff/cases?key=nonsense&age=x&from=x&view=y").status_code == 200


def test_a_view_is_kept_for_oneself_or_for_everybody(treasurer, auditor):
    form = {"name": "二重納付", "kind": "duplicate", "amount_from": "1", "shared": "yes"}
    place = treasurer.post("/staff/cases/views", data=form).headers["Location"]
    assert "二重納付" in _text(treasurer.get(place))
    assert "二重納付" in _text(auditor.get("/staff/cases"))
    assert auditor.get(place).status_code == 200
    own = treasurer.post("/staff/cases/views", data={"name": "自分用"}).headers["Location"]
    assert auditor.get(own).status_code == 404
    refused = treasurer.post("/staff/cases/views", data={"name": " "})
    assert refused.status_code == 422
    number = own.rpartition("=")[2]
    assert treasurer.post(f"/staff/cases/views/{number}/forget").status_code == 303
    assert treasurer.post(f"/staff/cases/views/{number}/forget").status_code == 404


def test_nobody_keeps_more_views_than_can_be_read(treasurer):
    for number in range(30):
        treasurer.post("/staff/cases/views", data={"name": f"一覧{number}"})
    refused = treasurer.post("/staff/cases/views", data={"name": "もう一つ"})
    assert refused.status_code == 409
    assert "30件まで" in _text(refused)


def test_a_saved_view_asks_for_what_was_asked():
    asked = conditions.read(
        {"state": "every", "kind": "duplicate", "from": "2026-06-01", "amount_to": "1,000円",
         "words": "x", "sort": "kind", "dir": "up", "age": "3"}, "abe", {},
    )  # fmt: skip
    again = conditions.from_json(conditions.as_json(asked), 7)
    assert (again.wanted, again.order, again.view_no) == (asked.wanted, asked.order, 7)
    assert again.address(dir="") == {"view": 7, "sort": "kind"}


def test_the_export_is_the_list(treasurer, city):
    answer = treasurer.get("/staff/cases/export.csv?kind=duplicate")
    rows = list(
        csv.reader(io.StringIO(_text(answer).removeprefix("\N{ZERO WIDTH NO-BREAK SPACE}")))
    )
    cases = _list(city, Wanted(kinds=("duplicate",)), limit=1000).cases
    assert [int(row[0]) for row in rows[1:]] == [case.case_no for case in cases]
    assert rows[0][:3] == ["番号", "種類", "種類コード"]
    assert answer.content_type == "text/csv; charset=utf-8"


def test_the_export_names_what_a_case_is_about_as_the_list_does(treasurer, city):
    _about_a_remittance(city)
    listed = {}
    place = "/staff/cases?state=every"
    while place:
        page = _text(treasurer.get(place))
        rows = re.findall(
            r'/staff/cases/(\d+)">\1</a></th>.*?<td class="breakable">(.*?)</td>', page
        )
        listed |= {number: unescape(words) for number, words in rows}
        following = re.search(r'<a rel="next" href="([^"]+)"', page)
        place = unescape(following[1]) if following else ""
    table = _text(treasurer.get("/staff/cases/export.csv?state=every"))
    exported = {row["番号"]: row["対象"] for row in csv.DictReader(io.StringIO(table[1:]))}
    assert exported == listed
    assert any("の払込" in words for words in exported.values())
    assert not any(words.startswith("group:") for words in exported.values())


def _bulk(client, deed, numbers, **values):
    """Ask, confirm, do: as the pages lead."""
    page = _text(client.post("/staff/cases/bulk", data={"deed": deed, "case": numbers}))
    shown = dict(re.findall(r'name="(shown-\d+)" value="(\d+)"', page))
    return page, client.post("/staff/cases/bulk/do", data={"deed": deed, **shown, **values})


def test_several_cases_are_given_to_a_colleague_and_taken_back(treasurer, city):
    numbers = [case.case_no for case in _list(city).cases[:3]]
    page, done = _bulk(treasurer, "assign", numbers, owner="kaikei")
    assert "3件のうち3件に行います。" in page
    assert "3件のうち3件に行いました。" in _text(done)
    assert {_view(city, number).summary.owner for number in numbers} == {"kaikei"}
    events = re.findall(r'name="event" value="([^"]+)"', _text(done))
    back = treasurer.post("/staff/cases/bulk/undo", data={"event": events})
    assert "3件のうち3件に行いました。" in _text(back)
    assert {_view(city, number).summary.owner for number in numbers} == {""}
    assert "取り消せません" in _text(
        treasurer.post("/staff/cases/bulk/undo", data={"event": events})
    )


def test_a_case_that_changed_meanwhile_is_left_alone(treasurer, city):
    numbers = [case.case_no for case in _list(city).cases[:2]]
    page = _text(treasurer.post("/staff/cases/bulk", data={"deed": "acknowledge", "case": numbers}))
    shown = dict(re.findall(r'name="(shown-\d+)" value="(\d+)"', page))
    treasurer.post(f"/staff/cases/{numbers[0]}/notes", data={"note": "先に"})
    done = _text(treasurer.post("/staff/cases/bulk/do", data={"deed": "acknowledge", **shown}))
    assert "2件のうち1件に行いました。" in done
    assert "画面を開いたあとに変わった" in done
    assert [_view(city, n).summary.state for n in numbers] == ["open", "acknowledged"]


def test_only_what_holds_no_money_is_accepted_in_bulk(treasurer, city):
    cases = _list(city, limit=1000).cases
    numbers = [case.case_no for case in cases][:100]
    page, done = _bulk(treasurer, "accept", numbers, note="確認済")
    assert "まとめて了承できません" in page
    accepted = {c.kind for c in cases if _view(city, c.case_no).summary.state == "accepted"}
    assert accepted
    assert accepted <= bulk.SAFE
    for case in cases:
        view = _view(city, case.case_no)
        if view.summary.state == "accepted":
            assert not view.line.get("suspense_yen")
    assert done.status_code == 200


def test_a_deed_says_what_it_lacks(treasurer, city):
    number = _list(city).cases[0].case_no
    for deed, values, said in (
        ("deadline", {"due_on": "x"}, "期限の日を選んでください。"),
        ("deadline", {"due_on": "2020-01-01"}, "すでに過ぎています"),
        ("assign", {"owner": "dareka"}, "登録されていません"),
        ("note", {"note": " "}, "メモを書いてください。"),
    ):
        _page, done = _bulk(treasurer, deed, [number], **values)
        assert done.status_code == 422, deed
        assert said in _text(done)
    assert treasurer.post("/staff/cases/bulk", data={"deed": "pay"}).status_code == 303
    assert treasurer.post("/staff/cases/bulk/do", data={"deed": "pay"}).status_code == 422
    assert len(_view(city, number).events) == 1


def test_all_that_is_asked_for_may_be_meant(treasurer, city):
    number = _list(city, Wanted(kinds=("duplicate",)), limit=1000).total
    form = {"deed": "note", "scope": "all", "kind": "duplicate"}
    page = _text(treasurer.post("/staff/cases/bulk", data=form))
    assert f"{number}件のうち{number}件に行います。" in page


def test_owner_and_deadline_of_one_case_and_back(treasurer, city):
    number = _list(city).cases[0].case_no
    path = f"/staff/cases/{number}"
    before = _view(city, number).summary
    assert before.due_on > before.opened_on
    assert treasurer.post(f"{path}/assign", data={"owner": "kaikei"}).status_code == 303
    assert treasurer.post(f"{path}/deadline", data={"due_on": "2046-06-01"}).status_code == 303
    assert treasurer.post(f"{path}/assign", data={"owner": "kaikei"}).status_code == 409
    assert treasurer.post(f"{path}/assign", data={"owner": "dareka"}).status_code == 404
    assert treasurer.post(f"{path}/deadline", data={"due_on": ""}).status_code == 422
    for event in (2, 3):
        assert treasurer.post(f"{path}/events/{event}/undo").status_code == 303
    assert _view(city, number).summary == before
    assert treasurer.post(f"{path}/events/1/undo").status_code == 409
    assert [e.event for e in _view(city, number).events][-2:] == ["undone", "undone"]


def test_a_form_about_what_has_changed_is_refused_and_keeps_what_was_typed(treasurer, city):
    number = _list(city).cases[0].case_no
    path = f"/staff/cases/{number}"
    shown = SHOWN.search(_text(treasurer.get(path)))[1]
    treasurer.post(f"{path}/notes", data={"note": "同僚のメモ", "shown": shown})
    refused = treasurer.post(f"{path}/accept", data={"note": "私の理由", "shown": shown})
    assert refused.status_code == 409
    page = _text(refused)
    assert "画面を開いたあとに" in page
    assert ">私の理由</textarea>" in page
    assert "新しい" in page
    assert "同僚のメモ" in page
    assert _view(city, number).summary.state == "open"
    shown = SHOWN.search(page)[1]
    answer = treasurer.post(f"{path}/accept", data={"note": "私の理由", "shown": shown})
    assert answer.status_code == 303


def test_the_page_shows_the_record_field_by_field(auditor, city):
    with reading(city.engine, M) as connection:
        found = connection.execute(
            text(
                "SELECT MIN(c.case_no), f.format_code FROM review_case c "
                "JOIN source_file f ON f.file_id = c.file_id "
                "WHERE c.line_no IS NOT NULL GROUP BY f.format_code"
            )
        ).all()
    assert len(found) >= 3
    for case_no, format_code in found:
        view = _view(city, case_no)
        if not view.line:
            continue
        page = _text(auditor.get(f"/staff/cases/{case_no}"))
        assert "位置（バイト）" in page, format_code
        assert '<th scope="row">amount_yen</th>' not in page, format_code
        if format_code == "eltax_payment":
            assert '<th scope="row">収納機関番号</th>' in page
        assert f"{view.line['byte_offset']}バイト目から" in page


def test_a_deadline_is_no_secret_of_the_engine(city):
    with unit_of_work(city.engine, M) as connection:
        missing = connection.execute(
            text("SELECT COUNT(*) FROM review_case WHERE due_on IS NULL OR due_on <= opened_on")
        ).scalar_one()
    assert missing == 0


@pytest.mark.postgres
def test_postgresql_lists_the_same(postgres_city, city):
    def found(engine):
        with reading(engine, M) as connection:
            pages = [
                list_cases(connection, M, wanted, today=city.day, order=order, limit=5, after=after)
                for wanted in (
                    Wanted(),
                    Wanted(states=STATES, channel="konbini", words="konbini"),
                    Wanted(due="week", age_days=0, opened_from=city.day),
                    Wanted(due="none"),
                )
                for order in (Order(), Order("due_on", descending=False), Order("subject"))
                for after in (0, 5)
            ]
        return [([case.case_no for case in page.cases], page.total, page.total_yen, page.after)
                for page in pages]  # fmt: skip

    assert found(city.engine) == found(postgres_city.engine)


def test_a_case_whose_end_was_taken_back_is_not_counted_as_ended(city):
    day = city.day + timedelta(days=1)
    month = day.isoformat()[:7]
    values = {"first": f"{month}-01", "last": f"{month}-28", "one": "resolved", "other": "accepted"}

    def ended():
        with reading(city.engine, M) as connection:
            found = case_months(connection, M, day.replace(day=1), day.replace(day=28))
            rows = list(held_rows.rows(connection, M, "cases", **values))
        closed = sum(one.closed for one in found if one.month == month)
        assert closed == len(rows)  # a figure opens the rows that it is made of
        return closed

    before, number = ended(), _list(city).cases[0].case_no
    with unit_of_work(city.engine, M) as connection:
        accept(connection, M, number, "試験", actor="kaikei", on=day)
    assert ended() == before + 1
    event = _view(city, number).events[-1].event_no
    with unit_of_work(city.engine, M) as connection:
        undo(connection, M, number, event, actor="kaikei", on=day)
    assert ended() == before
