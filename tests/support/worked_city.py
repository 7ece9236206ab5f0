"""働いた市: the small city after a day of work, with a request of every kind and a row for every page.

What the staff of the demo do is done here by the same module; the rest is asked for one by one, by
the modules that pages ask. Only what would take years (records past their time) or another party
(the city's identity provider) is put together by hand.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from payments import approve
from payments.domain.arrivals import ArrivalRule
from payments.domain.identifiers import ElNumber
from payments.domain.plans import even_payments
from payments.plans import owed_on
from payments.store.municipalities import load_profile
from payments.store.unit_of_work import reading, unit_of_work
from reconcile import announce, certificate, day_close
from reconcile.arrivals import rules as arrival_rules
from reconcile.arrivals.sources import sources
from reconcile.charges import planning, waiving, write_offs
from reconcile.debit import release as debit_release
from reconcile.debit.accounts import SET, Account, Wish, register_one
from reconcile.dunning import release as dunning_release
from reconcile.dunning.record import list_of as dunning_list
from reconcile.placement.ask import ask_placement
from reconcile.placement.credit_ask import CreditPlacement, ask_credit_placement
from reconcile.placement_model import Placement
from reconcile.refunds import batches, decide, notices
from reconcile.refunds import release as refund_release
from reconcile.refunds import withdraw as refund_withdraw
from reconcile.suggest import aliases
from web import clock, slip_release
from web.accounts import role_change, staff
from web.admin import parameters
from web.approval_desk import decide_as
from web.approval_effects import LIVE, live_content
from web.commands.demo_desk import work
from web.commands.session import Session
from web.debits.asking import ask as ask_debit
from web.notifications import keys
from web.residents import linking
from web.residents import sessions as resident_sessions
from web.residents.identity import Claims, arrive
from web.retention import letting_go
from web.retention.archive import Archive
from web.slips.printing import print_slip

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection, Engine

    from payments.approve import Approval
    from payments.domain.profile import Profile
    from web.config import Settings

M = "99999"
NOW = datetime(2026, 7, 15, 3, tzinfo=UTC)
TODAY = date(2026, 7, 15)
BY: dict[str, Any] = {"asked_by": "kaikei", "at": NOW, "reason": "試し"}
_MATCHED = """
SELECT o.file_id, o.line_no FROM line_outcome o JOIN receipt r
ON r.municipality_code = :m AND r.file_id = o.file_id AND r.line_no = o.line_no
WHERE o.municipality_code = :m AND o.outcome = 'matched' AND r.stage = 'confirmed'
ORDER BY o.file_id, o.line_no LIMIT 1"""
_SETTLED = """
SELECT d.file_id, d.line_no FROM deposit d JOIN line_outcome o
ON o.municipality_code = :m AND o.file_id = d.file_id AND o.line_no = d.line_no
WHERE d.municipality_code = :m AND o.outcome = 'settled' ORDER BY d.file_id, d.line_no LIMIT 1"""


def frozen(patch: Any) -> None:
    """The clock of a day on which something is due, and something to come."""
    patch.setattr(clock, "now", lambda: NOW)
    patch.setattr(clock, "today", lambda: TODAY)


def work_everything(settings: Settings, engine: Engine) -> None:
    """The work of a day; the clock is that of :func:`frozen`."""
    session = Session(settings)
    session.engine = engine
    work(session)
    day = _Day(settings, engine)
    for step in (
        _debits, _refunds, _charges, _money, _periods, _people, _settings, _paper, _records,
    ):  # fmt: skip
        step(day)


class _Day:
    """机の一日: where each step is done."""

    def __init__(self, settings: Settings, engine: Engine) -> None:
        self.settings, self.engine = settings, engine

    def write(self, deed: Callable[[Connection, Profile], Any]) -> Any:
        """One deed in a transaction of its own."""
        with unit_of_work(self.engine, M) as connection:
            return deed(connection, load_profile(connection, M))

    def rows(self, statement: str) -> list[Any]:
        with reading(self.engine, M) as connection:
            return list(connection.execute(text(statement), {"m": M}))

    def agree(self, approval: Approval, by: str = "shonin") -> None:
        with reading(self.engine, M) as connection:
            person = staff.one(connection, M, by)
        decide_as(self.engine, M, approval.approval_id, "approved", person=person)

    def waiting(self, kind: str) -> Approval:
        with reading(self.engine, M) as connection:
            return approve.approvals(connection, M, state=approve.WAITING, kind=kind, limit=1)[0]


def _debits(day: _Day) -> None:
    """口座振替: one batch released, one to be taken back, one to be made again."""
    (released,) = day.rows(
        "SELECT batch_no FROM debit_event WHERE municipality_code = :m AND event = 'released'"
    )
    (payer,) = day.rows(
        "SELECT n.obligor_no, a.bank_code, a.bank_name, a.branch_code, a.branch_name "
        "FROM debit_row w JOIN notice n ON n.municipality_code = :m AND n.notice_id = w.notice_id "
        "JOIN debit_account a ON a.municipality_code = :m AND a.entry_no = w.entry_no "
        f"WHERE w.municipality_code = :m AND w.batch_no = {released.batch_no} AND w.row_no = 1"
    )
    account = Account(
        payer.bank_code, payer.bank_name, payer.branch_code, payer.branch_name, "1", "7654321",
        "ﾐﾎﾝ ﾊﾅｺ",
    )  # fmt: skip
    wish = Wish(payer.obligor_no, "", SET, TODAY, account, "口座の変更届")
    day.write(lambda c, _p: register_one(c, M, wish, actor="shuno", at=NOW))
    for kind in (debit_release.REPLACE, debit_release.WITHDRAW):

        def ask(connection: Connection, profile: Profile, kind: str = kind) -> Any:
            number = released.batch_no
            return ask_debit(connection, profile, kind, number, asked_by="shuno", reason="試し")

        day.write(ask)


def _refunds(day: _Day) -> None:
    """還付: one asked to be cancelled, one in a batch that waits, a letter to the person."""
    found = day.rows("SELECT refund_no, file_id, line_no FROM refund WHERE municipality_code = :m")
    subject = f"line:{found[0].file_id}:{found[0].line_no}"
    day.write(lambda c, p: notices.issue(c, p, subject, on=TODAY, by="shuno", at=NOW))
    day.write(lambda c, p: decide.ask_cancel(c, p, found[0].refund_no, **BY))
    transfer_on = date(2026, 7, 21)
    made = day.write(
        lambda c, p: batches.build(c, p, transfer_on, by="kaikei", at=NOW, today=TODAY)
    )
    day.write(lambda c, p: refund_release.ask_release(c, p, made.batch_no, **BY))
    day.write(lambda c, p: refund_withdraw.ask_withdraw(c, p, made.batch_no, **BY))


def _charges(day: _Day) -> None:
    """減免・分納・不納欠損: asked for, a plan agreed, a claim that is to be taken up again."""
    (claim,) = day.rows(
        "SELECT notice_id, term FROM instalment WHERE municipality_code = :m "
        "ORDER BY notice_id, term LIMIT 1"
    )
    place = (claim.notice_id, claim.term)
    day.write(lambda c, _p: waiving.ask_waiver(c, M, waiving.Waiving(place, "whole"), **BY))
    day.agree(day.waiting(write_offs.KIND))
    (gone,) = day.rows("SELECT notice_id, term FROM write_off WHERE municipality_code = :m LIMIT 1")
    day.write(lambda c, _p: write_offs.ask_reversal(c, M, (gone.notice_id, gone.term), **BY))

    (owed,) = day.rows(
        "SELECT i.notice_id, i.term FROM instalment i JOIN instalment_account a "
        "ON a.municipality_code = :m AND a.notice_id = i.notice_id AND a.term = i.term "
        "WHERE i.municipality_code = :m AND NOT i.direct_debit AND a.amount_yen > 40000 "
        "AND a.term_yen + a.whole_yen = 0 ORDER BY i.notice_id DESC, i.term LIMIT 1"
    )
    places = [(owed.notice_id, owed.term)]

    def plan(connection: Connection, profile: Profile) -> Approval:
        _whose, each = owed_on(connection, M, places)
        days = [date(2026, 8, 25), date(2026, 9, 25)]
        parts = even_payments(sum(one.open_yen for one in each), days)
        return planning.ask_plan(connection, profile, places, parts, **BY)

    day.agree(day.write(plan))


def _money(day: _Day) -> None:
    """充当先: the money of a payment and of a credit taken from where it stands."""
    (payment,), (credit,) = day.rows(_MATCHED), day.rows(_SETTLED)
    day.write(
        lambda c, p: ask_placement(c, p, Placement(payment.file_id, payment.line_no, ()), **BY)
    )
    day.write(lambda c, p: ask_credit_placement(c, p, CreditPlacement(*credit), **BY))


def _periods(day: _Day) -> None:
    """締め: of a day and of a year, and to be taken back."""

    def ask(kind: str, subject: str) -> Approval:
        asked: Approval = day.write(
            lambda c, _p: day_close.ask(c, M, kind, subject, despite=True, **BY)
        )
        return asked

    day.write(lambda c, _p: announce.start(c, M))  # others are told of what is closed from now on
    day.agree(ask(day_close.CLOSE, "2026-05-31"))
    ask(day_close.YEAR_CLOSE, "2025")
    day.agree(day.waiting(day_close.YEAR_CLOSE))
    ask(day_close.YEAR_REOPEN, "2025")
    day.agree(ask(day_close.CLOSE, "2026-06-01"))
    ask(day_close.REOPEN, "2026-06-01")
    ask(day_close.CLOSE, "2026-06-02")


def _people(day: _Day) -> None:
    """人: rights for somebody, a certificate in spite of what lacks, a doubtful link."""

    def roles(connection: Connection, _profile: Profile) -> None:
        person = staff.one(connection, M, "nofu")
        role_change.change(connection, M, person, ("slips", "treasury"), by="joho", reason="異動")

    def certify(connection: Connection, profile: Profile) -> None:
        content = certificate.despite_content(connection, profile, TODAY, NOW)
        approve.ask(connection, M, certificate.KIND, TODAY.isoformat(), content, **BY)

    def link(connection: Connection, _profile: Profile) -> None:
        claims = Claims("別 名", "", "別の住所")
        resident_id = arrive(connection, day.settings, M, "https://op.example", "worked")
        session = resident_sessions.begin(connection, day.settings, M, resident_id, claims)
        number = connection.execute(
            text(
                "SELECT el_number FROM slip WHERE municipality_code = :m "
                "AND el_number IS NOT NULL ORDER BY slip_id LIMIT 1"
            ),
            {"m": M},
        ).scalar_one()
        signed = resident_sessions.Signed(session.partition(".")[0], resident_id, claims)
        linking.ask(connection, day.settings, M, signed, ElNumber.parse(number))
        (waits,) = linking.waiting_requests(connection, M)
        request = linking.request_of(connection, day.settings, M, waits.request_no)
        approve.ask(
            connection, M, linking.KIND, str(waits.request_no), linking.content_of(request), **BY
        )

    for deed in (roles, certify, link):
        day.write(deed)


def _settings(day: _Day) -> None:
    """設定: of the body, of what is awaited, of a key; live, too."""

    def rules(connection: Connection, profile: Profile) -> None:
        source = sources(profile)[0].code
        rule = ArrivalRule(source, cut_off="13:00", effective_on="2026-08-01")
        arrival_rules.ask(connection, profile, [rule], **BY)

    def change(connection: Connection, profile: Profile) -> None:
        changed = replace(profile, confirmation_days=profile.confirmation_days + 1)
        parameters.ask(connection, M, changed, date(2026, 8, 1), **BY)

    def live(connection: Connection, profile: Profile) -> None:
        approve.ask(connection, M, LIVE, f"municipality:{M}", live_content(profile), **BY)

    def key(connection: Connection, _profile: Profile) -> None:
        keys.add(connection, day.settings, M, "worked-key", operator_name="試しの事業者")

    for deed in (rules, change, live, key):
        day.write(deed)


def _paper(day: _Day) -> None:
    """紙: one slip is printed and is to leave the building; so are the letters of a list."""

    def letters(connection: Connection, _profile: Profile) -> None:
        # Of this city nobody is dunned while its channels are behind: as if one had been listed.
        found = dunning_list(connection, M, 1)
        content = {
            "list_no": 1, "as_of": found.as_of_on.isoformat(),
            "cut_off": found.cut_off_on.isoformat(), "letters": 1, "amount_yen": 1_000,
            "held_back": found.row_count - 1, "rows_sha256": found.rows_sha256,
            "files_sha256": found.files_sha256, "despite_id": found.despite_id,
        }  # fmt: skip
        approve.ask(connection, M, dunning_release.KIND, "list:1", content, **BY)

    day.write(letters)
    (slip,) = day.rows(
        "SELECT slip_no FROM slip WHERE municipality_code = :m AND state = 'new' "
        "ORDER BY slip_id LIMIT 1"
    )
    print_slip(day.engine, M, day.settings.home, slip.slip_no, actor="nofu")
    (run,) = day.rows("SELECT MAX(run_id) AS run_id FROM print_run WHERE municipality_code = :m")
    day.write(
        lambda c, p: slip_release.ask_release(c, p, run.run_id, asked_by="nofu", reason="試し")
    )


def _records(day: _Day) -> None:
    """記録: an archive that is to be let go, a name that was learned."""
    archived = Archive(
        1, "account_view", NOW, 7, "0" * 64, "account_view.parquet", "1" * 64, NOW, "kaikei", None
    )
    day.write(lambda c, _p: letting_go.ask(c, M, archived, by="kaikei", at=NOW, reason="試し"))
    (person,) = day.rows(
        "SELECT obligor_no FROM obligor WHERE municipality_code = :m ORDER BY obligor_no LIMIT 1"
    )
    approval = day.waiting(LIVE)
    day.write(
        lambda c, p: aliases.learn(
            c,
            p,
            "ﾐﾎﾝ ﾀﾛｳ",
            person.obligor_no,
            approval_id=approval.approval_id,
            on=TODAY,
            actor="kaikei",
            reason="試し",
        )
    )
