"""二つの団体: the sample city and a small neighbour on one installation, and who sees what.

``OWN`` is the small one whose people, keys and commands try everything; ``OTHER`` is the city, of
which they must neither see nor change anything. Small numbers exist in both, large ones only in the
city. What belongs to the city alone is read from its own rows, so that a new table is covered the
day it is made.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from slip_town import SlipTown
from sqlmodel import SQLModel

from payments import holds, plans
from payments.domain.debiting import DebitBank, Debiting
from payments.domain.holds import HoldKind, Span
from payments.domain.identifiers import ElNumber
from payments.domain.plans import PlanPart
from payments.store.bulk import take_numbers
from payments.store.dunning_tables import DunningListRow, DunningRowRow
from payments.store.unit_of_work import reading
from payments.uploads import WrittenUpload, begin_upload, record_upload
from payments.versions import Act as SlipAct
from reconcile import day_close, flag
from reconcile.audit.seal import seal_pending
from reconcile.debit.accounts import Account, Wish, register_one
from reconcile.debit.batches import Row
from reconcile.debit.build import Act as DebitAct
from reconcile.debit.build import write
from reconcile.debit.choose import Asked as DebitsAsked
from reconcile.debit.choose import Choice
from reconcile.dunning.record import Happening, append
from reconcile.dunning.rules import Terms
from reconcile.model import Delivery
from reconcile.pipeline import take_in
from reconcile.refunds import payees
from reconcile.refunds.events import write_event
from reconcile.store.refund_tables import (
    OverpaymentRow,
    RefundBatchRow,
    RefundNoticeRow,
    RefundRow,
)
from reconcile.suggest import aliases
from web import clock
from web.accounts import sessions, staff
from web.app import create_app
from web.cases.asked import Asked
from web.cases.views import save_view
from web.commands.setup import SAMPLE_MUNICIPALITY, SECOND_SAMPLE, sample_profile
from web.events import subscribers
from web.events.kinds import require_kinds
from web.jobs import history
from web.notifications import keys
from web.notifications.signing import signed_headers
from web.people.tables import AccountViewRow
from web.residents import linking
from web.residents import sessions as resident_sessions
from web.residents.identity import Claims, arrive

if TYPE_CHECKING:
    from flask import Flask
    from sqlalchemy import Connection, Engine
    from werkzeug.test import TestResponse

    from payments.domain.profile import Profile
    from web.config import Settings

views = AccountViewRow.__table__  # type: ignore[attr-defined]
OWN, OTHER = SECOND_SAMPLE, SAMPLE_MUNICIPALITY
PASSWORDS = {OWN: "tonari-no-himitsu", OTHER: "kaikei-no-himitsu"}
NOTIFIED = "only-in-the-city"  # a notification that only the city has got
PEOPLE = {
    "arai": ("slips",),  # of both bodies, and first of all: what is done to people is done to them
    "kaikei": ("treasury",),
    "kansa": ("auditor",),
    "nofu": ("slips",),
    "shunin": ("admin", "approver"),
    "shuno": ("collection",),
}
SIGNED_IN = sessions.SignIn(("password",), (), "127.0.0.1", "test")
AT = datetime(2026, 6, 3, 3, tzinfo=UTC)
ON = date(2026, 6, 3)
# What a batch of refunds and a letter about one say, whoever they are of.
ORDER = {
    "orderer_code": "1234567890", "orderer_name": "ﾐﾎﾝ", "transfer_on": "2026-06-03",
    "bank_code": "9999", "bank_name": "", "branch_code": "999", "branch_name": "",
    "account_type": "1", "account_no": "0000001", "transfers": None,
}  # fmt: skip
LETTER = {
    "place": ["901", 2026, "0", "01"], "reason": "paid_twice", "paid_on": "2026-06-03",
    "arose_on": "2026-06-03", "interest_from_on": "2026-06-03", "total_yen": 10_000,
    "refund_yen": 10_000, "parts": [], "claim_late_on": "2026-07-04", "expires_on": "2031-06-03",
}  # fmt: skip
JOBS = ("verify", "overdue", "seal")
# Argument of a route or command → where its values are. A new argument that names something of a
# body is added here; routes and commands that use it are then tried with it.
ASKED = {
    "case_no": ("review_case", "case_no"),
    "view_no": ("case_view", "view_no"),
    "file_id": ("source_file", "file_id"),
    "approval_id": ("approval", "approval_id"),
    "notice_id": ("notice", "notice_id"),
    "notice_no": ("notice", "notice_no"),
    "run_id": ("print_run", "run_id"),
    "upload_id": ("slip_upload", "upload_id"),
    "slip_no": ("slip", "slip_no"),
    "el_number": ("slip", "el_number"),
    "hold_no": ("hold_event", "hold_no"),
    "alias_no": ("payer_alias", "alias_no"),
    "key_id": ("api_key", "key_id"),
    "user_name": ("staff_user", "user_name"),
    "session_id": ("staff_session", "session_id"),
    "job_run_id": ("job_run", "run_id"),
    "event_no": ("event", "event_no"),
    "subscriber": ("event_subscriber", "name"),
    "slip_id": ("slip", "slip_id"),
    "view_id": ("account_view", "view_id"),
    "obligor_no": ("obligor", "obligor_no"),
    "debit_no": ("debit_batch", "batch_no"),
    "list_no": ("dunning_list", "list_no"),
    "plan_no": ("payment_plan", "plan_no"),
    "refund_no": ("refund", "refund_no"),
    "batch_no": ("refund_batch", "batch_no"),
    "account_no": ("payee_account", "account_no"),
    "letter_no": ("refund_notice", "notice_no"),
    "request_no": ("resident_request", "request_no"),
    "link_no": ("resident_link", "link_no"),
}
# Values that say nothing about anybody: dates and instants, the words of the program.
INSTANT = re.compile(r"\d{4}-\d\d-\d\d([T ].*)?")
CODE = re.compile(r"[a-z_]+")
TEXT_MIN, DIGITS_MIN = 6, 14


def build(settings: Settings, engine: Engine) -> TwoBodies:
    """The neighbour beside the city that the database holds, and more of everything in the city."""
    url = engine.url.render_as_string(hide_password=False)
    neighbour = SlipTown(url, sample_profile(OWN))
    found = {}
    found[OWN] = _live(
        neighbour, notices=(1, 2), operator="operator-own", day=ON, settings=settings
    )
    with neighbour.write() as connection:
        for name, roles in PEOPLE.items():
            staff.add(
                connection,
                OWN,
                name,
                roles=roles,
                display_name=f"隣 {name}",
                password=PASSWORDS[OWN],
            )
        sessions.begin(connection, OWN, "arai", SIGNED_IN)
    neighbour.close()
    city = SlipTown(url, sample_profile(OTHER))
    with city.write() as connection:
        name, password = "荒井 梓（みほん市）", PASSWORDS[OTHER]
        staff.add(connection, OTHER, "arai", roles=("slips",), display_name=name, password=password)
        sessions.begin(connection, OTHER, "arai", SIGNED_IN)
    for round_no in range(3):  # so that the city has numbers that the neighbour has not
        first = 9_000_000 + 10 * round_no
        name = f"operator-other-{round_no}"
        day = ON + timedelta(days=round_no)
        found[OTHER] = _live(
            city, notices=(first, first + 1), operator=name, day=day, settings=settings
        )
    city.close()
    for code in (OWN, OTHER):
        seal_pending(engine, code)
    notify_city(settings, engine, found[OTHER])
    return TwoBodies(settings, engine, found)


def _live(
    town: SlipTown, notices: tuple[int, ...], operator: str, day: date, settings: Settings
) -> tuple[str, str]:
    """Something of every kind: slips, payments, cases, holds, aliases, approvals, uploads.

    Gives the id and the secret of the operator's key.
    """
    with town.write() as connection:
        wish = subscribers.Wish(
            f"listener-{operator}", subscribers.FOLDER, str(settings.home), require_kinds(()), ()
        )
        subscribers.subscribe(connection, settings, town.code, wish, actor="abe")
        history.ask(connection, town.code, JOBS[notices[0] // 10 % len(JOBS)], actor="abe")
    for number in notices:
        town.notice(number, (10_000, 12_000))
    town.issue()
    paid = town.rows(
        "SELECT el_number, amount_yen FROM slip WHERE municipality_code = :m "
        "ORDER BY slip_id DESC LIMIT 1"
    )[0]
    for transaction, slip in (("1", paid.el_number), ("2", paid.el_number), ("3", "")):
        body = notification(town.code, slip, f"{operator}-{transaction}", paid.amount_yen)
        delivery = Delivery(f"{operator}-{transaction}.json", body)
        take_in(town.engine, town.code, delivery, received_on=ON)
    with town.write() as connection:
        secret = keys.add(
            connection, settings, town.code, operator, operator_name=f"事業者 {operator}"
        )
        target = holds.target_of(connection, town.code, f"901/2026/{notices[0]:010d}/02")
        holds.set_hold(
            connection, town.code, target, HoldKind.DUNNING, Span(ON, None),
            reason=f"保留 {operator}", actor="abe", at=AT,
        )  # fmt: skip
        asked = day_close.ask(
            connection, town.code, "day_close", day.isoformat(),
            asked_by="abe", at=AT, reason=f"依頼 {operator}", despite=True,
        )  # fmt: skip
        case = flag.Case("overdue", f"group:{asked.approval_id}", 5)
        flag.open_cases(connection, town.code, [case], on=ON.isoformat(), actor="abe")
        save_view(
            connection, town.code, Asked(), name=f"一覧 {operator}", shared=True,
            user_name="kaikei", at=AT,
        )  # fmt: skip
        aliases.learn(
            connection, town.profile, f"ﾐﾎﾝ{operator}", f"{notices[0]:012d}",
            approval_id=asked.approval_id, on=ON, actor="abe", reason=f"名義 {operator}",
        )  # fmt: skip
        connection.execute(
            views.insert().values(
                municipality_code=town.code,
                view_id=hashlib.sha256(operator.encode()).hexdigest()[:32],
                viewed_at=AT, actor="kaikei", session_digest="", obligor_no=f"{notices[0]:012d}",
                purpose="counter", note=f"閲覧 {operator}", source="",
            )
        )  # fmt: skip
        _agreed(connection, town.profile, target.notice_id, operator)
        _owed_back(connection, town.profile, notices[0], operator)
        _dunned(connection, town.code, target.notice_id, notices[0], operator)
        _resident(connection, settings, town.code, f"{notices[0]:012d}", operator)
        upload_id, lines = begin_upload(connection, town.profile)
        written = WrittenUpload(upload_id, f"upload-{operator}.csv", lines, 0, "0" * 64)
        record_upload(connection, town.code, written, actor="abe", at=AT)
    _debited(town, notices[1], day)
    return operator, secret


def _resident(
    connection: Connection, settings: Settings, code: str, obligor_no: str, name: str
) -> None:
    """Somebody who is linked to a person, and asked to be linked to another."""
    claims = Claims(f"氏名 {name}", "", f"住所 {name}")
    resident_id = arrive(connection, settings, code, "https://op.example", name)
    session = resident_sessions.begin(connection, settings, code, resident_id, claims)
    number = connection.execute(
        sa.text(
            "SELECT el_number FROM slip WHERE municipality_code = :m AND el_number IS NOT NULL "
            "ORDER BY slip_id LIMIT 1"
        ),
        {"m": code},
    ).scalar_one()
    signed = resident_sessions.Signed(session.partition(".")[0], resident_id, claims)
    linking.ask(connection, settings, code, signed, ElNumber.parse(number))
    linking.write(connection, code, resident_id, linking.LINKED, obligor_no, linking.BY_DESK, "abe")


def _agreed(connection: Connection, profile: Profile, notice_id: int, name: str) -> None:
    """A payment plan over the first instalment of a notice."""
    _whose, (owed,) = plans.owed_on(connection, profile.municipality_code, [(notice_id, "01")])
    part = PlanPart(ON, *owed)
    plans.agree(connection, profile, [part], SlipAct("abe", AT, ON), reason=f"誓約 {name}")


def _owed_back(connection: Connection, profile: Profile, number: int, name: str) -> None:
    """Money that goes back to somebody: their account, a notice, and a refund in a batch.

    The rows of the refund stand alone, for these bodies are never verified.
    """
    code, obligor_no = profile.municipality_code, f"{number:012d}"
    given = payees.payee_of("9998", "002", "1", f"{number:07d}", "ﾐﾎﾝ")
    account_no = payees.register(
        connection, code, obligor_no, given, source=payees.PAPER, by=f"係 {name}", on=ON, at=AT
    )
    who = {"municipality_code": code, "made_at": AT}
    names = ("refund", "refund_batch", "refund_notice", "overpayment", "approval")
    taken = {key: take_numbers(connection, code, key, 1) for key in names}
    (notice_id,) = connection.execute(
        sa.text("SELECT notice_id FROM notice WHERE municipality_code = :m AND obligor_no = :no"),
        {"m": code, "no": obligor_no},
    ).one()
    about = {"notice_id": notice_id, "term": "01", "obligor_no": obligor_no}
    connection.execute(
        OverpaymentRow.__table__.insert().values(  # type: ignore[attr-defined]
            overpayment_no=taken["overpayment"], subject=f"claim:{notice_id}/01", file_id=0,
            line_no=0, reason="paid_twice", paid_on=ON, arose_on=ON, interest_from_on=ON,
            note=f"二重 {name}", actor="abe", **about, **who,
        )
    )  # fmt: skip
    connection.execute(
        RefundNoticeRow.__table__.insert().values(  # type: ignore[attr-defined]
            notice_no=taken["refund_notice"], obligor_no=obligor_no,
            subject=f"claim:{notice_id}/01", kind="refund", content_json=json.dumps(LETTER), noticed_on=ON,
            actor=f"係 {name}", **who,
        )
    )  # fmt: skip
    connection.execute(
        RefundRow.__table__.insert().values(  # type: ignore[attr-defined]
            refund_no=taken["refund"], approval_id=taken["approval"],
            overpayment_no=taken["overpayment"], file_id=0, line_no=0, amount_yen=10_000,
            interest_yen=0, **about,
            interest_from_on=ON, decided_on=ON, account_no=account_no, journal_id=1,
            asked_by=f"依頼 {name}", decided_by="abe", **who,
        )
    )  # fmt: skip
    write_event(connection, code, taken["refund"], "decided", on=ON, by=f"係 {name}", at=AT)
    connection.execute(
        RefundBatchRow.__table__.insert().values(  # type: ignore[attr-defined]
            batch_no=taken["refund_batch"], transfer_on=ON, account_key=f"key-{number}",
            build_no=1, order_json=json.dumps(ORDER), count=1, amount_yen=10_000, interest_yen=0,
            file_sha256="0" * 64, difference_json="{}", reason="", built_by=f"係 {name}", **who,
        )
    )  # fmt: skip


def _dunned(connection: Connection, code: str, notice_id: int, number: int, name: str) -> None:
    """A list of one letter. Its rows stand alone, for these bodies are never verified."""
    list_no = take_numbers(connection, code, "dunning_list", 1)
    of_list = {"municipality_code": code, "list_no": list_no}
    connection.execute(
        DunningListRow.__table__.insert().values(  # type: ignore[attr-defined]
            **of_list, as_of_on=ON, cut_off_on=ON, terms_json=Terms(ON).as_json(), journal_id=1,
            file_id=1, row_count=1, listed_count=1, listed_yen=10_000, rows_sha256="0" * 64,
            files_sha256="0" * 64, actor=f"係 {name}", made_at=AT,
        )
    )  # fmt: skip
    connection.execute(
        DunningRowRow.__table__.insert().values(  # type: ignore[attr-defined]
            **of_list, notice_id=notice_id, term="01", obligor_no=f"{number:012d}",
            item_code="901", due_on=ON, amount_yen=10_000, paid_yen=0, ground="", grounds=0,
        )
    )  # fmt: skip
    append(connection, code, list_no, Happening("drawn", ON, f"係 {name}", AT, 1))


def _debited(town: SlipTown, number: int, day: date) -> None:
    """A batch of one debit, for a day of its own."""
    (row,) = town.rows(
        "SELECT n.notice_id, n.obligor_no FROM notice n WHERE n.municipality_code = :m "
        "AND n.notice_no = :no",
        no=f"{number:010d}",
    )
    bank = DebitBank("9999", "ﾃｽﾄ", "999", "ﾎﾝﾃﾝ", "1", "1234567")
    profile = replace(town.profile, debit=Debiting("ﾐﾎﾝｼ", (bank,)))
    account = Account("9999", "ﾃｽﾄ", "001", "ﾎﾝﾃﾝ", "1", f"{number:07d}", f"ｾﾞｲﾓｸ {number}")
    with town.write() as connection:
        wish = Wish(row.obligor_no, "", "set", day, account, f"届出 {number}")
        entry_no = register_one(connection, town.code, wish, actor="abe", at=AT)
        asked = Row(1, row.notice_id, "01", 10_000, f"{number:020d}", entry_no, "1")
        act = DebitAct("abe", AT, ON)
        write(connection, profile, DebitsAsked(day, day), "9999", Choice((asked,), {}), act)


def notify_city(settings: Settings, engine: Engine, key: tuple[str, str]) -> None:
    """An operator tells the city of a payment, through the door."""
    app = create_app(settings, engine, RATELIMIT_ENABLED=False)
    body = notification(OTHER, "", NOTIFIED, 12_000)
    told = TwoBodies(settings, engine, {OTHER: key}).ask(app, OTHER, "", body)
    assert told.status_code in {201, 202}, told.get_data(as_text=True)
    app.extensions["kokin"].close()


def notification(code: str, el_number: str, transaction: str, yen: int) -> bytes:
    """One payment as an operator reports it; without a number, of a slip that nobody knows."""
    number = el_number or f"{code}{'7' * 20}{'7' * 6}901"
    members = {
        "el_number": number, "amount_yen": yen, "paid_on": ON.isoformat(), "channel": "app",
        "operator_code": "A001", "transaction_id": transaction,
    }  # fmt: skip
    return json.dumps(members).encode()


@dataclass
class TwoBodies:
    """The installation, and the questions that the tests put to it."""

    settings: Settings
    engine: Engine
    keys: dict[str, tuple[str, str]]  # body → id and secret of an operator's key
    # Tables of the city in which the tests leave traces on purpose: its own people come, too.
    visited: set[str] = field(default_factory=set)

    def ask(self, app: Flask, code: str, path: str, body: bytes = b"") -> TestResponse:
        """A request about notifications, signed with a key of a body."""
        return self.ask_as(app, self.keys[code], path, body)

    def ask_as(
        self, app: Flask, key: tuple[str, str], path: str, body: bytes = b""
    ) -> TestResponse:
        """The same with any id and secret."""
        path = f"/api/v1/payment-notifications{path}"
        method = "POST" if body else "GET"
        now, nonce = str(int(clock.now().timestamp())), secrets.token_hex(16)
        headers = signed_headers(*key, now, nonce, method, path, body)
        if body:
            headers |= {"Content-Type": "application/json", "Idempotency-Key": NOTIFIED}
        return app.test_client().open(path, method=method, headers=headers, data=body)

    @cached_property
    def tables(self) -> list[sa.Table]:
        """Every table whose rows belong to a body."""
        return [t for t in SQLModel.metadata.sorted_tables if "municipality_code" in t.columns]

    def rows_of(self, connection: Connection, table: sa.Table, code: str) -> list[tuple[Any, ...]]:
        """All rows of one body."""
        order = list(table.primary_key.columns)
        found = connection.execute(
            sa.select(table).where(table.c.municipality_code == code).order_by(*order)
        )
        return [tuple(row) for row in found]

    def digests(self, code: str = OTHER) -> dict[str, str]:
        """Table → digest of what the body has in it."""
        with reading(self.engine, code) as connection:
            return {
                table.name: hashlib.sha256(
                    repr(self.rows_of(connection, table, code)).encode()
                ).hexdigest()
                for table in self.tables
            }

    @cached_property
    def marks(self) -> list[str]:
        """What stands in the rows of the city and in none of the neighbour: it may not be seen."""
        own, other = (self._texts(code) for code in (OWN, OTHER))
        with reading(self.engine, OWN) as connection:
            profile = connection.execute(
                sa.text("SELECT profile_json FROM municipality WHERE municipality_code = :m"),
                {"m": OWN},
            ).scalar_one()
        everything = "\n".join([*own, profile])
        return sorted(mark for mark in other - own if mark not in everything)

    def _texts(self, code: str) -> set[str]:
        """Every text in the rows of a body that is long enough to be somebody's."""
        found: set[str] = set()
        with reading(self.engine, code) as connection:
            for table in self.tables:
                if table.name == "municipality":
                    continue  # Names of bodies are public.
                rows = self.rows_of(connection, table, code)
                found |= {value for row in rows for value in row if isinstance(value, str)}
        return {value for value in found if _tells(value)}

    def seen_in(self, answer: str, asked: str = "") -> list[str]:
        """What an answer shows of the city, besides what the question ``asked`` said itself."""
        found = [mark for mark in self.marks if mark in answer and mark not in asked]
        # Numbers are given out per body: what was made meanwhile may be the same in both.
        return sorted(set(found) - self._texts(OWN)) if found else []

    @cached_property
    def numbers(self) -> dict[str, tuple[str, str]]:
        """Name of an argument → a value that both bodies have, and one that only the city has."""
        return {name: self._number(name, *asked) for name, asked in ASKED.items()}

    def _number(self, name: str, table: str, column: str) -> tuple[str, str]:
        own, city = (self._values(code, table, column) for code in (OWN, OTHER))
        shared, foreign = own & city, city - own
        assert foreign, f"{name} has no value that only the city has"
        # What nothing can have in both bodies is asked for by its own value.
        return str(min(shared or own)), str(max(foreign))

    def _values(self, code: str, table: str, column: str) -> set[Any]:
        statement = f"SELECT {column} FROM {table} WHERE municipality_code = :m"
        with reading(self.engine, code) as connection:
            found = connection.execute(sa.text(statement), {"m": code}).scalars()
            return {value for value in found if value is not None}


def _tells(value: str) -> bool:
    """Whether a value, seen somewhere, can only come from where it was read."""
    if INSTANT.fullmatch(value) or CODE.fullmatch(value):
        return False
    return len(value) >= (DIGITS_MIN if value.lstrip("-").isdigit() else TEXT_MIN)
