"""振込名義: names under which bills of obligors were paid, learned from links of two people.

A name is learned only when the first person asks for it with the link and the second approves it.
It raises the level of a suggestion for as long as the profile says (``alias_days``); it never links
anything by itself (R6). One person may revoke it, for that only makes suggestions weaker.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import bindparam, text

from payments.domain.errors import NotFoundError
from payments.domain.reason import require_reason
from payments.store.bulk import take_numbers
from reconcile.settlement.line_books import as_date

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import Connection

    from payments.domain.profile import Profile

LEARNED, REVOKED = "learned", "revoked"

_ADD = """
INSERT INTO payer_alias (municipality_code, alias_no, event, payer_folded, obligor_no, approval_id,
    happened_on, expires_on, actor, reason)
VALUES (:m, :alias_no, :event, :payer_folded, :obligor_no, :approval_id, :happened_on, :expires_on,
    :actor, :reason)"""
_SELECT = """
SELECT alias_no, event, payer_folded, obligor_no, approval_id, happened_on, expires_on
FROM payer_alias WHERE municipality_code = :m"""
_ALL = f"{_SELECT} ORDER BY alias_no"
_OF_NAMES = f"{_SELECT} AND payer_folded IN :names ORDER BY alias_no"


class Alias(NamedTuple):
    """振込名義: this folded name has paid for this obligor before."""

    alias_no: int
    payer_folded: str
    obligor_no: str
    approval_id: int
    learned_on: date
    expires_on: date


def learn(
    connection: Connection,
    profile: Profile,
    payer_folded: str,
    obligor_no: str,
    *,
    approval_id: int,
    on: date,
    actor: str,
    reason: str,
) -> int:
    """名義を覚える: tie the name to the obligor for ``profile.alias_days``; gives its number."""
    alias = Alias(
        take_numbers(connection, profile.municipality_code, "payer_alias", 1),
        payer_folded,
        obligor_no,
        approval_id,
        on,
        on + timedelta(days=profile.alias_days),
    )
    _add(connection, profile.municipality_code, LEARNED, alias, on, actor, reason)
    return alias.alias_no


def revoke(
    connection: Connection,
    municipality_code: str,
    alias_no: int,
    *,
    on: date,
    actor: str,
    reason: str,
) -> Alias:
    """名義を忘れる: the name says nothing about the obligor any more; gives what was remembered.

    Raises :class:`NotFoundError` ``payer_alias`` when nothing is remembered under the number,
    :class:`InvalidValueError` ``reason_missing`` or ``reason_long``.
    """
    known = all_aliases(connection, municipality_code, on=on)
    alias = next((one for one in known if one.alias_no == alias_no), None)
    if alias is None:
        raise NotFoundError("payer_alias", alias_no=alias_no)
    number = take_numbers(connection, municipality_code, "payer_alias", 1)
    ended = alias._replace(alias_no=number, expires_on=on)
    _add(connection, municipality_code, REVOKED, ended, on, actor, require_reason(reason))
    return alias


def all_aliases(connection: Connection, municipality_code: str, *, on: date) -> list[Alias]:
    """振込名義の一覧: everything that is remembered on a day, by name, then obligor."""
    rows = connection.execute(text(_ALL), {"m": municipality_code})
    return _standing(rows, on)


def aliases_of(
    connection: Connection, municipality_code: str, names: Sequence[str], *, on: date
) -> list[Alias]:
    """振込名義: what is remembered of these folded names on a day, by obligor."""
    if not names:
        return []
    rows = connection.execute(
        text(_OF_NAMES).bindparams(bindparam("names", expanding=True)),
        {"m": municipality_code, "names": list(names)},
    )
    return _standing(rows, on)


def _standing(events: Iterable[Any], on: date) -> list[Alias]:
    """Of every name and obligor the last event, while it says anything."""
    standing: dict[tuple[str, str], Alias] = {}
    for row in events:
        standing.pop((row.payer_folded, row.obligor_no), None)
        if row.event == LEARNED and as_date(row.expires_on) >= on:
            standing[row.payer_folded, row.obligor_no] = Alias(
                row.alias_no, row.payer_folded, row.obligor_no, row.approval_id,
                as_date(row.happened_on), as_date(row.expires_on),
            )  # fmt: skip
    return [standing[key] for key in sorted(standing)]


def _add(
    connection: Connection,
    municipality_code: str,
    event: str,
    alias: Alias,
    on: date,
    actor: str,
    reason: str,
) -> None:
    connection.execute(
        text(_ADD),
        {
            "m": municipality_code,
            "alias_no": alias.alias_no,
            "event": event,
            "payer_folded": alias.payer_folded,
            "obligor_no": alias.obligor_no,
            "approval_id": alias.approval_id if event == LEARNED else None,
            "happened_on": on.isoformat(),
            "expires_on": alias.expires_on.isoformat(),
            "actor": actor,
            "reason": reason,
        },
    )
