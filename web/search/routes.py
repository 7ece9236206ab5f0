"""検索の画面: any number that a person may have in hand, what it is, and where it leads.

What is typed travels in the body of the request only; one hit leads to its page, whose address says
the books' own numbers. Several hits stand in the answer itself, and are kept nowhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from flask import Blueprint, current_app, g, redirect, render_template, request, url_for

from payments.domain.errors import KokinError
from payments.store.unit_of_work import reading, unit_of_work
from reconcile import lookup
from reconcile.find import find_file
from web import clock, formatting, messages
from web.accounts.record import record
from web.duties import Do, can
from web.language import translate as _
from web.placements.panel import place_words
from web.search.typed import TEXT_MAX, period, readings
from web.security import may
from web.services import services

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sqlalchemy import Connection
    from werkzeug.wrappers import Response

    from payments.domain.profile import Profile
    from reconcile.lookup import Books, Hit

GROUPS = ("case", "slip", "instalment", "line", "credit", "person", "file")

searching = Blueprint("search", __name__, url_prefix="/staff/search")


class Shown(NamedTuple):
    """一件の表示: its name, the page behind it, and what tells it from the others."""

    name: str
    address: str
    facts: tuple[str, ...]
    amount_yen: int | None


class Found(NamedTuple):
    """検索の結果: hits by group, and as what the text was looked for."""

    groups: dict[str, list[Shown]]
    tried: tuple[str, ...]
    doubts: tuple[str, ...]
    full: bool  # there may be more than are shown
    people: tuple[int, ...]  # a notice of each person whose name is shown

    @property
    def number(self) -> int:
        """How many hits there are."""
        return sum(map(len, self.groups.values()))


@searching.get("")
@may(Do.READ_DETAILS)
def ask() -> str:
    """The form, and what it takes."""
    return render_template("search/search.html", found=None, number="")


@searching.post("")
@may(Do.READ_DETAILS)
def find() -> Response | str:
    """Lead to the one thing that was found, or show them all."""
    typed = request.form.get("number", "")[:TEXT_MAX]
    with reading(services().engine, services().municipality) as connection:
        found = search(connection, services().profile, typed)
    with unit_of_work(services().engine, services().municipality) as connection:
        record(connection, "searched", f"{found.number}")
        for notice_id in found.people:  # whose name was shown, before any purpose was given
            record(connection, "person_found", f"notice:{notice_id}")
    if found.number == 1 and not found.doubts:
        (only,) = (hit for hits in found.groups.values() for hit in hits)
        return redirect(only.address, 303)
    return render_template("search/search.html", found=found, number=typed.strip())


def search(connection: Connection, profile: Profile, typed: str) -> Found:
    """Everything that the text may stand for, each group in its order."""
    books = lookup.Books(connection, profile.municipality_code)
    meant = readings(typed, profile.collecting_body_code)
    hits = [
        hit for one in meant if one.kind in LOOKUPS for hit in LOOKUPS[one.kind](books, one.value)
    ]
    tried = [one.kind for one in meant]
    today = clock.today()
    asked = period(typed, today, lookup.DAYS_BACK)
    if asked is not None and asked.first and asked.last:
        tried.append("amount" if asked.yen is not None else "day")
        hits += lookup.by_amount(books, asked.yen, asked.first, asked.last)
    hits = [hit for hit in lookup.unique(hits) if _may_see(hit)]
    groups = {
        group: [_shown(profile, hit) for hit in hits if hit.kind == group] for group in GROUPS
    }
    return Found(
        {group: shown for group, shown in groups.items() if shown},
        tuple(dict.fromkeys(tried)),
        tuple(one.doubt for one in meant if one.doubt),
        any(len(shown) >= lookup.HITS_MAX for shown in groups.values()),
        tuple(hit.notice_id for hit in hits if hit.kind == "person"),
    )


def _line(books: Books, place: str) -> Iterable[Hit]:
    """資料:行; a file of that name that is not there has no lines."""
    name, _colon, line_no = place.rpartition(":")
    try:
        file_id = find_file(books.connection, books.code, name)
    except KokinError:
        return ()
    return lookup.by_line(books, file_id, int(line_no))


# kind of a reading → how it is looked for
LOOKUPS: dict[str, Callable[[Books, str], Iterable[Hit]]] = {
    "el_number": lookup.by_el_number,
    "case_key": lookup.by_case_key,
    "barcode": lookup.by_barcode,
    "free_area": lambda books, digits: lookup.by_key(books, "K", digits),
    "debit": lambda books, digits: lookup.by_key(books, "D", digits),
    "slip_no": lookup.by_slip_no,
    "notice_no": lookup.by_notice_no,
    "person_no": lookup.by_person_no,
    "case_no": lambda books, number: lookup.by_case_no(books, int(number)),
    "sha": lookup.by_sha,
    "line": _line,
    "transaction": lookup.by_transaction,
    "file_name": lookup.by_file_name,
    "name": lambda books, name: lookup.by_name(books, name, clock.today()),
}


def _may_see(hit: Hit) -> bool:
    """Whose account it is sees only who may open it."""
    return hit.kind != "person" or (can(g.user, Do.READ_PERSON) and hit.notice_id > 0)


def _shown(profile: Profile, hit: Hit) -> Shown:
    """A hit in words."""
    day = formatting.long_day(hit.on) if hit.on else ""
    facts: tuple[str, ...]
    match hit.kind:
        case "slip":
            facts = (
                place_words(profile, hit.more),
                messages.label("slip_state", hit.state),
                day and _("支払期限 {day}", day=day),
            )
            name = hit.name
        case "instalment":
            name, facts = place_words(profile, hit.name), (day and _("納期限 {day}", day=day),)
        case "line" | "credit":
            state = messages.label("stage" if hit.kind == "line" else "deposit_state", hit.state)
            name = f"{hit.name} " + _("{line_no}行目", line_no=hit.line_no)
            facts = (state, day, formatting.wide(hit.more))
        case "case":
            name = _("確認事項 {case_no}", case_no=hit.case_no)
            facts = (messages.case(hit.name).label, messages.label("case_state", hit.state), day)
        case "file":
            name, facts = hit.name, (messages.label("file_status", hit.state), day)
        case _:
            name, facts = hit.name, (hit.more,)
    return Shown(name, _address(hit), tuple(filter(None, facts)), hit.amount_yen)


def _address(hit: Hit) -> str:
    """The page about it, by the books' own numbers."""
    match hit.kind:
        case "slip" if "slips.show" in current_app.view_functions and can(g.user, Do.READ_SLIPS):
            return url_for("slips.show", slip_id=hit.slip_id)
        case "slip" | "instalment":
            return url_for("explain.claim", notice_id=hit.notice_id, term=hit.term)
        case "line" | "credit":
            return url_for("explain.line", file_id=hit.file_id, line_no=hit.line_no)
        case "case":
            return url_for("cases.show", case_no=hit.case_no)
        case "file":
            return url_for("files.show", file_id=hit.file_id)
    return url_for("people.of_notice", notice_id=hit.notice_id)
