"""納税証明: what the books say as of a stated day, and nothing while a channel is behind."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, date, datetime
from types import SimpleNamespace

import pytest
from browser import fits, served, violations
from slip_town import SlipTown
from sqlalchemy import text

from payments.domain.errors import KokinError
from reconcile import certificate as certifying
from reconcile.certificate import basis_of, vehicle_states
from reconcile.formats.vehicle_register import VehicleRow, write
from reconcile.model import Delivery
from reconcile.registers import import_vehicles
from web import clock
from web.accounts import staff
from web.app import create_app
from web.certificates import confirmation
from web.certificates.confirmation import shown_code
from web.certificates.feed import as_csv, checked, vehicle_feed
from web.certificates.tax_paper import tax_paper
from web.config import Settings

PASSWORD = "kaikei-no-himitsu"
NOW = datetime(2026, 6, 10, 3, tzinfo=UTC)
TODAY = date(2026, 6, 10)
PAYER = "000000000001"
ALL_HERE = {"konbini_dsk": date(2026, 6, 9), "debit": date(2026, 6, 9)}
BEHIND = ALL_HERE | {"konbini_dsk": date(2026, 6, 5)}


@pytest.fixture
def town(database_url, monkeypatch):
    """Two taxes of one payer and a vehicle; every channel complete unless told otherwise."""
    monkeypatch.setattr(clock, "now", lambda: NOW)
    monkeypatch.setattr(certifying, "complete_until", lambda *_given: dict(ALL_HERE))
    found = SlipTown(database_url)
    found.notice(1, (10_000, 12_000, 14_000))
    found.notice(2, (7_200,), item_code="903", obligor=1)
    found.notice(3, (5_000,), item_code="951", obligor=1)  # no tax
    found.pay(1, 1, 10_000)
    yield found
    found.close()


def basis(town, **changes):
    with town.read() as connection:
        profile = town.profile
        for name, value in changes.items():
            profile = replace(profile, **{name: value})
        return basis_of(connection, profile, PAYER, TODAY, NOW)


def announce(town, number, term, yen):
    """A payment that a channel has announced and not confirmed."""
    town.pay(number, term, yen)
    town.run_sql(
        "INSERT INTO receipt (municipality_code, file_id, line_no, stage, seen, amount_yen, "
        "paid_on, notice_id, term, superseded, applied_yen, suspense_yen, journal_id, leg) "
        "SELECT n.municipality_code, 77, n.notice_id, 'provisional', 1, :yen, '2026-06-08', "
        "n.notice_id, :term, FALSE, :yen, 0, 1, 1 FROM notice n "
        "WHERE n.municipality_code = :m AND n.notice_no = :no",
        yen=yen, term=f"{term:02d}", no=f"{number:010d}",
    )  # fmt: skip


def test_what_was_assessed_paid_and_is_left(town):
    found = basis(town)
    income, vehicle = found.levies
    assert (income.item_code, income.levy_year) == ("901", 2026)
    assert (income.assessed_yen, income.paid_yen, income.unpaid_yen) == (36_000, 10_000, 26_000)
    assert income.overdue_yen == 0
    assert (income.first_due_on, income.last_due_on) == (date(2026, 5, 28), date(2026, 9, 28))
    assert (vehicle.item_code, vehicle.overdue_yen) == ("903", 7_200)
    assert found.cut_off_on == date(2026, 6, 9)


def test_an_announced_payment_is_no_payment_unless_configured(town):
    announce(town, 1, 2, 12_000)
    income = basis(town).levies[0]
    assert (income.paid_yen, income.provisional_yen, income.unpaid_yen) == (10_000, 12_000, 14_000)
    income = basis(town, certificate_provisional=True).levies[0]
    assert (income.paid_yen, income.provisional_yen, income.unpaid_yen) == (22_000, 0, 14_000)


def test_nothing_is_certified_while_a_channel_is_behind(town, monkeypatch):
    with town.read() as connection, pytest.raises(KokinError) as whole:
        certifying.despite_content(connection, town.profile, TODAY, NOW)
    assert whole.value.error_code == "certificate_complete"
    monkeypatch.setattr(certifying, "complete_until", lambda *_given: dict(BEHIND))
    with pytest.raises(KokinError) as red:
        basis(town)
    assert red.value.error_code == "certificate_red"
    assert "konbini_dsk 2026-06-05" in str(red.value.details["lacking"])


def test_vehicles_are_paid_open_or_unknown(town, monkeypatch):
    rows = [VehicleRow("99999", "903", 2026, "0000000002", "みほん500あ1", "2027-05-31")]
    delivery = Delivery("vehicles.csv", write(rows))
    import_vehicles(town.engine, town.code, delivery, received_on=TODAY)

    def state():
        with town.read() as connection:
            (found,), _ = vehicle_states(connection, town.profile, 2026, TODAY, NOW)
        return found

    assert (state().state, state().vehicle_no) == ("open", "みほん500あ1")
    monkeypatch.setattr(certifying, "complete_until", lambda *_given: dict(BEHIND))
    assert state().state == "unknown"  # nobody is said to owe what may have been paid
    announce(town, 2, 1, 7_200)
    assert state().state == "confirming"
    town.run_sql("UPDATE receipt SET stage = 'confirmed' WHERE municipality_code = :m")
    assert (state().state, state().paid_on) == ("paid", date(2026, 6, 8))
    town.change(2, 1, 0, "903")
    assert state().state == "none_due"
    settings = Settings(secret_key="a secret of the tests, long enough")
    feed = vehicle_feed(settings, town.profile, [state()], ALL_HERE, NOW)
    assert feed["cut_off_on"] == "2026-06-09"
    for data in (json.dumps(feed).encode(), as_csv(feed)):
        assert checked(settings, data) == feed
        with pytest.raises(KokinError) as changed:
            checked(settings, data.replace(b"none_due", b"paid"))
        assert changed.value.error_code == "feed_signature"
    with pytest.raises(KokinError) as strange:
        checked(settings, b"no feed")
    assert strange.value.error_code == "feed_form"


@pytest.fixture
def desk(town, tmp_path) -> SimpleNamespace:
    """The same on SQLite, with two people and the service in front of it."""
    with town.write() as connection:
        for name, role in (("shuno", "collection"), ("shonin", "approver")):
            staff.add(
                connection, town.code, name, roles=(role,), display_name=name, password=PASSWORD
            )
    settings = Settings(
        home=tmp_path, database_url="sqlite://", secret_key="a secret of the tests, long enough",
        municipality=town.code,
    )  # fmt: skip
    app = create_app(settings, town.engine, TESTING=True, WTF_CSRF_ENABLED=False)

    def sign_in(name):
        client = app.test_client()
        client.post("/staff/sign-in", data={"user_name": name, "password": PASSWORD})
        return client

    return SimpleNamespace(town=town, app=app, sign_in=sign_in, settings=settings)


on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@on_sqlite
def test_the_page_shows_and_hands_out_a_paper(desk):
    clerk = desk.sign_in("shuno")
    page = clerk.post("/staff/certificates", data={"obligor_no": PAYER}).get_data(as_text=True)
    assert "26,000円" in page
    pdf = clerk.post("/staff/certificates/paper", data={"obligor_no": PAYER})
    assert pdf.data.startswith(b"%PDF")
    with desk.town.write() as connection:
        views = connection.execute(text("SELECT obligor_no, actor, note FROM account_view")).all()
    seen = "納付状況証明の基礎資料（データの基準日 2026年6月9日）"
    assert [tuple(view) for view in views] == [(PAYER, "shuno", seen)] * 2
    for data, status in (({"obligor_no": "'"}, 422), ({"obligor_no": "9"}, 404)):
        assert clerk.post("/staff/certificates", data=data).status_code == status
        assert clerk.post("/staff/certificates/paper", data=data).status_code == status
    feed = clerk.post("/staff/certificates/vehicles", data={"year": "2026"})
    assert checked(desk.settings, feed.data)["count"] == 0
    table = clerk.post("/staff/certificates/vehicles", data={"year": "2026", "form": "csv"})
    assert checked(desk.settings, table.data)["count"] == 0
    assert clerk.post("/staff/certificates/vehicles", data={"year": "x"}).status_code == 422
    assert clerk.post("/staff/certificates/despite", data={"reason": "x"}).status_code == 409
    assert shown_code("99999ABCDE") == "99999-ABCDE"
    with desk.town.read() as connection:
        acts = connection.execute(
            text("SELECT subject FROM staff_event WHERE event = 'certificate_issued'")
        ).scalars()
        assert list(acts) == ["tax 2026-06-09"]


def test_a_paper_rests_on_what_is_paid_and_says_so_when_that_changes(town, tmp_path):
    settings = Settings(home=tmp_path, secret_key="a secret of the tests, long enough")
    paper = tax_paper(town.profile, basis(town), NOW)
    with town.write() as connection:
        issued = confirmation.issue(connection, settings, town.code, paper, issued_to="shuno")

    def changed():
        with town.read() as connection:
            found = confirmation.check(connection, settings, town.code, issued.code)
        assert found is not None
        return found.changed

    assert changed() is False
    town.pay(1, 2, 12_000)  # more than the paper says
    assert changed() is False
    town.pay(1, 1, -10_000)
    assert changed() is True


@on_sqlite
def test_two_people_certify_although_a_channel_is_behind(desk, monkeypatch):
    monkeypatch.setattr(certifying, "complete_until", lambda *_given: dict(BEHIND))
    clerk = desk.sign_in("shuno")
    refused = clerk.post("/staff/certificates", data={"obligor_no": PAYER})
    assert refused.status_code == 409
    why = refused.get_data(as_text=True).partition('role="alert"')[2].partition("</div>")[0]
    assert "コンビニ（DSK）" in why
    assert "konbini_dsk" not in why
    asked = clerk.post("/staff/certificates/despite", data={"reason": "車検がきょうまで"})
    where = asked.headers["Location"]
    page = desk.sign_in("shonin").get(where).get_data(as_text=True)
    shown = re.search(r'name="shown" value="(\w+)"', page)
    data = {"decision": "approved", "note": "", "shown": shown.group(1) if shown else ""}
    assert desk.sign_in("shonin").post(f"{where}/decision", data=data).status_code == 303
    page = clerk.post("/staff/certificates", data={"obligor_no": PAYER})
    assert page.status_code == 200
    said = page.get_data(as_text=True)
    assert "6月5日" in said  # the cut-off is stated
    assert "二人の決定により、今日は証明できます" in said
    assert "承認を依頼する" not in said  # and nobody is asked for it again


@pytest.mark.browser
@on_sqlite
def test_the_page_is_for_everybody(desk, page):
    app = create_app(desk.settings, desk.town.engine)
    with served(app) as address:
        page.goto(f"{address}/staff/sign-in")
        page.fill("#user_name", "shuno")
        page.fill("#password", PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_url("**/staff/")
        for width in (360, 1366):
            page.set_viewport_size({"width": width, "height": 900})
            page.goto(f"{address}/staff/certificates")
            page.fill("#obligor_no", PAYER)
            page.keyboard.press("Enter")
            page.wait_for_selector("#basis")
            assert violations(page) == []
            assert fits(page)
