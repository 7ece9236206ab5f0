from __future__ import annotations

import re

import pytest
from pages import without_token
from sqlalchemy import text

from payments.store.unit_of_work import reading, unit_of_work
from reconcile.status import slip_status
from web import clock

NAMES = ("collecting_body_code", "case_key", "confirmation_no", "item_code")
PARTS = ((0, 5), (5, 25), (25, 31), (31, 34))


def _form(number):
    return {name: number[a:b] for name, (a, b) in zip(NAMES, PARTS, strict=True)}


def _state(answer):
    (state,) = re.findall(r'class="state">([^<]*)<', answer.get_data(as_text=True))
    return state


def _number(city, condition, join=""):
    with reading(city.engine, "99999") as connection:
        return connection.execute(
            text(
                "SELECT s.el_number FROM slip s JOIN pay_key k "
                "ON k.municipality_code = s.municipality_code AND k.pay_key = 'E' || s.el_number "
                "JOIN instalment_account a ON a.municipality_code = s.municipality_code "
                f"AND a.notice_id = s.notice_id AND a.term = s.term {join} "
                f"WHERE s.el_number IS NOT NULL AND {condition} ORDER BY s.slip_id LIMIT 1"
            )
        ).scalar_one()


RECEIPT = (
    "JOIN receipt r ON r.municipality_code = s.municipality_code AND r.slip_id = s.slip_id "
    "AND r.applied_yen = s.amount_yen AND r.amount_yen = s.amount_yen"
)
ONE = "AND (SELECT COUNT(*) FROM receipt x WHERE x.notice_id = s.notice_id) = 1"
NONE = "AND NOT EXISTS (SELECT 1 FROM receipt x WHERE x.notice_id = s.notice_id)"


@pytest.mark.parametrize(
    ("condition", "join", "label"),
    [
        (f"r.stage = 'confirmed' {ONE}", RECEIPT, "納付済"),
        (f"r.stage = 'provisional' {ONE}", RECEIPT, "確認中（速報）"),
        (f"NOT k.superseded AND s.valid_until > '2026-12-31' {NONE}", "", "未確認"),
    ],
)
def test_the_state_of_a_slip(client, city, condition, join, label):
    # The city lies in 2026; its slips must not expire while the tests are run later.
    answer = client.post("/", data=_form(_number(city, condition, join)))
    assert answer.status_code == 200
    if label == "未確認" and clock.today().isoformat() > "2026-12-31":
        label = "取扱期限切れ"
    assert _state(answer) == label


def test_a_slip_that_was_replaced_says_so(client, city):
    number = _number(city, f"NOT k.superseded {NONE}")
    with unit_of_work(city.engine, "99999") as connection:
        connection.execute(
            text("UPDATE pay_key SET superseded = :yes WHERE pay_key = :key"),
            {"yes": True, "key": f"E{number}"},
        )
    assert _state(client.post("/", data=_form(number))) == "再発行済"


def test_a_slip_past_its_day_is_expired_and_never_called_unpaid(city, client):
    from web.commands.setup import sample_profile  # noqa: PLC0415

    number = _number(city, f"NOT k.superseded {NONE}")
    with reading(city.engine, "99999") as connection:
        states = {
            year: slip_status(
                connection, sample_profile(), number, today=city.day.replace(year=year)
            ).state
            for year in (2026, 2030)
        }
    assert states == {2026: "unconfirmed", 2030: "expired"}
    page = client.post("/", data=_form(number)).get_data(as_text=True)
    assert "未納" not in page
    assert "滞納" not in page


def test_the_answer_says_up_to_when_each_channel_has_reported(client, city):
    page = client.post("/", data=_form(_number(city, "1 = 1"))).get_data(as_text=True)
    assert "この結果のもとになった資料" in page
    assert page.count("2026年6月2日（火）") == 2  # the shops and the joint channel


def test_a_wrong_and_an_unknown_number_get_the_same_answer(client, city):
    known = _number(city, "1 = 1")
    wrong = known[:25] + ("000000" if known[25:31] != "000000" else "111111") + known[31:]
    unknown = known[:5] + "9" * 20 + known[25:]
    answers = [client.post("/", data=_form(number)) for number in (wrong, unknown)]
    assert [_state(answer) for answer in answers] == ["確認できません"] * 2
    pages = [without_token(answer.get_data(as_text=True)) for answer in answers]
    assert pages[0] == pages[1]


def test_digits_may_be_typed_wide_and_with_spaces(client, city):
    number = _number(city, f"r.stage = 'confirmed' {ONE}", RECEIPT)
    form = _form(number)
    wide = str.maketrans("0123456789", "０１２３４５６７８９")
    form["case_key"] = " ".join(re.findall("....", form["case_key"])).translate(wide)
    assert _state(client.post("/", data=form)) == "納付済"


def test_a_field_that_is_no_number_is_explained(client):
    answer = client.post("/", data={**_form("9" * 34), "confirmation_no": "abc"})
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert "確認番号に、数字でない文字があります。数字6桁を入力してください。" in page
    assert 'aria-invalid="true"' in page


def test_the_number_stands_in_no_address_and_in_no_record(client, city):
    number = _number(city, "1 = 1")
    client.post("/", data=_form(number))
    assert client.get(f"/?case_key={number[5:25]}").get_data(as_text=True).count(number[5:25]) == 0
    with reading(city.engine, "99999") as connection:
        rows = connection.execute(text("SELECT * FROM enquiry_log")).all()
    assert len(rows) == 1
    assert number[5:25] not in str(rows)
    assert "127.0.0.1" not in str(rows)


def test_asking_is_limited(client):
    answers = [client.post("/", data=_form(f"{n:034}")).status_code for n in range(11)]
    assert answers == [200] * 10 + [429]


def test_wrong_codes_of_strangers_do_not_count_against_each_other(client):
    """Otherwise twenty of them would close the page for everybody who mistypes a code."""
    for n in range(22):
        code = f"0000-0000-0000-0000-{n:04d}"
        there = {"REMOTE_ADDR": f"192.0.2.{n}"}
        answer = client.post("/code", data={"code": code}, environ_overrides=there)
        assert answer.status_code == 200, n
        assert "確認できません" in answer.get_data(as_text=True)
