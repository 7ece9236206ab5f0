"""What an answer may say: the state of the slip in hand, and nothing of the person (law.md 10.1)."""

from __future__ import annotations

import re
import statistics
import time

import pytest
from sqlalchemy import event, text

from payments.store import straight
from payments.store.unit_of_work import reading
from reconcile.status import STATES
from web import messages
from web.app import create_app
from web.enquiries import desk
from web.enquiries.slip_code import code_of
from web.language import PUBLIC_LANGUAGES

M = "99999"
NEVER = ("未納", "滞納")
VALUES = re.compile(r"'[^']*'|\b\d+\b")
MAY_SAY = {"unconfirmed", "expired"}  # may say a day that is printed on the slip


@pytest.fixture
def client(city):
    """The page without its limits, which have tests of their own."""
    free = {"TESTING": True, "WTF_CSRF_ENABLED": False, "RATELIMIT_ENABLED": False}
    return create_app(city.settings, city.engine, **free).test_client()


def _secrets(engine, slip):
    """Everything the books know of the person, of other slips, and every amount."""
    with reading(engine, M) as connection:
        person = connection.execute(
            text(
                "SELECT o.obligor_no, o.name, o.kana, o.address, o.postal_code, n.notice_no "
                "FROM notice n JOIN obligor o ON o.municipality_code = n.municipality_code "
                "AND o.obligor_no = n.obligor_no WHERE n.notice_id = :notice"
            ),
            {"notice": slip.notice_id},
        ).one()
        rows = connection.execute(
            text(
                "SELECT s.slip_no, s.el_number, s.konbini_barcode, s.amount_yen FROM slip s "
                "JOIN notice n ON n.notice_id = s.notice_id WHERE n.obligor_no = :obligor"
            ),
            {"obligor": person.obligor_no},
        ).all()
    found = [value for value in person if value]
    for row in rows:
        found += [row.slip_no, row.konbini_barcode, f"{row.amount_yen:,}", f">{row.amount_yen}<"]
        if row.el_number:
            # 納付番号 and 確認番号; the first and last part are the same on every slip.
            found += [row.el_number, row.el_number[5:25], row.el_number[25:31]]
    return [value for value in found if value and value not in {"0", "300,000"}]


def _whole(answer):
    return f"{answer.status}\n{answer.headers}\n{answer.get_data(as_text=True)}"


def test_every_state_is_tried(slips):
    assert {*slips, "unknown"} - {"given_up"} == set(STATES)


def test_no_answer_says_whose_slip_it_is(client, city, slips, form_of):
    told = {}
    for state, slip in slips.items():
        secret = _secrets(city.engine, slip)
        assert len(secret) >= 8
        ways = {
            "/several": {"numbers": slip.el_number + "\n" + "9" * 34},
            "/code": {"code": code_of(city.settings.secret().encode(), M, slip.slip_id)},
            "/": form_of(slip.el_number),
        }
        for language in reversed(PUBLIC_LANGUAGES):
            client.set_cookie("kokin_language", language)
            for path, form in ways.items():
                said = _whole(client.post(path, data=form))
                assert [value for value in secret if value in said] == [], (path, language)
                assert not [word for word in NEVER if word in said]
        told[state] = re.findall(r'class="state">([^<]*)<', said)
    expected = {state: [messages.label("slip_status", state)] for state in STATES}
    expected["given_up"] = expected["withdrawn"]  # 不納欠損 is not 納付済
    assert told == {state: expected[state] for state in slips}


def test_only_days_on_the_slip_and_the_day_of_payment_are_said(client, slips, form_of):
    for state, slip in slips.items():
        page = client.post("/", data=form_of(slip.el_number)).get_data(as_text=True)
        box = re.search(r'class="notice answer.*?</div>', page, re.DOTALL).group()
        assert ("支払期限:" in box) == (state in MAY_SAY), state


def test_a_page_without_a_question_says_nothing_of_anybody(client, city, slips):
    """Level 0: who asks nothing is told nothing of anybody."""
    secret = _secrets(city.engine, slips["paid"])
    for path in ("/", "/several"):
        said = _whole(client.get(path))
        assert [value for value in secret if value in said] == []


def _tokens_out(page):
    return re.sub(r'name="(csrf_token|task)" value="[^"]*"', "", page)


def test_wrong_and_unknown_are_one_answer_made_by_the_same_statements(
    client, city, slips, form_of, monkeypatch
):
    monkeypatch.setattr(desk, "BASIS_SECONDS", 3_600.0)  # read before, and in no question here
    known = slips["unconfirmed"].el_number
    other = "0" if known[30] != "0" else "1"
    wrong = known[:30] + other + known[31:]
    unknown = known[:20] + "99999" + known[25:]
    statements: list[str] = []
    event.listen(
        city.engine,
        "before_cursor_execute",
        lambda _c, _u, statement, *_: statements.append(statement),
    )
    prepare = straight._prepare

    def listened(connection):
        prepare(connection)
        connection.set_trace_callback(lambda said: statements.append(VALUES.sub("?", said)))

    monkeypatch.setattr(straight, "_prepare", listened)
    client.post("/", data=form_of(known))  # opens what is opened once
    seen, pages = {}, {}
    for name, number in {"known": known, "wrong": wrong, "unknown": unknown}.items():
        statements.clear()
        answer = client.post("/", data=form_of(number))
        seen[name] = list(statements)
        pages[name] = (answer.status_code, sorted(answer.headers.keys()),
                       _tokens_out(answer.get_data(as_text=True)))  # fmt: skip
    assert seen["wrong"] == seen["unknown"] == seen["known"]
    assert sum("pay_key" in each for each in seen["known"]) == 1
    assert [each.split()[2] for each in seen["known"] if each.startswith("INSERT")] == [
        "enquiry_log", "enquiry_count", "enquiry_count", "enquiry_count",
    ]  # fmt: skip
    assert pages["wrong"] == pages["unknown"]
    assert "確認できません" in pages["wrong"][2]


@pytest.mark.soak
@pytest.mark.timeout(600)
def test_wrong_unknown_and_known_take_the_same_time(client, slips, form_of):
    """Medians of three hundred each, asked in turn: within a fifth of each other."""
    known = slips["unconfirmed"].el_number
    other = "0" if known[30] != "0" else "1"
    numbers = {
        "known": known,
        "wrong": known[:30] + other + known[31:],
        "unknown": known[:20] + "99999" + known[25:],
    }
    taken: dict[str, list[float]] = {name: [] for name in numbers}
    for _ in range(300):
        for name, number in numbers.items():
            begun = time.perf_counter()
            client.post("/", data=form_of(number))
            taken[name].append(time.perf_counter() - begun)
    medians = {name: statistics.median(times) for name, times in taken.items()}
    assert abs(medians["wrong"] - medians["unknown"]) < 0.2 * medians["unknown"], medians
    assert medians["known"] < 2 * medians["unknown"], medians  # its page has more to say


def test_of_several_each_is_told_by_the_digits_that_tell_it_apart(client, slips):
    numbers = [slips[state].el_number for state in ("paid", "unconfirmed", "expired")]
    page = client.post("/several", data={"numbers": "\n".join(numbers)}).get_data(as_text=True)
    tails = re.findall(r"納付番号の最後が(\d+)", page)
    assert len({*tails}) == 3
    assert len({len(tail) for tail in tails}) == 1
    assert all(number[5:25].endswith(tail) for number, tail in zip(numbers, tails, strict=True))
    alike = [numbers[0], numbers[0][:25] + "000000" + numbers[0][31:]]
    page = client.post("/several", data={"numbers": "\n".join(alike)}).get_data(as_text=True)
    assert {len(tail) for tail in re.findall(r"納付番号の最後が(\d+)", page)} == {4}


def test_what_is_doubtful_rests_on_the_digits_alone(client, slips, form_of):
    known = slips["unconfirmed"].el_number
    prefix = "0000" + "2026" + "00000000001"  # as slips issued here begin
    wrong_check = [f"{prefix}{digit}" for digit in range(10)]
    pages = []
    for key in wrong_check:
        form = form_of(known) | {"case_key": key}
        pages.append("納付番号の最後の1桁" in client.post("/", data=form).get_data(as_text=True))
    assert pages.count(False) == 1
    form = form_of(known) | {"collecting_body_code": "11111", "item_code": "000"}
    page = client.post("/", data=form).get_data(as_text=True)
    assert "収納機関番号が、こちらの納付書のものと違います。" in page
    assert "納付区分が、こちらの納付書にない番号です。" in page


def test_nothing_asked_stands_in_the_record_in_clear(client, city, slips, form_of):
    slip = slips["paid"]
    client.post("/", data=form_of(slip.el_number))
    client.post("/several", data={"numbers": slip.el_number})
    client.post("/code", data={"code": "0000-0000-0000-0000-0000"})
    with reading(city.engine, M) as connection:
        rows = connection.execute(text("SELECT * FROM enquiry_log ORDER BY way")).all()
        counts = connection.execute(text("SELECT * FROM enquiry_count")).all()
    assert [(row.way, row.answer) for row in rows] == [
        ("code", "unknown"), ("number", "paid"), ("several", "paid"),
    ]  # fmt: skip
    said = f"{rows} {counts}"
    assert [each for each in (slip.el_number[5:25], slip.el_number[25:31], "127.0.0.1")
            if each in said] == []  # fmt: skip
