"""一目: whether anything of what has just arrived was ever seen before.

Nearly always nothing was. One statement says so for all who share a commit, instead of one each
for nonces, for the spool and for the books.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from web.notifications.door import Signed
    from web.notifications.journey import Journey
    from web.notifications.known import Key

SPOOL, BOOKS = "notification_spool", "payment_notification"

# Pair by pair, each found by its index: OFFSET keeps PostgreSQL from joining instead, for which it
# reads all of a table that has grown since it was last counted.
_SEEN = (
    "EXISTS (SELECT 1 FROM <pairs> WHERE EXISTS (SELECT 1 FROM <table> "
    "WHERE municipality_code = {mark} AND <first> = wanted.column1 "
    "AND <second> = wanted.column2 LIMIT 1 OFFSET 0))"
)
_SEEN_NONCE = (
    _SEEN.replace("<table>", "notification_nonce")
    .replace("<first>", "slot")
    .replace("<second>", "fingerprint")
)
_SEEN_KEY = _SEEN.replace("<first>", "key_id").replace("<second>", "notification_id")
# Only what others have entered meanwhile is read.
_LAST_NO = (
    "(SELECT COALESCE(MAX(spool_no), {mark}) FROM notification_spool "
    "WHERE municipality_code = {mark} AND spool_no > {mark})"
)


def add_first_look(
    journey: Journey,
    municipality_code: str,
    requests: Sequence[Signed],
    keys: Sequence[Key],
    known_no: int,
) -> None:
    """Ask the spool whether none of these was seen before, and for its last number.

    ``known_no`` was the last at some time. On PostgreSQL the books are looked into as well.
    """
    # A nonce is known in its own slot or in one of its neighbours.
    nonces = [(each.slot + step, each.fingerprint) for each in requests for step in (-1, 0, 1)]
    looks = [
        (_SEEN_NONCE, nonces),
        (_SEEN_KEY.replace("<table>", SPOOL), keys),
    ]
    if journey.on_server:
        looks.append((_SEEN_KEY.replace("<table>", BOOKS), keys))
    none_seen, values = _none_seen(journey, municipality_code, looks)
    journey.add(f"SELECT {none_seen}, {_LAST_NO}", *values, known_no, municipality_code, known_no)


def add_look_into_books(journey: Journey, municipality_code: str, keys: Sequence[Key]) -> None:
    """Ask the books whether they know none of these."""
    look = (_SEEN_KEY.replace("<table>", BOOKS), keys)
    none_seen, values = _none_seen(journey, municipality_code, [look])
    journey.add(f"SELECT {none_seen}", *values)


def _none_seen(
    journey: Journey,
    municipality_code: str,
    looks: Sequence[tuple[str, Sequence[tuple[Any, Any]]]],
) -> tuple[str, list[object]]:
    """The condition that no pair is found where it is looked for, and its values."""
    parts: list[str] = []
    values: list[object] = []
    for form, pairs in looks:
        if pairs:
            source, its = journey.table(pairs)
            parts.append(form.replace("<pairs>", source))
            values += [*its, municipality_code]
    return f"NOT ({' OR '.join(parts) or '1 = 0'})", values
