"""督促の画面: lists, the second draw, the dispatch and the re-check.

Numbers of people travel in the body of a request only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import g, redirect, render_template, request, url_for

from payments import approve
from payments.domain.errors import InvalidValueError, KokinError, RefusedError
from payments.domain.reason import REASON_MAX
from payments.store.unit_of_work import reading, unit_of_work
from reconcile.dunning import explain, pull, recheck, record, release
from reconcile.dunning.draw import DESPITE, draw, lacking_of, require_files, source_states
from reconcile.dunning.limits import near_of
from reconcile.dunning.rules import Terms
from reconcile.dunning.sent import book_sent_fees
from web import clock, stale
from web.accounts.record import record as note
from web.approval_roles import duty, require_asker
from web.dunning import exports
from web.dunning.shared import ROWS_SHOWN, dunning
from web.dunning.sheets import (
    lacking_words,
    money_of_nobody,
    pull_sheet,
    refusal_words,
    source_names,
    sources_sheet,
)
from web.duties import Do, holds
from web.errors import status_of
from web.people.find import KINDS, find_person, names_of
from web.security import may
from web.services import services
from web.texts.dunning import SENTENCES
from web.typed_days import day_or_none

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    from sqlalchemy import Connection
    from werkzeug.wrappers import Response as BaseResponse

    from reconcile.dunning.draw import SourceState
    from reconcile.dunning.record import DunningList

LISTS_SHOWN, NUMBER_MAX = 50, 60


@dunning.get("")
@may(Do.READ_DUNNING)
def listing() -> str:
    """督促リストの一覧, and the form for a new one."""
    return _listing({})


@dunning.post("")
@may(Do.DRAW_DUNNING)
def extract() -> BaseResponse | tuple[str, int]:
    """督促リストの抽出."""
    typed = {name: value.strip()[:NUMBER_MAX] for name, value in request.form.items()}
    code = services().municipality
    try:
        terms = _terms(typed)
        with unit_of_work(services().engine, code) as connection:
            drawn = draw(
                connection, services().profile, terms, actor=g.user.user_name, at=clock.now()
            )
            note(connection, "dunning_drawn", str(drawn.list_no))
    except KokinError as error:
        said = refusal_words(services().profile, error)
        return _listing(typed, error=said, code=error.error_code), status_of(error)
    return redirect(url_for("dunning.show", list_no=drawn.list_no), 303)


@dunning.post("/despite")
@may(Do.DRAW_DUNNING)
def ask_despite() -> BaseResponse | tuple[str, int]:
    """資料が未着のままの抽出の依頼."""
    typed = {"reason": request.form.get("reason", "")}
    try:
        require_asker(g.user, DESPITE)
        with unit_of_work(services().engine, services().municipality) as connection:
            approval = release.ask_despite(
                connection, services().profile, clock.today(), asked_by=g.user.user_name,
                at=clock.now(), reason=typed["reason"],
            )  # fmt: skip
            note(connection, "dunning_despite_asked", str(approval.approval_id))
    except KokinError as error:
        said = refusal_words(services().profile, error)
        return _listing(typed, error=said, code=error.error_code), status_of(error)
    return redirect(url_for("approvals.show", approval_id=approval.approval_id), 303)


@dunning.get("/<int:list_no>")
@may(Do.READ_DUNNING)
def show(list_no: int) -> str:
    """One list: figures by ground, what it rests on, what happened to it, and the next step."""
    return _page(list_no)


@dunning.post("/<int:list_no>/ask")
@may(Do.DRAW_DUNNING)
def ask(list_no: int) -> BaseResponse | tuple[str, int]:
    """督促状の作成の依頼."""

    def carry_out(connection: Connection, code: str) -> str:
        require_asker(g.user, release.KIND)
        approval = release.ask(
            connection, code, list_no, asked_by=g.user.user_name, at=clock.now(),
            reason=request.form.get("reason", ""),
        )  # fmt: skip
        return url_for("approvals.show", approval_id=approval.approval_id)

    return _step(list_no, "dunning_asked", carry_out)


@dunning.post("/<int:list_no>/pull")
@may(Do.DRAW_DUNNING)
def pull_now(list_no: int) -> BaseResponse | tuple[str, int]:
    """引抜きリストの抽出."""

    def carry_out(connection: Connection, _code: str) -> str:
        pull.second_draw(
            connection, services().profile, list_no, on=clock.today(),
            actor=g.user.user_name, at=clock.now(),
        )  # fmt: skip
        return ""

    return _step(list_no, "dunning_pulled", carry_out)


@dunning.post("/<int:list_no>/confirm")
@may(Do.DRAW_DUNNING)
def confirm(list_no: int) -> BaseResponse | tuple[str, int]:
    """引抜きの確認."""

    def carry_out(connection: Connection, code: str) -> str:
        pull.confirm(
            connection, code, list_no, on=clock.today(), actor=g.user.user_name, at=clock.now(),
            count=_count(),
        )  # fmt: skip
        return ""

    return _step(list_no, "dunning_pull_confirmed", carry_out)


@dunning.post("/<int:list_no>/dispatch")
@may(Do.DRAW_DUNNING)
def dispatch(list_no: int) -> BaseResponse | tuple[str, int]:
    """発送の記録."""

    def carry_out(connection: Connection, _code: str) -> str:
        pull.dispatch(
            connection, services().profile, list_no, on=clock.today(),
            actor=g.user.user_name, at=clock.now(), count=_count(),
        )  # fmt: skip
        return ""

    return _step(list_no, "dunning_dispatched", carry_out, _settle_fees)


def _settle_fees() -> None:
    """督促手数料: those of letters that left, and back those of letters that never will."""
    book_sent_fees(
        services().engine, services().municipality, on=clock.today(), actor=g.user.user_name
    )


@dunning.post("/<int:list_no>/drop")
@may(Do.DRAW_DUNNING)
def drop(list_no: int) -> BaseResponse | tuple[str, int]:
    """督促リストの取止め."""

    def carry_out(connection: Connection, code: str) -> str:
        record.drop(
            connection, code, list_no, on=clock.today(), actor=g.user.user_name, at=clock.now(),
            reason=request.form.get("reason", ""),
        )  # fmt: skip
        return ""

    return _step(list_no, "dunning_dropped", carry_out, _settle_fees)


@dunning.get("/recheck")
@may(Do.DRAW_DUNNING)
def ask_recheck() -> str:
    """差押え前の再確認: whose."""
    return render_template("dunning/recheck.html", typed={}, kinds=KINDS, done=None)


@dunning.post("/recheck")
@may(Do.DRAW_DUNNING)
def recheck_person() -> str | tuple[str, int]:
    """差押え前の再確認 of the person behind a number; what was found is written down."""
    typed = {name: value.strip()[:NUMBER_MAX] for name, value in request.form.items()}
    code = services().municipality
    try:
        with unit_of_work(services().engine, code) as connection:
            obligor_no = find_person(
                connection, code, typed.get("number", ""), typed.get("kind", KINDS[0])
            )
            done = recheck.recheck(
                connection, services().profile, obligor_no, on=clock.today(),
                actor=g.user.user_name, at=clock.now(),
            )  # fmt: skip
            note(connection, "dunning_rechecked", str(done.recheck_no))
            name = names_of(connection, code, [obligor_no]).get(obligor_no, "—")
    except KokinError as error:
        said = refusal_words(services().profile, error)
        page = render_template(
            "dunning/recheck.html", typed=typed, kinds=KINDS, done=None, error=said,
            code=error.error_code,
        )  # fmt: skip
        return page, status_of(error)
    return render_template(
        "dunning/recheck.html", typed={}, kinds=KINDS, done=done, whose=f"{name}（{obligor_no}）",
        sources=source_names(services().profile),
        names=exports.names_of(services().profile),
    )  # fmt: skip


# ---- parts ----


def _terms(typed: dict[str, str]) -> Terms:
    """抽出の条件 from the form; :class:`InvalidValueError` ``dunning_terms`` or ``not_a_day``."""
    return Terms(
        clock.today(),
        _whole(typed, "wait_days"),
        _whole(typed, "minimum_yen"),
        _maybe_day(typed, "due_from"),
        _maybe_day(typed, "due_to"),
        typed.get("item_code", "")[:3],
    )


def _whole(typed: dict[str, str], field: str) -> int:
    found = typed.get(field, "")
    if not (found.isascii() and found.isdigit() and len(found) < 10):
        raise InvalidValueError("dunning_terms", field=field, found=found, expected="0, 1, 2, …")
    return int(found)


def _maybe_day(typed: dict[str, str], field: str) -> date | None:
    found = typed.get(field, "")
    if not found:
        return None
    day = day_or_none(found)
    if day is None:
        raise InvalidValueError("not_a_day", field=field, found=found, expected="YYYY-MM-DD")
    return day


def _count() -> int:
    return _whole({"count": request.form.get("count", "").strip()}, "count")


def _listing(typed: dict[str, str], error: str = "", code: str = "") -> str:
    profile = services().profile
    with reading(services().engine, services().municipality) as connection:
        before = request.args.get("before", None, int)
        found = record.lists(
            connection, services().municipality, before=before, limit=LISTS_SHOWN + 1
        )
        states = source_states(connection, profile, clock.today(), clock.now())
        nobody = money_of_nobody(connection, profile, clock.today())
        decided = _despite(connection, states)
        waiting = _waiting(connection, DESPITE, clock.today().isoformat())
    return render_template(
        "dunning/listing.html",
        nobody=nobody,
        decided=decided,
        waiting=waiting,
        lists=found[:LISTS_SHOWN],
        more=len(found) > LISTS_SHOWN,
        lacking=lacking_words(profile, lacking_of(states)),
        items=profile.items,
        typed=typed,
        error=error,
        code=code,
        defaults=profile.dunning,
        may_ask=holds(g.user, duty(DESPITE).asks),
        reason_max=REASON_MAX,
    )


def _page(list_no: int, error: str = "", code: str = "") -> str:
    body = services().municipality
    with reading(services().engine, body) as connection:
        found = record.list_of(connection, body, list_no)
        pull_no = record.pull_no_of(found)
        lines = pull.pull_lines(connection, body, found, pull_no) if pull_no else []
        totals = record.totals_by_ground(connection, body, list_no)
        sources = sources_sheet(connection, services().profile, list_no)
        files = explain.files_of(connection, body, list_no)
        near = near_of(connection, body, list_no)
        waiting = _waiting(connection, release.KIND, release.subject_of(list_no))
    return render_template(
        "dunning/show.html",
        found=found,
        totals=totals,
        sources=sources,
        files=files,
        near=near,
        waiting=waiting,
        lines=lines[:ROWS_SHOWN],
        pulled=len(lines),
        pull_sheet=pull_sheet(lines[:ROWS_SHOWN], exports.names_of(services().profile)),
        letters=_letters(found),
        sentences=SENTENCES,
        error=error,
        code=code,
        shown=_shown(found),
        may_ask=holds(g.user, duty(release.KIND).asks),
        reason_max=REASON_MAX,
    )


def _despite(connection: Connection, states: list[SourceState]) -> int | None:
    """未着のままの抽出の承認: the decision that covers all that is lacking today; None without."""
    try:
        return require_files(connection, services().municipality, states, clock.today())
    except RefusedError:
        return None


def _waiting(connection: Connection, kind: str, subject: str) -> int | None:
    """決定を待つ承認 about this; None where nobody has asked."""
    asked = approve.of_subject(connection, services().municipality, kind, subject)
    return next((each.approval_id for each in reversed(asked) if each.decision is None), None)


def _letters(found: DunningList) -> int:
    """発送する枚数: the letters without those that must be taken out."""
    approved, drawn = found.last("approved"), found.last("pull_drawn")
    return (approved.letters if approved else 0) - (drawn.letters if drawn else 0)


def _shown(found: DunningList) -> str:
    """版: everything that has happened to the list."""
    return stale.shown(found.list_no, len(found.events))


def _step(
    list_no: int,
    event: str,
    carry_out: Callable[[Connection, str], str],
    after: Callable[[], None] | None = None,
) -> BaseResponse | tuple[str, int]:
    """One step of a list: what its page had shown still stands, or it is said on the page.

    What comes ``after`` has transactions of its own; the night makes up for it when it is refused.
    """
    code = services().municipality
    try:
        with unit_of_work(services().engine, code) as connection:
            stale.require_shown(_shown(record.list_of(connection, code, list_no)))
            to = carry_out(connection, code)
            note(connection, event, str(list_no))
        if after is not None:
            after()
    except KokinError as error:
        if error.error_code == "dunning_list":
            raise
        said = refusal_words(services().profile, error)
        return _page(list_no, said, error.error_code), status_of(error)
    return redirect(to or url_for("dunning.show", list_no=list_no), 303)
