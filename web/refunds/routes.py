"""過誤納と還付の画面: what waits, why, what it is appropriated to first, and what goes back.

An overpayment is named in addresses by the line or the claim that holds it, never by a person.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Response, g, redirect, render_template, request, url_for

from payments.domain.errors import KokinError, NotFoundError, RefusedError
from payments.domain.overpayment import OverpaymentReason
from payments.domain.reason import REASON_MAX
from payments.store.unit_of_work import reading, unit_of_work
from reconcile.refunds import another_account, appropriate, decide, notices, payees
from reconcile.refunds.classing import Grounds, classify
from reconcile.refunds.events import happenings, refund, refunds
from reconcile.refunds.found import overpayment
from web import clock, stale
from web.accounts.record import record
from web.approval_roles import duty, require_asker
from web.duties import Do, can, holds
from web.errors import status_of
from web.refunds.paper import notice_pdf
from web.refunds.shared import all_words, consent, day, reason, refunding, said, typed
from web.refunds.words import interest_lines, nothing_words
from web.refunds.working import bears_of, sums_of
from web.security import may
from web.services import services

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    from sqlalchemy import Connection
    from werkzeug.wrappers import Response as BaseResponse

    from reconcile.refunds.found import Overpayment

    Deed = Callable[[Connection], object]

# ---- one of them ----


@refunding.get("/overpayments/<subject>")
@may(Do.READ_REFUNDS)
def show(subject: str) -> str:
    """過誤納の一件: what it is, the calculation line by line, and what may be done."""
    return _page(subject)


@refunding.post("/overpayments/<subject>/reason")
@may(Do.WORK_REFUNDS)
def classed(subject: str) -> BaseResponse | tuple[str, int]:
    """認定."""

    def deed(connection: Connection) -> None:
        classify(
            connection, services().profile, subject,
            Grounds(
                request.form.get("reason", ""), day("event_on"), day("corrected_on"),
                day("paid_on"), request.form.get("note", "")[: REASON_MAX + 1],
            ),
            by=g.user.user_name, at=clock.now(), as_of=clock.today(),
        )  # fmt: skip
        record(connection, "overpayment_classed", subject)

    return _do(subject, deed)


@refunding.post("/overpayments/<subject>/appropriation")
@may(Do.WORK_REFUNDS)
def ask_appropriation(subject: str) -> BaseResponse | tuple[str, int]:
    """充当の依頼: just what the page proposes; 委託納付 of what the person has agreed to."""

    def deed(connection: Connection) -> None:
        require_asker(g.user, appropriate.KIND)
        asked = appropriate.ask_appropriation(
            connection, services().profile, subject, as_of=clock.today(),
            asked_by=g.user.user_name, at=clock.now(), reason=reason(),
            consent=consent(connection, subject),
        )  # fmt: skip
        for approval in asked:
            record(connection, "appropriation_asked", str(approval.approval_id))

    return _do(subject, deed)


@refunding.post("/overpayments/<subject>/refund")
@may(Do.WORK_REFUNDS)
def ask_refund(subject: str) -> BaseResponse | tuple[str, int]:
    """還付の依頼."""

    def deed(connection: Connection) -> None:
        require_asker(g.user, decide.KIND)
        approval = decide.ask_refund(
            connection, services().profile, subject, as_of=clock.today(),
            asked_by=g.user.user_name, at=clock.now(), reason=reason(),
        )  # fmt: skip
        record(connection, "refund_asked", str(approval.approval_id))

    return _do(subject, deed)


@refunding.post("/overpayments/<subject>/interest")
@may(Do.WORK_REFUNDS)
def ask_interest(subject: str) -> BaseResponse | tuple[str, int]:
    """充当した額の還付加算金の依頼."""

    def deed(connection: Connection) -> None:
        require_asker(g.user, decide.KIND)
        approval = decide.ask_interest(
            connection, services().profile, subject, as_of=clock.today(),
            asked_by=g.user.user_name, at=clock.now(), reason=reason(),
        )  # fmt: skip
        record(connection, "refund_asked", str(approval.approval_id))

    return _do(subject, deed)


@refunding.post("/overpayments/<subject>/notices")
@may(Do.WORK_REFUNDS)
def issue(subject: str) -> BaseResponse | tuple[str, int]:
    """通知書の作成: from today the thirty days run."""

    def deed(connection: Connection) -> None:
        number = notices.issue(
            connection, services().profile, subject, on=clock.today(), by=g.user.user_name,
            at=clock.now(),
        )  # fmt: skip
        record(connection, "refund_notice_made", str(number))

    return _do(subject, deed)


@refunding.post("/overpayments/<subject>/accounts")
@may(Do.WORK_REFUNDS)
def register(subject: str) -> BaseResponse | tuple[str, int]:
    """口座の登録 from paper; somebody else confirms it."""

    def deed(connection: Connection) -> None:
        names = ("bank_code", "branch_code", "account_type", "account_no", "holder")
        given = payees.payee_of(*(request.form.get(name, "")[:60] for name in names))
        about = _person(connection, subject)
        number = payees.register(
            connection, services().municipality, about, given, source=payees.PAPER,
            by=g.user.user_name, on=clock.today(), at=clock.now(),
        )  # fmt: skip
        record(connection, "payee_registered", str(number))

    return _do(subject, deed)


@refunding.get("/notices/<int:letter_no>.pdf")
@may(Do.READ_REFUNDS)
def notice(letter_no: int) -> Response:
    """通知書 as PDF; that it was taken is written down."""
    with unit_of_work(services().engine, services().municipality) as connection:
        found = notices.notice(connection, services().municipality, letter_no)
        record(connection, "refund_notice_taken", str(letter_no))
        data = notice_pdf(connection, services().profile, found)
    return Response(
        data,
        content_type="application/pdf",
        headers={"Content-Disposition": f'inline; filename="refund-notice-{letter_no}.pdf"'},
    )


# ---- a refund ----


@refunding.get("/refunds/<int:refund_no>")
@may(Do.READ_REFUNDS)
def one(refund_no: int) -> str:
    """還付の一件: its interest line by line, and everything that has happened to it."""
    return _refund_page(refund_no)


@refunding.post("/refunds/<int:refund_no>/cancellation")
@may(Do.WORK_REFUNDS)
def ask_cancel(refund_no: int) -> BaseResponse | tuple[str, int]:
    """還付の取消の依頼."""

    def deed(connection: Connection) -> None:
        require_asker(g.user, decide.CANCEL)
        approval = decide.ask_cancel(
            connection, services().profile, refund_no, asked_by=g.user.user_name,
            at=clock.now(), reason=reason(),
        )  # fmt: skip
        record(connection, "refund_cancel_asked", str(approval.approval_id))

    return _do_refund(refund_no, deed)


@refunding.post("/refunds/<int:refund_no>/payee")
@may(Do.WORK_REFUNDS)
def change_payee(refund_no: int) -> BaseResponse | tuple[str, int]:
    """振込先の訂正 of one that came back, or whose account was revoked."""

    def deed(connection: Connection) -> None:
        another_account.change_payee(
            connection, services().profile, refund_no, by=g.user.user_name, at=clock.now(),
            on=clock.today(),
        )  # fmt: skip
        record(connection, "refund_payee_changed", str(refund_no))

    return _do_refund(refund_no, deed)


# ---- what they share ----


def _page(subject: str, error: KokinError | None = None) -> str:
    today, profile, code = clock.today(), services().profile, services().municipality
    with reading(services().engine, code) as connection:
        obligor_no = _person(connection, subject)
        found = _found(connection, subject, today)
        proposal, later = None, list[appropriate.NotDue]()
        if found is not None and found.waiting_yen > 0:
            proposal = appropriate.proposal(connection, profile, subject, today)
            if proposal.rest_yen > 0:
                later = appropriate.not_due(connection, code, found, today)
        interest = None
        if found is not None and found.interest_from_on is not None and found.waiting_yen > 0:
            interest, _out = decide.interest_of(
                connection, profile, found, found.waiting_yen, today
            )
        made = notices.notices_of(connection, code, subject)
        back = refunds(connection, code, subject=subject)
        accounts = payees.history(connection, code, obligor_no)
        done = notices.appropriated(connection, code, subject)
        bears = bears_of(connection, code, subject, proposal, today)
    return render_template(
        "refunds/show.html",
        subject=subject,
        found=found,
        proposal=proposal,
        later=later,
        chosen=request.form.getlist("entrusted") if error is not None else [],
        interest=interest,
        lines=interest_lines(interest) if interest else [],
        nothing=nothing_words(interest) if interest else "",
        notices=made,
        refunds=back,
        accounts=accounts,
        done=done,
        bears=bears,
        reasons=list(OverpaymentReason),
        account_types=payees.ACCOUNT_TYPES,
        may_work=can(g.user, Do.WORK_REFUNDS),
        may_ask=holds(g.user, duty(decide.KIND).asks),
        error=said(error),
        typed=typed(error),
        shown=stale.shown(found, [each.state for each in accounts]),
        field=stale.FIELD,
        today=today,
        reason_max=REASON_MAX,
        words=all_words(),
    )


def _refund_page(refund_no: int, error: KokinError | None = None) -> str:
    code = services().municipality
    with reading(services().engine, code) as connection:
        found = refund(connection, code, refund_no)
        history = happenings(connection, code, refund_no)
        accounts = {
            number: payees.account(connection, code, number).shown
            for number in {found.account_no, *(h.account_no for h in history if h.account_no)}
        }
        given = another_account.another(connection, code, found)
        waiting = next(
            (
                each
                for each in payees.history(connection, code, found.obligor_no)
                if each.state == payees.WAITING
            ),
            None,
        )
        sums = sums_of(connection, code, found)
        wants_payee = another_account.wants_payee(connection, code, found)
    return render_template(
        "refunds/refund.html",
        refund=found,
        history=history,
        accounts=accounts,
        given=given,
        waiting=waiting,
        sums=sums,
        wants_payee=wants_payee,
        may_work=can(g.user, Do.WORK_REFUNDS),
        error=said(error),
        typed=typed(error),
        reason_max=REASON_MAX,
        words=all_words(),
    )


def _do(subject: str, deed: Deed) -> BaseResponse | tuple[str, int]:
    """A deed about an overpayment, in one transaction; what is wrong is said on its page."""
    today, code = clock.today(), services().municipality
    try:
        with unit_of_work(services().engine, code) as connection:
            found = _found(connection, subject, today)
            accounts = payees.history(connection, code, _person(connection, subject))
            stale.require_shown(stale.shown(found, [each.state for each in accounts]))
            deed(connection)
    except NotFoundError:
        raise
    except KokinError as error:
        return _page(subject, error), status_of(error)
    return redirect(url_for("refunds.show", subject=subject), 303)


def _do_refund(refund_no: int, deed: Deed) -> BaseResponse | tuple[str, int]:
    try:
        with unit_of_work(services().engine, services().municipality) as connection:
            deed(connection)
    except NotFoundError:
        raise
    except KokinError as error:
        return _refund_page(refund_no, error), status_of(error)
    return redirect(url_for("refunds.one", refund_no=refund_no), 303)


def _found(connection: Connection, subject: str, today: date) -> Overpayment | None:
    """The overpayment as it stands; None where all of it has gone its way."""
    try:
        return overpayment(connection, services().profile, subject, today)
    except NotFoundError:
        return None


def _person(connection: Connection, subject: str) -> str:
    """Whose it is; :class:`NotFoundError` ``overpayment`` for what never was one."""
    found = _found(connection, subject, clock.today())
    if found is not None:
        return found.obligor_no
    try:
        _kind, obligor_no, _content = notices.content_of(
            connection, services().profile, subject, clock.today()
        )
    except RefusedError:
        raise NotFoundError("overpayment", subject=subject) from None
    return obligor_no
