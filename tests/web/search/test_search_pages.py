from __future__ import annotations

import re

import pytest
from sqlalchemy import text

from payments.domain.kana import fold_name
from payments.store.unit_of_work import reading
from reconcile import lookup
from reconcile.lookup import Books
from web import clock

M = "99999"


def _one(city, statement):
    with reading(city.engine, M) as connection:
        return connection.execute(text(statement)).one()


def _find(client, number):
    return client.post("/staff/search", data={"number": number})


def _place(client, number):
    """Where the one hit leads; None when several are shown, or none."""
    answer = _find(client, number)
    return answer.headers["Location"] if answer.status_code == 303 else None


@pytest.fixture
def slip(city):
    return _one(
        city,
        "SELECT s.*, n.notice_no, n.item_code, n.levy_year FROM slip s JOIN notice n "
        "ON n.notice_id = s.notice_id WHERE s.el_number IS NOT NULL "
        "AND s.konbini_barcode IS NOT NULL ORDER BY s.slip_id LIMIT 1",
    )


def test_every_number_of_a_slip_leads_to_it(treasurer, slip):
    places = {
        _place(treasurer, number)
        for number in (
            slip.slip_no,
            slip.el_number,
            slip.konbini_barcode,
            f"]C1{slip.konbini_barcode}\x1d",
            f"({slip.konbini_barcode[:2]}) {slip.konbini_barcode[2:]}",
            slip.konbini_barcode[8:29],
            slip.el_number[5:25],
        )
    }
    assert len(places) == 1
    (place,) = places
    assert slip.slip_no not in place
    assert slip.el_number[5:25] not in place
    assert treasurer.get(place).status_code == 200


def test_a_barcode_read_wrongly_is_shown_with_the_doubt(treasurer, slip):
    wrong = slip.konbini_barcode[:-1] + str((int(slip.konbini_barcode[-1]) + 1) % 10)
    answer = _find(treasurer, wrong)
    assert answer.status_code == 200
    page = answer.get_data(as_text=True)
    assert "検査数字か日付が合いません" in page
    assert slip.slip_no in page


def test_a_notice_shows_its_instalments(treasurer, slip):
    name = f"{slip.item_code}/{slip.levy_year}/{slip.notice_no}"
    whole = _find(treasurer, name).get_data(as_text=True)
    assert "期別" in whole
    assert _place(treasurer, f"{name}/01").startswith("/staff/explain/notices/")


def test_records_are_found_by_their_numbers(treasurer, city):
    file = _one(city, "SELECT * FROM source_file WHERE channel = 'konbini' LIMIT 1")
    for number in (file.sha256, file.sha256[:12], file.name):
        assert _place(treasurer, number) == f"/staff/files/{file.file_id}"
    line = _place(treasurer, f"{file.name}:2")
    assert line == f"/staff/explain/lines/{file.file_id}/2"
    assert "見つかりませんでした" in _find(treasurer, "nobody.txt:2").get_data(as_text=True)
    reported = _one(
        city, "SELECT * FROM source_line WHERE payment_key = identity AND identity LIKE 'app:%'"
        " ORDER BY file_id, line_no LIMIT 1",
    )  # fmt: skip
    for number in (reported.identity, reported.identity.rpartition(":")[2]):
        answer = _find(treasurer, number)
        found = answer.get_data(as_text=True) + answer.headers.get("Location", "")
        assert f"/staff/explain/lines/{reported.file_id}/{reported.line_no}" in found


def test_an_amount_and_a_day_show_payments_credits_and_cases(treasurer, city, monkeypatch):
    monkeypatch.setattr(clock, "today", lambda: city.day)
    paid = _one(city, "SELECT * FROM receipt WHERE paid_on = '2026-06-01' ORDER BY file_id LIMIT 1")
    credit = _one(city, "SELECT * FROM deposit ORDER BY file_id, line_no LIMIT 1")
    page = _find(treasurer, f"{paid.amount_yen:,}円 2026-06-01").get_data(as_text=True)
    assert f"/staff/explain/lines/{paid.file_id}/{paid.line_no}" in page
    answer = _find(treasurer, f"¥{credit.amount_yen} {credit.booked_on}")
    found = answer.get_data(as_text=True) + answer.headers.get("Location", "")
    assert f"/staff/explain/lines/{credit.file_id}/{credit.line_no}" in found
    day = _find(treasurer, "令和8年6月1日").get_data(as_text=True)
    assert "収納・明細" in day
    assert "多すぎるため" in day


@pytest.mark.parametrize(
    "typed", ["9999-12", "9999-12-31", "1-1", "令和99年12月31日", "99999999999"]
)
def test_days_and_amounts_at_the_ends_of_what_there_is_are_looked_for_in_vain(treasurer, typed):
    answer = _find(treasurer, typed)
    assert answer.status_code == 200
    assert "見つかりませんでした" in answer.get_data(as_text=True)


def test_a_name_shows_people_to_whoever_may_see_them(treasurer, city):
    person = _one(
        city, "SELECT o.* FROM obligor o JOIN notice n ON n.obligor_no = o.obligor_no LIMIT 1"
    )
    half = person.kana[:4]
    answer = _find(treasurer, half)
    found = answer.get_data(as_text=True) + answer.headers.get("Location", "")
    assert "/staff/people/notices/" in found
    assert person.obligor_no not in found
    by_number = _place(treasurer, person.obligor_no)
    assert by_number is None or by_number.startswith(("/staff/people/notices/", "/staff/explain"))


def test_nothing_found_says_what_was_tried(treasurer):
    page = _find(treasurer, "9" * 34).get_data(as_text=True)
    assert "見つかりませんでした" in page
    assert "eL番号（34桁）" in page
    assert "探せるもの" in treasurer.get("/staff/search").get_data(as_text=True)


def test_nothing_found_says_what_can_be_looked_for(treasurer):
    page = _find(treasurer, "山田 太郎").get_data(as_text=True)
    assert "見つかりませんでした" in page
    assert "氏名のカナ" in page  # a name in kanji is no key: what is one stands below


def test_what_was_typed_is_in_no_record(treasurer, city, slip):
    _find(treasurer, slip.el_number)
    _find(treasurer, "ミホン")
    with reading(city.engine, M) as connection:
        rows = connection.execute(
            text("SELECT subject FROM staff_event WHERE event = 'searched'")
        ).scalars()
        subjects = list(rows)
    assert len(subjects) == 2
    assert all(subject.isdigit() and len(subject) <= 3 for subject in subjects)


def test_whose_name_a_search_has_shown_is_on_record(treasurer, city):
    page = _find(treasurer, "ミホン").get_data(as_text=True)
    with reading(city.engine, M) as connection:
        rows = connection.execute(
            text("SELECT subject FROM staff_event WHERE event = 'person_found'")
        ).scalars()
        subjects = set(rows)
    shown = {f"notice:{number}" for number in re.findall(r"/staff/people/notices/(\d+)", page)}
    assert subjects == shown
    assert shown


@pytest.mark.postgres
def test_postgresql_finds_the_same(postgres_city, city):
    paid = _one(city, "SELECT * FROM receipt ORDER BY file_id, line_no LIMIT 1")
    slip = _one(city, "SELECT * FROM slip WHERE el_number IS NOT NULL ORDER BY slip_id LIMIT 1")
    person = _one(city, "SELECT * FROM obligor ORDER BY obligor_no LIMIT 1")
    reported = _one(city, "SELECT identity FROM source_line WHERE identity LIKE 'app:%' LIMIT 1")

    def found(engine):
        with reading(engine, M) as connection:
            books = Books(connection, M)
            return [
                [(hit.kind, hit.name, hit.amount_yen, str(hit.on or "")) for hit in hits]
                for hits in (
                    lookup.by_el_number(books, slip.el_number),
                    lookup.by_case_key(books, slip.el_number[:25]),
                    lookup.by_slip_no(books, slip.slip_no),
                    lookup.by_amount(books, paid.amount_yen, city.day, city.day),
                    lookup.by_amount(books, None, city.day, city.day),
                    lookup.by_name(books, person.kana[:3], city.day),
                    lookup.by_person_no(books, person.obligor_no),
                    lookup.by_transaction(books, reported.identity.rpartition(":")[2]),
                    lookup.by_case_no(books, 1),
                )
            ]

    ours, theirs = found(city.engine), found(postgres_city.engine)
    assert ours == theirs
    assert all(ours)
    assert fold_name(person.kana)


def test_the_searches_use_their_indexes(city):
    plans = {
        "receipt_by_paid_on": "SELECT * FROM receipt r WHERE r.municipality_code = '99999' "
        "AND r.paid_on IN ('2026-06-01', '2026-06-02') AND r.amount_yen = 5",
        "deposit_by_booked_on": "SELECT * FROM deposit d WHERE d.municipality_code = '99999' "
        "AND d.booked_on IN ('2026-06-01', '2026-06-02') AND d.amount_yen = 5",
        "notice_by_number": "SELECT * FROM notice n WHERE n.municipality_code = '99999' "
        "AND n.notice_no = '1'",
        "obligor_by_kana": "SELECT * FROM obligor o WHERE o.municipality_code = '99999' "
        "AND o.kana_folded >= 'ミ' AND o.kana_folded < 'ム'",
    }
    with reading(city.engine, M) as connection:
        for index, statement in plans.items():
            plan = connection.execute(text(f"EXPLAIN QUERY PLAN {statement}")).all()
            assert index in str(plan), plan
