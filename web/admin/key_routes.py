"""納付通知の鍵の画面: what payment operators sign with; a secret is shown once, when it is made.

One person alone makes and ends keys, so that everything here asks who one is first.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from flask import redirect, render_template, request, url_for

from payments.domain.errors import InvalidValueError, KokinError
from payments.store.unit_of_work import reading, unit_of_work
from web import clock, messages
from web.accounts.record import record
from web.admin.routes import administering
from web.duties import Do
from web.errors import status_of
from web.notifications import door
from web.notifications import keys as api_keys
from web.security import may, proven
from web.services import services

if TYPE_CHECKING:
    from collections.abc import Mapping

    from werkzeug.wrappers import Response as BaseResponse

OVERLAP_DAYS_MAX = 366

__all__ = ["administering"]  # with all of its pages


class Shown(NamedTuple):
    """一度だけ見せる秘密, and until when the one before it holds."""

    key_id: str
    secret: str
    until: datetime | None = None


@administering.get("/keys")
@may(Do.MANAGE_KEYS)
@proven
def keys() -> str:
    """鍵の一覧, without secrets."""
    return _page()


@administering.post("/keys")
@may(Do.MANAGE_KEYS)
@proven
def add_key() -> str | tuple[str, int]:
    """鍵の登録."""
    code = services().municipality
    typed = {"key_id": request.form.get("key_id", "").strip(),
             "operator": request.form.get("operator", "").strip()}  # fmt: skip
    try:
        with unit_of_work(services().engine, code) as connection:
            secret = api_keys.add(
                connection,
                services().settings,
                code,
                typed["key_id"],
                operator_name=typed["operator"],
            )
            record(connection, "key_added", typed["key_id"])
    except KokinError as error:
        return _page(typed=typed, error=error), status_of(error)
    return _page(shown=Shown(typed["key_id"], secret))


@administering.post("/keys/<key_id>/rotate")
@may(Do.MANAGE_KEYS)
@proven
def rotate_key(key_id: str) -> str | tuple[str, int]:
    """秘密の更新: the old one holds for some days, so that nobody has to change at one moment."""
    code = services().municipality
    days = request.form.get("overlap_days", "")
    if not (days.isascii() and days.isdigit() and int(days) <= OVERLAP_DAYS_MAX):
        error = InvalidValueError(
            "parameters_value", field="overlap_days", found=days, expected=f"0–{OVERLAP_DAYS_MAX}"
        )
        return _page(error=error), status_of(error)
    until = clock.now() + timedelta(days=int(days))
    with unit_of_work(services().engine, code) as connection:
        secret = api_keys.rotate(connection, services().settings, code, key_id, ends_at=until)
        record(connection, "key_rotated", key_id)
    return _page(shown=Shown(key_id, secret, until))


@administering.post("/keys/<key_id>/disable")
@may(Do.MANAGE_KEYS)
@proven
def disable_key(key_id: str) -> BaseResponse:
    """鍵の停止: nothing signed with it is taken any more."""
    code = services().municipality
    with unit_of_work(services().engine, code) as connection:
        api_keys.disable(connection, code, key_id)
        record(connection, "key_disabled", key_id)
    return redirect(url_for("admin.keys"), 303)


def _page(
    *,
    shown: Shown | None = None,
    typed: Mapping[str, str] | None = None,
    error: KokinError | None = None,
) -> str:
    code = services().municipality
    used: Mapping[tuple[str, int], datetime] = {}
    store = services().spool.reading(code)
    if store is not None:
        with store as connection:
            used = door.last_uses(connection, code)
    with reading(services().engine, code) as connection:
        found = api_keys.everybody(connection, code, used)
    return render_template(
        "admin/keys.html",
        keys=found,
        shown=shown,
        typed=typed or {"key_id": "", "operator": ""},
        error=messages.error(error.error_code, error.details) if error else "",
    )
