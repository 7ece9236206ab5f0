"""入力の保管: what somebody typed is not lost when their session has run out.

It goes into a short-lived cookie, sealed, and is offered again to the same person of the same body
once they have signed in. Only a form of ours is kept: its token has to fit the session that ended.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask import current_app, request, session, url_for
from flask_wtf.csrf import validate_csrf
from wtforms.validators import ValidationError

from payments.domain.errors import ConfigurationError
from payments.store.unit_of_work import reading
from web import stale
from web.accounts import sessions
from web.notifications.sealed_secrets import seal, unseal
from web.services import services

if TYPE_CHECKING:
    from werkzeug.wrappers import Response as BaseResponse

COOKIE = "kokin-typed"
SECONDS = 900
BYTES_MAX = 3_000  # sealed and encoded it still fits into a cookie
# Where somebody proves who they are nothing is offered again; a file is too large for a cookie.
NEVER = frozenset({"entrance", "steps", "factors", "accounts", "users"})
SECRET_FIELDS = ("csrf_token", "password", "code", "answer")
_PLACE = "typed form"


@dataclass(frozen=True, slots=True)
class KeptForm:
    """入力: where it was sent, by whom, from which page, and the fields with their values."""

    body: str
    user_name: str
    path: str
    page: str
    fields: tuple[tuple[str, str], ...]

    @property
    def typed(self) -> tuple[tuple[str, str], ...]:
        """What a person would know again: not the mark of which page they had before them."""
        return tuple(each for each in self.fields if not each[0].startswith(stale.FIELD))


def take() -> str:
    """What the request has in it, sealed; nothing when it is not to be kept."""
    token, code = session.get("token"), session.get("body")
    if request.method != "POST" or request.blueprint in NEVER or not (token and code):
        return ""
    if request.mimetype != "application/x-www-form-urlencoded" or not _is_ours():
        return ""
    with reading(services().engine, code) as connection:
        user_name = sessions.whose(connection, code, token)
    fields = [
        (name, value)
        for name, value in request.form.items(multi=True)
        if not name.startswith(SECRET_FIELDS)
    ]
    page = request.referrer or ""
    page = page.removeprefix(request.host_url.rstrip("/")) if page else ""
    kept = json.dumps([code, user_name, request.path, page, fields], ensure_ascii=False)
    if not user_name or len(kept.encode()) > BYTES_MAX // 2:
        return ""
    return seal(services().settings, _PLACE, kept).hex()


def give(response: BaseResponse, sealed: str) -> None:
    """Let the browser keep it until somebody has signed in."""
    if sealed:
        response.set_cookie(
            COOKIE,
            sealed,
            max_age=SECONDS,
            path=url_for("today.show"),
            secure=services().settings.https,
            httponly=True,
            samesite="Strict",
        )


def offered(user_name: str) -> KeptForm | None:
    """What this person had typed, or None."""
    try:
        sealed = bytes.fromhex(request.cookies.get(COOKIE, ""))
        body, name, path, page, fields = json.loads(
            unseal(services().settings, _PLACE, sealed) if sealed else "[]"
        )
    except (ValueError, ConfigurationError):
        return None
    if (body, name) != (services().municipality, user_name):
        return None
    return KeptForm(body, name, path, page, tuple((key, value) for key, value in fields))


def forget(response: BaseResponse) -> None:
    """It was offered: nothing is kept any more."""
    response.delete_cookie(COOKIE, path=url_for("today.show"))


def _is_ours() -> bool:
    """Whether the form came from a page of the session that has ended."""
    if not current_app.config.get("WTF_CSRF_ENABLED", True):
        return True
    try:
        validate_csrf(request.form.get("csrf_token"))
    except ValidationError:
        return False
    return True
