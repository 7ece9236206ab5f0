"""Slips of the small city in every state, and the page before a clock that people move."""

from __future__ import annotations

import dataclasses
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from payments.store.unit_of_work import reading, unit_of_work
from web import clock
from web.enquiries import photos

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Engine

M = "99999"
NAMES = (("collecting_body_code", 5), ("case_key", 20), ("confirmation_no", 6), ("item_code", 3))
SLIP = (
    "SELECT s.slip_id, s.el_number, s.notice_id, s.term FROM slip s JOIN pay_key k "
    "ON k.municipality_code = s.municipality_code AND k.pay_key = 'E' || s.el_number "
    "WHERE s.municipality_code = '99999' AND {condition} ORDER BY s.slip_id LIMIT 1 OFFSET {skip}"
)
NOTHING_PAID = "NOT EXISTS (SELECT 1 FROM receipt r WHERE r.notice_id = s.notice_id)"
OPEN = f"NOT k.superseded AND s.valid_until > '2026-12-31' AND {NOTHING_PAID}"
ALONE = "(SELECT COUNT(*) FROM receipt x WHERE x.notice_id = s.notice_id) = 1"
PAID = (
    "EXISTS (SELECT 1 FROM receipt r WHERE r.slip_id = s.slip_id AND r.stage = '{stage}' "
    f"AND r.applied_yen = s.amount_yen AND r.amount_yen = s.amount_yen) AND {ALONE}"
)
SHORT = (
    "EXISTS (SELECT 1 FROM receipt r WHERE r.slip_id = s.slip_id AND r.stage <> 'withdrawn' "
    f"AND r.applied_yen < s.amount_yen) AND {ALONE}"
)


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """However busy the machine of the tests is, a photograph is read."""
    limits = dataclasses.replace(photos.UPLOAD_LIMITS, seconds_max=200)
    monkeypatch.setattr(photos, "UPLOAD_LIMITS", limits)


class Hands:
    """The hands of a clock that somebody moves."""

    def __init__(self) -> None:
        self.at = datetime(2026, 6, 3, 14, 30, tzinfo=clock.JST)

    def on(self, **span: float) -> None:
        self.at += timedelta(**span)


@pytest.fixture
def hands(monkeypatch: pytest.MonkeyPatch) -> Hands:
    """The third of June."""
    found = Hands()
    monkeypatch.setattr(clock, "now", lambda: found.at)
    return found


@pytest.fixture
def form_of() -> Callable[[str], dict[str, str]]:
    """The four fields of a number."""

    def make(number: str) -> dict[str, str]:
        found, place = {}, 0
        for name, length in NAMES:
            found[name] = number[place : place + length]
            place += length
        return found

    return make


def _slip(engine: Engine, condition: str, skip: int = 0) -> SimpleNamespace:
    with reading(engine, M) as connection:
        row = connection.execute(text(SLIP.format(condition=condition, skip=skip))).one()
    return SimpleNamespace(**row._mapping)


def _do(engine: Engine, sql: str, **values: object) -> None:
    with unit_of_work(engine, M) as connection:
        connection.execute(text(sql), values)


@pytest.fixture
def slips(city: SimpleNamespace, hands: Hands) -> dict[str, SimpleNamespace]:  # noqa: ARG001
    """State → a slip of the city in that state; what the city has none of is brought about."""
    engine = city.engine
    found = {
        "paid": _slip(engine, PAID.format(stage="confirmed")),
        "provisional": _slip(engine, PAID.format(stage="provisional")),
        "checking": _slip(engine, SHORT),
        "unconfirmed": _slip(engine, OPEN),
        "expired": _slip(engine, OPEN, 20),
        "reissued": _slip(engine, OPEN, 40),
        "withdrawn": _slip(engine, OPEN, 60),
        "terms_begun": _slip(engine, f"{OPEN} AND s.term = '00'"),
    }
    covered = "municipality_code = '99999' AND notice_id = :notice"
    _do(engine, "UPDATE slip SET valid_until = '2026-06-02', due_on = '2026-06-01' "
        "WHERE slip_id = :slip", slip=found["expired"].slip_id)  # fmt: skip
    _do(engine, "UPDATE pay_key SET superseded = :yes WHERE slip_id = :slip",
        yes=True, slip=found["reissued"].slip_id)  # fmt: skip
    _do(engine, f"UPDATE instalment_account SET amount_yen = 0 WHERE {covered}",
        notice=found["withdrawn"].notice_id)  # fmt: skip
    _do(engine, f"UPDATE instalment_account SET term_yen = amount_yen WHERE {covered} "
        "AND term = '01'", notice=found["terms_begun"].notice_id)  # fmt: skip
    found["given_up"] = _slip(engine, OPEN, 80)
    _do(engine, "UPDATE instalment_account SET term_yen = amount_yen, "
        f"written_off_yen = amount_yen WHERE {covered}", notice=found["given_up"].notice_id)  # fmt: skip
    whole = _slip(engine, f"{OPEN} AND s.term = '00'", 1)
    found["paid_otherwise"] = _slip(engine, f"s.notice_id = {whole.notice_id} AND s.term = '01'")
    _do(engine, f"UPDATE instalment_account SET whole_yen = amount_yen WHERE {covered}",
        notice=whole.notice_id)  # fmt: skip
    return found
