"""今日の画面: whether all is well, and the rows behind every figure of it."""

from __future__ import annotations

from datetime import date, timedelta
from functools import partial
from typing import TYPE_CHECKING

from flask import (
    Blueprint,
    Response,
    abort,
    current_app,
    g,
    redirect,
    render_template,
    request,
    url_for,
)

from payments.store.unit_of_work import reading
from reconcile.report import open_items, trend
from reconcile.report.steps import ALL, START
from web import clock, formatting, messages
from web.approvals.story import kind_words, subject_words
from web.arrivals import words
from web.csv_download import csv_download
from web.duties import Do, can
from web.jobs.shown import notes_text
from web.page_starts import page_start
from web.security import may
from web.services import services
from web.texts import arrivals as arrival_texts
from web.texts import explain as booking_words
from web.today import charts, rows
from web.today.figures import Kept
from web.today.verdict import verdict
from web.today.view import today_view
from web.typed_days import day_of_address

if TYPE_CHECKING:
    from werkzeug.wrappers import Response as BaseResponse

SHOWN = 5  # of what waits; the rest stands on its own page
_ONE_DAY = timedelta(days=1)

beginning = Blueprint("today", __name__, url_prefix="/staff")


@beginning.get("/")
def show() -> str:
    """今日."""
    return _page(clock.today())


@beginning.get("/today")
def choose() -> BaseResponse:
    """Go to the day of the date field."""
    day = day_of_address(request.args.get("day", ""))
    return redirect(url_for("today.show_day", day=day.isoformat()), 303)


@beginning.get("/today/<day>")
def show_day(day: str) -> str:
    """The same as of another day."""
    return _page(day_of_address(day))


@beginning.get("/today/rows/<step>")
def moves(step: str) -> str | Response:
    """日別の明細 of a step over some days."""
    _known(step)
    today = clock.today().isoformat()
    first, last = (day_of_address(request.args.get(name, today)) for name in ("first", "last"))
    channel = request.args.get("channel")
    code, engine = services().municipality, services().engine
    if request.args.get("form") == "csv":
        with reading(engine, code) as connection:
            every = rows.by_day(connection, code, step, first, last, channel)
        cells = rows.day_cells(every, _items())
        return csv_download(f"{step}-{code}-{first}-{last}.csv", rows.DAY_COLUMNS, cells)
    until = day_of_address(request.args.get("until", last.isoformat()))
    with reading(engine, code) as connection:
        found, following = rows.page_of_days(connection, code, step, first, until, channel)
        total = rows.total_of(connection, code, step, first, last, channel)
    return render_template(
        "today/moves.html",
        step=step,
        first=first,
        last=last,
        channel=channel,
        rows=found,
        total=total,
        begins=until == last,
        following=following,
        items=_items(),
    )


@beginning.get("/today/rows/<step>/<day>")
@may(Do.READ_DETAILS)
def postings(step: str, day: str) -> str | Response:
    """段階の明細 of a day, posting by posting; each leads to its line."""
    _known(step)
    chosen, code = day_of_address(day), services().municipality
    channel = request.args.get("channel", ALL)
    item_code = request.args.get("item", ALL)
    find = rows.steps_of(step, chosen, channel, item_code)
    if request.args.get("form") == "csv":
        cells = rows.step_cells(services().engine, code, find)
        return csv_download(f"{step}-{code}-{chosen}-postings.csv", rows.STEP_COLUMNS, cells)
    after = page_start(request.args.get("after", ""), START)
    with reading(services().engine, code) as connection:
        found = find(connection, code, after=after, limit=rows.PAGE + 1)
    return render_template(
        "today/postings.html",
        step=step,
        day=chosen,
        channel=channel,
        item_code=item_code,
        rows=found[: rows.PAGE],
        more=len(found) > rows.PAGE,
        begins=after == START,
        items=_items(),
        reasons=booking_words.REASONS,
    )


@beginning.get("/today/credits")
@may(Do.READ_DETAILS)
def credits_open() -> str | Response:
    """未照合の入金, one by one."""
    code = services().municipality
    if request.args.get("form") == "csv":
        cells = rows.credit_cells(services().engine, code)
        return csv_download(f"credits-{code}.csv", rows.CREDIT_COLUMNS, cells)
    after = page_start(request.args.get("after", ""), (0, 0))
    with reading(services().engine, code) as connection:
        total = open_items.credits_open(connection, code)
        found = open_items.open_credits(connection, code, after=after, limit=rows.PAGE + 1)
    return render_template(
        "today/credits.html",
        rows=found[: rows.PAGE],
        total=total,
        more=len(found) > rows.PAGE,
        begins=after == (0, 0),
    )


def _page(day: date) -> str:
    code = services().municipality
    waiting = services().spool.waiting(code)
    with reading(services().engine, code) as connection:
        view = today_view(
            connection, services().profile, services().settings, g.user, day, waiting, _kept()
        )
    found = view.figures
    opens = can(g.user, Do.READ_DETAILS)
    is_over = day < clock.today()
    drawn = {"ageing": charts.ageing(view.ages, day, is_over=is_over, opens=opens)}
    if found is not None:
        drawn |= {
            "by_day": charts.by_day(found),
            "progress": charts.progress(found.progress),
            "waits": charts.waits(found),
            "way": charts.fall(found),
        }
    items = _items()
    levies = found.progress.levies if found else ()
    return render_template(
        "today/show.html",
        view=view,
        verdict=verdict(view),
        charts=drawn,
        levies=[(each, items.get(each.item_code, each.item_code)) for each in levies],
        small=charts.levy,
        rate=charts.rate,
        fiscal_name=formatting.fiscal_year,
        today=clock.today(),
        before=day - _ONE_DAY,
        after=day + _ONE_DAY,
        shown_max=SHOWN,
        words=words,
        colours=arrival_texts.COLOURS,
        kind_words=kind_words,
        subject_words=partial(subject_words, profile=services().profile),
        notes_text=notes_text,
        messages=messages,
    )


def _kept() -> Kept:
    """The figures that this application keeps."""
    kept: Kept = current_app.extensions.setdefault("kokin_figures", Kept())
    return kept


def _items() -> dict[str, str]:
    """科目 by their codes."""
    return {item.item_code: item.name for item in services().profile.items}


def _known(step: str) -> None:
    if step not in trend.STEPS:
        abort(404)
