"""The same on PostgreSQL: a link, one's own page, a paper that is checked, notices that are due."""

from __future__ import annotations

from datetime import date

import pytest
from resident_walk import ITEMS, M, shown
from sqlalchemy import text

from payments.domain.identifiers import ElNumber
from payments.store.unit_of_work import reading, unit_of_work
from web import clock
from web.accounts.oidc_settings import ResidentClient
from web.app import create_app
from web.certificates import confirmation
from web.residents import contacts, letters, linking, sessions
from web.residents.identity import Claims, arrive

pytestmark = pytest.mark.postgres


def test_a_resident_on_the_other_kind_of_database(postgres_city):
    city = postgres_city
    client = ResidentClient(issuer="https://op.example", client_id="RP1", shown_items=ITEMS)
    city.settings.residents = {M: client}
    with reading(city.engine, M) as connection:
        person = connection.execute(
            text(
                "SELECT o.obligor_no, o.name, o.address, s.el_number, s.valid_until FROM obligor o "
                "JOIN notice n ON n.obligor_no = o.obligor_no JOIN slip s "
                "ON s.notice_id = n.notice_id WHERE s.el_number IS NOT NULL AND EXISTS ("
                "SELECT 1 FROM receipt r WHERE r.notice_id = n.notice_id AND r.stage = 'confirmed' "
                "AND r.applied_yen > 0)"
                " ORDER BY o.obligor_no LIMIT 1"
            )
        ).one()
    claims = Claims(person.name, "", person.address)
    with unit_of_work(city.engine, M) as connection:
        resident_id = arrive(connection, city.settings, M, client.issuer, "card")
        assert arrive(connection, city.settings, M, client.issuer, "card") == resident_id
        token = sessions.begin(connection, city.settings, M, resident_id, claims)
        signed = sessions.Signed(token.partition(".")[0], resident_id, claims)
        number = ElNumber.parse(person.el_number)
        assert linking.ask(connection, city.settings, M, signed, number) == linking.LINKED
        assert linking.newest_links(connection, M, 9)[0].current
        contact_id = contacts.ask(
            connection, city.settings, M, resident_id, "a@example.jp", contacts.KINDS, "ja"
        )
        assert [each.kind for each in letters.consents(connection, M, clock.now())] == ["consent"]
        contacts.confirm(connection, M, contact_id)
        today = date.fromisoformat(str(person.valid_until))
        kinds = {each.kind for each in letters.due(connection, M, today, clock.now(), None)}
        assert "confirmed" in kinds
        letters.know_already(connection, M, contact_id)
        left = {each.kind for each in letters.due(connection, M, today, clock.now(), None)}
        assert left <= {"expires"}
    app = create_app(city.settings, city.engine, TESTING=True, WTF_CSRF_ENABLED=False)
    browser = app.test_client()
    with browser.session_transaction() as cookie:
        cookie.update({sessions.TOKEN: token, sessions.BODY: M})
    assert "納付状況" in shown(browser.get("/my/account"))
    assert browser.post("/my/confirmation").data.startswith(b"%PDF-")
    with unit_of_work(city.engine, M) as connection:
        paper = confirmation.Paper("payment", "題", "市", "人", clock.now(), "文", (), ())
        issued = confirmation.issue(connection, city.settings, M, paper, issued_to="r")
        assert confirmation.check(connection, city.settings, M, issued.code) is not None
    assert "題" in shown(browser.post("/verify", data={"code": issued.code}))
