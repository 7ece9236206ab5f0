"""口座振替の画面: days and banks, batches with their rows, what the banks said, payers' accounts.

Numbers of people come by POST; addresses hold the books' own numbers. Account numbers are shown by
their last digits only.
"""

from __future__ import annotations

import re
from datetime import date
from io import BytesIO
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, g, redirect, render_template, request, send_file, url_for

from payments import approve
from payments.domain.errors import InvalidValueError, KokinError, NotFoundError
from payments.domain.reason import REASON_MAX, require_reason
from payments.store.municipalities import load_profile
from payments.store.unit_of_work import reading, unit_of_work
from reconcile.debit import batches as books
from reconcile.debit import build, counts, release
from reconcile.debit.accounts import ENDED, SET, Account, Wish, entries_of, register_one
from reconcile.debit.acknowledge import acknowledge as record_answer
from reconcile.debit.answers import take_answers
from reconcile.formats.debit_accounts import require_account
from reconcile.model import Delivery
from web import clock, messages, stale
from web.accounts.record import record
from web.approval_roles import require_asker
from web.csv_download import csv_download
from web.debits.asking import act, ask
from web.debits.view import ROWS_SHOWN, batch_page, every_row, run_page
from web.duties import Do
from web.errors import status_of
from web.security import may
from web.services import services

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Connection
    from werkzeug.wrappers import Response as BaseResponse

    from payments.domain.profile import Profile

debits = Blueprint("debits", __name__, url_prefix="/staff/debits")
_KIND = {"release": release.RELEASE, "replace": release.REPLACE, "withdraw": release.WITHDRAW}
ANSWER_MAX = 1_000_000  # bytes; some hundred banks are a few kilobytes
FORM_BYTES = 64 << 10  # what the form needs beside its file
_PAYER = re.compile(r"[0-9A-Za-z]{1,15}")
COLUMNS = ("row", "item_code", "levy_year", "notice_no", "term", "customer_no", "amount_yen",
           "new_code", "result_code")  # fmt: skip


@debits.url_value_preprocessor
def _room_for_answers(endpoint: str | None, _values: dict[str, Any] | None) -> None:
    """Only the file of the banks' answers may be larger than a form."""
    if endpoint == "debits.answers":
        request.max_content_length = ANSWER_MAX + FORM_BYTES


@debits.get("")
@may(Do.READ_DEBITS)
def listing() -> str:
    """振替日の一覧, the latest first, and the form for another."""
    return _listing()


@debits.post("")
@may(Do.MAKE_DEBITS)
def make() -> BaseResponse | tuple[str, int]:
    """束の作成 for a day: every bank that has none."""
    given = {name: request.form.get(name, "") for name in ("debit_on", "due_from_on")}
    try:
        debit_on = _day(given["debit_on"])
        begin = _day(given["due_from_on"]) if given["due_from_on"] else None

        def do(connection: Connection, profile: Profile) -> None:
            _, built = build.build(
                connection, profile, debit_on, act(g.user.user_name), due_from_on=begin
            )
            for batch in built:
                record(connection, "debit_built", f"batch:{batch.batch_no}")
            counts.keep(connection, profile, debit_on, clock.now())

        _write(do)
    except KokinError as error:
        return _listing(given, messages.error(error.error_code, error.details)), status_of(error)
    return redirect(url_for("debits.show_day", day=debit_on.isoformat()), 303)


@debits.get("/days/<day>")
@may(Do.READ_DEBITS)
def show_day(day: str) -> str:
    """一つの振替日: every bank, acknowledged or red."""
    return _day_page(_day(day))


@debits.post("/days/<day>/count")
@may(Do.READ_DEBITS)
def count(day: str) -> BaseResponse:
    """数え直し: of a large day, which is told as it was counted last."""
    debit_on = _day(day)
    _write(lambda connection, profile: counts.keep(connection, profile, debit_on, clock.now()))
    return redirect(url_for("debits.show_day", day=debit_on.isoformat()), 303)


@debits.post("/days/<day>/second")
@may(Do.MAKE_DEBITS)
def make_second(day: str) -> BaseResponse | tuple[str, int]:
    """再振替: shown first, made when the person has seen the difference."""
    first_on, typed = _day(day), request.form.get("debit_on", "")
    try:
        debit_on = _day(typed)
        if request.form.get("do") != "make":
            with reading(services().engine, services().municipality) as connection:
                profile = load_profile(connection, services().municipality)
                build.require_day(profile, debit_on, clock.today())
                found = build.seconds(connection, profile, first_on, debit_on)
            return _day_page(first_on, seconds=found, second_on=typed), 200

        def do(connection: Connection, profile: Profile) -> None:
            _, built = build.build_second(
                connection, profile, first_on, debit_on, act(g.user.user_name)
            )
            for batch in built:
                record(connection, "debit_built", f"batch:{batch.batch_no}")
            counts.keep(connection, profile, debit_on, clock.now())

        _write(do)
    except KokinError as error:
        said = messages.error(error.error_code, error.details)
        return _day_page(first_on, error=said, second_on=typed), status_of(error)
    return redirect(url_for("debits.show_day", day=debit_on.isoformat()), 303)


@debits.post("/answers")
@may(Do.MAKE_DEBITS)
def answers() -> str | tuple[str, int]:
    """受付結果のファイル: every bank compared with what was sent."""
    given = request.files.get("file")
    try:
        if given is None or not given.filename:
            raise InvalidValueError("debit_answer_empty")
        data = given.stream.read(ANSWER_MAX + 1)
        if len(data) > ANSWER_MAX:
            raise InvalidValueError("debit_answer_large", expected=ANSWER_MAX)
        delivery = Delivery(given.filename[-100:], data)
        taken = take_answers(
            services().engine, services().municipality, delivery, act(g.user.user_name)
        )
        with unit_of_work(services().engine, services().municipality) as connection:
            record(connection, "debit_acknowledged", f"file:{taken.file_id}")
    except KokinError as error:
        return _listing(answered=messages.error(error.error_code, error.details)), status_of(error)
    return render_template("debits/answers.html", taken=taken, name=delivery.name)


@debits.get("/<int:debit_no>")
@may(Do.READ_DEBITS)
def show(debit_no: int) -> str:
    """一つの束: its rows, what happened, what came back, and what may be done now."""
    return _batch_page(debit_no)


@debits.get("/<int:debit_no>/rows.csv")
@may(Do.READ_DEBITS)
def download(debit_no: int) -> Response:
    """明細の一覧 with the results; who took it is written down."""
    engine, code = services().engine, services().municipality
    with unit_of_work(engine, code) as connection:
        batch = books.batch_of(connection, code, debit_no)
        record(connection, "debit_rows_taken", f"batch:{debit_no}")

    def rows() -> Iterator[tuple[object, ...]]:
        with reading(engine, code) as connection:
            for row in every_row(connection, code, batch):
                yield (row.row_no, row.item_code, row.levy_year, row.notice_no, row.term,
                       row.customer_no, row.amount_yen, row.new_code, row.result)  # fmt: skip

    return csv_download(f"debit-{debit_no}.csv", COLUMNS, rows())


@debits.post("/<int:debit_no>/<action>")
@may(Do.MAKE_DEBITS)
def change(debit_no: int, action: str) -> BaseResponse | tuple[str, int]:
    """送付・作り直し・取消の依頼, or the bank's answer."""
    given = request.form
    try:
        if action == "acknowledge":
            count, yen = (_number(given.get(name, "")) for name in ("count", "amount_yen"))

            def answer(connection: Connection, profile: Profile) -> None:
                record_answer(
                    connection, profile.municipality_code, debit_no, count, yen,
                    act(g.user.user_name), note=given.get("reason", "").strip(),
                )  # fmt: skip
                record(connection, "debit_acknowledged", f"batch:{debit_no}")

            _write(answer, debit_no)
            return redirect(url_for("debits.show", debit_no=debit_no), 303)
        kind = _KIND.get(action)
        if kind is None:
            raise NotFoundError("debit_batch", batch_no=debit_no)
        require_asker(g.user, kind)
        asked: list[int] = []

        def do(connection: Connection, profile: Profile) -> None:
            approval = ask(
                connection, profile, kind, debit_no, asked_by=g.user.user_name,
                reason=require_reason(given.get("reason", "")), stopped=given.get("stopped", ""),
            )  # fmt: skip
            record(connection, f"{kind}_asked", f"batch:{debit_no}")
            asked.append(approval.approval_id)

        _write(do, debit_no)
    except KokinError as error:
        if error.error_code == "debit_batch":
            raise
        said = messages.error(error.error_code, error.details)
        return _batch_page(debit_no, errors={action: said}, given=given), status_of(error)
    return redirect(url_for("approvals.show", approval_id=asked[0]), 303)


@debits.post("/<int:debit_no>/file")
@may(Do.MAKE_DEBITS)
def take_file(debit_no: int) -> Response | tuple[str, int]:
    """依頼ファイルの取出し: the first time it counts as sent."""
    reason = request.form.get("reason", "")
    taken: list[tuple[books.Batch, bytes]] = []
    try:

        def do(connection: Connection, profile: Profile) -> None:
            taken.append(
                release.send(connection, profile, debit_no, act(g.user.user_name), reason=reason)
            )
            record(connection, "debit_file_taken", f"batch:{debit_no}")

        _write(do, debit_no)
    except KokinError as error:
        if error.error_code == "debit_batch":
            raise
        said = messages.error(error.error_code, error.details)
        return _batch_page(debit_no, errors={"file": said}, given=request.form), status_of(error)
    batch, data = taken[0]
    return send_file(
        BytesIO(data), "application/octet-stream", as_attachment=True, download_name=batch.name,
        etag=False,
    )  # fmt: skip


@debits.get("/accounts")
@may(Do.READ_DEBITS)
def accounts() -> str:
    """口座の登録: asks for a payer."""
    return _accounts()


@debits.post("/accounts")
@may(Do.READ_DEBITS)
def ask_accounts() -> str | tuple[str, int]:
    """口座の経過 of one payer; that somebody looked is recorded."""
    payer = request.form.get("obligor_no", "").strip()
    if not _PAYER.fullmatch(payer):
        error = InvalidValueError("debit_payer", found=payer)
        return _accounts(payer, error=messages.error(error.error_code, error.details)), 422
    return _accounts(payer, look=True)


@debits.post("/accounts/new")
@may(Do.MAKE_DEBITS)
def set_account() -> str | tuple[str, int]:
    """口座の登録・変更・廃止."""
    given = {name: value.strip() for name, value in request.form.items()}
    payer = given.get("obligor_no", "")
    try:
        event = ENDED if given.get("event") == ENDED else SET
        account = Account()
        if event == SET:
            account = Account(*(given.get(name, "") for name in Account._fields))
            require_account(account)
        wish = Wish(
            payer, given.get("item_code", ""), event, _day(given.get("from_on", "")), account,
            require_reason(given.get("reason", "")),
        )  # fmt: skip

        def do(connection: Connection, profile: Profile) -> None:
            if wish.item_code:
                profile.item(wish.item_code)
            number = register_one(
                connection, profile.municipality_code, wish, actor=g.user.user_name,
                at=clock.now(),
            )  # fmt: skip
            record(connection, "debit_account_set", f"entry:{number}")

        _write(do)
    except KokinError as error:
        said = messages.error(error.error_code, error.details)
        return _accounts(payer, error=said, given=given, look=True), status_of(error)
    return _accounts(payer, look=True)


# ---- parts ----


def _day(value: str) -> date:
    try:
        return date.fromisoformat(value.strip())
    except ValueError:
        raise InvalidValueError("debit_typed_day", found=value) from None


def _number(typed: str) -> int:
    plain = typed.replace(",", "").strip()
    if not (plain.isascii() and plain.isdigit() and len(plain) <= 12):
        raise InvalidValueError("debit_acknowledged_count", found=typed)
    return int(plain)


def _write(do: Callable[[Connection, Profile], None], debit_no: int = 0) -> None:
    """One write transaction; about a batch only as its page had shown it."""
    code = services().municipality
    with unit_of_work(services().engine, code) as connection:
        if debit_no:
            stale.require_shown(stale.shown(books.batch_of(connection, code, debit_no)))
        do(connection, load_profile(connection, code))


def _listing(given: dict[str, str] | None = None, error: str = "", answered: str = "") -> str:
    code = services().municipality
    with reading(services().engine, code) as connection:
        found = books.batches(connection, code)
    days: dict[date, list[books.Batch]] = {}
    for batch in found:
        if batch.in_force:
            days.setdefault(batch.debit_on, []).append(batch)
    return render_template(
        "debits/list.html", days=days, given=given or {}, error=error, answered=answered
    )


def _day_page(day: date, **more: Any) -> str:
    code = services().municipality
    with reading(services().engine, code) as connection:
        page = run_page(connection, load_profile(connection, code), day, clock.today())
    words = {"seconds": None, "second_on": "", "error": ""} | more
    return render_template("debits/day.html", page=page, **words)


def _batch_page(debit_no: int, errors: dict[str, str] | None = None, given: Any = None) -> str:
    code = services().municipality
    with reading(services().engine, code) as connection:
        profile = load_profile(connection, code)
        batch = books.batch_of(connection, code, debit_no)
        after = max(int(request.args.get("after", "0") or 0), 0) if _plain_after() else 0
        page = batch_page(connection, profile, batch, after, clock.today())
        waiting = [
            approval
            for kind in release.KINDS
            for approval in approve.of_subject(connection, code, kind, release.subject_of(debit_no))
        ]
    return render_template(
        "debits/batch.html",
        page=page,
        batch=batch,
        approvals=waiting,
        errors=errors or {},
        given=given or {},
        shown=stale.shown(batch),
        field=stale.FIELD,
        reason_max=REASON_MAX,
        rows_shown=ROWS_SHOWN,
        names={item.item_code: item.name for item in profile.items},
    )


def _plain_after() -> bool:
    after = request.args.get("after", "0")
    return after.isascii() and after.isdigit() and len(after) <= 9


def _accounts(payer: str = "", *, error: str = "", given: Any = None, look: bool = False) -> str:
    code, entries = services().municipality, []
    if look and payer:
        with unit_of_work(services().engine, code) as connection:
            entries = entries_of(connection, code, payer)
            record(connection, "debit_accounts_seen", f"entries:{len(entries)}")
    return render_template(
        "debits/accounts.html",
        payer=payer,
        look=look,
        registered=entries,
        error=error,
        given=given or {},
        items=services().profile.items,
        reason_max=REASON_MAX,
    )
