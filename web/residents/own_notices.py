"""お知らせの申込みと、還付の口座の届出: what a resident asks the city for at their own page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import redirect, render_template, request, url_for

from payments.domain.errors import InvalidValueError, RefusedError
from payments.store.unit_of_work import reading, side_work, unit_of_work
from reconcile.refunds import payees
from web import clock, messages
from web.language import language
from web.residents import contacts
from web.residents.letters import can_write
from web.residents.routes import linked, own, who
from web.residents.sessions import me
from web.residents.views import record_view
from web.security import limiter
from web.services import services

if TYPE_CHECKING:
    from werkzeug.wrappers import Response as BaseResponse

    from reconcile.refunds.payees import Payee

__all__ = ["own"]  # with all of its pages

ACCOUNT_FIELDS = ("bank_code", "branch_code", "account_type", "account_no", "holder")
FIELD_MAX = 60


@own.get("/notices")
def notices() -> BaseResponse | str:
    """お知らせ: whether one is asked for, and the form."""
    return _notices() if linked() else redirect(url_for("own.link"), 303)


@own.post("/notices")
@limiter.limit("10 per hour", key_func=who)
def ask_notices() -> BaseResponse | tuple[str, int]:
    """お知らせの申込み; nothing is sent but the mail that asks for the confirmation."""
    if not linked():
        return redirect(url_for("own.link"), 303)
    code, settings = services().municipality, services().settings
    try:
        _require_letters()
        with side_work(services().engine, code) as connection:
            contacts.ask(
                connection, settings, code, me().resident_id, request.form.get("mail", ""),
                request.form.getlist("kinds"), language(),
            )  # fmt: skip
    except (InvalidValueError, RefusedError) as error:
        said = messages.error(error.error_code, error.details)
        return _notices(said), 422
    return redirect(url_for("own.notices"), 303)


@own.post("/notices/stop")
def stop_notices() -> BaseResponse:
    """お知らせの停止 from the page."""
    code = services().municipality
    with side_work(services().engine, code) as connection:
        contacts.stop_all(connection, code, me().resident_id)
    return redirect(url_for("own.notices"), 303)


@own.get("/refund-account")
def refund_account() -> BaseResponse | str:
    """還付の口座: what is registered, masked, and the form."""
    return _account_page({}) if linked() else redirect(url_for("own.link"), 303)


@own.post("/refund-account")
@limiter.limit("10 per hour", key_func=who)
def register_account() -> BaseResponse | str | tuple[str, int]:
    """還付の口座の届出: shown once more for confirmation, then registered."""
    obligor_no = linked()
    if not obligor_no:
        return redirect(url_for("own.link"), 303)
    given = {name: request.form.get(name, "")[:FIELD_MAX] for name in ACCOUNT_FIELDS}
    try:
        payee = payees.payee_of(**given)
    except InvalidValueError as error:
        said = messages.error(error.error_code, error.details)
        return _account_page(given, error=said, wrong=str(error.details.get("field", ""))), 422
    if request.form.get("do") != "register":
        return _account_page(given, payee=payee if request.form.get("do") == "check" else None)
    code = services().municipality
    with unit_of_work(services().engine, code) as connection:
        payees.register(
            connection, code, obligor_no, payee, source=payees.RESIDENT,
            by=f"resident:{me().resident_id}", on=clock.today(), at=clock.now(),
        )  # fmt: skip
    return redirect(url_for("own.refund_account"), 303)


def _require_letters() -> None:
    """お知らせを出せること; :class:`RefusedError` ``letters_off``."""
    if not can_write(services().settings, services().profile):
        raise RefusedError("letters_off")


def _notices(error: str = "") -> str:
    settings, code = services().settings, services().municipality
    with reading(services().engine, code) as connection:
        contact = contacts.contact_of(connection, settings, code, me().resident_id)
    return render_template(
        "residents/notices.html",
        contact=contact, error=error, kinds=contacts.KINDS,
        chosen=request.form.getlist("kinds") or contacts.KINDS,
        mail=request.form.get("mail", "")[: contacts.ADDRESS_MAX],
        offered=can_write(settings, services().profile),
    )  # fmt: skip


def _account_page(
    given: dict[str, str], *, payee: Payee | None = None, error: str = "", wrong: str = ""
) -> str:
    """The form, or with ``payee`` the question whether that is right."""
    obligor_no, code = linked(), services().municipality
    record_view(me().resident_id, obligor_no, "refund_account")
    with reading(services().engine, code) as connection:
        registered = payees.history(connection, code, obligor_no)
    return render_template(
        "residents/refund_account.html",
        given=given, payee=payee, error=error, wrong=wrong,
        registered=registered[:1], types=payees.ACCOUNT_TYPES,
    )  # fmt: skip
