"""還付の振込の画面: batches for the bank, what its statement says, and accounts of payees."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from flask import Response, g, redirect, render_template, request, url_for

from payments.domain.calendars import bank_business_day
from payments.domain.errors import InvalidValueError, KokinError, NotFoundError
from payments.domain.reason import REASON_MAX
from payments.store.unit_of_work import reading, unit_of_work
from reconcile.refunds import bank, batches, payees, release, withdraw
from reconcile.refunds.batch_events import BUILT, batch_events
from reconcile.refunds.events import PAID, RETURNED, refunds
from web import clock
from web.accounts.record import record
from web.approval_roles import require_asker
from web.duties import Do, can
from web.errors import status_of
from web.people.find import names_of
from web.refunds.shared import all_words, reason, refunding, said
from web.security import may
from web.services import services
from web.typed_days import day_or_none

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    from sqlalchemy import Connection
    from werkzeug.wrappers import Response as BaseResponse

    Deed = Callable[[Connection], object]

LINES_SHOWN = 100

# ---- batches ----


@refunding.get("/batches")
@may(Do.READ_REFUNDS)
def batch_list() -> str:
    """振込データの一覧, and what a new one would hold."""
    return _batches_page()


@refunding.post("/batches")
@may(Do.SEND_REFUNDS)
def build() -> BaseResponse | tuple[str, int]:
    """振込データの作成."""
    try:
        with unit_of_work(services().engine, services().municipality) as connection:
            made = batches.build(
                connection, services().profile, _transfer_on(), by=g.user.user_name,
                at=clock.now(), today=clock.today(), reason=reason(),
            )  # fmt: skip
            record(connection, "refund_batch_built", str(made.batch_no))
    except KokinError as error:
        return _batches_page(error), status_of(error)
    return redirect(url_for("refunds.batch", batch_no=made.batch_no), 303)


@refunding.get("/batches/<int:batch_no>")
@may(Do.READ_REFUNDS)
def batch(batch_no: int) -> str:
    """振込データの一件: its transfers and totals, as frozen."""
    return _batch_page(batch_no)


@refunding.post("/batches/<int:batch_no>/release")
@may(Do.SEND_REFUNDS)
def ask_release(batch_no: int) -> BaseResponse | tuple[str, int]:
    """引渡しの依頼."""
    try:
        with unit_of_work(services().engine, services().municipality) as connection:
            require_asker(g.user, release.KIND)
            approval = release.ask_release(
                connection, services().profile, batch_no, asked_by=g.user.user_name,
                at=clock.now(), reason=reason(),
            )  # fmt: skip
            record(connection, "refund_batch_asked", str(approval.approval_id))
    except NotFoundError:
        raise
    except KokinError as error:
        return _batch_page(batch_no, error), status_of(error)
    return redirect(url_for("approvals.show", approval_id=approval.approval_id), 303)


@refunding.post("/batches/<int:batch_no>/withdrawal")
@may(Do.SEND_REFUNDS)
def ask_withdraw(batch_no: int) -> BaseResponse | tuple[str, int]:
    """振込データの取消の依頼; what was typed stays where it cannot be asked for."""
    try:
        with unit_of_work(services().engine, services().municipality) as connection:
            require_asker(g.user, withdraw.KIND)
            approval = withdraw.ask_withdraw(
                connection, services().profile, batch_no, asked_by=g.user.user_name,
                at=clock.now(), reason=reason(),
                stopped=request.form.get("stopped", "")[: REASON_MAX + 1],
            )  # fmt: skip
            record(connection, "refund_batch_withdraw_asked", str(approval.approval_id))
    except NotFoundError:
        raise
    except KokinError as error:
        return _batch_page(batch_no, error, withdrawing=True), status_of(error)
    return redirect(url_for("approvals.show", approval_id=approval.approval_id), 303)


@refunding.post("/batches/<int:batch_no>/file")
@may(Do.SEND_REFUNDS)
def take_file(batch_no: int) -> Response | tuple[str, int]:
    """振込ファイル: the same bytes every time, from the second time on only with a reason."""
    try:
        with unit_of_work(services().engine, services().municipality) as connection:
            data = release.hand_out(
                connection, services().municipality, batch_no, by=g.user.user_name,
                at=clock.now(), reason=reason(),
            )  # fmt: skip
            record(connection, "refund_batch_taken", str(batch_no))
            name = batches.batch(connection, services().municipality, batch_no).file_name
    except NotFoundError:
        raise
    except KokinError as error:
        return _batch_page(batch_no, error), status_of(error)
    return Response(
        data,
        content_type="text/plain; charset=shift_jis",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def _batches_page(error: KokinError | None = None) -> str:
    code, today = services().municipality, clock.today()
    asked = day_or_none(request.values.get("transfer_on", "")) or _next_day(today)
    with reading(services().engine, code) as connection:
        made = batches.batches(connection, code)
        draft = None
        try:
            draft = batches.draft(connection, services().profile, asked)
        except KokinError as lacking:
            error = error or lacking
    return render_template(
        "refunds/batches.html",
        batches=made,
        draft=draft,
        transfer_on=asked,
        may_send=can(g.user, Do.SEND_REFUNDS),
        error=said(error),
        why_typed=request.form.get("why", ""),
        reason_max=REASON_MAX,
        words=all_words(),
    )


def _batch_page(
    batch_no: int, error: KokinError | None = None, *, withdrawing: bool = False
) -> str:
    code = services().municipality
    with reading(services().engine, code) as connection:
        found = batches.batch(connection, code, batch_no)
        after = request.args.get("after", 0, int) or 0
        page = batches.lines(connection, code, batch_no, after=after, most=LINES_SHOWN + 1)
        frozen = page[:LINES_SHOWN]
        numbers = [line.refund_no for line in frozen] or [0]
        revoked = list[int]()
        if found.state in {BUILT, *batches.GONE}:
            every = batches.lines(connection, code, batch_no)
            gone = payees.not_counting(connection, code, (line.account_no for line in every))
            revoked = [line.refund_no for line in every if line.account_no in gone]
        history = batch_events(connection, code, batch_no)
        about = {each.refund_no: each for each in refunds(connection, code, numbers=numbers)}
        shown = {
            line.account_no: payees.account(connection, code, line.account_no).shown
            for line in frozen
        }
    return render_template(
        "refunds/batch.html",
        batch=found,
        lines=frozen,
        more=len(page) > LINES_SHOWN,
        refunds=about,
        history=history,
        revoked=revoked,
        accounts=shown,
        may_send=can(g.user, Do.SEND_REFUNDS),
        error=said(error),
        why_typed=request.form.get("why", "") if error is not None and not withdrawing else "",
        given=request.form if withdrawing else {},
        may_end=found.state in {BUILT, *batches.GONE},
        reason_max=REASON_MAX,
        words=all_words(),
    )


def _next_day(today: date) -> date:
    """The next day on which banks transfer."""
    return bank_business_day(today + timedelta(days=1))


def _transfer_on() -> date:
    typed = request.form.get("transfer_on", "")
    found = day_or_none(typed)
    if found is None:
        raise InvalidValueError("batch_day", found=typed)
    return found


# ---- the bank ----


@refunding.get("/bank")
@may(Do.READ_REFUNDS)
def bank_lines() -> str:
    """銀行の明細: transfers that the bank has not paid yet, and those that came back."""
    return _bank_page()


@refunding.post("/bank/match")
@may(Do.WORK_REFUNDS)
def match() -> BaseResponse:
    """照合: everything that is plain."""
    with unit_of_work(services().engine, services().municipality) as connection:
        bank.match_statement(
            connection, services().profile, on=clock.today(), by=g.user.user_name, at=clock.now()
        )
        record(connection, "refund_bank_matched", "")
    return redirect(url_for("refunds.bank_lines"), 303)


@refunding.post("/bank/paid")
@may(Do.WORK_REFUNDS)
def pay() -> BaseResponse | tuple[str, int]:
    """出金の指定 where several lines could be it."""

    def deed(connection: Connection) -> None:
        line = (_number("file_id"), _number("line_no"))
        bank.pay(
            connection, services().profile, _number("batch_no"), line, on=clock.today(),
            by=g.user.user_name, at=clock.now(),
        )  # fmt: skip
        record(connection, "refund_bank_matched", f"{line[0]}:{line[1]}")

    return _do_bank(deed)


@refunding.post("/bank/returned")
@may(Do.WORK_REFUNDS)
def take_back() -> BaseResponse | tuple[str, int]:
    """組戻しの指定 where the line does not say whose it was."""

    def deed(connection: Connection) -> None:
        line = (_number("file_id"), _number("line_no"))
        bank.take_back(
            connection, services().profile, _number("refund_no"), line, on=clock.today(),
            by=g.user.user_name, at=clock.now(),
        )  # fmt: skip
        record(connection, "refund_bank_matched", f"{line[0]}:{line[1]}")

    return _do_bank(deed)


def _do_bank(deed: Deed) -> BaseResponse | tuple[str, int]:
    try:
        with unit_of_work(services().engine, services().municipality) as connection:
            deed(connection)
    except NotFoundError:
        raise
    except KokinError as error:
        return _bank_page(error), status_of(error)
    return redirect(url_for("refunds.bank_lines"), 303)


def _bank_page(error: KokinError | None = None) -> str:
    code, profile = services().municipality, services().profile
    with reading(services().engine, code) as connection:
        waits = [
            (each, bank.payments_of(connection, profile, each))
            for each in batches.batches(connection, code)
            if each.state in batches.GONE
        ]
        back = bank.returns(connection, code)
        paid = refunds(connection, code, states=(PAID,))
        again = refunds(connection, code, states=(RETURNED,))
    return render_template(
        "refunds/bank.html",
        waits=waits,
        back=[
            (line, [each for each in paid if each.total_yen == line.amount_yen]) for line in back
        ],
        again=again,
        patterns=profile.refund_return_patterns,
        may_work=can(g.user, Do.WORK_REFUNDS),
        error=said(error),
        words=all_words(),
    )


def _number(name: str) -> int:
    """A number from a hidden field; 0, which nothing has, for anything else."""
    typed = request.form.get(name, "")
    return int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 16 else 0


# ---- accounts of payees ----


@refunding.get("/accounts")
@may(Do.WORK_REFUNDS)
def accounts() -> str:
    """確認待ちの口座."""
    with reading(services().engine, services().municipality) as connection:
        waiting = payees.waiting(connection, services().municipality)
    return render_template("refunds/accounts.html", accounts=waiting, words=all_words())


@refunding.get("/accounts/<int:account_no>")
@may(Do.WORK_REFUNDS)
def account(account_no: int) -> str:
    """口座の一件 with its number, to be held against the paper; that it was shown is recorded."""
    return _account_page(account_no)


@refunding.post("/accounts/<int:account_no>/confirm")
@may(Do.WORK_REFUNDS)
def confirm(account_no: int) -> BaseResponse | tuple[str, int]:
    """口座の確認."""

    def deed(connection: Connection) -> None:
        payees.confirm(
            connection, services().municipality, account_no, by=g.user.user_name, at=clock.now()
        )
        record(connection, "payee_confirmed", str(account_no))

    return _do_account(account_no, deed)


@refunding.post("/accounts/<int:account_no>/revoke")
@may(Do.WORK_REFUNDS)
def revoke(account_no: int) -> BaseResponse | tuple[str, int]:
    """口座の取消."""

    def deed(connection: Connection) -> None:
        payees.revoke(
            connection, services().municipality, account_no, by=g.user.user_name,
            reason=reason(), at=clock.now(),
        )  # fmt: skip
        record(connection, "payee_revoked", str(account_no))

    return _do_account(account_no, deed)


def _do_account(account_no: int, deed: Deed) -> BaseResponse | tuple[str, int]:
    try:
        with unit_of_work(services().engine, services().municipality) as connection:
            deed(connection)
    except NotFoundError:
        raise
    except KokinError as error:
        return _account_page(account_no, error), status_of(error)
    return redirect(url_for("refunds.accounts"), 303)


def _account_page(account_no: int, error: KokinError | None = None) -> str:
    code = services().municipality
    with unit_of_work(services().engine, code) as connection:
        found = payees.account(connection, code, account_no)
        payee = payees.payee(connection, code, account_no)
        name = names_of(connection, code, [found.obligor_no]).get(found.obligor_no, "")
        record(connection, "payee_shown", str(account_no))
    return render_template(
        "refunds/account.html",
        account=found,
        payee=payee,
        name=name,
        own=found.registered_by.casefold() == g.user.user_name.casefold(),
        error=said(error),
        reason_max=REASON_MAX,
    )
