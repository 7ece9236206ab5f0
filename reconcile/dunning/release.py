"""督促の承認: two people agree to a list; its letters get their places in the envelopes.

What is approved is just what was drawn: the digests of rows and files stand in the request.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from payments import approve
from payments.domain.errors import RefusedError
from reconcile.dunning.draw import DESPITE, lacking_of, source_states
from reconcile.dunning.record import Happening, append, list_of, require_state

if TYPE_CHECKING:
    from datetime import date, datetime

    from sqlalchemy import Connection

    from payments.approve import Approval
    from payments.domain.profile import Profile

KIND = "dunning_release"  # 承認: letters come into being
_LETTERS = """
INSERT INTO dunning_letter (municipality_code, list_no, seq, notice_id, term)
SELECT w.municipality_code, w.list_no,
    ROW_NUMBER() OVER (ORDER BY o.postal_code, w.obligor_no, w.notice_id, w.term),
    w.notice_id, w.term
FROM dunning_row w
JOIN obligor o ON o.municipality_code = :m AND o.obligor_no = w.obligor_no
WHERE w.municipality_code = :m AND w.list_no = :list_no AND w.ground = ''"""


def subject_of(list_no: int) -> str:
    """承認の対象 of a list."""
    return f"dunning:{list_no}"


def content_of(connection: Connection, municipality_code: str, list_no: int) -> dict[str, Any]:
    """承認の内容: the list, what it asks for, and the digests of what it rests on.

    Raises :class:`RefusedError` ``dunning_state`` unless it was drawn and no more, and
    ``dunning_empty`` when it lists nobody.
    """
    found = list_of(connection, municipality_code, list_no)
    require_state(found, "drawn")
    if not found.listed_count:
        raise RefusedError("dunning_empty", list_no=list_no)
    return {
        "list_no": list_no,
        "as_of": found.as_of_on.isoformat(),
        "cut_off": found.cut_off_on.isoformat(),
        "letters": found.listed_count,
        "amount_yen": found.listed_yen,
        "held_back": found.row_count - found.listed_count,
        "rows_sha256": found.rows_sha256,
        "files_sha256": found.files_sha256,
        "despite_id": found.despite_id,
    }


def ask(
    connection: Connection,
    municipality_code: str,
    list_no: int,
    *,
    asked_by: str,
    at: datetime,
    reason: str,
) -> Approval:
    """督促の承認の依頼; raises what :func:`content_of` and :func:`payments.approve.ask` raise."""
    return approve.ask(
        connection,
        municipality_code,
        KIND,
        subject_of(list_no),
        content_of(connection, municipality_code, list_no),
        asked_by=asked_by,
        at=at,
        reason=reason,
    )


def carry_out(
    connection: Connection, municipality_code: str, approval: Approval, *, on: date
) -> None:
    """承認の実行: the letters get their places, in the transaction of the decision.

    Raises :class:`RefusedError` ``approval_stale`` when the list is no longer what was asked for.
    """
    list_no = int(approval.content["list_no"])
    now = content_of(connection, municipality_code, list_no)
    if approve.canonical(now) != approve.canonical(approval.content):
        raise RefusedError("approval_stale", approval_id=approval.approval_id)
    letters = connection.execute(
        text(_LETTERS), {"m": municipality_code, "list_no": list_no}
    ).rowcount
    at = approval.decided_at or approval.asked_at
    agreed = Happening("approved", on, str(approval.decided_by), at, letters, approval.approval_id)
    append(connection, municipality_code, list_no, agreed)


# ---- over a channel that lacks a file ----


def despite_content(
    connection: Connection, profile: Profile, as_of: date, at: datetime
) -> dict[str, Any]:
    """承認の内容 of a draw over missing files: just which, so that another gap needs another one.

    Raises :class:`RefusedError` ``dunning_complete`` when nothing is lacking.
    """
    lacking = lacking_of(source_states(connection, profile, as_of, at))
    if not lacking:
        raise RefusedError("dunning_complete", as_of=as_of.isoformat())
    return {"as_of": as_of.isoformat(), "lacking": lacking}


def ask_despite(
    connection: Connection,
    profile: Profile,
    as_of: date,
    *,
    asked_by: str,
    at: datetime,
    reason: str,
) -> Approval:
    """資料の不足のままの抽出の依頼; raises what :func:`despite_content` and ``ask`` raise."""
    return approve.ask(
        connection,
        profile.municipality_code,
        DESPITE,
        as_of.isoformat(),
        despite_content(connection, profile, as_of, at),
        asked_by=asked_by,
        at=at,
        reason=reason,
    )
