"""猶予・停止の画面: what holds claims back, setting it and lifting it, with reasons.

A claim is named as its paper says it, by POST; addresses hold the books' own numbers only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, g, redirect, render_template, request, url_for

from payments import holds as books
from payments.domain.errors import InvalidValueError, KokinError
from payments.domain.holds import HoldKind, Span
from payments.domain.reason import REASON_MAX
from payments.store.hold_tables import WHOLE_NOTICE
from payments.store.unit_of_work import reading, unit_of_work
from web import clock, messages
from web.accounts.record import record
from web.csv_download import csv_download
from web.duties import Do
from web.errors import status_of
from web.security import may
from web.services import services
from web.typed_days import day_or_none

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from sqlalchemy import Connection, Engine
    from werkzeug.wrappers import Response as BaseResponse

    from payments.holds import Hold

PAGE = 100
_CSV_PAGE = 1_000
TYPED_MAX = 60  # of the name of a claim
COLUMNS = (
    "番号", "種類", "科目", "賦課年度", "通知書番号", "期別", "始まり", "終わり", "解除", "理由",
    "解除の理由", "職員", "解除した職員",
)  # fmt: skip

holding = Blueprint("holding", __name__, url_prefix="/staff/holds")


@holding.get("")
@may(Do.READ_CHARGES)
def listing() -> str:
    """猶予・停止の一覧: those in force on a day, or all of them; newest first."""
    return _page({})


@holding.get("/all.csv")
@may(Do.READ_CHARGES)
def download() -> Response:
    """The same as a list, without its pages; that it was taken is written down."""
    day, kind = _asked()
    with unit_of_work(services().engine, services().municipality) as connection:
        record(connection, "holds_taken", kind or "all")
    return csv_download(
        f"holds-{clock.today()}.csv",
        COLUMNS,
        _cells(services().engine, services().municipality, day, kind),
    )


@holding.get("/notices/<int:notice_id>")
@may(Do.READ_CHARGES)
def of_notice(notice_id: int) -> str:
    """猶予・停止の経過 of one notice, what files set among them."""
    return _notice_page(notice_id)


@holding.post("/find")
@may(Do.READ_CHARGES)
def find() -> BaseResponse | tuple[str, int]:
    """The notice that somebody has in hand."""
    name, code = request.form.get("claim", "").strip()[:TYPED_MAX], services().municipality
    try:
        with reading(services().engine, code) as connection:
            target = books.target_of(connection, code, name)
    except KokinError as error:
        said = messages.error(error.error_code, error.details)
        return _page({"sought": name}, lost=said), status_of(error)
    return redirect(url_for("holding.of_notice", notice_id=target.notice_id), 303)


@holding.post("")
@may(Do.SET_HOLDS)
def set_one() -> BaseResponse | tuple[str, int]:
    """猶予・停止をする."""
    typed = {name: value.strip()[:REASON_MAX] for name, value in request.form.items()}
    code = services().municipality
    try:
        kind, span = _kind(typed.get("kind", "")), _span(typed)
        with unit_of_work(services().engine, code) as connection:
            target = books.target_of(connection, code, typed.get("claim", "")[:TYPED_MAX])
            number = books.set_hold(
                connection, code, target, kind, span, reason=typed.get("reason", ""),
                actor=g.user.user_name, at=clock.now(),
            )  # fmt: skip
            record(connection, "hold_set", str(number))
    except KokinError as error:
        said = messages.error(error.error_code, error.details)
        return _page(typed, error=said), status_of(error)
    return redirect(url_for("holding.of_notice", notice_id=target.notice_id), 303)


@holding.post("/<int:hold_no>/lift")
@may(Do.SET_HOLDS)
def lift(hold_no: int) -> BaseResponse | tuple[str, int]:
    """猶予・停止を解く: from a day on, which may be one to come."""
    typed = {name: value.strip()[:REASON_MAX] for name, value in request.form.items()}
    code = services().municipality
    try:
        on = _day(typed, "on") or clock.today()
        with unit_of_work(services().engine, code) as connection:
            hold = books.lift_hold(
                connection, code, hold_no, on=on, reason=typed.get("reason", ""),
                actor=g.user.user_name, at=clock.now(),
            )  # fmt: skip
            record(connection, "hold_lifted", str(hold_no))
    except KokinError as error:
        if error.error_code == "hold":
            raise
        said = messages.error(error.error_code, error.details)
        with reading(services().engine, code) as connection:
            notice_id = books.hold_of(connection, code, hold_no).notice_id
        return _notice_page(notice_id, typed | {"lifting": str(hold_no)}, said), status_of(error)
    return redirect(url_for("holding.of_notice", notice_id=hold.notice_id), 303)


# ---- parts ----


def _asked() -> tuple[date | None, str]:
    """Which day (None: all) and which kind the address asks for."""
    kind = request.args.get("kind", "")
    kind = kind if kind in {each.value for each in HoldKind} else ""
    if request.args.get("all") == "1":
        return None, kind
    return day_or_none(request.args.get("on", "")) or clock.today(), kind


def _page(typed: dict[str, str], *, error: str = "", lost: str = "") -> str:
    day, kind = _asked()
    below = max(request.args.get("below", 0, int), 0)
    code = services().municipality
    with reading(services().engine, code) as connection:
        found = books.holds_on(connection, code, day, limit=PAGE + 1, kind=kind, below=below)
        names = books.names_of(connection, code, found[:PAGE])
    return render_template(
        "holds/listing.html", rows=found[:PAGE], more=len(found) > PAGE, names=names, day=day,
        kind=kind, kinds=tuple(HoldKind), below=below, typed=typed, error=error, lost=lost,
        **_common(),
    )  # fmt: skip


def _notice_page(notice_id: int, typed: dict[str, str] | None = None, error: str = "") -> str:
    code = services().municipality
    with reading(services().engine, code) as connection:
        name = books.name_of(connection, code, notice_id)
        found = books.holds_of(connection, code, notice_id)
    return render_template(
        "holds/notice.html", notice_id=notice_id, name=name, rows=found[::-1],
        kinds=tuple(HoldKind), typed=typed or {}, error=error, **_common(),
    )  # fmt: skip


def _common() -> dict[str, Any]:
    items = {item.item_code: item.name for item in services().profile.items}
    return {
        "today": clock.today(), "whole": WHOLE_NOTICE, "reason_max": REASON_MAX, "items": items,
    }  # fmt: skip


def _kind(typed: str) -> HoldKind:
    """種類; :class:`InvalidValueError` ``hold_kind``."""
    if typed not in {each.value for each in HoldKind}:
        raise InvalidValueError("hold_kind", found=typed)
    return HoldKind(typed)


def _span(typed: dict[str, str]) -> Span:
    """期間; a day that is none is refused, an end that is left open is not."""
    return Span(_day(typed, "from_on") or clock.today(), _day(typed, "until_on"))


def _day(typed: dict[str, str], name: str) -> date | None:
    """The day of a field, None of an empty one; :class:`InvalidValueError` ``day_typed``."""
    said = typed.get(name, "")
    day = day_or_none(said)
    if said and day is None:
        raise InvalidValueError("day_typed", found=said)
    return day


def _cells(engine: Engine, code: str, day: date | None, kind: str) -> Iterator[tuple[object, ...]]:
    """A row for a spreadsheet per hold (:data:`COLUMNS`), read page by page."""
    below = 0
    while True:
        with reading(engine, code) as connection:
            found, names = _read(connection, code, day, kind, below)
        for hold in found:
            item, year, number = names[hold.notice_id].split("/", 2)
            span = hold.span
            yield (
                hold.hold_no, messages.label("hold_kind", hold.kind), item, year, number,
                "" if hold.term == WHOLE_NOTICE else hold.term, span.from_on,
                span.until_on or "", span.lifted_on or "", hold.reason, hold.lift_reason,
                hold.actor, hold.lift_actor,
            )  # fmt: skip
        if len(found) < _CSV_PAGE:
            return
        below = found[-1].hold_no


def _read(
    connection: Connection, code: str, day: date | None, kind: str, below: int
) -> tuple[list[Hold], dict[int, str]]:
    found = books.holds_on(connection, code, day, limit=_CSV_PAGE, kind=kind, below=below)
    return found, books.names_of(connection, code, found)
