"""団体設定の変更: what two people decide about the settings, and from which day it holds (R10).

A change is the whole new profile, kept in the content of its approval, which is sealed. What was
approved last is what the next change starts from, whether it holds already or from a day to come;
so no change ever takes back another one unseen. :func:`take_effect` brings the profile in force up
to the day: at the approval, and every night by the scheduler.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import date
from hashlib import sha256
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import text

from payments import approve
from payments.domain.errors import InvalidValueError, NotFoundError, RefusedError
from payments.domain.profile import Profile, profile_from_mapping
from payments.store.municipalities import (
    is_live,
    load_profile,
    require_own_number,
    save_profile,
)
from reconcile.formats.mapped import mappings_of
from reconcile.formats.own_format import formats_of
from reconcile.refunds.bank import require_seen
from web.accounts import staff
from web.admin.differences import Difference, differences
from web.printing.layouts import layouts_by_item

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from payments.approve import Approval

KIND = "parameters"
VERSIONS_MAX = 1_000

# What the books name for ever, and where they name it.
_ITEM_USED = text("SELECT 1 FROM notice WHERE municipality_code = :m AND item_code = :code LIMIT 1")
_ACCOUNT_USED = text(
    "SELECT 1 FROM bank_line WHERE municipality_code = :m AND account_key = :code LIMIT 1"
)


class Settings(NamedTuple):
    """設定の版: a profile, the day from which it holds, and the approval that made it so."""

    profile: Profile
    effective_on: date | None  # None: entered when the body was
    approval: Approval | None

    @property
    def sha256(self) -> str:
        """What the next change says that it starts from."""
        return digest(self.profile)


def digest(profile: Profile) -> str:
    """指紋 of a profile: the hash of its canonical JSON."""
    return sha256(_canonical(asdict(profile)).encode()).hexdigest()


def decided(connection: Connection, municipality_code: str) -> list[Settings]:
    """変更の経過: every change that two people decided, the last one first."""
    found = approve.approvals(
        connection, municipality_code, state="approved", kind=KIND, limit=VERSIONS_MAX
    )
    return [
        Settings(
            profile_from_mapping(one.content["profile"]),
            date.fromisoformat(one.content["effective_on"]),
            one,
        )
        for one in found
    ]


def newest(
    connection: Connection, municipality_code: str, *, before: int | None = None
) -> Settings:
    """変更の元: what a change starts from: the last one decided, else what is in force.

    ``before``: leave out the approval of this number, which is just being decided.
    """
    for one in decided(connection, municipality_code):
        if one.approval is not None and one.approval.approval_id != before:
            return one
    return Settings(load_profile(connection, municipality_code), None, None)


def content_of(
    connection: Connection,
    municipality_code: str,
    profile: Profile,
    effective_on: date,
    *,
    before: int | None = None,
) -> dict[str, Any]:
    """変更の内容, as it is asked for and compared once more when it is decided.

    Raises :class:`InvalidValueError` ``parameters_same`` when nothing changes, ``parameters_day``
    for a day before the change that it starts from, and what :func:`require_usable` raises.
    """
    start = newest(connection, municipality_code, before=before)
    require_usable(connection, municipality_code, start.profile, profile)
    found = differences(asdict(start.profile), asdict(profile))
    if not found:
        raise InvalidValueError("parameters_same")
    if start.effective_on is not None and effective_on < start.effective_on:
        raise InvalidValueError(
            "parameters_day", found=effective_on, expected=f"{start.effective_on} …"
        )
    return {
        "effective_on": effective_on.isoformat(),
        "starts_from": start.sha256,
        "changes": [one._asdict() for one in found],
        "profile": asdict(profile),
    }


def require_usable(
    connection: Connection, municipality_code: str, before: Profile, after: Profile
) -> None:
    """使える設定か: checked as when a body is entered, and that nothing the books name is gone.

    Raises :class:`InvalidValueError` ``parameters_code`` (another municipality),
    ``parameters_item_used``, ``parameters_account_used``, what reading layouts, formats and the
    number of the collecting body raises, and what :func:`reconcile.refunds.bank.require_seen` does.
    """
    if after.municipality_code != municipality_code:
        raise InvalidValueError(
            "parameters_code", found=after.municipality_code, expected=municipality_code
        )
    formats_of(after)
    mappings_of(after)
    layouts_by_item(after)
    require_own_number(connection, after)
    gone = {item.item_code for item in before.items} - {item.item_code for item in after.items}
    _require_unused(connection, municipality_code, gone, _ITEM_USED, "parameters_item_used")
    gone = {account.key for account in before.accounts} - {a.key for a in after.accounts}
    _require_unused(connection, municipality_code, gone, _ACCOUNT_USED, "parameters_account_used")
    require_seen(connection, municipality_code, before, after)


def ask(
    connection: Connection,
    municipality_code: str,
    profile: Profile,
    effective_on: date,
    *,
    asked_by: str,
    at: datetime,
    reason: str,
) -> Approval:
    """変更の依頼: raises what :func:`content_of` and :func:`payments.approve.ask` raise."""
    content = content_of(connection, municipality_code, profile, effective_on)
    return approve.ask(
        connection, municipality_code, KIND, f"municipality:{municipality_code}", content,
        asked_by=asked_by, at=at, reason=reason,
    )  # fmt: skip


def content_now(
    connection: Connection, municipality_code: str, approval: Approval
) -> dict[str, Any]:
    """What would be asked for now instead of ``approval``; the same unless something changed."""
    profile = profile_from_mapping(approval.content["profile"])
    effective_on = date.fromisoformat(approval.content["effective_on"])
    return content_of(
        connection, municipality_code, profile, effective_on, before=approval.approval_id
    )


def take_effect(connection: Connection, municipality_code: str, today: date) -> Approval | None:
    """適用: the last change whose day has come is the profile in force; None: it was already.

    Raises :class:`RefusedError` ``parameters_unfit`` when the books have come to name something
    since that the new profile leaves out; the old one stays in force.
    """
    due = _due(decided(connection, municipality_code), today)
    in_force = load_profile(connection, municipality_code)
    if due is None or due.approval is None or due.sha256 == digest(in_force):
        return None
    try:
        require_usable(connection, municipality_code, in_force, due.profile)
    except InvalidValueError as error:
        raise RefusedError(
            "parameters_unfit", approval_id=due.approval.approval_id, cause=error.error_code
        ) from error
    save_profile(connection, due.profile)
    return due.approval


def take_effect_as(
    connection: Connection, municipality_code: str, today: date, *, actor: str, source: str
) -> Approval | None:
    """適用 by somebody or by the schedule, as :func:`take_effect`, with its 操作記録."""
    taken = take_effect(connection, municipality_code, today)
    if taken is not None:
        number = str(taken.approval_id)
        staff.record(connection, municipality_code, actor, "parameters_in_force", number, source)
    return taken


def waiting_to_hold(
    connection: Connection, municipality_code: str, today: date
) -> tuple[Settings, ...]:
    """適用待ち: changes whose day is still to come, the first one first.

    Before them stands the one whose day has come and that does not hold yet, if there is one.
    """
    every = decided(connection, municipality_code)
    to_come = [one for one in every if one.effective_on is not None and one.effective_on > today]
    due = _due(every, today)
    if due is not None and due.sha256 != digest(load_profile(connection, municipality_code)):
        to_come.append(due)
    return tuple(reversed(to_come))


def _due(every: Sequence[Settings], today: date) -> Settings | None:
    """The last change whose day has come, of all that were decided, the last one first."""
    return next(
        (one for one in every if one.effective_on is not None and one.effective_on <= today), None
    )


def require_alone(connection: Connection, profile: Profile) -> None:
    """一人で登録できるか: a new body, the same settings again, or one that only prints 見本.

    Once two people have decided any settings, those hold again every night, so that what one
    person entered would not last. Raises :class:`RefusedError` ``parameters_two_people``.
    """
    code = profile.municipality_code
    try:
        in_force = load_profile(connection, code)
    except NotFoundError:
        return
    if digest(in_force) == digest(profile):
        return
    if is_live(connection, code) or decided(connection, code):
        raise RefusedError("parameters_two_people", municipality_code=code)


def require_to_come(day: date, today: date) -> date:
    """適用日の確認: today or later; raises :class:`InvalidValueError` ``parameters_day``."""
    if day < today:
        raise InvalidValueError("parameters_day", found=day, expected=f"{today} …")
    return day


def changes_in(approval: Approval) -> list[Difference]:
    """変わるところ that were asked for."""
    return [Difference(**one) for one in approval.content["changes"]]


def _require_unused(
    connection: Connection, municipality_code: str, gone: set[str], used: Any, error_code: str
) -> None:
    for code in sorted(gone):
        if connection.execute(used, {"m": municipality_code, "code": code}).first() is not None:
            raise InvalidValueError(error_code, found=code)


def _canonical(data: Mapping[str, Any] | Sequence[Any]) -> str:
    return json.dumps(data, ensure_ascii=False, sort_keys=True, default=str)
