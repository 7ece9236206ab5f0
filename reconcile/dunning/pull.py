"""引抜き: the second draw just before dispatch, and the dispatch itself (law.md L-02, I2, I10).

Letters lie in envelopes for days. What has come since is looked up once more, over files that are
complete again, and says which envelopes must be taken out and why, in the order in which they lie.
Nothing is dispatched before a person has confirmed that they were; and if anything more has come
between the second draw and the dispatch, the second draw is made again.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import bindparam, text

from payments.domain.errors import RefusedError
from reconcile.dunning.draw import require_files, source_states
from reconcile.dunning.grounds import NEXT_TERM, looked_at, values_of
from reconcile.dunning.limits import extinct_letters
from reconcile.dunning.record import Happening, append, list_of, require_state
from reconcile.dunning.rules import (
    AMOUNT_CHANGED,
    BITS,
    CANCELLED,
    GROUNDS,
    PAID,
    PRESCRIBED,
    PULL_MASK,
    Terms,
)
from reconcile.dunning.sent import renew, require_fees

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

    from sqlalchemy import Connection

    from payments.domain.profile import Profile
    from reconcile.dunning.record import DunningList

# A letter as it stands now, beside what its row said when the list was drawn.
_LETTERS = f"""SELECT l.seq, l.notice_id, l.term, {NEXT_TERM},
    a.amount_yen, i.due_on, i.collection_hold, i.dunning_hold,
    a.term_yen + a.whole_yen - a.surplus_yen AS paid_yen, a.term_yen + a.whole_yen AS came_yen,
    w.amount_yen - w.paid_yen AS then_yen
    FROM dunning_letter l
    JOIN dunning_row w ON w.municipality_code = :m AND w.list_no = l.list_no
        AND w.notice_id = l.notice_id AND w.term = l.term
    JOIN instalment_account a ON a.municipality_code = :m AND a.notice_id = l.notice_id
        AND a.term = l.term
    JOIN instalment i ON i.municipality_code = :m AND i.notice_id = l.notice_id
        AND i.term = l.term
    WHERE l.municipality_code = :m AND l.list_no = :list_no"""
_REASON = (
    f"CASE WHEN amount_yen = 0 THEN '{CANCELLED}' WHEN amount_yen <= paid_yen "
    f"AND (grounds & {BITS['provisional']}) = 0 THEN '{PAID}' "
    + " ".join(
        f"WHEN (grounds & {BITS[ground]}) <> 0 THEN '{ground}'"
        for ground in GROUNDS
        if BITS[ground] & PULL_MASK
    )
    + f" WHEN amount_yen - paid_yen <> then_yen THEN '{AMOUNT_CHANGED}' END"
)
_FOUND = f"""
WITH {looked_at(_LETTERS)},
pulled AS (SELECT seq, {_REASON} AS reason, amount_yen - paid_yen AS open_yen FROM looked)
SELECT seq, reason, open_yen FROM pulled WHERE reason IS NOT NULL ORDER BY seq"""


class Pulled(NamedTuple):
    """引抜きの一通: its place among the envelopes, why, and what is still open."""

    seq: int
    reason: str
    open_yen: int


class PullLine(NamedTuple):
    """引抜きリストの一行, as a person looks for the envelope."""

    seq: int
    file_no: int | None
    page_no: int | None
    item_code: str
    levy_year: int
    notice_no: str
    term: str
    postal_code: str
    name: str
    then_yen: int
    open_yen: int
    reason: str


def second_draw(
    connection: Connection,
    profile: Profile,
    list_no: int,
    *,
    on: date,
    actor: str,
    at: datetime,
) -> list[Pulled]:
    """引抜きリストの抽出: which letters must be taken out now; the last one counts.

    Raises :class:`RefusedError` ``dunning_state`` and ``dunning_blocked``.
    """
    code = profile.municipality_code
    found = list_of(connection, code, list_no)
    require_state(found, "approved", "pull_drawn", "pull_confirmed")
    pulled = _pulled(connection, profile, found, on, at)
    pull_no = 1 + sum(1 for event in found.events if event.event == "pull_drawn")
    if pulled:
        connection.execute(
            text(
                "INSERT INTO dunning_pull (municipality_code, list_no, pull_no, seq, reason, "
                "open_yen) VALUES (:m, :list_no, :pull_no, :seq, :reason, :open_yen)"
            ),
            [{"m": code, "list_no": list_no, "pull_no": pull_no, **p._asdict()} for p in pulled],
        )
    drawn = Happening("pull_drawn", on, actor, at, len(pulled), pull_no, pulls_digest(pulled))
    append(connection, code, list_no, drawn)
    return pulled


def confirm(
    connection: Connection,
    municipality_code: str,
    list_no: int,
    *,
    on: date,
    actor: str,
    at: datetime,
    count: int,
) -> None:
    """引抜きの確認: a person has taken ``count`` envelopes out.

    Raises :class:`RefusedError` ``dunning_state``, and ``dunning_pull_count`` when it is another
    number than the list says.
    """
    found = list_of(connection, municipality_code, list_no)
    require_state(found, "pull_drawn")
    drawn = found.last("pull_drawn")
    if drawn is None or drawn.letters != count:
        raise RefusedError(
            "dunning_pull_count", found=count, expected=drawn.letters if drawn else 0
        )
    done = Happening("pull_confirmed", on, actor, at, count, drawn.subject_no, drawn.rows_sha256)
    append(connection, municipality_code, list_no, done)


def dispatch(
    connection: Connection,
    profile: Profile,
    list_no: int,
    *,
    on: date,
    actor: str,
    at: datetime,
    count: int,
) -> int:
    """発送の記録: ``count`` letters left the building on ``on``; how many were taken out before.

    With it the limitation of what they are about begins anew; their fees follow
    (:func:`reconcile.dunning.sent.book_sent_fees`). Raises :class:`RefusedError` ``dunning_state``
    (the pull list is not confirmed), ``dunning_blocked``, ``dunning_pull_again`` (something has
    come since), ``dunning_dispatch_count`` when letters and envelopes do not add up, and
    ``dunning_fee_changed``.
    """
    code = profile.municipality_code
    found = list_of(connection, code, list_no)
    require_state(found, "pull_confirmed")
    confirmed = found.last("pull_confirmed")
    approved = found.last("approved")
    if confirmed is None or approved is None:
        raise RefusedError("dunning_state", list_no=list_no, state=found.state)
    if pulls_digest(_pulled(connection, profile, found, on, at)) != confirmed.rows_sha256:
        raise RefusedError("dunning_pull_again", list_no=list_no)
    expected = approved.letters - confirmed.letters
    if count != expected:
        raise RefusedError("dunning_dispatch_count", found=count, expected=expected)
    require_fees(connection, profile, list_no, on)
    sent = Happening(
        "dispatched", on, actor, at, count, confirmed.subject_no, confirmed.rows_sha256
    )
    append(connection, code, list_no, sent)
    renew(connection, code, list_no, on=on, actor=actor)
    return confirmed.letters


def _pulled(
    connection: Connection, profile: Profile, found: DunningList, on: date, at: datetime
) -> list[Pulled]:
    """The letters against which something speaks now."""
    code = profile.municipality_code
    states = source_states(connection, profile, on, at)
    require_files(connection, code, states, on)
    # The dues lie before the list's own cut-off, which its files covered.
    complete = max(found.cut_off_on, min([on, *(state.complete_until for state in states)]))
    terms = Terms(on, found.terms.wait_days, found.terms.minimum_yen)
    values = values_of(connection, code, terms, complete) | {"list_no": found.list_no}
    rows = connection.execute(text(_FOUND).bindparams(bindparam("named", expanding=True)), values)
    pulled = {row.seq: Pulled(row.seq, row.reason, int(row.open_yen)) for row in rows}
    for seq, open_yen in extinct_letters(connection, profile, found.list_no, on).items():
        pulled.setdefault(seq, Pulled(seq, PRESCRIBED, open_yen))
    return [pulled[seq] for seq in sorted(pulled)]


def pulls_digest(pulled: Sequence[Pulled]) -> str:
    """引抜きリストのハッシュ: SHA-256 over ``seq,reason,open_yen`` and a line feed, in order."""
    return sha256(
        "".join(f"{p.seq},{p.reason},{p.open_yen}\n" for p in pulled).encode()
    ).hexdigest()


_LINES = """
SELECT p.seq, s.file_no, s.page_no, w.item_code, n.levy_year, n.notice_no, w.term, o.postal_code,
    o.name, w.amount_yen - w.paid_yen AS then_yen, p.open_yen, p.reason
FROM dunning_pull p
JOIN dunning_letter l ON l.municipality_code = :m AND l.list_no = p.list_no AND l.seq = p.seq
JOIN dunning_row w ON w.municipality_code = :m AND w.list_no = p.list_no
    AND w.notice_id = l.notice_id AND w.term = l.term
JOIN notice n ON n.municipality_code = :m AND n.notice_id = l.notice_id
JOIN obligor o ON o.municipality_code = :m AND o.obligor_no = w.obligor_no
LEFT JOIN print_run_slip s ON s.municipality_code = :m AND s.run_id = :run_id
    AND s.notice_id = l.notice_id AND s.term = l.term AND s.refusal = ''
WHERE p.municipality_code = :m AND p.list_no = :list_no AND p.pull_no = :pull_no
ORDER BY p.seq"""


def pull_lines(
    connection: Connection, municipality_code: str, found: DunningList, pull_no: int
) -> list[PullLine]:
    """引抜きリスト in the order of the envelopes, with the printed page of each."""
    values: dict[str, Any] = {
        "m": municipality_code,
        "list_no": found.list_no,
        "pull_no": pull_no,
        "run_id": found.run_id,
    }
    return [PullLine(*row) for row in connection.execute(text(_LINES), values)]
