"""まとめて: one deed for several cases, each with its own outcome.

Only what books nothing can be done in bulk. ``accepted`` ends a case without anybody having looked
at it singly, so it is for kinds alone whose money has all found its place: nothing waits in
suspense, nothing is missing, and no figure would look different afterwards (:data:`SAFE`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from payments.domain.errors import InvalidValueError, KokinError, RefusedError
from reconcile import cases
from reconcile.case_facts import line as line_facts
from reconcile.case_list import WAITING, case_summaries
from web import messages

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from sqlalchemy import Connection

    from reconcile.case_list import CaseSummary

DEEDS = ("assign", "acknowledge", "deadline", "note", "accept")
CASES_MAX = 200
# 期限後納付 and 旧納付書 without a rest are matched to the last yen; 期別誤りの疑い is a hint about
# money that stands where its slip says. All others hold money, or wait for somebody's answer.
SAFE = frozenset({"expired_slip", "superseded_slip", "wrong_instalment_suspected"})


@dataclass(frozen=True, slots=True)
class Deed:
    """行うこと, with what it needs: a new owner, a day, or a text."""

    code: str
    owner: str = ""
    due_on: date | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Planned:
    """予定: what the deed would do to one case; ``refused`` says why it would do nothing."""

    case: CaseSummary
    events: int  # how many there were when it was shown
    refused: str = ""


@dataclass(frozen=True, slots=True)
class Done:
    """結果 for one case: done with the event of this number, or refused."""

    case_no: int
    event_no: int = 0
    refused: str = ""


def plan(
    connection: Connection, municipality_code: str, code: str, numbers: Sequence[int]
) -> list[Planned]:
    """What would happen to each of these cases, before anything does."""
    found = case_summaries(connection, municipality_code, list(numbers)[:CASES_MAX])
    return [
        Planned(
            case,
            cases.events_shown(connection, municipality_code, case.case_no),
            _refusal(connection, municipality_code, code, case),
        )
        for case in found
    ]


def _refusal(connection: Connection, municipality_code: str, code: str, case: CaseSummary) -> str:
    """Why this cannot be done to this case, in a sentence; "" when it can."""
    try:
        require_fitting(connection, municipality_code, code, case)
    except KokinError as error:
        return messages.error(error.error_code, error.details)
    return ""


def require_fitting(
    connection: Connection, municipality_code: str, code: str, case: CaseSummary
) -> None:
    """Raises :class:`RefusedError` ``case_state`` or ``case_bulk_kind``."""
    needed = ("open",) if code == "acknowledge" else WAITING
    if code != "note" and case.state not in needed:
        raise RefusedError("case_state", case_no=case.case_no, state=case.state)
    if code != "accept":
        return
    line = line_facts(connection, municipality_code, *_place(case))
    if case.kind not in SAFE or line.get("suspense_yen"):
        raise RefusedError("case_bulk_kind", case_no=case.case_no)


def _place(case: CaseSummary) -> tuple[int | None, int | None]:
    """The line a case is about."""
    file_id, colon, _line = case.subject.partition(":")
    return (int(file_id), case.line_no) if colon and file_id.isdigit() else (None, None)


def require_deed(deed: Deed, staff_names: Mapping[str, str], on: date) -> None:
    """Whether the deed has what it needs.

    Raises :class:`InvalidValueError` ``case_deed``, ``case_owner``, ``case_deadline_missing``,
    ``case_deadline_past`` or ``case_note``.
    """
    if deed.code not in DEEDS:
        raise InvalidValueError("case_deed", found=deed.code)
    if deed.code == "assign" and deed.owner and deed.owner not in staff_names:
        raise InvalidValueError("case_owner", found=deed.owner)
    if deed.code == "deadline" and deed.due_on is None:
        raise InvalidValueError("case_deadline_missing")
    if deed.code == "deadline" and deed.due_on is not None and deed.due_on < on:
        raise InvalidValueError("case_deadline_past", found=deed.due_on.isoformat())
    if deed.code in {"note", "accept"} and not deed.note.strip():
        raise InvalidValueError("case_note")


def carry_out(
    connection: Connection,
    municipality_code: str,
    deed: Deed,
    shown: Mapping[int, int],
    *,
    actor: str,
    on: date,
) -> list[Done]:
    """Do it, case by case; ``shown`` is how many events of each case the person had seen.

    A case that somebody changed meanwhile, or to which it cannot be done, is left as it is.
    """
    found = {c.case_no: c for c in case_summaries(connection, municipality_code, list(shown))}
    done = []
    for case_no, events in sorted(shown.items()):
        try:
            if case_no in found:
                require_fitting(connection, municipality_code, deed.code, found[case_no])
            if cases.events_shown(connection, municipality_code, case_no) != events:
                raise RefusedError("stale_case", case_no=case_no)
            do(connection, municipality_code, case_no, deed, actor=actor, on=on)
        except KokinError as error:
            done.append(Done(case_no, refused=messages.error(error.error_code, error.details)))
        else:
            done.append(Done(case_no, events + 1))
    return done


def do(
    connection: Connection,
    municipality_code: str,
    case_no: int,
    deed: Deed,
    *,
    actor: str,
    on: date,
) -> None:
    """One deed to one case; raises what :mod:`reconcile.cases` raises, before it writes."""
    place = connection, municipality_code, case_no
    match deed.code:
        case "assign":
            cases.assign(*place, deed.owner, actor=actor, on=on)
        case "acknowledge":
            cases.acknowledge(*place, actor=actor, on=on)
        case "deadline" if deed.due_on is not None:
            cases.set_deadline(*place, deed.due_on, actor=actor, on=on)
        case "note":
            cases.add_note(*place, deed.note, actor=actor, on=on)
        case "accept":
            cases.accept(*place, deed.note, actor=actor, on=on)


def take_back(
    connection: Connection,
    municipality_code: str,
    events: Sequence[tuple[int, int]],
    *,
    actor: str,
    on: date,
) -> list[Done]:
    """まとめての取消: the event of each case, as far as nothing later has changed the same."""
    done = []
    for case_no, event_no in events[:CASES_MAX]:
        try:
            cases.undo(connection, municipality_code, case_no, event_no, actor=actor, on=on)
        except KokinError as error:
            done.append(Done(case_no, refused=messages.error(error.error_code, error.details)))
        else:
            done.append(Done(case_no, event_no))
    return done
