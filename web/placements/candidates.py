"""候補の見せ方: what the money of a line may be for, side by side with the line's own values.

How sure a suggestion is and which facts agree say :mod:`reconcile.suggest.rules`; here they become
rows to compare and fields to ask with. Nothing is linked by it: two people decide (R6, R10).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import bindparam, select, text

from reconcile.placement.credit_ask import GroupShare
from reconcile.placement_model import Part
from reconcile.settlement.owed import owed_by_notices
from reconcile.store.tables import BankLineRow, SourceFileRow, SourceLineRow
from reconcile.suggest.candidates import suggestions_for
from reconcile.suggest.rules import Fact
from web import formatting, messages
from web.language import translate as _
from web.placements.form import standing
from web.placements.panel import group_words, place_words
from web.texts import placements as words

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from sqlalchemy import Connection

    from payments.domain.profile import Profile
    from reconcile.suggest.rules import Suggestion
    from web.placements.form import Typed
    from web.placements.panel import Panel

INSTALMENTS_MAX = 200
# Facts that forbid calling a suggestion sure; the others speak for it.
AGAINST = frozenset(
    {
        Fact.LATE,
        Fact.NUMBER_KNOWN,
        Fact.NAME_SHARED,
        Fact.NAME_OF_MANY,
        Fact.SEVERAL_READINGS,
        Fact.NOT_ALL_SHOWN,
    }
)
_PREFIX = {"el": "E", "konbini": "K"}
_NUMBERS = """
SELECT s.notice_id, k.pay_key FROM slip s
JOIN pay_key k ON k.municipality_code = :m AND k.slip_id = s.slip_id
WHERE s.municipality_code = :m AND s.notice_id IN :notices ORDER BY k.pay_key"""

line_table = SourceLineRow.__table__  # type: ignore[attr-defined]
bank_table = BankLineRow.__table__  # type: ignore[attr-defined]
file_table = SourceFileRow.__table__  # type: ignore[attr-defined]


class Digits(NamedTuple):
    """番号の一続き: some digits, and whether the other number has others in their place."""

    text: str
    differs: bool = False


class Compared(NamedTuple):
    """比べた値: what the line says, and what the candidate says."""

    name: str
    here: tuple[Digits, ...]
    there: tuple[Digits, ...]


class Share(NamedTuple):
    """候補の充当: an instalment in words, whose it is, what is open there, what it would get."""

    name: str
    obligor: str
    outstanding_yen: int
    amount_yen: int


@dataclass(frozen=True, slots=True)
class Candidate:
    """候補の一つ, ready to be shown and asked for."""

    level: str
    speaks_for: tuple[str, ...]
    speaks_against: tuple[str, ...]
    compared: tuple[Compared, ...]
    shares: tuple[Share, ...]
    beside: tuple[str, ...]
    typed: Typed  # the form with the candidate in it, beside what stands


def candidates_of(connection: Connection, profile: Profile, panel: Panel) -> tuple[Candidate, ...]:
    """候補 of a line whose money waits and about which nothing is asked, the surest first."""
    if panel.waiting is not None:
        return ()
    code = profile.municipality_code
    found = suggestions_for(connection, profile, panel.file_id, panel.line_no)
    if not found:
        return ()
    line = _line(connection, code, panel.file_id, panel.line_no)
    notices = sorted({part.notice_id for one in found for part in one.parts})
    owed = owed_by_notices(connection, code, notices, most=INSTALMENTS_MAX, settled_too=True)
    due = {(one.notice_id, one.term): one.due_on for one in owed}
    numbers = _numbers(connection, code, notices, str(line["key_kind"]))
    names = _line_names(connection, code, [subject for one in found for subject in one.beside])
    told = []
    for one in found:
        days = {due[at] for at in ((p.notice_id, p.term) for p in one.parts) if at in due}
        days |= {group.remitted_on for group in one.groups}
        told.append(
            Candidate(
                level=str(one.level),
                speaks_for=_said(one, against=False),
                speaks_against=_said(one, against=True),
                compared=_compared(line, one, numbers, sorted(days)),
                shares=_shares(profile, one, panel.agent),
                beside=tuple(names.get(subject, subject) for subject in one.beside),
                typed=_typed(one, panel),
            )
        )
    return tuple(told)


def _said(one: Suggestion, *, against: bool) -> tuple[str, ...]:
    return tuple(
        messages.label("suggestion_reason", fact)
        for fact in one.reasons
        if (fact in AGAINST) == against
    )


def _shares(profile: Profile, one: Suggestion, agent: str) -> tuple[Share, ...]:
    """What would go where; a remittance is expected in full."""
    bills = (
        Share(place_words(profile, p.place), p.obligor_name, p.outstanding_yen, p.amount_yen)
        for p in one.parts
    )
    remittances = (
        Share(group_words(group.ref, agent), "", group.amount_yen, group.amount_yen)
        for group in one.groups
    )
    return (*bills, *remittances)


def _typed(one: Suggestion, panel: Panel) -> Typed:
    """The form as if a person had typed the candidate beside what the line settles already."""
    typed = standing(panel)
    for part in one.parts:
        stands = panel.settled_here.get((part.notice_id, part.term), 0)
        typed.add(Part(part.notice_id, part.term, part.amount_yen + stands))
    for group in one.groups:
        typed.add(GroupShare(group.group_id, group.amount_yen))
    return typed


def _compared(
    line: Mapping[str, Any],
    one: Suggestion,
    numbers: Mapping[int, Sequence[str]],
    days: Sequence[date],
) -> tuple[Compared, ...]:
    """比べる行: number, amount, name and date, as far as either side has them."""
    found = []
    key = str(line["slip_key"] or "")
    known = [n for part in one.parts for n in numbers.get(part.notice_id, ())]
    if key and known:
        nearest = min(known, key=lambda number: (_distance(key, number), number))
        here, there = digits(key, nearest), digits(nearest, key)
        found.append(Compared(words.COMPARED["number"], here, there))
    yen = (*(p.amount_yen for p in one.parts), *(g.amount_yen for g in one.groups))
    found.append(
        _plain("amount", formatting.yen(line["amount_yen"]), "＋".join(map(formatting.yen, yen)))
    )
    obligors = _("、").join(dict.fromkeys(part.obligor_name for part in one.parts))
    payer = formatting.wide(str(line.get("payer_name") or ""))
    if payer:
        found.append(_plain("name", payer, obligors))
    paid_on = formatting.long_day(line["paid_on"])
    said = _("、").join(map(formatting.long_day, days))
    which = words.COMPARED["remitted_on" if one.groups else "due_on"]
    found.append(_plain("day", paid_on, said and f"{which} {said}"))
    return tuple(found)


def _plain(name: str, here: str, there: str) -> Compared:
    return Compared(words.COMPARED[name], (Digits(here or "—"),), (Digits(there or "—"),))


def _distance(one: str, other: str) -> int:
    """In how many places two numbers differ; another length differs in most of them."""
    pairs = zip(one, other, strict=False)
    return sum(a != b for a, b in pairs) + abs(len(one) - len(other))


def digits(number: str, other: str) -> tuple[Digits, ...]:
    """番号の見比べ: in runs of digits that are and are not those of the other number."""
    if len(number) != len(other):
        return (Digits(number),)
    runs: list[Digits] = []
    for here, there in zip(number, other, strict=True):
        differs = here != there
        if runs and runs[-1].differs == differs:
            runs[-1] = Digits(runs[-1].text + here, differs)
        else:
            runs.append(Digits(here, differs))
    return tuple(runs)


def _line(connection: Connection, code: str, file_id: int, line_no: int) -> Mapping[str, Any]:
    """What the line itself says, with the payer of a statement line."""
    row = connection.execute(
        select(
            line_table.c.key_kind,
            line_table.c.slip_key,
            line_table.c.amount_yen,
            line_table.c.paid_on,
            bank_table.c.payer_name,
        )
        .select_from(
            line_table.outerjoin(
                bank_table,
                (bank_table.c.municipality_code == line_table.c.municipality_code)
                & (bank_table.c.file_id == line_table.c.file_id)
                & (bank_table.c.line_no == line_table.c.line_no),
            )
        )
        .where(
            line_table.c.municipality_code == code,
            line_table.c.file_id == file_id,
            line_table.c.line_no == line_no,
        )
    ).one()
    return dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name


def _numbers(
    connection: Connection, code: str, notices: Sequence[int], kind: str
) -> dict[int, list[str]]:
    """番号 of the slips of these notices, in the form in which the line carries its own."""
    prefix = _PREFIX.get(kind)
    if prefix is None or not notices:
        return {}
    found: dict[int, list[str]] = {}
    rows = connection.execute(
        text(_NUMBERS).bindparams(bindparam("notices", expanding=True)),
        {"m": code, "notices": list(notices)},
    )
    for row in rows:
        if row.pay_key.startswith(prefix):
            number = row.pay_key.removeprefix(prefix).partition("/")[0]
            found.setdefault(row.notice_id, []).append(number)
    return found


def _line_names(connection: Connection, code: str, subjects: Sequence[str]) -> dict[str, str]:
    """``file:line`` → the name of the file and the line."""
    places = {subject: subject.partition(":") for subject in subjects}
    rows = connection.execute(
        select(file_table.c.file_id, file_table.c.name).where(
            file_table.c.municipality_code == code,
            file_table.c.file_id.in_(sorted({int(at[0]) for at in places.values()})),
        )
    )
    names = {row.file_id: row.name for row in rows}
    return {
        subject: formatting.line_place(names.get(int(file), file), line_no)
        for subject, (file, _colon, line_no) in places.items()
    }
