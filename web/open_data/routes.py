"""公開データの画面: figures for everybody, of the bodies that publish them (団体設定 open_data).

A body that publishes nothing and one that is not here get the same answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, abort, g, make_response, render_template, request

from payments.store.municipalities import load_profile
from payments.store.unit_of_work import reading
from web.language import language
from web.open_data.files import COLLECTIONS, NAMES, as_csv, as_json, as_metadata, percent
from web.open_data.small_cells import SMALL
from web.open_data.tables import published
from web.security import limiter
from web.services import services
from web.texts.open_data import CHANNEL_NAMES, COLUMNS, EVERYTHING, TABLES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from payments.domain.profile import Profile
    from web.open_data.tables import Figures

LIMIT = "60 per minute"
CACHED = "public, max-age=3600"
MONTHS_SHOWN = 12
YEAR_DIGITS = 4  # a period of so many is a 会計年度
open_data = Blueprint("open_data", __name__, url_prefix="/open-data")


@open_data.get("/")
@limiter.limit(LIMIT)
def index() -> Response:
    """Which bodies publish their figures."""
    found = []
    for body in services().bodies:
        with reading(services().engine, body.code) as connection:
            if load_profile(connection, body.code).open_data.published:
                found.append(body)
    return _page("open_data/index.html", bodies=found)


@open_data.get("/<code>/")
@limiter.limit(LIMIT)
def show(code: str) -> Response:
    """The figures of one body: the latest months and years, and what they mean."""
    profile, figures = _figures(code)
    shown = sorted({row.period for row in figures.rows if row.kind == "month"})[-MONTHS_SHOWN:]
    years = sorted({row.period for row in figures.rows if row.kind == "year"})
    place = 0 if language() == "ja" else 1
    return _page(
        "open_data/show.html",
        figures=figures,
        terms=profile.open_data,
        tables=[(period, _table(figures, period)) for period in reversed([*shown, *years])],
        names={name: pair[place] for name, pair in CHANNEL_NAMES.items()},
        everything=EVERYTHING[place],
        columns=[
            (name, [(column, words[place]) for column, words in of.items()])
            for name, of in COLUMNS.items()
        ],
        small=SMALL,
        files=[(name, TABLES[name]) for name in NAMES],
        rates=_latest(figures.measures.rates),
        shares=_latest(figures.measures.shares),
        delays=_latest(figures.measures.delays),
        percent=percent,
    )


@open_data.get("/<code>/<slug>.csv")
@limiter.limit(LIMIT)
def as_csv_file(code: str, slug: str) -> Response:
    """One of the tables as CSV."""
    _profile, figures = _figures(code, slug)
    return _file(as_csv(figures, slug), "text/csv; charset=utf-8", figures)


@open_data.get("/<code>/<slug>.json")
@limiter.limit(LIMIT)
def as_json_file(code: str, slug: str) -> Response:
    """One of the tables as JSON."""
    profile, figures = _figures(code, slug)
    return _file(as_json(figures, profile.open_data, slug), "application/json", figures)


@open_data.get("/<code>/<slug>.csv-metadata.json")
@limiter.limit(LIMIT)
def as_metadata_file(code: str, slug: str) -> Response:
    """What the columns of a CSV mean."""
    profile, figures = _figures(code, slug)
    return _file(as_metadata(figures, profile.open_data, slug), "application/csvm+json", figures)


def _figures(code: str, name: str = COLLECTIONS) -> tuple[Profile, Figures]:
    """The body and what it publishes; 404 where it publishes nothing, or no such table."""
    if name not in NAMES or not code.isdecimal() or not services().serves(code):
        abort(404)
    services().enter(code)
    with reading(services().engine, code) as connection:
        profile = load_profile(connection, code)
        if not profile.open_data.published:
            abort(404)
        return profile, published(connection, profile)


def _page(template: str, **values: Any) -> Response:
    """A page that may be kept for an hour, in the language that it was asked for in."""
    answer = make_response(render_template(template, **values))
    answer.vary.add("Cookie")
    if not request.args:  # a choice of language sets a cookie, which is nobody else's
        g.cached = CACHED
    return answer


def _file(data: bytes, kind: str, figures: Figures) -> Response:
    """A file that may be kept for an hour and asked for again by its version."""
    answer = Response(data, content_type=kind)
    answer.set_etag(figures.version)
    g.cached = CACHED
    answer.make_conditional(request)
    return answer


def _latest(rows: Sequence[Any]) -> list[Any]:
    """The rows of the latest month."""
    last = max((row.period for row in rows if len(row.period) > YEAR_DIGITS), default="")
    return [row for row in rows if row.period == last]


def _table(figures: Figures, period: str) -> dict[str, dict[str, tuple[int | None, int | None]]]:
    """One period as rows of levies with a figure for each channel."""
    found: dict[str, dict[str, tuple[int | None, int | None]]] = {}
    for row in figures.rows:
        if row.period == period:
            found.setdefault(row.levy_code, {})[row.channel] = (row.count, row.amount_yen)
    return found
